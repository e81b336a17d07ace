"""KL(p‖q), of counts and generalised too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import stable
from .arithmetic import SMALLEST, log_of_quotient, products, quotients_kept, sums, wide
from .cross import Cross
from .kernel import Array, Kernel, Pieces, Precision, Task


def _kl_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    p, q = parts
    logs = np.divide(p, q, out=space[0])
    np.log(logs, out=logs)
    least = p.min()
    # A negative q beside a positive p shows as a sum of nan; only beside a 0 must it be looked for.
    if not least > 0:
        logs[p == 0] = 0
        least = np.minimum(least, q.min())
    products(p, logs, out)
    return least


def _kl_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    if task.generalized:
        total -= s[0]
        total += s[1]
        return total, s[0] + s[1]
    total /= s[0]
    if not task.normalize:
        total += np.log(s[1] / s[0])
        return total, 1
    shift = log_of_quotient(s[1], s[0])
    total += shift
    return total, (1 + np.abs(shift)) * quotients_kept(shift)


def _kl_exact(pieces: Pieces, task: Task) -> Array:
    if task.normalize:
        return _kl_exact_of_counts(pieces)
    total: Any = 0.0
    p_sums: Any = 0.0
    surplus: Any = 0.0
    for piece in pieces:
        p, q = wide(piece)
        terms, difference = _generalized_sums(p, q)
        total, surplus = total + terms, surplus + difference
        p_sums = p_sums + sums(p)
    return np.asarray(total) if task.generalized else of_sums(total, p_sums, surplus)


def _generalized_sums(p: Array, q: Array) -> tuple[Array, Array]:
    """Σ (p·log(p/q) − p + q) and Σ(q − p) of each row."""
    z: Array = p + q
    if z.max() < np.inf:
        np.maximum(z, SMALLEST, out=z)  # two zeros give 0/SMALLEST
        difference: Any = p - q
        np.divide(difference, z, out=z)
        if max(z.max(), -z.min()) < stable.SMALL:
            return sums(stable.close_terms(difference, z)), -sums(difference)
    return sums(stable.generalized_kl(p, q)), sums(q - p)


def of_sums(total: Any, p_sums: Any, surplus: Any) -> Any:
    """From Σ (p·log(p/q) − p + q) to the KL of the rows divided by their sums.

    With r = Σq/Σp that is total/Σp − (r − 1 − log r). Given the `surplus` Σ(q − p), summed as
    differences, r − 1 keeps its digits, and the correction is of second order in it.
    """
    return np.maximum(total / p_sums - stable.minus_log1p(surplus / p_sums), 0.0)


def _kl_exact_of_counts(pieces: Pieces) -> Array:
    total: Any = 0.0
    cross = Cross(pieces)
    for piece in pieces:
        p, q, difference = cross.of(piece)
        terms = sums(stable.generalized_kl(p, q, difference, cross.log_ratio(piece)))
        terms[((piece[0] > 0) & (piece[1] == 0)).any(axis=1)] = np.inf
        total = total + terms
    return np.asarray(total) / cross.total


KL = Kernel(_kl_fast, _kl_combine, _kl_exact)
