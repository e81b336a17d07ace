"""What an expression computes, as a term: an operation, its arguments, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

#: A constant up to this is there to keep a logarithm finite; a larger one changes the value.
SMALL = 1e-3
#: An axis that the source does not say as a number.
SOME_AXIS = "?"
#: What leaves a distribution what it is: the term below is the one that counts.
TRANSPARENT = frozenset({"detach", "clamp", "nan_to_num"})

PROBABILITIES = frozenset({"PROB", "MIXTURE"})
LOGARITHMS = frozenset({"LOGP", "LOG", "LOGSIG"})


@dataclass(frozen=True)
class Kind:
    """What a value is: the space that it lies in, and the axis along which it sums to 1.

    The space of a kind is one of

    ``PROB``      probabilities: a softmax, something divided by its sum, exp of log-probabilities
    ``LOGP``      their logarithms
    ``LOG``       the logarithm of something else
    ``SIGMOID``   independent probabilities of yes; ``LOGSIG`` their logarithms
    ``MIXTURE``   the mean of two or more PROB
    ``LOGITS``    the output of a linear layer
    ``UNKNOWN``   anything else

    and its axis the one along which it sums to 1, None where that is not known.
    """

    space: str
    axis: Any = None

    @property
    def is_log(self) -> bool:
        return self.space in LOGARITHMS

    @property
    def is_prob(self) -> bool:
        return self.space in PROBABILITIES

    @property
    def is_chance(self) -> bool:
        """True for probabilities, those of yes and no too."""
        return self.is_prob or self.space == "SIGMOID"


UNKNOWN = Kind("UNKNOWN")


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

    @property
    def is_small(self) -> bool:
        """True for a constant that is there to keep a logarithm finite."""
        return self.number is not None and 0 <= self.number <= SMALL

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
