"""KL between two Pareto distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from .numbers import choose, log_ratio
from .parameters import broadcast, checked, concentration, finish, scale
from .quotients import itakura_saito


def kl_pareto(
    concentration_p: ArrayLike,
    scale_p: ArrayLike,
    concentration_q: ArrayLike,
    scale_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(Pareto(concentration_p, scale_p) ‖ Pareto(concentration_q, scale_q)).

    aq/ap − 1 − log(aq/ap) + aq·log(sp/sq), with a the concentrations and s the scales.

    Parameters
    ----------
    concentration_p, concentration_q
        Shapes, above 0: `b` in SciPy, `concentration` in TFP, `alpha` in PyTorch; scalars or
        arrays that broadcast.
    scale_p, scale_q
        The smallest values, above 0: `scale` in SciPy, TFP and PyTorch.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`. inf where scale_p is below scale_q.

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
    >>> from kl_lib.families import kl_pareto
    >>> print(kl_pareto(1, 2, 1, 1).round(7), kl_pareto(1, 1, 1, 2))
    0.6931472 inf
    """
    divisor = check_base(base)
    parameters = checked(
        concentration_p=(concentration_p, concentration),
        scale_p=(scale_p, scale),
        concentration_q=(concentration_q, concentration),
        scale_q=(scale_q, scale),
    )
    shape, (a_p, s_p, a_q, s_q) = broadcast(parameters)
    with np.errstate(all="ignore"):
        value = choose(
            s_p < s_q,
            lambda: np.inf,
            lambda: itakura_saito(a_q, a_p) + a_q * log_ratio(s_p, s_q),
        )
    return finish(value, divisor, shape, parameters.labels)
