"""KL row by row, in chunks that fit the cache: fast where that is safe, exact where it is not.

Each chunk goes through p·log(p/q) once, in its own dtype, together with what the checks need (row
sums, smallest value). Where a row's result is large enough that the rounding of that sum cannot
matter, it stands. The other rows (close to equal, overflowing, subnormal) are computed again from
non-negative terms in float64, which cancel nothing. Measured, the temporaries of the usual one-line
sum cost more time than its logarithm: hence the chunks.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import stable

Array = NDArray[Any]

#: Bytes of the scratch space of a thread at most and at least, and of all threads together. In
#: chunks of this size temporaries stay in a core's cache; in much smaller ones threads wait for one
#: another, since only one at a time can start the next NumPy call.
_SCRATCH, _LEAST_SCRATCH, _ALL_SCRATCH = 1 << 20, 1 << 16, 1 << 21

#: Entries that are computed at a time where new temporaries are made for it.
CHUNK = 1 << 15

#: What is kept of each row goes through several steps of its own. Their calls cost less, each, for
#: the rows of so many chunks at once, and for so many bytes of results of all threads at most.
_CHUNKS, _RESULTS = 4, 3 << 18

#: Up to so many categories a row's products are summed one after the other, in its own dtype;
#: beyond, pairwise, which rounds less.
_FEW = 256

#: Below this many entries, threads cost more than they save.
_WORTH_THREADS = 1 << 19

#: A fast result above this is right to 1e-12 (float64) or 1e-5 (float32): its absolute error is a
#: few units in the last place of 1, whatever the number of categories. So is one of float32 rows
#: above `_SAFE_WIDENED`, computed in float64.
_SAFE = {"d": 0.01, "f": 0.1}
_SAFE_WIDENED = 1e-9

#: Counts that sum to less have terms that are subnormal, with few digits left.
_SMALLEST_SUM = {"d": 1e-280, "f": 1e-25}

#: Differences of logits up to here are finite, whatever their rows begin with.
_HUGE_LOGIT = 1e290

#: The smallest number above 0.
_SMALLEST = 5e-324

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
    number = None
    if count is not None:
        try:
            number = 0 if isinstance(count, (bool, np.bool_)) else operator.index(count)
        except TypeError:
            number = 0
    if number is not None and number < 1:
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
    threads = get_num_threads() if p.size >= _WORTH_THREADS else 1
    space = min(max(min(_SCRATCH, _ALL_SCRATCH // threads), _LEAST_SCRATCH), 32 * p.size) // 8

    def work(blocks: Iterator[tuple[Array, Array, Array]]) -> bool:
        scratch, valid = np.empty(space), True
        for p_block, q_block, out_block in blocks:
            compute = _block if 4 * p_block.shape[1] <= space else _long_rows
            valid &= compute(p_block, q_block, out_block, scratch, task)
        return valid

    entries = space * 8 // out.itemsize
    if p.ndim == 2:  # with more axes, blocks may have to be copies
        rows = max(_RESULTS // (threads * out.itemsize), 1)
        entries = min(_CHUNKS * entries, rows * p.shape[1])
    return out, _on_threads(work, _blocks(p, q, out, entries), threads)


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


def _blocks(p: Array, q: Array, out: Array, entries: int) -> Iterator[tuple[Array, Array, Array]]:
    """Views (or small copies) of p and q with two axes and few entries, with their outputs.

    At most so many `entries`, except that a row stays whole.
    """
    if p.ndim == 1:
        yield p[None], q[None], out.reshape(1)
    elif p.ndim == 2:
        step = max(1, entries // max(p.shape[1], 1))
        for start in range(0, p.shape[0], step):
            part = slice(start, start + step)
            yield p[part], q[part], out[part]
    elif (inner := math.prod(p.shape[1:])) <= entries:
        step = max(1, entries // max(inner, 1))
        flat = (-1, p.shape[-1])
        for start in range(0, p.shape[0], step):
            part = slice(start, start + step)
            yield p[part].reshape(flat), q[part].reshape(flat), out[part].reshape(-1)
    else:
        for i in range(p.shape[0]):
            yield from _blocks(p[i], q[i], out[i], entries)


def _block(p: Array, q: Array, out: Array, scratch: Array, task: Task) -> bool:
    """Fill `out` for one block; return whether its values and sums are plainly valid."""
    p_sums, q_sums, low = _values(p, q, out, scratch, task, _SAFE[out.dtype.char])
    if task.divisor != 1:
        out /= task.divisor
    return bool(low >= 0) and _sums_valid(p_sums, q_sums, task)


def _values(
    p: Array, q: Array, out: Array, scratch: Array, task: Task, bound: float
) -> tuple[Array, Array, Any]:
    """Fill `out` with the divergences in nats; return Σp, Σq, and the smallest value.

    Computes in the dtype of `out`. What comes out above `bound` stands; other rows are computed
    again, of float32 in float64 first.
    """
    p_sums, q_sums, low = _usual(p, q, out, scratch)
    value, scale = _combine(out, p_sums, q_sums, task)
    smallest_sum = _SMALLEST_SUM[out.dtype.char] if task.normalize else -np.inf
    if not (
        value.min() > bound * np.max(scale) and value.max() < np.inf and p_sums.min() > smallest_sum
    ):
        # A negative q beside a positive p has made its row nan: it is among these.
        low = np.minimum(low, q.min())
        safe = (value > bound * scale) & (value < np.inf) & (p_sums > smallest_sum)
        # What is computed of each row takes space too, which counts where it has few entries.
        for rows in _batches(~safe, max(1, len(scratch) // (4 * max(p.shape[1], 4)))):
            a, b = (x[rows].astype(np.float64, copy=False) for x in (p, q))
            if out.dtype == np.float32:
                again = np.empty(len(a))
                _values(a, b, again, scratch, task, _SAFE_WIDENED)
                value[rows] = again
            else:
                value[rows] = _exact(a, b, scratch, task)
    return p_sums, q_sums, low


def _batches(chosen: NDArray[np.bool_], size: int) -> Iterator[Any]:
    """Indices of the chosen rows, so many at a time."""
    if chosen.all():  # slices give views where indices would copy
        yield from (slice(start, start + size) for start in range(0, len(chosen), size))
    else:
        indices = np.flatnonzero(chosen)
        yield from (indices[start : start + size] for start in range(0, len(indices), size))


def _combine(total: Any, p_sums: Any, q_sums: Any, task: Task) -> tuple[Any, Any]:
    """From Σ p·log(p/q) and the sums to the result, and what its rounding is relative to.

    The result takes the place of `total` where that is an array.
    """
    if task.generalized:
        total -= p_sums
        total += q_sums
        return total, p_sums + q_sums
    total /= p_sums
    total += np.log(q_sums / p_sums)
    return total, 1


def _sums_valid(p_sums: Array, q_sums: Array, task: Task) -> bool:
    if task.tolerances is None:
        return all(bool(sums.min() > 0 and sums.max() < np.inf) for sums in (p_sums, q_sums))
    pairs = zip((p_sums, q_sums), task.tolerances, strict=True)
    return all(bool(x.min() >= 1 - far and x.max() <= 1 + far) for x, far in pairs)


def _usual(p: Array, q: Array, out: Array, scratch: Array) -> tuple[Array, Array, Any]:
    """Fill `out` with Σ p·log(p/q), in its dtype; return Σp, Σq, and the smallest value.

    That is the smallest of p alone where all are above 0: then a q below 0 shows as a sum of nan.
    """
    scratch = scratch.view(out.dtype)
    p_sums, q_sums = np.empty((2, len(p)), out.dtype)
    low: Any = np.inf
    most = max(1, len(scratch) // p.shape[1])
    step = math.ceil(len(p) / math.ceil(len(p) / most))  # of equal size: a small one costs as much
    for start in range(0, len(p), step):
        rows = slice(start, start + step)
        a, b = (x[rows].astype(out.dtype, copy=False) for x in (p, q))
        logs = np.divide(a, b, out=scratch[: a.size].reshape(a.shape))
        np.log(logs, out=logs)
        least = a.min()
        if not least > 0:
            logs[a == 0] = 0
            least = np.minimum(least, b.min())
        low = np.minimum(low, least)
        _products(a, logs, out[rows])
        _sums(a, p_sums[rows])
        _sums(b, q_sums[rows])
    return p_sums, q_sums, low


def _products(x: Array, y: Array, out: Array) -> None:
    """Fill `out` with Σ x·y of each row; y is lost."""
    if x.shape[1] < _FEW:
        np.einsum("ij,ij->i", x, y, out=out)
    else:
        y *= x
        y.sum(axis=1, out=out)


def _sums(x: Array, out: Array | None = None) -> Array:
    # A reduction has a cost for each row, einsum one for each entry.
    return np.einsum("ij->i", x, out=out) if x.shape[1] < _FEW else x.sum(axis=1, out=out)


def _exact(p: Array, q: Array, scratch: Array, task: Task) -> Array:
    """The divergences of float64 rows from terms that are never negative."""
    if task.normalize:
        return _exact_of_counts(p, q)
    total, surplus = _sums_of_close(p, q, scratch)
    if total is None:
        total, surplus = _sums(stable.generalized_kl(p, q)), _sums(q - p)
    return total if task.generalized else _of_sums(total, _sums(p), surplus)


def _sums_of_close(p: Array, q: Array, scratch: Array) -> tuple[Any, Any]:
    """Σ (p·log(p/q) − p + q) and Σ(q − p) in scratch space, or None where p is far from q."""
    difference, z, terms, square = scratch[: 4 * p.size].reshape(4, *p.shape)
    np.add(p, q, out=z)
    if not z.max() < np.inf:
        return None, None
    np.maximum(z, _SMALLEST, out=z)  # two zeros give 0/_SMALLEST
    np.subtract(p, q, out=difference)
    np.divide(difference, z, out=z)
    if not max(z.max(), -z.min()) < stable.SMALL:
        return None, None
    stable.close_terms(difference, z, out=terms, square=square)
    return _sums(terms), -_sums(difference)


def _of_sums(total: Any, p_sums: Any, surplus: Any) -> Any:
    """From Σ (p·log(p/q) − p + q) to the KL of the rows divided by their sums.

    With r = Σq/Σp that is total/Σp − (r − 1 − log r). Given the `surplus` Σ(q − p), summed as
    differences, r − 1 keeps its digits, and the correction is of second order in it.
    """
    return np.maximum(total / p_sums - stable.minus_log1p(surplus / p_sums), 0.0)


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


def _long_rows(p: Array, q: Array, out: Array, scratch: Array, task: Task) -> bool:
    """`_block` for rows longer than a chunk: partial sums over the pieces of each."""
    valid = [_long_row(*row, scratch, task) for row in zip(p, q, out[:, None], strict=True)]
    return all(valid)


def _long_row(p: Array, q: Array, out: Array, scratch: Array, task: Task) -> bool:
    step = len(scratch) // 4
    parts = [slice(start, start + step) for start in range(0, len(p), step)]
    found = np.empty((len(parts), 3))
    for i, part in enumerate(parts):
        p_sums, q_sums, _ = _usual(p[None, part], q[None, part], out, scratch)
        found[i] = out[0], p_sums[0], q_sums[0]
    low = np.min([np.minimum(p[part].min(), q[part].min()) for part in parts])
    total, p_sum, q_sum = found.sum(axis=0)
    value, scale = _combine(total, p_sum, q_sum, task)
    tiny = task.normalize and not p_sum > _SMALLEST_SUM[out.dtype.char]
    if tiny or not _SAFE[out.dtype.char] * scale < value < np.inf:
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
    total, p_sum, surplus = sums.sum(axis=0)
    return float(total if task.generalized else _of_sums(total, p_sum, surplus))


def sum_in_pieces(
    terms: Callable[[Array, Array], Array], p: Array, q: Array, scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Σ terms(p, scale·q) over the last axis of p and q, broadcast, with a `scale` for each row."""
    p, q = np.broadcast_arrays(p, q)
    out = np.array(np.broadcast_to(scale, p.shape[:-1]))  # the sums take the places of the scales
    width = p.shape[-1]

    def work(blocks: Iterator[tuple[Array, Array, Array]]) -> bool:
        for p_block, q_block, out_block in blocks:
            by, total = out_block[:, None], 0.0
            for part in (slice(start, start + CHUNK) for start in range(0, width, CHUNK)):
                total += terms(p_block[:, part], by * q_block[:, part]).sum(axis=1)
            out_block[...] = total
        return True

    threads = get_num_threads() if p.size >= _WORTH_THREADS else 1
    _on_threads(work, _blocks(p, q, out, CHUNK), threads)
    return out


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

    def work(blocks: Iterator[tuple[Array, Array, Array]]) -> bool:
        valid = True
        for a_block, b_block, out_block in blocks:
            width = a_block.shape[1]
            parts = [slice(start, start + CHUNK) for start in range(0, width, CHUNK)]
            log_sums = [_log_sum_exp(x, parts) for x in (a_block, b_block)]
            found = [_logit_sums(a_block[:, i], b_block[:, i], *log_sums) for i in parts]
            total, p_sums, surplus = np.sum(found, axis=0)
            out_block[...] = _of_sums(total, p_sums, surplus) / divisor
            valid &= all(bool(np.isfinite(x).all()) for x in log_sums)
        return valid

    threads = get_num_threads() if a.size >= _WORTH_THREADS else 1
    return out, _on_threads(work, _blocks(a, b, out, CHUNK), threads)


