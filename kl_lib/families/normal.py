"""KL between normal distributions of one dimension, their exponentials and their magnitudes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from ..renamed import renamed
from .parameters import Array, broadcast, checked, deviation, finish, real, scale
from .quotients import difference_quotient, half_square, itakura_saito


@renamed(mu_p="loc_p", sigma_p="scale_p", mu_q="loc_q", sigma_q="scale_q")
def kl_normal(
    loc_p: ArrayLike,
    scale_p: ArrayLike,
    loc_q: ArrayLike,
    scale_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(N(loc_p, sigma_p²) ‖ N(loc_q, sigma_q²)) = log(σq/σp) + (σp² + (μp − μq)²)/(2σq²) − ½.

    Parameters
    ----------
    loc_p, loc_q
        Means; scalars or arrays that broadcast.
    scale_p, scale_q
        Standard deviations (not variances), above 0: `scale` in SciPy and TFP.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`.

    Raises
    ------
    DistributionError
        If a parameter is not finite or a standard deviation is not above 0.

    References
    ----------
    Kullback, "Information Theory and Statistics", 1959, chapter 9.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_normal(1, 1, 2, 0.5).round(7))
    2.8068528
    >>> print(kl.kl_normal(2, 0.5, 1, 1).round(7))
    0.8181472
    """
    divisor = check_base(base)
    parameters = checked(
        loc_p=(loc_p, real),
        scale_p=(scale_p, deviation),
        loc_q=(loc_q, real),
        scale_q=(scale_q, deviation),
    )
    shape, (m_p, s_p, m_q, s_q) = broadcast(parameters)
    return finish(divergence(m_p, s_p, m_q, s_q), divisor, shape, parameters.labels)


@renamed(mu_p="loc_p", sigma_p="scale_p", mu_q="loc_q", sigma_q="scale_q")
def kl_log_normal(
    loc_p: ArrayLike,
    scale_p: ArrayLike,
    loc_q: ArrayLike,
    scale_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL between two log-normal distributions: that of the normal ones of their logarithms.

    Parameters
    ----------
    loc_p, loc_q
        Means of the logarithm: `loc` in TFP and PyTorch, log(`scale`) in SciPy; scalars or arrays
        that broadcast.
    scale_p, scale_q
        Standard deviations of the logarithm, above 0: `scale` in TFP and PyTorch, `s` in SciPy.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`.

    Raises
    ------
    DistributionError
        If a parameter is not finite or a standard deviation is not above 0.

    References
    ----------
    Gil, Alajaji and Linder, "Rényi divergence measures for commonly used univariate continuous
    distributions", Information Sciences 249, 2013.

    Examples
    --------
    >>> from kl_lib.families import kl_log_normal
    >>> print(kl_log_normal(1, 1, 2, 0.5).round(7))
    2.8068528
    """
    return kl_normal(loc_p, scale_p, loc_q, scale_q, base=base)


def kl_half_normal(scale_p: ArrayLike, scale_q: ArrayLike, *, base: float | None = None) -> Any:
    """KL(HalfNormal(scale_p) ‖ HalfNormal(scale_q)) = log(sq/sp) + sp²/(2·sq²) − ½.

    Parameters
    ----------
    scale_p, scale_q
        Standard deviations of the normal distribution that is folded (not of the result), above 0:
        `scale` in SciPy, TFP and PyTorch; scalars or arrays that broadcast.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`.

    Raises
    ------
    DistributionError
        If a scale is not finite and above 0.

    References
    ----------
    Gil, Alajaji and Linder, "Rényi divergence measures for commonly used univariate continuous
    distributions", Information Sciences 249, 2013.

    Examples
    --------
    >>> from kl_lib.families import kl_half_normal
    >>> print(kl_half_normal(1, 2).round(7))
    0.3181472
    """
    divisor = check_base(base)
    parameters = checked(scale_p=(scale_p, scale), scale_q=(scale_q, scale))
    shape, (s_p, s_q) = broadcast(parameters)
    value = divergence(0.0, s_p, 0.0, s_q)
    return finish(value, divisor, shape, parameters.labels)


def divergence(m_p: Any, s_p: Array, m_q: Any, s_q: Array) -> Any:
    """KL elementwise, as r − 1 − log r + ½·(r − 1)² + ½·((μp − μq)/σq)² with r = σp/σq."""
    with np.errstate(all="ignore"):
        # No part is negative, so nothing cancels, and a part that overflows makes the sum inf.
        spread = itakura_saito(s_p, s_q) + half_square((s_p - s_q) / s_q)
        return spread + half_square(difference_quotient(m_p, m_q, s_q))
