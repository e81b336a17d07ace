"""What is refused, and that the message names the argument, the place, the value and the remedy."""

import fractions
import io
import math
import re

import ml_dtypes
import numpy as np
import pandas as pd
import pytest

import kl_lib as kl
from kl_lib import checks
from kl_lib.checks import SUM_TOLERANCE

OK = [0.5, 0.5]
NAN, INF = math.nan, math.inf

REFUSED = {
    "negative": ([-0.1, 1.1], ["p[0] is -0.1", "negative", "logits"]),
    "nan": ([0.5, NAN], ["p[1] is nan", "missing value"]),
    "inf": ([0.5, INF], ["p[1] is inf", "at most 1"]),
    "counts": ([2, 5], ["p sums to 7", "expected 1", "normalize=True"]),
    "short of one": ([0.3, 0.3], ["p sums to 0.6", "normalize=True"]),
    "empty": ([], ["p has no categories"]),
    "scalar": (0.5, ["single number 0.5", "Bernoulli"]),
    "logarithms": (np.log(OK), ["looks like logarithms", "p[0] is -0.693147", "np.exp(p)"]),
    "masked logarithms": ([-INF, 0], ["looks like logarithms", "pass np.exp(p)"]),
    "logits below 0": ([-3, -1], ["looks like logarithms", "so pass kl_lib.softmax(p)"]),
    "rounding below 0 in float32": (
        np.float32([-3e-8, 1]),
        ["p[0] is -3e-08", "if it is rounding, pass np.maximum"],
    ),
    "text": ("ab", ["p is the text 'ab'"]),
    "list of text": (["a", "b"], ["p holds text (first item: 'a')", "pass numbers"]),
    "dates": (np.array(["2020-01-01", "2020-01-02"], "M8[D]"), ["datetime64", "pass numbers"]),
    "ragged": ([[0.5, 0.5], [1.0]], ["p is ragged", "row 0 has 2 entries, row 1 has 1"]),
    "objects": (np.array([0.5, None]), ["dtype object", "p[1] is None", "probability 0"]),
    "None": (None, ["p is None; pass a list of numbers"]),
    "named fields": (np.zeros(2, [("a", float)]), ["p is a structured array", "p.dtype.names"]),
    "durations": (np.array([1, 2], "m8[D]"), ["p has dtype timedelta64[D]; pass numbers"]),
    "complex": ([0.5, 0.5 + 0j], ["p is complex", "np.real(p)"]),
    "masked array": (np.ma.array(OK, mask=[0, 1]), ["masked array", "p.filled(0)"]),
    "set": ({0.5}, ["p is {0.5}; pass a list of numbers"]),
}


