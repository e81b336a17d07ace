"""KL across families, such as from a normal to a Laplace distribution.

KL(p ‖ q) is the mean of −log q under p, less the entropy of p. `MOMENTS` has for each family its
entropy and the means that it knows; `SURPRISES` has for each family the mean of −log q, made of
such means. A pair has a closed form where what the one asks the other knows, and these are
registered at the end. Where one family is part of the other, the form that does not cancel takes
their place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .. import stable
from . import pairs
from .continuous_bernoulli import log_norm, of_log_odds, second, slope
from .dirichlet import kl_beta
from .gamma import kl_gamma
from .numbers import generalized_kl
from .parameters import Rule, broadcast, concentration, deviation, real, scale
from .registry import PAIRS, Entry, Form, NoFormError, closed_form
from .special import digamma, log_gamma
from .supports import read

Parameters = Mapping[str, Any]
OfNumber = Callable[[Any], Any]
Reader = Callable[[Parameters, str], Any]

_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True)
class Moments:
    """What a distribution knows of itself, in nats and its own units.

    `log(c)` is the mean of log(X − c), `log_below(c)` that of log(c − X), `log_laplace(t)` the
    logarithm of the mean of e^(−t·X), `distance(m)` the mean of |X − m|, `log_power(k, c)` the
    logarithm of that of (X − c)^k, and `log_variance` the variance of log(X − loc). None: not in
    closed form.
    """

    entropy: Any
    mean: Any
    deviation: Any
    log: OfNumber | None = None
    log_below: OfNumber | None = None
    log_laplace: OfNumber | None = None
    distance: OfNumber | None = None
    log_power: Callable[[Any, Any], Any] | None = None
    log_variance: Any = None


# What reads a parameter of one side


def _given(name: str, rule: Rule, values: Parameters, side: str) -> Any:
    return read(values, name, side, rule)


_LOC = partial(_given, "loc", real)
_SCALE = partial(_given, "scale", scale)
_DEVIATION = partial(_given, "scale", deviation)
_CONCENTRATION = partial(_given, "concentration", concentration)
_ONES = partial(_given, "concentration1", concentration)
_ZEROS = partial(_given, "concentration0", concentration)
_LOW, _HIGH = partial(_given, "low", real), partial(_given, "high", real)
_MU, _SIGMA = partial(_given, "mu", real), partial(_given, "sigma", deviation)


def _rate(values: Parameters, side: str) -> Any:
    rate, unit = pairs.rate_and_scale(values, side)
    return rate / unit


def _at(loc: Any, of: Callable[..., Any]) -> Callable[..., Any]:
    """`of`, for an origin that is `loc` (the last argument)."""

    def moment(*arguments: Any) -> Any:
        # Where loc lies before the origin, the supports say inf.
        if np.any(np.greater(loc, arguments[-1])):
            raise NoFormError("a later loc")
        return of(*arguments)

    return moment


# Moments of p


def _normal(m: Any, s: Any) -> Moments:
    def distance(c: Any) -> Any:
        z = (m - c) / s
        return s * (math.sqrt(2 / math.pi) * np.exp(-0.5 * z * z) + z * _erf(z / math.sqrt(2)))

    return Moments(
        0.5 * (1 + math.log(2 * math.pi)) + np.log(s),
        m,
        s,
        log_laplace=lambda t: -t * m + 0.5 * (t * s) ** 2,
        distance=distance,
    )


def _laplace(m: Any, s: Any) -> Moments:
    def log_laplace(t: Any) -> Any:
        x = t * s
        return np.where(x < 1, -t * m - np.log1p(-x * x), np.inf)

    return Moments(
        1 + np.log(2 * s),
        m,
        math.sqrt(2) * s,
        log_laplace=log_laplace,
    )


def _gumbel(m: Any, s: Any) -> Moments:
    return Moments(
        np.log(s) + 1 + np.euler_gamma,
        m + np.euler_gamma * s,
        math.pi / math.sqrt(6) * s,
    )


def _cauchy(m: Any, s: Any) -> Moments:
    """So heavy in its tails that it has no mean, and nothing that grows with |x| has."""
    endless = np.full(np.shape(m), np.inf)
    entropy = np.log(4 * math.pi * s)
    return Moments(
        entropy,
        m,
        endless,
        log_laplace=lambda t: endless,
        distance=lambda c: np.broadcast_arrays(endless, c)[0],
    )


def _exponential(loc: Any, rate: Any) -> Moments:
    def distance(c: Any) -> Any:
        wait = np.maximum(c - loc, 0.0)
        return np.abs(c - loc) + (2 * np.exp(-rate * wait) - 1) / rate

    return _gamma(1.0, rate, loc, distance)


def _gamma(a: Any, b: Any, loc: Any, distance: OfNumber | None = None) -> Moments:
    return Moments(
        # By the KL to the exponential distribution of the same mean, which does not cancel.
        1 + np.log(a) - np.log(b) - kl_gamma(a, 1, 1, 1 / a),
        loc + a / b,
        np.sqrt(a) / b,
        log=_at(loc, lambda c: digamma(a) - np.log(b)),
        log_laplace=lambda t: -t * loc - a * np.log1p(t / b),
        distance=distance,
        log_power=_at(loc, lambda k, c: log_gamma(a + k) - log_gamma(a) - k * np.log(b)),
    )


def _beta(a: Any, b: Any, loc: Any, width: Any) -> Moments:
    total = a + b
    return Moments(
        np.log(width) - kl_beta(a, b, 1, 1),
        loc + width * a / total,
        width * np.sqrt((a / total) * (b / total) / (total + 1)),
        log=_at(loc, lambda c: np.log(width) + digamma(a) - digamma(total)),
        log_power=_at(
            loc,
            lambda k, c: (
                k * np.log(width)
                + (log_gamma(a + k) - log_gamma(a))
                + (log_gamma(total) - log_gamma(total + k))
            ),
        ),
    )


def _continuous_bernoulli(t: Any) -> Moments:
    return Moments(-of_log_odds(t, 0 * t, -t), 0.5 + slope(t), np.sqrt(second(t)))


def _uniform(low: Any, high: Any) -> Moments:
    width = high - low

    def log(c: Any) -> Any:
        return _mean_log(low - c, high - c)

    def log_laplace(t: Any) -> Any:
        x = t * width
        return -t * low + np.log(-np.expm1(-x)) - np.log(x)

    def distance(c: Any) -> Any:
        a, b = low - c, high - c
        across = 0.5 * (b * (b / width) + a * (a / width))
        return np.where((a < 0) & (b > 0), across, np.abs(0.5 * a + 0.5 * b))

    def log_power(k: Any, c: Any) -> Any:
        larger = (k + 1) * np.log(high - c)
        share = (k + 1) * np.log((low - c) / (high - c))
        return larger + np.log(-np.expm1(share)) - np.log((k + 1) * width)

    return Moments(
        np.log(width),
        low + 0.5 * width,
        width / math.sqrt(12),
        log=log,
        log_below=lambda c: _mean_log(c - high, c - low),
        log_laplace=log_laplace,
        distance=distance,
        log_power=log_power,
    )


def _mean_log(low: Any, high: Any) -> Any:
    """Of log x for x from low to high, both 0 or above."""
    middle = 0.5 * low + 0.5 * high
    z = (0.5 * high - 0.5 * low) / middle
    lower = np.where(z < 1, (1 - z) * np.log1p(-z), 0.0)
    return np.log(middle) + ((1 + z) * np.log1p(z) - lower) / (2 * z) - 1


def _pareto(a: Any, s: Any, loc: Any) -> Moments:
    mean = np.where(a > 1, a * s / (a - 1), np.inf)
    spread = np.where(a > 2, s / (a - 1) * np.sqrt(a / (a - 2)), np.inf)
    return Moments(
        np.log(s) - np.log(a) + 1 + 1 / a,
        loc + mean,
        spread,
        log=_same(loc, lambda c: np.log(s) + 1 / a),
        log_power=_same(
            loc,
            lambda k, c: np.where(k < a, k * np.log(s) - np.log1p(-k / a), np.inf),
        ),
        log_variance=1 / a / a,
    )


def _same(loc: Any, of: Callable[..., Any]) -> Callable[..., Any]:
    """As `_at`, for a distribution that starts above its loc."""

    def moment(*arguments: Any) -> Any:
        if np.any(np.not_equal(loc, arguments[-1])):
            raise NoFormError("another loc")
        return of(*arguments)

    return moment


def _log_normal(mu: Any, s: Any, loc: Any) -> Moments:
    return Moments(
        mu + 0.5 * (1 + math.log(2 * math.pi)) + np.log(s),
        loc + np.exp(mu + 0.5 * s * s),
        np.exp(mu + s * s) * np.sqrt(-np.expm1(-s * s)),
        log=_at(loc, lambda c: mu),
        log_power=_at(loc, lambda k, c: k * mu + 0.5 * (k * s) ** 2),
    )


def _weibull(k: Any, s: Any, loc: Any) -> Moments:
    first = s * np.exp(log_gamma(1 + 1 / k))
    # The mean square over the squared mean, less 1.
    spread = np.expm1(log_gamma(1 + 2 / k) - 2 * log_gamma(1 + 1 / k))
    return Moments(
        np.euler_gamma * (1 - 1 / k) + np.log(s) - np.log(k) + 1,
        loc + first,
        first * np.sqrt(spread),
        log=_at(loc, lambda c: np.log(s) - np.euler_gamma / k),
        log_variance=(math.pi / k) ** 2 / 6,
    )


def _half_normal(s: Any, loc: Any) -> Moments:
    half = 0.5 * (math.log(2) + np.euler_gamma)
    return Moments(
        0.5 * (math.log(math.pi / 2) + 1) + np.log(s),
        loc + s * math.sqrt(2 / math.pi),
        s * math.sqrt(1 - 2 / math.pi),
        log=_at(loc, lambda c: np.log(s) - half),
        log_power=_at(
            loc,
            lambda k, c: (
                k * np.log(math.sqrt(2) * s) + log_gamma(0.5 * (k + 1)) - 0.5 * math.log(math.pi)
            ),
        ),
        log_variance=math.pi**2 / 8,
    )


#: Of each family its moments, what reads the parameters that they are made of, and those that it
#: knows beyond entropy, mean and deviation, as far as a pair asks for them.
MOMENTS: dict[str, tuple[Callable[..., Moments], tuple[Reader, ...], set[str]]] = {
    "normal": (_normal, (_LOC, _DEVIATION), {"log_laplace", "distance"}),
    "laplace": (_laplace, (_LOC, _SCALE), {"log_laplace"}),
    "gumbel": (_gumbel, (_LOC, _SCALE), set()),
    "cauchy": (_cauchy, (_LOC, _SCALE), {"log_laplace", "distance"}),
    "exponential": (
        _exponential, (_LOC, _rate), {"log", "log_laplace", "distance", "log_power"}
    ),
    "gamma": (_gamma, (_CONCENTRATION, _rate, _LOC), {"log", "log_laplace", "log_power"}),
    "beta": (_beta, (_ONES, _ZEROS, _LOC, _SCALE), {"log", "log_power"}),
    "continuous_bernoulli": (_continuous_bernoulli, (pairs.given_log_odds,), set()),
    "uniform": (
        _uniform, (_LOW, _HIGH), {"log", "log_below", "log_laplace", "distance", "log_power"}
    ),
    "pareto": (_pareto, (_CONCENTRATION, _SCALE, _LOC), {"log", "log_power", "log_variance"}),
    "log_normal": (_log_normal, (_MU, _SIGMA, _LOC), {"log", "log_power"}),
    "weibull": (_weibull, (_CONCENTRATION, _SCALE, _LOC), {"log", "log_variance"}),
    "half_normal": (_half_normal, (_SCALE, _LOC), {"log", "log_power", "log_variance"}),
}  # fmt: skip


# The mean of −log q under p


def _to_normal(of: Moments, m: Any, s: Any) -> Any:
    square = (of.deviation / s) ** 2 + ((of.mean - m) / s) ** 2
    return np.log(s) + 0.5 * math.log(2 * math.pi) + 0.5 * square


def _to_half_normal(of: Moments, m: Any, s: Any) -> Any:
    square = (of.deviation / s) ** 2 + ((of.mean - m) / s) ** 2
    return np.log(s) + 0.5 * math.log(math.pi / 2) + 0.5 * square


def _to_laplace(of: Any, m: Any, s: Any) -> Any:
    return np.log(2 * s) + of.distance(m) / s


def _to_gumbel(of: Any, m: Any, s: Any) -> Any:
    log = of.log_laplace(1 / s)
    growth = np.where(np.isposinf(log), np.inf, np.exp(m / s + log))
    # It outweighs all else where it is beyond the largest float.
    return np.where(np.isinf(growth), np.inf, np.log(s) + (of.mean - m) / s + growth)


def _to_exponential(of: Moments, loc: Any, rate: Any) -> Any:
    return rate * (of.mean - loc) - np.log(rate)


def _to_gamma(of: Any, a: Any, b: Any, loc: Any) -> Any:
    return log_gamma(a) - a * np.log(b) - (a - 1) * of.log(loc) + b * (of.mean - loc)


def _to_beta(of: Any, a: Any, b: Any, loc: Any, width: Any) -> Any:
    ways = log_gamma(a) + log_gamma(b) - log_gamma(a + b)
    below, above = of.log(loc) - np.log(width), of.log_below(loc + width) - np.log(width)
    return np.log(width) + ways - (a - 1) * below - (b - 1) * above


def _to_continuous_bernoulli(of: Moments, t: Any) -> Any:
    return log_norm(t) - t * (of.mean - 0.5)


def _to_uniform(of: Moments, low: Any, high: Any) -> Any:
    return np.log(high - low)


def _to_pareto(of: Any, a: Any, s: Any, loc: Any) -> Any:
    return (a + 1) * of.log(loc) - np.log(a) - a * np.log(s)


def _to_log_normal(of: Any, mu: Any, s: Any, loc: Any) -> Any:
    log = of.log(loc)
    square = of.log_variance / s / s + ((log - mu) / s) ** 2
    return log + np.log(s) + 0.5 * math.log(2 * math.pi) + 0.5 * square


def _to_weibull(of: Any, k: Any, s: Any, loc: Any) -> Any:
    growth = np.exp(of.log_power(k, loc) - k * np.log(s))
    rest = k * np.log(s) - np.log(k) - (k - 1) * of.log(loc)
    return np.where(np.isinf(growth), np.inf, rest + growth)


#: Of each family its mean of −log q, what reads its parameters, and the moments that it asks for.
SURPRISES: dict[str, tuple[Callable[..., Any], tuple[Reader, ...], set[str]]] = {
    "normal": (_to_normal, (_LOC, _DEVIATION), set()),
    "half_normal": (_to_half_normal, (_LOC, _SCALE), set()),
    "laplace": (_to_laplace, (_LOC, _SCALE), {"distance"}),
    "gumbel": (_to_gumbel, (_LOC, _SCALE), {"log_laplace"}),
    "exponential": (_to_exponential, (_LOC, _rate), set()),
    "gamma": (_to_gamma, (_CONCENTRATION, _rate, _LOC), {"log"}),
    "beta": (_to_beta, (_ONES, _ZEROS, _LOC, _SCALE), {"log", "log_below"}),
    "continuous_bernoulli": (_to_continuous_bernoulli, (pairs.given_log_odds,), set()),
    "uniform": (_to_uniform, (_LOW, _HIGH), set()),
    "pareto": (_to_pareto, (_CONCENTRATION, _SCALE, _LOC), {"log"}),
    "log_normal": (_to_log_normal, (_MU, _SIGMA, _LOC), {"log", "log_variance"}),
    "weibull": (_to_weibull, (_CONCENTRATION, _SCALE, _LOC), {"log", "log_power"}),
}


def _by_moments(family_p: str, family_q: str, p: Parameters, q: Parameters) -> Any:
    moments_of, of_p, _ = MOMENTS[family_p]
    surprise, of_q, _ = SURPRISES[family_q]
    with np.errstate(all="ignore"):
        moments = moments_of(*(parameter(p, "p") for parameter in of_p))
        value = surprise(moments, *(parameter(q, "q") for parameter in of_q))
        return np.maximum(value - moments.entropy, 0.0)[()]


for _p, _moments in MOMENTS.items():
    for _q, _surprise in SURPRISES.items():
        if _p != _q and _surprise[2] <= _moments[2]:
            PAIRS[_p, _q] = Entry(partial(_by_moments, _p, _q))


# One family part of the other: in the form that does not cancel


@closed_form("beta", "uniform")
def _beta_in_a_uniform(p: Parameters, q: Parameters) -> Any:
    """That to the uniform distribution on its own interval, and what the wider one adds."""
    wider = stable.log_ratio(_HIGH(q, "q") - _LOW(q, "q"), _SCALE(p, "p"))
    return kl_beta(p["concentration1"], p["concentration0"], 1, 1) + wider


@closed_form("continuous_bernoulli", "uniform")
def _continuous_bernoulli_in_a_uniform(p: Parameters, q: Parameters) -> Any:
    t = pairs.given_log_odds(p, "p")
    return of_log_odds(t, 0 * t, -t) + np.log(_HIGH(q, "q") - _LOW(q, "q"))


@closed_form("bernoulli", "binomial", unless="that loc")
@closed_form("binomial", "bernoulli", unless="that loc")
def _bernoulli_is_a_binomial(p: Parameters, q: Parameters) -> Any:
    return PAIRS["binomial", "binomial"].form({"total_count": 1.0, **p}, {"total_count": 1.0, **q})


@closed_form("geometric", "negative_binomial", unless="that loc")
@closed_form("negative_binomial", "geometric", unless="that loc")
def _geometric_is_a_negative_binomial(p: Parameters, q: Parameters) -> Any:
    one = PAIRS["negative_binomial", "negative_binomial"].form
    return one({"total_count": 1.0, **p}, {"total_count": 1.0, **q})


@closed_form("bernoulli", "poisson", unless="that loc")
def _bernoulli_to_poisson(p: Parameters, q: Parameters) -> Any:
    """p·log(p/λ) − p + λ, and the entropy that the rest lacks; neither is negative."""
    rate, _ = pairs.rate_and_log(q)
    _, (chance, rate) = broadcast({"probs_p": pairs.chance(p), "rate_q": rate})
    with np.errstate(all="ignore"):
        return generalized_kl(chance, rate) + generalized_kl(1 - chance, 1 + 0 * chance, -chance)


# The same, where it holds for some parameters


def _same_loc(p: Parameters, q: Parameters) -> bool:
    return bool(np.all(np.equal(p.get("loc", 0.0), q.get("loc", 0.0))))


def _exponential_is_a_gamma(p: Parameters, q: Parameters) -> Any:
    if not _same_loc(p, q):
        return None
    return PAIRS["gamma", "gamma"].form({"concentration": 1.0, **p}, {"concentration": 1.0, **q})


def _exponential_is_a_weibull(p: Parameters, q: Parameters) -> Any:
    if not _same_loc(p, q):
        return None
    return PAIRS["weibull", "weibull"].form(_as_weibull(p, "p"), _as_weibull(q, "q"))


def _as_weibull(values: Parameters, side: str) -> Parameters:
    if "concentration" in values:
        return values
    rate, unit = pairs.rate_and_scale(values, side)
    return {"concentration": 1.0, "scale": unit / rate}


def _uniform_is_a_beta(p: Parameters, q: Parameters) -> Any:
    low, width = _LOC(q, "q"), _SCALE(q, "q")
    if not np.all((p["low"] == low) & (p["high"] == low + width)):
        return None
    return kl_beta(1, 1, q["concentration1"], q["concentration0"])


def _uniform_is_a_continuous_bernoulli(p: Parameters, q: Parameters) -> Any:
    if not np.all(np.equal(p["low"], 0) & np.equal(p["high"], 1)):
        return None
    t = pairs.given_log_odds(q, "q")
    return of_log_odds(0 * t, t, t)


def _first(of: Callable[..., Any], by_moments: Form, p: Parameters, q: Parameters) -> Any:
    found = of(p, q)
    return by_moments(p, q) if found is None else found


for _pair, _of in {
    ("exponential", "gamma"): _exponential_is_a_gamma,
    ("gamma", "exponential"): _exponential_is_a_gamma,
    ("exponential", "weibull"): _exponential_is_a_weibull,
    ("weibull", "exponential"): _exponential_is_a_weibull,
    ("uniform", "beta"): _uniform_is_a_beta,
    ("uniform", "continuous_bernoulli"): _uniform_is_a_continuous_bernoulli,
}.items():
    PAIRS[_pair] = Entry(partial(_first, _of, PAIRS[_pair].form))
