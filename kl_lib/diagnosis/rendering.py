"""How a report reads: as text of 80 columns, on a rich console and as HTML.

All show the same blocks, and the console the same lines as the text, so none says what another
does not.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from kl_lib.printing import printable

from .wording import count, digits_apart, entries, index, number, percent

if TYPE_CHECKING:
    from rich.console import RenderResult

    from .other_libraries import Answer
    from .report import Argument, Mismatch, Problem, Report

WIDTH = 80

#: What a column of numbers holds, which is set flush right: '0.5', '1e-07', 'inf', '> 99.9 %', ''.
_NUMBER = re.compile(r"(>? ?[-+]?[\d.]+(e[-+]\d+)?( %)?|-?inf|nan|)")


@dataclass(frozen=True)
class Block:
    """A title over sentences, or over a table with a header and perhaps a note.

    As text, `stacked` puts the three cells of a row below each other.
    """

    title: str
    sentences: Sequence[str] = ()
    header: tuple[str, ...] = ()
    rows: Sequence[tuple[str, ...]] = ()
    note: str = ""
    stacked: bool = False


def _blocks(report: Report) -> Iterator[Block]:
    if report.problems:
        yield Block("What is wrong", [*map(_problem, report.problems)])
    if report.remedies:
        yield Block("What you can do", [remedy.message for remedy in report.remedies])
    if report.notes:
        yield Block("What to know", [note.message for note in report.notes])
    yield Block("Input", [*map(_argument, report.arguments), *_size(report)])
    if report.summaries and report.rows != 1:
        yield _summaries(report)
    if report.measures:
        yield _measures(report)
    if report.terms:
        yield _terms(report)
    if report.mismatches:
        yield Block("Zeros that do not match", [*map(_mismatch, report.mismatches)])
    if report.answers:
        order = any(argument.reordered for argument in report.arguments)
        yield Block(
            f"Other libraries on the same input{', its labels aligned' if order else ''}",
            header=("library", "call", "answer"),
            rows=[(x.version or x.library, x.call or "", _answer(x)) for x in report.answers],
            stacked=True,
        )


def _problem(problem: Problem) -> str:
    if (problem.count or 0) < 2 or problem.kind == "logarithms":
        return problem.message
    things = "rows" if problem.kind in ("sum", "empty") else "entries"
    return f"{problem.message} (the first of {problem.count} such {things})"


def _argument(a: Argument) -> str:
    if a.shape is None:
        return f"{a.name}: cannot be read as numbers"
    text = f"{a.name}: {a.dtype}, shape {a.shape}"
    if a.minimum is not None and a.maximum is not None:
        text += f", from {number(a.minimum)} to {number(a.maximum)}, {count(a.zeros or 0, 'zero')}"
        text += f", {a.nans} nan" if a.nans else ""
    if a.sums is not None:
        low, high = (number(x, 9) for x in a.sums)
        text += f", sums {low}" if low == high else f", sums from {low} to {high}"
    return text + ("; put in the order of the labels of p" if a.reordered else "")


def _size(report: Report) -> Iterator[str]:
    if report.rows is not None and report.categories is not None:
        batch = f" (batch {report.shape})" if len(report.shape or ()) > 1 else ""
        categories = count(report.categories, "category", "categories")
        divided = "; counts divided by their sums" if report.normalize else ""
        yield f"{count(report.rows, 'row')}{batch} of {categories} on axis {report.axis}{divided}"


def _measures(report: Report) -> Block:
    title = "The numbers"
    if report.row and report.rows != 1:
        title = f"The row with the largest KL(p‖q): row {index(report.row)}"
    based = report.measures[0].in_base is not None
    values = [(m.name, m.nats, m.bits, m.in_base) for m in report.measures]
    return Block(
        title,
        header=("", "nats", "bits", *([f"base {report.base:g}"] if based else [])),
        rows=[(name, *(number(x) for x in units if x is not None)) for name, *units in values],
    )


def _summaries(report: Report) -> Block:
    infinite = any(summary.infinite for summary in report.summaries)
    return Block(
        f"Over {count(report.rows or 0, 'row')}",
        header=("", "unit", "min", "mean", "max", "infinite"),
        rows=[
            (
                s.name,
                s.unit,
                *(number(x, 5) for x in (s.minimum, s.mean, s.maximum)),
                str(s.infinite),
            )
            for s in report.summaries
            if s.unit == "nats" or s.name.startswith("KL")  # the rest in bits is in to_dict
        ],
        note="The mean is that of the finite rows." if infinite else "",
    )


def _terms(report: Report) -> Block:
    note = ""
    if report.carried is not None:
        note = (
            f"{len(report.terms)} of {count(report.categories or 0, 'category', 'categories')}, "
            f"{percent(report.carried)} of the sum. A share is that of p log(p/q) - p + q: the sum "
            "is the same, and no part is negative."
        )
    return Block(
        "Categories that carry most of KL(p‖q)",
        header=("category", "p", "q", "p log(p/q), nats", "share"),
        rows=[
            (
                str(t.index) if t.label is None else f"{t.index} {t.label}",
                *map(number, (t.p, t.q, t.term)),
                "" if t.share is None else percent(t.share),
            )
            for t in report.terms
        ],
        note=note,
    )


def _mismatch(mismatch: Mismatch) -> str:
    places = ", ".join(map(index, mismatch.places))
    more = ", ..." if mismatch.count > len(mismatch.places) else ""
    batch = len(mismatch.places[0]) > 1
    rows = f" in {count(mismatch.rows, 'row')}" if batch else ""
    side = mismatch.name[0]
    effect = "KL(p‖q)" if side == "p" else "KL(q‖p)"
    return (
        f"{mismatch.name}: {entries(mismatch.count)}{rows}, at {places}{more}; {side} has "
        f"{number(mismatch.mass)} there{' in one row' if batch else ''}, so {effect} is infinite"
    )


def _answer(answer: Answer) -> str:
    if answer.status in ("missing", "unknown"):
        return f"{answer.status}: {answer.message}"
    if answer.message is not None:
        return answer.message
    why = "; ".join(reason.message for reason in answer.reasons)
    why = "agrees" if answer.status == "agrees" else why
    return f"{_given(answer)}: {why}" if why else _given(answer)


def _given(answer: Answer) -> str:
    """What was answered: one number, one row of many, or the first numbers of a shape."""
    if answer.value is None or answer.expected is None:
        numbers = ", ".join(map(number, answer.values))
        more = ", ..." if math.prod(answer.shape or ()) > len(answer.values) else ""
        return f"[{numbers}{more}], shape {answer.shape}" if answer.shape else numbers
    if answer.status == "agrees":
        return "every row" if answer.row else number(answer.value)
    digits = digits_apart(answer.value, answer.expected)
    value, expected = number(answer.value, digits), number(answer.expected, digits)
    if not answer.row:
        return value
    rows = count(answer.differing or 0, "row differs", "rows differ")
    return f"{rows}; row {index(answer.row)}: {value}, not {expected}"


# Text


def as_text(report: Report) -> Iterator[str]:
    return (line for _, line in _lines(report, WIDTH))


def _lines(report: Report, width: int) -> Iterator[tuple[str, str]]:
    """The lines of the text, each after what it belongs to."""
    for part, text, first, rest in _paragraphs(report):
        if part == "row" or not text:
            yield part, text
            continue
        wrapper = textwrap.TextWrapper(width, first, rest, break_on_hyphens=False)
        # ‖ may become two signs, which is to be known before anything is wrapped.
        yield from ((part, line) for line in wrapper.wrap(printable(text)))


def _paragraphs(report: Report) -> Iterator[tuple[str, str, str, str]]:
    """What each belongs to, its text, and the indents of its first and its other lines."""
    yield "verdict", report.verdict, "", ""
    for block in _blocks(report):
        yield "", "", "", ""
        yield "title", block.title, "", ""
        yield from (("", sentence, "  - ", "    ") for sentence in block.sentences)
        if block.stacked:
            yield from _stacked(block)
        elif block.rows:
            yield from (("row", line, "", "") for line in _columns(block))
        if block.note:
            yield "", block.note, "  ", "  "


def _stacked(table: Block) -> Iterator[tuple[str, str, str, str]]:
    above = ""
    for name, call, answer in table.rows:
        if name != above:
            yield "", name, "  ", "  "
        above = name
        if call:
            yield "", call, "    ", "      "
        yield "", answer, "      ", "      "


def _columns(table: Block) -> Iterator[str]:
    lines = [[*map(printable, line)] for line in (table.header, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = _numeric(table)
    for line in lines:
        cells = [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(line, widths, right, strict=True)
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def _numeric(table: Block) -> list[bool]:
    """Which columns hold numbers."""
    return [all(map(_NUMBER.fullmatch, column)) for column in zip(*table.rows, strict=True)]


def on_console(report: Report, width: int) -> RenderResult:
    """The text as wide as the console of rich, in colour."""
    from rich.text import Text

    colour = {"fine": "green", "infinite": "yellow"}.get(report.status, "red")
    styles = {"verdict": f"bold {colour}", "title": "bold"}
    for part, line in _lines(report, width):
        yield Text(line, style=styles.get(part, ""))


# HTML: no style sheet, no script, nothing from elsewhere; it takes the page's own colours


def as_html(report: Report) -> Iterator[str]:
    label = escape(f"Diagnosis: {report.verdict}", quote=True)
    yield (
        f'<div class="kl-lib-report" role="group" aria-label="{label}" tabindex="0" '
        'style="overflow-x: auto">'
    )
    yield f"<p><strong>{escape(report.verdict)}</strong></p>"
    for block in _blocks(report):
        if block.rows:
            yield from _html_table(block)
            continue
        yield f"<p><strong>{escape(block.title)}</strong></p>"
        yield "<ul>"
        yield from (f"<li>{escape(sentence)}</li>" for sentence in block.sentences)
        yield "</ul>"
    yield "</div>"


def _html_table(table: Block) -> Iterator[str]:
    yield "<table>"
    yield f'<caption style="text-align: left"><strong>{escape(table.title)}</strong></caption>'
    yield f"<thead>{_html_row(table, table.header, head=True)}</thead>"
    yield "<tbody>"
    yield from (_html_row(table, row) for row in table.rows)
    yield "</tbody>"
    yield "</table>"
    if table.note:
        yield f"<p>{escape(table.note)}</p>"


def _html_row(table: Block, row: Sequence[str], *, head: bool = False) -> str:
    cells = []
    for i, (cell, numeric) in enumerate(zip(row, _numeric(table), strict=True)):
        names_column, names_row = head and cell, i == 0 and not head
        tag = "th" if names_column or names_row else "td"
        scope = f' scope="{"col" if head else "row"}"' if tag == "th" else ""
        style = f"text-align: {'right' if numeric else 'left'}; padding: 0 0.5em"
        cells.append(f'<{tag}{scope} style="{style}">{escape(cell)}</{tag}>')
    return f"<tr>{''.join(cells)}</tr>"