def message(function, *args, **kwargs):
    with pytest.raises(kl.DistributionError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_with_its_name_place_value_and_remedy(case):
    value, parts = REFUSED[case]
    q = [] if case == "empty" else OK
    for function in (kl.kl_divergence, kl.cross_entropy, kl.js_divergence, kl.total_variation):
        said = message(function, value, q)
        for part in parts:
            assert part in said
    assert all(part in message(kl.entropy, value) for part in parts)


@pytest.mark.parametrize("case", ["negative", "nan", "counts", "complex", "masked array"])
def test_the_second_argument_is_called_q(case):
    value, parts = REFUSED[case]
    said = message(kl.kl_divergence, OK, value)
    assert parts[0].replace("p ", "q ").replace("p[", "q[") in said


def test_the_row_is_named():
    rows = np.full((20, 4), 0.25)
    rows[17] = 0.15
    assert message(kl.kl_divergence, rows, rows.copy()).startswith("row 17 of p sums to 0.6,")
    assert message(kl.kl_divergence, [0.25] * 4, rows).startswith("row 17 of q sums to 0.6,")
    cube = np.full((2, 3, 4), 0.25)
    cube[1, 2, 0] = NAN
    assert message(kl.entropy, cube).startswith("p[1, 2, 0] is nan")
    cube[1, 2, 0] = 0.5
    assert message(kl.entropy, cube).startswith("p[1, 2, :] sums to 1.25")


def test_columns_that_sum_to_one_suggest_the_axis():
    columns = np.array([[0.5, 0.1], [0.5, 0.9]])
    assert "; axis 0 does sum to 1: pass axis=0, or" in message(kl.entropy, columns)
    assert kl.entropy(columns, axis=0).shape == (2,)
    assert "; axis 1 does sum to 1: pass axis=1, or" in message(kl.entropy, columns.T, axis=0)
    cube = np.full((2, 3, 4), 1 / 3)
    assert "; axis 1 does sum to 1: pass axis=1, or" in message(kl.entropy, cube)
    # Of a single row, or where no axis sums to 1, no other axis is meant.
    for other in (np.ones((1, 3)), np.full((2, 3, 4), 0.3)):
        assert "axis 0 does" not in message(kl.entropy, other)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (kl.entropy, "pass axis=0"),
        (lambda x: kl.kl_divergence(x, x), "pass axis=0"),
        (lambda x: kl.kl_matrix(x, x), "pass np.moveaxis(p, 0, -1)"),  # which has no axis
    ],
)
def test_the_advice_on_an_axis_is_one_that_the_function_takes(function, told):
    assert f"axis 0 does sum to 1: {told}, or" in message(function, [[0.5, 0.1], [0.5, 0.9]])


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([2, 5, 2, 1], "pass normalize=True if these are counts"),
        ([[0.1, 0.2], [0.3, 0.4]], "the whole table sums to 1: if it is one distribution, pass np"),
        (np.full((3, 2, 2), 0.25), "each table sums to 1: if it is one distribution, pass np.resh"),
        ([0.3, 1.2], "pass normalize=True if these are weights, or densities on bins of equal"),
        ([0.33, 0.33, 0.33, 0.005], "pass normalize=True if this is rounding"),
        ([0.3, 0.6], "look for a category that is missing, or pass normalize=True if these are we"),
        ([0.6, 0.6], "pass normalize=True if these are weights"),
        (
            [0.9, 0.8, 0.7],
            "if these are weights, or pass np.stack([np.subtract(1, p), p], axis=-1)",
        ),
    ],
)
def test_the_values_say_what_a_sum_may_come_from(values, told):
    assert told in message(kl.entropy, values)


def test_what_is_told_of_sums_ends_where_the_values_do():
    assert "look for" not in message(kl.entropy, [0.995, 0.0])
    assert "rounding" in message(kl.entropy, [0.995, 0.0])
    assert "look for" in message(kl.entropy, [0.985, 0.0])
    assert "yes" not in message(kl.entropy, [0.99, 0.49])
    assert "chance of a yes" in message(kl.entropy, [0.99, 0.52])
    assert "chance of a yes" not in message(kl.entropy, [[0.99], [0.52]], axis=0)
    assert "densities" not in message(kl.entropy, [1.0, 0.4])
    assert "whole table" not in message(kl.mutual_information, np.full((2, 2, 2), 0.125))
    assert "1: pass axis" not in message(kl.mutual_information, [[0.5, 0.5], [0.5, 0.5]])


@pytest.mark.parametrize("axis", [0, 1])
def test_one_category_is_the_chance_of_a_yes_or_a_mistake(axis):
    column = np.moveaxis([[0.3], [0.8]], -1, axis)
    said = message(kl.entropy, column, axis=axis)
    assert "p has a single category, whose probability is 1 whatever comes in: if it is" in said
    assert said.endswith(f"pass np.concatenate([np.subtract(1, p), p], axis={axis - 2})")
    for values in ([[-1.9], [-0.4]], [[2.5], [1.0]], [[1.5], [-1.0]]):
        said = message(kl.entropy, np.moveaxis(values, -1, axis), axis=axis)
        assert said.endswith("whatever comes in: pass the values of all categories")


