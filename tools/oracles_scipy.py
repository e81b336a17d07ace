"""What `kl_between` of two frozen distributions of SciPy has to return.

KL(p‖q) is the mean of −log q under p, less the entropy of p: each law below says its support, its
entropy and the means it knows, and of another law the mean of −log its density. Everything is the
textbook's, with digits enough that parts may cancel. Laws of steps are summed where they are few.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from oracle_parts import (
    BEYOND,
    EITHER,
    EPS,
    INF,
    Answer,
    Given,
    NoDistributionError,
    NoFormError,
    Oracle,
    RefusedError,
    broadcast,
    exact,
    fitting,
    flat,
    in_unit,
    mp,
    mpf,
    places,
    scale_of,
    shape_of,
)
from oracles_categories import kl_row
from oracles_families import kl_dirichlet_row, kl_multivariate_normal

#: Of the parts that cancel, and what is left of parts that are equal.
DIGITS_OF_PARTS, NOTHING = 200, mpf(10) ** -150


class Spec(NamedTuple):
    """A distribution as SciPy calls it: its name and its parameters, numbers or nested lists."""

    name: str
    parameters: dict[str, Any]


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


# Of one kind: what the sums of a law in steps, or a density without moments, come to


def moyal_pair(p: dict[str, Any], q: dict[str, Any]) -> Any:
    r, d = p["scale"] / q["scale"], (p["loc"] - q["loc"]) / q["scale"]
    growth = mp.exp(-d) * 2**r * mp.gamma(mpf(1) / 2 + r) / mp.sqrt(mp.pi)
    return -mp.log(r) + ((mp.euler + mp.log(2)) * (r - 1) + d + growth - 1) / 2


def cauchy_pair(m_p: Any, s_p: Any, m_q: Any, s_q: Any) -> Any:
    return mp.log(((s_p + s_q) ** 2 + (m_p - m_q) ** 2) / (4 * s_p * s_q))


def between(law: Callable[..., Law], p: tuple[Any, ...], q: tuple[Any, ...]) -> Any:
    of = law(*p)
    surprise = law(*q).surprise
    assert surprise is not None
    return what_is_left(surprise(of), of.entropy)


def what_is_left(surprise: Any, entropy: Any) -> Any:
    if surprise == INF:
        return INF
    gap = surprise - entropy
    return gap if abs(gap) > NOTHING else mpf(0)


def coins(p: Any, q: Any) -> Any:
    return kl_row([p, 1 - p], [q, 1 - q])


def binom_row(n: Any, p: Any, most: int) -> list[Any]:
    number = int(n)
    row = [math.comb(number, k) * p**k * (1 - p) ** (number - k) for k in range(number + 1)]
    return row + [mpf(0)] * (most - number)


def binom_pair(n_p: Any, p: Any, n_q: Any, q: Any) -> Any:
    if n_p == n_q:
        return n_p * coins(p, q) if n_p else mpf(0)
    most = int(max(n_p, n_q))
    return kl_row(binom_row(n_p, p, most), binom_row(n_q, q, most))


def nbinom_pair(n_p: Any, p: Any, n_q: Any, q: Any) -> Any:
    if n_p != n_q:
        raise NoFormError
    return n_p * coins(p, q) / p


def vonmises_pair(p: dict[str, Any], q: dict[str, Any]) -> Any:
    k_p, k_q = p["kappa"], q["kappa"]
    mean = mp.besseli(1, k_p) / mp.besseli(0, k_p)
    turn = mp.cos(p["loc"] - q["loc"])
    return mp.log(mp.besseli(0, k_q) / mp.besseli(0, k_p)) + mean * (k_p - k_q * turn)


OWN_KIND: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "moyal": moyal_pair,
    "vonmises": vonmises_pair,
    "cauchy": lambda p, q: cauchy_pair(p["loc"], p["scale"], q["loc"], q["scale"]),
    "halfcauchy": lambda p, q: cauchy_pair(0, p["scale"], 0, q["scale"]),
    "gumbel_l": lambda p, q: between(gumbel_r, (-p["loc"], p["scale"]), (-q["loc"], q["scale"])),
    # A root and an inverse of gamma variables.
    "chi": lambda p, q: between(
        gamma, (p["df"] / 2, 0, 2 * p["scale"] ** 2), (q["df"] / 2, 0, 2 * q["scale"] ** 2)
    ),
    "invgamma": lambda p, q: between(
        gamma, (p["a"], 0, 1 / p["scale"]), (q["a"], 0, 1 / q["scale"])
    ),
    "bernoulli": lambda p, q: coins(p["p"], q["p"]),
    "poisson": lambda p, q: kl_row([p["mu"]], [q["mu"]]),
    "binom": lambda p, q: binom_pair(p["n"], p["p"], q["n"], q["p"]),
    "geom": lambda p, q: coins(p["p"], q["p"]) / p["p"],
    "nbinom": lambda p, q: nbinom_pair(p["n"], p["p"], q["n"], q["p"]),
    "randint": lambda p, q: mp.log((q["high"] - q["low"]) / (p["high"] - p["low"])),
}

#: Pairs in steps of which one is part of the other.
PARTS: dict[tuple[str, str], Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    ("bernoulli", "binom"): lambda p, q: binom_pair(1, p["p"], q["n"], q["p"]),
    ("binom", "bernoulli"): lambda p, q: binom_pair(p["n"], p["p"], 1, q["p"]),
    ("bernoulli", "poisson"): lambda p, q: coin_to_poisson(p["p"], q["mu"]),
}


def coin_to_poisson(p: Any, mu: Any) -> Any:
    zero, one = mp.exp(-mu), mu * mp.exp(-mu)
    return kl_row([1 - p, p, 0], [zero, one, 1 - zero - one])


#: What the reference lists: from a family to those of another kind.
ACROSS = {
    "beta": "expon gamma halfnorm norm pareto uniform weibull_min",
    "cauchy": "expon gumbel_r halfnorm laplace norm uniform",
    "expon": "gamma gumbel_r halfnorm laplace norm pareto uniform weibull_min",
    "gamma": "expon gumbel_r halfnorm norm pareto uniform weibull_min",
    "gumbel_r": "expon halfnorm norm uniform",
    "halfnorm": "expon gamma lognorm norm pareto uniform weibull_min",
    "laplace": "expon gumbel_r halfnorm norm uniform",
    "lognorm": "expon gamma halfnorm norm pareto uniform weibull_min",
    "norm": "expon gumbel_r halfnorm laplace uniform",
    "pareto": "expon gamma halfnorm lognorm norm uniform weibull_min",
    "uniform": "beta expon gamma gumbel_r halfnorm laplace norm pareto weibull_min",
    "weibull_min": "expon gamma halfnorm lognorm norm pareto uniform",
}


def outside(p: Law, q: Law) -> bool:
    """Whether p has values that q excludes."""
    if p.steps != q.steps:
        return True
    if p.steps and (p.low - q.low) % 1 != 0:
        return True
    return bool(p.low < q.low or p.high > q.high)


def of_one_pair(p: Spec, q: Spec) -> Any:
    """KL in nats, of numbers."""
    kinds = FAMILY.get(p.name, p.name), FAMILY.get(q.name, q.name)
    a, b = LAWS[p.name](**p.parameters), LAWS[q.name](**q.parameters)
    if "vonmises" in kinds and kinds[0] != kinds[1]:  # angles have no interval of their own
        if a.steps != b.steps:
            return INF
        raise NoFormError
    if "vonmises" not in kinds and outside(a, b):
        return INF
    if kinds[0] == kinds[1]:
        if a.place != b.place:
            raise NoFormError
        if kinds[0] in OWN_KIND:
            return OWN_KIND[kinds[0]](p.parameters, q.parameters)
    elif kinds in PARTS:
        if a.place != b.place:
            raise NoFormError
        return PARTS[kinds](p.parameters, q.parameters)
    elif kinds == ("geom", "nbinom") or kinds == ("nbinom", "geom"):
        if a.place != b.place:
            raise NoFormError
        one = [{"n": mpf(1), **x.parameters} for x in (p, q)]
        return OWN_KIND["nbinom"](*one)
    elif kinds[1] not in ACROSS.get(kinds[0], "").split():
        raise NoFormError
    if b.surprise is None:
        raise NoFormError
    return what_is_left(b.surprise(a), a.entropy)


def kl_between(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale = scale_of(options)
    p, q = (given.plain for given in arguments.values())
    if p is None or q is None:
        raise NoDistributionError
    several = {"multivariate_normal", "dirichlet", "multinomial", "values", "other"}
    if {p.name, q.name} & several:
        return of_several(p, q, scale, options)
    shape = broadcast(*(shape_of(x) for one in (p, q) for x in one.parameters.values()))
    numbers, refusals = [], set()
    with mp.workdps(DIGITS_OF_PARTS):
        for place in places(shape):
            pair = [
                Spec(one.name, {k: mpf(fitting(x, place)) for k, x in one.parameters.items()})
                for one in (p, q)
            ]
            try:
                number = of_one_pair(*pair)
                numbers.append(in_unit(number, scale))
            except RefusedError as refusal:
                refusals.add(type(refusal))
    if RefusedError in refusals:
        raise NoParameterError
    if refusals and numbers:
        return EITHER  # whether what is excluded comes before what has no form
    if refusals:
        raise refusals.pop()
    slack = slack_of(p, q, [x * scale for x in numbers])
    return Answer(numbers, shape, [x / abs(float(scale)) for x in slack])


def slack_of(p: Spec, q: Spec, numbers: list[Any]) -> list[float]:
    """Across families the mean of −log q and the entropy cancel: each rounds as it is large.

    The square of a chi variable's scale and the logarithm of a log-normal one's are rounded before
    they are compared, which a small distance feels by its root.
    """
    if FAMILY.get(p.name, p.name) != FAMILY.get(q.name, q.name):
        return [1e-12] * len(numbers)
    root = 0.0
    if p.name == "chi":
        root = max(float(x) for x in flat(p.parameters["df"])) ** 0.5
    if p.name == "lognorm":
        sizes = [1 + abs(float(mp.log(x))) for x in flat(p.parameters["scale"])]
        root = max(sizes) / min(float(x) for x in flat(p.parameters["s"]))
    finite_ones = [float(abs(x)) if abs(x) < BEYOND else 0.0 for x in numbers]
    return [8 * EPS * root * x**0.5 for x in finite_ones]


def of_several(p: Spec, q: Spec, scale: Any, options: dict[str, Any]) -> Any:
    """Of several variables, of lists of values, and of what has no form here."""
    if p.name != q.name or p.name == "other":
        laws = [law_of(one) for one in (p, q)]
        if None not in laws and laws[0] != laws[1]:
            return Answer([INF / scale], ())
        raise NoFormError
    a, b = p.parameters, q.parameters
    if p.name == "dirichlet":
        rows = [exact(x["alpha"]) for x in (a, b)]
        if len(rows[0]) != len(rows[1]):
            raise RefusedError
        return Answer([kl_dirichlet_row(*rows) / scale], ())
    if p.name == "multivariate_normal":
        names = ("loc_p", "covariance_matrix_p", "loc_q", "covariance_matrix_q")
        values = (a["mean"], a["cov"], b["mean"], b["cov"])
        given = {name: Given(x, x) for name, x in zip(names, values, strict=True)}
        return kl_multivariate_normal(given, options)
    if p.name == "multinomial":
        if len(a["p"]) != len(b["p"]):
            raise RefusedError
        value = INF if a["n"] != b["n"] else mpf(0)
        if a["n"] == b["n"] > 0:
            value = a["n"] * kl_row(exact(a["p"]), exact(b["p"]))
        return Answer([value / scale], (), 1e-15 * a["n"])
    values = sorted({*a["xk"], *b["xk"]})
    rows = [[dict(zip(x["xk"], x["pk"], strict=True)).get(v, 0.0) for v in values] for x in (a, b)]
    return Answer([kl_row(*map(exact, rows)) / scale], (), 1e-15)


def law_of(one: Spec) -> bool | None:
    """Whether one of several values, or an unknown one, is in steps; None where nobody says."""
    if one.name in LAWS:
        return LAWS[one.name](**{k: mpf(x) for k, x in one.parameters.items()}).steps
    return {"values": True, "multinomial": True, "other": False}.get(one.name, False)


ORACLES: dict[str, Oracle] = {"kl_between": kl_between}
