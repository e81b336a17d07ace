"""Old names of arguments and of parameters work until the release that the warning says."""

import inspect
import re
import warnings

import numpy as np
import pytest
from scipy import stats

import kl_lib as kl
from kl_lib import families, renamed, sampling
from kl_lib.families import registry

IDENTITY = [[1.0, 0.0], [0.0, 1.0]]

#: Every function with old names: them in order, and arguments.
OLD = {
    "kl_bernoulli": ("p q", (0.3, 0.6)),
    "kl_beta": ("a_p b_p a_q b_q", (2.0, 3.0, 4.0, 5.0)),
    "kl_binomial": ("n_p p n_q q", (3, 0.2, 4, 0.6)),
    "kl_continuous_bernoulli": ("p q", (0.3, 0.6)),
    "kl_from_logits": ("p_logits q_logits", ([0.0, 1.0], [2.0, 5.0])),
    "kl_geometric": ("p q", (0.3, 0.6)),
    "kl_log_normal": ("mu_p sigma_p mu_q sigma_q", (0.0, 1.0, 2.0, 3.0)),
    "kl_multivariate_normal": (
        "mu_p cov_p mu_q cov_q",
        ([0.0, 1.0], IDENTITY, [2.0, 5.0], np.multiply(IDENTITY, 3)),
    ),
    "kl_negative_binomial": ("n p q", (3, 0.3, 0.6)),
    "kl_normal": ("mu_p sigma_p mu_q sigma_q", (0.0, 1.0, 2.0, 3.0)),
}


@pytest.mark.parametrize("name", OLD)
def test_old_keywords_give_the_same_number_and_say_until_when(name):
    function = getattr(kl if hasattr(kl, name) else families, name)
    olds, values = OLD[name][0].split(), OLD[name][1]
    wanted = function(*values)
    news = list(inspect.signature(function).parameters)[: len(olds)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert function(**dict(zip(news, values, strict=True))) == wanted
    for i, old in enumerate(olds):
        keywords = dict(zip(news, values, strict=True)) | {old: values[i]}
        del keywords[news[i]]
        said = f"{name}: the argument {old} is called {news[i]}; the old name works until kl_lib 0."
        with pytest.warns(DeprecationWarning, match=f"^{said}") as told:
            assert function(**keywords) == wanted
        assert told[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="the old name"):
        assert function(**dict(zip(olds, values, strict=True))) == wanted


def test_every_function_with_old_names_stands_here():
    found = {
        function.__name__
        for module in (kl, sampling, families)
        for name in module.__all__
        if hasattr(function := getattr(module, name), "__wrapped__")
    }
    assert found == set(OLD)


def test_an_argument_by_both_names_is_refused_by_python():
    with pytest.raises(TypeError, match="unexpected keyword argument 'mu_p'"):
        kl.kl_normal(mu_p=0, loc_p=0, scale_p=1, loc_q=0, scale_q=1)
    with (
        pytest.raises(TypeError, match="multiple values for argument 'loc_p'"),
        pytest.warns(DeprecationWarning, match="loc_p"),
    ):
        kl.kl_normal(0, 1, 0, 1, mu_p=0)


def test_the_short_name_of_kl_multivariate_normal_is_no_old_one():
    assert kl.kl_mvn is kl.kl_multivariate_normal is families.kl_mvn
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kl.kl_mvn([0], [[1]], [1], [[1]]) == 0.5


def test_the_old_names_are_gone_when_their_time_is_over():
    now, then = (re.findall(r"\d+", version) for version in (kl.__version__, renamed.UNTIL))
    assert list(map(int, now)) < list(map(int, then))


def test_all_parameters_of_closed_forms_follow_one_convention():
    """Names of TFP, each with the side that it is of, and counts that both share."""
    allowed = {
        "concentration", "concentration0", "concentration1", "covariance_matrix", "dist", "high",
        "loc", "low", "probs", "rate", "scale", "stop_probs", "total_count",
    }  # fmt: skip
    for name in families.__all__:
        if name[:3] == "kl_":
            for parameter in set(inspect.signature(getattr(families, name)).parameters) - {"base"}:
                assert parameter.removesuffix("_p").removesuffix("_q") in allowed, (name, parameter)


# The parameters that a registered form of a family gets


@pytest.mark.parametrize(
    ("family", "dist", "old"),
    [
        ("beta", stats.beta(2, 3), {"a": 2, "b": 3}),
        ("binomial", stats.binom(5, 0.3), {"n": 5}),
        ("multivariate_normal", stats.multivariate_normal([1, 2], IDENTITY), {"mean": [1, 2]}),
        (
            "multivariate_normal",
            stats.multivariate_normal([1, 2], stats.Covariance.from_cholesky(np.eye(2))),
            {"factor": IDENTITY},
        ),
        (
            "multivariate_normal",
            stats.multivariate_normal([1, 2], stats.Covariance.from_diagonal([1, 1])),
            {"deviations": [1, 1]},
        ),
    ],
)
def test_a_form_of_ones_own_may_ask_for_old_names(monkeypatch, family, dist, old):
    monkeypatch.setattr(registry, "PAIRS", dict(registry.PAIRS))
    got = []

    @kl.register_kl(family, family, replace=True)
    def of_family(p, q):
        got.append(p)
        return 0.25

    assert kl.kl_between(dist, dist) == 0.25
    for key, value in old.items():
        new = registry.Given.OLD[key]
        with pytest.warns(DeprecationWarning, match=f"^the parameter {key} is called {new}; the "):
            np.testing.assert_array_equal(got[0][key], value)
        with pytest.warns(DeprecationWarning, match=new):
            np.testing.assert_array_equal(got[0].get(key), value)
        assert key in got[0]
        assert key not in dict(got[0])
    for absent in (
        "nothing",
        *(key for key, new in registry.Given.OLD.items() if new not in got[0]),
    ):
        with pytest.raises(KeyError, match=absent):
            got[0][absent]
        assert absent not in got[0]
    assert got[0].get("nothing", 7) == 7
    assert "nothing" not in got[0]
