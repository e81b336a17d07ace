"""Functions of dask arrays, chunk by chunk: nothing is computed before you ask for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checks import check_shapes
from .errors import DistributionError


def is_lazy(value: Any) -> bool:
    """True for a dask array; dask is not imported for the answer."""
    return type(value).__module__.startswith("dask.array")


def by_chunks(divergence: Callable[..., Any], p: Any, q: Any, *, axis: int, **options: Any) -> Any:
    """`divergence` of two arrays of which at least one is a dask array, lazily: one number a row.

    Each task holds all categories of some rows. Chunks that divide the categories are merged along
    them and cut along the batch instead, so that no task is larger than dask's chunk size
    (``array.chunk-size``), however the input was cut. A row that is not a distribution is named
    when the result is computed.
    """
    import dask.array as da

    p, q = da.asarray(p), da.asarray(q)
    for name, array in (("p", p), ("q", q)):
        if any(np.isnan(n) for n in array.shape):  # after a boolean filter, say
            raise DistributionError(
                f"{name} has rows that dask has not counted (shape {array.shape}); call "
                f"{name}.compute_chunk_sizes() first",
                kind="shape",
                argument=name,
            )
    axis = check_shapes(p.shape, q.shape, axis)
    p, q = da.broadcast_arrays(p, q)  # which cuts them alike
    categories = p.ndim + axis
    batch = tuple(i for i in range(p.ndim) if i != categories)
    if p.numblocks[axis] > 1:
        p = p.rechunk({categories: -1, **dict.fromkeys(batch, "auto")})
        q = q.rechunk(p.chunks)

    def block(a: NDArray[Any], b: NDArray[Any], block_info: Any = None) -> Any:
        try:
            return np.asarray(divergence(a, b, axis=axis, **options))
        except DistributionError as error:
            if not block_info or not batch:
                raise
            place = [block_info[0]["array-location"][i][0] for i in batch]
            start = place[0] if len(place) == 1 else tuple(place)
            raise DistributionError(
                f"in the chunk that begins at row {start}: {error}",
                **{key: getattr(error, key) for key in ("kind", "argument", "value", "count")},
            ) from None

    dtype = np.asarray(divergence(*(np.ones((1, 1), x.dtype) for x in (p, q)))).dtype
    return da.map_blocks(block, p, q, drop_axis=categories, meta=np.empty((), dtype))
