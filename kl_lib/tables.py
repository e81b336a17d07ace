"""Two variables at once: tables of joint probabilities, shape (..., rows, columns).

Conventions and checks are those of `kl_lib.discrete`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks, kernels, labels, lazy, rows, stable
from .blocks import Block, blocks_of_tables
from .discrete import Result
from .errors import DistributionError
from .threads import on_threads, threads_for

Array = NDArray[np.float64]


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
    if lazy.any_lazy(joint):
        return lazy.by_tables(mutual_information, joint, base=base, normalize=normalize)
    divisor = checks.check_base(base)
    [array], [dtype] = _tables([joint], ["joint"])
    result = _computed(_mutual_information, [joint], [array], ["joint"], normalize)
    result = (result / divisor).astype(checks.result_dtype(dtype))
    return tables_labelled(joint, result[()], array.ndim, "joint")


def conditional_entropy(
    joint: ArrayLike,
    *,
    given: str = "rows",
    base: float | None = None,
    normalize: bool = False,
) -> Result:
    """Entropy left in one variable of a table when the other is known: Σ p(x)·entropy(p(y|x)).

    With ``given="rows"`` the variable of the rows is known, and the entropy is that of the columns
    within a row: entropy(joint) − entropy(rows).

    Parameters
    ----------
    joint
        Joint probabilities, shape (..., rows, columns); each table sums to 1.
    given
        ``"rows"`` or ``"columns"``: the variable that is known.
    base
        Base of the logarithm: 2 for bits, None for nats.
    normalize
        Accept non-negative counts, a contingency table, and divide each table by its sum first.

    Returns
    -------
    float or array
        Shape (...), in nats or the unit of `base`. Zero where the one known tells the other.

    Raises
    ------
    DistributionError
        If a table is not a distribution, `joint` has fewer than two axes, or given is neither.

    References
    ----------
    Cover and Thomas, "Elements of Information Theory", 2006, section 2.2 (whose example this is).

    Examples
    --------
    >>> import kl_lib as kl
    >>> joint = [[4, 2, 1, 1], [2, 4, 1, 1], [2, 2, 2, 2], [8, 0, 0, 0]]
    >>> print(kl.conditional_entropy(joint, given="rows", base=2, normalize=True).round(9))
    1.375
    >>> print(kl.conditional_entropy(joint, given="columns", base=2, normalize=True).round(9))
    1.625
    """
    options: dict[str, Any] = {"given": given, "base": base, "normalize": normalize}
    if lazy.any_lazy(joint):
        return lazy.by_tables(conditional_entropy, joint, **options)
    divisor = checks.check_base(base)
    [array], [dtype] = _tables([joint], ["joint"], given)
    result = _computed(_conditional(kernels.ENTROPY, given), [joint], [array], ["joint"], normalize)
    result = (result / divisor).astype(checks.result_dtype(dtype))
    return tables_labelled(joint, result[()], array.ndim, "joint")


def kl_conditional(
    p: ArrayLike,
    q: ArrayLike,
    *,
    given: str = "rows",
    base: float | None = None,
    normalize: bool = False,
) -> Result:
    """Conditional KL of two tables: Σ p(x)·KL(p(y|x)‖q(y|x)), the mean over x drawn from p.

    What is left of KL(p‖q) of the tables when the KL of the marginals of x is taken away, by the
    chain rule: kl_divergence of the tables = that of their sums over y + kl_conditional.

    Parameters
    ----------
    p, q
        Joint probabilities, shape (..., rows, columns); each table sums to 1. One table may be set
        against a batch.
    given
        ``"rows"`` or ``"columns"``: where x, the variable that is known, stands.
    base
        Base of the logarithm: 2 for bits, None for nats.
    normalize
        Accept non-negative counts, contingency tables, and divide each table by its sum first.

    Returns
    -------
    float or array
        Shape (...), in nats or the unit of `base`. Infinite where p > 0 meets q = 0, also where q
        has nothing at all for an x that p has.

    Raises
    ------
    DistributionError
        If a table is not a distribution, the two do not pair up, or given is neither.

    References
    ----------
    Cover and Thomas, "Elements of Information Theory", 2006, section 2.5.

    Examples
    --------
    >>> import kl_lib as kl
    >>> p, q = [[0.25, 0.25], [0.5, 0.0]], [[0.25, 0.25], [0.25, 0.25]]
    >>> print(kl.kl_conditional(p, q, base=2).round(9))
    0.5
    >>> print(kl.kl_conditional(p, q, given="columns", base=2).round(9))
    0.311278124
    """
    options: dict[str, Any] = {"given": given, "base": base, "normalize": normalize}
    if lazy.any_lazy(p, q):
        return lazy.by_tables(kl_conditional, p, q, **options)
    divisor = checks.check_base(base)

    def roles(_: str, ndim: int) -> list[labels.Role]:
        axes: list[labels.Role] = [*range(-ndim, -2), "rows", "columns"]
        return axes[-ndim:]

    fitting, known = labels.aligned(labels.in_step({"p": p, "q": q}), roles)
    (a, b), dtypes = _tables([fitting["p"], fitting["q"]], ["p", "q"], given)
    if a.shape[-2:] != b.shape[-2:] or (a.ndim > 2 and b.ndim > 2 and a.shape != b.shape):
        raise DistributionError(
            f"p and q do not pair up (shapes {a.shape} and {b.shape}); give them the same shape, "
            "or one table against a batch",
            kind="shape",
            argument="p and q",
        )
    values = [fitting["p"], fitting["q"]]
    result = _computed(_conditional(kernels.KL, given), values, [a, b], ["p", "q"], normalize)
    result = (result / divisor).astype(checks.result_dtype(*dtypes))
    return known.give(result[()], [i - result.ndim - 2 for i in range(result.ndim)])


def _tables(
    values: Sequence[Any], names: Sequence[str], given: Any = "rows"
) -> tuple[list[Any], list[str]]:
    """The arguments as arrays of at least two axes, and their dtypes."""
    if given not in ("rows", "columns"):
        raise DistributionError(
            f'given is {given!r:.40}; pass "rows" or "columns", the variable that is known',
            kind="option",
            argument="given",
            value=given,
        )
    read = [checks.as_array(value, name) for value, name in zip(values, names, strict=True)]
    for (array, _), name in zip(read, names, strict=True):
        if array.ndim < 2:
            raise DistributionError(
                f"{name} has shape {array.shape}; pass a table, one variable in its rows, the "
                "other in its columns",
                kind="shape",
                argument=name,
            )
    return [array for array, _ in read], [dtype for _, dtype in read]


#: From tables, shape (tables, rows, columns) each, and their totals to a number for each, in nats.
_Compute = Callable[[Sequence[Array], Sequence[Array]], Array]


def _computed(
    compute: _Compute,
    values: Sequence[Any],
    arrays: Sequence[Any],
    names: Sequence[str],
    normalize: bool,
) -> Array:
    """A number for each table, some tables at a time; the error that says what is wrong."""
    tolerances = [checks.SUM_TOLERANCE[checks.as_array(value, "")[1]] for value in values]
    result, valid = _by_blocks(compute, arrays, None if normalize else tolerances)
    if not valid:
        # If nothing is wrong, counts have been scaled, whose sums are too large for a float.
        options: dict[str, Any] = {"axis": (-2, -1), "normalize": normalize}
        pairs = zip(values, names, strict=True)
        scaled = [checks.distribution(value, name, **options)[0] for value, name in pairs]
        result, _ = _by_blocks(compute, scaled, None)
    return result


def _by_blocks(
    compute: _Compute, arrays: Sequence[Any], tolerances: Sequence[float] | None
) -> tuple[Array, bool]:
    """Also whether one look at values and totals leaves no doubt of them."""
    arrays = np.broadcast_arrays(*arrays)
    out = np.empty(arrays[0].shape[:-2])
    if not arrays[0].size:
        return out, False

    def work(share: Iterator[Block]) -> bool:
        valid = True
        for parts, out_block in share:
            totals = [x.sum(axis=(1, 2), dtype=np.float64) for x in parts]
            least = np.min([x.min(initial=0.0) for x in parts])
            valid &= bool(least >= 0) and _totals_valid(totals, tolerances)
            out_block[...] = compute(parts, totals)
        return valid

    items = blocks_of_tables(arrays, out, rows.CHUNK)
    return out, on_threads(work, items, threads_for(arrays[0]))


def _totals_valid(totals: Sequence[Array], tolerances: Sequence[float] | None) -> bool:
    if tolerances is None:
        return all(bool(((x > 0) & (x < np.inf)).all()) for x in totals)
    pairs = zip(totals, tolerances, strict=True)
    return all(bool((np.abs(x - 1) <= far).all()) for x, far in pairs)


def _slices(count: int, step: int) -> Iterator[slice]:
    step = max(step, 1)
    return (slice(start, start + step) for start in range(0, count, step))


def _mutual_information(parts: Sequence[Array], totals: Sequence[Array]) -> Array:
    """KL of the tables from the products of their marginals, whose terms are not negative."""
    [joint], [total] = parts, totals
    whole = total[:, None, None]
    row, column = (joint.sum(axis=i, keepdims=True, dtype=np.float64) for i in (2, 1))
    row /= whole
    column /= whole
    # Both sum to 1 but for rounding, which enters the result squared.
    result = np.zeros(len(joint))
    tables, height, width = joint.shape
    for i in _slices(height, rows.CHUNK // (tables * width)):
        for j in _slices(width, rows.CHUNK):
            cells = joint[:, i, j].astype(np.float64, copy=False) / whole
            terms = stable.generalized_kl_of_product(cells, row[:, i], column[:, :, j])
            result += terms.sum(axis=(1, 2))
    return result


def _conditional(kernel: kernels.Kernel, given: str) -> _Compute:
    """The mean of a function of rows over the rows of the first table, or its columns."""
    task = kernels.Task(1.0, None, normalize=True)

    def compute(parts: Sequence[Array], totals: Sequence[Array]) -> Array:
        if given == "columns":
            parts = [np.swapaxes(x, 1, 2) for x in parts]
        result = np.zeros(len(parts[0]))
        for i in _slices(parts[0].shape[1], rows.CHUNK // len(parts[0])):
            some = [x[:, i] for x in parts]
            each = rows.reduce(kernel, some, task, np.float64)[0]
            weights = [x.sum(axis=2, dtype=np.float64) for x in some]
            # A row that never occurs has no weight; one that q alone lacks is infinitely far away.
            each = np.where(weights[-1] == 0, np.inf, each)
            mean = np.where(weights[0] > 0, weights[0] / totals[0][:, None] * each, 0.0)
            # A weight may be too small for a float beside the others.
            mean[np.isinf(each) & (weights[0] > 0)] = np.inf
            result += mean.sum(axis=1)
        return result

    return compute


def tables_labelled(value: Any, result: Any, ndim: int, name: str) -> Any:
    """A number for each table, with the labels of the batch."""
    roles: list[labels.Role] = [i - ndim for i in range(ndim)]
    return labels.aligned({name: value}, lambda *_: roles)[1].give(result, roles[:-2])
