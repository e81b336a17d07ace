"""What holds samples, points, log densities and counts: tensors, tables; and what errors carry."""

import math
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import truth
from scipy import stats

from kl_lib import DistributionError, frameworks
from kl_lib.sampling import kl_from_counts, kl_knn, kl_monte_carlo

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 2)), RNG.normal(0.5, 2, size=(45, 2))
DRAWS = RNG.normal(size=200)
P, Q = stats.norm(0, 1), stats.norm(1, 1)
A, B = [3, 7, 5], [4, 6, 2]


def log_normal(mu):
    """From operations that tensors have, too."""
    return lambda x: -((x - mu) ** 2) / 2 - math.log(2 * math.pi) / 2


# Tensors


def mxnet():
    if not frameworks.mxnet.available():
        pytest.skip("mxnet is not installed")
    return frameworks.mxnet.load()


def torch():
    if find_spec("torch") is None:
        pytest.skip("torch is not installed")
    import torch

    return torch


def arrays_of_mxnet():
    mx = mxnet()
    return {"plain": lambda x: mx.nd.array(x, dtype="float64")}


def tensors_of_torch():
    t = torch()
    return {
        "plain": lambda x: t.tensor(np.asarray(x, dtype=np.float64)),
        "gradient": lambda x: t.tensor(np.asarray(x, dtype=np.float64), requires_grad=True),
        "parameter": lambda x: t.nn.Parameter(t.tensor(np.asarray(x, dtype=np.float64))),
    }


@pytest.mark.parametrize("library", [arrays_of_mxnet, tensors_of_torch])
def test_tensors_are_samples_points_densities_and_counts(library):
    for make in library().values():
        result = kl_monte_carlo(log_normal(0), log_normal(1), make(DRAWS))
        expected = kl_monte_carlo(P.logpdf, Q.logpdf, DRAWS).value
        assert result.value == pytest.approx(expected, rel=1e-12)
        p, q = make(P.logpdf(DRAWS)), make(Q.logpdf(DRAWS))
        there = kl_monte_carlo(lambda x, p=p: p, lambda x, q=q: q, DRAWS)
        assert there.value == pytest.approx(expected, rel=1e-12)
        assert kl_knn(make(X), make(Y)) == kl_knn(X, Y)
        assert kl_from_counts(make(A), make(B)) == kl_from_counts(A, B)


def test_tensors_of_half_precision_and_lists_of_tensors_are_read():
    t = torch()
    half = t.tensor([3.0, 7, 5], dtype=t.bfloat16, requires_grad=True)
    assert kl_from_counts(half, B) == kl_from_counts(A, B)
    listed = [t.tensor(x, requires_grad=True) for x in (3.0, 7.0, 5.0)]
    assert kl_from_counts(listed, B) == kl_from_counts(A, B)
    draws = [t.tensor(x, dtype=t.float64, requires_grad=True) for x in DRAWS]

    def of(mu):
        return lambda x: [log_normal(mu)(one) for one in x]

    expected = kl_monte_carlo(log_normal(0), log_normal(1), DRAWS)
    assert kl_monte_carlo(of(0), of(1), draws).value == pytest.approx(expected.value, rel=1e-12)


def test_a_torch_distribution_is_sampled_and_asked_as_it_is():
    t = torch()
    t.manual_seed(0)
    p, q = (
        t.distributions.Categorical(probs=t.tensor(x)) for x in ([0.5, 0.3, 0.2], [0.2, 0.3, 0.5])
    )
    result = kl_monte_carlo(p.log_prob, q.log_prob, p.sample((2000,)))
    assert abs(result.value - 0.3 * math.log(2.5)) < 4 * result.standard_error
    assert not result.warnings
    cut = t.randint(2, (2000,))
    assert "do not follow p" in kl_monte_carlo(p.log_prob, q.log_prob, cut).warnings[0]


# Names


def frame(points, names):
    return pd.DataFrame(points, columns=names)


