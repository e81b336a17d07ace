"""Closed forms against quadrature, Monte Carlo, high precision and TensorFlow Probability."""

import functools
import inspect
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest
import truth
from mpmath import mpf
from scipy import integrate, stats

import kl_lib as kl
from kl_lib import families
from kl_lib.families import from_scipy, log_gamma, quotients, registry

PAIRS = [(1, 1, 2, 0.5), (2, 0.5, 1, 1), (0, 1, 0, 1), (-3, 2, 4, 0.3), (1e3, 1e-2, 1e3, 5e-2)]


def exact_normal(mu_p, sigma_p, mu_q, sigma_q):
    m_p, s_p, m_q, s_q = map(mpf, map(float, (mu_p, sigma_p, mu_q, sigma_q)))
    return mpmath.log(s_q / s_p) + (s_p**2 + (m_p - m_q) ** 2) / (2 * s_q**2) - mpf(1) / 2


@pytest.mark.parametrize("pair", PAIRS)
def test_kl_normal_agrees_with_quadrature(pair):
    p, q = stats.norm(*pair[:2]), stats.norm(*pair[2:])
    low, high = (
        p.ppf([1e-300, 1 - 1e-16])
        if pair[1] < 1e-1
        else (p.mean() - 40 * p.std(), p.mean() + 40 * p.std())
    )
    value, error = integrate.quad(
        lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), low, high, points=[p.mean()], limit=200
    )
    assert kl.kl_normal(*pair) == pytest.approx(value, rel=1e-7, abs=10 * error + 1e-12)


@pytest.mark.parametrize("pair", PAIRS)
def test_kl_normal_agrees_with_monte_carlo(pair):
    p, q = stats.norm(*pair[:2]), stats.norm(*pair[2:])
    x = p.rvs(200_000, random_state=np.random.default_rng(0))
    ratios = p.logpdf(x) - q.logpdf(x)
    assert abs(kl.kl_normal(*pair) - ratios.mean()) <= 5 * stats.sem(ratios) + 1e-15


@pytest.mark.parametrize(
    "pair",
    [
        *PAIRS,
        (0, 1, 0, 1 + 1e-9),
        (0, 1, 1e-9, 1),
        (5, 1e-200, 5, 1),
        (0, 1e150, 0, 1),
        (0, 3, 0, 1e-3),
        (0, 0.01 * (1 + 1e-7), 0, 0.01),
        (0, 1e-5, 0, 1e-3),
        (0, 2, 0, 300),
    ],
)
def test_kl_normal_agrees_with_high_precision(pair):
    assert truth.relative_error(kl.kl_normal(*pair), exact_normal(*pair)) < 1e-12


def test_a_divergence_beyond_the_largest_float_is_inf():
    assert kl.kl_normal(0, 1e200, 0, 1) == math.inf
    assert kl.kl_normal(0, 1e-300, 1e300, 1e-300) == math.inf


def test_the_value_the_source_misprints():
    assert kl.kl_normal(2, 0.5, 1, 1) == pytest.approx(math.log(2) + 0.625 - 0.5, rel=1e-15)
    assert kl.kl_normal(1, 1, 2, 0.5) == pytest.approx(2.8068528, abs=1e-7)


def test_kl_normal_broadcasts_and_changes_base():
    grid = kl.kl_normal(np.zeros((3, 1)), 1, np.array([0.0, 2.0]), 1)
    np.testing.assert_array_equal(grid, [[0, 2]] * 3)
    assert kl.kl_normal(0, 1, 2, 1, base=2) == pytest.approx(2 / math.log(2))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((0, 0, 0, 1), "scale_p is 0"),
        ((0, 1, 0, -2), "scale_q is -2"),
        ((0, [1, 0], 0, 1), r"scale_p\[1\] is 0"),
        ((0, [[1, 1], [0, 1]], 0, 1), r"scale_p\[1, 0\] is 0"),
        ((math.nan, 1, 0, 1), "loc_p is nan"),
        ((0, math.inf, 0, 1), "scale_p is inf"),
        (("a", 1, 0, 1), "loc_p is the text 'a'"),
    ],
)
def test_parameters_that_are_none_are_named(args, said):
    with pytest.raises(kl.DistributionError, match=said):
        kl.kl_normal(*args)


FUNCTIONS = [getattr(families, name) for name in families.__all__ if name[:3] == "kl_"]


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (function, name)
        for function in FUNCTIONS
        for name in inspect.signature(function).parameters
        if name != "base" and function is not families.kl_between
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_every_parameter_is_called_by_its_name(function, name):
    names = [other for other in inspect.signature(function).parameters if other != "base"]
    good = dict.fromkeys(names, 0.5)
    if function in (families.kl_dirichlet, families.kl_mvn):
        good = {other: np.eye(2) if other[:3] == "cov" else [0.5, 0.5] for other in names}
    good |= {other: 2 for other in names if other[:5] == "total"}
    good |= {other: 1 for other in names if other[:4] == "high"}
    assert function(**good) == 0
    with pytest.raises(
        kl.DistributionError, match=f"^{name} is the text 'x'; pass a sequence of numbers"
    ):
        function(**good | {name: "x"})
    with pytest.raises(kl.DistributionError, match=rf"^{name}(\[.*\])? is nan; pass a finite"):
        function(**good | {name: np.multiply(good[name], math.nan)})
    if name[:2] not in ("lo", "co", "hi") or name[:5] == "conce":
        with pytest.raises(kl.DistributionError, match=f"^{name} is -2; a "):
            function(**good | {name: -2})


def test_an_error_says_kind_argument_place_and_value():
    sigma = np.ones((20, 1))
    sigma[3:15] = 0
    with pytest.raises(kl.DistributionError) as caught:
        kl.kl_normal(0, 1, 0, sigma)
    error = caught.value
    assert (error.kind, error.argument, error.place, error.value) == (
        "parameter", "scale_q", (3, 0), 0.0,
    )  # fmt: skip
    assert error.places == tuple((i, 0) for i in range(3, 13))
    assert error.count == 12
    with pytest.raises(kl.DistributionError) as caught:
        kl.kl_normal("a", 1, 0, 1)
    error = caught.value
    assert (error.kind, error.argument, error.place) == ("unreadable", "loc_p", None)
    with pytest.raises(kl.DistributionError) as caught:
        kl.kl_gamma([1, 2], 1, 1, [1, 2, 3])
    told = "concentration_p (2,), rate_p (), concentration_q (), rate_q (3,)"
    assert str(caught.value) == (
        f"the parameters do not broadcast to one shape ({told}); give them equal shapes, or "
        "length 1 where one value serves a whole axis"
    )


def test_numbers_give_a_number():
    assert isinstance(kl.kl_normal(0, 1, 2, 3), float)
    assert isinstance(kl.kl_mvn([0], [[1]], [2], [[3]]), float)


# The families of one formula each


def mp(values):
    return [mpf(float(v)) for v in values]


def exact_bernoulli(p, q):
    pairs = [(x, y) for x, y in ((p, q), (1 - p, 1 - q)) if x > 0]
    return mpmath.fsum(x * mpmath.log(x / y) for x, y in pairs)


def exact_poisson(p, q):
    return p * mpmath.log(p / q) - p + q


def exact_exponential(p, q):
    return mpmath.log(p / q) + q / p - 1


def exact_laplace(m_p, s_p, m_q, s_q):
    d = abs(m_p - m_q)
    return mpmath.log(s_q / s_p) + (s_p * mpmath.exp(-d / s_p) + d) / s_q - 1


def exact_gamma(a_p, b_p, a_q, b_q):
    shapes = (a_p - a_q) * mpmath.psi(0, a_p) - mpmath.loggamma(a_p) + mpmath.loggamma(a_q)
    return shapes + a_q * mpmath.log(b_p / b_q) + a_p * (b_q - b_p) / b_p


