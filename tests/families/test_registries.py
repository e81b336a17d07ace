"""Every pair for which PyTorch or TensorFlow Probability registers a KL, against quadrature.

PyTorch lives in another environment where the book's has none: the tests of a library that is
missing are skipped.
"""

import functools
import itertools
import math
from pathlib import Path

import mpmath
import numpy as np
import pytest
from scipy import integrate

import kl_lib as kl
from kl_lib import families
from kl_lib.families import from_scipy, from_tfp, from_torch, registry

# PyTorch


@functools.cache
def torch_examples():
    """Two sets of parameters of every family with a registered KL, in float64."""
    torch = pytest.importorskip("torch")
    d = torch.distributions
    d.Distribution.set_default_validate_args(False)  # densities outside of a support are asked

    def t(*x):
        return torch.tensor(x if len(x) > 1 else x[0], dtype=torch.float64)

    matrix = t([2.0, 0.3], [0.3, 1.0])
    return {
        "Bernoulli": (d.Bernoulli(t(0.3)), d.Bernoulli(logits=t(1.2))),
        "Beta": (d.Beta(t(2.0), t(3.5)), d.Beta(t(1.5), t(1.2))),
        "Binomial": (d.Binomial(5, t(0.3)), d.Binomial(5, logits=t(0.4))),
        "Categorical": (
            d.Categorical(t(0.2, 0.3, 0.5)),
            d.Categorical(logits=t(0.1, 1.0, -0.4)),
        ),
        "Cauchy": (d.Cauchy(t(0.0), t(1.0)), d.Cauchy(t(1.0), t(2.5))),
        "ContinuousBernoulli": (
            d.ContinuousBernoulli(t(0.2)),
            d.ContinuousBernoulli(logits=t(0.7)),
        ),
        "Dirichlet": (d.Dirichlet(t(2.0, 3.0)), d.Dirichlet(t(1.5, 4.0))),
        "Exponential": (d.Exponential(t(1.3)), d.Exponential(t(0.4))),
        "Gamma": (d.Gamma(t(2.5), t(1.2)), d.Gamma(t(1.4), t(0.7))),
        "Geometric": (d.Geometric(t(0.3)), d.Geometric(logits=t(0.4))),
        "Gumbel": (d.Gumbel(t(0.3), t(0.7)), d.Gumbel(t(-0.5), t(1.4))),
        "HalfNormal": (d.HalfNormal(t(0.8)), d.HalfNormal(t(1.5))),
        "Independent": (
            d.Independent(d.Normal(t(0.0, 1.0), t(1.0, 2.0)), 1),
            d.Independent(d.Normal(t(0.5, 0.5), t(1.5, 1.0)), 1),
        ),
        "Laplace": (d.Laplace(t(0.3), t(0.7)), d.Laplace(t(-0.5), t(1.4))),
        "LowRankMultivariateNormal": (
            d.LowRankMultivariateNormal(t(0.0, 0.5), t([0.5], [1.0]), t(1.0, 0.3)),
            d.LowRankMultivariateNormal(t(1.0, 0.5), t([0.1, 1.0], [-1.0, 0.2]), t(0.5, 1.0)),
        ),
        "MultivariateNormal": (
            d.MultivariateNormal(t(0.3, 0.1), matrix),
            d.MultivariateNormal(t(0.0, 1.0), precision_matrix=matrix),
        ),
        "Normal": (d.Normal(t(0.3), t(0.7)), d.Normal(t(-0.5), t(1.4))),
        "OneHotCategorical": (
            d.OneHotCategorical(t(0.2, 0.3, 0.5)),
            d.OneHotCategorical(logits=t(0.1, 1.0, -0.4)),
        ),
        "Pareto": (d.Pareto(t(1.0), t(3.5)), d.Pareto(t(0.5), t(2.2))),
        "Poisson": (d.Poisson(t(3.0)), d.Poisson(t(4.2))),
        "TransformedDistribution": (
            d.TransformedDistribution(
                d.Normal(t(0.3), t(0.7)), [d.ExpTransform(), d.AffineTransform(1.0, 2.0)]
            ),
            d.TransformedDistribution(
                d.Normal(t(0.0), t(1.0)), [d.ExpTransform(), d.AffineTransform(1.0, 2.0)]
            ),
        ),
        "Uniform": (d.Uniform(t(0.2), t(0.9)), d.Uniform(t(-0.3), t(1.4))),
        "Chi2": (d.Chi2(t(3.0)), d.Chi2(t(4.5))),
        "InverseGamma": (d.InverseGamma(t(3.0), t(2.0)), d.InverseGamma(t(2.0), t(1.5))),
        "LogNormal": (d.LogNormal(t(0.3), t(0.7)), d.LogNormal(t(0.1), t(1.4))),
        "HalfCauchy": (d.HalfCauchy(t(0.8)), d.HalfCauchy(t(1.5))),
        "NegativeBinomial": (
            d.NegativeBinomial(t(3.0), t(0.3)),
            d.NegativeBinomial(t(3.0), logits=t(0.2)),
        ),
        "Weibull": (d.Weibull(t(1.3), t(2.0)), d.Weibull(t(0.8), t(1.5))),
    }


