"""KL between two Poisson distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from .numbers import choose, generalized_kl
from .parameters import broadcast, checked, finish, mean_count


def kl_poisson(rate_p: ArrayLike, rate_q: ArrayLike, *, base: float | None = None) -> Any:
    """KL(Poisson(rate_p) ‖ Poisson(rate_q)) = λp·log(λp/λq) − λp + λq.

    Parameters
    ----------
    rate_p, rate_q
        Mean counts (`mu` in SciPy, `rate` in TFP), 0 or above; scalars or arrays that broadcast.
        Rate 0 is the distribution that is always 0.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`. inf where rate_q is 0 and rate_p is not.

    Raises
    ------
    DistributionError
        If a rate is negative or not finite.

    References
    ----------
    Kullback, "Information Theory and Statistics", 1959.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_poisson(3, 5).round(7))
    0.4675231
    >>> kl.kl_poisson(0, [0, 2.5])
    array([0. , 2.5])
    """
    divisor = check_base(base)
    parameters = checked(rate_p=(rate_p, mean_count), rate_q=(rate_q, mean_count))
    shape, (p, q) = broadcast(parameters)
    with np.errstate(all="ignore"):
        value = generalized_kl(p, q)
    return finish(value, divisor, shape, parameters.labels)


def kl_of_log_rates(rate_p: Any, log_p: Any, rate_q: Any, log_q: Any) -> Any:
    """The same of rates and their logarithms, which still differ where the rates round to 0."""
    rates = checked(rate_p=(rate_p, mean_count), rate_q=(rate_q, mean_count))
    shape, (p, q) = broadcast(rates)
    with np.errstate(all="ignore"):
        log = log_p - log_q
        difference = choose(abs(log) < 1, lambda: -p * np.expm1(-log), lambda: p - q)
        value = generalized_kl(p, q, difference, log)
    return finish(value, 1.0, shape)
