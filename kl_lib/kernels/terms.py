"""The terms of KL, category by category."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .. import stable
from .arithmetic import NORMAL, log_of_quotient, quotients_kept, sums, wide
from .cross import Cross
from .kernel import Array, Pieces

#: Smaller numbers have differences that have lost digits.
_DIFFERENCES = 1e-290

#: Sums this close to 1 are 1 but for their rounding.
_ROUNDED = 1e-15


def fill(
    pieces: Pieces, outs: Sequence[Array], space: Sequence[Array], p_sums: Array, q_sums: Array
) -> Any:
    """Fill `outs` with p/Σp·log((p/Σp)/(q/Σq)), piece by piece; return the smallest entry."""
    # Sums that are 1 but for rounding change nothing but the terms near 0, which `refine` knows.
    exact = max(np.abs(p_sums - 1).max(), np.abs(q_sums - 1).max()) <= _ROUNDED
    shift = log_of_quotient(q_sums, p_sums)
    together = bool(np.max(quotients_kept(shift)) == 1)
    least: Any = np.inf
    # Where a shift is added to the logarithm, both round as they are large.
    near = _NearTerms(pieces, min(_NearTerms.PLAIN * (1 + float(np.abs(shift).max())), 0.5))
    for i, (piece, out) in enumerate(zip(pieces, outs, strict=True)):
        p, q = wide(piece)
        logs, scratch = (x[: p.size].reshape(p.shape) for x in space)
        np.divide(p, q, out=logs)
        np.log(logs, out=logs)
        small = np.minimum(p.min(), q.min())
        least = np.minimum(small, least)
        # A quotient of such numbers has lost digits; one of counts may be beyond the floats.
        if not small > NORMAL or not (exact or (together and np.isfinite(logs).all())):
            logs[...] = stable.log_ratio(p, q)
        if not exact:
            logs += shift[:, None]
        near.refine(i, p, q, logs, np.abs(logs, out=scratch))
        values = out if out.dtype == np.float64 else scratch
        share = p if exact else np.divide(p, p_sums[:, None], out=scratch)
        np.multiply(share, logs, out=values)
        if not small > 0:
            values[p == 0] = 0
            values[(p > 0) & (q == 0)] = np.inf
        if values is not out:
            out[...] = values
    return least


def of_one_row(p: Array, q: Array, tolerance: float) -> Array | None:
    """The terms of one row whose values and sums are plainly valid, if none is near 0."""
    with np.errstate(all="ignore"):
        least = min(np.minimum.reduce(p), np.minimum.reduce(q))
        p_sum, q_sum = np.add.reduce(p), np.add.reduce(q)
        if not (least > NORMAL and abs(p_sum - 1) <= tolerance and abs(q_sum - 1) <= tolerance):
            return None
        logs = np.log(p / q)
        if max(abs(p_sum - 1), abs(q_sum - 1)) > _ROUNDED:
            logs += np.log(q_sum / p_sum)
            p = p / p_sum
        near = np.minimum.reduce(np.abs(logs)) < 2 * _NearTerms.PLAIN
        return None if near else p * logs


class _NearTerms:
    """log((p/Σp)/(q/Σq)) where it is near 0, with all its digits.

    The plain logarithm has an absolute error of 2e-16. With the difference of the sums added up
    from differences it is 3e-17, and with `Cross` none.
    """

    PLAIN, SUMMED = 1e-3, 1e-4
    #: Entries that are refined at a time, with some twenty temporaries.
    MOST = 1 << 12

    def __init__(self, pieces: Pieces, plain: float) -> None:
        self.pieces, self.plain = pieces, plain

    @cached_property
    def _surplus_of_all(self) -> Array:
        return _surplus(self.pieces)

    @cached_property
    def _cross_of_all(self) -> Cross:
        return Cross(self.pieces)

    def refine(self, number: int, p: Array, q: Array, logs: Array, sizes: Array) -> None:
        """Improve the logarithms of one piece, which are of these sizes, in place."""
        close = sizes < self.plain
        count = np.count_nonzero(close)
        if not count:
            return
        if count > self.MOST and len(p) > 1:
            step = max(1, self.MOST // p.shape[1])
            for start in range(0, len(p), step):
                some = slice(start, start + step)
                near = _NearTerms(_taken(self.pieces, some), self.plain)
                near.refine(number, p[some], q[some], logs[some], sizes[some])
            return
        place = np.unravel_index(np.flatnonzero(close), p.shape)
        rows = np.unique(place[0])
        whole = len(rows) == len(p)  # as always of a row in pieces: no copy, and sums made once
        parts = self.pieces if whole else _taken(self.pieces, rows)
        surplus = self._surplus_of_all if whole else _surplus(parts)
        row = np.searchsorted(rows, place[0])
        a, b, part = p[place], q[place], surplus[row]
        with_sums = ((a - b) - b * part) / (b * (1 + part))
        better = np.log1p(with_sums)
        # For sums that are far apart the difference of their entries rounds as they do, and where
        # Σp is nothing beside Σq, 1 + part is 0.
        tiny = np.abs(better) < np.where(np.abs(part) > self.PLAIN, self.plain, self.SUMMED)
        tiny |= (np.minimum(a, b) < _DIFFERENCES) | ~np.isfinite(better)
        if tiny.any():
            chosen = np.unique(row[tiny])
            parts = parts if len(chosen) == len(rows) else _taken(parts, chosen)
            exact = self._cross_of_all if parts is self.pieces else Cross(parts)
            _, other, difference = exact.of(parts[number])
            where = np.searchsorted(chosen, row[tiny]), place[1][tiny]
            better[tiny] = np.log1p(difference[where] / other[where])
        # What underflows has no difference, and the plain logarithm is as good as it gets.
        logs[place] = np.where(np.isfinite(better), better, logs[place])


def _taken(pieces: Pieces, rows: Array | slice) -> Pieces:
    return [[x[rows] for x in piece] for piece in pieces]


def _surplus(pieces: Pieces) -> Array:
    """(Σp − Σq)/Σq of each row, added up from differences."""
    found = [[sums(p - q), sums(q)] for p, q in map(wide, pieces)]
    gap, total = np.sum(found, axis=0)
    return np.asarray(gap / total)
