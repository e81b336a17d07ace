"""What is read of a distribution: its family, and its parameters by the names that forms use."""

import numpy as np
import pytest
from scipy import stats

import kl_lib as kl
from kl_lib.families import from_scipy, from_torch

MEAN, MATRIX = np.array([1.0, 2.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
PLACE = {"loc": 3.0, "scale": 2.0}
LIST = stats.rv_discrete(values=([1, 4], [0.25, 0.75]))

#: Of each kind of SciPy one that is moved and stretched, its family and its parameters.
OF_SCIPY = {
    "norm": (stats.norm(3, 2), "normal", PLACE),
    "laplace": (stats.laplace(3, 2), "laplace", PLACE),
    "expon": (stats.expon(3, 2), "exponential", PLACE),
    "cauchy": (stats.cauchy(loc=3, scale=2), "cauchy", PLACE),
    "halfcauchy": (stats.halfcauchy(3, scale=2), "half_cauchy", PLACE),
    "gumbel_r": (stats.gumbel_r(3, 2), "gumbel", PLACE),
    "gumbel_l": (stats.gumbel_l(3, 2), "gumbel_l", {"loc": -3.0, "scale": 2.0}),
    "moyal": (stats.moyal(3, 2), "moyal", PLACE),
    "halfnorm": (stats.halfnorm(3, 2), "half_normal", PLACE),
    "gamma": (stats.gamma(1.5, 3, 2), "gamma", {"concentration": 1.5, **PLACE}),
    "erlang": (stats.erlang(4, 3, 2), "gamma", {"concentration": 4, **PLACE}),
    # A gamma variable of twice the scale, and its square root.
    "chi2": (stats.chi2(5, 3, 2), "gamma", {"concentration": 2.5, "loc": 3, "scale": 4}),
    "chi": (stats.chi(5, 3, 2), "chi", {"concentration": 2.5, "loc": 3, "scale": 8}),
    "invgamma": (
        stats.invgamma(1.5, 3, 2), "inverse_gamma", {"concentration": 1.5, "loc": 3, "rate": 2}
    ),
    "uniform": (stats.uniform(3, 2), "uniform", {"low": 3, "high": 5}),
    "lognorm": (
        stats.lognorm(0.5, 3, 2), "log_normal", {"mu": np.log(2.0), "sigma": 0.5, "loc": 3}
    ),
    "weibull_min": (stats.weibull_min(1.5, 3, 2), "weibull", {"concentration": 1.5, **PLACE}),
    "pareto": (stats.pareto(1.5, 3, 2), "pareto", {"concentration": 1.5, **PLACE}),
    "beta": (stats.beta(4, 5, 3, 2), "beta", {"concentration1": 4, "concentration0": 5, **PLACE}),
    "vonmises": (stats.vonmises(1.5, 3), "von_mises", {"loc": 3, "concentration": 1.5}),
    "bernoulli": (stats.bernoulli(0.3, 3), "bernoulli", {"probs": 0.3, "loc": 3}),
    "poisson": (stats.poisson(0.3, 3), "poisson", {"rate": 0.3, "loc": 3}),
    "binom": (stats.binom(4, 0.3, 3), "binomial", {"total_count": 4, "probs": 0.3, "loc": 3}),
    "nbinom": (
        stats.nbinom(4, 0.3, 3), "negative_binomial", {"total_count": 4, "probs": 0.3, "loc": 3}
    ),
    # The first success counts.
    "geom": (stats.geom(0.3, 3), "geometric", {"probs": 0.3, "loc": 4}),
    # The upper end is left out, which a family of its own would not do.
    "randint": (stats.randint(1, 5, 3), "discrete_uniform", {"low": 4, "high": 7}),
    "rv_sample": (LIST(loc=3), "finite", {"values": [4, 7], "probs": [0.25, 0.75]}),
    "multinomial": (
        stats.multinomial(4, [0.3, 0.7]), "multinomial", {"total_count": 4, "probs": [0.3, 0.7]}
    ),
    "dirichlet": (stats.dirichlet([1, 2]), "dirichlet", {"concentration": [1, 2]}),
    "multivariate_normal": (
        stats.multivariate_normal(MEAN, MATRIX),
        "multivariate_normal",
        {"loc": MEAN, "covariance_matrix": MATRIX},
    ),
}  # fmt: skip
if hasattr(stats, "Binomial"):
    OF_SCIPY |= {
        "Normal": (stats.Normal(mu=3, sigma=2), "normal", PLACE),
        "StandardNormal": (stats.Normal(), "normal", {"loc": 0, "scale": 1}),
        "Uniform": (stats.Uniform(a=3, b=5), "uniform", {"low": 3, "high": 5}),
        "Binomial": (stats.Binomial(n=4, p=0.3), "binomial", {"total_count": 4, "probs": 0.3}),
    }


def check(found, family, parameters):
    assert found[0] == family
    assert set(found[1]) == set(parameters)
    for name, value in parameters.items():
        np.testing.assert_allclose(found[1][name], value, rtol=1e-7, err_msg=name)


@pytest.mark.parametrize("kind", from_scipy.READERS)
def test_a_distribution_of_scipy_is_read(kind):
    if kind not in OF_SCIPY and not hasattr(stats, "Binomial"):
        pytest.skip("an older SciPy")
    dist, family, parameters = OF_SCIPY[kind]
    check(from_scipy.read(dist), family, parameters)


def test_arguments_by_name_and_by_place_are_the_same_and_have_defaults():
    for dist in (stats.gamma(1.5, 3), stats.gamma(a=1.5, loc=3), stats.gamma(1.5, loc=3)):
        check(from_scipy.read(dist), "gamma", {"concentration": 1.5, "loc": 3, "scale": 1})
    check(from_scipy.read(stats.gamma(1.5)), "gamma", {"concentration": 1.5, "loc": 0, "scale": 1})
    check(from_scipy.read(LIST), "finite", {"values": [1, 4], "probs": [0.25, 0.75]})
    assert from_scipy.read(stats.t(3)) is None
    assert from_scipy.read(LIST.dist if hasattr(LIST, "dist") else 0.5) is None


def test_covariances_of_scipy_are_read_as_they_were_given():
    for covariance, name, value in (
        (stats.Covariance.from_diagonal([4, 9]), "scale_diag", [2, 3]),
        (stats.Covariance.from_cholesky([[2, 0], [1, 3]]), "scale", [[2, 0], [1, 3]]),
    ):
        dist = stats.multivariate_normal(MEAN, covariance)
        check(from_scipy.read(dist), "multivariate_normal", {"loc": MEAN, name: value})


def test_narrow_numbers_of_scipy_are_widened_before_they_are_squared_or_added():
    tiny, third = np.float32([1e-30]), np.float32([1 / 3])
    scale = from_scipy.read(stats.chi(5, scale=tiny))[1]["scale"]
    np.testing.assert_array_equal(scale, 2 * tiny.astype(np.float64) ** 2)
    high = from_scipy.read(stats.uniform(third, 1e9))[1]["high"]
    np.testing.assert_array_equal(high, third.astype(np.float64) + 1e9)


def test_a_scale_of_scipys_log_normal_is_checked_before_its_logarithm_is_taken():
    with pytest.raises(kl.DistributionError, match=r"^scale is -1; a scale is above 0"):
        from_scipy.read(stats.lognorm(1, scale=-1))


# PyTorch


def tensors(dtype):
    torch = pytest.importorskip("torch")
    return torch.distributions, lambda *x: torch.tensor(x if len(x) > 1 else x[0], dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_distribution_of_pytorch_is_read(dtype):
    torch = pytest.importorskip("torch")
    d, t = tensors(getattr(torch, dtype))
    place = {"loc": 3.0, "scale": 2.0}
    of_torch = {
        "Normal": (d.Normal(t(3.0), t(2.0)), "normal", place),
        "Laplace": (d.Laplace(t(3.0), t(2.0)), "laplace", place),
        "Cauchy": (d.Cauchy(t(3.0), t(2.0)), "cauchy", place),
        "Gumbel": (d.Gumbel(t(3.0), t(2.0)), "gumbel", place),
        "HalfCauchy": (d.HalfCauchy(t(2.0)), "half_cauchy", {"scale": 2}),
        "HalfNormal": (d.HalfNormal(t(2.0)), "half_normal", {"scale": 2}),
        "Exponential": (d.Exponential(t(2.0)), "exponential", {"rate": 2}),
        "Poisson": (d.Poisson(t(2.0)), "poisson", {"rate": 2}),
        "Gamma": (d.Gamma(t(3.0), t(2.0)), "gamma", {"concentration": 3, "rate": 2}),
        "Chi2": (d.Chi2(t(3.0)), "gamma", {"concentration": 1.5, "rate": 0.5}),
        "InverseGamma": (
            d.InverseGamma(t(3.0), t(2.0)), "inverse_gamma", {"concentration": 3, "rate": 2}
        ),
        "LogNormal": (d.LogNormal(t(3.0), t(2.0)), "log_normal", {"mu": 3, "sigma": 2}),
        "Weibull": (d.Weibull(t(2.0), t(3.0)), "weibull", {"concentration": 3, "scale": 2}),
        "Pareto": (d.Pareto(t(2.0), t(3.0)), "pareto", {"concentration": 3, "scale": 2}),
        "Beta": (d.Beta(t(3.0), t(2.0)), "beta", {"concentration1": 3, "concentration0": 2}),
        "Dirichlet": (d.Dirichlet(t(3.0, 2.0)), "dirichlet", {"concentration": [3, 2]}),
        "Uniform": (d.Uniform(t(2.0), t(3.0)), "uniform", {"low": 2, "high": 3}),
        "VonMises": (d.VonMises(t(2.0), t(3.0)), "von_mises", {"loc": 2, "concentration": 3}),
        "Bernoulli": (d.Bernoulli(t(0.25)), "bernoulli", {"probs": 0.25}),
        "Geometric": (d.Geometric(logits=t(0.25)), "geometric", {"logits": 0.25}),
        "Categorical": (d.Categorical(t(0.25, 0.75)), "categorical", {"probs": [0.25, 0.75]}),
        "OneHotCategorical": (
            d.OneHotCategorical(t(0.25, 0.75)), "one_hot", {"probs": [0.25, 0.75]}
        ),
        "ContinuousBernoulli": (
            d.ContinuousBernoulli(logits=t(0.25)), "continuous_bernoulli", {"logits": 0.25}
        ),
        "Binomial": (d.Binomial(4, t(0.25)), "binomial", {"total_count": 4, "probs": 0.25}),
        # What is counted has the other probability.
        "NegativeBinomial": (
            d.NegativeBinomial(4, t(0.25)), "negative_binomial", {"total_count": 4, "probs": 0.75}
        ),
        "NegativeBinomial of logits": (
            d.NegativeBinomial(4, logits=t(0.25)),
            "negative_binomial",
            {"total_count": 4, "logits": -0.25},
        ),
        "Multinomial": (
            d.Multinomial(4, t(0.25, 0.75)), "multinomial",
            {"total_count": 4, "probs": [0.25, 0.75]},
        ),
        "MultivariateNormal": (
            d.MultivariateNormal(t(1.0, 2.0), t([4.0, 2.0], [2.0, 10.0])),
            "multivariate_normal",
            {"loc": [1, 2], "scale": [[2, 0], [1, 3]]},
        ),
    }  # fmt: skip
    for dist, family, parameters in of_torch.values():
        check(from_torch.read(dist), family, parameters)
    assert from_torch.read(d.StudentT(t(3.0))) is None
    thirds = d.NegativeBinomial(4, t(1 / 3, 2 / 3))
    exact = 1 - thirds.probs.numpy().astype(np.float64)
    np.testing.assert_array_equal(from_torch.read(thirds)[1]["probs"], exact)


def test_which_of_probabilities_and_logits_was_given_is_known_after_both_were_asked_for():
    torch = pytest.importorskip("torch")
    for kind in ("Bernoulli", "Geometric", "ContinuousBernoulli", "Categorical"):
        for name, value in (("probs", [0.25, 0.75]), ("logits", [-0.5, -0.25])):
            dist = getattr(torch.distributions, kind)(**{name: torch.tensor(value)})
            asked = dist.probs, dist.logits
            assert set(from_torch.read(dist)[1]) == {name}, (kind, asked)
            if name == "logits" and hasattr(dist, "_param"):
                assert set(from_torch.read(dist.expand((3, *dist.batch_shape)))[1]) == {name}


def test_a_low_rank_covariance_of_pytorch_is_read_as_a_factor_of_it_in_a_batch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    loc, wide, diagonal = rng.normal(size=(2, 3)), rng.normal(size=(2, 3, 4)), rng.uniform(1, 2, 3)
    given = [torch.tensor(x.astype(np.float32)) for x in (loc, wide, diagonal)]
    family, found = from_torch.read(torch.distributions.LowRankMultivariateNormal(*given))
    loc, wide, diagonal = (x.numpy().astype(np.float64) for x in given)
    assert family == "multivariate_normal"
    np.testing.assert_array_equal(found["loc"], loc)
    assert found["scale"].shape == (2, 3, 3)
    covariance = found["scale"] @ np.swapaxes(found["scale"], -1, -2)
    exact = wide @ np.swapaxes(wide, -1, -2) + np.diag(diagonal)
    np.testing.assert_allclose(covariance, exact, rtol=1e-13)


def test_what_a_distribution_of_pytorch_holds_is_named_as_its_attribute_is():
    attributes = {"loc": 0.0, "scale": "a", "__module__": "torch.distributions.normal"}
    with pytest.raises(kl.DistributionError, match=r"^scale is the text 'a'; pass"):
        from_torch.read(type("Normal", (), attributes)())
