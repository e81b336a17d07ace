"""What paired differences show: against R's examples, published powers, and simulation."""

import json
import math
import sys
import warnings

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower
from thorough import first_of

from kl_lib import experiments
from kl_lib.experiments import (
    RULE,
    assess,
    bootstrap_interval,
    compare,
    equivalence_power,
    equivalence_test,
    t_interval,
)
from kl_lib.experiments.analysis import paired
from kl_lib.experiments.analysis.paired import LEVEL
from kl_lib.experiments.analysis.rule import FEWEST_PAIRS, MARGINS

# Student's sleep data, as R has them: hours gained by ten patients with two drugs.
SLEEP = np.subtract(
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
TEN = np.array([1, -2, 3, 0, -1, 2, -3, 1, 4, -2]) / 1000


# Against published results


def test_the_paired_t_test_is_that_of_r_for_the_sleep_data():
    """t.test(extra ~ group, data = sleep, paired = TRUE): t = -4.0621, df = 9, p = 0.002833."""
    found = assess(SLEEP, margins=[0.5])
    assert found.mean == pytest.approx(-1.58)
    assert found.mean / (found.spread / math.sqrt(10)) == pytest.approx(-4.0621, abs=5e-5)
    assert found.p_zero == pytest.approx(0.002833, abs=5e-7)
    assert found.interval == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)
    assert found.narrow_interval == pytest.approx((-2.293, -0.867), abs=5e-4)  # t_TOST's


def test_the_equivalence_test_is_that_of_toster_for_the_sleep_data():
    """t_TOST(extra ~ group, data = sleep, paired = TRUE, eqb = .5): p = 0.989, 90 % CI as here."""
    assert equivalence_test(SLEEP, 0.5) == pytest.approx(0.989, abs=5e-4)
    assert t_interval(SLEEP, 0.9) == pytest.approx((-2.293, -0.867), abs=5e-4)


@pytest.mark.parametrize(
    ("error", "freedom", "margin", "difference", "level", "published"),
    [
        # PowerTOST, power.TOST(CV = 0.3, n = 40) and (CV = 0.2, n = 20), crossover, on the log.
        (math.sqrt(math.log(1.09) * 2 / 40), 38, math.log(1.25), math.log(0.95), 0.05, 0.8158453),
        (math.sqrt(math.log(1.04) * 2 / 20), 18, math.log(1.25), math.log(0.95), 0.05, 0.8346802),
        # TOSTER, power_t_TOST(n = 50, delta = 1, sd = 2.5, eqb = 2.5, alpha = .025), two samples.
        (2.5 * math.sqrt(2 / 50), 98, 2.5, 1, 0.025, 0.8438747),
    ],
)
def test_the_power_of_the_equivalence_test_is_the_published_one(
    error, freedom, margin, difference, level, published
):
    power = paired._power(error, freedom, margin, difference, level)
    assert power == pytest.approx(published, abs=6e-8)


# By hand


def test_three_differences_by_hand():
    """Mean 2, spread 1, so a standard error of 1/√3; t with 2 degrees of freedom has a formula."""
    found = assess([1, 2, 3], margins=[4], fewest=3)

    def tail(t):  # P(T > t)
        return 0.5 - t / (2 * math.sqrt(2 + t * t))

    t95 = 0.95 * math.sqrt(2 / (1 - 0.95**2))
    assert tail(t95) == pytest.approx(0.025)
    assert (found.mean, found.spread) == (2, 1)
    assert found.p_zero == pytest.approx(2 * tail(2 * math.sqrt(3)))
    assert found.interval == pytest.approx((2 - t95 / math.sqrt(3), 2 + t95 / math.sqrt(3)))
    # The larger of the two one-sided values: the mean is 2 below +4 and 6 above −4.
    assert found.margins[0].p == pytest.approx(tail(2 * math.sqrt(3)))


@pytest.mark.parametrize("margin", [0.0005, 0.001, 0.0013, 0.00131, 0.002, 0.01])
def test_equivalent_is_said_exactly_where_the_90_percent_interval_lies_inside_the_margin(margin):
    low, high = t_interval(TEN, 0.9)
    inside = -margin < low and high < margin
    assert (equivalence_test(TEN, margin) < 0.05) == inside
    assert (assess(TEN, margins=[margin]).verdict == "equivalent") == inside


def test_both_answers_occur_among_those_margins():
    assert equivalence_test(TEN, 0.0005) > 0.05 > equivalence_test(TEN, 0.01)


