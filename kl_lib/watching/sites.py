"""Where KL is called: how often, what was found, what it gave and what it should have given."""

from __future__ import annotations

import os
import textwrap
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .codes import Finding
from .judging.arguments import Array
from .judging.examination import Examination, Pair

#: A sum of probabilities that is nearer to 1 than this is off by rounding.
ROUNDED = 1e-3


@dataclass
class Site:
    """One line that calls a KL of a library.

    Parameters
    ----------
    call
        The library's function.
    file, line, column
        Where it is called: the innermost line that is not the library's own. Columns count from 1;
        0 where nobody knows.
    calls
        How often it was called while watched.
    looked_at
        At how many of these calls the values were looked at.
    findings
        What is wrong, one `Finding` for each code, as it was first found.
    gave
        What the call gave: of several numbers the mean.
    kl
        KL(p‖q) of what was probably meant, in nats, the mean of the rows; None if nobody can say.
    rows
        How many rows, or pairs of distributions, that is the mean of.
    times
        How many of the calls that were looked at had it, by code.
    pair
        Some rows of p and q as the call takes them.
    """

    call: str
    file: str
    line: int
    column: int = 0
    calls: int = 0
    looked_at: int = 0
    findings: tuple[Finding, ...] = ()
    gave: float | None = None
    kl: float | None = None
    rows: int = 0
    times: Counter[int] = field(default_factory=Counter)
    pair: Pair | None = field(default=None, repr=False)

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes of what was found, in order."""
        return tuple(finding.code for finding in self.findings)

    @property
    def mistakes(self) -> tuple[Finding, ...]:
        """The findings without the notes."""
        return tuple(finding for finding in self.findings if finding.level == "mistake")

    @property
    def diagnosis(self) -> str | None:
        """What `kl_lib.diagnose` says of p and q as the call takes them, in a line."""
        if self.pair is None:
            return None
        from kl_lib.diagnosis import diagnose

        report = diagnose(*map(_rounding_mended, (self.pair.p, self.pair.q)), libraries=())
        problems = [problem.message for problem in report.problems]
        return " ".join([report.verdict, *problems[:1]])

    def add(self, seen: Examination) -> tuple[Finding, ...]:
        """Take in one look. Returns what was not known before."""
        codes = set(self.codes)
        new = tuple(finding for finding in seen.findings if finding.code not in codes)
        if new or not self.findings:
            self.gave, self.kl, self.rows, self.pair = seen.gave, seen.kl, seen.rows, seen.pair
        self.looked_at += 1
        self.times.update(finding.code for finding in seen.findings)
        self.findings = tuple(sorted((*self.findings, *new), key=lambda finding: finding.code))
        return new

    def add_late(self, finding: Finding, times: int, seen: Examination) -> None:
        """Enter what only the end of the block could tell, of a look that was taken in before."""
        if not self.findings:
            self.gave, self.kl, self.rows, self.pair = seen.gave, seen.kl, seen.rows, seen.pair
        self.times[finding.code] += times
        self.findings = tuple(sorted((*self.findings, finding), key=lambda each: each.code))

    def to_dict(self) -> dict[str, Any]:
        """What a program can read: numbers, text and lists."""
        found = [
            {"code": x.code, "level": x.level, "message": x.message, "remedy": x.remedy,
             "times": self.times[x.code]}
            for x in self.findings
        ]  # fmt: skip
        return {
            "call": self.call, "file": self.file, "line": self.line, "column": self.column,
            "calls": self.calls, "looked_at": self.looked_at,
            "gave": self.gave, "kl": self.kl, "rows": self.rows,
            "findings": found, "diagnosis": self.diagnosis if found else None,
        }  # fmt: skip

    def __str__(self) -> str:
        seen = "all" if self.looked_at == self.calls else str(self.looked_at)
        calls = "1 call" if self.calls == 1 else f"{self.calls} calls, {seen} looked at"
        text = [f"{where(self.file, self.line, self.column)}: {self.call}, {calls}"]
        for finding in self.findings:
            often = (
                f" ({self.times[finding.code]} of {self.looked_at})" if self.looked_at > 1 else ""
            )
            note = "note: " if finding.level == "note" else ""
            text += _folded(f"KLD{finding.code} {note}{finding.message}{often}", "  ")
            text += _folded(finding.remedy, "         -> ")
        text += _folded(self._numbers(), "  ")
        if self.findings and (said := self.diagnosis):
            text += _folded(f"kl_lib.diagnose: {said}", "  ")
        return "\n".join(text)

    def _numbers(self) -> str:
        if self.gave is None:
            return "" if self.findings or not self.looked_at else "nothing wrong"
        text = "" if self.findings else "nothing wrong; "
        text += f"it gave {self.gave:.4g}"
        if self.kl is not None:
            each = "pairs of distributions" if self.pair is None else "rows"
            mean = f", the mean of {self.rows} {each}" if self.rows > 1 else ""
            text += f"; KL(p‖q) in nats is {self.kl:.4g}{mean}"
        return text


@dataclass(frozen=True)
class NotSeen:
    """A call that could not be looked at.

    Parameters
    ----------
    call
        The library's function.
    file, line, column
        Where it is called.
    why
        Why its values can't be read.
    remedy
        What would make them readable.
    """

    call: str
    file: str
    line: int
    column: int
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{where(self.file, self.line, self.column)}: {self.call}, {self.why}; {self.remedy}"


class WatchWarning(UserWarning):
    """A mistake that `kl_lib.watch` found, at the line that has it."""

    __module__ = "kl_lib.watching"


class WatchError(ValueError):
    """A mistake that `kl_lib.watch` found, where it was asked to raise.

    Attributes
    ----------
    site
        The `Site` with what was found.
    """

    __module__ = "kl_lib.watching"

    def __init__(self, message: str, site: Site) -> None:
        super().__init__(message)
        self.site = site


def _rounding_mended(x: Array) -> Array:
    """Rows whose sums were rounded in another dtype, divided by them; others as they are."""
    sums = x.sum(axis=-1, keepdims=True)
    return x / sums if np.all(np.abs(sums - 1) < ROUNDED) else x


def where(file: str, line: int, column: int = 0) -> str:
    """A place as people read it: from the working folder where it is below."""
    near = os.path.relpath(file) if os.path.isabs(file) else file
    place = f"{file if near.startswith('..') else near}:{line}"
    return f"{place}:{column}" if column else place


def _folded(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, 96, initial_indent=indent, subsequent_indent=" " * len(indent), break_long_words=False
    )
