"""What was found out about one file: everything that the rules look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .sites import Maker, Site
from .terms import Term, Terms, walk


@dataclass(eq=False)
class Function:
    """A function of the file (or its top level), with what is computed in it."""

    name: str
    docstring: str = ""
    parameters: tuple[str, ...] = ()
    steps: list[tuple[Any, Term]] = field(default_factory=list)  # (node, term), in their order
    assigned: list[tuple[str, Any, Term]] = field(default_factory=list)  # (name, node, term)
    returned: list[tuple[Any, Term]] = field(default_factory=list)
    owner: str = ""  # the class it is of

    @cached_property
    def roots(self) -> list[Term]:
        """The largest terms: those that are no part of another."""
        inner = {id(arg) for _, term in self.steps for below in walk(term) for arg in below.args}
        roots = {id(term): term for _, term in self.steps if id(term) not in inner}
        return list(roots.values())

    @cached_property
    def terms(self) -> set[int]:
        """Identities of all terms computed here."""
        return {id(below) for _, term in self.steps for below in walk(term)}


@dataclass(eq=False)
class Facts:
    """All that the rules look at."""

    terms: Terms = field(default_factory=Terms)
    functions: list[Function] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    makers: list[Maker] = field(default_factory=list)
    defaults: dict[Term, Term] = field(default_factory=dict)  # of parameters
    uses_keras_3: bool = False

    def sites_of(self, *apis: str) -> Iterator[Site]:
        """The sites of some families."""
        return (site for site in self.sites if site.api in apis)
