"""Distributions made of others, points, and what is no more discrete than continuous."""

import math

import numpy as np
import pytest
from scipy import stats

import kl_lib as kl
from kl_lib.families import kinds, kl_between, why_infinite


@pytest.fixture(scope="module")
def tfd():
    return pytest.importorskip("tensorflow_probability").distributions


def test_a_joint_distribution_of_independent_parts_is_the_sum_of_them(tfd):
    parts = [(tfd.Normal(0.0, 1.0), tfd.Poisson(3.0)), (tfd.Normal(1.0, 2.0), tfd.Poisson(4.0))]
    wanted = kl.kl_normal(0, 1, 1, 2) + kl.kl_poisson(3, 4)
    p, q = map(tfd.JointDistributionSequential, parts)
    assert kl_between(p, q) == pytest.approx(wanted, rel=1e-12)
    p, q = (tfd.JointDistributionNamed(dict(zip("ba", x, strict=True))) for x in parts)
    assert kl_between(p, q) == pytest.approx(wanted, rel=1e-12)
    other = tfd.JointDistributionNamed({"a": parts[1][1], "c": parts[1][0]})
    with pytest.raises(kl.NoClosedFormError, match="for other parts of dist_p"):
        kl_between(p, other)


def test_a_joint_distribution_with_a_part_that_depends_on_others_is_refused(tfd):
    p = tfd.JointDistributionSequential([tfd.Normal(0.0, 1.0), lambda x: tfd.Normal(x, 1.0)])
    with pytest.raises(kl.NoClosedFormError, match="no closed form here; estimate it"):
        kl_between(p, p)
    with pytest.raises(kl.NoClosedFormError, match="no closed form here; estimate it"):
        kl_between(p, tfd.Poisson(1.0))


def test_blocks_are_paired_if_they_are_of_the_same_sizes(tfd):
    plane = tfd.MultivariateNormalDiag([0.0, 1.0]), tfd.MultivariateNormalDiag([0.0, 3.0])
    p, q = (tfd.Blockwise([tfd.Normal(x, 1.0), plane[x]]) for x in (0, 1))
    assert kl_between(p, q) == pytest.approx(0.5 + 2, rel=1e-12)
    turned = tfd.Blockwise([plane[0], tfd.Normal(0.0, 1.0)])
    with pytest.raises(kl.NoClosedFormError, match="for other parts of dist_p"):
        kl_between(p, turned)


def test_what_a_sample_made_a_tensor_is_read_as_what_it_wraps(tfd):
    import tensorflow_probability as tfp

    layer = tfp.layers.DistributionLambda(lambda x: tfd.Normal(x, 1.0))
    p = layer(np.zeros(2, dtype=np.float32))
    assert type(p).__name__ == "_TensorCoercible"
    np.testing.assert_array_equal(kl_between(p, tfd.Normal(1.0, 1.0)), [0.5, 0.5])
    np.testing.assert_array_equal(kl_between(tfd.Normal(1.0, 1.0), p), [0.5, 0.5])


# Points


def tfp_like(kind, **attributes):
    where = {"__module__": "tensorflow_probability.python.distributions", "log_prob": None}
    return type(kind, (), {**where, "batch_shape": (), **attributes})()


def test_a_point_of_tfp_has_the_surprise_that_scipy_gives():
    point = tfp_like("Deterministic", loc=np.array([2.0, 0.0]), batch_shape=(2,))
    value = kl_between(point, stats.poisson(3))
    np.testing.assert_allclose(value, -stats.poisson(3).logpmf([2, 0]), rtol=1e-15)
    one = kl_between(tfp_like("Deterministic", loc=np.float32(2)), stats.geom(0.3))
    assert one == pytest.approx(-stats.geom(0.3).logpmf(2), rel=1e-15)
    assert type(one) is np.float64
    for probs in ({"probs": [0.1, 0.2, 0.7], "logits": None}, {"logits": np.log([1.0, 2.0, 7.0])}):
        value = kl_between(point, tfp_like("Categorical", **{"probs": None, **probs}))
        np.testing.assert_allclose(value, -np.log([0.7, 0.1]), rtol=1e-14)
    beyond = tfp_like("Deterministic", loc=np.array([-1.0, 3.0, 0.5, 2.0]), batch_shape=(4,))
    value = kl_between(beyond, tfp_like("Categorical", probs=[0.1, 0.2, 0.7], logits=None))
    np.testing.assert_allclose(value, [math.inf, math.inf, math.inf, -math.log(0.7)])


