"""What is known of one file: where it computes a KL divergence, and everything around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..libraries.kl_functions import LOGS_FIRST
from ..terms import Term, Terms, walk


@dataclass(eq=False)
class Function:
    """A function of the file (or its top level), with what is computed in it."""

    name: str
    docstring: str = ""
    steps: list[tuple[Any, Term]] = field(default_factory=list)  # (node, term), in their order
    assigned: list[tuple[str, Any, Term]] = field(default_factory=list)  # (name, node, term)
    returned: list[tuple[Any, Term]] = field(default_factory=list)

    @cached_property
    def roots(self) -> list[Term]:
        """The largest terms: those that are no part of another."""
        inner = {id(arg) for _, term in self.steps for below in walk(term) for arg in below.args}
        roots = {id(term): term for _, term in self.steps if id(term) not in inner}
        return list(roots.values())


@dataclass(eq=False)
class Maker:
    """A loss object where it is made: ``nn.KLDivLoss(...)``."""

    api: str
    name: str
    node: Any
    function: Function
    term: Term
    reduction: str | None = None
    reduction_given: bool = True
    log_target: bool | None = False
    given: dict[str, Term] = field(default_factory=dict)


@dataclass(eq=False)
class Site:
    """A call of a KL function, or a KL written out by hand.

    `first` and `second` are the arguments in the order of the call, `p` and `q` the reference and
    the approximation of the divergence that is computed. An argument may be missing.
    """

    api: str  # which of the families of `libraries.kl_functions`
    name: str  # as the library calls it
    node: Any  # the node of the source
    function: Function
    term: Term  # the result
    first: Term | None = None
    second: Term | None = None
    p: Term | None = None
    q: Term | None = None
    reduction: str | None = None  # None: not known
    reduction_given: bool = True
    log_target: bool | None = False  # None: not known
    axis: Any = None
    maker: Maker | None = None  # the loss object that was called
    given: dict[str, Term] = field(default_factory=dict)  # arguments by name
    written: str = ""  # the name of the function as the file has it
    conditions: tuple[Term, ...] = ()  # under which it is computed
    followed: bool = False  # True where the arguments are those of one call of the function

    @property
    def wants_log(self) -> bool:
        """True if the first argument is to be a logarithm."""
        return self.api in LOGS_FIRST

    @property
    def takes_scores(self) -> bool:
        """True for a loss of Gluon that takes the log_softmax itself."""
        if self.api != "gluon" or self.maker is None:
            return False
        said = self.maker.given.get("from_logits")
        return said is not None and not (said.op == "const" and said.value is True)

    @property
    def arguments(self) -> list[Term]:
        """The two arguments, or those that are seen."""
        return [term for term in (self.first, self.second) if term is not None]

    @property
    def called(self) -> str:
        """What a message calls it."""
        return self.name.rpartition(".")[2] or "this KL"


@dataclass(eq=False)
class Facts:
    """All that the rules look at."""

    terms: Terms = field(default_factory=Terms)
    functions: list[Function] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    makers: list[Maker] = field(default_factory=list)
    defaults: dict[Term, Term] = field(default_factory=dict)  # of parameters

    def sites_of(self, *apis: str) -> Iterator[Site]:
        """The sites of some families."""
        return (site for site in self.sites if site.api in apis)

    def given_to(self, *apis: str) -> Iterator[tuple[Site, Term, Term]]:
        """Sites of some families of which both arguments are seen, with the first and second."""
        for site in self.sites_of(*apis):
            if site.first is not None and site.second is not None:
                yield site, site.first, site.second

    def compared_by(self, *apis: str) -> Iterator[tuple[Site, Term, Term]]:
        """Sites of some families of which both arguments are seen, with p and q."""
        for site in self.sites_of(*apis):
            if site.p is not None and site.q is not None:
                yield site, site.p, site.q
