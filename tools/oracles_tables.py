"""What the functions of joint tables have to return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracle_parts import (
    EITHER,
    EPS,
    Answer,
    Given,
    RefusedError,
    at,
    check_readable,
    flat,
    is_unsure,
    mp,
    places,
    scale_of,
    shape_of,
    shares,
    single,
)
from oracles_categories import term

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


ORACLES: dict[str, Oracle] = {
    "mutual_information": mutual_information,
}