def exact_dirichlet(p, q):
    p_sum, q_sum = mpmath.fsum(p), mpmath.fsum(q)
    parts = [
        mpmath.loggamma(y) - mpmath.loggamma(x)
        + (x - y) * (mpmath.psi(0, x) - mpmath.psi(0, p_sum))
        for x, y in zip(p, q, strict=True)
    ]  # fmt: skip
    return mpmath.loggamma(p_sum) - mpmath.loggamma(q_sum) + mpmath.fsum(parts)


def exact_beta(a_p, b_p, a_q, b_q):
    return exact_dirichlet([a_p, b_p], [a_q, b_q])


@dataclass(frozen=True)
class Form:
    """A closed form, its textbook formula in mpmath, and the same distribution elsewhere."""

    kl: Callable[..., Any]
    exact: Callable[..., Any]
    scipy: Callable[..., Any]
    tfp: Callable[..., Any]  # of tfd and the parameters
    pairs: list[tuple[tuple[float, ...], tuple[float, ...]]]

    def truth(self, p, q):
        return self.exact(*mp(p), *mp(q))


FORMS = {
    "bernoulli": Form(
        families.kl_bernoulli,
        exact_bernoulli,
        stats.bernoulli,
        lambda tfd, p: tfd.Bernoulli(probs=p),
        [((0.5,), (0.75,)), ((0.01,), (0.3,)), ((0.9,), (0.2,))],
    ),
    "poisson": Form(
        families.kl_poisson,
        exact_poisson,
        stats.poisson,
        lambda tfd, rate: tfd.Poisson(rate),
        [((3,), (5,)), ((0.2,), (4,)), ((40,), (30,))],
    ),
    "exponential": Form(
        families.kl_exponential,
        exact_exponential,
        lambda rate: stats.expon(scale=1 / rate),
        lambda tfd, rate: tfd.Exponential(rate),
        [((1,), (2,)), ((3,), (0.5,)), ((0.1,), (0.2,))],
    ),
    "laplace": Form(
        families.kl_laplace,
        exact_laplace,
        stats.laplace,
        lambda tfd, loc, scale: tfd.Laplace(loc, scale),
        [((0, 1), (1, 2)), ((-1, 2), (3, 0.5)), ((5, 0.5), (5.1, 0.4))],
    ),
    "gamma": Form(
        families.kl_gamma,
        exact_gamma,
        lambda a, rate: stats.gamma(a, scale=1 / rate),
        lambda tfd, a, rate: tfd.Gamma(a, rate),
        [((2, 1), (3, 1.5)), ((0.6, 2), (4, 1)), ((30, 3), (20, 2)), ((12, 1), (15, 1.3))],
    ),
    "beta": Form(
        families.kl_beta,
        exact_beta,
        stats.beta,
        lambda tfd, a, b: tfd.Beta(a, b),
        [((2, 3), (1, 1)), ((1, 1), (2, 3)), ((20, 15), (12, 12)), ((3, 0.8), (2, 1.5))],
    ),
}
EACH = [
    pytest.param(form, p, q, id=f"{name}-{p}-{q}")
    for name, form in FORMS.items()
    for p, q in form.pairs
]
by_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())

DIRICHLETS = [([1, 2, 3], [2, 2, 2]), ([5, 1.5, 12], [8, 2, 9]), ([2, 3], [4, 0.5])]


def log_density(dist):
    return dist.logpmf if hasattr(dist, "logpmf") else dist.logpdf


@pytest.mark.parametrize(("form", "p", "q"), EACH)
def test_a_form_agrees_with_the_sum_or_the_integral(form, p, q):
    dist_p, dist_q = form.scipy(*p), form.scipy(*q)
    if hasattr(dist_p, "logpmf"):
        x = np.arange(min(dist_p.support()[1], 400) + 1)
        value, error = (dist_p.pmf(x) * (dist_p.logpmf(x) - dist_q.logpmf(x))).sum(), 0.0
    else:
        low, high = dist_p.ppf([1e-17, 0.5]), dist_p.isf([0.5, 1e-17])
        pieces = [
            integrate.quad(
                lambda x: dist_p.pdf(x) * (dist_p.logpdf(x) - dist_q.logpdf(x)),
                *ends, points=p[:1] if form is FORMS["laplace"] else None, limit=400,
            )
            for ends in (low, high)
        ]  # fmt: skip
        value, error = (sum(column) for column in zip(*pieces, strict=True))
    assert error < 1e-7
    assert form.kl(*p, *q) == pytest.approx(value, rel=1e-8, abs=2 * error)


@pytest.mark.parametrize(("form", "p", "q"), EACH)
def test_a_form_agrees_with_monte_carlo(form, p, q):
    dist_p, dist_q = form.scipy(*p), form.scipy(*q)
    x = dist_p.rvs(200_000, random_state=np.random.default_rng(0))
    ratios = log_density(dist_p)(x) - log_density(dist_q)(x)
    assert abs(form.kl(*p, *q) - ratios.mean()) < 5 * stats.sem(ratios)


@pytest.mark.parametrize(("p", "q"), DIRICHLETS)
def test_kl_dirichlet_agrees_with_monte_carlo(p, q):
    dist_p, dist_q = stats.dirichlet(p), stats.dirichlet(q)
    x = dist_p.rvs(100_000, random_state=np.random.default_rng(1)).T
    ratios = dist_p.logpdf(x) - dist_q.logpdf(x)
    assert abs(families.kl_dirichlet(p, q) - ratios.mean()) < 5 * stats.sem(ratios)


@pytest.mark.parametrize(("p", "q"), DIRICHLETS[:2])
def test_kl_dirichlet_agrees_with_quadrature(p, q):
    # Gauss-Legendre over the triangle as s·(t, 1 − t), 1 − s, denser at the edges.
    nodes, weights = np.polynomial.legendre.leggauss(200)
    u = (nodes + 1) / 2
    edge, weights = u**3 * (10 - 15 * u + 6 * u**2), weights / 2 * 30 * u**2 * (1 - u) ** 2
    s, t = np.meshgrid(edge, edge, indexing="ij")
    weight = np.outer(weights, weights) * s
    x = np.stack([s * t, s * (1 - t), 1 - s]).reshape(3, -1)
    log_p, log_q = stats.dirichlet(p).logpdf(x), stats.dirichlet(q).logpdf(x)
    value = (weight.ravel() * np.exp(log_p) * (log_p - log_q)).sum()
    assert families.kl_dirichlet(p, q) == pytest.approx(value, rel=1e-9)


# Exact where the textbook formula cancels


def neighbours(parameters, distance, rng):
    return tuple(x * (1 + distance * rng.uniform(-1, 1)) for x in parameters)


@by_form
@pytest.mark.parametrize("distance", [1e-12, 1e-9, 1e-6, 1e-3, 0.1])
def test_a_form_is_exact_for_nearly_equal_parameters(form, distance):
    rng = np.random.default_rng(2)
    for p, _ in form.pairs * 3:
        p, q = neighbours(p, 0.1, rng), neighbours(p, 0.1, rng)
        q = neighbours(p, distance, rng)
        assert truth.relative_error(form.kl(*p, *q), form.truth(p, q)) < 1e-14


@pytest.mark.parametrize("distance", [1e-12, 1e-9, 1e-6, 1e-3, 0.1])
def test_kl_dirichlet_is_exact_for_nearly_equal_parameters(distance):
    rng = np.random.default_rng(3)
    for p in ([1, 2, 3], [5, 1e-8], [1e6, 2e6, 0.3], rng.uniform(0, 4, 50)):
        for q in (neighbours(p, distance, rng), [*p[:-1], p[-1] * (1 + distance)]):
            value = families.kl_dirichlet(p, q)
            assert truth.relative_error(value, exact_dirichlet(mp(p), mp(q))) < 1e-14