def _log_sum_exp(x: Array, parts: list[slice]) -> Array:
    """log Σ exp(x) of each row, in a column; not finite where x has nan, inf or -inf alone."""
    largest = x.max(axis=1, keepdims=True).astype(np.float64)
    sums = [np.exp(x[:, i] - largest).sum(axis=1, keepdims=True) for i in parts]
    return largest + np.log(np.sum(sums, axis=0))


def _logit_sums(a: Array, b: Array, a_log_sum: Array, b_log_sum: Array) -> Array:
    """Σ (p·log(p/q) − p + q), Σp and Σ(q − p) for the softmaxes p of a and q of b."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    p, q = np.exp(a - a_log_sum), np.exp(b - b_log_sum)
    gap = _gap(a, b, a_log_sum, b_log_sum)
    near = np.abs(gap) < 0.1
    surplus = np.where(near, p * np.expm1(-gap), q - p)
    terms = np.where(near, p * stable.expm1_plus(gap), p * gap + surplus)
    terms = np.where(p == 0, q, terms)
    surplus = np.where(p == 0, q, surplus)
    terms[np.isneginf(b) & ~np.isneginf(a)] = np.inf
    return np.stack([np.maximum(terms, 0).sum(axis=1), p.sum(axis=1), surplus.sum(axis=1)])


def _gap(a: Array, b: Array, a_log_sum: Array, b_log_sum: Array) -> Array:
    """log p − log q for the softmaxes p of a and q of b.

    For logits that agree but for a constant, log p − log q has lost its digits; a − b with its
    rounding kept has not. The rounding of the log-sums shifts all gaps alike, which is of second
    order in the result.
    """
    # By a power of two, which is exact: the differences of huge logits stay finite.
    huge = max(np.abs(a_log_sum).max(), np.abs(b_log_sum).max()) > _HUGE_LOGIT
    scale = 0.25 if huge else 1.0
    difference, left = stable.two_sum(scale * a, -scale * b)
    shift = scale * a_log_sum - scale * b_log_sum
    return ((difference - shift) + np.where(np.isfinite(left), left, 0.0)) / scale
