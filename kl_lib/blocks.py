"""Arrays of rows cut into blocks of rows, and rows into pieces: views, where that is possible."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: Some rows of every argument, and where their results go.
Block = tuple[list[Array], Array]


def blocks(arrays: Sequence[Array], out: Array, entries: int) -> Iterator[Block]:
    """Views (or small copies) of the arrays with two axes and few entries, with their outputs.

    At most so many `entries`, except that a row stays whole. `out` has a number for each row, or
    one for each entry.
    """
    shape = arrays[0].shape
    each = out.ndim == len(shape)
    if len(shape) == 1:
        yield [x[None] for x in arrays], out[None] if each else out.reshape(1)
    elif len(shape) == 2:
        step = max(1, entries // max(shape[1], 1))
        for start in range(0, shape[0], step):
            part = slice(start, start + step)
            yield [x[part] for x in arrays], out[part]
    elif (inner := math.prod(shape[1:])) <= entries:
        step = max(1, entries // max(inner, 1))
        flat = (-1, shape[-1])
        for start in range(0, shape[0], step):
            part = slice(start, start + step)
            yield [x[part].reshape(flat) for x in arrays], out[part].reshape(flat if each else -1)
    else:
        for i in range(shape[0]):
            yield from blocks([x[i] for x in arrays], out[i], entries)


def blocks_of_tables(arrays: Sequence[Array], out: Array, entries: int) -> Iterator[Block]:
    """`blocks` of tables, whose last two axes stay together: shape (tables, rows, columns)."""
    shape = arrays[0].shape
    if len(shape) == 2:
        yield [x[None] for x in arrays], out.reshape(1)
    elif len(shape) == 3 or math.prod(shape[1:]) <= entries:
        step = max(1, entries // max(math.prod(shape[1:]), 1))
        for start in range(0, shape[0], step):
            part = slice(start, start + step)
            yield [x[part].reshape(-1, *shape[-2:]) for x in arrays], out[part].reshape(-1)
    else:
        for i in range(shape[0]):
            yield from blocks_of_tables([x[i] for x in arrays], out[i], entries)


def batches(chosen: NDArray[np.bool_], size: int) -> Iterator[Any]:
    """Indices of the chosen rows, so many at a time."""
    if chosen.all():  # slices give views where indices would copy
        yield from (slice(start, start + size) for start in range(0, len(chosen), size))
    else:
        indices = np.flatnonzero(chosen)
        yield from (indices[start : start + size] for start in range(0, len(indices), size))


def cut(parts: Sequence[Array], width: int) -> list[list[Array]]:
    """The arrays cut along the categories."""
    return [
        [x[:, start : start + width] for x in parts] for start in range(0, parts[0].shape[1], width)
    ]
