"""What each function over categories computes of rows: once fast, once exact.

A `Kernel` is handed to `kl_lib.rows`, which cuts arrays into chunks that fit the cache, checks
values and sums on the way, and shares the chunks out among threads. `fast` takes a chunk through
the usual sum in its own dtype. Where a row's result is large enough that the rounding of that sum
cannot matter, it stands; the other rows (close to equal, close to certain, overflowing, subnormal)
go through `exact`, which adds terms that do not cancel.

To add a function over categories, add a module with its kernel here, and the function to
`kl_lib.discrete` or `kl_lib.relatives`.
"""

from .chi2 import CHI2
from .entropy import CROSS_ENTROPY, ENTROPY
from .hellinger import BHATTACHARYYA, HELLINGER
from .jensen_shannon import JENSEN_SHANNON, jensen_shannon_of
from .kernel import Array, Kernel, Pieces, Precision, Task
from .kl import KL
from .renyi import renyi_of
from .total_variation import TOTAL_VARIATION

__all__ = [
    "BHATTACHARYYA",
    "CHI2",
    "CROSS_ENTROPY",
    "ENTROPY",
    "HELLINGER",
    "JENSEN_SHANNON",
    "KL",
    "TOTAL_VARIATION",
    "Array",
    "Kernel",
    "Pieces",
    "Precision",
    "Task",
    "jensen_shannon_of",
    "renyi_of",
]
