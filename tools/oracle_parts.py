"""What the oracles share: arguments with their meaning, nested lists, labels, distributions.

All in plain Python, and mpmath for the numbers: 60 digits, and exponents without end.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from mpmath.ctx_mp import MPContext

mp = MPContext()
mp.dps = 60
mpf = mp.mpf
INF = mp.inf

TOLERANCE = {"float64": 1e-6, "float32": 5e-4, "float16": 5e-3, "bfloat16": 2e-2}
#: Of every number, unless an oracle says why it is less.
DIGITS = 1e-12
#: The last digit of a float64 beside 1.
EPS = 2.0**-52


class RefusedError(Exception):
    """The oracle's word for DistributionError."""


class Given(NamedTuple):
    """An argument, and what it means: nested lists of numbers with their dtype, or None.

    `labels` has for each axis a tuple of labels, a range (rows that pandas numbers), or None.
    """

    value: Any
    plain: Any
    dtype: str = "float64"
    labels: tuple[Any, ...] | None = None


class Answer(NamedTuple):
    """Numbers in row order, the shape they have, and how far off they may be.

    `slack` is absolute, one for all or one for each, and comes on top of DIGITS. `single` is how
    far off a float32 result may be, relatively; 0 if the result is a float64.
    """

    numbers: list[Any]
    shape: tuple[int, ...]
    slack: Any = 0.0
    single: float = 0.0
    labels: tuple[Any, ...] | None = None


#: Either a number or a refusal will do.
EITHER = "either"


# Nested lists


def shape_of(plain: Any) -> tuple[int, ...]:
    shape = []
    while isinstance(plain, list):
        shape.append(len(plain))
        plain = plain[0] if plain else None
    return tuple(shape)


def at(plain: Any, place: Sequence[int]) -> Any:
    for i in place:
        plain = plain[i]
    return plain


def flat(plain: Any) -> list[Any]:
    return [x for part in plain for x in flat(part)] if isinstance(plain, list) else [plain]


def places(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*map(range, shape))


def reordered(plain: Any, order: Sequence[int], axis: int) -> Any:
    if axis == 0:
        return [plain[i] for i in order]
    return [reordered(part, order, axis - 1) for part in plain]