#: Pairs of PyTorch's registry that are no pair of two kinds, each with the reason.
TORCH_LEFT = {
    ("ExponentialFamily", "ExponentialFamily"): "a base class: each family below it stands here",
}


def torch_pairs():
    try:
        from torch.distributions import kl as torch_kl
    except ImportError:
        return [pytest.param("", "", marks=pytest.mark.skip(reason="no PyTorch"))]
    names = {(p.__name__, q.__name__) for p, q in torch_kl._KL_REGISTRY}
    return sorted(names - set(TORCH_LEFT))


def ends(dist):
    """The ends of the support of a distribution of PyTorch of one variable."""
    if type(dist.support).__name__ == "_Boolean":
        return 0.0, 1.0
    low = float(getattr(dist.support, "lower_bound", -math.inf))
    return low, float(getattr(dist.support, "upper_bound", math.inf))


def by_quadrature(p, q):
    """KL of two distributions of PyTorch of one variable, by their own densities.

    Where it is finite, so that all of the support of p is inside that of q.
    """
    torch = pytest.importorskip("torch")

    def f(x):
        log_p, log_q = (float(dist.log_prob(torch.tensor(float(x)).double())) for dist in (p, q))
        return math.exp(log_p) * (log_p - log_q) if log_p > -700 else 0.0

    low, high = ends(p)
    if p.support.is_discrete:
        return sum(f(k) for k in range(int(low), int(min(high, 400)) + 1))
    points = [x for x in (-40, -9, -3, -1, 0, 1, 3, 9, 40, 400) if low < x < high]
    cuts = [low + 1e-13 if low > -math.inf else low, *points, high - 1e-13]
    return sum(integrate.quad(f, *pair, limit=300)[0] for pair in itertools.pairwise(cuts))


#: PyTorch's own answer is wrong for these, or it has none; quadrature is the truth.
TORCH_ERRS = {
    ("ContinuousBernoulli", "Uniform"): "inf unless the uniform's interval is inside the other's",
    ("Uniform", "ContinuousBernoulli"): "inf where an end of p only touches that of q",
}


@pytest.mark.parametrize(("name_p", "name_q"), torch_pairs())
def test_every_pair_of_pytorchs_registry_has_its_kl(name_p, name_q):
    torch = pytest.importorskip("torch")
    (p, other), (_, q) = torch_examples()[name_p], torch_examples()[name_q]
    value = families.kl_between(p, q)
    theirs = float(torch.distributions.kl_divergence(p, q))
    if p.event_shape == () and math.isfinite(value):
        assert value == pytest.approx(by_quadrature(p, q), rel=1e-6, abs=1e-8)
    if (name_p, name_q) not in TORCH_ERRS:
        assert value == pytest.approx(theirs, rel=1e-6)
    assert (families.why_infinite(p, q) is None) == math.isfinite(value)
    if name_p == name_q:
        assert families.kl_between(q, p) == pytest.approx(
            float(torch.distributions.kl_divergence(q, p)), rel=1e-6
        )
        assert families.kl_between(p, p) == 0
        assert other is q


@pytest.mark.parametrize(
    "name", ["Chi2", "HalfCauchy", "InverseGamma", "LogNormal", "NegativeBinomial", "Weibull"]
)
def test_pairs_that_pytorch_has_by_other_ways_or_not_at_all(name):
    pytest.importorskip("torch")
    p, q = torch_examples()[name]
    assert families.kl_between(p, q) == pytest.approx(by_quadrature(p, q), rel=1e-6)
    assert families.kl_between(p, p) == 0


def test_a_logistic_normal_of_pytorch_has_the_kl_of_its_normal():
    d = pytest.importorskip("torch").distributions
    p, q = (d.LogisticNormal(d.Normal(x, 1.0).sample((2,)) * 0 + x, 1.0) for x in (0.0, 1.0))
    assert families.kl_between(p, q) == pytest.approx(float(d.kl_divergence(p, q)))


