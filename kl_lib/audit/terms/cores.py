"""Which distribution a value holds, and which two it is the mean of."""

from __future__ import annotations

from collections.abc import Callable

from .term import TRANSPARENT, Term, flat, is_complement

#: What takes parts of an array or arranges it anew, entry by entry the same.
_REARRANGED = frozenset({"moved", "getitem", "item"})


def core_of(make: Callable[..., Term], term: Term) -> Term:
    """The distribution that a term holds, whether as such or as its logarithm; else the term."""
    args = term.args
    if term.op in TRANSPARENT or (term.op == "log" and args):
        return args[0].core
    if term.op == "log_softmax":
        return make("softmax", *args, axis=term.axis)
    if term.op == "logsigmoid":
        return make("sigmoid", *args)
    if term.op == "exp" and args[0].core is not args[0]:
        return args[0].core
    if term.op == "add" and len(args) == 2 and args[0].is_small:
        return args[1].core if args[1].kind.space not in ("LOGP", "LOG") else term
    if term.op in _REARRANGED and args[0].core is not args[0]:
        return make(
            term.op, args[0].core, *args[1:], name=term.name, value=term.value, axis=term.axis
        )
    if term.op == "where":
        kept = [branch for branch in args[1:] if branch.op != "const"]
        if len(kept) == 1:
            return kept[0].core
    return term


def parts_of(term: Term) -> tuple[Term, ...]:
    """The two or more terms whose mean this is, weighted or not."""
    args = term.args
    if term.op in TRANSPARENT or term.op in ("log", "exp"):
        return args[0].parts
    if term.op == "mul" and args[0].number is not None:
        below = args[1]
        while below.op in TRANSPARENT:
            below = below.args[0]
        summed = flat(below, "add")
        if len(summed) > 1 and abs(args[0].number * len(summed) - 1) < 1e-9:
            return tuple(part.core for part in summed)
    if term.op == "add":
        summed = flat(term, "add")
        if len(summed) == 2:
            if summed[0].is_small:  # added to a mean
                return summed[1].parts
            (one, first), (other, second) = map(_weighted, summed)
            if one and other and _complements(one, other):
                return (first.core, second.core)
    if term.op == "mean" and args[0].op in ("stack", "list", "tuple"):
        stacked = args[0].args
        first_axis = term.axis in (0, None) if args[0].op == "stack" else True
        if len(stacked) > 1 and first_axis and term.axis == 0:
            return tuple(part.core for part in stacked)
    return ()


def _weighted(term: Term) -> tuple[Term | None, Term]:
    if term.op != "mul" or len(term.args) != 2:
        return None, term
    weight, other = term.args
    if other.kind.space == "UNKNOWN" and weight.kind.space != "UNKNOWN":
        weight, other = other, weight
    return weight, other


def _complements(one: Term, other: Term) -> bool:
    if one.number is not None and other.number is not None:
        return abs(one.number + other.number - 1) < 1e-9
    return is_complement(one, other) or is_complement(other, one)
