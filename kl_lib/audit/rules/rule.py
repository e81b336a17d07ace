"""What a rule is: it looks at the facts of a file, and says what is wrong where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

from ..sites import Facts


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