def test_an_array_of_pytorch_that_needs_a_gradient_and_one_of_half_precision_are_read():
    torch = pytest.importorskip("torch")
    mean = torch.zeros(2, requires_grad=True)
    p, q = (
        torch.distributions.Normal(mean, 1.0),
        torch.distributions.Normal(torch.tensor(1, dtype=torch.bfloat16), 1.0),
    )
    np.testing.assert_array_equal(families.kl_between(p, q), [0.5, 0.5])


def test_logits_of_pytorch_are_kept_when_their_probabilities_have_been_asked_for():
    torch = pytest.importorskip("torch")
    p, q = (torch.distributions.Bernoulli(logits=torch.tensor(x).double()) for x in (50.0, 60.0))
    assert p.probs == q.probs == 1
    exact = mpmath.exp(-50) * (mpmath.exp(-10) - 1 + 10)
    assert families.kl_between(p, q) == pytest.approx(float(exact), rel=1e-12, abs=0)


def test_unequal_transforms_of_pytorch_are_refused():
    d = pytest.importorskip("torch").distributions
    normal = d.Normal(0.0, 1.0)
    p, q = (
        d.TransformedDistribution(normal, [d.AffineTransform(0.0, scale)]) for scale in (1.0, 2.0)
    )
    with pytest.raises(kl.NoClosedFormError, match="for another transform of dist_p"):
        families.kl_between(p, q)


# TensorFlow Probability


