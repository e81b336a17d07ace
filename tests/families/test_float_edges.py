"""Closed forms of parameters at the edges of float64, against the textbook formulas in mpmath."""

import itertools
import math
import sys

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from scipy import stats
from thorough import first_of

import kl_lib as kl
from kl_lib.families import multivariate_normal

SCALES = [5e-324, 1e-308, 1e-150, 1.0, 1 + 1e-9, 1.5, 1e150, 1e308, 1.7e308]
PLACES = [0.0, 1.0, -1.0, 1 + 1e-9, 5e-324, -1e-150, 1e150, -1e308, 1.7e308, -1.7e308]
CARRIED = [1e-150, 1e-20, 1.0, 1 + 1e-9, 1.5, 1e20, 1e150]  # by kl_beta and kl_dirichlet
PROBABILITIES = [0.0, 5e-324, 1e-308, 1e-150, 0.5, 0.5 + 1e-9, 1 - 2**-53, 1.0]
COUNTS = [0.0, *SCALES]


log, log_gamma = mpmath.memoize(mpmath.log), mpmath.memoize(mpmath.loggamma)


def log_ratio(a, b):
    return log(a) - log(b)


def normal(m_p, s_p, m_q, s_q):
    return log_ratio(s_q, s_p) + (s_p**2 + (m_p - m_q) ** 2) / (2 * s_q**2) - mpf(1) / 2


def one_variance(m_p, v_p, m_q, v_q):
    return (log_ratio(v_q, v_p) + (v_p + (m_p - m_q) ** 2) / v_q - 1) / 2


def late_exponential(m_p, s_p, m_q, s_q):
    if m_p < m_q:
        return mpf("inf")
    return log_ratio(s_q, s_p) + s_p / s_q - 1 + (m_p - m_q) / s_q


def laplace(m_p, s_p, m_q, s_q):
    d = abs(m_p - m_q)
    tail = mpmath.exp(-d / s_p) if d < 3000 * s_p else 0  # beyond the digits of the sum
    return log_ratio(s_q, s_p) + (s_p * tail + d) / s_q - 1


def exponential(p, q):
    return log_ratio(p, q) + q / p - 1


def gamma(a_p, b_p, a_q, b_q):
    shapes = (a_p - a_q) * digamma(a_p) - log_gamma(a_p) + log_gamma(a_q)
    return shapes + a_q * log_ratio(b_p, b_q) + a_p * (b_q - b_p) / b_p


def beta(a_p, b_p, a_q, b_q):
    parts = sum(
        log_gamma(y) - log_gamma(x) + (x - y) * (digamma(x) - digamma(a_p + b_p))
        for x, y in ((a_p, a_q), (b_p, b_q))
    )
    return log_gamma(a_p + b_p) - log_gamma(a_q + b_q) + parts


@mpmath.memoize
def digamma(x):
    return mpmath.psi(0, x)


def poisson(p, q):
    if q == 0:
        return mpf("inf") if p else mpf(0)
    return p * log_ratio(p, q) - p + q if p else q


def bernoulli(p, q):
    def part(x, y):
        if x == 0:
            return 0
        return x * log_ratio(x, y) if y else mpf("inf")

    return part(p, q) + part(1 - p, 1 - q)


def is_the_float_for(value, exact):
    """To 1e-11; the next but one to what is below 1e-300, inf for what is beyond all floats."""
    if exact > sys.float_info.max:
        return value == math.inf
    return abs(mpf(value) - exact) <= exact * 1e-11 + 2 * 5e-324


def kl_mvn(m_p, v_p, m_q, v_q):
    return kl.kl_mvn(m_p[:, None], v_p[:, None, None], m_q[:, None], v_q[:, None, None])


def kl_of_factors(m_p, s_p, m_q, s_q):
    return multivariate_normal.kl_of_factors(
        m_p[:, None], s_p[:, None, None], m_q[:, None], s_q[:, None, None]
    )


def between_exponentials(m_p, s_p, m_q, s_q):
    return kl.kl_between(stats.expon(m_p, s_p), stats.expon(m_q, s_q))


FORMS = {
    "mvn": (kl_mvn, one_variance, [PLACES, SCALES] * 2, 700),
    "factors": (kl_of_factors, normal, [PLACES, SCALES] * 2, 700),
    "late exponential": (between_exponentials, late_exponential, [PLACES, SCALES] * 2, 700),
    "normal": (kl.kl_normal, normal, [PLACES, SCALES] * 2, 700),
    "laplace": (kl.kl_laplace, laplace, [PLACES, SCALES] * 2, 700),
    "exponential": (kl.kl_exponential, exponential, [SCALES] * 2, 700),
    "gamma": (kl.kl_gamma, gamma, [SCALES[::2], SCALES[1:]] * 2, 1000),
    "beta": (kl.kl_beta, beta, [CARRIED] * 4, 700),
    "poisson": (kl.kl_poisson, poisson, [COUNTS] * 2, 700),
    "bernoulli": (kl.kl_bernoulli, bernoulli, [PROBABILITIES] * 2, 700),
}


@pytest.mark.parametrize("name", first_of(FORMS, keep=6))
def test_a_closed_form_is_right_for_parameters_at_the_edges_of_floats(name):
    form, exact, axes, digits = FORMS[name]
    grid = list(itertools.product(*axes))
    values = form(*np.transpose(grid))
    with mpmath.workdps(digits):
        wrong = [
            (parameters, value, mpmath.nstr(truth, 17))
            for parameters, value in zip(grid, values, strict=True)
            if not is_the_float_for(value, truth := exact(*map(mpf, parameters)))
        ]
    assert wrong == []
