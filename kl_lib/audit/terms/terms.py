"""The terms of a file, each made once.

Terms are interned: two expressions that compute the same from the same are one object, so that
"the same tensor" is ``is``. Everything known of a term (its kind, what distribution it holds, which
two it is the mean of) is found when it is made, from its arguments.
"""

from __future__ import annotations

from typing import Any

from .cores import core_of, parts_of
from .kinds import kind_of
from .simplify import simpler
from .term import Term


class Terms:
    """The terms of one file."""

    def __init__(self) -> None:
        self._known: dict[Any, Term] = {}
        self._serial = 0

    def const(self, value: Any) -> Term:
        return self.make("const", value=value)

    def serial(self) -> int:
        """A number that has not been given before."""
        self._serial += 1
        return self._serial

    def fresh(self, name: str) -> Term:
        """A value of which nothing is known but that it is not the one before."""
        return self.make("symbol", name=name, value=self.serial())

    def make(
        self, op: str, *args: Term, name: str = "", value: Any = None, axis: Any = None
    ) -> Term:
        """The term of an operation, in its simplest spelling."""
        shorter = simpler(self.make, op, args)
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
            found.parts = parts_of(found)
            found.kind = kind_of(found)
            found.core = core_of(self.make, found)
        return found
