"""Inputs of all kinds against a slow oracle in plain Python: the same number, or DistributionError.

    python tools/fuzz.py                        100,000 inputs (`make fuzz`)
    python tools/fuzz.py --count 5000 --seed 7

Each input is made together with what it means: a nested list of Python numbers and the dtype they
were given in, or None where no reading of it is a distribution. The oracle never sees an array.
"""

from __future__ import annotations

import argparse
import datetime
import decimal
import fractions
import itertools
import math
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import pandas as pd

import kl_lib as kl

TOLERANCE = {"float64": 1e-6, "float32": 5e-4, "float16": 5e-3, "bfloat16": 2e-2}
FLOATS = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
}


class RefusedError(Exception):
    """The oracle's word for DistributionError."""


class Given(NamedTuple):
    """An argument, and what it means: nested lists of numbers with their dtype, or None."""

    value: Any
    plain: Any
    dtype: str
    labels: Any = None


# The oracle


def oracle(p: Given, q: Given, options: dict[str, Any]) -> Any:
    """KL(p‖q) as nested lists, or RefusedError. Nan stands for: either answer will do."""
    base = options.get("base")
    if base is not None:
        if isinstance(base, (str, bool)):
            raise RefusedError
        if not (0 < base < math.inf) or base == 1:
            raise RefusedError
    normalize, generalized = options.get("normalize", False), options.get("generalized", False)
    if normalize and generalized:
        raise RefusedError
    if p.plain is None or q.plain is None or _shape(p.plain) == () or _shape(q.plain) == ():
        raise RefusedError
    if p.labels is not None and q.labels is not None and p.labels != q.labels:
        raise RefusedError
    shapes = _shape(p.plain), _shape(q.plain)
    deep = max(map(len, shapes))
    axis = options.get("axis", -1)
    if not isinstance(axis, int) or not -deep <= axis < deep:
        raise RefusedError
    axis = axis - deep if axis >= 0 else axis
    if any(-axis > len(shape) for shape in shapes):
        raise RefusedError
    if shapes[0][axis] != shapes[1][axis] or shapes[0][axis] == 0:
        raise RefusedError
    if len(shapes[0]) == len(shapes[1]):
        if any(a != b and 1 not in (a, b) for a, b in zip(*shapes, strict=True)):
            raise RefusedError
    else:
        small, large = sorted(shapes, key=len)
        if large[len(large) - len(small) :] != small:
            raise RefusedError
    unsure = False
    for given in (p, q):
        for row in _all_rows(given.plain, axis):
            unsure |= _check(row, given.dtype, normalize, generalized)
    if unsure:
        return math.nan
    batch = tuple(
        max(pair) for pair in zip(*(_without(axis, deep, shape) for shape in shapes), strict=True)
    )
    scale = math.log(base) if base is not None else 1.0
    return [
        _kl(_row(p.plain, axis, deep, place), _row(q.plain, axis, deep, place), generalized) / scale
        for place in itertools.product(*map(range, batch))
    ]


def _check(row: list[float], dtype: str, normalize: bool, generalized: bool) -> bool:
    """Refuse a row that is no distribution; return whether its sum is too close to call."""
    if any(math.isnan(x) or math.isinf(x) or x < 0 for x in row):
        raise RefusedError
    if generalized:
        return False
    if normalize:
        if max(row) == 0:
            raise RefusedError
        return False
    off = abs(math.fsum(row) - 1)
    if abs(off - TOLERANCE[dtype]) < 1e-6 * (1 if dtype == "float64" else 100) * 1e-3:
        return True
    if off > TOLERANCE[dtype]:
        raise RefusedError
    return False


def _kl(p: list[float], q: list[float], generalized: bool) -> float:
    if any(x > 0 and y == 0 for x, y in zip(p, q, strict=True)):
        return math.inf
    logs = [(x, math.log(x) - math.log(y)) for x, y in zip(p, q, strict=True) if x > 0]
    try:
        if generalized:
            return math.fsum([x * log for x, log in logs] + [-x for x in p] + q)
        # A power of two changes no digit and keeps the sums finite.
        powers = [math.frexp(max(row))[1] for row in (p, q)]
        p_sum, q_sum = (
            math.fsum(math.ldexp(x, -power) for x in row)
            for row, power in zip((p, q), powers, strict=True)
        )
        shift = math.log(q_sum) - math.log(p_sum) + (powers[1] - powers[0]) * math.log(2)
        return math.fsum(math.ldexp(x, -powers[0]) / p_sum * log for x, log in logs) + shift
    except OverflowError:
        return math.inf


def _shape(plain: Any) -> tuple[int, ...]:
    shape = []
    while isinstance(plain, list):
        shape.append(len(plain))
        plain = plain[0] if plain else None
    return tuple(shape)


def _at(plain: Any, place: tuple[int, ...]) -> float:
    for i in place:
        plain = plain[i]
    return plain


