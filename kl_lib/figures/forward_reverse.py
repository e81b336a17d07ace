"""Figures of fits by forward KL and by reverse KL: densities, objectives, ellipses, contours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import GREY, LIGHT, P_COLOR, P_LINE, Q_COLOR, Q_LINE, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


def fits(
    x: ArrayLike,
    p: ArrayLike,
    approximations: Mapping[str, ArrayLike],
    *,
    band: tuple[float, float] | None = None,
    xlabel: str = "x",
) -> Figure:
    """One density p in every panel, each time with another approximation q.

    Parameters
    ----------
    x, p
        Points, and the density of p at them.
    approximations
        The density of each q at the points, by the name to write over its panel.
    band
        Ends of a stretch of the axis to shade, in every panel.
    xlabel
        What x is, with its unit.
    """
    figure, axes = panels(len(approximations), height=2.9, sharey=True)
    highest = max(float(np.max(density)) for density in (p, *approximations.values()))
    for ax, (name, q) in zip(axes, approximations.items(), strict=True):
        if band:
            ax.axvspan(*band, color=LIGHT, linewidth=0)
        ax.fill_between(x, p, color=P_COLOR, alpha=0.15, linewidth=0)
        ax.plot(x, p, label="p", **P_LINE)
        ax.plot(x, q, label="q", **Q_LINE)
        ax.set(xlabel=xlabel, title=name, ylim=(0, 1.05 * highest))
    axes[0].set_ylabel("density")
    axes[0].legend(loc="upper left", handlelength=1.4)
    return figure


def surfaces(
    mean: ArrayLike,
    sigma: ArrayLike,
    objectives: Mapping[str, ArrayLike],
    *,
    minima: Sequence[Sequence[tuple[float, float]]],
    saddles: Sequence[Sequence[tuple[float, float]]],
    levels: Sequence[float],
    labelled: Sequence[float],
) -> Figure:
    """Contours of objectives over the mean and the standard deviation of one normal.

    Parameters
    ----------
    mean, sigma
        The two axes of the map.
    objectives
        Values of shape (sigmas, means) in nats, by the name to write over their panel.
    minima, saddles
        For each objective, the points (mean, sigma) to mark with a dot and with a cross.
    levels
        Where to draw a contour, in nats.
    labelled
        Those of the levels that get their number written on them.
    """
    figure, axes = panels(len(objectives), height=3.6, sharey=True)
    for ax, (name, values), low, passes in zip(
        axes, objectives.items(), minima, saddles, strict=True
    ):
        lines = ax.contour(mean, sigma, values, levels=levels, colors=GREY, linewidths=1)
        ax.clabel(lines, levels=labelled, fmt="%g")
        for points, marker, color in ((low, "o", Q_COLOR), (passes, "X", "black")):
            for m, s in points:
                ax.plot(m, s, marker, color=color, markersize=8)
        ax.set(xlabel="mean of q", title=name)
    axes[0].set_ylabel("σ of q")
    return figure


def factorised(covariance: ArrayLike, variances: Mapping[str, ArrayLike]) -> Figure:
    """Ellipses of one and two standard deviations: a normal in two dimensions, and factorised ones.

    Parameters
    ----------
    covariance
        Of p, shape (2, 2).
    variances
        The two variances of each factorised q, by the name to write over its panel.
    """
    figure, axes = panels(len(variances), height=3.2, sharex=True, sharey=True)
    for ax, (name, variance) in zip(axes, variances.items(), strict=True):
        _ellipses(ax, np.asarray(covariance), P_LINE, "p")
        _ellipses(ax, np.diag(variance), Q_LINE, "q")
        ax.set_aspect("equal")
        ax.set(xlabel="x₁", title=name)
    axes[0].set_ylabel("x₂")
    axes[-1].legend(loc="upper left", handlelength=1.4)
    return figure


def _ellipses(ax: Axes, covariance: np.ndarray, line: dict[str, Any], name: str) -> None:
    angle = np.linspace(0, 2 * np.pi, 200)
    unit = np.linalg.cholesky(covariance) @ [np.cos(angle), np.sin(angle)]
    for radius in (1, 2):
        ax.plot(*(radius * unit), label=name if radius == 1 else None, **line)


def contours(
    side: ArrayLike, p: ArrayLike, approximations: Mapping[str, ArrayLike], *, columns: int = 2
) -> Figure:
    """Contours of a density p in two dimensions, and of an approximation in each panel.

    Contours enclose half and 95 % of the mass.

    Parameters
    ----------
    side
        The axis of a square grid.
    p
        Densities of p on the grid, shape (side, side).
    approximations
        Densities of each q, of the same shape, by the name to write over its panel.
    columns
        Panels beside each other.
    """
    rows = -(-len(approximations) // columns)
    figure, axes = panels(columns, rows=rows, height=2.7 * rows, sharex=True, sharey=True)
    for ax, (name, q) in zip(axes, approximations.items(), strict=False):
        for density, color, line in ((p, P_COLOR, "solid"), (q, Q_COLOR, "dashed")):
            levels = [_level(np.asarray(density), share) for share in (0.95, 0.5)]
            ax.contour(side, side, density, levels, colors=color, linestyles=line, linewidths=2)
        ax.set_aspect("equal")
        ax.set_title(name)
    for ax in axes[-columns:]:
        ax.set_xlabel("x₁")
    for ax in axes[::columns]:
        ax.set_ylabel("x₂")
    return figure


def _level(density: np.ndarray, share: float) -> float:
    """The density above which `share` of the mass lies."""
    falling = np.sort(density.ravel())[::-1]
    mass = np.cumsum(falling)
    return float(falling[np.searchsorted(mass, share * mass[-1])])