WIDE = {
    "bernoulli": lambda rng: 10 ** rng.uniform(-300, 0, 1),
    "poisson": lambda rng: 10 ** rng.uniform(-200, 200, 1),
    "exponential": lambda rng: 10 ** rng.uniform(-150, 150, 1),
    "laplace": lambda rng: 10 ** rng.uniform(-70, 70, 2),
    "gamma": lambda rng: 10 ** rng.uniform(-30, 30, 2),
    "beta": lambda rng: 10 ** rng.uniform(-30, 30, 2),
}


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("distance", [1e-9, 1e-3, None])
def test_a_form_is_exact_for_small_and_for_large_parameters(name, distance):
    form, rng = FORMS[name], np.random.default_rng(4)
    with mpmath.workdps(400):
        for _ in range(8):
            p = WIDE[name](rng)
            q = neighbours(p, distance, rng) if distance else WIDE[name](rng)
            exact = form.truth(p, q)
            if 1e-290 < exact < 1e300:
                assert truth.relative_error(form.kl(*p, *q), exact) < 2e-14, (p, q)


def test_equal_means_of_a_sharp_gamma_and_of_a_sharp_dirichlet_do_not_cancel():
    """KL is about (log of the quotient of the widths)² while every term is a million times that."""
    a, step = 1e12, 1 + 1e-6
    gamma = families.kl_gamma(a, a, a * step, a * step)
    assert truth.relative_error(gamma, exact_gamma(*mp([a, a, a * step, a * step]))) < 1e-14
    p, q = [a, a, a], [a * step] * 3
    value = families.kl_dirichlet(p, q)
    with mpmath.workdps(80):
        assert truth.relative_error(value, exact_dirichlet(mp(p), mp(q))) < 1e-14


def test_the_series_for_the_gamma_function_has_the_coefficients_of_stirling():
    assert [n for n in log_gamma._STIRLING if n % 2 == 0] == []
    for n, c in log_gamma._STIRLING.items():
        assert c == pytest.approx(float(mpmath.bernoulli(n + 1) / (n * (n + 1))), rel=1e-15)
    for x in (1e-3, 1, 9.9, 10, 10.1, 30):  # equal means, so that nothing else is added
        p, q = (x, x), (1.5 * x, 1.5 * x)
        exact = exact_gamma(*mp([*p, *q]))
        assert truth.relative_error(families.kl_gamma(*p, *q), exact) < 3e-15


def test_a_quotient_of_products_is_exact_wherever_it_lies():
    rng = np.random.default_rng(11)
    factors = 10 ** rng.uniform(-150, 150, (4, 400))
    factors[:, :200] = rng.uniform(0.5, 2, (4, 200)) * 2.0 ** rng.integers(-2, 3, (4, 200))
    a, b, c, d = factors
    with np.errstate(over="ignore"):
        r_minus_1, log_r = quotients.quotient(a, b, c, d)
    for i in range(400):
        r = mpf(a[i]) * mpf(b[i]) / (mpf(c[i]) * mpf(d[i]))
        if abs(r) < 1e308:
            assert truth.relative_error(r_minus_1[i], r - 1) < 1e-15
        else:
            assert r_minus_1[i] == math.inf
        assert truth.relative_error(log_r[i], mpmath.log(r)) < 1e-13


def test_a_quotient_near_1_of_digits_that_are_far_apart_is_exact():
    """1 has the digits 0.5 and a power of 2, what is just below 1 has neither."""
    below = 1 - 2.0**-30
    for a, b, c, d in ((1, 1, below, below), (below, below, 1, 1), (1, below, below, 1)):
        exact = mpf(a) * mpf(b) / (mpf(c) * mpf(d)) - 1
        for given in (map(np.float64, (a, b, c, d)), (np.array([x]) for x in (a, b, c, d))):
            r_minus_1, _ = quotients.quotient(*given)
            assert abs(mpf(float(np.ravel(r_minus_1)[0])) - exact) <= abs(exact) * 1e-15


def test_a_concentration_that_is_almost_nothing_is_not_lost_beside_a_large_one():
    for p, q in (
        ([5, 1e-20], [10, 1e-20]),
        ([5, 1e-140], [5.1, 1e-140]),
        ([1e-5, 1e-20], [3e7, 1e-20]),
        ([7e14, 4e-4, 3e-7], [2e-19, 2e-9, 7e-4]),
        ([1e53, 1e-150], [1e-150, 1.1e-150]),
        ([2e51, 4e-66, 1.4e139], [5e-104, 3e141, 1e-147]),
        ([3e-115, 0.04, 2e-29, 7e30], [3.000001e-115, 3e-70, 2e-137, 7e-141]),
    ):
        with mpmath.workdps(350):
            exact = exact_dirichlet(mp(p), mp(q))
        assert truth.relative_error(families.kl_dirichlet(p, q), exact) < 5e-14, (p, q)


@by_form
def test_a_form_is_zero_for_equal_parameters_only_and_never_negative(form):
    rng = np.random.default_rng(5)
    n = len(form.pairs[0][0])
    p = rng.uniform(0.05, 0.95, (n, 2000)) * (1 if form is FORMS["bernoulli"] else 30)
    q = p * (1 + 1e-9 * rng.uniform(-1, 1, p.shape))
    assert (form.kl(*p, *p) == 0).all()
    assert (form.kl(*p, *q) > 0).all()


def test_the_limits_at_zero_and_one_are_followed():
    bernoulli, poisson = families.kl_bernoulli, families.kl_poisson
    np.testing.assert_array_equal(
        bernoulli([[0], [0.5], [1]], [0, 1]), [[0, math.inf], [math.inf, math.inf], [math.inf, 0]]
    )
    assert bernoulli(0, 0.25) == pytest.approx(-math.log(0.75), rel=1e-15)
    assert bernoulli(1, 0.25) == pytest.approx(-math.log(0.25), rel=1e-15)
    assert bernoulli(0, 1e-300) == 1e-300
    np.testing.assert_array_equal(poisson([0, 0, 2], [0, 3, 0]), [0, 3, math.inf])


def test_a_closed_form_beyond_the_largest_float_is_inf():
    assert families.kl_exponential(1e-200, 1e200) == math.inf
    assert families.kl_gamma(1, 1e-200, 1, 1e200) == math.inf
    assert families.kl_gamma(1e-310, 1, 5, 1) == math.inf
    assert families.kl_gamma(1.7e308, 1e-300, 1.7e308, 1) == math.inf
    assert families.kl_laplace(0, 1e200, 1, 1e-200) == math.inf
    assert families.kl_laplace(0, 1e-300, 1e200, 1e-300) == math.inf
    assert families.kl_poisson(1e307, 1e-307) == math.inf
    assert families.kl_poisson(1e305, 1e304, base=1 + 1e-10) == math.inf
    large = stats.poisson(1e305), stats.poisson(1e304)
    assert families.kl_between(*large, base=1 + 1e-10) == math.inf


def test_a_family_inside_another_has_its_divergence():
    # The last place may differ: the two forms round differently.
    assert families.kl_exponential(2, 3) == pytest.approx(families.kl_gamma(1, 2, 1, 3), rel=4e-16)
    assert families.kl_beta(2, 3, 4, 1) == families.kl_dirichlet([2, 3], [4, 1])
    q = 0.3
    assert families.kl_bernoulli(0.6, q) == pytest.approx(
        kl.kl_divergence([0.4, 0.6], [1 - q, q]), rel=1e-14
    )
    # A sum of n draws: a Poisson of n times the rate, a gamma of n times the concentration.
    assert families.kl_poisson(30, 50) == pytest.approx(10 * families.kl_poisson(3, 5), rel=1e-14)
    assert families.kl_gamma(7, 2, 7, 3) == pytest.approx(7 * families.kl_exponential(2, 3))