def test_logarithms_are_told_from_numbers_that_are_merely_negative():
    for logs in ([0, -INF], [0, -0.5], [-2, -3]):
        assert "looks like logarithms" in message(kl.entropy, logs)
    for other in ([-0.1, 0.9], [1, -0.1]):
        assert "which is negative" in message(kl.entropy, other)
    assert message(kl.entropy, [0.5, -INF]).startswith("p[1] is -inf")
    # Where counts or masses are announced, these are no logarithms.
    assert "which is negative" in message(kl.entropy, [-1, -2], normalize=True)
    assert "which is negative" in message(kl.kl_divergence, [-1, -2], [1, 2], generalized=True)


@pytest.mark.parametrize(
    ("p_shape", "q_shape"),
    [((5, 1), (5,)), ((3, 4), (3, 5)), ((4,), (3,)), ((3, 1, 4), (5, 4)), ((2, 4), (3, 4)),
     ((3, 1, 4), (3, 4)), ((5, 4), (2, 3, 4))],
)  # fmt: skip
def test_shapes_that_would_broadcast_by_accident_are_refused(p_shape, q_shape):
    p, q = (np.full(shape, 1 / shape[-1]) for shape in (p_shape, q_shape))
    for function in (kl.kl_divergence, kl.kl_terms, kl.kl_from_logits):
        said = message(function, p, q)
        assert str(p_shape) in said
        assert str(q_shape) in said
        assert str(q_shape) in message(function, q, p)


def test_one_category_is_called_one():
    assert message(kl.kl_divergence, [1], OK).startswith("p has 1 category and q has 2 on axis -1")
    assert message(kl.kl_divergence, OK, [1]).startswith("p has 2 categories and q has 1 on")


@pytest.mark.parametrize(
    ("p_shape", "q_shape", "result"),
    [((4,), (3, 4), (3,)), ((3, 4), (4,), (3,)), ((3, 1, 4), (1, 5, 4), (3, 5)),
     ((3, 4), (2, 3, 4), (2, 3)), ((1, 4), (3, 4), (3,)), ((0, 4), (0, 4), (0,))],
)  # fmt: skip
def test_shapes_that_pair_up_are_taken(p_shape, q_shape, result):
    p, q = (np.full(shape, 0.25) for shape in (p_shape, q_shape))
    assert np.shape(kl.kl_divergence(p, q)) == result


def test_a_matrix_of_pairs_is_of_two_tables():
    told = "has shape (2, 2, 2); pass shape (distributions, categories)"
    assert message(kl.kl_matrix, [OK, OK], np.full((2, 2, 2), 0.5)) == f"q {told}"
    assert message(kl.kl_matrix, OK, [OK]).endswith(", for a single one np.array([p])")


def test_the_axis_is_checked():
    assert "axis=2 is outside p, which has 1 axis" in message(kl.entropy, OK, axis=2)
    assert "axis=-3 is outside p, which has 2 axes" in message(kl.entropy, [OK], axis=-3)
    assert "axis=5 is outside q, which has 2 axes" in message(kl.kl_divergence, OK, [OK], axis=5)
    assert "axis is 1.5" in message(kl.entropy, OK, axis=1.5)
    assert "axis is None" in message(kl.kl_divergence, OK, OK, axis=None)
    assert "no axis 0" in message(kl.kl_divergence, np.full(4, 0.25), np.full((4, 3), 0.25), axis=0)


@pytest.mark.parametrize("base", [0, 1, -2, NAN, INF, "2", True, [2], "e"])
def test_a_base_without_a_logarithm_is_refused(base):
    for call in (
        lambda: kl.entropy(OK, base=base),
        lambda: kl.kl_divergence(OK, OK, base=base),
        lambda: kl.kl_normal(0, 1, 0, 1, base=base),
        lambda: kl.mutual_information([[0.5, 0.5]], base=base),
    ):
        assert f"base is {base!r}" in message(call)


def test_normalize_and_generalized_contradict():
    said = message(kl.kl_divergence, OK, OK, normalize=True, generalized=True)
    assert "normalize" in said
    assert "generalized" in said


