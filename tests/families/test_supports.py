"""Which values each family takes, against SciPy, also where a parameter is at its edge."""

import numpy as np
import pytest
from scipy import stats

import kl_lib as kl
from kl_lib.families import why_infinite
from kl_lib.families.supports import SUPPORTS, Support, outside, read_sure, same_place

INF = np.inf

#: family, parameters, and the same distribution in SciPy.
CONTINUOUS = [
    ("normal", {}, stats.norm(3, 2)),
    ("gumbel", {}, stats.gumbel_r(3, 2)),
    ("exponential", {}, stats.expon(0, 2)),
    ("gamma", {"loc": 1.5}, stats.gamma(2, 1.5, 3)),
    ("pareto", {"loc": -1.0, "scale": 2.5}, stats.pareto(2, -1.0, 2.5)),
    ("uniform", {"low": 2.0, "high": 7.0}, stats.uniform(2, 5)),
    ("beta", {}, stats.beta(2, 3)),
    ("beta", {"loc": 2.0, "scale": 5.0}, stats.beta(2, 3, 2, 5)),
    ("continuous_bernoulli", {}, stats.beta(1, 1)),
    ("logit_normal", {}, stats.beta(1, 1)),
]
STEPS = [
    ("bernoulli", {"probs": 0.3}, stats.bernoulli(0.3)),
    ("bernoulli", {"probs": 0.3, "loc": 4.0}, stats.bernoulli(0.3, 4)),
    ("bernoulli", {"probs": 0.0, "loc": 4.0}, (4, 4)),
    ("bernoulli", {"probs": 1.0, "loc": 4.0}, (5, 5)),
    ("bernoulli", {"logits": -INF}, (0, 0)),
    ("bernoulli", {"logits": INF}, (1, 1)),
    ("bernoulli", {"logits": 0.5}, (0, 1)),
    ("poisson", {"rate": 2.0}, stats.poisson(2)),
    ("poisson", {"rate": 2.0, "loc": -3.0}, stats.poisson(2, -3)),
    ("poisson", {"rate": 0.0, "loc": -3.0}, (-3, -3)),
    ("poisson", {"rate": 1.0}, stats.poisson(1)),
    ("poisson", {"log_rate": -INF, "loc": -3.0}, (-3, -3)),
    ("poisson", {"log_rate": 0.0}, (0, INF)),
    ("binomial", {"total_count": 5, "probs": 0.3}, stats.binom(5, 0.3)),
    ("binomial", {"total_count": 5, "probs": 0.3, "loc": 2.0}, stats.binom(5, 0.3, 2)),
    ("binomial", {"total_count": 5, "probs": 0.0, "loc": 2.0}, (2, 2)),
    ("binomial", {"total_count": 5, "probs": 1.0, "loc": 2.0}, (7, 7)),
    ("binomial", {"total_count": 5, "logits": INF}, (5, 5)),
    ("binomial", {"total_count": 0, "probs": 0.5}, (0, 0)),
    ("geometric", {"probs": 0.3, "loc": 1.0}, stats.geom(0.3)),
    ("geometric", {"probs": 1.0, "loc": 1.0}, (1, 1)),
    ("negative_binomial", {"probs": 0.3}, stats.nbinom(2, 0.3)),
    ("negative_binomial", {"probs": 0.3, "loc": 6.0}, stats.nbinom(2, 0.3, 6)),
    ("discrete_uniform", {"low": 2, "high": 9}, stats.randint(2, 10)),
    ("discrete_uniform", {"low": 3, "high": 3}, stats.randint(3, 4)),
    ("point", {"loc": 2.5}, (2.5, 2.5)),
]


@pytest.mark.parametrize(("family", "values", "same"), CONTINUOUS + STEPS)
def test_a_support_is_scipys(family, values, same):
    low, high = same if isinstance(same, tuple) else same.support()
    found = SUPPORTS[family](values, "p")
    assert (found.low, found.high, found.width) == (low, high, high - low)
    assert found.steps == ((family, values, same) in STEPS)


def test_supports_of_a_batch_are_those_of_its_members():
    probs, loc = np.array([[0.0], [0.5], [1.0]]), np.array([0.0, 10.0])
    found = SUPPORTS["binomial"](
        {"total_count": np.array([3.0, 4.0]), "probs": probs, "loc": loc}, "q"
    )
    np.testing.assert_array_equal(found.low, [[0, 10], [0, 10], [3, 14]])
    np.testing.assert_array_equal(found.high, [[0, 10], [3, 14], [3, 14]])


