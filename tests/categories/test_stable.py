"""The elementwise forms, each alone: against exact fractions and high precision."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import truth
from mpmath import mpf

from kl_lib import stable


def pairs(seed):
    """Close, far apart, huge, tiny and of one size, in one array each."""
    rng = np.random.default_rng(seed)
    q = 10.0 ** np.repeat([-300, -3, 0, 3, 300], 60) * rng.uniform(0.5, 2, 300)
    steps = np.concatenate([10.0 ** rng.uniform(-15, -1, 200), rng.uniform(0.1, 1, 100)])
    p = q * (1 + rng.permutation(steps) * rng.choice([-0.9, 0.9], 300))
    far = 10.0 ** rng.uniform(-300, 300, (2, 60))
    return np.append(p, far[0]), np.append(q, far[1])


def worst(values, exact):
    """The largest relative error, but for results that are subnormal."""
    pairs = [(v, e) for v, e in zip(values, exact, strict=True) if abs(e) > 1e-290]
    assert len(pairs) > 200
    return max(truth.relative_error(v, e) for v, e in pairs)


def test_log_ratio_keeps_all_digits():
    p, q = pairs(0)
    exact = [mpmath.log(mpf(a) / mpf(b)) for a, b in zip(p, q, strict=True)]
    assert worst(stable.log_ratio(p, q), exact) < 1e-15
    zeros = stable.log_ratio(np.array([0, 0, 0.5, 0.5]), np.array([0, 0.5, 0, 0.5]))
    assert zeros.tolist() == [0, -np.inf, np.inf, 0]


def test_generalized_kl_keeps_all_digits():
    p, q = pairs(1)
    exact = [
        mpf(a) * mpmath.log(mpf(a) / mpf(b)) - mpf(a) + mpf(b) for a, b in zip(p, q, strict=True)
    ]
    assert worst(stable.generalized_kl(p, q), exact) < 2e-15
    zeros = stable.generalized_kl(np.array([0, 0, 0.5, 0.5]), np.array([0, 0.5, 0, 0.5]))
    assert zeros.tolist() == [0, 0.5, np.inf, 0]


def test_jensen_shannon_keeps_its_digits():
    p, q = pairs(2)
    exact = []
    for a, b in zip(map(mpf, p), map(mpf, q), strict=True):
        mean = (a + b) / 2
        exact.append((a * mpmath.log(a / mean) + b * mpmath.log(b / mean)) / 2)
    assert worst(stable.jensen_shannon(p, q), exact) < 1e-13
    zeros = stable.jensen_shannon(np.array([0, 0, 0.5]), np.array([0, 0.5, 0]))
    np.testing.assert_allclose(zeros, [0, 0.25 * np.log(2), 0.25 * np.log(2)], rtol=1e-15)


@pytest.mark.parametrize("scale", [1e-140, 1, 1e140])
def test_a_sum_and_a_product_are_exact_with_what_rounding_left_out(scale):
    a, b = np.random.default_rng(3).uniform(-1, 1, (2, 2000)) * scale
    b *= 10.0 ** np.random.default_rng(4).uniform(-8, 8, 2000)
    for exact, (rounded, left) in (
        (lambda x, y: x + y, stable.two_sum(a, b)),
        (lambda x, y: x * y, stable.two_product(a, b)),
    ):
        for x, y, value, rest in zip(a, b, rounded, left, strict=True):
            assert exact(Fraction(x), Fraction(y)) == Fraction(value) + Fraction(rest)


def test_minus_log1p_and_expm1_plus_keep_their_digits_without_a_warning():
    rng = np.random.default_rng(5)
    t = np.concatenate([10.0 ** rng.uniform(-15, 2, 200), -(10.0 ** rng.uniform(-15, 2, 200))])
    exact = [mpmath.expm1(-mpf(x)) + mpf(x) for x in t]
    assert worst(stable.expm1_plus(t), exact) < 3e-15
    x = t[t > -1]
    assert worst(stable.minus_log1p(x), [mpf(y) - mpmath.log1p(mpf(y)) for y in x]) < 3e-15
    assert stable.expm1_plus(np.array([-800.0, np.inf])).tolist() == [np.inf, np.inf]
    assert stable.minus_log1p(np.array([-1.0, np.inf])).tolist() == [np.inf, np.inf]
    assert stable.minus_log1p(np.float32(0.7)) == stable.minus_log1p(float(np.float32(0.7)))
