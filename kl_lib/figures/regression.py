"""Figures about regression: lines, what a residual costs, error ratios, bands of two σ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import ACCENT, AMBER, GREY, LIGHT, M_COLOR, P_COLOR, Q_COLOR, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

#: One look for each prediction: told apart without their colours too.
LOOKS = ((M_COLOR, "-", "o"), (Q_COLOR, "--", "s"), (ACCENT, "-.", "^"), (AMBER, ":", "D"))


def lines(x: ArrayLike, y: ArrayLike, fits: Mapping[str, ArrayLike]) -> Figure:
    """Points and the straight lines that were fitted to them, the first line broad.

    Parameters
    ----------
    x, y : array_like, (points,)
        Distances in km and times in minutes.
    fits
        Name of each line, and its intercept and slope.
    """
    figure, (ax,) = panels(height=3.4)
    ends = np.array([np.min(np.asarray(x)), np.max(np.asarray(x))])
    for place, ((name, (intercept, slope)), look) in enumerate(
        zip(((n, np.asarray(v)) for n, v in fits.items()), LOOKS, strict=False)
    ):
        color, line, _ = look
        width = 6 if place == 0 else 2
        face = LIGHT if place == 0 else color
        ax.plot(
            ends, intercept + slope * ends, line, color=face, linewidth=width, label=name, zorder=1
        )
    ax.plot(np.asarray(x), np.asarray(y), "o", color=P_COLOR, markersize=4.5)
    ax.set(xlabel="distance (km)", ylabel="time (minutes)", xlim=(0, None), ylim=(0, None))
    ax.legend(loc="upper left")
    return figure


def prices(residual: ArrayLike, predictions: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """What each prediction charges for a residual, and how hard the residual pulls.

    Parameters
    ----------
    residual : array_like, (points,)
        In minutes.
    predictions
        Name, and for each residual the cost in nats and its slope in nats per minute.
    """
    figure, (above, below) = panels(rows=2, height=4.8, sharex=True)
    for (name, (cost, pull)), (color, line, _) in zip(predictions.items(), LOOKS, strict=False):
        above.plot(residual, np.asarray(cost), line, color=color, label=name)
        below.plot(residual, np.asarray(pull), line, color=color)
    above.set(ylabel="−log q (nats)", ylim=(0, None))
    below.axhline(0, color=GREY, linewidth=1)
    below.set(xlabel="residual (minutes)", ylabel="pull (nats/min)")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def ratios(found: Mapping[str, Mapping[str, tuple[float, float, float]]], margin: float) -> Figure:
    """Errors divided by those of least squares, with intervals, one row a kind of noise.

    Parameters
    ----------
    found
        For each noise, from top to bottom, and each prediction: ratio, lower and upper end.
    margin
        A factor above 1: within it, up or down, a ratio counts as none; a grey band.
    """
    figure, (ax,) = panels(height=3.6)
    ax.axvspan(1 / margin, margin, color=LIGHT, linewidth=0)
    ax.axvline(1, color=GREY, linewidth=1)
    for place, rows in enumerate(found.values()):
        for k, ((name, (ratio, low, high)), look) in enumerate(
            zip(rows.items(), LOOKS[1:], strict=False)
        ):
            color, _, mark = look
            label: dict[str, Any] = {"label": name} if place == 0 else {}
            sides = [[ratio - low], [high - ratio]]
            height = place + 0.15 * (2 * k - 1)
            ax.errorbar([ratio], [height], xerr=sides, fmt=mark, color=color, markersize=5, **label)
    ax.set(xscale="log", xlabel="error / error of least squares", ylim=(len(found) - 0.5, -0.5))
    ax.set_xticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
    ax.minorticks_off()
    ax.set_xlim(0.09, 2)
    ax.set_yticks(range(len(found)), list(found))
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def bands(
    x: ArrayLike, y: ArrayLike, predictions: Mapping[str, tuple[ArrayLike, ArrayLike]]
) -> Figure:
    """The same points with the interval of each prediction, one panel each.

    Parameters
    ----------
    x, y : array_like, (points,)
        Distances in km and times in minutes.
    predictions
        What to write above each panel, and mean and half width of the interval at each x.
    """
    figure, axes = panels(len(predictions), height=3.2, sharey=True)
    for ax, (name, (mean, half)) in zip(axes, predictions.items(), strict=True):
        middle, half = np.asarray(mean), np.asarray(half)
        ax.fill_between(np.asarray(x), middle - half, middle + half, color=LIGHT, linewidth=0)
        ax.plot(x, middle, "--", color=Q_COLOR)
        ax.plot(x, y, "o", color=P_COLOR, markersize=3.5)
        ax.set_title(name)
        ax.set(xlabel="distance (km)")
    axes[0].set(ylabel="time (minutes)")
    return figure
