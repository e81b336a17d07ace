"""Loops and comprehensions: what their variables stand for."""

from __future__ import annotations

import libcst as cst

from ..terms import Term
from .assigning import assign
from .nodes import evaluate, reads
from .state import State


@reads(cst.ListComp, cst.SetComp, cst.GeneratorExp)
def _comprehension(node: cst.ListComp | cst.SetComp | cst.GeneratorExp, at: State) -> Term:
    inner = at.branch()
    _bind_loops(node.for_in, inner)
    return at.terms.make("listof", evaluate(node.elt, inner))


@reads(cst.DictComp)
def _dict_comprehension(node: cst.DictComp, at: State) -> Term:
    inner = at.branch()
    _bind_loops(node.for_in, inner)
    evaluate(node.key, inner)
    return at.terms.make("listof", evaluate(node.value, inner))


def _bind_loops(loop: cst.CompFor, at: State) -> None:
    bind_loop(loop.target, loop.iter, at)
    for condition in loop.ifs:
        at.conditions = (*at.conditions, evaluate(condition.test, at))
    if loop.inner_for_in is not None:
        _bind_loops(loop.inner_for_in, at)


def bind_loop(target: cst.BaseAssignTargetExpression, over: cst.BaseExpression, at: State) -> None:
    """Give a loop's variable what an entry of the iterated is."""
    assign(target, entry_of(evaluate(over, at), at), at)


def entry_of(iterated: Term, at: State) -> Term:
    """An entry of what is iterated over: of ``zip(a, b)``, one of a and one of b."""
    terms = at.terms
    if iterated.op == "call" and iterated.name in ("zip", "enumerate"):
        entries = [entry_of(arg, at) for arg in iterated.args]
        if iterated.name == "enumerate":
            entries = [at.terms.fresh("index"), *entries[:1]]
        return terms.make("tuple", *entries)
    if iterated.op == "listof":
        return iterated.args[0]
    if iterated.op in ("list", "tuple") and iterated.args:
        return terms.make("phi", *iterated.args)
    if iterated.op == "call" and iterated.name == "range":
        return at.terms.fresh("index")
    return terms.make("item", iterated)
