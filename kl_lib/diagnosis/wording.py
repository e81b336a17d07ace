"""Numbers, counts and places as the report and its remedies write them."""

from __future__ import annotations

import numpy as np

from kl_lib.stable import Array

LN2 = float(np.log(2.0))


def number(x: float, digits: int = 6) -> str:
    """Six significant digits, which is what people compare by eye."""
    return f"{x:.{digits}g}"


def digits_apart(x: float, y: float, digits: int = 6) -> int:
    """How many significant digits, at least `digits`, show that x and y are not the same number."""
    if x == y or not np.isfinite([x, y]).all():
        return digits
    return next(n for n in range(digits, 18) if number(x, n) != number(y, n))


def digits_from_one(*sums: float) -> int:
    """How many, at least 9, show that not all of these sums are 1."""
    return digits_apart(max(sums, key=lambda x: abs(x - 1), default=1.0), 1.0, 9)


def percent(x: float) -> str:
    """A share in per cent, never 100 unless it is."""
    text = f"{100 * x:.3g} %"
    return "> 99.9 %" if text == "100 %" and x < 1 else text


def count(n: int, one: str, many: str | None = None) -> str:
    """'1 row', '3 rows', '2 categories'."""
    return f"{n} {one if n == 1 else many or one + 's'}"


def entries(n: int) -> str:
    """'1 entry', '2 entries'."""
    return count(n, "entry", "entries")


def index(place: tuple[int, ...]) -> str:
    """A row or an entry: '17', or '(3, 1)' where one number does not tell."""
    return str(place[0]) if len(place) == 1 else str(place)


def span(low: float, high: float, *, between: str, digits: int = 9) -> str:
    """One number where the two read the same, otherwise both: 'between 2 and 3', '2 to 3'."""
    ends = number(low, digits), number(high, digits)
    return ends[0] if ends[0] == ends[1] else between.format(*ends)


def divergence(value: Array, name: str = "KL(p‖q)") -> str:
    """KL in words: of one row in nats and bits, of a batch from smallest to largest."""
    if value.ndim == 0:
        return f"{name} = {number(float(value))} nats = {number(float(value) / LN2)} bits"
    if value.size == 0:
        return "no rows"
    low, high = number(float(value.min())), number(float(value.max()))
    range_ = f"= {low}" if low == high else f"from {low} to {high}"
    return f"{name} {range_} nats in {count(value.size, 'row')}"
