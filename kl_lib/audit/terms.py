"""What an expression computes, as a term: an operation, its arguments, and what is known of it.

Terms are interned: two expressions that compute the same from the same are one object, so that
"the same tensor" is ``is``. Everything known of a term (its kind, what distribution it holds, which
two it is the mean of) is found when it is made, from its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .values import UNKNOWN, Kind, kind_of

#: An axis that the source does not say as a number.
SOME_AXIS = "?"
#: What leaves a distribution what it is: the term below is the one that counts.
TRANSPARENT = frozenset({"detach", "clamp", "nan_to_num"})
#: What takes parts of an array or arranges it anew, entry by entry the same.
REARRANGED = frozenset({"moved", "getitem", "item"})
#: A constant this small is there to keep a logarithm finite.
SMALL = 1e-3


class Term:
    """An operation of terms; `name`, `value` and `axis` say which, where the operation needs it."""

    __slots__ = ("args", "axis", "core", "index", "kind", "name", "op", "parts", "value")

    def __init__(
        self, op: str, args: tuple[Term, ...], name: str, value: Any, axis: Any, index: int
    ) -> None:
        self.op, self.args, self.name, self.value, self.axis = op, args, name, value, axis
        self.index = index
        self.kind: Kind = UNKNOWN
        self.core: Term = self  # the distribution it holds, whether as such or as its logarithm
        self.parts: tuple[Term, ...] = ()  # what it is the mean of

    @property
    def number(self) -> float | None:
        """The number, of a constant one."""
        value = self.value
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if self.op == "const" and numeric else None

    def __repr__(self) -> str:
        return self.shown()

    def shown(self, depth: int = 4) -> str:
        """The term as text, to a depth: all of it may be exponentially long."""
        said = self.name or ("" if self.value is None else repr(self.value))
        if not self.args:
            return said or self.op
        axis = "" if self.axis is None else f", axis={self.axis}"
        inner = ", ".join(arg.shown(depth - 1) for arg in self.args) if depth else "…"
        return f"{self.op}{f'[{said}]' if said else ''}({inner}{axis})"


class Terms:
    """The terms of one file."""

    def __init__(self) -> None:
        self._known: dict[Any, Term] = {}

    def const(self, value: Any) -> Term:
        return self.make("const", value=value)

    def make(
        self, op: str, *args: Term, name: str = "", value: Any = None, axis: Any = None
    ) -> Term:
        """The term of an operation, in its simplest spelling."""
        from .simplify import simpler  # it makes terms in turn

        shorter = simpler(self, op, args, value)
        if shorter is not None:
            return shorter
        if op in ("add", "mul"):
            args = tuple(sorted(args, key=lambda term: (term.op != "const", term.index)))
        return self._interned(op, args, name, value, axis)

    def _interned(self, op: str, args: tuple[Term, ...], name: str, value: Any, axis: Any) -> Term:
        key = (op, name, type(value).__name__, value, axis, tuple(map(id, args)))
        found = self._known.get(key)
        if found is None:
            found = Term(op, args, name, value, axis, len(self._known))
            self._known[key] = found
            found.parts = _parts(self, found)
            found.kind = kind_of(found)
            found.core = _core(self, found)
        return found


def _core(terms: Terms, term: Term) -> Term:
    args = term.args
    if term.op in TRANSPARENT or (term.op == "log" and args):
        return args[0].core
    if term.op == "log_softmax":
        return terms.make("softmax", *args, axis=term.axis)
    if term.op == "logsigmoid":
        return terms.make("sigmoid", *args)
    if term.op == "exp" and args[0].core is not args[0]:
        return args[0].core
    if term.op == "add" and len(args) == 2 and args[0].number is not None:
        return args[1].core if args[1].kind.space not in ("LOGP", "LOG") else term
    if term.op in REARRANGED and args[0].core is not args[0]:
        return terms.make(
            term.op, args[0].core, *args[1:], name=term.name, value=term.value, axis=term.axis
        )
    if term.op == "where":
        kept = [branch for branch in args[1:] if branch.op != "const"]
        if len(kept) == 1:
            return kept[0].core
    return term


def _parts(terms: Terms, term: Term) -> tuple[Term, ...]:
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
            if summed[0].number is not None:  # a small constant added to a mean
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


def is_complement(term: Term, of: Term) -> bool:
    """True if `term` is ``1 - of``."""
    return term.op == "sub" and term.args[0].number == 1 and term.args[1] is of


def flat(term: Term, op: str) -> list[Term]:
    """The operands of a sum (or product) of sums (or products)."""
    found: list[Term] = []
    stack = [term]
    while stack and len(found) < 50:
        one = stack.pop()
        if one.op == op:
            stack.extend(reversed(one.args))
        else:
            found.append(one)
    return found


def walk(*roots: Term) -> Iterator[Term]:
    """These terms and all below, each once."""
    seen: set[int] = set()
    stack = list(roots)
    while stack:
        term = stack.pop()
        if id(term) not in seen:
            seen.add(id(term))
            yield term
            stack.extend(term.args)


def contains(root: Term, target: Term | Callable[[Term], bool]) -> bool:
    """True if a term below `root`, or it, is the target or passes the test."""
    if isinstance(target, Term):
        return any(term is target for term in walk(root))
    return any(target(term) for term in walk(root))


def paths(root: Term, target: Term, limit: int = 40) -> list[list[tuple[Term, int]]]:
    """The ways down from `root` to `target`: each a list of (term, which argument) from the top.

    At most a few: what is used in more ways than that is not what a rule judges.
    """
    above = {id(term) for term in walk(root) if contains(term, target)}
    found: list[list[tuple[Term, int]]] = []

    def down(term: Term, way: list[tuple[Term, int]]) -> None:
        if len(found) >= 4 or len(way) > limit:
            return
        if term is target:
            found.append(way)
            return
        for i, arg in enumerate(term.args):
            if id(arg) in above:
                down(arg, [*way, (term, i)])

    if id(root) in above:
        down(root, [])
    return found
