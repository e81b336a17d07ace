"""What is wrong with one call, from numbers alone: no library is known here."""

from __future__ import annotations

import numpy as np

from .arguments import Argument
from .arrays import of_arrays
from .asked import Call
from .distributions import of_distributions
from .examination import Examination

__all__ = ["Examination", "examine"]


def examine(call: Call, arguments: list[Argument]) -> Examination:
    """What is wrong with a call, from what was fetched of its tensors.

    Of two arrays that is p, q and the result; of two distributions the result.
    """
    with np.errstate(all="ignore"):
        if call.distributions:
            return of_distributions(call, *arguments)
        return of_arrays(call.asked, *arguments)