def test_the_test_is_the_same_in_both_directions():
    skew = np.array([1, 2, 9, 4, 0, 3, 2, 1, 1, 5.0])
    assert equivalence_test(skew, 4) == pytest.approx(equivalence_test(-skew, 4))
    below = stats.ttest_1samp(skew, 4, alternative="less")
    assert equivalence_test(skew, 4) == pytest.approx(below.pvalue)


# The rule


def test_the_margins_and_levels_in_the_rule_are_those_in_use():
    assert MARGINS == (0.01, 0.005)
    assert LEVEL == 0.05
    assert FEWEST_PAIRS == 10
    rule = " ".join(RULE.split())
    for words in ("level 0.05", "90 % t", "95 % t", "fewer than 10 pairs", "0.5 points"):
        assert words in rule
    assert "The margin is 1 percentage point" in rule


@pytest.mark.parametrize(
    ("differences", "verdicts"),
    [
        (TEN, ["equivalent", "equivalent"]),
        (TEN + 0.003, ["equivalent", "equivalent"]),  # not 0, and inside both margins
        (TEN + 0.006, ["equivalent", "different"]),
        (TEN - 0.006, ["equivalent", "different"]),
        (TEN + 0.02, ["different", "different"]),
        (TEN - 0.02, ["different", "different"]),
        (TEN * 4, ["equivalent", "undecided"]),
        (TEN * 10, ["undecided", "undecided"]),
    ],
)
def test_each_verdict(differences, verdicts):
    found = assess(differences)
    assert [margin.verdict for margin in found.margins] == verdicts
    assert found.verdict == verdicts[0]


def test_a_difference_that_is_there_and_too_small_to_matter_is_equivalent_and_said_not_to_be_zero():
    found = assess(TEN + 0.003)
    assert found.verdict == "equivalent"
    assert found.p_zero < 0.05
    assert found.interval[0] > 0


def test_nine_pairs_decide_nothing():
    nine = np.array([1, -1, 2, -2, 0, 1, -1, 2, -2]) / 1e5
    found = assess(nine)
    assert found.margins[0].p < 1e-6
    assert found.verdict == "undecided"
    assert assess([*nine, 0]).verdict == "equivalent"
    assert assess(nine, fewest=9).verdict == "equivalent"


@pytest.mark.parametrize("value", [0.0, 0.02, 0.7071 - 0.7])
def test_differences_that_do_not_vary_decide_nothing_and_raise_no_warning(value):
    same = np.full(10, value)
    same[::2] = (value + 0.7) - 0.7  # the same but for a rounding
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = assess(same)
    assert [margin.verdict for margin in found.margins] == ["undecided", "undecided"]
    assert (found.spread, found.p_zero, found.interval, found.bootstrap) == (0, None, None, None)
    assert found.mean == pytest.approx(value)
    with pytest.raises(ValueError, match=r"all 10 differences are .*Are these the same runs"):
        equivalence_test(same, 0.01)


def simulated(mean, spread, pairs, runs, seed):
    """Share of each verdict over seeded normal differences, at the margin 0.01."""
    d = np.random.default_rng(seed).normal(mean, spread, (runs, pairs))
    verdicts = [assess_fast(row) for row in d]
    return {name: verdicts.count(name) / runs for name in ("equivalent", "different", "undecided")}


def assess_fast(row):
    """The verdict without power and bootstrap, which take most of the time."""
    p_zero = stats.ttest_1samp(row, 0).pvalue
    if equivalence_test(row, 0.01) < LEVEL:
        return "equivalent"
    return "different" if p_zero < LEVEL else "undecided"


def test_the_short_cut_of_the_simulation_gives_the_verdicts_of_the_rule():
    rows = np.random.default_rng(5).normal(0.006, 0.008, (60, 10))
    verdicts = [assess(row, margins=[0.01]).verdict for row in rows]
    assert verdicts == [assess_fast(row) for row in rows]
    assert set(verdicts) == {"equivalent", "different", "undecided"}


# 2000 rows: a share of 0.05 has a standard error of 0.0049.


@pytest.mark.parametrize("side", first_of([1, -1]))
def test_at_the_margin_equivalent_is_said_in_5_percent_of_all_cases(side):
    share = simulated(side * 0.01, 0.004, 10, 2000, seed=1)
    assert share["equivalent"] == pytest.approx(0.05, abs=0.016)


