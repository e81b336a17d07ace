"""Figures about surprise, entropy and codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..discrete import entropy
from .style import GREY, LIGHT, P_COLOR, P_LINE, Q_COLOR, Q_LINE, TEXT_SIZE, panels, write_powers

#: A tint of q's vermilion, pale enough for black text.
CODE_COLOR = "#F7DDCC"

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


def surprise(marks: Mapping[str, float]) -> Figure:
    """The surprise −log₂ p against p, with the outcomes in `marks` (name: probability) on it.

    Outcomes of equal probability share one mark.
    """
    figure, (ax,) = panels()
    x = np.linspace(0.02, 1.0, 400)
    ax.plot(x, -np.log2(x), **P_LINE)
    for value in sorted(set(marks.values())):
        bits = -np.log2(value)
        names = ", ".join(name for name, other in marks.items() if other == value)
        ax.plot([value, value], [0, bits], color=LIGHT, linewidth=1.5, zorder=1)
        ax.plot(value, bits, "o", color=P_COLOR)
        ax.annotate(
            f"{names}: {bits:g} bit{'s' if bits != 1 else ''}",
            (value, bits),
            xytext=(8, 5),
            textcoords="offset points",
        )
    ax.set(xlabel="probability p", ylabel="surprise (bits)", xlim=(0, 1.01), ylim=(0, 5.7))
    return figure


def bernoulli(marks: Sequence[float]) -> Figure:
    """The entropy of a coin against its probability of heads, with some probabilities marked."""
    figure, (ax,) = panels()
    x = np.linspace(0.0, 1.0, 1001)
    ax.plot(x, entropy(np.column_stack([x, 1 - x]), base=2), **P_LINE)
    for value in marks:
        bits = entropy([value, 1 - value], base=2)
        ax.plot(value, bits, "o", color=P_COLOR, clip_on=False, zorder=3)
        ax.annotate(
            f"p = {value:g}: {bits:.3f}",
            (value, bits),
            xytext=(0, 8) if value == 0.5 else (10, -7) if value < 0.5 else (-10, -7),
            textcoords="offset points",
            ha="center" if value == 0.5 else "left" if value < 0.5 else "right",
        )
    ax.set(xlabel="probability of heads p", ylabel="entropy (bits)")
    ax.set(xlim=(0, 1), ylim=(0, 1.15), xticks=np.arange(0, 1.01, 0.25))
    return figure


def simplex(levels: Sequence[float]) -> Figure:
    """The entropy of three outcomes over the triangle of all their distributions.

    Parameters
    ----------
    levels
        The contour lines to draw and label, in bits.
    """
    steps = 120
    i, j = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1), indexing="ij")
    inside = i + j <= steps
    a, b = i[inside] / steps, j[inside] / steps
    c = np.maximum(1 - a - b, 0.0)
    x, y = _triangle(a, b, c)
    bits = entropy(np.column_stack([a, b, c]), base=2)

    # The labels stand where each level is passed on the way from the centre to the top corner.
    path = np.column_stack([*[np.linspace(1 / 3, 0, 400)] * 2, np.linspace(1 / 3, 1, 400)])
    heights = np.interp(levels, entropy(path, base=2)[::-1], path[::-1, 2])
    places = [_triangle((1 - z) / 2, (1 - z) / 2, z) for z in heights]

    figure, (ax,) = panels(height=3.9)
    # The palest part of the colour map only, so that black text stays readable on it.
    shades = {"cmap": "Blues", "vmin": 0.0, "vmax": 2.4}
    filled = ax.tricontourf(x, y, bits, levels=np.linspace(0, np.log2(3), 17), **shades)
    lines = ax.tricontour(x, y, bits, levels=levels, colors="black", linewidths=0.8)
    ax.clabel(lines, fmt="%g", fontsize=TEXT_SIZE, manual=places)
    ax.plot(*_triangle(*np.eye(3)[[0, 1, 2, 0]].T), color="black", linewidth=1.2)
    ax.plot(*_triangle(1 / 3, 1 / 3, 1 / 3), "o", color="black")
    ax.annotate(
        f"uniform\n{np.log2(3):.3f}",
        _triangle(1 / 3, 1 / 3, 1 / 3),
        xytext=(0, -8),
        textcoords="offset points",
        ha="center",
        va="top",
    )
    corners = [
        ((1, 0, 0), "center", 0, -16),
        ((0, 1, 0), "center", 0, -16),
        ((0, 0, 1), "center", 0, 7),
    ]
    for corner, side, dx, dy in corners:
        ax.annotate(
            f"({', '.join(map(str, corner))})",
            _triangle(*corner),
            xytext=(dx, dy),
            textcoords="offset points",
            ha=side,
        )
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set(xlim=(-0.14, 1.14), ylim=(-0.12, 0.98))
    bar = figure.colorbar(filled, ax=ax, label="entropy (bits)", ticks=[0, 0.5, 1, 1.5], shrink=0.8)
    bar.outline.set_visible(False)
    return figure


def _triangle(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Where the distribution (a, b, c) lies in an upright triangle of side 1."""
    return np.asarray(b) + np.asarray(c) / 2, np.asarray(c) * np.sqrt(3) / 2


