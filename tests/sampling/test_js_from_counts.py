"""Jensen-Shannon from counts: against χ², the exact mean over all samples, and simulation."""

import itertools
import math
from functools import cache

import mpmath
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from thorough import first_of

import kl_lib as kl
from kl_lib.sampling import js_counts

UNEQUAL = [0.5, 0.3, 0.15, 0.05], [0.4, 0.2, 0.3, 0.1]
EVEN = [0.1] * 10, [0.1] * 10


def test_the_value_is_that_of_the_frequencies_in_any_unit():
    a, b = [200, 500, 0, 300], [30, 40, 20, 0]
    exact = kl.js_divergence(a, b, normalize=True)
    assert kl.js_from_counts(a, b).value == exact
    bits = kl.js_from_counts(a, b, base=2)
    assert bits.value == exact / math.log(2)
    nats = kl.js_from_counts(a, b)
    for name in ("bias", "standard_error"):
        assert getattr(bits, name) == pytest.approx(getattr(nats, name) / math.log(2), rel=1e-15)
    assert (bits.count, bits.count_q, bits.unit, bits.method) == (1000, 90, "bits", "plug-in")
    assert kl.js_from_counts([5, 0], [0, 5], base=2).value == 1
    assert kl.js_from_counts([5, 0], [0, 5]).bias == 0
    assert kl.js_from_counts([7], [3]).value == kl.js_from_counts([7], [3]).standard_error == 0


def test_without_drift_it_is_a_scaled_chi_squared_variable():
    for k, n, m in ((2, 100, 100), (10, 1000, 300)):
        found = kl.js_from_counts([n] * k, [m] * k)
        scale = (1 / (n * k) + 1 / (m * k)) / 8
        assert found.value == 0
        assert found.bias == pytest.approx((k - 1) * scale, rel=1e-13)
        assert found.standard_error == pytest.approx(math.sqrt(2 * (k - 1)) * scale, rel=1e-13)


def test_the_delta_method_by_derivatives_in_mpmath():
    p, q = (np.array(x) for x in UNEQUAL)
    n, m = 100, 300

    def js(*x):
        half = len(x) // 2
        terms = [(a, b) for a, b in zip(x[:half], x[half:], strict=True)]
        return sum(
            (a * mpmath.log(2 * a / (a + b)) + b * mpmath.log(2 * b / (a + b))) / 2
            for a, b in terms
        )

    with mpmath.workdps(40):
        at = [mpmath.mpf(x) for x in (*p.tolist(), *q.tolist())]
        size = len(at)

        def derivative(*axes):
            order = [axes.count(i) for i in range(size)]
            return float(mpmath.diff(js, tuple(at), tuple(order)))

        g = np.array([derivative(i) for i in range(size)])
        h = np.array([[derivative(i, j) for j in range(size)] for i in range(size)])
    zero = np.zeros((4, 4))
    covariance = np.block(
        [
            [(np.diag(p) - np.outer(p, p)) / n, zero],
            [zero, (np.diag(q) - np.outer(q, q)) / m],
        ]
    )
    moved = h @ covariance
    wanted = 0.5 * np.trace(moved), g @ covariance @ g, 0.5 * np.trace(moved @ moved)
    np.testing.assert_allclose(js_counts._delta_method(p, q, n, m), wanted, rtol=1e-8)
    found = kl.js_from_counts((n * p).round(), (m * q).round())
    assert found.bias == pytest.approx(wanted[0], rel=1e-8)
    assert found.standard_error == pytest.approx(math.sqrt(wanted[1] - wanted[2]), rel=1e-8)


DRAWS = 12


@cache
def small_samples():
    """All samples of three categories, and the value and the bias of each pair of them."""
    every = [x for x in itertools.product(range(DRAWS + 1), repeat=3) if sum(x) == DRAWS]
    found = [[kl.js_from_counts(a, b) for b in every] for a in every]
    numbers = np.array([[(x.value, x.bias) for x in row] for row in found])
    return every, numbers[..., 0], numbers[..., 1]


@pytest.mark.parametrize(
    "pair", first_of([[[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], [[0.5, 0.3, 0.2]] * 2])
)
def test_most_of_the_bias_is_taken_away_over_all_small_samples(pair):
    every, values, biases = small_samples()
    chance_p, chance_q = (stats.multinomial(DRAWS, p).pmf(every) for p in pair)
    plain = chance_p @ values @ chance_q
    corrected = chance_p @ (values - biases) @ chance_q
    truth = kl.js_divergence(*pair)
    assert plain - truth > 0.01
    assert abs(corrected - truth) < 0.35 * (plain - truth)


@pytest.mark.parametrize("pair", [UNEQUAL, EVEN])
def test_bias_and_standard_error_are_those_of_a_simulation(pair):
    rng, (n, m) = np.random.default_rng(0), (800, 500)
    p, q = pair
    draws = 4000
    values = kl.js_divergence(
        rng.multinomial(n, p, draws), rng.multinomial(m, q, draws), normalize=True
    )
    told = kl.js_from_counts(np.multiply(p, n).round(), np.multiply(q, m).round())
    noise = values.std() / math.sqrt(draws)
    assert values.mean() - kl.js_divergence(p, q) == pytest.approx(told.bias, abs=4 * noise)
    assert told.standard_error == pytest.approx(values.std(), rel=0.06)


def test_warnings_say_what_not_to_trust():
    assert kl.js_from_counts([200, 500, 200, 100], [300, 400, 100, 200]).warnings == ()
    rare = kl.js_from_counts([200, 500, 1], [300, 400, 2]).warnings
    assert rare == (
        "counts_p[2] and counts_q[2] make 3 (1 such sums below 5 in all): bias and standard error "
        "are rough",
    )
    same = kl.js_from_counts([50] * 10, [50] * 10)
    assert same.warnings == (
        f"the bias, {same.bias:+.2g}, exceeds the standard error: use value - bias",
    )
    never = kl.js_from_counts([200, 500, 0], [300, 400, 0])
    assert never.warnings == ()
    assert never == kl.js_from_counts([200, 500], [300, 400])


def test_counts_are_paired_by_name_and_checked():
    p, q = pd.Series({"a": 30, "b": 70}), pd.Series({"b": 50, "a": 50})
    assert kl.js_from_counts(p, q).value == kl.js_from_counts([30, 70], [50, 50]).value
    told = kl.js_from_counts(pd.Series({"x": 2, "y": 60}), pd.Series({"y": 50, "x": 1})).warnings
    assert told[0].startswith("counts_p['x'] and counts_q['x'] make 3 ")
    for given, said in (
        (([1, 2], [1, 2, 3]), "counts_p has length 2 and counts_q 3"),
        (([0.5, 2], [1, 2]), r"counts_p\[0\] is 0.5"),
        (([1, 2], [0, 0]), "counts_q sums to 0"),
        ((p, q.drop("a")), "'a' is in counts_p alone"),
    ):
        with pytest.raises(kl.DistributionError, match=said):
            kl.js_from_counts(*given)
