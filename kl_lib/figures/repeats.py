"""Figures of an experiment repeated with many seeds: curves, paired differences, drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import GREY, LIGHT, M_COLOR, panels, write_powers
from .training import LOSSES, NAMES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..experiments import Comparison, Drift, Record

#: What the measures of a history are called on an axis.
MEASURES = {
    "loss": "training loss (nats)",
    "accuracy": "training accuracy",
    "val_loss": "validation loss (nats)",
    "val_accuracy": "validation accuracy",
}


def curves(records: Sequence[Record], measure: str = "val_accuracy") -> Figure:
    """A measure against the epoch, a panel for each arm: every run thin, their mean bold.

    The means of the other arms are dotted in each panel, black and white, to be seen on the bold.

    Parameters
    ----------
    records
        Finished runs with equally many epochs.
    measure
        ``"loss"``, ``"accuracy"``, ``"val_loss"`` or ``"val_accuracy"``.
    """
    arms = _in_order(record.config.arm for record in records)
    rows = {
        arm: np.array([r.history[measure] for r in records if r.config.arm == arm]) for arm in arms
    }
    figure, axes = panels(len(arms), height=3.2, sharex=True, sharey=True)
    for ax, arm in zip(axes, arms, strict=True):
        style = LOSSES[arm]
        epochs = np.arange(1, rows[arm].shape[1] + 1)
        ax.plot(epochs, rows[arm].T, color=style["color"], lw=0.6)
        ax.plot(epochs, rows[arm].mean(axis=0), color=style["color"], lw=3)
        for other in arms:
            if other != arm:
                ax.plot(epochs, rows[other].mean(axis=0), "k:", lw=1, gapcolor="white")
        ax.set(xlabel="epoch")
        ax.annotate(
            f"{NAMES[arm]}\n{len(rows[arm])} runs",
            (0.96, 0.06 if "accuracy" in measure else 0.94),
            xycoords="axes fraction",
            ha="right",
            va="bottom" if "accuracy" in measure else "top",
        )
    axes[0].set(ylabel=MEASURES[measure])
    return figure


def paired_differences(comparison: Comparison) -> Figure:
    """Each arm less the reference in test accuracy: pairs, interval, and margins.

    A dot for each seed, the first on top; below the dots the mean with its 90 % interval (broad)
    and its 95 % interval (thin). The margins are shaded bands about 0.
    """
    contrasts = comparison.contrasts
    figure, (ax,) = panels(height=1.3 + 0.9 * len(contrasts))
    found = contrasts[0].assessment
    for shade, margin in zip((0.18, 0.3, 0.4), found.margins, strict=False):
        half = 100 * margin.margin
        ax.axvspan(-half, half, color=LIGHT, alpha=2 * shade, linewidth=0)
        for side in (-half, half):
            ax.axvline(side, color=GREY, linewidth=0.8, linestyle="--")
    ax.axvline(0, color="black", linewidth=0.8)
    for place, contrast in enumerate(contrasts):
        style, assessment = _style(contrast.arm), contrast.assessment
        points = 100 * np.array(contrast.differences)
        ax.plot(points, np.linspace(place - 0.35, place, len(points)), "o", ms=4, **style)
        mean, below = 100 * assessment.mean, place + 0.18
        for interval, width in ((assessment.interval, 1.5), (assessment.narrow_interval, 5)):
            if interval is not None:
                ends = 100 * np.array(interval)
                ax.plot(ends, [below] * 2, color="black", lw=width, solid_capstyle="butt")
        ax.plot(mean, below, "D", ms=8, mfc="white", mec="black", mew=1.5, zorder=3)
    names = [f"{_name(c.arm)}\n− {_name(comparison.reference)}" for c in contrasts]
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.5, -0.6)
    ax.spines["left"].set_visible(False)
    ax.set(xlabel="difference of test accuracy\n(percentage points)")
    return figure


def steps_apart(drifts: Sequence[Drift]) -> Figure:
    """Distance from the reference against the number of updates: weights above predictions.

    Each study thin, the geometric mean of several bold, both axes logarithmic. A distance of 0 is
    not drawn.

    Parameters
    ----------
    drifts
        Studies with the same arms and steps, each with its own seed.
    """
    from matplotlib.ticker import NullLocator

    figure, axes = panels(rows=2, height=6.0, sharex=True)
    steps = np.array(drifts[0].steps)
    for arm in _in_order(drifts[0].arms):
        style = LOSSES[arm]
        for ax, measure in zip(axes, ("weights", "predictions"), strict=True):
            rows = np.array([getattr(drift.arms[arm], measure) for drift in drifts], dtype=float)
            rows[rows == 0] = np.nan
            if len(rows) > 1:
                ax.plot(steps, rows.T, color=style["color"], lw=0.6)
            ax.plot(steps, np.exp(np.log(rows).mean(axis=0)), lw=2.2, label=NAMES[arm], **style)
    for ax, label in zip(axes, ("weights", "predictions"), strict=True):
        # Step 0, before any update, has a place too.
        ax.set_xscale("symlog", linthresh=1, linscale=0.4)
        ax.set(
            yscale="log",
            ylabel=f"distance of the {label}",
            xlim=(-0.05, steps[-1] * 1.15),
        )
        ax.xaxis.set_minor_locator(NullLocator())
        write_powers(ax.xaxis, ax.yaxis)
    axes[1].set_xlabel("updates")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper center", ncols=2)
    return figure


def lowest_probabilities(drifts: Sequence[Drift], clip: float = 1e-7) -> Figure:
    """The lowest probability of a true class in each epoch of training, and where Keras clips.

    Of several studies the lowest value counts: one below the clip is enough to lose a gradient. A
    probability of 0 lies on the axis.

    Parameters
    ----------
    drifts
        Studies with the same arms and epochs.
    clip
        Where the line is drawn.
    """
    figure, (ax,) = panels(height=4.0)
    lowest = np.array([c.lowest for drift in drifts for c in drift.counts.values()])
    bottom = min(clip, lowest[lowest > 0].min()) / 30
    for arm in _in_order(drifts[0].counts):
        row = np.min([drift.counts[arm].lowest for drift in drifts], axis=0)
        epochs = np.arange(1, len(row) + 1)
        ax.plot(epochs, np.maximum(row, bottom), lw=2.2, label=NAMES[arm], **LOSSES[arm])
    ax.axhline(clip, color="black", linewidth=1)
    where: dict[str, Any] = {"xytext": (0, -4), "textcoords": "offset points", "va": "top"}
    ax.annotate("Keras clips below", (epochs[0], clip), **where)
    ax.set(yscale="log", xlabel="epoch", ylabel="lowest probability\nof a true class")
    ax.set_ylim(bottom=bottom)
    write_powers(ax.yaxis)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def _in_order(arms: Any) -> list[str]:
    present = set(arms)
    return [arm for arm in LOSSES if arm in present]


def _name(arm: str) -> str:
    return NAMES.get(arm, arm)


def _style(arm: str) -> dict[str, Any]:
    return {"color": LOSSES.get(arm, {"color": M_COLOR})["color"]}
