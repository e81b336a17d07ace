"""Figures about KL as a training loss: its clip, its gradient, and where both stop working."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .compare import draw_bars
from .style import GREY, LIGHT, panels
from .training import LOSSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

#: The exact value is a broad pale line, so that a curve drawn on top of it shows both.
_EXACT: dict[str, Any] = {"color": LIGHT, "linewidth": 7, "solid_capstyle": "round"}
_KL, _CE = LOSSES["kl"], LOSSES["ce"]


def unlearning(kl: tuple[ArrayLike, ArrayLike], ce: tuple[ArrayLike, ArrayLike]) -> Figure:
    """Gradient descent from a wrong and certain prediction, once for each of two losses.

    Parameters
    ----------
    kl, ce
        For KL and for cross-entropy: the loss and the probability of the true class, each with
        one value for each step.
    """
    figure, (left, right) = panels(2, height=3.0)
    for name, line, (loss, probability) in (
        ("KL", _KL, kl),
        ("cross-entropy", _CE, ce),
    ):
        left.plot(np.asarray(loss), label=name, **line)
        right.plot(np.asarray(probability), label=name, **line)
    left.set(xlabel="step", ylabel="loss (nats)", ylim=(-0.8, 21))
    right.set(xlabel="step", ylabel="probability of the true class", ylim=(-0.04, 1.04))
    left.legend(loc="center right", bbox_to_anchor=(1.0, 0.55))
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
    figure, (left, right) = panels(2, height=3.0)
    for ax, (x, exact, clipped), marker in ((left, small, ""), (right, many, "o")):
        ax.plot(x, exact, label="exact", **_EXACT)
        ax.plot(x, clipped, label="Keras", marker=marker, markersize=5, **_KL)
        ax.set_xscale("log")
        ax.set_ylim(bottom=0)
    left.set(xlabel="smallest probability in q", ylabel="KL (nats)")
    right.set(xlabel="categories")
    left.legend(loc="upper right")
    return figure


def gradient_bars(
    p: ArrayLike, q: ArrayLike, gradient: ArrayLike, categories: Sequence[str]
) -> Figure:
    """A target, a prediction, and the gradient of their KL with respect to the logits of q."""
    figure, (left, right) = panels(2, height=3.0)
    draw_bars(left, p, q, categories, "target p", "prediction q")
    left.set(ylabel="probability", xlabel="category")
    left.set_ylim(0, 1.35 * max(np.max(p), np.max(q)))  # room for the legend above the bars
    right.bar(np.arange(len(categories)), gradient, width=0.5, color=GREY)
    right.axhline(0, color="black", linewidth=0.8)
    right.set_xticks(np.arange(len(categories)), categories)
    right.set(ylabel="gradient (nats)", xlabel="category")
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
    figure, axes = panels(2, height=3.2)
    for ax, part in zip(axes, (0, 1), strict=True):
        ax.axvline(edge, color=GREY, linewidth=1, linestyle=":")
        for name, line in (("exact", _EXACT), ("cross-entropy", _CE), ("KL", _KL)):
            ax.plot(gap, curves[name][part], label=name, **line)
        ax.set_xlabel("logit gap, wrong − true class")
    axes[0].set_ylabel("loss (nats)")
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
        fontsize=10,
        color=GREY,
    )
