"""KL(softmax(a)‖softmax(b)), from the logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import stable
from .arithmetic import log_of_quotient, products, sums, wide
from .kernel import Array, Pieces
from .kl import of_sums

#: Exponentials up to here can be summed over any number of categories.
_EXP_RANGE = 600.0

#: Below this logarithm a probability has lost digits.
_LEAST_LOG = -708.0

#: Divergences from here on lose no digit to the square of a rounding, and none to that of logits
#: which are up to so many times larger than their roots.
_LEAST_NEAR, _MOST_SIZE = 1e-18, 500.0

#: Differences of logits up to here are finite, whatever their rows begin with.
_HUGE_LOGIT = 1e290


def fast(parts: Sequence[Array], out: Array, space: Sequence[Array]) -> bool:
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
    out += log_of_quotient(b_sum, a_sum)
    out[out < least] = np.nan
    # Masked rows are nan, or 0·inf would be; so are rows of which no exponential is left.
    out[~(np.minimum(a_sum, b_sum) > 1 / np.finfo(np.float64).max ** 0.9)] = np.nan
    return True


def exact(pieces: Pieces) -> tuple[Array, bool]:
    """The same from terms that are never negative; and whether every row has a softmax."""
    if len(pieces) > 1:
        return _exact(pieces)
    value, sure = _near(*wide(pieces[0]))
    if sure.all():
        return value, True
    rest: Any = slice(None) if not sure.any() else ~sure
    value[rest], whole = _exact([[x[rest] for x in pieces[0]]])
    return value, whole


def _near(a: Array, b: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Σ p·(e^(−g) − 1 + g) with g = log p − log q near 0, and of which rows it has all digits.

    What rounding adds to all of a row's g counts in second order. What it adds to each, as a and b
    are large, must be nothing to g.
    """
    with np.errstate(all="ignore"):
        tops = [x.max(axis=1)[:, None] for x in (a, b)]
        weights = np.exp(a - tops[0])
        total = sums(weights)
        gap = a - b
        shift = np.log(sums(np.exp(b - tops[1])) / total)[:, None] + (tops[1] - tops[0])
        size = np.abs(gap).max(axis=1) + np.abs(shift[:, 0])
        gap += shift
        largest = np.abs(gap).max(axis=1)
        small = largest < stable.SMALL  # False of nan
        factor = stable.expm1_plus_factor(gap, float(largest[small].max(initial=0.0)))
        factor *= gap
        factor *= gap
        value = np.einsum("ij,ij->i", weights, factor) / total
        sure = small & (value > _LEAST_NEAR) & (size < _MOST_SIZE * np.sqrt(value))
    return value, sure


def _exact(pieces: Pieces) -> tuple[Array, bool]:
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
    a, b = wide((a, b))
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


def _gap(a: Array, b: Array, tops: Sequence[Array]) -> tuple[Array, float]:
    """(a − top of a) − (b − top of b) in units, and the unit, which keeps the units finite.

    For logits that agree but for a constant, the two differences have lost the digits that their
    difference needs: a − b, and what rounding took from it, has them.
    """
    # By a power of two, which is exact: the differences of huge logits stay finite.
    scale = 0.25 if max(np.abs(top).max() for top in tops) > _HUGE_LOGIT else 1.0
    difference, rest = stable.two_sum(scale * a, -scale * b)
    constant, constant_rest = stable.two_sum(scale * tops[0], -scale * tops[1])
    rest = np.where(np.isfinite(rest), rest, 0.0) - constant_rest
    return (difference - constant) + rest, 1 / scale
