"""Entropy and mutual information from counts: against published forms and exact expectations."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from scipy import stats
from sklearn.metrics.cluster import expected_mutual_information

import kl_lib as kl
from kl_lib.sampling import counts

METHODS = "plug-in", "miller-madow", "grassberger", "chao-shen"
COUNTS = [4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1]


def value(given, method):
    return kl.entropy_from_counts(given, method=method).value


def expectation(p, n, method):
    """Over all samples of n draws, each with its multinomial probability."""
    samples = [x for x in itertools.product(range(n + 1), repeat=len(p)) if sum(x) == n]
    chances = stats.multinomial(n, p).pmf(samples)
    return math.fsum(c * value(x, method) for c, x in zip(chances, samples, strict=True))


def test_grassbergers_g_is_that_of_his_recurrence():
    """G(1) = −γ − log 2, G(2) = 2 − γ − log 2, G(2n+1) = G(2n), G(2n+2) = G(2n) + 2/(2n+1)."""
    start = -np.euler_gamma - math.log(2)
    g = [math.nan, start, 2 + start]
    for n in range(1, 50):
        g += [g[-1], g[-1] + 2 / (2 * n + 1)]
    for n in range(1, 100):
        assert value([n], "grassberger") == pytest.approx(math.log(n) - g[n], abs=1e-13)
    total = math.log(19) - sum(n * g[n] for n in COUNTS if n) / 19
    assert value(COUNTS, "grassberger") == pytest.approx(total, rel=1e-14)


def test_grassberger_leaves_of_a_poisson_count_what_he_says():
    """E[k·G(k)] = λ·(log λ + E₁(2λ)), his equation for the remaining bias."""
    for rate in (0.5, 2, 7):
        k = np.arange(1, 80)
        g = np.array([math.log(n) - value([int(n)], "grassberger") for n in k])
        found = stats.poisson(rate).pmf(k) @ (k * g)
        assert found == pytest.approx(
            rate * (math.log(rate) + float(mpmath.e1(2 * rate))), rel=1e-9
        )


def test_chao_and_shen_by_their_formula_in_mpmath():
    n, once = 19, 2
    p = [(1 - mpmath.mpf(once) / n) * x / n for x in COUNTS if x]
    exact = -mpmath.fsum(x * mpmath.log(x) / (1 - (1 - x) ** n) for x in p)
    assert value(COUNTS, "chao-shen") == pytest.approx(float(exact), rel=1e-13)
    # Of what is certain, and of draws that are all different, a number.
    assert value([5], "chao-shen") == value([1], "chao-shen") == 0
    assert math.isfinite(value([1, 1, 1], "chao-shen"))


@pytest.mark.parametrize("p", [[0.5, 0.3, 0.2], [0.25, 0.25, 0.25, 0.25]])
def test_expectations_over_all_small_samples(p):
    exact, n = float(kl.entropy(p)), 12
    bias = {method: expectation(p, n, method) - exact for method in METHODS}
    assert bias["plug-in"] == pytest.approx(-(len(p) - 1) / (2 * n), rel=0.25)
    for method, left in (("miller-madow", 0.25), ("chao-shen", 0.5)):
        assert abs(bias[method]) < left * abs(bias["plug-in"])
    told = kl.entropy_from_counts([6, 6], method="grassberger").bias
    assert told == pytest.approx(1 / (2 * n), rel=0.02)
    assert bias["grassberger"] == pytest.approx(told, abs=0.001)


def test_the_bias_of_the_plug_in_is_its_first_order():
    found = kl.entropy_from_counts([200, 500, 200, 100], base=2)
    assert found.bias == pytest.approx(-3 / 2000 / math.log(2), rel=1e-14)
    assert found.value - found.bias == pytest.approx(
        kl.entropy_from_counts([200, 500, 200, 100], method="miller-madow", base=2).value
    )
    assert all(
        kl.entropy_from_counts(COUNTS, method=method).bias is None
        for method in ("miller-madow", "chao-shen")
    )


@pytest.mark.parametrize("p", [[0.6, 0.3, 0.1], [0.25] * 4])
@pytest.mark.parametrize("method", METHODS)
def test_the_standard_error_is_the_spread(p, method):
    samples = np.random.default_rng(1).multinomial(300, p, size=2000)
    found = [kl.entropy_from_counts(x, method=method) for x in samples]
    spread = np.std([x.value for x in found])
    assert np.mean([x.standard_error for x in found]) == pytest.approx(spread, rel=0.25)


def test_ten_thousand_independent_pairs_in_a_thousand_bins():
    """6.5 bits of plug-in where the truth is 0: told, and taken away."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(1000, size=(2, 10_000))
    table = np.zeros((1000, 1000), int)
    np.add.at(table, tuple(pairs), 1)
    found = kl.mutual_information_from_counts(table, base=2)
    assert found.value == pytest.approx(6.5, abs=0.1)
    assert abs(found.value - found.bias) < 0.02
    assert any("independent variables" in text for text in found.warnings)


