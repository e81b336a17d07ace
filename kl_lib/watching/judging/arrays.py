"""A KL of two arrays: what is wrong with it, what it gave and what was meant."""

from __future__ import annotations

import numpy as np

import kl_lib
from kl_lib.errors import DistributionError

from . import reductions, results
from .arguments import Argument, Array, Axes
from .asked import Asked
from .examination import Examination, Pair
from .sides import Side, approximation, reference

#: So many rows are kept for `kl_lib.diagnose`.
KEPT = 64

#: What to do about an infinite result, and what if q was made from logits already.
INFINITE = "compute q from logits, which keeps it above 0 where p is"
MASKED = "mask logits with -inf only where p is 0"


def of_arrays(asked: Asked, p: Argument, q: Argument, result: Argument | None) -> Examination:
    """What is wrong with a call of two arrays."""
    p_side, q_side = reference(asked, p, q), approximation(asked, p, q)
    axes = _axes(asked, p_side, q_side)
    pair = _taken(asked, p, q, axes or (-1,))
    values = results.per_row(asked, result, axes)
    gave = float(np.mean(values)) if values is not None and values.size else None
    meant = _meant(p_side, q_side, p, q, axes)
    found = [
        *p_side.findings,
        *q_side.findings,
        *reductions.findings(asked, p, q, axes),
    ]
    causes = [finding for finding in found if finding.level == "mistake"]
    terms = asked.entries and axes is None
    infinite = MASKED if asked.q_holds == "logits" else INFINITE
    found += results.findings(values, q.dtype, infinite, causes, terms)
    if not found and asked.clip is not None:
        found += results.clipped(asked.clip, pair)
    one_each = {x.code: x for x in reversed(found)}
    if 303 in one_each:  # without an axis in common there is no KL, and no divisor of it
        meant = None
        one_each.pop(115, None)
    return Examination(
        tuple(one_each[code] for code in sorted(one_each)),
        gave,
        meant[0] if meant else None,
        meant[1] if meant else 0,
        pair,
    )


def _axes(asked: Asked, p: Side, q: Side) -> Axes | None:
    """The axes of the categories: those that both arguments have, or else those of the call."""
    both = [axes for axes in q.axes if axes in p.axes]
    if asked.axes in both or not (both or asked.axes is None):
        return asked.axes
    found = both or [*q.axes, *p.axes]
    return found[0] if found else None


def _meant(
    p_side: Side, q_side: Side, p: Argument, q: Argument, axes: Axes | None
) -> tuple[float, int] | None:
    """KL(p‖q) of what was probably meant: the mean of its rows, and how many."""
    if axes is None or p_side.meant is None or q_side.meant is None:
        return None
    pair = _rows(p_side.source or p, q_side.source or q, axes)
    if pair is None:
        return None
    with np.errstate(all="ignore"):
        a, b = p_side.meant(pair.p), q_side.meant(pair.q)
        a, b = a[a.sum(axis=-1) != 0], b[a.sum(axis=-1) != 0]  # what a mask has emptied
    if not len(a):
        return None
    try:
        values = kl_lib.kl_divergence(a, b, normalize=True)
    except DistributionError:
        return None
    return float(np.mean(values)), len(a)


def _rows(p: Argument, q: Argument, axes: Axes) -> Pair | None:
    """Both as rows of one shape, the categories last, if the same parts of both were fetched."""
    a, b = p.along(axes), q.along(axes)
    if a is None or b is None or (p.shape != q.shape and not (p.whole and q.whole)):
        return None
    a, b = np.broadcast_arrays(a, b)
    if len(axes) > a.ndim or not a.size:
        return None
    last = range(-len(axes), 0)
    flat = [np.moveaxis(x, axes, last) for x in (a, b)]
    categories = int(np.prod(flat[0].shape[-len(axes) :]))
    return Pair(*(x.reshape(-1, categories) for x in flat))


def _taken(asked: Asked, p: Argument, q: Argument, axes: Axes) -> Pair | None:
    """Some rows of p and q as the call takes them."""
    if max(map(len, (p.shape, q.shape))) < -min(axes):
        return None
    pair = _rows(p, q, axes)
    if pair is None:
        return None
    with np.errstate(all="ignore"):
        a, b = (
            probabilities(x[:KEPT], holds)
            for x, holds in ((pair.p, asked.p_holds), (pair.q, asked.q_holds))
        )
    return Pair(a, b)


def probabilities(values: Array, holds: str) -> Array:
    """What a call makes of entries that it takes for these."""
    if holds == "logits":
        return kl_lib.softmax(values)
    return np.exp(values) if holds == "logarithms" else values
