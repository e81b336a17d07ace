"""KL from samples against closed forms, exact enumeration and brute force."""

import itertools
import math
import sys

import ml_dtypes
import mpmath
import numpy as np
import pandas as pd
import pytest
import truth
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mpmath import mpf
from scipy import stats

import kl_lib as kl
from kl_lib import DistributionError
from kl_lib.sampling import Estimate, kl_from_counts, kl_knn, kl_monte_carlo
from kl_lib.sampling.counts import _delta_method

NEAR = stats.norm(0, 1), stats.norm(1, 1)
WIDE, NARROW = stats.norm(1, 1), stats.norm(2, 0.5)


def normal_kl(p, q):
    return float(kl.kl_normal(p.mean(), p.std(), q.mean(), q.std()))


def draw(p, count, seed):
    return p.rvs(count, random_state=np.random.default_rng(seed))


def monte_carlo(p, q, count, seed, estimator="k1", **options):
    return kl_monte_carlo(p.logpdf, q.logpdf, draw(p, count, seed), estimator=estimator, **options)


def table(probabilities):
    """The log probabilities of a discrete distribution as a function of the category."""
    with np.errstate(divide="ignore"):
        logs = np.log(probabilities)
    return lambda x: logs[x]


def said(estimate, text):
    return any(text in warning for warning in estimate.warnings)


# Monte Carlo: expectation, spread, accuracy

P, Q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])


def enumerate_samples(p, q, estimator, size):
    """Every sequence of `size` draws from p: its probability, the estimate, its variance."""
    for sequence in itertools.product(range(len(p)), repeat=size):
        estimate = kl_monte_carlo(table(p), table(q), np.array(sequence), estimator=estimator)
        yield math.prod(p[i] for i in sequence), estimate.value, estimate.standard_error**2


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        ("k1", kl.kl_divergence(P, Q)),
        ("k2", float(P @ np.log(P / Q) ** 2) / 2),
        ("k3", kl.kl_divergence(P, Q)),
    ],
)
def test_expectation_and_variance_are_those_of_every_possible_sample(estimator, expected):
    weights, values, variances = np.array(list(enumerate_samples(P, Q, estimator, 4))).T
    assert weights.sum() == pytest.approx(1)
    assert weights @ values == pytest.approx(expected, rel=1e-12)
    assert weights @ variances == pytest.approx(weights @ (values - expected) ** 2, rel=1e-12)


def test_k3_lacks_the_mass_that_q_has_outside_p():
    p, q = np.array([0.6, 0.4, 0.0]), np.array([0.5, 0.2, 0.3])
    samples = np.repeat([0, 1], [60, 40])
    k1, k3 = (kl_monte_carlo(table(p), table(q), samples, estimator=e) for e in ("k1", "k3"))
    assert k1.value == pytest.approx(kl.kl_divergence(p, q), rel=1e-12)
    assert k3.value == pytest.approx(kl.kl_divergence(p, q) - 0.3, rel=1e-12)
    for estimate in (k1, k3):
        assert said(
            estimate, "q/p over the samples is 0.700 ± 0.016, not 1. Either q has 0.3 of its"
        )
    assert said(k1, "then k1 is right. Or the samples do not follow p (cut by top-k or top-p")
    assert said(k3, "then k3 is too small by 0.3 and k1 is right. Or the samples do not follow p")


@settings(deadline=None)
@given(st.floats(-300, 300))
def test_k3_keeps_its_digits_and_is_never_negative(log_ratio):
    x = np.zeros(2)
    value = kl_monte_carlo(lambda x: x + log_ratio, lambda x: x, x, estimator="k3").value
    with mpmath.workdps(400):
        exact = mpmath.exp(-mpf(log_ratio)) - 1 + mpf(log_ratio)
        assert value >= 0
        # Below 1e-154 the square underflows into the subnormals.
        assert abs(log_ratio) < 1e-150 or truth.relative_error(value, exact) < 1e-12


@pytest.mark.parametrize(
    ("p", "q", "estimator"),
    [
        (*NEAR, "k1"),
        (*NEAR, "k3"),
        (WIDE, NARROW, "k1"),
        (WIDE, NARROW, "k3"),
        (NARROW, WIDE, "k1"),  # not k3: see the test of its spread
    ],
)
def test_normals_agree_with_the_closed_form(p, q, estimator):
    estimate = monte_carlo(p, q, 20_000, 0, estimator)
    assert abs(estimate.value - normal_kl(p, q)) < 4 * estimate.standard_error
    assert estimate.standard_error < 0.02 * normal_kl(p, q)
    assert estimate.warnings == ()


@pytest.mark.parametrize(
    ("p", "q", "estimator"),
    [(*NEAR, "k1"), (WIDE, NARROW, "k1"), (WIDE, NARROW, "k3"), (stats.norm(0.3), NEAR[0], "k3")],
)
def test_two_standard_errors_cover_the_truth_as_often_as_they_should(p, q, estimator):
    estimates = [monte_carlo(p, q, 300, seed, estimator) for seed in range(500)]
    errors = np.array([e.value - normal_kl(p, q) for e in estimates])
    spread = np.array([e.standard_error for e in estimates])
    # Binomial noise of 500 trials around 95 %, with a little less for skewed terms.
    assert 0.91 < np.mean(np.abs(errors) < 1.96 * spread) < 0.98
    assert np.sqrt(np.mean(spread**2)) == pytest.approx(errors.std(), rel=0.12)


def test_bits_are_nats_over_log_2():
    nats, bits = (monte_carlo(*NEAR, 1000, 0, "k2", base=base) for base in (None, 2))
    for field in ("value", "standard_error", "bias"):
        assert getattr(bits, field) == pytest.approx(getattr(nats, field) / math.log(2))
    assert (nats.unit, bits.unit) == ("nats", "bits")
    assert monte_carlo(*NEAR, 1000, 0, base=0.5).standard_error > 0


def test_the_order_of_the_samples_does_not_matter():
    x = draw(NEAR[0], 500, 0)
    forward, back = (kl_monte_carlo(NEAR[0].logpdf, NEAR[1].logpdf, s) for s in (x, x[::-1]))
    assert forward.value == pytest.approx(back.value, rel=1e-14)
    assert forward.standard_error == pytest.approx(back.standard_error, rel=1e-12)


def test_samples_are_handed_on_as_they_are():
    sentences = [["a"], ["a", "b"], ["b"]]
    score = {"a": math.log(0.7), "b": math.log(0.3)}
    estimate = kl_monte_carlo(
        lambda x: [sum(score[word] for word in s) for s in x],
        lambda x: [len(s) * math.log(0.5) for s in x],
        sentences,
    )
    terms = [math.log(1.4), math.log(1.4 * 0.6), math.log(0.6)]
    assert estimate.value == pytest.approx(np.mean(terms))
    frame = pd.DataFrame({"x": draw(NEAR[0], 50, 0), "y": 0.0})
    by_column = kl_monte_carlo(
        lambda f: pd.Series(NEAR[0].logpdf(f["x"])), lambda f: NEAR[1].logpdf(f["x"]), frame
    )
    assert by_column.value == monte_carlo(*NEAR, 50, 0).value
    assert kl_monte_carlo(lambda x: -(x**2), lambda x: -x, [1, 2, 3]).count == 3
    assert kl_monte_carlo(lambda x: -(x**2), lambda x: -x, (1, 2)).count == 2


