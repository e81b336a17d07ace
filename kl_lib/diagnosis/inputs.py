"""p and q as they came: read as numbers, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kl_lib import arrays, checks, labels
from kl_lib.errors import DistributionError

from .report import Argument, Problem

Array = NDArray[Any]


@dataclass(frozen=True)
class Input:
    """An argument as it came, and as numbers in the dtype that kl_lib sees.

    `fault` is what was said if it could not be read, `reordered` whether it was put in the order
    of the labels of p.
    """

    name: str
    original: Any
    given: Array
    dtype: str
    fault: DistributionError | None = None
    reordered: bool = False

    @cached_property
    def values(self) -> Array:
        """The numbers in a float that NumPy has: float32 for bfloat16, float64 for integers."""
        return self.given.astype(numpy_dtype(self.dtype), copy=False)


def numpy_dtype(name: str) -> str:
    """The dtype NumPy computes in for one of `kl_lib.checks.SUM_TOLERANCE`."""
    return "float32" if name == "bfloat16" else name


def read(value: Any, name: str) -> Input:
    """`value` as numbers, or with the fault that it cannot be read."""
    try:
        return Input(name, value, *checks.as_array(value, name))
    except DistributionError as error:
        fault = error
    except Exception as error:  # an object that raises something of its own when it is read
        said = f"a {type(value).__name__}, cannot be read as an array ({arrays.first_line(error)})"
        fault = DistributionError(f"{name}, {said}", kind="unreadable", argument=name)
    return Input(name, value, np.empty(0), "float64", fault)


def paired(p: Input, q: Input, axis: Any) -> checks.Arguments | None:
    """The two as arrays that fit, labels in one order and categories last; None if they do not."""
    if p.fault or q.fault:
        return None
    try:
        checks.check_axis(axis, max(p.given.ndim, q.given.ndim), "p")  # one, not several
        return checks.both(p.original, q.original, axis)
    except DistributionError:
        return None


def in_order(p: Input, q: Input, both: checks.Arguments, axis: int) -> Iterator[Input]:
    """The two in the order of their labels in which they were paired."""
    own = from_end(axis, max(array.ndim for array in both.arrays))
    for argument, array in zip((p, q), both.arrays, strict=True):
        given = np.moveaxis(array, -1, own)
        if both.labels is labels.NONE or np.array_equal(given, argument.given, equal_nan=True):
            yield argument
        else:
            yield replace(argument, given=given, reordered=True)


def problems(p: Input, q: Input, axis: Any, base: Any, normalize: bool) -> Iterator[Problem]:
    """Everything that is wrong, where `kl_divergence` stops at the first."""
    for error in _faults(p, q, axis, base, normalize):
        yield Problem(error.argument, error.kind, str(error), error.count, error.places)


def _faults(
    p: Input, q: Input, axis: Any, base: Any, normalize: bool
) -> Iterator[DistributionError]:
    yield from _fault(checks.check_base, base)
    yield from (argument.fault for argument in (p, q) if argument.fault)
    readable = [argument for argument in (p, q) if not argument.fault]
    if not readable:
        return
    larger = max(readable, key=lambda argument: argument.given.ndim)
    wrong_axis = [*_fault(checks.check_axis, axis, larger.given.ndim, larger.name)]
    if wrong_axis:
        yield from wrong_axis
        return
    if len(readable) == 2:
        yield from _fault(checks.both, p.original, q.original, axis)
    own = from_end(axis, larger.given.ndim)
    options = {"axis": own, "normalize": normalize, "advice": checks.KL}
    for argument in readable:
        if -own <= argument.given.ndim:  # that it has no such axis was said already
            yield from _fault(checks.distribution, argument.given, argument.name, **options)


def _fault(check: Callable[..., Any], *args: Any, **kwargs: Any) -> Iterator[DistributionError]:
    """What `check` complains about, if it does."""
    try:
        check(*args, **kwargs)
    except DistributionError as error:
        yield error


def from_end(axis: int, ndim: int) -> int:
    """`axis` counted from the end, which is the same axis in the smaller of two arrays."""
    return axis - ndim if axis >= 0 else axis


def summary(argument: Input, axis: Any) -> Argument:
    """What the report says of an argument, valid or not."""
    if argument.fault:
        return Argument(argument.name, None, None)
    values, sums = argument.values, None
    dtype = str(getattr(argument.original, "dtype", argument.dtype))
    if values.size == 0:
        return Argument(argument.name, dtype, values.shape)
    if not [*_fault(checks.check_axis, axis, values.ndim, argument.name)]:
        totals = values.sum(axis=axis, dtype=np.float64)
        sums = float(totals.min()), float(totals.max())
    nans, zeros = int(np.isnan(values).sum()), values.size - int(np.count_nonzero(values))
    numbers = values[~np.isnan(values)] if 0 < nans < values.size else values
    low, high = float(numbers.min()), float(numbers.max())
    found = (low, high, zeros, nans, sums, argument.reordered)
    return Argument(argument.name, dtype, values.shape, *found)
