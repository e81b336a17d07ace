"""Pearson's χ² divergence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arithmetic import NORMAL, SMALLEST, products, sums
from .balanced import balanced_or
from .cross import Cross
from .kernel import Array, Kernel, Pieces, Precision, Task


def _chi2_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    """Σ p²/q, which is 1 more."""
    p, q = parts
    ratio = np.divide(p, q, out=space[0])
    least = np.minimum(p.min(), q.min())
    if not least > 0:
        ratio[p == 0] = 0
    products(p, ratio, out)
    return least


def _chi2_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total *= s[1] / s[0] / s[0]
    total -= 1
    return total, 1


def _chi2_exact(pieces: Pieces, task: Task) -> Array:
    return balanced_or(_chi2_of_shares, _square_terms, pieces)


def _square_terms(p: Array, q: Array, difference: Array) -> Array:
    """(p − q)²/q; nan, so that nothing is sure, where q has lost its digits."""
    return np.where(q >= NORMAL, difference / q * difference, np.where(p == q, 0.0, np.nan))


def _chi2_of_shares(pieces: Pieces) -> Array:
    total: Any = 0.0
    cross = Cross(pieces)
    # Before they are summed, so that only the result itself can overflow.
    weight = 1 / cross.total[:, None]
    for piece in pieces:
        p, q, difference = cross.of(piece)
        terms = (difference * weight) * (difference / np.maximum(q, SMALLEST))
        lost = q < NORMAL  # has no digits left that its logarithm does not have
        if lost.any():
            log = cross.log_ratio(piece)[lost]
            root = np.exp(0.5 * log)
            share = (p * weight)[lost]
            of_ratio = (share * root * np.expm1(-log)) * (root * np.expm1(-log))
            terms[lost] = np.where(share > 0, of_ratio, (q * weight)[lost])
        total = total + sums(np.where((piece[0] > 0) & (piece[1] == 0), np.inf, terms))
    return np.asarray(total)


CHI2 = Kernel(_chi2_fast, _chi2_combine, _chi2_exact)