@pytest.mark.parametrize(
    ("family", "values", "name"),
    [
        ("exponential", {"loc": np.nan}, "loc_q"),
        ("pareto", {"loc": np.nan, "scale": 1.0}, "loc_q"),
        ("pareto", {"loc": 0.0, "scale": -1.0}, "scale_q"),
        ("uniform", {"low": np.nan, "high": 1.0}, "low_q"),
        ("uniform", {"low": 0.0, "high": np.nan}, "high_q"),
        ("beta", {"loc": np.nan}, "loc_q"),
        ("beta", {"scale": 0.0}, "scale_q"),
        ("bernoulli", {"probs": 0.5, "loc": np.nan}, "loc_q"),
        ("bernoulli", {"probs": 2.0}, "probs_q"),
        ("bernoulli", {"logits": ["a"]}, "logits_q"),
        ("poisson", {"rate": 1.0, "loc": np.nan}, "loc_q"),
        ("poisson", {"rate": -1.0}, "rate_q"),
        ("poisson", {"log_rate": ["a"]}, "log_rate_q"),
        ("binomial", {"total_count": 2.5, "probs": 0.5}, "total_count_q"),
        ("binomial", {"total_count": 2, "probs": 0.5, "loc": np.nan}, "loc_q"),
        ("geometric", {"probs": 0.5, "loc": np.nan}, "loc_q"),
        ("discrete_uniform", {"low": np.nan, "high": 2}, "low_q"),
        ("discrete_uniform", {"low": 1, "high": np.nan}, "high_q"),
        ("discrete_uniform", {"low": 1, "high": 0}, "high_q"),
        ("point", {"loc": np.nan}, "loc_q"),
    ],
)
def test_an_error_names_the_parameter_and_its_side(family, values, name):
    with pytest.raises(kl.DistributionError, match=rf"\b{name}\b") as caught:
        SUPPORTS[family](values, "q")
    assert caught.value.argument.split("[")[0] == name


@pytest.mark.parametrize(
    ("p", "q", "name"),
    [
        (stats.norm(0, -1), stats.gamma(2), "scale_p"),
        (stats.cauchy(), stats.chi2(-1.0), "concentration_q"),
        (stats.moyal(0, 0), stats.erlang(4), "scale_p"),
        (stats.lognorm(-1), stats.uniform(0, 1), "sigma_p"),
        (stats.norm(0, 1), stats.beta(1, -2), "concentration0_q"),
        (stats.nbinom(2, 0.0), stats.bernoulli(0.5), "probs_p"),
        (stats.nbinom(-2, 0.5), stats.bernoulli(0.5), "total_count_p"),
        (stats.norm(np.nan, 1), stats.poisson(3), "loc_p"),
        (stats.halfcauchy(0, -1), stats.gumbel_r(0, 1), "scale_p"),  # without a form
        (stats.norm(0, -1), stats.dirichlet([1, 2]), "scale_p"),  # of one variable and of several
        (stats.chi(2, 0, -1), stats.chi(2, 0, 1), "scale"),  # whose square would be right
        (stats.chi(2, 0, 1), stats.chi(2, 0, -1), "scale"),
    ],
)
def test_a_parameter_that_is_none_is_refused_whatever_the_supports_say(p, q, name):
    with pytest.raises(kl.DistributionError, match=f"^{name} is"):
        kl.kl_between(p, q)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (lambda i: stats.poisson(2, loc=i), lambda i: stats.poisson(3, loc=i)),
        (lambda i: stats.gamma(2, loc=i), lambda i: stats.gamma(3, loc=i)),
        (lambda i: stats.pareto(2, loc=i), lambda i: stats.pareto(3, loc=i)),
        (lambda i: stats.halfnorm(i), lambda i: stats.halfnorm(i, 2)),
    ],
)
def test_a_batch_of_places_alone_is_one_of_results(p, q):
    places = np.array([[0.0], [3.0]])
    found = kl.kl_between(p(places), q(places))
    assert found.shape == (2, 1)
    np.testing.assert_allclose(found, kl.kl_between(p(0.0), q(0.0)), rtol=1e-14)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (lambda i: stats.binom([0, 1], 0.3, [0, i]), lambda: stats.bernoulli(0.4, [3, 0])),
        (lambda i: stats.expon([0, i]), lambda: stats.gamma(2, [3, 0])),
        (lambda i: stats.beta(2, 3, [1, i]), lambda: stats.gamma(2, [3, 0])),
        (lambda i: stats.pareto(2, [1, i]), lambda: stats.gamma(2, [3, 0])),
    ],
)
def test_what_is_excluded_says_nothing_of_the_other_members(p, q):
    """Another loc has no closed form, but the first member needs none."""
    found = kl.kl_between(p(0), q())
    assert np.isposinf(found[0])
    assert np.isfinite(found[1])


