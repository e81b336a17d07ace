"""Findings in SARIF 2.1.0, as code scanning services read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..rules import RULES, Rule
from .finding import Finding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0, as code scanning services read it."""
    from ... import __version__

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