def test_vectors_give_one_log_density_each():
    rng = np.random.default_rng(0)
    x = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], size=5000)
    p = stats.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]])
    q = stats.multivariate_normal([1, 0], [[1, 0], [0, 2]])
    estimate = kl_monte_carlo(p.logpdf, q.logpdf, x)
    exact = kl.kl_mvn(p.mean, p.cov, q.mean, q.cov)
    assert abs(estimate.value - exact) < 4 * estimate.standard_error < 0.1 * exact


# Monte Carlo: where it fails, and says so


def expectation_of_k2(p, q):
    """By Gauss-Hermite quadrature, which is exact for the polynomial that k2 is for normals."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    x = p.mean() + p.std() * nodes
    return float(weights @ (p.logpdf(x) - q.logpdf(x)) ** 2 / 2 / weights.sum())


@pytest.mark.parametrize(("p", "q", "percent"), [(*NEAR, 25), (WIDE, NARROW, 405.5)])
def test_k2_is_biased_by_what_the_book_says_and_reports_it(p, q, percent):
    exact = normal_kl(p, q)
    assert 100 * (expectation_of_k2(p, q) / exact - 1) == pytest.approx(percent, abs=0.05)
    estimate = monte_carlo(p, q, 100_000, 1, "k2")
    assert abs(estimate.value - expectation_of_k2(p, q)) < 4 * estimate.standard_error
    assert estimate.value - estimate.bias == pytest.approx(monte_carlo(p, q, 100_000, 1).value)
    assert estimate.bias / exact == pytest.approx(percent / 100, rel=0.05)
    assert said(estimate, f"differs from k1, which is not, by {estimate.bias:+.2g} ±")
    assert len(estimate.warnings) == 1


def test_the_spread_of_k3_does_not_settle_where_q_has_more_than_twice_the_variance():
    """N(2, 0.5) against N(1, 1). Seeds 0 to 19 at each size; relative to the true value."""
    exact = normal_kl(NARROW, WIDE)
    spread, warned = {}, []
    for count in (1000, 10_000, 100_000):
        for estimator in ("k1", "k3"):
            estimates = [monte_carlo(NARROW, WIDE, count, seed, estimator) for seed in range(20)]
            spread[count, estimator] = np.std([e.value for e in estimates]) / exact
            if estimator == "k3":
                warned += [e.warnings != () for e in estimates]
            else:
                assert not any(e.warnings for e in estimates)
    assert spread[10_000, "k1"] == pytest.approx(0.009, abs=0.003)
    assert spread[1000, "k1"] / spread[100_000, "k1"] == pytest.approx(10, rel=0.4)
    assert all(spread[count, "k3"] > 10 * spread[count, "k1"] for count in (1000, 10_000, 100_000))
    assert np.mean(warned) > 0.9


def test_a_ratio_that_carries_the_sum_is_named():
    estimate = monte_carlo(NARROW, WIDE, 1000, 0, "k3")
    x = draw(NARROW, 1000, 0)
    worst = int(np.argmax(np.abs(x - 2)))
    assert said(estimate, "the standard error rests on about")
    assert said(estimate, f"one ratio, at samples[{worst}], carries")


def test_heavy_tails_of_p_are_noticed():
    """KL(Cauchy‖normal) is infinite; the mean of k1 is finite for any sample, and means nothing."""
    assert said(monte_carlo(stats.cauchy(), NEAR[0], 1000, 0), "KL may be infinite")


def test_a_sample_outside_q_makes_the_estimate_infinite():
    p, q = stats.uniform(0, 1), stats.uniform(0, 0.5)
    estimate = monte_carlo(p, q, 100, 0)
    outside = draw(p, 100, 0) > 0.5
    assert estimate.value == math.inf
    assert math.isnan(estimate.standard_error)
    assert said(estimate, f"log_q is -inf at {outside.sum()} samples of 100")
    assert said(estimate, f"samples[{np.argmax(outside)}]")
    for estimator in ("k2", "k3"):
        assert monte_carlo(p, q, 100, 0, estimator).value == math.inf


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
def test_samples_of_something_else_and_unnormalised_densities_are_noticed(estimator):
    p, q = NEAR
    swapped = kl_monte_carlo(p.logpdf, q.logpdf, draw(q, 1000, 0), estimator=estimator)
    assert said(swapped, "can be at most 1: the samples are not drawn from p")
    scaled = kl_monte_carlo(
        p.logpdf, lambda x: q.logpdf(x) + 1, draw(p, 1000, 0), estimator=estimator
    )
    assert said(scaled, "or a density is not normalised")
    # So far apart that the ratios overflow.
    absurd = kl_monte_carlo(
        lambda x: -1e5 * x**2, lambda x: -(x**2), draw(p, 1000, 0), estimator=estimator
    )
    assert said(absurd, "over the samples is inf but can be at most 1")
    heavy = kl_monte_carlo(NARROW.logpdf, WIDE.logpdf, draw(WIDE, 1000, 0), estimator=estimator)
    assert said(heavy, "can be at most 1")


def test_an_estimate_below_zero_by_more_than_noise_is_noticed():
    """Five ratios of 400 leave their mean uncertain, 3.2 ± 0.9: only the sign gives it away."""
    ratios = np.log(np.where(np.arange(1000) < 5, 400, 1.2))
    estimate = kl_monte_carlo(lambda i: 0 * ratios[i], lambda i: ratios[i], np.arange(1000))
    assert said(estimate, "negative by more than its noise")


LOGS = st.lists(st.floats(allow_nan=False, max_value=sys.float_info.max), min_size=32, max_size=32)


LARGEST = sys.float_info.max


@settings(deadline=None, max_examples=40)
@example([LARGEST, 0.0] + [-1e292] * 30, [-1e292, LARGEST] + [0.0] * 30, "k1")  # inf, and −inf
@example([LARGEST, -LARGEST] + [0.0] * 30, [-LARGEST, LARGEST] + [0.0] * 30, "k1")
@example([LARGEST, -1e292] + [0.0] * 30, [0.0, LARGEST, -1e292] + [0.0] * 29, "k1")  # only −inf
@example([0.0, -1e292] + [0.0] * 30, [0.0, LARGEST] + [0.0] * 30, "k3")  # r is inf: so is k3
@given(LOGS, LOGS, st.sampled_from(["k1", "k2", "k3"]))
def test_any_log_densities_give_an_estimate_or_an_error_and_never_nan(p, q, estimator):
    def estimate():
        return kl_monte_carlo(lambda i: p, lambda i: q, np.arange(32), estimator=estimator)

    if -math.inf in p:
        with pytest.raises(DistributionError, match=r"-inf at samples"):
            estimate()
        return
    assert not math.isnan(estimate().value)
    assert "nan" not in "".join(estimate().warnings)
    assert math.isfinite(estimate().value) or estimate().warnings


def test_few_samples_are_said_to_be_few():
    assert said(monte_carlo(*NEAR, 29, 0), "29 samples are few")
    assert monte_carlo(*NEAR, 30, 0).warnings == ()


def test_equal_distributions_give_zero_without_a_warning():
    for estimator in ("k1", "k3"):
        estimate = monte_carlo(NEAR[0], stats.norm(1e-15, 1), 100, 0, estimator)
        assert estimate.value == pytest.approx(0, abs=1e-15)
        assert estimate.warnings == ()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f, x: kl_monte_carlo(f, f, x, estimator="k4"), "estimator is 'k4'; pass 'k1'"),
        (lambda f, x: kl_monte_carlo(f, f, x, base=1), "base is 1"),
        (lambda f, x: kl_monte_carlo(f, f, 3.0), r"samples is 3\.0; pass the draws along"),
        (lambda f, x: kl_monte_carlo(f, f, []), "samples holds 0 samples; pass at least 2"),
        (lambda f, x: kl_monte_carlo(f, f, [1.0]), "samples holds 1 sample; pass at least 2"),
        (lambda f, x: kl_monte_carlo(f(x), f, x), "log_p has type ndarray; pass a function"),
        (
            lambda f, x: kl_monte_carlo(f, None, x),
            "log_q has type NoneType; pass a function that returns log densities$",
        ),
        (
            lambda f, x: kl_monte_carlo(f, lambda x: f(x).mean(), x),
            r"log_q\(samples\) has shape \(\) for 4 samples; .* shape \(4,\)",
        ),
        (
            lambda f, x: kl_monte_carlo(lambda x: f(x)[:, None], f, x),
            r"log_p\(samples\) has shape \(4, 1\) for 4 samples",
        ),
        (
            lambda f, x: kl_monte_carlo(f, lambda x: f(x) + np.array([0, 0, np.nan, 0]), x),
            r"log_q\(samples\) is nan at samples\[2\]",
        ),
        (
            lambda f, x: kl_monte_carlo(lambda x: f(x) + np.array([0, np.inf, 0, 0]), f, x),
            r"log_p\(samples\) is inf at samples\[1\]",
        ),
        (
            lambda f, x: kl_monte_carlo(lambda x: f(x) - np.array([0, 0, 0, np.inf]), f, x),
            r"log_p\(samples\) is -inf at samples\[3\], which p cannot have drawn; pass",
        ),
        (
            lambda f, x: kl_monte_carlo(f, lambda x: f(x) + 1j, x),
            r"log_q\(samples\) is complex \(complex128\); pass np.real",
        ),
        (
            lambda f, x: kl_monte_carlo(f, lambda x: np.ma.masked_less(f(x), 0), x),
            r"log_q\(samples\) is a masked array; return a log density for every sample",
        ),
        (
            lambda f, x: kl_monte_carlo(f, lambda x: [[1, 2], [3]], x),
            r"log_q\(samples\) is ragged: row 0 has 2 entries, row 1 has 1",
        ),
    ],
)
def test_monte_carlo_errors_name_the_argument_the_place_and_the_remedy(call, message):
    with pytest.raises(DistributionError, match=message):
        call(NEAR[0].logpdf, np.array([0.1, 0.2, 0.3, 0.4]))


# Nearest neighbours


def brute_force(x, y, k):
    """The estimator of Wang, Kulkarni and Verdú from all pairs of distances."""
    within = np.linalg.norm(x[:, None] - x[None], axis=-1)
    across = np.linalg.norm(x[:, None] - y[None], axis=-1)
    rho, nu = np.sort(within)[:, k], np.sort(across)[:, k - 1]
    n, d = x.shape
    return d / n * np.log(nu / rho).sum() + math.log(len(y) / (n - 1))


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_knn_is_the_published_estimator(dimension, k):
    rng = np.random.default_rng(k)
    x, y = rng.normal(size=(60, dimension)), rng.normal(0.5, 2, size=(45, dimension))
    estimate = kl_knn(x, y, k=k, subsamples=0)
    assert estimate.value == pytest.approx(brute_force(x, y, k), rel=1e-12)
    assert (estimate.count, estimate.count_q) == (60, 45)
    assert math.isnan(estimate.standard_error)


def clouds(p, q, count, seed, dimension=1):
    rng = np.random.default_rng(seed)
    shape = (count, dimension)
    return p.rvs(shape, random_state=rng), q.rvs(shape, random_state=rng)


def test_knn_fails_one_way_round_and_works_the_other():
    """n = 5000, seeds 0 to 4: off by a third where the narrow q leaves p's tail empty."""
    for seed in range(5):
        wrong = kl_knn(*clouds(WIDE, NARROW, 5000, seed), subsamples=5)
        assert wrong.value / normal_kl(WIDE, NARROW) == pytest.approx(2 / 3, abs=0.08)
        assert said(wrong, "of the points of x lie farther from y than 99 % of y's own do")
        right = kl_knn(*clouds(NARROW, WIDE, 5000, seed))
        assert abs(right.value - normal_kl(NARROW, WIDE)) < 3 * right.standard_error
        assert right.standard_error < 0.05 * right.value
        assert right.warnings == ()


