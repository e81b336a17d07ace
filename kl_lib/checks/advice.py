"""What to do about an argument that is no distribution: the remedies that messages give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: A sum closer to 1 than this is one of printed digits, a larger one than that not one of a table
#: of probabilities with a slip in it: two guesses, for what a remedy says first.
ROUNDED, YES_NO = 1e-2, 1.5


#: A table of so many categories squared is too large to take rows from.
_EYE = 4096


class Advice(NamedTuple):
    """What a remedy may tell the caller of a function, with {name} for the argument.

    {axis} is the axis of the categories, {at} the option that says so, nothing for the last.
    """

    #: How to divide by sums that are not 1.
    normalize: str = "pass normalize=True"
    #: What to do with logits.
    logits: str = "pass kl_lib.softmax({name}{at})"
    #: What to do where the categories lie on {axis}.
    axis: str = "pass axis={axis}"
    #: What to do with chances of a yes, one for each row, if anything; with a column of them.
    yes: str = "pass np.stack([np.subtract(1, {name}), {name}], axis=-1)"
    column: str = "pass np.concatenate([np.subtract(1, {name}), {name}], axis={axis})"


#: For functions that take normalize=True, for KL itself, for tables of rows and for adapters.
COUNTS = Advice()
KL = Advice(
    logits=f"{COUNTS.logits}, or both as logits to kl_from_logits",
    yes="use kl_bernoulli",
    column=f"use kl_bernoulli, or {COUNTS.column}",
)
TABLES = Advice(axis="pass np.moveaxis({name}, {axis}, -1)", yes="")
PROBABILITIES = Advice(
    normalize="pass {name} / np.sum({name}, axis={axis}, keepdims=True)", axis=TABLES.axis
)


def of_logits(name: str, axes: Sequence[int], advice: Advice) -> str:
    axis = tuple(axes) if len(axes) > 1 else axes[0]
    at = "" if axis == -1 else f", axis={axis}"
    return advice.logits.format(name=name, axis=axis, at=at)


def of_single(array: Array, name: str, axes: Sequence[int], advice: Advice) -> str:
    """What to say of distributions over one category, which can only have probability 1."""
    if any(array.shape[i] != 1 for i in axes):
        return ""
    text = f"{name} has a single category, whose probability is 1 whatever comes in"
    if ((array >= 0) & (array <= 1)).all():
        remedy = advice.column.format(name=name, axis=axes[0])
        return f"{text}: if it is the chance of a yes, {remedy}"
    return f"{text}: pass the values of all categories"


def why_not_1(
    array: Array, total: float, name: str, axes: Sequence[int], tolerance: float, advice: Advice
) -> str:
    """What the values say of how they came to sum to something else, and what to do then."""
    divide = advice.normalize.format(name=name, axis=axes[0])
    if single := of_single(array, name, axes, advice):
        return single

    def sums_to_1(over: Any) -> bool:
        with np.errstate(over="ignore"):
            return bool(np.all(np.abs(array.sum(axis=over) - 1) <= tolerance))

    ndim = array.ndim
    for axis in range(ndim if len(axes) == 1 else 0):
        if axis - ndim != axes[0] and array.shape[axis] > 1 and sums_to_1(axis):
            turn = advice.axis.format(name=name, axis=axis)
            return f"axis {axis} does sum to 1: {turn}, or {divide} if these are counts"
    if ndim > 1 and len(axes) == 1 and sums_to_1(None):
        return f"the whole table sums to 1: if it is one distribution, pass np.ravel({name})"
    if ndim > 2 and len(axes) == 1 and sums_to_1((-2, -1)):
        return (
            "each table sums to 1: if it is one distribution, pass "
            f"np.reshape({name}, {(*array.shape[:-2], -1)})"
        )
    if not np.any(array % 1):
        return f"{divide} if these are counts"
    if array.max() > 1:
        return (
            f"{divide} if these are weights, or densities on bins of equal width, or "
            f"{of_logits(name, axes, advice)} if these are logits"
        )
    if abs(total - 1) < ROUNDED:
        return f"{divide} if this is rounding"
    if total < 1:
        return f"look for a category that is missing, or {divide} if these are weights"
    if total < YES_NO or tuple(axes) != (-1,) or not advice.yes:
        return f"{divide} if these are weights"
    yes = advice.yes.format(name=name)
    return f"{divide} if these are weights, or {yes} if each is the chance of a yes"


def one_hot(name: str, count: int, *, column: bool) -> str:
    """The code for rows with a 1 at the class number, given along a column or a vector."""
    if count > _EYE:
        return f"np.equal{'' if column else '.outer'}({name}, np.arange({count}))"
    return f"np.eye({count})[{f'np.squeeze({name}, axis=-1)' if column else name}]"
