"""What the functions of joint tables have to return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracle_parts import (
    EITHER,
    EPS,
    INF,
    ROWS,
    Answer,
    Given,
    RefusedError,
    aligned,
    at,
    careful,
    check_readable,
    fitting_part,
    flat,
    is_unsure,
    mp,
    mpf,
    named,
    pair_roles,
    places,
    scale_of,
    shape_of,
    shares,
    single,
)
from oracles_categories import kl_row, kl_slack, term

Oracle = Callable[[dict[str, Given], dict[str, Any]], Any]


def mutual_information(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale, joint = scale_of(options), arguments["joint"]
    check_readable(joint)
    shape = shape_of(joint.plain)
    if len(shape) < 2 or 0 in shape[-2:]:
        raise RefusedError
    numbers, unsure = [], False
    for place in places(shape[:-2]):
        table = at(joint.plain, place)
        unsure |= is_unsure(flat(table), joint.dtype, options)
        cells = iter(shares(flat(table)))
        rows = [[next(cells) for _ in row] for row in table]
        tops = [mp.fsum(row) for row in rows]
        sides = [mp.fsum(column) for column in zip(*rows, strict=True)]
        pairs = [(rows[i][j], tops[i] * sides[j]) for i, j in places(shape[-2:])]
        numbers.append(mp.fsum([term(a, b) for a, b in pairs]) / scale)
    if unsure:
        return EITHER
    # The marginals round, and with them what would be 0 where the two are independent.
    slack = EPS / abs(float(scale))
    return Answer(numbers, shape[:-2], slack, single(joint), (joint.labels or ())[:-2] or None)


def conditional_entropy(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    """Σ p(x, y)·log(p(x)/p(x, y)), with x the variable that is known."""
    scale, joint = scale_of(options), arguments["joint"]
    check_known(options)
    check_readable(joint)
    shape = shape_of(joint.plain)
    check_tables(shape)
    if unsure_of_tables(joint, options):
        return EITHER
    numbers = []
    for place in places(shape[:-2]):
        [table] = rows_of_known([at(joint.plain, place)], options)
        numbers.append(careful(lambda table=table: mp.fsum(map(spread, table))) / scale)
    slack = 1e-320 / abs(float(scale))
    return Answer(numbers, shape[:-2], slack, single(joint), (joint.labels or ())[:-2] or None)


def spread(row: list[Any]) -> Any:
    """The weight of a row times its entropy."""
    return mp.fsum([x * mp.log(mp.fsum(row) / x) for x in row if x > 0])


def kl_conditional(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    """Σ p(x)·KL(p(y|x)‖q(y|x)), with x the variable that is known."""
    scale = scale_of(options)
    check_known(options)
    check_readable(*arguments.values())

    def roles(_: str, ndim: int) -> list[Any]:
        return [*range(2 - ndim, 0), "category rows", "category columns"][-ndim:]

    found, known = aligned(arguments, roles)
    p, q = found.values()
    shapes = shape_of(p.plain), shape_of(q.plain)
    for shape in shapes:
        check_tables(shape)
    batch = max(shapes, key=len)[:-2]
    # The same shape, or one table against a batch.
    if any(shape[-2:] != shapes[0][-2:] or shape[:-2] not in ((), batch) for shape in shapes):
        raise RefusedError
    found_unsure = [unsure_of_tables(x, options) for x in (p, q)]
    if any(found_unsure):
        return EITHER
    numbers, slack = [], []
    for place in places(batch):
        tables = [fitting_part(x.plain, place, 2) for x in (p, q)]
        a, b = rows_of_known(tables, options)
        numbers.append(careful(lambda a=a, b=b: mp.fsum(map(apart, a, b))) / scale)
        # As where rows of counts are divided by their sums.
        off = [
            float(mp.fsum(row)) * kl_slack([float(x) for x in row], [float(x) for x in other], 1.0)
            for row, other in zip(a, b, strict=True)
            if mp.fsum(row) > 1e-300 and mp.fsum(other) > 1e-300
        ]
        slack.append((sum(off) + 1e-315) / abs(float(scale)))
    return Answer(numbers, batch, slack, single(p, q), named(known, range(-len(batch), 0)))


def apart(p: list[Any], q: list[Any]) -> Any:
    """The weight of a row of p times the KL of the two rows, each divided by its sum."""
    weight, other = mp.fsum(p), mp.fsum(q)
    if weight == 0:
        return mpf(0)
    if other == 0:
        return INF
    return weight * kl_row([x / weight for x in p], [y / other for y in q])


def check_known(options: dict[str, Any]) -> None:
    if options.get("given", "rows") not in ("rows", "columns"):
        raise RefusedError


def check_tables(shape: tuple[int, ...]) -> None:
    if len(shape) < 2 or 0 in shape[-2:]:
        raise RefusedError


def unsure_of_tables(given: Given, options: dict[str, Any]) -> bool:
    tables = [flat(at(given.plain, place)) for place in places(shape_of(given.plain)[:-2])]
    found = [is_unsure(table, given.dtype, options) for table in tables]  # each, to refuse
    return any(found)


def rows_of_known(tables: list[Any], options: dict[str, Any]) -> list[list[list[Any]]]:
    """Each table divided by its sum; by rows of what is known, its columns if those are."""
    result = []
    for table in tables:
        cells = iter(shares(flat(table)))
        rows = [[next(cells) for _ in row] for row in table]
        if options.get("given") == "columns":
            rows = [list(column) for column in zip(*rows, strict=True)]
        result.append(rows)
    return result


def js_divergence_of(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    """Σ wᵢ·KL(pᵢ‖m) with m = Σ wᵢ·pᵢ."""
    scale, weights = scale_of(options), arguments.get("weights")
    several = [one for name, one in arguments.items() if name != "weights"]
    if isinstance(several[0].plain, dict):  # a list of them, each with its labels
        listed = several[0].plain
        check_readable(*listed.values())
        found, known = aligned(listed, pair_roles(-1), batch=False)
        dtypes = {one.dtype for one in listed.values()}
        rows = [one.plain for one in found.values()]
        shapes = {shape_of(x) for x in rows}
        if len(shapes) > 1:
            raise RefusedError
        [shape] = shapes
        batch, labels = shape[:-1], named(known, range(-len(shape), -1))
        groups = [[at(x, place) for x in rows] for place in places(batch)]
    else:
        [given] = several
        check_readable(given)
        shape, dtypes = shape_of(given.plain), {given.dtype}
        if len(shape) < 2:
            raise RefusedError
        batch, labels = shape[:-2], (given.labels or ())[:-2] or None
        groups = [at(given.plain, place) for place in places(batch)]
        if 0 in shape[-2:]:
            raise RefusedError
    if shape[-1] == 0:
        raise RefusedError
    count = len(rows) if isinstance(several[0].plain, dict) else shape[-2]
    unsure = False
    masses = [1.0] * count
    if weights is not None and weights.value is not None:
        check_readable(weights)
        if shape_of(weights.plain) != (count,):
            raise RefusedError
        unsure |= is_unsure(weights.plain, weights.dtype, options)
        masses = weights.plain
    for group in groups:
        for row in group:
            for dtype in dtypes:
                unsure |= is_unsure(row, dtype, options)
    if unsure:
        return EITHER

    def value(group: list[list[float]]) -> Any:
        pairs = [(w, shares(row)) for w, row in zip(shares(masses), group, strict=True) if w > 0]
        mean = [mp.fsum([w * row[i] for w, row in pairs]) for i in range(shape[-1])]
        return mp.fsum([w * kl_row(row, mean) for w, row in pairs])

    numbers = [careful(lambda group=group: value(group)) / scale for group in groups]
    of = 0.0 if "float64" in dtypes else ROWS
    return Answer(numbers, batch, 1e-315 / abs(float(scale)), of, labels)


ORACLES: dict[str, Oracle] = {
    "conditional_entropy": conditional_entropy,
    "js_divergence_of": js_divergence_of,
    "kl_conditional": kl_conditional,
    "mutual_information": mutual_information,
}
