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
    """The oracle's word for DistributionError, and for what else a function may raise."""

    expected = "refused"


class NoFormError(RefusedError):
    """The oracle's word for NoClosedFormError."""

    expected = "no closed form"


class NoDistributionError(RefusedError):
    """The oracle's word for a TypeError that says what to pass."""

    expected = "no distribution"


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


#: From the arguments and options of a function to what it has to return.
Oracle = Callable[[dict[str, Given], dict[str, Any]], Any]

#: Nats from here on are inf as floats, and so they are in any unit.
BEYOND = mpf(2) ** 1024


def in_unit(nats: Any, scale: Any) -> Any:
    return (nats if nats < BEYOND else INF) / scale


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


def rows_of(plain: Any, axes: tuple[int, ...]) -> Iterator[list[Any]]:
    """The entries over these axes, counted from the end, for each place of the others."""
    for cells in cells_of(shape_of(plain), axes):
        yield [at(plain, cell) for cell in cells]


def cells_of(shape: tuple[int, ...], axes: tuple[int, ...]) -> Iterator[list[tuple[int, ...]]]:
    """The places of the entries of each row."""
    deep = len(shape)
    rest = [i for i in range(-deep, 0) if i not in axes]
    for place in places([shape[i] for i in rest]):
        fixed = dict(zip(rest, place, strict=True))
        yield [
            tuple((fixed | dict(zip(axes, cell, strict=True)))[i] for i in range(-deep, 0))
            for cell in places([shape[i] for i in axes])
        ]


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
            own = str(role).startswith("category")
            one_for_all = batch and not own and 1 in (len(wanted), len(names))
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


def pair_roles(*axes: int) -> Callable[[str, int], list[Any]]:
    """Where the categories are, on one axis or several; the others are a batch."""

    def roles(_: str, ndim: int) -> list[Any]:
        own = {i: f"category {i}" if len(axes) > 1 else "category" for i in axes}
        return [own.get(i, i) for i in range(-ndim, 0)]

    return roles


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


def axes_of(options: dict[str, Any], deep: int) -> tuple[int, ...]:
    """The axes of the categories, counted from the end."""
    axis = options.get("axis", -1)
    axes = axis if isinstance(axis, tuple) else (axis,)
    if not all(isinstance(i, int) and -deep <= i < deep for i in axes):
        raise RefusedError
    found = sorted(i - deep if i >= 0 else i for i in axes)
    if len(set(found)) < len(found) or not found:
        raise RefusedError
    return tuple(found)


def is_unsure(row: list[float], dtype: str, options: dict[str, Any]) -> bool:
    """Refuse a row that is no distribution; return whether its sum is too close to call."""
    if any(math.isnan(x) or math.isinf(x) or x < 0 for x in row):
        raise RefusedError
    if options.get("generalized"):
        return False
    if options.get("normalize"):
        if max(row, default=0.0) == 0:
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


class Meeting(NamedTuple):
    """Arguments that fit: for each place of the batch a row of each, of the entries that count.

    `cells` has the places of these entries, in what all broadcast to, which has the shape `full`.
    `shape` and `labels` are those of a result with one number for each row.
    """

    rows: list[tuple[list[Any], ...]]
    checked: list[tuple[str, list[Any]]]
    cells: list[list[tuple[int, ...]]]
    full: tuple[int, ...]
    shape: tuple[int, ...]
    labels: tuple[Any, ...]
    labels_of_entries: tuple[Any, ...]


def meeting(arguments: dict[str, Given], options: dict[str, Any]) -> Meeting:
    """One argument or two, by rows, and the mask `where` that goes with them."""
    names = [name for name in arguments if name != "where"]
    check_readable(*(arguments[name] for name in names))
    deep = max(len(shape_of(arguments[name].plain)) for name in names)
    axes = axes_of(options, deep)
    if "where" in arguments and arguments["where"].dtype != "bool":
        raise RefusedError
    roles = pair_roles(*axes)
    found, known = aligned(arguments, roles)
    shapes = [shape_of(found[name].plain) for name in names]
    check_fit(shapes, axes)
    full = tuple(
        min(sizes) if 0 in sizes else max(sizes)
        for sizes in zip(*((1,) * (deep - len(shape)) + shape for shape in shapes), strict=True)
    )
    cells = list(cells_of(full, axes))
    if "where" in found:
        mask = found["where"].plain
        check_mask(shape_of(mask), full)
        cells = [[cell for cell in row if fitting(mask, cell)] for row in cells]
    rows = [
        tuple([fitting(found[name].plain, cell) for cell in row] for name in names) for row in cells
    ]
    dtypes = [arguments[name].dtype for name in names]
    if "where" in found:
        checked = [pair for row in rows for pair in zip(dtypes, row, strict=True)]
    else:
        plain = [found[name].plain for name in names]
        checked = [
            (dtype, row) for dtype, x in zip(dtypes, plain, strict=True) for row in rows_of(x, axes)
        ]
    keep = bool(options.get("keepdims"))
    kept = [i for i in range(-deep, 0) if keep or i not in axes]
    shape = tuple(1 if i in axes else full[i] for i in kept)
    labels = tuple(None if i in axes else known.get(i) for i in kept)
    entries = fitting_labels(named(known, roles("", deep)), full)
    return Meeting(rows, checked, cells, full, shape, fitting_labels(labels, shape), entries)


def fitting_labels(labels: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Those of an axis of length 1, which serves for all, name none of many."""
    pairs = zip(labels, shape, strict=True)
    return tuple(None if names is None or len(names) != size else names for names, size in pairs)


def check_fit(shapes: list[tuple[int, ...]], axes: tuple[int, ...]) -> None:
    """Refuse what has no categories, other ones, or does not pair up."""
    if any(-axis > len(shape) for shape in shapes for axis in axes):
        raise RefusedError
    if any(len({shape[i] for shape in shapes}) > 1 or shapes[0][i] == 0 for i in axes):
        raise RefusedError
    small, large = min(shapes, key=len), max(shapes, key=len)
    if len(small) < len(large):
        if large[len(large) - len(small) :] != small:
            raise RefusedError
    elif any(a != b and 1 not in (a, b) for a, b in zip(shapes[0], shapes[-1], strict=True)):
        raise RefusedError


def check_mask(mask: tuple[int, ...], full: tuple[int, ...]) -> None:
    """Refuse a mask that does not broadcast to what it is for."""
    own = full[len(full) - len(mask) :] if len(mask) <= len(full) else None
    if own is None or any(a not in (1, b) for a, b in zip(mask, own, strict=True)):
        raise RefusedError


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


# Points


def as_points(plain: Any) -> list[list[float]]:
    shape = shape_of(plain)
    if len(shape) not in (1, 2) or 0 in shape:
        raise RefusedError
    return [[x] for x in plain] if len(shape) == 1 else plain


def square(a: list[float], b: list[float]) -> Any:
    return mp.fsum([(mpf(x) - mpf(y)) ** 2 for x, y in zip(a, b, strict=True)])
