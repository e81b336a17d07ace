"""Entropy, cross-entropy and divergences between distributions over finitely many categories.

Conventions: `p` is the reference, `q` the approximation, the last axis holds the categories, the
unit is the nat unless `base` says otherwise. A category with p = 0 adds nothing; one with p > 0
where q = 0 makes KL and cross-entropy infinite, without a warning. Sums within the tolerance of
their dtype (`kl_lib.checks.SUM_TOLERANCE`) are accepted, and the result is that of the rows
divided by their exact sums.

float64, integers and lists give float64; float32, float16 and bfloat16 give float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks, labels, lazy, rows, stable
from .errors import DistributionError

Array = NDArray[np.float64]
Result = Any  # a NumPy scalar for one pair, an array for a batch


def _finish(value: Array, divisor: float, *dtypes: str) -> Result:
    """Divide by log(base), cast to the dtype promised, and unwrap a lone number."""
    return np.asarray(value / divisor).astype(checks.result_dtype(*dtypes))[()]


def _batch(roles: list[labels.Role]) -> list[labels.Role]:
    return [role for role in roles if role != labels.CATEGORY]


def _weighted(p: Array, p_sums: Array, values: Array) -> Array:
    """p/p_sums · values, where a p of 0 takes nothing and any other makes inf of inf."""
    with np.errstate(invalid="ignore"):
        terms = p / p_sums * values
    # The quotient can underflow to 0, and 0·inf is nan.
    terms = np.where(np.isposinf(values), np.inf, terms)
    return np.where(p == 0, 0.0, terms)


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
    result = _finish(np.maximum(-(values * logs).sum(axis=-1), 0.0), divisor, dtype)
    roles = labels.pair_roles(checks.check_axis(axis, values.ndim, "p"))
    return labels.aligned({"p": p}, roles)[1].give(result, _batch(roles("p", values.ndim)))


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
    both = checks.both(p, q, axis)
    (p_values, p_sums), (q_values, q_sums) = both.checked(normalize=normalize)
    # Not of the quotient: a share of the sum can be too small for a float, its logarithm is not.
    surprise = stable.log_ratio(q_sums[..., None], q_values)
    terms = _weighted(p_values, p_sums[..., None], surprise)
    # A probability can round to a hair above 1 in its own dtype; surprise is not negative for it.
    result = _finish(np.maximum(terms.sum(axis=-1), 0.0), divisor, *both.dtypes)
    return both.rows_labelled(result)


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
        against a batch. Where one is a dask array, so is the result, and nothing is computed yet.
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
    divisor = checks.check_base(base)
    checks.check_flags(normalize, generalized)
    if lazy.is_lazy(p) or lazy.is_lazy(q):
        options = {"base": base, "normalize": normalize, "generalized": generalized}
        return lazy.by_chunks(kl_divergence, p, q, axis=axis, **options)
    both = checks.both(p, q, axis)
    tolerances = None
    if not (normalize or generalized):
        first, second = both.dtypes
        tolerances = checks.SUM_TOLERANCE[first], checks.SUM_TOLERANCE[second]
    task = rows.Task(divisor, tolerances, normalize, generalized)
    dtype = checks.result_dtype(*both.dtypes)
    p_array, q_array = _same_shape(*both.arrays)
    if p_array.size:
        result, valid = rows.kl_rows(p_array, q_array, task, dtype)
    else:
        result, valid = np.empty(p_array.shape[:-1], dtype), False
    if not valid:
        # Say what is wrong and where. At the edge of a tolerance, or for huge masses, nothing is.
        both.checked(advice=checks.KL, normalize=normalize, generalized=generalized)
    return both.rows_labelled(result[()])


def _same_shape(a: Array, b: Array) -> tuple[Array, Array]:
    return (a, b) if a.shape == b.shape else tuple(np.broadcast_arrays(a, b))  # type: ignore


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
    both = checks.both(p, q, axis)
    (p_values, p_sums), (q_values, q_sums) = both.checked(normalize=normalize)
    if normalize:
        p_values, q_values = p_values / p_sums[..., None], q_values / q_sums[..., None]
        p_sums, q_sums = np.ones_like(p_sums), np.ones_like(q_sums)
    # Put both on p's scale. A ratio that is 1 but for rounding stays out: it would disturb the last
    # digits of every entry, and leaving it out changes the result by rounding only.
    scale = p_sums / q_sums
    scale = np.where(np.abs(scale - 1) < 1e-14, 1.0, scale)
    total = rows.sum_in_pieces(stable.jensen_shannon, p_values, q_values, scale) / p_sums
    result = _finish(np.minimum(total, np.log(2.0)), divisor, *both.dtypes)
    return both.rows_labelled(result)


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
    both = checks.both(p, q, axis)
    (p_values, p_sums), (q_values, q_sums) = both.checked(normalize=normalize)
    p_sums, q_sums = p_sums[..., None], q_sums[..., None]
    p_shares, q_shares = p_values / p_sums, q_values / q_sums
    logs = stable.log_ratio(p_shares, q_shares)
    # A share of the sum can be too small for a float, its logarithm is not.
    lost = np.minimum(p_shares, q_shares) < np.finfo(float).tiny
    if lost.any():
        shift = np.log(q_sums) - np.log(p_sums)
        logs = np.where(lost, stable.log_ratio(p_values, q_values) + shift, logs)
    terms = _weighted(p_values, p_sums, logs)
    return both.entries_labelled(_finish(np.moveaxis(terms, -1, both.axis), divisor, *both.dtypes))


def mutual_information(
    joint: ArrayLike, *, base: float | None = None, normalize: bool = False
) -> Result:
    """Mutual information of two variables: KL(joint ‖ product of its marginals).

    Parameters
    ----------
    joint
        Joint probabilities, shape (..., rows, columns); each table sums to 1.
    base
        Base of the logarithm: 2 for bits, None for nats (as `sklearn.metrics.mutual_info_score`).
    normalize
        Accept non-negative counts, a contingency table, and divide each table by its sum first.

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
    >>> print(kl.mutual_information([[1, 1], [0, 1]], normalize=True).round(6))
    0.174416
    """
    divisor = checks.check_base(base)
    given, _ = checks.as_array(joint, "joint")
    if given.ndim < 2:
        raise DistributionError(
            f"joint has shape {given.shape}; pass a table, one variable in its rows, the other in "
            "its columns",
            kind="shape",
            argument="joint",
        )
    cells, sums, dtype = checks.distribution(joint, "joint", axis=(-2, -1), normalize=normalize)
    cells = cells / sums[..., None, None]
    marginals = cells.sum(axis=-1, keepdims=True), cells.sum(axis=-2, keepdims=True)
    # Both sum to 1 but for rounding, which enters the result squared.
    terms = stable.generalized_kl_of_product(cells, *marginals)
    result = _finish(terms.sum(axis=(-2, -1)), divisor, dtype)
    roles: list[labels.Role] = [i - given.ndim for i in range(given.ndim)]
    return labels.aligned({"joint": joint}, lambda *_: roles)[1].give(result, roles[:-2])


def total_variation(
    p: ArrayLike, q: ArrayLike, *, axis: int = -1, normalize: bool = False
) -> Result:
    """Total variation distance: ½·Σ|p − q|, the largest gap in probability over all events.

    Parameters
    ----------
    p, q, axis, normalize
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
    both = checks.both(p, q, axis)
    (p_values, p_sums), (q_values, q_sums) = both.checked(normalize=normalize)
    gap = np.abs(p_values / p_sums[..., None] - q_values / q_sums[..., None]).sum(axis=-1)
    return both.rows_labelled(_finish(np.minimum(0.5 * gap, 1.0), 1.0, *both.dtypes))


