"""Hellinger and Bhattacharyya distances: two forms of the coefficient BC = Σ √(p·q)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arithmetic import SMALLEST, products, sums, wide
from .cross import Cross
from .kernel import Array, Kernel, Pieces, Precision, Task


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
    return -np.log(total), 1


def _affinity_exact(pieces: Pieces) -> tuple[Array, Array]:
    """1 − BC as ½·Σ(√p − √q)², and BC = Σ √(p·q), of the rows divided by their sums."""
    cross = Cross(pieces)
    roots = [np.exp2(-0.5 * power) for power in cross.powers]
    short: Any = 0.0
    affinity: Any = 0.0
    for piece in pieces:
        p, q, difference = cross.of(piece)
        both = np.maximum(np.sqrt(p) + np.sqrt(q), SMALLEST)
        short = short + sums((difference / both) ** 2)
        # Of what was given, since a product with a sum can be too small for a float.
        given = [np.sqrt(x) * root for x, root in zip(wide(piece), roots, strict=True)]
        affinity = affinity + sums(given[0] * given[1])
    return np.minimum(0.5 * short / cross.total, 1.0), affinity / np.sqrt(cross.total)


def _hellinger_exact(pieces: Pieces, task: Task) -> Array:
    return np.sqrt(_affinity_exact(pieces)[0])


def _bhattacharyya_exact(pieces: Pieces, task: Task) -> Array:
    short, affinity = _affinity_exact(pieces)
    return np.where(short < 0.5, -np.log1p(-short), -np.log(affinity))


HELLINGER = Kernel(_affinity_fast, _hellinger_combine, _hellinger_exact, space=2)
BHATTACHARYYA = Kernel(_affinity_fast, _bhattacharyya_combine, _bhattacharyya_exact, space=2)
