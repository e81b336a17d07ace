"""What can be read as an array of numbers, and what is refused, with a remedy that works."""

from __future__ import annotations

import array as standard_array
from decimal import Decimal
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import kl_lib as kl
from kl_lib import arrays

HALF = Fraction(1, 2)
ROW, ROWS = [0.5, 0.25, 0.25], [[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]


def told(value, name="p"):
    with pytest.raises(kl.DistributionError) as caught:
        arrays.read(value, name)
    assert (caught.value.kind, caught.value.argument[: len(name)]) == ("unreadable", name)
    return str(caught.value)


def values(value):
    return arrays.read(value, "p")[0].tolist()


# Plain Python and NumPy


@pytest.mark.parametrize(
    "value",
    [
        ROW,
        tuple(ROW),
        np.array(ROW),
        np.array(ROW, np.float32),
        np.array(ROW, np.float16),
        np.array(ROW, np.longdouble),
        np.array(ROW, ">f4"),
        np.array(ROW, ml_dtypes.bfloat16),
        np.array(ROW[::-1])[::-1],
        [np.float32(x) for x in ROW],
        [np.array(x) for x in ROW],
        standard_array.array("d", ROW),
        memoryview(np.array(ROW)),
        dict(zip("abc", ROW, strict=True)),
    ],
)
def test_a_row_of_numbers_is_read(value):
    assert values(value) == ROW


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        [np.array(row) for row in ROWS],
        [tuple(row) for row in ROWS],
        [[np.array(x) for x in row] for row in ROWS],
        np.matrix(ROWS),
        dict(zip("abc", zip(*ROWS, strict=True), strict=True)),
        {name: np.array(x) for name, x in zip("abc", zip(*ROWS, strict=True), strict=True)},
        {name: {"x": a, "y": b} for name, a, b in zip("abc", *ROWS, strict=True)},
    ],
)
def test_a_table_of_numbers_is_read(value):
    assert values(value) == ROWS


@pytest.mark.parametrize(
    ("value", "dtype", "name"),
    [
        ([1, 0], "int64", "int64"),
        ([True, False], "bool", "bool"),
        (range(3), "int64", "int64"),
        (np.uint8([1, 2]), "uint8", "uint8"),
        (np.float16([1, 0]), "float16", "float16"),
        (np.array([1, 0], ml_dtypes.bfloat16), "bfloat16", "bfloat16"),
        (0.5, "float64", "float64"),
        (np.float32(0.5), "float32", "float32"),
        ([], "float64", "float64"),
        ({}, "float64", "float64"),
    ],
)
def test_an_array_keeps_its_dtype(value, dtype, name):
    found, called = arrays.read(value, "p")
    assert (str(found.dtype), called) == (dtype, name)


def test_what_is_an_array_already_is_not_copied():
    array = np.array(ROW)
    assert arrays.read(array, "p")[0] is array


def test_empty_input_has_its_shape():
    assert arrays.read([[], []], "p")[0].shape == (2, 0)
    assert arrays.read(np.zeros((0, 3)), "p")[0].shape == (0, 3)
    assert arrays.read({"a": [], "b": []}, "p")[0].shape == (0, 2)


