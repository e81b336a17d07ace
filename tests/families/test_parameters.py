"""What the parameters of closed forms may be: labelled, of any dtype, at the edges of floats."""

import fractions
import inspect
import itertools
import math

import numpy as np
import pandas as pd
import pytest

import kl_lib as kl
from kl_lib import families
from kl_lib.families import continuous_bernoulli, counts, dirichlet, parameters, von_mises

OTHERS = {"kl_between", "kl_dirichlet", "kl_multivariate_normal", "kl_mvn"}
FORMS = sorted({name for name in families.__all__ if name[:3] == "kl_"} - OTHERS)
every_form = pytest.mark.parametrize("name", FORMS)


def form_and_names(name):
    form = getattr(families, name)
    return form, [x for x in inspect.signature(form).parameters if x != "base"]


def good(parameter):
    """Two numbers that this parameter may be."""
    if parameter[:4] == "high":
        return [1.5, 2.0]
    return [2.0, 3.0] if parameter[:5] == "total" else [0.5, 0.25]


# Labels


@every_form
def test_labels_of_any_parameter_are_those_of_the_result(name):
    form, names = form_and_names(name)
    plain = form(*map(good, names))
    for labelled in names:
        both = {x: good(x) for x in names} | {labelled: pd.Series(good(labelled), list("ab"))}
        result = form(**both)
        assert list(result.index) == ["a", "b"]
        np.testing.assert_array_equal(result, plain)
    # Labels count, not the order.
    last = names[-1]
    turned = pd.Series(good(last)[::-1], list("ba"))
    both = {x: pd.Series(good(x), list("ab")) for x in names} | {last: turned}
    assert form(**both).to_dict() == dict(zip("ab", plain, strict=True))
    bits = form(**both, base=2)
    np.testing.assert_allclose(bits, plain / math.log(2), rtol=1e-15)


def test_labels_of_the_concentrations_of_a_dirichlet_are_no_labels_of_its_batch():
    p = pd.DataFrame([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]], ["x", "y"], list("abc"))
    q = 2 * p.iloc[:, ::-1] + np.array([0.0, 0.5, 2.0])
    result = families.kl_dirichlet(p, q)
    assert list(result.index) == ["x", "y"]
    assert (
        result.tolist() == families.kl_dirichlet(p.to_numpy(), q[list("abc")].to_numpy()).tolist()
    )
    with pytest.raises(kl.DistributionError, match="'z' is in concentration_q alone") as caught:
        families.kl_dirichlet(p, q.rename(columns={"a": "z"}))
    assert caught.value.kind == "labels"


def test_labels_of_a_normal_name_its_dimensions():
    loc, cov = pd.Series([0.0, 1.0], ["u", "v"]), pd.DataFrame([[1, 0.5], [0.5, 2]], ["u", "v"])
    cov.columns = cov.index
    other = pd.Series([3.0, 2.0], ["v", "u"])
    value = kl.kl_mvn(loc, cov, other, 2 * cov.iloc[::-1, ::-1])
    assert value == kl.kl_mvn([0, 1], cov.to_numpy(), [2, 3], 2 * cov.to_numpy())
    assert type(value) is np.float64


def test_names_of_a_dict_are_kept_and_axes_of_xarray():
    assert families.kl_exponential({"a": 1.0, "b": 2.0}, 1) == {
        "a": 0, "b": families.kl_exponential(2, 1)
    }  # fmt: skip
    xr = pytest.importorskip("xarray")
    grid = xr.DataArray([[0.0, 1.0], [2.0, 3.0]], dims=["day", "k"], coords={"day": [1, 2]})
    result = kl.kl_normal(grid, 1, grid.T, 1)
    assert result.dims == ("day", "k")
    np.testing.assert_array_equal(result, np.zeros((2, 2)))


# What can not be read


