"""What a function over categories is made of: a fast pass over a chunk, and an exact one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: A row, or some rows, cut along the categories: for each piece, its part of every argument.
Pieces = Sequence[Sequence[Array]]


class Task(NamedTuple):
    """What is wanted of each row, and what its sums have to be.

    `divisor` is log(base). The sums of the arguments may differ from 1 by their tolerances; None,
    for counts and masses, asks of them only that they are above 0 and finite. With `normalize` the
    sums may be far from 1, so that dividing by them would round; with `generalized` the result is
    Σ (p·log(p/q) − p + q), not the KL of the rows divided by their sums.
    """

    divisor: float
    tolerances: tuple[float, ...] | None
    normalize: bool = False
    generalized: bool = False


class Precision(NamedTuple):
    """A fast result above `bound` is right to `tolerance`, whatever the number of categories."""

    bound: float
    tolerance: float


class Kernel(NamedTuple):
    """How one function is computed.

    Parameters
    ----------
    fast
        From a chunk of each argument and scratch space to the sums of the usual terms, which it
        writes to its second argument; returns the smallest entry, or less where one is below 0.
    combine
        From those sums and the sums of the arguments to the result (perhaps in place of the first),
        and to what its rounding is relative to: a row stands if the result is above `bound` times
        that. For arrays and for single numbers.
    exact
        The result of rows in pieces, in float64, without cancellation.
    space
        How many arrays of the size of a chunk `fast` needs as scratch space.
    shares
        With `normalize`, `fast` is given the arguments divided by their sums.
    join
        From what `fast` gives of the pieces of a long row to the same of the row.
    """

    fast: Callable[[Sequence[Array], Array, Sequence[Array]], Any]
    combine: Callable[[Any, Any, Task, Precision], tuple[Any, Any]]
    exact: Callable[[Pieces, Task], Array]
    space: int = 1
    shares: bool = False
    join: Callable[[Array], Any] = np.add.reduce
