"""KL from samples: by Monte Carlo, by nearest neighbours, from counts.

Three situations, three functions:

- you can evaluate log p and log q and draw from p: `kl_monte_carlo`;
- you have points of both and no densities: `kl_knn`;
- you have counts of both over the same categories: `kl_from_counts`.

Each returns an `Estimate`: the value, its standard error, and in words every reason found in the
data not to trust it. A standard error measures spread only. It says nothing about bias, nor about
a tail that the samples have not reached.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import arrays, discrete, labels, stable
from .arrays import entry
from .checks import check_base
from .errors import PLACES, DistributionError

Array = NDArray[np.float64]

#: What it takes for samples to give an estimate of nothing.
NOT_P = "the samples are not drawn from p, or a density is not normalised"
#: Below this many samples the spread itself is guesswork (a relative error of 13 % at 30).
FEW_SAMPLES = 30
#: A standard error that rests on fewer samples than this is not one. Measured on normals and
#: exponentials: 95 % intervals cover 90 to 97 % where it mostly exceeds 10, and 30 to 90 % where it
#: mostly stays under 4. Stricter for k3, whose variance is infinite between ordinary normals.
FEW_EFFECTIVE = {"k1": 5, "k2": 5, "k3": 10}
#: How many standard errors a mean may be on the wrong side of its bound before that is reported.
BEYOND_NOISE = 4
#: The mean of q/p over samples of p exceeds this with a probability below 1/1000 (Markov).
HUGE_RATIO = 1000
#: That mean is on the wrong side of 1 only if this many more samples, with the largest ratio seen
#: (or with 0), would leave it there.
MORE_SAMPLES = 10
#: The least tail index of q/p, by Hill's estimator, at which its standard error is believed. At 2
#: the variance becomes infinite, and the mean of ratios is below 1 in most samples of any size.
LEAST_TAIL_INDEX = 2.5
#: Fewest expected samples of a value whose frequency is compared with its probability, how far its
#: log probability may move between equal samples, and how many standard errors are too many.
FEW_EXPECTED, LOG_NOISE, TOO_FAR = 10, 0.01, 5
#: Fewest nearest-neighbour samples, and fewest along each axis (count**(1/d)), that go unremarked.
FEW_POINTS, FEW_PER_AXIS = 100, 10
#: The share of points of x that may lie far from y, coincide, or be in y too.
FAR_SHARE, TIED_SHARE = 0.1, 0.01
#: Expansions in 1/count need about this many counts in a category.
FEW_COUNTS = 5


@dataclass(frozen=True, repr=False)
class Estimate:
    """An estimate of a divergence, with what is known about its error.

    ``float(estimate)`` is the value. Look at `warnings` before you use it: it is empty when
    nothing in the samples speaks against the estimate, which is not a proof.

    Attributes
    ----------
    value
        The estimate, as the method gives it: not clipped at 0 and not corrected for bias.
    standard_error
        Standard deviation of `value` over repeated sampling, estimated; nan where there is none.
    count
        How many samples of p.
    count_q
        How many samples of q; None where q was given as a function.
    bias
        Estimated expectation of `value` minus the truth; None where it is not known.
    warnings
        Reasons not to trust the numbers above, one sentence each.
    method
        How it was computed.
    unit
        Of `value`, `standard_error` and `bias`.

    Examples
    --------
    >>> from kl_lib.sampling import Estimate
    >>> Estimate(0.49712, 0.0123, 10_000, method="k1")
    Estimate(0.497 ± 0.012 nats; k1; 10000 samples)
    >>> float(Estimate(0.25, 0.01, 10_000))
    0.25
    """

    value: float
    standard_error: float
    count: int
    count_q: int | None = None
    bias: float | None = None
    warnings: tuple[str, ...] = ()
    method: str = ""
    unit: str = "nats"

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        counts = f"{self.count}" if self.count_q is None else f"{self.count} and {self.count_q}"
        parts = [f"{_plus_minus(self.value, self.standard_error)} {self.unit}"]
        parts += [self.method] if self.method else []
        parts += [f"bias {self.bias:+.2g}"] if self.bias else []
        told = [f"Estimate({'; '.join([*parts, f'{counts} samples'])})"]
        return "\n".join([*told, *(f"  warning: {text}" for text in self.warnings)])


def _plus_minus(value: float, error: float) -> str:
    """Both numbers to the second digit of the error."""
    if 0 < error < math.inf:
        decimals = 1 - math.floor(math.log10(error))
        if 0 <= decimals <= 8:
            return f"{value:.{decimals}f} ± {error:.{decimals}f}"
    return f"{value:.4g} ± {error:.2g}"


def _unit(base: float | None) -> str:
    if base is None:
        return "nats"
    return {2.0: "bits", 10.0: "bans"}.get(float(base), f"units of log {float(base):g}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _read(value: Any, name: str, masked: str) -> Array:
    """`value` as a float64 array; what to do about a mask depends on what it hides."""
    if isinstance(value, np.ma.MaskedArray):
        raise DistributionError(
            f"{name} is a masked array; {masked}", kind="unreadable", argument=name
        )
    return arrays.read(value, name)[0].astype(np.float64)


def _matched(
    values: Mapping[str, Any],
    roles: Callable[[str, int], list[labels.Role]],
    told: str,
    remedy: str,
) -> dict[str, Any]:
    """The arguments with their labels in one order; `remedy` is what to do where they differ."""
    try:
        return labels.aligned(values, roles)[0]
    except DistributionError as error:
        if error.kind != "labels" or error.value is None:
            raise
        raise DistributionError(
            f"{told} differ: {labels.shown(error.value)} is not among both; {remedy}",
            kind="labels",
            argument=error.argument,
            value=error.value,
        ) from None


def _option(name: str, value: Any, remedy: str) -> DistributionError:
    return DistributionError(
        f"{name} is {value!r:.40}; {remedy}", kind="option", argument=name, value=value
    )


def _wrong(
    message: str,
    argument: str,
    value: Any = None,
    bad: NDArray[np.bool_] | None = None,
) -> DistributionError:
    """The error for samples, points or counts; `bad` marks the entries at fault."""
    places = () if bad is None else tuple(tuple(map(int, i)) for i in np.argwhere(bad)[:PLACES])
    return DistributionError(
        message,
        kind="samples",
        argument=argument,
        place=places[0] if places else None,
        value=value,
        places=places,
        count=None if bad is None else int(bad.sum()),
    )


def _first(bad: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])


# Monte Carlo


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

    Samples of a density that happen to give a mean of r near 1 pass, whatever they follow: a cut of
    q's part and p's alike, say. So do fewer samples than it takes to tell.

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
        raise _option("estimator", estimator, "pass 'k1', 'k2' or 'k3'")
    samples, count = _samples(samples)
    log_p_values, log_q_values = _log_densities(log_p, log_q, samples, count)
    outside = np.isneginf(log_q_values)
    with np.errstate(over="ignore"):
        log_ratio = log_p_values - log_q_values
    result = Estimate(math.inf / divisor, math.nan, count, method=estimator, unit=_unit(base))
    if outside.any():
        return replace(
            result,
            warnings=(
                f"log_q is -inf at {_count(int(outside.sum()), 'sample')} of {count} (the first: "
                f"{entry('samples', _first(outside))}): q has no mass where p has some, so KL is "
                "infinite (unless log_q is the log of a density that underflowed)",
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
        raise _wrong(
            f"samples is {samples!r:.60}; pass the draws along a first axis, as in [x1, x2, ...]",
            "samples",
            samples,
        ) from None
    if count < 2:
        raise _wrong(
            f"samples holds {_count(count, 'sample')}; pass at least 2, since the standard error "
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
        raise _wrong(
            f"log_p(samples) is -inf at {entry('samples', _first(impossible))}, which p cannot "
            "have drawn; pass samples of p, and a log_p that does not underflow: logpdf, not the "
            "log of pdf",
            "log_p",
            -math.inf,
            impossible,
        )
    given["log_q(samples)"] = _called(log_q, "log_q", samples)
    q = _one_each(given["log_q(samples)"], "log_q", count)
    matched = _matched(
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
    values = _read(value, f"{name}(samples)", "return a log density for every sample")
    if values.shape != (count,):
        raise _wrong(
            f"{name}(samples) has shape {values.shape} for {_count(count, 'sample')}; return one "
            f"log density for each, shape ({count},). For samples that are vectors, that is the "
            "sum over the coordinates if these are independent",
            name,
            values.shape,
        )
    bad = np.isnan(values) | np.isposinf(values)
    if bad.any():
        place = _first(bad)
        raise _wrong(
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
    return stable.expm1_plus(log_ratio)


def _mean(terms: Array) -> tuple[float, float]:
    """The mean and its standard error; inf and nan where a term is inf."""
    if np.isposinf(terms).any():
        return math.inf, math.nan  # whatever the others are: their sum may overflow to −inf
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
        f"the mean of q/p over the samples is {_plus_minus(ratio, error)}, not 1. Either q has "
        f"{missing:.2g} of its mass where p has none, or too little for a sample to fall there: "
        f"then {verdict}. Or the samples do not follow p (cut by top-k or top-p, at another "
        "temperature, of another model) or a density is not normalised: then k1, k2 and k3 are "
        "all off. To tell, draw from p itself, uncut and at temperature 1, with both densities "
        "normalised: if the mean stays, it is the former"
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
    if expected.sum() > count * (1 + LOG_NOISE) or not often.any():
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


# Nearest neighbours


def kl_knn(
    x: ArrayLike,
    y: ArrayLike,
    *,
    k: int = 5,
    base: float | None = None,
    subsamples: int = 20,
    seed: int | np.random.Generator = 0,
) -> Estimate:
    """KL(p‖q) from points of both and no densities, by distances to the k-th nearest neighbour.

    With ρ the distance of a point of x to its k-th nearest neighbour among the other points of x,
    and ν the one to its k-th nearest neighbour among the points of y, the estimate is the mean of
    d·log(ν/ρ) plus log(m/(n − 1)). It is the same for x and y rotated, moved or scaled together.

    Parameters
    ----------
    x, y
        Independent points of p and of q, shape (n,) and (m,), or (n, d) and (m, d), from
        continuous distributions. n and m may differ; both are above k. Columns that have names in
        both are paired by them.
    k
        Which neighbour. More makes the spread smaller and the bias larger.
    base
        Base of the logarithm: 2 for bits, None for nats.
    subsamples
        How many random quarters of x and y the standard error is taken from; 0 for none, which
        costs a sixth of the time.
    seed
        For the choice of the quarters: an integer or a `numpy.random.Generator`.

    Returns
    -------
    Estimate
        `standard_error` is by subsampling and holds the variance only. The bias is unknown and
        often larger: the estimate is too small where p has mass that few points of y reach, and
        in high dimension. A true KL of 0 gives negative estimates half the time.

    Raises
    ------
    DistributionError
        If x or y is not an array of finite points, has no more than k of them, or has no density:
        k or more equal points, a constant column, columns that depend on each other linearly. If
        the columns of x and y have other names.
    ImportError
        If SciPy is not installed.

    Notes
    -----
    Ties: equal points are a sign of rounded or discrete data. k neighbours at distance 0 are an
    error; above 1 % of the points there is a warning, as there is for points that x and y share.
    Warnings are also given when a tenth of x lies farther from its neighbours in y than 99 % of y
    does, and when there are fewer than 10 points along each axis, n < 10ᵈ.

    References
    ----------
    Wang, Kulkarni and Verdú, "Divergence Estimation for Multidimensional Densities Via
    k-Nearest-Neighbor Distances", 2009. The standard error: Politis and Romano, "Large Sample
    Confidence Regions Based on Subsamples under Minimal Assumptions", 1994.

    Examples
    --------
    N(2, 0.5) against N(1, 1), where KL is 0.8181, works; the reverse, where it is 2.8069, does not:

    >>> import numpy as np
    >>> from kl_lib.sampling import kl_knn
    >>> rng = np.random.default_rng(0)
    >>> narrow, wide = rng.normal(2, 0.5, size=2000), rng.normal(1, 1, size=2000)
    >>> estimate = kl_knn(narrow, wide)
    >>> abs(estimate.value - 0.8181) < 3 * estimate.standard_error, estimate.warnings
    (True, ())
    >>> print(kl_knn(wide, narrow).warnings[0][:71])
    37 % of the points of x lie farther from y than 99 % of y's own do: q h
    """
    divisor = check_base(base)
    k, subsamples = _whole(k, "k", 1), _whole(subsamples, "subsamples", 0)
    if subsamples == 1:
        raise _option("subsamples", 1, "pass at least 2 for a spread, or 0 for none")
    x, y = labels.in_step({"x": x, "y": y}).values()
    points, others = _points(x, "x", k), _points(y, "y", k)
    if points.shape[1] != others.shape[1]:
        raise DistributionError(
            f"x has {_count(points.shape[1], 'column')} and y has {others.shape[1]}; both hold one "
            "point in each row and must have the same columns",
            kind="shape",
            argument="x and y",
            value=(points.shape[1], others.shape[1]),
        )
    matched = _matched(
        {"x": x, "y": y},
        _point_roles,
        "the names of the columns of x and y",
        "give both the same columns, in any order, or drop the names with np.asarray",
    )
    if matched["y"] is not y:
        others = _points(matched["y"], "y", k)
    _check_density(points, others)
    # By a power of two, which is exact: squares of very large or small distances stay in range.
    exponent = -int(np.frexp(max(np.abs(points).max(), np.abs(others).max()))[1])
    points, others = np.ldexp(points, exponent), np.ldexp(others, exponent)
    value, warnings = _knn(points, others, k, trust=True)
    error = math.nan
    count, count_q = len(points), len(others)
    if min(count, count_q) // 4 <= k:
        warnings.append(
            f"{min(count, count_q)} points are too few for a standard error: a quarter of them "
            f"must be more than k={k}"
        )
    elif subsamples:
        # Quarters overlap: with a fraction f of the data, the variance over them is (1 − f)/f
        # times that of the whole.
        rng = np.random.default_rng(seed)
        quarters = [
            _knn(_quarter(points, rng), _quarter(others, rng), k)[0] for _ in range(subsamples)
        ]
        error = float(np.std(quarters, ddof=1)) / math.sqrt(3)
        if value < -BEYOND_NOISE * error:
            warnings.append(
                "the estimate is negative by more than its noise, which KL is not: x and y are not "
                "independent, or the points are not independent of each other"
            )
    return Estimate(
        value / divisor,
        error / abs(divisor),
        count,
        count_q,
        warnings=tuple(warnings),
        method=f"{k} nearest neighbours, ± without the bias",
        unit=_unit(base),
    )


def _whole(value: Any, name: str, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise _option(name, value, f"pass a whole number, at least {least}")
    return number


def _points(value: Any, name: str, k: int) -> Array:
    """`value` as points in rows, shape (n, d)."""
    line = getattr(value, "ndim", 2) == 1
    unmasked = f"{name}.compressed()" if line else f"np.ma.compress_rows({name})"
    array = _read(value, name, f"pass the points without a mask: {unmasked}")
    if array.ndim not in (1, 2) or array.shape[-1] == 0:
        raise DistributionError(
            f"{name} has shape {array.shape}; pass shape (n,), or (n, d) with a point in each row",
            kind="shape",
            argument=name,
            value=array.shape,
        )
    bad = ~np.isfinite(array)
    if bad.any():
        place = _first(bad)
        raise _wrong(
            f"{entry(name, place)} is {array[place]:g}; drop the points that are not finite",
            name,
            float(array[place]),
            bad,
        )
    points = array.reshape(len(array), -1)
    count, dimension = points.shape
    if count <= k or count <= dimension > 1:
        raise _wrong(_too_few(count, dimension, name, k), name, count)
    return points


def _point_roles(name: str, ndim: int) -> list[labels.Role]:
    """Columns have names in common, points have not: they do not come in pairs."""
    roles: list[labels.Role] = [f"points of {name}", labels.CATEGORY]
    return roles[:ndim]


def _too_few(count: int, dimension: int, name: str, k: int) -> str:
    if count > dimension or dimension == 1:
        remedy = f"pass more, or a smaller k, at most {count - 1}" if count > 1 else "pass more"
        return f"{name} has {_count(count, 'point')}, and k={k} needs at least {k + 1}; {remedy}"
    lying = dimension > max(count, k)
    return (
        f"{name} has {_count(count, 'point')} in {dimension} dimensions; pass more points than "
        f"dimensions{' and than k' if k > dimension else ''}"
        + (f", or np.transpose({name}) if the points are in the columns" if lying else "")
    )


def _check_density(points: Array, others: Array) -> None:
    """Refuse points that lie in fewer dimensions than they have columns."""
    dimension = points.shape[1]
    both = np.concatenate([points, others])
    for array, name, other in ((points, "x", "y"), (others, "y", "x")):
        constant, all_constant = _constant(array), _constant(both)
        if constant.any():
            column = int(np.argmax(constant))
            told = name if dimension == 1 else f"column {column} of {name}"
            _no_density(
                f"{told} is {array[0, column] + 0.0:g} in every point",
                name,
                f"drop the column, in x and y: np.delete({name}, {column}, axis=1)",
                other if dimension == 1 or not all_constant[column] else "",
                dimension,
            )
        if dimension > 1 and _dependent(array):
            _no_density(
                f"the columns of {name} depend on each other linearly (probabilities that sum to "
                "1 do)",
                name,
                "drop a column, in x and y",
                "" if all_constant.any() or _dependent(both) else other,
                dimension,
            )


def _constant(points: Array) -> NDArray[np.bool_]:
    return (points == points[0]).all(axis=0)


def _dependent(points: Array) -> bool:
    """Whether the points lie in a line, a plane or the like."""
    scaled = points / np.abs(points).max(axis=0)
    return bool(np.linalg.eigvalsh(np.corrcoef(scaled, rowvar=False))[0] < 1e-10)


def _no_density(told: str, name: str, remedy: str, other: str, dimension: int) -> NoReturn:
    """`other` is the argument whose points do not lie where those of `name` do."""
    if dimension == 1:
        remedy = "KL between densities is not defined"
    elif other:
        remedy = f"those of {other} lie elsewhere, and KL is infinite"
    raise _wrong(f"{told}; such points have no density: {remedy}", name)


def _quarter(points: Array, rng: np.random.Generator) -> Array:
    return points[rng.permutation(len(points))[: len(points) // 4]]


def _knn(x: Array, y: Array, k: int, *, trust: bool = False) -> tuple[float, list[str]]:
    """The estimate in nats, and with `trust` what speaks against it."""
    tree = _load_tree()
    (count, dimension), count_q = x.shape, len(y)
    tree_y = tree(y)
    # The nearest neighbour of a point of x among x is itself.
    own = tree(x).query(x, k=[2, k + 1])[0]
    other = tree_y.query(x, k=[1, k])[0]
    for distances, copies in ((own, "other points of x equal"), (other, "points of y equal")):
        if (distances[:, 1] == 0).any():
            bad = distances[:, 1] == 0
            raise _wrong(
                f"{k} or more {copies} x[{_first(bad)[0]}], so its distance to the k-th is 0; "
                "nearest neighbours need continuous data without ties: for categories use "
                "kl_from_counts, for rounded data add noise as wide as the rounding",
                "x",
                0.0,
                bad,
            )
    value = dimension * float(np.mean(np.log(other[:, 1]) - np.log(own[:, 1])))
    value += math.log(count_q / (count - 1))
    if not trust:
        return value, []
    warnings = []
    usual = np.quantile(tree_y.query(y, k=[k + 1])[0], 0.99)
    far = float(np.mean(other[:, 1] > usual))
    if far > FAR_SHARE:
        warnings.append(
            f"{100 * far:.0f} % of the points of x lie farther from y than 99 % of y's own do: q "
            "has few points or none where p has mass; the estimate is too small, KL may be infinite"
        )
    fewest = min(count, count_q)
    if fewest < FEW_POINTS:
        warnings.append(f"{fewest} points are few: the bias can be as large as the value")
    elif fewest < FEW_PER_AXIS**dimension:
        warnings.append(
            f"{fewest} points in {dimension} dimensions are {fewest ** (1 / dimension):.1f} along "
            "each axis: the nearest neighbours are not near, and the estimate is mostly too small"
        )
    tied, common = float(np.mean(own[:, 0] == 0)), float(np.mean(other[:, 0] == 0))
    if tied > TIED_SHARE:
        warnings.append(
            f"{100 * tied:.0f} % of the points of x are equal to another: rounded, repeated or "
            "discrete data bias the estimate"
        )
    if common > TIED_SHARE:
        warnings.append(
            f"{100 * common:.0f} % of the points of x are points of y too: x and y must be drawn "
            "independently, or the data are rounded"
        )
    return value, warnings


def _load_tree() -> Any:
    try:
        from scipy.spatial import cKDTree
    except ImportError as error:
        raise ImportError('kl_lib.sampling.kl_knn needs scipy: pip install "kl-lib[scipy]"') from (
            error
        )
    return cKDTree


# Counts


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
        place = _first(bad)
        names = known.axes.get(labels.CATEGORY)
        return entry(name, place) if names is None else f"{name}[{labels.shown(names[place[0]])}]"

    alpha = _alpha(smoothing)
    n, m = int(a.sum()), int(b.sum())
    method = "plug-in" if smoothing is None else f"plug-in, smoothing={alpha:g}"
    result = Estimate(math.inf / divisor, math.nan, n, m, method=method, unit=_unit(base))
    value = float(discrete.kl_divergence(a + alpha, b + alpha, normalize=True))
    empty = (b == 0) & (a > 0)
    if math.isinf(value):
        first = _first(empty)
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
    array = _read(value, name, f"pass {name}.filled(0) if what is masked was not drawn")
    if array.ndim != 1 or len(array) == 0:
        one = "" if array.size in (0, len(array)) else ", one row against another at a time"
        raise DistributionError(
            f"{name} has shape {array.shape}; pass one count for each category, shape "
            f"(categories,){one}",
            kind="shape",
            argument=name,
            value=array.shape,
        )
    bad = ~(np.isfinite(array) & (array >= 0) & (array == np.floor(array)))
    if bad.any():
        place = _first(bad)
        remedy = ". A category that was not drawn has 0" if np.isnan(array[place]) else ""
        if (array >= 0).all() and np.isfinite(array).all():
            remedy = (
                ". For probabilities or weights use kl_divergence(counts_p, counts_q, "
                "normalize=True)"
            )
        raise _wrong(
            f"{entry(name, place)} is {array[place]:g}; a count is a whole number of at least 0"
            f"{remedy}",
            name,
            float(array[place]),
            bad,
        )
    if array.sum() == 0:
        raise _wrong(
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
        raise _option(
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
