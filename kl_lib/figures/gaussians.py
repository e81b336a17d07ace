"""Figures of two normal distributions: draws, the integrand of KL, sampling error, binning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .style import GREY, M_COLOR, P_COLOR, P_LINE, Q_COLOR, Q_LINE, panels, write_powers

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

#: How the two directions look: KL(p‖q) in the colour of p, KL(q‖p) in that of q.
DIRECTIONS = (("KL(p‖q)", P_COLOR), ("KL(q‖p)", Q_COLOR))


def histograms(
    draws: tuple[ArrayLike, ArrayLike],
    x: ArrayLike,
    densities: tuple[ArrayLike, ArrayLike],
    *,
    bins: int = 50,
    labels: tuple[str, str] = ("p", "q"),
) -> Figure:
    """Histograms of draws from p and from q, side by side, with the densities they came from.

    Parameters
    ----------
    draws
        Draws from p and draws from q.
    x, densities
        Points, and the density of p and of q at them.
    bins
        Bins of each histogram, over the range of its own draws.
    labels
        Names of p and q in the legends.
    """
    figure, axes = panels(2, sharex=True, sharey=True)
    lines = (P_LINE, Q_LINE)
    for ax, sample, density, line, label in zip(axes, draws, densities, lines, labels, strict=True):
        heights, _, _ = ax.hist(sample, bins=bins, density=True, color=line["color"], alpha=0.35)
        ax.set_ylim(top=max(ax.get_ylim()[1], 1.2 * np.max(heights)))  # room for the legend
        ax.plot(x, density, label=label, **line)
        ax.set_xlabel("x")
        ax.legend(loc="upper left")
    axes[0].set_ylabel("density")
    return figure


def kl_integrand(x: ArrayLike, log_p: ArrayLike, log_q: ArrayLike) -> Figure:
    """The two densities, and below them the integrand of KL in each direction.

    Left p·log(p/q), whose area is KL(p‖q); right q·log(q/p), whose area is KL(q‖p). Area above
    the axis is filled, area below it hatched.

    Parameters
    ----------
    x, log_p, log_q
        Points, and the logarithms of the two densities at them.
    """
    x, log_p, log_q = np.asarray(x), np.asarray(log_p), np.asarray(log_q)
    figure, axes = panels(2, rows=2, height=4.6, sharex=True, sharey="row")
    pairs = ((log_p, log_q, "p·log(p/q)"), (log_q, log_p, "q·log(q/p)"))
    for column, ((reference, other, name), (_, color)) in enumerate(
        zip(pairs, DIRECTIONS, strict=True)
    ):
        top, bottom = axes[column], axes[2 + column]
        top.plot(x, np.exp(log_p), label="p", **P_LINE)
        top.plot(x, np.exp(log_q), label="q", **Q_LINE)
        top.fill_between(x, np.exp(reference), color=color, alpha=0.15)
        integrand = np.exp(reference) * (reference - other)
        bottom.axhline(0, color=GREY, linewidth=0.8)
        bottom.plot(x, integrand, color=color)
        bottom.fill_between(x, integrand, where=integrand > 0, color=color, alpha=0.3)
        bottom.fill_between(
            x, integrand, where=integrand < 0, facecolor="white", edgecolor=color, hatch="////"
        )
        bottom.text(0.97, 0.9, name, transform=bottom.transAxes, color=color, ha="right")
        bottom.set_xlabel("x")
    axes[0].set_ylabel("density")
    axes[2].set_ylabel("nats per unit of x")
    axes[0].legend(loc="upper left")
    return figure


def monte_carlo(
    sizes: ArrayLike,
    estimates: Sequence[ArrayLike],
    errors: Sequence[ArrayLike],
    exact: Sequence[float],
) -> Figure:
    """Running Monte Carlo estimates of KL(p‖q) and KL(q‖p) with a band of two standard errors.

    Parameters
    ----------
    sizes
        Numbers of draws.
    estimates, errors
        For each direction, the estimate and its standard error at each of `sizes`.
    exact
        The two exact values.
    """
    figure, axes = panels(rows=2, height=5.2, sharex=True)
    for ax, estimate, error, value, (name, color) in zip(
        axes, estimates, errors, exact, DIRECTIONS, strict=True
    ):
        mean, spread = np.asarray(estimate), 2 * np.asarray(error)
        ax.fill_between(
            sizes,
            mean - spread,
            mean + spread,
            color=color,
            alpha=0.2,
            linewidth=0,
            label="± 2 s.e.",
        )
        ax.plot(sizes, mean, color=color, label="estimate")
        ax.axhline(value, color="black", linewidth=1, linestyle=":", label="exact")
        ax.set(xscale="log", ylabel=f"{name} (nats)")
        ax.legend(loc="upper right")
    axes[1].set_xlabel("draws")
    write_powers(axes[1].xaxis)
    return figure


def binned(
    bins: ArrayLike,
    exact: Sequence[ArrayLike],
    counted: Sequence[ArrayLike],
    limits: Sequence[float],
) -> Figure:
    """KL between two histograms against the number of bins, in both directions.

    Parameters
    ----------
    bins
        Numbers of bins.
    exact
        For each direction, KL between the true bin probabilities.
    counted
        For each direction, KL between the relative frequencies of a sample (smoothed).
    limits
        The two KL divergences between the densities.
    """
    figure, axes = panels(rows=2, height=5.2, sharex=True)
    for ax, truth, count, limit, (name, color) in zip(
        axes, exact, counted, limits, DIRECTIONS, strict=True
    ):
        ax.axhline(limit, color="black", linewidth=1, linestyle=":", label="densities")
        ax.plot(bins, truth, color=M_COLOR, label="true bin probabilities")
        ax.plot(bins, count, "o", color=color, linestyle="none", label="counts + ½")
        ax.set(xscale="log", ylim=(0, 1.25 * limit), ylabel=f"{name} (nats)")
    axes[1].set_xlabel("bins")
    write_powers(axes[1].xaxis)
    axes[1].legend(loc="lower right")
    return figure
