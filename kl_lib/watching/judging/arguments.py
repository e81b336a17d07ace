"""An argument of a watched call as numbers: all of a small one, lines along each axis of others.

What stands along which axis is asked here: probabilities, or their logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Axes = tuple[int, ...]  # counted from the end, in order

#: An argument with more entries is not fetched whole.
LIMIT = 2**16

#: How far from 1 a sum may be, by dtype. Wider than rounding: log(q + 1e-3) is no mistake to find.
TOLERANCE = {"float16": 0.02, "bfloat16": 0.1}


def lines(shape: tuple[int, ...], limit: int = LIMIT) -> dict[int | None, tuple[slice, ...]]:
    """Which parts of an argument to fetch: axis → index, whose axis is complete. None → all of it.

    Examples
    --------
    >>> lines((32, 10))
    {None: (slice(None, None, None), slice(None, None, None))}
    >>> lines((1000, 1000), limit=8000)[-1]
    (slice(0, 4, None), slice(None, None, None))
    """
    if math.prod(shape) <= limit:
        return {None: (slice(None),) * len(shape)}
    found: dict[int | None, tuple[slice, ...]] = {}
    for axis, length in enumerate(shape):
        if length > 1:
            room, index = max(1, limit // len(shape) // length), []
            for other, size in enumerate(shape):
                some = min(size, room) if other != axis else size
                index.append(slice(None) if other == axis else slice(0, some))
                room = max(1, room // some) if other != axis else room
            found[axis - len(shape)] = tuple(index)
    return found


@dataclass(frozen=True)
class Argument:
    """Shape, dtype and fetched parts of an argument, in float64."""

    shape: tuple[int, ...]
    dtype: str
    parts: Mapping[int | None, Array]
    requires_grad: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return None in self.parts

    def along(self, axes: Axes) -> Array | None:
        """An array in which `axes` are complete, None if there is none."""
        if self.whole:
            return self.parts[None]
        return self.parts.get(axes[0]) if len(axes) == 1 else None

    @cached_property
    def range(self) -> tuple[float, float]:
        """Smallest and largest entry, without nan."""
        values = [x[~np.isnan(x)] for x in self.parts.values()]
        values = [x for x in values if x.size]
        if not values:
            return math.nan, math.nan
        return float(min(x.min() for x in values)), float(max(x.max() for x in values))

    @cached_property
    def probabilities(self) -> tuple[Axes, ...]:
        """Axes over which the entries are probabilities that sum to 1, the likeliest first."""
        low, high = self.range
        slack = TOLERANCE.get(self.dtype, 1e-6)
        if not (low >= -slack and high <= 1 + slack):
            return ()
        return tuple(axes for axes in self._axes() if self._sums_to_1(axes, logs=False))

    @cached_property
    def logarithms(self) -> tuple[Axes, ...]:
        """Axes over which the entries are logarithms of probabilities that sum to 1."""
        if not self.range[1] <= TOLERANCE.get(self.dtype, 0.01):
            return ()
        return tuple(axes for axes in self._axes() if self._sums_to_1(axes, logs=True))

    def sums(self, axes: Axes, logs: bool) -> Array:
        """Of the entries, or of their exponentials, over `axes`; none if these were not fetched."""
        values = self.along(axes)
        if values is None:
            return np.empty(0)
        with np.errstate(over="ignore"):
            return np.asarray((np.exp(values) if logs else values).sum(axis=axes))

    def _axes(self) -> Iterator[Axes]:
        """Sets of axes that may hold categories: the last, the last two, …, then single ones."""
        ndim = len(self.shape)
        for first in range(-1, -ndim - 1, -1):
            yield tuple(range(first, 0))
        for axis in range(-2, -ndim - 1, -1):
            yield (axis,)

    def _sums_to_1(self, axes: Axes, logs: bool) -> bool:
        """Whether all sums are 1, or 0 as in rows that a mask has emptied."""
        if math.prod(self.shape[i] for i in axes) < 2:
            return False
        sums = self.sums(axes, logs)
        right = np.abs(sums - 1) <= TOLERANCE.get(self.dtype, 0.01)
        return bool(right.any() and (right | (sums == 0)).all())