def test_columns_of_points_are_paired_by_name():
    expected = kl_knn(X, Y)
    turned = Y[:, ::-1]
    assert kl_knn(frame(X, ["a", "b"]), frame(turned, ["b", "a"])) == expected
    assert kl_knn({"a": X[:, 0], "b": X[:, 1]}, frame(turned, ["b", "a"])) == expected
    # Names on one side only, or numbers as pandas gives them, pair by position.
    assert kl_knn(frame(X, ["a", "b"]), Y) == expected
    assert kl_knn(X, frame(Y, ["b", "a"])) == expected
    assert kl_knn(pd.DataFrame(X), pd.DataFrame(Y)) == expected
    # Points are not paired: their own labels do not matter.
    x = pd.DataFrame(X, columns=["a", "b"], index=np.arange(60)[::-1])
    assert kl_knn(x, frame(turned, ["b", "a"])) == expected
    assert kl_knn(pd.Series(X[:, 0], index=np.arange(60) + 5), Y[:, 0]) == kl_knn(X[:, 0], Y[:, 0])


def test_tables_of_other_libraries_have_names_too():
    polars, xarray = pytest.importorskip("polars"), pytest.importorskip("xarray")
    pyarrow = pytest.importorskip("pyarrow")
    expected = kl_knn(X, Y)
    x = {"a": X[:, 0], "b": X[:, 1]}
    y = {"b": Y[:, 1], "a": Y[:, 0]}
    assert kl_knn(polars.DataFrame(x), polars.DataFrame(y)) == expected
    assert kl_knn(pyarrow.table(x), pyarrow.table(y)) == expected
    points = xarray.DataArray(X, dims=["point", "axis"], coords={"axis": ["a", "b"]})
    others = xarray.DataArray(Y[:, ::-1], dims=["point", "axis"], coords={"axis": ["b", "a"]})
    assert kl_knn(points, others) == expected
    assert kl_knn(points, others.T) == expected
    a = xarray.DataArray(A, dims=["word"], coords={"word": ["x", "y", "z"]})
    b = xarray.DataArray(B[::-1], dims=["word"], coords={"word": ["z", "y", "x"]})
    assert kl_from_counts(a, b).value == kl_from_counts(A, B).value


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (["a", "b"], ["a", "c"]),
        (["a", "b"], [0, 1]),
    ],
)
def test_columns_of_other_names_are_refused(x, y):
    with pytest.raises(DistributionError, match="the names of the columns of x and y") as caught:
        kl_knn(frame(X, x), frame(Y, y))
    assert caught.value.kind == "labels"
    assert caught.value.argument == "x and y"
    assert caught.value.value in (*x, *y)


def test_one_column_of_another_name_is_refused_too():
    with pytest.raises(DistributionError, match="the names of the columns of x and y"):
        kl_knn(frame(X[:, :1], ["age"]), frame(Y[:, :1], ["height"]))


def test_log_densities_labelled_by_sample_are_paired_by_label():
    names = [f"s{i}" for i in range(200)]
    expected = kl_monte_carlo(P.logpdf, Q.logpdf, DRAWS)
    log_p, log_q = (pd.Series(d.logpdf(DRAWS), index=names) for d in (P, Q))
    for other in (log_q, log_q[::-1], log_q.sample(frac=1, random_state=0)):
        assert kl_monte_carlo(lambda x: log_p, lambda x, y=other: y, DRAWS) == expected
    assert kl_monte_carlo(lambda x: log_p, Q.logpdf, DRAWS) == expected
    other = log_q.rename({"s7": "t7"})
    with pytest.raises(DistributionError, match="'t7' is not among both; return one log") as caught:
        kl_monte_carlo(lambda x: log_p, lambda x: other, DRAWS)
    assert (caught.value.kind, caught.value.value) == ("labels", "t7")
    assert caught.value.argument == "log_p(samples) and log_q(samples)"


def test_counts_are_paired_by_name_wherever_they_come_from():
    exact = truth.kl(A, B)
    p, q = pd.Series(A, ["a", "b", "c"]), pd.Series(B[::-1], ["c", "b", "a"])
    for one, other in ((p, q), (p.to_dict(), q.to_dict()), (p, q.to_dict())):
        assert truth.relative_error(kl_from_counts(one, other).value, exact) < 1e-14
    # A fault is where it was given, not where alignment puts it.
    with pytest.raises(DistributionError, match=r"^counts_q\[2\] is -4") as caught:
        kl_from_counts(p, q * [1, 1, -1])
    assert caught.value.place == (2,)


