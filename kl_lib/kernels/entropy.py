"""Entropy and cross-entropy: the mean surprise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arithmetic import LOG_2, least_of, power_of_two, products, sums, wide
from .kernel import Array, Kernel, Pieces, Precision, Task


def _entropy_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    (p,) = parts
    logs = np.log(p, out=space[0])
    least = least_of(p, np.inf, logs, p)
    products(p, logs, out)
    return least


def _cross_entropy_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    p, q = parts
    logs = np.log(q, out=space[0])
    least = least_of(p, q.min(), logs, p)
    products(p, logs, out)
    return least


def _surprise_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    """log Σq − Σ p·log q/Σp. For the entropy q is p."""
    total /= -s[0]
    shift = np.log(s[-1])
    total += shift
    return total, (1 + np.abs(shift)) if task.normalize else 1


def _surprise_exact(pieces: Pieces, task: Task) -> Array:
    """Σ p·log(Σq/q)/Σp from terms that are not negative.

    A q that is more than half of its sum is set against what the others sum to: the surprise of
    what is almost certain is small, and would be lost in the rounding of its share.
    """
    # A power of two changes no digit, and keeps the sums of counts finite.
    powers = [power_of_two(pieces, i) for i in (0, -1)]

    def scaled(piece: Sequence[Array]) -> list[Array]:
        own = wide(piece)
        return [np.ldexp(own[i], -power) for i, power in zip((0, -1), powers, strict=True)]

    p_sums: Any = 0.0
    q_sums: Any = 0.0
    others: Any = 0.0
    surprise: Any = 0.0
    for piece in pieces:
        p, q = scaled(piece)
        p_sums, q_sums = p_sums + sums(p), q_sums + sums(q)
    half = 0.5 * np.asarray(q_sums)[:, None]
    for piece in pieces:
        q = scaled(piece)[1]
        others = others + sums(np.where(q > half, 0.0, q))
    for piece in pieces:
        p, q = scaled(piece)
        # Not of the scaled: an entry can be too small for a float, its logarithm is not.
        logs = np.log(half * 2) - np.log(wide(piece)[-1]) + powers[1] * LOG_2
        logs = np.where(q > half, np.log1p(np.asarray(others)[:, None] / q), logs)
        terms = np.where(wide(piece)[0] == 0, 0.0, p * logs)
        terms = np.where(np.isposinf(logs) & (wide(piece)[0] > 0), np.inf, terms)
        surprise = surprise + sums(terms)
    return np.asarray(surprise) / p_sums


ENTROPY = Kernel(_entropy_fast, _surprise_combine, _surprise_exact)
CROSS_ENTROPY = Kernel(_cross_entropy_fast, _surprise_combine, _surprise_exact)
