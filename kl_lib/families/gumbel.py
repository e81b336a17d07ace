"""KL between Gumbel, Weibull and Moyal distributions: logarithms of gamma variables, and back.

All have X = loc − scale·log Y with Y of a gamma distribution: of concentration 1 for Gumbel, ½ for
Moyal; and −log X of a Weibull variable is a Gumbel one. With a the concentration, r = scale_p/
scale_q and d = (loc_p − loc_q)/scale_q,

    KL = −log r + a·[ψ(a)·(1 − r) + d] + e^(−d)·Γ(a + r)/Γ(a) − a,

which is computed as (r − 1 − log r) + a·D(a + r, a + 1) + a·(e^u − 1 − u), where no term is
negative: D is how far log Γ lies above its tangents, and u = log(Γ(a + r)/Γ(a + 1)) − d.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from .log_gamma import bregman
from .numbers import choose, expm1_plus, generalized_kl, log_ratio
from .parameters import Array, broadcast, checked, concentration, finish, real, scale
from .quotients import difference_quotient, itakura_saito
from .special import digamma


def kl_gumbel(
    loc_p: ArrayLike,
    scale_p: ArrayLike,
    loc_q: ArrayLike,
    scale_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(Gumbel(loc_p, scale_p) ‖ Gumbel(loc_q, scale_q)), of maxima (`gumbel_r` in SciPy).

    log(sq/sp) + γ·(sp/sq − 1) + (mp − mq)/sq + e^((mq − mp)/sq)·Γ(1 + sp/sq) − 1, with m the
    locations, s the scales and γ = 0.577... For minima (`gumbel_l`), pass −loc.

    Parameters
    ----------
    loc_p, loc_q
        Modes; scalars or arrays that broadcast.
    scale_p, scale_q
        Scales, above 0: `scale` in SciPy, TFP and PyTorch.
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
    >>> from kl_lib.families import kl_gumbel
    >>> print(kl_gumbel(1, 1, 0, 1).round(7))  # exp(-1)
    0.3678794
    """
    return _placed(1.0, loc_p, scale_p, loc_q, scale_q, base)


def kl_moyal(
    loc_p: ArrayLike,
    scale_p: ArrayLike,
    loc_q: ArrayLike,
    scale_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(Moyal(loc_p, scale_p) ‖ Moyal(loc_q, scale_q)).

    log(sq/sp) + ½·[(γ + log 2)·(sp/sq − 1) + d] + ½·e^(−d)·2^(sp/sq)·Γ(½ + sp/sq)/√π − ½, with s
    the scales, d = (loc_p − loc_q)/sq and γ = 0.577...

    Parameters
    ----------
    loc_p, loc_q
        Modes; scalars or arrays that broadcast.
    scale_p, scale_q
        Scales, above 0: `scale` in SciPy and TFP.
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
    Moyal, "Theory of ionization fluctuations", Philosophical Magazine 46, 1955 (the distribution).

    Examples
    --------
    >>> from kl_lib.families import kl_moyal
    >>> print(kl_moyal(1, 1, 0, 1).round(7))  # exp(-1)/2
    0.1839397
    """
    return _placed(0.5, loc_p, scale_p, loc_q, scale_q, base, np.log(2))


def kl_weibull(
    concentration_p: ArrayLike,
    scale_p: ArrayLike,
    concentration_q: ArrayLike,
    scale_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(Weibull(concentration_p, scale_p) ‖ Weibull(concentration_q, scale_q)).

    log(kp/kq) + γ·(kq/kp − 1) + kq·log(sq/sp) + (sp/sq)^kq·Γ(1 + kq/kp) − 1, with k the
    concentrations, s the scales and γ = 0.577...

    Parameters
    ----------
    concentration_p, concentration_q
        Shapes, above 0: `c` of `weibull_min` in SciPy, `concentration` in TFP and PyTorch; scalars
        or arrays that broadcast.
    scale_p, scale_q
        Scales, above 0: `scale` in SciPy, TFP and PyTorch.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`.

    Raises
    ------
    DistributionError
        If a parameter is not finite and above 0.

    References
    ----------
    Bauckhage, "Computing the Kullback-Leibler divergence between two Weibull distributions", 2013,
    https://arxiv.org/abs/1310.3713.

    Examples
    --------
    >>> from kl_lib.families import kl_weibull
    >>> print(kl_weibull(1, 1, 1, 0.5).round(7))  # kl_exponential(1, 2)
    0.3068528
    """
    divisor = check_base(base)
    parameters = checked(
        concentration_p=(concentration_p, concentration),
        scale_p=(scale_p, scale),
        concentration_q=(concentration_q, concentration),
        scale_q=(scale_q, scale),
    )
    shape, (k_p, s_p, k_q, s_q) = broadcast(parameters)
    with np.errstate(all="ignore"):
        d = k_q * log_ratio(s_q, s_p)
        value = _divergence(1.0, k_q, k_p, d)
    return finish(value, divisor, shape, parameters.labels)


def _placed(
    a: float, loc_p: Any, scale_p: Any, loc_q: Any, scale_q: Any, base: Any, offset: float = 0.0
) -> Any:
    """Of variables loc − scale·(log Y + offset), Y of concentration a."""
    divisor = check_base(base)
    parameters = checked(
        loc_p=(loc_p, real),
        scale_p=(scale_p, scale),
        loc_q=(loc_q, real),
        scale_q=(scale_q, scale),
    )
    shape, (m_p, s_p, m_q, s_q) = broadcast(parameters)
    with np.errstate(all="ignore"):
        d = difference_quotient(m_p, m_q, s_q) - offset * ((s_p - s_q) / s_q)
        value = _divergence(a, s_p, s_q, d)
    return finish(value, divisor, shape, parameters.labels)


def _divergence(a: float, s_p: Array, s_q: Array, d: Array) -> Array:
    """The formula above, of r = s_p/s_q."""
    step = (s_p - s_q) / s_q
    one = np.full(np.shape(step), a + 1)[()]
    y = one + step
    above = generalized_kl(y, one, step) + bregman(y, one, step)
    u = step * digamma(a + 1) + above - d
    value = itakura_saito(s_p, s_q) + a * (above + expm1_plus(-u))
    # What overflows on the way does so to inf only.
    return choose(value != value, lambda: np.inf, lambda: value)
