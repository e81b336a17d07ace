"""How a report reads: as text of 80 columns, as HTML and on a rich console.

All three show the same list of tables and lines (`_blocks`), so none says what another does not.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING

from kl_lib.printing import printable

from .wording import count, digits_apart, number, percent

if TYPE_CHECKING:
    from rich.console import RenderResult

    from .other_libraries import Answer
    from .report import Mismatch, Problem, Report

WIDTH = 80


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
    if report.summaries and report.rows != 1:
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
            text += f", {count(a.zeros or 0, 'zero')}"
            text += f", {a.nans} nan" if a.nans else ""
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
    if report.row and report.rows != 1:
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
                str(t.index) if t.label is None else f"{t.index} {t.label}",
                number(t.p), number(t.q), number(t.term),
                "" if t.share is None else percent(t.share),
            )
            for t in report.terms
        ),
        note=note,
    )  # fmt: skip


def _mismatch(mismatch: Mismatch) -> str:
    shown = ", ".join(str(place[0]) if len(place) == 1 else str(place) for place in mismatch.places)
    more = ", ..." if mismatch.count > len(mismatch.places) else ""
    rows = f" in {count(mismatch.rows, 'row')}" if len(mismatch.places[0]) > 1 else ""
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
        if answer.status == "agrees":
            return "every row" if answer.row else number(answer.value)
        digits = digits_apart(answer.value, answer.expected)
        value, expected = number(answer.value, digits), number(answer.expected, digits)
        if not answer.row:
            return value
        rows = count(answer.differing or 0, "row differs", "rows differ")
        return f"{rows}; {_row(answer.row)}: {value}, not {expected}"
    numbers = ", ".join(map(number, answer.values))
    if not answer.shape:
        return numbers
    more = ", ..." if math.prod(answer.shape) > len(answer.values) else ""
    return f"[{numbers}{more}], shape {answer.shape}"


def _row(row: tuple[int, ...]) -> str:
    return f"row {row[0] if len(row) == 1 else row}"


# Text


def as_text(report: Report) -> Iterator[str]:
    yield from _wrap(printable(report.verdict), "", "")
    for block in map(_printable, _blocks(report)):
        yield ""
        yield from _wrap(block.title, "", "")
        if isinstance(block, Lines):
            for line in block.lines:
                yield from _wrap(line, "  - ", "    ")
        else:
            yield from _stacked(block) if block.stacked else _columns(block)
            yield from _wrap(block.note, "  ", "  ")


def _printable(block: Table | Lines) -> Table | Lines:
    """Before anything is wrapped or set in columns: ‖ may become two signs."""
    if isinstance(block, Lines):
        return Lines(printable(block.title), tuple(map(printable, block.lines)))
    return replace(
        block,
        title=printable(block.title),
        header=tuple(map(printable, block.header)),
        rows=tuple(tuple(map(printable, row)) for row in block.rows),
        note=printable(block.note),
    )


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


def as_html(report: Report) -> Iterator[str]:
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


def on_console(report: Report) -> RenderResult:
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
