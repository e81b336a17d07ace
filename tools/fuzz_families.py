"""Inputs of closed forms: their parameters."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from fuzz_arrays import Inputs, each, labelled_pair, names_for, options_of, put, some
from oracle_parts import Given, shape_of


def real(rng: random.Random) -> float:
    return rng.choice([0.0, rng.gauss(0, 1), rng.gauss(0, 1), rng.gauss(0, 1e3), 1e8, 1e-8, 1e200])


def scale(rng: random.Random) -> float:
    return rng.choice([1.0, rng.random(), math.exp(rng.gauss(0, 3)), math.exp(rng.gauss(0, 40))])


def probability(rng: random.Random) -> float:
    return rng.choice([0.0, 1.0, 0.5, rng.random(), rng.random(), 1e-300, 1 - 1e-16, 1e-9])


def concentration(rng: random.Random) -> float:
    return rng.choice([1.0, 2.0, 0.5, math.exp(rng.gauss(0, 2)), math.exp(rng.gauss(0, 10))])


NO_NUMBERS = [None, "a", [None], 1j, ["1"], object(), [[1.0], [1.0, 2.0]], np.ma.array([1.0])]


def of_parameters(**kinds: Callable[[random.Random], float]) -> Inputs:
    """Scalars and small batches; q often close to p; sometimes no parameter at all."""

    def make(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
        options = some(options_of(rng), "base")
        shapes = rng.choice([[()], [()], [(2,)], [(), (3,)], [(2, 1), (3,), ()], [(2,), (3,)]])
        plain = {
            name: each(np.zeros(rng.choice(shapes)).tolist(), lambda _, kind=kind: kind(rng))
            for name, kind in kinds.items()
        }
        if rng.random() < 0.3:
            for name in plain:
                if name.endswith("_q") and rng.random() < 0.7:
                    near = rng.choice([1.0, 1 + 1e-3, 1 + 1e-8, 1 + 3e-16])
                    plain[name] = each(plain[name[:-1] + "p"], lambda x, near=near: x * near)
        given = {name: parameter(rng, x) for name, x in plain.items()}
        if rng.random() < 0.05:
            given[rng.choice(list(given))] = Given(rng.choice(NO_NUMBERS), None)
        return given, options

    return make


def parameter(rng: random.Random, plain: Any) -> Given:
    if rng.random() < 0.04:
        bad = rng.choice([math.nan, math.inf, -math.inf, -1.0, 0.0, 2.0, 1e308, 1e-320])
        plain = each(plain, lambda x: x if isinstance(plain, list) and rng.random() < 0.5 else bad)
    chance = rng.random()
    if chance < 0.2 and len(shape_of(plain)) == 1:
        names = names_for(rng, len(plain))
        return Given(pd.Series(plain, index=list(names)), plain, "float64", (names,))
    if chance < 0.6:
        return Given(plain, plain)
    return Given(np.array(plain, np.float64), plain)


def of_dirichlet(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    shape = rng.choice([(1,), (2,), (3,), (2, 3)])
    other = shape if rng.random() < 0.9 else rng.choice([shape[-1:], (3, 2), (0,), (4,)])
    p, q = (each(np.zeros(s).tolist(), lambda _: concentration(rng)) for s in (shape, other))
    if rng.random() < 0.3:
        q = each(p, lambda x: x * rng.choice([1, 1 + 1e-3, 1 + 1e-8]))
    names = ("concentration_p", "concentration_q")
    if rng.random() < 0.3 and shape_of(p) == shape_of(q):
        return dict(zip(names, labelled_pair(rng, p, q), strict=True)), {}
    given = {name: parameter(rng, x) for name, x in zip(names, (p, q), strict=True)}
    return given, some(options_of(rng), "base")


def of_mvn(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    d = rng.choice([1, 1, 2, 3])
    batches = rng.choice([[()], [()], [(2,)], [(), (2,)], [(2, 1), (3,)], [(2,), (3,)]])

    def mean() -> Any:
        return each(np.zeros((*rng.choice(batches), d)).tolist(), lambda _: rng.gauss(0, 2))

    def covariance() -> Any:
        def one() -> Any:
            a = np.array([[rng.gauss(0, 1) for _ in range(d)] for _ in range(d)])
            return (a @ a.T + rng.choice([1.0, 0.1, 1e-3]) * np.eye(d)) * math.exp(rng.gauss(0, 3))

        batch = rng.choice(batches)
        stack = [one() for _ in range(math.prod(batch))]
        return (
            ((np.array(stack) + np.array(stack).swapaxes(-1, -2)) / 2)
            .reshape((*batch, d, d))
            .tolist()
        )

    plain = {
        "loc_p": mean(),
        "covariance_matrix_p": covariance(),
        "loc_q": mean(),
        "covariance_matrix_q": covariance(),
    }
    if rng.random() < 0.1:
        name = rng.choice(list(plain))
        place = tuple(rng.randrange(n) for n in shape_of(plain[name]))
        put(plain[name], place, rng.choice([math.nan, math.inf, -50.0, 1e3]))
    if rng.random() < 0.05:
        plain["loc_q"] = [0.0] * (d + 1)
    given = {name: Given(rng.choice([x, np.array(x)]), x) for name, x in plain.items()}
    return given, some(options_of(rng), "base")


INPUTS: dict[str, tuple[Inputs, int]] = {
    "kl_bernoulli": (of_parameters(probs_p=probability, probs_q=probability), 3),
    "kl_beta": (
        of_parameters(
            concentration1_p=concentration,
            concentration0_p=concentration,
            concentration1_q=concentration,
            concentration0_q=concentration,
        ),
        1,
    ),
    "kl_dirichlet": (of_dirichlet, 1),
    "kl_exponential": (of_parameters(rate_p=scale, rate_q=scale), 3),
    "kl_gamma": (
        of_parameters(
            concentration_p=concentration,
            rate_p=scale,
            concentration_q=concentration,
            rate_q=scale,
        ),
        1,
    ),
    "kl_laplace": (of_parameters(loc_p=real, scale_p=scale, loc_q=real, scale_q=scale), 3),
    "kl_multivariate_normal": (of_mvn, 2),
    "kl_normal": (of_parameters(loc_p=real, scale_p=scale, loc_q=real, scale_q=scale), 3),
    "kl_poisson": (of_parameters(rate_p=scale, rate_q=scale), 3),
}
