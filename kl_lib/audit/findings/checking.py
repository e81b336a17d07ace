"""What the rules find in one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..files.notebooks import notebook, parsed_cells
from ..files.parsing import TOO_DEEP, Source, UnparsableError, parsed
from ..rules import RULES, Edit, Hit, Rule
from .finding import Finding, Unreadable
from .noqa import silenced

if TYPE_CHECKING:
    import libcst as cst


@dataclass(frozen=True)
class Checked:
    """A file that was checked: the findings, a mend for each or None, and what cannot be read."""

    findings: tuple[Finding, ...] = ()
    edits: tuple[Edit | None, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    module: cst.Module | None = None  # of what is no notebook


def check_file(path: str, raw: bytes, rules: list[str]) -> Checked:
    """Check the bytes of a file by the rules with these codes."""
    try:
        check = _check_notebook if path.endswith(".ipynb") else _check_program
        return check(path, raw, rules)
    except UnparsableError as error:
        return Checked(unreadable=(Unreadable(path, str(error)),))


def _check_program(path: str, raw: bytes, rules: list[str]) -> Checked:
    module, text = parsed(raw)
    return Checked(*_found(module, Source(path, text), rules), module=module)


def _check_notebook(path: str, raw: bytes, rules: list[str]) -> Checked:
    """Cells that cannot be parsed are named, and the others checked."""
    try:
        source = notebook(path, raw)
    except (ValueError, AttributeError, RecursionError) as error:
        raise UnparsableError(f"no notebook: {error}") from error
    module, source, failed = parsed_cells(source)
    unreadable = tuple(Unreadable(path, reason) for reason in failed)
    try:
        return Checked(*_found(module, source, rules), unreadable)
    except UnparsableError as error:
        return Checked(unreadable=(*unreadable, Unreadable(path, str(error))))


def _found(
    module: cst.Module, source: Source, rules: list[str]
) -> tuple[tuple[Finding, ...], tuple[Edit | None, ...]]:
    """Findings in their order, one of a rule at a place, and the mend of each."""
    from libcst.metadata import MetadataWrapper, PositionProvider

    from ..reading import read

    try:
        facts = read(module)
        hits = [(RULES[code], hit) for code in rules for hit in RULES[code].check(facts)]
        if not hits:
            return (), ()
        positions = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
    except RecursionError as error:
        raise UnparsableError(TOO_DEEP) from error
    lines = source.text.splitlines()
    made: dict[tuple[str, Any], tuple[Finding, Edit | None]] = {}
    for rule, hit in hits:
        place = positions[hit.node]
        if (rule.code, hit.node) in made:
            continue
        if not silenced(lines, place.start.line, place.end.line, rule.code):
            made[rule.code, hit.node] = _placed(rule, hit, source, place), hit.edit
    found = sorted(made.values(), key=lambda one: _order(one[0]))
    return tuple(finding for finding, _ in found), tuple(edit for _, edit in found)


def _placed(rule: Rule, hit: Hit, source: Source, place: Any) -> Finding:
    cell, line = source.place(place.start.line)
    _, end_line = source.place(place.end.line)
    return Finding(
        source.path,
        line,
        place.start.column + 1,
        rule.code,
        hit.message,
        rule.why,
        hit.fix,
        cell,
        end_line,
        place.end.column + 1,
    )


def _order(finding: Finding) -> tuple[int, int, int, str]:
    return (finding.cell or 0, finding.line, finding.column, finding.code)
