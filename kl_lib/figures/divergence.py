"""Figures of the step from entropy to KL: evidence, code books, inequalities, fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .compare import draw_bars
from .style import (
    AMBER,
    GREY,
    LIGHT,
    M_COLOR,
    P_COLOR,
    P_LINE,
    Q_COLOR,
    Q_FACE,
    Q_LINE,
    SKY,
    panels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def code_books(
    p: ArrayLike,
    q: ArrayLike,
    categories: Sequence[str],
    p_book: Sequence[str],
    q_book: Sequence[str],
    *,
    labels: tuple[str, str] = ("p", "q"),
) -> Figure:
    """Two distributions as bars, each bar with its word from that distribution's own code book."""
    figure, (ax,) = panels()
    draw_bars(ax, p, q, categories, *labels)
    books = ((p, p_book, -0.2, P_COLOR), (q, q_book, 0.2, Q_COLOR))
    for heights, book, shift, color in books:
        for place, (height, word) in enumerate(zip(np.asarray(heights), book, strict=True)):
            ax.text(
                place + shift,
                height + 0.01,
                word,
                ha="center",
                va="bottom",
                color=color,
                family="monospace",
            )
    ax.set_ylabel("probability")
    ax.set_ylim(0, 1.12 * float(np.max([p, q])))  # room for the words on the highest bars
    return figure


def weighted_terms(
    ratios: ArrayLike, terms: ArrayLike, categories: Sequence[str], *, unit: str = "bits"
) -> Figure:
    """Log-likelihood ratios above the same ratios weighted by p, with their sum as a last bar.

    Parameters
    ----------
    ratios
        log(p/q) for each category.
    terms
        p·log(p/q) for each category.
    categories
        Names on the horizontal axis.
    unit
        Name of the unit on the vertical axes.
    """
    ratios, terms = np.asarray(ratios), np.asarray(terms)
    figure, (top, bottom) = panels(rows=2, height=4.6, sharex=True)
    _signed_bars(top, ratios, categories)
    top.set_ylabel(f"log(p/q) ({unit})")
    _signed_bars(bottom, terms, categories)
    place, total = len(terms), terms.sum()
    bottom.bar(place, total, width=0.6, color=GREY)
    bottom.set_xticks(range(place + 1), [*categories, "sum"])
    bottom.set_ylabel(f"p·log(p/q) ({unit})")
    return figure


def _signed_bars(ax: Axes, values: np.ndarray[Any, Any], categories: Sequence[str]) -> None:
    """Bars in p's look where p is the larger, in q's look where q is."""
    for place, value in enumerate(values):
        look = {"color": P_COLOR} if value >= 0 else Q_FACE
        ax.bar(place, value, width=0.6, **look)
    ax.axhline(0, color="black", linewidth=1)
    ax.set_xticks(range(len(values)), categories)


def evidence_walks(
    p_walks: ArrayLike, q_walks: ArrayLike, p_drift: float, q_drift: float
) -> Figure:
    """Running sums of the log-likelihood ratio, for data from p and for data from q.

    Parameters
    ----------
    p_walks, q_walks
        Shape (walks, observations): sums after 1, 2, ... observations, in bits.
    p_drift, q_drift
        Expected change at each observation, drawn as straight lines.
    """
    p_walks, q_walks = np.asarray(p_walks), np.asarray(q_walks)
    days = np.arange(p_walks.shape[1] + 1)
    figure, (ax,) = panels(height=3.6)
    for walks, drift, line, name in (
        (p_walks, p_drift, P_LINE, "p"),
        (q_walks, q_drift, Q_LINE, "q"),
    ):
        start = np.zeros((len(walks), 1))
        ax.plot(days, np.hstack([start, walks]).T, color=line["color"], linewidth=0.6)
        label = f"data from {name}: {drift:+.3f} bits a day".replace("-", "−")
        ax.plot(days, drift * days, linewidth=3, label=label, **line)
    ax.axhline(0, color="black", linewidth=1)
    ax.set(xlabel="days", ylabel="evidence for p against q (bits)")
    ax.set_xlim(0, days[-1])
    ax.legend(loc="upper left")
    return figure


def whole_bits(kl: ArrayLike, shannon: ArrayLike, huffman: ArrayLike) -> Figure:
    """Bits above H(p) that whole-bit codes built for q cost on data from p, against KL(p‖q)."""
    figure, (ax,) = panels(height=3.8)
    ends = np.array([0.0, 1.05 * np.max(kl)])
    ax.fill_between(ends, ends, ends + 1, color=LIGHT, alpha=0.6, linewidth=0)
    ax.plot(ends, ends + 1, color=GREY, linewidth=0.8)
    ax.plot(ends, ends, color="black", linewidth=1.2, label="ideal lengths: exactly KL")
    ax.scatter(kl, shannon, s=16, color=SKY, label="lengths rounded up (Shannon)")
    ax.scatter(
        kl, huffman, s=16, marker="^", facecolor="white", edgecolor=Q_COLOR, label="Huffman's code"
    )
    ax.set(xlabel="KL(p‖q) (bits)", ylabel="measured bits above H(p)")
    ax.set_xlim(*ends)
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper left")
    return figure