@by_form
def test_a_form_broadcasts_changes_base_and_returns_a_number_for_numbers(form):
    p, q = form.pairs[0]
    one = form.kl(*p, *q)
    assert np.ndim(one) == 0
    assert isinstance(one, float)
    grid = form.kl(*(np.full((3, 1), x) for x in p), *(np.full(4, x) for x in q))
    np.testing.assert_array_equal(grid, np.full((3, 4), one))
    assert form.kl(*p, *q, base=2) == pytest.approx(one / math.log(2), rel=1e-15)
    assert form.kl(*(np.zeros((0, 1)) + 0.5 for _ in p), *q).shape == (0, 1)


def test_kl_dirichlet_takes_batches():
    p, q = np.random.default_rng(6).uniform(0.1, 5, (2, 4, 3))
    rows = families.kl_dirichlet(p, q)
    assert rows.shape == (4,)
    assert rows.tolist() == [families.kl_dirichlet(a, b) for a, b in zip(p, q, strict=True)]
    assert isinstance(families.kl_dirichlet(p[0], q[0]), float)
    np.testing.assert_array_equal(families.kl_dirichlet(p, q[2])[2], rows[2])
    assert families.kl_dirichlet([2], [5]) == 0
    assert families.kl_dirichlet([1e-150, 1e150], [1e-150, 1e150]) == 0  # the limits themselves
    bits = families.kl_dirichlet(p, q, base=2)
    np.testing.assert_allclose(bits, rows / math.log(2), rtol=1e-15)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: families.kl_bernoulli([0.5, 1.5], 0.5),
            r"p\[1\] is 1.5; a probability is between",
        ),
        (lambda: families.kl_bernoulli(0.5, -0.1), "q is -0.1"),
        (lambda: families.kl_poisson(-1, 2), "rate_p is -1; a mean count is 0 or above"),
        (lambda: families.kl_exponential(1, 0), "rate_q is 0; a rate is above 0"),
        (lambda: families.kl_gamma(0, 1, 1, 1), "concentration_p is 0; a concentration is above"),
        (lambda: families.kl_gamma(1, 1, 1, math.nan), "rate_q is nan; pass a finite number"),
        (lambda: families.kl_beta(1, 1, -2, 1), "concentration1_q is -2; a concentration"),
        (
            lambda: families.kl_beta(1, 1e200, 2, 1),
            r"concentration0_p is 1e\+200; beyond 1e-150 and 1e150",
        ),
        (lambda: families.kl_dirichlet([1, 0], [1, 1]), r"concentration_p\[1\] is 0"),
        (lambda: families.kl_dirichlet([1, 2], [1, 1, 1]), r"concentration_q has shape \(3,\)"),
        (lambda: families.kl_dirichlet(2, 3), "one concentration for each category"),
        (lambda: families.kl_dirichlet([], []), "one concentration for each category"),
        (lambda: families.kl_laplace(0, -1, 0, 1), "scale_p is -1; a scale is above 0"),
        (
            lambda: families.kl_laplace("0", 1, 0, 1),
            "loc_p is the text '0'; pass a sequence of numbers",
        ),
        (
            lambda: families.kl_poisson(np.ma.array([1, 2], mask=[0, 1]), 1),
            r"rate_p is a masked array; pass rate_p.compressed\(\)",
        ),
        (lambda: families.kl_poisson(1j, 1), r"rate_p is complex .*; pass np.real\(rate_p\) if"),
        (lambda: families.kl_poisson([1, 2], [1, 2, 3]), r"rate_p \(2,\), rate_q \(3,\)"),
        (lambda: families.kl_gamma(10**400, 1, 1, 1), "concentration_p is 1000.*pass float"),
        (lambda: families.kl_exponential(1, 2, base=1), "base is 1"),
        (lambda: kl.kl_between(*map(stats.expon, (math.nan, 0))), "^loc_p is nan"),
        (lambda: kl.kl_between(*map(stats.expon, (0, math.nan))), "^loc_q is nan"),
    ],
)
def test_parameters_that_a_form_cannot_use_are_named(call, said):
    with pytest.raises(kl.DistributionError, match=said):
        call()


# Two distribution objects

SCIPY = [
    pytest.param(form.scipy(*p), form.scipy(*q), form.truth(p, q), id=f"{name}-{p}-{q}")
    for name, form in FORMS.items()
    for p, q in form.pairs[:2]
]


@pytest.mark.parametrize(("p", "q", "exact"), SCIPY)
def test_kl_between_finds_the_form_of_two_scipy_distributions(p, q, exact):
    assert truth.relative_error(families.kl_between(p, q), exact) < 1e-13
    assert families.kl_between(p, q, base=2) == pytest.approx(float(exact) / math.log(2))


def test_kl_between_finds_normals_and_dirichlets_of_scipy():
    between_ = families.kl_between
    expected = kl.kl_normal(1, 1, 2, 0.5)
    assert between_(stats.norm(1, 1), stats.norm(scale=0.5, loc=2)) == expected
    new = getattr(stats, "Normal", None)  # SciPy 1.15
    if new is not None:
        assert between_(new(mu=1, sigma=1), stats.norm(2, 0.5)) == expected
        assert between_(new(), stats.norm()) == 0
    dists = stats.dirichlet([1, 2, 3]), stats.dirichlet([2, 2, 2])
    assert between_(*dists) == families.kl_dirichlet([1, 2, 3], [2, 2, 2])


def test_kl_between_reads_scales_without_turning_them_into_rates():
    """1/scale would be rounded, and that would show for scales this close."""
    scale = 3 * (1 + 1e-9)
    exact = exact_exponential(*(1 / s for s in mp([3, scale])))
    value = families.kl_between(stats.expon(scale=3), stats.expon(scale=scale))
    assert truth.relative_error(value, exact) < 1e-14
    value = families.kl_between(stats.gamma(2, scale=3), stats.gamma(2, scale=scale))
    assert truth.relative_error(value, 2 * exact) < 1e-14


def test_kl_between_broadcasts_batches_of_parameters():
    value = families.kl_between(stats.expon(loc=[[0], [1]]), stats.expon(loc=[0, 0.5, 1]))
    np.testing.assert_allclose(value, [[0, math.inf, math.inf], [1, 0.5, 0]])


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.expon(2, 1.5), stats.expon(0.5, 3)),
        (stats.gamma(2, 1, 3), stats.gamma(3, 1, 2)),
        (stats.beta(2, 3, loc=-1, scale=4), stats.beta(3, 2, loc=-1, scale=4)),
    ],
)
def test_a_shifted_distribution_agrees_with_quadrature(p, q):
    value, error = integrate.quad(
        lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), *p.ppf([1e-17, 1 - 1e-16]), limit=200
    )
    assert families.kl_between(p, q) == pytest.approx(value, rel=1e-7, abs=2 * error)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.expon(0), stats.expon(1)),
        (stats.gamma(2, loc=0), stats.gamma(2, loc=0.1)),
        (stats.beta(2, 3, scale=2), stats.beta(2, 3)),
        (stats.beta(2, 3, loc=-1, scale=2), stats.beta(2, 3)),
        (stats.poisson(3), stats.poisson(3, loc=1)),
        (stats.poisson(0.5, loc=0.5), stats.poisson(3)),
        (stats.bernoulli(0.3), stats.bernoulli(0.3, loc=1)),
        (stats.poisson(0, loc=-2), stats.poisson(3)),
        (stats.bernoulli(0), stats.bernoulli(0.5, loc=1)),
        (stats.poisson(3), stats.expon()),
        (stats.beta(2, 3, 1e17, 2), stats.beta(2, 3, 1e17, 1)),
        (stats.expon(), stats.beta(2, 3)),
        (stats.norm(), stats.gamma(2)),
        (stats.norm(), stats.poisson(2)),
    ],
)
def test_a_distribution_with_values_that_the_other_excludes_is_infinitely_far(p, q):
    assert families.kl_between(p, q) == math.inf


