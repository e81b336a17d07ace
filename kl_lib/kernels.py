"""What each function over categories computes of rows: once fast, once exact.

A `Kernel` is handed to `kl_lib.rows`, which cuts arrays into chunks that fit the cache, checks
values and sums on the way, and shares the chunks out among threads. `fast` takes a chunk through
the usual sum in its own dtype. Where a row's result is large enough that the rounding of that sum
cannot matter, it stands; the other rows (close to equal, close to certain, overflowing, subnormal)
go through `exact`, which adds terms that do not cancel.

To add a function over categories, add its kernel here and the function to `discrete.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import stable

Array = NDArray[Any]
#: A row, or some rows, cut along the categories: for each piece, its part of every argument.
Pieces = Sequence[Sequence[Array]]

#: Up to so many categories a row's products are summed one after the other, in its own dtype;
#: beyond, pairwise, which rounds less.
_FEW = 256

LOG_2 = float(np.log(2.0))

#: A quotient whose logarithm is within this keeps its digits.
_FAR = 600.0

#: Sums this close to 1 are 1 but for their rounding.
_ROUNDED = 1e-15

#: The smallest number above 0, and the smallest with all its digits.
_SMALLEST, _NORMAL = 5e-324, np.finfo(np.float64).tiny


class Task(NamedTuple):
    """What is wanted of each row, and what its sums have to be.

    `divisor` is log(base). The sums of the arguments may differ from 1 by their tolerances; None,
    for counts and masses, asks of them only that they are above 0 and finite. With `normalize` the
    sums may be far from 1, so that dividing by them would round; with `generalized` the result is
    Σ (p·log(p/q) − p + q), not the KL of the rows divided by their sums.
    """

    divisor: float
    tolerances: tuple[float, ...] | None
    normalize: bool = False
    generalized: bool = False


class Precision(NamedTuple):
    """A fast result above `bound` is right to `tolerance`, whatever the number of categories."""

    bound: float
    tolerance: float


class Kernel(NamedTuple):
    """How one function is computed.

    Parameters
    ----------
    fast
        From a chunk of each argument and scratch space to the sums of the usual terms, which it
        writes to its second argument; returns the smallest entry, or less where one is below 0.
    combine
        From those sums and the sums of the arguments to the result (perhaps in place of the first),
        and to what its rounding is relative to: a row stands if the result is above `bound` times
        that. For arrays and for single numbers.
    exact
        The result of rows in pieces, in float64, without cancellation.
    space
        How many arrays of the size of a chunk `fast` needs as scratch space.
    shares
        With `normalize`, `fast` is given the arguments divided by their sums.
    """

    fast: Callable[[Sequence[Array], Array, Sequence[Array]], Any]
    combine: Callable[[Any, Any, Task, Precision], tuple[Any, Any]]
    exact: Callable[[Pieces, Task], Array]
    space: int = 1
    shares: bool = False


# Sums of rows


def products(x: Array, y: Array, out: Array) -> None:
    """Fill `out` with Σ x·y of each row; y is lost."""
    if x.shape[1] < _FEW:
        np.einsum("ij,ij->i", x, y, out=out)
    else:
        y *= x
        y.sum(axis=1, out=out)


def sums(x: Array, out: Array | None = None) -> Array:
    # A reduction has a cost for each row, einsum one for each entry.
    return np.einsum("ij->i", x, out=out) if x.shape[1] < _FEW else x.sum(axis=1, out=out)


def _power(pieces: Pieces, argument: int) -> Array:
    """The power of two that brings the largest of each row between 1 and 2, in a column."""
    largest = np.max([piece[argument].max(axis=1) for piece in pieces], axis=0)
    return np.frexp(largest.astype(np.float64))[1][:, None] - 1


def _wide(piece: Sequence[Array]) -> list[Array]:
    return [x.astype(np.float64, copy=False) for x in piece]


def _least(x: Array, least: Any, logs: Array, zero: Array) -> Any:
    """The smallest of x and of what is known already; where `zero` is 0, logarithms become 0."""
    least = np.minimum(x.min(), least)
    if not least > 0:
        logs[zero == 0] = 0
    return least


# KL


def _kl_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    p, q = parts
    logs = np.divide(p, q, out=space[0])
    np.log(logs, out=logs)
    least = p.min()
    # A negative q beside a positive p shows as a sum of nan; only beside a 0 must it be looked for.
    if not least > 0:
        logs[p == 0] = 0
        least = np.minimum(least, q.min())
    products(p, logs, out)
    return least


def _kl_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    if task.generalized:
        total -= s[0]
        total += s[1]
        return total, s[0] + s[1]
    total /= s[0]
    shift = np.log(s[1] / s[0])
    total += shift
    return total, (1 + np.abs(shift)) if task.normalize else 1


def _kl_exact(pieces: Pieces, task: Task) -> Array:
    if task.normalize:
        return _kl_exact_of_counts(pieces)
    total: Any = 0.0
    p_sums: Any = 0.0
    surplus: Any = 0.0
    for piece in pieces:
        p, q = _wide(piece)
        terms, difference = _generalized_sums(p, q)
        total, surplus = total + terms, surplus + difference
        p_sums = p_sums + sums(p)
    return np.asarray(total) if task.generalized else of_sums(total, p_sums, surplus)


def _generalized_sums(p: Array, q: Array) -> tuple[Array, Array]:
    """Σ (p·log(p/q) − p + q) and Σ(q − p) of each row."""
    z: Array = p + q
    if z.max() < np.inf:
        np.maximum(z, _SMALLEST, out=z)  # two zeros give 0/_SMALLEST
        difference: Any = p - q
        np.divide(difference, z, out=z)
        if max(z.max(), -z.min()) < stable.SMALL:
            return sums(stable.close_terms(difference, z)), -sums(difference)
    return sums(stable.generalized_kl(p, q)), sums(q - p)


def of_sums(total: Any, p_sums: Any, surplus: Any) -> Any:
    """From Σ (p·log(p/q) − p + q) to the KL of the rows divided by their sums.

    With r = Σq/Σp that is total/Σp − (r − 1 − log r). Given the `surplus` Σ(q − p), summed as
    differences, r − 1 keeps its digits, and the correction is of second order in it.
    """
    return np.maximum(total / p_sums - stable.minus_log1p(surplus / p_sums), 0.0)


class Cross:
    """p·Σq and q·Σp of rows in pieces: p/Σp against q/Σq without a division that rounds.

    A power of two changes no digit, and keeps the sums and products of counts finite. What it
    makes underflow still counts in the logarithms, which are taken of p and q as they are.
    """

    def __init__(self, pieces: Pieces) -> None:
        self.powers = [_power(pieces, i) for i in (0, 1)]
        found = [[stable.exact_sum(x) for x in self._scaled(piece)] for piece in pieces]
        self.sums, self.rests = [], []
        for parts in zip(*found, strict=True):
            high = low = np.zeros(len(parts[0][0]))
            for total, rest in parts:
                high, error = stable.two_sum(high, total)
                low = low + error + rest
            self.sums.append(high[:, None])
            self.rests.append(low[:, None])
        #: Of the products: Σp·Σq, which each of them sums to.
        self.total = (self.sums[0] * self.sums[1])[:, 0]
        self.shift = np.log(self.sums[1] / self.sums[0])
        self.shift = self.shift + (self.powers[1] - self.powers[0]) * LOG_2
        #: What a category with more than half of p's mass is short of in q: what all others have
        #: too much. Of two products near the whole, their difference would have lost its digits.
        self.short: Any = None
        found_short: Any = 0.0
        for piece in pieces:
            p, _, difference = self.of(piece)
            found_short = found_short - sums(np.where(self._most(p), 0.0, difference))
        self.short = np.asarray(found_short)[:, None]

    def _scaled(self, piece: Sequence[Array]) -> list[Array]:
        pairs = zip(_wide(piece), self.powers, strict=True)
        return [np.ldexp(x, -power) for x, power in pairs]

    def of(self, piece: Sequence[Array]) -> tuple[Array, Array, Array]:
        """p·Σq, q·Σp and their difference, exact to twice the digits, of one piece."""
        p, q = self._scaled(piece)
        p_high, p_low = stable.two_product(p, self.sums[1])
        q_high, q_low = stable.two_product(q, self.sums[0])
        rest = p * self.rests[1] - q * self.rests[0]
        difference = (p_high - q_high) + ((p_low - q_low) + rest)
        if self.short is not None:
            difference = np.where(self._most(p_high), self.short, difference)
        return p_high, q_high, difference

    def _most(self, p: Array) -> NDArray[np.bool_]:
        return p > 0.5 * self.total[:, None]

    def log_ratio(self, piece: Sequence[Array]) -> Array:
        """log of the quotient of the two, also where one of them underflows."""
        p, q = _wide(piece)
        return stable.log_ratio(p, q) + self.shift


def _kl_exact_of_counts(pieces: Pieces) -> Array:
    total: Any = 0.0
    cross = Cross(pieces)
    for piece in pieces:
        p, q, difference = cross.of(piece)
        terms = sums(stable.generalized_kl(p, q, difference, cross.log_ratio(piece)))
        terms[((piece[0] > 0) & (piece[1] == 0)).any(axis=1)] = np.inf
        total = total + terms
    return np.asarray(total) / cross.total


KL = Kernel(_kl_fast, _kl_combine, _kl_exact)


# Entropy and cross-entropy


def _entropy_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    (p,) = parts
    logs = np.log(p, out=space[0])
    least = _least(p, np.inf, logs, p)
    products(p, logs, out)
    return least


def _cross_entropy_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    p, q = parts
    logs = np.log(q, out=space[0])
    least = _least(p, q.min(), logs, p)
    products(p, logs, out)
    return least


def _surprise_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    """log Σq − Σ p·log q/Σp. For the entropy q is p."""
    total /= -s[0]
    shift = np.log(s[-1])
    total += shift
    return total, (1 + np.abs(shift)) if task.normalize else 1


def _surprise_exact(pieces: Pieces, task: Task) -> Array:
    """Σ p·log(Σq/q)/Σp from terms that are not negative.

    A q that is more than half of its sum is set against what the others sum to: the surprise of
    what is almost certain is small, and would be lost in the rounding of its share.
    """
    # A power of two changes no digit, and keeps the sums of counts finite.
    powers = [_power(pieces, i) for i in (0, -1)]

    def scaled(piece: Sequence[Array]) -> list[Array]:
        wide = _wide(piece)
        return [np.ldexp(wide[i], -power) for i, power in zip((0, -1), powers, strict=True)]

    p_sums: Any = 0.0
    q_sums: Any = 0.0
    others: Any = 0.0
    surprise: Any = 0.0
    for piece in pieces:
        p, q = scaled(piece)
        p_sums, q_sums = p_sums + sums(p), q_sums + sums(q)
    half = 0.5 * np.asarray(q_sums)[:, None]
    for piece in pieces:
        q = scaled(piece)[1]
        others = others + sums(np.where(q > half, 0.0, q))
    for piece in pieces:
        p, q = scaled(piece)
        # Not of the scaled: an entry can be too small for a float, its logarithm is not.
        logs = np.log(half * 2) - np.log(_wide(piece)[-1]) + powers[1] * LOG_2
        logs = np.where(q > half, np.log1p(np.asarray(others)[:, None] / q), logs)
        terms = np.where(_wide(piece)[0] == 0, 0.0, p * logs)
        terms = np.where(np.isposinf(logs) & (_wide(piece)[0] > 0), np.inf, terms)
        surprise = surprise + sums(terms)
    return np.asarray(surprise) / p_sums


ENTROPY = Kernel(_entropy_fast, _surprise_combine, _surprise_exact)
CROSS_ENTROPY = Kernel(_cross_entropy_fast, _surprise_combine, _surprise_exact)


# Jensen-Shannon and total variation


def _balanced(s: Any, precision: Precision) -> Any:
    """1 where the two sums differ by so little that it cannot matter, elsewhere inf."""
    return np.where(np.abs(s[0] - s[1]) <= 0.1 * precision.tolerance * s[0], 1.0, np.inf)


def _js_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    """Σ p·log p + q·log q − (p + q)·log(p + q)."""
    p, q = parts
    logs, both = space
    np.log(p, out=logs)
    least = _least(p, np.inf, logs, p)
    products(p, logs, out)
    np.log(q, out=logs)
    least = np.minimum(_least(q, np.inf, logs, q), least)
    part = np.empty_like(out)
    products(q, logs, part)
    out += part
    np.add(p, q, out=both)
    np.log(both, out=logs)
    if not least > 0:
        logs[both == 0] = 0
    products(both, logs, part)
    out -= part
    return least


def _js_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total += (s[0] + s[1]) * LOG_2
    total /= 2 * s[0]
    # Rounding may leave a hair more than the most there is.
    return np.minimum(total, LOG_2), _balanced(s, precision)


def _js_exact(pieces: Pieces, task: Task) -> Array:
    total: Any = 0.0
    cross = Cross(pieces)
    for piece in pieces:
        total = total + sums(stable.jensen_shannon(*cross.of(piece)))
    return np.minimum(total / cross.total, LOG_2)


def _tv_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    p, q = parts
    gap = np.subtract(p, q, out=space[0])
    np.abs(gap, out=gap)
    sums(gap, out)
    return np.minimum(p.min(), q.min())


def _tv_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total /= 2 * s[0]
    total = np.minimum(total, 1.0)
    if task.normalize:  # the shares have been rounded
        return total, 1
    # p − q is exact for p near q. The difference of the sums, which are rounded, counts.
    unknown = np.abs(s[0] - s[1]) + np.finfo(total.dtype).eps
    return total, 10 * unknown / (precision.bound * precision.tolerance)


def _tv_exact(pieces: Pieces, task: Task) -> Array:
    total: Any = 0.0
    cross = Cross(pieces)
    for piece in pieces:
        total = total + sums(np.abs(cross.of(piece)[2]))
    return np.minimum(0.5 * total / cross.total, 1.0)


JENSEN_SHANNON = Kernel(_js_fast, _js_combine, _js_exact, space=2, shares=True)
TOTAL_VARIATION = Kernel(_tv_fast, _tv_combine, _tv_exact, shares=True)


# Single terms


def terms(
    pieces: Pieces, outs: Sequence[Array], space: Sequence[Array], p_sums: Array, q_sums: Array
) -> Any:
    """Fill `outs` with p/Σp·log((p/Σp)/(q/Σq)), piece by piece; return the smallest entry."""
    # Sums that are 1 but for rounding change nothing but the terms near 0, which `refine` knows.
    exact = max(np.abs(p_sums - 1).max(), np.abs(q_sums - 1).max()) <= _ROUNDED
    shift = np.log(q_sums / p_sums)
    if not np.abs(shift).max() < _FAR:  # the quotient is beyond the floats, or has lost digits
        shift = np.log(q_sums) - np.log(p_sums)
    least: Any = np.inf
    near = _NearTerms(pieces, float(np.abs(shift).max()))
    for i, (piece, out) in enumerate(zip(pieces, outs, strict=True)):
        p, q = _wide(piece)
        logs, scratch = (x[: p.size].reshape(p.shape) for x in space)
        np.divide(p, q, out=logs)
        np.log(logs, out=logs)
        small = np.minimum(p.min(), q.min())
        least = np.minimum(small, least)
        # A quotient of such numbers has lost digits; one of counts may be beyond the floats.
        if not small > _NORMAL or not (exact or np.isfinite(logs).all()):
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


class _NearTerms:
    """log((p/Σp)/(q/Σq)) where it is near 0, with all its digits.

    The plain logarithm has an absolute error of 2e-16. With the difference of the sums added up
    from differences it is 3e-17, and with `Cross` none.
    """

    PLAIN, SUMMED = 1e-3, 1e-4

    def __init__(self, pieces: Pieces, shift: float) -> None:
        self.pieces = pieces
        # Where a shift is added to the logarithm, both round as they are large.
        self.plain = min(self.PLAIN * (1 + shift), 0.5)

    def refine(self, number: int, p: Array, q: Array, logs: Array, sizes: Array) -> None:
        """Improve the logarithms of one piece, which are of these sizes, in place."""
        flat = np.flatnonzero(sizes < self.plain)
        if not flat.size:
            return
        place = np.unravel_index(flat, p.shape)
        rows = np.unique(place[0])
        take: Any = slice(None) if len(rows) == len(p) else rows  # without a copy
        parts = [[x[take] for x in piece] for piece in self.pieces]
        found = [[sums(a - b), sums(b)] for a, b in map(_wide, parts)]
        gap, total = np.sum(found, axis=0)
        surplus = gap / total
        row = np.searchsorted(rows, place[0])
        a, b, part = p[place], q[place], np.asarray(surplus)[row]
        with_sums = ((a - b) - b * part) / (b * (1 + part))
        better = np.log1p(with_sums)
        # For sums that are far apart the difference of their entries rounds as they do.
        tiny = np.abs(better) < np.where(np.abs(part) > self.PLAIN, self.plain, self.SUMMED)
        if tiny.any():
            chosen = np.unique(row[tiny])
            take = slice(None) if len(chosen) == len(rows) else chosen
            exact = Cross([[x[take] for x in piece] for piece in parts])
            _, other, difference = exact.of([x[take] for x in parts[number]])
            where = np.searchsorted(chosen, row[tiny]), place[1][tiny]
            better[tiny] = np.log1p(difference[where] / other[where])
        # What underflows has no difference, and the plain logarithm is as good as it gets.
        logs[place] = np.where(np.isfinite(better), better, logs[place])


# From logits


#: Exponentials up to here can be summed over any number of categories.
_EXP_RANGE = 600.0

#: Below this logarithm a probability has lost digits.
_LEAST_LOG = -708.0

#: Differences of logits up to here are finite, whatever their rows begin with.
_HUGE_LOGIT = 1e290


def logits_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> bool:
    """KL(softmax(a)‖softmax(b)) as Σ p·(a − b) + log Σe^b − log Σe^a, whose terms may cancel.

    Returns whether every row has a softmax, as far as that is plain: False where something else is
    to be looked at.
    """
    a, b = parts
    a_exp, b_exp, gap = space
    tops = a.max(), b.max()
    if not max(tops) < np.inf:
        out[...] = np.nan
        return False
    if max(tops) > _EXP_RANGE:
        a, b = (
            np.subtract(x, x.max(axis=1, keepdims=True), out=y)
            for x, y in zip(parts, space, strict=False)
        )
    np.subtract(a, b, out=gap)
    np.exp(a, out=a_exp)
    np.exp(b, out=b_exp)
    a_sum, b_sum = sums(a_exp), sums(b_exp)
    products(a_exp, gap, out)
    out /= a_sum
    # The two parts round as they are large: what is much smaller has lost its digits.
    least = 0.01 * np.abs(out)
    out += np.log(b_sum / a_sum)
    out[out < least] = np.nan
    # Masked rows are nan, or 0·inf would be; so are rows of which no exponential is left.
    out[~(np.minimum(a_sum, b_sum) > 1 / np.finfo(np.float64).max ** 0.9)] = np.nan
    return True


def logits_exact(pieces: Pieces) -> tuple[Array, bool]:
    """The same from terms that are never negative; and whether every row has a softmax."""
    tops = [np.max([piece[i].max(axis=1) for piece in pieces], axis=0) for i in (0, 1)]
    tops = [top.astype(np.float64)[:, None] for top in tops]
    rests = [_log_rest([piece[i] for piece in pieces], top) for i, top in enumerate(tops)]
    found = [_logit_sums(a, b, tops, rests) for a, b in pieces]
    return of_sums(*np.sum(found, axis=0)), all(bool(np.isfinite(top).all()) for top in tops)


def _log_rest(parts: Sequence[Array], top: Array) -> Array:
    """log Σ exp(x − top) of each row, in a column: kept apart from top, which it is nothing to."""
    return np.log(np.sum([np.exp(x - top).sum(axis=1) for x in parts], axis=0))[:, None]


def _logit_sums(a: Array, b: Array, tops: Sequence[Array], rests: Sequence[Array]) -> Array:
    """Σ (p·log(p/q) − p + q), Σp and Σ(q − p) for the softmaxes p of a and q of b."""
    a, b = _wide((a, b))
    log_p, log_q = ((x - top) - rest for x, top, rest in zip((a, b), tops, rests, strict=True))
    p, q = np.exp(log_p), np.exp(log_q)
    units, unit = _gap(a, b, tops)
    units = units - (rests[0] - rests[1]) / unit
    gap = units * unit
    near = np.abs(gap) < 0.1
    surplus = np.where(near, p * np.expm1(-gap), q - p)
    terms = np.where(near, p * stable.expm1_plus(gap), (p * units) * unit + surplus)
    # A p that is too small for a float may still count, where q is smaller by far.
    lost = (log_p < _LEAST_LOG) & (gap > 1)
    terms = np.where(
        lost,
        np.exp(log_p + np.log(units - 1 / unit) + np.log(unit)) + q,
        np.where(p == 0, q, terms),
    )
    surplus = np.where(p == 0, q, surplus)
    terms[np.isneginf(b) & ~np.isneginf(a)] = np.inf
    return np.stack([np.maximum(terms, 0).sum(axis=1), p.sum(axis=1), surplus.sum(axis=1)])


#: Below this logarithm a probability has lost digits.
_LEAST_LOG = -708.0

#: Differences of logits up to here are finite, whatever their rows begin with.
_HUGE_LOGIT = 1e290


def _gap(a: Array, b: Array, tops: Sequence[Array]) -> tuple[Array, float]:
    """(a − top of a) − (b − top of b) in units, and the unit, which keeps the units finite.

    a − b and what rounding took from it are exact.

    For logits that agree but for a constant, the two differences have lost the digits that their
    difference needs.
    """
    # By a power of two, which is exact: the differences of huge logits stay finite.
    scale = 0.25 if max(np.abs(top).max() for top in tops) > _HUGE_LOGIT else 1.0
    difference, rest = stable.two_sum(scale * a, -scale * b)
    constant, constant_rest = stable.two_sum(scale * tops[0], -scale * tops[1])
    rest = np.where(np.isfinite(rest), rest, 0.0) - constant_rest
    return (difference - constant) + rest, 1 / scale


# Relatives: Hellinger, Bhattacharyya, chi-squared, Rényi


def _affinity_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    """Σ √p·√q, without a product that underflows."""
    roots = [np.sqrt(x, out=y) for x, y in zip(parts, space, strict=True)]
    products(roots[0], roots[1], out)
    return 0.0  # what is negative has made its row nan


def _hellinger_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total /= np.sqrt(s[0]) * np.sqrt(s[1])
    return np.sqrt(1 - total), precision.bound**-0.5


def _bhattacharyya_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total /= np.sqrt(s[0]) * np.sqrt(s[1])
    return -np.log(total), 1


def _affinity_exact(pieces: Pieces) -> tuple[Array, Array]:
    """1 − BC as ½·Σ(√p − √q)², and BC = Σ √(p·q), of the rows divided by their sums."""
    cross = Cross(pieces)
    roots = [np.exp2(-0.5 * power) for power in cross.powers]
    short: Any = 0.0
    affinity: Any = 0.0
    for piece in pieces:
        p, q, difference = cross.of(piece)
        both = np.maximum(np.sqrt(p) + np.sqrt(q), _SMALLEST)
        short = short + sums((difference / both) ** 2)
        # Of what was given, since a product with a sum can be too small for a float.
        given = [np.sqrt(x) * root for x, root in zip(_wide(piece), roots, strict=True)]
        affinity = affinity + sums(given[0] * given[1])
    return np.minimum(0.5 * short / cross.total, 1.0), affinity / np.sqrt(cross.total)


def _hellinger_exact(pieces: Pieces, task: Task) -> Array:
    return np.sqrt(_affinity_exact(pieces)[0])


def _bhattacharyya_exact(pieces: Pieces, task: Task) -> Array:
    short, affinity = _affinity_exact(pieces)
    return np.where(short < 0.5, -np.log1p(-short), -np.log(affinity))


HELLINGER = Kernel(_affinity_fast, _hellinger_combine, _hellinger_exact, space=2)
BHATTACHARYYA = Kernel(_affinity_fast, _bhattacharyya_combine, _bhattacharyya_exact, space=2)


def _chi2_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    """Σ p²/q, which is 1 more."""
    p, q = parts
    ratio = np.divide(p, q, out=space[0])
    least = np.minimum(p.min(), q.min())
    if not least > 0:
        ratio[p == 0] = 0
    products(p, ratio, out)
    return least


def _chi2_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total *= s[1] / s[0] / s[0]
    total -= 1
    return total, 1


def _chi2_exact(pieces: Pieces, task: Task) -> Array:
    total: Any = 0.0
    cross = Cross(pieces)
    # Before they are summed, so that only the result itself can overflow.
    weight = 1 / cross.total[:, None]
    for piece in pieces:
        p, q, difference = cross.of(piece)
        terms = (difference * weight) * (difference / np.maximum(q, _SMALLEST))
        lost = q < _NORMAL  # has no digits left that its logarithm does not have
        if lost.any():
            log = cross.log_ratio(piece)[lost]
            root = np.exp(0.5 * log)
            share = (p * weight)[lost]
            of_ratio = (share * root * np.expm1(-log)) * (root * np.expm1(-log))
            terms[lost] = np.where(share > 0, of_ratio, (q * weight)[lost])
        total = total + sums(np.where((piece[0] > 0) & (piece[1] == 0), np.inf, terms))
    return np.asarray(total)


CHI2 = Kernel(_chi2_fast, _chi2_combine, _chi2_exact)


def renyi(alpha: float) -> Kernel:
    """The Rényi divergence of an order of at least 0: that of order 1 is KL."""
    if alpha == 1:
        return KL
    if alpha == 0:
        return _RENYI_0
    if alpha == np.inf:
        return _RENYI_MAX
    if alpha < 1:
        fast, space = _renyi_fast_below_1, 2
    else:
        fast, space = _renyi_fast_above_1, 1
    return Kernel(
        partial(fast, alpha),
        partial(_renyi_combine, alpha),
        partial(_renyi_exact, alpha),
        space=space,
    )


def _renyi_fast_below_1(
    alpha: float, parts: Sequence[Array], out: Array, space: Sequence[Array]
) -> Any:
    """Σ exp(α·log p + (1 − α)·log q): of a 0, −inf, which leaves nothing."""
    a, b = (np.log(x, out=y) for x, y in zip(parts, space, strict=True))
    a *= alpha
    b *= 1 - alpha
    a += b
    np.exp(a, out=a)
    sums(a, out)
    return 0.0  # what is negative has made its row nan


def _renyi_fast_above_1(
    alpha: float, parts: Sequence[Array], out: Array, space: Sequence[Array]
) -> Any:
    """Σ p·(p/q)^(α − 1)."""
    p, q = parts
    factor = np.divide(p, q, out=space[0])
    np.log(factor, out=factor)
    factor *= alpha - 1
    np.exp(factor, out=factor)
    least = p.min()
    if not least > 0:
        factor[p == 0] = 0
        least = np.minimum(least, q.min())
    products(p, factor, out)
    return least


def _renyi_combine(
    alpha: float, total: Any, s: Any, task: Task, precision: Precision
) -> tuple[Any, Any]:
    order = alpha - 1
    shift = np.log(s[1] / s[0])
    total /= s[0]
    value = np.log(total) / order + shift
    # A ratio that is rounded is so to the power of α.
    scale = max(alpha, 1.0) / abs(order)
    return value, scale * (1 + np.abs(shift)) if task.normalize else scale


def _renyi_exact(alpha: float, pieces: Pieces, task: Task) -> Array:
    """log(1 + h)/(α − 1) with h = Σ (p^α·q^(1 − α) − α·p − (1 − α)·q), whose terms have one sign.

    Where h is near −1, or beyond the floats, it is the logarithm of the sum itself, from the
    logarithms of its terms.
    """
    order = alpha - 1
    cross = Cross(pieces)
    size: Any = 0.0
    for piece in pieces:
        size = size + sums(_renyi_terms(alpha, cross, piece))
    size = np.asarray(size) / cross.total
    usual = size < (0.5 if alpha < 1 else np.inf)
    value = np.log1p(np.where(usual, size if alpha > 1 else -size, 0.0)) / order
    if not usual.all():
        value = np.where(usual, value, _renyi_of_logs(alpha, cross, pieces))
    if alpha > 1:
        value[np.any([((p > 0) & (q == 0)).any(axis=1) for p, q in pieces], axis=0)] = np.inf
    return np.maximum(value, 0.0)


def _renyi_terms(alpha: float, cross: Cross, piece: Sequence[Array]) -> Array:
    """|p^α·q^(1 − α) − α·p − (1 − α)·q|, with p and q multiplied by the sum of the other.

    With t = log(p/q) and δ = α − 1 that is δ·(p·t − p + q) + p·(e^(δt) − 1 − δt): two parts that
    are not negative for α > 1. Below they have opposite signs, and the first is twice the second at
    least where α ≥ ½; a smaller α is that of the two exchanged.
    """
    p, q, difference = cross.of(piece)
    log = _log_ratio(cross, piece, q, difference)
    order = alpha - 1
    if alpha < 0.5:
        p, q, difference, log, order = q, p, -difference, -log, -alpha
    second = p * stable.expm1_plus(-order * log)
    second[p == 0] = 0
    first = abs(order) * stable.generalized_kl(p, q, difference, log)
    if alpha > 1:
        return first + second
    far = p * (abs(order) * np.expm1(-log) - np.expm1(order * log))
    return np.maximum(np.where(log > 1, far, first - second), 0.0)


def _log_ratio(cross: Cross, piece: Sequence[Array], q: Array, difference: Array) -> Array:
    """log of the quotient of two shares with all its digits; 0 where both are 0."""
    near = np.abs(difference) < 0.5 * q
    return np.where(near, np.log1p(difference / q), cross.log_ratio(piece))


def _renyi_of_logs(alpha: float, cross: Cross, pieces: Pieces) -> Array:
    """log Σ p^α·q^(1 − α)/(α − 1), as the largest term of each row and the others next to it."""
    order = alpha - 1
    tops, rests = [], []
    for piece in pieces:
        logs = [
            np.log(x) - power * LOG_2 - np.log(total)
            for x, power, total in zip(_wide(piece), cross.powers, cross.sums, strict=True)
        ]
        if alpha > 1:
            # Divided by the order, which may be huge.
            _, q, difference = cross.of(piece)
            terms = logs[0] / order + _log_ratio(cross, piece, q, difference)
        else:
            terms = alpha * logs[0] - order * logs[1]
        terms[(piece[0] == 0) | (piece[1] == 0)] = -np.inf
        tops.append(terms.max(axis=1))
        top = np.where(np.isfinite(tops[-1]), tops[-1], 0.0)[:, None]
        rests.append(sums(np.exp((order if alpha > 1 else 1.0) * (terms - top))))
    factor = order if alpha > 1 else 1.0
    top = np.max(tops, axis=0)
    finite = np.where(np.isfinite(top), top, 0.0)
    rest = np.sum(
        [np.exp(factor * (x - finite)) * y for x, y in zip(tops, rests, strict=True)], axis=0
    )
    return np.asarray((top + np.log(rest) / factor) * (factor / order))


def _renyi_0_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    """Σ q where p > 0."""
    p, q = parts
    np.multiply(q, p > 0, out=space[0])
    sums(space[0], out)
    return np.minimum(p.min(), q.min())


def _renyi_0_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    total /= s[1]
    return -np.log(total), 1


def _renyi_0_exact(pieces: Pieces, task: Task) -> Array:
    """From what is outside p's support, where that is less than what is inside."""
    power = _power(pieces, 1)
    inside: Any = 0.0
    outside: Any = 0.0
    for p, q in map(_wide, pieces):
        q = np.ldexp(q, -power)
        inside = inside + sums(np.where(p > 0, q, 0.0))
        outside = outside + sums(np.where(p > 0, 0.0, q))
    total = inside + outside
    return np.where(outside < inside, -np.log1p(-outside / total), -np.log(inside / total))