@functools.cache
def tfp_examples():
    """Two sets of parameters of every family with a registered KL, in float64."""
    tfd = pytest.importorskip("tensorflow_probability").distributions
    import tensorflow as tf
    import tensorflow_probability as tfp

    def t(*x):
        return tf.constant(x if len(x) > 1 else x[0], tf.float64)

    low, other = t([1.4, 0.0], [0.3, 1.0]), t([0.8, 0.0], [-0.3, 1.2])
    up = t(0.0, 0.0, 1.0)
    points, kernel = t([0.0], [0.7]), tfp.math.psd_kernels.ExponentiatedQuadratic
    matrix = tf.linalg.LinearOperatorLowerTriangular
    return {
        "Bernoulli": (tfd.Bernoulli(probs=t(0.3)), tfd.Bernoulli(logits=t(1.2))),
        "Beta": (tfd.Beta(t(2.0), t(3.5)), tfd.Beta(t(1.5), t(1.2))),
        "Blockwise": tuple(
            tfd.Blockwise([tfd.Normal(t(m), t(s)), tfd.MultivariateNormalDiag(t(m, s))])
            for m, s in ((0.3, 0.7), (-0.5, 1.4))
        ),
        "Categorical": (
            tfd.Categorical(probs=t(0.2, 0.3, 0.5)),
            tfd.Categorical(logits=t(0.1, 1.0, -0.4)),
        ),
        "Cauchy": (tfd.Cauchy(t(0.0), t(1.0)), tfd.Cauchy(t(1.0), t(2.5))),
        "Chi": (tfd.Chi(t(3.0)), tfd.Chi(t(4.5))),
        "Chi2": (tfd.Chi2(t(3.0)), tfd.Chi2(t(4.5))),
        "ContinuousBernoulli": (
            tfd.ContinuousBernoulli(probs=t(0.2)),
            tfd.ContinuousBernoulli(logits=t(0.7)),
        ),
        "Dirichlet": (tfd.Dirichlet(t(2.0, 3.0)), tfd.Dirichlet(t(1.5, 4.0))),
        "ExpGamma": (tfd.ExpGamma(t(2.5), t(1.2)), tfd.ExpGamma(t(1.4), t(0.7))),
        "ExpInverseGamma": (
            tfd.ExpInverseGamma(t(2.5), t(1.2)),
            tfd.ExpInverseGamma(t(1.4), t(0.7)),
        ),
        "Gamma": (tfd.Gamma(t(2.5), t(1.2)), tfd.Gamma(t(1.4), t(0.7))),
        "GaussianProcess": (
            tfd.GaussianProcess(kernel(t(1.0), t(0.5)), points),
            tfd.GaussianProcess(kernel(t(1.5), t(1.0)), points),
        ),
        "Gumbel": (tfd.Gumbel(t(0.3), t(0.7)), tfd.Gumbel(t(-0.5), t(1.4))),
        "HalfNormal": (tfd.HalfNormal(t(0.8)), tfd.HalfNormal(t(1.5))),
        "Independent": (
            tfd.Independent(tfd.Normal(t(0.0), t(1.0, 2.0)), 1),
            tfd.Independent(tfd.Normal(t(0.5, 0.5), t(1.5)), 1),
        ),
        "JointDistributionSequential": tuple(
            tfd.JointDistributionSequential([tfd.Normal(t(m), t(s)), tfd.Exponential(t(s))])
            for m, s in ((0.3, 0.7), (-0.5, 1.4))
        ),
        "Laplace": (tfd.Laplace(t(0.3), t(0.7)), tfd.Laplace(t(-0.5), t(1.4))),
        "LogNormal": (tfd.LogNormal(t(0.3), t(0.7)), tfd.LogNormal(t(0.1), t(1.4))),
        "LogitNormal": (tfd.LogitNormal(t(0.3), t(0.7)), tfd.LogitNormal(t(0.1), t(1.4))),
        "Masked": (
            tfd.Masked(tfd.Normal(t(0.3, 1.0), t(0.7)), [True, False]),
            tfd.Masked(tfd.Normal(t(-0.5, 3.0), t(1.4)), [True, False]),
        ),
        "MatrixNormalLinearOperator": (
            tfd.MatrixNormalLinearOperator(t([0.0, 1.0], [0.5, 2.0]), matrix(low), matrix(other)),
            tfd.MatrixNormalLinearOperator(t([0.3, 1.0], [0.5, 1.0]), matrix(other), matrix(low)),
        ),
        "Moyal": (tfd.Moyal(t(0.3), t(0.7)), tfd.Moyal(t(-0.5), t(1.4))),
        "MultivariateNormalLinearOperator": (
            tfd.MultivariateNormalTriL(t(0.3, 0.1), low),
            tfd.MultivariateNormalTriL(t(0.0, 1.0), other),
        ),
        "Normal": (tfd.Normal(t(0.3), t(0.7)), tfd.Normal(t(-0.5), t(1.4))),
        "OneHotCategorical": (
            tfd.OneHotCategorical(probs=t(0.2, 0.3, 0.5)),
            tfd.OneHotCategorical(logits=t(0.1, 1.0, -0.4)),
        ),
        "OrderedLogistic": (
            tfd.OrderedLogistic(t(-1.0, 0.5), t(0.3)),
            tfd.OrderedLogistic(t(-0.7, 1.5), t(0.1)),
        ),
        "Pareto": (tfd.Pareto(t(3.5), t(1.0)), tfd.Pareto(t(2.2), t(0.5))),
        "PowerSpherical": (tfd.PowerSpherical(up, t(2.0)), None),
        "SphericalUniform": (None, tfd.SphericalUniform(3, dtype=tf.float64)),
        "ProbitBernoulli": (
            tfd.ProbitBernoulli(probs=t(0.3)),
            tfd.ProbitBernoulli(probits=t(0.7)),
        ),
        "Sample": (
            tfd.Sample(tfd.Normal(t(0.3), t(0.7)), [2, 3]),
            tfd.Sample(tfd.Normal(t(-0.5), t(1.4)), [2, 3]),
        ),
        "StoppingRatioLogistic": (
            tfd.StoppingRatioLogistic(t(-1.0, 0.5), t(0.3)),
            tfd.StoppingRatioLogistic(t(-0.7, 1.5), t(0.1)),
        ),
        "TransformedDistribution": tuple(
            tfp.bijectors.Softplus()(tfd.Normal(t(m), t(s))) for m, s in ((0.3, 0.7), (0.0, 1.0))
        ),
        "Uniform": (tfd.Uniform(t(0.2), t(0.9)), tfd.Uniform(t(-0.3), t(1.4))),
        "VonMises": (tfd.VonMises(t(0.3), t(2.0)), tfd.VonMises(t(-0.8), t(1.1))),
        "VonMisesFisher": (
            tfd.VonMisesFisher(up, t(2.0)),
            tfd.VonMisesFisher(t(0.6, 0.0, 0.8), t(1.1)),
        ),
        "Weibull": (tfd.Weibull(t(1.3), t(2.0)), tfd.Weibull(t(0.8), t(1.5))),
    }


#: Pairs of TFP's registry that are no pair of two kinds, each with the reason.
TFP_LEFT = {
    ("NonCompositeTensorCast", "NonCompositeTensorCast"): "inside Blockwise, which hands out what "
    "it wraps",
    ("TensorCoercible", "Distribution"): "a wrapper, read as what it wraps (test_composites.py)",
    ("Distribution", "TensorCoercible"): "a wrapper, read as what it wraps (test_composites.py)",
    ("BaseDeterministic", "Distribution"): "a base class: points stand in test_composites.py. TFP "
    "gives minus the log density where KL is infinite",
}


