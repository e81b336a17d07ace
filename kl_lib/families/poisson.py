"""KL between two Poisson distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import stable
from ..checks import check_base
from .parameters import Array, broadcast, finish, real, refuse


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
    shape, (p, q) = broadcast(rate_p=_rate(rate_p, "rate_p"), rate_q=_rate(rate_q, "rate_q"))
    return finish(stable.generalized_kl(p, q), divisor, shape)


def _rate(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    refuse(array < 0, array, name, "a mean count is 0 or above")
    return np.abs(array)  # −0.0 is 0
