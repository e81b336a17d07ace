"""Jensen-Shannon divergence from counts of categories: how much of a drift score is chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import discrete, stable
from ..checks import check_base
from .counts import FEW_COUNTS, pair
from .estimate import Array, Estimate, unit_of


def js_from_counts(
    counts_p: ArrayLike, counts_q: ArrayLike, *, base: float | None = None
) -> Estimate:
    """Jensen-Shannon divergence between what two sets of counts were drawn from, by plugging in.

    The value is that of the two relative frequencies, which is too large on average: two samples
    of one distribution differ, too. `bias` says by how much, to first order; ``value - bias``
    corrects for it. Unlike `kl_from_counts` it is finite whatever the counts.

    Parameters
    ----------
    counts_p, counts_q
        Whole numbers, shape (categories,): how often each category was drawn from p and from q,
        such as last year and today. Where both name their categories, they are paired by name.
    base
        Base of the logarithm: 2 for bits (then the divergence is at most 1), None for nats.

    Returns
    -------
    Estimate
        Of the divergence, not of its root, the distance. `standard_error` by the delta method,
        second order included, since the first vanishes where p = q.

    Raises
    ------
    DistributionError
        If the counts are not whole numbers of at least 0, sum to 0 or do not pair up. If a
        category is named in one and not in the other: `kl_lib.align` first.

    Notes
    -----
    The bias is Σ q·(1 − p)/(4·n·(p + q)), over the categories drawn from p, plus the same with p
    and q, n and m exchanged, for totals n and m. Without drift that is (K − 1)/8·(1/n + 1/m) for K
    categories, and the value times 8·n·m/(n + m) is about a χ² variable of K − 1 degrees of
    freedom.

    References
    ----------
    Grosse, Bernaola-Galván, Carpena, Román-Roldán, Oliver and Stanley, "Analysis of symbolic
    sequences using the Jensen-Shannon divergence", Physical Review E 65, 2002 (the distribution
    without drift).

    Examples
    --------
    >>> from kl_lib.sampling import js_from_counts
    >>> js_from_counts([200, 500, 200, 100], [300, 400, 100, 200])
    Estimate(0.0248 ± 0.0049 nats; plug-in; bias +0.00076; 1000 and 1000 samples)
    >>> same = js_from_counts([20, 50, 20, 10], [24, 45, 23, 8])
    >>> print(f"{same.value:.4f}, of which by chance {same.bias:.4f}")
    0.0026, of which by chance 0.0075
    """
    divisor = check_base(base)
    a, b, called = pair(counts_p, counts_q)
    n, m = int(a.sum()), int(b.sum())
    value = float(discrete.js_divergence(a, b, normalize=True))
    seen = a + b > 0
    bias, first, second = _delta_method(a[seen] / n, b[seen] / m, n, m)
    # At estimated p and q the first order is too large, by twice the second on average; where p = q
    # the second is all there is.
    error = math.sqrt(max(first - second, second))
    warnings = []
    small = seen & (a + b < FEW_COUNTS)
    if small.any():
        warnings.append(
            f"{called('counts_p', small)} and {called('counts_q', small)} make "
            f"{(a + b)[small][0]:g} ({int(small.sum())} such sums below {FEW_COUNTS} in all): bias "
            "and standard error are rough"
        )
    if bias > error:
        warnings.append(
            f"the bias, {bias / divisor:+.2g}, exceeds the standard error: use value - bias"
        )
    return Estimate(
        value / divisor,
        error / abs(divisor),
        n,
        m,
        bias=bias / divisor,
        warnings=tuple(warnings),
        method="plug-in",
        unit=unit_of(base),
    )


def _delta_method(p: Array, q: Array, n: int, m: int) -> tuple[float, float, float]:
    """Bias of the plug-in estimate to first order, and its variance in two parts, at p and q.

    With s = p + q: gradient g = ½·(log(2p/s), log(2q/s)), Hessian H = ½·(1/p − 1/s, 1/q − 1/s) on
    the diagonal and −½/s between p and q of one category. The frequencies have covariance
    Σ = (diag(p) − ppᵀ)/n, and likewise for q. The bias is ½·tr(HΣ), the variance
    gᵀΣg + ½·tr((HΣ)²).
    """
    s = p + q
    # H·p and H·q, which stay finite where p or q is 0.
    of_p, of_q = 0.5 * np.where(p > 0, q / s, 0.0), 0.5 * np.where(q > 0, p / s, 0.0)
    bias = 0.5 * (of_p @ (1 - p) / n + of_q @ (1 - q) / m)
    first = _spread(p, s) / n + _spread(q, s) / m
    own = _square(of_p, p) / n**2 + _square(of_q, q) / m**2
    both = 0.25 * p * q / s**2
    mixed = both @ (1 - s) + (0.5 * p * q / s).sum() ** 2
    return float(bias), float(first), float(0.5 * (own + 2 * mixed / (n * m)))


def _spread(p: Array, s: Array) -> Any:
    """gᵀ(diag(p) − ppᵀ)g."""
    p, s = p[p > 0], s[p > 0]
    g = 0.5 * stable.log_ratio(2 * p, s)
    return p @ (g - p @ g) ** 2


def _square(of_p: Array, p: Array) -> Any:
    """tr((H(diag(p) − ppᵀ))²) of a diagonal H, with H·p given."""
    return of_p**2 @ (1 - 2 * p) + (of_p @ p) ** 2
