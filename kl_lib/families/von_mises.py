"""KL between two von Mises distributions, of angles, and what those on spheres share with them.

The density of a von Mises-Fisher distribution on the sphere of d dimensions is proportional to
e^(κ·t), t the cosine of the angle to its mean direction. With ψ(κ) the logarithm of the mean of
e^(κ·t) over the sphere, ψ′(κ) is the mean of t and ψ″(κ) its variance. On the circle, d = 2 and
ψ = log I₀, with I the modified Bessel functions.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from .numbers import choose
from .parameters import Array, broadcast, checked, finish, real, refuse

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)

# From here on 1 − ψ′ is a series in 1/κ, in many dimensions later.
_FROM = 40.0
_TERMS = 20
# In more dimensions than these Bessel functions of small arguments underflow.
_MANY = 50


def kl_von_mises(
    loc_p: ArrayLike,
    concentration_p: ArrayLike,
    loc_q: ArrayLike,
    concentration_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(VonMises(loc_p, concentration_p) ‖ VonMises(loc_q, concentration_q)).

    log(I₀(κq)/I₀(κp)) + A·(κp − κq·cos(μp − μq)) with A = I₁(κp)/I₀(κp), μ the directions, κ the
    concentrations and I₀, I₁ the modified Bessel functions. Needs SciPy.

    Parameters
    ----------
    loc_p, loc_q
        Mean directions, in radians; scalars or arrays that broadcast.
    concentration_p, concentration_q
        Concentrations, 0 or above: `kappa` in SciPy, `concentration` in TFP and PyTorch. 0 is the
        uniform distribution of angles.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`.

    Raises
    ------
    DistributionError
        If a parameter is not finite or a concentration is negative.
    ImportError
        If SciPy is missing.

    References
    ----------
    Kitagawa and Rowley, "von Mises-Fisher distributions and their statistical divergence", 2022,
    https://arxiv.org/abs/2202.05192.

    Examples
    --------
    >>> import numpy as np
    >>> from kl_lib.families import kl_von_mises
    >>> print(kl_von_mises(0, 1, np.pi, 1).round(7))  # opposite directions: 2·I1(1)/I0(1)
    0.8927799
    """
    divisor = check_base(base)
    parameters = checked(
        loc_p=(loc_p, real),
        concentration_p=(concentration_p, _concentration),
        loc_q=(loc_q, real),
        concentration_q=(concentration_q, _concentration),
    )
    shape, (m_p, k_p, m_q, k_q) = broadcast(parameters)
    with np.errstate(all="ignore"):
        value = turned(0.5 * m_p - 0.5 * m_q, k_p, k_q, 2) + above_tangent(k_q, k_p, 2)
    return finish(value, divisor, shape, parameters.labels)


def turned(half: Array, k_p: Array, k_q: Array, d: int) -> Array:
    """What the angle between the two mean directions adds, of which `half` is the half."""
    return k_q * (2 * _mean(k_p, d) * np.sin(half) ** 2)


def above_tangent(y: Array, x: Array, d: int) -> Array:
    """How far ψ(y) lies above the tangent of ψ at x."""
    step = y - x

    def near() -> Array:
        # The integral of (y − t)·ψ″(t): no term of it is negative.
        t = x[..., None] + step[..., None] * (0.5 + 0.5 * _NODES)
        return _variance(t, d, step[..., None]) @ (0.25 * _WEIGHTS * (1 - _NODES))

    def far() -> Array:
        return _log_mean(y, d) - _log_mean(x, d) + step * _short(x, d)

    size = abs(step)
    return choose((size < 1) | (size < 0.5 * x) | (size < 0.5 * y), near, far)


def _log_mean(t: Array, d: int) -> Array:
    """ψ(t) − t."""
    from scipy import special

    order = 0.5 * d - 1
    if order == 0:
        return np.log(special.i0e(t))

    def by_bessel() -> Array:
        log = np.log(special.ive(order, t)) - order * np.log(0.5 * t)
        return np.where(t > 0, log + math.lgamma(0.5 * d), 0.0)[()]

    def small() -> Array:
        return np.log(special.hyp0f1(0.5 * d, 0.25 * t * t)) - t

    def large() -> Array:
        # The integral of −(1 − ψ′), term by term.
        first, *rest = _series(d)
        constant = math.lgamma(0.5 * d) + order * math.log(2) - 0.5 * math.log(2 * math.pi)
        total = constant - first * np.log(t)
        for n, u in enumerate(rest, 1):
            total = total + u / n * t ** -float(n)
        return total

    return choose(
        (d > _MANY) & (t < 0.5 * d),
        small,
        lambda: choose(t < _large(d), by_bessel, large),
    )


def _large(d: int) -> float:
    return max(_FROM, 6.0 * d)


def _mean(t: Array, d: int) -> Array:
    """ψ′(t), the mean of the cosine."""
    return choose(t < _large(d), lambda: _by_bessel(t, d), lambda: 1 - _by_series(t, d))


def _short(t: Array, d: int) -> Array:
    """1 − ψ′(t), how far the mean of the cosine is from 1."""
    return choose(t < _large(d), lambda: 1 - _by_bessel(t, d), lambda: _by_series(t, d))


def _by_bessel(t: Array, d: int) -> Array:
    from scipy import special

    order, square = 0.5 * d - 1, 0.25 * t * t

    def ratio() -> Array:
        return np.where(t > 0, special.ive(order + 1, t) / special.ive(order, t), 0.0)[()]

    def of_series() -> Array:
        return t / d * special.hyp0f1(0.5 * d + 1, square) / special.hyp0f1(0.5 * d, square)

    return choose((d > _MANY) & (t < 0.5 * d), of_series, ratio)


def _by_series(t: Array, d: int) -> Array:
    total = 0.0 * t
    for n, u in enumerate(_series(d), 1):
        total = total + u * t**-n
    return total


@cache
def _series(d: int) -> list[float]:
    """The coefficients of 1 − ψ′(t) = u₁/t + u₂/t² + ..., from ψ″ = 1 − ψ′² − (d − 1)·ψ′/t."""
    u = [0.0, 0.5 * (d - 1)]
    for n in range(2, _TERMS + 1):
        products = sum(u[i] * u[n - i] for i in range(1, n))
        u.append(0.5 * ((n - d) * u[-1] + products))
    return u[1:]


def _variance(t: Array, d: int, step: Array) -> Array:
    """ψ″(t)·step², the variance of the cosine times a square that might overflow by itself."""

    def from_mean() -> Array:
        mean = _by_bessel(t, d)
        near_0 = 1 / d - 3 * t * t / (d * d * (d + 2))
        return step * step * np.where(t < 1e-3, near_0, 1 - (d - 1) * mean / t - mean * mean)

    def by_series() -> Array:
        total = 0.0 * t
        for n, u in enumerate(_series(d), 1):
            total = total + n * u * t ** (1.0 - n)
        return (step / t) ** 2 * total

    return choose(t < _large(d), from_mean, by_series)


def _concentration(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    refuse(array < 0, array, name, "a concentration of angles is 0 or above")
    return array