def test_knn_agrees_with_the_closed_form_in_two_dimensions():
    rng = np.random.default_rng(0)
    x = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=4000)
    y = 1.5 * rng.standard_normal((3000, 2))
    estimate = kl_knn(x, y)
    exact = kl.kl_mvn([0, 0], [[1, 0.8], [0.8, 1]], [0, 0], 2.25 * np.eye(2))
    assert estimate.value == pytest.approx(exact, rel=0.1)
    assert estimate.warnings == ()


@pytest.mark.parametrize(("p", "q", "dimension"), [(*NEAR, 1), (NARROW, WIDE, 1), (*NEAR, 2)])
def test_the_subsampling_error_is_the_spread_over_repeated_samples(p, q, dimension):
    estimates = [kl_knn(*clouds(p, q, 400, seed, dimension)) for seed in range(60)]
    spread = np.std([e.value for e in estimates], ddof=1)
    told = np.sqrt(np.mean([e.standard_error**2 for e in estimates]))
    # 60 repetitions know their own spread to 9 %.
    assert told == pytest.approx(spread, rel=0.3)


def test_the_subsampling_error_is_that_of_random_quarters():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(90, 2)), rng.normal(0.5, 2, size=(61, 2))
    chosen = np.random.default_rng(7)
    quarters = [
        brute_force(x[chosen.permutation(90)[:22]], y[chosen.permutation(61)[:15]], 3)
        for _ in range(8)
    ]
    told = kl_knn(x, y, k=3, subsamples=8, seed=7).standard_error
    # A quarter has four times the variance, of which three quarters shows between subsamples.
    assert told == pytest.approx(np.std(quarters, ddof=1) / math.sqrt(3), rel=1e-12)


def test_estimates_of_a_true_zero_are_often_negative():
    values = [kl_knn(*clouds(NEAR[0], NEAR[0], 300, s), subsamples=0).value for s in range(100)]
    assert 30 < np.sum(np.array(values) < 0) < 70
    assert abs(np.mean(values)) < 4 * np.std(values) / 10


