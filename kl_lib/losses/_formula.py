"""The mathematics of the loss, once for every framework.

`xp` is the framework's namespace of functions with NumPy's names (`keras.ops`, `torch`), `largest`
its maximum over the categories, which stay as an axis of length 1, and `stop` its way to hold a
tensor constant under differentiation. Everything here is differentiated by the framework, so each
`where` must keep infinities out of the branch it does not choose as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kl_lib import arrays, checks, labels
from kl_lib.errors import DistributionError

REDUCTIONS = ("none", "sum", "mean_over_samples", "mean_over_weights")

Shape = Sequence[int | None]
Function = Callable[[Any], Any]


def kl_of_each_row(
    xp: Any, p: Any, logits: Any, *, axis: int, dtype: str, largest: Function, stop: Function
) -> Any:
    """s·KL(p/s‖softmax(logits)) over `axis`, s the sum of p; p and logits are of `dtype`.

    With t = log(p/(s·q)) it is the sum of p·t + (s·q − p), in which no term is negative. The second
    part adds up to 0 and is there for the rounding: without it terms of both signs cancel for p
    close to q, and a softmax that rounds to 1 leaves no loss and no gradient.
    """
    # The shift cancels from the result, so it needs no derivative.
    log_q, q = _log_softmax(xp, logits, stop(largest(logits)), axis)
    s = xp.sum(p, axis=axis, keepdims=True)
    # A tensor: as a Python float it would pass through float32 in Keras on PyTorch, and be 0.
    tiny = xp.full_like(s, float(np.finfo(dtype).tiny))
    impossible = log_q == -math.inf
    absent = p < tiny  # so that nan is not absent

    log_p = xp.log(xp.where(absent, tiny, p))
    log_s = xp.log(xp.where(s < tiny, 1.0, s))
    t = log_p - log_s - xp.where(impossible, xp.log(tiny), log_q)  # finite, always
    # s·q − p is p·(e^(−t) − 1), and expm1 does not cancel for p close to s·q.
    near = t > -1
    close = p * xp.expm1(-xp.where(near, t, 0.0))
    difference = xp.where(near, close, s * q - xp.where(absent, 0.0, p))
    # inf where p > 0 meets q = 0. With p held constant its derivative by the logit is −p, as it is
    # for any other logit, and the derivative by p stays the finite one of p·t.
    barrier = stop(p) * xp.where(impossible & ~absent, log_q, 0.0)
    total = xp.sum(p * t + difference - barrier, axis=axis)
    # Rounding may leave less than nothing of p = q. The derivatives stay as they are.
    return total - stop(xp.where(total < 0, total, 0.0))


def _log_softmax(xp: Any, logits: Any, top: Any, axis: int) -> tuple[Any, Any]:
    """log q and q; −inf and 0 where a logit is −inf or out of reach of `top`, the largest one."""
    shifted = logits - xp.where(top == -math.inf, 0.0, top)
    weights = xp.exp(shifted)
    total = xp.sum(weights, axis=axis, keepdims=True)
    total = xp.where(total == 0, 1.0, total)  # every category is masked
    return shifted - xp.log(total), weights / total


def reduced(xp: Any, values: Any, weights: Any, reduction: str) -> Any:
    """The values times their weights, summed and divided as `reduction` says."""
    if weights is not None:
        # A weight of 0 leaves a sample out, though 0·inf is nan.
        values = weights * xp.where((weights == 0) & (values == math.inf), 0.0, values)
    if reduction == "none":
        return values
    total = xp.sum(values)
    if reduction == "sum":
        return total
    counts = xp.ones_like(values)
    if reduction == "mean_over_weights" and weights is not None:
        counts = weights * counts
    divisor = xp.sum(counts)
    return total / xp.where(divisor == 0, 1.0, divisor)


def check_reduction(reduction: Any, allowed: Sequence[Any] = REDUCTIONS) -> None:
    """Refuse a name that does not say what is done."""
    if reduction not in allowed:
        hint = "; 'mean' does not say what the sum is divided by" if reduction == "mean" else ""
        raise ValueError(
            f"reduction is {reduction!r}; pass one of {', '.join(map(repr, REDUCTIONS))}{hint}"
        )


def check_shapes(p_shape: Shape, logits_shape: Shape, axis: Any, name: str = "logits") -> int:
    """As `checks.check_shapes`, but p and logits, or what `name` says, must have equally many axes.

    Class numbers, shape (batch,), would otherwise pass for one distribution where the batch is as
    long as there are classes. A length may be None: not known yet, in a compiled function.

    Examples
    --------
    >>> check_shapes((None, 10), (None, 10), 1)
    -1
    >>> check_shapes((None,), (None, 10), -1)
    Traceback (most recent call last):
        ...
    kl_lib.DistributionError: p has 1 axis and logits has 2 (shapes (None,) and \
(None, 10)); one distribution against a batch is p[None], class numbers are to be made one-hot \
with np.eye(10)[p]
    """
    p_shape, logits_shape = tuple(p_shape), tuple(logits_shape)
    if len(p_shape) != len(logits_shape):
        axes = "1 axis" if len(p_shape) == 1 else f"{len(p_shape)} axes"
        raise DistributionError(
            f"p has {axes} and {name} has {len(logits_shape)} (shapes {p_shape} and "
            f"{logits_shape}); one distribution against a batch is "
            f"{'p' if len(p_shape) < len(logits_shape) else name}[None]"
            f"{_class_numbers(p_shape, logits_shape, axis)}",
            kind="shape",
            argument=f"p and {name}",
        )
    axis = checks.check_axis(axis, len(p_shape), "p")
    return checks.check_shapes(
        _filled(p_shape, logits_shape), _filled(logits_shape, p_shape), axis, ("p", name)
    )


def _class_numbers(p_shape: Shape, logits_shape: Shape, axis: Any) -> str:
    """What to do if p has class numbers, where it may: one axis less than the logits."""
    ndim = len(logits_shape)
    if len(p_shape) != ndim - 1 or not isinstance(axis, int) or not -ndim <= axis < ndim:
        return ""
    categories = logits_shape[axis]
    if categories is None:
        return ""
    rows = checks.one_hot("p", categories, column=False)
    if axis not in (-1, ndim - 1):
        rows = f"np.moveaxis({rows}, -1, {axis})"
    return f", class numbers are to be made one-hot with {rows}"


def _filled(shape: Shape, other: Shape) -> tuple[int, ...]:
    """`shape` with the lengths of `other` where its own are unknown."""
    pairs = zip(shape, other, strict=True)
    return tuple(n if n is not None else (m if m is not None else 1) for n, m in pairs)


def check_weights_shape(shape: Shape, values_shape: Shape) -> None:
    """Refuse weights that NumPy would broadcast by accident: (3,) against (3, 3)."""
    fits = len(shape) == len(values_shape) and all(
        n == m or n == 1 or None in (n, m) for n, m in zip(shape, values_shape, strict=True)
    )
    if shape and not fits:
        raise ValueError(
            f"weights have shape {tuple(shape)} and the losses {tuple(values_shape)}; give one "
            "weight for each loss, or a length of 1 where a weight is shared"
        )


def align(
    p: Any, logits: Any, weights: Any, axis: Any, name: str = "logits", missing: float = -math.inf
) -> tuple[Any, Any, Any]:
    """The arguments without labels; those that have some, with the same labels in one order.

    `missing` is the value that a remedy gives to a category which `name` does not have.
    """

    def roles(name: str, ndim: int) -> list[labels.Role]:
        if name == "weights":  # one for each row: it has all axes but that of the categories
            return [role for role in pair("", ndim + 1) if role != labels.CATEGORY]
        return pair("", ndim)

    pair = labels.pair_roles(axis)
    values = {"p": p, name: logits, "weights": weights}
    if all(labels.of(value) is None for value in values.values()):
        return p, logits, weights
    values, _ = labels.aligned(labels.in_step(values), roles, missing=missing)
    # Copies: what pandas gives is read-only, and PyTorch warns of such an array.
    read = [
        np.array(arrays.read(value, who)[0]) if labels.of(value) is not None else value
        for who, value in values.items()
    ]
    return read[0], read[1], read[2]


def check_values(
    p: Any,
    logits: Any,
    weights: Any,
    *,
    axis: int,
    advice: checks.Advice,
    name: str = "logits",
    from_logits: bool = True,
) -> None:
    """What `validate=True` asks for: distributions in p, logits that are logits, weights ≥ 0.

    `from_logits=False` says that distributions stand in the place of logits.
    """
    checks.distribution(p, "p", axis=axis, advice=advice)
    if from_logits:
        checks.logits(logits, name, axis=axis)
    else:
        checks.distribution(logits, name, axis=axis, advice=advice)
    if weights is not None:
        array = np.asarray(weights, dtype=np.float64)
        bad = ~((array >= 0) & (array < math.inf))
        if bad.any():
            place = ", ".join(str(i) for i in np.argwhere(bad)[0])
            where = f"weights[{place}]" if place else "weights"
            raise ValueError(f"{where} is {array[bad][0]:g}; a weight is finite and at least 0")
