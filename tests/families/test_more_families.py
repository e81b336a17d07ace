"""The other closed forms of one family: formulas in mpmath, quadrature, SciPy's own densities."""

import math
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
from kl_lib.families import continuous_bernoulli, special

GAMMA = mpmath.euler
log, exp = mpmath.log, mpmath.exp


def exact_bernoulli(p, q):
    return sum(a * log(a / b) for a, b in ((p, q), (1 - p, 1 - q)) if a > 0)


def exact_gumbel(m_p, s_p, m_q, s_q):
    d, r = (m_p - m_q) / s_q, s_p / s_q
    return -log(r) + GAMMA * (r - 1) + d + exp(-d) * mpmath.gamma(1 + r) - 1


def exact_weibull(k_p, s_p, k_q, s_q):
    r = k_q / k_p
    return (
        -log(r) + GAMMA * (r - 1) + k_q * log(s_q / s_p)
        + (s_p / s_q) ** k_q * mpmath.gamma(1 + r) - 1
    )  # fmt: skip


def exact_moyal(m_p, s_p, m_q, s_q):
    d, r = (m_p - m_q) / s_q, s_p / s_q
    mean = GAMMA + log(2)
    moment = 2**r * mpmath.gamma(r + mpf(1) / 2) / mpmath.sqrt(mpmath.pi)
    return -log(r) + (mean * (r - 1) + d) / 2 + (exp(-d) * moment - 1) / 2


def exact_pareto(a_p, s_p, a_q, s_q):
    return a_q / a_p - 1 - log(a_q / a_p) + a_q * log(s_p / s_q)


def exact_uniform(a, b, c, d):
    return log((d - c) / (b - a))


def exact_cauchy(m_p, s_p, m_q, s_q):
    return log(((s_p + s_q) ** 2 + (m_p - m_q) ** 2) / (4 * s_p * s_q))


def exact_normal(m_p, s_p, m_q, s_q):
    return log(s_q / s_p) + (s_p**2 + (m_p - m_q) ** 2) / (2 * s_q**2) - mpf(1) / 2


def exact_continuous_bernoulli(p, q):
    def log_norm(t):
        return log(mpmath.expm1(t) / t) if t else mpf(0)

    x, y = (log(a / (1 - a)) for a in (p, q))
    mean = 1 / (1 - exp(-x)) - 1 / x if x else mpf(1) / 2
    return log_norm(y) - log_norm(x) - (y - x) * mean


@dataclass(frozen=True)
class Form:
    kl: Callable[..., Any]
    exact: Callable[..., Any]
    scipy: Callable[..., Any] | None
    pairs: list[tuple[tuple[float, ...], tuple[float, ...]]]
    inside: str = ""  # the parameters that move p inwards, for those that have supports

    def truth(self, p, q):
        return self.exact(*(mpf(float(x)) for x in (*p, *q)))


