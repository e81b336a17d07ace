"""The report of `kl_lib.diagnose`: what it holds, and how it reads as text, JSON, HTML and rich.

All four show the same list of tables and lines (`_blocks`), so none can say what another does not.
"""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from .answers import Answer

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

WIDTH = 80


@dataclass(frozen=True)
class Problem:
    """What makes the input invalid.

    Parameters
    ----------
    argument
        ``"p"``, ``"q"``, ``"p and q"``, ``"axis"`` or ``"base"``.
    kind
        ``"unreadable"``, ``"logarithms"``, ``"negative"``, ``"nan"``, ``"infinite"``, ``"sum"``,
        ``"empty"``, ``"shape"``, ``"labels"``, ``"axis"`` or ``"base"``.
    message
        What the `kl_lib.DistributionError` says.
    count
        How many entries (for ``"sum"`` and ``"empty"``: rows) have the fault; None where counting
        means nothing.
    places
        Indices of the first ten of them.
    """

    argument: str
    kind: str
    message: str
    count: int | None = None
    places: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Argument:
    """p or q as it came: dtype, shape, range of its entries and of its sums over the axis."""

    name: str
    dtype: str | None
    shape: tuple[int, ...] | None
    minimum: float | None = None
    maximum: float | None = None
    zeros: int | None = None
    sums: tuple[float, float] | None = None


@dataclass(frozen=True)
class Measure:
    """One quantity of one pair of distributions."""

    name: str
    nats: float
    bits: float
    in_base: float | None = None


@dataclass(frozen=True)
class Summary:
    """One quantity over the rows of a batch; the mean is that of the finite rows."""

    name: str
    unit: str
    minimum: float
    mean: float
    maximum: float
    infinite: int


@dataclass(frozen=True)
class Term:
    """One category's part of the sum.

    Parameters
    ----------
    index
        The category.
    p, q
        Its probabilities.
    term
        p·log(p/q) in nats; negative where p < q.
    share
        Of the sum, between 0 and 1, counted with p·log(p/q) − p + q, which has the same sum and
        is never negative. None where the sum is infinite or 0.
    """

    index: int
    p: float
    q: float
    term: float
    share: float | None


@dataclass(frozen=True)
class Mismatch:
    """Entries where one distribution is 0 and the other is not.

    Parameters
    ----------
    name
        ``"p > 0, q = 0"``, which makes KL(p‖q) infinite, or ``"q > 0, p = 0"``, which makes KL(q‖p)
        infinite.
    count, rows
        How many entries, in how many rows.
    places
        Indices (row, then category) of the first ten.
    mass
        The largest probability in one row that lies there.
    """

    name: str
    count: int
    rows: int
    places: tuple[tuple[int, ...], ...]
    mass: float


@dataclass(frozen=True)
class Rounding:
    """The plain sum Σ p·log(p/q) in the dtype of p and q, against the exact value.

    Parameters
    ----------
    dtype
        The dtype the sum was computed in.
    row
        The row where it is furthest off, relative to the exact value.
    naive, exact
        The two values there, in nats.
    relative
        |naive − exact|/exact.
    negative_rows
        How many rows have a plain sum below 0.
    """

    dtype: str
    row: tuple[int, ...]
    naive: float
    exact: float
    relative: float
    negative_rows: int


@dataclass(frozen=True)
class Note:
    """Something to know about a valid input: a word for programs, a sentence for people.

    The word is ``"equal"``, ``"cancellation"``, ``"precision"`` or ``"sum"``.
    """

    kind: str
    message: str


@dataclass(frozen=True)
class Remedy:
    """Something to do: a word for programs, a sentence for people, the number it gives in nats.

    The word is, for an invalid input, ``"axis"``, ``"transpose"``, ``"squeeze"``, ``"labels"``,
    ``"float32"``, ``"normalize"``, ``"exp"``, ``"logits"`` or ``"rows"``; for an infinite KL
    ``"swap"``, ``"smooth"``, ``"logits"``, ``"js"`` or ``"epsilon"``. The number is None where
    there is none, or one for each row.
    """

    kind: str
    message: str
    value: float | None = None