def _without(axis: int, deep: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    full = (1,) * (deep - len(shape)) + shape
    return full[: deep + axis] + full[deep + axis + 1 :]


def _row(plain: Any, axis: int, deep: int, place: tuple[int, ...]) -> list[float]:
    """The row of a (broadcast) nested list at a place of the batch."""
    shape = _shape(plain)
    full = (*place[: deep + axis], 0, *place[deep + axis :])
    own = list(full[deep - len(shape) :])
    own = [0 if size == 1 else i for i, size in zip(own, shape, strict=True)]
    row = []
    for k in range(shape[axis]):
        own[axis] = k
        row.append(_at(plain, tuple(own)))
    return row


def _all_rows(plain: Any, axis: int) -> Iterator[list[float]]:
    shape = _shape(plain)
    batch = shape[: len(shape) + axis] + shape[len(shape) + axis + 1 :]
    for place in itertools.product(*map(range, batch)):
        yield _row(plain, axis, len(shape), place)


# The inputs


def inputs(rng: random.Random) -> Iterator[tuple[Given, Given, dict[str, Any]]]:
    while True:
        options = _options(rng)
        masses = bool(options.get("normalize") or options.get("generalized"))
        shape = rng.choice([(2,), (3,), (5,), (1,), (2, 3), (3, 3), (1, 4), (2, 1, 3), (2, 2, 2)])
        axis = options.get("axis", -1)
        axis = axis if isinstance(axis, int) and -len(shape) <= axis < len(shape) else -1
        p = _given(rng, shape, axis, masses)
        other = shape if rng.random() < 0.9 else _other_shape(rng, shape)
        axis = axis if -len(other) <= axis < len(other) else -1
        q = _given(rng, other, axis, masses)
        yield p, q, options


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
        row = [_at(plain, cell) for cell in cells]
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
    shape = _shape(plain)
    if 0 in shape:
        return plain
    place = tuple(rng.randrange(size) for size in shape)
    x = _at(plain, place)
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
    shape = _shape(plain)
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
        index = rng.choice([list(range(shape[0])), [f"c{i}" for i in range(shape[0])]])
        return Given(pd.Series(array, index=index), plain, "float64", ("columns", tuple(index)))
    if kind == "frame" and len(shape) == 2:
        labels = [f"c{i}" for i in range(shape[1])]
        frame = pd.DataFrame(array, columns=labels)
        return Given(frame, plain, "float64", ("columns", tuple(labels)))
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
        [None, "0.5 0.5", b"ab", 0.5, 1, True, {"a": 1.0}, {0.5}, [[0.5, 0.5], [1.0]], [0.5, None],
         ["0.5", "0.5"], [0.5, 0.5 + 0j], object(), len, (x for x in (0.5, 0.5)), [object()], [],
         [[]], np.ma.array([0.5, 0.5]), np.array(0.5), np.array(["a"]), [datetime.date(2026, 1, 1)],
         np.array(["2026-01-01"], "M8[D]"), np.array([1], "m8[s]"), range(0), [0.5, "a"],
         np.zeros(2, dtype=[("a", float)]), np.zeros((2, 0)), pd.Series(["a", "b"]), slice(2),
         pd.Categorical(["a", "b"]), [[[0.5], 0.5]], float("nan"), Ellipsis, NotImplemented]
    )  # fmt: skip


# The comparison


def disagreement(
    p: Given, q: Given, options: dict[str, Any], divergence: Callable[..., Any] = kl.kl_divergence
) -> str | None:
    """How `divergence` and the oracle differ on one input, or None."""
    try:
        expected: Any = oracle(p, q, options)
    except RefusedError:
        expected = "refused"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            found: Any = divergence(p.value, q.value, **options)
    except kl.DistributionError as error:
        found = "refused"
        message = str(error)
        if not message or len(message) > 500:
            return f"message of {len(message)} characters"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if isinstance(expected, float):  # too close to call
        return None
    if "refused" in (found if isinstance(found, str) else "", expected):
        same = isinstance(found, str) and expected == "refused"
        return None if same else f"found {found!r:.80}, expected {expected!r:.80}"
    single = found.dtype == np.float32
    flat = np.asarray(found, np.float64).reshape(-1).tolist()
    if len(flat) != len(expected):
        return f"found {len(flat)} results, expected {len(expected)}"
    size = 1.0
    if options.get("generalized"):
        size = max(_total(p.plain), _total(q.plain), 1e-300)
        size *= 1 + abs(math.log(size))
    base = options.get("base")
    size /= abs(math.log(base)) if base is not None else 1.0
    for a, b in zip(flat, expected, strict=True):
        if a == b:
            continue
        slack = 1e-12 * (abs(b) if math.isfinite(b) else 0) + 1e-13 * size * 1000
        slack = slack if not single else 1e-5 * abs(b) + 1e-5 * size
        huge = 3e38 if single else 1e308
        if abs(a) > huge and abs(b) > huge * 0.99:
            continue
        if not abs(a - b) <= slack:
            return f"found {a!r}, expected {b!r}"
    return None


def _total(plain: Any) -> float:
    if isinstance(plain, list):
        return sum(map(_total, plain))
    return abs(plain)


def describe(p: Given, q: Given, options: dict[str, Any]) -> str:
    return f"p = {p.value!r} ({p.dtype}), q = {q.value!r} ({q.dtype}), {options}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    stream = inputs(random.Random(arguments.seed))
    refused, started = 0, time.monotonic()
    for number in range(1, arguments.count + 1):
        p, q, options = next(stream)
        if problem := disagreement(p, q, options):
            print(
                f"\ninput {number} of seed {arguments.seed}: {problem}\n{describe(p, q, options)}"
            )
            return 1
        try:
            oracle(p, q, options)
        except RefusedError:
            refused += 1
        if number % 1000 == 0:
            left = (time.monotonic() - started) * (arguments.count / number - 1)
            print(f"\r{number} of {arguments.count} inputs, {left:.0f} s left ", end="", flush=True)
    print(f"\n{arguments.count} inputs: {arguments.count - refused} numbers, {refused} refusals")
    return 0


if __name__ == "__main__":
    sys.exit(main())
