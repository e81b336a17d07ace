"""Distributions of directions against the textbook formulas in mpmath."""

import itertools
import types

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import kl_lib as kl
from kl_lib import families
from kl_lib.families.registry import PAIRS

CONCENTRATIONS = [0.0, 1e-6, 0.3, 5.0, 27.0, 39.0, 41.0, 200.0, 1e5, 1e9]


def mean_of_cosine(d, k):
    return mpmath.besseli(mpf(d) / 2, k) / mpmath.besseli(mpf(d) / 2 - 1, k) if k else mpf(0)


def log_norm(d, k):
    """The logarithm of the mean of e^(k·t) over the sphere."""
    order = mpf(d) / 2 - 1
    if not k:
        return mpf(0)
    return mpmath.log(mpmath.gamma(order + 1) * (2 / k) ** order * mpmath.besseli(order, k))


def von_mises_fisher(d, k_p, k_q, cosine):
    return log_norm(d, k_q) - log_norm(d, k_p) + mean_of_cosine(d, k_p) * (k_p - k_q * cosine)


def power_spherical_to_uniform(d, k):
    half = mpf(d - 1) / 2
    mean = mpmath.psi(0, k + half) - mpmath.psi(0, k + 2 * half)
    return mpmath.log(mpmath.beta(half, half) / mpmath.beta(k + half, half)) + k * mean


def directions(d, angle):
    """The first axis, and it turned by `angle`; and the exact cosine between the two."""
    e, turned = np.zeros(d), np.zeros(d)
    e[0], turned[:2] = 1, (np.cos(angle), np.sin(angle))
    x, y = map(mpf, turned[:2].tolist())
    return e, turned, x / mpmath.sqrt(x * x + y * y)


@pytest.mark.parametrize("d", [2, 3, 5, 51, 1000])
@pytest.mark.parametrize("angle", [0.0, 1e-6, 0.5, 3.14159])
def test_von_mises_fisher_agrees_with_high_precision(d, angle):
    form = PAIRS["von_mises_fisher", "von_mises_fisher"].form
    with mpmath.workdps(60):
        e, turned, cosine = directions(d, angle)
        for k_p, factor in itertools.product(CONCENTRATIONS, [0.0, 1.0, 1.001, 0.9, 3.0]):
            k_q = factor * k_p
            p = {"mean_direction": e, "concentration": k_p}
            q = {"mean_direction": turned, "concentration": k_q}
            truth = von_mises_fisher(d, mpf(k_p), mpf(k_q), cosine)
            assert abs(mpf(float(form(p, q))) - truth) <= abs(truth) * 1e-9 + mpf(10) ** -20


@pytest.mark.parametrize("d", [2, 3, 5, 51])
def test_power_spherical_agrees_with_high_precision(d):
    own = PAIRS["power_spherical", "power_spherical"].form
    to_other = PAIRS["power_spherical", "von_mises_fisher"].form
    to_uniform = PAIRS["power_spherical", "spherical_uniform"].form
    with mpmath.workdps(60):
        e, turned, cosine = directions(d, 0.5)
        for k_p, k_q in itertools.product(CONCENTRATIONS[2:8], CONCENTRATIONS[:8]):
            p = {"mean_direction": e, "concentration": k_p}
            truth = power_spherical_to_uniform(d, mpf(k_p))
            uniform = {"dimension": d, "batch": ()}
            assert float(to_uniform(p, uniform)) == pytest.approx(float(truth), rel=1e-12)
            q = {"mean_direction": turned, "concentration": k_q}
            to_q = truth + log_norm(d, mpf(k_q)) - mpf(k_q) * cosine * mpf(k_p) / (mpf(k_p) + d - 1)
            assert float(to_other(p, q)) == pytest.approx(float(to_q), rel=1e-9)
            half = 0.5 * (d - 1)
            value = own(p, q | {"mean_direction": e})
            assert value == kl.kl_beta(k_p + half, half, k_q + half, half)


