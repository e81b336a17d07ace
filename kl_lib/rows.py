"""Functions of rows in chunks that fit the cache: fast where that is safe, exact where it is not.

What is computed stands in `kl_lib.kernels`; here arrays are cut, checked on the way, and shared out
among threads. Each chunk is read once, in its own dtype, together with what the checks need (row
sums, smallest value). Measured, the temporaries of the usual one-line sum cost more time than its
logarithm: hence the chunks.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels
from .kernels import Kernel, Precision, Task

Array = NDArray[Any]
#: Some rows of every argument, and where their results go.
Block = tuple[list[Array], Array]

#: Bytes of the scratch space of a thread at most and at least, and of all threads together. In
#: chunks of this size temporaries stay in a core's cache; in much smaller ones threads wait for one
#: another, since only one at a time can start the next NumPy call.
_SCRATCH, _LEAST_SCRATCH, _ALL_SCRATCH = 1 << 20, 1 << 16, 1 << 21

#: Entries that are computed at a time where new temporaries are made for it.
CHUNK = 1 << 15

#: What is kept of each row goes through several steps of its own. Their calls cost less, each, for
#: the rows of so many chunks at once, and for so many bytes of results of all threads at most.
_CHUNKS, _RESULTS = 4, 3 << 18

#: Below this many entries, threads cost more than they save.
_WORTH_THREADS = 1 << 19

#: The absolute error of a fast result is a few units in the last place of 1. `_WIDENED` is for rows
#: of float32 that are computed in float64.
_SAFE = {"d": Precision(0.01, 1e-12), "f": Precision(0.1, 1e-5)}
_WIDENED = Precision(1e-9, 1e-5)

#: Entries of a matrix of all pairs that are computed at a time.
_MATRIX = 1 << 18

#: Entries of a row for which a single call is made quick.
_SMALL = 1 << 12

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
    try:
        number = None if count is None else operator.index(count)
    except TypeError:
        number = 0
    if isinstance(count, (bool, np.bool_)) or (number is not None and number < 1):
        raise ValueError(f"count is {count!r}; pass a whole number above 0, or None")
    _threads = number


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


def reduce(
    kernel: Kernel, arrays: Sequence[Array], task: Task, dtype: type[np.floating[Any]]
) -> tuple[Array, bool]:
    """A number for each row, and whether one look at values and sums leaves no doubt of them.

    Parameters
    ----------
    kernel
        What is computed.
    arrays
        Any strides, any real dtype, all of the same shape (..., categories). What is neither
        float64 nor float32 is converted, chunk by chunk.
    task
        What is wanted.
    dtype
        float64 or float32: of the computation where nothing cancels, and of the result.
    """
    first = arrays[0]
    if first.ndim == 1 and first.size <= _SMALL and (found := _one(kernel, arrays, task, dtype)):
        return found
    out = np.empty(first.shape[:-1], dtype)
    threads = _threads_for(first)
    need = _arrays_of_space(kernel, len(arrays), task)
    space = max(min(_SCRATCH, _ALL_SCRATCH // threads), _LEAST_SCRATCH) // 8
    space = min(space, max(need, 4) * first.size)

    def work(blocks: Iterator[Block]) -> bool:
        scratch, valid = np.empty(space), True
        for parts, out_block in blocks:
            compute = _block if max(need, 4) * parts[0].shape[1] <= space else _long_rows
            valid &= compute(kernel, parts, out_block, scratch, task)
        return valid

    entries = space * 8 // out.itemsize
    if first.ndim == 2:  # with more axes, blocks may have to be copies
        # Of each row the sums of all arguments are kept too.
        rows = max(2 * _RESULTS // (threads * out.itemsize * max(len(arrays), 2)), 1)
        entries = min(_CHUNKS * entries, rows * first.shape[1])
    return out, _on_threads(work, _blocks(arrays, out, entries), threads)


def _one(
    kernel: Kernel, arrays: Sequence[Array], task: Task, dtype: type[np.floating[Any]]
) -> tuple[Any, bool] | None:
    """`reduce` of one short row, with as few calls as it takes; None if it is a harder case."""
    if task.tolerances is None or dtype is not np.float64:
        return None
    with np.errstate(all="ignore"):
        row = [x[None].astype(np.float64, copy=False) for x in arrays]
        total = np.empty(1)
        least = kernel.fast(row, total, list(np.empty((kernel.space, *row[0].shape))))
        sums = [kernels.sums(x)[0] for x in row]
        value, scale = kernel.combine(total[0], sums, task, _SAFE["d"])
    valid = all(abs(s - 1) <= far for s, far in zip(sums, task.tolerances, strict=True))
    if valid and least >= 0 and _SAFE["d"].bound * scale < value < np.inf:
        return value / task.divisor, True
    return None


def _threads_for(array: Array) -> int:
    return get_num_threads() if array.size >= _WORTH_THREADS else 1


def _on_threads(work: Callable[[Iterator[Any]], bool], items: Iterator[Any], threads: int) -> bool:
    """Let `work` use up `items`, on this thread or shared out among several; whether all agree."""

    def quietly(share: Iterator[Any]) -> bool:
        with np.errstate(all="ignore"):
            return work(share)

    if threads == 1:
        return quietly(items)
    from concurrent.futures import ThreadPoolExecutor  # slow to import

    lock = Lock()
    with ThreadPoolExecutor(threads) as pool:
        shares = [_share(items, lock) for _ in range(threads)]
        return all(list(pool.map(quietly, shares)))


def _share(items: Iterator[Any], lock: Lock) -> Iterator[Any]:
    """The items that no other thread has taken."""
    while True:
        with lock:
            item = next(items, None)
        if item is None:
            return
        yield item


def _blocks(arrays: Sequence[Array], out: Array, entries: int) -> Iterator[Block]:
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
            yield from _blocks([x[i] for x in arrays], out[i], entries)


def _block(kernel: Kernel, parts: Sequence[Array], out: Array, scratch: Array, task: Task) -> bool:
    """Fill `out` for one block; return whether its values and sums are plainly valid."""
    sums, least = _values(kernel, parts, out, scratch, task, _SAFE[out.dtype.char])
    if task.divisor != 1:
        out /= task.divisor
    return bool(least >= 0) and _sums_valid(sums, task)


def _values(
    kernel: Kernel,
    parts: Sequence[Array],
    out: Array,
    scratch: Array,
    task: Task,
    precision: Precision,
) -> tuple[Array, Any]:
    """Fill `out` with the results in nats; return the sums of the rows, and the smallest value.

    Computes in the dtype of `out`. Other rows than those that stand are computed again, of float32
    in float64 first.
    """
    sums, least = _usual(kernel, parts, out, scratch, task)
    used = np.ones_like(sums) if kernel.shares and task.normalize else sums
    value, scale = kernel.combine(out, used, task, precision)
    if value is not out:
        out[...] = value
        value = out
    enough = _SMALLEST_SUM[out.dtype.char] if task.normalize else -np.inf
    if not (
        value.min() > precision.bound * np.max(scale)
        and value.max() < np.inf
        and sums.min() > enough
    ):
        # A negative q beside a positive p has made its row nan: it is among these.
        least = np.min([least, *(x.min() for x in parts)])
        safe = (value > precision.bound * scale) & (value < np.inf) & (sums.min(axis=0) > enough)
        # What is computed of each row takes space too, which counts where it has few entries.
        for rows in _batches(~safe, max(1, len(scratch) // (16 * max(parts[0].shape[1], 4)))):
            wide = [x[rows].astype(np.float64, copy=False) for x in parts]
            if out.dtype == np.float32:
                again = np.empty(len(wide[0]))
                _values(kernel, wide, again, scratch, task, _WIDENED)
                value[rows] = again
            else:
                value[rows] = kernel.exact([wide], task)
    return sums, least


def _arrays_of_space(kernel: Kernel, count: int, task: Task) -> int:
    """How many arrays of the size of a chunk the fast pass over `count` arguments needs."""
    return kernel.space + (count if kernel.shares and task.normalize else 0)


def _batches(chosen: NDArray[np.bool_], size: int) -> Iterator[Any]:
    """Indices of the chosen rows, so many at a time."""
    if chosen.all():  # slices give views where indices would copy
        yield from (slice(start, start + size) for start in range(0, len(chosen), size))
    else:
        indices = np.flatnonzero(chosen)
        yield from (indices[start : start + size] for start in range(0, len(indices), size))


def _sums_valid(sums: Array, task: Task) -> bool:
    if task.tolerances is None:
        return bool(sums.min() > 0 and sums.max() < np.inf)
    pairs = zip(sums, task.tolerances, strict=True)
    return all(bool(x.min() >= 1 - far and x.max() <= 1 + far) for x, far in pairs)


def _usual(
    kernel: Kernel, parts: Sequence[Array], out: Array, scratch: Array, task: Task
) -> tuple[Array, Any]:
    """Fill `out` with what `fast` gives, in its dtype; return the sums and the smallest value."""
    scratch = scratch.view(out.dtype)
    count, width = parts[0].shape
    sums = np.empty((len(parts), count), out.dtype)
    least: Any = np.inf
    need = _arrays_of_space(kernel, len(parts), task)
    most = max(1, len(scratch) // (need * width))
    step = math.ceil(count / math.ceil(count / most))  # equal: a small one costs as much
    for start in range(0, count, step):
        rows = slice(start, start + step)
        cut = [x[rows].astype(out.dtype, copy=False) for x in parts]
        size = cut[0].size
        spaces = [scratch[i * size : (i + 1) * size].reshape(cut[0].shape) for i in range(need)]
        for x, total in zip(cut, sums, strict=True):
            kernels.sums(x, total[rows])
        if need > kernel.space:
            cut = [
                np.divide(x, total[rows, None], out=space)
                for x, total, space in zip(cut, sums, spaces[kernel.space :], strict=True)
            ]
        least = np.minimum(least, kernel.fast(cut, out[rows], spaces[: kernel.space]))
    return sums, least


def _long_rows(
    kernel: Kernel, parts: Sequence[Array], out: Array, scratch: Array, task: Task
) -> bool:
    """`_block` for rows longer than a chunk: sums over the pieces of each."""
    found = [
        _long_row(kernel, [x[i : i + 1] for x in parts], out[i : i + 1], scratch, task)
        for i in range(len(out))
    ]
    return all(found)


def _long_row(kernel: Kernel, row: Sequence[Array], out: Array, scratch: Array, task: Task) -> bool:
    pieces = _cut(row, len(scratch) // max(kernel.space, 4))
    precision = _SAFE[out.dtype.char]
    found = []
    for piece in pieces:
        part_sums, _ = _usual(kernel, piece, out, scratch, task._replace(normalize=False))
        found.append((out[0], *part_sums[:, 0]))
    total, *sums = np.sum(np.array(found, dtype=np.float64), axis=0)
    low = np.min([[x.min() for x in piece] for piece in pieces])
    s = np.array(sums)
    out[0] = total
    value, scale = kernel.combine(np.array([total]), s[:, None], task, precision)
    enough = _SMALLEST_SUM[out.dtype.char] if task.normalize else -np.inf
    stands = (precision.bound * scale < value) & (value < np.inf) & (s.min() > enough)
    if not stands.all() or (kernel.shares and task.normalize):
        value = kernel.exact(_cut(row, CHUNK), task)
    out[0] = value[0] / task.divisor
    return bool(low >= 0) and _sums_valid(s[:, None], task)


def _cut(parts: Sequence[Array], width: int) -> list[list[Array]]:
    """The arrays cut along the categories."""
    return [
        [x[:, start : start + width] for x in parts] for start in range(0, parts[0].shape[1], width)
    ]


def terms(p: Array, q: Array, task: Task, dtype: type[np.floating[Any]]) -> tuple[Array, bool]:
    """The terms of KL, in the shape of p and q, and whether values and sums are plainly valid."""
    out = np.empty(p.shape, dtype)
    entries = min(_SCRATCH // 8, p.size)

    def work(blocks: Iterator[Block]) -> bool:
        space, valid = list(np.empty((2, entries))), True
        for parts, out_block in blocks:
            width = parts[0].shape[1] if parts[0].size <= entries else CHUNK
            pieces, outs = _cut(parts, width), [x[0] for x in _cut([out_block], width)]
            wide = ([x.astype(np.float64, copy=False) for x in piece] for piece in pieces)
            sums = np.sum([[kernels.sums(x) for x in piece] for piece in wide], axis=0)
            least = kernels.terms(pieces, outs, space, *sums)
            if task.divisor != 1:
                out_block /= task.divisor
            valid &= bool(least >= 0) and _sums_valid(sums, task)
        return valid

    return out, _on_threads(work, _blocks([p, q], out, entries), _threads_for(p))


def logits(a: Array, b: Array, divisor: float, dtype: type[np.floating[Any]]) -> tuple[Array, bool]:
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
    bound = _SAFE["d"].bound
    entries = min(_SCRATCH // 16, a.size)

    def work(blocks: Iterator[Block]) -> bool:
        scratch, valid = np.empty((3, entries)), True
        for parts, out_block in blocks:
            count, width = parts[0].shape
            value = np.empty(count)
            plain = count * width <= entries
            if plain:
                wide = [x.astype(np.float64, copy=False) for x in parts]
                space = [x[: count * width].reshape(count, width) for x in scratch]
                plain = kernels.logits_fast(wide, value, space)
            safe = (value > bound) & (value < np.inf) if plain else np.zeros(count, bool)
            if not safe.all():
                for rows in _batches(~safe, max(1, CHUNK // width)):
                    pieces = _cut([x[rows] for x in parts], CHUNK)
                    value[rows], whole = kernels.logits_exact(pieces)
                    valid &= whole
            out_block[...] = value / divisor
        return valid

    return out, _on_threads(work, _blocks([a, b], out, entries), _threads_for(a))


def matrix(
    p: tuple[Array, Array, Array],
    q: tuple[Array, Array],
    divisor: float,
    normalize: bool,
    dtype: type[np.floating[Any]],
) -> Array:
    """KL of all pairs of a row of p and one of q, by matrix products of some rows at a time.

    Parameters
    ----------
    p
        Its rows as given; divided by their sums; the logarithms of that.
    q
        Its rows as given; the logarithms of its rows divided by their sums.
    divisor, normalize, dtype
        As for `reduce`.
    """
    (p_given, shares, p_logs), (q_given, q_logs) = p, q
    possible, empty = ~np.isneginf(p_logs), np.isneginf(q_logs)
    minus_entropy = (shares * np.where(possible, p_logs, 0.0)).sum(axis=1)
    # Σ p·log p is one more category, in which q has 1: the product is the result.
    left = np.concatenate([shares, minus_entropy[:, None]], axis=1)
    right = np.concatenate([np.where(empty, 0.0, -q_logs), np.ones((len(q_logs), 1))], axis=1).T
    # The product rounds relative to the cross-entropy, which is the result and the entropy: what is
    # below 0.02·(1 + cross-entropy) is computed again.
    least = (1 - minus_entropy) / 49
    out = np.empty((len(shares), len(q_logs)), dtype)
    step = max(1, _MATRIX // max(len(q_logs), 1))
    for start in range(0, len(shares), step):
        rows = slice(start, start + step)
        block = np.matmul(left[rows], right, out=out[rows] if dtype is np.float64 else None)
        if empty.any():
            block[possible[rows].astype(np.float64) @ empty.T.astype(np.float64) > 0] = np.inf
        low = np.flatnonzero(block.min(axis=1, initial=np.inf) < least[rows])
        if low.size:
            # Of one axis, which NumPy searches ten times as fast as of two.
            near = np.flatnonzero((block[low] < least[rows][low, None]).reshape(-1))
            i, j = low[near // len(q_logs)], near % len(q_logs)
            _again(block, i, j, p_given[rows], q_given, normalize)
        if divisor != 1 or block.base is not out:
            np.divide(block, divisor, out=out[rows], casting="same_kind")
    return out


def _again(block: Array, i: Array, j: Array, p: Array, q: Array, normalize: bool) -> None:
    """Fill in the pairs of p[i] and q[j] anew, by terms that do not cancel."""
    task = Task(1.0, None, normalize)
    size = max(1, CHUNK // p.shape[1])
    for some in (slice(start, start + size) for start in range(0, len(i), size)):
        pair = [p[i[some]], q[j[some]]]
        block[i[some], j[some]] = reduce(kernels.KL, pair, task, np.float64)[0]
