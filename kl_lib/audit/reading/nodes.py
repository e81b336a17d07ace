"""Reading a program node by node: who reads which kind of node.

Modules register what they can read with `reads`; `evaluate` and `block` find it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import libcst as cst

from ..terms import Term
from .state import State

_READERS: dict[type, Callable[[Any, State], Any]] = {}


def reads(*kinds: type) -> Callable[[Callable[[Any, State], Any]], Callable[[Any, State], Any]]:
    """Register a function as the reader of these kinds of nodes."""

    def register(reader: Callable[[Any, State], Any]) -> Callable[[Any, State], Any]:
        _READERS.update(dict.fromkeys(kinds, reader))
        return reader

    return register


def evaluate(node: cst.CSTNode, at: State) -> Term:
    """The term that an expression computes; a symbol of its own where it is not understood."""
    reader = _READERS.get(type(node))
    if reader is not None:
        found: Term = reader(node, at)
        return found
    for child in node.children:
        if isinstance(child, cst.BaseExpression):
            evaluate(child, at)
    return at.terms.fresh(type(node).__name__)


def block(body: cst.BaseSuite | cst.Module, at: State) -> bool:
    """Read statements in their order. True if the last of them never comes to its end."""
    return sequence(body.body, at)


def sequence(statements: Sequence[Any], at: State) -> bool:
    """Read these statements, up to one that leaves them."""
    for statement in statements:
        if isinstance(statement, cst.SimpleStatementLine):
            left = sequence(statement.body, at)
        else:
            reader = _READERS.get(type(statement))
            left = reader is not None and reader(statement, at) is True
        if left:
            return True
    return False


def attribute_path(node: cst.CSTNode | None) -> str | None:
    """``a.b.c`` as text, None for what is not only names and dots."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    return ".".join([node.value, *reversed(parts)]) if isinstance(node, cst.Name) else None
