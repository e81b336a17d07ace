"""Why is this KL infinite, nan, negative, or not the number another library gives?

`kl_lib.diagnose` looks at p and q and writes a report: what is wrong with them and where, the
divergences and entropies, the categories that carry the sum, what rounding does to it, what other
libraries answer and why, and what to do about it. It needs numpy alone, unless you ask for other
libraries.
"""

from ..input_files import PairError, read_pair
from .examination import diagnose
from .explanation import Reason
from .other_libraries import LIBRARIES, Answer
from .report import (
    Argument,
    Measure,
    Mismatch,
    Note,
    Problem,
    Remedy,
    Report,
    Rounding,
    Summary,
    Term,
)

__all__ = [
    "LIBRARIES",
    "Answer",
    "Argument",
    "Measure",
    "Mismatch",
    "Note",
    "PairError",
    "Problem",
    "Reason",
    "Remedy",
    "Report",
    "Rounding",
    "Summary",
    "Term",
    "diagnose",
    "read_pair",
]