def tfp_pairs():
    try:
        from tensorflow_probability.python.distributions import kullback_leibler
    except ImportError:
        return [pytest.param("", "", marks=pytest.mark.skip(reason="no TFP"))]
    kinds = kullback_leibler._DIVERGENCES
    names = {tuple(kind.__name__.removeprefix("_") for kind in pair) for pair in kinds}
    # A wrapper, not a distribution: registered once another test has imported tfp.experimental.
    names = {pair for pair in names if "JitPublicMethods" not in pair}
    assert set(TFP_LEFT) <= names
    return sorted(names - set(TFP_LEFT))


@pytest.mark.parametrize(("name_p", "name_q"), tfp_pairs())
def test_every_pair_of_tfps_registry_has_its_kl(name_p, name_q):
    (p, _), (_, q) = tfp_examples()[name_p], tfp_examples()[name_q]
    value = families.kl_between(p, q)
    np.testing.assert_allclose(value, p.kl_divergence(q).numpy(), rtol=1e-8)
    if name_p == name_q:
        np.testing.assert_allclose(families.kl_between(p, p), 0, atol=1e-15)
    if getattr(p.event_shape, "rank", None) == 0 and value.ndim == 0:
        np.testing.assert_allclose(value, by_quadrature_of_tfp(p, q), rtol=1e-6)


#: How many values the discrete families have in the examples.
VALUES = {"Bernoulli": 2, "ProbitBernoulli": 2} | dict.fromkeys(
    ("Categorical", "OrderedLogistic", "StoppingRatioLogistic"), 3
)


def by_quadrature_of_tfp(p, q):
    """Of two distributions of TFP of one variable, by their own densities."""
    k = VALUES.get(type(p).__name__)
    if k:
        log_p, log_q = (dist.log_prob(np.arange(k)).numpy() for dist in (p, q))
        return (np.exp(log_p) * (log_p - log_q)).sum()
    # x = sinh(u): a grid that is dense near 0 and reaches far into both tails. For the ends at 0
    # and 1, the logit and the logarithm.
    u, step = np.linspace(-23, 23, 200_001, retstep=True)
    x, width = np.sinh(u), np.cosh(u)
    if type(p).__name__ in ("ContinuousBernoulli", "Beta", "LogitNormal"):
        x = 1 / (1 + np.exp(-u))
        width = x * (1 - x)
    elif type(p).__name__ in ("Chi", "Chi2", "Gamma", "HalfNormal", "LogNormal", "Weibull"):
        x = width = np.exp(u)
    elif type(p).__name__ == "VonMises":
        x, width = np.pi * np.tanh(u), np.pi / np.cosh(u) ** 2
    elif type(p).__name__ == "Uniform":
        x, width = 0.2 + 0.7 * (u + 23) / 46, np.full(u.shape, 0.7 / 46)
        width[[0, -1]] /= 2
    elif type(p).__name__ == "Pareto":
        x, width = 1 + np.exp(u), np.exp(u)
    with np.errstate(all="ignore"):
        log_p, log_q = (dist.log_prob(x).numpy() for dist in (p, q))
        terms = np.exp(log_p) * (log_p - log_q) * width * step
        return terms[log_p > -700].sum()


# The page that lists what is known


def test_the_reference_lists_every_family_kind_pair_and_function():
    page = (Path(__file__).parents[2] / "book/reference_families.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    families_, across = ({row[0]: row for row in rows if len(row) == n} for n in (5, 2))
    for family in families.FAMILY_NAMES:
        for column, reader in ((1, from_scipy), (2, from_torch), (3, from_tfp)):
            kinds = {kind for kind, (name, _) in reader.READERS.items() if name == family}
            told = families_[f"`{family}`"][column]
            assert set(told.replace("`", "").split(", ")) == (kinds or {"–"})
    pairs = {key for key in registry.PAIRS if all(isinstance(kind, str) for kind in key)}
    assert {(p, p) for p in families.FAMILY_NAMES} <= pairs
    told = {
        (p.strip("`"), q.strip("`"))
        for p, row in across.items()
        for q in row[1].split(", ")
        if p.startswith("`")
    }
    assert told == {(p, q) for p, q in pairs if p != q}
    for name in families.__all__:
        if name.startswith("kl_"):
            assert f".{getattr(families, name).__name__}\n" in page
