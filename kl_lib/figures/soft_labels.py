"""Figures of soft labels: two logs of one training, students, and a network beside people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import ACCENT, AMBER, GREY, LIGHT, M_COLOR, P_COLOR, Q_COLOR, panels, write_powers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: One look for each line: told apart without their colours too.
LOOKS = ((M_COLOR, "-", "o"), (Q_COLOR, "--", "s"), (ACCENT, "-.", "^"), (AMBER, ":", "D"))


def two_logs(cross_entropy: ArrayLike, floor: float) -> Figure:
    """One training as its two losses see it, on logarithmic axes.

    Parameters
    ----------
    cross_entropy : array_like, (epochs,)
        The loss after each epoch, in nats.
    floor : float
        Entropy of the labels, in nats: KL is what lies above it.
    """
    figure, (ax,) = panels(height=3.4)
    loss = np.asarray(cross_entropy)
    epochs = np.arange(1, len(loss) + 1)
    ax.plot(epochs, loss, color=AMBER, linestyle="--", label="cross-entropy")
    ax.plot(epochs, loss - floor, color=M_COLOR, label="KL(labels‖network)")
    ax.axhline(floor, color=GREY, linewidth=1)
    ax.annotate("entropy of the labels", (1, floor), (2, -14), textcoords="offset points")
    ax.set(xscale="log", yscale="log", xlabel="epochs", ylabel="loss (nats)")
    ax.set_yticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
    ax.set_yticks([], minor=True)
    write_powers(ax.xaxis)
    ax.set_xlim(1, len(loss))
    ax.legend(loc="upper right")
    return figure


def students(
    temperatures: Sequence[float], ways: Mapping[str, ArrayLike], without: float
) -> Figure:
    """Accuracy of students by temperature: mean and single runs.

    Parameters
    ----------
    temperatures
        Of the teacher's answers.
    ways
        Name of each way to weigh them, and its accuracies, of shape (temperatures, runs).
    without
        Mean accuracy of students that have no teacher, a line.
    """
    figure, (ax,) = panels(height=3.4)
    places = np.arange(len(temperatures))
    for shift, ((name, values), (color, line, mark)) in enumerate(
        zip(ways.items(), LOOKS, strict=False)
    ):
        v = 100 * np.asarray(values)
        at = places + 0.12 * (shift - (len(ways) - 1) / 2)
        ax.plot(np.repeat(at, v.shape[1]), v.ravel(), ".", color=color, markersize=2.5)
        ax.plot(at, v.mean(axis=1), color=color, linestyle=line, marker=mark, label=name)
    ax.axhline(100 * without, color=GREY, linewidth=1, label="no teacher")
    ax.set_xticks(places, [f"{each:g}" for each in temperatures])
    ax.set(xlabel="temperature T", ylabel="accuracy (%)")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def by_uncertainty(
    groups: Sequence[str], people: ArrayLike, networks: Mapping[str, ArrayLike]
) -> Figure:
    """How unsure networks are, in groups of images by how unsure people are.

    Parameters
    ----------
    groups
        What each group is called.
    people : array_like, (groups,)
        Mean entropy of what people said, in nats.
    networks
        Name of each network, and its mean entropy in each group, of shape (runs, groups).
    """
    figure, (ax,) = panels(height=3.6)
    places = np.arange(len(groups))
    ax.plot(places, people, color=P_COLOR, marker="o", label="people")
    for (name, values), (color, line, mark) in zip(networks.items(), LOOKS[1:], strict=False):
        mean = np.asarray(values).mean(axis=0)
        ax.plot(places, mean, color=color, linestyle=line, marker=mark, label=name)
    ax.set_xticks(places, groups)
    ax.set(xlabel="entropy of the answers to an image (nats)", ylabel="mean entropy (nats)")
    ax.set_ylim(0, None)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def differences(
    found: Mapping[str, tuple[ArrayLike, tuple[float, float]]], margin: float, *, xlabel: str
) -> Figure:
    """Paired differences of each arm: a dot a pair, mean with its 95 % interval, and the margin.

    Parameters
    ----------
    found
        Name of each arm, its differences, and the interval of their mean.
    margin
        How large a difference matters: a shaded band about 0.
    xlabel
        What the difference is of.
    """
    figure, (ax,) = panels(height=1.2 + 0.6 * len(found))
    ax.axvspan(-margin, margin, color=LIGHT, linewidth=0)
    ax.axvline(0, color="black", linewidth=0.8)
    for place, (values, interval) in enumerate(found.values()):
        v = np.asarray(values)
        ax.plot(v, np.linspace(place - 0.3, place, len(v)), "o", color=M_COLOR, markersize=3.5)
        ax.plot(interval, [place + 0.2] * 2, color="black", linewidth=2)
        ax.plot(v.mean(), place + 0.2, "D", mfc="white", mec="black", markersize=7, zorder=3)
    ax.set_yticks(range(len(found)), list(found))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(found) - 0.5, -0.6)
    ax.spines["left"].set_visible(False)
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel(xlabel)
    return figure


def differences_by_group(groups: Sequence[str], found: Mapping[str, ArrayLike]) -> Figure:
    """Paired differences of each arm in groups of images: means with 95 % intervals.

    Parameters
    ----------
    groups
        What each group is called.
    found
        Name of each arm, and its differences in KL, of shape (pairs, groups).
    """
    from scipy import stats

    figure, (ax,) = panels(height=3.6)
    places = np.arange(len(groups))
    ax.axhline(0, color="black", linewidth=0.8)
    for shift, ((name, values), (color, line, mark)) in enumerate(
        zip(found.items(), LOOKS, strict=False)
    ):
        v = np.asarray(values)
        half = stats.t.ppf(0.975, len(v) - 1) * v.std(axis=0, ddof=1) / np.sqrt(len(v))
        at = places + 0.12 * (shift - (len(found) - 1) / 2)
        ax.errorbar(at, v.mean(axis=0), half, color=color, linestyle=line, marker=mark, label=name)
    ax.set_xticks(places, groups)
    ax.set(xlabel="entropy of the answers to an image (nats)", ylabel="difference of KL (nats)")
    figure.legend(loc="outside upper center", ncols=3)
    return figure