def test_normalize_still_refuses_what_is_not_counts():
    assert "negative" in message(kl.kl_divergence, [3, -1], [1, 1], normalize=True)
    assert "row 1 of q sums to 0" in message(
        kl.kl_divergence, [1, 1], [[1, 1], [0, 0]], normalize=True
    )
    assert "negative" in message(kl.kl_divergence, [3, -1], [1, 1], generalized=True)
    assert "is nan" in message(kl.kl_divergence, [3, NAN], [1, 1], generalized=True)


# What counts as one, by dtype


def test_float64_tolerance_is_1e_6():
    assert SUM_TOLERANCE["float64"] == 1e-6
    kl.entropy([0.5, 0.5 + 0.9e-6])
    message(kl.entropy, [0.5, 0.5 + 1.1e-6])


def test_a_float32_softmax_over_a_million_categories_passes_and_0_999_does_not():
    logits = np.random.default_rng(0).standard_normal(1_000_000).astype(np.float32)
    exps = np.exp(logits)
    # The worst way to sum: one by one, in float32.
    softmax = exps / np.cumsum(exps, dtype=np.float32)[-1]
    assert softmax.dtype == np.float32
    assert abs(softmax.sum(dtype=np.float64) - 1) > 1e-6
    assert kl.entropy(softmax) > 0
    assert "sums to 0.999" in message(kl.entropy, np.float32([0.5, 0.499]))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("categories", [2, 3, 10, 1000])
def test_half_precision_softmaxes_pass_and_gross_errors_do_not(dtype, categories):
    logits = np.random.default_rng(1).standard_normal(categories)
    softmax = (np.exp(logits) / np.exp(logits).sum()).astype(dtype)
    assert kl.entropy(softmax).dtype == np.float32
    message(kl.entropy, np.asarray([0.5, 0.4], dtype))


# What is accepted


def test_lists_tuples_frames_and_arrays_of_every_type_give_the_same_number():
    p, q = (0.25, 0.75), (0.5, 0.5)
    expected = kl.kl_divergence(np.array(p), np.array(q))
    same = [
        (list(p), list(q)),
        (pd.Series(p), pd.Series(q)),
        (pd.Series(p, dtype="Float64"), pd.Series(q, dtype="Float64")),
        (pd.Series(p), np.array(q)),
        (np.array(p, np.float32), np.array(q, np.float32)),
        (np.array(p, np.float16), np.array(q, ml_dtypes.bfloat16)),
        (np.array(p, np.longdouble), np.array(q, np.longdouble)),
        (np.array(p, ">f8"), np.array(q, ">f4")),
    ]
    for a, b in same:
        assert kl.kl_divergence(a, b) == pytest.approx(expected, rel=1e-6)
    frame_p, frame_q = (
        pd.DataFrame([p, p], columns=["a", "b"]),
        pd.DataFrame([q, p], columns=["a", "b"]),
    )
    assert kl.kl_divergence(frame_p, frame_q).tolist() == [expected, 0]


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.uint8, np.uint64])
def test_integer_one_hot_rows_are_distributions(dtype):
    assert kl.cross_entropy(np.array([0, 1], dtype), [0.5, 0.5], base=2) == 1
    assert kl.kl_divergence(np.array([3, 1]).astype(np.uint8), [2, 2], normalize=True) > 0


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([[0.3, 0.3, 0.4], 1.0], ": row 0 has 3 entries, row 1 has 1;"),
        ([[1.0], [1.0], [0.5, 0.5]], ": row 0 has 1 entry, row 2 has 2;"),
        ([[[0.5, 0.5], [1.0]], [[0.5, 0.5], [1.0]]], "; give every row"),
    ],
)
def test_the_first_row_that_is_not_as_long_as_row_0_is_named(rows, told):
    assert message(kl.entropy, rows).startswith(f"p is ragged{told}")


def test_numbers_kept_as_objects_are_told_to_be_converted():
    told = "p has dtype object; pass numbers: np.asarray(p, dtype=float)"
    assert message(kl.entropy, np.array(OK, dtype=object)) == told
    half = fractions.Fraction(1, 2)
    assert "object (p[0, 1] is Fraction(1, 2));" in message(kl.entropy, [[0.5, half]])


