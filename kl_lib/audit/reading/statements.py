"""What statements do to the names in sight. A block says whether it always leaves the function."""

from __future__ import annotations

import libcst as cst

from ..terms import Term
from .assigning import assign, assigned_in, names_in
from .expressions import combined
from .loops import bind_loop
from .nodes import attribute_path, block, evaluate, reads
from .state import State

_AUGMENTED = {
    cst.AddAssign: "add",
    cst.SubtractAssign: "sub",
    cst.MultiplyAssign: "mul",
    cst.DivideAssign: "div",
    cst.PowerAssign: "pow",
    cst.BitAndAssign: "and",
    cst.BitOrAssign: "or",
}


@reads(cst.Assign)
def _assignment(node: cst.Assign, at: State) -> None:
    value = evaluate(node.value, at)
    for target in node.targets:
        assign(target.target, value, at)


@reads(cst.AnnAssign)
def _annotated(node: cst.AnnAssign, at: State) -> None:
    if node.value is not None:
        assign(node.target, evaluate(node.value, at), at)


@reads(cst.AugAssign)
def _augmented(node: cst.AugAssign, at: State) -> None:
    op = _AUGMENTED.get(type(node.operator), type(node.operator).__name__)
    before, value = evaluate(node.target, at), evaluate(node.value, at)
    assign(node.target, combined(node, op, before, value, at), at)


@reads(cst.Expr)
def _expression(node: cst.Expr, at: State) -> None:
    evaluate(node.value, at)
    call = node.value
    if isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute):
        held = call.func.value
        # NumPy's and Python's `sort` sorts in place; PyTorch's, whose result is used, does not.
        if call.func.attr.value == "sort" and attribute_path(held) is not None:
            assign(held, at.terms.make("sort", evaluate(held, at)), at)


@reads(cst.Return)
def _return(node: cst.Return, at: State) -> bool:
    if node.value is not None:
        value = evaluate(node.value, at)
        at.returns.append(value)
        if at.program.recording and not at.depth:
            at.function.returned.append((node.value, value))
    return True


@reads(cst.Raise, cst.Break, cst.Continue)
def _raise(node: cst.Raise | cst.Break | cst.Continue, at: State) -> bool:
    return True


@reads(cst.Import)
def _import(node: cst.Import, at: State) -> None:
    for alias in node.names:
        name = attribute_path(alias.name) or ""
        if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
            at.names[alias.asname.name.value] = at.terms.make("qual", name=name)
        else:
            first = name.partition(".")[0]
            at.names[first] = at.terms.make("qual", name=first)


@reads(cst.ImportFrom)
def _import_from(node: cst.ImportFrom, at: State) -> None:
    module = attribute_path(node.module) if node.module is not None else ""
    if node.relative:
        module = f".{module or ''}"
    if isinstance(node.names, cst.ImportStar):
        at.program.stars.append(module or "")
        return
    for alias in node.names:
        name = attribute_path(alias.name) or ""
        bound = alias.asname.name if alias.asname is not None else alias.name
        if isinstance(bound, cst.Name):
            qualified = at.terms.make("qual", name=f"{module}.{name}")
            at.names[bound.value] = qualified


@reads(cst.If)
def _if(node: cst.If, at: State) -> bool:
    then, other = at.where(evaluate(node.test, at)), at.branch()
    left_then = block(node.body, then)
    left_other = False
    if isinstance(node.orelse, cst.If):
        left_other = _if(node.orelse, other)
    elif node.orelse is not None:
        left_other = block(node.orelse.body, other)
    staying = [way for way, left in ((then, left_then), (other, left_other)) if not left]
    at.join(*(staying or [then, other]))
    if left_then and staying:  # what follows is done only where the test fails
        failed = at.terms.make("not", then.conditions[-1])
        at.conditions = (*at.conditions, failed)
    return not staying


@reads(cst.For, cst.While)
def _loop(node: cst.For | cst.While, at: State) -> None:
    before, conditions = at.branch(), at.conditions
    changed = assigned_in(node.body)
    if isinstance(node, cst.For):
        over = node.iter
        for name in changed & {*at.names}:
            at.names[name] = _some(name, at)
        bind_loop(node.target, over, at)
    else:
        for name in changed & {*at.names}:
            at.names[name] = _some(name, at)
        evaluate(node.test, at)
    block(node.body, at)
    at.conditions = conditions
    if node.orelse is not None:
        block(node.orelse.body, at)
    for name, value in before.names.items():
        if name in changed and name in at.names and at.names[name] is not value:
            at.names[name] = at.terms.make("phi", value, at.names[name])


def _some(name: str, at: State) -> Term:
    """What a name stands for somewhere in a loop that gives it another value."""
    held = at.names[name]
    return held if held.op in ("const", "list") else at.terms.fresh(name)


@reads(cst.With)
def _with(node: cst.With, at: State) -> bool:
    for item in node.items:
        value = evaluate(item.item, at)
        if item.asname is not None:
            assign(item.asname.name, value, at)
    return block(node.body, at)


@reads(cst.Try, cst.TryStar)
def _try(node: cst.Try | cst.TryStar, at: State) -> bool:
    before = at.branch()
    left = block(node.body, at)
    if node.orelse is not None and not left:
        left = block(node.orelse.body, at)
    ways = [] if left else [at.branch()]
    for handler in node.handlers:
        way = before.branch()
        if not block(handler.body, way):
            ways.append(way)
    if ways:
        at.join(*ways)
    if node.finalbody is not None and block(node.finalbody.body, at):
        return True
    return not ways


@reads(cst.Match)
def _match(node: cst.Match, at: State) -> None:
    evaluate(node.subject, at)
    ways = [at.branch()]
    for case in node.cases:
        way = at.branch()
        for name in names_in(case.pattern):
            way.names[name] = at.terms.fresh(name)
        if not block(case.body, way):
            ways.append(way)
    at.join(*ways)


@reads(cst.Del)
def _delete(node: cst.Del, at: State) -> None:
    if isinstance(node.target, cst.Name):
        at.names.pop(node.target.value, None)


@reads(cst.Assert)
def _assert(node: cst.Assert, at: State) -> None:
    evaluate(node.test, at)