@pytest.mark.parametrize(
    ("p", "q", "said"),
    [
        (stats.norm(), stats.t(3), r"from stats.norm to stats.t has no closed form"),
        (stats.norm(), stats.t(3), r"kl_monte_carlo\(dist_p.logpdf, dist_q.logpdf, samples\)"),
        (stats.norm(), stats.t(3), r"kl_knn\(x, y\)"),
        (stats.t(3), stats.t(4), "stats.t to stats.t has no closed form"),
        (stats.gamma(2, loc=1), stats.gamma(2), "no closed form here for a later loc of dist_p"),
        (stats.beta(2, 3, 0.2, 0.5), stats.beta(2, 3), "for a narrower support of dist_p"),
        (stats.beta(2, 3, 0, 0.5), stats.beta(2, 3), "for a narrower support of dist_p"),
        (stats.poisson(3, loc=2), stats.poisson(3), "for that loc of dist_p"),
        (stats.bernoulli(1), stats.bernoulli(0.5, loc=1), "for that loc of dist_p"),
        (stats.poisson(3), stats.zipf(3.0), "dist_p.logpmf, dist_q.logpmf, samples.* dist_p$"),
    ],
)
def test_where_there_is_no_closed_form_the_error_names_the_estimator(p, q, said):
    with pytest.raises(families.NoClosedFormError, match=said):
        families.kl_between(p, q)


def test_a_distribution_of_the_users_own_is_not_taken_for_scipys():
    class norm_gen(stats.rv_continuous):  # noqa: N801
        def _pdf(self, x):
            return np.exp(-2 * np.abs(x))

    mine = norm_gen(name="norm")(loc=0, scale=1)
    with pytest.raises(families.NoClosedFormError, match="no closed form"):
        families.kl_between(mine, stats.norm())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([0.5, 0.5], "dist_p is of type list; .* use kl_divergence"),
        (stats.norm, r"dist_p is stats.norm without its parameters; pass them: stats.norm\("),
        (int, "dist_p is the class int"),
        (None, "dist_p is of type NoneType"),
    ],
)
def test_what_is_no_distribution_is_named(value, said):
    with pytest.raises(TypeError, match=said):
        families.kl_between(value, stats.norm())


def test_an_invalid_parameter_of_a_distribution_is_named():
    with pytest.raises(kl.DistributionError, match="scale_q is -1; a scale is above 0"):
        families.kl_between(stats.expon(), stats.expon(scale=-1))
    for p, q, name in ((0, 1, "scale_p"), (1, 0, "scale_q")):
        for of_scale in (lambda x: stats.beta(1, 1, scale=x), lambda x: stats.gamma(2, scale=x)):
            with pytest.raises(kl.DistributionError, match=f"^{name} is 0; a scale is above 0"):
                families.kl_between(of_scale(p), of_scale(q))


def test_a_family_that_is_added_to_the_lists_is_found(monkeypatch):
    def same_or_not(p, q):
        return float(p["df"] != q["df"])

    reader = ("student_t", functools.partial(from_scipy._named, df="df"))
    monkeypatch.setitem(from_scipy.READERS, "t", reader)
    monkeypatch.setitem(registry.PAIRS, ("student_t", "student_t"), registry.Entry(same_or_not))
    assert families.kl_between(stats.t(3), stats.t(df=4)) == 1.0