def test_a_point_of_tfp_beside_one_of_tfp_takes_its_dtype():
    import types

    asked = []

    def log_prob(value):
        asked.append(value)
        return np.float32(-1.5)

    dtype = types.SimpleNamespace(as_numpy_dtype=np.float32)
    skellam = tfp_like("Geometric", probs=0.5, logits=None, log_prob=log_prob, dtype=dtype)
    skellam.log_prob = log_prob
    assert kl_between(tfp_like("Deterministic", loc=2.0), skellam) == 1.5
    assert asked == [2]
    assert asked[0].dtype == np.float32
    skellam.log_prob = lambda value: np.float32([-1.5, -0.1])
    value = kl_between(tfp_like("Deterministic", loc=np.array([2.0, 3.0])), skellam)
    assert value.dtype == np.float64
    np.testing.assert_array_equal(value, np.float32([1.5, 0.1]))


def test_a_point_beside_one_of_pytorch_is_refused():
    d = pytest.importorskip("torch").distributions
    with pytest.raises(kl.NoClosedFormError, match=r"from tfd.Deterministic to torch.Poisson has"):
        kl_between(tfp_like("Deterministic", loc=2.0), d.Poisson(3.0))


def test_a_point_has_the_surprise_of_its_value_where_that_has_a_probability(tfd):
    point = tfd.Deterministic(np.array([2.0, 0.0]))
    np.testing.assert_allclose(
        kl_between(point, stats.poisson(3)), -stats.poisson(3).logpmf([2, 0])
    )
    np.testing.assert_allclose(
        kl_between(point, tfd.Poisson(np.float64(3))), -stats.poisson(3).logpmf([2, 0])
    )
    for given in ({"probs": [0.1, 0.2, 0.7]}, {"logits": np.log([1.0, 2.0, 7.0])}):
        value = kl_between(point, tfd.Categorical(**given))
        np.testing.assert_allclose(value, -np.log([0.7, 0.1]), rtol=1e-6)


def test_a_point_has_no_probability_elsewhere(tfd):
    values = np.array([0.5, -1.0, 7.0])
    assert (
        kl_between(tfd.Deterministic(values), tfd.Categorical(probs=[0.5, 0.5])) == math.inf
    ).all()
    infinite = kl_between(tfd.Deterministic(values), tfd.Poisson(3.0))
    np.testing.assert_array_equal(np.isinf(infinite), [True, True, False])
    with pytest.raises(kl.NoClosedFormError, match="no closed form here; estimate it"):
        kl_between(tfd.Deterministic(0.5), tfd.Skellam(1.0, 2.0))  # TFP has a number for it
    for p, q in (
        (tfd.Deterministic(0.0), stats.norm()),
        (stats.norm(), tfd.Deterministic(0.0)),
        (stats.poisson(2), tfd.Deterministic(0.0)),
        (tfd.Deterministic(0.0), tfd.Deterministic(1.0)),
        (tfd.VectorDeterministic([0.0, 1.0]), tfd.MultivariateNormalDiag([0.0, 1.0])),
    ):
        assert kl_between(p, q) == math.inf
        assert why_infinite(p, q)
    assert kl_between(tfd.Deterministic(1.5), tfd.Deterministic(1.5)) == 0


# Discrete or continuous


def test_what_may_be_either_is_not_taken_for_continuous(tfd):
    """It would be infinitely far from what is discrete: a wrong number."""
    poisson = tfd.Poisson(3.0)
    halves = tfd.Categorical(probs=[0.5, 0.5])
    for p in (
        tfd.MixtureSameFamily(halves, tfd.Poisson([1.0, 2.0])),
        tfd.Mixture(halves, [tfd.Poisson(1.0), tfd.Poisson(2.0)]),
        tfd.BatchReshape(tfd.Poisson([3.0]), [1, 1]),
        tfd.BatchBroadcast(tfd.Poisson(3.0), [2]),
        tfd.Inflated(tfd.Poisson(1.0), 0.2),
    ):
        for pair in ((p, poisson), (poisson, p)):
            with pytest.raises(kl.NoClosedFormError, match="no closed form here; estimate it"):
                kl_between(*pair)
    assert kl_between(tfd.MultivariateNormalDiag([0.0]), halves) == math.inf


def test_new_distributions_of_scipy_are_what_they_are():
    if not hasattr(stats, "Binomial"):
        pytest.skip("an older SciPy")
    p, old = stats.Binomial(n=5, p=0.3), stats.binom(5, 0.3)
    q = stats.binom(5, 0.5)
    assert kinds.is_discrete(p)
    assert kl_between(p, old) == kl_between(old, p) == 0
    assert kl_between(p, q) == kl_between(old, q)
    assert kl_between(p, stats.norm()) == math.inf
    mixture = stats.Mixture([stats.Normal(), stats.Normal(mu=1)], weights=[0.5, 0.5])
    with pytest.raises(kl.NoClosedFormError, match=r"kl_monte_carlo\(dist_p.logpdf"):
        kl_between(mixture, stats.norm())
