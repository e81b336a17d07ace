"""Figures that set two distributions side by side, used by several chapters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .style import P_COLOR, P_LINE, Q_COLOR, Q_LINE, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


def draw_bars(
    axes: Axes,
    p: ArrayLike,
    q: ArrayLike,
    categories: Sequence[str],
    p_label: str = "p",
    q_label: str = "q",
) -> None:
    """Draw two distributions over the same categories as paired bars on existing axes."""
    place = np.arange(len(categories))
    axes.bar(place - 0.2, p, width=0.38, color=P_COLOR, label=p_label)
    axes.bar(
        place + 0.2, q, width=0.38, facecolor="white", edgecolor=Q_COLOR, hatch="///", label=q_label
    )
    axes.set_xticks(place, categories)
    axes.set_ylim(0, 1.0 if max(np.max(p), np.max(q)) > 0.55 else None)
    axes.legend()


def bars(
    pairs: Sequence[tuple[ArrayLike, ArrayLike]],
    categories: Sequence[str],
    *,
    labels: Sequence[tuple[str, str]] | None = None,
) -> Figure:
    """One panel for each pair (p, q) of categorical distributions.

    Parameters
    ----------
    pairs
        The pairs, each two sequences as long as `categories`.
    categories
        Names on the horizontal axis.
    labels
        Names of p and q in each panel's legend; ``("p", "q")`` unless told.
    """
    figure, axes = panels(len(pairs), sharey=True)
    for index, (ax, (p, q)) in enumerate(zip(axes, pairs, strict=True)):
        p_label, q_label = labels[index] if labels else ("p", "q")
        draw_bars(ax, p, q, categories, p_label, q_label)
    axes[0].set_ylabel("probability")
    return figure


def densities(
    x: ArrayLike,
    p: ArrayLike,
    q: ArrayLike,
    *,
    p_label: str = "p",
    q_label: str = "q",
    xlabel: str = "x",
) -> Figure:
    """Two densities evaluated at the same points `x`, filled lightly under the curve."""
    figure, (ax,) = panels()
    for density, line, label in ((p, P_LINE, p_label), (q, Q_LINE, q_label)):
        ax.plot(x, density, label=label, **line)
        ax.fill_between(x, density, alpha=0.12, color=line["color"])
    ax.set(xlabel=xlabel, ylabel="density")
    ax.set_ylim(bottom=0)
    ax.legend()
    return figure
