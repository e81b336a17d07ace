"""KL between two Cauchy distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from .numbers import choose
from .parameters import broadcast, checked, finish, real, scale

_LARGE = 1e300


def kl_cauchy(
    loc_p: ArrayLike,
    scale_p: ArrayLike,
    loc_q: ArrayLike,
    scale_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(Cauchy(loc_p, scale_p) ‖ Cauchy(loc_q, scale_q)).

    log[((sp + sq)² + (mp − mq)²)/(4·sp·sq)], with m the centres and s the scales: the same from q
    to p.

    Parameters
    ----------
    loc_p, loc_q
        Centres; scalars or arrays that broadcast.
    scale_p, scale_q
        Scales (half of the width at half the height), above 0: `scale` in SciPy, TFP and PyTorch.
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
    Chyzak and Nielsen, "A closed-form formula for the Kullback-Leibler divergence between Cauchy
    distributions", 2019, https://arxiv.org/abs/1905.10965.

    Examples
    --------
    >>> from kl_lib.families import kl_cauchy
    >>> print(kl_cauchy(0, 1, 0, 3).round(7))  # log(4/3)
    0.2876821
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
        # log(1 + h²) with h the distance of the points (m, s) over 2·√(sp·sq).
        largest = np.maximum(np.maximum(abs(m_p), abs(m_q)), np.maximum(s_p, s_q))
        # So that nothing overflows, nor is lost where it is tiny.
        c = choose(largest > _LARGE, lambda: 0.25, lambda: 1.0)
        apart = np.hypot(c * m_p - c * m_q, c * s_p - c * s_q)
        h = apart / np.sqrt(s_p) / np.sqrt(s_q) / (2 * c)
        value = choose(
            h < 1e10,
            lambda: np.log1p(h * h),
            lambda: 2 * np.log(apart) - 2 * np.log(2 * c) - np.log(s_p) - np.log(s_q),
        )
    return finish(value, divisor, shape, parameters.labels)