def gibbs() -> Figure:
    """The line t − 1 above log t, touching it at 1: the picture behind Gibbs' inequality."""
    t = np.linspace(0.05, 3, 400)
    figure, (ax,) = panels()
    ax.plot(t, t - 1, color=AMBER, linestyle="--", label="t − 1")
    ax.plot(t, np.log(t), color=P_COLOR, label="log t")
    ax.fill_between(t, np.log(t), t - 1, color=AMBER, alpha=0.15, linewidth=0)
    ax.plot(1, 0, "o", color="black")
    ax.annotate("they touch at 1,\nwhere p(x) = q(x)", (1, 0), (1.3, -1.7), arrowprops=_ARROW)
    ax.axhline(0, color="black", linewidth=1)
    ax.set(xlabel="t = q(x)/p(x), the ratio for one outcome", ylabel="nats")
    ax.set_xlim(0, 3)
    ax.legend(loc="upper left")
    return figure


_ARROW: dict[str, Any] = {"arrowstyle": "->", "color": GREY}


def cross_entropy_parts(
    t: ArrayLike, cross_entropies: ArrayLike, q_entropies: ArrayLike, p_entropy: float, p_t: float
) -> Figure:
    """Cross-entropy, H(p) and H(q) for coins q = (t, 1 − t) against one fixed coin p.

    Parameters
    ----------
    t
        Probability of heads under q.
    cross_entropies, q_entropies
        H(p, q) and H(q) at each t, in bits.
    p_entropy
        H(p), in bits.
    p_t
        Probability of heads under p, marked on the horizontal axis.
    """
    t, cross = np.asarray(t), np.asarray(cross_entropies)
    figure, (ax,) = panels(height=3.6)
    ax.fill_between(t, p_entropy, cross, color=M_COLOR, alpha=0.25, linewidth=0)
    ax.plot(t, cross, color=AMBER, label="cross-entropy H(p, q)")
    ax.plot(t, q_entropies, label="entropy H(q)", **Q_LINE)
    ax.axhline(p_entropy, label="entropy H(p)", **P_LINE)
    ax.plot(p_t, p_entropy, "o", color="black")
    ax.text(0.74, 1.12, "KL(p‖q)", ha="center", va="center")
    ax.set(xlabel="probability of heads under q", ylabel="bits")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 2.6)
    ax.legend(loc="upper center")
    return figure


def likelihood_and_kl(
    rates: ArrayLike, nll: ArrayLike, kl: ArrayLike, best: float, *, xlabel: str = "rate"
) -> Figure:
    """Mean negative log-likelihood and KL(data‖model) against one parameter, and their minimum."""
    rates, nll, kl = np.asarray(rates), np.asarray(nll), np.asarray(kl)
    figure, (ax,) = panels(height=3.6)
    ax.plot(rates, nll, color=AMBER, linestyle="--", label="mean negative log-likelihood")
    ax.plot(rates, kl, color=M_COLOR, label="KL(data‖model)")
    ax.axvline(best, color=GREY, linewidth=1, linestyle=":")
    side = 0.8 * float(rates[-1])
    low, high = float(np.interp(side, rates, kl)), float(np.interp(side, rates, nll))
    arrow = {**_ARROW, "arrowstyle": "<->", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (side, low), (side, high), arrowprops=arrow)
    ax.text(side, (low + high) / 2, "  H(data)", va="center")
    ax.set(xlabel=xlabel, ylabel="nats for each observation")
    ax.set_ylim(0, 1.4 * float(nll.max()))  # room for the legend above the curves
    ax.legend(loc="upper right")
    return figure


def two_directions(t: ArrayLike, forward: ArrayLike, reverse: ArrayLike, p_t: float) -> Figure:
    """KL(p‖q) and KL(q‖p) for coins q = (t, 1 − t) against one fixed coin p, in bits."""
    figure, (ax,) = panels()
    ax.plot(t, forward, label="forward, KL(p‖q)", **P_LINE)
    ax.plot(t, reverse, label="reverse, KL(q‖p)", **Q_LINE)
    ax.plot(p_t, 0, "o", color="black", clip_on=False)
    ax.set(xlabel="probability of heads under q", ylabel="bits")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 2.5)
    ax.legend(loc="upper center")
    return figure
