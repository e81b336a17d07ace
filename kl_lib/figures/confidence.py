"""Figures about a classifier's loss: how it falls with confidence, and where it stops falling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..discrete import cross_entropy, entropy
from .compare import draw_bars
from .style import ACCENT, AMBER, GREY, M_COLOR, P_COLOR, Q_COLOR, SKY, panels, write_powers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def answers(
    p: Sequence[float], cases: Mapping[str, Sequence[float]], categories: Sequence[str]
) -> Figure:
    """Reality p beside each network's answer, one panel a network, one legend above them.

    Parameters
    ----------
    p
        Probabilities of the categories in reality.
    cases
        Name of each network and its probabilities.
    categories
        Names on the horizontal axes.
    """
    figure, axes = panels(len(cases), sharey=True)
    for ax, (name, q) in zip(axes, cases.items(), strict=True):
        draw_bars(ax, p, q, categories)
        if own := ax.get_legend():
            own.remove()
        ax.set(xlabel=name, ylim=(0, 1.05))
    axes[0].set_ylabel("probability")
    handles, _ = axes[0].get_legend_handles_labels()
    figure.legend(handles, ["reality p", "answer q"], loc="outside upper center", ncols=2)
    return figure


def zero_log_zero(smallest: float = 1e-6) -> Figure:
    """Why 0·log 0 is 0: −log2 x grows without bound, x·(−log2 x) goes to 0.

    Parameters
    ----------
    smallest
        Where the lower panel, which has a logarithmic axis, ends.
    """
    figure, (top, bottom) = panels(rows=2, height=5.0)
    x = np.linspace(1e-4, 1, 500)
    top.plot(x, -np.log2(x), color=GREY, linestyle=":")
    top.plot(x, -x * np.log2(x), color=M_COLOR)
    top.set(xlabel="x", ylabel="bits", xlim=(0, 1), ylim=(0, 4))
    top.annotate("−log₂ x", (0.2, 2.5), color=GREY)
    top.annotate("−x log₂ x", (0.27, 0.1), color=M_COLOR)

    x = np.logspace(np.log10(smallest), 0, 400)
    bottom.plot(x, -np.log2(x), color=GREY, linestyle=":")
    bottom.plot(x, -x * np.log2(x), color=M_COLOR)
    bottom.set(xlabel="x, falling to the right", ylabel="bits")
    bottom.set(xscale="log", xlim=(1, smallest), ylim=(0, 21))
    write_powers(bottom.xaxis)
    bottom.annotate("−log₂ x", (3e-4, 14.5), color=GREY, ha="right")
    bottom.annotate("−x log₂ x", (8e-3, 1.0), color=M_COLOR)
    return figure


def loss_curve(marks: Mapping[str, float]) -> Figure:
    """The loss −log2 q of a picture whose true label gets probability q, with some q marked.

    Parameters
    ----------
    marks
        Name and probability, above 0, of each classifier to mark on the curve.
    """
    figure, (ax,) = panels()
    q = np.linspace(0.012, 1, 600)
    ax.plot(q, -np.log2(q), color=GREY, zorder=1)
    for name, confidence in marks.items():
        loss = -np.log2(confidence) + 0.0  # no minus zero
        ax.plot(confidence, loss, "o", color=Q_COLOR, markersize=8, clip_on=False, zorder=3)
        ax.annotate(
            f"{name}:\n{loss:.4f} bits",
            (confidence, loss),
            xytext=(9, 6) if confidence < 0.5 else (0, 9) if confidence == 1 else (-10, 40),
            textcoords="offset points",
            ha="left" if confidence < 0.5 else "center",
            arrowprops={"arrowstyle": "-", "color": GREY} if 0.5 < confidence < 1 else None,
            annotation_clip=False,
        )
    ax.annotate(
        "no upper end",
        (0.012, 6.38),
        xytext=(0.12, 5.9),
        color=GREY,
        arrowprops={"arrowstyle": "->", "color": GREY},
    )
    ax.set(xlim=(0, 1), ylim=(0, 6.5))
    ax.set(xlabel="probability given to the true label, q(dog)", ylabel="loss (bits)")
    return figure


def uncertain_reality(realities: tuple[float, ...]) -> Figure:
    """Cross-entropy and KL against q(dog), in bits: one panel for each p(dog).

    The shaded strip under the curve is the entropy of p, which no classifier can remove.
    """
    figure, axes = panels(rows=len(realities), height=2.6 * len(realities))
    for ax, p in zip(axes, realities, strict=True):
        _cross_entropy_panel(ax, p)
    return figure


def _cross_entropy_panel(ax: Axes, p: float) -> None:
    q = 1 / (1 + np.exp(-np.linspace(-18, 18, 901)))  # close at both ends, where the walls are
    rows = np.stack([q, 1 - q], axis=-1)
    crossed = cross_entropy([p, 1 - p], rows, base=2)
    floor = float(entropy([p, 1 - p], base=2))
    ax.fill_between(q, 0, floor, color=P_COLOR, alpha=0.2, linewidth=0)
    ax.plot(q, crossed, color=AMBER)
    # Dashes, so that both curves show where they coincide, which they do when floor is 0.
    ax.plot(q, crossed - floor, color=M_COLOR, linestyle=(0, (4, 3)))
    ax.plot([p, p], [0, floor], color=P_COLOR, linewidth=1.2)
    ax.plot([p, p], [0, floor], "o", color=P_COLOR, clip_on=False)
    ax.set(xlabel=f"q(dog), where p(dog) = {p:g}", ylabel="loss (bits)", xlim=(0, 1), ylim=(0, 5))
    if floor:
        ax.annotate("cross-entropy", (0.2, 2.25))
        ax.annotate("KL", (0.04, 0.95), color=M_COLOR)
        ax.annotate(f"H(p) = {floor:.4f}", (0.02, 0.09))
    else:
        ax.annotate("cross-entropy and KL\nare one curve, H(p) = 0", (0.28, 2.2))


def logit_view(realities: tuple[float, ...]) -> Figure:
    """Loss in nats and its slope against the logit of q(dog), a curve for each p(dog).

    The slope is q(dog) − p(dog): never outside [−1, 1], and 0 only where q = p.
    """
    figure, (top, bottom) = panels(rows=2, height=5.0, sharex=True)
    z = np.linspace(-6, 6, 481)
    for p, color, line in zip(realities, (GREY, ACCENT, SKY), ("-", "--", "-."), strict=False):
        # −p·log σ(z) − (1 − p)·log(1 − σ(z)), written so that neither logarithm overflows
        top.plot(z, np.logaddexp(0, z) - p * z, color=color, linestyle=line)
        bottom.plot(
            z, 1 / (1 + np.exp(-z)) - p, color=color, linestyle=line, label=f"p(dog) = {p:g}"
        )
    top.set(ylabel="cross-entropy (nats)", ylim=(0, 6.2))
    bottom.set(xlabel="logit of q(dog)", xlim=(-6, 6))
    bottom.set(ylabel="slope (nats per logit)", ylim=(-1.05, 1.05))
    bottom.axhline(0, color=GREY, linewidth=0.8)
    bottom.legend(loc="upper left")
    return figure
