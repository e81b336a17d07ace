"""Numbers and lists in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def duration(seconds: float) -> str:
    """Write seconds as one says them.

    Examples
    --------
    >>> duration(61.4), duration(3.2)
    ('1 min 01 s', '3 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def listed(names: Iterable[Any]) -> str:
    """Write names as one says them.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed([])
    ('a, b and c', 'none')
    """
    *others, last = [str(name) for name in names] or ["none"]
    return f"{', '.join(others)} and {last}" if others else last
