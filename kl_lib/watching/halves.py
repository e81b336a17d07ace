"""The KL of a Bernoulli in two calls, one of the chances and one of what is left of them.

Each call alone looks as if the other were missing (KLD107). So that finding waits: for a call whose
arguments are 1 minus those of this one, at any line, or for the end of the block.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from .codes import Finding
from .judging import Examination
from .sites import Site

HALF = 107
#: Halves add up to 1 but for what half precision and a logarithm round.
NEAR = 4e-3


class Halves:
    """The looks that are half of a Bernoulli KL, by their site, until the other half is seen."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[Site, Examination]] = {}
        self._times: Counter[int] = Counter()
        self._whole: set[int] = set()

    def without(self, site: Site, seen: Examination) -> Examination:
        """Keep the half that this look may be, and return the look without it."""
        if HALF not in (finding.code for finding in seen.findings):
            return seen
        place = id(site)
        if place not in self._whole:
            other = next((x for x, (_, one) in self._open.items() if _complete(one, seen)), None)
            if other is None:
                self._open[place] = site, seen
                self._times[place] += 1
            else:
                self._whole |= {place, other}
                for matched in (place, other):
                    self._open.pop(matched, None)
        return replace(seen, findings=tuple(x for x in seen.findings if x.code != HALF))

    def left(self) -> list[tuple[Site, Finding]]:
        """At the end: what had no other half, entered at its site."""
        found = []
        for place, (site, seen) in self._open.items():
            (half,) = (finding for finding in seen.findings if finding.code == HALF)
            site.add_late(half, self._times[place], seen)
            found.append((site, half))
        self._open.clear()
        return found


def _complete(one: Examination, other: Examination) -> bool:
    return (
        one.pair is not None
        and other.pair is not None
        and _add_to_one(one.pair.p, other.pair.p)
        and _add_to_one(one.pair.q, other.pair.q)
    )


def _add_to_one(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(np.allclose(a + b, 1, rtol=0, atol=NEAR))
