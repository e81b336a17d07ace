"""Sums of rows, and what the kernels share beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .kernel import Array

#: Up to so many categories a row's products are summed one after the other, in its own dtype;
#: beyond, pairwise, which rounds less.
_FEW = 256

#: A quotient whose logarithm is within this keeps its digits.
_FAR = 600.0

LOG_2 = float(np.log(2.0))

#: The smallest number above 0, and the smallest with all its digits.
SMALLEST, NORMAL = 5e-324, float(np.finfo(np.float64).tiny)


def products(x: Array, y: Array, out: Array) -> None:
    """Fill `out` with Σ x·y of each row; y is lost."""
    if x.shape[1] < _FEW:
        np.einsum("ij,ij->i", x, y, out=out)
    else:
        y *= x
        y.sum(axis=1, out=out)


def sums(x: Array, out: Array | None = None) -> Array:
    # A reduction has a cost for each row, einsum one for each entry.
    return np.einsum("ij->i", x, out=out) if x.shape[1] < _FEW else x.sum(axis=1, out=out)


def power_of_two(pieces: Iterable[Sequence[Array]], argument: int) -> Array:
    """The exponent of the power of two that brings the largest of each row to 1 to 2: a column."""
    largest = np.max([piece[argument].max(axis=1) for piece in pieces], axis=0)
    return np.frexp(largest.astype(np.float64))[1][:, None] - 1


def log_of_quotient(a: Any, b: Any) -> Any:
    """log(a/b) of sums of rows, whose quotient may be beyond the floats, or have lost digits."""
    log = np.log(a / b)
    far = ~(np.abs(log) < _FAR)
    return np.where(far, np.log(a) - np.log(b), log) if far.any() else log


def quotients_kept(shift: Any) -> Any:
    """1 where p/q has all its digits wherever it counts, inf where the sums are too far apart.

    `shift` is the logarithm of the quotient of the sums. An entry whose p/q is too small for a
    float although the sums are not that far apart has next to nothing of p.
    """
    limit = -0.8 * np.log(np.finfo(shift.dtype).tiny)
    return np.where(np.abs(shift) < limit, 1.0, np.inf)


def digits_kept(x: Any) -> Any:
    """1 where a number has all its digits, inf where it is so small that it has lost some."""
    return np.where(x < np.finfo(x.dtype).tiny, np.inf, 1.0)


def wide(piece: Sequence[Array]) -> list[Array]:
    return [x.astype(np.float64, copy=False) for x in piece]


def least_of(x: Array, least: Any, logs: Array, zero: Array) -> Any:
    """The smallest of x and of what is known already; where `zero` is 0, logarithms become 0."""
    least = np.minimum(x.min(), least)
    if not least > 0:
        logs[zero == 0] = 0
    return least
