"""Whether kl_monte_carlo notices samples that are not p's, and leaves those alone that are."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kl_lib.sampling import kl_monte_carlo

ESTIMATORS = ("k1", "k2", "k3")
BELOW, ABOVE, OTHER = "not 1. Either q has", "but can be at most 1", "the samples do not follow p: "


def softmax(logits):
    weights = np.exp(logits - np.max(logits))
    return weights / weights.sum()


def tokens(seed=0, size=50, steep=2.0, apart=1.0):
    """The logits of p and q."""
    rng = np.random.default_rng(seed)
    p = steep * rng.normal(size=size)
    return p, p + apart * rng.normal(size=size)


def estimate(p, q, drawn, count=1000, seed=0, estimator="k1"):
    """For distributions over categories, with the samples from a third."""
    samples = np.random.default_rng(seed).choice(len(p), count, p=drawn)
    with np.errstate(divide="ignore"):
        logs = np.log(p), np.log(q)
    return kl_monte_carlo(lambda i: logs[0][i], lambda i: logs[1][i], samples, estimator=estimator)


def of_density(p, q, drawn, count, seed=0, estimator="k1", factor=1.0):
    samples = drawn.rvs(count, random_state=np.random.default_rng(seed))
    return kl_monte_carlo(
        p.logpdf, lambda x: q.logpdf(x) + np.log(factor), samples, estimator=estimator
    )


def told(result):
    """Which of the warnings about the samples."""
    text = " ".join(result.warnings)
    return {name for name in (BELOW, ABOVE, OTHER) if name in text}


def top(p, count):
    cut = np.where(p >= np.sort(p)[-count], p, 0)
    return cut / cut.sum()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("drawn", ["top 3", "temperature 0.3", "temperature 1.5", "q"])
def test_samples_of_a_cut_a_temperature_or_another_model_are_noticed(drawn, estimator):
    logits, other = tokens()
    p, q = softmax(logits), softmax(other)
    cut = {
        "top 3": top(p, 3),
        "temperature 0.3": softmax(logits / 0.3),
        "temperature 1.5": softmax(logits / 1.5),
        "q": q,
    }[drawn]
    for seed in range(5):
        assert told(estimate(p, q, cut, 1000, seed, estimator)) == {OTHER}


def test_samples_that_follow_p_pass():
    for seed in range(60):
        p, q = map(softmax, tokens(seed % 6, steep=1 + seed % 3))
        assert told(estimate(p, q, p, 1000, seed)) == set()
    five, seven = stats.poisson(5), stats.poisson(7)
    for seed in range(20):
        samples = five.rvs(2000, random_state=seed)
        assert not kl_monte_carlo(five.logpmf, seven.logpmf, samples).warnings


def test_the_test_of_frequencies_errs_as_rarely_as_it_says():
    """Five standard errors of a chi-squared: 3 in 10 million."""
    p = np.array([0.4, 0.3, 0.2, 0.1])
    sets = np.random.default_rng(0).multinomial(500, p, size=400)
    logs = np.log(p)
    for counts in sets:
        samples = np.repeat(np.arange(4), counts)
        assert not kl_monte_carlo(lambda i: logs[i], lambda i: logs[i], samples).warnings
    # The likelihood ratio of SciPy, where the last that pass and the first that do not lie.
    for k in range(0, 120, 4):
        counts = np.array([200 + k, 150, 100 - k if k < 100 else 0, 50])
        expected = p * counts.sum()
        _, chance = stats.power_divergence(counts, expected, lambda_="log-likelihood")
        samples = np.repeat(np.arange(4), counts)
        found = told(kl_monte_carlo(lambda i: logs[i], lambda i: logs[i], samples))
        assert found == (set() if chance > stats.norm.sf(5) else {OTHER})


NARROW, WIDE, STANDARD = stats.norm(2, 0.5), stats.norm(1, 1), stats.norm(0, 1)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (NARROW, WIDE),
        (WIDE, NARROW),
        (STANDARD, stats.norm(3, 1)),
        (STANDARD, stats.norm(60, 1)),  # no ratio but 0
        (STANDARD, stats.norm(0, 3)),
        (STANDARD, stats.laplace(0, 1)),
        (stats.expon(0, 1), stats.expon(0, 5)),
    ],
)
@pytest.mark.parametrize("count", [100, 1000, 10_000])
def test_a_heavy_tail_of_q_is_not_taken_for_samples_of_something_else(p, q, count):
    """The mean of q/p is below 1 in most of them: at N(2, 0.5) and N(1, 1), 0.9 on average."""
    found = [told(of_density(p, q, p, count, seed)) for seed in range(30)]
    assert sum(map(bool, found)) <= 1


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_mean_below_1_is_reported_for_every_estimator(estimator):
    """Samples of p with half its spread; q whose density is 0.7 of one; p with half of q's mass."""
    p, q = STANDARD, stats.norm(1, 1)
    assert told(of_density(p, q, stats.norm(0, 0.5), 1000, 0, estimator)) == {BELOW}
    assert told(of_density(p, q, p, 10_000, 0, estimator, factor=0.7)) == {BELOW}
    half = stats.halfnorm()
    for seed in range(5):
        result = of_density(half, p, half, 100, seed, estimator)
        assert told(result) == {BELOW}
        assert "Either q has 0.5 of its mass where p has none" in " ".join(result.warnings)


