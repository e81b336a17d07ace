"""p and q as they came: read as numbers, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kl_lib import checks
from kl_lib.checks import DistributionError

from .report import Argument, Problem

Array = NDArray[Any]

#: How many indices a report lists.
PLACES = 10


@dataclass(frozen=True)
class Input:
    """An argument as it came and as numbers; `fault` says why if it could not be read.

    `given` has the dtype that kl_lib sees, `values` one that every NumPy function knows: its own
    if that is a float of NumPy's, float32 for bfloat16, float64 for all else.
    """

    name: str
    original: Any
    given: Array
    values: Array
    dtype: str
    fault: str | None = None


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
        fault = str(error)
    except Exception as error:  # an object that raises something of its own when it is read
        fault = f"{name}, a {type(value).__name__}, cannot be read as an array ({error})"
    return Input(name, value, nothing, nothing, "float64", fault)


def problems(p: Input, q: Input, axis: Any, base: Any, normalize: bool) -> Iterator[Problem]:
    """Everything that is wrong, where `kl_divergence` stops at the first."""
    if (message := complaint(checks.check_base, base)) is not None:
        yield Problem("base", "base", message)
    for argument in (p, q):
        if argument.fault is not None:
            yield Problem(argument.name, "unreadable", argument.fault)
    readable = [argument for argument in (p, q) if argument.fault is None]
    if not readable:
        return
    unlike = None
    if len(readable) == 2:
        unlike = complaint(checks.check_labels, p.original, q.original, ("p", "q"))
    if unlike is not None:
        yield Problem("p and q", "labels", unlike)
    larger = max(readable, key=lambda argument: argument.values.ndim)
    ndim = larger.values.ndim
    if (message := complaint(checks.check_axis, axis, ndim, larger.name)) is not None:
        yield Problem("axis", "axis", message)
        return
    if len(readable) == 2 and unlike is None:
        message = complaint(checks.check_shapes, p.values.shape, q.values.shape, axis)
        if message is not None:
            yield Problem("p and q", "shape", message)
    own = own_axis(axis, ndim)
    for argument in readable:
        if -own > argument.values.ndim:
            continue  # it has no such axis, which was said already
        message = complaint(
            checks.distribution, argument.given, argument.name, axis=own, normalize=normalize
        )
        if message is not None:
            yield _fault(argument, own, message)


def complaint(check: Any, *args: Any, **kwargs: Any) -> str | None:
    """What `check` complains about, if it does."""
    try:
        check(*args, **kwargs)
    except DistributionError as error:
        return str(error)
    return None


def own_axis(axis: int, ndim: int) -> int:
    """`axis` counted from the end, which is the same axis in the smaller of two arrays."""
    return axis - ndim if axis >= 0 else axis


def _fault(argument: Input, axis: int, message: str) -> Problem:
    """The fault that `message` is about, counted over the whole array."""
    values = np.moveaxis(argument.values, axis, -1)
    if values.shape[-1] == 0:
        return Problem(argument.name, "empty", message)
    finite = np.isfinite(values)
    sums = values.sum(axis=-1, dtype=np.float64)
    if not (values > 0).any() and not np.isnan(values).any() and (values < 0).any():
        kind, bad = "logarithms", values < 0
    elif not finite.all():
        kind, bad = ("nan" if np.isnan(values).any() else "infinite"), ~finite
    elif (values < 0).any():
        kind, bad = "negative", values < 0
    elif (sums == 0).any():
        kind, bad = "empty", sums == 0
    else:
        kind, bad = "sum", ~(np.abs(sums - 1) <= checks.SUM_TOLERANCE[argument.dtype])
    return Problem(argument.name, kind, message, int(bad.sum()), places(bad))


def label(argument: Input, axis: int, place: int) -> str | None:
    """What pandas calls a category, where the argument is one of pandas' objects."""
    axes = getattr(argument.original, "axes", None)
    if not (isinstance(axes, list) and len(axes) == argument.values.ndim):
        return None
    text = " ".join(str(axes[axis][place]).split())
    return None if text == str(place) else f"{text:.24}"


def bad_rows(argument: Input, axis: int, normalize: bool) -> NDArray[np.bool_]:
    """Which rows are no distributions."""
    values = np.moveaxis(argument.values, axis, -1)
    sums = values.sum(axis=-1, dtype=np.float64)
    tolerance = checks.SUM_TOLERANCE[argument.dtype]
    off = sums == 0 if normalize else ~(np.abs(sums - 1) <= tolerance)
    return off | ~np.isfinite(values).all(axis=-1) | (values < 0).any(axis=-1)


def places(mask: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    """Indices of the first entries that are True."""
    found = [np.unravel_index(int(i), mask.shape) for i in np.flatnonzero(mask)[:PLACES]]
    return tuple(tuple(int(i) for i in place) for place in found)


def summary(argument: Input, axis: Any) -> Argument:
    """What the report says of an argument, valid or not."""
    if argument.fault is not None:
        return Argument(argument.name, None, None)
    values = argument.values
    dtype = str(getattr(argument.original, "dtype", argument.dtype))
    if values.size == 0:
        return Argument(argument.name, dtype, values.shape)
    sums = None
    if complaint(checks.check_axis, axis, values.ndim, argument.name) is None:
        totals = values.sum(axis=axis, dtype=np.float64)
        sums = float(totals.min()), float(totals.max())
    zeros, nans = values.size - int(np.count_nonzero(values)), int(np.isnan(values).sum())
    numbers = values[~np.isnan(values)] if 0 < nans < values.size else values
    low, high = float(numbers.min()), float(numbers.max())
    return Argument(argument.name, dtype, values.shape, low, high, zeros, nans, sums)
