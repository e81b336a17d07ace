"""Pieces of pages that a program fills: numbers, tables, aims and whether they were reached."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

#: A load average above this before the start means that others were computing too.
QUIET = 0.7

#: An aim, what was measured, and whether it was reached: None where this machine can't tell.
Aim = tuple[str, str, bool | None]


def number(value: float) -> str:
    return f"{value:.1f}"


def span(values: list[float], form: Callable[[float], str] = number) -> str:
    low, high = form(min(values)), form(max(values))
    return low if low == high else f"{low} to {high}"


def list_table(caption: str, name: str, head: list[str], body: list[list[str]]) -> str:
    lines = [f"```{{list-table}} {caption}", ":header-rows: 1", f":name: {name}", ""]
    for row in [head, *body]:
        lines += [f"{'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(row)]
    return "\n".join([*lines, "```"])


def aim_table(caption: str, name: str, aims: list[Aim]) -> str:
    verdict = {True: "yes", False: "no", None: "not asked here"}
    body = [[aim, measured, verdict[reached]] for aim, measured, reached in aims]
    return list_table(caption, name, ["Aim", "Measured", "Reached"], body)


def filled(text: str, source: str, parts: Mapping[str, str]) -> str:
    """A page with its parts, from `% from the SOURCE: NAME` to the next `% end`, written anew."""
    names = re.findall(rf"^% from the {source}: (\w+)$", text, re.MULTILINE)
    if sorted(names) != sorted(parts):
        raise SystemExit(f"the page has the parts {names}, expected {list(parts)}")
    return re.sub(
        rf"^(% from the {source}: (\w+)\n).*?^(% end)$",
        lambda found: f"{found[1]}\n{parts[found[2]]}\n\n{found[3]}",
        text,
        flags=re.MULTILINE | re.DOTALL,
    )