def test_knn_does_not_see_rotation_shift_scale_or_order():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(200, 3)), rng.normal(0.5, 1.5, size=(150, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    expected = kl_knn(x, y)
    for changed in (
        (x @ turn, y @ turn),
        (x + 100, y + 100),
        (x * 1e-200, y * 1e-200),
        (x * 1e200, y * 1e200),
    ):
        estimate = kl_knn(*changed)
        assert estimate.value == pytest.approx(expected.value, rel=1e-9)
        assert estimate.standard_error == pytest.approx(expected.standard_error, rel=1e-9)
    order = rng.permutation(200)
    assert kl_knn(x[order], y[::-1]).value == pytest.approx(expected.value, rel=1e-12)


def test_knn_of_points_that_are_tiny_beside_those_of_q():
    """The squares of distances of 1e-94 beside 1e74 are no floats."""
    x, y = (column[:, 0] for column in clouds(*NEAR, 40, 0))
    for small, large in ((1e-94, 1e74), (1e-200, 1.0)):
        found = kl_knn(x * small, y * large, subsamples=0).value
        rho = np.sort(np.abs(x[:, None] - x), axis=1)[:, 5]
        nu = np.sort(np.abs(x[:, None] * (small / large) - y), axis=1)[:, 4]
        expected = np.mean(np.log(nu) - np.log(rho)) + math.log(large) - math.log(small)
        assert found == pytest.approx(expected + math.log(40 / 39), rel=1e-12)


def test_knn_takes_vectors_lists_frames_and_a_base():
    x, y = (column[:, 0] for column in clouds(*NEAR, 120, 0))
    expected = kl_knn(x, y)
    for other in (
        kl_knn(x[:, None], y[:, None]),
        kl_knn(list(x), tuple(y)),
        kl_knn(pd.Series(x), pd.DataFrame({"y": y})),
        kl_knn(x, y, seed=np.random.default_rng(0)),
        kl_knn(x, y, k=5, subsamples=20, seed=0),
    ):
        assert other == expected
    bits = kl_knn(x, y, base=2)
    assert (bits.unit, expected.unit) == ("bits", "nats")
    assert bits.value == pytest.approx(expected.value / math.log(2))
    assert bits.standard_error == pytest.approx(expected.standard_error / math.log(2))
    assert kl_knn(x, y, seed=1).standard_error != expected.standard_error
    assert "without the bias" in repr(expected)


def test_integers_without_ties_are_points():
    rng = np.random.default_rng(0)
    x, y = rng.choice(10**6, 150, replace=False), rng.choice(10**6, 150, replace=False)
    assert kl_knn(x, y).value == kl_knn(x.astype(float), y.astype(float)).value


def test_knn_warns_of_few_points_high_dimension_ties_and_shared_points():
    assert kl_knn(*clouds(*NEAR, 100, 0)).warnings == ()
    assert said(kl_knn(*clouds(*NEAR, 99, 0)), "99 points are few")
    few = kl_knn(*clouds(*NEAR, 20, 0))
    assert said(few, "20 points are too few for a standard error")
    assert math.isnan(few.standard_error)
    high = kl_knn(*clouds(stats.norm(0), stats.norm(0.2), 1000, 0, 10))
    assert said(high, "1000 points in 10 dimensions are 2.0 along each axis")
    x, y = clouds(*NEAR, 300, 0)
    assert said(kl_knn(np.round(x, 2), y, k=20), "of x are equal to another")
    shared = kl_knn(x, np.concatenate([x, y]))
    assert said(shared, "100 % of the points of x are points of y too")
    x, _ = clouds(*NEAR, 2000, 0)
    assert said(kl_knn(x, x), "negative by more than its noise")


def test_one_percent_of_ties_or_shared_points_is_let_pass():
    x, y = clouds(*NEAR, 200, 0)
    once, twice = x.copy(), x.copy()
    once[0], twice[:2] = x[100], x[100:102]
    assert kl_knn(once, y).warnings == ()
    assert said(kl_knn(twice, y), "2 % of the points of x are equal to another")
    assert kl_knn(x, np.append(y, x[:2], axis=0)).warnings == ()
    assert said(kl_knn(x, np.append(y, x[:4], axis=0)), "2 % of the points of x are points of y")


def test_what_lies_at_a_limit_is_let_pass():
    far = np.append(LINE[:90] + 0.3, LINE[:10] + 1e4)
    assert kl_knn(far, LINE, subsamples=0).warnings == ()
    assert kl_knn(*clouds(*NEAR, 100, 0, 2), subsamples=0).warnings == ()
    # Points as far from y as y's points from each other.
    shared = kl_knn(np.arange(2000.0), np.arange(2000.0), k=4, subsamples=0)
    assert not said(shared, "lie farther from y")


def test_far_is_what_lies_farther_than_the_kth_neighbour_of_ys_own_points():
    """In gaps of 3, the 4th neighbour is at 2.5; on the line, the 4th at 2 and the 5th at 3."""
    y = np.delete(np.arange(20_000.0), [i for gap in range(50, 2000, 100) for i in (gap, gap + 1)])
    x = np.append(np.arange(50.5, 2000, 100), np.arange(4000, 12_000, 100) + 0.3)
    assert said(kl_knn(x, y, k=4, subsamples=0), "20 % of the points of x lie farther from y")


def test_a_quarter_of_the_points_has_to_hold_k_neighbours_of_each():
    assert math.isnan(kl_knn(LINE[:23] + 0.3, LINE).standard_error)
    assert kl_knn(LINE[:24] ** 1.1 + 0.3, LINE).standard_error > 0
    assert kl_knn(LINE[:23] + 0.3, LINE, k=4).standard_error > 0


def test_columns_of_any_scale_are_independent_or_not():
    x, y = clouds(*NEAR, 200, 0, 2)
    for scale in (1e-200, 1, 1e200):
        assert math.isfinite(kl_knn(x * [1e-200, scale], y * [1e-200, scale]).value)


def test_high_dimension_deserves_its_warning():
    x, y = clouds(stats.norm(0), stats.norm(0.3), 1000, 0, 10)
    exact = 10 * normal_kl(stats.norm(0), stats.norm(0.3))
    assert kl_knn(x, y, subsamples=0).value < 0.85 * exact


def test_an_outlier_in_y_does_not_hide_that_x_is_far():
    x, y = clouds(WIDE, NARROW, 1000, 0)
    assert said(kl_knn(x, np.append(y, [[1e6]], axis=0)), "lie farther from y")


GOOD = np.random.default_rng(0).normal(size=(20, 2))


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (GOOD, GOOD, {"k": 0}, "k is 0; pass a whole number, at least 1"),
        (GOOD, GOOD, {"k": 2.0}, r"k is 2\.0; pass a whole number"),
        (
            GOOD,
            GOOD,
            {"k": 20},
            "x has 20 points, and k=20 needs at least 21; pass more, or a smaller k, at most 19$",
        ),
        (
            GOOD[:, 0],
            GOOD[:3, 0],
            {},
            "y has 3 points, and k=5 needs at least 6; pass more, or a smaller k, at most 2$",
        ),
        (GOOD, GOOD, {"subsamples": -1}, "subsamples is -1; pass a whole number, at least 0"),
        (GOOD, GOOD, {"subsamples": 1}, "subsamples is 1; pass at least 2"),
        (GOOD, GOOD, {"base": -1}, "base is -1"),
        (GOOD, GOOD[:, 0], {}, "x has 2 columns and y has 1"),
        (GOOD[None], GOOD, {}, r"x has shape \(1, 20, 2\); pass shape \(n,\), or \(n, d\)"),
        (3.0, GOOD, {}, r"x has shape \(\)"),
        (GOOD[:, :0], GOOD, {}, r"x has shape \(20, 0\)"),
        (np.where(GOOD[3, 1] == GOOD, np.nan, GOOD), GOOD, {}, r"x\[3, 1\] is nan; drop"),
        (GOOD, np.where(GOOD[0, 0] == GOOD, np.inf, GOOD), {}, r"y\[0, 0\] is inf"),
        (["a", "b"], GOOD, {}, "x holds text"),
        ([[1, 2], [3]], GOOD, {}, "x is ragged"),
        (np.ma.masked_less(GOOD, 0), GOOD, {}, "x is a masked array; .*np.ma.compress_rows\\(x\\)"),
        (GOOD * [1, 0], GOOD * [1, 0], {}, "column 1 of x is 0 in every point; .* drop the column"),
        (GOOD * [1, 0], GOOD, {}, "column 1 of x .* those of y lie elsewhere, and KL is infinite"),
        (GOOD, GOOD * [0, 1], {}, "column 0 of y .* those of x lie elsewhere, and KL is infinite"),
        (GOOD[:, 0], np.ones(20), {}, "y is 1 in every point; such points have no density"),
        (
            np.column_stack([GOOD, GOOD.sum(axis=1)]),
            np.column_stack([GOOD**2, (GOOD**2).sum(axis=1)]),
            {},
            "columns of x depend on each other linearly .* drop a column",
        ),
        (
            np.column_stack([GOOD, GOOD.sum(axis=1)]),
            np.random.default_rng(1).normal(size=(20, 3)),
            {},
            "columns of x depend on each other linearly .* those of y lie elsewhere",
        ),
        (
            np.random.default_rng(1).normal(size=(10, 10)),
            np.random.default_rng(2).normal(size=(10, 10)),
            {},
            "x has 10 points in 10 dimensions; pass more points than dimensions$",
        ),
        (
            np.random.default_rng(1).normal(size=(2, 10)),
            np.random.default_rng(2).normal(size=(2, 10)),
            {},
            r"x has 2 points in 10 dimensions; .* than dimensions, or np\.transpose\(x\) if the",
        ),
        (
            np.random.default_rng(1).normal(size=(2, 3)),
            np.random.default_rng(2).normal(size=(2, 3)),
            {},
            "x has 2 points in 3 dimensions; pass more points than dimensions and than k$",
        ),
        (np.repeat(GOOD[:4], 6, axis=0), GOOD, {}, r"5 or more other points of x equal x\[0\]"),
        (GOOD, np.repeat(GOOD[2:6], 5, axis=0), {}, r"5 or more points of y equal x\[2\]"),
        (GOOD.round(), GOOD, {"k": 1}, "1 or more other points of x equal .* kl_from_counts"),
    ],
)
def test_knn_errors_name_the_argument_the_place_and_the_remedy(x, y, options, message):
    with pytest.raises(DistributionError, match=message):
        kl_knn(x, y, **options)


