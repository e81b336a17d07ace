"""Closed forms of lone numbers: as exact as those of arrays, and many times as fast."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from counting import function_calls
from mpmath import mpf

from kl_lib import families
from kl_lib.families import numbers, special

EDGES = [5e-324, 1e-300, 1e-16, 0.3, 1 - 1e-9, 1.0, 1 + 1e-9, 1.7, 3.0, 1e16, 1e300]
STEPS = [-0.999, -0.5, -0.3, -0.01, -1e-9, 0.0, 1e-300, 1e-9, 0.01, 0.3, 0.66, 0.67, 5.0, 1e9]


def log_ratio(p, q):
    return mpmath.log(p) - mpmath.log(q)


def generalized_kl(p, q):
    return p * log_ratio(p, q) - p + q


ELEMENTARY = {
    "minus_log1p": (lambda x: x - mpmath.log(1 + x), [STEPS]),
    "expm1_plus": (lambda t: mpmath.exp(-t) - 1 + t, [[-700.0, *STEPS, 800.0]]),
    "log_ratio": (log_ratio, [EDGES, EDGES]),
    "generalized_kl": (generalized_kl, [EDGES, EDGES]),
}


@pytest.mark.parametrize("name", ELEMENTARY)
def test_an_elementary_form_is_exact_for_numbers_and_for_arrays(name):
    exact, axes = ELEMENTARY[name]
    grid = list(itertools.product(*axes))
    with mpmath.workdps(700), np.errstate(all="ignore"):
        truths = [exact(*map(mpf, place)) for place in grid]
        ones = [getattr(numbers, name)(*map(np.float64, place)) for place in grid]
        all_at_once = getattr(numbers, name)(*np.transpose(grid))
        for place, truth, *values in zip(grid, truths, ones, all_at_once, strict=True):
            for value in values:
                assert abs(mpf(float(value)) - truth) <= abs(truth) * 1e-15 + 5e-324, place


def test_an_elementary_form_at_its_limits():
    inf, one, zero = map(np.float64, (math.inf, 1, 0))
    with np.errstate(all="ignore"):
        assert numbers.minus_log1p(inf) == numbers.expm1_plus(inf) == math.inf
        assert numbers.log_ratio(zero, one) == -math.inf
        assert numbers.log_ratio(one, zero) == math.inf
        assert numbers.log_ratio(zero, zero) == 0
        assert numbers.generalized_kl(zero, zero) == 0
        assert numbers.generalized_kl(one, zero) == math.inf
        assert numbers.generalized_kl(zero, one) == 1
        assert math.isnan(numbers.generalized_kl(one, np.float64("nan")))


def test_a_difference_and_a_logarithm_that_the_rounded_arguments_do_not_tell():
    p, step = np.float64(3), 1e-20
    assert numbers.generalized_kl(p, p, step) == pytest.approx(step**2 / 6, rel=1e-12)
    log, zero, tiny = np.float64(2), np.float64(0), np.float64(1e-300)
    assert numbers.generalized_kl(tiny, zero, tiny, log) == tiny * log - tiny
    assert numbers.generalized_kl(zero, zero, zero, log) == 0


@pytest.mark.parametrize("x", [1e-300, 0.2, 0.5, 1.5, 2.0, 9.999, 10.0, 25.0, 1e300])
def test_digamma_of_numbers_and_arrays(x):
    with mpmath.workdps(30):
        truth = float(mpmath.psi(0, mpf(x)))
    values = [special.digamma(np.float64(x)), *special.digamma(np.array([x, 3.0, 30.0]))[:1]]
    np.testing.assert_allclose(values, truth, rtol=2e-15, atol=1e-15)


def test_powers_of_two_are_taken_off_and_put_back():
    for x in (5e-324, 1e-308, 0.5, 1.0, 3.0, 1.7e308):
        digits, power = numbers.frexp(np.float64(x))
        assert (digits, power) == tuple(np.frexp(x))
        assert numbers.ldexp(digits, power) == x
    with np.errstate(over="ignore"):
        assert numbers.ldexp(np.float64(0.75), 5000) == math.inf
    assert numbers.ldexp(np.float64(0.75), -5000) == 0


def test_only_what_is_needed_is_computed():
    def never():
        raise AssertionError

    for condition in (True, np.bool_(True), np.array([True, True])):
        assert numbers.choose(condition, lambda: 1, never) == 1
    for condition in (False, np.bool_(False), np.array([False, False])):
        assert numbers.choose(condition, never, lambda: 2) == 2
    mixed = numbers.choose(np.array([True, False]), lambda: np.array([1, 9]), lambda: 2)
    np.testing.assert_array_equal(mixed, [1, 2])


#: Every closed form of numbers, with two sets of parameters far apart and one nearly equal.
NUMBERS = {
    "kl_bernoulli": [(0.3, 0.9), (0.3, 0.3 + 1e-9), (0.0, 0.3), (0.5, 1.0), (0.01, 0.3)],
    "kl_beta": [(2.0, 30.0, 1.0, 1e-3), (20.0, 30.0, 20.0, 30.1), (12.0, 50.0, 300.0, 11.0)],
    "kl_binomial": [(9, 0.3, 9, 0.9), (0, 0.5, 0, 0.3), (3, 0.5, 2, 0.5), (2, 0.5, 3, 0.1)],
    "kl_cauchy": [(0.0, 1.0, 5.0, 0.3), (1.0, 1.0, 1.0, 1 + 1e-9), (0.0, 1e-200, 1e200, 1.0)],
    "kl_continuous_bernoulli": [(0.5, 0.99), (0.3, 0.3 + 1e-9), (1e-9, 0.5), (0.5, 0.5)],
    "kl_dirichlet": [],
    "kl_exponential": [(1.0, 9.0), (9.0, 1.0), (1.0, 1 + 1e-9)],
    "kl_gamma": [(2.0, 3.0, 20.0, 0.1), (20.0, 0.1, 2.0, 3.0), (3.0, 1.0, 3 + 1e-9, 1.0)],
    "kl_geometric": [(0.3, 0.9), (0.9, 0.3), (0.5, 1.0)],
    "kl_gumbel": [(0.0, 1.0, 5.0, 0.3), (0.0, 0.3, 5.0, 3.0), (1.0, 1.0, 1.0, 1 + 1e-9)],
    "kl_half_normal": [(1.0, 9.0), (9.0, 1.0)],
    "kl_laplace": [(0.0, 1.0, 5.0, 0.3), (0.0, 1.0, 0.3, 2.0), (1e308, 1.0, -1e308, 1e300)],
    "kl_log_normal": [(0.0, 1.0, 5.0, 0.3)],
    "kl_moyal": [(0.0, 1.0, 5.0, 0.3), (0.0, 0.3, 5.0, 3.0)],
    "kl_negative_binomial": [(3.0, 0.3, 0.9), (0.5, 0.9, 0.3)],
    "kl_normal": [(0.0, 1.0, 5.0, 0.3), (0.0, 0.3, 5.0, 3.0), (1e308, 1.0, -1e308, 1e300)],
    "kl_pareto": [(2.0, 1.0, 5.0, 0.3), (2.0, 0.3, 5.0, 1.0)],
    "kl_poisson": [(3.0, 50.0), (0.0, 2.0), (2.0, 0.0), (3.0, 3 + 1e-9)],
    "kl_uniform": [(0.0, 1.0, -1.0, 5.0), (0.0, 1.0, 0.5, 5.0), (0.0, 1.0, 0.0, 1 + 1e-9)],
    "kl_von_mises": [(0.0, 1.0, 3.0, 9.0), (0.0, 0.0, 3.0, 9.0), (0.0, 1.0, 0.0, 1 + 1e-9)],
    "kl_weibull": [(2.0, 1.0, 5.0, 0.3), (2.0, 0.3, 0.5, 1.0)],
}


def test_every_closed_form_stands_here():
    with_matrices = {"kl_multivariate_normal", "kl_mvn", "kl_between"}
    assert {name for name in families.__all__ if name[:3] == "kl_"} == {*NUMBERS, *with_matrices}


@pytest.mark.parametrize(
    ("name", "parameters"), [(name, x) for name, rows in NUMBERS.items() for x in rows]
)
def test_a_closed_form_of_numbers_is_that_of_arrays(name, parameters):
    form = getattr(families, name)
    one = form(*map(float, parameters))
    assert type(one) is np.float64
    assert form(*parameters) == form(*map(np.array, parameters)) == one
    few = form(*([x] for x in parameters))
    # Among others, so that every branch is computed for the array.
    others = [np.concatenate([np.full(40, x), *np.transpose(NUMBERS[name])[i : i + 1]])
              for i, x in enumerate(parameters)]  # fmt: skip
    many = form(*others)[:40]
    assert few.shape == (1,)
    np.testing.assert_allclose([*few, *many], one, rtol=2e-14, atol=0)


@pytest.mark.parametrize("form", [families.kl_gamma, families.kl_weibull, families.kl_normal])
def test_numbers_do_not_pay_for_arrays(form):
    of_numbers = function_calls(lambda: form(2.0, 1.0, 3.0, 1.0))
    of_arrays = function_calls(lambda: form([2.0], 1.0, 3.0, 1.0))
    assert of_numbers < 0.7 * of_arrays
