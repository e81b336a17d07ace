"""Reading a program node by node: who reads which kind of node.

Modules register what they can read with `reads`; `evaluate` and `block` find it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import libcst as cst

from .scopes import State
from .terms import Term

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
    return at.program.fresh(type(node).__name__)


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


def assign(target: cst.CSTNode, value: Term, at: State) -> None:
    """Give a value to a name, to names of a tuple, to an attribute or to a place in an array."""
    terms = at.program.facts.terms
    if isinstance(target, cst.Name):
        _forget(target.value, at)
        at.names[target.value] = value
        if at.program.recording:
            at.function.assigned.append((target.value, target, value))
    elif isinstance(target, cst.Tuple | cst.List):
        starred = any(isinstance(element, cst.StarredElement) for element in target.elements)
        for i, element in enumerate(target.elements):
            part = terms.make("getitem", value, terms.const(i))
            assign(element.value, at.program.fresh("rest") if starred else part, at)
    elif isinstance(target, cst.Attribute):
        _assign_attribute(attribute_path(target), value, at)
    elif isinstance(target, cst.Subscript):
        _assign_place(target, value, at)


def _assign_attribute(path: str | None, value: Term, at: State) -> None:
    if path is None:
        return
    _forget(path, at)
    at.names[path] = value
    whose, _, name = path.partition(".")
    if (
        at.owner is not None
        and not at.program.recording
        and (whose, "." in name) == (at.this, False)
    ):
        known = at.owner.attributes.setdefault(name, [])
        if value not in known:
            known.append(value)


def _forget(path: str, at: State) -> None:
    """What was known of parts of an object that is another one now."""
    for known in [name for name in at.names if name.startswith((f"{path}.", f"{path}["))]:
        del at.names[known]


def _assign_place(target: cst.Subscript, value: Term, at: State) -> None:
    terms = at.program.facts.terms
    path = attribute_path(target.value)
    base = evaluate(target.value, at)
    index = [
        evaluate(part.slice.value, at) for part in target.slice if isinstance(part.slice, cst.Index)
    ]
    if path is None:
        return
    if len(index) == 1 and index[0].op == "const" and isinstance(index[0].value, str):
        at.names[f"{path}[{index[0].index}]"] = value  # of a dict
        return
    changed = terms.make("setitem", base, value, *index)
    at.record(target, changed)
    at.names[path] = changed
