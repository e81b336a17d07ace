"""KL between binomial, geometric and negative binomial distributions: coins tossed many times."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from ..renamed import renamed
from .bernoulli import divergence
from .numbers import choose
from .parameters import Array, broadcast, checked, finish, positive, probability, real, refuse
from .special import log_gamma


@renamed(n_p="total_count_p", p="probs_p", n_q="total_count_q", q="probs_q")
def kl_binomial(
    total_count_p: ArrayLike,
    probs_p: ArrayLike,
    total_count_q: ArrayLike,
    probs_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(Binomial(total_count_p, probs_p) ‖ Binomial(total_count_q, probs_q)).

    n times `kl_bernoulli` where total_count_p = total_count_q = n.

    Parameters
    ----------
    total_count_p, total_count_q
        Numbers of tosses, whole and 0 or above: `n` in SciPy, `total_count` in TFP and PyTorch;
        scalars or arrays that broadcast.
    probs_p, probs_q
        Probabilities of 1 in a toss (`p` in SciPy, `probs` in TFP and PyTorch), from 0 to 1.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`. inf where p has counts that q has not: more tosses, or a
        certain result of q. Where total_count_p is the smaller, the sum over all counts of p.

    Raises
    ------
    DistributionError
        If a number of tosses is not whole or is negative, or a probability not from 0 to 1.

    References
    ----------
    Cover and Thomas, "Elements of Information Theory", 2nd edition, 2006, section 2.5 (the chain
    rule).

    Examples
    --------
    >>> from kl_lib.families import kl_binomial
    >>> print(kl_binomial(10, 0.5, 10, 0.75).round(7))  # ten coins
    1.4384104
    >>> print(kl_binomial(3, 0.5, 2, 0.5), kl_binomial(1, 1, 2, 0.5).round(7))
    inf 0.6931472
    """
    divisor = check_base(base)
    parameters = checked(
        total_count_p=(total_count_p, tosses),
        probs_p=(probs_p, probability),
        total_count_q=(total_count_q, tosses),
        probs_q=(probs_q, probability),
    )
    shape, (n_p, p, n_q, q) = broadcast(parameters)
    excluded = (n_p > n_q) & (p > 0)
    with np.errstate(all="ignore"):
        value = choose(
            n_p == n_q,
            lambda: choose(n_p == 0, lambda: 0.0, lambda: n_p * divergence(p, q)),
            lambda: choose(excluded, lambda: np.inf, lambda: _over_counts(n_p, p, n_q, q)),
        )
    return finish(value, divisor, shape, parameters.labels)


@partial(np.vectorize, otypes=[np.float64])
def _over_counts(n_p: float, p: float, n_q: float, q: float) -> float:
    """The sum over the counts that p has, of which q may have more."""
    if n_p >= n_q and p > 0:
        return math.inf  # another form serves
    k = np.arange((n_p if p > 0 else 0) + 1)
    log_p, log_q = _log_mass(k, n_p, p), _log_mass(k, n_q, q)
    masses = np.exp(log_p)
    return float(np.where(masses > 0, masses * (log_p - log_q), 0.0).sum())


def _log_mass(k: Array, n: float, p: float) -> Array:
    ways = log_gamma(np.asarray(n + 1)) - log_gamma(k + 1) - log_gamma(n - k + 1)
    ones = np.where(k == 0, 0.0, k * np.log(p))
    zeros = np.where(k == n, 0.0, (n - k) * np.log1p(-p))
    return ways + ones + zeros


@renamed(p="probs_p", q="probs_q")
def kl_geometric(probs_p: ArrayLike, probs_q: ArrayLike, *, base: float | None = None) -> Any:
    """KL(Geometric(probs_p) ‖ Geometric(probs_q)): `kl_bernoulli` of a toss, times the tosses.

    There are 1/probs_p tosses on average. The same whether the successful toss is counted (SciPy)
    or not (TFP and PyTorch).

    Parameters
    ----------
    probs_p, probs_q
        Probabilities of success in a toss (`p` in SciPy, `probs` in TFP and PyTorch), above 0 and
        at most 1; scalars or arrays that broadcast.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`. inf where q is 1 and p is not.

    Raises
    ------
    DistributionError
        If a probability is not above 0 and at most 1.

    References
    ----------
    Cover and Thomas, "Elements of Information Theory", 2nd edition, 2006, section 2.5.

    Examples
    --------
    >>> from kl_lib.families import kl_geometric
    >>> print(kl_geometric(0.5, 0.75).round(7))  # two tosses of kl_bernoulli(0.5, 0.75)
    0.2876821
    """
    divisor = check_base(base)
    parameters = checked(probs_p=(probs_p, chance), probs_q=(probs_q, chance))
    shape, (p, q) = broadcast(parameters)
    with np.errstate(all="ignore"):
        value = divergence(p, q) / p
    return finish(value, divisor, shape, parameters.labels)


@renamed(n="total_count", p="stop_probs_p", q="stop_probs_q")
def kl_negative_binomial(
    total_count: ArrayLike,
    stop_probs_p: ArrayLike,
    stop_probs_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL between negative binomial distributions: total_count times `kl_geometric`.

    There is no closed form for two different counts.

    Parameters
    ----------
    total_count
        Number of successes after which the count of failures stops, above 0 and not necessarily
        whole: `n` in SciPy, `total_count` in TFP and PyTorch (which call the two outcomes the
        other way round); broadcasts with the others.
    stop_probs_p, stop_probs_q
        Probabilities of such a success, above 0 and at most 1: `p` in SciPy, **1 − `probs`** in
        TFP and PyTorch, whose `probs` is that of what is counted.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`. inf where q is 1 and p is not.

    Raises
    ------
    DistributionError
        If total_count is not above 0 or a probability is not above 0 and at most 1.

    References
    ----------
    Cover and Thomas, "Elements of Information Theory", 2nd edition, 2006, section 2.5.

    Examples
    --------
    >>> from kl_lib.families import kl_negative_binomial
    >>> print(kl_negative_binomial(3, 0.5, 0.75).round(7))  # three times kl_geometric(0.5, 0.75)
    0.8630462
    """
    divisor = check_base(base)
    parameters = checked(
        total_count=(total_count, successes),
        stop_probs_p=(stop_probs_p, chance),
        stop_probs_q=(stop_probs_q, chance),
    )
    shape, (n, p, q) = broadcast(parameters)
    with np.errstate(all="ignore"):
        value = n * (divergence(p, q) / p)
    return finish(value, divisor, shape, parameters.labels)


def tosses(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    refuse((array < 0) | (array % 1 != 0), array, name, "a number of tosses is whole, 0 or above")
    return array


def successes(value: ArrayLike, name: str) -> Array:
    return positive(value, name, "a number of successes is above 0")


def chance(value: ArrayLike, name: str) -> Array:
    array = probability(value, name)
    refuse(array == 0, array, name, "a probability of success is above 0")
    return array
