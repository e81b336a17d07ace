"""One spelling for what can be written in several ways: x·x and x², log(σ²) and 2 log σ."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .terms import Term, Terms


def simpler(terms: Terms, op: str, args: tuple[Term, ...], value: Any) -> Term | None:
    """The shorter spelling of an operation, None if this one is as short as it gets."""
    numbers = [arg.number for arg in args]
    if op in _ARITHMETIC and numbers and None not in numbers:
        return _computed(terms, op, [float(n) for n in numbers if n is not None])
    rule = _RULES.get(op)
    return rule(terms, args) if rule is not None else None


def _computed(terms: Terms, op: str, numbers: list[float]) -> Term | None:
    try:
        result = _ARITHMETIC[op](*numbers)
    except (ArithmeticError, ValueError, TypeError):
        return None
    if isinstance(result, complex):
        return None
    whole = math.isfinite(result) and result == int(result)
    return terms.const(int(result) if whole else result)


def _add(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    first, second = args
    if first.number == 0:
        return second
    return first if second.number == 0 else None


def _sub(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    return args[0] if args[1].number == 0 else None


def _mul(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    first, second = args
    if second.number is not None:
        first, second = second, first
    if first.number is None:
        return terms.make("square", first) if first is second else None
    if first.number == 1:
        return second
    if second.op == "mul" and second.args[0].number is not None:  # numbers meet, and come first
        product = terms.make("mul", first, second.args[0])
        return terms.make("mul", product, second.args[1])
    return None


def _div(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    number = args[1].number
    return terms.make("mul", terms.const(1 / number), args[0]) if number else None


def _pow(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    number = args[1].number
    if number == 2:
        return terms.make("square", args[0])
    if number == 0.5:
        return terms.make("sqrt", args[0])
    return args[0] if number == 1 else None


def _square(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    [below] = args
    if below.op == "exp":
        return terms.make("exp", terms.make("mul", terms.const(2), below.args[0]))
    if below.op == "sqrt":
        return below.args[0]
    if below.op == "abs" or (below.op == "mul" and below.args[0].number == -1):
        return terms.make("square", below.args[-1])
    return None


def _neg(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    return terms.make("mul", terms.const(-1), args[0])


def _log(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    [below] = args
    if below.op == "exp":
        return below.args[0]
    if below.op == "square":
        return terms.make("mul", terms.const(2), terms.make("log", below.args[0]))
    if below.op == "add" and below.args[0].number is not None:
        small = 0 < below.args[0].number <= 1e-3
        return terms.make("log", below.args[1]) if small else None
    return None


def _exp(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    [below] = args
    if below.op == "log":
        return below.args[0]
    if below.op == "mul" and below.args[0].number == 2 and below.args[1].op == "log":
        return terms.make("square", below.args[1].args[0])
    return None


def _getitem(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    held, index = args[0], args[1].number if len(args) > 1 else None
    if index is None or index != int(index):
        return None
    place = int(index)
    if held.op in ("tuple", "list") and -len(held.args) <= place < len(held.args):
        return held.args[place]
    if held.op == "listof":
        return held.args[0]
    if held.op == "counted":  # what a histogram returns: the counts and the edges
        return held.args[0] if place == 0 else terms.make("edges", held.args[0])
    return None


def _phi(terms: Terms, args: tuple[Term, ...]) -> Term | None:
    """A choice of which all are the same, or nothing, is none."""
    kept: list[Term] = []
    for arg in args:
        for choice in arg.args if arg.op == "phi" else (arg,):
            nothing = choice.op == "const" and choice.value is None
            if not nothing and choice not in kept:
                kept.append(choice)
    if not kept:
        return args[0]
    if len(kept) == 1:
        return kept[0]
    return None if len(kept) == len(args) else terms.make("phi", *kept[:8])


_ARITHMETIC: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "square": lambda a: a * a,
    "neg": lambda a: -a,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
}
_RULES = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "square": _square,
    "neg": _neg,
    "log": _log,
    "exp": _exp,
    "getitem": _getitem,
    "phi": _phi,
}
