"""What a value is, from what its arguments are: probabilities, their logarithms, or not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .term import PROBABILITIES, UNKNOWN, Kind, Term


def kind_of(term: Term) -> Kind:
    """What a term is, from what its arguments are."""
    if term.parts:
        kinds = {part.kind.space for part in term.parts}
        if kinds <= PROBABILITIES and term.op != "log":
            return Kind("MIXTURE", _agreed([part.kind.axis for part in term.parts]))
    rule = _RULES.get(term.op)
    return rule(term) if rule is not None else UNKNOWN


def joined(kinds: list[Kind]) -> Kind:
    """What a value is that is one of several."""
    spaces = {"PROB" if kind.space == "MIXTURE" else kind.space for kind in kinds}
    if len(spaces) != 1:
        return UNKNOWN
    return Kind(spaces.pop(), _agreed([kind.axis for kind in kinds]))


def _agreed(axes: list[Any]) -> Any:
    return axes[0] if all(axis == axes[0] for axis in axes) else None


def _number_axis(axis: Any) -> Any:
    return axis if isinstance(axis, int | str) else None


def _log(term: Term) -> Kind:
    below = term.args[0].kind
    if below.is_prob:
        return replace(below, space="LOGP")
    return Kind("LOGSIG") if below.space == "SIGMOID" else Kind("LOG")


def _exp(term: Term) -> Kind:
    below = term.args[0].kind
    if below.space == "LOGP":
        return replace(below, space="PROB")
    return Kind("SIGMOID") if below.space == "LOGSIG" else UNKNOWN


def _same(term: Term) -> Kind:
    return term.args[0].kind


def _moved(term: Term) -> Kind:
    return Kind(term.args[0].kind.space)


def _add(term: Term) -> Kind:
    first, second = term.args if len(term.args) == 2 else (None, None)
    if first is None or second is None or not first.is_small:
        return UNKNOWN
    if second.kind.space in ("LOGP", "LOG", "LOGSIG"):
        return Kind("LOG")
    return second.kind


def _mul(term: Term) -> Kind:
    logits = [arg for arg in term.args if arg.kind.space == "LOGITS"]
    others = [arg for arg in term.args if arg.op in ("const", "symbol", "attr")]
    return logits[0].kind if len(logits) == 1 and len(others) == 1 else UNKNOWN


def _div(term: Term) -> Kind:
    top, bottom = term.args
    sums = ("sum", "nansum")
    below = bottom
    while below.op in ("moved", "getitem", "clamp", "add"):
        below = below.args[-1] if below.op == "add" else below.args[0]
    if below.op in sums and below.args and below.args[0].core is top.core:
        return Kind("PROB", _number_axis(below.axis))
    if top.kind.space == "LOGITS" and bottom.op in ("const", "symbol", "attr"):
        return top.kind
    return UNKNOWN


def _sub(term: Term) -> Kind:
    first, second = term.args
    below = second
    while below.op == "moved":
        below = below.args[0]
    if below.op == "logsumexp" and below.args[0] is first:
        return Kind("LOGP", _number_axis(below.axis))
    if first.number == 1 and second.kind.space == "SIGMOID":
        return Kind("SIGMOID")
    return UNKNOWN


def _constant(term: Term) -> Kind:
    """An array of one number: probabilities if that is one over something."""
    value = term.args[-1] if term.args else None
    if value is not None and value.op == "div" and value.args[0].number == 1:
        return Kind("PROB")
    return UNKNOWN


def _mean(term: Term) -> Kind:
    below = term.args[0].kind
    axes = (term.axis, below.axis)
    if not below.is_prob or not all(isinstance(axis, int) for axis in axes):
        return UNKNOWN
    return Kind("PROB") if axes[0] != axes[1] and (axes[0] < 0) == (axes[1] < 0) else UNKNOWN


def _where(term: Term) -> Kind:
    branches = [branch for branch in term.args[1:] if branch.op != "const"]
    return joined([branch.kind for branch in branches]) if branches else UNKNOWN


def _phi(term: Term) -> Kind:
    return joined([choice.kind for choice in term.args])


_RULES = {
    "softmax": lambda term: Kind("PROB", _number_axis(term.axis)),
    "log_softmax": lambda term: Kind("LOGP", _number_axis(term.axis)),
    "sigmoid": lambda term: Kind("SIGMOID"),
    "logsigmoid": lambda term: Kind("LOGSIG"),
    "one_hot": lambda term: Kind("PROB", -1),
    "linear": lambda term: Kind("LOGITS"),
    "log_prob": lambda term: Kind("LOG"),
    "log": _log,
    "exp": _exp,
    "detach": _same,
    "clamp": _same,
    "nan_to_num": _same,
    "moved": _moved,
    "getitem": _moved,
    "item": _moved,
    "add": _add,
    "mul": _mul,
    "div": _div,
    "sub": _sub,
    "full": _constant,
    "mean": _mean,
    "where": _where,
    "phi": _phi,
}
