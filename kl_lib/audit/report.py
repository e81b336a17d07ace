"""Findings as text, JSON, SARIF and GitHub annotations."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .findings import RULES, Finding, Rule

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
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


def sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0, as code scanning services read it."""
    from .. import __version__

    used = [RULES[code] for code in sorted({finding.code for finding in findings})]
    places = {rule.code: i for i, rule in enumerate(used)}
    driver = {
        "name": "kl-lib audit",
        "version": __version__,
        "rules": [_sarif_rule(rule) for rule in used],
    }
    results = [_sarif_result(finding, places[finding.code]) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    held = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(held, indent=2, ensure_ascii=False)


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.title() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "defaultConfiguration": {"level": "warning", "enabled": rule.default},
    }


def _sarif_result(finding: Finding, place: int) -> dict[str, Any]:
    message = finding.message + (f". Fix: {finding.fix}" if finding.fix else "")
    location: dict[str, Any] = {
        "artifactLocation": {"uri": finding.path.replace("\\", "/")},
        "region": {
            "startLine": finding.line,
            "startColumn": finding.column,
            "endLine": finding.end_line,
            "endColumn": finding.end_column,
        },
    }
    result = {
        "ruleId": finding.code,
        "ruleIndex": place,
        "level": "warning",
        "message": {"text": message},
        "locations": [{"physicalLocation": location}],
    }
    if finding.cell is not None:
        result["properties"] = {"cell": finding.cell}
    return result


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
