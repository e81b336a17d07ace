"""A watched block: what it saw, and what it does about it."""

from __future__ import annotations

import textwrap
import threading
import warnings
from typing import Any, Literal

from kl_lib.errors import DistributionError

from .codes import Finding
from .halves import Halves
from .judging import Examination
from .observing.fetching import DYNAMO
from .observing.stack import Line
from .sites import NotSeen, Site, WatchError, WatchWarning
from .wrapping.installing import begin, end

On = Literal["warn", "raise", "record"]

#: What is said of a block in which nothing could be looked at: it may be full of mistakes.
NO_CALL = "no call of a watched function was looked at"
ELSEWHERE = (
    "It may have a KL that was compiled before the block, or one that it writes out itself, which "
    "kl-lib audit looks for in the source."
)


class Watch:
    """What `kl_lib.watch` gives: a block to enter, and the report of what was seen in it.

    Attributes
    ----------
    sites
        The lines that called a KL, each a `Site`.
    unseen
        The calls that could not be looked at, each a `NotSeen`.
    """

    def __init__(self, on: On, first: int, every: int) -> None:
        self.on: On = on
        self.first, self.every = first, every
        self._sites: dict[tuple[str, Line], Site] = {}
        self._unseen: dict[tuple[str, Line, str], NotSeen] = {}
        self._halves = Halves()
        self._late: WatchError | WatchWarning | None = None
        self._lock = threading.Lock()

    @property
    def sites(self) -> tuple[Site, ...]:
        """The lines that called a KL, in the order of their first call."""
        return tuple(site for site in self._sites.values() if site.calls)

    @property
    def unseen(self) -> tuple[NotSeen, ...]:
        """The calls that could not be looked at, and what would change that.

        Not those whose values were read after all, as when PyTorch runs a graph step by step.
        """
        read = {(x.call, x.file, x.line, x.column) for x in self.sites if x.looked_at}
        return tuple(
            each
            for each in self._unseen.values()
            if each.why != DYNAMO[0] or (each.call, each.file, each.line, each.column) not in read
        )

    @property
    def mistakes(self) -> tuple[Site, ...]:
        """The sites at which something is wrong, beyond notes."""
        return tuple(site for site in self.sites if site.mistakes)

    def __enter__(self) -> Watch:
        begin(self)
        return self

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        end(self)
        for site, half in self._halves.left():
            self._tell(site, [half], now=False)
        if kind is None and self._late is not None:
            late, self._late = self._late, None
            raise late

    def counts(self, number: int) -> bool:
        """Whether to look at a call, given its number at its place: the first ones, then some."""
        return number <= self.first or (number - self.first) % self.every == 0

    def site(self, call: str, line: Line) -> Site:
        """The site of a call, made when first asked for."""
        with self._lock:
            return self._sites.setdefault((call, line), Site(call, *line))

    def called(self, site: Site) -> int:
        """Count a call. Returns its number."""
        with self._lock:
            site.calls += 1
            return site.calls

    def cannot_see(self, call: str, line: Line, why: str, remedy: str) -> None:
        """Note a call that has no values to look at."""
        with self._lock:
            found = NotSeen(call, *line, why, remedy)
            self._unseen.setdefault((call, line, why), found)

    def add(self, site: Site, seen: Examination, *, now: bool = True) -> None:
        """Take in one look, and warn or raise of what is new; without `now` raise at the end."""
        with self._lock:
            new = site.add(self._halves.without(site, seen))
        self._tell(site, [finding for finding in new if finding.level == "mistake"], now=now)

    def _tell(self, site: Site, wrong: list[Finding], *, now: bool) -> None:
        if wrong and self.on == "raise":
            error = WatchError(_message(site, wrong), site)
            if now:
                raise error
            self._late = self._late or error
        elif wrong and self.on == "warn":
            try:
                warnings.warn_explicit(_message(site, wrong), WatchWarning, site.file, site.line)
            except WatchWarning as warning:  # a filter makes errors of warnings
                if now:
                    raise
                self._late = self._late or warning

    def to_dict(self) -> dict[str, Any]:
        """The report for programs: lists, text and numbers."""
        return {
            "sites": [site.to_dict() for site in self.sites],
            "unseen": [vars(each) for each in self.unseen],
        }

    def __str__(self) -> str:
        wrong, sites = len(self.mistakes), len(self.sites)
        head = f"{sites} call site{'' if sites == 1 else 's'}, {wrong or 'none'} with a mistake"
        text = [f"kl_lib.watch: {head if sites else NO_CALL}", *map(str, self.sites)]
        if self.unseen:
            text += ["Not seen:", *(f"  {each}" for each in self.unseen)]
        elif not sites:
            text += textwrap.wrap(ELSEWHERE, 96, break_on_hyphens=False)
        return "\n".join(text)

    def __repr__(self) -> str:
        return f"<{str(self).splitlines()[0]}>"


def _message(site: Site, wrong: list[Finding]) -> str:
    return "\n".join([f"{site.call}: {wrong[0]}", *map(str, wrong[1:])])


def check_options(on: Any, first: Any, every: Any) -> None:
    """Refuse what `kl_lib.watch` can't take."""
    if on not in ("warn", "raise", "record"):
        raise DistributionError(
            f"on is {on!r}; pass 'warn', 'raise' or 'record'",
            kind="option",
            argument="on",
            value=on,
        )
    for name, value in (("first", first), ("every", every)):
        if not isinstance(value, int) or value < 1:
            raise DistributionError(
                f"{name} is {value!r}; pass a whole number of calls, at least 1",
                kind="option",
                argument=name,
                value=value,
            )