# What an error says to a program


@pytest.mark.parametrize(
    ("call", "kind", "argument", "place", "value"),
    [
        (lambda: kl_monte_carlo(P.logpdf, Q.logpdf, DRAWS, estimator="k4"),
         "option", "estimator", None, "k4"),
        (lambda: kl_monte_carlo(P.logpdf, Q.logpdf, DRAWS, base=1), "base", "base", None, 1),
        (lambda: kl_monte_carlo(P.logpdf, Q.logpdf, 3.0), "samples", "samples", None, 3.0),
        (lambda: kl_monte_carlo(P.logpdf, Q.logpdf, [1.0]), "samples", "samples", None, 1),
        (lambda: kl_monte_carlo(P.logpdf, None, DRAWS), "samples", "log_q", None, None),
        (lambda: kl_monte_carlo(P.logpdf, lambda x: x[1:], DRAWS),
         "samples", "log_q", None, (199,)),
        (lambda: kl_monte_carlo(P.logpdf, lambda x: np.where(x == x[3], np.nan, x), DRAWS),
         "samples", "log_q", (3,), math.nan),
        (lambda: kl_monte_carlo(lambda x: np.where(x == x[5], -np.inf, 0), Q.logpdf, DRAWS),
         "samples", "log_p", (5,), -math.inf),
        (lambda: kl_monte_carlo(lambda x: ["a"] * 200, Q.logpdf, DRAWS),
         "unreadable", "log_p(samples)", None, None),
        (lambda: kl_monte_carlo(lambda x: np.ma.masked_array(x), Q.logpdf, DRAWS),
         "unreadable", "log_p(samples)", None, None),
        (lambda: kl_knn(X, Y, k=0), "option", "k", None, 0),
        (lambda: kl_knn(X, Y, subsamples=1), "option", "subsamples", None, 1),
        (lambda: kl_knn(X[None], Y), "shape", "x", None, (1, 60, 2)),
        (lambda: kl_knn(X, Y[:, 0]), "shape", "x and y", None, (2, 1)),
        (lambda: kl_knn(X, Y[:3]), "samples", "y", None, 3),
        (lambda: kl_knn(np.where(X[4, 1] == X, np.inf, X), Y), "samples", "x", (4, 1), math.inf),
        (lambda: kl_knn(X * [1, 0], Y), "samples", "x", None, None),
        (lambda: kl_knn(X, Y @ [[1, 1], [1, 1]]), "samples", "y", None, None),
        (lambda: kl_knn(np.repeat(X[:9], 6, axis=0), Y), "samples", "x", (0,), 0.0),
        (lambda: kl_from_counts([1, 0.5], [1, 2]), "samples", "counts_p", (1,), 0.5),
        (lambda: kl_from_counts([1, 2], [0, 0]), "samples", "counts_q", None, 0),
        (lambda: kl_from_counts([1, 2], [1]), "shape", "counts_p and counts_q", None, (2, 1)),
        (lambda: kl_from_counts([[1, 2]], [1, 2]), "shape", "counts_p", None, (1, 2)),
        (lambda: kl_from_counts([1, 2], [1, 2], smoothing=0), "option", "smoothing", None, 0),
        (lambda: kl_from_counts([1, "a"], [1, 2]), "unreadable", "counts_p", None, None),
    ],
)  # fmt: skip
def test_errors_carry_kind_argument_place_and_value(call, kind, argument, place, value):
    with pytest.raises(DistributionError) as caught:
        call()
    error = caught.value
    assert (error.kind, error.argument, error.place) == (kind, argument, place)
    assert error.value == value or (error.value != error.value and value != value)
    assert error.count == (None if place is None else error.count)
    assert error.places[:1] == (() if place is None else (place,))


def test_an_error_counts_the_places_and_lists_ten():
    points = X.copy()
    points[10:30, 1] = np.nan
    with pytest.raises(DistributionError) as caught:
        kl_knn(points, Y)
    assert caught.value.count == 20
    assert caught.value.places == tuple((i, 1) for i in range(10, 20))
