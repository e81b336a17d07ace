"""Figures about a KL loss on categorical predictions: pairs, rounding, epsilon, descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .compare import bars
from .style import GREY, M_COLOR, P_COLOR, Q_COLOR, panels, write_powers

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


def comparisons(
    pairs: Sequence[tuple[ArrayLike, ArrayLike]], labels: Sequence[tuple[str, str]]
) -> Figure:
    """One panel of bars for each pair of distributions over categories 1, 2, 3, …

    Parameters
    ----------
    pairs
        The reference and the approximation of each panel.
    labels
        Their names in the legends.
    """
    categories = [str(number + 1) for number in range(np.size(pairs[0][0]))]
    figure = bars(pairs, categories, labels=labels)
    for ax in figure.axes:
        ax.set(xlabel="category", ylim=(0, 1.35), yticks=np.linspace(0, 1, 6))
        ax.legend(loc="upper left")  # above 1
    return figure


def log_softmax_error(
    sums: ArrayLike, errors: Mapping[str, ArrayLike], half_spacing: float
) -> Figure:
    """Error of a float32 log-softmax against the sum of exponentials it takes the logarithm of.

    Parameters
    ----------
    sums
        Sums of exp(logit − largest logit).
    errors
        For each program, by name: computed minus exact log-softmax, in nats.
    half_spacing
        Half the distance of neighbouring float32 numbers at the size of the table's entries, drawn
        as two dotted lines.
    """
    figure, (ax,) = panels()
    for line in (-half_spacing, half_spacing):
        ax.axhline(1e6 * line, color=GREY, linewidth=1, linestyle=":")
    for (name, error), color in zip(errors.items(), (Q_COLOR, M_COLOR, P_COLOR), strict=False):
        ax.plot(sums, 1e6 * np.asarray(error), ".", markersize=2.5, color=color)
        ax.plot([], [], "s", color=color, linestyle="none", label=name)
    ax.set_xscale("log", base=2)
    write_powers(ax.xaxis)
    ax.set_ylim(-5, 7)
    ax.set(xlabel="sum of exponentials", ylabel="error (millionths of a nat)")
    ax.legend(loc="upper center", ncols=2)
    return figure


def epsilon(values: ArrayLike, divergences: ArrayLike, marks: Mapping[str, float]) -> Figure:
    """KL(p‖q + ε) against ε, where q is 0 on categories that p has.

    Parameters
    ----------
    values, divergences
        Epsilons, and the divergence with each.
    marks
        Epsilons to point out, by name.
    """
    values, divergences = np.asarray(values, dtype=float), np.asarray(divergences, dtype=float)
    figure, (ax,) = panels()
    ax.plot(values, divergences, color=P_COLOR)
    ax.set_xscale("log")
    write_powers(ax.xaxis)
    ax.set_ylim(bottom=0)
    for name, value in marks.items():
        height = float(np.interp(np.log(value), np.log(values), divergences))
        ax.plot([value], [height], "o", color=Q_COLOR)
        ax.annotate(
            f"{name}: {height:.2f}", (value, height), xytext=(8, 5), textcoords="offset points"
        )
    ax.set(xlabel="ε added to every probability of q", ylabel="KL(p‖q + ε) (nats)")
    return figure


def descent(curves: Mapping[str, ArrayLike]) -> Figure:
    """KL against the number of gradient steps, one curve for each name, on a logarithmic axis.

    Parameters
    ----------
    curves
        The divergence after 0, 1, 2, … steps, by name.
    """
    figure, (ax,) = panels()
    styles = ((P_COLOR, "-"), (Q_COLOR, "--"), (M_COLOR, "-."))
    for (name, curve), (color, line) in zip(curves.items(), styles, strict=False):
        ax.plot(np.arange(np.size(curve)), curve, color=color, linestyle=line, label=name)
    ax.set_yscale("log")
    write_powers(ax.yaxis)
    ax.set(xlabel="gradient steps", ylabel="KL (nats)")
    ax.legend()
    return figure
