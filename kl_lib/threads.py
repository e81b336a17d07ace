"""How many threads large arrays are shared out among, and how."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Below this many entries, threads cost more than they save.
WORTH_THREADS = 1 << 19

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
        number = 0 if isinstance(count, (bool, np.bool_)) else operator.index(count or 0)
    except TypeError:
        number = 0
    if count is not None and number < 1:
        raise ValueError(f"count is {count!r}; pass a whole number above 0, or None")
    _threads = None if count is None else number


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


def threads_for(array: NDArray[Any]) -> int:
    return get_num_threads() if array.size >= WORTH_THREADS else 1


def on_threads(work: Callable[[Iterator[Any]], bool], items: Iterator[Any], threads: int) -> bool:
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
