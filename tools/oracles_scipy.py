"""What `kl_between` of two frozen distributions of SciPy has to return.

KL(p‖q) is the mean of −log q under p, less the entropy of p, by the laws of oracles_laws.py, with
digits enough that parts may cancel. Laws of steps are summed where they are few.
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
from oracles_laws import FAMILY, LAWS, Law, NoParameterError, gamma, gumbel_r

#: Of the parts that cancel, and what is left of parts that are equal.
DIGITS_OF_PARTS, NOTHING = 200, mpf(10) ** -150


class Spec(NamedTuple):
    """A distribution as SciPy calls it: its name and its parameters, numbers or nested lists."""

    name: str
    parameters: dict[str, Any]


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