def _renyi_max_fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> Any:
    """nan: the largest quotient of a row in pieces is no sum."""
    out[...] = np.nan
    return 0.0


def _renyi_max_combine(total: Any, s: Any, task: Task, precision: Precision) -> tuple[Any, Any]:
    return total, 1


def _renyi_max_exact(pieces: Pieces, task: Task) -> Array:
    cross = Cross(pieces)
    found = []
    for piece in pieces:
        _, q, difference = cross.of(piece)
        logs = _log_ratio(cross, piece, q, difference)
        found.append(np.where(piece[0] > 0, logs, 0.0).max(axis=1))
    return np.maximum(np.max(found, axis=0), 0.0)


_RENYI_0 = Kernel(_renyi_0_fast, _renyi_0_combine, _renyi_0_exact)
_RENYI_MAX = Kernel(_renyi_max_fast, _renyi_max_combine, _renyi_max_exact)


# Jensen-Shannon of several


def jensen_shannon_of(weights: Sequence[float]) -> Kernel:
    """Σ wᵢ·KL(pᵢ‖m) with m = Σ wᵢ·pᵢ, for weights above 0 that sum to 1."""
    most = float(-np.dot(weights, np.log(weights)))  # each knows of a category which it is
    return Kernel(
        partial(_several_fast, weights),
        partial(_several_combine, most),
        partial(_several_exact, weights),
        space=2,
        shares=True,
    )


