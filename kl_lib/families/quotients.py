"""Differences and quotients that neither cancel nor overflow on the way to a result that does not.

Almost every closed form of KL is made of r − 1 − log r, which is about (r − 1)²/2 for r near 1:
there, rounding r itself to a float already loses half the digits. So these functions never form r.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import stable

Array = NDArray[np.float64]


def difference(a: Array, b: Array) -> tuple[Array, Array]:
    """a − b as a finite number of units, and the unit: 2 where a − b overflows, elsewhere 1."""
    units = a - b
    large = np.isinf(units)
    # Numbers whose difference overflows are so large that halving does not round them.
    return np.where(large, 0.5 * a - 0.5 * b, units), np.where(large, 2.0, 1.0)


def difference_quotient(a: Array, b: Array, divisor: Array) -> Array:
    """(a − b)/divisor, of which only the result itself can overflow."""
    units, unit = difference(a, b)
    return unit * (units / divisor)


def half_square(x: Array) -> Array:
    """½·x², of which only the result itself can overflow or underflow."""
    return 0.5 * x * x


def itakura_saito(a: Array, b: Array, difference: Array | None = None) -> Array:
    """The Itakura-Saito divergence r − 1 − log r, r = a/b, of positive a and b: never negative.

    `difference` is a − b where the caller has it more exactly than a and b hold it.
    """
    t = (a - b if difference is None else difference) / b
    return np.where(t > -0.5, stable.minus_log1p(np.maximum(t, -0.5)), t - stable.log_ratio(a, b))


def quotient(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    """r − 1 and log r for r = a·b/(c·d), all positive: r − 1 exact however close to 0.

    The products are formed exactly, each as a float and its rounding error; the exponents are
    taken off first, so that only r − 1 itself can overflow. log r is for r that is not near 1.
    """
    (a, i), (b, j), (c, k), (d, m) = np.frexp(a), np.frexp(b), np.frexp(c), np.frexp(d)
    shift = i + j - k - m
    top, top_error = stable.two_product(a, b)
    bottom, bottom_error = stable.two_product(c, d)
    small = np.minimum(shift, 2)
    close = np.ldexp(top, small) - bottom + (np.ldexp(top_error, small) - bottom_error)
    r_minus_1 = np.where(small == shift, close / bottom, np.ldexp(top / bottom, shift) - 1)
    return r_minus_1, np.log(top / bottom) + shift * np.log(2)


def product_quotient(a: Array, b: Array, c: Array) -> Array:
    """a·b/c, of which only the result itself can overflow."""
    (a, i), (b, j), (c, k) = np.frexp(a), np.frexp(b), np.frexp(c)
    return np.ldexp(a * b / c, i + j - k)


def weighted_itakura_saito(p: Array, q: Array, r_minus_1: Array, log_r: Array) -> Array:
    """p·(r − 1 − log r) for positive p and q = r·p, with r as `quotient` gives it."""
    near = p * stable.minus_log1p(r_minus_1)
    far = p * (r_minus_1 - log_r)
    # p may be so small that q is finite where r is not, and all else nothing beside q.
    far = np.where(np.isinf(r_minus_1), q, far)
    return np.where(np.abs(r_minus_1) < 0.5, near, far)
