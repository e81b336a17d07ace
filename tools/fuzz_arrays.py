"""Numbers as people hold them, made together with what they mean: dtypes, containers, labels."""

from __future__ import annotations

import datetime
import decimal
import fractions
import math
import random
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import ml_dtypes
import numpy as np
import pandas as pd
from oracle_parts import Given, at, cells_of, fitting, places, reordered, shape_of

FLOATS = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
}
#: What tables the labelled inputs come in, where the library is installed.
TABLES = ["dict", *(name for name in ("polars", "pyarrow", "xarray") if find_spec(name))]
#: From a source of chance to the arguments of a function and its options.
Inputs = Callable[[random.Random], tuple[dict[str, Given], dict[str, Any]]]


def some(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in names}


def options_of(rng: random.Random) -> dict[str, Any]:
    """What the functions over categories have beside p and q; `where` is whether to give a mask."""
    options: dict[str, Any] = {}
    if rng.random() < 0.15:
        options["axis"] = rng.choice([0, 1, -1, -2, 2, 5, -7, 1.0, None, "0", *TUPLES])
    if rng.random() < 0.1:
        options["base"] = rng.choice(
            [2, 10, math.e, 0.5, 1e-300, 1, 0, -2, math.nan, math.inf, "2", True, 1.0000001]
        )
    if rng.random() < 0.35:
        options["normalize"] = True
    if rng.random() < 0.15:
        options["generalized"] = True
    if rng.random() < 0.15:
        options["keepdims"] = True
    if rng.random() < 0.15:
        options["where"] = True
    return options


TUPLES = [(0,), (0, 1), (-1, -2), (0, 2), (-3, -1), (0, 1, 2), (0, 0), (), (0, 5), (-1, 1), (1, 2)]


# Distributions


