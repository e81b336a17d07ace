"""Functions of rows in chunks that fit the cache: fast where that is safe, exact where it is not.

What is computed stands in `kl_lib.kernels`; here arrays are cut, checked on the way, and shared out
among threads. Each chunk is read once, in its own dtype, together with what the checks need (row
sums, smallest value). Measured, the temporaries of the usual one-line sum cost more time than its
logarithm: hence the chunks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blocks import Block, batches, blocks, cut
from .kernels import Kernel, Precision, Task
from .kernels import logits as of_logits
from .kernels import terms as of_terms
from .kernels.arithmetic import sums as sums_of_rows
from .threads import on_threads, threads_for

Array = NDArray[Any]

#: Bytes of the scratch space of a thread at most and at least, and of all threads together. In
#: chunks of this size temporaries stay in a core's cache; in much smaller ones threads wait for one
#: another, since only one at a time can start the next NumPy call.
_SCRATCH, _LEAST_SCRATCH, _ALL_SCRATCH = 1 << 20, 1 << 16, 1 << 21

#: Entries that are computed at a time where new temporaries are made for it.
CHUNK = 1 << 15

#: What is kept of each row goes through several steps of its own. Their calls cost less, each, for
#: the rows of so many chunks at once, and for so many bytes of results of all threads at most.
_CHUNKS, _RESULTS = 4, 1 << 19

#: The absolute error of a fast result is a few units in the last place of 1. `_WIDENED` is for rows
#: of float32 that are computed in float64.
_SAFE = {"d": Precision(0.01, 1e-12), "f": Precision(0.1, 1e-5)}
_WIDENED = Precision(1e-9, 1e-5)

#: Entries of a row for which a single call is made quick.
_SMALL = 1 << 12

#: What is wanted of such a row.
_ONE = Task(1.0, ())

#: Counts that sum to less have terms that are subnormal, with few digits left.
_SMALLEST_SUM = {"d": 1e-280, "f": 1e-25}


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
    out = np.empty(first.shape[:-1], dtype)
    threads = threads_for(first)
    need = _arrays_of_space(kernel, len(arrays), task)
    space = max(min(_SCRATCH, _ALL_SCRATCH // threads), _LEAST_SCRATCH) // 8
    space = min(space, max(need, 4) * first.size)

    def work(share: Iterator[Block]) -> bool:
        scratch, valid = np.empty(space), True
        for parts, out_block in share:
            compute = _block if max(need, 4) * parts[0].shape[1] <= space else _long_rows
            valid &= compute(kernel, parts, out_block, scratch, task)
        return valid

    entries = space * 8 // out.itemsize
    if first.ndim == 2:  # with more axes, blocks may have to be copies
        # Of each row the sums of all arguments are kept too.
        rows = max(2 * _RESULTS // (threads * out.itemsize * max(len(arrays), 2)), 1)
        entries = min(_CHUNKS * entries, rows * first.shape[1])
    return out, on_threads(work, blocks(arrays, out, entries), threads)


def one(kernel: Kernel, given: Sequence[Any], tolerance: float) -> Any:
    """The result of one short row of plain doubles, in nats; None for all that is harder.

    With as few calls as it takes, since each costs as much as some hundred entries.
    """
    if not _plain(given):
        return None
    row = [x[None] for x in given]
    total = np.empty(1)
    space = [np.empty(row[0].shape) for _ in range(kernel.space)]
    with np.errstate(all="ignore"):
        least = kernel.fast(row, total, space)
        sums = [sums_of_rows(x)[0] for x in row]  # as of a batch: the same number comes out
        value, scale = kernel.combine(total[0], sums, _ONE, _SAFE["d"])
    for s in sums:
        if not abs(s - 1) <= tolerance:
            return None
    return value if least >= 0 and _SAFE["d"].bound * scale < value < np.inf else None


def _plain(given: Sequence[Any]) -> bool:
    """Whether these are short rows of doubles that pair up, as they are."""
    for x in given:
        if type(x) is not np.ndarray or x.dtype.char != "d" or x.shape != given[0].shape:
            return False
    return given[0].ndim == 1 and 0 < given[0].size <= _SMALL


def one_of_terms(p: Any, q: Any, tolerance: float) -> Any:
    """As `one`, of `terms`."""
    return of_terms.of_one_row(p, q, tolerance) if _plain((p, q)) else None


def one_of_logits(a: Any, b: Any) -> Any:
    """As `one`, of `logits`."""
    if not _plain((a, b)):
        return None
    value = np.empty(1)
    with np.errstate(all="ignore"):
        plain = of_logits.fast([a[None], b[None]], value, list(np.empty((3, 1, a.size))))
    return value[0] if plain and _SAFE["d"].bound < value[0] < np.inf else None


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
        and sums.max() < np.inf
    ):
        # A negative q beside a positive p has made its row nan: it is among these.
        least = np.min([least, *(x.min() for x in parts)])
        safe = (value > precision.bound * scale) & (value < np.inf) & (sums.min(axis=0) > enough)
        safe &= sums.max(axis=0) < np.inf  # of shares of an infinite sum nothing is left
        # What is computed of each row takes space too, which counts where it has few entries.
        for rows in batches(~safe, max(1, len(scratch) // (24 * max(parts[0].shape[1], 4)))):
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
        some = [x[rows].astype(out.dtype, copy=False) for x in parts]
        size = some[0].size
        spaces = [scratch[i * size : (i + 1) * size].reshape(some[0].shape) for i in range(need)]
        for x, total in zip(some, sums, strict=True):
            sums_of_rows(x, total[rows])
        if need > kernel.space:
            some = [
                np.divide(x, total[rows, None], out=space)
                for x, total, space in zip(some, sums, spaces[kernel.space :], strict=True)
            ]
        least = np.minimum(least, kernel.fast(some, out[rows], spaces[: kernel.space]))
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
    pieces = cut(row, len(scratch) // max(kernel.space, 4))
    precision = _SAFE[out.dtype.char]
    found = []
    for piece in pieces:
        part_sums, _ = _usual(kernel, piece, out, scratch, task._replace(normalize=False))
        found.append((out[0], *part_sums[:, 0]))
    of_pieces = np.array(found, dtype=np.float64)
    total, sums = kernel.join(of_pieces[:, 0]), np.sum(of_pieces[:, 1:], axis=0)
    low = np.min([[x.min() for x in piece] for piece in pieces])
    s = np.array(sums)
    out[0] = total
    value, scale = kernel.combine(np.array([total]), s[:, None], task, precision)
    enough = _SMALLEST_SUM[out.dtype.char] if task.normalize else -np.inf
    stands = (precision.bound * scale < value) & (value < np.inf) & (s.min() > enough)
    if not stands.all() or (kernel.shares and task.normalize):
        value = kernel.exact(cut(row, CHUNK), task)
    out[0] = value[0] / task.divisor
    return bool(low >= 0) and _sums_valid(s[:, None], task)


def terms(p: Array, q: Array, task: Task, dtype: type[np.floating[Any]]) -> tuple[Array, bool]:
    """The terms of KL, in the shape of p and q, and whether values and sums are plainly valid."""
    out = np.empty(p.shape, dtype)
    entries = min(_SCRATCH // 8, p.size)

    def work(share: Iterator[Block]) -> bool:
        space, valid = list(np.empty((2, entries))), True
        for parts, out_block in share:
            width = parts[0].shape[1] if parts[0].size <= entries else CHUNK
            outs = [x[0] for x in cut([out_block], width)]
            pieces, sums = _with_finite_sums(parts, width)
            least = of_terms.fill(pieces, outs, space, *sums)
            if task.divisor != 1:
                out_block /= task.divisor
            valid &= bool(least >= 0) and _sums_valid(sums, task)
        return valid

    return out, on_threads(work, blocks([p, q], out, entries), threads_for(p))


def _with_finite_sums(parts: Sequence[Array], width: int) -> tuple[list[list[Array]], Array]:
    """Rows in pieces and the sums of each argument, both halved until these are finite."""
    pieces = cut(parts, width)
    wide = ([x.astype(np.float64, copy=False) for x in piece] for piece in pieces)
    sums = np.sum([[sums_of_rows(x) for x in piece] for piece in wide], axis=0)
    if not np.isposinf(sums).any() or any(np.isposinf(x).any() for x in parts):
        return pieces, sums
    # By a power of two, which changes no digit, and no share.
    least = 2.0 ** -parts[0].shape[1].bit_length()
    scales = [np.where(np.isposinf(total), least, 1.0)[:, None] for total in sums]
    return _with_finite_sums([x * y for x, y in zip(parts, scales, strict=True)], width)


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

    def work(share: Iterator[Block]) -> bool:
        scratch, valid = np.empty((3, entries)), True
        for parts, out_block in share:
            count, width = parts[0].shape
            value = np.empty(count)
            plain = count * width <= entries
            if plain:
                wide = [x.astype(np.float64, copy=False) for x in parts]
                space = [x[: count * width].reshape(count, width) for x in scratch]
                plain = of_logits.fast(wide, value, space)
            safe = (value > bound) & (value < np.inf) if plain else np.zeros(count, bool)
            if not safe.all():
                for rows in batches(~safe, max(1, CHUNK // width)):
                    pieces = cut([x[rows] for x in parts], CHUNK)
                    value[rows], whole = of_logits.exact(pieces)
                    valid &= whole
            out_block[...] = value / divisor
        return valid

    return out, on_threads(work, blocks([a, b], out, entries), threads_for(a))
