"""Inputs of every public function of kl_lib, each made together with what it means.

Distributions of all shapes, dtypes and containers, with edge cases, damage and garbage; tables with
labels in the same order, in another, or not the same; logits, parameters, samples, counts.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import itertools
import math
import random
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import ml_dtypes
import numpy as np
import pandas as pd
from oracle_parts import Given, at, flat, shape_of

FLOATS = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
}
#: What tables the labelled inputs come in, where the library is installed.
TABLES = ["dict", *(name for name in ("polars", "pyarrow", "xarray") if find_spec(name))]


# Distributions


def inputs(rng: random.Random) -> Iterator[tuple[Given, Given, dict[str, Any]]]:
    """Pairs for `kl_divergence`, with its options."""
    while True:
        options = _options(rng)
        yield (*_pair(rng, options), options)


def _pair(rng: random.Random, options: dict[str, Any]) -> tuple[Given, Given]:
    masses = bool(options.get("normalize") or options.get("generalized"))
    shape = rng.choice([(2,), (3,), (5,), (1,), (2, 3), (3, 3), (1, 4), (2, 1, 3), (2, 2, 2)])
    axis = options.get("axis", -1)
    axis = axis if isinstance(axis, int) and -len(shape) <= axis < len(shape) else -1
    if rng.random() < 0.2:
        p, q = (_numbers(rng, shape, axis, masses) for _ in "pq")
        return _labelled_pair(rng, p, q)
    p_given = _given(rng, shape, axis, masses)
    if rng.random() < 0.1 and p_given.plain is not None and p_given.dtype == "float64":
        near = _each(p_given.plain, lambda x: x * (1 + rng.choice([0, 1e-3, 1e-8, 1e-15])))
        return p_given, _packed(rng, near)
    other = shape if rng.random() < 0.9 else _other_shape(rng, shape)
    axis = axis if -len(other) <= axis < len(other) else -1
    return p_given, _given(rng, other, axis, masses)


def _options(rng: random.Random) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if rng.random() < 0.1:
        options["axis"] = rng.choice([0, 1, -1, -2, 2, 5, -7, 1.0, None, "0", (0,)])
    if rng.random() < 0.1:
        options["base"] = rng.choice(
            [2, 10, math.e, 0.5, 1e-300, 1, 0, -2, math.nan, math.inf, "2", True, 1.0000001]
        )
    if rng.random() < 0.35:
        options["normalize"] = True
    if rng.random() < 0.15:
        options["generalized"] = True
    return options


def _other_shape(rng: random.Random, shape: tuple[int, ...]) -> tuple[int, ...]:
    return rng.choice(
        [shape[1:] or (2,), (3, *shape), (*shape, 1), (*shape[:-1], shape[-1] + 1), (0,), (2, 0),
         (1, *shape[1:]), (1, *shape), shape[::-1]]
    )  # fmt: skip


def _given(rng: random.Random, shape: tuple[int, ...], axis: int, masses: bool) -> Given:
    if rng.random() < 0.04:
        return Given(_garbage(rng), None, "float64")
    plain = _numbers(rng, shape, axis, masses)
    if rng.random() < 0.1:
        plain = _damage(rng, plain)
    return _packed(rng, plain)


def _numbers(rng: random.Random, shape: tuple[int, ...], axis: int, masses: bool) -> Any:
    kind = rng.choice(["smooth", "smooth", "one-hot", "sparse", "steep", "counts", "subnormal"])

    def entry() -> float:
        if kind == "one-hot":
            return 0.0
        if kind == "sparse":
            return rng.choice([0.0, rng.random()])
        if kind == "steep":
            return math.exp(rng.uniform(-600, 0))
        if kind == "subnormal":
            return rng.choice([5e-324, 1e-310, rng.random()])
        return float(rng.randrange(50)) if kind == "counts" else rng.random()

    def build(rest: tuple[int, ...]) -> Any:
        return [build(rest[1:]) for _ in range(rest[0])] if rest else entry()

    plain = build(shape)
    if 0 in shape:
        return plain
    batch = shape[: len(shape) + axis] + shape[len(shape) + axis + 1 :] if axis < 0 else None
    if batch is None:
        batch = shape[:axis] + shape[axis + 1 :]
    place_of = axis if axis >= 0 else len(shape) + axis
    for place in itertools.product(*map(range, batch)):
        cells = [(*place[:place_of], k, *place[place_of:]) for k in range(shape[place_of])]
        row = [at(plain, cell) for cell in cells]
        if max(row) == 0:
            row[rng.randrange(len(row))] = 1.0
        if not (masses or (kind == "counts" and rng.random() < 0.2)):
            total = math.fsum(row)
            row = [x / total for x in row]
        elif masses and rng.random() < 0.1:
            row = [x * rng.choice([1e-300, 1e300, 1e9]) for x in row]
        for cell, x in zip(cells, row, strict=True):
            _put(plain, cell, x)
    return plain


def _put(plain: Any, place: tuple[int, ...], x: float) -> None:
    for i in place[:-1]:
        plain = plain[i]
    plain[place[-1]] = x


def _damage(rng: random.Random, plain: Any) -> Any:
    shape = shape_of(plain)
    if 0 in shape:
        return plain
    place = tuple(rng.randrange(size) for size in shape)
    x = at(plain, place)
    bad = rng.choice(
        [
            math.nan,
            math.inf,
            -math.inf,
            -x - 1e-9,
            -0.0,
            x + 2e-6,
            x + 0.5e-6,
            x + 1e-2,
            x * 2,
            1e308,
        ]
    )
    _put(plain, place, bad)
    if rng.random() < 0.1:
        return _each(plain, lambda y: math.log(y) if y > 0 else -math.inf)
    return plain


def _each(plain: Any, change: Callable[[float], Any]) -> Any:
    if isinstance(plain, list):
        return [_each(part, change) for part in plain]
    return change(plain)


def _packed(rng: random.Random, plain: Any) -> Given:
    """The numbers in one of the ways people hold numbers; `plain` as that way rounds them."""
    kind = rng.choice(
        ["list", "tuple", "float64", "float64", "float32", "float16", "bfloat16", "integer",
         "series", "frame", "strided", "reversed", "read-only", "big-endian", "longdouble",
         "object"]
    )  # fmt: skip
    shape = shape_of(plain)
    if kind == "list":
        return Given(plain, plain, "float64")
    if kind == "tuple":
        return Given(_tuples(plain), plain, "float64")
    if kind in FLOATS:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.array(plain, np.float64).astype(FLOATS[kind])
        return Given(array, array.astype(np.float64).tolist(), kind)
    if kind == "integer":
        whole = _each(plain, lambda x: round(x) if abs(x) < 1e6 else 1)
        dtype = rng.choice([np.int64, np.int32, np.int16])
        whole = _each(whole, lambda x: max(min(x, 30000), -30000))
        array = np.array(whole, dtype)
        return Given(array, _each(whole, float) if 0 not in shape else plain, "float64")
    array = np.array(plain, np.float64)
    if kind == "series" and len(shape) == 1:
        names = _names(rng, shape[0])
        return Given(pd.Series(array, index=list(names)), plain, "float64", (names,))
    if kind == "frame" and len(shape) == 2:
        frame = pd.DataFrame(array, columns=list(names := _names(rng, shape[1])))
        return Given(frame, plain, "float64", (range(shape[0]), names))
    if kind == "strided":
        wide = np.zeros((*shape[:-1], shape[-1] * 3)) if shape else array
        wide[..., ::3] = array
        return Given(wide[..., ::3], plain, "float64")
    if kind == "reversed":
        return Given(array[..., ::-1].copy()[..., ::-1], plain, "float64")
    if kind == "read-only":
        array.setflags(write=False)
    if kind == "big-endian":
        array = array.astype(">f8")
    if kind == "longdouble":
        array = array.astype(np.longdouble)
    if kind == "object":
        wrap = rng.choice([decimal.Decimal, fractions.Fraction])
        try:
            return Given(np.array(_each(plain, wrap), dtype=object), None, "float64")
        except (ValueError, OverflowError):
            return Given(np.array(["x"]), None, "float64")
    return Given(array, plain, "float64")


def _tuples(plain: Any) -> Any:
    return tuple(_tuples(part) for part in plain) if isinstance(plain, list) else plain


def _garbage(rng: random.Random) -> Any:
    return rng.choice(
        [None, "0.5 0.5", b"ab", 0.5, 1, True, {"a": "b"}, {0.5}, [[0.5, 0.5], [1.0]], [0.5, None],
         ["0.5", "0.5"], [0.5, 0.5 + 0j], object(), len, (x for x in (0.5, 0.5)), [object()], [],
         [[]], np.ma.array([0.5, 0.5]), np.array(0.5), np.array(["a"]), [datetime.date(2026, 1, 1)],
         np.array(["2026-01-01"], "M8[D]"), np.array([1], "m8[s]"), range(0), [0.5, "a"],
         np.zeros(2, dtype=[("a", float)]), np.zeros((2, 0)), pd.Series(["a", "b"]), slice(2),
         pd.Categorical(["a", "b"]), [[[0.5], 0.5]], float("nan"), Ellipsis, NotImplemented]
    )  # fmt: skip


# Labels


def _names(rng: random.Random, count: int) -> tuple[Any, ...]:
    if rng.random() < 0.3:
        return tuple(range(10, 10 + count))
    return tuple(f"c{i}" for i in range(count))


def _labelled_pair(
    rng: random.Random, p: Any, q: Any, *, same_rows: bool = True
) -> tuple[Given, Given]:
    """Two tables of the same shape: labels in the same order, in another, not the same, or none."""
    shape = shape_of(p)
    if 0 in shape:
        return Given(np.array(p), p), Given(np.array(q), q)
    kinds = [rng.choice(["pandas", *TABLES]) for _ in "pq"]
    kinds = [kinds[0], rng.choice([kinds[0], kinds[0], kinds[1], "array"])]
    text = any(kind in ("polars", "pyarrow") for kind in kinds)
    names = [_names(rng, count) for count in shape]
    if text:
        names = [tuple(map(str, labels)) for labels in names]
    other = [_related(rng, labels) for labels in names]
    if not same_rows:
        other[0] = _names(rng, shape_of(q)[0])
    if rng.random() < 0.1:
        kinds.reverse()
        p, q, names, other = q, p, other, names
    return _table(rng, p, kinds[0], names), _table(rng, q, kinds[1], other)


def _related(rng: random.Random, labels: tuple[Any, ...]) -> tuple[Any, ...]:
    chance = rng.random()
    if chance < 0.4:
        return labels
    mixed = list(labels)
    rng.shuffle(mixed)
    if chance > 0.85:
        mixed[rng.randrange(len(mixed))] = "another" if isinstance(labels[0], str) else 99
    return tuple(mixed)


def _table(rng: random.Random, plain: Any, kind: str, names: list[tuple[Any, ...]]) -> Given:
    """Numbers with labels on their axes, as far as a kind of table has them."""
    array, deep = np.array(plain, np.float64), len(names)
    if kind == "pandas" and deep == 1:
        return Given(pd.Series(array, index=list(names[0])), plain, "float64", (names[0],))
    if kind == "pandas" and deep == 2:
        rows: Any = rng.choice([names[0], range(len(names[0]))])
        index = None if isinstance(rows, range) else list(rows)
        frame = pd.DataFrame(array, index=index, columns=list(names[1]))
        return Given(frame, plain, "float64", (rows, names[1]))
    if kind == "xarray":
        dims = [f"axis{i - deep}" for i in range(deep)]
        kept = [labels if rng.random() < 0.8 else None for labels in names]
        coords = {d: list(x) for d, x in zip(dims, kept, strict=True) if x is not None}
        value = import_module("xarray").DataArray(array, dims=dims, coords=coords)
        return Given(value, plain, "float64", tuple(kept))
    if kind == "dict" and deep == 1:
        return Given(dict(zip(names[0], plain, strict=True)), plain, "float64", (names[0],))
    if deep == 2 and kind in ("dict", "polars", "pyarrow"):
        columns = {label: [row[i] for row in plain] for i, label in enumerate(names[1])}
        value = columns
        if kind == "polars":
            value = import_module("polars").DataFrame(columns)
        if kind == "pyarrow":
            value = import_module("pyarrow").table(columns)
        if len(columns) < len(names[1]):
            return Given(array, plain)  # a label twice: such tables cannot have that
        return Given(value, plain, "float64", (None, names[1]))
    return Given(array, plain)


# The inputs of each function

Inputs = Callable[[random.Random], tuple[dict[str, Given], dict[str, Any]]]


def _some(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in names}


def _of_pairs(*names: str) -> Inputs:
    def make(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
        options = _some(_options(rng), *names)
        p, q = _pair(rng, options)
        return {"p": p, "q": q}, options

    return make


def _of_orders(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    arguments, options = _of_pairs("axis", "base", "normalize")(rng)
    alpha = rng.choice([0, 0.1, 0.5, 1 - 1e-9, 1, 1 + 1e-6, 2, 3.5, math.inf, -1, math.nan, "2"])
    return arguments | {"alpha": Given(alpha, None, "float64")}, options


def _of_one(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = _some(_options(rng), "axis", "base", "normalize")
    return {"p": rng.choice(_pair(rng, options))}, options


def _of_matrix(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = _some(_options(rng), "base", "normalize")
    count, masses = rng.choice([1, 2, 3, 4]), "normalize" in options
    shapes = [(rng.choice([1, 2, 3]), count) for _ in "pq"]
    if rng.random() < 0.1:
        shapes[1] = _other_shape(rng, shapes[1])
    if rng.random() < 0.3 and len(shapes[1]) == 2 and 0 not in shapes[1]:
        p, q = (_numbers(rng, shape, -1, masses) for shape in shapes)
        if shapes[0][1] == shapes[1][1]:
            p_given, q_given = _labelled_pair(rng, p, q, same_rows=False)
            return {"p": p_given, "q": q_given}, options
    p_given, q_given = (_given(rng, shape, -1, masses) for shape in shapes)
    return {"p": p_given, "q": q_given}, options


def _of_joint(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = _some(_options(rng), "base", "normalize")
    shape = rng.choice([(2, 2), (3, 2), (1, 3), (2, 1), (2, 2, 3), (3,), (2, 0), (1, 2, 2, 2)])
    if rng.random() < 0.04:
        return {"joint": Given(_garbage(rng), None)}, options
    count = math.prod(shape)
    [row] = _numbers(rng, (1, count), -1, "normalize" in options) if count else [[]]
    if rng.random() < 0.2 and len(shape) == 2 and count:  # independent: a product of marginals
        tops, sides = (_numbers(rng, (n,), -1, False) for n in shape)
        row = [x * y for x in tops for y in sides]
    if len(shape) > 2 and count:
        per = shape[-1] * shape[-2]
        parts = [_numbers(rng, (per,), -1, "normalize" in options) for _ in range(count // per)]
        row = flat(parts)
    plain = np.reshape(np.array(row, np.float64), shape).tolist()
    if rng.random() < 0.1:
        plain = _damage(rng, plain)
    if len(shape) == 2 and count and rng.random() < 0.3:
        names = [_names(rng, n) for n in shape]
        return {"joint": _table(rng, plain, rng.choice(["pandas", "xarray"]), names)}, options
    return {"joint": _packed(rng, plain)}, options


EDGES = [0.0, -0.0, 5e-324, 1e-310, 1.7e308, -1.7e308, 1e300, 745.2, -745.2, 36.7, 1e16, -1e16]


def _logits(rng: random.Random, shape: tuple[int, ...]) -> Any:
    kind = rng.choice(["usual", "usual", "wide", "edge", "masked", "constant", "far"])
    shift = rng.choice([0.0, 1e5, -1e10, 1e300])

    def entry(_: float) -> float:
        if kind == "wide":
            return rng.uniform(-1000, 1000)
        if kind == "edge":
            return rng.choice(EDGES)
        if kind == "masked" and rng.random() < 0.4:
            return -math.inf
        if kind == "constant":
            return shift
        if kind == "far":
            return shift + rng.choice([0, 1, 2])
        return rng.gauss(0, 3)

    plain = _each(np.zeros(shape).tolist(), entry)
    if rng.random() < 0.03 and math.prod(shape):
        place = tuple(rng.randrange(n) for n in shape)
        _put(plain, place, rng.choice([math.nan, math.inf]))
    return plain


def _of_logits(*names: str) -> Inputs:
    def make(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
        options = _some(_options(rng), "axis", *(["base"] if len(names) == 2 else []))
        shape = rng.choice([(2,), (3,), (1,), (2, 3), (3, 3), (2, 1, 3)])
        if len(names) == 2 and rng.random() < 0.2:
            both = _labelled_pair(rng, _logits(rng, shape), _logits(rng, shape))
            return dict(zip(names, both, strict=True)), options
        shapes = [shape, shape if rng.random() < 0.9 else _other_shape(rng, shape)]
        given = [_packed_logits(rng, _logits(rng, one)) for one in shapes]
        if len(given) == 2 and rng.random() < 0.1 and given[0].plain is not None:
            near = _each(given[0].plain, lambda x: x + rng.choice([0, 1e-3, 1e-9]))
            given[1] = Given(np.array(near), near)
        return dict(zip(names, given, strict=False)), options

    return make


def _packed_logits(rng: random.Random, plain: Any) -> Given:
    if rng.random() < 0.04:
        return Given(_garbage(rng), None)
    if rng.random() < 0.5 or 0 in shape_of(plain):
        return Given(np.array(plain, np.float64), plain)
    if rng.random() < 0.5:
        return Given(plain, plain)
    dtype = rng.choice(["float32", "float16", "bfloat16"])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = np.array(plain, np.float64).astype(FLOATS[dtype])
    return Given(array, array.astype(np.float64).tolist(), dtype)


# Parameters


def _real(rng: random.Random) -> float:
    return rng.choice([0.0, rng.gauss(0, 1), rng.gauss(0, 1), rng.gauss(0, 1e3), 1e8, 1e-8, 1e200])


def _scale(rng: random.Random) -> float:
    return rng.choice([1.0, rng.random(), math.exp(rng.gauss(0, 3)), math.exp(rng.gauss(0, 40))])


def _probability(rng: random.Random) -> float:
    return rng.choice([0.0, 1.0, 0.5, rng.random(), rng.random(), 1e-300, 1 - 1e-16, 1e-9])


def _concentration(rng: random.Random) -> float:
    return rng.choice([1.0, 2.0, 0.5, math.exp(rng.gauss(0, 2)), math.exp(rng.gauss(0, 10))])


NO_NUMBERS = [None, "a", [None], 1j, ["1"], object(), [[1.0], [1.0, 2.0]], np.ma.array([1.0])]


def _of_parameters(**kinds: Callable[[random.Random], float]) -> Inputs:
    """Scalars and small batches; q often close to p; sometimes no parameter at all."""

    def make(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
        options = _some(_options(rng), "base")
        shapes = rng.choice([[()], [()], [(2,)], [(), (3,)], [(2, 1), (3,), ()], [(2,), (3,)]])
        plain = {
            name: _each(np.zeros(rng.choice(shapes)).tolist(), lambda _, kind=kind: kind(rng))
            for name, kind in kinds.items()
        }
        if rng.random() < 0.3:
            for name in plain:
                if name.endswith("_q") and rng.random() < 0.7:
                    near = rng.choice([1.0, 1 + 1e-3, 1 + 1e-8, 1 + 3e-16])
                    plain[name] = _each(plain[name[:-1] + "p"], lambda x, near=near: x * near)
        given = {name: _parameter(rng, x) for name, x in plain.items()}
        if rng.random() < 0.05:
            given[rng.choice(list(given))] = Given(rng.choice(NO_NUMBERS), None)
        return given, options

    return make


def _parameter(rng: random.Random, plain: Any) -> Given:
    if rng.random() < 0.04:
        bad = rng.choice([math.nan, math.inf, -math.inf, -1.0, 0.0, 2.0, 1e308, 1e-320])
        plain = _each(plain, lambda x: x if isinstance(plain, list) and rng.random() < 0.5 else bad)
    chance = rng.random()
    if chance < 0.2 and len(shape_of(plain)) == 1:
        names = _names(rng, len(plain))
        return Given(pd.Series(plain, index=list(names)), plain, "float64", (names,))
    if chance < 0.6:
        return Given(plain, plain)
    return Given(np.array(plain, np.float64), plain)


def _of_dirichlet(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    shape = rng.choice([(1,), (2,), (3,), (2, 3)])
    other = shape if rng.random() < 0.9 else rng.choice([shape[-1:], (3, 2), (0,), (4,)])
    p, q = (_each(np.zeros(s).tolist(), lambda _: _concentration(rng)) for s in (shape, other))
    if rng.random() < 0.3:
        q = _each(p, lambda x: x * rng.choice([1, 1 + 1e-3, 1 + 1e-8]))
    names = ("concentration_p", "concentration_q")
    if rng.random() < 0.3 and shape_of(p) == shape_of(q):
        return dict(zip(names, _labelled_pair(rng, p, q), strict=True)), {}
    given = {name: _parameter(rng, x) for name, x in zip(names, (p, q), strict=True)}
    return given, _some(_options(rng), "base")


def _of_mvn(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    d = rng.choice([1, 1, 2, 3])
    batches = rng.choice([[()], [()], [(2,)], [(), (2,)], [(2, 1), (3,)], [(2,), (3,)]])

    def mean() -> Any:
        return _each(np.zeros((*rng.choice(batches), d)).tolist(), lambda _: rng.gauss(0, 2))

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
        _put(plain[name], place, rng.choice([math.nan, math.inf, -50.0, 1e3]))
    if rng.random() < 0.05:
        plain["loc_q"] = [0.0] * (d + 1)
    given = {name: Given(rng.choice([x, np.array(x)]), x) for name, x in plain.items()}
    return given, _some(_options(rng), "base")


# Samples and counts


def _of_counts(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = _some(_options(rng), "base")
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
        both = _labelled_pair(rng, a, b)
        return dict(zip(("counts_p", "counts_q"), both, strict=True)), options
    given = [_packed_counts(rng, row) for row in (a, b)]
    return dict(zip(("counts_p", "counts_q"), given, strict=True)), options


def _packed_counts(rng: random.Random, row: list[float]) -> Given:
    if rng.random() < 0.04:
        return Given(_garbage(rng), None)
    if rng.random() < 0.3 and all(map(math.isfinite, row)) and all(x == int(x) for x in row):
        return Given(np.array(row, np.int64), row)
    return rng.choice([Given(row, row), Given(np.array(row), row)])


def _of_points(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = {**_some(_options(rng), "base"), "subsamples": rng.choice([0, 0, 0, 0, 0, 1, -1])}
    if rng.random() < 0.6:
        options["k"] = rng.choice([1, 2, 3, 5, 0, 2.0, "1"] if rng.random() < 0.2 else [1, 2, 3])
    d = rng.choice([1, 1, 2, 3])

    def points(count: int) -> Any:
        kind = rng.choice(["normal", "normal", "whole", "scaled"])
        size = 10 ** rng.uniform(-100, 100) if kind == "scaled" else 1.0

        def entry(_: float) -> float:
            return float(rng.randrange(8)) if kind == "whole" else size * rng.gauss(0, 1)

        shape = (count,) if d == 1 and rng.random() < 0.5 else (count, d)
        return _each(np.zeros(shape).tolist(), entry)

    x, y = (points(rng.choice([rng.randrange(1, 14), *range(7, 14)])) for _ in "xy")
    for plain in (x, y):
        if rng.random() < 0.02:
            place = tuple(rng.randrange(n) for n in shape_of(plain))
            _put(plain, place, rng.choice([math.nan, math.inf]))
    if d > 1 and rng.random() < 0.4:
        names = tuple("abc"[:d])
        given = [
            _table(rng, plain, rng.choice(["pandas", *TABLES]), [tuple(range(len(plain))), columns])
            for plain, columns in ((x, names), (y, _related(rng, names)))
        ]
        return dict(zip("xy", given, strict=True)), options
    return {"x": Given(np.array(x), x), "y": Given(rng.choice([y, np.array(y)]), y)}, options


def _of_samples(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
    options = _some(_options(rng), "base")
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
        given = list(_labelled_pair(rng, log_p, log_q))
    elif rng.random() < 0.05:
        given[1] = Given(np.zeros((count, 2)), [[0.0, 0.0]] * count)
    functions = {
        name: one._replace(value=lambda x, value=one.value: value)
        for name, one in zip(("log_p", "log_q"), given, strict=True)
    }
    samples = list(range(count))
    return {**functions, "samples": Given(samples, samples)}, options


def _of_tables(rng: random.Random) -> tuple[dict[str, Given], dict[str, Any]]:
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
        plain = _each(np.zeros(shape).tolist(), lambda _: float(rng.randrange(100)))
        if kind == "dict" and len(set(names)) < len(names):
            kind = "pandas"
        axes = [tuple(names)] if rows is None else [tuple(range(rows)), tuple(names)]
        given.append(_table(rng, plain, kind, axes))
    return dict(zip("pq", given, strict=True)), options


#: Inputs of each public function, and how large a part of all they are.
INPUTS: dict[str, tuple[Inputs, int]] = {
    "align": (_of_tables, 3),
    "bhattacharyya_distance": (_of_pairs("axis", "base", "normalize"), 3),
    "chi2_divergence": (_of_pairs("axis", "normalize"), 3),
    "cross_entropy": (_of_pairs("axis", "base", "normalize"), 6),
    "entropy": (_of_one, 5),
    "hellinger_distance": (_of_pairs("axis", "normalize"), 3),
    "js_divergence": (_of_pairs("axis", "base", "normalize"), 6),
    "kl_bernoulli": (_of_parameters(probs_p=_probability, probs_q=_probability), 3),
    "kl_beta": (
        _of_parameters(
            concentration1_p=_concentration,
            concentration0_p=_concentration,
            concentration1_q=_concentration,
            concentration0_q=_concentration,
        ),
        1,
    ),
    "kl_dirichlet": (_of_dirichlet, 1),
    "kl_divergence": (_of_pairs("axis", "base", "normalize", "generalized"), 25),
    "kl_exponential": (_of_parameters(rate_p=_scale, rate_q=_scale), 3),
    "kl_from_counts": (_of_counts, 3),
    "kl_from_logits": (_of_logits("logits_p", "logits_q"), 8),
    "kl_gamma": (
        _of_parameters(
            concentration_p=_concentration, rate_p=_scale, concentration_q=_concentration,
            rate_q=_scale,
        ),
        1,
    ),
    "kl_knn": (_of_points, 2),
    "kl_laplace": (_of_parameters(loc_p=_real, scale_p=_scale, loc_q=_real, scale_q=_scale), 3),
    "kl_matrix": (_of_matrix, 4),
    "kl_monte_carlo": (_of_samples, 3),
    "kl_multivariate_normal": (_of_mvn, 2),
    "kl_normal": (_of_parameters(loc_p=_real, scale_p=_scale, loc_q=_real, scale_q=_scale), 3),
    "kl_poisson": (_of_parameters(rate_p=_scale, rate_q=_scale), 3),
    "kl_terms": (_of_pairs("axis", "base", "normalize"), 4),
    "mutual_information": (_of_joint, 4),
    "renyi_divergence": (_of_orders, 3),
    "softmax": (_of_logits("logits"), 4),
    "total_variation": (_of_pairs("axis", "normalize"), 4),
}  # fmt: skip
