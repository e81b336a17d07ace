"""What an expression computes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

import libcst as cst

from ..libraries.kl_functions import CALLS, MAKERS
from ..libraries.layers import of_distribution
from ..libraries.names import canonical
from ..libraries.operations import operation
from ..terms import Term
from .assigning import assign
from .definitions import definition_term
from .kl_calls import note_by_hand
from .nodes import attribute_path, evaluate, reads
from .state import Definition, State

_BINARY = {
    cst.Add: "add",
    cst.Subtract: "sub",
    cst.Multiply: "mul",
    cst.Divide: "div",
    cst.Power: "pow",
    cst.BitAnd: "and",
    cst.BitOr: "or",
}
_COMPARED = {
    cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=",
    cst.LessThan: "<",
    cst.LessThanEqual: "<=",
    cst.Equal: "==",
    cst.NotEqual: "!=",
}
_CONSTANTS = {"None": None, "True": True, "False": False}


@reads(cst.Name)
def _name(node: cst.Name, at: State) -> Term:
    terms = at.terms
    if node.value in _CONSTANTS:
        return terms.const(_CONSTANTS[node.value])
    found = at.find(node.value)
    if found is not None:
        return found
    for module in at.program.stars:
        name = f"{module}.{node.value}"
        if canonical(name) in CALLS or canonical(name) in MAKERS or operation(canonical(name)):
            return terms.make("qual", name=name)
    return terms.make("symbol", name=node.value)


@reads(cst.Integer, cst.Float)
def _number(node: cst.Integer | cst.Float, at: State) -> Term:
    return at.terms.const(ast.literal_eval(node.value))


@reads(cst.SimpleString, cst.ConcatenatedString)
def _string(node: cst.SimpleString | cst.ConcatenatedString, at: State) -> Term:
    value = node.evaluated_value
    return at.terms.const(value if isinstance(value, str) else "")


@reads(cst.Attribute)
def _attribute(node: cst.Attribute, at: State) -> Term:
    path = attribute_path(node)
    if path is not None and path in at.names:
        return at.names[path]
    return attribute_of(evaluate(node.value, at), node.attr.value, at)


def attribute_of(base: Term, name: str, at: State) -> Term:
    """The attribute of a value."""
    terms = at.terms
    if base.op == "qual":
        return terms.make("qual", name=f"{base.name}.{name}")
    owner = at.program.classes.get(base.name) if base.op == "self" else None
    if owner is not None:
        if found := owner.attribute(name):
            return terms.make("phi", *found) if len(found) > 1 else found[0]
        method = owner.method(name)
        if method is not None:
            return definition_term(method, at)
    if name == "shape":
        return terms.make("shape", base)
    if name in ("T", "mT"):
        return terms.make("moved", base, value=base.value if base.op == "moved" else None)
    if name in ("data", "values", "real"):
        return terms.make("detach", base) if name == "data" else base
    if base.op == "dist" and name in ("probs", "logits"):
        return of_distribution(base, name, at.terms)
    return terms.make("attr", base, name=name)


@reads(cst.BinaryOperation)
def _binary(node: cst.BinaryOperation, at: State) -> Term:
    left, right = evaluate(node.left, at), evaluate(node.right, at)
    op = _BINARY.get(type(node.operator))
    return combined(node, op or type(node.operator).__name__, left, right, at)


def combined(node: cst.CSTNode, op: str, left: Term, right: Term, at: State) -> Term:
    """An operation of two values, remembered, and a KL by hand if it is one."""
    terms = at.terms
    term = at.record(node, terms.make(op, left, right))
    if op in ("mul", "xlogy"):
        note_by_hand(node, term, at)
    return term


@reads(cst.UnaryOperation)
def _unary(node: cst.UnaryOperation, at: State) -> Term:
    below = evaluate(node.expression, at)
    if isinstance(node.operator, cst.Minus):
        return at.record(node, at.terms.make("neg", below))
    if isinstance(node.operator, cst.Plus):
        return below
    return at.terms.make("not", below)


@reads(cst.BooleanOperation)
def _boolean(node: cst.BooleanOperation, at: State) -> Term:
    op = "and" if isinstance(node.operator, cst.And) else "or"
    return at.terms.make(op, evaluate(node.left, at), evaluate(node.right, at))


@reads(cst.Comparison)
def _comparison(node: cst.Comparison, at: State) -> Term:
    left = evaluate(node.left, at)
    found = []
    for target in node.comparisons:
        right = evaluate(target.comparator, at)
        sign = _COMPARED.get(type(target.operator), "?")
        found.append(at.terms.make("compare", left, right, name=sign))
        left = right
    return found[0] if len(found) == 1 else at.terms.make("and", *found)


@reads(cst.Subscript)
def _subscript(node: cst.Subscript, at: State) -> Term:
    terms = at.terms
    base = evaluate(node.value, at)
    if base.op == "shape":
        for element in node.slice:
            _index(element.slice, at)
        return terms.make("shape", base.args[0], value="part")
    index = [_index(element.slice, at) for element in node.slice]
    path = f"{attribute_path(node.value)}[{index[0].index}]"
    if len(index) == 1 and path in at.names:
        return at.names[path]
    if all(part.op == "const" and part.value in ("slice", "new", ...) for part in index):
        return terms.make("moved", base)  # x[:, None] and the like
    return at.record(node, terms.make("getitem", base, *index))


def _index(node: cst.BaseSlice, at: State) -> Term:
    terms = at.terms
    if isinstance(node, cst.Index):
        found = evaluate(node.value, at)
        return terms.const("new") if found.op == "const" and found.value is None else found
    parts = [
        evaluate(part, at)
        for part in (getattr(node, "lower", None), getattr(node, "upper", None))
        if part is not None
    ]
    return terms.make("slice", *parts) if parts else terms.const("slice")


@reads(cst.Tuple, cst.List, cst.Set)
def _sequence(node: cst.Tuple | cst.List | cst.Set, at: State) -> Term:
    values = [evaluate(element.value, at) for element in node.elements]
    if any(isinstance(element, cst.StarredElement) for element in node.elements):
        return at.terms.fresh("sequence")
    op = "tuple" if isinstance(node, cst.Tuple) else "list"
    return at.terms.make(op, *values)


@reads(cst.Dict)
def _dict(node: cst.Dict, at: State) -> Term:
    values = []
    for element in node.elements:
        if isinstance(element, cst.DictElement):
            evaluate(element.key, at)
        values.append(evaluate(element.value, at))
    return at.terms.make("dict", *values)


@reads(cst.IfExp)
def _choice(node: cst.IfExp, at: State) -> Term:
    test = evaluate(node.test, at)
    ways = evaluate(node.body, at.where(test)), evaluate(node.orelse, at)
    return at.terms.make("phi", *ways)


@reads(cst.Lambda)
def _lambda(node: cst.Lambda, at: State) -> Term:
    definition = Definition(node, [at.names, *at.outer], at.owner)
    at.program.later.append((definition, at))
    return definition_term(definition, at)


@reads(cst.NamedExpr)
def _named(node: cst.NamedExpr, at: State) -> Term:
    value = evaluate(node.value, at)
    assign(node.target, value, at)
    return value


@reads(cst.Await)
def _await(node: cst.Await, at: State) -> Term:
    return evaluate(node.expression, at)


@reads(cst.FormattedString)
def _formatted(node: cst.FormattedString, at: State) -> Term:
    for part in _expressions_in(node.parts):
        evaluate(part, at)
    return at.terms.fresh("text")


def _expressions_in(parts: Sequence[Any]) -> Iterator[cst.BaseExpression]:
    for part in parts:
        if isinstance(part, cst.FormattedStringExpression):
            yield part.expression