FORMS = {
    "gumbel": Form(
        families.kl_gumbel,
        exact_gumbel,
        stats.gumbel_r,
        [((0, 1), (1, 2)), ((3, 0.5), (2.5, 0.4)), ((-1, 2), (4, 1.5))],
    ),
    "gumbel of minima": Form(
        lambda m, s, n, t, **base: families.kl_gumbel(-m, s, -n, t, **base),
        lambda m, s, n, t: exact_gumbel(-m, s, -n, t),
        stats.gumbel_l,
        [((0, 1), (1, 2)), ((3, 0.5), (2.5, 0.4))],
    ),
    "weibull": Form(
        families.kl_weibull,
        exact_weibull,
        lambda k, s: stats.weibull_min(k, scale=s),
        [((1, 1), (2, 1)), ((3, 0.5), (2.5, 0.7)), ((0.8, 4), (1.4, 3))],
    ),
    "moyal": Form(
        families.kl_moyal,
        exact_moyal,
        stats.moyal,
        [((0, 1), (1, 2)), ((3, 0.5), (2.5, 0.4)), ((-1, 1.1), (-1, 1))],
    ),
    "pareto": Form(
        families.kl_pareto,
        exact_pareto,
        lambda a, s: stats.pareto(a, scale=s),
        [((3, 2), (2, 1.5)), ((1, 1), (1.3, 1)), ((5, 3), (0.7, 1))],
    ),
    "uniform": Form(
        families.kl_uniform,
        exact_uniform,
        lambda low, high: stats.uniform(low, high - low),
        [((0, 1), (-1, 3)), ((0.25, 0.5), (0, 1)), ((2, 3), (2, 3.5))],
    ),
    "cauchy": Form(
        families.kl_cauchy,
        exact_cauchy,
        stats.cauchy,
        [((0, 1), (1, 2)), ((3, 0.5), (2.5, 0.4)), ((-1, 2), (4, 1.5))],
    ),
    "half-normal": Form(
        families.kl_half_normal,
        lambda s, t: exact_normal(mpf(0), s, mpf(0), t),
        lambda s: stats.halfnorm(scale=s),
        [((1,), (2,)), ((3,), (0.5,)), ((1.1,), (1.2,))],
    ),
    "log-normal": Form(
        families.kl_log_normal,
        exact_normal,
        lambda m, s: stats.lognorm(s, scale=math.exp(m)),
        [((0, 1), (1, 2)), ((0.3, 0.5), (0.25, 0.4)), ((-1, 0.2), (-0.4, 0.5))],
    ),
    "continuous Bernoulli": Form(
        families.kl_continuous_bernoulli,
        exact_continuous_bernoulli,
        None,
        [((0.5,), (0.75,)), ((0.1,), (0.3,)), ((0.9,), (0.2,)), ((0.999,), (0.4,))],
    ),
    "geometric": Form(
        families.kl_geometric,
        lambda p, q: exact_bernoulli(p, q) / p,
        stats.geom,
        [((0.5,), (0.75,)), ((0.1,), (0.3,)), ((0.9,), (0.2,))],
    ),
}
EACH = [
    pytest.param(form, p, q, id=f"{name}-{p}-{q}")
    for name, form in FORMS.items()
    for p, q in form.pairs
]
by_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())


@pytest.mark.parametrize(("form", "p", "q"), EACH)
def test_a_form_agrees_with_the_formula(form, p, q):
    exact = form.truth(p, q)
    assert truth.relative_error(form.kl(*p, *q), exact) < 1e-13
    assert form.kl(*p, *q, base=2) == pytest.approx(float(exact) / math.log(2), rel=1e-13)


@pytest.mark.parametrize(("form", "p", "q"), EACH)
def test_a_form_agrees_with_the_sum_or_the_integral_of_scipys_densities(form, p, q):
    if form.scipy is None:
        pytest.skip("SciPy has no such distribution")
    dist_p, dist_q = form.scipy(*p), form.scipy(*q)
    if hasattr(dist_p, "logpmf"):
        k = np.arange(1, 500)
        value = (dist_p.pmf(k) * (dist_p.logpmf(k) - dist_q.logpmf(k))).sum()
    else:
        # Over the probabilities: every tail is then in a bounded interval.
        value = integrate.quad(
            lambda u: float(dist_p.logpdf(x := dist_p.ppf(u)) - dist_q.logpdf(x)),
            *(1e-12, 1 - 1e-12), limit=400, epsabs=1e-10,
        )[0]  # fmt: skip
    assert families.kl_between(dist_p, dist_q) == pytest.approx(value, rel=1e-6, abs=1e-8)
    assert truth.relative_error(families.kl_between(dist_p, dist_q), form.truth(p, q)) < 1e-12


@by_form
@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9, 1e-12])
def test_a_form_is_exact_for_nearly_equal_parameters(form, distance):
    rng = np.random.default_rng(0)
    for q, _ in form.pairs:
        for _ in range(5):
            moved = np.array(q) * (1 + distance * rng.uniform(0.1, 1, len(q)))
            if form.kl is families.kl_pareto and moved[1] < q[1]:
                continue
            if form.kl is families.kl_uniform:  # inwards
                moved = np.array(q) + distance * np.array([0.3, -0.7]) * (q[1] - q[0])
            assert truth.relative_error(form.kl(*moved, *q), form.truth(moved, q)) < 1e-13


@by_form
def test_a_form_is_zero_for_equal_parameters_only_and_never_negative(form):
    for p, q in form.pairs:
        assert form.kl(*p, *p) == 0
        assert form.kl(*p, *q) > 0


