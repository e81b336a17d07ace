"""Entropy, cross-entropy and divergences between distributions over finitely many categories.

Conventions: `p` is the reference, `q` the approximation, the last axis holds the categories, the
unit is the nat unless `base` says otherwise. A category with p = 0 adds nothing; one with p > 0
where q = 0 makes KL and cross-entropy infinite, without a warning. Sums within the tolerance of
their dtype (`kl_lib.checks.SUM_TOLERANCE`) are accepted, and the result is that of the rows
divided by their exact sums.

float64, integers and lists give float64; float32, float16 and bfloat16 give float32. Everything
is computed in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks, stable

Array = NDArray[np.float64]
Result = Any  # a NumPy scalar for one pair, an array for a batch


def _finish(value: Array, divisor: float, *dtypes: str) -> Result:
    """Divide by log(base), cast to the dtype promised, and unwrap a lone number."""
    with np.errstate(over="ignore"):
        result = np.asarray(value / divisor).astype(checks.result_dtype(*dtypes))
    return result[()]


def entropy(
    p: ArrayLike, *, axis: int = -1, base: float | None = None, normalize: bool = False
) -> Result:
    """Entropy of p: the mean surprise, −Σ p·log p.

    Parameters
    ----------
    p
        Probabilities, shape (..., categories) with `axis` = −1.
    axis
        The axis that holds the categories.
    base
        Base of the logarithm: 2 for bits, 10 for bans, None for nats.
    normalize
        Accept non-negative counts and divide them by their sum first.

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
    """
    divisor = checks.check_base(base)
    values, sums, dtype = checks.distribution(p, "p", axis=axis, normalize=normalize)
    values = values / sums[..., None]
    with np.errstate(divide="ignore"):
        logs = np.log(values)
    logs[values == 0] = 0.0
    return _finish(np.maximum(-(values * logs).sum(axis=-1), 0.0), divisor, dtype)


def cross_entropy(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
) -> Result:
    """Cross-entropy of q under p: the mean surprise of someone who believes q, −Σ p·log q.

    Equal to entropy(p) + kl_divergence(p, q), and infinite where p > 0 meets q = 0.

    Parameters
    ----------
    p, q
        The reference and the approximation, shape (..., categories); one distribution may be set
        against a batch.
    axis, base, normalize
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
    divisor = checks.check_base(base)
    (p_values, p_sums, p_dtype), (q_values, q_sums, q_dtype) = checks.pair(
        p, q, axis=axis, normalize=normalize
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = -np.log(q_values / q_sums[..., None])
        terms = p_values / p_sums[..., None] * surprise
    terms = np.where(np.broadcast_to(p_values == 0, terms.shape), 0.0, terms)
    # A probability can round to a hair above 1 in its own dtype; surprise is not negative for it.
    return _finish(np.maximum(terms.sum(axis=-1), 0.0), divisor, p_dtype, q_dtype)


def kl_divergence(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
    generalized: bool = False,
) -> Result:
    """Kullback-Leibler divergence KL(p‖q) = Σ p·log(p/q): what believing q costs when p is true.

    Never negative, zero when the two are equal, infinite where p > 0 meets q = 0, and different
    from kl_divergence(q, p) in general. Computed from terms that are all non-negative, so two
    distributions that almost agree do not cancel to a negative number.

    Parameters
    ----------
    p, q
        The reference and the approximation, shape (..., categories); one distribution may be set
        against a batch.
    axis
        The axis that holds the categories.
    base
        Base of the logarithm: 2 for bits, None for nats.
    normalize
        Accept non-negative counts and divide both by their sums first.
    generalized
        Accept non-negative masses that need not sum to 1 and add −Σp + Σq, which keeps the
        result non-negative (also called I-divergence). Not together with `normalize`.

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
    Csiszár, "I-divergence geometry of probability distributions", 1975.

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
    divisor = checks.check_base(base)
    checks.check_flags(normalize, generalized)
    (p_values, p_sums, p_dtype), (q_values, q_sums, q_dtype) = checks.pair(
        p, q, axis=axis, normalize=normalize, generalized=generalized
    )
    # Masses that overflow sum to inf, which is the right answer for them.
    with np.errstate(over="ignore"):
        total = stable.generalized_kl(p_values, q_values).sum(axis=-1)
    if not generalized:
        total = _of_normalized(total, p_sums, q_sums)
    return _finish(total, divisor, p_dtype, q_dtype)


def _of_normalized(total: Array, p_sums: Array, q_sums: Array) -> Array:
    """From Σ (p·log(p/q) − p + q) to the KL of the rows divided by their sums.

    With r = Σq/Σp that is total/Σp − (r − 1 − log r): a correction of second order in how far
    the sums are from 1, so their rounding does not matter.
    """
    correction = stable.minus_log1p((q_sums - p_sums) / p_sums)
    return np.maximum(total / p_sums - correction, 0.0)


def js_divergence(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
) -> Result:
    """Jensen-Shannon divergence: ½·KL(p‖m) + ½·KL(q‖m) with m = (p + q)/2.

    Symmetric, never infinite, at most log 2 (one bit). Its square root is a distance, called the
    Jensen-Shannon distance; `scipy.spatial.distance.jensenshannon` returns that one.

    Parameters
    ----------
    p, q, axis, base, normalize
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
    divisor = checks.check_base(base)
    (p_values, p_sums, p_dtype), (q_values, q_sums, q_dtype) = checks.pair(
        p, q, axis=axis, normalize=normalize
    )
    # Put both on p's scale. A ratio that is 1 but for rounding stays out: it would disturb the last
    # digits of every entry, and leaving it out changes the result by rounding only.
    scale = p_sums / q_sums
    scale = np.where(np.abs(scale - 1) < 1e-14, 1.0, scale)
    terms = stable.jensen_shannon(p_values, q_values * scale[..., None]) / p_sums[..., None]
    return _finish(np.minimum(terms.sum(axis=-1), np.log(2.0)), divisor, p_dtype, q_dtype)


def kl_terms(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
) -> Array:
    """The terms p·log(p/q) whose sum is KL(p‖q), category by category.

    A term is negative where p < q; only the sum cannot be. Look here first when a divergence is
    large or infinite: the guilty categories stand out.

    Parameters
    ----------
    p, q, axis, base, normalize
        As for `kl_divergence`.

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
    divisor = checks.check_base(base)
    (p_values, p_sums, p_dtype), (q_values, q_sums, q_dtype) = checks.pair(
        p, q, axis=axis, normalize=normalize
    )
    p_values, q_values = p_values / p_sums[..., None], q_values / q_sums[..., None]
    with np.errstate(invalid="ignore"):
        terms = p_values * stable.log_ratio(p_values, q_values)
    terms = np.where(np.broadcast_to(p_values == 0, terms.shape), 0.0, terms)
    ndim = max(np.ndim(terms), 1)
    place = checks.check_axis(axis, ndim, "the result")
    return _finish(np.moveaxis(terms, -1, place), divisor, p_dtype, q_dtype)


def mutual_information(joint: ArrayLike, *, base: float | None = None) -> Result:
    """Mutual information of two variables: KL(joint ‖ product of its marginals).

    Parameters
    ----------
    joint
        Joint probabilities, shape (..., rows, columns); each table sums to 1.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        Shape (...), in nats or the unit of `base`; zero when the two are independent.

    Raises
    ------
    DistributionError
        If a table is not a distribution or `joint` has fewer than two axes.

    References
    ----------
    Cover and Thomas, "Elements of Information Theory", 2006, section 2.3.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.mutual_information([[0.5, 0.0], [0.0, 0.5]], base=2).round(12))
    1.0
    >>> print(kl.mutual_information([[0.06, 0.14], [0.24, 0.56]]).round(12))
    0.0
    """
    divisor = checks.check_base(base)
    table, dtype = checks.as_array(joint, "joint")
    if table.ndim < 2:
        raise checks.DistributionError(
            f"joint has shape {table.shape}; it needs two axes, one for each variable"
        )
    flat, sums = _table(joint, table)
    table = flat.reshape(table.shape) / sums[..., None, None]
    product = table.sum(axis=-1, keepdims=True) * table.sum(axis=-2, keepdims=True)
    product = product.reshape(flat.shape)
    total = stable.generalized_kl(table.reshape(flat.shape), product).sum(axis=-1)
    ones = np.ones_like(sums)
    return _finish(_of_normalized(total, ones, product.sum(axis=-1)), divisor, dtype)


def _table(joint: ArrayLike, table: Array) -> tuple[Array, Array]:
    """The last two axes of `joint` as one, checked as a distribution."""
    source = np.asarray(joint) if isinstance(joint, np.ndarray) else table
    flat = source.reshape(*table.shape[:-2], table.shape[-2] * table.shape[-1])
    values, sums, _ = checks.distribution(flat, "joint")
    return values, sums


def total_variation(p: ArrayLike, q: ArrayLike, *, axis: int = -1) -> Result:
    """Total variation distance: ½·Σ|p − q|, the largest gap in probability over all events.

    Parameters
    ----------
    p, q, axis
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
    (p_values, p_sums, p_dtype), (q_values, q_sums, q_dtype) = checks.pair(p, q, axis=axis)
    gap = np.abs(p_values / p_sums[..., None] - q_values / q_sums[..., None]).sum(axis=-1)
    return _finish(np.minimum(0.5 * gap, 1.0), 1.0, p_dtype, q_dtype)


