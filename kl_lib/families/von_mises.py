"""KL between two von Mises distributions, of angles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from .numbers import choose
from .parameters import Array, broadcast, checked, finish, real, refuse

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)

# Of log(I₀(t)·e^(−t)·√(2πt)) = Σ cₙ/tⁿ, https://dlmf.nist.gov/10.40.E1
_LARGE = {1: 1 / 8, 2: 1 / 16, 3: 25 / 384, 4: 13 / 128, 5: 1073 / 5120, 6: 103 / 192}
_FROM = 300.0


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
        turn = 2 * _mean(k_p) * k_q * np.sin(0.5 * m_p - 0.5 * m_q) ** 2
        value = turn + _above_tangent(k_q, k_p)
    return finish(value, divisor, shape, parameters.labels)


def _above_tangent(y: Array, x: Array) -> Array:
    """How far log I₀(y) lies above its tangent at x."""
    from scipy import special

    step = y - x

    def near() -> Array:
        # The integral of (y − t)·(log I₀)″(t): no term of it is negative.
        t = x[..., None] + step[..., None] * (0.5 + 0.5 * _NODES)
        return step * step * (_variance(t) @ (0.25 * _WEIGHTS * (1 - _NODES)))

    def far() -> Array:
        return np.log(special.i0e(y) / special.i0e(x)) + step * (1 - _mean(x))

    size = abs(step)
    return choose((size < 1) | (size < 0.5 * x) | (size < 0.5 * y), near, far)


def _mean(t: Array) -> Array:
    """(log I₀)′(t), the mean of the cosine."""
    from scipy import special

    return special.i1e(t) / special.i0e(t)


def _variance(t: Array) -> Array:
    """(log I₀)″(t), the variance of the cosine."""
    mean, small = _mean(t), np.maximum(t, 1e-4)
    close = np.where(t < 1e-3, 0.5 - 3 * t * t / 16, 1 - _mean(small) / small - mean * mean)
    large = np.maximum(t, _FROM)
    series = sum(n * (n + 1) * c * large ** -(n + 2.0) for n, c in _LARGE.items())
    return np.where(t < _FROM, close, 0.5 / large / large + series)


def _concentration(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    refuse(array < 0, array, name, "a concentration of angles is 0 or above")
    return array
