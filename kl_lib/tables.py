"""Two variables at once: tables of joint probabilities, shape (..., rows, columns).

Conventions and checks are those of `kl_lib.discrete`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks, kernels, labels, lazy, rows, stable
from .discrete import Result
from .errors import DistributionError

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
    result = (terms.sum(axis=(-2, -1)) / divisor).astype(checks.result_dtype(dtype))[()]
    return tables_labelled(joint, result, given.ndim, "joint")


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
    cells, weights, dtype = _within(joint, "joint", given, normalize)
    counted = np.where(weights[..., None] > 0, cells, 1.0)
    task = kernels.Task(divisor, None, normalize=True)
    each = rows.reduce(kernels.ENTROPY, [counted], task, np.float64)[0]
    result = (weights * each).sum(axis=-1).astype(checks.result_dtype(dtype))
    return tables_labelled(joint, result[()], cells.ndim, "joint")


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
        axes: list[labels.Role] = [*range(2 - ndim), "rows", "columns"]
        return axes[-ndim:]

    fitting, known = labels.aligned(labels.in_step({"p": p, "q": q}), roles)
    found = [_within(fitting[name], name, given, normalize) for name in ("p", "q")]
    (a, p_weights, p_dtype), (b, q_weights, q_dtype) = found
    if a.shape[-2:] != b.shape[-2:] or (a.ndim > 2 and b.ndim > 2 and a.shape != b.shape):
        shapes = [np.shape(fitting[name]) for name in ("p", "q")]
        raise DistributionError(
            f"p and q do not pair up (shapes {shapes[0]} and {shapes[1]}); give them the same "
            "shape, or one table against a batch",
            kind="shape",
            argument="p and q",
        )
    a, b = np.broadcast_arrays(a, b)
    known_x, never = p_weights > 0, q_weights == 0
    # What is not counted is made 1, of which the KL is 0.
    skip = (~known_x | never)[..., None]
    task = kernels.Task(divisor, None, normalize=True)
    pair = [np.where(skip, 1.0, a), np.where(skip, 1.0, b)]
    each = rows.reduce(kernels.KL, pair, task, np.float64)[0]
    terms = np.where(known_x, np.where(never, np.inf / divisor, p_weights * each), 0.0)
    result = terms.sum(axis=-1).astype(checks.result_dtype(p_dtype, q_dtype))
    return known.give(result[()], [i - result.ndim - 2 for i in range(result.ndim)])


def _within(value: Any, name: str, given: Any, normalize: bool) -> tuple[Array, Array, str]:
    """Tables with the known variable in the rows, the probabilities of the rows, and the dtype."""
    if given not in ("rows", "columns"):
        raise DistributionError(
            f'given is {given!r:.40}; pass "rows" or "columns", the variable that is known',
            kind="option",
            argument="given",
            value=given,
        )
    array, _ = checks.as_array(value, name)
    if array.ndim < 2:
        raise DistributionError(
            f"{name} has shape {array.shape}; pass a table, one variable in its rows, the other in "
            "its columns",
            kind="shape",
            argument=name,
        )
    cells, sums, dtype = checks.distribution(value, name, axis=(-2, -1), normalize=normalize)
    cells = cells if given == "rows" else np.swapaxes(cells, -2, -1)
    return cells, cells.sum(axis=-1) / sums[..., None], dtype


def tables_labelled(value: Any, result: Any, ndim: int, name: str) -> Any:
    """A number for each table, with the labels of the batch."""
    roles: list[labels.Role] = [i - ndim for i in range(ndim)]
    return labels.aligned({name: value}, lambda *_: roles)[1].give(result, roles[:-2])
