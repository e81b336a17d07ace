"""Figures about telling two coins apart: flips, log-likelihood ratios and rates of error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import (
    ACCENT,
    GREY,
    M_COLOR,
    P_COLOR,
    P_LINE,
    Q_COLOR,
    Q_FACE,
    Q_LINE,
    panels,
    write_powers,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


def sampled_bars(
    shares: Sequence[ArrayLike],
    truths: Sequence[ArrayLike],
    names: Sequence[str],
    categories: Sequence[str] = ("heads", "tails"),
) -> Figure:
    """Shares of the categories in a sample of two coins, with their probabilities as diamonds.

    Parameters
    ----------
    shares
        For the reference coin and the other one: the observed share of each category.
    truths
        The probabilities that the samples were drawn with.
    names
        What to write under each panel.
    categories
        Names of the categories.
    """
    figure, axes = panels(2, sharey=True, height=2.8)
    faces: tuple[dict[str, Any], ...] = ({"color": P_COLOR}, Q_FACE)
    for ax, share, truth, name, face in zip(axes, shares, truths, names, faces, strict=True):
        bars = ax.bar(categories, np.asarray(share), width=0.5, **face)
        ax.bar_label(bars, fmt="%.3f", padding=7)
        ax.plot(categories, np.asarray(truth), "D", color="black", markersize=6)
        ax.set(xlabel=name, ylim=(0, 1.15), yticks=[0, 0.25, 0.5, 0.75, 1])
    axes[0].set_ylabel("share of the flips")
    return figure


def walks(fair: ArrayLike, unfair: ArrayLike, slopes: tuple[float, float]) -> Figure:
    """Cumulative log-likelihood ratios of several runs of flips, for each of two true coins.

    Parameters
    ----------
    fair, unfair
        Shape (runs, flips): Σ log(p/q) after each flip, when the flips come from p and from q.
    slopes
        The expected change per flip in the two cases: KL(p‖q) and −KL(q‖p).
    """
    figure, (ax,) = panels(height=3.6)
    for coin, runs, color, line, slope in (
        ("fair coin, p", np.asarray(fair), P_COLOR, P_LINE, slopes[0]),
        ("unfair coin, q", np.asarray(unfair), Q_COLOR, Q_LINE, slopes[1]),
    ):
        flips = np.arange(runs.shape[1] + 1)
        for run in runs:
            ax.plot(flips, [0, *run], color=color, linewidth=0.6)
        label = f"{coin}: {slope:+.3f} nats a flip".replace("-", "−")
        ax.plot(flips, slope * flips, **line, linewidth=3, label=label)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set(xlabel="flips", ylabel="Σ log(p/q) (nats)")
    ax.set_xlim(0, flips[-1])
    ax.legend(loc="upper left")
    return figure


def exponents(
    n: ArrayLike,
    missed_unfair: ArrayLike,
    missed_fair: ArrayLike,
    limits: tuple[float, float],
    corrected: tuple[ArrayLike, ArrayLike],
) -> Figure:
    """How fast the chance of a miss falls, −log(miss)/n, against the number of flips.

    Parameters
    ----------
    n
        Numbers of flips.
    missed_unfair, missed_fair
        −log(miss)/n when the unfair coin is missed (limit KL(p‖q)) and when the fair one is.
    limits
        The two divergences, drawn as lines.
    corrected
        The limits with the 1/√n term that the spread of the log-likelihood ratio adds.
    """
    figure, (ax,) = panels(height=3.6)
    for values, bent, limit, color, label in (
        (missed_unfair, corrected[0], limits[0], P_COLOR, "KL(fair‖unfair)"),
        (missed_fair, corrected[1], limits[1], Q_COLOR, "KL(unfair‖fair)"),
    ):
        ax.axhline(limit, color=color, linewidth=1)
        near = np.asarray(bent)
        ax.plot(n, np.where(near > 0, near, np.nan), color=GREY, linestyle=":", linewidth=1.5)
        ax.plot(n, np.asarray(values), "o", color=color, markersize=4)
        end = (np.max(np.asarray(n)), limit + 0.04)
        ax.annotate(f"{label} = {limit:.4f}", end, color=color, ha="right")
    ax.annotate("unfair coin missed", (40, 0.86), color=P_COLOR)
    ax.annotate("fair coin missed", (40, 0.41), color=Q_COLOR)
    ax.set(xscale="log", ylim=(0, 1.8))
    write_powers(ax.xaxis)
    ax.set(xlabel="flips n", ylabel="−log(miss) / n (nats a flip)")
    return figure


def chernoff(
    weight: ArrayLike, curve: ArrayLike, peak: tuple[float, float], slopes: tuple[float, float]
) -> Figure:
    """The curve −log Σ p^(1−s) q^s: its height is Chernoff's exponent, its end slopes are KLs.

    Parameters
    ----------
    weight, curve
        s between 0 and 1, and the curve there, in nats.
    peak
        The s of the maximum and the maximum.
    slopes
        KL(p‖q), the slope at s = 0, and KL(q‖p), minus the slope at s = 1.
    """
    figure, (ax,) = panels()
    s, top = peak
    ax.plot(weight, curve, color=M_COLOR, linewidth=2.5)
    ax.plot([0, 0.27], [0, 0.27 * slopes[0]], color=P_COLOR)
    ax.plot([0.45, 1], [0.55 * slopes[1], 0], **Q_LINE)
    ax.plot([s, s], [0, top], color=GREY, linewidth=1, linestyle=":")
    ax.plot(s, top, "o", color=M_COLOR)
    ax.annotate(f"slope KL(p‖q) = {slopes[0]:.4f}", (0.29, 0.4), color=P_COLOR)
    ax.annotate(f"slope −KL(q‖p) = −{slopes[1]:.4f}", (0.97, 0.335), color=Q_COLOR, ha="right")
    ax.annotate(f"C = {top:.4f}", (s, 0.2), xytext=(s + 0.015, 0.19), color=M_COLOR)
    ax.set(xlabel="s: from p (s = 0) to q (s = 1)", ylabel="nats a flip")
    ax.set(xlim=(0, 1), ylim=(0, 0.44))
    return figure


def error_decay(n: ArrayLike, errors: Mapping[str, ArrayLike], rate: float) -> Figure:
    """Exact error probabilities against the number of flips, and the bound exp(−rate·n)/2.

    Parameters
    ----------
    n
        Numbers of flips.
    errors
        Name and probabilities of each curve; at most three.
    rate
        Of the bound, the dashed line, in nats a flip.
    """
    figure, (ax,) = panels()
    flips = np.asarray(n)
    marks = zip(errors.items(), (M_COLOR, ACCENT, P_COLOR), ("o", "s", "^"), strict=False)
    for (name, values), color, mark in marks:
        ax.semilogy(flips, np.asarray(values), mark, color=color, markersize=4, label=name)
    bound = np.exp(-rate * flips) / 2
    ax.semilogy(flips, bound, "--", color=GREY, label=f"½ exp(−{rate:.4f} n)")
    ax.set(xlabel="flips n", ylabel="probability of a wrong verdict", xlim=(0, None))
    ax.set_ylim(top=3)
    write_powers(ax.yaxis)
    ax.legend(loc="lower left")
    return figure
