"""The options that the functions over categories share: axis, base, the switches, the dtype."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import DistributionError


def check_axis(axis: Any, ndim: int, name: str) -> int:
    """`axis` as a negative integer, counted from the end of an array with `ndim` axes."""
    try:
        axis = operator.index(axis)
    except TypeError:
        raise DistributionError(
            f"axis is {axis!r}; pass one integer, the axis that holds the categories",
            kind="axis",
            argument="axis",
            value=axis,
        ) from None
    if not -ndim <= axis < ndim:
        axes = "1 axis" if ndim == 1 else f"{ndim} axes"
        raise DistributionError(
            f"axis={axis} is outside {name}, which has {axes}; leave axis out where the categories "
            "are last",
            kind="axis",
            argument="axis",
            value=axis,
        )
    return axis - ndim if axis >= 0 else axis


def check_axes(axis: Any, ndim: int, name: str) -> int | tuple[int, ...]:
    """`check_axis` of one axis; of a tuple of axes all of them, in order."""
    if not isinstance(axis, tuple):
        return check_axis(axis, ndim, name)
    found = tuple(sorted(check_axis(i, ndim, name) for i in axis))
    if len(set(found)) < len(found) or not found:
        what = "has the same axis twice" if found else "has no axis"
        raise DistributionError(
            f"axis={axis} {what}; name each axis of the categories once, or leave axis out where "
            "they are last",
            kind="axis",
            argument="axis",
            value=axis,
        )
    return found if len(found) > 1 else found[0]


def check_base(base: Any) -> float:
    """The divisor that turns nats into logarithms of `base`: log(base), or 1 for None.

    Examples
    --------
    >>> round(check_base(2), 6)
    0.693147
    >>> check_base(1)
    Traceback (most recent call last):
        ...
    kl_lib.DistributionError: base is 1; pass a number above 0 other than 1, or None for nats
    """
    if base is None:
        return 1.0
    try:
        number = float(base)
    except (TypeError, ValueError):
        number = np.nan
    if isinstance(base, (str, bytes)) or not (0 < number < np.inf) or number == 1:
        raise DistributionError(
            f"base is {base!r}; pass a number above 0 other than 1, or None for nats",
            kind="base",
            argument="base",
            value=base,
        )
    return float(np.log(number))


def check_flags(normalize: bool, generalized: bool) -> None:
    """Refuse the two switches that contradict each other."""
    if normalize and generalized:
        raise DistributionError(
            "normalize and generalized are both True; pass one: normalize=True divides counts by "
            "their sum, generalized=True keeps the masses and adds -sum(p) + sum(q)",
            argument="normalize and generalized",
        )


def result_dtype(*dtypes: str) -> type[np.floating[Any]]:
    """float64 if any input was, otherwise float32 (half precision included)."""
    return np.float64 if "float64" in dtypes else np.float32
