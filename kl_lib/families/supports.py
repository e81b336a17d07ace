"""Which values each family can take: where dist_q excludes a value of dist_p, KL is infinite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import arrays, stable
from .counts import chance, successes, tosses
from .parameters import (
    Array,
    Rule,
    broadcast,
    checked,
    concentration,
    deviation,
    mean_count,
    probability,
    rate,
    real,
    refuse,
    scale,
)
from .uniform import check_order

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Support:
    """An interval from `low` to `high`, or the whole steps from `low` to `high`.

    `width` is high − low where that is known better than the rounded ends tell it. The ends of an
    interval have no probability, so that they do not matter. `place` is what a form of one family
    needs to be equal: loc, or loc and scale.
    """

    low: Any
    high: Any
    width: Any
    steps: bool = False
    place: tuple[Any, ...] = ()

    def __str__(self) -> str:
        ends = f"{_number(self.low)} to {_number(self.high)}"
        return f"whole steps from {ends}" if self.steps else f"values from {ends}"


def outside(p: Support, q: Support) -> NDArray[np.bool_]:
    """Where p has values that q excludes."""
    with np.errstate(all="ignore"):
        beyond = np.where(
            np.isfinite(p.high) & np.isfinite(q.high),
            np.greater(p.high, q.high),
            # The ends may overflow, the widths do not.
            np.subtract(p.low, q.low) > np.subtract(q.width, p.width),
        )
        wider = np.equal(p.low, q.low) & np.greater(p.width, q.width)
        result = np.less(p.low, q.low) | beyond | wider
        if p.steps and q.steps:
            steps, left = stable.two_sum(np.asarray(p.low), -np.asarray(q.low))
            # A sum that overflows is one of whole numbers: left is nan there.
            result |= (steps % 1 > 0) | (left % 1 > 0)
        # Whole steps are no part of the probability of an interval, nor the other way round.
        return result | (p.steps != q.steps)


def same_place(p: Support, q: Support) -> NDArray[np.bool_]:
    """Where both have one place."""
    result = np.asarray(True)
    for equal in map(np.equal, p.place, q.place):
        result = result & equal
    return result


def _number(value: Any) -> str:
    value = np.asarray(value)
    return f"{value:g}" if value.ndim == 0 else f"{value.min():g} (the lowest)"


# From parameters to a support


#: Of parameters that not every kind of a family has.
DEFAULTS = {"loc": 0.0, "scale": 1.0}


def read(values: Values, name: str, side: str, rule: Any = real) -> Array:
    """One parameter, checked: an error calls it name_side."""
    full = f"{name}_{side}"
    return checked(**{full: (values[name] if name in values else DEFAULTS[name], rule)})[full]


def _line(values: Values, side: str) -> Support:
    return Support(-np.inf, np.inf, np.inf)


def _half_line(values: Values, side: str) -> Support:
    loc = read(values, "loc", side)
    return Support(loc, np.inf, np.inf, place=(loc,))


def _above_scale(values: Values, side: str) -> Support:
    loc = read(values, "loc", side)
    return Support(loc + read(values, "scale", side, scale), np.inf, np.inf, place=(loc,))


def _between(values: Values, side: str) -> Support:
    low, high = read(values, "low", side), read(values, "high", side)
    shape, (first, last) = broadcast({"low": low, "high": high})
    check_order(side, first, last, shape)
    with np.errstate(over="ignore"):
        return Support(low, high, high - low)


def _unit(values: Values, side: str) -> Support:
    return Support(0.0, 1.0, 1.0)


def _of_width(values: Values, side: str) -> Support:
    low, width = read(values, "loc", side), read(values, "scale", side, scale)
    with np.errstate(over="ignore"):
        return Support(low, low + width, width, place=(low, width))


def _steps(loc: Any, number: Any, first: Any = 0.0) -> Support:
    """`number` steps beyond the first value, which is `first` steps from `loc`."""
    low = loc + first
    with np.errstate(over="ignore"):
        return Support(low, low + number, number, steps=True, place=(loc,))


def _bernoulli(values: Values, side: str) -> Support:
    """One that never or always happens has one value only."""
    loc = read(values, "loc", side)
    never, always = read_sure(values, side)
    return _steps(loc, np.where(never | always, 0.0, 1.0), first=always)


def read_sure(values: Values, side: str) -> NDArray[np.bool_]:
    """Whether a coin never shows 1, and whether it always does: two arrays in one."""
    if "logits" in values:
        logits, _ = arrays.read(values["logits"], f"logits_{side}")
        return np.stack([logits == -np.inf, logits == np.inf])
    probs = read(values, "probs", side, probability)
    return np.stack([probs == 0, probs == 1])


def _poisson(values: Values, side: str) -> Support:
    loc = read(values, "loc", side)
    if "rate" in values:
        never = read(values, "rate", side, mean_count) == 0
    else:
        never = arrays.read(values["log_rate"], f"log_rate_{side}")[0] == -np.inf
    return _steps(loc, np.where(never, 0.0, np.inf))


def _binomial(values: Values, side: str) -> Support:
    """One whose coin has one side only has one value only."""
    loc, n = read(values, "loc", side), read(values, "total_count", side, tosses)
    sure = read_sure(values, side)
    return _steps(loc, np.where(np.any(sure, axis=0), 0.0, n), first=np.where(sure[1], n, 0.0))


def _failures(values: Values, side: str) -> Support:
    loc = read(values, "loc", side)
    return _steps(loc, np.where(read_sure(values, side)[1], 0.0, np.inf))


def _whole_between(values: Values, side: str) -> Support:
    low, high = read(values, "low", side), read(values, "high", side)
    refuse(high < low, high, f"high_{side}", "a range of whole numbers holds one at least")
    return Support(low, high, high - low, steps=True)


def _point(values: Values, side: str) -> Support:
    return _steps(read(values, "loc", side), 0.0)


#: The support of each family of one variable, from its parameters; None for those of several.
SUPPORTS: dict[str, Callable[[Values, str], Support] | None] = {
    "normal": _line,
    "laplace": _line,
    "bernoulli": _bernoulli,
    "poisson": _poisson,
    "exponential": _half_line,
    "gamma": _half_line,
    "beta": _of_width,
    "cauchy": _line,
    "half_cauchy": _half_line,
    "gumbel": _line,
    "moyal": _line,
    "gumbel_l": _line,
    "log_gamma": _line,
    "minus_log_gamma": _line,
    "half_normal": _half_line,
    "log_normal": _half_line,
    "chi": _half_line,
    "inverse_gamma": _half_line,
    "weibull": _half_line,
    "pareto": _above_scale,
    "uniform": _between,
    "continuous_bernoulli": _unit,
    "logit_normal": _unit,
    "binomial": _binomial,
    "geometric": _failures,
    "negative_binomial": _failures,
    "discrete_uniform": _whole_between,
    "point": _point,
    "multivariate_normal": None,
    "categorical": None,
    "one_hot": None,
    "dirichlet": None,
    "von_mises": None,
    "von_mises_fisher": None,
    "power_spherical": None,
    "spherical_uniform": None,
    "multinomial": None,
    "finite": None,
    "joint": None,
    "independent": None,
    "sample": None,
    "masked": None,
    "transformed": None,
}
FAMILY_NAMES = tuple(SUPPORTS)


# What a support does not look at

_RULES: dict[str, Rule] = {
    "loc": real,
    "scale": scale,
    "rate": rate,
    "concentration": concentration,
    "concentration1": concentration,
    "concentration0": concentration,
    "mu": real,
    "sigma": deviation,
}
_RULES_OF: dict[str, dict[str, Rule]] = {
    "normal": {"scale": deviation},
    "poisson": {"rate": mean_count},
    "bernoulli": {"probs": probability},
    "binomial": {"probs": probability, "total_count": tosses},
    "geometric": {"probs": chance},
    "negative_binomial": {"probs": chance, "total_count": successes},
}


def check_parameters(family: str, values: Values, side: str) -> None:
    """Refuse a parameter of one variable that is none, for a pair whose supports say enough."""
    if SUPPORTS.get(family) is None:
        return
    for name, rule in (_RULES | _RULES_OF.get(family, {})).items():
        if name in values:
            read(values, name, side, rule)
