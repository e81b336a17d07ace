"""KL from counts of both over the same categories."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import discrete, labels, stable
from ..arrays import entry
from ..checks import check_base
from ..errors import DistributionError
from .estimate import (
    Array,
    Estimate,
    first_place,
    read,
    unit_of,
    wrong_option,
    wrong_samples,
)

#: Expansions in 1/count need about this many counts in a category.
FEW_COUNTS = 5


def kl_from_counts(
    counts_p: ArrayLike,
    counts_q: ArrayLike,
    *,
    smoothing: float | None = None,
    base: float | None = None,
) -> Estimate:
    """KL(p‖q) between the distributions two sets of counts were drawn from, by plugging in.

    The value is the KL of the two relative frequencies, which is too large on average: noise looks
    like difference. `bias` says by how much, to first order; ``value - bias`` corrects for it.

    Parameters
    ----------
    counts_p, counts_q
        Whole numbers, shape (categories,): how often each category was drawn from p and from q.
        Where both name their categories (two `value_counts`, say), they are paired by name.
    smoothing
        None to leave the counts as they are. A number above 0 is added to every count of both
        before dividing: 1 is Laplace's rule, 0.5 Jeffreys' prior. It makes the value finite where
        counts_q has zeros; how large it then is depends on the number, so the choice is yours.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    Estimate
        `standard_error` by the delta method, second order included, since the first vanishes where
        p = q. The value is inf where counts_q is 0 and counts_p is not; the true KL need not be,
        and neither bias nor standard error is then known.

    Raises
    ------
    DistributionError
        If the counts are not whole numbers of at least 0, sum to 0 or do not pair up, or smoothing
        is not above 0. If a category is named in one and not in the other: `kl_lib.align` first.

    Notes
    -----
    The bias is (K − 1)/(2n) + (Σ p/q − 1)/(2m) for totals n and m and K categories with counts in
    p: the correction of Miller for the entropy of p, and its counterpart for q. It is conditional
    on no category of q staying empty; without that condition the expectation is infinite. With
    smoothing the shift towards the uniform distribution is part of the bias.

    References
    ----------
    Miller, "Note on the bias of information estimates", 1955. Zhang and Grabchak, "Nonparametric
    Estimation of Küllback-Leibler Divergence", 2014 (the plug-in estimator, its infinite bias).

    Examples
    --------
    >>> from kl_lib.sampling import kl_from_counts
    >>> kl_from_counts([200, 500, 200, 100], [300, 400, 100, 200])
    Estimate(0.100 ± 0.020 nats; plug-in; bias +0.0032; 1000 and 1000 samples)
    >>> print(kl_from_counts([3, 7, 5], [4, 6, 0]).value)
    inf
    >>> print(round(kl_from_counts([3, 7, 5], [4, 6, 0], smoothing=0.5).value, 4))
    0.45
    """
    divisor = check_base(base)
    a, b = _counts(counts_p, "counts_p"), _counts(counts_q, "counts_q")
    given = {"counts_p": counts_p, "counts_q": counts_q}
    matched, known = labels.aligned(given, labels.pair_roles(-1))
    if matched["counts_q"] is not counts_q:
        b = _counts(matched["counts_q"], "counts_q")
    if len(a) != len(b):
        raise DistributionError(
            f"counts_p has length {len(a)} and counts_q {len(b)}; both need one count for each "
            "category, 0 where it was not drawn",
            kind="shape",
            argument="counts_p and counts_q",
            value=(len(a), len(b)),
        )

    def called(name: str, bad: NDArray[np.bool_]) -> str:
        place = first_place(bad)
        names = known.axes.get(labels.CATEGORY)
        return entry(name, place) if names is None else f"{name}[{labels.shown(names[place[0]])}]"

    alpha = _alpha(smoothing)
    n, m = int(a.sum()), int(b.sum())
    method = "plug-in" if smoothing is None else f"plug-in, smoothing={alpha:g}"
    result = Estimate(math.inf / divisor, math.nan, n, m, method=method, unit=unit_of(base))
    value = float(discrete.kl_divergence(a + alpha, b + alpha, normalize=True))
    empty = (b == 0) & (a > 0)
    if math.isinf(value):
        first = first_place(empty)
        return replace(
            result,
            warnings=(
                f"{called('counts_q', empty)} is 0 where {called('counts_p', empty)} is "
                f"{a[first]:g} ({int(empty.sum())} such in all): the estimate is infinite, the "
                "true KL need not be; merge categories, draw more, or choose smoothing=0.5, say",
            ),
        )
    categories = len(a)
    p = (a + alpha) / (n + alpha * categories)
    q = (b + alpha) / (m + alpha * categories)
    bias, first_order, second_order = _delta_method(p, q, n, m, alpha)
    # At estimated p and q the first order is too large, by twice the second on average; where p = q
    # the second is all there is.
    error = math.sqrt(max(first_order - second_order, second_order))
    warnings = []
    if empty.any():
        other = float(discrete.kl_divergence(a + alpha / 2, b + alpha / 2, normalize=True))
        warnings.append(
            f"{called('counts_q', empty)} is 0 where counts_p is not ({int(empty.sum())} "
            f"such in all), so the smoothing decides: with {alpha / 2:g} the estimate is "
            f"{other / divisor:.3g}, with {alpha:g} it is {value / divisor:.3g}"
        )
    small = (a > 0) & (b > 0) & (b < FEW_COUNTS)
    if small.any():
        warnings.append(
            f"{called('counts_q', small)} is {b[small][0]:g} where counts_p is not 0 "
            f"({int(small.sum())} below {FEW_COUNTS} in all): bias and standard error are rough"
        )
    once = int((a == 1).sum())
    if once > n / 20:
        warnings.append(
            f"{once} of the {n} draws from p fell into a category of their own, so about "
            f"{100 * once / n:.0f} % of p has not been seen: the bias is larger than said"
        )
    if abs(bias) > error:
        warnings.append(
            f"the bias, {bias / divisor:+.2g}, exceeds the standard error: use value - bias"
        )
    return replace(
        result,
        value=value / divisor,
        standard_error=error / abs(divisor),
        bias=bias / divisor,
        warnings=tuple(warnings),
    )


def _counts(value: Any, name: str) -> Array:
    array = read(value, name, f"pass {name}.filled(0) if what is masked was not drawn")
    if array.ndim != 1 or array.size == 0:
        one = "" if array.ndim < 2 else ", one row against another at a time"
        raise DistributionError(
            f"{name} has shape {array.shape}; pass one count for each category, shape "
            f"(categories,){one}",
            kind="shape",
            argument=name,
            value=array.shape,
        )
    bad = ~(np.isfinite(array) & (array >= 0) & (array == np.floor(array)))
    if bad.any():
        place = first_place(bad)
        remedy = ". A category that was not drawn has 0" if np.isnan(array[place]) else ""
        if (array >= 0).all() and np.isfinite(array).all():
            remedy = (
                ". For probabilities or weights use kl_divergence(counts_p, counts_q, "
                "normalize=True)"
            )
        raise wrong_samples(
            f"{entry(name, place)} is {array[place]:g}; a count is a whole number of at least 0"
            f"{remedy}",
            name,
            float(array[place]),
            bad,
        )
    if array.sum() == 0:
        raise wrong_samples(
            f"{name} sums to 0; nothing was counted, so there is nothing to estimate from", name, 0
        )
    return array


def _alpha(smoothing: Any) -> float:
    if smoothing is None:
        return 0.0
    try:
        alpha = float(smoothing)
    except (TypeError, ValueError):
        alpha = math.nan
    if isinstance(smoothing, (bool, str)) or not 0 < alpha < math.inf:
        raise wrong_option(
            "smoothing", smoothing, "pass a number above 0 to add to every count, or None"
        )
    return alpha


def _delta_method(p: Array, q: Array, n: int, m: int, alpha: float) -> tuple[float, float, float]:
    """Bias of the plug-in estimate to first order, and its variance in two parts, at p and q.

    With f = Σ p·log(p/q): gradient g = (log(p/q) + 1, −p/q), Hessian H = (1/p, −1/q, p/q²). The
    frequencies have covariance Σ = (diag(p) − ppᵀ)·v and expectation p + s, with v = n/(n + αK)²
    and s = α(1 − Kp)/(n + αK), and likewise for q. The bias is gᵀs + ½·tr(HΣ), the variance
    gᵀΣg + ½·tr((HΣ)²): the first part vanishes where p = q, the second is of order 1/n².
    """
    categories = len(p)
    total_p, total_q = n + alpha * categories, m + alpha * categories
    v_p, v_q = n / total_p**2, m / total_q**2
    seen = p > 0
    p, q = p[seen], q[seen]
    ratio, log_ratio = p / q, stable.log_ratio(p, q)
    shift_p = alpha * (1 - categories * p) / total_p
    shift_q = alpha * (1 - categories * q) / total_q
    trace_p, trace_q = len(p) - 1, ratio.sum() - 1
    bias = log_ratio @ shift_p - ratio @ shift_q + 0.5 * (v_p * trace_p + v_q * trace_q)
    mean = p @ log_ratio
    first = v_p * (p @ (log_ratio - mean) ** 2) + v_q * (q @ (ratio - 1) ** 2 + 1 - q.sum())
    second = (
        v_p**2 * trace_p
        + 2 * v_p * v_q * (ratio @ (1 - p))
        + v_q**2 * ((ratio**2).sum() - 2 * ratio @ p + 1)
    )
    return float(bias), float(first), float(0.5 * second)