@by_form
def test_a_form_broadcasts_and_returns_a_number_for_numbers(form):
    (p, q), n = form.pairs[0], len(form.pairs[0][0])
    assert np.ndim(form.kl(*p, *q)) == 0
    rows = [np.full((3, 1), float(x)) for x in p] + [np.full(2, float(x)) for x in q]
    assert form.kl(*rows).shape == (3, 2)
    np.testing.assert_allclose(form.kl(*rows), float(form.truth(p, q)), rtol=1e-13)
    assert n == len(q)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        *((x, y) for x in (1e-300, 1e-20, 1e-5, 0.3, 0.5 + 1e-10) for y in (1e-290, 1e-9, 0.7)),
        (1 - 1e-15, 1e-15),
        (0.5, 0.5 + 1e-15),
        (1e-30, 1e-31),
        (1e-200, 3e-200),
    ],
)
def test_a_continuous_bernoulli_at_the_ends_agrees_with_high_precision(p, q):
    with mpmath.workdps(700):
        exact = exact_continuous_bernoulli(mpf(p), mpf(q))
    assert truth.relative_error(families.kl_continuous_bernoulli(p, q), exact) < 1e-12


@pytest.mark.parametrize("t", [0.0, 1e-8, 0.3, 0.999, 1.001, 5.0, 40.0, 700.0, -0.7, -3.0])
def test_the_mean_of_a_continuous_bernoulli_agrees_with_high_precision(t):
    with mpmath.workdps(400):
        x = mpf(t)
        exact = 1 / (1 - exp(-x)) - 1 / x - mpf(1) / 2 if t else mpf(0)
    assert truth.relative_error(continuous_bernoulli.slope(np.array(t)), exact) < 1e-14


SCALES = [5e-324, 1e-150, 1e-3, 1.0, 40.0, 1e150, 1.7e308]


@pytest.mark.parametrize("s_p", SCALES)
@pytest.mark.parametrize("s_q", SCALES)
def test_a_cauchy_or_a_uniform_of_any_size_agrees_with_high_precision(s_p, s_q):
    for m_p, m_q in ((0.0, 0.0), (1.7e308, -1.7e308), (1.0, 1e-150)):
        with mpmath.workdps(1400):
            exact = exact_cauchy(*map(mpf, (m_p, s_p, m_q, s_q)))
        value = families.kl_cauchy(m_p, s_p, m_q, s_q)
        assert exact < 1e-307 or truth.relative_error(value, exact) < 1e-13
    if s_p <= s_q:
        exact = exact_uniform(*map(mpf, (-s_p, s_p, -s_q, s_q)))
        assert truth.relative_error(families.kl_uniform(-s_p, s_p, -s_q, s_q), exact) < 1e-13
    else:
        assert families.kl_uniform(-s_p, s_p, -s_q, s_q) == math.inf


@pytest.mark.parametrize("s_p", [1e-300, 1e-5, 1.0, 90.0, 1e5, 1e300])
@pytest.mark.parametrize("d", [0.0, 1e-9, 3.0, -3.0, 1e4, -800.0])
def test_a_gumbel_of_any_size_agrees_with_high_precision(s_p, d):
    r = mpf(s_p)
    high = r > 1e4
    exact = mpf("inf") if high else exact_gumbel(mpf(d), r, mpf(0), mpf(1))
    exact = mpf("inf") if exact > 1.7e308 else exact
    value = families.kl_gumbel(d, s_p, 0, 1)
    assert value == math.inf if exact == mpf("inf") else truth.relative_error(value, exact) < 1e-12


@pytest.mark.parametrize("n_q", [4, 5, 9])
@pytest.mark.parametrize("p", [0.0, 0.2, 0.9, 1.0])
@pytest.mark.parametrize("q", [0.0, 0.35, 1.0])
def test_binomials_agree_with_the_sum(n_q, p, q):
    with np.errstate(all="ignore"):
        k = np.arange(6)
        mass, log_p, log_q = (
            stats.binom.pmf(k, 5, p), stats.binom.logpmf(k, 5, p), stats.binom.logpmf(k, n_q, q)
        )  # fmt: skip
        exact = np.where(mass > 0, mass * (log_p - log_q), 0).sum()
    assert families.kl_binomial(5, p, n_q, q) == pytest.approx(exact, rel=1e-12, abs=1e-14)
    assert kl.kl_between(stats.binom(5, p), stats.binom(n_q, q)) == pytest.approx(
        exact, rel=1e-12, abs=1e-14
    )