def test_closed_forms_need_numpy_alone_and_kl_between_only_where_its_arguments_come_from():
    code = """
import sys
from kl_lib import families
families.kl_gamma(2, 1, 3, 1), families.kl_dirichlet([1, 2], [2, 1])
assert not {"scipy", "tensorflow_probability"} & set(sys.modules)
from scipy import stats
families.kl_between(stats.norm(), stats.norm(1))
assert not {"tensorflow", "tensorflow_probability"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# Of TensorFlow Probability, kl_between reads attributes only: it can be tested without


def tfp_like(kind, *bases, **attributes):
    where = {"__module__": "tensorflow_probability.python.distributions", "log_prob": None}
    return type(kind, bases, {**where, **attributes})()


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        (
            tfp_like("Normal", loc=1, scale=1),
            tfp_like("Normal", loc=2, scale=0.5),
            kl.kl_normal(1, 1, 2, 0.5),
        ),
        (
            tfp_like("Laplace", loc=0, scale=1),
            tfp_like("Laplace", loc=1, scale=2),
            families.kl_laplace(0, 1, 1, 2),
        ),
        (
            tfp_like("Bernoulli", probs=0.3, logits=None),
            tfp_like("Bernoulli", probs=0.9, logits=None),
            families.kl_bernoulli(0.3, 0.9),
        ),
        (
            tfp_like("Bernoulli", probs=None, logits=math.log(3)),
            tfp_like("Bernoulli", probs=0.9, logits=None),
            families.kl_bernoulli(0.75, 0.9),
        ),
        (
            tfp_like("Bernoulli", probs=0.9, logits=None),
            tfp_like("Bernoulli", probs=None, logits=[math.log(3), -math.log(3), 0]),
            families.kl_bernoulli(0.9, [0.75, 0.25, 0.5]),
        ),
        (
            tfp_like("Bernoulli", probs=[0, 1, 0.5], logits=None),
            tfp_like("Bernoulli", probs=None, logits=math.log(3)),
            families.kl_bernoulli([0, 1, 0.5], 0.75),
        ),
        (
            tfp_like("Categorical", probs=[0.2, 0.8, 0], logits=None),
            tfp_like("Categorical", probs=[0.5, 0.25, 0.25], logits=None),
            kl.kl_divergence([0.2, 0.8, 0], [0.5, 0.25, 0.25]),
        ),
        (
            tfp_like("Categorical", probs=[0.2, 0.8, 0], logits=None),
            tfp_like("Categorical", probs=None, logits=np.log([5, 2.5, 2.5])),
            kl.kl_divergence([0.2, 0.8, 0], [0.5, 0.25, 0.25]),
        ),
        (
            tfp_like("Categorical", probs=None, logits=np.log([5, 2.5, 2.5])),
            tfp_like("Categorical", probs=[0.2, 0.7, 0.1], logits=None),
            kl.kl_divergence([0.5, 0.25, 0.25], [0.2, 0.7, 0.1]),
        ),
        (
            tfp_like("Poisson", rate=3, log_rate=None),
            tfp_like("Poisson", rate=None, log_rate=math.log(5)),
            families.kl_poisson(3, 5),
        ),
        (
            tfp_like("Exponential", rate=2),
            tfp_like("Exponential", rate=3),
            families.kl_exponential(2, 3),
        ),
        (
            tfp_like("Gamma", concentration=2, rate=3, log_rate=None),
            tfp_like("Gamma", concentration=4, rate=None, log_rate=np.float32(0.5)),
            families.kl_gamma(2, 3, 4, math.exp(0.5)),
        ),
        (
            tfp_like("Beta", concentration1=2, concentration0=3),
            tfp_like("Beta", concentration1=4, concentration0=1),
            families.kl_beta(2, 3, 4, 1),
        ),
        (
            tfp_like("Dirichlet", concentration=[1, 2, 3]),
            tfp_like("Dirichlet", concentration=[2, 2, 2]),
            families.kl_dirichlet([1, 2, 3], [2, 2, 2]),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_kl_between_reads_the_attributes_of_tfp(p, q, expected):
    np.testing.assert_allclose(families.kl_between(p, q), expected, rtol=1e-14)
    bits = families.kl_between(p, q, base=2)
    np.testing.assert_allclose(bits, expected / math.log(2), rtol=1e-14)


def test_probabilities_are_not_turned_into_logarithms_without_need():
    """It would show for probabilities this close."""
    p, q = np.array([0.3, 0.7]), np.array([0.3 + 1e-9, 0.7 - 1e-9])
    dists = [tfp_like("Categorical", probs=x, logits=None) for x in (p, q)]
    assert families.kl_between(*dists) == kl.kl_divergence(p, q)
    dists = [tfp_like("Bernoulli", probs=x[0], logits=None) for x in (p, q)]
    assert families.kl_between(*dists) == families.kl_bernoulli(p[0], q[0])


def test_a_rate_that_overflows_is_named_without_a_warning():
    large, one = (tfp_like("Poisson", rate=None, log_rate=x) for x in (1000, 0))
    gammas = (tfp_like("Gamma", concentration=2, rate=None, log_rate=x) for x in (1000, 0))
    with pytest.raises(kl.DistributionError, match=r"^rate_p is inf; pass a finite"):
        families.kl_between(*gammas)
    with pytest.raises(kl.DistributionError, match=r"^rate_p is inf; pass a finite"):
        families.kl_between(large, one)
    with pytest.raises(kl.DistributionError, match=r"^rate_q is inf; pass a finite"):
        families.kl_between(one, large)


def test_a_scale_beside_a_rate_is_not_turned_into_a_rate():
    rate = tfp_like("Exponential", rate=3)
    for dists in ((rate, stats.expon(scale=0)), (stats.expon(scale=0), rate)):
        with pytest.raises(kl.DistributionError, match=r"^scale_[pq] is 0; a scale is above 0"):
            families.kl_between(*dists)
    with pytest.raises(kl.DistributionError, match=r"^rate_p is -1; a rate is above 0"):
        families.kl_between(tfp_like("Exponential", rate=-1), stats.expon())
    narrow = 1e-310  # 1/scale would overflow
    r = 3 * mpf(narrow)
    expected = r - 1 - mpmath.log(r)
    assert truth.relative_error(families.kl_between(stats.expon(scale=narrow), rate), expected) < (
        1e-13
    )
    back = families.kl_between(tfp_like("Exponential", rate=1e-3), stats.expon(scale=1e-300))
    assert truth.relative_error(back, 1 / mpf(1e-303) - 1 + mpmath.log(mpf(1e-303))) < 1e-13


@pytest.mark.parametrize(
    ("log_p", "log_q"),
    [(-800, -801), (-800, 3), (3, -800), (5, 5 + 1e-12), (-30, -30 - 1e-9), (2, 40), (700, -700)],
)
def test_rates_given_as_logarithms_are_not_rounded_to_rates(log_p, log_q):
    """e⁻⁸⁰⁰ is 0 as a float, and inf would follow; and close logarithms tell more than rates."""
    p, q = (tfp_like("Poisson", rate=None, log_rate=x) for x in (log_p, log_q))
    a, b = mpf(log_p), mpf(log_q)
    exact = mpmath.exp(a) * (a - b) - mpmath.exp(a) + mpmath.exp(b)
    value = families.kl_between(p, q)
    assert truth.relative_error(value, exact) < 1e-12 or value == exact == 0 or exact < 5e-324
    assert families.kl_between(p, p) == 0


def test_a_rate_beside_the_logarithm_of_one():
    log, zero = tfp_like("Poisson", rate=None, log_rate=math.log(5)), stats.poisson(0)
    assert families.kl_between(zero, log) == pytest.approx(5, rel=1e-15)
    assert families.kl_between(log, zero) == math.inf
    none = tfp_like("Poisson", rate=None, log_rate=-math.inf)
    assert families.kl_between(none, zero) == 0
    assert families.kl_between(stats.poisson([0, 3]), log) == pytest.approx(
        [5, families.kl_poisson(3, 5)], rel=1e-14
    )
    with pytest.raises(kl.DistributionError, match="rate_p is -1; a mean count is 0 or above"):
        families.kl_between(tfp_like("Poisson", rate=-1, log_rate=None), log)


@pytest.mark.parametrize(("loc_p", "loc_q"), [(1e17, 0.5), (1, 1e-20), (0.5, 1e17), (-1e-20, 0)])
def test_poissons_on_different_grids_are_infinitely_far_whatever_rounding_says(loc_p, loc_q):
    p, q = stats.poisson(3, loc=loc_p), stats.poisson(3, loc=loc_q)
    assert families.kl_between(p, q) == math.inf
    assert families.kl_between(q, p) == math.inf


@pytest.mark.parametrize(("loc_p", "loc_q"), [(1, 0), (2.0**53 + 2, -1)])
def test_poissons_whole_steps_apart_have_no_closed_form(loc_p, loc_q):
    with pytest.raises(families.NoClosedFormError, match="that loc"):
        families.kl_between(stats.poisson(3, loc=loc_p), stats.poisson(3, loc=loc_q))


def test_close_rates_are_compared_as_rates():
    p, q = stats.poisson(3), stats.poisson(3 * (1 + 1e-9))
    assert families.kl_between(p, q) == families.kl_poisson(3, 3 * (1 + 1e-9))
    narrow = tfp_like("Poisson", rate=np.float32(0.1), log_rate=None)
    log = tfp_like("Poisson", rate=None, log_rate=np.float64(-1))
    a, b = mpf(float(np.float32(0.1))), mpf(-1)
    exact = a * (mpmath.log(a) - b) - a + mpmath.exp(b)
    assert truth.relative_error(families.kl_between(narrow, log), exact) < 1e-14


def test_a_quotient_of_rates_beyond_floats_is_refused_without_a_warning():
    with pytest.raises(kl.DistributionError, match=r"^rate_p is inf"):
        families.kl_between(tfp_like("Exponential", rate=1e200), stats.expon(scale=1e200))


def test_the_ends_of_a_beta_may_overflow():
    wide = stats.beta(2, 3, loc=1e308, scale=1.7e308)
    for loc, scale in ((0.9e308, 1.6e308), (-1.7e308, 1.7e308)):
        assert families.kl_between(wide, stats.beta(2, 3, loc=loc, scale=scale)) == math.inf
    with pytest.raises(families.NoClosedFormError, match="a narrower support"):
        families.kl_between(wide, stats.beta(2, 3, loc=0.95e308, scale=1.79e308))
    assert families.kl_between(wide, wide) == 0
    far = stats.poisson(3, loc=1.7e308), stats.poisson(3, loc=-1.7e308)
    with pytest.raises(families.NoClosedFormError, match="that loc"):
        families.kl_between(*far)
    assert families.kl_between(*far[::-1]) == math.inf


def test_an_exponential_of_each_library_may_start_anywhere():
    late, rate = stats.expon(loc=3, scale=0.5), tfp_like("Exponential", rate=np.float32(4))
    expected = families.kl_exponential(2, 4) + 12
    assert families.kl_between(late, rate) == pytest.approx(expected, rel=1e-14)
    bits = families.kl_between(late, rate, base=2)
    assert bits == pytest.approx(expected / math.log(2), rel=1e-14)
    assert families.kl_between(rate, late) == math.inf
    narrow = np.float32([0.3, 0.7])
    mixed = families.kl_between(tfp_like("Exponential", rate=2), stats.expon(scale=narrow))
    np.testing.assert_allclose(mixed, families.kl_exponential(2, 1 / narrow.astype(float)), 1e-14)
    # 1/scale would overflow.
    tiny = stats.expon(loc=1e-310, scale=1e-310), stats.expon(scale=1e-310)
    assert families.kl_between(*tiny) == 1
    far = stats.expon(loc=1e308, scale=1), stats.expon(loc=-1e308, scale=1e-10)
    assert families.kl_between(*far) == math.inf
    assert families.kl_between(stats.expon(loc=-1e308), stats.expon(loc=1e308)) == math.inf


def test_probabilities_beside_logits_are_checked_by_name():
    good, bad = (tfp_like("Categorical", probs=[x, 0.5], logits=None) for x in (0.5, 0.7))
    logits = tfp_like("Categorical", probs=None, logits=[0.0, 0.0])
    for p, q, name in ((bad, logits, "p"), (logits, bad, "q"), (bad, good, "p"), (good, bad, "q")):
        with pytest.raises(kl.DistributionError, match=f"^{name} sums to 1.2"):
            families.kl_between(p, q)
    bad, logit = (
        tfp_like("Bernoulli", probs=1.5, logits=None),
        tfp_like("Bernoulli", probs=None, logits=0.0),
    )
    for p, q, name in ((bad, logit, "p"), (logit, bad, "q")):
        with pytest.raises(kl.DistributionError, match=f"^probs_{name} is 1.5; a probability"):
            families.kl_between(p, q)


class DiscreteDistributionMixin:
    """Bears the name of the class by which TFP marks what is discrete."""


T = tfp_like("StudentT")
COUNT = tfp_like("Zipf", DiscreteDistributionMixin)
ESTIMATE = "has no closed form here{}; estimate it: kl_monte_carlo(dist_p.{}, dist_q.{}, samples)"
FROM_SAMPLES = " with samples of dist_p"
NEAREST = ", or kl_knn(x, y) from samples of both"
NO_DISTRIBUTION = (
    "; pass a distribution with its parameters, such as stats.norm(0, 1) of SciPy, "
    "torch.distributions.Normal(0.0, 1.0) or tfd.Normal(0.0, 1.0) of TFP; for arrays of "
    "probabilities use kl_divergence(p, q), and for a class of your own register_kl"
)


@pytest.mark.parametrize(
    ("p", "q", "said"),
    [
        (
            stats.norm(),
            stats.t(3),
            "KL from stats.norm to stats.t "
            + ESTIMATE.format("", "logpdf", "logpdf") + FROM_SAMPLES + NEAREST,
        ),
        (
            stats.poisson(3),
            stats.zipf(3.0),
            "KL from stats.poisson to stats.zipf "
            + ESTIMATE.format("", "logpmf", "logpmf") + FROM_SAMPLES,
        ),
        (
            stats.gamma(2, loc=1),
            stats.gamma(2),
            "KL from stats.gamma to stats.gamma "
            + ESTIMATE.format(" for a later loc of dist_p", "logpdf", "logpdf")
            + FROM_SAMPLES + NEAREST,
        ),
        (
            T,
            stats.multivariate_t([0, 0]),
            "KL from tfd.StudentT to stats.multivariate_t "
            + ESTIMATE.format("", "log_prob", "logpdf") + FROM_SAMPLES + NEAREST,
        ),
        (
            COUNT,
            COUNT,
            "KL from tfd.Zipf to tfd.Zipf "
            + ESTIMATE.format("", "log_prob", "log_prob") + FROM_SAMPLES,
        ),
        (stats.norm, T, "dist_p is stats.norm without its parameters; pass them: stats.norm(...)"),
        (T, stats.t, "dist_q is stats.t without its parameters; pass them: stats.t(...)"),
        (T, type(T), "dist_q is the class StudentT; pass it with its parameters"),
        ([0.5, 0.5], T, "dist_p is of type list" + NO_DISTRIBUTION),
        (type("Normal", (), {"log_prob": 0})(), T, "dist_p is of type Normal" + NO_DISTRIBUTION),
        (
            type("Fake", (), {"__module__": T.__module__})(),
            T,
            "dist_p is of type Fake" + NO_DISTRIBUTION,
        ),
    ],
)  # fmt: skip
def test_what_is_said_where_there_is_no_closed_form(p, q, said):
    with pytest.raises(TypeError) as caught:
        families.kl_between(p, q)
    assert str(caught.value) == said


def test_what_is_discrete_is_infinitely_far_from_what_is_not_and_the_reason_is_told():
    for p, q, names in (
        (COUNT, stats.norm(), "tfd.Zipf and stats.norm"),
        (T, COUNT, "tfd.StudentT and tfd.Zipf"),
        (stats.t(3), stats.zipf([2.0, 3.0]), "stats.t and stats.zipf"),
    ):
        assert np.all(np.isposinf(families.kl_between(p, q)))
        assert families.why_infinite(p, q) == (
            f"one of {names} is discrete and the other continuous, so that neither gives the "
            "values of the other any probability"
        )


def test_what_is_infinite_for_all_of_a_batch_has_its_shape():
    rows = tfp_like("Zipf", DiscreteDistributionMixin)
    type(rows).batch_shape = (3, 1)
    for p, q, shape in (
        (stats.t([3.0, 4.0]), stats.zipf(2.0), (2,)),
        (stats.t(df=3.0, loc=[[0.0], [1.0]]), stats.zipf(a=[2.0, 3.0, 4.0]), (2, 3)),
        (stats.t([3.0, 4.0]), rows, (3, 2)),
        (rows, stats.t(3.0), (3, 1)),
        (stats.norm(scale=[1.0, 2.0]), stats.gamma(a=[[2.0], [3.0]]), (2, 2)),
        (stats.multivariate_normal([0.0, 0.0]), stats.poisson([1.0, 2.0]), (2,)),
    ):
        value = families.kl_between(p, q)
        assert value.shape == shape
        assert np.isposinf(value).all()
        assert type(families.kl_between(stats.t(3), stats.zipf(2.0))) is np.float64


@pytest.mark.parametrize(
    ("p", "q", "reason"),
    [
        (stats.norm(), stats.norm(2), None),
        (
            stats.norm(),
            stats.gamma(2, loc=1),
            "stats.norm has values from -inf to inf, stats.gamma only values from 1 to inf",
        ),
        (
            stats.poisson(3),
            stats.bernoulli(0.5),
            "stats.poisson has whole steps from 0 to inf, stats.bernoulli only whole steps from 0 "
            "to 1",
        ),
        (
            stats.expon(loc=[0, 1, -2]),
            stats.expon(loc=[0.5, 0.5, 0.5]),
            "stats.expon has values from -2 (the lowest) to inf, stats.expon only values from 0.5 "
            "(the lowest) to inf",
        ),
        (
            stats.norm(scale=1e300),
            stats.norm(),
            "the log density of dist_q has no finite mean under dist_p, or the value is beyond the "
            "largest float",
        ),
    ],
)
def test_the_reason_for_an_infinite_divergence_is_told(p, q, reason):
    assert families.why_infinite(p, q) == reason


class Coin:
    def __init__(self, heads):
        self.heads = heads


class Bent(Coin):
    pass


def test_a_class_of_the_users_own_is_found_by_itself_and_by_its_parents(monkeypatch):
    monkeypatch.setattr(registry, "PAIRS", dict(registry.PAIRS))
    with pytest.raises(TypeError, match=r"dist_p is of type Coin; .* register_kl"):
        families.kl_between(Coin(0.5), Coin(0.5))

    @kl.register_kl(Coin, Coin)
    def two_coins(p, q):
        return families.kl_bernoulli(p.heads, q.heads)

    assert families.kl_between(Coin(0.5), Bent(0.75)) == families.kl_bernoulli(0.5, 0.75)
    assert families.kl_between(Bent([0.5, 0]), Bent(0.75), base=2) == pytest.approx(
        families.kl_bernoulli([0.5, 0], 0.75, base=2), rel=1e-15
    )
    kl.register_kl(Bent, Coin)(lambda p, q: 7.0)
    assert families.kl_between(Bent(0.5), Coin(0.75)) == 7
    assert families.kl_between(Coin(0.5), Bent(0.75)) < 1
    kl.register_kl(Coin, "bernoulli")(lambda p, q: families.kl_bernoulli(p.heads, q["probs"]))
    expected = families.kl_bernoulli(0.5, 0.75)
    assert families.kl_between(Bent(0.5), stats.bernoulli(0.75)) == expected
    kl.register_kl(Coin, "poisson")(lambda p, q: math.inf)
    assert families.why_infinite(Coin(0.5), stats.poisson(1)).startswith("the log density of dis")
    with pytest.raises(families.NoClosedFormError, match=r"from stats.bernoulli to Coin has no"):
        families.kl_between(stats.bernoulli(0.75), Coin(0.5))
    with pytest.raises(ValueError, match=r"the pair \(Coin, 'bernoulli'\) has a form already"):
        kl.register_kl(Coin, "bernoulli")(two_coins)
    kl.register_kl(Coin, "bernoulli", replace=True)(lambda p, q: 5.0)
    assert families.kl_between(Coin(0.5), stats.bernoulli(0.75)) == 5


def test_a_form_of_kl_libs_own_is_entered_for_one_family_or_for_two(monkeypatch):
    monkeypatch.setattr(registry, "PAIRS", {})

    def form(p, q):
        return 1.0

    assert registry.closed_form("normal")(form) is form
    assert registry.closed_form("normal", "laplace", unless="that loc")(form) is form
    assert registry.closed_form("gamma", unless="a later loc")(form) is form
    assert {
        ("normal", "normal"): registry.Entry(form, ""),
        ("normal", "laplace"): registry.Entry(form, "that loc"),
        ("gamma", "gamma"): registry.Entry(form, "a later loc"),
    } == registry.PAIRS
    assert kl.register_kl("normal", Coin)(form) is form
    assert registry.PAIRS["normal", Coin] == registry.Entry(form, "")
    with pytest.raises(ValueError, match="already") as caught:
        kl.register_kl("normal", Coin)(form)
    assert str(caught.value) == (
        "the pair ('normal', Coin) has a form already; pass replace=True to put yours in its place"
    )


def test_the_pair_of_classes_fewest_steps_up_is_found(monkeypatch):
    monkeypatch.setattr(registry, "PAIRS", dict.fromkeys([(Bent, Coin), (Coin, Bent)]))
    assert registry.find([Bent, Coin], [Bent, Coin]) == (Bent, Coin)  # nearer to p
    assert registry.find([Coin], [Bent, Coin]) == (Coin, Bent)
    assert registry.find([Coin], [Coin]) is None
    registry.PAIRS[Bent, Bent] = None
    assert registry.find([Bent, Coin], [Bent, Coin]) == (Bent, Bent)
    registry.PAIRS.clear()
    registry.PAIRS.update(dict.fromkeys([(Bent, "c"), (Coin, "a")]))
    assert registry.find([Bent, Coin], ["a", "b", "c"]) == (Coin, "a")


def test_what_can_not_be_registered_is_named():
    for kinds, name in (((Coin, "norm"), "kind_q"), (("norm", Coin), "kind_p")):
        with pytest.raises(TypeError) as caught:
            kl.register_kl(*kinds)
        names = ", ".join(families.FAMILY_NAMES)
        assert str(caught.value) == f"{name} is 'norm'; pass a class or one of {names}"
    for kinds, name in (((1.0, Coin), "kind_p"), ((Coin, 1.0), "kind_q")):
        with pytest.raises(TypeError) as caught:
            kl.register_kl(*kinds)
        assert str(caught.value) == f"{name} is a float; pass a class or the name of a family"


# TensorFlow Probability


@pytest.fixture(scope="module")
def tfd():
    return pytest.importorskip("tensorflow_probability").distributions


def test_tensorflow_probability_agrees_on_normals(tfd):
    for mu_p, sigma_p, mu_q, sigma_q in PAIRS:
        p, q = (
            tfd.Normal(np.float64(m), np.float64(s)) for m, s in ((mu_p, sigma_p), (mu_q, sigma_q))
        )
        expected = p.kl_divergence(q).numpy()
        assert kl.kl_normal(mu_p, sigma_p, mu_q, sigma_q) == pytest.approx(expected, rel=1e-12)
        assert families.kl_between(p, q) == kl.kl_normal(mu_p, sigma_p, mu_q, sigma_q)


@pytest.mark.parametrize(("form", "p", "q"), EACH)
def test_tensorflow_probability_agrees(tfd, form, p, q):
    tf = pytest.importorskip("tensorflow")
    # Tensors, since TFP's Bernoulli reads NumPy's float64 as float32.
    dist_p, dist_q = (form.tfp(tfd, *(tf.constant(y, tf.float64) for y in x)) for x in (p, q))
    if form is not FORMS["poisson"]:  # for which it has no KL
        expected = dist_p.kl_divergence(dist_q).numpy()
        assert form.kl(*p, *q) == pytest.approx(expected, rel=1e-10)
    assert truth.relative_error(families.kl_between(dist_p, dist_q), form.truth(p, q)) < 1e-13


def test_tensorflow_probability_agrees_on_dirichlets_and_categoricals(tfd):
    for a, b in DIRICHLETS:
        p, q = tfd.Dirichlet(np.float64(a)), tfd.Dirichlet(np.float64(b))
        assert families.kl_dirichlet(a, b) == pytest.approx(p.kl_divergence(q).numpy(), rel=1e-10)
        assert families.kl_between(p, q) == families.kl_dirichlet(a, b)
    probs, logits = np.array([0, 0.5, 0.3, 0.2]), np.array([0.0, 1, 2, -1])
    p, q = tfd.Categorical(probs=probs), tfd.Categorical(logits=logits)
    softmax = tfd.Categorical(probs=np.exp(logits) / np.exp(logits).sum())
    expected = p.kl_divergence(q).numpy()
    for other in (q, softmax):
        assert families.kl_between(p, other) == pytest.approx(expected, rel=1e-12)
    assert families.kl_between(q, q) == 0
    with pytest.raises(kl.DistributionError, match="sums to 2"):
        families.kl_between(p, tfd.Categorical(probs=2 * probs))
    with pytest.raises(kl.DistributionError, match="q sums to 2"):
        families.kl_between(q, tfd.Categorical(probs=2 * probs))


def test_kl_between_reads_what_tensorflow_probability_was_given_as_logarithms(tfd):
    rate = np.float64(3)
    assert families.kl_between(
        tfd.Poisson(log_rate=np.log(rate)), tfd.Poisson(np.float64(5))
    ) == pytest.approx(families.kl_poisson(3, 5), rel=1e-12)
    assert families.kl_between(
        tfd.Gamma(np.float64(2), log_rate=np.log(rate)), tfd.Gamma(np.float64(4), rate)
    ) == pytest.approx(families.kl_gamma(2, 3, 4, 3), rel=1e-12)
    one, far, near, sure = (
        tfd.Bernoulli(**{name: np.array(value)})
        for name, value in (
            ("probs", 1.0),
            ("logits", -800.0),
            ("logits", 40.0),
            ("logits", np.inf),
        )
    )
    assert families.kl_between(one, far) == pytest.approx(800)
    assert families.kl_between(sure, near) == pytest.approx(math.exp(-40), rel=1e-14, abs=0)
    assert families.kl_between(near, sure) == math.inf
    assert families.kl_between(sure, tfd.Bernoulli(probs=np.array(0.25))) == pytest.approx(
        math.log(4)
    )


def test_kl_between_takes_float32_batches_and_one_distribution_from_each_library(tfd):
    batch = tfd.Normal(np.float32([0, 1, 2]), np.float32(1))
    np.testing.assert_array_equal(families.kl_between(batch, stats.norm()), [0, 0.5, 2])
    mixed = families.kl_between(tfd.Exponential(np.float32(2)), stats.expon(scale=0.25))
    assert mixed == pytest.approx(families.kl_exponential(2, 4), rel=1e-14)
    late = families.kl_between(stats.expon(loc=3, scale=0.5), tfd.Exponential(np.float32(4)))
    assert late == pytest.approx(families.kl_exponential(2, 4) + 12, rel=1e-14)


def test_what_tensorflow_probability_has_and_kl_between_has_not_goes_to_an_estimator(tfd):
    p, q = tfd.StudentT(3.0, 0.0, 1.0), tfd.Normal(0.0, 1.0)
    with pytest.raises(
        families.NoClosedFormError, match=r"dist_p.log_prob, dist_q.log_prob, .*knn"
    ):
        families.kl_between(p, q)
    assert families.kl_between(tfd.Poisson([3.0, 2.0]), q).tolist() == [math.inf] * 2
    with pytest.raises(TypeError, match="dist_q is the class Normal"):
        families.kl_between(q, tfd.Normal)
