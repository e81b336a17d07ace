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

from collections.abc import Callable
from typing import Any

from .numbers import choose, elementwise, log_ratio, minus_log1p
from .quotients import itakura_saito

# Stirling's series serves from 10 on: the first term left out is below 1e-15 of the whole there.
_FROM = 10
_STIRLING = {
    1: 1 / 12, 3: -1 / 360, 5: 1 / 1260, 7: -1 / 1680,
    9: 1 / 1188, 11: -691 / 360360, 13: 1 / 156, 15: -3617 / 122400,
}  # fmt: skip


def bregman(y: Any, x: Any, difference: Any) -> Any:
    """D_F(y, x) for positive y and x of one shape, with `difference` = y − x."""
    return elementwise(_bregman, y, x, difference)


def _bregman(y: Any, x: Any, difference: Any) -> Any:
    small = (x < _FROM) | (y < _FROM)

    def rise(k: int) -> Any:
        return (y + (k + 1)) * _step(y + k, x + k, difference)

    rises = choose(small, lambda: _sum(rise), _none)
    shift = choose(small, lambda: float(_FROM), _none)
    y_10, x_10 = y + shift, x + shift
    return rises + 0.5 * itakura_saito(y_10, x_10, difference) + _tail(y_10, x_10, difference)


def _sum(rise: Callable[[int], Any]) -> Any:
    """Over the steps from a number below 10 to one above."""
    total = rise(0)
    for k in range(1, _FROM):
        total = total + rise(k)
    return total


def _none() -> float:
    return 0.0


def _step(y: Any, x: Any, difference: Any) -> Any:
    """ε − log(1 + ε) of the step from x to x + 1 in the formula above."""
    slope = difference / x / (y + 1)
    return choose(
        slope > -0.5,
        lambda: minus_log1p(slope),
        lambda: slope - (log_ratio(y, x) + log_ratio(x + 1, y + 1)),
    )


def _tail(y: Any, x: Any, difference: Any) -> Any:
    """D of Σ cₙ/xⁿ, for y and x of 10 and more."""
    # D of 1/xⁿ is (y − x)²/(x·y) times Σ (n − i)·x^(i−n)·y^(−i) over i < n.
    series, powers, power = 0.0, 0.0, 1.0
    for n in range(1, max(_STIRLING) + 1):
        power = power / x
        powers = powers / y + n * power
        if n in _STIRLING:
            series = series + _STIRLING[n] * powers
    return (difference / x) * (difference / y) * series


def bregman_drop(y: Any, x: Any, difference: Any, y_rest: Any, x_rest: Any, rest: Any) -> Any:
    """D_F(y, x) − D_F(y + y_rest, x + x_rest), exact also where the rest is tiny.

    Two large terms would cancel there. Each pair of terms is subtracted on paper, with
    (a − log(1 + a)) − (b − log(1 + b)) = (t − log(1 + t)) + b·t, t = (a − b)/(1 + b).
    `rest` is y_rest − x_rest.
    """
    return elementwise(_bregman_drop, y, x, difference, y_rest, x_rest, rest)


def _bregman_drop(y: Any, x: Any, difference: Any, y_rest: Any, x_rest: Any, rest: Any) -> Any:
    y_all, x_all, all_difference = y + y_rest, x + x_rest, difference + rest
    small = (x < _FROM) | (y < _FROM)
    # Close y and x need their exact difference; for others it would swallow the smaller of them.
    close = abs(difference) < 0.5 * x

    def rise(k: int) -> Any:
        grown_y, grown_x = y_rest / (y + k + 1), x_rest / (x + k)

        def t_close() -> Any:
            grown = difference * (grown_y + grown_x + grown_x * grown_y) - rest
            return grown / (y_all + k) / (x_all + k + 1)

        def t_far() -> Any:
            shrunk_y, shrunk_x = grown_y / (y_all + k), grown_x / (x_all + k + 1)
            return shrunk_x - shrunk_y - shrunk_x * shrunk_y

        step_all = _step(y_all + k, x_all + k, all_difference)
        slope_all = all_difference / (x_all + k) / (y_all + k + 1)
        drop = _subtract(
            choose(close, t_close, t_far),
            slope_all,
            lambda: _step(y + k, x + k, difference) - step_all,
        )
        return (y + k + 1) * drop - y_rest * step_all

    rises = choose(small, lambda: _sum(rise), _none)
    shift = choose(small, lambda: float(_FROM), _none)
    y, x, y_all, x_all = y + shift, x + shift, y_all + shift, x_all + shift
    t = choose(
        close,
        lambda: (difference * (x_rest / x) - rest) / y_all,
        lambda: (x_rest * (y / x) - y_rest) / y_all,
    )
    logs = _subtract(
        t, all_difference / x_all, lambda: itakura_saito(y, x) - itakura_saito(y_all, x_all)
    )
    return rises + 0.5 * logs + _tail_drop(y, x, difference, y_rest, x_rest, rest)


def _subtract(t: Any, b: Any, whole: Callable[[], Any]) -> Any:
    """(a − log(1 + a)) − (b − log(1 + b)) by t = (a − b)/(1 + b) where that is near 0."""
    return choose(abs(t) < 0.5, lambda: minus_log1p(t) + b * t, whole)


def _tail_drop(y: Any, x: Any, difference: Any, y_rest: Any, x_rest: Any, rest: Any) -> Any:
    """The drop of `_tail`, term by term where the rest is small."""
    y_all, x_all, all_difference = y + y_rest, x + x_rest, difference + rest

    def by_terms() -> Any:
        linear = (rest / x) * ((difference + all_difference) / y)
        square = (all_difference / x) * (all_difference / y)
        y_powers, y_losses = _powers(y, y_rest / y_all)
        x_powers, x_losses = _powers(x, x_rest / x_all)
        total = 0.0
        for n, c in _STIRLING.items():
            for i in range(n):
                lost_x, lost_y = x_losses[n - i + 1], y_losses[i + 1]
                lost = lost_x + lost_y - lost_x * lost_y
                scale = c * (n - i) * x_powers[n - i] * y_powers[i]
                total = total - scale * (linear - square * lost)
        return total

    def whole() -> Any:
        return _tail(y, x, difference) - _tail(y_all, x_all, all_difference)

    return choose((y_rest < 0.6 * y) & (x_rest < 0.6 * x), by_terms, whole)


def _powers(x: Any, share: Any) -> tuple[list[Any], list[Any]]:
    """x⁻ᵏ and 1 − (1 − share)ᵏ, for k from 0 on."""
    powers, losses = [1.0], [0.0]
    for _ in range(max(_STIRLING) + 1):
        powers.append(powers[-1] / x)
        losses.append(losses[-1] + share * (1 - losses[-1]))
    return powers, losses