@dataclass(frozen=True, repr=False)
class Report:
    """What `kl_lib.diagnose` found. Print it, show it in a notebook, or take `to_dict`.

    Parameters
    ----------
    status
        ``"fine"``, ``"infinite"`` (KL(p‖q) is infinite in at least one row) or ``"invalid"``.
    verdict
        The same in a sentence.
    axis, base, normalize
        As they were asked for.
    arguments, problems
        p and q as they came, and what is wrong with them (empty if they are valid).
    shape, rows, categories
        Shape of the batch (empty for one pair), number of rows, categories in each.
    row
        The row with the largest KL(p‖q), which `measures` and `terms` are about. Empty for one
        pair, None if there is none.
    measures, terms, carried
        Of that row: its divergences and entropies, the categories that carry most of KL(p‖q), and
        the share of the sum that those listed carry together (None if infinite or 0).
    summaries
        Over the rows of a batch.
    mismatches, rounding, notes
        Zeros of one where the other has none, the plain sum, and warnings.
    answers
        What other libraries give.
    remedies
        What to do, each tried out on this input.
    """

    status: str
    verdict: str
    axis: Any
    base: Any
    normalize: bool
    arguments: tuple[Argument, ...]
    problems: tuple[Problem, ...] = ()
    shape: tuple[int, ...] | None = None
    rows: int | None = None
    categories: int | None = None
    row: tuple[int, ...] | None = None
    measures: tuple[Measure, ...] = ()
    terms: tuple[Term, ...] = ()
    carried: float | None = None
    summaries: tuple[Summary, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    rounding: Rounding | None = None
    notes: tuple[Note, ...] = ()
    answers: tuple[Answer, ...] = ()
    remedies: tuple[Remedy, ...] = ()

    @property
    def valid(self) -> bool:
        """True if p and q are distributions that pair up."""
        return self.status != "invalid"

    def to_dict(self) -> dict[str, Any]:
        """The report as dictionaries, lists, strings and finite numbers: what strict JSON can say.

        Infinite numbers and nan become the strings ``"inf"``, ``"-inf"`` and ``"nan"``, which
        `float` reads back. None stands for what was not computed or does not apply.
        """
        return _plain(asdict(self))

    def to_json(self, *, indent: int | None = None) -> str:
        """`to_dict` as strict JSON: no ``NaN`` and no ``Infinity`` in it."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def __str__(self) -> str:
        return "\n".join(_text(self))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "\n".join(_html(self))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from _rich(self)


def _plain(value: Any) -> Any:
    """`value` with tuples as lists, and numbers that JSON has no word for as strings."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value)


# What is shown: tables and lines


@dataclass(frozen=True)
class Table:
    """A table with a header; as text, `stacked` puts the last column below the others."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    stacked: bool = False


@dataclass(frozen=True)
class Lines:
    """A title and sentences."""

    title: str
    lines: tuple[str, ...] = field(default=())


def _blocks(report: Report) -> Iterator[Table | Lines]:
    if report.problems:
        yield Lines("What is wrong", tuple(map(_problem, report.problems)))
    if report.remedies:
        yield Lines("What you can do", tuple(remedy.message for remedy in report.remedies))
    if report.notes:
        yield Lines("What to know", tuple(note.message for note in report.notes))
    yield Lines("Input", tuple(_input(report)))
    if report.summaries:
        yield _summary_table(report)
    if report.measures:
        yield _measure_table(report)
    if report.terms:
        yield _term_table(report)
    if report.mismatches:
        yield Lines("Zeros that do not match", tuple(map(_mismatch, report.mismatches)))
    if report.answers:
        yield Table(
            "Other libraries on the same input",
            ("library", "call", "answer"),
            tuple(
                (answer.version or answer.library, answer.call or "", _answer(answer))
                for answer in report.answers
            ),
            stacked=True,
        )


def _problem(problem: Problem) -> str:
    if (problem.count or 0) < 2 or problem.kind == "logarithms":
        return problem.message
    things = "rows" if problem.kind in ("sum", "empty") else "entries"
    return f"{problem.message} (the first of {problem.count} such {things})"


def _input(report: Report) -> Iterator[str]:
    for a in report.arguments:
        if a.shape is None:
            yield f"{a.name}: cannot be read as numbers"
            continue
        text = f"{a.name}: {a.dtype}, shape {a.shape}"
        if a.minimum is not None and a.maximum is not None:
            text += f", from {number(a.minimum)} to {number(a.maximum)}"
            text += f", {count(a.zeros or 0, 'zero', 'zeros')}"
        if a.sums is not None:
            low, high = (f"{x:.9g}" for x in a.sums)
            text += f", sums {low}" if low == high else f", sums from {low} to {high}"
        yield text
    if report.rows is not None and report.categories is not None:
        rows = count(report.rows, "row", "rows")
        if report.shape is not None and len(report.shape) > 1:
            rows += f" (batch {report.shape})"
        categories = count(report.categories, "category", "categories")
        divided = "; counts divided by their sums" if report.normalize else ""
        yield f"{rows} of {categories} on axis {report.axis}{divided}"


def _units(report: Report) -> tuple[str, ...]:
    extra = (f"base {report.base:g}",) if report.measures[0].in_base is not None else ()
    return ("nats", "bits", *extra)


def _measure_table(report: Report) -> Table:
    title = "The numbers"
    if report.row:
        title = f"The row with the largest KL(p‖q): {_row(report.row)}"
    return Table(
        title,
        ("", *_units(report)),
        tuple(
            (m.name, number(m.nats), number(m.bits))
            + ((number(m.in_base),) if m.in_base is not None else ())
            for m in report.measures
        ),
    )


def _summary_table(report: Report) -> Table:
    infinite = any(summary.infinite for summary in report.summaries)
    return Table(
        f"Over {count(report.rows or 0, 'row', 'rows')}",
        ("", "unit", "min", "mean", "max", "infinite"),
        tuple(
            (
                s.name,
                s.unit,
                *(number(x, 5) for x in (s.minimum, s.mean, s.maximum)),
                str(s.infinite),
            )
            for s in report.summaries
            if s.unit == "nats" or s.name.startswith("KL")  # the rest in bits is in to_dict
        ),
        note="The mean is that of the finite rows." if infinite else "",
    )


def _term_table(report: Report) -> Table:
    note = ""
    if report.carried is not None:
        shown = f"{len(report.terms)} of {count(report.categories or 0, 'category', 'categories')}"
        note = (
            f"{shown}, {percent(report.carried)} of the sum. A share is that of "
            "p log(p/q) - p + q: the sum is the same, and no part is negative."
        )
    return Table(
        "Categories that carry most of KL(p‖q)",
        ("category", "p", "q", "p log(p/q), nats", "share"),
        tuple(
            (
                str(t.index), number(t.p), number(t.q), number(t.term),
                "" if t.share is None else percent(t.share),
            )
            for t in report.terms
        ),
        note=note,
    )  # fmt: skip


def _mismatch(mismatch: Mismatch) -> str:
    shown = ", ".join(str(place[0]) if len(place) == 1 else str(place) for place in mismatch.places)
    more = ", ..." if mismatch.count > len(mismatch.places) else ""
    rows = f" in {count(mismatch.rows, 'row', 'rows')}" if len(mismatch.places[0]) > 1 else ""
    side = mismatch.name[0]
    effect = "KL(p‖q)" if side == "p" else "KL(q‖p)"
    entries = count(mismatch.count, "entry", "entries")
    return (
        f"{mismatch.name}: {entries}{rows}, at {shown}{more}; {side} has "
        f"{number(mismatch.mass)} there{' in one row' if rows else ''}, so {effect} is infinite"
    )


def _answer(answer: Answer) -> str:
    if answer.status in ("missing", "unknown"):
        return f"{answer.status}: {answer.message}"
    if answer.message is not None:
        return answer.message
    why = "; ".join(reason.message for reason in answer.reasons)
    if answer.status == "agrees":
        return f"{_shown(answer)}: agrees"
    return f"{_shown(answer)}: {why}" if why else _shown(answer)


def _shown(answer: Answer) -> str:
    """The answer in a few words: one number, one row of many, or the first numbers of a shape."""
    if answer.value is not None and answer.expected is not None:
        if not answer.row:
            return number(answer.value)
        if answer.status == "agrees":
            return "every row"
        rows = count(answer.differing or 0, "row differs", "rows differ")
        return f"{rows}; {_row(answer.row)}: {number(answer.value)}, not {number(answer.expected)}"
    numbers = ", ".join(map(number, answer.values))
    if not answer.shape:
        return numbers
    more = ", ..." if math.prod(answer.shape) > len(answer.values) else ""
    return f"[{numbers}{more}], shape {answer.shape}"


def _row(row: tuple[int, ...]) -> str:
    return f"row {row[0] if len(row) == 1 else row}"


def number(x: float, digits: int = 6) -> str:
    """Six significant digits, which is what people compare by eye."""
    return f"{x:.{digits}g}"


def percent(x: float) -> str:
    """A share in per cent, never 0 or 100 unless it is."""
    text = f"{100 * x:.3g} %"
    if text == "100 %" and x < 1:
        return "> 99.9 %"
    return text


def count(n: int, one: str, many: str) -> str:
    """'1 row', '3 rows'."""
    return f"{n} {one if n == 1 else many}"


# Text


def _text(report: Report) -> Iterator[str]:
    yield from _wrap(report.verdict, "", "")
    for block in _blocks(report):
        yield ""
        yield from _wrap(block.title, "", "")
        if isinstance(block, Lines):
            for line in block.lines:
                yield from _wrap(line, "  - ", "    ")
        else:
            yield from _stacked(block) if block.stacked else _columns(block)
            yield from _wrap(block.note, "  ", "  ")


def _wrap(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )


def _columns(table: Table) -> Iterator[str]:
    lines = [table.header, *table.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.header))]
    right = _numeric(table)
    for line in lines:
        cells = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def _numeric(table: Table) -> list[bool]:
    """Which columns hold numbers, to be set flush right."""
    return [
        all(re.fullmatch(r"(>? ?[-+]?[\d.]+(e[-+]\d+)?( %)?|-?inf|nan|)", row[i])
            for row in table.rows)
        for i in range(len(table.header))
    ]  # fmt: skip


def _stacked(table: Table) -> Iterator[str]:
    last = None
    for name, *middle, text in table.rows:
        if name != last:
            yield from _wrap(name, "  ", "  ")
            last = name
        for cell in middle:
            yield from _wrap(cell, "    ", "      ")
        yield from _wrap(text, "      ", "      ")


# HTML: no style sheet, no script, nothing from elsewhere; it takes the page's own colours


def _html(report: Report) -> Iterator[str]:
    label = escape(f"Diagnosis: {report.verdict}", quote=True)
    yield (
        f'<div class="kl-lib-report" role="group" aria-label="{label}" tabindex="0" '
        'style="overflow-x: auto">'
    )
    yield f"<p><strong>{escape(report.verdict)}</strong></p>"
    for block in _blocks(report):
        if isinstance(block, Lines):
            yield f"<p><strong>{escape(block.title)}</strong></p>"
            yield "<ul>"
            yield from (f"<li>{escape(line)}</li>" for line in block.lines)
            yield "</ul>"
        else:
            yield from _html_table(block)
    yield "</div>"


def _html_table(table: Table) -> Iterator[str]:
    styles = ["right" if number else "left" for number in _numeric(table)]
    yield "<table>"
    yield f'<caption style="text-align: left"><strong>{escape(table.title)}</strong></caption>'
    yield f"<thead><tr>{''.join(_cells(table.header, styles, head=True))}</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        yield f"<tr>{''.join(_cells(row, styles, head=False))}</tr>"
    yield "</tbody>"
    yield "</table>"
    if table.note:
        yield f"<p>{escape(table.note)}</p>"


def _cells(row: Sequence[str], styles: Sequence[str], *, head: bool) -> Iterator[str]:
    for i, (cell, align) in enumerate(zip(row, styles, strict=True)):
        tag, scope = ("td", "")
        if head and cell:
            tag, scope = "th", ' scope="col"'
        elif i == 0 and not head:
            tag, scope = "th", ' scope="row"'
        style = f"text-align: {align}; padding: 0 0.5em"
        yield f'<{tag}{scope} style="{style}">{escape(cell)}</{tag}>'


# Rich


def _rich(report: Report) -> RenderResult:
    from rich import box
    from rich.padding import Padding
    from rich.table import Table as RichTable
    from rich.text import Text

    colour = {"fine": "green", "infinite": "yellow"}.get(report.status, "red")
    yield Text(report.verdict, style=f"bold {colour}")
    for block in _blocks(report):
        yield Text("")
        yield Text(block.title, style="bold")
        if isinstance(block, Lines):
            for line in block.lines:
                item = RichTable.grid(padding=(0, 1))
                item.add_row(Text("-"), Text(line))
                yield Padding(item, (0, 0, 0, 2))
            continue
        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        for name, numeric in zip(block.header, _numeric(block), strict=True):
            table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
        for row in block.rows:
            table.add_row(*map(Text, row))
        yield table
        if block.note:
            yield Text(block.note)
