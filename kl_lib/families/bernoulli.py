"""KL between two coins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from ..renamed import renamed
from .numbers import generalized_kl
from .parameters import Array, broadcast, checked, finish, probability


@renamed(p="probs_p", q="probs_q")
def kl_bernoulli(probs_p: ArrayLike, probs_q: ArrayLike, *, base: float | None = None) -> Any:
    """KL(Bernoulli(probs_p) ‖ Bernoulli(probs_q)) = p·log(p/q) + (1 − p)·log((1 − p)/(1 − q)).

    Parameters
    ----------
    probs_p, probs_q
        Probabilities of 1 (`p` in SciPy, `probs` in TFP), from 0 to 1; scalars or arrays that
        broadcast.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`. inf where q is 0 or 1 and p is not the same.

    Raises
    ------
    DistributionError
        If a probability is not a number from 0 to 1.

    References
    ----------
    Cover and Thomas, "Elements of Information Theory", 2nd edition, 2006, example 2.3.1.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_bernoulli(0.5, 0.75).round(7))  # log(4/3)/2
    0.143841
    >>> print(kl.kl_divergence([0.5, 0.5], [0.25, 0.75]).round(7))
    0.143841
    >>> kl.kl_bernoulli([0, 0.5, 1], 1)
    array([inf, inf,  0.])
    """
    divisor = check_base(base)
    parameters = checked(probs_p=(probs_p, probability), probs_q=(probs_q, probability))
    shape, (p, q) = broadcast(parameters)
    with np.errstate(all="ignore"):
        value = divergence(p, q)
    return finish(value, divisor, shape, parameters.labels)


def divergence(p: Array, q: Array) -> Array:
    # 1 − p is rounded, and where it is close to 1 − q only p − q still tells them apart.
    return generalized_kl(p, q) + generalized_kl(1 - p, 1 - q, q - p)