def axes_in(options: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of the categories, counted from the end, as far as a shape has them."""
    axis = options.get("axis", -1)
    axes = axis if isinstance(axis, tuple) else (axis,)
    deep = len(shape)
    if not all(isinstance(i, int) and -deep <= i < deep for i in axes):
        return (-1,)
    return tuple(sorted({i - deep if i >= 0 else i for i in axes})) or (-1,)


def other_shape(rng: random.Random, shape: tuple[int, ...]) -> tuple[int, ...]:
    return rng.choice(
        [shape[1:] or (2,), (3, *shape), (*shape, 1), (*shape[:-1], shape[-1] + 1), (0,), (2, 0),
         (1, *shape[1:]), (1, *shape), shape[::-1]]
    )  # fmt: skip


def one_given(
    rng: random.Random,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    masses: bool,
    mask: Any = None,
) -> Given:
    if rng.random() < 0.04:
        return Given(garbage(rng), None, "float64")
    plain = numbers(rng, shape, axes, masses, mask)
    if rng.random() < 0.1:
        plain = damage(rng, plain)
    return packed(rng, plain)


def numbers(
    rng: random.Random,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    masses: bool,
    mask: Any = None,
) -> Any:
    """Distributions over these axes, or masses: of what the mask keeps, if there is one."""
    kind = rng.choice(["smooth", "smooth", "one-hot", "sparse", "steep", "counts", "subnormal"])

    def entry(_: float) -> float:
        if kind == "one-hot":
            return 0.0
        if kind == "sparse":
            return rng.choice([0.0, rng.random()])
        if kind == "steep":
            return math.exp(rng.uniform(-600, 0))
        if kind == "subnormal":
            return rng.choice([5e-324, 1e-310, rng.random()])
        return float(rng.randrange(50)) if kind == "counts" else rng.random()

    plain = each(np.zeros(shape).tolist(), entry)
    if 0 in shape:
        return plain
    for cells in cells_of(shape, axes):
        cells = [cell for cell in cells if mask is None or fitting(mask, cell)]
        row = [at(plain, cell) for cell in cells]
        if not row:
            continue
        if max(row) == 0:
            row[rng.randrange(len(row))] = 1.0
        if not (masses or (kind == "counts" and rng.random() < 0.2)):
            total = math.fsum(row)
            row = [x / total for x in row]
        elif masses and rng.random() < 0.1:
            row = [x * rng.choice([1e-300, 1e300, 1e9]) for x in row]
        for cell, x in zip(cells, row, strict=True):
            put(plain, cell, x)
    return plain if mask is None else left_out(rng, plain, mask, [0.0, 0.5, 7.0, -1.0, 1e308])


def left_out(rng: random.Random, plain: Any, mask: Any, others: list[float]) -> Any:
    """What a mask leaves out may be anything."""
    if rng.random() < 0.4:
        return plain
    for cell in places(shape_of(plain)):
        if not fitting(mask, cell):
            put(plain, cell, rng.choice([*others, math.nan, math.inf, -math.inf]))
    return plain


def mask_in(rng: random.Random, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Truth values in a shape that broadcasts to this one, nearly always some of each row."""
    own = list(shape)
    for i in range(len(own)):
        if i - len(own) not in axes and rng.random() < 0.3:
            own[i] = 1
    if rng.random() < 0.1:
        own[axes[-1]] = 1
    while len(own) > 1 and own[0] == 1 and rng.random() < 0.5:
        del own[0]
    if 0 in own or rng.random() < 0.03:
        return rng.random() < 0.7
    plain = each(np.zeros(own).tolist(), lambda _: rng.random() < 0.7)
    if len(own) == len(shape) and rng.random() < 0.95:
        for cells in cells_of(tuple(own), axes):
            put(plain, rng.choice(cells), True)
    return plain


def packed_mask(rng: random.Random, plain: Any, like: Given) -> Given:
    """A mask as people hold it: as arrays, and with the labels of what it is for."""
    shape = shape_of(plain)
    if rng.random() < 0.06:
        array = np.array(plain)
        wrong = [array.astype(int), array.astype(float), array.astype(object), "TF", [None], ["a"]]
        return Given(rng.choice(wrong), None)
    if rng.random() < 0.06:
        wider = rng.choice([[plain, plain], [[[[True]]]], [True] * 7, []])
        return Given(np.array(wider, bool), np.array(wider, bool).tolist(), "bool")
    if like.labels and len(like.labels) == len(shape) and rng.random() < 0.7:
        names = [
            tuple(labels) if labels is not None and len(labels) == n else tuple(range(n))
            for labels, n in zip(like.labels, shape, strict=True)
        ]
        if all(names):
            orders = [rng.sample(range(n), n) if rng.random() < 0.5 else range(n) for n in shape]
            for axis, order in enumerate(orders):
                plain = reordered(plain, order, axis)
            names = [
                tuple(labels[i] for i in order) for labels, order in zip(names, orders, strict=True)
            ]
            text = all(isinstance(label, str) for labels in names for label in labels)
            kinds = TABLES if text else ["dict"]
            made = table(rng, plain, rng.choice(["pandas", *kinds]), names, bool)
            return made._replace(dtype="bool")
    return Given(rng.choice([plain, np.array(plain, bool)]), plain, "bool")


def put(plain: Any, place: tuple[int, ...], x: float) -> None:
    for i in place[:-1]:
        plain = plain[i]
    plain[place[-1]] = x


def damage(rng: random.Random, plain: Any) -> Any:
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
    put(plain, place, bad)
    if rng.random() < 0.1:
        return each(plain, lambda y: math.log(y) if y > 0 else -math.inf)
    return plain


def each(plain: Any, change: Callable[[float], Any]) -> Any:
    if isinstance(plain, list):
        return [each(part, change) for part in plain]
    return change(plain)


def packed(rng: random.Random, plain: Any) -> Given:
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
        return Given(tuples(plain), plain, "float64")
    if kind in FLOATS:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = np.array(plain, np.float64).astype(FLOATS[kind])
        return Given(array, array.astype(np.float64).tolist(), kind)
    if kind == "integer":
        whole = each(plain, lambda x: round(x) if abs(x) < 1e6 else 1)
        dtype = rng.choice([np.int64, np.int32, np.int16])
        whole = each(whole, lambda x: max(min(x, 30000), -30000))
        array = np.array(whole, dtype)
        return Given(array, each(whole, float) if 0 not in shape else plain, "float64")
    array = np.array(plain, np.float64)
    if kind == "series" and len(shape) == 1:
        names = names_for(rng, shape[0])
        return Given(pd.Series(array, index=list(names)), plain, "float64", (names,))
    if kind == "frame" and len(shape) == 2:
        frame = pd.DataFrame(array, columns=list(names := names_for(rng, shape[1])))
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
            return Given(np.array(each(plain, wrap), dtype=object), None, "float64")
        except (ValueError, OverflowError):
            return Given(np.array(["x"]), None, "float64")
    return Given(array, plain, "float64")


def tuples(plain: Any) -> Any:
    return tuple(tuples(part) for part in plain) if isinstance(plain, list) else plain


def garbage(rng: random.Random) -> Any:
    return rng.choice(
        [None, "0.5 0.5", b"ab", 0.5, 1, True, {"a": "b"}, {0.5}, [[0.5, 0.5], [1.0]], [0.5, None],
         ["0.5", "0.5"], [0.5, 0.5 + 0j], object(), len, (x for x in (0.5, 0.5)), [object()], [],
         [], np.ma.array([0.5, 0.5]), np.array(0.5), np.array(["a"]), [datetime.date(2026, 1, 1)],
         np.array(["2026-01-01"], "M8[D]"), np.array([1], "m8[s]"), range(0), [0.5, "a"],
         np.zeros(2, dtype=[("a", float)]), np.zeros((2, 0)), pd.Series(["a", "b"]), slice(2),
         pd.Categorical(["a", "b"]), [[[0.5], 0.5]], float("nan"), Ellipsis, NotImplemented]
    )  # fmt: skip


# Labels


def names_for(rng: random.Random, count: int) -> tuple[Any, ...]:
    if rng.random() < 0.3:
        return tuple(range(10, 10 + count))
    return tuple(f"c{i}" for i in range(count))


def labelled_pair(
    rng: random.Random, p: Any, q: Any, *, same_rows: bool = True
) -> tuple[Given, Given]:
    """Two tables of the same shape: labels in the same order, in another, not the same, or none."""
    shape = shape_of(p)
    if 0 in shape:
        return Given(np.array(p), p), Given(np.array(q), q)
    kinds = [rng.choice(["pandas", *TABLES]) for _ in "pq"]
    kinds = [kinds[0], rng.choice([kinds[0], kinds[0], kinds[1], "array"])]
    text = any(kind in ("polars", "pyarrow") for kind in kinds)
    names = [names_for(rng, count) for count in shape]
    if text:
        names = [tuple(map(str, labels)) for labels in names]
    other = [related(rng, labels) for labels in names]
    if not same_rows:
        other[0] = names_for(rng, shape_of(q)[0])
    if rng.random() < 0.1:
        kinds.reverse()
        p, q, names, other = q, p, other, names
    return table(rng, p, kinds[0], names), table(rng, q, kinds[1], other)


def related(rng: random.Random, labels: tuple[Any, ...]) -> tuple[Any, ...]:
    chance = rng.random()
    if chance < 0.4:
        return labels
    mixed = list(labels)
    rng.shuffle(mixed)
    if chance > 0.85:
        mixed[rng.randrange(len(mixed))] = "another" if isinstance(labels[0], str) else 99
    return tuple(mixed)


def table(
    rng: random.Random, plain: Any, kind: str, names: list[tuple[Any, ...]], dtype: type = float
) -> Given:
    """Numbers with labels on their axes, as far as a kind of table has them."""
    array, deep = np.array(plain, dtype), len(names)
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