def tfp_like(kind, **attributes):
    module = {"__module__": "tensorflow_probability.distributions"}
    methods = {"log_prob": lambda self, x: 0.0, "batch_shape": ()}
    cls = types.new_class(kind, (), exec_body=lambda body: body.update(module | methods))
    dist = cls()
    vars(dist).update(attributes)
    return dist


def test_directions_are_read_from_tfp_and_batches_broadcast():
    x, y = np.eye(3)[:2]
    p = tfp_like("VonMisesFisher", mean_direction=x, concentration=np.array([[1.0], [2.0]]))
    q = tfp_like("VonMisesFisher", mean_direction=np.array([x, y, -x]), concentration=2.0)
    values = families.kl_between(p, q)
    assert values.shape == (2, 3)
    assert values[1, 0] == 0
    for (i, j), value in np.ndenumerate(values):
        cosine = [1, 0, -1][j]
        truth = von_mises_fisher(3, mpf(i + 1), mpf(2), cosine)
        assert value == pytest.approx(float(truth), rel=1e-12, abs=1e-16)
    uniform = tfp_like("SphericalUniform", dimension=3)
    np.testing.assert_allclose(
        families.kl_between(p, uniform)[:, 0],
        [float(von_mises_fisher(3, mpf(k), mpf(0), 0)) for k in (1, 2)],
        rtol=1e-12,
    )
    assert families.kl_between(uniform, uniform) == 0
    to_q = float(log_norm(3, mpf(2)))
    np.testing.assert_allclose(families.kl_between(uniform, q), [to_q] * 3, rtol=1e-12)


def test_directions_that_do_not_fit_are_refused():
    x, y = np.eye(3)[:2]
    p = tfp_like("PowerSpherical", mean_direction=x, concentration=1.0)
    turned = tfp_like("PowerSpherical", mean_direction=y, concentration=1.0)
    with pytest.raises(kl.NoClosedFormError, match="for another mean_direction of dist_p"):
        families.kl_between(p, turned)
    flat = tfp_like("SphericalUniform", dimension=2)
    with pytest.raises(kl.NoClosedFormError, match="for another number of dimensions of dist_p"):
        families.kl_between(p, flat)
    wrong = tfp_like("VonMisesFisher", mean_direction=x, concentration=-1.0)
    said = r"^concentration_q is -1; a concentration of directions is 0 or above$"
    with pytest.raises(kl.DistributionError, match=said):
        families.kl_between(p, wrong)


@pytest.mark.parametrize(("k_p", "k_q"), [(1e8, 1.0), (1e12, 3.0), (310.0, 290.0), (39.0, 41.0)])
def test_angles_of_great_concentration_keep_their_digits(k_p, k_q):
    with mpmath.workdps(60):
        truth = float(von_mises_fisher(2, mpf(k_p), mpf(k_q), 1))
    assert families.kl_von_mises(0.0, k_p, 0.0, k_q) == pytest.approx(truth, rel=1e-11)
    turned = families.kl_von_mises(1.7e308, 1.0, -1.7e308, 1.0)
    assert 0 <= turned < 1


@pytest.mark.parametrize(
    ("k_p", "k_q"), [(1e200, 1.2e200), (1.7e308, 1.6e308), (1e155, 1e300), (1e300, 1e155)]
)
def test_angles_of_huge_concentration_are_those_of_normals(k_p, k_q):
    """The variances are 1/k, up to one part in k."""
    r = mpf(k_q) / mpf(k_p)
    expected = float((r - 1 - mpmath.log(r)) / 2)
    assert families.kl_von_mises(0.5, k_p, 0.5, k_q) == pytest.approx(expected, rel=1e-11)
    values = families.kl_von_mises(0.5, [k_p, 1.0], 0.5, [k_q, 1.0])
    np.testing.assert_allclose(values, [expected, 0], rtol=1e-11)
