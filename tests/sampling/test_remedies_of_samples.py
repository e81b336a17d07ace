"""Every remedy that a message of kl_lib.sampling gives, followed to the letter.

Code that a message shows is taken out of it and run.
"""

import math
import re

import numpy as np
import pandas as pd
import pytest
import truth
from scipy import stats
from scipy.spatial import distance

import kl_lib
from kl_lib import DistributionError
from kl_lib.sampling import kl_from_counts, kl_knn, kl_monte_carlo

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 2)), RNG.normal(0.5, 2, size=(45, 2))
LOG_P, LOG_Q = stats.norm(0, 1).logpdf, stats.norm(1, 1).logpdf
DRAWS = RNG.normal(size=500)
MEAN = float(np.mean(LOG_P(DRAWS) - LOG_Q(DRAWS)))


def message(call, *arguments, **options):
    with pytest.raises(DistributionError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def code(text, pattern):
    """The code in a message; the pattern is what it looks like."""
    found = re.search(pattern, text)
    assert found, text
    return found.group()


def run(source, **names):
    return eval(source, {"np": np, "kl_lib": kl_lib, **names})


def nearest(x, y, k=5):
    """The estimator from its definition, by all pairs."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    x, y = x.reshape(len(x), -1), y.reshape(len(y), -1)
    rho = np.sort(distance.cdist(x, x))[:, k]
    nu = np.sort(distance.cdist(x, y))[:, k - 1]
    return x.shape[1] * np.mean(np.log(nu / rho)) + math.log(len(y) / (len(x) - 1))


# Points


def test_points_in_columns_are_turned_as_the_message_says():
    for x, y in ((X.T, Y.T), (X.T.tolist(), Y.T.tolist())):
        turn = code(message(kl_knn, x, y), r"np\.transpose\(x\)")
        found = kl_knn(run(turn, x=x), run(turn.replace("(x)", "(y)"), y=y)).value
        assert found == pytest.approx(nearest(X, Y), rel=1e-12)
    # Where it would not help it is not said.
    assert "transpose" not in message(kl_knn, X[:5], Y)
    assert "transpose" not in message(kl_knn, RNG.normal(size=(10, 10)), RNG.normal(size=(10, 10)))
    assert "transpose" not in message(kl_knn, RNG.normal(size=(3, 4)), RNG.normal(size=(9, 4)))


def test_a_k_as_large_as_the_message_allows_is_allowed():
    few = message(kl_knn, X[:4], Y)
    k = int(re.search(r"at most (\d+)", few).group(1))
    assert kl_knn(X[:4], Y, k=k).value == pytest.approx(nearest(X[:4], Y, k), rel=1e-12)
    assert "smaller" not in message(kl_knn, [1.0], Y[:, 0])


def test_masked_points_are_left_out_as_the_message_says():
    mask = np.zeros(X.shape, bool)
    mask[3, 1] = mask[7, 0] = True
    masked = np.ma.masked_array(X, mask)
    rest = run(code(message(kl_knn, masked, Y), r"np\.ma\.compress_rows\(x\)"), x=masked)
    kept = np.delete(X, [3, 7], axis=0)
    assert kl_knn(rest, Y).value == pytest.approx(nearest(kept, Y), rel=1e-12)
    line = np.ma.masked_array(X[:, 0], mask[:, 0])
    rest = run(code(message(kl_knn, line, Y[:, 0]), r"x\.compressed\(\)"), x=line)
    expected = nearest(np.delete(X[:, 0], 7), Y[:, 0])
    assert kl_knn(rest, Y[:, 0]).value == pytest.approx(expected, rel=1e-12)


def test_points_that_are_not_finite_are_dropped():
    bad = np.where(X[3, 1] == X, np.nan, X)
    assert "drop the points that are not finite" in message(kl_knn, bad, Y)
    found = kl_knn(bad[np.isfinite(bad).all(axis=1)], Y).value
    assert found == pytest.approx(nearest(np.delete(X, 3, axis=0), Y), rel=1e-12)


def test_a_constant_column_is_dropped_from_both_and_only_where_it_is_in_both():
    x, y = (np.insert(points, 1, 7.0, axis=1) for points in (X, Y))
    drop = code(message(kl_knn, x, y), r"np\.delete\(x, 1, axis=1\)")
    found = kl_knn(run(drop, x=x), run(drop.replace("(x", "(y"), y=y)).value
    assert found == pytest.approx(nearest(X, Y), rel=1e-12)
    # 7 in one and anything in the other: no density has mass where the other is.
    for pair in ((x, np.insert(Y, 1, 8.0, axis=1)), (x, np.insert(Y, 1, Y[:, 0] ** 2, axis=1))):
        assert message(kl_knn, *pair).endswith("KL is infinite")
        assert message(kl_knn, *pair[::-1]).endswith("KL is infinite")


def test_a_column_that_others_tell_is_dropped_from_both():
    x, y = (np.column_stack([points, 1 - points.sum(axis=1)]) for points in (X, Y))
    assert "drop a column, in x and y" in message(kl_knn, x, y)
    assert kl_knn(x[:, :2], y[:, :2]).value == pytest.approx(nearest(X, Y), rel=1e-12)
    assert message(kl_knn, x, np.column_stack([Y, Y[:, 0] ** 2])).endswith("KL is infinite")
    assert message(kl_knn, x, y + np.array([0, 0, 1])).endswith(
        "KL is infinite"
    )  # a parallel plane


def test_rounded_points_get_noise_as_wide_as_the_rounding():
    x, y = RNG.normal(0, 1, 2000), RNG.normal(1, 1, 2000)
    assert "add noise as wide as the rounding" in message(kl_knn, x.round(1), y.round(1))
    noisy = (points.round(1) + RNG.uniform(-0.05, 0.05, 2000) for points in (x, y))
    result = kl_knn(*noisy)
    assert abs(result.value - 0.5) < 4 * result.standard_error


def test_repeated_categories_are_counted():
    x, y = RNG.choice(4, 400, p=[0.4, 0.3, 0.2, 0.1]), RNG.choice(4, 400)
    assert "for categories use kl_from_counts" in message(kl_knn, x, y)
    a, b = np.bincount(x), np.bincount(y)
    assert kl_from_counts(a, b).value == pytest.approx(float(truth.kl(a, b)), rel=1e-12)


def test_names_of_columns_are_matched_or_dropped():
    x, y = pd.DataFrame(X, columns=["a", "b"]), pd.DataFrame(Y, columns=["b", "c"])
    text = message(kl_knn, x, y)
    assert "'c' is not among both; give both the same columns, in any order, or drop" in text
    renamed = y.rename(columns={"c": "a"})
    assert kl_knn(x, renamed).value == pytest.approx(nearest(X, Y[:, ::-1]), rel=1e-12)
    assert kl_knn(np.asarray(x), np.asarray(y)).value == pytest.approx(nearest(X, Y), rel=1e-12)


@pytest.mark.parametrize(
    ("options", "followed"),
    [
        ({"k": 0}, {"k": 1}),
        ({"k": "5"}, {"k": 5}),
        ({"subsamples": 1}, {"subsamples": 2}),
        ({"subsamples": 1}, {"subsamples": 0}),
        ({"subsamples": -3}, {"subsamples": 0}),
    ],
)
def test_options_of_kl_knn(options, followed):
    assert "at least" in message(kl_knn, X, Y, **options)
    expected = nearest(X, Y, followed.get("k", 5))
    assert kl_knn(X, Y, **followed).value == pytest.approx(expected, rel=1e-12)


# Samples of p


def test_numbers_there_already_are_wrapped_as_the_message_says():
    log_p, log_q = LOG_P(DRAWS), LOG_Q(DRAWS)
    first = run(code(message(kl_monte_carlo, log_p, log_q, DRAWS), r"lambda x: log_p"), log_p=log_p)
    text = message(kl_monte_carlo, first, log_q, DRAWS)
    second = run(code(text, r"lambda x: log_q"), log_q=log_q)
    assert kl_monte_carlo(first, second, DRAWS).value == pytest.approx(MEAN, rel=1e-12)
    assert "lambda" not in message(kl_monte_carlo, None, LOG_Q, DRAWS)


def test_coordinates_are_added_up():
    x = RNG.normal(size=(500, 2))
    text = message(kl_monte_carlo, LOG_P, LOG_Q, x)
    assert "shape (500,). For samples that are vectors, that is the sum over the coor" in text
    result = kl_monte_carlo(lambda x: LOG_P(x).sum(axis=-1), lambda x: LOG_Q(x).sum(axis=-1), x)
    assert abs(result.value - 1) < 4 * result.standard_error


def test_logpdf_does_not_underflow_where_the_log_of_pdf_does():
    p, q, x = stats.norm(0, 1), stats.norm(50, 1), np.append(DRAWS, 40.0)
    with np.errstate(divide="ignore"):
        text = message(kl_monte_carlo, lambda x: np.log(p.pdf(x)), q.logpdf, x)
    assert "logpdf, not the log of pdf" in text
    expected = np.mean(50 * (50 - 2 * x) / 2)
    assert kl_monte_carlo(p.logpdf, q.logpdf, x).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "told", "followed"),
    [
        (
            lambda: kl_monte_carlo(LOG_P, LOG_Q, DRAWS, estimator="k4"),
            "pass 'k1', 'k2' or 'k3'",
            lambda: kl_monte_carlo(LOG_P, LOG_Q, DRAWS, estimator="k1"),
        ),
        (
            lambda: kl_monte_carlo(LOG_P, LOG_Q, DRAWS, base=1),
            "None for nats",
            lambda: kl_monte_carlo(LOG_P, LOG_Q, DRAWS, base=None),
        ),
        (
            lambda: kl_monte_carlo(LOG_P, LOG_Q, 0.5),
            "as in [x1, x2, ...]",
            lambda: kl_monte_carlo(LOG_P, LOG_Q, [*DRAWS]),
        ),
        (
            lambda: kl_monte_carlo(LOG_P, LOG_Q, DRAWS[:1]),
            "pass at least 2",
            lambda: kl_monte_carlo(LOG_P, LOG_Q, DRAWS),
        ),
        (
            lambda: kl_monte_carlo(lambda x: np.ma.masked_array(LOG_P(x), x > 1), LOG_Q, DRAWS),
            "return a log density for every sample",
            lambda: kl_monte_carlo(LOG_P, LOG_Q, DRAWS),
        ),
        (
            lambda: kl_monte_carlo(
                lambda x: pd.Series(LOG_P(x)), lambda x: pd.Series(LOG_Q(x), x.round(9)), DRAWS
            ),
            "return one log density for each sample, labelled alike or as arrays",
            lambda: kl_monte_carlo(
                lambda x: pd.Series(LOG_P(x)), lambda x: pd.Series(LOG_Q(x)), DRAWS
            ),
        ),
        (
            lambda: kl_monte_carlo(lambda x: x * np.nan, LOG_Q, DRAWS),
            "a log density is finite, or -inf where there is no mass",
            lambda: kl_monte_carlo(LOG_P, LOG_Q, DRAWS),
        ),
    ],
)
def test_errors_of_kl_monte_carlo(call, told, followed):
    assert told in message(call)
    assert followed().value == pytest.approx(MEAN, rel=1e-12)


def test_k1_is_what_the_warnings_of_k2_and_k3_say_it_is():
    p, q = stats.norm(2, 0.5), stats.norm(1, 1)  # KL 0.8181
    x = p.rvs(1000, random_state=np.random.default_rng(0))
    for estimator in ("k2", "k3"):
        [*_, text] = kl_monte_carlo(p.logpdf, q.logpdf, x, estimator=estimator).warnings
        assert "use k1" in text or "differs from k1, which is not" in text
    k1 = kl_monte_carlo(p.logpdf, q.logpdf, x)
    assert abs(k1.value - kl_lib.kl_normal(2, 0.5, 1, 1)) < 4 * k1.standard_error
    assert not k1.warnings


def test_samples_that_do_not_follow_p_are_drawn_again():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])

    def estimate(drawn, seed=0):
        samples = np.random.default_rng(seed).choice(3, 2000, p=drawn)
        return kl_monte_carlo(lambda i: np.log(p)[i], lambda i: np.log(q)[i], samples)

    cut = estimate([0.625, 0.375, 0])
    assert "draw from p itself, uncut (no top-k, no top-p)" in cut.warnings[0]
    assert abs(cut.value - float(truth.kl(p, q))) > 10 * cut.standard_error
    again = estimate(p)
    assert abs(again.value - float(truth.kl(p, q))) < 4 * again.standard_error
    assert not again.warnings


# Counts


def counts_error(p, q, **options):
    return message(kl_from_counts, p, q, **options)


def test_probabilities_and_weights_go_where_the_message_says():
    for p, q in (([0.2, 0.8], [0.5, 0.5]), ([0.2, 0.8], [1, 2]), ([1, 2], [0.5, 2.5])):
        call = code(counts_error(p, q), r"kl_divergence\(.*\)")
        found = run(call, kl_divergence=kl_lib.kl_divergence, counts_p=p, counts_q=q)
        assert truth.relative_error(found, truth.kl(p, q)) < 1e-14
    for wrong in ([-1, 2], [np.nan, 2], [np.inf, 2], [-0.5, 1.5]):
        assert "kl_divergence" not in counts_error(wrong, [1, 2])
    assert counts_error([np.nan, 2], [1, 2]).endswith("A category that was not drawn has 0")
    assert kl_from_counts([0, 2], [1, 2]).value == pytest.approx(math.log(1.5))


def test_masked_counts_are_filled_as_the_message_says():
    masked = np.ma.masked_array([3, 7, 9], [False, False, True])
    filled = run(code(counts_error(masked, [4, 6, 1]), r"counts_p\.filled\(0\)"), counts_p=masked)
    found = kl_from_counts(filled, [4, 6, 1]).value
    assert truth.relative_error(found, truth.kl([3, 7, 0], [4, 6, 1])) < 1e-14


def test_text_is_converted_as_the_message_says():
    words = ["3", "7"]
    numbers = run(code(counts_error(words, [5, 5]), r"np\.asarray\(.*?\)"), counts_p=words)
    assert kl_from_counts(numbers, [5, 5]).value == pytest.approx(float(truth.kl([3, 7], [5, 5])))


def test_counts_with_other_names_are_aligned_as_the_message_says():
    p, q = pd.Series({"a": 5, "b": 5}), pd.Series({"b": 2, "c": 4, "a": 2})
    source = code(counts_error(p, q), r"kl_lib\.align\(.*?\)")
    for one, other in ((p, q), (p.to_dict(), q.to_dict())):
        a, b = run(source, counts_p=one, counts_q=other)
        assert kl_from_counts(a, b).value == pytest.approx(math.log(2))
    # Where q lacks one that p has, KL of the counts is infinite, which a warning mends.
    a, b = run(source, counts_p=q, counts_q=p)
    infinite = kl_from_counts(a, b)
    assert "choose smoothing=0.5, say" in infinite.warnings[0]
    option = code(infinite.warnings[0], r"smoothing=0\.5")
    found = kl_from_counts(a, b, **run(f"dict({option})")).value
    assert truth.relative_error(found, truth.kl([2.5, 4.5, 2.5], [5.5, 0.5, 5.5])) < 1e-14


@pytest.mark.parametrize("smoothing", [0, -1, "half", math.inf])
def test_smoothing_is_above_0_or_none(smoothing):
    assert "pass a number above 0 to add to every count, or None" in counts_error(
        [3, 7], [5, 5], smoothing=smoothing
    )
    plain = kl_from_counts([3, 7], [5, 5], smoothing=None).value
    assert truth.relative_error(plain, truth.kl([3, 7], [5, 5])) < 1e-14
    smooth = kl_from_counts([3, 7], [5, 5], smoothing=2).value
    assert truth.relative_error(smooth, truth.kl([5, 9], [7, 7])) < 1e-14


def test_tables_of_counts_are_compared_row_by_row_with_one_count_for_each_category():
    table = [[3, 7], [4, 6]]
    assert "one row against another at a time" in counts_error(table, table)
    found = kl_from_counts(*table).value
    assert truth.relative_error(found, truth.kl(*table)) < 1e-14
    assert "0 where it was not drawn" in counts_error([3, 7], [4, 6, 1])
    found = kl_from_counts([3, 7, 0], [4, 6, 1]).value
    assert truth.relative_error(found, truth.kl([3, 7, 0], [4, 6, 1])) < 1e-14


def test_value_less_bias_is_nearer_the_truth_where_the_warning_says_to_use_it():
    p = np.full(50, 1 / 50)
    plain, less = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        result = kl_from_counts(rng.multinomial(5000, p), rng.multinomial(5000, p))
        assert any("use value - bias" in text for text in result.warnings)
        plain.append(result.value)
        less.append(result.value - result.bias)
    assert abs(np.mean(less)) < 0.1 * np.mean(plain)
