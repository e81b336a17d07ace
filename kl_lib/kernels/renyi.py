"""Rényi divergence of any order of at least 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from .. import stable
from .arithmetic import LOG_2, digits_kept, power_of_two, products, sums, wide
from .cross import Cross
from .kernel import Array, Kernel, Pieces, Precision, Task
from .kl import KL


def renyi_of(alpha: float) -> Kernel:
    """The Rényi divergence of an order of at least 0: that of order 1 is KL."""
    if alpha == 1:
        return KL
    if alpha == 0:
        return _RENYI_0
    if alpha == np.inf:
        return _RENYI_MAX
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


def _renyi_combine(
    alpha: float, total: Any, s: Any, task: Task, precision: Precision
) -> tuple[Any, Any]:
    order = alpha - 1
    shift = np.log(s[1] / s[0])
    total /= s[0]
    value = np.log(total) / order + shift
    # A ratio that is rounded is so to the power of α.
    scale = max(alpha, 1.0) / abs(order)
    scale *= digits_kept(total)
    if not task.normalize:
        return value, scale
    # Logarithms of counts round as they are large, and so does what is made of them.
    return value, scale * (1 + np.abs(shift) + (np.abs(np.log(s[0])) + np.abs(np.log(s[1]))) / 50)


def _renyi_exact(alpha: float, pieces: Pieces, task: Task) -> Array:
    """log(1 + h)/(α − 1) with h = Σ (p^α·q^(1 − α) − α·p − (1 − α)·q), whose terms have one sign.

    Where h is near −1, or beyond the floats, it is the logarithm of the sum itself, from the
    logarithms of its terms.
    """
    order = alpha - 1
    cross = Cross(pieces)
    size: Any = 0.0
    for piece in pieces:
        size = size + sums(_renyi_terms(alpha, cross, piece))
    size = np.asarray(size) / cross.total
    usual = size < (0.5 if alpha < 1 else np.inf)
    value = np.log1p(np.where(usual, size if alpha > 1 else -size, 0.0)) / order
    if not usual.all():
        value = np.where(usual, value, _renyi_of_logs(alpha, cross, pieces))
    if alpha > 1:
        value[np.any([((p > 0) & (q == 0)).any(axis=1) for p, q in pieces], axis=0)] = np.inf
    return np.maximum(value, 0.0)


def _renyi_terms(alpha: float, cross: Cross, piece: Sequence[Array]) -> Array:
    """|p^α·q^(1 − α) − α·p − (1 − α)·q|, with p and q multiplied by the sum of the other.

    With t = log(p/q) and δ = α − 1 that is δ·(p·t − p + q) + p·(e^(δt) − 1 − δt): two parts that
    are not negative for α > 1. Below they have opposite signs, and the first is twice the second at
    least where α ≥ ½; a smaller α is that of the two exchanged.
    """
    p, q, difference = cross.of(piece)
    log = cross.all_of_log_ratio(piece, q, difference)
    order = alpha - 1
    if alpha < 0.5:
        p, q, difference, log, order = q, p, -difference, -log, -alpha
    second = p * stable.expm1_plus(-order * log)
    second[p == 0] = 0
    first = abs(order) * stable.generalized_kl(p, q, difference, log)
    if alpha > 1:
        return first + second
    far = p * (abs(order) * np.expm1(-log) - np.expm1(order * log))
    return np.maximum(np.where(log > 1, far, first - second), 0.0)


def _renyi_of_logs(alpha: float, cross: Cross, pieces: Pieces) -> Array:
    """log Σ p^α·q^(1 − α)/(α − 1), as the largest term of each row and the others next to it."""
    order = alpha - 1
    tops, rests = [], []
    for piece in pieces:
        logs = [
            np.log(x) - power * LOG_2 - np.log(total)
            for x, power, total in zip(wide(piece), cross.powers, cross.sums, strict=True)
        ]
        if alpha > 1:
            # Divided by the order, which may be huge.
            _, q, difference = cross.of(piece)
            terms = logs[0] / order + cross.all_of_log_ratio(piece, q, difference)
        else:
            terms = alpha * logs[0] - order * logs[1]
        terms[(piece[0] == 0) | (piece[1] == 0)] = -np.inf
        tops.append(terms.max(axis=1))
        top = np.where(np.isfinite(tops[-1]), tops[-1], 0.0)[:, None]
        rests.append(sums(np.exp((order if alpha > 1 else 1.0) * (terms - top))))
    factor = order if alpha > 1 else 1.0
    top = np.max(tops, axis=0)
    finite = np.where(np.isfinite(top), top, 0.0)
    rest = np.sum(
        [np.exp(factor * (x - finite)) * y for x, y in zip(tops, rests, strict=True)], axis=0
    )
    return np.asarray((top + np.log(rest) / factor) * (factor / order))


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
    """nan: the largest quotient of a row in pieces is no sum."""
    out[...] = np.nan
    return 0.0


def _renyi_max_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    return total, 1


def _renyi_max_exact(pieces: Pieces, task: Task) -> Array:
    cross = Cross(pieces)
    found = []
    for piece in pieces:
        _, q, difference = cross.of(piece)
        logs = cross.all_of_log_ratio(piece, q, difference)
        found.append(np.where(piece[0] > 0, logs, 0.0).max(axis=1))
    return np.maximum(np.max(found, axis=0), 0.0)


_RENYI_0 = Kernel(_renyi_0_fast, _renyi_0_combine, _renyi_0_exact)
_RENYI_MAX = Kernel(_renyi_max_fast, _renyi_max_combine, _renyi_max_exact)