def code_shares(p: Mapping[str, float], code: Mapping[str, str]) -> Figure:
    """How a prefix code divides the unit interval, under the probabilities it is meant for.

    Top row: each symbol as wide as its probability. Below, one row for each depth: all binary
    words of that length, with the code words filled and what they rule out left empty. The bottom
    row collects the code words: each as wide as 2 to the minus its length.

    Parameters
    ----------
    p
        Probability of each symbol.
    code
        Code word of each symbol, strings of "0" and "1".
    """
    depth = max(map(len, code.values()))
    order = sorted(p, key=lambda symbol: code[symbol])
    figure, (ax,) = panels(height=3.0 + 0.25 * depth)
    start = 0.0
    for symbol in order:
        _box(ax, start, p[symbol], depth + 1.4, P_COLOR, f"{p[symbol]:g}", "white")
        # Above its box, where a word may be wider than the box.
        ax.text(start + p[symbol] / 2, depth + 2.25, symbol, ha="center", va="bottom")
        start += p[symbol]
    used = {word: symbol for symbol, word in code.items()}
    for length in range(1, depth + 1):
        for number in range(2**length):
            word, width = f"{number:0{length}b}", 2.0**-length
            if any(word[:k] in used for k in range(1, length)):
                continue  # below a code word: ruled out
            mine = word in used
            color = CODE_COLOR if mine else "white"
            _box(ax, number * width, width, depth - length + 1.0, color, word, "black")
    start = 0.0
    for symbol in order:
        width = 2.0 ** -len(code[symbol])
        _box(ax, start, width, -0.4, CODE_COLOR, f"{symbol}\n{width:g}", "black")
        start += width
    names = ["share", *(f"{n} bit{'s' if n > 1 else ''}" for n in range(depth, 0, -1))]
    ax.set_yticks([0, *np.arange(depth) + 1.4, depth + 1.8], [*names, "p"])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set(xlim=(-0.002, 1.002), ylim=(-0.5, depth + 2.75), xlabel="share of the unit interval")
    return figure


def _box(
    ax: Axes, left: float, width: float, bottom: float, color: str, text: str, ink: str
) -> None:
    ax.bar(left, 0.8, width, bottom, align="edge", color=color, edgecolor="black", linewidth=0.8)
    ax.text(left + width / 2, bottom + 0.4, text, ha="center", va="center", color=ink)


def block_rates(
    lengths: Sequence[int], rates: ArrayLike, bits: float, *, symbol: str = "symbol"
) -> Figure:
    """Bits per symbol of block codes against the block length, and their excess over the entropy.

    Parameters
    ----------
    lengths
        Block lengths n.
    rates
        Mean code length per symbol, one for each block length.
    bits
        The entropy H of one symbol, in bits: the bounds are H and H + 1/n.
    symbol
        What a symbol is called on the axis.
    """
    n = np.asarray(lengths)
    excess = np.asarray(rates) - bits
    figure, (top, bottom) = panels(rows=2, height=5.2, sharex=True)
    top.fill_between(n, bits, bits + 1 / n, color=LIGHT, alpha=0.6, lw=0, label="H to H + 1/n")
    top.plot(n, bits + 1 / n, ":", color=GREY)
    top.plot(n, np.full(len(n), bits), **P_LINE, label=f"entropy H = {bits:.3f}")
    top.plot(n, rates, "o", **Q_LINE, label="optimal block code")
    top.set(ylabel=f"bits per {symbol}", ylim=(0, None))
    top.legend(loc="upper right")
    bottom.plot(n, 1 / n, ":", color=GREY, label="bound 1/n")
    bottom.plot(n, excess, "o", **Q_LINE, label="excess over H")
    bottom.set_yscale("log")
    write_powers(bottom.yaxis)
    bottom.set(ylabel="excess over H (bits)", xlabel=f"block length n ({symbol}s)", xticks=n)
    bottom.legend(loc="lower left")
    return figure


def plug_in_bias(
    sizes: Sequence[int],
    measured: ArrayLike,
    spans: tuple[ArrayLike, ArrayLike],
    expected: ArrayLike,
    bits: float,
) -> Figure:
    """The entropy estimated from samples against their size, with the true entropy above.

    Parameters
    ----------
    sizes
        Sample sizes.
    measured
        Mean of the estimates at each size, in bits.
    spans
        Between which two values, below and above the mean, 90 % of the estimates at each size lie.
    expected
        The exact expectation of the estimate at each size, in bits.
    bits
        The true entropy, in bits.
    """
    figure, (ax,) = panels(height=3.5)
    low, high = map(np.asarray, spans)
    mean = np.asarray(measured)
    ax.axhline(bits, **P_LINE, label=f"true entropy, {bits:g} bits")
    ax.plot(sizes, expected, **Q_LINE, label="exact expectation")
    ax.errorbar(
        sizes,
        mean,
        (mean - low, high - mean),
        fmt="o",
        color=Q_COLOR,
        capsize=3,
        label="estimates: mean and 90 %",
    )
    ax.plot(sizes, np.log2(sizes), ":", color=GREY, label="ceiling, log₂ n")
    ax.set_xscale("log", base=2)
    ax.set(xlabel="sample size n", ylabel="entropy (bits)", ylim=(2.4, bits + 0.4))
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.legend(loc="lower right")
    return figure
