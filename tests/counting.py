"""What a call costs without a clock: calls of functions and bytes, the same on every machine."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from typing import Any


def function_calls(work: Callable[[], Any]) -> int:
    """How many functions, of Python and of C, are called meanwhile. The first run warms caches."""
    work()
    count = 0

    def counted(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def peak_bytes(work: Callable[[], Any]) -> int:
    """How much memory is held at most meanwhile."""
    work()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
