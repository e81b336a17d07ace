"""Differences and quotients that neither cancel nor overflow on the way to a result that does not.

Almost every closed form of KL is made of r − 1 − log r, which is about (r − 1)²/2 for r near 1:
there, rounding r itself to a float already loses half the digits. So these functions never form r.
All take arrays of one shape, or numbers (see `numbers.py`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import stable
from .numbers import choose, frexp, ldexp, log_ratio, minus_log1p


def difference(a: Any, b: Any) -> tuple[Any, Any]:
    """a − b as a finite number of units, and the unit: 2 where a − b overflows, elsewhere 1."""
    units = a - b
    large = abs(units) == math.inf
    # Numbers whose difference overflows are so large that halving does not round them.
    units = choose(large, lambda: 0.5 * a - 0.5 * b, lambda: units)
    return units, choose(large, lambda: 2.0, lambda: 1.0)


def difference_quotient(a: Any, b: Any, divisor: Any) -> Any:
    """(a − b)/divisor, of which only the result itself can overflow."""
    units, unit = difference(a, b)
    return unit * (units / divisor)


def half_square(x: Any) -> Any:
    """½·x², of which only the result itself can overflow or underflow."""
    return 0.5 * x * x


def itakura_saito(a: Any, b: Any, difference: Any = None) -> Any:
    """The Itakura-Saito divergence r − 1 − log r, r = a/b, of positive a and b: never negative.

    `difference` is a − b where the caller has it more exactly than a and b hold it.
    """
    t = (a - b if difference is None else difference) / b
    return choose(t > -0.5, lambda: minus_log1p(t), lambda: t - log_ratio(a, b))


def quotient(a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any]:
    """r − 1 and log r for r = a·b/(c·d), all positive: r − 1 exact however close to 0.

    The products are formed exactly, each as a float and its rounding error; the exponents are
    taken off first, so that only r − 1 itself can overflow. log r is for r that is not near 1.
    """
    (a, i), (b, j), (c, k), (d, m) = frexp(a), frexp(b), frexp(c), frexp(d)
    shift = i + j - k - m
    top, top_error = stable.two_product(a, b)
    bottom, bottom_error = stable.two_product(c, d)

    def close() -> Any:
        small = choose(shift > 2, lambda: 2, lambda: shift)  # beyond, it is not close
        return (ldexp(top, small) - bottom + (ldexp(top_error, small) - bottom_error)) / bottom

    r_minus_1 = choose(shift <= 2, close, lambda: ldexp(top / bottom, shift) - 1)
    return r_minus_1, np.log(top / bottom) + shift * math.log(2)


def product_quotient(a: Any, b: Any, c: Any) -> Any:
    """a·b/c, of which only the result itself can overflow."""
    (a, i), (b, j), (c, k) = frexp(a), frexp(b), frexp(c)
    return ldexp(a * b / c, i + j - k)


def weighted_itakura_saito(p: Any, q: Any, r_minus_1: Any, log_r: Any) -> Any:
    """p·(r − 1 − log r) for positive p and q = r·p, with r as `quotient` gives it."""

    def far() -> Any:
        # p may be so small that q is finite where r is not, and all else nothing beside q.
        return choose(r_minus_1 == math.inf, lambda: q, lambda: p * (r_minus_1 - log_r))

    return choose(abs(r_minus_1) < 0.5, lambda: p * minus_log1p(r_minus_1), far)
