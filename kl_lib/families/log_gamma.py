"""How far log Γ lies above its tangents: the part that gamma, beta and Dirichlet share.

For a convex function f, D_f(y, x) = f(y) − f(x) − (y − x)·f′(x) is never negative (a Bregman
divergence). The KL of these families is a sum of such terms of log Γ. Computed from gammaln and
digamma it cancels twice: for y near x, and for large x, where log Γ(x) is almost x·log x − x and
the parts of that also cancel against each other. So x·log x − x is split off on paper, and what is
left, F(x) = log Γ(x) − x·log x + x, is a sum of terms that are never negative:

    F(x) = F(x + 1) + (x + 1)·log(1 + 1/x) − 1          whose D is (y + 1)·[ε − log(1 + ε)]
                                                        with ε = (y − x)/(x·(y + 1));
    F(x) ≈ −½·log x + ½·log 2π + Σ cₙ/xⁿ, x ≥ 10        (Stirling, https://dlmf.nist.gov/5.11.E1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import stable
from .quotients import itakura_saito

Array = NDArray[np.float64]

# Stirling's series serves from 10 on: the first term left out is below 1e-15 of the whole there.
_FROM = 10
_STIRLING = {
    1: 1 / 12, 3: -1 / 360, 5: 1 / 1260, 7: -1 / 1680,
    9: 1 / 1188, 11: -691 / 360360, 13: 1 / 156, 15: -3617 / 122400,
}  # fmt: skip


def bregman(y: Array, x: Array, difference: Array) -> Array:
    """D_F(y, x) for positive y and x of one shape, with `difference` = y − x."""
    small = np.minimum(x, y) < _FROM
    total = np.zeros(difference.shape)
    for k in range(_FROM if small.any() else 0):
        total += np.where(small, (y + k + 1) * _step(y + k, x + k, difference), 0.0)
    y, x = np.where(small, y + _FROM, y), np.where(small, x + _FROM, x)
    return total + 0.5 * itakura_saito(y, x, difference) + _tail(y, x, difference)


def _tail(y: Array, x: Array, difference: Array) -> Array:
    """D of Σ cₙ/xⁿ, for y and x of 10 and more."""
    # D of 1/xⁿ is (y − x)²/(x·y) times Σ (n − i)·x^(i−n)·y^(−i) over i < n.
    series, powers = np.zeros(difference.shape), np.zeros(difference.shape)
    for n in range(1, max(_STIRLING) + 1):
        powers = powers / y + n * x**-n
        series += _STIRLING.get(n, 0.0) * powers
    return (difference / x) * (difference / y) * series


def bregman_drop(
    y: Array, x: Array, difference: Array, y_rest: Array, x_rest: Array, rest: Array
) -> Array:
    """D_F(y, x) − D_F(y + y_rest, x + x_rest), exact also where the rest is tiny.

    Two large terms would cancel there. Each pair of terms is subtracted on paper, with
    (a − log(1 + a)) − (b − log(1 + b)) = (t − log(1 + t)) + b·t, t = (a − b)/(1 + b).
    `rest` is y_rest − x_rest.
    """
    y_all, x_all, all_difference = y + y_rest, x + x_rest, difference + rest
    small = np.minimum(x, y) < _FROM
    # Close y and x need their exact difference; for others it would swallow the smaller of them.
    close = np.abs(difference) < 0.5 * x
    total = np.zeros(difference.shape)
    for k in range(_FROM if small.any() else 0):
        step = _step(y + k, x + k, difference)
        step_all = _step(y_all + k, x_all + k, all_difference)
        slope_all = all_difference / (x_all + k) / (y_all + k + 1)
        grown_y, grown_x = y_rest / (y + k + 1), x_rest / (x + k)
        t_close = (difference * (grown_y + grown_x + grown_x * grown_y) - rest) / (y_all + k)
        shrunk_y, grown_x = grown_y / (y_all + k), grown_x / (x_all + k + 1)
        t_far = grown_x - shrunk_y - grown_x * shrunk_y
        t = np.where(close, t_close / (x_all + k + 1), t_far)
        drop = _subtract(t, slope_all, step, step_all)
        total += np.where(small, (y + k + 1) * drop - y_rest * step_all, 0.0)
    shift = np.where(small, float(_FROM), 0.0)
    y, x, y_all, x_all = y + shift, x + shift, y_all + shift, x_all + shift
    t_close = (difference * (x_rest / x) - rest) / y_all
    t = np.where(close, t_close, (x_rest * (y / x) - y_rest) / y_all)
    whole, whole_all = itakura_saito(y, x), itakura_saito(y_all, x_all)
    total += 0.5 * _subtract(t, all_difference / x_all, whole, whole_all)
    return total + _tail_drop(y, x, difference, y_rest, x_rest, rest)


def _tail_drop(
    y: Array, x: Array, difference: Array, y_rest: Array, x_rest: Array, rest: Array
) -> Array:
    """The drop of `_tail`, term by term where the rest is small."""
    y_all, x_all, all_difference = y + y_rest, x + x_rest, difference + rest
    log_y, log_x = np.log1p(y_rest / y), np.log1p(x_rest / x)
    linear = (rest / x) * ((difference + all_difference) / y)
    square = (all_difference / x) * (all_difference / y)
    total = np.zeros(difference.shape)
    for n, c in _STIRLING.items():
        for i in range(n):
            shrunk = np.expm1(-(n - i + 1) * log_x - (i + 1) * log_y)
            total -= c * (n - i) * x ** (i - n) * y**-i * (linear + square * shrunk)
    whole = _tail(y, x, difference) - _tail(y_all, x_all, all_difference)
    return np.where(np.maximum(log_y, log_x) < 0.5, total, whole)


def _step(y: Array, x: Array, difference: Array) -> Array:
    """ε − log(1 + ε) of the step from x to x + 1 in the formula above."""
    slope = difference / x / (y + 1)
    log = stable.log_ratio(y, x) + stable.log_ratio(x + 1, y + 1)
    return np.where(slope > -0.5, stable.minus_log1p(slope), slope - log)


def _subtract(t: Array, b: Array, whole_a: Array, whole_b: Array) -> Array:
    """(a − log(1 + a)) − (b − log(1 + b)) by t = (a − b)/(1 + b) where that is near 0."""
    near = np.abs(t) < 0.5
    return np.where(near, stable.minus_log1p(t) + b * t, whole_a - whole_b)
