"""Inputs of what estimates: counts, points, log densities."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
from fuzz_arrays import (
    TABLES,
    Inputs,
    each,
    garbage,
    labelled_pair,
    names_for,
    options_of,
    put,
    related,
    some,
    table,
)
from oracle_parts import Given, flat, shape_of


def of_counts(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = some(options_of(rng), "base")
    if rng.random() < 0.4:
        options["smoothing"] = rng.choice([0.5, 1, 1e-3, None, 0, -1, math.nan, "half", True])
    size = rng.choice([1, 2, 3, 5])

    def counts(n: int) -> list[float]:
        return [float(rng.choice([0, 1, 7, rng.randrange(1000), 10**9])) for _ in range(n)]

    a, b = counts(size), counts(size if rng.random() < 0.95 else size + 1)
    for row in (a, b):
        if rng.random() < 0.04:
            row[rng.randrange(len(row))] = rng.choice([0.5, -1.0, math.nan, math.inf])
    if rng.random() < 0.3 and len(a) == len(b):
        both = labelled_pair(rng, a, b)
        return dict(zip(("counts_p", "counts_q"), both, strict=True)), options
    given = [packed_counts(rng, row) for row in (a, b)]
    return dict(zip(("counts_p", "counts_q"), given, strict=True)), options


def packed_counts(rng: random.Random, row: Any) -> Given:
    if rng.random() < 0.04:
        return Given(garbage(rng), None)
    if rng.random() < 0.3 and all(math.isfinite(x) and x == int(x) for x in flat(row)):
        return Given(np.array(row, np.int64), row)
    return rng.choice([Given(row, row), Given(np.array(row), row)])


def of_points(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = {**some(options_of(rng), "base"), "subsamples": rng.choice([0, 0, 0, 0, 0, 1, -1])}
    if rng.random() < 0.6:
        options["k"] = rng.choice([1, 2, 3, 5, 0, 2.0, "1"] if rng.random() < 0.2 else [1, 2, 3])
    d = rng.choice([1, 1, 2, 3])

    def points(count: int) -> Any:
        kind = rng.choice(["normal", "normal", "whole", "scaled"])
        size = 10 ** rng.uniform(-100, 100) if kind == "scaled" else 1.0

        def entry(_: float) -> float:
            return float(rng.randrange(8)) if kind == "whole" else size * rng.gauss(0, 1)

        shape = (count,) if d == 1 and rng.random() < 0.5 else (count, d)
        return each(np.zeros(shape).tolist(), entry)

    x, y = (points(rng.choice([rng.randrange(1, 14), *range(7, 14)])) for _ in "xy")
    for plain in (x, y):
        if rng.random() < 0.02:
            place = tuple(rng.randrange(n) for n in shape_of(plain))
            put(plain, place, rng.choice([math.nan, math.inf]))
    if d > 1 and rng.random() < 0.4:
        names = tuple("abc"[:d])
        given = [
            table(rng, plain, rng.choice(["pandas", *TABLES]), [tuple(range(len(plain))), columns])
            for plain, columns in ((x, names), (y, related(rng, names)))
        ]
        return dict(zip("xy", given, strict=True)), options
    return {"x": Given(np.array(x), x), "y": Given(rng.choice([y, np.array(y)]), y)}, options


def of_samples(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = some(options_of(rng), "base")
    if rng.random() < 0.8:
        options["estimator"] = rng.choice(["k1", "k2", "k3"] * 5 + ["k4", None])
    count = rng.choice([rng.randrange(3), 2, 3, 10, 40])
    size = rng.choice([1.0, 1.0, 1e-9, 100.0])
    log_q = [rng.gauss(0, size) for _ in range(count)]
    log_p = [x + rng.gauss(0, rng.choice([size, 1e-8])) for x in log_q]
    for row in (log_p, log_q):
        if count and rng.random() < 0.07:
            row[rng.randrange(count)] = rng.choice([math.nan, math.inf, -math.inf])
    given = [Given(np.array(row), row) for row in (log_p, log_q)]
    if count and rng.random() < 0.3:
        given = list(labelled_pair(rng, log_p, log_q))
    elif rng.random() < 0.05:
        given[1] = Given(np.zeros((count, 2)), [[0.0, 0.0]] * count)
    functions = {
        name: one._replace(value=lambda x, value=one.value: value)
        for name, one in zip(("log_p", "log_q"), given, strict=True)
    }
    samples = list(range(count))
    return {**functions, "samples": Given(samples, samples)}, options


def of_entropy_counts(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = some(options_of(rng), "base")
    if rng.random() < 0.85:
        methods = ["plug-in", "miller-madow", "grassberger", "chao-shen"]
        options["method"] = rng.choice(methods * 6 + ["Chao-Shen", None, 1])
    row = some_counts(rng, rng.choice([1, 2, 3, 5, 8]))
    if rng.random() < 0.25:
        names = names_for(rng, len(row))
        return {
            "counts": table(rng, row, rng.choice(["pandas", "dict", "xarray"]), [names])
        }, options
    return {"counts": packed_counts(rng, row)}, options


def some_counts(rng: random.Random, size: int) -> list[float]:
    most = rng.choice([2, 4, 1000])
    row = [float(rng.choice([0, 1, 7, rng.randrange(most), 10**9])) for _ in range(size)]
    if most < 1000:
        row = [float(rng.randrange(most)) for _ in range(size)]
    if rng.random() < 0.04:
        row[rng.randrange(size)] = rng.choice([0.5, -1.0, math.nan, math.inf])
    return row


def of_table_counts(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = some(options_of(rng), "base")
    height, width = rng.choice([(1, 1), (1, 3), (2, 2), (2, 3), (3, 3), (5, 6)])
    rows = [some_counts(rng, width) for _ in range(height)]
    if rng.random() < 0.3:  # each of the rows tells its column
        rows = [[rows[i][0] * (i == j) for j in range(height)] for i in range(height)]
    if rng.random() < 0.05:
        return {"table": packed_counts(rng, rows[0])}, options
    if rng.random() < 0.25:
        names = [names_for(rng, n) for n in shape_of(rows)]
        return {"table": table(rng, rows, rng.choice(["pandas", "dict", "xarray"]), names)}, options
    return {"table": packed_counts(rng, rows)}, options


def of_js_counts(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    arguments, options = of_counts(rng)
    return arguments, some(options, "base")


INPUTS: dict[str, tuple[Inputs, int]] = {
    "entropy_from_counts": (of_entropy_counts, 3),
    "js_from_counts": (of_js_counts, 3),
    "mutual_information_from_counts": (of_table_counts, 3),
    "kl_from_counts": (of_counts, 3),
    "kl_knn": (of_points, 2),
    "kl_monte_carlo": (of_samples, 3),
}
