"""Elementwise forms that do not cancel, shared by the discrete sums and the closed forms.

The usual p·log(p/q) has terms of both signs that almost cancel when p is close to q. Written with
z = (p − q)/(p + q), the same divergence is a sum of terms that are never negative.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Below this |z|, `close_terms` keeps all digits.
SMALL = 1 / 4

# atanh(z) = z + z³/3 + z⁵/5 + ...: so many coefficients that at |z| = SMALL the next one is lost in
# the rounding of the first.
_ATANH = tuple(1 / (2 * k + 1) for k in range(1, 16))
_JS = tuple(1 / (k * (2 * k - 1)) for k in range(1, 16))
_EXP = tuple((-1.0) ** k / math.factorial(k + 2) for k in range(16))
_NEGLIGIBLE = 2.0**-56


def close_terms(
    difference: Array, z: Array, out: Array | None = None, square: Array | None = None
) -> Array:
    """p·log(p/q) − p + q from p − q and z = (p − q)/(p + q), elementwise, for |z| < SMALL.

    Never negative. Fills `out` and uses `square` as scratch space where they are given.
    """
    # p·log(p/q) − (p − q) = (p − q)·z·[1 + (1 + z)·(atanh(z) − z)/z²]
    out, square = _atanh_excess(z, out, square)
    np.multiply(out, z, out=square)
    out += square
    out += 1
    out *= z
    out *= difference
    return out


def _atanh_excess(
    z: Array, out: Array | None = None, square: Array | None = None
) -> tuple[Array, Array]:
    """(atanh(z) − z)/z² for small z, by its series: z/3 + z³/5 + z⁵/7 + ...; and z²."""
    square = np.multiply(z, z, out=square)
    # The closer to 0 all of z is, the fewer terms reach the last place of 1 + z/3. With nan, all.
    largest = min(float(square.max(initial=0.0)), 1.0)
    count = next((n for n in range(1, len(_ATANH)) if largest**n <= _NEGLIGIBLE), len(_ATANH))
    out = np.empty_like(z) if out is None else out
    out[...] = _ATANH[count - 1]
    for coefficient in reversed(_ATANH[: count - 1]):
        out *= square
        out += coefficient
    out *= z
    return out, square


def log_ratio(p: Array, q: Array) -> Array:
    """log(p/q) elementwise, to full relative accuracy for p near q; 0 where both are 0.

    −inf where only p is 0, inf where only q is 0.
    """
    p, q = np.broadcast_arrays(p, q)
    with np.errstate(all="ignore"):
        ratio = p / q
        near = np.abs(p - q) < 0.5 * q
        # The quotient of far-apart numbers overflows or loses bits as a subnormal: subtract logs.
        fair = (ratio > 1e-290) & (ratio < 1e290)
        out = np.where(fair, np.log(ratio), np.log(p) - np.log(q))
        out = np.where(near, np.log1p((p - q) / q), out)
    return np.where(p == q, 0.0, out)


def generalized_kl(
    p: Array, q: Array, difference: Array | None = None, log: Array | None = None
) -> Array:
    """p·log(p/q) − p + q elementwise: never negative, exact to a few units in the last place.

    q where p is 0, inf where only q is 0, 0 where both are. `difference` is p − q and `log` is
    log(p/q) where the caller knows them better than the rounded p and q tell.
    """
    p, q = np.broadcast_arrays(p, q)
    with np.errstate(all="ignore"):
        # Halving first keeps the sum of two huge masses finite.
        half_p, half_q = 0.5 * p, 0.5 * q
        half = half_p - half_q if difference is None else 0.5 * difference
        z = half / (half_p + half_q)
        out = close_terms(half, z)
        out *= 2
        if max(z.max(initial=0.0), -z.min(initial=0.0)) < SMALL:
            return out
        far = ~(np.abs(z) < SMALL)
        p_far, q_far = p[far], q[far]
        log_far = log_ratio(p_far, q_far) if log is None else log[far]
        value = p_far * log_far - 2 * half[far]
        value[p_far == 0] = q_far[p_far == 0]
        out[far] = value
    if log is None:
        out[q == 0] = np.inf
    out[(q == 0) & (p == 0)] = 0.0
    return np.maximum(out, 0.0, out=out)


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """a + b as the rounded sum and what the rounding left out (Knuth's method)."""
    total = a + b
    moved = total - a
    return total, (a - (total - moved)) + (b - moved)


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """a·b as the rounded product and what the rounding left out (Dekker's method).

    Exact unless a product under- or overflows.
    """
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    product = a * b
    left = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, left


def _split(x: Array) -> tuple[Array, Array]:
    """x as the sum of two numbers of at most 26 bits each."""
    big = 134217729.0 * x  # 2²⁷ + 1
    high = big - (big - x)
    return high, x - high


def exact_sum(values: Array) -> tuple[Array, Array]:
    """The sum over the last axis as a float and what rounding took from it.

    Halves are added pairwise, and the rounding errors of the additions beside them, so the pair is
    good to about twice the digits of a float.
    """
    high, low = values, np.zeros_like(values)
    while (n := high.shape[-1]) > 1:
        half = n // 2
        a, b = high[..., :half], high[..., half : 2 * half]
        total, error = two_sum(a, b)
        carried = low[..., :half] + low[..., half : 2 * half] + error
        odd = slice(2 * half, None)
        high = np.concatenate([total, high[..., odd]], axis=-1)
        low = np.concatenate([carried, low[..., odd]], axis=-1)
    return high[..., 0], low[..., 0]


def jensen_shannon(p: Array, q: Array, difference: Array | None = None) -> Array:
    """½·p·log(p/m) + ½·q·log(q/m) with m = (p + q)/2, elementwise: never negative.

    With z as above this is (p + q)/4 · [2z·atanh(z) + log(1 − z²)], and for small z a series of
    terms of one sign. The mean is never formed: of the smallest floats it would be 0. `difference`
    is p − q where the caller has it more exactly than p and q hold it.
    """
    p, q = np.broadcast_arrays(p, q)
    with np.errstate(all="ignore"):
        total = p + q
        z = (p - q if difference is None else difference) / total
        out = _jensen_shannon_series(z)
        out *= total
        out *= 0.25
        far = ~(np.abs(z) < SMALL)
        if far.any():
            p_far, q_far, whole = p[far], q[far], total[far]
            of_p = np.where(p_far == 0, 0.0, p_far * log_ratio(2 * p_far, whole))
            of_q = np.where(q_far == 0, 0.0, q_far * log_ratio(2 * q_far, whole))
            out[far] = 0.5 * (of_p + of_q)
    return np.maximum(out, 0.0, out=out)


def _jensen_shannon_series(z: Array) -> Array:
    """2z·atanh(z) + log(1 − z²) for small z: z² + z⁴/6 + z⁶/15 + ..."""
    square = z * z
    largest = min(float(square.max(initial=0.0)), 1.0)
    count = next((n for n in range(1, len(_JS)) if largest**n <= _NEGLIGIBLE), len(_JS))
    out = np.full_like(z, _JS[count - 1])
    for coefficient in reversed(_JS[: count - 1]):
        out *= square
        out += coefficient
    out *= square
    return out


def generalized_kl_of_product(p: Array, a: Array, b: Array) -> Array:
    """p·log(p/(a·b)) − p + a·b elementwise, also where a·b is too small for a float."""
    with np.errstate(all="ignore"):
        product = a * b
        lost = product < np.finfo(np.float64).tiny
        if not lost.any():
            return generalized_kl(p, product)
        # A product below the normal floats has lost digits that the logarithms still have.
        log = np.log(p) - np.log(a) - np.log(b)
        far = np.where(p == 0, product, p * log - p + product)
        return np.where(lost, far, generalized_kl(p, np.where(lost, 1.0, product)))


def minus_log1p(x: Array | float) -> Array:
    """x − log(1 + x) for x > −1 elementwise: never negative, without cancellation near 0.

    With z = x/(2 + x): log(1 + x) = 2·atanh(z) and x − 2z = x·z.
    """
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        z = x / (2 + x)
        close = x * z - 2 * z * z * _atanh_excess(z)[0]
        far = x - np.log1p(x)
    far = np.where(np.isposinf(x), np.inf, far)
    return np.maximum(np.where(np.abs(z) < SMALL, close, far), 0.0)


def expm1_plus(t: Array) -> Array:
    """e^(−t) − 1 + t elementwise: never negative, without cancellation near 0."""
    with np.errstate(all="ignore"):
        x = np.expm1(-t)
        # e^(−t) − 1 + t = x − log(1 + x) with x = e^(−t) − 1.
        return np.where(np.abs(t) < 0.1, minus_log1p(x), x + t)


def expm1_plus_factor(t: Array, largest: float) -> Array:
    """(e^(−t) − 1 + t)/t² by its series, ½ − t/6 + t²/24 − ..., for |t| ≤ `largest` < SMALL."""
    count = next((n for n in range(1, len(_EXP)) if largest**n <= _NEGLIGIBLE), len(_EXP))
    out = np.full_like(t, _EXP[count - 1])
    for coefficient in reversed(_EXP[: count - 1]):
        out *= t
        out += coefficient
    return out
