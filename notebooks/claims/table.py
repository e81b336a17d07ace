"""The table of a source's claims, for the page: HTML, with links to the book's own treatment."""

from __future__ import annotations

import functools
import html
import re
from itertools import groupby
from pathlib import Path

from . import Checked

HERE = Path(__file__).parents[1]
LABEL = re.compile(r"^\(([\w-]+)\)=\n+#+ (.+)$", re.MULTILINE)


@functools.cache
def places() -> dict[str, tuple[str, str]]:
    """The address, as seen from a chapter, and the heading of every label of the book."""
    pages = [(path, f"{path.stem}.html") for path in sorted(HERE.glob("[0-9][0-9]_*.md"))]
    pages += [
        (path, f"../book/{path.stem}.html") for path in sorted((HERE.parent / "book").glob("*.md"))
    ]
    return {
        label: (f"{page}#{label}", re.sub(r"[`*$]|\{\w+\}", "", heading))
        for path, page in pages
        for label, heading in LABEL.findall(path.read_text("utf-8"))
    }


def link(label: str) -> str:
    address, heading = places()[label]
    return f'<a href="{address}">{html.escape(heading)}</a>'


def code(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def table(checked: list[Checked]) -> str:
    """One table, with a row of its own for the name of each part of the source."""
    rows = []
    for section, claims in groupby(checked, key=lambda one: one.section):
        title = f'<th colspan="3" scope="rowgroup">{html.escape(section)}</th>'
        rows.append(f"<tr>{title}</tr>")
        for one in claims:
            where = f"<br>{link(one.where)}" if one.where else ""
            cells = (
                f"<b>{one.name}</b> {code(one.stated)}",
                code(one.measured),
                f"<em>{one.verdict}</em>{where}",
            )
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    names = ("stated", "measured", "verdict, and where the book treats it")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    head, body = f"<thead><tr>{head}</tr></thead>", f"<tbody>{''.join(rows)}</tbody>"
    return f'<table class="dataframe claims">{head}{body}</table>'
