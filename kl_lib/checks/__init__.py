"""What counts as a distribution, and every error message about p and q.

Nothing is repaired here: an input is accepted as it is or refused with an error that names the
argument, the place, the value and the remedy. `normalize=True` is the caller saying "these are
counts", `generalized=True` "these are masses that need not sum to 1". What a remedy may offer
depends on the function that was called: see `Advice`.
"""

from .advice import COUNTS, KL, PROBABILITIES, ROUNDED, TABLES, YES_NO, Advice, one_hot
from .arguments import Arguments, both, check_mask, check_shapes, one
from .axes import merged, parted
from .options import check_axes, check_axis, check_base, check_flags, result_dtype
from .values import SUM_TOLERANCE, as_array, distribution, logits

__all__ = [
    "COUNTS",
    "KL",
    "PROBABILITIES",
    "ROUNDED",
    "SUM_TOLERANCE",
    "TABLES",
    "YES_NO",
    "Advice",
    "Arguments",
    "as_array",
    "both",
    "check_axes",
    "check_axis",
    "check_base",
    "check_flags",
    "check_mask",
    "check_shapes",
    "distribution",
    "logits",
    "merged",
    "one",
    "one_hot",
    "parted",
    "result_dtype",
]