def test_many_tosses_and_none():
    assert families.kl_binomial(0, 0.3, 7, 0.25) == pytest.approx(-7 * math.log(0.75))
    assert families.kl_binomial(0, 0.3, 0, 1) == 0
    million = families.kl_binomial(10**6, 0.5, 10**6 + 1, 0.5)
    # log 2 for the toss more, less the mean of log(n + 1)/(n + 1 − k): close to log 2 as well.
    k = np.arange(498_000, 502_000)
    mass = stats.binom.pmf(k, 10**6, 0.5)
    exact = (mass * (math.log(2) - np.log1p(k / (10**6 + 1 - k)))).sum()
    assert million == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize(("p", "q"), [(0.2, 0.5), (0.7, 0.1), (1.0, 0.3)])
def test_negative_binomials_agree_with_the_sum(p, q):
    k = np.arange(2000)
    dist_p, dist_q = stats.nbinom(2.5, p), stats.nbinom(2.5, q)
    mass = dist_p.pmf(k)
    with np.errstate(all="ignore"):
        exact = np.where(mass > 0, mass * (dist_p.logpmf(k) - dist_q.logpmf(k)), 0).sum()
    assert families.kl_negative_binomial(2.5, p, q) == pytest.approx(exact, rel=1e-10)
    assert kl.kl_between(dist_p, dist_q) == pytest.approx(exact, rel=1e-10)
    with pytest.raises(kl.NoClosedFormError, match="for another number of successes of dist_p"):
        kl.kl_between(stats.nbinom(2, p), dist_q)


def test_a_geometric_is_a_negative_binomial_of_one():
    assert families.kl_geometric(0.3, 0.6) == families.kl_negative_binomial(1, 0.3, 0.6)
    assert families.kl_geometric(1, 0.25) == pytest.approx(math.log(4), rel=1e-15)
    assert families.kl_geometric(0.5, 1) == math.inf


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        (stats.chi2(3), stats.chi2(5), families.kl_gamma(1.5, 0.5, 2.5, 0.5)),
        (stats.chi2(3, scale=2), stats.gamma(2, scale=3), families.kl_gamma(1.5, 0.25, 2, 1 / 3)),
        (stats.chi(3, scale=2), stats.chi(5), families.kl_gamma(1.5, 1 / 8, 2.5, 1 / 2)),
        (stats.erlang(3), stats.gamma(2.5), families.kl_gamma(3, 1, 2.5, 1)),
        (stats.invgamma(3, scale=2), stats.invgamma(2), families.kl_gamma(3, 2, 2, 1)),
        (stats.randint(0, 4), stats.randint(-1, 7), math.log(2)),
        (stats.randint(0, 4), stats.randint(0, 4, loc=1), math.inf),
        (stats.randint(3, 7), stats.randint(2, 6, loc=1), 0),
        (
            stats.rv_discrete(values=([1, 2, 5], [0.5, 0.25, 0.25])),
            stats.rv_discrete(values=([5, 1, 2, 7], [0.25, 0.25, 0.25, 0.25])),
            0.5 * math.log(2),
        ),
        (
            stats.rv_discrete(values=([1, 2], [0.5, 0.5])),
            stats.rv_discrete(values=([1, 3], [0.5, 0.5])),
            math.inf,
        ),
        (
            stats.rv_discrete(values=([0, 1], [0.5, 0.5]))(loc=1),
            stats.rv_discrete(values=([1, 2], [0.25, 0.75])),
            families.kl_bernoulli(0.5, 0.75),
        ),
        (
            stats.multinomial(4, [0.5, 0.5]),
            stats.multinomial(4, [0.25, 0.75]),
            4 * families.kl_bernoulli(0.5, 0.75),
        ),
        (stats.multinomial(4, [0.5, 0.5]), stats.multinomial(5, [0.5, 0.5]), math.inf),
        (stats.binom(4, 0.5, loc=1), stats.binom(4, 0.75, loc=1), 4 * 0.14384103622589045),
        (stats.binom(4, 0.5, loc=0), stats.binom(4, 0.75, loc=1), math.inf),
        (stats.halfnorm(1), stats.halfnorm(2), math.inf),
        (stats.uniform(0, 2), stats.uniform(0, 1), math.inf),
        (stats.pareto(2, scale=1), stats.pareto(2, scale=3), math.inf),
    ],
)  # fmt: skip
def test_scipys_other_names_are_read(p, q, expected):
    assert kl.kl_between(p, q) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: families.kl_uniform(0, 1, 2, 2), "high_q is 2, not above low_q, which is 2 there"),
        (lambda: families.kl_uniform(0, [1, -1], 2, 3), r"high_p\[1\] is -1, not above low_p"),
        (
            lambda: families.kl_binomial(2.5, 0.5, 3, 0.5),
            "total_count_p is 2.5; a number of tosses is whole",
        ),
        (lambda: families.kl_geometric(0.5, 0), "q is 0; a probability of success is above 0"),
        (lambda: families.kl_continuous_bernoulli(1, 0.5), "p is 1; a parameter is above 0 and be"),
        (lambda: families.kl_negative_binomial(0, 1, 1), "total_count is 0; a number of successes"),
        (lambda: families.kl_weibull(1, 1, 0, 1), "concentration_q is 0; a concentration is above"),
    ],
)
def test_parameters_that_a_form_cannot_use_are_named(call, said):
    with pytest.raises(kl.DistributionError, match=said) as caught:
        call()
    assert caught.value.kind == "parameter"


