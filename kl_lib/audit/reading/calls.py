"""What a call computes: of a library, of a layer, a loss object or a function of the file."""

from __future__ import annotations

import libcst as cst

from ..libraries.applying import apply
from ..libraries.arguments import Arguments
from ..libraries.layers import apply_layer, layer_of
from ..libraries.names import canonical
from ..libraries.operations import IN_PLACE, method, operation
from ..terms import Term
from .assigning import assign
from .definitions import follow
from .kl_calls import kl_call, loss_called, loss_made, method_call, note_by_hand
from .nodes import attribute_path, evaluate, reads
from .state import State

#: Functions of Python itself, and the operation.
_BUILTINS = {
    "abs": "abs",
    "sum": "sum",
    "float": "same",
    "int": "same",
    "list": "same",
    "tuple": "same",
    "max": "clamp",
    "min": "clamp",
    "pow": "pow",
    "len": "shape",
    "sorted": "sort",
}
#: How a class of the file is called when its object is.
_CALLED = ("__call__", "forward", "call")


@reads(cst.Call)
def call(node: cst.Call, at: State) -> Term:
    """The term of a call."""
    if isinstance(node.func, cst.Attribute):
        path = attribute_path(node.func)
        if path is None or path not in at.names:
            base = evaluate(node.func.value, at)
            name = node.func.attr.value
            if base.op not in ("qual", "self"):
                return at.record(node, _method(node, base, name, _arguments(node, at), at))
            if base.op == "self" and name in ("register_buffer", "add_module"):
                return _registered(node, base, at)
    target, arguments = evaluate(node.func, at), _arguments(node, at)
    own = _own(target, arguments, at)
    if own is not None:  # what it computes is remembered where it stands, not here
        return own
    return at.record(node, called(node, target, arguments, at))


def _arguments(node: cst.Call, at: State) -> Arguments:
    found = Arguments([], {}, True)
    for arg in node.args:
        value = evaluate(arg.value, at)
        if arg.star:
            found.whole = False
        elif arg.keyword is not None:
            found.given[arg.keyword.value] = value
        elif found.whole:
            found.args.append(value)
    return found


def _own(target: Term, arguments: Arguments, at: State) -> Term | None:
    """What a function of the file returns, or an object of its classes when it is called."""
    definition = None
    if target.op == "function":
        definition = at.program.definitions[target]
    elif target.op == "self" and target.name in at.program.classes:
        methods = (at.program.classes[target.name].method(name) for name in _CALLED)
        definition = next((found for found in methods if found is not None), None)
    if definition is None:
        return None
    return follow(definition, arguments.args, arguments.given, at)


def called(node: cst.Call, target: Term, arguments: Arguments, at: State) -> Term:
    """The term of a call of this value."""
    terms = at.terms
    args, given = arguments.args, arguments.given
    if target.op == "qual":
        arguments.name = target.name
        return _library(node, canonical(target.name), arguments, at)
    if target.op == "made":
        return loss_called(node, target, arguments, at)
    if target.op in ("layer", "sequence"):
        return apply_layer(target, args, at.terms)
    if target.op == "class":
        return terms.make("self", name=target.name)
    if target.op == "partial":
        named = {arg.name: arg.args[0] for arg in target.args[1:] if arg.op == "named"}
        before = [arg for arg in target.args[1:] if arg.op != "named"]
        merged = Arguments([*before, *args], {**named, **given}, arguments.whole)
        own = _own(target.args[0], merged, at)
        return own if own is not None else called(node, target.args[0], merged, at)
    if target.op == "symbol" and target.value is None:
        if target.name in _BUILTINS and args:
            return apply(terms, _BUILTINS[target.name], "python", args, given)
        return terms.make("call", *args, *_named(given, at), name=target.name)
    return terms.make("call", target, *args, *_named(given, at))


def _named(given: dict[str, Term], at: State) -> list[Term]:
    return [at.terms.make("named", term, name=name) for name, term in given.items()]


def _library(node: cst.Call, name: str, arguments: Arguments, at: State) -> Term:
    terms = at.terms
    args, given = arguments.args, arguments.given
    if name == "functools.partial" and args:
        return terms.make("partial", *args, *_named(given, at))
    for reader in (kl_call, loss_made):
        found = reader(node, name, arguments, at)
        if found is not None:
            return found
    layer = layer_of(node, name, arguments, at.terms)
    if layer is not None:
        return layer
    known = operation(name)
    if known is not None and arguments.whole:
        term = apply(terms, *known, args, given)
        if known[0] in ("mul", "xlogy"):
            note_by_hand(node, term, at)
        return term
    return terms.make("call", *args, *_named(given, at), name=name)


def _method(node: cst.Call, base: Term, name: str, arguments: Arguments, at: State) -> Term:
    """The term of a method of a value that is not an object of the file."""
    terms = at.terms
    args, given = arguments.args, arguments.given
    assert isinstance(node.func, cst.Attribute)
    found = method_call(node, base, name, arguments, at)
    if found is not None:
        return found
    if base.op == "made" and name in ("forward", "__call__", "call"):
        return loss_called(node, base, arguments, at)
    if base.op == "symbol" and base.value is None and not all(map(_is_constant, args)):
        # A name that the file does not define: a module, it seems, for a method of an array is
        # given an axis and the like.
        return terms.make("call", base, *args, *_named(given, at), name=name)
    where = node.func.value
    if name == "add" and base.op in ("sequence", "call") and len(args) == 1:
        layers = terms.make("sequence", *(base.args if base.op == "sequence" else ()), args[0])
        if args[0].op in ("layer", "sequence", "call"):
            assign(where, layers, at)
            return layers
    if name == "where" and args:
        return terms.make("where", args[0], base, *args[1:])
    op = method(name)
    if op is not None and arguments.whole:
        term = apply(terms, op, "method", [base, *args], given)
        if op == "mul":
            note_by_hand(node, term, at)
        return term
    if name.endswith("_") and not name.endswith("__"):
        change = IN_PLACE.get(name)
        changed = (
            apply(terms, change, "method", [base, *args], given)
            if change is not None
            else terms.make("changed", base, *args, *_named(given, at), name=name)
        )
        if attribute_path(where) is not None:
            assign(where, changed, at)
        return changed
    return terms.make("method", base, *args, *_named(given, at), name=name)


def _is_constant(term: Term) -> bool:
    return term.op == "const" or (term.op == "tuple" and all(map(_is_constant, term.args)))


def _registered(node: cst.Call, base: Term, at: State) -> Term:
    """``self.register_buffer("name", value)`` sets an attribute."""
    arguments = _arguments(node, at)
    args = arguments.args
    if len(args) > 1 and args[0].op == "const" and isinstance(args[0].value, str):
        target = cst.Attribute(cst.Name(at.this or "self"), cst.Name(args[0].value))
        assign(target, args[1], at)
    return base