def test_the_remedy_for_a_mean_below_1_tells_the_two_apart():
    """Drawing again from p itself: the mean stays where q has mass outside p, and else is 1."""
    half = stats.halfnorm()
    assert told(of_density(half, STANDARD, half, 1000, seed=1)) == {BELOW}
    q = stats.norm(1, 1)
    assert told(of_density(STANDARD, q, stats.norm(0, 0.5), 1000)) == {BELOW}
    again = of_density(STANDARD, q, STANDARD, 1000, seed=1)
    assert told(again) == set()
    assert abs(again.value - 0.5) < 4 * again.standard_error


def test_what_10_more_samples_could_mend_is_not_reported():
    """A category that p gives 1/1000, q half: most sets of 10 hold none, and their ratios agree."""
    p, q = np.array([0.999, 0.001]), np.array([0.5, 0.5])
    assert told(estimate(p, q, [1, 0], 10)) == set()
    assert told(estimate(p, q, [1, 0], 11)) == {BELOW}
    # The other way round a mean of 1.002 is as exact, and no more telling.
    q = np.array([0.99999, 0.00001])
    assert told(estimate(p, q, [1, 0], 30)) == set()
    assert told(estimate([0.6, 0.4], [0.999, 0.001], [1, 0], 14)) == set()
    assert told(estimate([0.6, 0.4], [0.999, 0.001], [1, 0], 16)) == {ABOVE}


def test_the_skewness_of_ratios_is_allowed_for():
    """Without its correction, 5 of these 100 are more than four standard errors below 1."""
    p, q = STANDARD, stats.t(3)
    assert sum(told(of_density(p, q, p, 1000, seed)) != set() for seed in range(100)) <= 2


P = np.array([0.5, 0.3, 0.2])


def of_shares(samples, log_p, log_q=None):
    return told(kl_monte_carlo(log_p, log_q or log_p, samples))


@pytest.mark.parametrize("honest", [True, False])
@pytest.mark.parametrize(
    "kind", ["integers", "list", "words", "Series", "words in a Series", "floats", "rows"]
)
def test_whole_numbers_and_words_are_counted(kind, honest):
    numbers = np.repeat([0, 1, 2], [500, 300, 200] if honest else [600, 300, 100])
    words = [["a", "b", "c"][i] for i in numbers]
    place = {"a": 0, "b": 1, "c": 2}
    samples, read = {
        "integers": (numbers, lambda x: x),
        "list": (numbers.tolist(), np.asarray),
        "words": (words, lambda x: [place[w] for w in x]),
        "Series": (pd.Series(numbers), np.asarray),
        "words in a Series": (pd.Series(words), lambda x: [place[w] for w in x]),
        "floats": (numbers.astype(float), lambda x: x.astype(int)),
        "rows": (np.stack([numbers, numbers % 2], axis=1), lambda x: x[:, 0]),
    }[kind]
    found = of_shares(samples, lambda x: np.log(P)[read(x)])
    assert found == (set() if honest else {OTHER})


def test_frequencies_are_left_alone_where_they_say_nothing():
    cut = np.repeat([0, 1], [600, 400])
    logs = np.log(P)[cut]
    place = np.arange(1000)
    # Log probabilities there already: the samples are their numbers, each its own.
    assert of_shares(place, lambda i: logs[i]) == set()
    few = np.log([0.5, *[1e-6] * 99])
    assert of_shares(np.arange(100), lambda i: few[i]) == set()
    # Tokens whose probability depends on those before them.
    noise = np.random.default_rng(0).normal(0, 0.1, 1000)
    assert of_shares(cut, lambda x: logs + noise) == set()
    # A density: values above 1 are none of a probability, nor sums above 1.
    assert of_shares(cut, lambda x: 0.0 * x + 0.5) == set()
    assert of_shares(cut, lambda x: 0.0 * x + 800) == set()  # beyond the largest float
    assert of_shares(np.repeat([0, 1, 2], 300), lambda x: np.log(np.full(len(x), 0.6))) == set()
    # Points of a density, and values of which none is expected often.
    assert of_shares(np.repeat([0.5, 1.5], 500), stats.norm(0, 1).logpdf) == set()
    assert of_shares(np.repeat([0, 1], 45), lambda x: 0 * x + np.log(0.1)) == set()
    # One value, which p gives everything.
    assert of_shares(np.zeros(100, int), lambda x: 0.0 * x) == set()


def test_words_that_numpy_cannot_hold_together_are_samples_all_the_same():
    assert of_shares([["a"], ["a", "b"]] * 50, lambda x: np.zeros(len(x))) == set()
    assert of_shares([1, "a", None] * 50, lambda x: np.zeros(len(x))) == set()

    class Elsewhere(list):
        def __array__(self, dtype=None, copy=None):
            raise TypeError("on another device")

    assert of_shares(Elsewhere([0, 1] * 50), lambda x: np.zeros(len(x))) == set()