def test_missing_values_in_pandas_are_named():
    assert "p[1] is nan" in message(kl.entropy, pd.Series([1.0, None]))
    assert "p[1] is nan" in message(kl.entropy, pd.Series([1, None], dtype="Int64"))
    assert "dtype object" in message(kl.entropy, pd.Series(["a", 0.5]))


def test_object_columns_of_pandas_are_read_as_numbers():
    numbers = pd.Series([0.25, 0.75], dtype=object)
    assert kl.kl_divergence(numbers, numbers) == 0
    assert "p[1] is nan" in message(kl.entropy, pd.Series([1.0, pd.NA], dtype=object))
    mixed = pd.DataFrame({"a": pd.array([1, 1], "Int64"), "b": pd.array([0, 0], object)})
    assert kl.entropy(mixed).tolist() == [0, 0]


class Tensor:
    """What `as_array` asks of a PyTorch tensor."""

    def __init__(self, values, dtype):
        self.values, self.dtype = values, dtype

    def detach(self):
        return Tensor(self.values, self.dtype)

    def cpu(self):
        return self

    def float(self):
        return Tensor(self.values.astype(np.float32), "torch.float32")

    def numpy(self):
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.values


def test_arrays_of_frameworks_are_known_by_what_they_can_do():
    array, dtype = checks.as_array(Tensor(np.float32(OK), "torch.float32"), "p")
    assert (array.tolist(), array.dtype, dtype) == (OK, np.float32, "float32")
    array, dtype = checks.as_array(Tensor(np.array([1 / 3, 2 / 3]), "torch.float64"), "p")
    assert (array.tolist(), dtype) == ([1 / 3, 2 / 3], "float64")
    array, dtype = checks.as_array(Tensor(np.float32(OK), "torch.bfloat16"), "p")
    assert (array.tolist(), dtype) == (OK, "bfloat16")

    class NDArray:  # MXNet's
        def asnumpy(self):
            return np.float16(OK)

    array, dtype = checks.as_array(NDArray(), "p")
    assert (array.tolist(), dtype) == (OK, "float16")

    class Arrow:  # pyarrow's arrays refuse what they would have to copy
        def to_numpy(self):
            raise ValueError("needs a copy")

        def __array__(self, dtype=None, copy=None):
            return np.array(OK)

    assert checks.as_array(Arrow(), "p")[0].tolist() == OK
    assert kl.kl_divergence(Arrow(), Arrow()) == 0
    # A file can be detached too, and is no tensor.
    assert "pass a list of numbers" in message(kl.entropy, io.StringIO("0.5 0.5"))


def test_what_is_checked_is_returned_in_float64_with_its_sums():
    counts = np.array([[2, 6], [1, 3]], np.float32).T
    values, sums, dtype = checks.distribution(counts, "p", axis=0, normalize=True)
    assert (values.tolist(), sums.tolist(), dtype) == ([[2, 6], [1, 3]], [8, 4], "float32")
    values, sums, dtype = checks.distribution(counts, "p", axis=0, generalized=True)
    assert (values.tolist(), sums.tolist(), dtype) == ([[2, 6], [1, 3]], [8, 4], "float32")
    assert values.dtype == np.float64
    # Counts whose sum is no float are scaled, the others are not.
    huge = [[1e308, 1.5e308, 1e-300], [3, 2, 1]]
    values, sums, _ = checks.distribution(huge, "p", normalize=True)
    assert (values / huge).tolist() == [[0.25] * 3, [1] * 3]
    assert sums.tolist() == [6.25e307, 6]
    values, sums, dtype = checks.distribution([[0.5, 0.5 + 1e-9]], "p")
    assert (sums.tolist(), dtype) == ([1 + 1e-9], "float64")
    values, dtype = checks.logits(np.array([[0, 1], [2, -np.inf]], np.float16).T, "z", axis=0)
    assert (values.tolist(), values.dtype, dtype) == ([[0, 1], [2, -INF]], np.float64, "float16")


