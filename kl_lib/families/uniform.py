"""KL between two uniform distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from ..errors import DistributionError
from .numbers import choose, log_ratio
from .parameters import Array, broadcast, checked, finish, real
from .quotients import difference


def kl_uniform(
    low_p: ArrayLike,
    high_p: ArrayLike,
    low_q: ArrayLike,
    high_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(Uniform(low_p, high_p) ‖ Uniform(low_q, high_q)) = log((high_q − low_q)/(high_p − low_p)).

    Parameters
    ----------
    low_p, low_q
        Lower ends: `low` in TFP and PyTorch, `loc` in SciPy; scalars or arrays that broadcast.
    high_p, high_q
        Upper ends, above the lower ones: `high` in TFP and PyTorch, `loc` + `scale` in SciPy.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`. inf where the interval of p is not inside that of q.

    Raises
    ------
    DistributionError
        If an end is not finite or the upper end is not above the lower one.

    References
    ----------
    Gil, Alajaji and Linder, "Rényi divergence measures for commonly used univariate continuous
    distributions", Information Sciences 249, 2013.

    Examples
    --------
    >>> from kl_lib.families import kl_uniform
    >>> print(kl_uniform(0, 1, 0, 2).round(7))  # one bit
    0.6931472
    >>> print(kl_uniform(0, 2, 0, 1))
    inf
    """
    divisor = check_base(base)
    parameters = checked(
        low_p=(low_p, real), high_p=(high_p, real), low_q=(low_q, real), high_q=(high_q, real)
    )
    shape, (low_p, high_p, low_q, high_q) = broadcast(parameters)
    check_order("p", low_p, high_p, shape)
    check_order("q", low_q, high_q, shape)
    with np.errstate(all="ignore"):
        # What q has beyond p is small where the two are close.
        more = ((high_q - high_p) + (low_p - low_q)) / (high_p - low_p)
        (width_p, unit_p), (width_q, unit_q) = difference(high_p, low_p), difference(high_q, low_q)
        value = choose(
            (low_p < low_q) | (high_p > high_q),
            lambda: np.inf,
            lambda: choose(
                more < 0.5,
                lambda: np.log1p(more),
                lambda: log_ratio(width_q, width_p) + np.log(unit_q / unit_p),
            ),
        )
    return finish(value, divisor, shape, parameters.labels)


def check_order(side: str, low: Array, high: Array, shape: tuple[int, ...]) -> None:
    """Raise where an interval has no width; the two are of this shape."""
    wrong = ~(low < high)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f"[{', '.join(map(str, place))}]" if shape else ""
        raise DistributionError(
            f"high_{side}{where} is {high[place]:g}, not above low_{side}, which is "
            f"{low[place]:g} there; pass the lower end first",
            kind="parameter",
            argument=f"high_{side}",
            place=place if shape else None,
            value=float(high[place]),
        )
