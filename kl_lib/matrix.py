"""KL of all pairs: a matrix product where nothing cancels, the rest pair by pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks, kernels, labels, rows, stable
from .errors import DistributionError

Array = NDArray[Any]

#: Entries of the result that are computed at a time.
_AT_A_TIME = 1 << 18


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
    dtype = checks.result_dtype(p_dtype, q_dtype)
    result = _of_all_pairs((p_given, p_rows, p_logs), (q_given, q_logs), divisor, normalize, dtype)
    return known.give(result, ["rows of p", "rows of q"])


def _matrix_roles(name: str, ndim: int) -> list[labels.Role]:
    """Rows of p meet all rows of q, so that their labels need not agree."""
    roles: list[labels.Role] = [*range(-ndim, -2), f"rows of {name}", labels.CATEGORY]
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


def _of_all_pairs(
    p: tuple[Array, Array, Array],
    q: tuple[Array, Array],
    divisor: float,
    normalize: bool,
    dtype: type[np.floating[Any]],
) -> Array:
    """KL of all pairs of a row of p and one of q, by matrix products of some rows at a time.

    Parameters
    ----------
    p
        Its rows as given; divided by their sums; the logarithms of that.
    q
        Its rows as given; the logarithms of its rows divided by their sums.
    divisor, normalize, dtype
        As for `kl_lib.rows.reduce`.
    """
    (p_given, shares, p_logs), (q_given, q_logs) = p, q
    possible, empty = ~np.isneginf(p_logs), np.isneginf(q_logs)
    minus_entropy = (shares * np.where(possible, p_logs, 0.0)).sum(axis=1)
    # Σ p·log p is one more category, in which q has 1: the product is the result.
    left = np.concatenate([shares, minus_entropy[:, None]], axis=1)
    right = np.concatenate([np.where(empty, 0.0, -q_logs), np.ones((len(q_logs), 1))], axis=1).T
    # The product rounds relative to the cross-entropy, which is the result and the entropy: what is
    # below 0.02·(1 + cross-entropy) is computed again.
    least = (1 - minus_entropy) / 49
    out = np.empty((len(shares), len(q_logs)), dtype)
    step = max(1, _AT_A_TIME // max(len(q_logs), 1))
    for start in range(0, len(shares), step):
        some = slice(start, start + step)
        block = np.matmul(left[some], right, out=out[some] if dtype is np.float64 else None)
        if empty.any():
            block[possible[some].astype(np.float64) @ empty.T.astype(np.float64) > 0] = np.inf
        low = np.flatnonzero(block.min(axis=1, initial=np.inf) < least[some])
        if low.size:
            # Of one axis, which NumPy searches ten times as fast as of two.
            near = np.flatnonzero((block[low] < least[some][low, None]).reshape(-1))
            i, j = low[near // len(q_logs)], near % len(q_logs)
            _again(block, i, j, p_given[some], q_given, normalize)
        if divisor != 1 or block.base is not out:
            np.divide(block, divisor, out=out[some], casting="same_kind")
    return out


def _again(block: Array, i: Array, j: Array, p: Array, q: Array, normalize: bool) -> None:
    """Fill in the pairs of p[i] and q[j] anew, by terms that do not cancel."""
    task = kernels.Task(1.0, None, normalize)
    size = max(1, rows.CHUNK // p.shape[1])
    for some in (slice(start, start + size) for start in range(0, len(i), size)):
        pair = [p[i[some]], q[j[some]]]
        block[i[some], j[some]] = rows.reduce(kernels.KL, pair, task, np.float64)[0]
