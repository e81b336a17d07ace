"""KL between exponential distributions and between gamma distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from .log_gamma import bregman
from .parameters import broadcast, checked, concentration, finish, rate
from .quotients import itakura_saito, product_quotient, quotient, weighted_itakura_saito


def kl_exponential(rate_p: ArrayLike, rate_q: ArrayLike, *, base: float | None = None) -> Any:
    """KL(Exponential(rate_p) ‖ Exponential(rate_q)) = log(λp/λq) + λq/λp − 1.

    Parameters
    ----------
    rate_p, rate_q
        Rates, above 0: `rate` in TFP, 1/`scale` in SciPy; scalars or arrays that broadcast.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`.

    Raises
    ------
    DistributionError
        If a rate is not finite and above 0.

    References
    ----------
    Gil, Alajaji and Linder, "Rényi divergence measures for commonly used univariate continuous
    distributions", Information Sciences 249, 2013.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_exponential(1, 2).round(7))
    0.3068528
    >>> bool(kl.kl_exponential(1, 2) == kl.kl_gamma(1, 1, 1, 2))
    True
    """
    divisor = check_base(base)
    parameters = checked(rate_p=(rate_p, rate), rate_q=(rate_q, rate))
    shape, (p, q) = broadcast(parameters)
    with np.errstate(all="ignore"):
        value = itakura_saito(q, p)
    return finish(value, divisor, shape, parameters.labels)


def kl_gamma(
    concentration_p: ArrayLike,
    rate_p: ArrayLike,
    concentration_q: ArrayLike,
    rate_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(Gamma(concentration_p, rate_p) ‖ Gamma(concentration_q, rate_q)).

    (ap − aq)·ψ(ap) − log Γ(ap) + log Γ(aq) + aq·log(bp/bq) + ap·(bq − bp)/bp, with a the
    concentrations, b the rates and ψ = (log Γ)′. It is computed in another form, without
    cancellation: see `kl_lib/families/log_gamma.py`.

    Parameters
    ----------
    concentration_p, concentration_q
        Shapes, above 0: `a` in SciPy, `concentration` in TFP; scalars or arrays that broadcast.
    rate_p, rate_q
        Rates, above 0: `rate` in TFP, 1/`scale` in SciPy.
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
    Gil, Alajaji and Linder, "Rényi divergence measures for commonly used univariate continuous
    distributions", Information Sciences 249, 2013.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_gamma(2, 1, 3, 1).round(7))
    0.2703628
    >>> print(kl.kl_gamma(2, 1, 2, 1.5).round(7))  # twice kl_exponential(1, 1.5)
    0.1890698
    """
    divisor = check_base(base)
    parameters = checked(
        concentration_p=(concentration_p, concentration),
        rate_p=(rate_p, rate),
        concentration_q=(concentration_q, concentration),
        rate_q=(rate_q, rate),
    )
    shape, (a_p, b_p, a_q, b_q) = broadcast(parameters)
    with np.errstate(all="ignore"):
        # aq·(s − 1 − log s) with s the quotient of the means, then what the shapes add.
        s = quotient(a_p, b_q, a_q, b_p)
        means = weighted_itakura_saito(a_q, product_quotient(a_p, b_q, b_p), *s)
        value = means + bregman(a_q, a_p, a_q - a_p)
    return finish(value, divisor, shape, parameters.labels)