def test_an_interval_that_ends_before_it_begins_is_named_with_its_place():
    for given, name, place, told in (
        ((0, 1, 2, 2), "high_q", None, "high_q is 2, not above low_q, which is 2 there"),
        ((0, [1, -1], 2, 3), "high_p", (1,), "high_p[1] is -1, not above low_p, which is 0 there"),
        (
            ([[0], [5]], [1, 2], 2, 3), "high_p", (1, 0),
            "high_p[1, 0] is 1, not above low_p, which is 5 there",
        ),
    ):  # fmt: skip
        with pytest.raises(kl.DistributionError) as caught:
            families.kl_uniform(*given)
        error = caught.value
        assert str(error) == f"{told}; pass the lower end first"
        assert (error.kind, error.argument, error.place) == ("parameter", name, place)
        assert error.value == {"high_q": 2, (1,): -1}.get(name if name == "high_q" else place, 1)


@pytest.mark.parametrize("x", [1e-300, 1e-3, 0.5, 1.0, 2.0, 9.99, 10.0, 33.3, 1e8, 1e300])
def test_the_gamma_function_and_its_derivative_agree_with_high_precision(x):
    given = np.array([x])
    assert special.log_gamma(given)[0] == pytest.approx(
        float(mpmath.loggamma(mpf(x))), rel=1e-14, abs=1e-15
    )
    assert special.digamma(given)[0] == pytest.approx(float(mpmath.digamma(mpf(x))), rel=1e-13)
    if x >= 10:
        psi = mpmath.log(mpf(x)) - 1 / (2 * mpf(x)) - mpmath.digamma(mpf(x))
        assert special.psi_series(given)[0] == pytest.approx(float(psi), rel=1e-12, abs=1e-40)


def test_a_logarithm_of_the_gamma_function_beyond_the_largest_float_is_inf():
    values = special.log_gamma(np.array([2.4e305, 2.6e305, 1.7e308]))
    assert values[0] == pytest.approx(float(mpmath.loggamma(mpf(2.4e305))), rel=1e-14)
    assert values.tolist()[1:] == [math.inf, math.inf]
    assert special.log_gamma(1.7e308) == math.inf


@pytest.mark.parametrize("k_p", [0.0, 1e-9, 0.7, 2.0, 60.0, 290.0, 310.0, 1e4])
@pytest.mark.parametrize("factor", [1.0, 1 + 1e-6, 1.3, 3.0, 0.2])
@pytest.mark.parametrize("turn", [0.0, 1e-5, 2.0])
def test_von_mises_agrees_with_high_precision(k_p, factor, turn):
    k_q = k_p * factor if k_p else factor
    x, y, d = mpf(k_p), mpf(k_q), mpf(turn)
    mean = mpmath.besseli(1, x) / mpmath.besseli(0, x)
    exact = log(mpmath.besseli(0, y) / mpmath.besseli(0, x)) + mean * (x - y * mpmath.cos(d))
    value = families.kl_von_mises(0.0, k_p, turn, k_q)
    # Of two concentrations nearly equal and near 300, the variance of the cosine cancels a little.
    assert abs(value - exact) < 1e-10 * exact + 1e-25
    p, q = stats.vonmises(k_p or 1e-300), stats.vonmises(k_q or 1e-300, loc=turn)
    assert kl.kl_between(p, q) == pytest.approx(float(exact), rel=1e-10, abs=1e-25)


def test_von_mises_needs_a_concentration():
    with pytest.raises(kl.DistributionError, match="concentration_q is -1; a concentration of an"):
        families.kl_von_mises(0, 1, 0, -1)
