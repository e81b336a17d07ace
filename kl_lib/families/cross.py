"""KL across families, such as from a normal to a Laplace distribution.

KL(p ‖ q) is the mean of −log q under p, less the entropy of p. `MOMENTS` has for each family its
entropy and the means that it knows; `SURPRISES` has for each family the mean of −log q, made of
such means. A pair has a closed form where what the one asks the other knows, and these are
registered at the end. Pairs where one family is part of the other stand first, in the form that
does not cancel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import stable
from . import pairs
from .continuous_bernoulli import log_norm, of_log_odds, second, slope
from .dirichlet import kl_beta
from .gamma import kl_gamma
from .gumbel import kl_weibull
from .parameters import concentration, deviation, mean_count, real, scale
from .parameters import rate as rate_rule
from .registry import PAIRS, Entry, Form, NoFormError
from .special import digamma, log_gamma
from .supports import read

Parameters = Mapping[str, Any]
OfNumber = Callable[[Any], Any]

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


def _rate(values: Parameters, side: str) -> Any:
    if "scale" in values:
        return 1 / read(values, "scale", side, scale)
    if "log_rate" in values:
        return np.exp(read(values, "log_rate", side))
    return read(values, "rate", side, rate_rule)


def _at(loc: Any, of: Callable[..., Any]) -> Callable[..., Any]:
    """`of`, for an origin that is `loc` (the last argument)."""

    def moment(*arguments: Any) -> Any:
        # Where loc lies before the origin, the supports say inf.
        if np.any(np.greater(loc, arguments[-1])):
            raise NoFormError("a later loc")
        return of(*arguments)

    return moment


# Moments of p


def _normal(p: Parameters) -> Moments:
    m, s = read(p, "loc", "p"), read(p, "scale", "p", deviation)

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


def _laplace(p: Parameters) -> Moments:
    m, s = read(p, "loc", "p"), read(p, "scale", "p", scale)

    def log_laplace(t: Any) -> Any:
        x = t * s
        return np.where(x < 1, -t * m - np.log1p(-x * np.minimum(x, 1.0)), np.inf)

    return Moments(
        1 + np.log(2 * s),
        m,
        math.sqrt(2) * s,
        log_laplace=log_laplace,
        distance=lambda c: np.abs(m - c) + s * np.exp(-np.abs(m - c) / s),
    )


def _gumbel(p: Parameters) -> Moments:
    m, s = read(p, "loc", "p"), read(p, "scale", "p", scale)
    return Moments(
        np.log(s) + 1 + np.euler_gamma,
        m + np.euler_gamma * s,
        math.pi / math.sqrt(6) * s,
        log_laplace=lambda t: -t * m + log_gamma(1 + t * s),
    )


def _cauchy(p: Parameters) -> Moments:
    """So heavy in its tails that it has no mean, and nothing that grows with |x| has."""
    m, s = read(p, "loc", "p"), read(p, "scale", "p", scale)
    return Moments(
        np.log(4 * math.pi * s),
        m,
        np.inf + s,
        log_laplace=lambda t: np.inf + t * s,
        distance=lambda c: np.inf + s + c,
    )


def _exponential(p: Parameters) -> Moments:
    loc, rate = read(p, "loc", "p"), _rate(p, "p")

    def distance(c: Any) -> Any:
        wait = np.maximum(c - loc, 0.0)
        return np.abs(c - loc) + np.where(c > loc, 2 * np.exp(-rate * wait) - 1, 1.0) / rate

    return _of_gamma(np.asarray(1.0), rate, loc, distance)


def _gamma(p: Parameters) -> Moments:
    shape = read(p, "concentration", "p", concentration)
    return _of_gamma(shape, _rate(p, "p"), read(p, "loc", "p"))


def _of_gamma(a: Any, b: Any, loc: Any, distance: OfNumber | None = None) -> Moments:
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


def _beta(p: Parameters) -> Moments:
    a, b = (read(p, name, "p", concentration) for name in ("concentration1", "concentration0"))
    loc, width = read(p, "loc", "p"), read(p, "scale", "p", scale, 1.0)
    total = a + b

    def log_below(c: Any) -> Any:
        if np.any(np.not_equal(loc + width, c)):
            raise NoFormError("a narrower support")
        return np.log(width) + digamma(b) - digamma(total)

    return Moments(
        np.log(width) - kl_beta(a, b, 1, 1),
        loc + width * a / total,
        width * np.sqrt((a / total) * (b / total) / (total + 1)),
        log=_at(loc, lambda c: np.log(width) + digamma(a) - digamma(total)),
        log_below=log_below,
        log_power=_at(
            loc,
            lambda k, c: (
                k * np.log(width)
                + (log_gamma(a + k) - log_gamma(a))
                + (log_gamma(total) - log_gamma(total + k))
            ),
        ),
    )


def _continuous_bernoulli(p: Parameters) -> Moments:
    t = np.asarray(pairs.given_log_odds(p, "p"), dtype=np.float64)
    return Moments(-of_log_odds(t, 0 * t, -t), 0.5 + slope(t), np.sqrt(second(t)))


def _uniform(p: Parameters) -> Moments:
    low, high = read(p, "low", "p"), read(p, "high", "p")
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
    middle = 0.5 * (low + high)
    z = np.clip((high - low) / (2 * middle), 1e-9, 1.0)
    lower = np.where(z < 1, (1 - z) * np.log1p(-np.minimum(z, 1 - 2.0**-53)), 0.0)
    return np.log(middle) + ((1 + z) * np.log1p(z) - lower) / (2 * z) - 1


def _pareto(p: Parameters) -> Moments:
    a, s = read(p, "concentration", "p", concentration), read(p, "scale", "p", scale)
    loc = read(p, "loc", "p")
    mean = np.where(a > 1, a * s / np.maximum(a - 1, 0.0), np.inf)
    spread = np.where(a > 2, s / (a - 1) * np.sqrt(a / np.maximum(a - 2, 0.0)), np.inf)
    return Moments(
        np.log(s) - np.log(a) + 1 + 1 / a,
        loc + mean,
        spread,
        log=_same(loc, lambda c: np.log(s) + 1 / a),
        log_power=_same(
            loc,
            lambda k, c: np.where(k < a, k * np.log(s) - np.log1p(-np.minimum(k / a, 1.0)), np.inf),
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


def _log_normal(p: Parameters) -> Moments:
    mu, s, loc = read(p, "mu", "p"), read(p, "sigma", "p", deviation), read(p, "loc", "p")
    return Moments(
        mu + 0.5 * (1 + math.log(2 * math.pi)) + np.log(s),
        loc + np.exp(mu + 0.5 * s * s),
        np.exp(0.5 * np.where(s > 9, s * s, np.log(np.expm1(s * s))) + mu + 0.5 * s * s),
        log=_at(loc, lambda c: mu),
        log_power=_at(loc, lambda k, c: k * mu + 0.5 * (k * s) ** 2),
        log_variance=s * s,
    )


def _weibull(p: Parameters) -> Moments:
    k, s = read(p, "concentration", "p", concentration), read(p, "scale", "p", scale)
    loc = read(p, "loc", "p")

    def log_power(j: Any, c: Any) -> Any:
        return j * np.log(s) + log_gamma(1 + j / k)

    first = np.exp(log_power(1, loc))
    # The mean square over the squared mean, less 1.
    spread = np.expm1(log_gamma(1 + 2 / k) - 2 * log_gamma(1 + 1 / k))
    return Moments(
        np.euler_gamma * (1 - 1 / k) + np.log(s) - np.log(k) + 1,
        loc + first,
        first * np.sqrt(spread),
        log=_at(loc, lambda c: np.log(s) - np.euler_gamma / k),
        log_power=_at(loc, log_power),
        log_variance=(math.pi / k) ** 2 / 6,
    )


def _half_normal(p: Parameters) -> Moments:
    s, loc = read(p, "scale", "p", scale), read(p, "loc", "p")
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


MOMENTS: dict[str, tuple[Callable[[Parameters], Moments], set[str]]] = {
    "normal": (_normal, {"log_laplace", "distance"}),
    "laplace": (_laplace, {"log_laplace", "distance"}),
    "gumbel": (_gumbel, {"log_laplace"}),
    "cauchy": (_cauchy, {"log_laplace", "distance"}),
    "exponential": (_exponential, {"log", "log_laplace", "distance", "log_power"}),
    "gamma": (_gamma, {"log", "log_laplace", "log_power"}),
    "beta": (_beta, {"log", "log_below", "log_power"}),
    "continuous_bernoulli": (_continuous_bernoulli, set()),
    "uniform": (_uniform, {"log", "log_below", "log_laplace", "distance", "log_power"}),
    "pareto": (_pareto, {"log", "log_power", "log_variance"}),
    "log_normal": (_log_normal, {"log", "log_power", "log_variance"}),
    "weibull": (_weibull, {"log", "log_power", "log_variance"}),
    "half_normal": (_half_normal, {"log", "log_power", "log_variance"}),
}


# The mean of −log q under p


def _to_normal(q: Parameters, of: Any) -> Any:
    m, s = read(q, "loc", "q"), read(q, "scale", "q", deviation)
    square = (of.deviation / s) ** 2 + ((of.mean - m) / s) ** 2
    return np.log(s) + 0.5 * math.log(2 * math.pi) + 0.5 * square


def _to_half_normal(q: Parameters, of: Any) -> Any:
    m, s = read(q, "loc", "q"), read(q, "scale", "q", scale)
    square = (of.deviation / s) ** 2 + ((of.mean - m) / s) ** 2
    return np.log(s) + 0.5 * math.log(math.pi / 2) + 0.5 * square


def _to_laplace(q: Parameters, of: Any) -> Any:
    m, s = read(q, "loc", "q"), read(q, "scale", "q", scale)
    return np.log(2 * s) + of.distance(m) / s


def _to_gumbel(q: Parameters, of: Any) -> Any:
    m, s = read(q, "loc", "q"), read(q, "scale", "q", scale)
    log = of.log_laplace(1 / s)
    growth = np.where(np.isposinf(log), np.inf, np.exp(m / s + log))
    # It outweighs all else where it is beyond the largest float.
    return np.where(np.isinf(growth), np.inf, np.log(s) + (of.mean - m) / s + growth)


def _to_exponential(q: Parameters, of: Any) -> Any:
    rate = _rate(q, "q")
    return rate * (of.mean - read(q, "loc", "q")) - np.log(rate)


def _to_gamma(q: Parameters, of: Any) -> Any:
    a, b = read(q, "concentration", "q", concentration), _rate(q, "q")
    loc = read(q, "loc", "q")
    return log_gamma(a) - a * np.log(b) - (a - 1) * of.log(loc) + b * (of.mean - loc)


def _to_beta(q: Parameters, of: Any) -> Any:
    a, b = (read(q, name, "q", concentration) for name in ("concentration1", "concentration0"))
    loc, width = read(q, "loc", "q"), read(q, "scale", "q", scale, 1.0)
    ways = log_gamma(a) + log_gamma(b) - log_gamma(a + b)
    below, above = of.log(loc) - np.log(width), of.log_below(loc + width) - np.log(width)
    return np.log(width) + ways - (a - 1) * below - (b - 1) * above


def _to_continuous_bernoulli(q: Parameters, of: Any) -> Any:
    t = np.asarray(pairs.given_log_odds(q, "q"), dtype=np.float64)
    return log_norm(t) - t * (of.mean - 0.5)


def _to_uniform(q: Parameters, of: Any) -> Any:
    return np.log(read(q, "high", "q") - read(q, "low", "q"))


def _to_pareto(q: Parameters, of: Any) -> Any:
    a, s = read(q, "concentration", "q", concentration), read(q, "scale", "q", scale)
    return (a + 1) * of.log(read(q, "loc", "q")) - np.log(a) - a * np.log(s)


def _to_log_normal(q: Parameters, of: Any) -> Any:
    mu, s = read(q, "mu", "q"), read(q, "sigma", "q", deviation)
    log = of.log(read(q, "loc", "q"))
    square = of.log_variance / s / s + ((log - mu) / s) ** 2
    return log + np.log(s) + 0.5 * math.log(2 * math.pi) + 0.5 * square


def _to_weibull(q: Parameters, of: Any) -> Any:
    k, s = read(q, "concentration", "q", concentration), read(q, "scale", "q", scale)
    loc = read(q, "loc", "q")
    growth = np.exp(of.log_power(k, loc) - k * np.log(s))
    rest = k * np.log(s) - np.log(k) - (k - 1) * of.log(loc)
    return np.where(np.isinf(growth), np.inf, rest + growth)


SURPRISES: dict[str, tuple[Callable[[Parameters, Any], Any], set[str]]] = {
    "normal": (_to_normal, set()),
    "half_normal": (_to_half_normal, set()),
    "laplace": (_to_laplace, {"distance"}),
    "gumbel": (_to_gumbel, {"log_laplace"}),
    "exponential": (_to_exponential, set()),
    "gamma": (_to_gamma, {"log"}),
    "beta": (_to_beta, {"log", "log_below"}),
    "continuous_bernoulli": (_to_continuous_bernoulli, set()),
    "uniform": (_to_uniform, set()),
    "pareto": (_to_pareto, {"log"}),
    "log_normal": (_to_log_normal, {"log", "log_variance"}),
    "weibull": (_to_weibull, {"log", "log_power"}),
}


def _by_moments(family_p: str, family_q: str) -> Form:
    moments_of, surprise = MOMENTS[family_p][0], SURPRISES[family_q][0]

    def form(p: Parameters, q: Parameters) -> Any:
        with np.errstate(all="ignore"):
            moments = moments_of(p)
            return np.maximum(surprise(q, moments) - moments.entropy, 0.0)[()]

    return form


for _p, (_, _known) in MOMENTS.items():
    for _q, _surprise in SURPRISES.items():
        if _p != _q and _surprise[1] <= _known:
            PAIRS[_p, _q] = Entry(_by_moments(_p, _q))


# One family part of the other: in the form that does not cancel, where it applies


def _inside(family_p: str, family_q: str) -> Callable[[Form], Form]:
    """Put `form` before the one by moments, which serves where it gives None."""
    by_moments = PAIRS[family_p, family_q].form if (family_p, family_q) in PAIRS else None

    def enter(form: Form) -> Form:
        def first(p: Parameters, q: Parameters) -> Any:
            found = form(p, q)
            if found is None and by_moments is not None:
                found = by_moments(p, q)
            if found is None:
                raise NoFormError("such parameters")
            return found

        PAIRS[family_p, family_q] = Entry(first)
        return form

    return enter


def _same_loc(p: Parameters, q: Parameters) -> bool:
    return bool(np.all(np.equal(p.get("loc", 0.0), q.get("loc", 0.0))))


def _as_gamma(values: Parameters) -> dict[str, Any]:
    return {"concentration": 1.0, **values}


@_inside("exponential", "gamma")
@_inside("gamma", "exponential")
def _exponential_is_a_gamma(p: Parameters, q: Parameters) -> Any:
    if not _same_loc(p, q):
        return None
    return PAIRS["gamma", "gamma"].form(_as_gamma(p), _as_gamma(q))


@_inside("exponential", "weibull")
@_inside("weibull", "exponential")
def _exponential_is_a_weibull(p: Parameters, q: Parameters) -> Any:
    if not _same_loc(p, q):
        return None
    (k_p, s_p), (k_q, s_q) = (_as_weibull(x, side) for x, side in ((p, "p"), (q, "q")))
    return kl_weibull(k_p, s_p, k_q, s_q)


def _as_weibull(values: Parameters, side: str) -> tuple[Any, Any]:
    if "concentration" in values:
        return values["concentration"], values["scale"]
    return 1.0, values["scale"] if "scale" in values else 1 / _rate(values, side)


@_inside("beta", "uniform")
def _beta_in_a_uniform(p: Parameters, q: Parameters) -> Any:
    """That to the uniform distribution on its own interval, and what the wider one adds."""
    low, high = read(q, "low", "q"), read(q, "high", "q")
    width = read(p, "scale", "p", scale, 1.0)
    return kl_beta(p["concentration1"], p["concentration0"], 1, 1) + stable.log_ratio(
        high - low, width
    )


@_inside("uniform", "beta")
def _uniform_is_a_beta(p: Parameters, q: Parameters) -> Any:
    low, width = read(q, "loc", "q"), read(q, "scale", "q", scale, 1.0)
    if not np.all((p["low"] == low) & (p["high"] == low + width)):
        return None
    return kl_beta(1, 1, q["concentration1"], q["concentration0"])


@_inside("continuous_bernoulli", "uniform")
def _continuous_bernoulli_in_a_uniform(p: Parameters, q: Parameters) -> Any:
    t = np.asarray(pairs.given_log_odds(p, "p"), dtype=np.float64)
    more = np.log(read(q, "high", "q") - read(q, "low", "q"))
    return (of_log_odds(np.atleast_1d(t), np.zeros(1), -t).reshape(t.shape) + more)[()]


@_inside("uniform", "continuous_bernoulli")
def _uniform_is_a_continuous_bernoulli(p: Parameters, q: Parameters) -> Any:
    if not np.all(np.equal(p["low"], 0) & np.equal(p["high"], 1)):
        return None
    t = np.asarray(pairs.given_log_odds(q, "q"), dtype=np.float64)
    t, _ = np.broadcast_arrays(t, p["low"])
    return of_log_odds(0 * t, t, t)[()]


@_inside("bernoulli", "binomial")
@_inside("binomial", "bernoulli")
def _bernoulli_is_a_binomial(p: Parameters, q: Parameters) -> Any:
    if not _same_loc(p, q):
        return None
    return PAIRS["binomial", "binomial"].form({"total_count": 1.0, **p}, {"total_count": 1.0, **q})


@_inside("geometric", "negative_binomial")
@_inside("negative_binomial", "geometric")
def _geometric_is_a_negative_binomial(p: Parameters, q: Parameters) -> Any:
    if not _same_loc(p, q):
        return None
    one = PAIRS["negative_binomial", "negative_binomial"].form
    return one({"total_count": 1.0, **p}, {"total_count": 1.0, **q})


@_inside("bernoulli", "poisson")
def _bernoulli_to_poisson(p: Parameters, q: Parameters) -> Any:
    """p·log(p/λ) − p + λ, and the entropy that the rest lacks; neither is negative."""
    if not _same_loc(p, q):
        return None
    name, rule = ("log_rate", real) if "log_rate" in q else ("rate", mean_count)
    rate = read(q, name, "q", rule)
    rate = np.exp(rate) if name == "log_rate" else rate
    chance = np.asarray(pairs.chance(p), dtype=np.float64)
    chance, rate = np.broadcast_arrays(chance, rate)
    one = np.ones(chance.shape or 1)
    chance, rate, shape = np.atleast_1d(chance), np.atleast_1d(rate), chance.shape
    rest = stable.generalized_kl(1 - chance, one, -chance)
    return (stable.generalized_kl(chance, rate) + rest).reshape(shape)[()]
