"""Rényi divergence of any order of at least 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import stable
from .arithmetic import (
    LOG_2,
    digits_kept,
    log_of_quotient,
    power_of_two,
    products,
    quotients_kept,
    sums,
    wide,
)
from .cross import Cross
from .kernel import Array, Kernel, Pieces, Precision, Task
from .kl import KL

#: Orders as close to 1 as this have a sum of their own, in which nothing cancels.
_NEAR = 0.05


def renyi_of(alpha: float) -> Kernel:
    """The Rényi divergence of an order of at least 0: that of order 1 is KL."""
    if alpha == 1:
        return KL
    if alpha == 0:
        return _RENYI_0
    if alpha == np.inf:
        return _RENYI_MAX
    if abs(alpha - 1) < _NEAR:
        return Kernel(
            partial(_renyi_fast_near_1, alpha - 1),
            partial(_renyi_combine_near_1, alpha - 1),
            partial(_renyi_exact, alpha),
        )
    if alpha < 1:
        fast, space = _renyi_fast_below_1, 2
    else:
        fast, space = _renyi_fast_above_1, 1
    return Kernel(
        partial(fast, alpha),
        partial(_renyi_combine, alpha),
        partial(_renyi_exact, alpha),
        space=space,
    )


def _renyi_fast_below_1(
    alpha: float, parts: Sequence[Array], out: Array, space: Sequence[Array]
) -> Any:
    """Σ exp(α·log p + (1 − α)·log q): of a 0, −inf, which leaves nothing."""
    a, b = (np.log(x, out=y) for x, y in zip(parts, space, strict=True))
    a *= alpha
    b *= 1 - alpha
    a += b
    np.exp(a, out=a)
    sums(a, out)
    return 0.0  # what is negative has made its row nan


def _renyi_fast_above_1(
    alpha: float, parts: Sequence[Array], out: Array, space: Sequence[Array]
) -> Any:
    """Σ p·(p/q)^(α − 1)."""
    p, q = parts
    factor = np.divide(p, q, out=space[0])
    np.log(factor, out=factor)
    factor *= alpha - 1
    np.exp(factor, out=factor)
    least = p.min()
    if not least > 0:
        factor[p == 0] = 0
        least = np.minimum(least, q.min())
    products(p, factor, out)
    return least


def _renyi_fast_near_1(
    order: float, parts: Sequence[Array], out: Array, space: Sequence[Array]
) -> Any:
    """Σ p·((p/q)^δ − 1) for δ = α − 1, as small as δ is."""
    p, q = parts
    less_1 = np.divide(p, q, out=space[0])
    # A quotient beyond the floats is not one by 0; of both, a power below 0 would be 0.
    beyond = None if less_1.max() < np.inf else np.isinf(less_1).any(axis=1)
    np.log(less_1, out=less_1)
    less_1 *= order
    np.expm1(less_1, out=less_1)
    least = p.min()
    if not least > 0:
        less_1[p == 0] = 0
        least = np.minimum(least, q.min())
    products(p, less_1, out)
    if beyond is not None:
        out[beyond] = np.nan
    return least


def _renyi_combine_near_1(
    order: float, total: Any, s: Any, task: Task, precision: Precision
) -> tuple[Any, Any]:
    total /= s[0]
    shift = log_of_quotient(s[1], s[0])
    # Near −1 the total has lost the digits of 1 + total.
    scale = 1 + np.abs(shift) + 1 / np.maximum(1 + total, 1e-300)
    return np.log1p(total) / order + shift, scale * quotients_kept(shift)


def _renyi_combine(
    alpha: float, total: Any, s: Any, task: Task, precision: Precision
) -> tuple[Any, Any]:
    order = alpha - 1
    kept = digits_kept(total)  # before a sum as small makes it look usual
    shift = log_of_quotient(s[1], s[0])
    total /= s[0]
    value = np.log(total) / order + shift
    # A ratio that is rounded is so to the power of α.
    scale = max(alpha, 1.0) / abs(order)
    scale *= kept
    if not task.normalize:
        return value, scale
    scale *= quotients_kept(shift * max(1.0, abs(order)))
    # Logarithms of counts round as they are large, and so does what is made of them.
    return value, scale * (1 + np.abs(shift) + (np.abs(np.log(s[0])) + np.abs(np.log(s[1]))) / 50)


def _renyi_exact(alpha: float, pieces: Pieces, task: Task) -> Array:
    if alpha < 0.5:  # the same of the two exchanged, from the other end
        return _renyi_from_1(-alpha, alpha - 1, [(q, p) for p, q in pieces])
    return _renyi_from_1(alpha - 1, alpha - 1, pieces)


def _renyi_from_1(order: float, divisor: float, pieces: Pieces) -> Array:
    """log(1 + δ·h)/divisor with h = Σ (p^α·q^(1 − α) − α·p − (1 − α)·q)/δ, of terms of one sign.

    δ = α − 1 is the `order`. Where δ·h is near −1, or beyond the floats, it is the logarithm of
    the sum itself, from the logarithms of its terms.
    """
    cross = Cross(pieces)
    size: Any = 0.0
    for piece in pieces:
        size = size + sums(_renyi_terms(order, cross, piece))
    size = np.asarray(size) / cross.total
    less_1 = order * size
    usual = less_1 < np.inf if order > 0 else less_1 > -0.5
    # δ divides the terms, and is not multiplied back: their product may be too small for a float.
    value = size * np.where(less_1 == 0, 1.0, np.log1p(less_1) / less_1) * (order / divisor)
    if not usual.all():
        value = np.where(usual, value, _renyi_of_logs(order, divisor, cross, pieces))
    if order > 0:
        value[np.any([((p > 0) & (q == 0)).any(axis=1) for p, q in pieces], axis=0)] = np.inf
    return np.maximum(value, 0.0)


def _renyi_terms(order: float, cross: Cross, piece: Sequence[Array]) -> Array:
    """(p^α·q^(1 − α) − α·p − (1 − α)·q)/δ, with p and q multiplied by the sum of the other.

    With t = log(p/q) that is (p·t − p + q) + p·(e^(δt) − 1 − δt)/δ. The first part is never
    negative. For α > 1 nor is the second, below it is not positive, and at most half the size of
    the first where α ≥ ½.
    """
    p, q, difference = cross.of(piece)
    log = cross.all_of_log_ratio(piece, q, difference)
    second = stable.expm1_plus(-order * log) / order
    # A p that is much smaller than q may be too small for all its digits.
    second = np.where(log < -1, q * (second * np.exp(log)), p * second)
    second[p == 0] = 0
    first = stable.generalized_kl(p, q, difference, log)
    if order > 0:
        return first + second
    far = p * (np.expm1(order * log) / order + np.expm1(-log))
    return np.maximum(np.where(log > 1, far, first + second), 0.0)


def _renyi_of_logs(order: float, divisor: float, cross: Cross, pieces: Pieces) -> Array:
    """log Σ p^α·q^(1 − α)/divisor, as the largest term of each row and the others next to it."""
    tops, rests = [], []
    for piece in pieces:
        logs = [
            np.log(x) - power * LOG_2 - np.log(total)
            for x, power, total in zip(wide(piece), cross.powers, cross.sums, strict=True)
        ]
        if order > 0:
            # Divided by the order, which may be huge.
            _, q, difference = cross.of(piece)
            terms = logs[0] / order + cross.all_of_log_ratio(piece, q, difference)
        else:
            terms = (1 + order) * logs[0] - order * logs[1]
        terms[(piece[0] == 0) | (piece[1] == 0)] = -np.inf
        tops.append(terms.max(axis=1))
        top = np.where(np.isfinite(tops[-1]), tops[-1], 0.0)[:, None]
        rests.append(sums(np.exp((order if order > 0 else 1.0) * (terms - top))))
    factor = order if order > 0 else 1.0
    top = np.max(tops, axis=0)
    finite = np.where(np.isfinite(top), top, 0.0)
    rest = np.sum(
        [np.exp(factor * (x - finite)) * y for x, y in zip(tops, rests, strict=True)], axis=0
    )
    return np.asarray((top + np.log(rest) / factor) * (factor / divisor))


def _renyi_0_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    """Σ q where p > 0."""
    p, q = parts
    np.multiply(q, p > 0, out=space[0])
    sums(space[0], out)
    return np.minimum(p.min(), q.min())


def _renyi_0_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total /= s[1]
    return -np.log(total), digits_kept(total)


def _renyi_0_exact(pieces: Pieces, task: Task) -> Array:
    """log(1 + outside/inside), of what q has outside p's support and inside."""

    def part(within: bool) -> Iterator[tuple[Array]]:
        return ((np.where((p > 0) == within, q, 0.0),) for p, q in map(wide, pieces))

    # Each in its own power of two: one can be too small for a float beside the other.
    powers = [power_of_two(part(within), 0) for within in (True, False)]
    inside, outside = (
        np.sum([sums(np.ldexp(x, -power)) for (x,) in part(within)], axis=0)
        for within, power in zip((True, False), powers, strict=True)
    )
    shift = (powers[1] - powers[0])[:, 0]
    ratio = np.ldexp(outside / inside, shift)
    far = np.log(outside / inside) + shift * LOG_2
    return np.where(ratio < np.inf, np.log1p(ratio), far)


def _renyi_max_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    """The largest p/q of each row."""
    p, q = parts
    ratio = np.divide(p, q, out=space[0])
    least = np.minimum(p.min(), q.min())
    if not least > 0:
        ratio[p == 0] = 0
    np.max(ratio, axis=1, out=out)
    return least


def _renyi_max_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    shift = log_of_quotient(s[1], s[0])
    scale = digits_kept(total) * quotients_kept(shift)
    return np.log(total) + shift, scale * (1 + np.abs(shift))


def _renyi_max_exact(pieces: Pieces, task: Task) -> Array:
    cross = Cross(pieces)
    found = []
    for piece in pieces:
        _, q, difference = cross.of(piece)
        logs = cross.all_of_log_ratio(piece, q, difference)
        found.append(np.where(piece[0] > 0, logs, 0.0).max(axis=1))
    return np.maximum(np.max(found, axis=0), 0.0)


_RENYI_0 = Kernel(_renyi_0_fast, _renyi_0_combine, _renyi_0_exact)
_RENYI_MAX = Kernel(_renyi_max_fast, _renyi_max_combine, _renyi_max_exact, join=np.max)
