"""Figures of KL's relatives: forecasts, what each measure charges, bounds, trials, shifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .compare import draw_bars
from .style import ACCENT, AMBER, GREY, LIGHT, M_COLOR, P_COLOR, SKY, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: One look for each line: told apart without their colours too.
LOOKS = (
    (P_COLOR, "-"),
    (AMBER, "--"),
    (M_COLOR, "-."),
    (ACCENT, ":"),
    (GREY, (0, (6, 1, 1, 1, 1, 1))),
    (SKY, (0, (1, 0.7))),
)
MARKERS = "os^DvP"


def forecasts(
    p: ArrayLike, approximations: Mapping[str, ArrayLike], categories: Sequence[str], *, xlabel: str
) -> Figure:
    """One distribution p as bars, beside another approximation q in each panel.

    Parameters
    ----------
    p
        Probabilities of the reference.
    approximations
        Probabilities of each q, by the name to write over its panel.
    categories
        Names on the horizontal axis.
    xlabel
        What the categories are.
    """
    count = len(approximations)
    figure, axes = panels(rows=count, height=0.8 + 1.5 * count, sharex=True, sharey=True)
    for ax, (name, q) in zip(axes, approximations.items(), strict=True):
        draw_bars(ax, p, q, categories)
        ax.set_title(name, loc="left")
        ax.set_ylabel("probability")
        if ax is not axes[0] and (legend := ax.get_legend()):
            legend.remove()
    axes[-1].set_xlabel(xlabel)
    return figure


def charges(share: ArrayLike, costs: Mapping[str, ArrayLike]) -> Figure:
    """What measures charge for an outcome, against the share of p in p + q.

    Parameters
    ----------
    share
        p/(p + q), from 0 to 1.
    costs
        Charges for each unit of (p + q)/2, by the name of the measure.
    """
    figure, (ax,) = panels(height=3.6)
    for (name, cost), (color, line) in zip(costs.items(), LOOKS, strict=False):
        ax.plot(share, cost, color=color, linestyle=line, label=name)
    ax.set(xlabel="share of p in the outcome, p/(p + q)", ylabel="charge (nats, or no unit)")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 2.2)
    ax.legend(loc="upper center")
    return figure


def bounds(tv: ArrayLike, kl: ArrayLike) -> Figure:
    """KL in nats against total variation for many pairs, above two lower bounds.

    The bounds are Pinsker's, 2·TV², and Bretagnolle and Huber's, −log(1 − TV²); the grey region
    lies below one of them.
    """
    figure, (ax,) = panels(height=3.6)
    t = np.linspace(0, 0.9999, 500)
    pinsker, huber = 2 * t**2, -np.log1p(-(t**2))
    ax.scatter(tv, kl, s=6, color=SKY, linewidth=0, label="random pairs")
    ax.plot(t, pinsker, color="black", label="Pinsker")
    ax.plot(t, huber, color=ACCENT, linestyle="--", label="Bretagnolle–Huber")
    ax.fill_between(t, 0, np.maximum(pinsker, huber), color=LIGHT, alpha=0.6, linewidth=0)
    ax.set(xlabel="total variation", ylabel="KL(p‖q) (nats)")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 4)
    ax.legend(loc="upper left")
    return figure


def trials(
    counts: ArrayLike, curves: Mapping[str, ArrayLike], *, xlabel: str, ylabel: str
) -> Figure:
    """Curves with markers over a number of observations, on a logarithmic axis.

    Parameters
    ----------
    counts
        Numbers of observations, above 0.
    curves
        Values between 0 and 1, by name.
    xlabel, ylabel
        What the axes show.
    """
    figure, (ax,) = panels(height=3.3)
    for (name, values), (color, line), marker in zip(curves.items(), LOOKS, MARKERS, strict=False):
        ax.plot(counts, values, color=color, linestyle=line, marker=marker, label=name)
    ticks = np.asarray(counts)
    ax.set(xscale="log", xlabel=xlabel, ylabel=ylabel, ylim=(0, None))
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.legend(loc="best")
    return figure


def shifts(days: ArrayLike, measures: Mapping[str, ArrayLike], distance: ArrayLike) -> Figure:
    """Divergences of a distribution and its shifted copy, above the Wasserstein distance.

    Parameters
    ----------
    days
        How far the copy is shifted.
    measures
        Divergences at each shift, by name; an infinite one is drawn as a cross at the top.
    distance
        The Wasserstein distance at each shift, in days.
    """
    figure, (top, bottom) = panels(rows=2, height=4.4, sharex=True)
    for (name, values), (color, line), marker in zip(
        measures.items(), LOOKS, MARKERS, strict=False
    ):
        values = np.asarray(values, float)
        finite = np.isfinite(values)
        top.plot(
            np.asarray(days)[finite],
            values[finite],
            color=color,
            linestyle=line,
            marker=marker,
            label=name,
        )
        beyond = np.asarray(days)[~finite]
        top.plot(beyond, np.full(beyond.shape, 1.25), "x", color=color, markersize=8)
    top.set(ylabel="nats, or no unit", ylim=(0, 1.35))
    top.legend(loc="lower right")
    bottom.plot(days, distance, color="black", marker="o")
    bottom.set(xlabel="days by which the copy is late", ylabel="W (days)")
    bottom.set_ylim(bottom=0)
    return figure
