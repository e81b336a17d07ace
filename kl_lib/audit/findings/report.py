"""Findings as text, JSON, SARIF and GitHub annotations."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from ..rules import RULES
from .finding import Finding
from .sarif import sarif

_WIDTH = 100


def text(findings: Sequence[Finding]) -> str:
    """A line for each finding as flake8 has it, and below it why, and what to write instead."""
    lines = []
    for finding in findings:
        lines.append(str(finding))
        lines += _indented("why", finding.why)
        if finding.fix:
            lines += _indented("fix", finding.fix)
    return "\n".join(lines)


def _indented(what: str, said: str) -> list[str]:
    return textwrap.wrap(
        f"{what}: {said}", _WIDTH, initial_indent="    ", subsequent_indent=" " * 9
    )


def json_text(findings: Sequence[Finding]) -> str:
    """A list of objects: path, line, column, code, message, why, fix, the cell of a notebook."""
    return json.dumps([finding.to_dict() for finding in findings], indent=2, ensure_ascii=False)


def github(findings: Sequence[Finding]) -> str:
    """Annotations of a pull request, for a workflow of GitHub."""
    lines = []
    for one in findings:
        where = {
            "file": one.path,
            "line": one.line,
            "col": one.column,
            "endLine": one.end_line,
            "title": one.code,
        }
        if one.cell is not None:  # GitHub has no lines in cells
            where = {"file": one.path, "title": f"{one.code} in cell {one.cell}"}
        said = ",".join(f"{name}={_escaped(str(value), True)}" for name, value in where.items())
        message = f"{one.message}. {one.fix and f'Fix: {one.fix}. '}{one.why}"
        lines.append(f"::warning {said}::{_escaped(message)}")
    return "\n".join(lines)


def _escaped(said: str, value: bool = False) -> str:
    said = said.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return said.replace(":", "%3A").replace(",", "%2C") if value else said


def statistics(findings: Iterable[Finding]) -> str:
    """How often each rule found something, the most frequent first."""
    counts = Counter(finding.code for finding in findings)
    return "\n".join(
        f"{number:5}  {code}  {RULES[code].summary}"
        for code, number in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def rules_text() -> str:
    """All rules, a line each; those marked - are off by default, those marked * can be mended."""
    return "\n".join(
        f"{code} {' ' if rule.default else '-'}{'*' if rule.fixable else ' '} {rule.summary}"
        for code, rule in sorted(RULES.items())
    )


FORMATS: dict[str, Callable[[Sequence[Finding]], str]] = {
    "text": text,
    "json": json_text,
    "sarif": sarif,
    "github": github,
}
