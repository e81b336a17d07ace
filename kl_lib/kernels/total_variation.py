"""Total variation distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arithmetic import sums
from .balanced import balanced_or
from .cross import Cross
from .kernel import Array, Kernel, Pieces, Precision, Task


def _tv_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    # Σ min(p, q), in two passes over the chunk fewer than Σ |p − q|.
    p, q = parts
    least = np.minimum(p, q, out=space[0])
    sums(least, out)
    return least.min()


def _tv_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    # Σ |p − q| = Σp + Σq − 2·Σ min(p, q)
    total = ((s[0] - total) + (s[1] - total)) / (2 * s[0])
    total = np.minimum(np.maximum(total, 0.0), 1.0)
    if task.normalize:  # the shares have been rounded
        return total, 1
    # The three sums are rounded, and so is the difference of two of them.
    unknown = abs(s[0] - s[1]) + 5 * np.finfo(total.dtype).eps
    return total, 10 * unknown / (precision.bound * precision.tolerance)


def _tv_exact(pieces: Pieces, task: Task) -> Array:
    return np.minimum(balanced_or(_tv_of_shares, _half_gaps, pieces, order=1), 1.0)


def _half_gaps(p: Array, q: Array, difference: Array) -> Array:
    return 0.5 * np.abs(difference)


def _tv_of_shares(pieces: Pieces) -> Array:
    total: Any = 0.0
    cross = Cross(pieces)
    for piece in pieces:
        total = total + sums(_half_gaps(*cross.of(piece)))
    return np.asarray(total / cross.total)


TOTAL_VARIATION = Kernel(_tv_fast, _tv_combine, _tv_exact, shares=True)
