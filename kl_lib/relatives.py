"""Relatives of KL: Rényi, χ², Hellinger, Bhattacharyya; Jensen-Shannon of several.

Conventions and checks are those of `kl_lib.discrete`: `p` is the reference, the last axis holds the
categories, sums that are not 1 are refused, counts taken with ``normalize=True``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks, kernels, labels, lazy, rows
from .discrete import Axes, Result, of_rows
from .errors import DistributionError
from .tables import tables_labelled

Array = NDArray[np.float64]


def renyi_divergence(
    p: ArrayLike,
    q: ArrayLike,
    alpha: float,
    *,
    axis: Axes = -1,
    base: float | None = None,
    normalize: bool = False,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Result:
    """Rényi divergence of order α: log(Σ p^α·q^(1−α)) / (α − 1).

    Never negative, zero when the two are equal, and it grows with the order. At order 1 it is
    KL(p‖q), at 0 minus the logarithm of the mass that q has where p > 0, at ½ twice the
    Bhattacharyya distance, at 2 log(1 + χ²), at infinity the logarithm of the largest p/q. Below
    order 1 it is infinite only where p and q have no category in common, from 1 on wherever p > 0
    meets q = 0.

    Parameters
    ----------
    p, q
        As for `kl_divergence`.
    alpha
        The order, one number of at least 0; `math.inf` too.
    axis, base, normalize, keepdims, where
        As for `kl_divergence`.

    Returns
    -------
    float or array
        In nats, or the unit of `base`; the broadcast shape without `axis`.

    Raises
    ------
    DistributionError
        If p or q is not a distribution, the two do not pair up, or alpha is not a number of at
        least 0.

    References
    ----------
    Rényi, "On measures of entropy and information", 1961. The limits: van Erven and Harremoës,
    "Rényi divergence and Kullback-Leibler divergence", 2014.

    Examples
    --------
    >>> import kl_lib as kl
    >>> p, q = [0.5, 0.5, 0.0], [0.25, 0.25, 0.5]
    >>> print(kl.renyi_divergence(p, q, 0, base=2), kl.renyi_divergence(p, q, 2, base=2))
    1.0 1.0
    >>> for alpha in (0, 0.5, 1, 2, float("inf")):
    ...     print(kl.renyi_divergence([0.5, 0.5], [0.75, 0.25], alpha).round(4))
    0.0
    0.0693
    0.1438
    0.2877
    0.6931
    """
    kernel = kernels.renyi_of(_order(alpha))
    return of_rows(
        kernel, p, q, axis=axis, keepdims=keepdims, where=where, base=base, normalize=normalize
    )


def _order(alpha: Any) -> float:
    try:
        order = float(alpha)
    except (TypeError, ValueError):
        order = math.nan
    if isinstance(alpha, (bool, str, bytes)) or not order >= 0:
        raise DistributionError(
            f"alpha is {alpha!r:.40}; pass the order, one number of at least 0 (1 gives KL(p‖q), "
            "math.inf the largest log(p/q))",
            kind="option",
            argument="alpha",
            value=alpha,
        )
    return order


def hellinger_distance(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: Axes = -1,
    normalize: bool = False,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Result:
    """Hellinger distance: √(1 − BC) with the Bhattacharyya coefficient BC = Σ √(p·q).

    A metric between 0 and 1: 1 where p and q have no category in common. The factor ½ in
    ½·Σ(√p − √q)² = 1 − BC is part of it; where a source leaves it out, its distance is √2 times
    this one.

    Parameters
    ----------
    p, q, axis, normalize, keepdims, where
        As for `kl_divergence`.

    Returns
    -------
    float or array
        Between 0 and 1, no unit; the broadcast shape without `axis`.

    Raises
    ------
    DistributionError
        If p or q is not a distribution, or the two do not pair up.

    References
    ----------
    Hellinger, "Neue Begründung der Theorie quadratischer Formen von unendlichvielen
    Veränderlichen", 1909. H² ≤ TV ≤ √2·H: Tsybakov, "Introduction to Nonparametric Estimation",
    2009, section 2.4.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.hellinger_distance([1, 0], [0, 1]))
    1.0
    >>> print(kl.hellinger_distance([0.5, 0.5], [0.9, 0.1]).round(6))
    0.32492
    """
    return of_rows(
        kernels.HELLINGER, p, q, axis=axis, keepdims=keepdims, where=where, normalize=normalize
    )


def bhattacharyya_distance(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: Axes = -1,
    base: float | None = None,
    normalize: bool = False,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Result:
    """Bhattacharyya distance: −log BC with the Bhattacharyya coefficient BC = Σ √(p·q).

    Symmetric, never negative, infinite where p and q have no category in common. Half the Rényi
    divergence of order ½. Not a metric: `hellinger_distance`, √(1 − BC), is.

    Parameters
    ----------
    p, q, axis, base, normalize, keepdims, where
        As for `kl_divergence`.

    Returns
    -------
    float or array
        In nats, or the unit of `base`; the broadcast shape without `axis`. exp(−distance), of nats,
        is the coefficient.

    Raises
    ------
    DistributionError
        If p or q is not a distribution, or the two do not pair up.

    References
    ----------
    Bhattacharyya, "On a measure of divergence between two statistical populations defined by their
    probability distributions", 1943. Kailath, "The divergence and Bhattacharyya distance measures
    in signal selection", 1967.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.bhattacharyya_distance([0.5, 0.5], [1, 0], base=2).round(12))
    0.5
    >>> print(kl.bhattacharyya_distance([1, 0], [0, 1]))
    inf
    """
    return of_rows(
        kernels.BHATTACHARYYA,
        p,
        q,
        axis=axis,
        keepdims=keepdims,
        where=where,
        base=base,
        normalize=normalize,
    )


def chi2_divergence(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: Axes = -1,
    normalize: bool = False,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Result:
    """Pearson's χ² divergence: Σ (p − q)²/q, the variance of p/q under q.

    Never negative, infinite where p > 0 meets q = 0, and not symmetric: chi2_divergence(q, p) is
    Neyman's, Σ (p − q)²/p. An upper bound: KL(p‖q) ≤ log(1 + χ²). For observed counts of n draws
    against expected probabilities, n times this is Pearson's statistic (`scipy.stats.chisquare`).

    Parameters
    ----------
    p, q, axis, normalize, keepdims, where
        As for `kl_divergence`.

    Returns
    -------
    float or array
        No unit; the broadcast shape without `axis`.

    Raises
    ------
    DistributionError
        If p or q is not a distribution, or the two do not pair up.

    References
    ----------
    Pearson, "On the criterion that a given system of deviations ...", 1900. Gibbs and Su, "On
    choosing and bounding probability metrics", 2002 (the bound).

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.chi2_divergence([0.5, 0.5], [0.75, 0.25]).round(6))
    0.333333
    >>> print(kl.chi2_divergence([8, 12, 10], [1, 1, 1], normalize=True).round(6))
    0.026667
    >>> print(kl.chi2_divergence([0.5, 0.5], [1, 0]))
    inf
    """
    return of_rows(
        kernels.CHI2, p, q, axis=axis, keepdims=keepdims, where=where, normalize=normalize
    )


def js_divergence_of(
    distributions: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    base: float | None = None,
    normalize: bool = False,
) -> Result:
    """Jensen-Shannon divergence of several distributions: Σ wᵢ·KL(pᵢ‖m) with m = Σ wᵢ·pᵢ.

    The mutual information between a category and the distribution it was drawn from, which are
    chosen with these weights. Never negative, at most the entropy of the weights; of two with equal
    weights it is `js_divergence`.

    Parameters
    ----------
    distributions
        One in each row, shape (..., distributions, categories); or a list of them, whose labels,
        where they have some, are aligned.
    weights
        Probabilities, shape (distributions,), or None for equal ones.
    base
        Base of the logarithm: 2 for bits, None for nats.
    normalize
        Accept non-negative counts, of weights too, and divide each row by its sum first.

    Returns
    -------
    float or array
        Shape (...), in nats or the unit of `base`.

    Raises
    ------
    DistributionError
        If a row or the weights are not a distribution, or there is not one weight for each row.

    References
    ----------
    Lin, "Divergence measures based on the Shannon entropy", 1991, section 4.

    Examples
    --------
    >>> import kl_lib as kl
    >>> three = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    >>> print(kl.js_divergence_of(three).round(6))  # log 3
    1.098612
    >>> print(kl.js_divergence_of(three, [0.5, 0.25, 0.25], base=2))
    1.5
    """
    known = labels.NONE
    if isinstance(distributions, (list, tuple)):
        distributions, known = _listed(distributions)
    if lazy.any_lazy(distributions):
        return lazy.by_tables(
            js_divergence_of, distributions, weights=weights, base=base, normalize=normalize
        )
    divisor = checks.check_base(base)
    given, dtype = checks.as_array(distributions, "distributions")
    if given.ndim < 2:
        raise DistributionError(
            f"distributions has shape {given.shape}; pass a table, one distribution in each row",
            kind="shape",
            argument="distributions",
        )
    kept, shares = _weights(weights, given.shape[-2], normalize)
    tolerances = None if normalize else (checks.SUM_TOLERANCE[dtype],) * len(kept)
    task = kernels.Task(divisor, tolerances, normalize)
    of = checks.result_dtype(dtype)
    if given.size and len(kept) == given.shape[-2]:
        each = [given[..., i, :] for i in kept]
        result, valid = rows.reduce(kernels.jensen_shannon_of(shares), each, task, of)
    else:
        result, valid = np.zeros(given.shape[:-2], of), False
    if not valid:
        checks.distribution(distributions, "distributions", normalize=normalize)
        if given.size and len(kept) < given.shape[-2]:
            each = [given[..., i, :] for i in kept]
            result, _ = rows.reduce(kernels.jensen_shannon_of(shares), each, task, of)
    if known is not labels.NONE:
        return known.give(result[()], [i + 1 - given.ndim for i in range(given.ndim - 2)])
    return tables_labelled(distributions, result[()], given.ndim, "distributions")


def _listed(distributions: Any) -> tuple[Any, labels.Named]:
    """A list of distributions, in the order of the first with labels; and the labels of rows."""
    names = [f"distributions[{i}]" for i in range(len(distributions))]
    if not any(labels.of(x) is not None for x in distributions):
        return distributions, labels.NONE
    given = dict(zip(names, distributions, strict=True))
    fitting, known = labels.aligned(labels.in_step(given), labels.pair_roles(-1))
    arrays = [checks.as_array(x, name)[0] for name, x in fitting.items()]
    for name, array in zip(names, arrays, strict=True):
        if array.shape != arrays[0].shape:
            raise DistributionError(
                f"{names[0]} and {name} do not pair up (shapes {arrays[0].shape} and "
                f"{array.shape}); give them the same shape",
                kind="shape",
                argument=f"{names[0]} and {name}",
            )
    return np.stack(arrays, axis=-2), known


def _weights(weights: Any, count: int, normalize: bool) -> tuple[list[int], list[float]]:
    """Which distributions count, and by how much; those of weight 0 add nothing."""
    if weights is None:
        return list(range(count)), [1 / count] * count
    values, sums, _ = checks.distribution(weights, "weights", normalize=normalize)
    if values.shape != (count,):
        raise DistributionError(
            f"weights has shape {values.shape} and there are {count} distributions; pass one "
            f"weight for each, shape ({count},)",
            kind="shape",
            argument="weights",
            value=values.shape,
        )
    shares = values / sums
    return [i for i in range(count) if shares[i] > 0], [float(x) for x in shares if x > 0]
