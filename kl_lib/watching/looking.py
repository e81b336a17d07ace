"""One look at a call whose tensors were fetched."""

from __future__ import annotations

import numpy as np

from .arguments import Argument
from .asked import Call
from .distributions import examine_distributions
from .examining import Examination, examine


def examined_arrays(call: Call, arguments: list[Argument]) -> Examination:
    """The same of tensors that were fetched."""
    with np.errstate(all="ignore"):
        if call.distributions:
            return examine_distributions(call, *arguments)
        return examine(call.asked, *arguments)
