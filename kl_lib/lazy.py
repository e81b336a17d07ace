"""KL of dask arrays, chunk by chunk: nothing is computed before you ask, and little at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checks import DistributionError, check_shapes


def is_lazy(value: Any) -> bool:
    """True for a dask array; dask is not imported for the answer."""
    return type(value).__module__.startswith("dask.array")


def kl_divergence(p: Any, q: Any, *, axis: int, **options: Any) -> Any:
    """`kl_lib.kl_divergence` of two arrays of which at least one is a dask array, lazily.

    Each task holds all categories of some rows. Chunks that divide the categories are merged along
    them and cut along the batch instead, so that no task is larger than dask's chunk size
    (``array.chunk-size``), however the input was cut. A row that is not a distribution is named
    when the result is computed.
    """
    import dask.array as da

    from .discrete import kl_divergence as divergence

    p, q = da.asarray(p), da.asarray(q)
    axis = check_shapes(p.shape, q.shape, axis)
    p, q = da.moveaxis(p, axis, -1), da.moveaxis(q, axis, -1)
    p, q = da.broadcast_arrays(p, q)  # which cuts them alike
    batch = tuple(range(p.ndim - 1))
    if p.numblocks[-1] > 1:
        p = p.rechunk({p.ndim - 1: -1, **dict.fromkeys(batch, "auto")})
        q = q.rechunk(p.chunks)

    def block(a: NDArray[Any], b: NDArray[Any], block_info: Any = None) -> Any:
        try:
            return np.asarray(divergence(a, b, **options))
        except DistributionError as error:
            if not block_info or not batch:
                raise
            place = [low for low, _ in block_info[0]["array-location"][:-1]]
            start = place[0] if len(place) == 1 else tuple(place)
            raise DistributionError(f"in the chunk that begins at row {start}: {error}") from None

    dtype = np.asarray(divergence(*(np.ones((1, 1), x.dtype) for x in (p, q)))).dtype
    return da.map_blocks(block, p, q, drop_axis=p.ndim - 1, meta=np.empty((), dtype))
