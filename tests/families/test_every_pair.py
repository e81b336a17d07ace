"""What holds for every pair of families with a closed form, whatever the form."""

import itertools
import math

import numpy as np
import pytest

import kl_lib as kl
from kl_lib.families import from_torch, registry
from kl_lib.families.supports import SUPPORTS

PLACED = {"loc": 0.3, "scale": 0.7}, {"loc": -0.5, "scale": 1.4}
GAMMA = (
    {"concentration": 2.5, "scale": 0.9, "loc": 0.2},
    {"concentration": 1.4, "rate": 0.8, "loc": 0.2},
)
#: Of each family of one variable two sets of parameters, as readers give them.
EXAMPLES = {
    **dict.fromkeys(("normal", "laplace", "cauchy", "gumbel", "gumbel_l", "moyal"), PLACED),
    **dict.fromkeys(("gamma", "chi", "inverse_gamma"), GAMMA),
    **dict.fromkeys(
        ("log_gamma", "minus_log_gamma"),
        ({"concentration": 2.5, "rate": 0.9}, {"concentration": 1.4, "log_rate": -0.8}),
    ),
    "log_normal": ({"mu": 0.1, "sigma": 0.4, "loc": 0.2}, {"mu": -0.2, "sigma": 0.9, "loc": 0.2}),
    "logit_normal": ({"mu": 0.1, "sigma": 0.4}, {"mu": -0.2, "sigma": 0.9}),
    **dict.fromkeys(
        ("half_normal", "half_cauchy"), ({"scale": 0.7, "loc": 0.2}, {"scale": 1.4, "loc": 0.2})
    ),
    "exponential": ({"rate": 1.3, "loc": 0.2}, {"scale": 1.7, "loc": 0.2}),
    "beta": (
        {"concentration1": 2.0, "concentration0": 3.5, "loc": 0.2, "scale": 0.5},
        {"concentration1": 1.5, "concentration0": 1.2, "loc": 0.2, "scale": 0.5},
    ),
    "weibull": (
        {"concentration": 1.4, "scale": 1.3, "loc": 0.2},
        {"concentration": 1.8, "scale": 1.1, "loc": 0.2},
    ),
    "pareto": (
        {"concentration": 3.5, "scale": 1.2, "loc": 0.2},
        {"concentration": 2.2, "scale": 0.1, "loc": 0.2},
    ),
    "uniform": ({"low": 0.3, "high": 0.6}, {"low": -0.1, "high": 1.2}),
    "continuous_bernoulli": ({"probs": 0.2}, {"logits": 0.7}),
    "bernoulli": ({"probs": 0.2, "loc": 1.0}, {"probs": 0.7, "loc": 1.0}),
    "binomial": (
        {"total_count": 1.0, "probs": 0.2, "loc": 1.0},
        {"total_count": 1.0, "probs": 0.7, "loc": 1.0},
    ),
    "geometric": ({"probs": 0.2, "loc": 1.0}, {"probs": 0.7, "loc": 1.0}),
    "negative_binomial": (
        {"total_count": 1.0, "probs": 0.2, "loc": 1.0},
        {"total_count": 1.0, "probs": 0.7, "loc": 1.0},
    ),
    "poisson": ({"rate": 3.0, "loc": 1.0}, {"rate": 4.0, "loc": 1.0}),
    "von_mises": ({"loc": 0.3, "concentration": 0.7}, {"loc": -0.3, "concentration": 1.7}),
    "discrete_uniform": ({"low": 2.0, "high": 5.0}, {"low": 1.0, "high": 9.0}),
    "point": ({"loc": 0.3}, {"loc": 0.3}),
}
#: Not of one variable: these have tests of their own.
OTHERS = {
    "multivariate_normal", "dirichlet", "one_hot", "categorical", "finite", "multinomial",
    "independent", "joint", "sample", "masked", "transformed", "von_mises_fisher",
    "power_spherical", "spherical_uniform",
}  # fmt: skip
PAIRS = sorted(
    pair
    for pair in registry.PAIRS
    if all(isinstance(name, str) and name not in OTHERS for name in pair)
)
every_pair = pytest.mark.parametrize(("family_p", "family_q"), PAIRS)


