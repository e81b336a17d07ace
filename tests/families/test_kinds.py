"""What a distribution is called, whether it is discrete, and which method gives its log density."""

import pytest
from scipy import stats

from kl_lib.families import kinds


def tfp_like(kind, *bases):
    where = {"__module__": "tensorflow_probability.python.distributions", "log_prob": None}
    return type(kind, bases, where)()


Mixin, Deterministic, Joint = (
    type(kind, (), {})
    for kind in ("DiscreteDistributionMixin", "BaseDeterministic", "JointDistribution")
)

OF_SCIPY = [
    (stats.norm(), "norm", False, "logpdf"),
    (stats.poisson(2), "poisson", True, "logpmf"),
    (stats.poisson, "poisson", True, "logpmf"),
    (stats.rv_discrete(values=([1], [1])), "rv_sample", True, "logpmf"),
    (stats.rv_discrete(values=([1], [1]))(loc=2), "rv_sample", True, "logpmf"),
    (stats.multivariate_normal([0]), "multivariate_normal", False, "logpdf"),
    (stats.multinomial(2, [0.5, 0.5]), "multinomial", True, "logpmf"),
    (stats.dirichlet([1, 2]), "dirichlet", False, "logpdf"),
]
OF_TFP = [
    (tfp_like("StudentT"), "StudentT", False),
    (tfp_like("Zipf", Mixin), "Zipf", True),
    (tfp_like("Deterministic", type("_BaseDeterministic", (), {})), "Deterministic", True),
    (tfp_like("VectorDeterministic", Deterministic), "VectorDeterministic", True),
    (tfp_like("MixtureSameFamily"), "MixtureSameFamily", None),
    (tfp_like("_Independent"), "_Independent", None),
    (tfp_like("MultivariateNormalDiag", type("TransformedDistribution", (), {})),
     "MultivariateNormalDiag", False),
    (tfp_like("JointDistributionNamed", Joint), "JointDistributionNamed", None),
]  # fmt: skip


@pytest.mark.parametrize(("dist", "name", "discrete", "method"), OF_SCIPY)
def test_a_distribution_of_scipy(dist, name, discrete, method):
    assert kinds.name_of(dist) == name
    assert kinds.is_discrete(dist) is discrete
    assert kinds.log_density(dist) == method


@pytest.mark.parametrize("name", ["Normal", "Binomial", "Uniform", "Mixture"])
def test_a_distribution_of_the_new_kind_of_scipy(name):
    if not hasattr(stats, "Binomial"):
        pytest.skip("an older SciPy")
    given = {"Binomial": {"n": 2, "p": 0.5}, "Uniform": {"a": 0, "b": 1}}.get(name, {})
    dist = stats.Mixture([stats.Normal()]) if name == "Mixture" else getattr(stats, name)(**given)
    discrete = {"Binomial": True, "Mixture": None}.get(name, False)
    assert kinds.is_discrete(dist) is discrete
    assert kinds.log_density(dist) == ("logpmf" if discrete else "logpdf")


@pytest.mark.parametrize(("dist", "name", "discrete"), OF_TFP)
def test_a_distribution_of_tfp(dist, name, discrete):
    assert kinds.name_of(dist) == name
    assert kinds.is_discrete(dist) is discrete
    assert kinds.log_density(dist) == "log_prob"


def test_a_distribution_of_pytorch():
    torch = pytest.importorskip("torch")
    d = torch.distributions
    for dist, discrete in (
        (d.Normal(0.0, 1.0), False),
        (d.Poisson(torch.tensor(2.0)), True),
        (d.Categorical(torch.ones(2)), True),
        (d.Independent(d.Poisson(torch.ones(2)), 1), True),
        (d.Independent(d.Normal(torch.ones(2), 1.0), 1), False),
    ):
        assert kinds.is_discrete(dist) is discrete
        assert kinds.log_density(dist) == "log_prob"


def test_of_a_class_of_ones_own_it_is_not_known_and_its_methods_tell():
    both = type("Own", (), {"logpdf": None, "logpmf": None})()
    masses = type("Own", (), {"logpmf": None})()
    assert kinds.is_discrete(both) is kinds.is_discrete(masses) is kinds.is_discrete(0.5) is None
    assert kinds.log_density(both) == "logpdf"
    assert kinds.log_density(masses) == "logpmf"
    assert kinds.log_density(0.5) == "log_prob"
