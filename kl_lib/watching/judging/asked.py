"""What a call asks of its library: which argument is which, and what is done with the sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .arguments import Axes

Holds = Literal["probabilities", "logarithms", "logits"]
Given = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """How a call reads its two arguments, and how it reduces.

    Parameters
    ----------
    call
        The function, by the name that people import.
    p_name, q_name
        What it calls its reference and its approximation.
    p_holds, q_holds
        What it takes them for.
    axes
        What it sums over; None where it sums over everything or nothing.
    divides_by
        What the sum is divided by: ``"elements"``, ``"axis 0"``, ``"batch"`` (Gluon's batch axis,
        which is not summed) or nothing.
    batch_axis
        Gluon's, counted from the end.
    normalizes
        Whether it divides p and q by their sums.
    masses
        Whether it is defined for numbers that sum to anything.
    entries
        Whether the result has a number for each entry.
    clip
        Below what it clips p and q.
    left_axis
        Whether the axis is the library's own choice.
    checks_shapes
        Whether it refuses shapes that do not belong together.
    deprecated
        Deprecated arguments that were passed.
    """

    call: str
    p_name: str = "p"
    q_name: str = "q"
    p_holds: Holds = "probabilities"
    q_holds: Holds = "probabilities"
    axes: Axes | None = None
    divides_by: Literal["elements", "axis 0", "batch"] | None = None
    batch_axis: int | None = None
    normalizes: bool = False
    masses: bool = False
    entries: bool = False
    clip: float | None = None
    left_axis: bool = False
    checks_shapes: bool = False
    deprecated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """One call of a watched function: what it asked, with its tensors, not yet looked at.

    With `distributions` p and q are objects of a library; what is fetched is the result alone.
    """

    asked: Asked
    p: Any = None
    q: Any = None
    distributions: bool = False
