"""Figures about KL as a training loss: its clip, its gradient, and where both stop working."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .compare import draw_bars
from .style import GREY, panels, write_powers
from .training import LOSSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


def _draw_exact(ax: Axes, x: ArrayLike, y: ArrayLike) -> None:
    """The exact value as a broad white line with dark rims: a curve on top leaves it in sight."""
    from matplotlib.patheffects import Normal, Stroke

    rims = [Stroke(linewidth=8.6, foreground="black"), Normal()]
    ax.plot(x, y, label="exact", color="white", linewidth=7, path_effects=rims)


_KL, _CE = LOSSES["kl"], LOSSES["ce"]


def unlearning(kl: tuple[ArrayLike, ArrayLike], ce: tuple[ArrayLike, ArrayLike]) -> Figure:
    """Gradient descent from a wrong and certain prediction, once for each of two losses.

    Parameters
    ----------
    kl, ce
        For KL and for cross-entropy: the loss and the probability of the true class, each with
        one value for each step.
    """
    figure, (top, bottom) = panels(rows=2, height=4.8, sharex=True)
    for name, line, (loss, probability) in (
        ("KL", _KL, kl),
        ("cross-entropy", _CE, ce),
    ):
        top.plot(np.asarray(loss), label=name, **line)
        bottom.plot(np.asarray(probability), label=name, **line)
    top.set(ylabel="loss (nats)", ylim=(-0.8, 21))
    bottom.set(xlabel="step", ylabel="probability\nof the true class", ylim=(-0.04, 1.04))
    top.legend(loc="center right", bbox_to_anchor=(1.0, 0.5))
    return figure


def clip_effect(
    small: tuple[ArrayLike, ArrayLike, ArrayLike], many: tuple[ArrayLike, ArrayLike, ArrayLike]
) -> Figure:
    """What clipping does to the value: one small probability, and many categories.

    Parameters
    ----------
    small
        The smallest probability in q, the exact KL, and the clipped KL.
    many
        The number of categories, the exact KL, and the clipped KL.
    """
    figure, (top, bottom) = panels(rows=2, height=5.2)
    for ax, (x, exact, clipped), marker in ((top, small, ""), (bottom, many, "o")):
        _draw_exact(ax, x, exact)
        ax.plot(x, clipped, label="Keras", marker=marker, markersize=5, **_KL)
        ax.set(xscale="log", ylabel="KL (nats)")
        ax.set_ylim(bottom=0)
        write_powers(ax.xaxis)
    top.set(xlabel="smallest probability in q")
    bottom.set(xlabel="categories")
    top.legend(loc="upper right")
    return figure


def gradient_bars(
    p: ArrayLike, q: ArrayLike, gradient: ArrayLike, categories: Sequence[str]
) -> Figure:
    """A target, a prediction, and the gradient of their KL with respect to the logits of q."""
    figure, (top, bottom) = panels(rows=2, height=4.8, sharex=True)
    draw_bars(top, p, q, categories, "target p", "prediction q")
    top.set(ylabel="probability")
    top.set_ylim(0, 1.3 * max(np.max(p), np.max(q)))
    top.legend(loc="upper center", ncols=2)  # above the bars
    bottom.bar(np.arange(len(categories)), gradient, width=0.5, color=GREY)
    bottom.axhline(0, color="black", linewidth=0.8)
    bottom.set_xticks(np.arange(len(categories)), categories)
    bottom.set(ylabel="gradient (nats)", xlabel="category")
    return figure


def dead_gradient(
    gap: ArrayLike, curves: Mapping[str, tuple[ArrayLike, ArrayLike]], edge: float
) -> Figure:
    """Loss and size of its gradient as a prediction gets more and more wrong.

    Parameters
    ----------
    gap
        Logit of the wrong class minus logit of the true class.
    curves
        The loss and the norm of its gradient under the keys ``"exact"``, ``"KL"`` and
        ``"cross-entropy"``.
    edge
        The gap at which the true class falls to 1e-7.
    """
    figure, axes = panels(rows=2, height=5.2, sharex=True)
    for part, ax in enumerate(axes):
        ax.axvline(edge, color=GREY, linewidth=1, linestyle=":")
        _draw_exact(ax, gap, curves["exact"][part])
        for name, line in (("cross-entropy", _CE), ("KL", _KL)):
            ax.plot(gap, curves[name][part], label=name, **line)
    axes[0].set_ylabel("loss (nats)")
    axes[1].set_xlabel("logit gap, wrong − true class")
    axes[1].set(ylabel="norm of the gradient", ylim=(-0.06, 1.65))
    axes[0].legend(loc="upper left")
    _note_edge(axes[1], edge)
    return figure


def _note_edge(ax: Axes, edge: float) -> None:
    ax.annotate(
        "q = 1e−7",
        (edge, 1.6),
        xytext=(5, 0),
        textcoords="offset points",
        ha="left",
        va="top",
        color=GREY,
    )