def test_without_scipy_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.spatial", None)
    with pytest.raises(
        ImportError, match=r"^kl_lib.sampling.kl_knn needs scipy: .*kl-lib\[scipy\]"
    ):
        kl_knn(GOOD, GOOD + 1)


# Counts


def all_counts(probabilities, total):
    """Every way to draw `total` times, and how probable each is."""
    ways = [
        counts
        for counts in itertools.product(range(total + 1), repeat=len(probabilities))
        if sum(counts) == total
    ]
    return np.array(ways), stats.multinomial(total, probabilities).pmf(ways)


def moments(p, q, n, m, alpha):
    """Expectation and variance of the plug-in estimate over all pairs of counts, finite ones."""
    (a, weight_a), (b, weight_b) = all_counts(p, n), all_counts(q, m)
    p_hat = (a + alpha) / (n + alpha * len(p))
    q_hat = (b + alpha) / (m + alpha * len(q))
    finite = (q_hat > 0).all(axis=1)
    q_hat, weight_b = q_hat[finite], weight_b[finite] / weight_b[finite].sum()
    negative_entropy = np.where(p_hat > 0, p_hat * np.log(np.where(p_hat > 0, p_hat, 1)), 0)
    values = negative_entropy.sum(axis=1)[:, None] - p_hat @ np.log(q_hat).T
    mean = weight_a @ values @ weight_b
    return mean, weight_a @ (values - mean) ** 2 @ weight_b


CASES = [
    ([0.5, 0.3, 0.2], [0.3, 0.4, 0.3]),
    ([0.5, 0.3, 0.2], [0.5, 0.3, 0.2]),
    ([0.7, 0.3], [0.4, 0.6]),
]


@pytest.mark.parametrize("alpha", [0, 0.5, 1])
@pytest.mark.parametrize(("p", "q"), CASES)
def test_bias_and_variance_are_those_of_every_possible_pair_of_counts(p, q, alpha):
    """First order in the bias: the rest falls with the square of the number of samples."""
    p, q, rest = np.array(p), np.array(q), []
    for n, m in ((20, 25), (40, 50)):
        mean, variance = moments(p, q, n, m, alpha)
        bias, *variances = _delta_method(p, q, n, m, alpha)
        rest.append(abs(mean - float(kl.kl_divergence(p, q)) - bias))
        assert variance == pytest.approx(sum(variances), rel=8 / m)
    assert rest[1] < rest[0] / 2.5


@pytest.mark.parametrize("alpha", [0, 0.5, 2])
def test_the_closed_sums_are_the_matrices_of_the_delta_method(alpha):
    p, q, n, m = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5]), 37, 53
    total = np.array([n + 3 * alpha, m + 3 * alpha])
    gradient = np.concatenate([np.log(p / q) + 1, -p / q])
    hessian = np.block([[np.diag(1 / p), -np.diag(1 / q)], [-np.diag(1 / q), np.diag(p / q**2)]])
    covariance = np.zeros((6, 6))
    covariance[:3, :3] = (np.diag(p) - np.outer(p, p)) * n / total[0] ** 2
    covariance[3:, 3:] = (np.diag(q) - np.outer(q, q)) * m / total[1] ** 2
    shift = np.concatenate([(n * p + alpha) / total[0] - p, (m * q + alpha) / total[1] - q])
    curved = hessian @ covariance
    bias, first, second = _delta_method(p, q, n, m, alpha)
    assert bias == pytest.approx(gradient @ shift + np.trace(curved) / 2, rel=1e-10)
    assert first == pytest.approx(gradient @ covariance @ gradient, rel=1e-10)
    assert second == pytest.approx(np.trace(curved @ curved) / 2, rel=1e-10)


def test_bias_and_error_are_taken_at_the_smoothed_frequencies():
    estimate = kl_from_counts([50, 30, 20], [20, 30, 60], smoothing=2)
    p, q = np.array([52, 32, 22]) / 106, np.array([22, 32, 62]) / 116
    bias, first, second = _delta_method(p, q, 100, 110, 2)
    assert estimate.bias == pytest.approx(bias, rel=1e-12)
    # The first order at estimated frequencies is too large by twice the second.
    assert estimate.standard_error == pytest.approx(math.sqrt(first - second), rel=1e-12)
    alike = kl_from_counts([50, 30, 20], [50, 30, 20])
    assert alike.standard_error == pytest.approx(math.sqrt((3 - 1) / 2 * (2 / 100) ** 2))


def test_subtracting_the_bias_removes_most_of_it():
    p, q, n = np.array([0.6, 0.4]), np.array([0.5, 0.5]), 60
    (a, weight_a), (b, weight_b) = all_counts(p, n), all_counts(q, n)
    plain = corrected = variance = told = 0.0
    exact = float(kl.kl_divergence(p, q))
    for (x, u), (y, v) in itertools.product(
        zip(a, weight_a, strict=True), zip(b, weight_b, strict=True)
    ):
        if u * v < 1e-9:
            continue
        estimate = kl_from_counts(x, y)
        plain += u * v * estimate.value
        corrected += u * v * (estimate.value - estimate.bias)
        variance += u * v * estimate.value**2
        told += u * v * estimate.standard_error**2
    assert plain - exact == pytest.approx(1 / 60, rel=0.1)
    assert abs(corrected - exact) < 0.1 * (plain - exact)
    assert math.sqrt(told) == pytest.approx(math.sqrt(variance - plain**2), rel=0.1)