def test_ends_that_do_not_broadcast_are_named():
    with pytest.raises(kl.DistributionError, match=r"\(low \(2,\), high \(3,\)\)"):
        SUPPORTS["uniform"]({"low": [0.0, 0.0], "high": [1.0, 1.0, 1.0]}, "p")


def test_ends_may_lie_further_apart_than_floats_reach():
    wide = SUPPORTS["uniform"]({"low": -1.7e308, "high": 1.7e308}, "p")
    assert (wide.low, wide.high, wide.width) == (-1.7e308, 1.7e308, INF)
    assert SUPPORTS["beta"]({"loc": 1e308, "scale": 1.7e308}, "p").high == INF
    many = SUPPORTS["binomial"]({"total_count": 1.7e308, "probs": 0.5, "loc": 1.7e308}, "p")
    assert many.high == INF


def test_logits_of_float16_are_compared_as_they_are():
    sure = read_sure({"logits": np.array([-INF, 0, INF], dtype=np.float16)}, "p")
    np.testing.assert_array_equal(sure, [[True, False, False], [False, False, True]])


def interval(low, high, width=None, steps=False):
    return Support(low, high, high - low if width is None else width, steps=steps)


@pytest.mark.parametrize(
    ("p", "q", "excluded"),
    [
        (interval(0, 1), interval(0, 1), False),
        (interval(0, 1), interval(0, 2), False),
        (interval(0, 2), interval(0, 1), True),
        (interval(-1, 1), interval(0, 1), True),
        (interval(0.5, 1), interval(0, 1), False),
        (interval(0, INF), interval(0, INF), False),
        (interval(0, INF), interval(-1, INF), False),
        (interval(-1, INF), interval(0, INF), True),
        (interval(0, INF), interval(0, 5), True),
        (interval(-INF, INF), interval(0, INF), True),
        (interval(0, 5), interval(-INF, INF), False),
        # The ends are equal as floats, the widths are not.
        (interval(1e20, 1e20, 2.0), interval(1e20, 1e20, 1.0), True),
        (interval(1e20, 1e20, 1.0), interval(1e20, 1e20, 2.0), False),
        # Ends that overflow: only the widths tell.
        (interval(1e308, INF, 1.2e308), interval(1e308, INF, 1.1e308), True),
        (interval(1e308, INF, 1.1e308), interval(1e308, INF, 1.2e308), False),
        (interval(2, 4, steps=True), interval(0, 9, steps=True), False),
        (interval(2.5, 4.5, steps=True), interval(0, 9, steps=True), True),
        (interval(1 + 2.0**-52, 4, steps=True), interval(0, 9, steps=True), True),
        (interval(2, 4, steps=True), interval(0, 9), True),
        (interval(2, 4), interval(0, 9, steps=True), True),
    ],
)
def test_what_lies_outside(p, q, excluded):
    assert bool(outside(p, q)) is excluded


#: Of each family, what its forms need to be equal in both.
PLACES = {
    "gamma": ({"loc": 3.0}, (3.0,)),
    "pareto": ({"loc": 3.0, "scale": 2.0}, (3.0,)),
    "beta": ({"loc": 3.0, "scale": 2.0}, (3.0, 2.0)),
    "bernoulli": ({"probs": 1.0, "loc": 3.0}, (3.0,)),
    "poisson": ({"rate": 2.0, "loc": 3.0}, (3.0,)),
    "binomial": ({"total_count": 2, "probs": 1.0, "loc": 3.0}, (3.0,)),
    "geometric": ({"probs": 0.5, "loc": 3.0}, (3.0,)),
    "normal": ({}, ()),
    "uniform": ({"low": 3.0, "high": 4.0}, ()),
}


@pytest.mark.parametrize("family", PLACES)
def test_a_place_is_that_of_loc_wherever_the_values_begin(family):
    values, place = PLACES[family]
    assert SUPPORTS[family](values, "p").place == place


def test_two_places_are_the_same_where_loc_and_scale_are():
    p, q = (Support(0.0, 1.0, 1.0, place=(0.0, np.array([1.0, 2.0, x]))) for x in (3.0, 4.0))
    np.testing.assert_array_equal(same_place(p, q), [True, True, False])
    assert same_place(interval(0, 1), interval(0, 2))


def test_the_reason_shows_the_ends():
    assert str(interval(0, 2.5)) == "values from 0 to 2.5"
    assert str(interval(0, INF, steps=True)) == "whole steps from 0 to inf"
    lowest = str(interval(np.array([3.0, -1.0]), np.array([4.0, 5.0])))
    assert lowest == "values from -1 (the lowest) to 4 (the lowest)"
    reason = why_infinite(stats.poisson(2), stats.binom(5, 0.5))
    assert "whole steps from 0 to inf" in reason
    assert "whole steps from 0 to 5" in reason