def test_with_no_difference_different_is_said_in_at_most_5_percent_of_all_cases():
    share = simulated(0, 0.03, 10, 2000, seed=2)
    assert share["equivalent"] < 0.05
    assert share["different"] == pytest.approx(0.05, abs=0.016)


@pytest.mark.parametrize(
    ("spread", "pairs", "difference"),
    first_of(
        [
            *[(0.01, 10, 0.004), (0.006, 3, 0), (0.004, 10, 0)],
            *[(0.01, 10, 0), (0.005, 2, 0), (0.02, 40, 0)],
        ],
        keep=2,
    ),
)
def test_the_power_is_the_share_of_simulated_cases_that_come_out_equivalent(
    spread, pairs, difference
):
    power = equivalence_power(spread, pairs, 0.01, difference=difference)
    share = simulated(difference, spread, pairs, 2000, seed=3)["equivalent"]
    assert share == pytest.approx(power, abs=4 * math.sqrt(0.25 / 2000))


def test_the_bootstrap_interval_covers_as_often_as_its_docstring_says(monkeypatch):
    monkeypatch.setattr(paired, "RESAMPLES", 399)
    normal = np.random.default_rng(4).normal(size=(1000, 10))
    intervals = [bootstrap_interval(row) for row in normal]
    covered = np.mean([low < 0 < high for low, high in intervals])
    assert covered == pytest.approx(0.90, abs=0.03)
    student = np.mean([low < 0 < high for low, high in map(t_interval, normal)])
    assert student == pytest.approx(0.95, abs=0.02)


# Power


@pytest.mark.parametrize("spread", [0.001, 0.004, 0.01, 0.03])
@pytest.mark.parametrize("pairs", [2, 5, 10, 40])
def test_the_power_is_at_least_that_of_both_tests_less_one(spread, pairs):
    """P(both reject) ≥ P(one) + P(other) − 1, and statsmodels knows the power of one."""
    one = TTestPower().power(0.01 / spread, pairs, LEVEL, alternative="larger")
    power = equivalence_power(spread, pairs, 0.01)
    assert max(0, 2 * one - 1) - 1e-9 <= power <= one
    if 2 * one - 1 > 0.9:
        assert power == pytest.approx(2 * one - 1, abs=0.02)


def test_the_power_grows_with_pairs_and_margin_and_shrinks_with_spread_and_difference():
    assert np.all(np.diff([equivalence_power(0.01, n, 0.01) for n in range(2, 30)]) > 0)
    assert np.all(np.diff([equivalence_power(0.01, 10, m) for m in (0.004, 0.01, 0.02)]) > 0)
    assert np.all(np.diff([equivalence_power(s, 10, 0.01) for s in (0.005, 0.01, 0.02)]) < 0)
    shifted = [equivalence_power(0.006, 10, 0.01, difference=d) for d in (0, 0.003, 0.006, 0.01)]
    assert np.all(np.diff(shifted) < 0)
    assert shifted[-1] == pytest.approx(LEVEL, abs=1e-3)  # at the margin the power is the level


def test_the_power_is_between_0_and_1_however_large_or_small_the_spread():
    powers = [equivalence_power(spread, 10, 0.01) for spread in np.logspace(-9, 3, 40)]
    assert powers[0] == pytest.approx(1, abs=1e-9)
    assert 0 <= powers[-1] < 1e-9
    assert all(0 <= power <= 1 + 1e-9 for power in powers)
    assert np.all(np.diff(powers) <= 1e-9)


def test_two_pairs_have_the_power_that_the_assessment_reports():
    assert assess([0.001, 0.002]).margins[0].power == pytest.approx(
        equivalence_power(np.std([0.001, 0.002], ddof=1), 2, 0.01)
    )


# The bootstrap


def test_the_bootstrap_repeats_itself_and_depends_on_its_seed():
    assert bootstrap_interval(TEN) == bootstrap_interval(TEN)
    assert bootstrap_interval(TEN, seed=1) != bootstrap_interval(TEN)


def test_the_bootstrap_of_one_zero_and_ones_is_that_of_counting():
    """Of twenty 0s and twenty 1s a resampled mean is a binomial count over 40."""
    low, high = bootstrap_interval(np.repeat([0.0, 1.0], 20))
    exact = stats.binom(40, 0.5).ppf([0.025, 0.975]) / 40
    assert (low, high) == pytest.approx(tuple(exact), abs=1.5 / 40)


