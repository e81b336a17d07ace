"""Figures about estimating KL from samples: drift scores, k3 against k1, error by sample size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import ACCENT, AMBER, GREY, M_COLOR, SKY, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

#: One look for each sample size, and for each estimator: told apart without their colours too.
LOOKS = ((SKY, "-", "o"), (M_COLOR, "--", "s"), (ACCENT, "-.", "^"), (AMBER, ":", "D"))
_POINTS: dict[str, Any] = {"textcoords": "offset points"}


def scores_without_drift(
    scores: Mapping[int, ArrayLike], bins: int, thresholds: Sequence[float]
) -> Figure:
    """Histograms of a drift score where nothing drifts, by sample size, with their χ² curves.

    Parameters
    ----------
    scores
        For each size n of both samples: scores of many pairs of samples, all above 0.
    bins
        Number of bins of the score; the curve is that of (2/n)·χ² with one degree less.
    thresholds
        Drawn as vertical lines, with their values.
    """
    figure, (ax,) = panels(height=3.4)
    places = np.linspace(-4, 0.3, 130)
    for (n, values), (color, line, _) in zip(scores.items(), LOOKS, strict=False):
        logs = np.log10(np.asarray(values))
        ax.hist(logs, places.tolist(), density=True, color=color, alpha=0.35)
        curve = _log10_chi2_density(places - math.log10(2 / n), bins - 1)
        ax.plot(places, curve, color=color, linestyle=line)
        peak = places[np.argmax(curve)]
        ax.annotate(f"n = {n:,}", (peak, curve.max()), (0, 6), ha="center", **_POINTS)
    # As high as the curves: the sizes stand above them. The first number stands left of its line.
    for number, threshold in enumerate(thresholds):
        place, left = math.log10(threshold), number == 0
        ax.plot([place, place], [0, curve.max()], color="black", linewidth=1.2)
        beside: dict[str, Any] = {"ha": "right" if left else "left", "va": "top", **_POINTS}
        ax.annotate(f"{threshold:g}", (place, curve.max()), (-3 if left else 3, 0), **beside)
    ticks = [0.001, 0.01, 0.1, 1]
    ax.set_xticks(np.log10(ticks), [f"{tick:g}" for tick in ticks])
    ax.set(
        xlabel="PSI (nats), logarithmic", yticks=[], ylabel="density", ylim=(0, 1.15 * curve.max())
    )
    ax.set_xlim(places[0] + 0.6, places[-1])
    return figure


def _log10_chi2_density(log10_value: NDArray[np.float64], degrees: int) -> NDArray[np.float64]:
    """Density of log₁₀ of a chi-squared variable."""
    value = 10**log10_value
    log_density = (degrees / 2 - 1) * np.log(value) - value / 2
    log_density -= degrees / 2 * math.log(2) + math.lgamma(degrees / 2)
    return np.exp(log_density) * value * math.log(10)


def variance_ratios(scale: ArrayLike, ratios: Mapping[str, ArrayLike], limit: float) -> Figure:
    """How many samples k3 needs for the precision of one sample of k1.

    Parameters
    ----------
    scale
        Standard deviations of q, where that of p is 1.
    ratios
        Name and values of each curve: variance of a term of k3 over that of k1.
    limit
        The scale from which on the variance of k3 is infinite: a dotted line.
    """
    figure, (ax,) = panels(height=3.2)
    for (name, values), (color, line, _) in zip(ratios.items(), LOOKS[1:], strict=False):
        ax.semilogy(scale, values, color=color, linestyle=line, label=name)
    ax.axhline(1, color=GREY, linewidth=1)
    ax.axvline(limit, color="black", linestyle=":", linewidth=1.5)
    ax.annotate("infinite\nfrom here", (limit, 3e2), (5, 0), **_POINTS)
    ax.annotate("k3 is worse", (limit, 1), (5, 6), color=GREY, **_POINTS)
    ax.annotate("k3 is better", (limit, 1), (5, -16), color=GREY, **_POINTS)
    ax.set(xlabel="standard deviation of q (that of p is 1)", ylabel="variance, k3 / k1")
    ax.set(xlim=(0.68, 1.78), ylim=(1e-2, 1e4))
    # In plain figures: matplotlib's raised exponents are too small to read on a phone.
    ax.set_yticks([0.01, 1, 100, 1e4], ["0.01", "1", "100", "10,000"])
    ax.minorticks_off()
    ax.legend(loc="upper left")
    return figure


def estimates_by_size(
    sizes: Sequence[int],
    estimates: Sequence[Mapping[str, Sequence[ArrayLike]]],
    truth: float,
    names: Sequence[str],
) -> Figure:
    """Mean and spread of several estimators against the number of points, panel by panel.

    Parameters
    ----------
    sizes
        Numbers of points.
    estimates
        For each panel: the name of each estimator, and for each size its values.
    truth
        What they estimate, a line.
    names
        What to write above each panel, from top to bottom.
    """
    figure, axes = panels(rows=len(estimates), height=5.4, sharex=True, sharey=True)
    for ax, panel, name in zip(axes, estimates, names, strict=True):
        ax.axhline(truth, color=GREY, linewidth=1.2)
        for place, ((label, values), look) in enumerate(zip(panel.items(), LOOKS, strict=False)):
            color, line, mark = look
            beside = np.asarray(sizes) * 1.09 ** (place - (len(panel) - 1) / 2)
            ax.errorbar(
                beside,
                [float(np.mean(np.asarray(v))) for v in values],
                [float(np.std(np.asarray(v))) for v in values],
                color=color,
                linestyle=line,
                marker=mark,
                label=label,
                markersize=5,
                linewidth=1.3,
                elinewidth=1.3,
            )
        ax.set(xscale="log", ylabel="KL (nats)")
        ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
        ax.minorticks_off()
        ax.set_title(name)
    axes[0].set(ylim=(0, None))
    axes[-1].set(xlabel="points of each")
    axes[-1].legend(loc="lower right")
    return figure