def softmax(logits: ArrayLike, *, axis: int = -1) -> Array:
    """Probabilities from logits: exp(logits), divided by their sum.

    For the functions that take probabilities. Where there is a form for logits, `kl_from_logits`,
    it is the better way: a probability underflows where a logit does not.

    Parameters
    ----------
    logits
        Real numbers of any size, shape (..., categories); −inf masks a category out.
    axis
        The axis that holds the categories.

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
    values, _ = checks.logits(logits, "logits", axis=axis)
    with np.errstate(over="ignore"):  # a gap beyond the largest float is one of −inf
        weights = np.exp(values - values.max(axis=-1, keepdims=True, initial=-np.inf))
    weights /= weights.sum(axis=-1, keepdims=True)
    roles = labels.pair_roles(axis)("logits", values.ndim)
    known = labels.aligned({"logits": logits}, lambda *_: roles)[1]
    return known.give(np.moveaxis(weights, -1, axis), roles)


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
    both = checks.both(p_logits, q_logits, axis, ("p_logits", "q_logits"), missing=-np.inf)
    dtype = checks.result_dtype(*both.dtypes)
    a, b = _same_shape(*both.arrays)
    if a.size:
        result, valid = rows.logit_rows(a, b, divisor, dtype)
    else:
        result, valid = np.empty(a.shape[:-1], dtype), False
    if not valid:
        for given, name in zip(both.given, both.names, strict=True):  # say what is wrong and where
            checks.logits(given, name, axis=both.axis)
    return both.rows_labelled(result[()])


def kl_matrix(
    p: ArrayLike, q: ArrayLike, *, base: float | None = None, normalize: bool = False
) -> Array:
    """KL(p[i]‖q[j]) for all pairs of a row of p and a row of q.

    One matrix product where nothing cancels; pairs that almost agree are computed again as
    `kl_divergence` does. Needs memory for the result and for copies of p and q, not for all pairs
    times all categories.

    Parameters
    ----------
    p, q
        Distributions, shapes (n, categories) and (m, categories).
    base, normalize
        As for `kl_divergence`.

    Returns
    -------
    array
        Shape (n, m), in nats or the unit of `base`; inf where p[i] > 0 meets q[j] = 0.

    Raises
    ------
    DistributionError
        If a row is not a distribution, or the numbers of categories or of axes do not fit.

    Examples
    --------
    >>> import kl_lib as kl
    >>> kl.kl_matrix([[0.5, 0.5], [1, 0]], [[0.5, 0.5], [0, 1], [0.25, 0.75]], base=2).round(4)
    array([[0.    ,    inf, 0.2075],
           [1.    ,    inf, 2.    ]])
    """
    divisor = checks.check_base(base)
    tables = labels.categories_last({"p": p, "q": q})
    given, known = labels.aligned(tables, _matrix_roles)
    (p_given, p_rows, p_logs, p_dtype), (q_given, _, q_logs, q_dtype) = (
        _table(value, given[name], name, normalize) for name, value in tables.items()
    )
    if p_logs.shape[1] != q_logs.shape[1]:
        raise DistributionError(
            f"p has {p_logs.shape[1]} categories and q has {q_logs.shape[1]}; give both the same "
            "categories",
            kind="shape",
            argument="p and q",
        )
    possible, empty = ~np.isneginf(p_logs), np.isneginf(q_logs)
    cross = -(p_rows @ np.where(empty, 0.0, q_logs).T)
    result = (p_rows * np.where(possible, p_logs, 0.0)).sum(axis=1)[:, None] + cross
    # The product rounds relative to the cross-entropy: what is much smaller has lost its digits.
    close = result < 0.02 * (1 + cross)
    if empty.any():
        result[possible.astype(np.float64) @ empty.T.astype(np.float64) > 0] = np.inf
    first, second = np.nonzero(close & (result < np.inf))
    step = max(1, rows.CHUNK // p_rows.shape[1])
    task = rows.Task(1.0, None, normalize)
    for start in range(0, len(first), step):
        i, j = first[start : start + step], second[start : start + step]
        result[i, j] = rows.kl_rows(p_given[i], q_given[j], task, np.float64)[0]
    result = _finish(np.maximum(result, 0.0), divisor, p_dtype, q_dtype)
    return known.give(result, ["rows of p", "rows of q"])


def _matrix_roles(name: str, ndim: int) -> list[labels.Role]:
    """Rows of p meet all rows of q, so that their labels need not agree."""
    roles: list[labels.Role] = [*range(2 - ndim), f"rows of {name}", labels.CATEGORY]
    return roles[-ndim:]


def _table(
    value: ArrayLike, aligned: ArrayLike, name: str, normalize: bool
) -> tuple[Array, Array, Array, str]:
    """Rows of distributions as given; divided by their sums, and the logs of that; their dtype."""
    given, _ = checks.as_array(aligned, name)
    if given.ndim != 2:
        raise DistributionError(
            f"{name} has shape {given.shape}; pass shape (distributions, categories)"
            + (f", for a single one np.array([{name}])" if given.ndim == 1 else ""),
            kind="shape",
            argument=name,
        )
    options: dict[str, Any] = {"normalize": normalize, "advice": checks.TABLES}
    checks.distribution(value, name, **options)
    values, sums, dtype = checks.distribution(aligned, name, **options)
    sums = sums[:, None]
    return given, values / sums, stable.log_ratio(values, sums), dtype
