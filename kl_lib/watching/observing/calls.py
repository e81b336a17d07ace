"""What happens when a watched function is called: count, choose, look, and tell the watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..judging import Examination, examine
from ..judging.asked import Call, Given
from ..judging.distributions import with_closed_form
from ..sites import WatchError, WatchWarning
from ..targets import Target
from . import graphs
from .fetching import Unseen, check, fetch, in_graph, not_understood
from .stack import Line, caller
from .watches import WITHIN, awake, cannot_see, chosen

if TYPE_CHECKING:
    from ..session import Watch
    from ..sites import Site


class Hook:
    """The observer of one target."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def enter(self) -> bool:
        if not awake():
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
            if line := caller():
                cannot_see(self.target.call, line, not_understood(error))
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
            cannot_see(self.target.call, line, unseen)
            return
        looks = chosen(self.target.call, line)
        if looks:
            look(looks, call, values)


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
    seen = examine(call, fetch(*values))
    return with_closed_form(call, seen, *values) if call.distributions else seen
