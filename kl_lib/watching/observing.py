"""What happens when a watched function is called: count, choose, look, and tell the watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import graphs
from .asked import Call, Given
from .distributions import with_closed_form
from .examining import Examination
from .fetching import Unseen, check, fetch, in_graph, not_understood
from .looking import examined_arrays
from .raising import WatchError, WatchWarning
from .running import WATCHES, WITHIN
from .stack import Line, caller
from .targets import Target

if TYPE_CHECKING:
    from .session import Watch
    from .sites import Site


class Hook:
    """The observer of one target."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def enter(self) -> bool:
        """Not of what one library calls inside another's KL, nor of what a look itself calls."""
        if WITHIN.busy or not WATCHES:
            return False
        WITHIN.busy = True
        return True

    def leave(self) -> None:
        WITHIN.busy = False

    def told(self, given: Given, result: Any) -> None:
        WITHIN.busy = True
        try:
            self._told(given, result)
        except (WatchError, WatchWarning):
            raise  # as was asked for
        except Exception as error:  # whatever fails in a look must not stop the program
            _note(self.target.call, caller(), Unseen(*not_understood(error)))
        finally:
            WITHIN.busy = False

    def _told(self, given: Given, result: Any) -> None:
        line = caller()
        if line is None:
            return
        try:
            call = self.target.read(given)
            if call is None:
                return
            values = (result,) if call.distributions else (call.p, call.q, result)
            if in_graph(*values):
                graphs.attach(self.target.call, line, call, values)
                return
            check(*values)
        except Unseen as unseen:
            _note(self.target.call, line, unseen)
            return
        looks = chosen(self.target.call, line)
        if looks:
            look(looks, call, values)


def _note(name: str, line: Line | None, unseen: Unseen) -> None:
    for watch in (*WATCHES,) if line else ():
        watch.cannot_see(name, line or Line("", 0), unseen.why, unseen.remedy)


def chosen(name: str, line: Line) -> list[tuple[Watch, Site]]:
    """Count a call in each watch. Returns those that want to look at it."""
    found = []
    for watch in (*WATCHES,):
        site = watch.site(name, line)
        if watch.counts(watch.called(site)):
            found.append((watch, site))
    return found


def look(looks: list[tuple[Watch, Site]], call: Call, values: tuple[Any, ...]) -> None:
    """Read the values once, and tell each watch that wants to know."""
    try:
        seen = examined(call, values)
    except Unseen as unseen:
        for watch, site in looks:
            line = Line(site.file, site.line, site.column)
            watch.cannot_see(site.call, line, unseen.why, unseen.remedy)
        return
    for watch, site in looks:
        watch.add(site, seen)


def examined(call: Call, values: tuple[Any, ...]) -> Examination:
    """What one look at these gives."""
    with np.errstate(all="ignore"):
        seen = examined_arrays(call, fetch(*values))
        return with_closed_form(call, seen, *values) if call.distributions else seen
