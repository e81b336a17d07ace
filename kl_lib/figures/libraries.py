"""Figures that compare what libraries answer to the same question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import ACCENT, AMBER, GREY, LIGHT, M_COLOR, SKY, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


def answers(values: Mapping[str, float]) -> Figure:
    """One line for each library with a dot at its answer, in nats."""
    figure, (ax,) = panels(height=0.55 + 0.36 * len(values))
    names = list(values)[::-1]
    for place, name in enumerate(names):
        ax.plot([0, values[name]], [place, place], color=LIGHT, linewidth=2, zorder=1)
        ax.plot(values[name], place, "o", color=M_COLOR, markersize=8, zorder=2)
        ax.annotate(
            f"{values[name]:.4f}",
            (values[name], place),
            xytext=(10, 0),
            textcoords="offset points",
            va="center",
        )
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    largest = max(values.values())
    ax.set(xlabel="answer (nats)", xlim=(-0.02 * largest, 1.22 * largest))
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.spines["left"].set_visible(False)
    return figure


def terms(categories: Sequence[str], rel_entr: ArrayLike, kl_div: ArrayLike) -> Figure:
    """The terms of `rel_entr` and of `kl_div`, category by category, and their common sum."""
    figure, axes = panels(rows=2, height=4.6, sharex=True, sharey=True)
    for ax, values, color, label in (
        (axes[0], np.asarray(rel_entr), ACCENT, "p log(p/q)"),
        (axes[1], np.asarray(kl_div), M_COLOR, "p log(p/q) − p + q"),
    ):
        place = np.arange(len(categories))
        ax.bar(place, values, width=0.6, color=color)
        ax.bar(len(categories), values.sum(), width=0.6, color=GREY)
        ax.axhline(0, color="black", linewidth=0.8)
        ax.axvline(len(categories) - 0.5, color=LIGHT, linewidth=1)
        ax.set_xticks([*place, len(categories)], [*categories, "sum"])
        ax.set(ylabel="nats")
        ax.text(0.03, 0.97, label, transform=ax.transAxes, va="top", color=color)
    axes[1].set_xlabel("category")
    return figure


#: How a verdict is coloured, a tint and an edge; the text in the cell says the same without colour.
_FILL = {"right": "white", "other": "#F0E6C8", "nan": "#CFE6EE", "refused": LIGHT}
_EDGE = {"right": LIGHT, "other": AMBER, "nan": SKY, "refused": GREY}


def verdicts(
    answers: Mapping[str, Mapping[str, float | None]], exact: Mapping[str, float | None]
) -> Figure:
    """Calls against pairs, in two grids: right, another number, nan, or refused.

    The upper grid has the pairs of distributions, the lower one those that are none.

    Parameters
    ----------
    answers
        For each call, its answer to each pair; None where it refuses.
    exact
        KL of each pair; None where the pair is not two distributions, and refusing is right.
    """
    figure, axes = panels(rows=2, height=1.4 + 0.54 * len(answers))
    for ax, distributions in zip(axes, (True, False), strict=True):
        pairs = {
            pair: truth for pair, truth in exact.items() if (truth is not None) == distributions
        }
        _grid(ax, answers, pairs)
    return figure


def _grid(
    ax: Axes,
    answers: Mapping[str, Mapping[str, float | None]],
    pairs: Mapping[str, float | None],
) -> None:
    for row, answer in enumerate(answers.values()):
        for column, (pair, truth) in enumerate(pairs.items()):
            text, kind = _verdict(answer[pair], truth)
            look: dict[str, Any] = {"color": _FILL[kind], "edgecolor": _EDGE[kind]}
            ax.barh(row, 0.94, 0.86, left=column - 0.47, **look)
            ax.text(column, row, text, ha="center", va="center_baseline")
    ax.set_yticks(range(len(answers)), list(answers))
    ax.set_xticks(range(len(pairs)), [fill(name, 40 // len(pairs)) for name in pairs])
    ax.set(xlim=(-0.5, len(pairs) - 0.5), ylim=(len(answers) - 0.5, -0.5))
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _verdict(value: float | None, truth: float | None) -> tuple[str, str]:
    """Text and kind of one cell. Right means to four digits."""
    if value is None:
        return "refuses", "refused"
    if np.isnan(value):
        return "nan", "nan"
    if truth is not None and np.isclose(value, truth, rtol=1e-4, atol=0):
        return "right", "right"
    return f"{value:.3g}" if abs(value) > 1e-4 else "0", "other"
