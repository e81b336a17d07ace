"""KL from samples: by Monte Carlo, by nearest neighbours, from counts.

Three situations, three functions:

- you can evaluate log p and log q and draw from p: `kl_monte_carlo`;
- you have points of both and no densities: `kl_knn`;
- you have counts of both over the same categories: `kl_from_counts`.

Of counts there are also `js_from_counts`, a score of drift that is always finite,
`entropy_from_counts` and `mutual_information_from_counts`.

Each returns an `Estimate`: the value, its standard error, and in words every reason found in the
data not to trust it. A standard error measures spread only. It says nothing about bias, nor about
a tail that the samples have not reached.
"""

from .counts import entropy_from_counts, kl_from_counts, mutual_information_from_counts
from .estimate import Estimate
from .js_counts import js_from_counts
from .monte_carlo import kl_monte_carlo
from .nearest_neighbours import kl_knn

__all__ = [
    "Estimate",
    "entropy_from_counts",
    "js_from_counts",
    "kl_from_counts",
    "kl_knn",
    "kl_monte_carlo",
    "mutual_information_from_counts",
]