def _several_fast(
    weights: Sequence[float], parts: Sequence[Array], out: Array, space: Sequence[Array]
) -> Any:
    """Σ wᵢ·pᵢ·log pᵢ − m·log m."""
    logs, mean = space
    out[...] = 0
    mean[...] = 0
    part = np.empty_like(out)
    least: Any = np.inf
    for weight, p in zip(weights, parts, strict=True):
        np.log(p, out=logs)
        least = _least(p, least, logs, p)
        products(p, logs, part)
        part *= weight
        out += part
        np.multiply(p, weight, out=logs)
        mean += logs
    np.log(mean, out=logs)
    if not least > 0:
        logs[mean == 0] = 0
    products(mean, logs, part)
    out -= part
    return least


def _several_combine(
    most: float, total: Any, s: Any, task: Task, precision: Precision
) -> tuple[Any, Any]:
    total /= s[0]
    gap = np.max(s, axis=0) - np.min(s, axis=0)
    scale = np.where(gap <= 0.1 * precision.tolerance * s[0], 1.0, np.inf)
    return np.minimum(total, most), scale


def _several_exact(weights: Sequence[float], pieces: Pieces, task: Task) -> Array:
    """From the differences to the heaviest, which are exact, and so are those to the mean."""
    heavy = int(np.argmax(weights))
    pairs = [[(x[heavy], x[i]) for x in pieces] for i in range(len(weights))]
    crosses = [Cross(pair) for pair in pairs]
    total: Any = 0.0
    for number in range(len(pieces)):

        def share_and_gap(i: int, number: int = number) -> tuple[Array, Array]:
            _, q, difference = crosses[i].of(pairs[i][number])
            whole = crosses[i].total[:, None]
            return q / whole, -difference / whole

        gap: Any = sum(w * share_and_gap(i)[1] for i, w in enumerate(weights))
        mean = share_and_gap(heavy)[0] + gap
        for i, weight in enumerate(weights):
            share, own = share_and_gap(i)
            terms = stable.generalized_kl(share, mean, own - gap)
            terms[mean == 0] = 0  # too small for a float
            total = total + weight * sums(terms)
    return np.asarray(total)
