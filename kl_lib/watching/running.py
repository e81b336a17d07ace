"""Which watches are on. A place of its own, which graphs and hooks read and `active` writes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .session import Watch

#: In the order in which they were entered. Never replaced, so that all see the same list.
WATCHES: list[Watch] = []


class _Within(threading.local):
    """Whether this thread is inside a watched call, or inside a look at one."""

    busy = False


WITHIN = _Within()
