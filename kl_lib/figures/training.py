"""Figures of trainings: curves of runs, how far they drift apart, what few of them can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import ACCENT, AMBER, GREY, M_COLOR, P_COLOR, SKY, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from ..experiments import Record

#: How the runs of each arm look. None of them is a p or a q, so none has its colour.
LOSSES: dict[str, dict[str, Any]] = {
    "kl": {"color": M_COLOR, "linestyle": "-"},
    "ce": {"color": AMBER, "linestyle": "--"},
    "null": {"color": GREY, "linestyle": "-."},
    "kl_logits": {"color": ACCENT, "linestyle": (0, (6, 2))},
    "ce_logits": {"color": "black", "linestyle": (0, (3, 1, 1, 1))},
    "other seed": {"color": SKY, "linestyle": ":"},
}
NAMES = {
    "kl": "KL divergence",
    "ce": "cross-entropy",
    "null": "null arm",
    "kl_logits": "KL from logits",
    "ce_logits": "cross-entropy from logits",
    "other seed": "other seed",
}

#: How broad the lines of `histories` are.
WIDTHS = {"validation": 2.4, "training": 0.8}


def samples(images: ArrayLike, labels: Sequence[int]) -> Figure:
    """Images in grey, five in a row, each with its label below.

    Parameters
    ----------
    images
        Shape (n, height, width), dark where the value is high.
    labels
        What to write under each.
    """
    rows = -(-len(labels) // 5)
    figure, axes = panels(5, rows=rows, height=1.25 * rows)
    for ax in axes[len(labels) :]:
        ax.remove()
    for ax, image, label in zip(axes, np.asarray(images), labels, strict=False):
        ax.imshow(image, cmap="Greys")
        ax.set(xticks=[], yticks=[], xlabel=str(label))
        ax.spines[:].set_visible(False)
    return figure


def unnamed(curves: Mapping[str, ArrayLike]) -> Figure:
    """Validation accuracy of several runs against the epoch, all in one grey, with letters.

    Parameters
    ----------
    curves
        Letter and accuracies, one an epoch, of each run.
    """
    figure, (ax,) = panels(height=3.4)
    ends = sorted(curves, key=lambda name: np.asarray(curves[name])[-1])
    for style, name in zip(("-", "--", "-.", ":"), curves, strict=False):
        accuracy = np.asarray(curves[name])
        ax.plot(np.arange(1, len(accuracy) + 1), accuracy, color=GREY, linestyle=style, lw=1.5)
    # Letters in the order of the ends, evenly spaced: the ends themselves nearly coincide.
    middle = float(np.mean([np.asarray(curves[name])[-1] for name in ends]))
    for place, name in enumerate(ends):
        accuracy = np.asarray(curves[name])
        ax.annotate(
            name,
            (len(accuracy), accuracy[-1]),
            xytext=(len(accuracy) + 1.2, middle + 0.022 * (place - (len(ends) - 1) / 2)),
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.6},
        )
    ax.set(xlabel="epoch", ylabel="validation accuracy", xlim=(1, len(accuracy)))
    return figure


def histories(records: Sequence[Record]) -> Figure:
    """Loss and accuracy of each run against the epoch: validation broad, training thin.

    Parameters
    ----------
    records
        Finished runs, of either loss.
    """
    from matplotlib.lines import Line2D

    figure, axes = panels(rows=2, height=5.6, sharex=True)
    # The dashed lines last, so that they do not vanish below the solid ones.
    for record in sorted(records, key=lambda record: list(LOSSES).index(record.config.loss)):
        epochs = np.arange(1, record.config.epochs + 1)
        for ax, measure in zip(axes, ("loss", "accuracy"), strict=True):
            style = LOSSES[record.config.loss]
            ax.plot(epochs, record.history[measure], lw=WIDTHS["training"], **style)
            ax.plot(epochs, record.history[f"val_{measure}"], lw=WIDTHS["validation"], **style)
    axes[0].set(ylabel="loss (nats)")
    axes[1].set(xlabel="epoch", ylabel="accuracy")
    shown = [loss for loss in LOSSES if any(r.config.loss == loss for r in records)]
    lines = [Line2D([], [], label=NAMES[loss], **LOSSES[loss]) for loss in shown]
    axes[0].legend(handles=lines, loc="upper right")
    widths = [Line2D([], [], color="black", lw=lw, label=name) for name, lw in WIDTHS.items()]
    axes[1].legend(handles=widths, loc="lower right")
    return figure


def interval_width(pairs: ArrayLike, half_width: ArrayLike) -> Figure:
    """Half the width of a 95 % interval for a mean difference against the number of pairs.

    Parameters
    ----------
    pairs
        Numbers of pairs, from 2.
    half_width
        Half the width, in standard deviations of one difference.
    """
    n, width = np.asarray(pairs), np.asarray(half_width)
    figure, (ax,) = panels(height=3.2)
    ax.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
    ax.semilogy(n, width, "o-", color=P_COLOR, markersize=4)
    for wanted in (2, 3, 5, 10, 20):
        value = float(width[n == wanted][0])
        ax.annotate(f"{value:.2f}", (wanted, value), xytext=(4, 6), textcoords="offset points")
    ax.set(xlabel="pairs of runs", ylabel="half-width of the interval\n(standard deviations)")
    ax.set(xticks=[2, 3, 5, 10, 15, 20], yticks=[0.5, 1, 2, 5, 10])
    ax.set_yticklabels(["0.5", "1", "2", "5", "10"])
    ax.minorticks_off()
    return figure
