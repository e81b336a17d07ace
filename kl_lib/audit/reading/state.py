"""Names and what they stand for while a file is read from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import libcst as cst

from ..sites import Facts, Function
from ..terms import Term, Terms

#: How deep calls of the file's own functions are followed, and how often in one file.
DEPTH, CALLS = 4, 2000


@dataclass(eq=False)
class Definition:
    """A function or lambda of the file, to be followed where it is called."""

    node: cst.FunctionDef | cst.Lambda
    outer: list[dict[str, Term]]
    owner: Class | None = None
    term: Term | None = None


@dataclass(eq=False)
class Class:
    """A class of the file."""

    name: str
    bases: list[Class | str] = field(default_factory=list)
    methods: dict[str, Definition] = field(default_factory=dict)
    attributes: dict[str, list[Term]] = field(default_factory=dict)

    def method(self, name: str, depth: int = 5) -> Definition | None:
        """A method of the class or of those of its bases that the file defines."""
        if name in self.methods:
            return self.methods[name]
        for base in self.bases if depth else ():
            if isinstance(base, Class) and (found := base.method(name, depth - 1)) is not None:
                return found
        return None

    def attribute(self, name: str, depth: int = 5) -> list[Term]:
        """All that is assigned to an attribute."""
        if name in self.attributes:
            return self.attributes[name]
        for base in self.bases if depth else ():
            if isinstance(base, Class) and (found := base.attribute(name, depth - 1)):
                return found
        return []


@dataclass(eq=False)
class Program:
    """What is known of the whole file."""

    facts: Facts
    definitions: dict[Term, Definition] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    later: list[tuple[Definition, State]] = field(default_factory=list)
    makers: dict[Term, Any] = field(default_factory=dict)
    followed: int = 0
    recording: bool = True


@dataclass(eq=False)
class State:
    """Where the reading is: the names in sight, and the function that the steps belong to."""

    program: Program
    function: Function
    names: dict[str, Term] = field(default_factory=dict)
    outer: list[dict[str, Term]] = field(default_factory=list)
    owner: Class | None = None
    this: str = ""  # what the method calls its object
    depth: int = 0
    following: tuple[Definition, ...] = ()
    conditions: tuple[Term, ...] = ()  # that hold here
    returns: list[Term] = field(default_factory=list)

    @property
    def terms(self) -> Terms:
        """The terms of the file."""
        return self.program.facts.terms

    def branch(self) -> State:
        """A copy whose names may change on their own."""
        return replace(self, names=dict(self.names))

    def where(self, condition: Term) -> State:
        """A copy for what is done only where this holds."""
        return replace(self.branch(), conditions=(*self.conditions, condition))

    def find(self, name: str) -> Term | None:
        """What a name stands for."""
        for scope in (self.names, *self.outer):
            if name in scope:
                return scope[name]
        return None

    def record(self, node: cst.CSTNode, term: Term) -> Term:
        """Remember that this is computed here."""
        if self.program.recording and term.op not in ("const", "symbol", "qual"):
            self.function.steps.append((node, term))
        return term

    def join(self, *ways: State) -> None:
        """Go on with what all of these agree on."""
        make = self.terms.make
        names: dict[str, Term] = {}
        for name in dict.fromkeys(name for way in ways for name in way.names):
            values = [way.names[name] for way in ways if name in way.names]
            names[name] = values[0] if len({*values}) == 1 else make("phi", *values)
        self.names.clear()
        self.names.update(names)
