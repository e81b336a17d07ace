"""KL between two continuous Bernoulli distributions, on the interval from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from ..renamed import renamed
from .numbers import choose
from .parameters import Array, broadcast, checked, finish, real, refuse

# With t the log-odds, the density is e^(t·x) over its integral, whose logarithm is t/2 plus an even
# function, B(t) = log(sinh(t/2)/(t/2)). KL is how far B lies above its tangent. Near 0,
# B(t) = Σ bₙ·t²ⁿ with bₙ = B₂ₙ/(2n·(2n)!), B₂ₙ the Bernoulli numbers.
_SERIES = (
    1 / 24, -1 / 2880, 1 / 181440, -1 / 9676800, 1 / 479001600, -691 / 15692092416000,
    1 / 1046139494400, -3617 / 170729965486080000, 43867 / 91963695909076992000,
)  # fmt: skip
_SLOPES = tuple(2 * n * b for n, b in enumerate(_SERIES, 1))
_SECONDS = tuple((2 * n - 1) * b for n, b in enumerate(_SLOPES, 1))
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)


@renamed(p="probs_p", q="probs_q")
def kl_continuous_bernoulli(
    probs_p: ArrayLike, probs_q: ArrayLike, *, base: float | None = None
) -> Any:
    """KL(ContinuousBernoulli(probs_p) ‖ ContinuousBernoulli(probs_q)).

    Of densities proportional to p^x·(1 − p)^(1 − x), x from 0 to 1.

    Parameters
    ----------
    probs_p, probs_q
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
    parameters = checked(probs_p=(probs_p, inside), probs_q=(probs_q, inside))
    shape, (p, q) = broadcast(parameters)
    # The difference of the log-odds from p − q, which their rounded values may not tell.
    odds_p, odds_q = log_odds(p), log_odds(q)
    with np.errstate(all="ignore"):
        step = choose(
            (abs(q - p) < 0.5 * p) & (abs(q - p) < 0.5 * (1 - p)),
            lambda: np.log1p((q - p) / p) - np.log1p((p - q) / (1 - p)),
            lambda: odds_q - odds_p,
        )
    value = of_log_odds(odds_p, odds_q, step)
    return finish(value, divisor, shape, parameters.labels)


def log_odds(p: Array) -> Array:
    return np.log(p) - np.log1p(-p)


def of_log_odds(x: Array, y: Array, step: Array) -> Array:
    """B(y) − B(x) − (y − x)·B′(x), with `step` = y − x."""
    with np.errstate(all="ignore"):
        far = abs(step)
        return choose(
            (far < 1) | (far < 0.5 * abs(x)) | (far < 0.5 * abs(y)),
            lambda: _integral(x, step),
            lambda: log_norm(y) - log_norm(x) - step * slope(x),
        )


def _integral(x: Array, step: Array) -> Array:
    """Of (y − t)·B″(t) from x to y: no term of it is negative."""
    t = x[..., None] + step[..., None] * (0.5 + 0.5 * _NODES)
    return step * step * (second(t) @ (0.25 * _WEIGHTS * (1 - _NODES)))


def log_norm(t: Array) -> Array:
    size = abs(t)
    return choose(
        size < 1,
        lambda: t * t * _polynomial(t * t, _SERIES),
        lambda: 0.5 * size + np.log1p(-np.exp(-size)) - np.log(size),
    )


def slope(t: Array) -> Array:
    """B′(t): the mean of the distribution, less ½."""
    return choose(
        abs(t) < 1,
        lambda: t * _polynomial(t * t, _SLOPES),
        lambda: 0.5 / np.tanh(0.5 * t) - 1 / t,
    )


def second(t: Array) -> Array:
    """B″(t): the variance of the distribution."""
    return choose(
        abs(t) < 1,
        lambda: _polynomial(t * t, _SECONDS),
        lambda: 1 / t / t - 0.25 / np.sinh(0.5 * t) ** 2,
    )


def _polynomial(x: Array, coefficients: Sequence[float]) -> Array:
    """Of x, the constant first."""
    total = 0.0 * x
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


def inside(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    refuse((array <= 0) | (array >= 1), array, name, "a parameter is above 0 and below 1")
    return array
