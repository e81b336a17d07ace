"""The laws of one variable that `kl_between` reads from SciPy: their supports and their means.

Each says its support, its entropy and the means it knows, and of another law the mean of −log its
density: the textbook's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from oracle_parts import BEYOND, INF, NoFormError, RefusedError, mp, mpf


class Law(NamedTuple):
    """A distribution of one variable; what it does not know raises `NoFormError`."""

    low: Any
    high: Any
    steps: bool = False
    entropy: Any = None
    mean: Any = None
    variance: Any = None
    known: dict[str, Callable[..., Any]] = {}  # noqa: RUF012
    surprise: Callable[[Law], Any] | None = None
    place: tuple[Any, ...] = ()

    def of(self, what: str, *arguments: Any) -> Any:
        if what not in self.known:
            raise NoFormError
        return self.known[what](*arguments)


class NoParameterError(RefusedError):
    """A parameter that is none: in a pair without a form either may be said."""

    expected = "refused, no closed form"


def positive(*numbers: Any) -> None:
    if not all(mp.isfinite(x) and x > 0 for x in numbers):
        raise RefusedError


def finite(*numbers: Any) -> None:
    if not all(mp.isfinite(x) for x in numbers):
        raise RefusedError


def only(at: Any, value: Callable[..., Any]) -> Callable[..., Any]:
    """A mean that is known for this origin alone, which is the last argument."""

    def mean(*arguments: Any) -> Any:
        if arguments[-1] != at:
            raise NoFormError
        return value(*arguments)

    return mean


HALF_LOG_2_PI = mp.log(2 * mp.pi) / 2


# On the whole line


def norm(loc: Any, scale: Any) -> Law:
    finite(loc)
    positive(scale)

    def distance(c: Any) -> Any:
        z = (loc - c) / scale
        return scale * (mp.sqrt(2 / mp.pi) * mp.exp(-z * z / 2) + z * mp.erf(z / mp.sqrt(2)))

    return Law(
        -INF,
        INF,
        entropy=HALF_LOG_2_PI + mpf(1) / 2 + mp.log(scale),
        mean=loc,
        variance=scale**2,
        known={"laplace": lambda t: mp.exp(-t * loc + (t * scale) ** 2 / 2), "distance": distance},
        surprise=lambda p: mp.log(scale) + HALF_LOG_2_PI + square(p, loc) / (2 * scale**2),
    )


def square(p: Law, c: Any) -> Any:
    """The mean of (X − c)²."""
    if p.mean is None:
        raise NoFormError
    return INF if INF in (p.mean, p.variance) else p.variance + (p.mean - c) ** 2


def laplace(loc: Any, scale: Any) -> Law:
    finite(loc)
    positive(scale)

    def transform(t: Any) -> Any:
        return mp.exp(-t * loc) / (1 - (t * scale) ** 2) if t * scale < 1 else INF

    return Law(
        -INF,
        INF,
        entropy=1 + mp.log(2 * scale),
        mean=loc,
        variance=2 * scale**2,
        known={
            "laplace": transform,
            "distance": lambda c: abs(loc - c) + scale * mp.exp(-abs(loc - c) / scale),
        },
        surprise=lambda p: mp.log(2 * scale) + p.of("distance", loc) / scale,
    )


def gumbel_r(loc: Any, scale: Any) -> Law:
    finite(loc)
    positive(scale)

    def surprise(p: Law) -> Any:
        growth = p.of("laplace", 1 / scale)
        if growth == INF:
            return INF
        return mp.log(scale) + (p.mean - loc) / scale + mp.exp(loc / scale) * growth

    return Law(
        -INF,
        INF,
        entropy=mp.log(scale) + 1 + mp.euler,
        mean=loc + mp.euler * scale,
        variance=(mp.pi * scale) ** 2 / 6,
        known={"laplace": lambda t: mp.exp(-t * loc) * mp.gamma(1 + t * scale)},
        surprise=surprise,
    )


def cauchy(loc: Any, scale: Any) -> Law:
    """Nothing that grows with |x| has a mean."""
    finite(loc)
    positive(scale)
    return Law(
        -INF,
        INF,
        entropy=mp.log(4 * mp.pi * scale),
        mean=INF,
        variance=INF,
        known={"laplace": lambda t: INF, "distance": lambda c: INF},
    )


def on_the_line(loc: Any, scale: Any) -> Law:
    """Of a family that meets its own kind alone."""
    finite(loc)
    positive(scale)
    return Law(-INF, INF)


# From a loc upwards


def gamma(a: Any, loc: Any, scale: Any) -> Law:
    finite(loc)
    positive(a, scale)

    def surprise(p: Law) -> Any:
        log = p.of("log", loc)
        if p.mean == INF:
            return INF
        return mp.loggamma(a) + a * mp.log(scale) - (a - 1) * log + (p.mean - loc) / scale

    return Law(
        loc,
        INF,
        entropy=a + mp.log(scale) + mp.loggamma(a) + (1 - a) * mp.digamma(a),
        mean=loc + a * scale,
        variance=a * scale**2,
        known={
            "log": only(loc, lambda c: mp.digamma(a) + mp.log(scale)),
            "laplace": lambda t: mp.exp(-t * loc) * (1 + t * scale) ** -a,
            "power": only(loc, lambda k, c: scale**k * mp.gamma(a + k) / mp.gamma(a)),
        },
        surprise=surprise,
        place=(loc,),
    )


def expon(loc: Any, scale: Any) -> Law:
    def distance(c: Any) -> Any:
        wait = c - loc
        if wait <= 0:
            return scale - wait
        return wait + scale * (2 * mp.exp(-wait / scale) - 1)

    def surprise(p: Law) -> Any:
        if p.mean is None:
            raise NoFormError
        return INF if p.mean == INF else mp.log(scale) + (p.mean - loc) / scale

    law = gamma(mpf(1), loc, scale)
    known = law.known | {"distance": distance}
    return law._replace(known=known, surprise=surprise, place=())


def half_of(loc: Any, scale: Any, *more: Any) -> Law:
    """Of a family from a loc upwards that meets its own kind alone, at one loc."""
    finite(loc)
    positive(scale, *more)
    return Law(loc, INF, place=(loc,))


def halfnorm(loc: Any, scale: Any) -> Law:
    finite(loc)
    positive(scale)
    return Law(
        loc,
        INF,
        entropy=(mp.log(mp.pi / 2) + 1) / 2 + mp.log(scale),
        mean=loc + scale * mp.sqrt(2 / mp.pi),
        variance=scale**2 * (1 - 2 / mp.pi),
        known={
            "log": only(loc, lambda c: mp.log(scale) - (mp.log(2) + mp.euler) / 2),
            "power": only(
                loc,
                lambda k, c: (
                    (mp.sqrt(2) * scale) ** k * mp.gamma((k + 1) / mpf(2)) / mp.sqrt(mp.pi)
                ),
            ),
            "log_variance": lambda: mp.pi**2 / 8,
        },
        surprise=lambda p: mp.log(scale) + mp.log(mp.pi / 2) / 2 + square(p, loc) / (2 * scale**2),
        place=(loc,),
    )


def lognorm(s: Any, loc: Any, scale: Any) -> Law:
    finite(loc)
    positive(s, scale)
    mu = mp.log(scale)

    def surprise(p: Law) -> Any:
        log = p.of("log", loc)
        spread = p.of("log_variance") + (log - mu) ** 2
        return log + mp.log(s) + HALF_LOG_2_PI + spread / (2 * s**2)

    return Law(
        loc,
        INF,
        entropy=mu + HALF_LOG_2_PI + mpf(1) / 2 + mp.log(s),
        mean=loc + mp.exp(mu + s**2 / 2),
        variance=mp.expm1(s**2) * mp.exp(2 * mu + s**2),
        known={
            "log": only(loc, lambda c: mu),
            "power": only(loc, lambda k, c: mp.exp(k * mu + (k * s) ** 2 / 2)),
            "log_variance": lambda: s**2,
        },
        surprise=surprise,
        place=(loc,),
    )


def weibull_min(c: Any, loc: Any, scale: Any) -> Law:
    finite(loc)
    positive(c, scale)

    def power(k: Any, _: Any) -> Any:
        return scale**k * mp.gamma(1 + k / c)

    def surprise(p: Law) -> Any:
        growth = p.of("power", c, loc)
        if growth == INF:
            return INF
        rest = c * mp.log(scale) - mp.log(c) - (c - 1) * p.of("log", loc)
        return rest + growth / scale**c

    first = power(1, loc)
    return Law(
        loc,
        INF,
        entropy=mp.euler * (1 - 1 / c) + mp.log(scale / c) + 1,
        mean=loc + first,
        variance=power(2, loc) - first**2,
        known={
            "log": only(loc, lambda _: mp.log(scale) - mp.euler / c),
            "power": only(loc, power),
            "log_variance": lambda: (mp.pi / c) ** 2 / 6,
        },
        surprise=surprise,
        place=(loc,),
    )


def pareto(b: Any, loc: Any, scale: Any) -> Law:
    finite(loc)
    positive(b, scale)
    return Law(
        loc + scale,
        INF,
        entropy=mp.log(scale / b) + 1 + 1 / b,
        mean=loc + b * scale / (b - 1) if b > 1 else INF,
        variance=scale**2 * b / ((b - 1) ** 2 * (b - 2)) if b > 2 else INF,
        known={
            "log": only(loc, lambda c: mp.log(scale) + 1 / b),
            "power": only(loc, lambda k, c: scale**k / (1 - k / b) if k < b else INF),
            "log_variance": lambda: 1 / b**2,
        },
        surprise=lambda p: (b + 1) * p.of("log", loc) - mp.log(b) - b * mp.log(scale),
        place=(loc,),
    )


# On an interval


def uniform(loc: Any, scale: Any) -> Law:
    finite(loc)
    positive(scale)
    # As floats: the upper end is their sum, rounded.
    low, high = loc, mpf(float(loc) + float(scale))
    if not low < high < BEYOND:
        raise RefusedError
    width = high - low

    def integral(x: Any) -> Any:
        return x * mp.log(x) - x if x else mpf(0)

    def distance(c: Any) -> Any:
        if c <= low or c >= high:
            return abs((low + high) / 2 - c)
        return ((high - c) ** 2 + (c - low) ** 2) / (2 * width)

    return Law(
        low,
        high,
        entropy=mp.log(width),
        mean=(low + high) / 2,
        variance=width**2 / 12,
        known={
            "log": lambda c: (integral(high - c) - integral(low - c)) / width,
            "log_below": lambda c: (integral(c - low) - integral(c - high)) / width,
            "laplace": lambda t: (mp.exp(-t * low) - mp.exp(-t * high)) / (t * width),
            "distance": distance,
            "power": lambda k, c: (
                ((high - c) ** (k + 1) - (low - c) ** (k + 1)) / ((k + 1) * width)
            ),
        },
        surprise=lambda p: mp.log(width),
    )


def beta(a: Any, b: Any, loc: Any, scale: Any) -> Law:
    finite(loc)
    positive(a, b, scale)
    ways, high = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b), loc + scale
    log = mp.log(scale) + mp.digamma(a) - mp.digamma(a + b)
    log_below = mp.log(scale) + mp.digamma(b) - mp.digamma(a + b)

    def surprise(p: Law) -> Any:
        below, above = p.of("log", loc), p.of("log_below", high)
        both = (a - 1) * (below - mp.log(scale)) + (b - 1) * (above - mp.log(scale))
        return mp.log(scale) + ways - both

    def power(k: Any, _: Any) -> Any:
        logs = mp.loggamma(a + k) - mp.loggamma(a) + mp.loggamma(a + b) - mp.loggamma(a + b + k)
        return scale**k * mp.exp(logs)

    own = (a - 1) * (log - mp.log(scale)) + (b - 1) * (log_below - mp.log(scale))
    return Law(
        loc,
        high,
        entropy=mp.log(scale) + ways - own,
        mean=loc + scale * a / (a + b),
        variance=scale**2 * a * b / ((a + b) ** 2 * (a + b + 1)),
        known={
            "log": only(loc, lambda c: log),
            "log_below": only(high, lambda c: log_below),
            "power": only(loc, power),
        },
        surprise=surprise,
        place=(loc, scale),
    )


# In steps: where each starts and ends


def steps(loc: Any, first: Any, number: Any) -> Law:
    return Law(loc + first, loc + first + number, steps=True, place=(loc,))


def chance(p: Any) -> None:
    if not 0 <= p <= 1:
        raise RefusedError


def bernoulli(p: Any, loc: Any) -> Law:
    return binom(mpf(1), p, loc)


def binom(n: Any, p: Any, loc: Any) -> Law:
    chance(p)
    finite(loc, n)
    if n < 0 or n != mp.floor(n):
        raise RefusedError
    return steps(loc, n if p == 1 else 0, 0 if p in (0, 1) else n)


def poisson(mu: Any, loc: Any) -> Law:
    finite(loc, mu)
    if mu < 0:
        raise RefusedError
    return steps(loc, 0, INF if mu else 0)


def failures(p: Any, loc: Any) -> Law:
    chance(p)
    finite(loc)
    if p == 0:  # it never ends
        raise RefusedError
    return steps(loc, 0, 0 if p == 1 else INF)


def nbinom(n: Any, p: Any, loc: Any) -> Law:
    positive(n)
    return failures(p, loc)


def randint(low: Any, high: Any, loc: Any) -> Law:
    finite(low, high, loc)
    if low >= high or low % 1 != 0 or high % 1 != 0:
        raise RefusedError
    return steps(low + loc, 0, high - 1 - low)._replace(place=())


def vonmises(kappa: Any, loc: Any) -> Law:
    finite(loc, kappa)
    if kappa < 0:
        raise RefusedError
    return Law(None, None)


LAWS: dict[str, Callable[..., Law]] = {
    "norm": norm,
    "laplace": laplace,
    "gumbel_r": gumbel_r,
    "gumbel_l": on_the_line,
    "moyal": on_the_line,
    "cauchy": cauchy,
    "expon": expon,
    "gamma": gamma,
    "erlang": gamma,
    "chi2": lambda df, loc, scale: gamma(df / 2, loc, 2 * scale),
    "chi": lambda df, loc, scale: half_of(loc, scale, df),
    "invgamma": lambda a, loc, scale: half_of(loc, scale, a),
    "halfcauchy": half_of,
    "halfnorm": halfnorm,
    "lognorm": lognorm,
    "weibull_min": weibull_min,
    "pareto": pareto,
    "uniform": uniform,
    "beta": beta,
    "bernoulli": bernoulli,
    "binom": binom,
    "poisson": poisson,
    "geom": lambda p, loc: failures(p, loc + 1),
    "nbinom": nbinom,
    "randint": randint,
    "vonmises": vonmises,
}

#: Families whose members go by several names.
FAMILY = {"erlang": "gamma", "chi2": "gamma"}
