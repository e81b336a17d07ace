"""What the audit finds, and the rules by which it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from textwrap import dedent
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .facts import Facts


@dataclass(frozen=True)
class Finding:
    """A mistake at a place in a program.

    Attributes
    ----------
    path
        The file.
    line
        Where it begins, counted from 1; in a notebook a line of the cell.
    column
        Where in the line, counted from 1.
    code
        The rule, such as ``"KLD101"``.
    message
        What is wrong, in a line.
    why
        What it does to the number.
    fix
        What to write instead, where that is certain; else "".
    cell
        The code cell of a notebook, counted from 1 over all cells; None in a ``.py`` file.
    end_line
        The line in which it ends.
    end_column
        The column after its last.
    """

    path: str
    line: int
    column: int
    code: str
    message: str
    why: str
    fix: str = ""
    cell: int | None = None
    end_line: int = 0
    end_column: int = 0

    @property
    def place(self) -> str:
        """``path:line:col``, with the cell where there is one."""
        cell = f"cell {self.cell}:" if self.cell is not None else ""
        return f"{self.path}:{cell}{self.line}:{self.column}"

    def __str__(self) -> str:
        return f"{self.place}: {self.code} {self.message}"

    def to_dict(self) -> dict[str, Any]:
        """All of it as a dict of plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Edit:
    """A change of a call: its function, and its arguments by name (None takes one away)."""

    node: Any
    function: str = ""  # the last part of the new name
    keywords: tuple[tuple[str, str | None], ...] = ()
    keep: int | None = None  # how many arguments without a name stay


@dataclass(frozen=True)
class Hit:
    """What a rule found: a node of the source, and what to say of it."""

    node: Any
    message: str
    fix: str = ""
    edit: Edit | None = None


@dataclass(frozen=True)
class Rule:
    """A rule: what it means and why, with an example that it flags and one that it does not.

    Attributes
    ----------
    code
        Such as ``"KLD101"``.
    name
        In a few words joined by hyphens.
    summary
        What it flags, in a line.
    why
        What goes wrong, with numbers where they help.
    wrong
        A program that it flags.
    right
        The same program as it should be.
    default
        True if it runs unless it is ignored.
    fixable
        True if ``--fix`` can mend what it flags.
    """

    code: str
    name: str
    summary: str
    why: str
    wrong: str
    right: str
    default: bool = True
    fixable: bool = False
    check: Callable[[Facts], Iterator[Hit]] = field(default=lambda facts: iter(()), repr=False)


#: All rules by their codes, filled by `rule`.
RULES: dict[str, Rule] = {}


def rule(
    code: str,
    name: str,
    summary: str,
    *,
    why: str,
    wrong: str,
    right: str,
    default: bool = True,
    fixable: bool = False,
) -> Callable[[Callable[[Facts], Iterator[Hit]]], Callable[[Facts], Iterator[Hit]]]:
    """Register a check as a rule."""

    def register(check: Callable[[Facts], Iterator[Hit]]) -> Callable[[Facts], Iterator[Hit]]:
        texts = (" ".join(why.split()), _block(wrong), _block(right))
        RULES[code] = Rule(code, name, summary, *texts, default, fixable, check)
        return check

    return register


def _block(text: str) -> str:
    return dedent(text).strip() + "\n"
