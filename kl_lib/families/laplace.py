"""KL between two Laplace distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from .numbers import choose, minus_log1p
from .parameters import broadcast, checked, finish, real, scale
from .quotients import difference_quotient, itakura_saito


def kl_laplace(
    loc_p: ArrayLike,
    scale_p: ArrayLike,
    loc_q: ArrayLike,
    scale_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(Laplace(loc_p, scale_p) ‖ Laplace(loc_q, scale_q)).

    log(sq/sp) + (sp·exp(−|mp − mq|/sp) + |mp − mq|)/sq − 1, with m the locations, s the scales.

    Parameters
    ----------
    loc_p, loc_q
        Centres; scalars or arrays that broadcast.
    scale_p, scale_q
        Scales (mean distance from the centre, not the standard deviation, which is √2 times
        larger), above 0: `scale` in SciPy and TFP.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`.

    Raises
    ------
    DistributionError
        If a parameter is not finite or a scale is not above 0.

    References
    ----------
    Gil, Alajaji and Linder, "Rényi divergence measures for commonly used univariate continuous
    distributions", Information Sciences 249, 2013.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_laplace(0, 1, 1, 2).round(7))
    0.3770869
    >>> print(kl.kl_laplace(0, 1, 1, 1).round(7))  # exp(-1)
    0.3678794
    """
    divisor = check_base(base)
    parameters = checked(
        loc_p=(loc_p, real),
        scale_p=(scale_p, scale),
        loc_q=(loc_q, real),
        scale_q=(scale_q, scale),
    )
    shape, (m_p, s_p, m_q, s_q) = broadcast(parameters)
    with np.errstate(all="ignore"):
        t = abs(difference_quotient(m_p, m_q, s_p))
        shift = choose(
            t < 1,
            # e^(−t) − 1 + t is x − log(1 + x) with x = e^(−t) − 1: no cancellation.
            lambda: s_p / s_q * minus_log1p(np.expm1(-t)),
            lambda: abs(difference_quotient(m_p, m_q, s_q)) + s_p / s_q * np.expm1(-t),
        )
        # With the first part infinite, so is the sum: shift may then be inf − inf.
        spread = itakura_saito(s_p, s_q)
        value = choose(spread == np.inf, lambda: np.inf, lambda: spread + shift)
    return finish(value, divisor, shape, parameters.labels)
