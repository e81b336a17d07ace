"""KL by Monte Carlo, from samples of p where both densities can be evaluated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import stable
from ..arrays import entry
from ..checks import check_base
from ..errors import DistributionError
from .estimate import (
    BEYOND_NOISE,
    Array,
    Estimate,
    aligned,
    counted,
    first_place,
    plus_minus,
    read,
    unit_of,
    wrong_option,
    wrong_samples,
)

#: What it takes for samples to give an estimate of nothing.
NOT_P = "the samples are not drawn from p, or a density is not normalised"
#: Below this many samples the spread itself is guesswork (a relative error of 13 % at 30).
FEW_SAMPLES = 30
#: A standard error that rests on fewer samples than this is not one. Measured on normals and
#: exponentials: 95 % intervals cover 90 to 97 % where it mostly exceeds 10, and 30 to 90 % where it
#: mostly stays under 4. Stricter for k3, whose variance is infinite between ordinary normals.
FEW_EFFECTIVE = {"k1": 5, "k2": 5, "k3": 10}
#: The mean of q/p over samples of p exceeds this with a probability below 1/1000 (Markov).
HUGE_RATIO = 1000
#: That mean is on the wrong side of 1 only if this many more samples, with the largest ratio seen
#: (or with 0), would leave it there.
MORE_SAMPLES = 10
#: The least tail index of q/p, by Hill's estimator, at which its standard error is believed. At 2
#: the variance becomes infinite, and the mean of ratios is below 1 in most samples of any size.
LEAST_TAIL_INDEX = 2.5
#: k3 counts on a mean of q/p of 1, and what it lacks where that mean is so much smaller is no part
#: of its standard error. It is said where it is more than two of them.
FAR_FROM_1 = 0.25
#: Fewest expected samples of a value whose frequency is compared with its probability, how far its
#: log probability may move between equal samples, and how many standard errors are too many.
FEW_EXPECTED, LOG_NOISE, TOO_FAR = 10, 0.01, 5


def kl_monte_carlo(
    log_p: Callable[[Any], Any],
    log_q: Callable[[Any], Any],
    samples: Any,
    *,
    estimator: str = "k1",
    base: float | None = None,
) -> Estimate:
    """KL(p‖q) as a mean over samples drawn from p, where both log densities can be evaluated.

    With r = q(x)/p(x), x drawn from p, the mean is taken of

    - k1 = −log r: unbiased, and what to use when in doubt. Single terms can be negative.
    - k2 = (log r)²/2: never negative, often of small variance, and **biased**: it estimates
      another divergence, which agrees with KL for p close to q.
    - k3 = r − 1 − log r: never negative, unbiased if q has no mass where p has none. For p close
      to q its spread is much smaller than that of k1. Where q has the heavier tails its variance
      can be infinite, and then its standard error means nothing.

    Parameters
    ----------
    log_p, log_q
        Functions that take the samples and return their log densities (natural logarithms,
        normalised; log probabilities for a discrete distribution), shape (n,).
    samples
        n independent draws from p, along the first axis. Handed to both functions as they are
        (a list or tuple of numbers as an array), so what they understand is allowed.
    estimator
        ``"k1"``, ``"k2"`` or ``"k3"``.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    Estimate
        `standard_error` is the standard deviation of the terms over √n, which supposes that the
        samples are independent (those of a Markov chain are not). `bias` is 0 for k1; for k2 the
        mean of k2 − k1 on these samples; None for k3, see above. The value is inf, and exact,
        where q gives no density to a sample of p.

    Raises
    ------
    DistributionError
        If a log density is nan or +inf, has not one value for each sample, or if log p is −inf at
        a sample, which then cannot be one of p. If both come back labelled, as pandas Series, and
        not with the same labels (in any order).

    Notes
    -----
    Warnings are given when the spread rests on fewer than five samples (ten for k3), measured by
    (Σd²)²/Σd⁴ with d the deviations from the mean: a few ratios then carry the sum, as they do
    when the variance is infinite.

    Whether the samples are p's is checked in two ways, for all three estimators.

    - The mean of r is at most 1, and 1 if p is positive wherever q is. Above 1, the samples follow
      something other than p or a density is not normalised. Below 1 that may be so too, or q has
      mass that the samples do not reach. A mean below 1 is reported where a heavy tail of r does
      not explain it: of 200 honest sets of 100, 1000 and 10000 samples from each of 20 pairs with
      the same support, at most 1.5 % are.
    - Whole numbers and words have to occur as often as p says. From 1000 samples of a softmax over
      50 tokens this notices a cut to the top 3 or to 90 % of the mass always, a temperature of 1.5
      or 0.7 in 40 to 100 % of cases, from 10000 samples always.

    k3 is as good as that mean is near 1: where it is below 0.75, by more than two standard errors
    of the estimate, a warning says how much k3 lacks for it. Where p and q hardly overlap it would
    else be too small by 1 in silence.

    What is not noticed: samples of a density, whatever they follow, that happen to give a mean of r
    near 1, and any samples that are too few to tell.

    References
    ----------
    Schulman, "Approximating KL Divergence", 2020, http://joschu.net/blog/kl-approx.html (the names
    k1, k2, k3; there the samples come from q). Owen, "Monte Carlo theory, methods and examples",
    2013, chapter 9 (when the ratios carry the sum).

    Examples
    --------
    N(1, 1) against N(2, 0.5), where KL is 2.8069:

    >>> import numpy as np
    >>> from kl_lib.sampling import kl_monte_carlo
    >>> def log_normal(mu, sigma):
    ...     return lambda x: -0.5 * ((x - mu) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))
    >>> x = np.random.default_rng(0).normal(1, 1, size=10_000)
    >>> estimate = kl_monte_carlo(log_normal(1, 1), log_normal(2, 0.5), x)
    >>> abs(estimate.value - 2.8069) < 3 * estimate.standard_error
    True
    >>> estimate.warnings
    ()

    Samples of something else show in the mean of q/p, or in their frequencies:

    >>> print(kl_monte_carlo(log_normal(2, 0.5), log_normal(1, 1), x).warnings[0][:61])
    the mean of q/p over the samples is 2.01e+13 but can be at mo
    >>> log_p, log_q = np.log([0.5, 0.3, 0.2]), np.log([0.2, 0.3, 0.5])
    >>> cut = np.random.default_rng(0).choice(2, size=1000, p=[5 / 8, 3 / 8])  # the top 2 of p
    >>> estimate = kl_monte_carlo(lambda i: log_p[i], lambda i: log_q[i], cut)
    >>> print(estimate.warnings[0][:88])
    the samples do not follow p: what is rarer is 0 % of them where p says 20 % (over all va
    """
    divisor = check_base(base)
    if estimator not in ("k1", "k2", "k3"):
        raise wrong_option("estimator", estimator, "pass 'k1', 'k2' or 'k3'")
    samples, count = _samples(samples)
    log_p_values, log_q_values = _log_densities(log_p, log_q, samples, count)
    outside = np.isneginf(log_q_values)
    with np.errstate(over="ignore"):
        log_ratio = log_p_values - log_q_values
    result = Estimate(math.inf / divisor, math.nan, count, method=estimator, unit=unit_of(base))
    if outside.any():
        return replace(
            result,
            warnings=(
                f"log_q is -inf at {counted(int(outside.sum()), 'sample')} of {count} (the first: "
                f"{entry('samples', first_place(outside))}): q has no mass where p has some, so KL "
                "is infinite (unless log_q is the log of a density that underflowed)",
            ),
        )
    # An overflow gives inf, which the warnings then explain.
    with np.errstate(over="ignore", invalid="ignore"):
        terms = _terms(log_ratio, estimator)
        value, error = _mean(terms)
        gap, gap_error = _mean(_terms(log_ratio, "k2") - log_ratio)
        ratio, ratio_error = _mean(np.exp(-log_ratio))
    warnings = _frequencies(samples, log_p_values)
    if not warnings and _is_above_1(ratio, ratio_error, count):
        warnings = [
            f"the mean of q/p over the samples is {ratio:.3g} but can be at most 1: {NOT_P}"
        ]
    elif not warnings and value < -BEYOND_NOISE * error - 1e-9:
        warnings = [f"the estimate is negative by more than its noise: {NOT_P}"]
    elif not warnings:
        warnings = _trust_spread(terms, log_ratio, estimator)
        if _is_below_1(log_ratio, ratio):
            warnings.append(_missing_mass(ratio, ratio_error, estimator, divisor))
        elif estimator == "k3" and 1 - ratio > max(FAR_FROM_1, 2 * error):
            warnings.append(_not_reached(ratio, divisor))
    bias = 0.0 if estimator == "k1" else None
    if estimator == "k2" and math.isfinite(gap):
        bias = gap / divisor
        warnings.append(
            "k2 is biased however many samples there are: here it differs from k1, which is "
            f"not, by {bias:+.2g} ± {gap_error / abs(divisor):.1g}"
        )
    return replace(
        result,
        value=value / divisor,
        standard_error=error / abs(divisor),
        bias=bias,
        warnings=tuple(warnings),
    )


def _samples(samples: Any) -> tuple[Any, int]:
    """What the log densities are called with, and how many samples that is."""
    if isinstance(samples, (list, tuple)):
        try:
            array = np.asarray(samples)
            samples = array if array.dtype.kind in "biuf" else samples
        except (TypeError, ValueError, RuntimeError):
            pass  # sequences of different lengths, or tensors: for log_p and log_q to read
    try:
        count = len(samples)
    except TypeError:
        raise wrong_samples(
            f"samples is {samples!r:.60}; pass the draws along a first axis, as in [x1, x2, ...]",
            "samples",
            samples,
        ) from None
    if count < 2:
        raise wrong_samples(
            f"samples holds {counted(count, 'sample')}; pass at least 2, since the standard error "
            "is their spread",
            "samples",
            count,
        )
    return samples, count


def _log_densities(log_p: Any, log_q: Any, samples: Any, count: int) -> tuple[Array, Array]:
    """log p and log q at the samples; where both are labelled, in the order of log p."""
    given = {"log_p(samples)": _called(log_p, "log_p", samples)}
    p = _one_each(given["log_p(samples)"], "log_p", count)
    impossible = np.isneginf(p)
    if impossible.any():
        raise wrong_samples(
            f"log_p(samples) is -inf at {entry('samples', first_place(impossible))}, which p "
            "cannot have drawn; pass samples of p, and a log_p that does not underflow: logpdf, "
            "not the log of pdf",
            "log_p",
            -math.inf,
            impossible,
        )
    given["log_q(samples)"] = _called(log_q, "log_q", samples)
    q = _one_each(given["log_q(samples)"], "log_q", count)
    matched = aligned(
        given,
        lambda _, ndim: ["sample", *range(1, ndim)],
        "the labels of log_p(samples) and log_q(samples)",
        "return one log density for each sample, labelled alike or as arrays",
    )
    if matched["log_q(samples)"] is not given["log_q(samples)"]:
        q = _one_each(matched["log_q(samples)"], "log_q", count)
    return p, q


def _called(function: Any, name: str, samples: Any) -> Any:
    if callable(function):
        return function(samples)
    there = hasattr(function, "__len__")
    raise DistributionError(
        f"{name} has type {type(function).__name__}; pass a function that returns log densities"
        + (f". Where you have them already: lambda x: {name}" if there else ""),
        kind="samples",
        argument=name,
        value=function,
    )


def _one_each(value: Any, name: str, count: int) -> Array:
    """What a function returned, as one log density for each sample."""
    values = read(value, f"{name}(samples)", "return a log density for every sample")
    if values.shape != (count,):
        raise wrong_samples(
            f"{name}(samples) has shape {values.shape} for {counted(count, 'sample')}; return one "
            f"log density for each, shape ({count},). For samples that are vectors, that is the "
            "sum over the coordinates if these are independent",
            name,
            values.shape,
        )
    bad = np.isnan(values) | np.isposinf(values)
    if bad.any():
        place = first_place(bad)
        raise wrong_samples(
            f"{name}(samples) is {values[place]:g} at {entry('samples', place)}; a log density "
            "is finite, or -inf where there is no mass",
            name,
            float(values[place]),
            bad,
        )
    return values


def _terms(log_ratio: Array, estimator: str) -> Array:
    """k1, k2 or k3 of each sample, from log p − log q = −log r."""
    if estimator == "k1":
        return log_ratio
    if estimator == "k2":
        return 0.5 * log_ratio**2
    # Where r is inf, the term is, although log r is inf, too.
    return stable.expm1_plus(np.maximum(log_ratio, -np.finfo(float).max))


def _mean(terms: Array) -> tuple[float, float]:
    """The mean and its standard error; inf, or −inf, and nan where a term is that."""
    for infinity in (math.inf, -math.inf):
        if (terms == infinity).any():
            return infinity, math.nan  # whatever the others are: their sum may overflow
    # By a power of two, which is exact: neither the sum nor the squares overflow.
    exponent = int(np.frexp(np.abs(terms).max())[1])
    scaled = np.ldexp(terms, -exponent)
    error = scaled.std(ddof=1) / math.sqrt(len(terms))
    return float(np.ldexp(scaled.mean(), exponent)), float(np.ldexp(error, exponent))


def _trust_spread(terms: Array, log_ratio: Array, estimator: str) -> list[str]:
    """Does the standard error rest on more than a handful of samples?"""
    count = len(terms)
    if count < FEW_SAMPLES:
        return [f"{count} samples are few: the standard error is itself uncertain"]
    if np.isinf(terms).any():
        return [f"a term overflows: log p - log q reaches {log_ratio.max():.3g}"]
    scale = np.abs(terms).max()
    if np.ptp(log_ratio) <= 1e-12 or np.ptp(terms) <= 1e-12 * scale:
        return []  # p and q agree but for rounding, or all terms do
    # Scaled first, since fourth powers overflow early.
    deviations = terms / scale
    deviations -= deviations.mean()
    effective = (deviations**2).sum() ** 2 / (deviations**4).sum()
    if effective >= FEW_EFFECTIVE[estimator]:
        return []
    sizes = np.abs(terms)
    largest = int(np.argmax(sizes))
    share = 1 / (sizes / sizes[largest]).sum()
    remedy = {
        "k1": "p may have much heavier tails than q, and KL may be infinite",
        "k2": "use k1",
        "k3": "its variance may be infinite, and more samples then do not help: use k1",
    }[estimator]
    return [
        f"the standard error rests on about {effective:.0f} of {count} samples, and one ratio, at "
        f"samples[{largest}], carries {100 * share:.0f} % of the sum; {remedy}"
    ]


def _is_above_1(ratio: float, error: float, count: int) -> bool:
    """Whether a mean of q/p is above 1 by more than chance."""
    if ratio > HUGE_RATIO or math.isnan(error):
        return True
    return ratio - 1 > BEYOND_NOISE * error + 1e-9 and count * (ratio - 1) >= MORE_SAMPLES


def _is_below_1(log_ratio: Array, ratio: float) -> bool:
    """Whether a mean of q/p is below 1 by more than chance, and than a tail not yet reached.

    Ratios with a heavy tail have means below 1 in most samples, made up for by a huge one in few.
    So it takes more than standard errors: no handful of ratios must carry the sum, no few more of
    the largest be able to make up, and the tail must be light. The number of standard errors is
    corrected for skewness (Hall, "On the removal of skewness by transformation", 1992).
    """
    count, largest = len(log_ratio), -float(log_ratio.min())
    if largest == -math.inf or count * (1 - ratio) < MORE_SAMPLES * math.exp(min(largest, 700)):
        return False
    if np.ptp(log_ratio) <= 1e-12:
        return True
    with np.errstate(invalid="ignore"):
        top = -np.sort(log_ratio)[: math.isqrt(count) + 1]
        excess = (top[:-1] - top[-1]).sum()
        if not excess * LEAST_TAIL_INDEX <= len(top) - 1:
            return False
    ratios = np.exp(-largest - log_ratio)  # as shares of the largest
    deviations = ratios - ratios.mean()
    square = (deviations**2).sum()
    if square**2 < FEW_EFFECTIVE["k1"] * (deviations**4).sum():
        return False
    skewness = (deviations**3).sum() / square**1.5
    error = math.sqrt(square / count / (count - 1))
    distance = (ratios.mean() - math.exp(min(-largest, 100))) / error
    corrected = distance + skewness * (distance**2 / 3 + 1 / 6) + skewness**2 * distance**3 / 27
    return bool(corrected < -BEYOND_NOISE)


def _missing_mass(ratio: float, error: float, estimator: str, divisor: float) -> str:
    """What a mean of q/p below 1 may mean; the samples alone cannot tell."""
    missing = 1 - ratio
    verdict = {
        "k1": "k1 is right",
        "k2": "k2 is no worse for it",
        "k3": f"k3 is too small by {missing / abs(divisor):.2g} and k1 is right",
    }[estimator]
    return (
        f"the mean of q/p over the samples is {plus_minus(ratio, error)}, not 1. Either q has "
        f"{missing:.2g} of its mass where p has none, or too little for a sample to fall there: "
        f"then {verdict}. Or the samples do not follow p (cut by top-k or top-p, at another "
        "temperature, of another model) or a density is not normalised: then k1, k2 and k3 are "
        "all off. To tell, draw from p itself, uncut and at temperature 1, with both densities "
        "normalised: if the mean stays, it is the former"
    )


def _not_reached(ratio: float, divisor: float) -> str:
    return (
        f"the mean of q/p over the samples is {ratio:.2g}, far from 1: q has mass beyond the "
        f"samples, and k3 is too small by about {(1 - ratio) / abs(divisor):.2g} for it, which its "
        "standard error does not count; use k1"
    )


def _frequencies(samples: Any, log_p: Array) -> list[str]:
    """Do whole numbers and words occur among the samples as often as p says?

    A likelihood-ratio test over the values that p expects FEW_EXPECTED times, the others taken
    together. Nothing is said where it does not apply: samples of a density, or each its own value
    (indices, sequences), or log probabilities that depend on more than the sample.
    """
    values = _categories(samples)
    if values is None:
        return []
    _, first, which, seen = np.unique(
        values, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    logs, count = log_p[first], len(log_p)
    depends = np.abs(log_p - logs[which.reshape(-1)]).max() > LOG_NOISE
    if len(seen) == count or depends or logs.max() > LOG_NOISE:
        return []
    expected = count * np.exp(logs)
    often = expected >= FEW_EXPECTED
    if expected.sum() > count * (1 + LOG_NOISE):
        return []
    rest = max(count - expected[often].sum(), expected[~often].sum())
    told = np.append(expected[often], rest)
    found = np.append(seen[often], seen[~often].sum()).astype(np.float64)
    parts = 2 * stable.generalized_kl(found, told)
    degrees = int(often.sum()) - (rest < 1e-9 * count and found[-1] == 0)
    if degrees == 0:
        return []
    # Chi-squared as a number of standard errors (Wilson and Hilferty, 1931).
    spread = 2 / (9 * degrees)
    if ((parts.sum() / degrees) ** (1 / 3) - 1 + spread) / math.sqrt(spread) < TOO_FAR:
        return []
    worst = int(np.argmax(parts))
    name = "what is rarer"
    if worst < often.sum():
        place = first[often][worst]
        name = f"{values[place]!s:.30}, as in samples[{place}],"
    share, right = (100 * x[worst] / count for x in (found, told))
    return [
        f"the samples do not follow p: {name} is {share:.3g} % of them where p says {right:.3g} % "
        f"(over all values chi-squared is {parts.sum():.0f} with {degrees} degrees of freedom); "
        "draw from p itself, uncut (no top-k, no top-p) and at temperature 1, each draw "
        "independent of the others"
    ]


def _categories(samples: Any) -> NDArray[Any] | None:
    """The samples as an array if they are whole numbers or words, None if not."""
    if not (isinstance(samples, (list, tuple)) or hasattr(samples, "__array__")):
        return None
    try:
        values = np.asarray(samples)
    except (TypeError, ValueError, RuntimeError):
        return None  # on another device, or of different lengths
    if values.dtype.kind == "O" and all(isinstance(x, str) for x in values.flat):
        values = values.astype(str)
    if values.ndim == 0 or values.size == 0 or values.dtype.kind not in "biufU":
        return None
    if values.dtype.kind == "f" and not (values == np.floor(values)).all():
        return None
    return values
