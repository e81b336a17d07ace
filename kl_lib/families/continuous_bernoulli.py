"""KL between two continuous Bernoulli distributions, on the interval from 0 to 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from .parameters import Array, broadcast, checked, finish, real, refuse

# With t the log-odds, the density is e^(t·x) over its integral, whose logarithm is t/2 plus an even
# function, B(t) = log(sinh(t/2)/(t/2)). KL is how far B lies above its tangent. Near 0,
# B(t) = Σ bₙ·t²ⁿ with bₙ = B₂ₙ/(2n·(2n)!), B₂ₙ the Bernoulli numbers.
_SERIES = (
    1 / 24, -1 / 2880, 1 / 181440, -1 / 9676800, 1 / 479001600, -691 / 15692092416000,
    1 / 1046139494400, -3617 / 170729965486080000, 43867 / 91963695909076992000,
)  # fmt: skip
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)


def kl_continuous_bernoulli(p: ArrayLike, q: ArrayLike, *, base: float | None = None) -> Any:
    """KL(ContinuousBernoulli(p) ‖ ContinuousBernoulli(q)), of densities ∝ p^x·(1 − p)^(1 − x).

    Parameters
    ----------
    p, q
        Parameters (`probs` in TFP and PyTorch; not the means), above 0 and below 1; scalars or
        arrays that broadcast. 0.5 is the uniform distribution.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`.

    Raises
    ------
    DistributionError
        If a parameter is not above 0 and below 1.

    References
    ----------
    Loaiza-Ganem and Cunningham, "The continuous Bernoulli: fixing a pervasive error in variational
    autoencoders", NeurIPS 2019, https://arxiv.org/abs/1907.06845.

    Examples
    --------
    >>> from kl_lib.families import kl_continuous_bernoulli
    >>> print(kl_continuous_bernoulli(0.5, 0.75).round(7))  # log(2/(√3·log 3))
    0.0497932
    """
    divisor = check_base(base)
    parameters = checked(p=(p, inside), q=(q, inside))
    shape, (p, q) = broadcast(parameters)
    # The difference of the log-odds from p − q, which their rounded values may not tell.
    with np.errstate(all="ignore"):
        apart = np.log1p((q - p) / p) - np.log1p((p - q) / (1 - p))
    far = np.abs(q - p) > 0.5 * np.minimum(p, 1 - p)
    odds_p, odds_q = log_odds(p), log_odds(q)
    value = of_log_odds(odds_p, odds_q, np.where(far, odds_q - odds_p, apart))
    return finish(value, divisor, shape, parameters.labels)


def log_odds(p: Array) -> Array:
    return np.log(p) - np.log1p(-p)


def of_log_odds(x: Array, y: Array, step: Array) -> Array:
    """B(y) − B(x) − (y − x)·B′(x), with `step` = y − x."""
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(x), np.abs(y))
        near = np.abs(step) < np.maximum(1.0, 0.5 * size)
        # The integral of (y − t)·B″(t) from x to y: no term of it is negative.
        t = x[..., None] + step[..., None] * (0.5 + 0.5 * _NODES)
        rest = (0.25 * _WEIGHTS * (1 - _NODES) * second(t)).sum(axis=-1)
        return np.where(near, step * step * rest, log_norm(y) - log_norm(x) - step * slope(x))


def log_norm(t: Array) -> Array:
    size = np.abs(t)
    close = sum(b * np.minimum(size, 1.0) ** (2 * n) for n, b in enumerate(_SERIES, 1))
    return np.where(size < 1, close, 0.5 * size + np.log1p(-np.exp(-size)) - np.log(size))


def slope(t: Array) -> Array:
    """B′(t): the mean of the distribution, less ½."""
    small = np.clip(t, -1.0, 1.0)
    close = sum(2 * n * b * small ** (2 * n - 1) for n, b in enumerate(_SERIES, 1))
    with np.errstate(all="ignore"):
        return np.where(np.abs(t) < 1, close, 0.5 / np.tanh(0.5 * t) - 1 / t)


def second(t: Array) -> Array:
    """B″(t): the variance of the distribution."""
    small = np.clip(t, -1.0, 1.0)
    close = sum(2 * n * (2 * n - 1) * b * small ** (2 * n - 2) for n, b in enumerate(_SERIES, 1))
    with np.errstate(all="ignore"):
        far = 1 / t / t - 0.25 / np.sinh(0.5 * t) ** 2
    return np.where(np.abs(t) < 1, close, far)


def inside(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    refuse((array <= 0) | (array >= 1), array, name, "a parameter is above 0 and below 1")
    return array
