"""How a value is used afterwards: what it is multiplied by, averaged over and added to."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..terms import Term, flat, paths
from .facts import Function

#: What a value goes through entry by entry.
ELEMENTWISE = frozenset({"mul", "div", "add", "sub", "clamp", "detach", "nan_to_num", "where"})
_LINEAR = frozenset(
    ["sum", "mean", "nansum", "moved", "getitem", "item", "phi", "stack", "list", "cat"]
)


@dataclass
class Use:
    """One way from a value to what becomes of it."""

    factor: float = 1.0  # the product of the numbers it is multiplied by, with the sign
    factors: list[Term] = field(default_factory=list)  # what else it is multiplied by
    divisors: list[Term] = field(default_factory=list)  # what else it is divided by
    addends: list[Term] = field(default_factory=list)  # what is added, whatever the sign
    reductions: list[tuple[str, object]] = field(default_factory=list)  # (sum or mean, axis)
    through: list[str] = field(default_factory=list)  # the operations, up to the first unknown

    @property
    def times_size(self) -> bool:
        """True if it is multiplied by the size of an array."""
        return any(_grows_with_size(term) for term in self.factors)


def _grows_with_size(term: Term) -> bool:
    if term.op == "div":
        return _grows_with_size(term.args[0])
    return term.op == "shape" or (term.op == "mul" and any(map(_grows_with_size, term.args)))


def uses(value: Term, function: Function) -> list[Use]:
    """The ways in which a function uses a value, to the end of each."""
    found = []
    for root in function.roots:
        for way in paths(root, value):
            use = Use()
            for term, place in reversed(way):
                use.through.append(term.op)
                if term.op not in ELEMENTWISE | _LINEAR:  # after an absolute value no sign is known
                    break
                _step(use, term, place)
            found.append(use)
    return found


def _step(use: Use, term: Term, place: int) -> None:
    others = [arg for i, arg in enumerate(term.args) if i != place]
    if term.op == "mul":
        for other in others:
            if other.number is not None:
                use.factor *= other.number
            else:
                use.factors.extend(flat(other, "mul"))
    elif term.op == "div":
        (use.divisors if place == 0 else use.factors).extend(others)
    elif term.op in ("add", "sub"):
        use.addends.extend(others)
        if term.op == "sub" and place == 1:
            use.factor = -use.factor
    elif term.op in ("sum", "mean", "nansum"):
        use.reductions.append((term.op, term.axis))
