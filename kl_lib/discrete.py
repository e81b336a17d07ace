"""Entropy, cross-entropy and divergences between distributions over finitely many categories.

Conventions: `p` is the reference, `q` the approximation, the last axis holds the categories, the
unit is the nat unless `base` says otherwise. A category with p = 0 adds nothing; one with p > 0
where q = 0 makes KL and cross-entropy infinite, without a warning. Sums within the tolerance of
their dtype (`kl_lib.checks.SUM_TOLERANCE`) are accepted, and the result is that of the rows
divided by their exact sums.

float64, integers and lists give float64; float32, float16 and bfloat16 give float32. Everything is
computed in nats, and divided by log(base) at the end: what is beyond the largest float in nats is
inf in any unit (−inf in that of a base below 1).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks, kernels, lazy, rows
from .renamed import renamed

Array = NDArray[np.float64]
Result = Any  # a NumPy scalar for one pair, an array for a batch
#: Where the categories are: on one axis, or on several.
Axes = int | tuple[int, ...]


def of_rows(
    kernel: kernels.Kernel,
    *given: Any,
    axis: Axes,
    keepdims: bool,
    where: ArrayLike | None,
    **options: Any,
) -> Result:
    """A number for each row of one argument or two; lazily, where one of them is a dask array."""
    if where is None and not keepdims and axis == -1 and not options.get("normalize"):
        value = rows.one(kernel, given, checks.SUM_TOLERANCE["float64"])
        if value is not None and not options.get("generalized"):
            return value / checks.check_base(options.get("base"))
    over: dict[str, Any] = {"axis": axis, "keepdims": keepdims, "where": where}
    if lazy.any_lazy(*given, where):
        return lazy.by_chunks(partial(_of_rows, kernel, **options), *given, **over)
    return _of_rows(kernel, *given, **over, **options)


def _of_rows(
    kernel: kernels.Kernel,
    *given: Any,
    base: float | None = None,
    advice: checks.Advice = checks.COUNTS,
    normalize: bool = False,
    generalized: bool = False,
    **over: Any,
) -> Result:
    """Computed and checked in one go, with the labels of the rows."""
    arguments = checks.both(*given, **over) if len(given) > 1 else checks.one(*given, **over)
    tolerances = None if normalize or generalized else arguments.tolerances()
    task = kernels.Task(checks.check_base(base), tolerances, normalize, generalized)
    dtype = checks.result_dtype(*arguments.dtypes)
    arrays = arguments.same_shape()
    if tolerances and any(type(x) is not np.ndarray for x in given):  # of lists, say
        value = rows.one(kernel, arrays, max(tolerances))
        if value is not None:
            return arguments.of_rows(value / task.divisor)
    if arrays[0].size:
        result, valid = rows.reduce(kernel, arrays, task, dtype)
    else:
        result, valid = np.empty(arrays[0].shape[:-1], dtype), False
    if not valid:
        # Say what is wrong and where. At the edge of a tolerance, or for huge masses, nothing is.
        arguments.validate(advice=advice, normalize=normalize, generalized=generalized)
    return arguments.of_rows(result[()])


def entropy(
    p: ArrayLike,
    *,
    axis: Axes = -1,
    base: float | None = None,
    normalize: bool = False,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Result:
    """Entropy of p: the mean surprise, −Σ p·log p.

    Parameters
    ----------
    p
        Probabilities, shape (..., categories) with `axis` = −1.
    axis
        The axis that holds the categories; a tuple of axes, where several hold those of one
        distribution together.
    base
        Base of the logarithm: 2 for bits, 10 for bans, None for nats.
    normalize
        Accept non-negative counts and divide them by their sum first.
    keepdims
        Leave the axes of the categories in the result, with length 1, as NumPy's reductions do.
    where
        True for each entry that counts, in a shape that broadcasts to that of the arguments. What
        it leaves out is as if it had not been given: it is not looked at, and the sums are those
        of the others. Takes a copy of the arguments.

    Returns
    -------
    float or array
        In nats, or the unit of `base`; the shape of p without `axis`. Between 0 and log K.

    Raises
    ------
    DistributionError
        If p is not a distribution; the message says where and what to do.

    References
    ----------
    Shannon, "A Mathematical Theory of Communication", 1948, section 6.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.entropy([0.5, 0.25, 0.25], base=2))
    1.5
    >>> kl.entropy([[3, 1], [2, 2]], base=2, normalize=True).round(4)
    array([0.8113, 1.    ])
    >>> kl.entropy([[3, 1], [2, 2]], base=2, normalize=True, keepdims=True).round(4)
    array([[0.8113],
           [1.    ]])
    >>> print(kl.entropy([[3, 1], [2, 2]], axis=(0, 1), base=2, normalize=True).round(4))
    1.9056
    >>> print(kl.entropy([0.5, 0.5, 7], where=[True, True, False], base=2))
    1.0
    """
    return of_rows(
        kernels.ENTROPY,
        p,
        axis=axis,
        keepdims=keepdims,
        where=where,
        base=base,
        normalize=normalize,
    )


def cross_entropy(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: Axes = -1,
    base: float | None = None,
    normalize: bool = False,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Result:
    """Cross-entropy of q under p: the mean surprise of someone who believes q, −Σ p·log q.

    Equal to entropy(p) + kl_divergence(p, q), and infinite where p > 0 meets q = 0.

    Parameters
    ----------
    p, q
        The reference and the approximation, shape (..., categories); one distribution may be set
        against a batch.
    axis, base, normalize, keepdims, where
        As for `entropy`.

    Returns
    -------
    float or array
        In nats, or the unit of `base`; the broadcast shape without `axis`.

    Raises
    ------
    DistributionError
        If p or q is not a distribution, or the two do not pair up.

    References
    ----------
    Cover and Thomas, "Elements of Information Theory", 2006, section 5.4.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.cross_entropy([0.5, 0.5], [0.25, 0.75], base=2).round(4))
    1.2075
    >>> print(kl.cross_entropy([1, 0], [0, 1]))
    inf
    """
    return of_rows(
        kernels.CROSS_ENTROPY,
        p,
        q,
        axis=axis,
        keepdims=keepdims,
        where=where,
        base=base,
        normalize=normalize,
    )


def kl_divergence(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: Axes = -1,
    base: float | None = None,
    normalize: bool = False,
    generalized: bool = False,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Result:
    """Kullback-Leibler divergence KL(p‖q) = Σ p·log(p/q): what believing q costs when p is true.

    Never negative, zero when the two are equal, infinite where p > 0 meets q = 0, and different
    from kl_divergence(q, p) in general. Computed from terms that are all non-negative, so two
    distributions that almost agree do not cancel to a negative number.

    Parameters
    ----------
    p, q
        The reference and the approximation, shape (..., categories); one distribution may be set
        against a batch. Where one is a dask array, so is the result, and nothing is computed yet.
    axis
        The axis that holds the categories; a tuple of axes, where several hold those of one
        distribution together.
    base
        Base of the logarithm: 2 for bits, None for nats.
    normalize
        Accept non-negative counts and divide both by their sums first.
    generalized
        Accept non-negative masses that need not sum to 1 and add −Σp + Σq, which keeps the
        result non-negative (also called I-divergence). Not together with `normalize`.
    keepdims, where
        As for `entropy`.

    Returns
    -------
    float or array
        In nats, or the unit of `base`; the broadcast shape without `axis`.

    Raises
    ------
    DistributionError
        If p or q is not a distribution, the two do not pair up, or the switches contradict.

    References
    ----------
    Kullback and Leibler, "On Information and Sufficiency", 1951. For the generalised form:
    Csiszár, "Why least squares and maximum entropy?", 1991.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_divergence([0.2, 0.5, 0.2, 0.1], [0.3, 0.4, 0.1, 0.2]).round(7))
    0.0997935
    >>> print(kl.kl_divergence([1, 0], [0.8, 0.2], base=2).round(4))
    0.3219
    >>> print(kl.kl_divergence([0.5, 0.5], [1, 0]))
    inf
    """
    checks.check_flags(normalize, generalized)
    return of_rows(
        kernels.KL,
        p,
        q,
        axis=axis,
        keepdims=keepdims,
        where=where,
        base=base,
        advice=checks.KL,
        normalize=normalize,
        generalized=generalized,
    )


def js_divergence(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: Axes = -1,
    base: float | None = None,
    normalize: bool = False,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Result:
    """Jensen-Shannon divergence: ½·KL(p‖m) + ½·KL(q‖m) with m = (p + q)/2.

    Symmetric, never infinite, at most log 2 (one bit). Its square root is a distance, called the
    Jensen-Shannon distance; `scipy.spatial.distance.jensenshannon` returns that one.

    Parameters
    ----------
    p, q, axis, base, normalize, keepdims, where
        As for `kl_divergence`.

    Returns
    -------
    float or array
        In nats, or the unit of `base`; the broadcast shape without `axis`.

    Raises
    ------
    DistributionError
        If p or q is not a distribution, or the two do not pair up.

    References
    ----------
    Lin, "Divergence measures based on the Shannon entropy", 1991. The square root is a metric:
    Endres and Schindelin, "A new metric for probability distributions", 2003.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.js_divergence([1, 0], [0, 1], base=2))
    1.0
    >>> print(kl.js_divergence([0.5, 0.5], [0.9, 0.1]).round(6))
    0.101749
    """
    return of_rows(
        kernels.JENSEN_SHANNON,
        p,
        q,
        axis=axis,
        keepdims=keepdims,
        where=where,
        base=base,
        normalize=normalize,
    )


def kl_terms(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: Axes = -1,
    base: float | None = None,
    normalize: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """The terms p·log(p/q) whose sum is KL(p‖q), category by category.

    A term is negative where p < q; only the sum cannot be. Look here first when a divergence is
    large or infinite: the guilty categories stand out.

    Parameters
    ----------
    p, q, axis, base, normalize, where
        As for `kl_divergence`. A term that `where` leaves out is 0.

    Returns
    -------
    array
        The shape of p and q broadcast, `axis` where it was; in nats, or the unit of `base`.

    Raises
    ------
    DistributionError
        If p or q is not a distribution, or the two do not pair up.

    Examples
    --------
    >>> import kl_lib as kl
    >>> kl.kl_terms([0.5, 0.5, 0], [0.25, 0.5, 0.25], base=2)
    array([0.5, 0. , 0. ])
    """
    if where is None and axis == -1 and not normalize:
        value = rows.one_of_terms(p, q, checks.SUM_TOLERANCE["float64"])
        if value is not None:
            return value / checks.check_base(base)
    if lazy.any_lazy(p, q, where):
        options: dict[str, Any] = {"base": base, "normalize": normalize}
        return lazy.by_chunks(kl_terms, p, q, axis=axis, where=where, entries=True, **options)
    both = checks.both(p, q, axis, where=where)
    tolerances = None if normalize else both.tolerances()
    task = kernels.Task(checks.check_base(base), tolerances, normalize)
    dtype = checks.result_dtype(*both.dtypes)
    arrays = both.same_shape()
    if arrays[0].size:
        result, valid = rows.terms(arrays[0], arrays[1], task, dtype)
    else:
        result, valid = np.empty(arrays[0].shape, dtype), False
    if not valid:
        both.validate(normalize=normalize)
    return both.of_entries(result)


def total_variation(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: Axes = -1,
    normalize: bool = False,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Result:
    """Total variation distance: ½·Σ|p − q|, the largest gap in probability over all events.

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
    Pinsker's inequality, 2·TV² ≤ KL in nats: Cover and Thomas, 2006, lemma 11.6.1.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.total_variation([0.5, 0.5], [0.75, 0.25]))
    0.25
    """
    return of_rows(
        kernels.TOTAL_VARIATION,
        p,
        q,
        axis=axis,
        keepdims=keepdims,
        where=where,
        normalize=normalize,
    )


def softmax(logits: ArrayLike, *, axis: Axes = -1) -> Array:
    """Probabilities from logits: exp(logits), divided by their sum.

    For the functions that take probabilities. Where there is a form for logits, `kl_from_logits`,
    it is the better way: a probability underflows where a logit does not.

    Parameters
    ----------
    logits
        Real numbers of any size, shape (..., categories); −inf masks a category out.
    axis
        The axis that holds the categories; a tuple of axes, where several hold those of one
        distribution together.

    Returns
    -------
    array
        float64, the shape and labels of `logits`; each row sums to 1.

    Raises
    ------
    DistributionError
        For nan, +inf or a row of −inf alone.

    Examples
    --------
    >>> import kl_lib as kl
    >>> kl.softmax([0, 1000, float("-inf")])
    array([0., 1., 0.])
    >>> kl.softmax([[1, 2], [3, 3]]).round(4)
    array([[0.2689, 0.7311],
           [0.5   , 0.5   ]])
    """
    given = checks.one(logits, axis, "logits")
    checks.logits(logits, "logits", axis=given.axis)
    values = given.arrays[0].astype(np.float64)
    with np.errstate(over="ignore"):  # a gap beyond the largest float is one of −inf
        weights = np.exp(values - values.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return given.of_entries(weights)


@renamed(p_logits="logits_p", q_logits="logits_q")
def kl_from_logits(
    logits_p: ArrayLike,
    logits_q: ArrayLike,
    *,
    axis: Axes = -1,
    base: float | None = None,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Result:
    """KL(softmax(logits_p) ‖ softmax(logits_q)), without forming a probability that underflows.

    Log-probabilities are logits too: log p differs from any other logits of p by a constant, and
    softmax does not see the constant.

    Parameters
    ----------
    logits_p, logits_q
        Real numbers of any size, shape (..., categories); −inf masks a category out.
    axis
        The axis that holds the categories; a tuple of axes, where several hold those of one
        distribution together.
    base
        Base of the logarithm: 2 for bits, None for nats.
    keepdims, where
        As for `entropy`.

    Returns
    -------
    float or array
        In nats, or the unit of `base`; inf where q masks a category that p does not, and where it
        is beyond the largest float in nats (−inf in the unit of a base below 1).

    Raises
    ------
    DistributionError
        For nan, +inf, a row of −inf alone, or shapes that do not pair up.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_from_logits([0, 0, 0, 0], [0, 1, 200, -200]).round(6))
    198.363706
    >>> print(kl.kl_from_logits([0, 0, float("-inf")], [1, 1, float("-inf")]))
    0.0
    """
    if where is None and not keepdims and axis == -1:
        value = rows.one_of_logits(logits_p, logits_q)
        if value is not None:
            with np.errstate(over="ignore"):  # huge logits in a tiny unit
                return value / checks.check_base(base)
    over: dict[str, Any] = {"axis": axis, "keepdims": keepdims, "where": where}
    over |= {"names": ("logits_p", "logits_q"), "missing": -np.inf}
    if lazy.any_lazy(logits_p, logits_q, where):
        return lazy.by_chunks(kl_from_logits, logits_p, logits_q, **over, base=base)
    divisor = checks.check_base(base)
    both = checks.both(logits_p, logits_q, **over)
    dtype = checks.result_dtype(*both.dtypes)
    a, b = both.same_shape()
    if a.size:
        result, valid = rows.logits(a, b, divisor, dtype)
    else:
        result, valid = np.empty(a.shape[:-1], dtype), False
    if not valid:
        for given, name in zip(both.given, both.names, strict=True):  # say what is wrong and where
            checks.logits(given, name, axis=both.axis)
    return both.of_rows(result[()])
