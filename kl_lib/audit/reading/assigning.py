"""Giving values to names, and which names a block or a pattern gives values to."""

from __future__ import annotations

from functools import lru_cache

import libcst as cst

from ..terms import Term
from .nodes import attribute_path, evaluate
from .state import State


def assign(target: cst.CSTNode, value: Term, at: State) -> None:
    """Give a value to a name, to names of a tuple, to an attribute or to a place in an array."""
    terms = at.terms
    if isinstance(target, cst.Name):
        _forget(target.value, at)
        at.names[target.value] = value
        if at.program.recording:
            at.function.assigned.append((target.value, target, value))
    elif isinstance(target, cst.Tuple | cst.List):
        starred = any(isinstance(element, cst.StarredElement) for element in target.elements)
        for i, element in enumerate(target.elements):
            part = terms.make("getitem", value, terms.const(i))
            assign(element.value, at.terms.fresh("rest") if starred else part, at)
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
    terms = at.terms
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


_SCOPES = frozenset({cst.FunctionDef, cst.ClassDef, cst.Lambda})
_ASSIGNING = frozenset({cst.AssignTarget, cst.AugAssign, cst.AnnAssign, cst.NamedExpr})
#: What most nodes are, and nothing is assigned in.
_LEAVES = frozenset({cst.Name, cst.SimpleWhitespace, cst.TrailingWhitespace, cst.Attribute})


@lru_cache(maxsize=500)
def assigned_in(node: cst.CSTNode) -> frozenset[str]:
    """Names that are given a value somewhere in a block."""
    found: set[str] = set()
    stack: list[cst.CSTNode] = [node]
    while stack:
        one = stack.pop()
        kind = type(one)
        if kind in _SCOPES or kind in _LEAVES:
            continue
        if kind in _ASSIGNING:
            found |= names_in(one.target)  # type: ignore[attr-defined]
        stack.extend(one.children)
    return frozenset(found)


def names_in(node: cst.CSTNode) -> set[str]:
    """All names in a target or a pattern; those of ``a.b`` and ``a[0]`` too."""
    found: set[str] = set()
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, cst.Name):
            found.add(one.value)
        path = attribute_path(one)
        if path is not None and "." in path:
            found.add(path)
        stack.extend(one.children)
    return found