def test_the_value_is_the_divergence_of_the_frequencies():
    estimate = kl_from_counts([2, 5, 2, 1], [3, 4, 1, 2])
    exact = truth.kl([2, 5, 2, 1], [3, 4, 1, 2])
    assert truth.relative_error(estimate.value, exact) < 1e-14
    assert (estimate.count, estimate.count_q) == (10, 10)
    smooth = kl_from_counts([2, 5, 2, 1], [3, 4, 1, 2], smoothing=1)
    assert smooth.value == kl.kl_divergence([3, 6, 3, 2], [4, 5, 2, 3], normalize=True)
    bits = kl_from_counts([2, 5, 2, 1], [3, 4, 1, 2], base=2)
    for field in ("value", "bias", "standard_error"):
        assert getattr(bits, field) == pytest.approx(getattr(estimate, field) / math.log(2))


def test_without_smoothing_bias_is_the_formula_of_the_documentation():
    a, b = np.array([50, 30, 0, 20]), np.array([20, 30, 40, 10])
    p, q = a / 100, b / 100
    expected = (3 - 1) / 200 + (sum(p[i] / q[i] for i in (0, 1, 3)) - 1) / 200
    estimate = kl_from_counts(a, b)
    assert estimate.bias == pytest.approx(expected)
    # A category without counts in either changes nothing, nor does the order.
    longer = kl_from_counts(np.append(a, 0), np.append(b, 0))
    for field in ("value", "bias", "standard_error"):
        assert getattr(longer, field) == pytest.approx(getattr(estimate, field))
        assert getattr(kl_from_counts(a[::-1], b[::-1]), field) == pytest.approx(
            getattr(estimate, field)
        )


@pytest.mark.parametrize(
    ("q", "most"), [([0.3, 0.4, 0.3], 1.1), ([0.45, 0.33, 0.22], 1.2), ([0.5, 0.3, 0.2], 1.5)]
)
def test_the_standard_error_of_counts_holds_far_near_and_at_equality(q, most):
    """At equality the estimate has a chi-squared spread, and the error told is on the safe side."""
    rng, p = np.random.default_rng(0), [0.5, 0.3, 0.2]
    exact = float(kl.kl_divergence(p, q))
    estimates = [
        kl_from_counts(rng.multinomial(500, p), rng.multinomial(400, q)) for _ in range(400)
    ]
    errors = np.array([e.value - e.bias - exact for e in estimates])
    told = np.array([e.standard_error for e in estimates])
    assert np.mean(np.abs(errors) < 1.96 * told) > 0.92
    assert 0.9 < math.sqrt(np.mean(told**2)) / errors.std() < most


def test_an_empty_category_of_q_gives_inf_until_smoothing_is_chosen():
    infinite = kl_from_counts([3, 7, 12, 1], [4, 6, 0, 0])
    assert infinite.value == math.inf
    assert math.isnan(infinite.standard_error)
    assert infinite.bias is None
    assert said(infinite, "counts_q[2] is 0 where counts_p[2] is 12 (2 such in all)")
    smooth = kl_from_counts([3, 7, 12, 1], [4, 6, 0, 0], smoothing=0.5)
    assert smooth.value == pytest.approx(
        float(truth.kl([3.5, 7.5, 12.5, 1.5], [4.5, 6.5, 0.5, 0.5]))
    )
    assert math.isfinite(smooth.standard_error)
    other = float(truth.kl([3.25, 7.25, 12.25, 1.25], [4.25, 6.25, 0.25, 0.25]))
    assert said(smooth, f"so the smoothing decides: with 0.25 the estimate is {other:.3g}")
    plenty = kl_from_counts([30, 70, 100, 10], [40, 60, 0, 0], smoothing=0.5)
    assert said(plenty, "the smoothing decides")
    assert not said(plenty, "below 5")
    # Empty in both, or in p alone, is no obstacle.
    assert math.isfinite(kl_from_counts([3, 0, 0], [3, 4, 0]).value)


def test_counts_warn_of_small_counts_unseen_mass_and_bias():
    assert kl_from_counts([200, 500, 200, 100], [300, 400, 100, 200]).warnings == ()
    small = kl_from_counts([20, 30, 50], [60, 36, 4])
    assert said(small, "counts_q[2] is 4 where counts_p is not 0 (1 below 5 in all)")
    assert not said(kl_from_counts([20, 30, 50], [60, 35, 5]), "below 5")
    unseen = kl_from_counts([90, 1, 1, 1, 1, 1, 5], [50, 10, 10, 10, 10, 10, 10])
    assert said(unseen, "5 of the 100 draws") is False
    assert said(kl_from_counts([90, *[1] * 6, 5], [50, *[10] * 7]), "about 6 % of p has not")
    alike = kl_from_counts(np.full(50, 100), np.full(50, 100) + np.tile([-5, 5], 25))
    assert said(alike, "exceeds the standard error: use value - bias")


def test_series_are_paired_by_label():
    words = pd.Series(list("aabbbc")).value_counts()
    others = pd.Series(list("abcccc")).value_counts()
    exact = float(
        truth.kl([2, 3, 1], [1, 1, 4])
    )  # of a, b, c, whose orders are b, a, c and c, a, b
    assert list(words.index) != list(others.index)
    assert kl_from_counts(words, others).value == pytest.approx(exact)
    assert kl_from_counts(words.to_dict(), others.to_dict()).value == pytest.approx(exact)
    empty = kl_from_counts(words, pd.Series({"c": 3, "b": 0, "a": 1}))
    assert said(empty, "counts_q['b'] is 0 where counts_p['b'] is 3 (1 such in all)")
    with pytest.raises(
        DistributionError, match=r"'d' is in counts_q alone; .*kl_lib\.align"
    ) as caught:
        kl_from_counts(words, pd.Series({"d": 2, "a": 3}))
    assert (caught.value.kind, caught.value.argument) == ("labels", "counts_p and counts_q")


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        ([0.2, 0.8], [1, 2], {}, r"counts_p\[0\] is 0\.2; a count is a whole .* kl_divergence"),
        ([1, 2], [-1, 2], {}, r"counts_q\[0\] is -1; a count is a whole number of at least 0$"),
        (
            [1, np.nan],
            [1, 2],
            {},
            r"counts_p\[1\] is nan; .* A category that was not drawn has 0$",
        ),
        ([1, 2], [1, np.inf], {}, r"counts_q\[1\] is inf"),
        ([0, 0], [1, 2], {}, "counts_p sums to 0; nothing was counted"),
        ([1, 2, 3], [1, 2], {}, "counts_p has length 3 and counts_q 2"),
        ([[1, 2]], [[1, 2]], {}, r"counts_p has shape \(1, 2\); pass one count"),
        ([], [], {}, r"counts_p has shape \(0,\)"),
        (["a"], [1], {}, "counts_p holds text"),
        ([1, 2], [2, 1], {"smoothing": 0}, "smoothing is 0; pass a number above 0"),
        ([1, 2], [2, 1], {"smoothing": np.nan}, "smoothing is nan"),
        ([1, 2], [2, 1], {"smoothing": math.inf}, "smoothing is inf"),
        ([1, 2], [2, 1], {"smoothing": True}, "smoothing is True"),
        ([1, 2], [2, 1], {"smoothing": "half"}, "smoothing is 'half'"),
        ([1, 2], [2, 1], {"smoothing": [1, 2]}, r"smoothing is \[1, 2\]"),
        ([1, 2], [2, 1], {"base": 0}, "base is 0"),
    ],
)
def test_counts_errors_name_the_argument_the_place_and_the_remedy(a, b, options, message):
    with pytest.raises(DistributionError, match=message):
        kl_from_counts(a, b, **options)