@every_form
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([0.5 + 1j, 0.5], " is complex (complex128); pass np.real({0}) if the imaginary part is"),
        ([None, 0.5], " has dtype object ({0}[0] is None); pass numbers"),
        ([[0.5], [0.5, 1.0]], " is ragged: row 0 has 1 entry, row 1 has 2; pass numbers"),
        (fractions.Fraction(1, 2), " is Fraction(1, 2); pass float({0})"),
        (
            np.ma.masked_array([0.5, 1.0], [False, True]),
            " is a masked array; pass {0}.compressed(), without what is masked",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_number_is_named(name, value, said):
    form, names = form_and_names(name)
    for bad in names:
        with pytest.raises(kl.DistributionError) as caught:
            form(**{x: good(x) for x in names} | {bad: value})
        assert str(caught.value).startswith(bad + said.format(bad))
        error = caught.value
        assert (error.kind, error.argument, error.place) == ("unreadable", bad, None)


@every_form
def test_shapes_that_do_not_broadcast_are_all_told(name):
    form, names = form_and_names(name)
    last = names[-1]
    with pytest.raises(kl.DistributionError) as caught:
        form(**{x: good(x) for x in names} | {last: np.ones(3) * good(last)[0]})
    told = ", ".join(f"{x} {(3,) if x == last else (2,)}" for x in names)
    assert str(caught.value) == (
        f"the parameters do not broadcast to one shape ({told}); give them equal shapes, or "
        "length 1 where one value serves a whole axis"
    )
    assert (caught.value.kind, caught.value.argument) == ("shape", " and ".join(names))


def test_concentrations_that_are_not_equally_many_are_refused():
    for p, q in (([1, 2], [1, 2, 3]), ([1, 2], 3), (3, 3), ([], [])):
        with pytest.raises(kl.DistributionError) as caught:
            families.kl_dirichlet(p, q)
        shapes = np.shape(p), np.shape(q)
        assert str(caught.value) == (
            f"concentration_p has shape {shapes[0]} and concentration_q has shape {shapes[1]}; "
            "give both one concentration for each category, on the last axis"
        )
        assert caught.value.kind == "shape"
        assert caught.value.argument == "concentration_p and concentration_q"


@pytest.mark.parametrize(
    ("rule", "good", "bad", "remedy"),
    [
        (parameters.real, [-1.7e308, 0.0], [math.inf, -math.inf, math.nan], "pass a finite number"),
        (parameters.scale, [5e-324, 0.5], [0.0, -0.5], "a scale is above 0 (not its logarithm)"),
        (parameters.rate, [5e-324, 0.5], [0.0, -0.5], "a rate is above 0 (it is 1/scale)"),
        (
            parameters.deviation, [5e-324, 0.5], [0.0, -0.5],
            "a standard deviation is above 0 (not a variance, not its logarithm)",
        ),
        (parameters.concentration, [5e-324, 0.5], [0.0, -0.5], "a concentration is above 0"),
        (parameters.mean_count, [0.0, 0.5], [-5e-324, -1.0], "a mean count is 0 or above"),
        (
            parameters.probability, [0.0, 5e-324, 1.0], [-5e-324, 1 + 2.0**-52],
            "a probability is between 0 and 1",
        ),
        (
            continuous_bernoulli.inside, [5e-324, 1 - 2.0**-53], [0.0, 1.0, -1.0, 2.0],
            "a parameter is above 0 and below 1",
        ),
        (
            counts.tosses, [0.0, 1.0, 2.0, 1e300], [-1.0, 0.5, 1.5],
            "a number of tosses is whole, 0 or above",
        ),
        (counts.successes, [5e-324, 1.5], [0.0, -1.0], "a number of successes is above 0"),
        (counts.chance, [5e-324, 1.0], [0.0], "a probability of success is above 0"),
        (counts.chance, [0.5], [-0.5, 1.5], "a probability is between 0 and 1"),
        (dirichlet._concentration, [1e-150, 1e150], [0.0], "a concentration is above 0"),
        (
            dirichlet._concentration, [1.0], [9.9e-151, 1.1e150],
            "beyond 1e-150 and 1e150 floats do not carry the result",
        ),
        (von_mises._concentration, [0.0, 0.5], [-0.5], "a concentration of angles is 0 or above"),
    ],
)  # fmt: skip
def test_a_rule_takes_what_it_says_and_names_the_rest(rule, good, bad, remedy):
    np.testing.assert_array_equal(rule(good, "x"), good)
    assert [rule(float(value), "x") for value in good] == good
    for value in bad:
        for given, where in ((value, ()), ([good[0], value], (1,)), ([[good[0]], [value]], (1, 0))):
            with pytest.raises(kl.DistributionError) as caught:
                rule(given, "x")
            error = caught.value
            index = f"[{', '.join(map(str, where))}]" if where else ""
            assert str(error) == f"x{index} is {value:g}; {remedy}"
            assert (error.kind, error.argument, error.place) == ("parameter", "x", where)
            assert error.value == value or math.isnan(value)
            assert (error.places, error.count) == ((where,), 1)


def test_a_mean_count_of_minus_0_is_0():
    assert math.copysign(1, parameters.mean_count(-0.0, "x")) == 1


# The edges of floats

ABOVE_0 = [5e-324, 1e-150, 1.0, 1e150, 1.7e308]
EDGES = {
    "loc": [0.0, -1e-150, 1.0, -1.7e308, 1.7e308],
    "low": [0.0, -1e-150, 0.5, -1.7e308],
    "high": [1.0, 3e-150, 1.7e308],
    "probs": [0.0, 5e-324, 1e-150, 0.5, 1 - 2**-53, 1.0],
    "stop_probs": [5e-324, 1e-150, 0.5, 1.0],
    "total_count": [0.0, 1.0, 7.0],
}
OWN_EDGES = {
    ("kl_beta", "concentration1"): [1e-150, 1.0, 1e20, 1e150],
    ("kl_beta", "concentration0"): [1e-150, 1.0, 1e20, 1e150],
    ("kl_continuous_bernoulli", "probs"): [5e-324, 1e-150, 0.5, 1 - 2**-53],
    ("kl_geometric", "probs"): EDGES["stop_probs"],
    ("kl_negative_binomial", "total_count"): ABOVE_0,
    ("kl_poisson", "rate"): [0.0, *ABOVE_0],
    ("kl_von_mises", "concentration"): [0.0, *ABOVE_0],
}


def edges(name, parameter):
    parameter = parameter.removesuffix("_p").removesuffix("_q")
    return OWN_EDGES.get((name, parameter), EDGES.get(parameter, ABOVE_0))


@every_form
def test_at_the_edges_of_floats_there_is_neither_nan_nor_a_warning(name):
    """Numbers and arrays go different ways."""
    form, names = form_and_names(name)
    grid = list(itertools.product(*(edges(name, x) for x in names)))
    if name == "kl_uniform":
        grid = [place for place in grid if place[0] < place[1] and place[2] < place[3]]
    values = form(*np.transpose(grid))
    assert (values >= 0).all()
    for place, value in zip(grid[::3], values[::3], strict=True):
        one = form(*place)
        assert one == value or abs(one - value) <= 1e-11 * value, place
