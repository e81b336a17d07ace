"""A place where a program computes a KL divergence, and what it gives to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .terms import Term

if TYPE_CHECKING:
    from .facts import Function


@dataclass(eq=False)
class Site:
    """A call of a KL function, or a KL written out by hand.

    `first` and `second` are the arguments in the order of the call, `p` and `q` the reference and
    the approximation of the divergence that is computed. An argument may be missing.
    """

    api: str  # which of the families below
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
        return self.api in ("torch", "optax", "gluon")


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
    positional: tuple[Term, ...] = ()
