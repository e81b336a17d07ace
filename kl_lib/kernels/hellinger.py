"""Hellinger and Bhattacharyya distances: two forms of the coefficient BC = Σ √(p·q)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arithmetic import NORMAL, SMALLEST, digits_kept, products, sums
from .balanced import balanced_or
from .cross import Cross
from .kernel import Array, Kernel, Pieces, Precision, Task
from .renyi import renyi_of


def _affinity_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    """Σ √p·√q, without a product that underflows."""
    roots = [np.sqrt(x, out=y) for x, y in zip(parts, space, strict=True)]
    products(roots[0], roots[1], out)
    return 0.0  # what is negative has made its row nan


def _hellinger_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total /= np.sqrt(s[0]) * np.sqrt(s[1])
    return np.sqrt(1 - total), precision.bound**-0.5


def _bhattacharyya_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total /= np.sqrt(s[0]) * np.sqrt(s[1])
    return -np.log(total), digits_kept(total)


def _hellinger_exact(pieces: Pieces, task: Task) -> Array:
    return np.sqrt(balanced_or(_short_of_1, _half_squares, pieces))


def _half_squares(p: Array, q: Array, difference: Array) -> Array:
    """½·(√p − √q)²."""
    both = np.maximum(np.sqrt(p) + np.sqrt(q), SMALLEST)
    return 0.5 * (difference / both) ** 2


def _short_of_1(pieces: Pieces) -> Array:
    """1 − BC of the rows divided by their sums."""
    cross = Cross(pieces)
    total: Any = 0.0
    for piece in pieces:
        total = total + sums(_half_squares(*cross.of(piece)))
    return np.minimum(total / cross.total, 1.0)


def _bhattacharyya_exact(pieces: Pieces, task: Task) -> Array:
    short = balanced_or(_short_of_1, _half_squares, pieces)
    near = (short < 0.5) & (short > NORMAL)
    value = -np.log1p(-np.where(near, short, 0.0))
    if not near.all():
        rest: Any = slice(None) if not near.any() else ~near  # without a copy
        value[rest] = 0.5 * renyi_of(0.5).exact([[x[rest] for x in y] for y in pieces], task)
    return value


HELLINGER = Kernel(_affinity_fast, _hellinger_combine, _hellinger_exact, space=2)
BHATTACHARYYA = Kernel(_affinity_fast, _bhattacharyya_combine, _bhattacharyya_exact, space=2)
