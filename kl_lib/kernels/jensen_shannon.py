"""Jensen-Shannon divergence, of two distributions and of several."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import stable
from .arithmetic import LOG_2, least_of, products, sums
from .balanced import balanced_or
from .cross import Cross
from .kernel import Array, Kernel, Pieces, Precision, Task


def _balanced(s: Any, precision: Precision) -> Any:
    """1 where the two sums differ by so little that it cannot matter, elsewhere inf."""
    return np.where(np.abs(s[0] - s[1]) <= 0.1 * precision.tolerance * s[0], 1.0, np.inf)


def _js_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    """Σ p·log p + q·log q − (p + q)·log(p + q)."""
    p, q = parts
    logs, both = space
    np.log(p, out=logs)
    least = least_of(p, np.inf, logs, p)
    products(p, logs, out)
    np.log(q, out=logs)
    least = np.minimum(least_of(q, np.inf, logs, q), least)
    part = np.empty_like(out)
    products(q, logs, part)
    out += part
    np.add(p, q, out=both)
    np.log(both, out=logs)
    if not least > 0:
        logs[both == 0] = 0
    products(both, logs, part)
    out -= part
    return least


def _js_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total += (s[0] + s[1]) * LOG_2
    total /= 2 * s[0]
    # Rounding may leave a hair more than the most there is.
    return np.minimum(total, LOG_2), _balanced(s, precision)


def _js_exact(pieces: Pieces, task: Task) -> Array:
    value = balanced_or(_js_of_shares, stable.jensen_shannon, pieces)
    return np.minimum(value, LOG_2)


def _js_of_shares(pieces: Pieces) -> Array:
    total: Any = 0.0
    cross = Cross(pieces)
    for piece in pieces:
        total = total + sums(stable.jensen_shannon(*cross.of(piece)))
    return np.asarray(total / cross.total)


JENSEN_SHANNON = Kernel(_js_fast, _js_combine, _js_exact, space=2, shares=True)


def jensen_shannon_of(weights: Sequence[float]) -> Kernel:
    """Σ wᵢ·KL(pᵢ‖m) with m = Σ wᵢ·pᵢ, for weights above 0 that sum to 1."""
    most = float(-np.dot(weights, np.log(weights)))  # each knows of a category which it is
    return Kernel(
        partial(_several_fast, weights),
        partial(_several_combine, most),
        partial(_several_exact, weights),
        space=2,
        shares=True,
    )


def _several_fast(
    weights: Sequence[float], parts: Sequence[Array], out: Array, space: Sequence[Array]
) -> Any:
    """Σ wᵢ·pᵢ·log pᵢ − m·log m."""
    logs, mean = space
    out[...] = 0
    mean[...] = 0
    part = np.empty_like(out)
    least: Any = np.inf
    for weight, p in zip(weights, parts, strict=True):
        np.log(p, out=logs)
        least = least_of(p, least, logs, p)
        products(p, logs, part)
        part *= weight
        out += part
        np.multiply(p, weight, out=logs)
        mean += logs
    np.log(mean, out=logs)
    if not least > 0:
        logs[mean == 0] = 0
    products(mean, logs, part)
    out -= part
    return least


def _several_combine(
    most: float, total: Any, s: Any, task: Task, precision: Precision
) -> tuple[Any, Any]:
    total /= s[0]
    gap = np.max(s, axis=0) - np.min(s, axis=0)
    scale = np.where(gap <= 0.1 * precision.tolerance * s[0], 1.0, np.inf)
    return np.minimum(total, most), scale


def _several_exact(weights: Sequence[float], pieces: Pieces, task: Task) -> Array:
    """From the differences to the heaviest, which are exact, and so are those to the mean."""
    heavy = int(np.argmax(weights))
    pairs = [[(x[heavy], x[i]) for x in pieces] for i in range(len(weights))]
    crosses = [Cross(pair) for pair in pairs]
    total: Any = 0.0
    for number in range(len(pieces)):

        def share_and_gap(i: int, number: int = number) -> tuple[Array, Array]:
            _, q, difference = crosses[i].of(pairs[i][number])
            whole = crosses[i].total[:, None]
            return q / whole, -difference / whole

        gap: Any = sum(w * share_and_gap(i)[1] for i, w in enumerate(weights))
        mean = share_and_gap(heavy)[0] + gap
        for i, weight in enumerate(weights):
            share, own = share_and_gap(i)
            terms = stable.generalized_kl(share, mean, own - gap)
            terms[mean == 0] = 0  # too small for a float
            total = total + weight * sums(terms)
    return np.asarray(total)
