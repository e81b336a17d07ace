"""KL row by row, in chunks that fit the cache: fast where that is safe, exact where it is not.

Each chunk goes through p·log(p/q) once, in its own dtype, together with what the checks need (row
sums, smallest value). Where a row's result is large enough that the rounding of that sum cannot
matter, it stands. The other rows (close to equal, overflowing, subnormal) are computed again from
non-negative terms in float64, which cancel nothing. Measured, the temporaries of the usual one-line
sum cost more time than its logarithm: hence the chunks.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import stable

Array = NDArray[Any]

#: Entries of a chunk: 256 KB of float64, so that three arrays of it stay in a core's cache.
CHUNK = 1 << 15

#: Below this many entries, threads cost more than they save.
_WORTH_THREADS = 1 << 19

#: A fast result above this is right to 1e-12 (float64) or 1e-5 (float32): its absolute error is a
#: few units in the last place of 1, whatever the number of categories.
_SAFE = {"d": 0.01, "f": 0.1}

#: Counts that sum to less have terms that are subnormal, with few digits left.
_SMALLEST_SUM = {"d": 1e-280, "f": 1e-25}

_threads: int | None = None


def set_num_threads(count: int | None) -> None:
    """Set how many threads the functions of kl_lib may use for large arrays, in this process.

    Parameters
    ----------
    count
        1 or more, or None for the default: the environment variable ``KL_LIB_NUM_THREADS`` where
        it is set, otherwise the cores this process may run on, at most 8. Arrays of fewer than
        half a million entries always use one.

    Raises
    ------
    ValueError
        If `count` is not a whole number above 0.

    Examples
    --------
    >>> import kl_lib as kl
    >>> kl.set_num_threads(2)
    >>> kl.get_num_threads()
    2
    >>> kl.set_num_threads(None)
    """
    global _threads
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise ValueError(f"count is {count!r}; pass a whole number above 0, or None")
    _threads = count


def get_num_threads() -> int:
    """How many threads the functions of kl_lib use for large arrays; see `set_num_threads`.

    Examples
    --------
    >>> import kl_lib as kl
    >>> kl.get_num_threads() >= 1
    True
    """
    if _threads is not None:
        return _threads
    setting = os.environ.get("KL_LIB_NUM_THREADS", "")
    if setting:
        if not setting.isdecimal() or int(setting) < 1:
            raise ValueError(
                f"the environment variable KL_LIB_NUM_THREADS is {setting!r}; set a whole number "
                "above 0, or unset it"
            )
        return int(setting)
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), 8)
    return min(os.cpu_count() or 1, 8)


class Task(NamedTuple):
    """What is wanted of each row, and what its sums have to be.

    `divisor` is log(base). The sums of p and q may differ from 1 by their tolerance; None, for
    counts and masses, asks of them only that they are above 0 and finite. With `normalize` the sums
    may be far from 1, so that dividing by them would round; with `generalized` the result is
    Σ (p·log(p/q) − p + q), not the KL of the rows divided by their sums.
    """

    divisor: float
    tolerances: tuple[float, float] | None
    normalize: bool = False
    generalized: bool = False


def kl_rows(p: Array, q: Array, task: Task, dtype: type[np.floating[Any]]) -> tuple[Array, bool]:
    """KL(p‖q) over the last axis, and whether one look at values and sums leaves no doubt of them.

    Parameters
    ----------
    p, q
        Any strides, any real dtype, the same shape (..., categories). What is neither float64 nor
        float32 is converted, chunk by chunk.
    task
        What is wanted.
    dtype
        float64 or float32: of the computation where nothing cancels, and of the result.
    """
    out = np.empty(p.shape[:-1], dtype)
    valid = True

    def fast(block: tuple[Array, Array, Array]) -> bool:
        p_block, q_block, out_block = block
        if p_block.dtype != dtype:
            p_block = p_block.astype(dtype)
        if q_block.dtype != dtype:
            q_block = q_block.astype(dtype)
        with np.errstate(all="ignore"):
            if p_block.shape[1] > CHUNK:
                return _long_row(p_block[0], q_block[0], out_block, task)
            return _block(p_block, q_block, out_block, task)

    results = out.reshape(-1)

    def exact(rows: NDArray[np.intp]) -> bool:
        place = np.unravel_index(rows, out.shape) if out.ndim else (None,)
        with np.errstate(all="ignore"):
            results[rows] = _exact(p[place], q[place], task) / task.divisor
        return True

    threads = get_num_threads() if p.size >= _WORTH_THREADS else 1
    with _mapper(threads) as run:
        valid = all(list(run(fast, _blocks(p, q, out))))
        # Rows that the fast pass is unsure of are marked by nan; together they cost fewer calls.
        # In smaller chunks, because the exact terms need more temporaries.
        all(list(run(exact, _unsure(results, max(1, CHUNK // 4 // max(p.shape[-1], 1))))))
    return out, valid


@contextmanager
def _mapper(threads: int) -> Iterator[Callable[..., Iterator[bool]]]:
    """`map`, on this thread or on several."""
    if threads == 1:
        yield map
    else:
        from concurrent.futures import ThreadPoolExecutor  # slow to import

        with ThreadPoolExecutor(threads) as pool:
            yield pool.map


def _unsure(results: Array, step: int) -> Iterator[NDArray[np.intp]]:
    """Indices of the results that are nan, at most `step` of them at a time."""
    for start in range(0, len(results), 1 << 16):
        found = np.flatnonzero(np.isnan(results[start : start + (1 << 16)])) + start
        for i in range(0, len(found), step):
            yield found[i : i + step]


def _blocks(p: Array, q: Array, out: Array) -> Iterator[tuple[Array, Array, Array]]:
    """Views (or small copies) of p and q with two axes and few entries, with their outputs."""
    if p.ndim == 1:
        yield p[None], q[None], out.reshape(1)
    elif p.ndim == 2:
        step = max(1, CHUNK // max(p.shape[1], 1))
        for start in range(0, p.shape[0], step):
            part = slice(start, start + step)
            yield p[part], q[part], out[part]
    elif (inner := math.prod(p.shape[1:])) <= CHUNK:
        step = max(1, CHUNK // max(inner, 1))
        flat = (-1, p.shape[-1])
        for start in range(0, p.shape[0], step):
            part = slice(start, start + step)
            yield p[part].reshape(flat), q[part].reshape(flat), out[part].reshape(-1)
    else:
        for i in range(p.shape[0]):
            yield from _blocks(p[i], q[i], out[i])


def _block(p: Array, q: Array, out: Array, task: Task) -> bool:
    """Fill `out` for one block; return whether its values and sums are plainly valid."""
    total, p_sums, q_sums, low = _usual(p, q)
    value, scale = _combine(total, p_sums, q_sums, task)
    safe = (value > _SAFE[p.dtype.char] * scale) & (value < np.inf)
    if task.normalize:
        safe &= p_sums > _SMALLEST_SUM[p.dtype.char]
    if not safe.all():
        value[~safe] = np.nan
    np.divide(value, task.divisor, out=out)
    return low >= 0 and _sums_valid(p_sums, q_sums, task)


def _combine(total: Any, p_sums: Any, q_sums: Any, task: Task) -> tuple[Any, Any]:
    """From Σ p·log(p/q) and the sums to the result, and what its rounding is relative to."""
    if task.generalized:
        return total - p_sums + q_sums, p_sums + q_sums
    return total / p_sums + np.log(q_sums / p_sums), 1


def _sums_valid(p_sums: Array, q_sums: Array, task: Task) -> bool:
    if task.tolerances is None:
        return all(bool(((sums > 0) & (sums < np.inf)).all()) for sums in (p_sums, q_sums))
    pairs = zip((p_sums, q_sums), task.tolerances, strict=True)
    return all(bool((np.abs(sums - 1) <= tolerance).all()) for sums, tolerance in pairs)


def _usual(p: Array, q: Array) -> tuple[Array, Array, Array, Any]:
    """Σ p·log(p/q), Σp, Σq and the smallest value, in the dtype of p and q."""
    terms = np.divide(p, q)
    np.log(terms, out=terms)
    terms *= p
    low = min(p.min(initial=np.inf), q.min(initial=np.inf))
    if not low > 0:
        terms[p == 0] = 0
    return _sums(terms), _sums(p), _sums(q), low


def _sums(x: Array) -> Array:
    # A reduction has a cost for each row, einsum one for each entry; both sum pairwise or in few.
    return np.einsum("ij->i", x) if x.shape[1] < 32 else x.sum(axis=1)


def _exact(p: Array, q: Array, task: Task) -> Array:
    """The same from terms that are never negative, in float64."""
    p, q = p.astype(np.float64), q.astype(np.float64)
    if task.normalize:
        return _exact_of_counts(p, q)
    total = stable.generalized_kl(p, q).sum(axis=1)
    return total if task.generalized else _of_sums(total, p.sum(axis=1), (q - p).sum(axis=1))


def _of_sums(total: Any, p_sums: Any, excess: Any) -> Any:
    """From Σ (p·log(p/q) − p + q) to the KL of the rows divided by their sums.

    With r = Σq/Σp that is total/Σp − (r − 1 − log r). Given the `excess` Σ(q − p), summed as
    differences, r − 1 keeps its digits, and the correction is of second order in it.
    """
    return np.maximum(total / p_sums - stable.minus_log1p(excess / p_sums), 0.0)


def _exact_of_counts(p: Array, q: Array) -> Array:
    """`_exact` for rows with any sums: p·Σq against q·Σp, so that no division rounds."""
    # A power of two changes no digit, and keeps the sums and products finite. What it makes
    # underflow still counts in the logarithms, which are taken of p and q as they are.
    powers = [np.frexp(x.max(axis=1, keepdims=True))[1] for x in (p, q)]
    p_scaled, q_scaled = np.ldexp(p, -powers[0]), np.ldexp(q, -powers[1])
    p_sums, q_sums = (x.sum(axis=1, keepdims=True) for x in (p_scaled, q_scaled))
    p_high, p_low = stable.two_product(p_scaled, q_sums)
    q_high, q_low = stable.two_product(q_scaled, p_sums)
    difference = (p_high - q_high) + (p_low - q_low)
    shift = np.log(q_sums / p_sums) + (powers[1] - powers[0]) * np.log(2.0)
    log = stable.log_ratio(p, q) + shift
    total = stable.generalized_kl(p_high, q_high, difference, log).sum(axis=1)
    total[((p > 0) & (q == 0)).any(axis=1)] = np.inf
    return _of_sums(total, (p_sums * q_sums)[:, 0], -difference.sum(axis=1))


def _long_row(p: Array, q: Array, out: Array, task: Task) -> bool:
    """`_block` for one row longer than a chunk: partial sums over its pieces."""
    parts = [slice(start, start + CHUNK) for start in range(0, len(p), CHUNK)]
    found = np.array([_usual(p[None, part], q[None, part])[:3] for part in parts], np.float64)
    low = np.min([np.minimum(p[part].min(), q[part].min()) for part in parts])
    total, p_sum, q_sum = found.sum(axis=0)[:, 0]
    value, scale = _combine(total, p_sum, q_sum, task)
    tiny = task.normalize and not p_sum > _SMALLEST_SUM[p.dtype.char]
    if tiny or not _SAFE[p.dtype.char] * scale < value < np.inf:
        value = _exact_long_row(p, q, parts, task)
    out[0] = value / task.divisor
    return bool(low >= 0) and _sums_valid(p_sum, q_sum, task)


def _exact_long_row(p: Array, q: Array, parts: list[slice], task: Task) -> float:
    if task.normalize:
        # Rare enough (a long row of counts, close to another) to afford whole arrays.
        return float(_exact_of_counts(p[None].astype(np.float64), q[None].astype(np.float64))[0])
    sums = np.zeros((len(parts), 3))
    for i, part in enumerate(parts):
        a, b = p[part].astype(np.float64), q[part].astype(np.float64)
        sums[i] = stable.generalized_kl(a, b).sum(), a.sum(), (b - a).sum()
    total, p_sum, excess = sums.sum(axis=0)
    return float(total if task.generalized else _of_sums(total, p_sum, excess))


def logit_rows(
    a: Array, b: Array, divisor: float, dtype: type[np.floating[Any]]
) -> tuple[Array, bool]:
    """KL(softmax(a)‖softmax(b)) over the last axis, and whether every row of both has a softmax.

    Parameters
    ----------
    a, b
        Any strides, any real dtype, the same shape (..., categories), at least one category.
    divisor
        log(base).
    dtype
        Of the result; everything is computed in float64.
    """
    out = np.empty(a.shape[:-1], dtype)

    def work(block: tuple[Array, Array, Array]) -> bool:
        a_block, b_block, out_block = block
        width = a_block.shape[1]
        parts = [slice(start, start + CHUNK) for start in range(0, width, CHUNK)]
        with np.errstate(all="ignore"):
            log_sums = [_log_sum_exp(x, parts) for x in (a_block, b_block)]
            found = [_logit_sums(a_block[:, i], b_block[:, i], *log_sums) for i in parts]
            total, p_sums, excess = np.sum(found, axis=0)
            out_block[...] = _of_sums(total, p_sums, excess) / divisor
        return all(bool(np.isfinite(x).all()) for x in log_sums)

    threads = get_num_threads() if a.size >= _WORTH_THREADS else 1
    with _mapper(threads) as run:
        valid = all(list(run(work, _blocks(a, b, out))))
    return out, valid


def _log_sum_exp(x: Array, parts: list[slice]) -> Array:
    """log Σ exp(x) of each row, in a column; not finite where x has nan, inf or -inf alone."""
    largest = x.max(axis=1, keepdims=True).astype(np.float64)
    sums = [np.exp(x[:, i] - largest).sum(axis=1, keepdims=True) for i in parts]
    return largest + np.log(np.sum(sums, axis=0))


def _logit_sums(a: Array, b: Array, a_log_sum: Array, b_log_sum: Array) -> Array:
    """Σ (p·log(p/q) − p + q), Σp and Σ(q − p) for the softmaxes p of a and q of b."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    p, q = np.exp(a - a_log_sum), np.exp(b - b_log_sum)
    # For logits that agree but for a constant, log p − log q has lost its digits; a − b with its
    # rounding kept has not. The rounding of the log-sums shifts all gaps alike, which is of second
    # order in the result.
    difference, left = stable.two_sum(a, -b)
    gap = (difference - (a_log_sum - b_log_sum)) + np.where(np.isfinite(left), left, 0.0)
    near = np.abs(gap) < 0.1
    excess = np.where(near, p * np.expm1(-gap), q - p)
    terms = np.where(near, p * stable.expm1_plus(gap), p * gap + excess)
    terms = np.where(p == 0, q, terms)
    excess = np.where(p == 0, q, excess)
    terms[np.isneginf(b) & ~np.isneginf(a)] = np.inf
    return np.stack([np.maximum(terms, 0).sum(axis=1), p.sum(axis=1), excess.sum(axis=1)])