def kl_from_logits(
    p_logits: ArrayLike, q_logits: ArrayLike, *, axis: int = -1, base: float | None = None
) -> Result:
    """KL(softmax(p_logits) ‖ softmax(q_logits)), without forming a probability that underflows.

    Log-probabilities are logits too: log p differs from any other logits of p by a constant, and
    softmax does not see the constant.

    Parameters
    ----------
    p_logits, q_logits
        Real numbers of any size, shape (..., categories); −inf masks a category out.
    axis
        The axis that holds the categories.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`; inf where q masks a category that p does not.

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
    divisor = checks.check_base(base)
    names = ("p_logits", "q_logits")
    checks.check_labels(p_logits, q_logits, names)
    shapes = (
        checks.as_array(p_logits, names[0])[0].shape,
        checks.as_array(q_logits, names[1])[0].shape,
    )
    negative_axis = checks.check_shapes(*shapes, axis, names)
    a, p_dtype = checks.logits(p_logits, names[0], axis=negative_axis)
    b, q_dtype = checks.logits(q_logits, names[1], axis=negative_axis)
    a, b = np.broadcast_arrays(a, b)
    with np.errstate(all="ignore"):
        log_p, log_q = a - _log_sum_exp(a), b - _log_sum_exp(b)
        p, q = np.exp(log_p), np.exp(log_q)
        # For logits that almost agree a − b is exact where log p − log q has lost its digits.
        gap = (a - b) - (_log_sum_exp(a) - _log_sum_exp(b))
        masked = np.isneginf(a)
        near = np.abs(gap) < 0.1
        terms = np.where(near, p * stable.expm1_plus(gap), p * gap - (p - q))
        terms = np.where(masked, q, np.where(p == 0, np.where(np.isneginf(b), 0.0, q), terms))
        terms = np.where(np.isneginf(b) & ~masked, np.inf, np.maximum(terms, 0.0))
        total = terms.sum(axis=-1)
        q_sums = np.where(near & ~masked, p * np.exp(-gap), q).sum(axis=-1)
    return _finish(_of_normalized(total, p.sum(axis=-1), q_sums), divisor, p_dtype, q_dtype)


def _log_sum_exp(x: Array) -> Array:
    largest = x.max(axis=-1, keepdims=True)
    return largest + np.log(np.exp(x - largest).sum(axis=-1, keepdims=True))