def test_every_family_has_an_example():
    assert {*EXAMPLES, *OTHERS} == set(SUPPORTS)
    assert {name for pair in PAIRS for name in pair} == set(EXAMPLES)


@pytest.fixture(autouse=True)
def examples_are_read(monkeypatch):
    readers = {family: (family, lambda dist: dict(dist.given)) for family in EXAMPLES}
    monkeypatch.setattr(from_torch, "READERS", readers)


def example(family, given):
    """Taken for a distribution of PyTorch that has these parameters."""
    shape = np.broadcast_shapes(*map(np.shape, given.values()))
    attributes = {"given": given, "batch_shape": shape, "__module__": "torch.distributions.example"}
    return type(family, (), attributes)()


def between(family_p, p, family_q, q, **options):
    return kl.kl_between(example(family_p, p), example(family_q, q), **options)


SIGNED = {"loc", "mu", "low", "high", "logits", "log_rate"}
#: What a form calls as its public function does.
CALLED = {"mu": "loc", "sigma": "scale", "probs": "stop_probs"}


def error_of(call):
    try:
        call()
    except kl.DistributionError as error:
        return error
    return None


@every_pair
def test_a_bad_parameter_is_named_with_its_side(family_p, family_q):
    given = EXAMPLES[family_p][0], EXAMPLES[family_q][1]
    for side, bad in itertools.product((0, 1), (math.nan, -2.0, [0.5, math.nan], "x")):
        for name in given[side]:
            if bad == -2.0 and name in SIGNED:
                continue
            both = [dict(x) for x in given]
            both[side][name] = bad
            error = error_of(lambda both=both: between(family_p, both[0], family_q, both[1]))
            if error:
                assert error.argument in {f"{x}_{'pq'[side]}" for x in (name, CALLED.get(name))}
                assert error.place == {"list": (1,), "str": None}.get(type(bad).__name__, ())
            else:  # where a support excludes the other, nothing else is looked at
                assert between(family_p, given[0], family_q, given[1]) == math.inf


@every_pair
def test_each_member_of_a_batch_has_its_own_divergence(family_p, family_q):
    """Of every parameter in turn, also where the supports alone depend on it."""
    p, q = EXAMPLES[family_p][0], EXAMPLES[family_q][1]
    one = between(family_p, p, family_q, q)
    assert type(one) is np.float64
    for side, given in enumerate((p, q)):
        for name in given:
            both = [dict(p), dict(q)]
            both[side][name] = np.full((2, 1), given[name])
            both[1 - side] = {x: np.full(3, value) for x, value in both[1 - side].items()}
            values = between(family_p, both[0], family_q, both[1])
            np.testing.assert_allclose(values, np.full((2, 3), one), rtol=1e-13, err_msg=name)
            both[1 - side] = (p, q)[1 - side]
            values = between(family_p, both[0], family_q, both[1])
            np.testing.assert_allclose(values, np.full((2, 1), one), rtol=1e-13, err_msg=name)


@every_pair
def test_parameters_of_other_dtypes_are_computed_with_in_float64(family_p, family_q):
    p, q = EXAMPLES[family_p][0], EXAMPLES[family_q][1]
    narrow = [{x: np.float32(value) for x, value in given.items()} for given in (p, q)]
    wide = [{x: float(value) for x, value in given.items()} for given in narrow]
    value = between(family_p, narrow[0], family_q, narrow[1])
    assert value == between(family_p, wide[0], family_q, wide[1])
    whole = [
        {x: int(value) if value == int(value) else value for x, value in given.items()}
        for given in (p, q)
    ]
    assert between(family_p, whole[0], family_q, whole[1]) == between(family_p, p, family_q, q)
    bits = between(family_p, p, family_q, q, base=2)
    assert bits == pytest.approx(between(family_p, p, family_q, q) / math.log(2), rel=1e-15)
