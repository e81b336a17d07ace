"""The statements of the book's sources, each with a check that is run on the spot.

A claim is a function that measures and returns what it found. Whether it holds nobody writes down:
that follows from the comparison of what is stated with what is measured. Only that a claim is an
opinion, or lost, is said by hand.

    @claim("Case 1 comes to 0.3219.", "ch-cats-and-dogs")
    def decent():
        return number("0.3219", kl.kl_divergence([1, 0], [0.8, 0.2], base=2), "bits")

One file for each source; `read` runs it.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pandas as pd

REPRODUCED, CORRECTED, VERSION = "reproduced", "corrected", "depends on version"
OPINION, LOST = "opinion", "lost"
VERDICTS = (REPRODUCED, CORRECTED, VERSION, OPINION, LOST)


class Found(NamedTuple):
    """What a check measured, in words for the table, and what that makes of the claim."""

    measured: str
    verdict: str


class Claim(NamedTuple):
    section: str
    stated: str
    check: Callable[[], Found]
    where: str


class Checked(NamedTuple):
    """A claim and what its check has found."""

    name: str
    section: str
    stated: str
    measured: str
    verdict: str
    where: str


def number(stated: str, measured: float, unit: str = "", why: str = "") -> Found:
    """A printed number: reproduced if what is measured rounds to its digits."""
    digits = len(stated.partition(".")[2])
    rounded = f"{float(measured):.{digits}f}"
    same = float(rounded) == float(stated)
    return Found(_joined(f"{rounded} {unit}".strip(), why), REPRODUCED if same else CORRECTED)


def holds(condition: object, measured: str) -> Found:
    """A statement that is true or not; `condition` is the statement itself."""
    return Found(measured, REPRODUCED if condition else CORRECTED)


def today(condition: object, measured: str) -> Found:
    """A statement about a program, true of the version that its author had."""
    return Found(measured, REPRODUCED if condition else VERSION)


def opinion(why: str) -> Found:
    """Nothing that could be measured."""
    return Found(why, OPINION)


def lost(what: str) -> Found:
    """What can't be looked at any more."""
    return Found(what, LOST)


def _joined(*parts: str) -> str:
    return ": ".join(part for part in parts if part)


class Source:
    """Collects the claims of one source, in its order; `section` begins a new part of it."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.claims: list[Claim] = []
        self._section = ""

    def section(self, title: str) -> None:
        self._section = title

    def claim(
        self, stated: str, where: str = ""
    ) -> Callable[[Callable[[], Found]], Callable[[], Found]]:
        """Register the check of a statement; `where` is the label of the book's own treatment."""

        def keep(check: Callable[[], Found]) -> Callable[[], Found]:
            self.claims.append(Claim(self._section, stated, check, where))
            return check

        return keep

    def checked(self) -> Iterator[Checked]:
        for place, one in enumerate(self.claims, start=1):
            found = one.check()
            yield Checked(f"{self.letter}{place}", one.section, one.stated, *found, one.where)


def source(name: str) -> Source:
    found: Source = importlib.import_module(f"claims.{name}").SOURCE
    return found


def read(name: str) -> list[Checked]:
    """Run all checks of one source."""
    return list(source(name).checked())


def count(checked: list[Checked]) -> pd.Series:
    found = Counter(one.verdict for one in checked)
    return pd.Series({verdict: found[verdict] for verdict in VERDICTS})
