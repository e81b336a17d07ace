"""One spelling for what can be written in several ways: x·x and x², log(σ²) and 2 log σ."""

from __future__ import annotations

import math
from collections.abc import Callable

from .term import Term

_Make = Callable[..., Term]


def simpler(make: _Make, op: str, args: tuple[Term, ...]) -> Term | None:
    """The shorter spelling of an operation, None if this one is as short as it gets."""
    numbers = [arg.number for arg in args]
    if op in _ARITHMETIC and numbers and None not in numbers:
        return _computed(make, op, [float(n) for n in numbers if n is not None])
    rule = _RULES.get(op)
    return rule(make, args) if rule is not None else None


def _computed(make: _Make, op: str, numbers: list[float]) -> Term | None:
    try:
        result = _ARITHMETIC[op](*numbers)
    except (ArithmeticError, ValueError, TypeError):
        return None
    if isinstance(result, complex):
        return None
    whole = math.isfinite(result) and result == int(result)
    return _number(make, int(result) if whole else result)


def _number(make: _Make, value: float) -> Term:
    return make("const", value=value)


def _add(make: _Make, args: tuple[Term, ...]) -> Term | None:
    first, second = args
    if first.number == 0:
        return second
    return first if second.number == 0 else None


def _sub(make: _Make, args: tuple[Term, ...]) -> Term | None:
    return args[0] if args[1].number == 0 else None


def _mul(make: _Make, args: tuple[Term, ...]) -> Term | None:
    first, second = args
    if second.number is not None:
        first, second = second, first
    if first.number is None:
        return make("square", first) if first is second else None
    if first.number == 1:
        return second
    if second.op == "mul" and second.args[0].number is not None:  # numbers meet, and come first
        product = make("mul", first, second.args[0])
        return make("mul", product, second.args[1])
    return None


def _div(make: _Make, args: tuple[Term, ...]) -> Term | None:
    number = args[1].number
    return make("mul", _number(make, 1 / number), args[0]) if number else None


def _pow(make: _Make, args: tuple[Term, ...]) -> Term | None:
    number = args[1].number
    if number == 2:
        return make("square", args[0])
    if number == 0.5:
        return make("sqrt", args[0])
    return args[0] if number == 1 else None


def _square(make: _Make, args: tuple[Term, ...]) -> Term | None:
    [below] = args
    if below.op == "exp":
        return make("exp", make("mul", _number(make, 2), below.args[0]))
    if below.op == "sqrt":
        return below.args[0]
    if below.op == "abs" or (below.op == "mul" and below.args[0].number == -1):
        return make("square", below.args[-1])
    return None


def _neg(make: _Make, args: tuple[Term, ...]) -> Term | None:
    return make("mul", _number(make, -1), args[0])


def _log(make: _Make, args: tuple[Term, ...]) -> Term | None:
    [below] = args
    if below.op == "exp":
        return below.args[0]
    if below.op == "square":
        return make("mul", _number(make, 2), make("log", below.args[0]))
    if below.op == "add" and below.args[0].is_small:
        return make("log", below.args[1])
    return None


def _exp(make: _Make, args: tuple[Term, ...]) -> Term | None:
    [below] = args
    if below.op == "log":
        return below.args[0]
    if below.op == "mul" and below.args[0].number == 2 and below.args[1].op == "log":
        return make("square", below.args[1].args[0])
    return None


def _getitem(make: _Make, args: tuple[Term, ...]) -> Term | None:
    held, index = args[0], args[1].number if len(args) > 1 else None
    if index is None or index != int(index):
        return None
    place = int(index)
    if held.op in ("tuple", "list") and -len(held.args) <= place < len(held.args):
        return held.args[place]
    if held.op == "listof":
        return held.args[0]
    if held.op == "counted":  # what a histogram returns: the counts and the edges
        return held.args[0] if place == 0 else make("edges", held.args[0])
    return None


def _phi(make: _Make, args: tuple[Term, ...]) -> Term | None:
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
    return None if len(kept) == len(args) else make("phi", *kept[:8])


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