def test_the_mean_over_tables_with_these_sums_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    for shape in ((3, 4), (20, 20)):
        table = rng.poisson(1.0, size=shape) + np.eye(*shape, dtype=int)
        n = int(table.sum())
        found = counts._independent(table.sum(1).astype(float), table.sum(0).astype(float), n)
        assert found == pytest.approx(expected_mutual_information(table, n), rel=1e-9)


def test_the_bias_of_mutual_information_over_all_small_tables():
    """Of independent pairs: the expectation of the plug-in against (r − 1)(c − 1)/(2n)."""
    p, n = np.outer([0.5, 0.5], [0.4, 0.6]).ravel(), 20
    samples = [x for x in itertools.product(range(n + 1), repeat=4) if sum(x) == n]
    chances = stats.multinomial(n, p).pmf(samples)
    found = [kl.mutual_information_from_counts(np.reshape(x, (2, 2))).value for x in samples]
    assert chances @ found == pytest.approx(1 / (2 * n), rel=0.15)  # the second order is 12 %
    found = kl.mutual_information_from_counts([[30, 10], [20, 40]])
    assert found.bias == 1 / 200
    assert found.value == kl.mutual_information([[30, 10], [20, 40]], normalize=True)
    # Rows and columns without a count are none.
    same = kl.mutual_information_from_counts([[30, 0, 10], [0, 0, 0], [20, 0, 40]])
    assert same == found


def test_the_standard_error_of_mutual_information_is_the_spread():
    rng = np.random.default_rng(3)
    for p in ([0.3, 0.1, 0.2, 0.4], [0.25] * 4):
        samples = rng.multinomial(400, p, size=2000).reshape(-1, 2, 2)
        found = [kl.mutual_information_from_counts(x) for x in samples]
        spread = np.std([x.value for x in found])
        assert np.mean([x.standard_error for x in found]) == pytest.approx(spread, rel=0.25)


def test_one_row_has_no_information_and_no_error():
    found = kl.mutual_information_from_counts([[3, 2, 1]])
    assert (found.value, found.standard_error, found.bias) == (0, 0, 0)


@pytest.mark.parametrize("draws", [[10] * 10, [50, 50], [1, 7, 400], [3]])
def test_the_standard_error_where_one_variable_tells_the_other_is_that_of_the_entropy(draws):
    """Mutual information is the entropy then, also where the first order vanishes."""
    found = kl.mutual_information_from_counts(np.diag(draws))
    entropy = kl.entropy_from_counts(draws)
    assert found.standard_error == pytest.approx(entropy.standard_error, rel=1e-6, abs=1e-12)


def test_warnings_say_what_was_not_seen():
    assert "chao-shen" in kl.entropy_from_counts([1, 1, 1, 5]).warnings[0]
    assert kl.entropy_from_counts([500, 500], method="grassberger").warnings == ()
    for method in METHODS:
        assert "draw more" in kl.entropy_from_counts([1, 1, 1], method=method).warnings[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, -1], "whole number of at least 0"),
        ([0.5, 0.5], r"use entropy\(counts, normalize=True\)"),
        ([0, 0], "sums to 0"),
        ([[1, 2], [3, 4]], "one row at a time"),
        ([], "one count for each category"),
    ],
)
def test_what_are_no_counts_is_refused(given, message):
    with pytest.raises(kl.DistributionError, match=message) as caught:
        kl.entropy_from_counts(given)
    assert caught.value.argument == "counts"


def test_what_is_no_table_or_no_method_is_refused():
    with pytest.raises(kl.DistributionError, match=r"shape \(rows, columns\)"):
        kl.mutual_information_from_counts([1, 2])
    with pytest.raises(kl.DistributionError, match=r"use mutual_information\(table"):
        kl.mutual_information_from_counts([[0.5, 0.5]])
    for method in ("jackknife", None, ["plug-in"]):
        with pytest.raises(kl.DistributionError, match=r"method is .*'chao-shen'") as caught:
            kl.entropy_from_counts([1, 2], method=method)
        assert caught.value.kind == "option"
