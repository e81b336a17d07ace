"""Several axes of categories as one, and back."""

from __future__ import annotations

import math
from typing import Any


def merged(array: Any, axis: int | tuple[int, ...]) -> Any:
    """The array with its categories last, those of several axes in one; a view where that can be.

    Takes NumPy's arrays and dask's.
    """
    if axis == -1:
        return array
    source = axis if isinstance(axis, tuple) else (axis,)
    rest = [i for i in range(-array.ndim, 0) if i not in source]
    moved = array.transpose([*rest, *source])
    if len(source) == 1:
        return moved
    return moved.reshape(*moved.shape[: len(rest)], math.prod(moved.shape[len(rest) :]))


def parted(array: Any, axis: int | tuple[int, ...], sizes: tuple[int, ...]) -> Any:
    """`merged` undone: the last axis as the axes of these sizes that it was."""
    if axis == -1:
        return array
    source = axis if isinstance(axis, tuple) else (axis,)
    apart = array.reshape(*array.shape[:-1], *sizes) if len(source) > 1 else array
    rest = [i for i in range(-apart.ndim, 0) if i not in source]
    order = [*rest, *source]  # where each axis came from
    return apart.transpose([order.index(i) for i in range(-apart.ndim, 0)])