def test_the_bootstrap_follows_a_skew_that_students_interval_can_not_see():
    """BCa shifts towards the long tail: further up than down from the mean, and mirrored."""
    skew = stats.expon.ppf((np.arange(20) + 0.5) / 20)
    low, high = bootstrap_interval(skew)
    mean = skew.mean()
    assert high - mean > 1.2 * (mean - low)
    mirrored = bootstrap_interval(-skew)
    assert mirrored == pytest.approx((-high, -low), abs=0.03)


def test_the_bootstrap_is_bca_by_hand():
    """Efron's formula from the resampled means: bias correction, and acceleration by jackknife."""
    d = np.array([0.1, 0.3, 0.2, 1.4, 0.7, 0.1, 2.5, 0.4])
    random = np.random.default_rng(1)
    means = random.choice(d, (200_000, d.size)).mean(axis=1)
    z0 = stats.norm.ppf(np.mean(means < d.mean()) + np.mean(means == d.mean()) / 2)
    left_out = (d.sum() - d) / (d.size - 1)
    u = left_out.mean() - left_out
    a = (u**3).sum() / (6 * (u**2).sum() ** 1.5)
    z = z0 + stats.norm.ppf([0.025, 0.975])
    ends = np.quantile(means, stats.norm.cdf(z0 + z / (1 - a * z)))
    assert bootstrap_interval(d) == pytest.approx(tuple(ends), abs=0.04)
    assert np.quantile(means, [0.025, 0.975])[1] < ends[1] - 0.1  # not the plain percentiles


# What is refused


@pytest.mark.parametrize(
    ("differences", "message"),
    [
        ([], "there is no difference, expected at least 2"),
        ([0.1], "there is 1 difference, expected at least 2: one pair of runs"),
        ([[0.1, 0.2]], r"differences have shape \(1, 2\), expected \(pairs,\)"),
        ([0.1, float("nan"), 0.2], r"differences\[1\] is nan, expected a finite number"),
        ([0.1, 0.2, float("inf")], r"differences\[2\] is inf"),
    ],
)
@pytest.mark.parametrize(
    "function", [assess, t_interval, bootstrap_interval, lambda d: equivalence_test(d, 1)]
)
def test_differences_that_are_none_are_refused_by_name(function, differences, message):
    with pytest.raises(ValueError, match=message):
        function(differences)


@pytest.mark.parametrize("margin", [0, -0.01, float("nan"), float("inf")])
def test_a_margin_that_is_none_is_refused(margin):
    for call in (
        lambda: assess(TEN, margins=[0.01, margin]),
        lambda: assess(np.zeros(10), margins=[margin]),
        lambda: equivalence_test(TEN, margin),
        lambda: equivalence_power(0.01, 10, margin),
    ):
        with pytest.raises(
            ValueError, match=f"margin is {margin}, expected a finite number above 0"
        ):
            call()


def test_other_arguments_out_of_range_are_refused_by_name():
    with pytest.raises(ValueError, match="margins is empty"):
        assess(TEN, margins=[])
    for level in (0, 0.5, 5, float("nan")):
        with pytest.raises(ValueError, match=f"level is {level}, expected"):
            assess(TEN, level=level)
    with pytest.raises(ValueError, match="pairs is 1, expected at least 2"):
        equivalence_power(0.01, 1, 0.01)
    for spread in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"spread is {spread}, expected"):
            equivalence_power(spread, 10, 0.01)


def test_a_missing_library_is_named_with_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.stats", None)
    monkeypatch.delitem(sys.modules, "statsmodels.stats.weightstats", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "kl-lib\[experiments\]"'):
        equivalence_test(TEN, 0.01)


def test_an_assessment_as_a_dict_is_plain_json():
    found = assess(TEN)
    content = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert content["verdict"] == "equivalent"
    assert content["interval"] == list(found.interval)
    assert content["margins"][1]["power"] == found.margins[1].power
    json.dumps(assess(np.zeros(10)).as_dict(), allow_nan=False)


def test_the_four_runs_of_the_source_pass_the_equivalence_test_by_a_hair_and_decide_nothing():
    """Why the rule asks for ten pairs; the number stands beside FEWEST_PAIRS."""
    records = experiments.read_records(experiments.book_results(), "cifar10")
    source = [r for r in records if r.config.recipe == 1]
    found = compare(source)["kl"].assessment
    assert found.pairs == 2
    assert found.margins[0].p == pytest.approx(0.0498, abs=5e-5)
    assert found.verdict == "undecided"
