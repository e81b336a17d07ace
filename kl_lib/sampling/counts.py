"""From counts of categories: KL, entropy, and the mutual information of a table."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import discrete, labels, stable, tables
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
    a, b, called = pair(counts_p, counts_q)
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


def pair(
    counts_p: ArrayLike, counts_q: ArrayLike
) -> tuple[Array, Array, Callable[[str, NDArray[np.bool_]], str]]:
    """Both counts, in one order; and what to call the first entry of one that is marked."""
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

    return a, b, called


def entropy_from_counts(
    counts: ArrayLike, *, method: str = "plug-in", base: float | None = None
) -> Estimate:
    """Entropy of the distribution that counts were drawn from.

    Parameters
    ----------
    counts
        Whole numbers, shape (categories,): how often each category was drawn.
    method
        ``"plug-in"``
            The entropy of the relative frequencies. Too small on average; `bias` says by how much.
        ``"miller-madow"``
            Plus (K − 1)/(2n) for K categories seen in n draws, the first order of that bias.
            Assumes that every category that can be drawn has been.
        ``"grassberger"``
            log n − Σ k·G(k)/n, of 2003: takes away of each count k, as if it were Poisson, all bias
            but a rest that vanishes exponentially where n·p is large. Since n is fixed and not
            Poisson, log n − ψ(n), about 1/(2n), is left, which `bias` says. Assumes nothing of
            probabilities, and cannot know of a category that was never drawn.
        ``"chao-shen"``
            Estimates the probability of all that was not drawn from the categories that were drawn
            once (Good and Turing), and weights each category by its chance to be drawn. Assumes
            draws with replacement, and that the unseen categories are like the rarest seen.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    Estimate
        `standard_error` is that of the plug-in by the delta method, second order included; the
        corrected ones spread more, Chao's and Shen's most. `bias` is that of the plug-in to first
        order, or what is known of Grassberger's; what the other two leave is not known (None).

    Raises
    ------
    DistributionError
        If the counts are not whole numbers of at least 0 or sum to 0, or there is no such method.

    References
    ----------
    Miller, "Note on the bias of information estimates", 1955. Grassberger, "Entropy estimates from
    insufficient samplings", 2003, arXiv:physics/0307138. Chao and Shen, "Nonparametric estimation
    of Shannon's index of diversity when there are unseen species in sample", 2003.

    Examples
    --------
    >>> from kl_lib.sampling import entropy_from_counts
    >>> entropy_from_counts([200, 500, 200, 100], base=2)
    Estimate(1.761 ± 0.026 bits; plug-in; bias -0.0022; 1000 samples)
    >>> print(round(entropy_from_counts([4, 2, 3, 0, 2, 4, 1, 1], method="chao-shen").value, 3))
    2.044
    """
    divisor = check_base(base)
    if not isinstance(method, str) or method not in _ENTROPIES:
        raise wrong_option("method", method, f"pass one of {', '.join(map(repr, _ENTROPIES))}")
    given = _counts(counts, "counts", "entropy(counts, normalize=True)")
    seen = given[given > 0]
    n = int(seen.sum())
    p = seen / n
    value = _ENTROPIES[method](seen, n)
    second = (len(seen) - 1) / (2 * n**2)
    surprise = -np.log(p)
    first = float(p @ (surprise - p @ surprise) ** 2) / n
    error = math.sqrt(max(first - second, second))
    bias = None
    if method == "plug-in":
        bias = -(len(seen) - 1) / (2 * n)
    elif method == "grassberger":
        bias = _log_less_digamma(n)
    warnings = []
    once = int((seen == 1).sum())
    if once == n and n > 1:
        warnings.append(
            f"each of the {n} draws fell into a category of its own: nothing says how many "
            "there are; draw more"
        )
    elif once > n / 20 and method != "chao-shen":
        warnings.append(
            f"{once} of the {n} draws fell into a category of their own, so about "
            f"{100 * once / n:.0f} % has not been seen: the entropy is larger than this; "
            "method='chao-shen' estimates that part"
        )
    if bias is not None and -bias > error:
        warnings.append(
            f"the bias, {bias / divisor:+.2g}, exceeds the standard error: use value - bias"
        )
    return Estimate(
        value / divisor,
        error / abs(divisor),
        n,
        bias=None if bias is None else bias / divisor,
        warnings=tuple(warnings),
        method=method,
        unit=unit_of(base),
    )


def _plug_in(seen: Array, n: int) -> float:
    return float(discrete.entropy(seen, normalize=True))


def _miller_madow(seen: Array, n: int) -> float:
    return _plug_in(seen, n) + (len(seen) - 1) / (2 * n)


def _grassberger(seen: Array, n: int) -> float:
    from scipy.special import digamma

    sign = np.where(seen % 2 == 0, 1.0, -1.0)
    g = digamma(seen) + 0.5 * sign * (digamma((seen + 1) / 2) - digamma(seen / 2))
    return float(math.log(n) - seen @ g / n)


def _log_less_digamma(n: int) -> float:
    from scipy.special import digamma

    return math.log(n) - float(digamma(n))


def _chao_shen(seen: Array, n: int) -> float:
    once = int((seen == 1).sum())
    # Of draws that are all different nothing would be left.
    coverage = 1 - min(once, n - 1) / n
    p = coverage * seen / n
    with np.errstate(divide="ignore"):  # of the only category, p is 1
        drawn = -np.expm1(n * np.log1p(-p))
    return float(-(p / drawn) @ np.log(p)) + 0.0


_ENTROPIES = {
    "plug-in": _plug_in,
    "miller-madow": _miller_madow,
    "grassberger": _grassberger,
    "chao-shen": _chao_shen,
}


def mutual_information_from_counts(table: ArrayLike, *, base: float | None = None) -> Estimate:
    """Mutual information of the two variables of a contingency table, by plugging in.

    The value is that of the relative frequencies, which is too large on average: independent
    variables have 0, and their counts never have. `bias` says by how much; ``value - bias``
    corrects for it. Where there are more cells than draws, all of the value may be bias.

    Parameters
    ----------
    table
        Whole numbers, shape (rows, columns): how often each pair was drawn.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    Estimate
        `standard_error` by the delta method, second order included. `bias` is
        (r − 1)·(c − 1)/(2n) for r rows and c columns with counts in them and n draws, the first
        order of an expansion in draws per cell. Where (r − 1)·(c − 1) is more than n that says
        nothing, and `bias` is the mean over all tables with these sums of rows and columns: exact
        for variables that are independent, too large for others.

    Raises
    ------
    DistributionError
        If the counts are not whole numbers of at least 0 in a table, or sum to 0.

    References
    ----------
    Miller, "Note on the bias of information estimates", 1955. Roulston, "Estimating the errors on
    measured entropy and mutual information", 1999. The mean over tables: Vinh, Epps and Bailey,
    "Information theoretic measures for clusterings comparison", 2010.

    Examples
    --------
    >>> from kl_lib.sampling import mutual_information_from_counts
    >>> mutual_information_from_counts([[30, 10], [20, 40]])
    Estimate(0.086 ± 0.039 nats; plug-in; bias +0.005; 100 samples)
    """
    divisor = check_base(base)
    counts = _counts(table, "table", "mutual_information(table, normalize=True)", ndim=2)
    counts = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    n = int(counts.sum())
    value = float(tables.mutual_information(counts, normalize=True))
    row, column = counts.sum(axis=1), counts.sum(axis=0)
    freedom = (len(row) - 1) * (len(column) - 1)
    i, j = np.nonzero(counts)
    p = counts[i, j] / n
    log = np.log(counts[i, j]) - np.log(row[i]) - np.log(column[j]) + math.log(n)
    first = float(p @ (log - p @ log) ** 2) / n
    second = _squared_trace(counts, row, column) / (2 * n**2)
    error = math.sqrt(max(first - second, second))
    bias = freedom / (2 * n)
    warnings = []
    if freedom > n:
        bias = _independent(row, column, n)
        warnings.append(
            f"{n} draws in {len(row)} x {len(column)} cells: two independent variables with these "
            f"sums of rows and columns give {bias / divisor:.4g} {unit_of(base)} on average, and "
            f"here it is {value / divisor:.4g}; draw more, or merge rows and columns"
        )
    if bias > error:
        warnings.append(
            f"the bias, {bias / divisor:+.2g}, exceeds the standard error: use value - bias, "
            f"{(value - bias) / divisor:.2g}"
        )
    return Estimate(
        value / divisor,
        error / abs(divisor),
        n,
        bias=bias / divisor,
        warnings=tuple(warnings),
        method="plug-in",
        unit=unit_of(base),
    )


def _squared_trace(counts: Array, row: Array, column: Array) -> float:
    """n²·tr((HΣ)²) of f = Σ p·log(p/(r·c)), whose half over n² is the second order of the variance.

    The Hessian is 1/p on the diagonal, less 1/r for cells of one row and 1/c for those of one
    column; that makes K − R − C + 1 + 2φ² of K cells, R rows and C columns with counts in them, and
    φ² = Σ p²/(r·c) − 1: (R − 1)·(C − 1) where the two are independent.
    """
    if min(counts.shape) == 1:  # 0, but for rounding
        return 0.0
    i, j = np.nonzero(counts)
    square = float(np.sum((counts[i, j] / row[i]) * (counts[i, j] / column[j]))) - 1
    return len(i) - len(row) - len(column) + 1 + 2 * square


def _independent(row: Array, column: Array, n: int) -> float:
    """Mean mutual information over all pairings of draws that keep the sums of rows and columns.

    A cell is hypergeometric: Σ over cells and counts k of k/n·log(n·k/(a·b))·P(k).
    """
    from scipy.special import gammaln

    total = 0.0
    columns = list(zip(*np.unique(column, return_counts=True), strict=True))
    for a, a_times in zip(*np.unique(row, return_counts=True), strict=True):
        for b, b_times in columns:
            k = np.arange(max(1, a + b - n), min(a, b) + 1)
            ways = gammaln(a + 1) - gammaln(k + 1) - gammaln(a - k + 1)
            ways += gammaln(n - a + 1) - gammaln(b - k + 1) - gammaln(n - a - b + k + 1)
            ways -= gammaln(n + 1) - gammaln(b + 1) - gammaln(n - b + 1)
            cell = k / n * (np.log(k) + math.log(n) - math.log(a) - math.log(b))
            total += int(a_times) * int(b_times) * float(np.exp(ways) @ cell)
    return total


def _counts(
    value: Any,
    name: str,
    of_weights: str = "kl_divergence(counts_p, counts_q, normalize=True)",
    ndim: int = 1,
) -> Array:
    array = read(value, name, f"pass {name}.filled(0) if what is masked was not drawn")
    if array.ndim != ndim or array.size == 0:
        one = "" if array.ndim < 2 else ", one row against another at a time"
        one = ", one row at a time" if array.ndim == 2 and name == "counts" else one
        wanted = f"one count for each category, shape (categories,){one}"
        if ndim == 2:
            wanted = "one count for each pair, shape (rows, columns)"
        raise DistributionError(
            f"{name} has shape {array.shape}; pass {wanted}",
            kind="shape",
            argument=name,
            value=array.shape,
        )
    bad = ~(np.isfinite(array) & (array >= 0) & (array == np.floor(array)))
    if bad.any():
        place = first_place(bad)
        remedy = ". A category that was not drawn has 0" if np.isnan(array[place]) else ""
        if (array >= 0).all() and np.isfinite(array).all():
            remedy = f". For probabilities or weights use {of_weights}"
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