def test_the_name_in_a_message_is_the_one_given():
    for check in (checks.distribution, checks.logits):
        assert message(check, "ab", "z", axis=-1).startswith("z is the text 'ab'")
        assert message(check, ["a"], "z", axis=-1).startswith("z holds text")
        assert "(first item: '')" in message(check, np.array([], "U1"), "z", axis=-1)
        assert "(first item: b'a')" in message(check, [b"a"], "z", axis=-1)
        assert message(check, [1.0], "z", axis=3).startswith("axis=3 is outside z,")
        assert message(check, np.ones((2, 0)), "z", axis=-1).startswith(
            "z has no categories: its axis -1 is empty"
        )


def test_measures_pair_labels_and_axes_as_kl_divergence_does():
    a, b = pd.Series(OK, index=["cat", "dog"]), pd.Series(OK, index=["dog", "cow"])
    cube, table = np.full((2, 4, 3), 0.25), np.full((4, 3), 0.25)
    for measure in (kl.cross_entropy, kl.js_divergence, kl.kl_terms, kl.total_variation):
        assert message(measure, a, b) == message(kl.kl_divergence, a, b)
        assert np.shape(measure(cube, table, axis=-2))[:2] == (
            2,
            4 if measure is kl.kl_terms else 3,
        )
        said = "q has no axis 0 to hold the categories"
        assert message(measure, np.full((4, 3), 0.25), np.full(3, 0.25), axis=0).startswith(said)


def test_tensors_are_accepted():
    tf = pytest.importorskip("tensorflow")
    expected = kl.kl_divergence(np.float32(OK), np.float32([0.25, 0.75]))
    assert kl.kl_divergence(tf.constant(OK), tf.constant([0.25, 0.75])) == expected
    half = tf.constant(OK, tf.bfloat16)
    assert kl.kl_divergence(half, tf.cast([0.25, 0.75], tf.bfloat16)).dtype == np.float32
    assert kl.kl_divergence(tf.Variable(OK), tf.Variable([0.25, 0.75])) == expected
    refused = []

    @tf.function
    def symbolic(p):
        refused.append(message(kl.entropy, p))
        return p

    symbolic(tf.constant(OK))
    assert re.search(r"^p is a \w+ that cannot be read as an array", refused[0])


def test_torch_tensors_are_accepted():
    torch = pytest.importorskip("torch")
    p = torch.tensor(OK, requires_grad=True)
    assert kl.kl_divergence(p, torch.tensor(OK)) == 0
    assert kl.entropy(torch.tensor([0.1] * 10, dtype=torch.bfloat16)) > 2.29


def test_bfloat16_of_torch_keeps_its_tolerance_and_other_dtypes_their_digits():
    assert kl.entropy(Tensor(np.float32([0.5, 0.51]), "torch.bfloat16")).dtype == np.float32
    assert "within 0.0005" in message(kl.entropy, Tensor(np.float32([0.5, 0.51]), "torch.float32"))
    assert kl.entropy(Tensor(np.array(OK), "torch.float64")).dtype == np.float64


# Logits


@pytest.mark.parametrize(
    ("logits", "parts"),
    [
        ([0, INF], ["logits_p[1] is inf", "-inf for a category"]),
        ([0, NAN], ["logits_p[1] is nan"]),
        ([-INF, -INF], ["logits_p is -inf everywhere"]),
        ([], ["logits_p has no categories"]),
        (["a", "b"], ["logits_p holds text"]),
    ],
)
def test_logits_are_checked(logits, parts):
    said = message(kl.kl_from_logits, logits, [0.0] * len(logits))
    assert all(part in said for part in parts)
    assert "row 1 of logits_q is -inf" in message(
        kl.kl_from_logits, np.zeros((2, 2)), [[0, 0], [-INF, -INF]]
    )


def test_a_joint_table_is_called_joint():
    assert "joint sums to 2" in message(kl.mutual_information, [[0.5, 0.5], [0.5, 0.5]])
    assert "joint has shape (2,)" in message(kl.mutual_information, OK)
