"""The elementary forms of `kl_lib.stable`, for a lone number as well as for arrays.

An operation of NumPy costs about 1 µs however small the array, and a closed form takes hundreds.
So the closed forms are written for either: an array, or an `np.float64`, whose operators cost as
little as those of Python and give inf and nan where Python's raise. What has to differ is here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import stable

#: Arrays of so few numbers are faster one number at a time.
FEW = 16

# (atanh(z) − z)/z³ = 1/3 + z²/5 + z⁴/7 + ..., as far as it counts at |z| = `stable.SMALL`.
_ATANH = tuple(1 / (2 * k + 1) for k in range(13, 0, -1))

_LEAST, _MOST = 1e-290, 1e290


def choose(condition: Any, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
    """`yes` where the condition holds, `no` elsewhere; what is needed nowhere is not computed."""
    if not isinstance(condition, np.ndarray):
        return yes() if condition else no()
    if condition.all():
        return yes()
    if not condition.any():
        return no()
    return np.where(condition, yes(), no())


def elementwise(form: Callable[..., Any], *values: Any) -> Any:
    """`form` of numbers or of arrays of one shape: number by number where they are few."""
    first = values[0]
    if not isinstance(first, np.ndarray) or first.size > FEW:
        return form(*values)
    return np.reshape(list(map(form, *(x.flat for x in values))), first.shape)


def frexp(x: Any) -> tuple[Any, Any]:
    """The digits of x, from ½ to 1, and the power of 2 that they are times: `np.frexp`."""
    if isinstance(x, np.ndarray):
        return np.frexp(x)
    digits, power = math.frexp(x)
    return np.float64(digits), power


def ldexp(x: Any, power: Any) -> Any:
    """x·2^power: `np.ldexp`."""
    if isinstance(x, np.ndarray) or abs(power) > 1000:
        return np.ldexp(x, power)
    return x * 2.0**power


def minus_log1p(x: Any) -> Any:
    """x − log(1 + x) for x > −1, without cancellation: `stable.minus_log1p`."""
    if isinstance(x, np.ndarray):
        return stable.minus_log1p(x)
    t = float(x)
    z = t / (2 + t)
    if not abs(z) < stable.SMALL:
        return np.float64(t - math.log1p(t) if t < math.inf else t)
    return np.float64(t * z - 2 * z * z * _atanh_excess(z))


def log_ratio(p: Any, q: Any) -> Any:
    """log(p/q), without cancellation for p near q: `stable.log_ratio`."""
    if isinstance(p, np.ndarray) or isinstance(q, np.ndarray):
        return stable.log_ratio(p, q)
    if p == q:
        return np.float64(0)
    if abs(p - q) < 0.5 * q:
        return np.log1p((p - q) / q)
    ratio = p / q
    # The quotient of far-apart numbers overflows or loses bits as a subnormal: subtract logs.
    return np.log(ratio) if _LEAST < ratio < _MOST else np.log(p) - np.log(q)


def expm1_plus(t: Any) -> Any:
    """e^(−t) − 1 + t, without cancellation near 0: `stable.expm1_plus`."""
    if isinstance(t, np.ndarray):
        return stable.expm1_plus(t)
    x = np.expm1(-t)
    return minus_log1p(x) if abs(t) < 0.1 else x + t


def generalized_kl(p: Any, q: Any, difference: Any = None, log: Any = None) -> Any:
    """p·log(p/q) − p + q, never negative: `stable.generalized_kl`."""
    if isinstance(p, np.ndarray) or isinstance(q, np.ndarray):
        return stable.generalized_kl(p, q, difference, log)
    if q == 0 and (log is None or p == 0):
        return np.float64(math.inf if p else 0)
    if p == 0:
        return np.float64(q)
    half = 0.5 * p - 0.5 * q if difference is None else 0.5 * difference
    z = half / (0.5 * p + 0.5 * q)
    if abs(z) < stable.SMALL:
        return 2 * half * z * (1 + (1 + z) * _atanh_excess(z))
    log = log_ratio(p, q) if log is None else log
    return max(p * log - 2 * half, np.float64(0))


def _atanh_excess(z: float) -> float:
    """(atanh(z) − z)/z² of a number below `stable.SMALL`."""
    square = z * z
    total = 0.0
    # The closer to 0, the fewer terms reach the last place.
    for coefficient in _ATANH if square > 1e-3 else _ATANH[-5:]:
        total = total * square + coefficient
    return total * z
