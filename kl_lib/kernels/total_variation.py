"""Total variation distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arithmetic import sums
from .cross import Cross
from .kernel import Array, Kernel, Pieces, Precision, Task


def _tv_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    p, q = parts
    gap = np.subtract(p, q, out=space[0])
    np.abs(gap, out=gap)
    sums(gap, out)
    return np.minimum(p.min(), q.min())


def _tv_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total /= 2 * s[0]
    total = np.minimum(total, 1.0)
    if task.normalize:  # the shares have been rounded
        return total, 1
    # p − q is exact for p near q. The difference of the sums, which are rounded, counts.
    unknown = abs(s[0] - s[1]) + np.finfo(total.dtype).eps
    return total, 10 * unknown / (precision.bound * precision.tolerance)


def _tv_exact(pieces: Pieces, task: Task) -> Array:
    total: Any = 0.0
    cross = Cross(pieces)
    for piece in pieces:
        total = total + sums(np.abs(cross.of(piece)[2]))
    return np.minimum(0.5 * total / cross.total, 1.0)


TOTAL_VARIATION = Kernel(_tv_fast, _tv_combine, _tv_exact, shares=True)
