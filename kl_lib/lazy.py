"""Functions of dask arrays, chunk by chunk: nothing is computed before you ask for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import arrays as arrays_of
from .checks import (
    SUM_TOLERANCE,
    check_axes,
    check_mask,
    check_shapes,
    merged,
    parted,
    result_dtype,
)
from .errors import DistributionError


def any_lazy(*values: Any) -> bool:
    """True if one of these is a dask array; dask is not imported for the answer."""
    return any(type(value).__module__.startswith("dask.array") for value in values)


def by_chunks(
    function: Callable[..., Any],
    *arrays: Any,
    axis: Any,
    names: tuple[str, ...] = ("p", "q"),
    keepdims: bool = False,
    where: Any = None,
    missing: float = 0.0,
    entries: bool = False,
    **options: Any,
) -> Any:
    """`function` of one or two arrays, at least one of them a dask array, lazily: a number a row.

    Each task holds all categories of some rows. Chunks that divide the categories are merged along
    them and cut along the batch instead, so that no task is larger than dask's chunk size
    (``array.chunk-size``), however the input was cut. A row that is not a distribution is named
    when the result is computed. With `entries` the result has a number for each entry. What a mask
    leaves out becomes what is `missing`.
    """
    import dask.array as da

    given = [da.asarray(array) for array in arrays]
    for name, array in zip(names, given, strict=False):
        if any(np.isnan(n) for n in array.shape):  # after a boolean filter, say
            raise DistributionError(
                f"{name} has rows that dask has not counted (shape {array.shape}); call "
                f"{name}.compute_chunk_sizes() first",
                kind="shape",
                argument=name,
            )
    if len(given) == 1:
        axis = check_axes(axis, given[0].ndim, names[0])
    else:
        axis = check_shapes(given[0].shape, given[1].shape, axis, (names[0], names[1]))
        given = list(da.broadcast_arrays(*given))  # which cuts them alike
    if where is not None:
        given = [_masked(x, where, " and ".join(names[: len(given)]), missing) for x in given]
    if isinstance(axis, tuple):
        sizes = tuple(given[0].shape[i] for i in axis)
        given = [merged(x, axis) for x in given]
        result = by_chunks(function, *given, axis=-1, names=names, entries=entries, **options)
        return parted(result, axis, sizes) if entries else _kept(result, axis, keepdims)
    first = given[0]
    categories = first.ndim + axis
    batch = tuple(i for i in range(first.ndim) if i != categories)
    if first.numblocks[axis] > 1:
        first = first.rechunk({categories: -1, **dict.fromkeys(batch, "auto")})
        given = [first, *(array.rechunk(first.chunks) for array in given[1:])]

    def block(*parts: NDArray[Any], block_info: Any = None) -> Any:
        try:
            return np.asarray(function(*parts, axis=axis, **options))
        except DistributionError as error:
            if not block_info or not batch:
                raise
            place = [block_info[0]["array-location"][i][0] for i in batch]
            start = place[0] if len(place) == 1 else tuple(place)
            raise DistributionError(
                f"in the chunk that begins at row {start}: {error}",
                **{key: getattr(error, key) for key in ("kind", "argument", "value", "count")},
            ) from None

    dtype = np.asarray(function(*(np.ones((1, 1), x.dtype) for x in given))).dtype
    how = {"dtype": dtype} if entries else {"drop_axis": categories, "meta": np.empty((), dtype)}
    return _kept(da.map_blocks(block, *given, **how), axis, keepdims)


def _masked(array: Any, where: Any, name: str, missing: float) -> Any:
    """The array without what the mask leaves out, lazily."""
    import dask.array as da

    mask = where if any_lazy(where) else arrays_of.read(where, "where")[0]
    check_mask(mask.dtype, mask.shape, array.shape, name)
    whole = missing and array.dtype.kind in "biu"
    return da.where(mask, array.astype(np.float64) if whole else array, array.dtype.type(missing))


def _kept(result: Any, axis: Any, keepdims: bool) -> Any:
    import dask.array as da

    return da.expand_dims(result, axis) if keepdims else result


def by_tables(function: Callable[..., Any], *tables: Any, **options: Any) -> Any:
    """`function` of one or two arrays of tables, lazily: a number for each table."""
    import dask.array as da

    arrays = [da.asarray(table) for table in tables]
    if min(x.ndim for x in arrays) < 2:
        return function(*(np.asarray(x) for x in arrays), **options)  # says what it lacks
    signature = ",".join(["(i,j)"] * len(arrays)) + "->()"
    call = partial(function, **options)
    names = (x.dtype.name for x in arrays)
    dtype = result_dtype(*(name if name in SUM_TOLERANCE else "float64" for name in names))
    return da.apply_gufunc(call, signature, *arrays, output_dtypes=dtype, allow_rechunk=True)