def without(axis: int, deep: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    full = (1,) * (deep - len(shape)) + shape
    return full[: deep + axis] + full[deep + axis + 1 :]


def row_at(plain: Any, axis: int, deep: int, place: tuple[int, ...]) -> list[Any]:
    """The row of a (broadcast) nested list at a place of the batch."""
    shape = shape_of(plain)
    full = (*place[: deep + axis], 0, *place[deep + axis :])
    own = list(full[deep - len(shape) :])
    own = [0 if size == 1 else i for i, size in zip(own, shape, strict=True)]
    row = []
    for k in range(shape[axis]):
        own[axis] = k
        row.append(at(plain, own))
    return row


def rows_of(plain: Any, axis: int) -> Iterator[list[Any]]:
    shape = shape_of(plain)
    for place in places(without(axis, len(shape), shape)):
        yield row_at(plain, axis, len(shape), place)


# Labels


def aligned(
    arguments: dict[str, Given], roles: Callable[[str, int], list[Any]], batch: bool = True
) -> tuple[dict[str, Given], dict[Any, Any]]:
    """The arguments in the order of the first that has labels, and the labels by role.

    `batch`: axes other than "category" may have length 1, and then pair with any.
    """
    known: dict[Any, Any] = {}
    result = dict(arguments)
    for name, given in arguments.items():
        if given.labels is None:
            continue
        for axis, (role, names) in enumerate(
            zip(roles(name, len(given.labels)), given.labels, strict=True)
        ):
            if names is None:
                continue
            wanted = known.setdefault(role, names)
            counted = isinstance(wanted, range) and isinstance(names, range)
            one_for_all = batch and role != "category" and 1 in (len(wanted), len(names))
            if wanted is names or counted or one_for_all:
                known[role] = max(wanted, names, key=len)
            elif list(wanted) != list(names):
                if len(set(wanted)) != len(wanted) or sorted(map(repr, wanted)) != sorted(
                    map(repr, names)
                ):
                    raise RefusedError
                order = [list(names).index(label) for label in wanted]
                plain = reordered(result[name].plain, order, axis)
                result[name] = result[name]._replace(plain=plain)
    return result, known


def pair_roles(axis: int) -> Callable[[str, int], list[Any]]:
    return lambda _, ndim: ["category" if i - ndim == axis else i - ndim for i in range(ndim)]


def named(known: dict[Any, Any], roles: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(known.get(role) for role in roles)


# What a distribution is


def scale_of(options: dict[str, Any]) -> Any:
    base = options.get("base")
    if base is None:
        return mpf(1)
    if isinstance(base, (str, bool)) or not 0 < base < math.inf or base == 1:
        raise RefusedError
    return mp.log(mpf(base))


def axis_of(options: dict[str, Any], deep: int) -> int:
    axis = options.get("axis", -1)
    if isinstance(axis, tuple) and len(axis) == 1:
        [axis] = axis
    if not isinstance(axis, int) or not -deep <= axis < deep:
        raise RefusedError
    return axis - deep if axis >= 0 else axis


def is_unsure(row: list[float], dtype: str, options: dict[str, Any]) -> bool:
    """Refuse a row that is no distribution; return whether its sum is too close to call."""
    if any(math.isnan(x) or math.isinf(x) or x < 0 for x in row):
        raise RefusedError
    if options.get("generalized"):
        return False
    if options.get("normalize"):
        if max(row) == 0:
            raise RefusedError
        return False
    off = abs(math.fsum(row) - 1)
    if abs(off - TOLERANCE[dtype]) < 1e-9 * (1 if dtype == "float64" else 100):
        return True
    if off > TOLERANCE[dtype]:
        raise RefusedError
    return False


def check_readable(*given: Given) -> None:
    if any(one.plain is None or shape_of(one.plain) == () for one in given):
        raise RefusedError


def exact(row: Sequence[float]) -> list[Any]:
    return [mpf(x) for x in row]


def shares(row: Sequence[float]) -> list[Any]:
    total = mp.fsum(exact(row))
    return [mpf(x) / total for x in row]


def pair_of(arguments: dict[str, Given], options: dict[str, Any]) -> tuple[Any, ...]:
    """p and q in one order, the axis from the end, the batch, and the labels by role."""
    first, second = arguments.values()
    check_readable(first, second)
    deep = max(len(shape_of(first.plain)), len(shape_of(second.plain)))
    axis = axis_of(options, deep)
    found, known = aligned(arguments, pair_roles(axis))
    p, q = found.values()
    shapes = shape_of(p.plain), shape_of(q.plain)
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
    batch = tuple(
        min(pair) if 0 in pair else max(pair)
        for pair in zip(*(without(axis, deep, shape) for shape in shapes), strict=True)
    )
    return p, q, axis, deep, batch, known


#: The last digit of a float32 beside 1. Rows of float32 are summed in float32 where nothing
#: cancels, and are right to ROWS (kl_lib/rows.py says so).
EPS_32, ROWS = 1.2e-7, 1e-5


def careful(compute: Callable[[], Any]) -> Any:
    """A number with digits enough, also where it is what is left of parts as large as 1."""
    number = compute()
    if abs(number) < 1e-25:
        with mp.workdps(720):  # the smallest float is 5e-324, its square what is left of some
            return compute()
    return number


def single(*given: Given, digits: float = EPS_32) -> float:
    return digits if all(one.dtype != "float64" for one in given) else 0.0


# Parameters and points


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    deep = max(map(len, shapes))
    full = [(1,) * (deep - len(shape)) + shape for shape in shapes]
    for sizes in zip(*full, strict=True):
        if len(set(sizes) - {1}) > 1:
            raise RefusedError
    return tuple(next((n for n in sizes if n != 1), 1) for sizes in zip(*full, strict=True))


def fitting(plain: Any, place: tuple[int, ...]) -> Any:
    """The entry of a nested list, or list of lists, at a place of what it broadcasts to."""
    shape = shape_of(plain)
    own = place[len(place) - len(shape) :]
    return at(plain, [0 if size == 1 else i for i, size in zip(own, shape, strict=True)])


def fitting_part(plain: Any, place: tuple[int, ...], own: int) -> Any:
    """As `fitting`, of what has `own` axes of its own at the end."""
    shape = shape_of(plain)
    shape = shape[: len(shape) - own]
    rest = place[len(place) - len(shape) :]
    return at(plain, [0 if size == 1 else i for i, size in zip(rest, shape, strict=True)])


def as_points(plain: Any) -> list[list[float]]:
    shape = shape_of(plain)
    if len(shape) not in (1, 2) or 0 in shape:
        raise RefusedError
    return [[x] for x in plain] if len(shape) == 1 else plain


def square(a: list[float], b: list[float]) -> Any:
    return mp.fsum([(mpf(x) - mpf(y)) ** 2 for x, y in zip(a, b, strict=True)])
