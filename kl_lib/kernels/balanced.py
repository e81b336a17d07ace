"""Rows whose sums agree but for rounding: sums of terms that need no division by the sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arithmetic import sums, wide
from .kernel import Array, Pieces

#: From p, q and p − q to terms of that order in p − q, never negative, homogeneous in p and q.
Terms = Callable[[Array, Array, Array], Array]

#: How far the sums of such rows differ, and how small what is summed may be beside them. With a
#: difference of ε the rows divided by their sums give ε·(ε + result) more in second order: 1e-14 of
#: the result, and 1e-28.
_BALANCE, _LEAST = 1e-14, 1e-16

#: Sums in between have terms that neither overflow nor lose digits.
_USUAL = 1e-200, 1e200


def balanced_or(
    exact: Callable[[Pieces], Array], terms: Terms, pieces: Pieces, order: int = 2
) -> Array:
    """Σ terms/Σp of each row; `exact` of those for which that is not sure to be exact."""
    with np.errstate(all="ignore"):
        found = [[sums(p - q), sums(p), sums(q)] for p, q in map(wide, pieces)]
        surplus, p_sums, q_sums = np.sum(found, axis=0)
        total: Any = 0.0
        for p, q in map(wide, pieces):
            difference = p - q
            if order == 1:  # the difference of the sums counts as it is
                difference -= q * (surplus / q_sums)[:, None]
            total = total + sums(terms(p, q, difference))
        value: Array = total / p_sums
        sure = (np.abs(surplus) <= _BALANCE * p_sums) & (value > _LEAST) & (value < np.inf)
        sure &= (p_sums > _USUAL[0]) & (p_sums < _USUAL[1])
    if not sure.all():
        rest: Any = slice(None) if not sure.any() else ~sure
        value[rest] = exact([[x[rest] for x in piece] for piece in pieces])
    return value
