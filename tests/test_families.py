"""Closed forms against quadrature, Monte Carlo, high precision and TensorFlow Probability."""

import math

import mpmath
import numpy as np
import pytest
import truth
from mpmath import mpf
from scipy import integrate, stats

import kl_lib as kl

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
        ((0, 0, 0, 1), "sigma_p is 0"),
        ((0, 1, 0, -2), "sigma_q is -2"),
        ((0, [1, 0], 0, 1), r"sigma_p\[1\] is 0"),
        ((math.nan, 1, 0, 1), "mu_p is nan"),
        ((0, math.inf, 0, 1), "sigma_p is inf"),
        (("a", 1, 0, 1), "mu_p is 'a'"),
    ],
)
def test_parameters_that_are_none_are_named(args, said):
    with pytest.raises(kl.DistributionError, match=said):
        kl.kl_normal(*args)


def random_normal(rng, d, spread=1.0):
    a = rng.standard_normal((d, d))
    return rng.standard_normal(d), a @ a.T * spread + 0.1 * np.eye(d)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_kl_mvn_agrees_with_monte_carlo(d):
    rng = np.random.default_rng(d)
    mu_p, cov_p = random_normal(rng, d)
    mu_q, cov_q = random_normal(rng, d)
    p, q = stats.multivariate_normal(mu_p, cov_p), stats.multivariate_normal(mu_q, cov_q)
    x = np.reshape(p.rvs(100_000, random_state=rng), (-1, d))
    ratios = p.logpdf(x) - q.logpdf(x)
    assert abs(kl.kl_mvn(mu_p, cov_p, mu_q, cov_q) - ratios.mean()) < 5 * stats.sem(ratios)


def test_kl_mvn_of_independent_coordinates_is_the_sum_over_them():
    rng = np.random.default_rng(7)
    mu_p, mu_q = rng.standard_normal((2, 4))
    s_p, s_q = rng.uniform(0.2, 3, (2, 4))
    whole = kl.kl_mvn(mu_p, np.diag(s_p**2), mu_q, np.diag(s_q**2))
    assert whole == pytest.approx(kl.kl_normal(mu_p, s_p, mu_q, s_q).sum(), rel=1e-12)


def test_kl_mvn_is_zero_for_equal_and_accurate_for_close_normals():
    mu, cov = random_normal(np.random.default_rng(8), 3)
    assert kl.kl_mvn(mu, cov, mu, cov) == 0
    step = 1e-8
    assert kl.kl_mvn(mu, cov, mu, cov * (1 + step)) == pytest.approx(3 * step**2 / 4, rel=1e-6)


def test_kl_mvn_takes_batches():
    rng = np.random.default_rng(9)
    rows = [random_normal(rng, 2) for _ in range(4)]
    mus, covs = np.stack([m for m, _ in rows]), np.stack([c for _, c in rows])
    batch = kl.kl_mvn(mus, covs, mus[0], covs[0])
    assert batch.shape == (4,)
    assert batch[0] == 0
    assert batch[2] == pytest.approx(kl.kl_mvn(mus[2], covs[2], mus[0], covs[0]), rel=1e-14)


@pytest.mark.parametrize(
    ("cov", "said"),
    [
        ([[1, 0.5], [0.4, 1]], "cov_p is not symmetric: entry \\(0, 1\\) is 0.5"),
        ([[1, 1], [1, 1]], "cov_p is singular or not positive definite"),
        ([[1, 2], [2, 1]], "smallest eigenvalue -1"),
        ([1, 1], "cov_p has shape \\(2,\\)"),
        (np.eye(3), "dimensions do not agree"),
    ],
)
def test_covariances_that_are_none_are_named(cov, said):
    with pytest.raises(kl.DistributionError, match=said):
        kl.kl_mvn([0, 0], cov, [0, 0], np.eye(2))


def test_tensorflow_probability_agrees():
    tfd = pytest.importorskip("tensorflow_probability").distributions
    rng = np.random.default_rng(10)
    for mu_p, sigma_p, mu_q, sigma_q in PAIRS:
        p, q = (
            tfd.Normal(np.float64(m), np.float64(s)) for m, s in ((mu_p, sigma_p), (mu_q, sigma_q))
        )
        expected = p.kl_divergence(q).numpy()
        assert kl.kl_normal(mu_p, sigma_p, mu_q, sigma_q) == pytest.approx(expected, rel=1e-12)
    (mu_p, cov_p), (mu_q, cov_q) = random_normal(rng, 4), random_normal(rng, 4)
    p, q = (
        tfd.MultivariateNormalTriL(m, np.linalg.cholesky(c))
        for m, c in ((mu_p, cov_p), (mu_q, cov_q))
    )
    expected = p.kl_divergence(q).numpy()
    assert kl.kl_mvn(mu_p, cov_p, mu_q, cov_q) == pytest.approx(expected, rel=1e-10)