def test_only_k1_has_no_bias_by_construction():
    assert monte_carlo(*NEAR, 50, 0).bias == 0
    assert monte_carlo(*NEAR, 50, 0, "k2").bias != 0
    assert monte_carlo(*NEAR, 50, 0, "k3").bias is None


def test_missing_counts_of_pandas_are_named_and_what_numpy_reads_is_read():
    for dtype in ("Int64", object):  # NumPy alone reads the second as objects
        counts = pd.Series([1, pd.NA], dtype=dtype)
        with pytest.raises(DistributionError, match=r"^counts_p\[1\] is nan"):
            kl_from_counts(counts, counts)

    class Arrow:  # pyarrow's arrays refuse what they would have to copy
        def to_numpy(self):
            raise ValueError("needs a copy")

        def __array__(self, dtype=None, copy=None):
            return np.array([10, 20])

    expected = kl_from_counts([10, 20], [20, 10]).value
    assert kl_from_counts(Arrow(), [20, 10]).value == expected
    assert kl_from_counts(np.array([10, 20], ml_dtypes.bfloat16), [20, 10]).value == expected


def test_a_list_of_words_stays_a_list():
    words, seen = ["a", "b", "a"], []

    def log_density(samples):
        seen.append(samples)
        return [0.0 for _ in samples]

    kl_monte_carlo(log_density, log_density, words)
    assert seen == [words, words]
    assert {type(samples) for samples in seen} == {list}


# Every warning, word for word


def of_ratios(log_ratios, estimator="k1", base=None):
    """The estimate for samples 0, 1, 2, ... at which log p − log q is given."""
    ratios = np.array(log_ratios)
    return kl_monte_carlo(
        lambda i: 0.0 * i, lambda i: -ratios[i], np.arange(len(ratios)), estimator=estimator,
        base=base,
    )  # fmt: skip


def counted(counts, p):
    """The estimate for samples 0, 1, 2, ..., each that often, of p against itself."""
    return kl_monte_carlo(table(p), table(p), np.repeat(np.arange(len(p)), counts))


ONE_LARGE = [0.02] * 7 + [10] + [0.02] * 92
NOT_P = "the samples are not drawn from p, or a density is not normalised"
RESTS = (
    "the standard error rests on about 1 of 100 samples, and one ratio, at samples[7], carries "
    "{} % of the sum; "
)
K2 = "k2 is biased however many samples there are: here it differs from k1, which is not, by "
LACKING = (
    "the mean of q/p over the samples is 0.5 ± 0, not 1. Either q has 0.5 of its mass where p has "
    "none, or too little for a sample to fall there: then {}. Or the samples do not follow p (cut "
    "by top-k or top-p, at another temperature, of another model) or a density is not normalised: "
    "then k1, k2 and k3 are all off. To tell, draw from p itself, uncut and at temperature 1, with "
    "both densities normalised: if the mean stays, it is the former"
)
NOT_THE_SHARE = (
    "the samples do not follow p: {} is {} % of them where p says {} % (over all values "
    "chi-squared is {} with {} degrees of freedom); draw from p itself, uncut (no top-k, no "
    "top-p) and at temperature 1, each draw independent of the others"
)
NO_ERROR = "20 points are too few for a standard error: a quarter of them must be more than k={}"
LINE = np.arange(200.0)
SPLIT = np.array([[3, 7, 10, 0], [9, 6, 0, 0]])


