"""Which watches are on, and what all of them are told."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .fetching import Unseen
from .stack import Line

if TYPE_CHECKING:
    from ..session import Watch
    from ..sites import Site

#: In the order in which they were entered. Never replaced, so that all see the same list.
WATCHES: list[Watch] = []


class _Within(threading.local):
    """Whether this thread is inside a watched call, or inside a look at one."""

    busy = False


WITHIN = _Within()


def awake() -> bool:
    """Whether to notice a call: not what one library calls in another's KL, or a look itself."""
    return bool(WATCHES) and not WITHIN.busy


def chosen(name: str, line: Line) -> list[tuple[Watch, Site]]:
    """Count a call in each watch. Returns those that want to look at it."""
    found = []
    for watch in (*WATCHES,):
        site = watch.site(name, line)
        if watch.counts(watch.called(site)):
            found.append((watch, site))
    return found


def cannot_see(name: str, line: Line, unseen: Unseen) -> None:
    """Tell each watch of a call that has no values to look at."""
    for watch in (*WATCHES,):
        watch.cannot_see(name, line, unseen.why, unseen.remedy)