class Closed:
    def __array__(self, dtype=None, copy=None):
        raise ValueError("\n the file\n is closed " + 200 * "!")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "p is None; pass a list of numbers"),
        ({0.5}, "p is {0.5}; pass a list of numbers"),
        (len, "p is <built-in function len>; pass a list of numbers"),
        (HALF, "p is Fraction(1, 2); pass float(p)"),
        ({"a": Decimal("0.5")}, "p['a'] is Decimal('0.5'); pass float(p['a'])"),
        ("ab", "p is the text 'ab'; pass a sequence of numbers"),
        (b"ab", "p is the text b'ab'; pass a sequence of numbers"),
        ({"a": "x"}, "p['a'] is the text 'x'; pass a sequence of numbers"),
        (["a", "b"], "p holds text (first item: 'a'); pass numbers, 0 for a category that cannot"),
        ([b"a"], "p holds text (first item: b'a'); pass numbers, 0 for"),
        (
            ["0.5", "1"],
            "p holds text (first item: '0.5'); pass numbers: np.asarray(p, dtype=float)",
        ),
        (["0.5", "nan"], "(first item: '0.5'); a category that cannot happen has probability 0"),
        (np.array([], "U1"), "p holds text (first item: '');"),
        (
            [0.5, None],
            "dtype object (p[1] is None); a category that cannot happen has probability 0",
        ),
        ([HALF, HALF], "(p[0] is Fraction(1, 2)); pass numbers: np.asarray(p, dtype=float)"),
        ([[0.5, Decimal("0.5")]], "(p[0, 1] is Decimal('0.5')); pass numbers: np.asarray(p"),
        (np.array([0.5], object), "p has dtype object; pass numbers: np.asarray(p, dtype=float)"),
        (np.array([0.5, "a"], object), "object (p[1] is 'a'); pass numbers, 0 for a category"),
        ([10**400, 1], "there is no float: pass [x / sum(p) for x in p] if these are counts"),
        ([0.5 + 0j], "p is complex (complex128); pass np.real(p) if"),
        (np.array(["2026"], "M8[Y]"), "p has dtype datetime64[Y]; pass numbers, as floats or int"),
        (np.array([1], "m8[s]"), "p has dtype timedelta64[s]; pass numbers"),
        (np.zeros(2, "V8"), "p has dtype void64; pass numbers"),
        (
            np.ones(2, ml_dtypes.float8_e4m3fn),
            "p has dtype float8_e4m3fn; pass p.astype(np.float32)",
        ),
        (np.ones(2, ml_dtypes.int4), "p has dtype int4; pass p.astype(np.float32)"),
        (np.ma.array(ROW), "p is a masked array; decide what a masked entry means: p.filled(0)"),
        ([np.ma.array(ROW)] * 2, "p holds masked arrays; pass np.ma.stack(p).filled(0) if masked"),
        ([[0.5, 0.5], [1.0]], "p is ragged: row 0 has 2 entries, row 1 has 1; give every row one"),
        ([np.ones(2), np.ones(1)], "p is ragged: row 0 has 2 entries, row 1 has 1; give every"),
        ([np.ones(2), 1.0], "p is ragged: row 0 has 2 entries, row 1 has 1;"),
        ([[[1, 2], [1]], [[1, 2], [1]]], "p is ragged; give every row one entry"),
        ({"a": [0.5], "b": [0.5, 0.5]}, "p has columns of shapes (1,) and (2,); give all of them"),
        ({"a": 0.5, "b": [0.5]}, "p has columns of shapes () and (1,); give all of them the same"),
        ({"a": {"x": 1}, "b": {"y": 1}}, "rows are labelled differently; pass pd.DataFrame(p)"),
        (Closed(), "p is a Closed that cannot be read as an array (the file); pass a list or a"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(value, said):
    assert said in told(value)
    assert said.replace("p", "z", 1)[:3] in told(value, "z") or "z" in told(value, "z")


def test_a_column_of_lists_is_a_table():
    rows = np.empty(2, object)
    rows[:] = [np.array(row) for row in ROWS]
    assert "pass its rows as a table, np.stack(p)" in told(rows)
    rows[1] = np.ones(2)
    assert "ragged: row 0 has 3 entries, row 1 has 2: give every row" in told(rows)
    pd = pytest.importorskip("pandas")
    column = pd.Series(ROWS, index=["x", "y"])
    assert "np.stack(p)" in told(column)
    assert np.stack(column).tolist() == ROWS


def test_a_structured_array_keeps_its_names_as_told():
    p = np.array([(0.2, 0.8)], [("a", float), ("b", float)])
    q = np.array([(0.8, 0.2)], [("b", float), ("a", float)])
    code = "{field: p[field] for field in p.dtype.names}"
    assert code in told(p)
    as_columns = [eval(code, {"p": x}) for x in (p, q)]
    assert kl.kl_divergence(*as_columns).tolist() == [0]


def test_a_mask_in_two_dimensions_is_not_dropped():
    assert "compressed" in told(np.ma.array(ROW))
    assert "compressed" not in told(np.ma.array(ROWS))


def test_a_message_of_another_library_is_cut():
    class Loud:
        def __array__(self, dtype=None, copy=None):
            raise TypeError(500 * "x")

    assert len(told(Loud())) < 240
    assert told(Loud()).count("x") == 120 + 0


def test_a_name_is_the_place_in_a_list_or_dict():
    assert told([np.ones(2), np.array([1j, 1])], "q").startswith("q is complex")
    assert told({"a": [1j]}, "q").startswith("q['a'] is complex")
    assert arrays.entry("p", ()) == "p"
    assert arrays.entry("p", (1, 2)) == "p[1, 2]"


# Tables


def test_pandas_is_read_with_its_missing_values_as_nan():
    pd = pytest.importorskip("pandas")
    assert values(pd.Series(ROW, dtype="Float64")) == ROW
    assert values(pd.Series(ROW, dtype=object)) == ROW
    assert values(pd.Series(ROW, dtype=pd.SparseDtype(float))) == ROW
    assert values(pd.Series([Decimal("0.5"), Decimal("0.5")])) == [0.5, 0.5]
    assert values(pd.Index(ROW)) == ROW
    assert values(pd.DataFrame(ROWS).astype({0: "Float32", 1: object})) == ROWS
    for dtype in ("Int64", "Float64", object):
        found = arrays.read(pd.Series([1, None], dtype=dtype), "p")[0]
        assert found[0] == 1
        assert np.isnan(found[1])
    frame = pd.DataFrame({"name": ["x"], "a": [0.5], "b": [0.5]})
    assert "(p[0, 0] is 'x'); pass p.select_dtypes('number') if the rest is no" in told(frame)
    assert kl.entropy(frame.select_dtypes("number"), base=2).tolist() == [1]
    assert "p has dtype datetime64" in told(pd.Series(pd.to_datetime(["2026-01-01"])))
    columns = {"a": pd.Series({"x": 1, "y": 2}), "b": pd.Series({"y": 2, "x": 1})}
    assert "pass pd.DataFrame(p)" in told(columns)
    assert pd.DataFrame(columns).loc["y"].tolist() == [2, 2]
    assert values({"a": columns["a"], "b": columns["a"]}) == [[1, 1], [2, 2]]


def test_polars_is_read_with_its_missing_values_as_nan():
    pl = pytest.importorskip("polars")
    assert values(pl.Series(ROW)) == ROW
    assert values(pl.DataFrame(ROWS, orient="row")) == ROWS
    assert values(pl.DataFrame({"a": [1], "b": [0.5]})) == [[1, 0.5]]
    found = arrays.read(pl.DataFrame({"a": [1, None], "b": [0.5, 1.0]}), "p")[0]
    assert np.isnan(found[1, 0])
    assert "(p[0, 0] is 'x')" in told(pl.DataFrame({"a": ["x"], "b": [0.5]}))
    lazy = pl.DataFrame({"a": [0.5], "b": [0.5]}).lazy()
    assert told(lazy) == "p is lazy; pass p.collect()"
    assert values(lazy.collect()) == [[0.5, 0.5]]
    with pytest.raises(kl.DistributionError, match=r"p\[0, 0\] is nan"):
        kl.entropy(pl.DataFrame({"a": [None], "b": [1.0]}))


def test_pyarrow_is_read_with_its_missing_values_as_nan():
    pa = pytest.importorskip("pyarrow")
    assert values(pa.array(ROW)) == ROW
    assert values(pa.chunked_array([ROW[:1], ROW[1:]])) == ROW
    columns = dict(zip("abc", map(list, zip(*ROWS, strict=True)), strict=True))
    assert values(pa.table(columns)) == ROWS
    assert values(pa.RecordBatch.from_pydict(columns)) == ROWS
    found = arrays.read(pa.table({"a": [1, None], "b": [0.5, 1.0]}), "p")[0]
    assert np.isnan(found[1, 0])
    assert told(pa.table({"a": ["x"]})).startswith("p['a'] has dtype object (p['a'][0] is 'x')")


def test_xarray_is_read_one_array_at_a_time():
    xr = pytest.importorskip("xarray")
    assert values(xr.DataArray(ROWS)) == ROWS
    columns = zip("abc", zip(*ROWS, strict=True), strict=True)
    p = xr.Dataset({name: ("row", list(x)) for name, x in columns})
    code = "p.to_dataarray().transpose(..., 'variable')"
    assert f"p is a Dataset; pass {code} if its variables are the categories" in told(p)
    assert values(eval(code, {"p": p})) == ROWS


def test_sparse_matrices_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    for kind in (sparse.csr_matrix, sparse.coo_array):
        assert told(kind(ROWS)) == "p is sparse; pass p.toarray()"
        assert values(kind(ROWS).toarray()) == ROWS


# Tensors


def test_tensorflow_is_read():
    tf = pytest.importorskip("tensorflow")
    for value in (tf.constant(ROW), tf.Variable(ROW), [tf.constant(x) for x in ROW]):
        assert values(value) == ROW
    assert values([tf.constant(row) for row in ROWS]) == ROWS
    assert arrays.read(tf.cast(ROW, tf.bfloat16), "p")[1] == "bfloat16"
    assert told(tf.sparse.from_dense(ROWS)) == "p is sparse; pass tf.sparse.to_dense(p)"
    assert values(tf.sparse.to_dense(tf.sparse.from_dense(ROWS))) == ROWS
    ragged = tf.ragged.constant([[0.5, 0.5], [1.0]])
    assert told(ragged) == "p is ragged; pass p.to_tensor(), which fills up with 0"
    assert values(ragged.to_tensor()) == [[0.5, 0.5], [1, 0]]
    said = []

    @tf.function
    def symbolic(x):
        said.append(told(x))
        return x

    symbolic(tf.constant(ROW))
    assert "SymbolicTensor that cannot be read as an array (Cannot convert a symbolic" in said[0]
    assert len(said[0]) < 240


def test_keras_is_read():
    keras = pytest.importorskip("keras")
    assert values(keras.Variable(ROW)) == ROW
    assert "p is a KerasTensor that cannot be read as an array" in told(keras.Input((2,)))


def test_mxnet_is_read():
    adapter = pytest.importorskip("kl_lib.frameworks.mxnet")
    if not adapter.available():
        pytest.skip("mxnet is not installed")
    mx = adapter.load()
    assert values(mx.nd.array(ROW)) == ROW
    assert values(mx.np.array(ROW)) == ROW
    assert arrays.read(mx.nd.array(ROW, dtype="float16"), "p")[1] == "float16"
    assert values([mx.nd.array(row) for row in ROWS]) == ROWS
    assert kl.kl_divergence(mx.nd.array(ROW), mx.nd.array(ROW)) == 0
    assert "p has no values to read here (" in told(mx.sym.Variable("x"))


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def test_torch_is_read_with_or_without_a_gradient(torch):
    for options in ({}, {"requires_grad": True}):
        assert values(torch.tensor(ROW, **options)) == ROW
        assert values([torch.tensor(x, **options) for x in ROW]) == ROW
        assert values([torch.tensor(row, **options) for row in ROWS]) == ROWS
        assert values([[torch.tensor(x, **options) for x in row] for row in ROWS]) == ROWS
        assert values({"a": torch.tensor([0.5], **options), "b": [0.5]}) == [[0.5, 0.5]]
        found, name = arrays.read(torch.tensor(ROW, dtype=torch.bfloat16, **options), "p")
        assert (found.tolist(), found.dtype, name) == (ROW, np.float32, "bfloat16")
    assert values(torch.nn.Parameter(torch.tensor(ROW))) == ROW
    assert values(torch.tensor([True, False])) == [True, False]
    assert arrays.read(torch.tensor(ROW).half(), "p")[1] == "float16"
    assert values(torch.tensor(ROW).to(torch.float8_e4m3fn)) == ROW
    assert values(torch._neg_view(torch.tensor([-0.5, -0.5]))) == [0.5, 0.5]


def test_what_of_torch_has_no_values_is_refused(torch):
    p = torch.tensor(ROW)
    empty = torch.empty(2, device="meta")
    assert told(empty) == (
        "p is on the meta device and has no values; pass a tensor that has been filled"
    )
    assert told([empty, empty]).startswith("p[0] is on the meta device")
    quantised = torch.quantize_per_tensor(p, 0.25, 0, torch.quint8)
    assert told(quantised) == "p is quantised; pass p.dequantize()"
    assert values(quantised.dequantize()) == ROW
    for sparse in (torch.tensor(ROWS).to_sparse(), torch.tensor(ROWS).to_sparse_csr()):
        assert told(sparse) == "p is sparse; pass p.to_dense()"
        assert values(sparse.to_dense()) == ROWS
    assert told(torch.tensor([0.5 + 0j])).startswith("p is complex (complex64)")
    ragged = [torch.tensor([0.5, 0.5]), torch.tensor([1.0])]
    assert told(ragged).startswith("p is ragged: row 0 has 2 entries, row 1 has 1")
    said = []

    def inside(x):
        said.append(told(x))
        return x

    torch.func.vmap(inside)(torch.tensor(ROWS))
    torch.func.grad(lambda x: inside(x).sum())(p)
    assert len(said) == 2
    assert all("p has no values to read here (" in message for message in said)
