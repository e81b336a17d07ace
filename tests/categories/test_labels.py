"""One rule for labels: the same in another order are aligned, others are refused, rows keep theirs.

What is right is computed here label by label, in plain Python.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict

import numpy as np
import pytest
from counting import function_calls

import kl_lib as kl
from kl_lib import labels
from kl_lib.labels import Table

pd = pytest.importorskip("pandas")

P = {"a": 0.2, "b": 0.3, "c": 0.5}
Q = {"c": 0.6, "a": 0.3, "b": 0.1}
OTHER = {"a": 0.2, "b": 0.3, "d": 0.5}


def series(row):
    return pd.Series(row)


def frame(row):
    return pd.DataFrame([row])


def polars(row):
    return pytest.importorskip("polars").DataFrame({name: [x] for name, x in row.items()})


def arrow_table(row):
    return pytest.importorskip("pyarrow").table({name: [x] for name, x in row.items()})


def arrow_batch(row):
    columns = {name: [x] for name, x in row.items()}
    return pytest.importorskip("pyarrow").RecordBatch.from_pydict(columns)


def xarray(row):
    xr = pytest.importorskip("xarray")
    return xr.DataArray(list(row.values()), dims="animal", coords={"animal": list(row)})


def columns(row):
    return {name: [x] for name, x in row.items()}


def from_file(row):
    return Table(np.array([list(row.values())]), (None, list(row)))


def categorical(row):
    return pd.Series(list(row.values()), index=pd.CategoricalIndex(list(row)))


def two_levels(row):
    index = pd.MultiIndex.from_tuples([(name, 1) for name in row])
    return pd.Series(list(row.values()), index=index)


CARRIERS = [
    *(series, frame, polars, arrow_table, arrow_batch, xarray, dict, columns, Counter),
    *(OrderedDict, from_file, categorical, two_levels),
]

#: What has the same labels, so that one may meet the other. Two levels are tuples, not names.
ALIKE = [carrier for carrier in CARRIERS if carrier is not two_levels]


def kl_by_name(p, q):
    return math.fsum(p[name] * math.log(p[name] / q[name]) for name in p if p[name])


def js_by_name(p, q):
    mean = {name: (p[name] + q[name]) / 2 for name in p}
    return (kl_by_name(p, mean) + kl_by_name(q, mean)) / 2


def softmax_by_name(row):
    total = math.fsum(math.exp(x) for x in row.values())
    return {name: math.exp(x) / total for name, x in row.items()}


MEASURES = {
    kl.kl_divergence: kl_by_name,
    kl.cross_entropy: lambda p, q: math.fsum(-p[name] * math.log(q[name]) for name in p),
    kl.js_divergence: js_by_name,
    kl.total_variation: lambda p, q: math.fsum(abs(p[name] - q[name]) for name in p) / 2,
    kl.kl_from_logits: lambda p, q: kl_by_name(softmax_by_name(p), softmax_by_name(q)),
}
of_two = pytest.mark.parametrize("measure", MEASURES)


def refused(function, *args, **kwargs):
    with pytest.raises(kl.DistributionError) as caught:
        function(*args, **kwargs)
    assert caught.value.kind == "labels"
    return caught.value


# The same labels in another order


@of_two
@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_same_labels_in_another_order_are_aligned(measure, carrier):
    expected = MEASURES[measure](P, Q)
    found = measure(carrier(P), carrier(Q))
    assert np.ravel(np.asarray(found)) == pytest.approx([expected], rel=1e-13)
    # The order of the first counts for nothing but the order of the result.
    found = measure(carrier(Q), carrier(P))
    assert np.ravel(np.asarray(found)) == pytest.approx([MEASURES[measure](Q, P)], rel=1e-13)


@pytest.mark.parametrize("first", ALIKE)
@pytest.mark.parametrize("second", ALIKE)
def test_one_carrier_meets_another(first, second):
    found = kl.kl_divergence(first(P), second(Q))
    assert np.ravel(np.asarray(found)) == pytest.approx([kl_by_name(P, Q)], rel=1e-13)


@of_two
@pytest.mark.parametrize("carrier", [pd.Series, frame, xarray])
def test_columns_may_hold_the_distributions(measure, carrier):
    p, q = carrier(P), carrier(Q)
    if p.ndim == 1:
        p, q = (x.to_frame() if carrier is pd.Series else x.expand_dims("day") for x in (p, q))
    if p.shape[0] == 1:
        p, q = p.T, q.T
    found = measure(p, q, axis=0)
    assert np.asarray(found) == pytest.approx([MEASURES[measure](P, Q)], rel=1e-13)


@pytest.mark.parametrize("carrier", CARRIERS)
def test_terms_are_those_of_the_labels_in_the_order_of_p(carrier):
    found = kl.kl_terms(carrier(P), carrier(Q))
    values = list(found.values()) if isinstance(found, dict) else np.ravel(np.asarray(found))
    assert values == pytest.approx([P[x] * math.log(P[x] / Q[x]) for x in P], rel=1e-13)


@pytest.mark.parametrize("carrier", [frame, polars, arrow_table, arrow_batch, columns, from_file])
def test_all_pairs_meet_label_by_label(carrier):
    assert np.asarray(kl.kl_matrix(carrier(P), carrier(Q))) == pytest.approx(kl_by_name(P, Q))


def test_the_report_of_the_silent_number():
    """kl_matrix of (a, b) against (b, a) took them by position: 0.832 for equal distributions."""
    p, q = (
        pd.DataFrame([[0.2, 0.8]], columns=["a", "b"]),
        pd.DataFrame([[0.8, 0.2]], columns=["b", "a"]),
    )
    assert float(kl.kl_matrix(p, q).iloc[0, 0]) == 0


@pytest.mark.parametrize("carrier", CARRIERS)
def test_counts_are_aligned_before_they_are_divided(carrier):
    p, q = {name: 10 * x for name, x in P.items()}, {name: 20 * x for name, x in Q.items()}
    found = kl.kl_divergence(carrier(p), carrier(q), normalize=True)
    assert np.ravel(np.asarray(found)) == pytest.approx([kl_by_name(P, Q)], rel=1e-13)


@pytest.mark.parametrize(
    "index",
    [
        pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"]),
        pd.period_range("2024", periods=3, freq="Y"),
        pd.interval_range(0, 3),
        pd.Index([3, 1, 2]),
        pd.Index([1.5, 2.5, math.nan]),
        pd.CategoricalIndex(["x", "y", "z"], categories=["z", "y", "x"]),
        pd.MultiIndex.from_product([["x"], [1, 2, 3]]),
        pd.Index([("a", 1), "b", 3.5], tupleize_cols=False),
    ],
)
def test_any_labels_will_do(index):
    p, q = pd.Series([0.2, 0.3, 0.5], index), pd.Series([0.3, 0.1, 0.6], index)
    expected = kl_by_name(P, Q)
    assert kl.kl_divergence(p, q.iloc[[2, 0, 1]]) == pytest.approx(expected, rel=1e-13)
    assert kl.kl_divergence(p, q) == pytest.approx(expected, rel=1e-13)


def test_nan_is_a_label_like_another():
    """As of value_counts(dropna=False); one nan is not equal to another."""
    nans = float("nan"), float("nan")
    p, q = {"a": 0.2, "b": 0.3, nans[0]: 0.5}, {nans[1]: 0.6, "a": 0.3, "b": 0.1}
    expected = kl_by_name(P, Q)
    for first in (dict, pd.Series):
        for second in (dict, pd.Series):
            assert kl.kl_divergence(first(p), second(q)) == pytest.approx(expected, rel=1e-13)
            a, b = kl.align(first({"a": 0.5, nans[0]: 0.5}), second(q))
            found = kl.kl_divergence(a, b)
            assert found == pytest.approx(0.5 * math.log(0.25 / 0.18), rel=1e-13)
    counts = pd.Series([1.0, math.nan, 1.0]).value_counts(dropna=False)
    assert kl.kl_divergence(counts, counts[::-1], normalize=True) == 0


def test_numbers_that_count_from_0_are_labels_too_in_another_order():
    p, q = pd.Series([0.2, 0.3, 0.5]), pd.Series([0.6, 0.3, 0.1], index=[2, 0, 1])
    assert kl.kl_divergence(p, q) == pytest.approx(kl_by_name(P, Q), rel=1e-13)


# Labels that are not the same


@of_two
@pytest.mark.parametrize("carrier", CARRIERS)
def test_other_labels_are_refused(measure, carrier):
    error = refused(measure, carrier(P), carrier(OTHER))
    assert "is in q alone" in str(error).replace("logits_q", "q")
    assert "kl_lib.align(" in str(error)
    assert error.value in ("d", ("d", 1))
    assert error.argument in ("p and q", "logits_p and logits_q")


@pytest.mark.parametrize("measure", [kl.kl_terms, kl.kl_matrix])
def test_terms_and_matrices_refuse_other_labels_too(measure):
    assert "'d' is in q alone" in str(refused(measure, frame(P), frame(OTHER)))


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_label_that_only_one_has_is_named(carrier):
    fewer = {"a": 0.5, "b": 0.5}
    assert "'c'" in str(refused(kl.kl_divergence, carrier(P), carrier(fewer)))
    assert "is in p alone" in str(refused(kl.kl_divergence, carrier(P), carrier(fewer)))
    assert "alone" in str(refused(kl.kl_divergence, carrier(fewer), carrier(P)))


def test_numbers_are_not_the_text_they_are_written_with():
    numbers, text = pd.Series([0.5, 0.5], [1, 2]), pd.Series([0.5, 0.5], ["1", "2"])
    assert "'1' is in q alone" in str(refused(kl.kl_divergence, numbers, text))


def test_names_do_not_fit_numbers_that_pandas_has_given():
    error = refused(kl.kl_divergence, pd.Series([0.5, 0.5]), pd.Series({"a": 0.5, "b": 0.5}))
    assert "drop the labels with np.asarray(p) if position is what counts" in str(error)


def test_a_label_that_stands_twice_is_refused_unless_the_order_is_the_same():
    p, q = pd.Series([0.5, 0.2, 0.3], ["a", "a", "b"]), pd.Series([0.5, 0.2, 0.3], ["a", "b", "a"])
    error = refused(kl.kl_divergence, p, q)
    assert "'a' stands more than once, and the order is not the same" in str(error)
    assert kl.kl_divergence(p, p) == 0
    assert kl.kl_divergence(p, p.to_numpy()) == 0


def test_without_labels_position_counts():
    assert kl.kl_divergence(series(P), list(P.values())) == 0
    assert kl.kl_divergence(list(P.values()), P) == 0
    assert kl.kl_divergence(pd.Series([0.5, 0.5]), pd.Series([0.5, 0.5])) == 0
    polars = pytest.importorskip("polars")
    assert kl.kl_divergence(polars.Series(list(P.values())), series(P)) == 0  # it has no index


# Rows


DAYS = pd.DataFrame([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]], ["mon", "tue", "wed"], ["rain", "sun"])


def test_rows_in_another_order_meet_their_like():
    q = DAYS.loc[["wed", "mon", "tue"], ["sun", "rain"]]
    found = kl.kl_divergence(DAYS, q)
    assert found.tolist() == [0, 0, 0]
    assert found.index.tolist() == ["mon", "tue", "wed"]
    assert kl.kl_divergence(DAYS.T, q.T, axis=0).tolist() == [0, 0, 0]


def test_rows_that_are_not_the_same_are_refused():
    error = refused(kl.kl_divergence, DAYS, DAYS.iloc[:2])
    assert str(error).startswith("the rows of p and q are labelled differently: 'wed' is in p")
    assert "rows = p.index.intersection(q.index)" in str(error)
    error = refused(kl.kl_divergence, DAYS.T, DAYS.iloc[1:].T, axis=0)
    assert "p.loc[:, rows] and q.loc[:, rows] with rows = p.columns.inter" in str(error)
    error = refused(kl.kl_divergence, DAYS, DAYS.set_axis(["mo", "tu", "we"]))
    assert "np.asarray(p)" in str(error)


def test_one_distribution_meets_every_row_whatever_it_is_called():
    one = {"sun": 0.5, "rain": 0.5}
    expected = [kl_by_name(row, one) for row in DAYS.to_dict("records")]
    for q in (one, pd.Series(one), pd.DataFrame([one]), pd.DataFrame([one], ["some day"])):
        found = kl.kl_divergence(DAYS, q)
        assert found.tolist() == pytest.approx(expected, rel=1e-13)
        assert found.index.tolist() == ["mon", "tue", "wed"]
        found = kl.kl_divergence(q, DAYS)
        expected_back = [kl_by_name(one, row) for row in DAYS.to_dict("records")]
        assert found.tolist() == pytest.approx(expected_back, rel=1e-13)
        assert found.index.tolist() == ["mon", "tue", "wed"]


@pytest.mark.parametrize(
    "measure",
    [kl.kl_divergence, kl.cross_entropy, kl.js_divergence, kl.total_variation, kl.kl_from_logits],
)
def test_a_result_keeps_the_labels_of_its_rows(measure):
    result = measure(DAYS, DAYS)
    assert isinstance(result, pd.Series)
    assert result.index.equals(DAYS.index)
    assert isinstance(measure(DAYS.iloc[0], DAYS.iloc[1]), float)
    assert isinstance(measure(DAYS.to_numpy(), DAYS.to_numpy()), np.ndarray)
    assert measure(DAYS, DAYS.to_numpy()).index.equals(DAYS.index)
    assert measure(DAYS.to_numpy(), DAYS).index.equals(DAYS.index)


def test_entropy_terms_softmax_and_the_matrix_keep_labels_too():
    assert kl.entropy(DAYS).index.equals(DAYS.index)
    assert kl.entropy(DAYS.T, axis=0).index.equals(DAYS.index)
    for table in (kl.kl_terms(DAYS, DAYS.iloc[::-1, ::-1]), kl.softmax(DAYS)):
        assert table.index.equals(DAYS.index)
        assert table.columns.equals(DAYS.columns)
    matrix = kl.kl_matrix(DAYS, DAYS.iloc[1:, ::-1])
    assert matrix.index.equals(DAYS.index)
    assert matrix.columns.tolist() == ["tue", "wed"]
    rows = DAYS.to_dict("index")
    for day in matrix.index:
        for other in matrix.columns:
            expected = kl_by_name(rows[day], rows[other])
            assert matrix.loc[day, other] == pytest.approx(expected, rel=1e-12, abs=1e-16)
    assert kl.kl_terms(P, Q).keys() == P.keys()
    softmax = kl.softmax({"a": 0, "b": math.log(3)})
    assert softmax == {"a": pytest.approx(0.25), "b": pytest.approx(0.75)}


# xarray: axes have names, and go by them


@pytest.fixture
def days():
    xr = pytest.importorskip("xarray")
    coords = {"day": list(DAYS.index), "sky": list(DAYS.columns)}
    return xr.DataArray(DAYS.to_numpy(), dims=("day", "sky"), coords=coords)


def test_axes_of_xarray_go_by_name(days):
    turned = days[::-1, ::-1].transpose("sky", "day")
    result = kl.kl_divergence(days, turned)
    assert result.to_series().to_dict() == {"mon": 0, "tue": 0, "wed": 0}
    assert result.dims == ("day",)
    result = kl.kl_divergence(days.T, turned.T, axis=0)
    assert result.to_series().to_dict() == {"mon": 0, "tue": 0, "wed": 0}
    terms = kl.kl_terms(days, turned)
    assert terms.dims == ("day", "sky")
    assert terms.coords["sky"].values.tolist() == ["rain", "sun"]


@of_two
def test_one_distribution_of_xarray_meets_a_batch_with_its_axes_in_any_order(measure, days):
    one = days.sel(day="tue", drop=True)[::-1]
    row = dict(zip(one["sky"].values.tolist(), one.values.tolist(), strict=True))
    for batch in (days, days.T):
        found = measure(one, batch)
        assert found.dims == ("day",)
        for day, values in DAYS.iterrows():
            expected = MEASURES[measure](row, values.to_dict())
            assert float(found.sel(day=day)) == pytest.approx(expected, rel=1e-12, abs=1e-16)
    found = measure(days.T, one, axis=0)
    for day, values in DAYS.iterrows():
        expected = MEASURES[measure](values.to_dict(), row)
        assert float(found.sel(day=day)) == pytest.approx(expected, rel=1e-12, abs=1e-16)


def test_all_pairs_of_xarray_have_both_names(days):
    q = days[1:].rename(day="month").T
    matrix = kl.kl_matrix(days, q)
    assert matrix.dims == ("day", "month")
    assert matrix.coords["month"].values.tolist() == ["tue", "wed"]
    rows = DAYS.to_dict("index")
    assert float(matrix.sel(day="mon", month="wed")) == pytest.approx(
        kl_by_name(rows["mon"], rows["wed"]), rel=1e-13
    )
    matrix = kl.kl_matrix(days, days[1:])  # one name for two axes would be none
    assert matrix.dims == ("day_p", "day_q")
    assert matrix.coords["day_q"].values.tolist() == ["tue", "wed"]
    error = refused(kl.kl_matrix, days, days.rename(sky="weather"))
    assert "the axes of p are (day, sky), those of q (day, weather); rename them" in str(error)


def test_a_batch_of_labelled_tables_is_aligned_along_each_axis():
    xr = pytest.importorskip("xarray")
    rng = np.random.default_rng(0)
    p, q = (rng.dirichlet(np.ones(6), 2).reshape(2, 2, 3) for _ in "pq")
    names = {"day": ["mon", "tue"], "row": ["a", "b"], "column": ["x", "y", "z"]}
    first, second = (xr.DataArray(x, coords=names, dims=list(names)) for x in (p, q))
    expected = kl.kl_conditional(p, q)
    for axis in names:
        turned = second.isel({axis: slice(None, None, -1)})
        found = kl.kl_conditional(first, turned)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert found.dims == ("day",)
        assert list(found.day.values) == names["day"]
        other = second.assign_coords({axis: ["?", *names[axis][1:]]})
        with pytest.raises(kl.DistributionError, match="labelled differently"):
            kl.kl_conditional(first, other)


def test_axes_with_other_names_are_refused(days):
    error = refused(kl.kl_divergence, days, days.rename(sky="weather"))
    assert "the axes of p are (day, sky), those of q (day, weather); rename them" in str(error)
    assert (error.kind, error.argument) == ("labels", "p and q")
    assert kl.kl_divergence(days, days.rename(sky="weather").values).values.tolist() == [0, 0, 0]


def test_axes_without_coordinates_pair_by_position(days):
    bare = days.drop_vars(["sky", "day"])
    assert kl.kl_divergence(days, bare).dims == ("day",)
    assert kl.kl_divergence(bare, bare).values.tolist() == [0, 0, 0]


def test_a_stack_of_axes_keeps_its_labels(days):
    stacked = days.expand_dims(week=[1, 2]).stack(time=("week", "day")).transpose("time", "sky")
    found = kl.kl_divergence(stacked, stacked[::-1])
    assert found.values.tolist() == [0] * 6
    assert found.indexes["time"].equals(stacked.indexes["time"])


# Large


def test_no_row_is_taken_by_itself():
    """A table of many rows costs as many calls as one of few, whatever the order of its labels."""

    def calls(count, reorder):
        rng = np.random.default_rng(0)
        p, q = rng.random((2, count, 4))
        names, rows = list("abcd"), rng.permutation(count)
        a, b = pd.DataFrame(p, rows, names), reorder(pd.DataFrame(q, rows, names))
        return function_calls(lambda: kl.kl_divergence(a, b, normalize=True))

    for reorder in (
        lambda table: table,
        lambda table: table.iloc[:, ::-1],
        lambda table: table.iloc[::-1],
    ):
        few, many = calls(1000, reorder), calls(20_000, reorder)
        assert many < few + 1000  # some more chunks, and calls for each of them


# align


def test_align_gives_both_what_either_has():
    p, q = {"a": 5, "b": 5}, {"c": 4, "b": 2, "a": 2}
    a, b = kl.align(p, q)
    assert list(a) == list(b) == ["a", "b", "c"]
    assert a == {"a": 5, "b": 5, "c": 0}
    assert b == {"a": 2, "b": 2, "c": 4}
    # The example: a reindex to the labels of p alone gave 0.
    assert kl.kl_divergence(a, b, normalize=True) == pytest.approx(math.log(2), rel=1e-15)
    assert kl.kl_divergence(b, a, normalize=True) == math.inf
    assert (p, q) == ({"a": 5, "b": 5}, {"c": 4, "b": 2, "a": 2})


@pytest.mark.parametrize("carrier", CARRIERS)
def test_align_takes_every_carrier(carrier):
    a, b = kl.align(carrier({"a": 5, "b": 5}), carrier({"c": 4, "b": 2, "a": 2}))
    found = np.ravel(np.asarray(kl.kl_divergence(a, b, normalize=True)))
    assert found == pytest.approx([math.log(2)], rel=1e-15)
    values = a.values() if isinstance(a, dict) else np.asarray(a)
    assert np.ravel(list(values)).tolist() == [5, 5, 0]


def test_align_gives_what_it_was_given():
    a, b = kl.align(pd.Series({"a": 1}), pd.DataFrame([{"b": 2}], index=["x"]))
    assert isinstance(a, pd.Series)
    assert b.loc["x"].to_dict() == {"a": 0, "b": 2}
    xr = pytest.importorskip("xarray")
    a, b = kl.align(xarray(P), xarray(OTHER))
    assert isinstance(a, xr.DataArray)
    assert b.to_series().to_dict() == {"a": 0.2, "b": 0.3, "c": 0, "d": 0.5}


@pytest.mark.parametrize("carrier", [dict, series, frame, xarray, polars])
def test_what_is_missing_among_logits_is_masked(carrier):
    a, b = carrier({"a": 1, "b": 2}), carrier({"c": -1.0, "a": 2.0, "b": 1.0})
    error = refused(kl.kl_from_logits, a, b)
    assert "kl_lib.align(logits_p, logits_q, fill_value=-np.inf)" in str(error)
    a, b = kl.align(a, b, fill_value=-np.inf)
    expected = kl_by_name(
        softmax_by_name({"a": 1, "b": 2}), softmax_by_name({"c": -1, "a": 2, "b": 1})
    )
    found = np.ravel(np.asarray(kl.kl_from_logits(a, b)))
    assert found == pytest.approx([expected], rel=1e-13)


def test_align_along_the_first_axis():
    p, q = frame({"a": 0.5, "b": 0.5}).T, frame({"c": 0.25, "a": 0.25, "b": 0.5}).T
    error = refused(kl.kl_divergence, p, q, axis=0)
    assert "kl_lib.align(p, q, axis=-2)" in str(error)
    for axis in (0, -2):
        a, b = kl.align(p, q, axis=axis)
        found = kl.kl_divergence(a, b, axis=0)
        assert found.tolist() == pytest.approx([0.5 * math.log(2)], rel=1e-14)
    pytest.importorskip("xarray")
    a, b = kl.align(xarray(P).expand_dims("x", 1), xarray(OTHER).expand_dims("x", 1), axis=0)
    assert a.shape == b.shape == (4, 1)


def test_columns_of_several_rows_get_a_column_of_zeros():
    p, q = {"a": [1, 3], "b": [1, 1]}, {"b": [1, 1], "c": [0, 2], "a": [1, 1]}
    a, b = kl.align(p, q)
    assert np.array(list(a.values())).T.tolist() == [[1, 1, 0], [3, 1, 0]]
    expected = [0, kl_by_name({"a": 0.75, "b": 0.25}, {"a": 0.25, "b": 0.25})]
    assert kl.kl_divergence(a, b, normalize=True) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("p", "q", "axis", "told"),
    [
        ([1, 2], P, -1, "p, of type list, has no labels to align; pass a dict,"),
        (P, np.ones(3), -1, "q, of type ndarray, has no labels to align; pass a dict,"),
        (P, pd.Series([1, 2], ["a", "a"]), -1, "'a' stands more than once among the labels of q;"),
        (P, Q, 0, "p has no labels on axis 0"),
        (pd.Series(P), pd.Series(Q), 1, "p has no labels on axis 1; pass the axis that holds"),
        (pd.Series(P), pd.Series(Q), -2, "p has no labels on axis -2; pass the axis that holds"),
    ],
)
def test_what_has_no_labels_or_one_twice_is_not_aligned(p, q, axis, told):
    if told.endswith("axis 0"):
        assert [list(x) for x in kl.align(p, q, axis=axis)] == [["a", "b", "c"]] * 2
    else:
        assert told in str(refused(kl.align, p, q, axis=axis))


# What other rooms use


def test_roles_count_axes_from_the_end():
    assert labels.pair_roles(-1)("p", 3) == [-3, -2, labels.CATEGORY]
    assert labels.pair_roles(-2)("p", 2) == [labels.CATEGORY, -1]
    roles = labels.batch_roles(mean=("d",), cov=("d", "d"))
    assert (roles("mean", 2), roles("cov", 3), roles("other", 1)) == (
        [-1, "d"],
        [-1, "d", "d"],
        [-1],
    )
    assert roles("cov", 1) == ["d"]
