"""p and q as they came: read as numbers, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kl_lib import arrays, checks, labels
from kl_lib.errors import DistributionError

from .report import Argument, Problem

Array = NDArray[Any]


@dataclass(frozen=True)
class Input:
    """An argument as it came and as numbers; `fault` is what was said if it could not be read.

    `given` has the dtype that kl_lib sees, `values` one that every NumPy function knows: its own
    if that is a float of NumPy's, float32 for bfloat16, float64 for all else.
    """

    name: str
    original: Any
    given: Array
    values: Array
    dtype: str
    fault: DistributionError | None = None


def numpy_dtype(name: str) -> str:
    """The dtype NumPy computes in for one of `kl_lib.checks.SUM_TOLERANCE`."""
    return "float32" if name == "bfloat16" else name


def read(value: Any, name: str) -> Input:
    """`value` as numbers, or with the fault that it cannot be read."""
    nothing = np.empty(0)
    try:
        given, dtype = checks.as_array(value, name)
        return Input(name, value, given, given.astype(numpy_dtype(dtype), copy=False), dtype)
    except DistributionError as error:
        fault = error
    except Exception as error:  # an object that raises something of its own when it is read
        fault = DistributionError(
            f"{name}, a {type(value).__name__}, cannot be read as an array "
            f"({arrays.first_line(error)})",
            kind="unreadable",
            argument=name,
        )
    return Input(name, value, nothing, nothing, "float64", fault)


def aligned(p: Input, q: Input, axis: Any) -> tuple[Input, Input]:
    """Both with the categories of q in the order of those of p, if they have labels."""
    try:
        both = checks.both(p.original, q.original, axis)
    except DistributionError:
        return p, q
    if both.labels is labels.NONE:
        return p, q
    parts = []
    for one, array in zip((p, q), both.arrays, strict=True):
        given = np.moveaxis(array, -1, both.axis)
        values = given.astype(numpy_dtype(one.dtype), copy=False)
        parts.append(replace(one, given=given, values=values))
    return parts[0], parts[1]


def problems(p: Input, q: Input, axis: Any, base: Any, normalize: bool) -> Iterator[Problem]:
    """Everything that is wrong, where `kl_divergence` stops at the first."""
    for error in _faults(p, q, axis, base, normalize):
        yield Problem(error.argument, error.kind, str(error), error.count, error.places)


def _faults(
    p: Input, q: Input, axis: Any, base: Any, normalize: bool
) -> Iterator[DistributionError]:
    if (error := fault(checks.check_base, base)) is not None:
        yield error
    yield from (argument.fault for argument in (p, q) if argument.fault is not None)
    readable = [argument for argument in (p, q) if argument.fault is None]
    if not readable:
        return
    larger = max(readable, key=lambda argument: argument.values.ndim)
    ndim = larger.values.ndim
    if (error := fault(checks.check_axis, axis, ndim, larger.name)) is not None:
        yield error
        return
    if len(readable) == 2 and (error := fault(checks.both, p.original, q.original, axis)):
        yield error
    own = own_axis(axis, ndim)
    for argument in readable:
        if -own > argument.values.ndim:
            continue  # it has no such axis, which was said already
        error = fault(
            checks.distribution,
            *(argument.given, argument.name),
            axis=own,
            normalize=normalize,
            advice=checks.KL,
        )
        if error is not None:
            yield error


def fault(check: Any, *args: Any, **kwargs: Any) -> DistributionError | None:
    """What `check` complains about, if it does."""
    try:
        check(*args, **kwargs)
    except DistributionError as error:
        return error
    return None


def own_axis(axis: int, ndim: int) -> int:
    """`axis` counted from the end, which is the same axis in the smaller of two arrays."""
    return axis - ndim if axis >= 0 else axis


def label(argument: Input, axis: int, place: int) -> str | None:
    """What a category is called, where the argument has labels."""
    known = labels.of(argument.original)
    if known is None or len(known.axes) != argument.values.ndim:
        return None
    names = known.axes[axis]
    if names is None:
        return None
    text = " ".join(str(names[place]).split())
    return None if text == str(place) else f"{text:.24}"


def summary(argument: Input, axis: Any) -> Argument:
    """What the report says of an argument, valid or not."""
    if argument.fault is not None:
        return Argument(argument.name, None, None)
    values = argument.values
    dtype = str(getattr(argument.original, "dtype", argument.dtype))
    if values.size == 0:
        return Argument(argument.name, dtype, values.shape)
    sums = None
    if fault(checks.check_axis, axis, values.ndim, argument.name) is None:
        totals = values.sum(axis=axis, dtype=np.float64)
        sums = float(totals.min()), float(totals.max())
    zeros, nans = values.size - int(np.count_nonzero(values)), int(np.isnan(values).sum())
    numbers = values[~np.isnan(values)] if 0 < nans < values.size else values
    low, high = float(numbers.min()), float(numbers.max())
    return Argument(argument.name, dtype, values.shape, low, high, zeros, nans, sums)
