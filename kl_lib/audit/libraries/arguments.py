"""The arguments of a call, as it has them and under the names of the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..terms import Term


@dataclass
class Arguments:
    """The arguments of a call; `whole` is False if there are ``*args`` or ``**kwargs``."""

    args: list[Term]
    given: dict[str, Term]
    whole: bool
    name: str = ""  # of the function, as the file has it


@dataclass
class Bound:
    """Arguments under the names of the parameters."""

    values: dict[str, Term]
    whole: bool  # False if there was *args or **kwargs, so that others may be given too


def bind(parameters: Sequence[str], arguments: Arguments) -> Bound:
    """Give each argument the name of its parameter."""
    unnamed = dict(zip(parameters, arguments.args, strict=False))
    return Bound({**unnamed, **arguments.given}, arguments.whole)


def constant(bound: Bound, name: str, default: Any) -> Any:
    """The value of a constant argument; `default` where it is not given, ... if it is not known."""
    if name not in bound.values:
        return default if bound.whole else ...
    term = bound.values[name]
    return term.value if term.op == "const" else ...
