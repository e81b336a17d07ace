"""Inputs of the functions over categories: pairs, tables, logits, labels alone."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from fuzz_arrays import (
    FLOATS,
    TABLES,
    Inputs,
    axes_in,
    damage,
    each,
    garbage,
    labelled_pair,
    left_out,
    mask_in,
    names_for,
    numbers,
    one_given,
    options_of,
    other_shape,
    packed,
    packed_mask,
    put,
    related,
    some,
    table,
)
from oracle_parts import Given, at, flat, places, shape_of

# Distributions

SHAPES = [(2,), (3,), (5,), (1,), (2, 3), (3, 3), (1, 4), (2, 1, 3), (2, 2, 2)]


def inputs(rng: random.Random) -> Iterator[tuple[Given, Given, dict[str, Any]]]:
    """Pairs for `kl_divergence` and `diagnose`, with the options of both."""
    while True:
        options = some(options_of(rng), "axis", "base", "normalize", "generalized")
        if isinstance(options.get("axis"), tuple):
            del options["axis"]
        arguments = pair(rng, options)
        yield arguments["p"], arguments["q"], options


def pair(rng: random.Random, options: dict[str, Any]) -> dict[str, Given]:
    """p and q, and the mask where the options say so; there it is none of them afterwards."""
    masses = bool(options.get("normalize") or options.get("generalized"))
    masked = options.pop("where", False)
    shape = rng.choice(SHAPES)
    if isinstance(options.get("axis"), tuple):  # which needs axes to be one
        shape = rng.choice(SHAPES[-5:])
    axes = axes_in(options, shape)
    mask = mask_in(rng, shape, axes) if masked else None

    def fitting_mask(p: Given, q: Given) -> dict[str, Given]:
        where = {} if mask is None else {"where": packed_mask(rng, mask, p)}
        return {"p": p, "q": q, **where}

    if rng.random() < 0.2:
        p, q = (numbers(rng, shape, axes, masses, mask) for _ in "pq")
        return fitting_mask(*labelled_pair(rng, p, q))
    p_given = one_given(rng, shape, axes, masses, mask)
    if rng.random() < 0.1 and p_given.plain is not None and p_given.dtype == "float64":
        near = each(p_given.plain, lambda x: x * (1 + rng.choice([0, 1e-3, 1e-8, 1e-15])))
        return fitting_mask(p_given, packed(rng, near))
    other = shape if rng.random() < 0.9 else other_shape(rng, shape)
    own = mask if other == shape else None
    return fitting_mask(p_given, one_given(rng, other, axes_in(options, other), masses, own))


def of_pairs(*names: str) -> Inputs:
    def make(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
        options = some(options_of(rng), *names)
        return pair(rng, options), options

    return make


def of_orders(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    arguments, options = of_pairs("axis", "base", "normalize", "keepdims", "where")(rng)
    alpha = rng.choice([0, 0.1, 0.5, 1 - 1e-9, 1, 1 + 1e-6, 2, 3.5, math.inf, -1, math.nan, "2"])
    return arguments | {"alpha": Given(alpha, None, "float64")}, options


def of_one(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    arguments, options = of_pairs("axis", "base", "normalize", "keepdims", "where")(rng)
    del arguments["q"]
    return arguments, options


def of_matrix(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = some(options_of(rng), "base", "normalize")
    count, masses = rng.choice([1, 2, 3, 4]), "normalize" in options
    shapes = [(rng.choice([1, 2, 3]), count) for _ in "pq"]
    if rng.random() < 0.1:
        shapes[1] = other_shape(rng, shapes[1])
    if rng.random() < 0.3 and len(shapes[1]) == 2 and 0 not in shapes[1]:
        p, q = (numbers(rng, shape, (-1,), masses) for shape in shapes)
        if shapes[0][1] == shapes[1][1]:
            p_given, q_given = labelled_pair(rng, p, q, same_rows=False)
            return {"p": p_given, "q": q_given}, options
    p_given, q_given = (one_given(rng, shape, (-1,), masses) for shape in shapes)
    return {"p": p_given, "q": q_given}, options


def of_joint(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = some(options_of(rng), "base", "normalize")
    shape = rng.choice([(2, 2), (3, 2), (1, 3), (2, 1), (2, 2, 3), (3,), (2, 0), (1, 2, 2, 2)])
    if rng.random() < 0.04:
        return {"joint": Given(garbage(rng), None)}, options
    count = math.prod(shape)
    [row] = numbers(rng, (1, count), (-1,), "normalize" in options) if count else [[]]
    if rng.random() < 0.2 and len(shape) == 2 and count:  # independent: a product of marginals
        tops, sides = (numbers(rng, (n,), (-1,), False) for n in shape)
        row = [x * y for x in tops for y in sides]
    if len(shape) > 2 and count:
        per = shape[-1] * shape[-2]
        parts = [numbers(rng, (per,), (-1,), "normalize" in options) for _ in range(count // per)]
        row = flat(parts)
    plain = np.reshape(np.array(row, np.float64), shape).tolist()
    if rng.random() < 0.1:
        plain = damage(rng, plain)
    if len(shape) == 2 and count and rng.random() < 0.3:
        names = [names_for(rng, n) for n in shape]
        return {"joint": table(rng, plain, rng.choice(["pandas", "xarray"]), names)}, options
    return {"joint": packed(rng, plain)}, options


def of_known(*names: str) -> Inputs:
    """Tables of two variables of which one is known."""

    def make(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
        options = some(options_of(rng), "base", "normalize")
        if rng.random() < 0.6:
            options["given"] = rng.choice(["rows", "columns", "columns"] * 6 + ["row", None, 0])
        shape = rng.choice([(2, 2), (3, 2), (1, 3), (2, 1), (3, 3), (2, 2, 3), (3, 1, 2, 2), (3,)])
        masses = "normalize" in options
        axes = (-2, -1) if len(shape) > 1 else (-1,)
        plain = [sparse_rows(rng, numbers(rng, shape, axes, True), masses) for _ in names]
        if len(names) == 2 and rng.random() < 0.25:
            both = labelled_pair(rng, *plain)
            return dict(zip(names, both, strict=True)), options
        given = [damaged_table(rng, x) for x in plain]
        if len(names) == 2 and rng.random() < 0.2:
            other = rng.choice(
                [shape[-2:], shape[-2:], (2, *shape), (1, *shape), other_shape(rng, shape)]
            )
            axes = (-2, -1) if len(other) > 1 else (-1,)
            given[1] = packed(rng, sparse_rows(rng, numbers(rng, other, axes, True), masses))
        if len(names) == 1 and len(shape) > 1 and rng.random() < 0.25:
            labels = [names_for(rng, n) for n in shape]
            given = [table(rng, plain[0], rng.choice(["pandas", "xarray"]), labels)]
        return dict(zip(names, given, strict=True)), options

    return make


def sparse_rows(rng: random.Random, plain: Any, masses: bool) -> Any:
    """Tables of which some rows and columns may be empty; divided by their sums, if not masses."""
    shape = shape_of(plain)
    if len(shape) < 2 or 0 in shape:
        return plain
    for place in places(shape[:-2]):
        table_of = at(plain, place)
        if rng.random() < 0.3:
            gone = rng.randrange(shape[-2]), rng.randrange(shape[-1])
            for i, j in places(shape[-2:]):
                if (i == gone[0] or j == gone[1]) and rng.random() < 0.6:
                    table_of[i][j] = 0.0
        total = math.fsum(flat(table_of))
        if total == 0:
            table_of[0][0] = total = 1.0
        if not masses and 0 < total < math.inf:
            for i, j in places(shape[-2:]):
                table_of[i][j] /= total
    return plain


def damaged_table(rng: random.Random, plain: Any) -> Given:
    if rng.random() < 0.04:
        return Given(garbage(rng), None)
    return packed(rng, damage(rng, plain) if rng.random() < 0.1 else plain)


def of_several(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    """Several distributions, as a table or as a list with labels, and their weights."""
    options = some(options_of(rng), "base", "normalize")
    masses = "normalize" in options
    count, size = rng.choice([1, 2, 3, 3, 4]), rng.choice([1, 2, 3, 4])
    batch = rng.choice([(), (), (), (2,), (2, 1)])
    arguments = {"distributions": several(rng, batch, count, size, masses)}
    if rng.random() < 0.6:
        own = (count,) if rng.random() < 0.92 else rng.choice([(count + 1,), (1, count), (0,)])
        arguments["weights"] = one_given(rng, own, (-1,), masses)
    return arguments, options


def several(
    rng: random.Random, batch: tuple[int, ...], count: int, size: int, masses: bool
) -> Given:
    if rng.random() < 0.04:
        return Given(garbage(rng), None)
    if rng.random() < 0.06:
        empty = rng.choice([(0, size), (count, 0), (0, count, size), (size,)])
        return packed(rng, numbers(rng, empty, (-1,), masses))
    if rng.random() < 0.35:
        shape = (*batch[:1], size)
        kind = rng.choice(["pandas", "pandas", *TABLES])
        labels = [tuple(f"c{i}" for i in range(n)) for n in shape]
        listed = {}
        for i in range(count):
            plain = numbers(rng, shape, (-1,), masses)
            own = [labels[0], related(rng, labels[-1])][-len(shape) :]
            listed[str(i)] = table(rng, plain, kind, own)
        if len({one.labels is None for one in listed.values()}) == 1 and listed["0"].labels:
            return Given([one.value for one in listed.values()], listed)
    shape = (*batch, count, size)
    plain = numbers(rng, shape, (-1,), masses)
    if rng.random() < 0.2 and count > 1:  # almost the same
        for place in places(batch):
            first = at(plain, place)[0]
            for i in range(1, count):
                at(plain, place)[i] = [x * (1 + rng.choice([0, 1e-9, 1e-15])) for x in first]
    if rng.random() < 0.2:
        return table(
            rng, plain, rng.choice(["pandas", "xarray"]), [names_for(rng, n) for n in shape]
        )
    return damaged_table(rng, plain)


EDGES = [0.0, -0.0, 5e-324, 1e-310, 1.7e308, -1.7e308, 1e300, 745.2, -745.2, 36.7, 1e16, -1e16]


def logits(rng: random.Random, shape: tuple[int, ...]) -> Any:
    kind = rng.choice(["usual", "usual", "wide", "lifted", "edge", "masked", "constant", "far"])
    shift = rng.choice([0.0, 1e5, -1e10, 1e300])
    lift = rng.choice([-370.0, 370.0, 420.0])  # as far as the sums of exponentials reach

    def entry(_: float) -> float:
        if kind == "wide":
            return rng.uniform(-1000, 1000)
        if kind == "lifted":
            return lift + rng.gauss(0, 20)
        if kind == "edge":
            return rng.choice(EDGES)
        if kind == "masked" and rng.random() < 0.4:
            return -math.inf
        if kind == "constant":
            return shift
        if kind == "far":
            return shift + rng.choice([0, 1, 2])
        return rng.gauss(0, 3)

    plain = each(np.zeros(shape).tolist(), entry)
    if rng.random() < 0.03 and math.prod(shape):
        place = tuple(rng.randrange(n) for n in shape)
        put(plain, place, rng.choice([math.nan, math.inf]))
    return plain


def of_logits(*names: str) -> Inputs:
    def make(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
        more = ["base", "keepdims", "where"] if len(names) == 2 else []
        options = some(options_of(rng), "axis", *more)
        shapes = [(2,), (3,), (1,), (2, 3), (3, 3), (2, 1, 3), (2, 2, 2)]
        shape = rng.choice(shapes[3:] if isinstance(options.get("axis"), tuple) else shapes)
        mask = mask_in(rng, shape, axes_in(options, shape)) if options.pop("where", False) else None

        def one(shape_of_it: tuple[int, ...]) -> Any:
            plain = logits(rng, shape_of_it)
            if mask is None or shape_of_it != shape:
                return plain
            return left_out(rng, plain, mask, [0.0, 1e308])

        if len(names) == 2 and rng.random() < 0.2:
            given = list(labelled_pair(rng, one(shape), one(shape)))
        else:
            both = [shape, shape if rng.random() < 0.9 else other_shape(rng, shape)]
            given = [packed_logits(rng, one(its)) for its in both]
            if len(given) == 2 and rng.random() < 0.1 and given[0].plain is not None:
                near = each(given[0].plain, lambda x: x + rng.choice([0, 1e-3, 1e-9]))
                given[1] = Given(np.array(near), near)
        arguments = dict(zip(names, given, strict=False))
        if mask is not None:
            arguments["where"] = packed_mask(rng, mask, given[0])
        return arguments, options

    return make


def packed_logits(rng: random.Random, plain: Any) -> Given:
    if rng.random() < 0.04:
        return Given(garbage(rng), None)
    if rng.random() < 0.5 or 0 in shape_of(plain):
        return Given(np.array(plain, np.float64), plain)
    if rng.random() < 0.5:
        return Given(plain, plain)
    dtype = rng.choice(["float32", "float16", "bfloat16"])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = np.array(plain, np.float64).astype(FLOATS[dtype])
    return Given(array, array.astype(np.float64).tolist(), dtype)


def of_tables(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    """Some categories in common, some not: for `align`."""
    options: dict[str, Any] = {}
    if rng.random() < 0.3:
        options["fill_value"] = rng.choice([-math.inf, 1.0, 0.0])
    if rng.random() < 0.1:
        options["axis"] = rng.choice([0, 1, -1, -2, 5])
    rows = rng.choice([None, None, 1, 2])
    given = []
    for kind in rng.choices(["pandas", *TABLES, "array"], k=2):
        names = rng.sample(["a", "b", "c", "d", "e"], rng.randrange(1, 5))
        if rng.random() < 0.05:
            names.append(names[0])
        shape = (len(names),) if rows is None else (rows, len(names))
        plain = each(np.zeros(shape).tolist(), lambda _: float(rng.randrange(100)))
        if kind == "dict" and len(set(names)) < len(names):
            kind = "pandas"
        axes = [tuple(names)] if rows is None else [tuple(range(rows)), tuple(names)]
        given.append(table(rng, plain, kind, axes))
    return dict(zip("pq", given, strict=True)), options


INPUTS: dict[str, tuple[Inputs, int]] = {
    "conditional_entropy": (of_known("joint"), 4),
    "js_divergence_of": (of_several, 5),
    "kl_conditional": (of_known("p", "q"), 4),
    "align": (of_tables, 3),
    "bhattacharyya_distance": (of_pairs("axis", "base", "normalize", "keepdims", "where"), 3),
    "chi2_divergence": (of_pairs("axis", "normalize", "keepdims", "where"), 3),
    "cross_entropy": (of_pairs("axis", "base", "normalize", "keepdims", "where"), 6),
    "entropy": (of_one, 5),
    "hellinger_distance": (of_pairs("axis", "normalize", "keepdims", "where"), 3),
    "js_divergence": (of_pairs("axis", "base", "normalize", "keepdims", "where"), 6),
    "kl_divergence": (
        of_pairs("axis", "base", "normalize", "generalized", "keepdims", "where"),
        25,
    ),
    "kl_from_logits": (of_logits("logits_p", "logits_q"), 8),
    "kl_matrix": (of_matrix, 4),
    "kl_terms": (of_pairs("axis", "base", "normalize", "where"), 4),
    "mutual_information": (of_joint, 4),
    "renyi_divergence": (of_orders, 3),
    "softmax": (of_logits("logits"), 4),
    "total_variation": (of_pairs("axis", "normalize", "keepdims", "where"), 4),
}
