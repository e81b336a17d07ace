"""Figures about mistakes in code: what each does to the number, and how many a rule finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .style import ACCENT, GREY, LIGHT, M_COLOR, Q_COLOR, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW = 0.27  # inches


def damage(ratios: Mapping[str, float]) -> Figure:
    """One line for each mistake, with a dot at the number it gives over the right one.

    Parameters
    ----------
    ratios
        For each mistake, given number over right number, finite. The axis is linear from -1 to 1
        and logarithmic beyond; 1, where nothing would be wrong, is a line.
    """
    figure, (ax,) = panels(height=0.9 + _ROW * len(ratios))
    _rows(ax, list(ratios))
    ax.axvline(1, color=M_COLOR, linewidth=1.5, zorder=1)
    for row, ratio in enumerate(ratios.values()):
        color, marker = (Q_COLOR, "s") if ratio < 0 else (ACCENT, "o")
        ax.plot(ratio, row, marker, color=color, markersize=7, zorder=3)
    ax.set_xscale("symlog", linthresh=1, linscale=1)
    ticks = [-1, 0, 1, 10, 1000]  # 100 would touch its neighbour
    ax.set_xticks(ticks, [f"{tick}".replace("-", "−") for tick in ticks])
    ax.minorticks_off()
    ax.set(xlabel="given ÷ right", xlim=(-2.2, 2000))
    return figure


def shares(lines: Mapping[str, tuple[float, float, float]]) -> Figure:
    """One line for each share, with its interval.

    Parameters
    ----------
    lines
        For each name: the share and the ends of its interval, from 0 to 1.
    """
    figure, (ax,) = panels(height=0.9 + _ROW * len(lines))
    _rows(ax, list(lines))
    look: dict[str, Any] = {"color": M_COLOR, "zorder": 3}
    for row, (share, low, high) in enumerate(lines.values()):
        ax.plot([low, high], [row, row], linewidth=3, solid_capstyle="butt", **look)
        ax.plot(share, row, "o", markersize=8, **look)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    ax.set(xlabel="share, with 95 % interval", xlim=(-0.04, 1.04))
    return figure


def _rows(ax: Axes, names: list[str]) -> None:
    """Names down the left side, the first on top, each with a faint line."""
    across: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "zorder": 0}
    ax.hlines(range(len(names)), 0, 1, color=LIGHT, linewidth=1, **across)
    ax.set_yticks(range(len(names)), names, color=GREY)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
