"""Pairs of frozen distributions of SciPy, and what is none."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from fuzz_arrays import Inputs, each, numbers, options_of, some
from oracle_parts import Given
from oracles_scipy import Spec
from scipy import stats


def size(rng: random.Random) -> float:
    return rng.choice([1.0, rng.uniform(0.1, 5), rng.uniform(0.1, 5), math.exp(rng.gauss(0, 2))])


def place(rng: random.Random) -> float:
    return rng.choice([0.0, 0.0, 1.0, -1.0, rng.gauss(0, 2)])


def whole(rng: random.Random) -> float:
    return float(rng.choice([0, 0, 0, 1, -1, 0.5, 3]))


def share(rng: random.Random) -> float:
    return rng.choice([rng.random(), rng.random(), 0.5, 0.0, 1.0, 1e-9, 1e-300])


def mean(rng: random.Random) -> float:
    return rng.choice([0.0, rng.uniform(0, 9), rng.uniform(0, 9), 1e-8, 1e4])


def tosses(rng: random.Random) -> float:
    return float(rng.choice([0, 1, 2, 3, 5, 12]))


_PLACED = {"loc": place, "scale": size}

#: The parameters of each kind, by SciPy's names.
KINDS: dict[str, dict[str, Callable[[random.Random], float]]] = {
    **dict.fromkeys(
        ["norm", "laplace", "gumbel_r", "gumbel_l", "moyal", "cauchy", "expon", "halfcauchy",
         "halfnorm", "uniform"],
        _PLACED,
    ),
    "gamma": {"a": size, **_PLACED},
    "erlang": {"a": tosses, **_PLACED},
    "chi2": {"df": size, **_PLACED},
    "chi": {"df": size, **_PLACED},
    "invgamma": {"a": size, **_PLACED},
    "lognorm": {"s": size, **_PLACED},
    "weibull_min": {"c": size, **_PLACED},
    "pareto": {"b": size, **_PLACED},
    "beta": {"a": size, "b": size, **_PLACED},
    "bernoulli": {"p": share, "loc": whole},
    "binom": {"n": tosses, "p": share, "loc": whole},
    "poisson": {"mu": mean, "loc": whole},
    "geom": {"p": share, "loc": whole},
    "nbinom": {"n": size, "p": share, "loc": whole},
    "randint": {"low": tosses, "high": lambda rng: tosses(rng) + 1, "loc": whole},
    "vonmises": {"kappa": size, "loc": place},
}  # fmt: skip
_STEPS = ["bernoulli", "binom", "poisson", "geom", "nbinom", "randint"]


def of_frozen(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = some(options_of(rng), "base")
    names = ("dist_p", "dist_q")
    chance = rng.random()
    if chance < 0.15:
        return dict(zip(names, of_several_variables(rng), strict=True)), options
    if chance < 0.2:
        given = [one(rng, rng.choice(list(KINDS)), ()), rng.choice(no_distributions(rng))]
        rng.shuffle(given)
        return dict(zip(names, given, strict=True)), options
    kind = rng.choice(list(KINDS))
    kinds = [kind, kind]
    if rng.random() < 0.6:
        like = _STEPS if kind in _STEPS else [other for other in KINDS if other not in _STEPS]
        kinds[1] = rng.choice(like if rng.random() < 0.85 else list(KINDS))
    shapes = rng.choice([[(), ()], [(), ()], [(), ()], [(2,), ()], [(2,), (2,)], [(2, 1), (3,)]])
    p, q = (plain_of(rng, kind, shape) for kind, shape in zip(kinds, shapes, strict=True))
    if rng.random() < 0.75:  # where one begins, the other does
        q |= {name: p[name] for name in ("loc",) if name in p and name in q}
    if kinds[0] == kinds[1] and rng.random() < 0.3:
        near = rng.choice([1.0, 1 + 1e-3, 1 + 1e-8])
        q = {name: each(x, lambda y: y * near) for name, x in p.items() if name not in ("n", "p")}
        q = p | {name: x for name, x in q.items() if kinds[0] not in _STEPS or name == "mu"}
    if rng.random() < 0.06:
        side = rng.choice([p, q])
        bad = rng.choice([math.nan, math.inf, -math.inf, -1.0, 0.0, 2.5])
        side[rng.choice(list(side))] = bad
    return {
        name: frozen(kind, parameters)
        for name, kind, parameters in zip(names, kinds, (p, q), strict=True)
    }, options


def plain_of(rng: random.Random, kind: str, shape: tuple[int, ...]) -> dict[str, Any]:
    found = {
        name: each(np.zeros(shape).tolist(), lambda _, make=make: make(rng))
        for name, make in KINDS[kind].items()
    }
    if kind == "erlang" and rng.random() < 0.9:
        found["a"] = each(found["a"], lambda x: x + 1)
    if kind in ("geom", "nbinom"):  # a chance of 0 never ends
        found["p"] = each(found["p"], lambda x: x if x > 0 or rng.random() < 0.1 else 0.25)
    return found


def frozen(kind: str, parameters: dict[str, Any]) -> Given:
    shaped = {name: np.array(x) if isinstance(x, list) else x for name, x in parameters.items()}
    return Given(getattr(stats, kind)(**shaped), Spec(kind, parameters))


def one(rng: random.Random, kind: str, shape: tuple[int, ...]) -> Given:
    return frozen(kind, plain_of(rng, kind, shape))


def no_distributions(rng: random.Random) -> list[Given]:
    wrong = [None, [0.5, 0.5], np.array([0.5, 0.5]), "norm", 0.5, stats.norm, stats.poisson,
             type(stats.norm), {"a": 1.0}, stats]  # fmt: skip
    unknown = [stats.t(3), stats.logistic(), stats.skewnorm(1.0)]
    return [Given(rng.choice(wrong), None), Given(rng.choice(unknown), Spec("other", {}))]


def of_several_variables(rng: random.Random) -> list[Given]:
    """Of several variables, or lists of values; sometimes against another kind."""
    kinds = [rng.choice(["dirichlet", "multivariate_normal", "multinomial", "values"])] * 2
    if rng.random() < 0.15:
        kinds[1] = rng.choice(["dirichlet", "multivariate_normal", "multinomial", "values"])
    d = rng.choice([1, 2, 3])
    return [vector(rng, kind, d if rng.random() < 0.95 else 4) for kind in kinds]


def vector(rng: random.Random, kind: str, d: int) -> Given:
    if kind == "dirichlet":
        alpha = [size(rng) for _ in range(d + 1)]
        return Given(stats.dirichlet(alpha), Spec(kind, {"alpha": alpha}))
    if kind == "multivariate_normal":
        a = np.array([[rng.gauss(0, 1) for _ in range(d)] for _ in range(d)])
        cov = ((a @ a.T) + (a @ a.T).T) / 2 + np.eye(d)
        loc = [rng.gauss(0, 1) for _ in range(d)]
        spec = Spec(kind, {"mean": loc, "cov": cov.tolist()})
        return Given(stats.multivariate_normal(loc, cov), spec)
    [row] = numbers(rng, (1, d + 1), (-1,), False)
    total = math.fsum(row)
    row = [x / total for x in row]
    row[0] = 1.0 - math.fsum(row[1:])
    row = [abs(x) for x in row]
    if kind == "multinomial":
        n = rng.choice([0, 1, 3])
        return Given(stats.multinomial(n, row), Spec(kind, {"n": n, "p": row}))
    values = sorted(rng.sample(range(6), d + 1))
    spec = Spec(kind, {"xk": values, "pk": row})
    return Given(stats.rv_discrete(values=(values, row)), spec)


INPUTS: dict[str, tuple[Inputs, int]] = {"kl_between": (of_frozen, 6)}
