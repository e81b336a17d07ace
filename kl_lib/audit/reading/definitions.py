"""Functions and classes of the file: read once by themselves, and again where they are called."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from ..sites import Function
from ..terms import Term
from .assigning import assign
from .nodes import attribute_path, block, evaluate, reads, sequence
from .state import CALLS, DEPTH, Class, Definition, State


@reads(cst.FunctionDef)
def define_function(node: cst.FunctionDef, at: State) -> None:
    """A function: remembered for its calls, and read by itself once what it can see is known."""
    for decorator in node.decorators:
        evaluate(decorator.decorator, at)
    definition = Definition(node, [at.names, *at.outer])
    at.program.later.append((definition, at))
    assign(node.name, definition_term(definition, at), at)


@reads(cst.ClassDef)
def define_class(node: cst.ClassDef, at: State) -> None:
    """A class: its attributes now, its methods later."""
    found = Class(node.name.value)
    terms = at.terms
    for base in node.bases:
        path = attribute_path(base.value)
        known = at.program.classes.get(path or "")
        found.bases.append(known if known is not None else evaluate(base.value, at).name)
    at.program.classes[node.name.value] = found
    at.names[node.name.value] = terms.make("class", name=node.name.value)
    inside = State(at.program, at.function, outer=[at.names, *at.outer], owner=found)
    for statement in node.body.body:
        if isinstance(statement, cst.FunctionDef):
            for decorator in statement.decorators:
                evaluate(decorator.decorator, at)
            definition = Definition(statement, [at.names, *at.outer], found)
            found.methods[statement.name.value] = definition
            at.program.later.append((definition, at))
        elif isinstance(statement, cst.BaseStatement):
            sequence([statement], inside)
    for name, value in inside.names.items():
        found.attributes.setdefault(name, []).append(value)


def definition_term(definition: Definition, at: State) -> Term:
    """The function as a value."""
    if definition.term is None:
        definition.term = at.terms.make("function", value=at.terms.serial())
        at.program.definitions[definition.term] = definition
    return definition.term


def read_by_itself(definition: Definition, at: State, function: Function) -> None:
    """Read a function with parameters of which nothing is known but their defaults."""
    inside = _inside(definition, at, function)
    terms = at.terms
    for i, (parameter, default) in enumerate(_parameters(definition.node.params, at)):
        if i == 0 and definition.owner is not None and not _is_static(definition.node):
            inside.this = parameter
            inside.names[parameter] = terms.make("self", name=definition.owner.name)
            continue
        symbol = terms.make("symbol", name=parameter, value=function.name)
        if default is not None:
            at.program.facts.defaults[symbol] = default
        # A loss object or a module that is the default is what the parameter is meant to be.
        kept = default is not None and default.op in ("made", "layer", "qual", "function")
        inside.names[parameter] = default if kept and default is not None else symbol
    _read_body(definition.node, inside)


def follow(
    definition: Definition, args: Sequence[Term], given: dict[str, Term], at: State
) -> Term | None:
    """What a call of a function of this file returns, None where that is not followed."""
    program = at.program
    if at.depth >= DEPTH or program.followed >= CALLS or definition in at.following:
        return None
    program.followed += 1
    inside = _inside(definition, at, at.function)
    inside.depth, inside.following = at.depth + 1, (*at.following, definition)
    args = [*args]
    for i, (parameter, default) in enumerate(_parameters(definition.node.params, at)):
        if i == 0 and definition.owner is not None and not _is_static(definition.node):
            inside.this = parameter
            inside.names[parameter] = at.terms.make("self", name=definition.owner.name)
        elif args:
            inside.names[parameter] = args.pop(0)
        elif parameter in given:
            inside.names[parameter] = given[parameter]
        else:
            inside.names[parameter] = default if default is not None else at.terms.fresh(parameter)
    _read_body(definition.node, inside)
    if not inside.returns:
        return None
    return at.terms.make("phi", *inside.returns)


def _inside(definition: Definition, at: State, function: Function) -> State:
    return State(at.program, function, outer=definition.outer, owner=definition.owner)


def _read_body(node: cst.FunctionDef | cst.Lambda, inside: State) -> None:
    if isinstance(node, cst.Lambda):
        inside.returns.append(evaluate(node.body, inside))
        if inside.program.recording and not inside.depth:
            inside.function.returned.append((node.body, inside.returns[-1]))
    else:
        block(node.body, inside)


def _parameters(params: cst.Parameters, at: State) -> list[tuple[str, Term | None]]:
    """Names and defaults, those by name only last."""
    found = []
    for parameter in (*params.posonly_params, *params.params, *params.kwonly_params):
        default = evaluate(parameter.default, at) if parameter.default is not None else None
        found.append((parameter.name.value, default))
    return found


def _is_static(node: cst.FunctionDef | cst.Lambda) -> bool:
    if isinstance(node, cst.Lambda):
        return True
    return any(attribute_path(d.decorator) == "staticmethod" for d in node.decorators)


def docstring_of(node: cst.FunctionDef | cst.Lambda) -> str:
    """The docstring of a function."""
    found = node.get_docstring() if isinstance(node, cst.FunctionDef) else None
    return found or ""
