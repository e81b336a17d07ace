"""What paired differences show: intervals, and an equivalence test with its power.

Two ways to train are run with the same seeds. Each seed gives one difference, and everything here
is about the mean of these differences over all seeds that might have been drawn. (Not over other
test images: all runs are tested on the same ones.)

Differences, margins and spreads are in the unit of the measure. For accuracies that is 0 to 1, so
0.01 is one percentage point.

The tests are those of SciPy and statsmodels, which load when first used.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Of each test. Intervals for the difference cover 1 − LEVEL.
LEVEL = 0.05

#: Resamples of the bootstrap. Its ends then move by about 1 % of the width with its seed.
RESAMPLES = 9999

Interval = tuple[float, float]


def t_interval(differences: ArrayLike, confidence: float = 1 - LEVEL) -> Interval:
    """Return Student's interval for the mean of the differences.

    Examples
    --------
    R's own example of a paired test, two drugs for sleep:

    >>> first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    >>> second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    >>> low, high = t_interval(np.subtract(first, second))
    >>> print(f"{low:.7f} {high:.7f}")
    -2.4598858 -0.7001142
    """
    test = stats_of_scipy().ttest_1samp(checked(differences), 0)
    low, high = test.confidence_interval(confidence)
    return float(low), float(high)


def unpaired_interval(
    one: ArrayLike, other: ArrayLike, confidence: float = 1 - LEVEL
) -> Interval | None:
    """Return Welch's interval for the mean of one sample less that of another, not paired.

    It is None if neither sample varies.

    Examples
    --------
    R's example again, as if the two drugs had been given to different people:

    >>> first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    >>> second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    >>> low, high = unpaired_interval(first, second)
    >>> print(f"{low:.7f} {high:.7f}")
    -3.3654832 0.2054832
    """
    if not (np.ptp(one) or np.ptp(other)):
        return None
    with warnings.catch_warnings():
        # An arm whose runs are all alike has a variance of 0, and nothing is lost by that.
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        test = stats_of_scipy().ttest_ind(one, other, equal_var=False)
    low, high = test.confidence_interval(confidence)
    return float(low), float(high)


def bootstrap_interval(
    differences: ArrayLike, confidence: float = 1 - LEVEL, *, seed: int = 0
) -> Interval:
    """Return the BCa bootstrap interval for the mean of the differences.

    It resamples what was seen, and few differences do not show how far others may lie. Measured on
    normal differences, a nominal 95 % covers 86 % with 5 pairs, 90 % with 10, 92 % with 20 and 93 %
    with 40, where Student's interval covers 95 %.

    Parameters
    ----------
    differences : array_like, (pairs,)
        One for each seed.
    confidence : float
        Nominal probability to cover the true mean.
    seed : int
        Of the resampling: the same seed gives the same interval.

    References
    ----------
    Efron, "Better Bootstrap Confidence Intervals", 1987.

    Examples
    --------
    >>> low, high = bootstrap_interval([0.001, -0.002, 0.003, 0.000, -0.001])
    >>> -0.002 < low < 0 < high < 0.003
    True
    """
    d = checked(differences)
    if not varies(d):
        return float(d[0]), float(d[0])
    done = stats_of_scipy().bootstrap(
        (d,),
        np.mean,
        confidence_level=confidence,
        n_resamples=RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(seed),
    )
    low, high = done.confidence_interval
    return float(low), float(high)


def equivalence_test(differences: ArrayLike, margin: float) -> float:
    """Return the p value of two one-sided t tests: is the mean difference inside ±margin?

    A small value speaks for equivalence. A large one speaks for nothing, least of all for a
    difference.

    Raises
    ------
    ValueError
        If the margin is not above 0, or the differences do not vary.

    Examples
    --------
    >>> round(equivalence_test([0.001, -0.002, 0.003, 0.000, -0.001], 0.005), 4)
    0.0025
    """
    d, margin = checked(differences), as_margin(margin)
    if not varies(d):
        raise ValueError(
            f"all {d.size} differences are {d[0]:g}: a t test needs a spread to go by. Are these "
            "the same runs?"
        )
    p, _, _ = _weightstats().ttost_paired(d, np.zeros_like(d), -margin, margin)
    return float(p)


def equivalence_power(
    spread: float, pairs: int, margin: float, *, difference: float = 0.0, level: float = LEVEL
) -> float:
    """Return how likely the equivalence test is to say "equivalent".

    Parameters
    ----------
    spread : float
        True standard deviation of one difference.
    pairs : int
        How many differences there will be.
    margin : float
        How large a difference would matter.
    difference : float
        The true mean difference.
    level : float
        Of the test.

    Returns
    -------
    float
        Between 0 and 1.

    Notes
    -----
    statsmodels has the power of a single t test and not that of two at once; twice the first, less
    one, is too low (and below 0 for few pairs). This is the exact value: for a given estimate of
    the spread the test accepts means in an interval, whose probability is averaged over the
    distribution of that estimate (Phillips, "Power of the two one-sided tests procedure in
    bioequivalence", 1990).

    Examples
    --------
    Two pairs can hardly show anything, five can if the spread is half of the margin:

    >>> [round(equivalence_power(0.005, pairs, 0.01), 3) for pairs in (2, 5, 10)]
    [0.251, 0.95, 1.0]
    """
    margin = as_margin(margin)
    check_level(level)
    if pairs < 2:
        raise ValueError(f"pairs is {pairs}, expected at least 2: one pair shows no spread")
    if not 0 < spread < math.inf:
        raise ValueError(f"spread is {spread}, expected a finite number above 0")
    return _power(spread / math.sqrt(pairs), pairs - 1, margin, difference, level)


def _power(error: float, freedom: int, margin: float, difference: float, level: float) -> float:
    """As `equivalence_power`, for any mean with a standard error and its degrees of freedom."""
    stats = stats_of_scipy()
    t = stats.t.isf(level, freedom)
    # The estimated standard error is c times the true one. For this c the test accepts means
    # within ±(margin − t·c·error), and there is no such mean beyond the upper limit.
    c = stats.chi(freedom, scale=1 / math.sqrt(freedom))

    def accepted(c: float) -> float:
        half = margin / error - t * c
        shift = difference / error
        return stats.norm.cdf(half - shift) - stats.norm.cdf(-half - shift)

    # Within the quantiles, so that the quadrature can't miss a narrow peak.
    low, high = c.ppf(1e-15), min(margin / (t * error), c.isf(1e-15))
    return float(c.expect(accepted, lb=low, ub=high)) if low < high else 0.0


def checked(differences: ArrayLike) -> NDArray[np.float64]:
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 1:
        raise ValueError(f"differences have shape {d.shape}, expected (pairs,)")
    if d.size < 2:
        raise ValueError(
            f"there is {d.size or 'no'} difference, expected at least 2: one pair of runs does not "
            "show how much pairs differ"
        )
    if (wrong := np.flatnonzero(~np.isfinite(d))).size:
        raise ValueError(f"differences[{wrong[0]}] is {d[wrong[0]]}, expected a finite number")
    return d


def varies(d: NDArray[np.float64]) -> bool:
    # The same difference of two accuracies may come out a rounding apart.
    return bool(np.ptp(d) > 1e-12)


def as_margin(margin: float) -> float:
    if not 0 < margin < math.inf:
        raise ValueError(f"margin is {margin}, expected a finite number above 0")
    return float(margin)


def check_level(level: float) -> None:
    if not 0 < level < 0.5:
        raise ValueError(f"level is {level}, expected a number between 0 and 0.5, such as 0.05")


def stats_of_scipy() -> Any:
    try:
        from scipy import stats
    except ModuleNotFoundError:
        raise _missing("scipy") from None
    return stats


def _weightstats() -> Any:
    try:
        from statsmodels.stats import weightstats
    except ModuleNotFoundError as missing:
        raise _missing(missing.name or "statsmodels") from None
    return weightstats


def _missing(package: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(
        'comparing runs needs scipy and statsmodels: pip install "kl-lib[experiments]"',
        name=package,
    )
