"""Figures that set two distributions side by side, used by several chapters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .style import GREY, P_COLOR, P_LINE, Q_FACE, Q_LINE, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray


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
    axes.bar(place + 0.2, q, width=0.38, label=q_label, **Q_FACE)
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


def both_directions(mu_p: float, sigma_p: float, mu_q: float, sigma_q: float) -> Figure:
    """Two normal densities, and below them the integrands whose areas are KL(p‖q) and KL(q‖p)."""
    from ..families import kl_normal

    low = min(mu_p - 4 * sigma_p, mu_q - 4 * sigma_q)
    high = max(mu_p + 4 * sigma_p, mu_q + 4 * sigma_q)
    x = np.linspace(low, high, 800)

    def log_density(mu: float, sigma: float) -> NDArray[np.float64]:
        return -0.5 * ((x - mu) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))

    log_p, log_q = log_density(mu_p, sigma_p), log_density(mu_q, sigma_q)
    figure, (top, bottom) = panels(rows=2, height=5.0, sharex=True)
    for log_density_of, line, label in ((log_p, P_LINE, "p"), (log_q, Q_LINE, "q")):
        top.plot(x, np.exp(log_density_of), label=label, **line)
    top.set(ylabel="density")
    top.legend()
    forward, reverse = np.exp(log_p) * (log_p - log_q), np.exp(log_q) * (log_q - log_p)
    areas = kl_normal(mu_p, sigma_p, mu_q, sigma_q), kl_normal(mu_q, sigma_q, mu_p, sigma_p)
    for curve, line, order, area in (
        (forward, P_LINE, "p·log(p/q)", areas[0]),
        (reverse, Q_LINE, "q·log(q/p)", areas[1]),
    ):
        bottom.plot(x, curve, label=f"{order}: area {area:.3f} nats", **line)
        bottom.fill_between(x, curve, alpha=0.15, color=line["color"])
    bottom.axhline(0, color=GREY, linewidth=0.8)
    bottom.set(xlabel="x", ylabel="nats per unit of x", xlim=(low, high))
    bottom.set_ylim(top=1.4 * max(forward.max(), reverse.max()))  # room for the legend
    bottom.legend(loc="upper right")
    return figure