@pytest.mark.parametrize(
    ("estimate", "warnings"),
    [
        (
            lambda: of_ratios([0, math.inf, 0, math.inf]),
            [
                "log_q is -inf at 2 samples of 4 (the first: samples[1]): q has no mass where p "
                "has some, so KL is infinite (unless log_q is the log of a density that "
                "underflowed)"
            ],
        ),
        (
            lambda: of_ratios([-math.log(3)] * 30),
            [f"the mean of q/p over the samples is 3 but can be at most 1: {NOT_P}"],
        ),
        (
            lambda: of_ratios(np.log(np.where(np.arange(1000) < 5, 1 / 400, 1 / 1.2))),
            [f"the estimate is negative by more than its noise: {NOT_P}"],
        ),
        (
            lambda: of_ratios([-math.log(1.5)] * 30),
            [f"the mean of q/p over the samples is 1.5 but can be at most 1: {NOT_P}"],
        ),
        (
            lambda: kl_monte_carlo(
                lambda i: 0.0 * i + 1e308, lambda i: 0.0 * i - 1e308, np.arange(30)
            ),
            ["a term overflows: log p - log q reaches inf"],
        ),
        (
            lambda: of_ratios([0.1, -0.1] * 50, "k2"),
            [K2 + "+0.005 ± 0.01"],
        ),
        (
            lambda: of_ratios([0.1, -0.1] * 50, "k2", base=0.5),
            [K2 + "-0.0072 ± 0.01"],
        ),
        (
            lambda: of_ratios([math.log(2)] * 29, "k3"),
            [
                "29 samples are few: the standard error is itself uncertain",
                LACKING.format("k3 is too small by 0.5 and k1 is right"),
            ],
        ),
        (
            lambda: of_ratios([math.log(2)] * 30, "k3", base=2),
            [LACKING.format("k3 is too small by 0.72 and k1 is right")],
        ),
        (lambda: of_ratios([math.log(2)] * 30), [LACKING.format("k1 is right")]),
        (
            lambda: of_ratios([math.log(2)] * 30, "k2"),
            [LACKING.format("k2 is no worse for it"), K2 + "-0.45 ± 2e-17"],
        ),
        (
            lambda: counted([300, 500, 200], [0.2, 0.5, 0.3]),
            [NOT_THE_SHARE.format("0, as in samples[0],", 30, 20, 81, 2)],
        ),
        (
            lambda: counted([300, 700, 0], [0.3, 0.5, 0.2]),
            [NOT_THE_SHARE.format("what is rarer", 0, 20, 471, 2)],
        ),
        (
            lambda: of_ratios([0] * 29 + [1e200], "k2"),
            ["a term overflows: log p - log q reaches 1e+200"],
        ),
        (
            lambda: of_ratios(ONE_LARGE),
            [RESTS.format(83) + "p may have much heavier tails than q, and KL may be infinite"],
        ),
        (
            lambda: of_ratios(np.array(ONE_LARGE) / 20),
            [RESTS.format(83) + "p may have much heavier tails than q, and KL may be infinite"],
        ),
        (
            lambda: of_ratios([5] * 7 + [6] + [5] * 92),
            [RESTS.format(1) + "p may have much heavier tails than q, and KL may be infinite"],
        ),
        (lambda: of_ratios([1e6] * 40 + [1e6 + 1e-8]), []),
        (
            lambda: of_ratios(ONE_LARGE, "k2"),
            [RESTS.format(100) + "use k1", K2 + "+0.38 ± 0.4"],
        ),
        (
            lambda: of_ratios(ONE_LARGE, "k3"),
            [
                RESTS.format(100)
                + "its variance may be infinite, and more samples then do not help: use k1"
            ],
        ),
        (
            lambda: kl_knn(LINE[:20] + 0.3, LINE[:20]),
            ["20 points are few: the bias can be as large as the value", NO_ERROR.format(5)],
        ),
        (
            lambda: kl_knn(LINE[:20] + 0.3, LINE[:40], k=6),
            [
                "20 points are few: the bias can be as large as the value", NO_ERROR.format(6),
            ],
        ),
        (
            lambda: kl_knn(*clouds(stats.norm(0), stats.norm(0.2), 1000, 0, 10), subsamples=0),
            [
                "1000 points in 10 dimensions are 2.0 along each axis: the nearest neighbours are "
                "not near, and the estimate is mostly too small"
            ],
        ),
        (
            lambda: kl_knn(np.append(LINE[:40] + 0.3, LINE[:160] ** 2 + 1e4), LINE, subsamples=0),
            [
                "80 % of the points of x lie farther from y than 99 % of y's own do: q has few "
                "points or none where p has mass; the estimate is too small, KL may be infinite"
            ],
        ),
        (
            lambda: kl_knn(np.append(LINE[:140], LINE[:60]) + 0.3, LINE, subsamples=0),
            [
                "60 % of the points of x are equal to another: rounded, repeated or discrete data "
                "bias the estimate"
            ],
        ),
        (
            lambda: kl_knn(np.append(LINE[:197] + 0.3, LINE[50:53]), LINE, subsamples=0),
            [
                "2 % of the points of x are points of y too: x and y must be drawn independently, "
                "or the data are rounded"
            ],
        ),
        (
            lambda: kl_knn(LINE**1.5, LINE**1.5),
            [
                "100 % of the points of x are points of y too: x and y must be drawn "
                "independently, or the data are rounded",
                "the estimate is negative by more than its noise, which KL is not: x and y are not "
                "independent, or the points are not independent of each other",
            ],
        ),
        (
            lambda: kl_from_counts([3, 7, 12, 1, 0], [4, 6, 0, 0, 0]),
            [
                "counts_q[2] is 0 where counts_p[2] is 12 (2 such in all): the estimate is "
                "infinite, the true KL need not be; merge categories, draw more, or choose "
                "smoothing=0.5, say"
            ],
        ),
        (
            lambda: kl_from_counts(*SPLIT, smoothing=0.5, base=2),
            [
                "counts_q[2] is 0 where counts_p is not (1 such in all), so the smoothing "
                "decides: with 0.25 the estimate is "
                f"{kl.kl_divergence(SPLIT[0] + 0.25, SPLIT[1] + 0.25, base=2, normalize=True):.3g}"
                ", with 0.5 it is "
                f"{kl.kl_divergence(SPLIT[0] + 0.5, SPLIT[1] + 0.5, base=2, normalize=True):.3g}"
            ],
        ),
        (
            lambda: kl_from_counts([40, 1, 50, 0], [30, 1, 4, 3]),
            [
                "counts_q[1] is 1 where counts_p is not 0 (2 below 5 in all): bias and standard "
                "error are rough"
            ],
        ),
        (
            lambda: kl_from_counts([8] + [1] * 12, [50] + [5] * 12, base=2),
            [
                "12 of the 20 draws from p fell into a category of their own, so about 60 % of p "
                "has not been seen: the bias is larger than said",
                "the bias, +0.52, exceeds the standard error: use value - bias",
            ],
        ),
        (lambda: kl_from_counts([5], [7]), []),
    ],
)  # fmt: skip
def test_every_warning_says_this_and_nothing_is_added(estimate, warnings):
    assert list(estimate().warnings) == warnings


# The estimate


def test_an_estimate_is_a_frozen_number_with_a_readable_name():
    estimate = Estimate(0.81815, 0.0091, 5000, 400, bias=0.01234, warnings=("a", "b"), method="m")
    assert float(estimate) == 0.81815
    assert repr(estimate) == (
        "Estimate(0.8182 ± 0.0091 nats; m; bias +0.012; 5000 and 400 samples)\n"
        "  warning: a\n  warning: b"
    )
    with pytest.raises(AttributeError):
        estimate.value = 1.0


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (math.inf, math.nan, "inf ± nan"),
        (123.456, 20.0, "123 ± 20"),
        (12345.6, 2000.0, "1.235e+04 ± 2e+03"),
        (1e-12, 1e-13, "1e-12 ± 1e-13"),
        (0.5, 0.0, "0.5 ± 0"),
        (0.5, math.inf, "0.5 ± inf"),
        (0.49712, 0.0123, "0.497 ± 0.012"),
        (5.3, 12.0, "5 ± 12"),
        (0.123456789, 1.2e-7, "0.12345679 ± 0.00000012"),
        (0.123456789, 1.2e-8, "0.1235 ± 1.2e-08"),
    ],
)
def test_an_estimate_shows_the_digits_its_error_allows(value, error, shown):
    assert repr(Estimate(value, error, 10)) == f"Estimate({shown} nats; 10 samples)"


@pytest.mark.parametrize(
    ("base", "unit"), [(None, "nats"), (2, "bits"), (10, "bans"), (3, "units of log 3")]
)
def test_an_estimate_names_its_unit(base, unit):
    assert f" {unit};" in repr(kl_from_counts([10, 20], [20, 10], base=base))


def test_an_estimate_names_its_method():
    assert kl_from_counts([10, 20], [20, 10]).method == "plug-in"
    assert kl_from_counts([10, 20], [20, 0]).method == "plug-in"
    assert kl_from_counts([10, 20], [20, 10], smoothing=0.5).method == "plug-in, smoothing=0.5"
    assert monte_carlo(*NEAR, 50, 0, "k3").method == "k3"
    assert of_ratios([0, math.inf], "k2").method == "k2"
    nearest = kl_knn(*clouds(*NEAR, 200, 0), k=3)
    assert nearest.method == "3 nearest neighbours, ± without the bias"


def k3_of_normals(distance, count, sets, base=None):
    """k3 of samples of N(0, 1) against N(distance, 1), whose KL is distance²/2."""
    for seed in range(sets):
        x = np.random.default_rng(seed).normal(size=count)
        p, q = stats.norm(0, 1), stats.norm(distance, 1)
        yield kl_monte_carlo(p.logpdf, q.logpdf, x, estimator="k3", base=base)


@pytest.mark.parametrize("distance", [5, 8])
def test_k3_says_what_it_lacks_where_q_lies_beyond_the_samples(distance):
    off = 0
    for estimate in k3_of_normals(distance, 1000, 50):
        if abs(estimate.value - distance**2 / 2) > 3 * estimate.standard_error:
            off += 1
            assert any("far from 1" in text for text in estimate.warnings)
    assert off > 25


def test_the_lack_of_k3_is_in_the_unit_of_the_estimate():
    (estimate,) = k3_of_normals(8, 1000, 1, base=2)
    assert "too small by about 1.4 for it" in estimate.warnings[-1]  # 1 nat


@pytest.mark.parametrize("distance", [0.1, 0.5, 1])
def test_k3_of_distributions_that_overlap_lacks_nothing(distance):
    for estimate in k3_of_normals(distance, 1000, 50):
        assert not any("far from 1" in text for text in estimate.warnings)
