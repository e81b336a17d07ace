"""Pairs of every class of failure and of good input, for the calculator of the book.

Each is (name, p, q, options): p and q as Python has them, lists, dicts or tables with labels. What
the page is given is the same as text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from kl_lib.labels import Table

nan, inf = math.nan, math.inf
P, Q = [0.2, 0.5, 0.2, 0.1], [0.3, 0.4, 0.1, 0.2]
Pair = tuple[str, Any, Any, dict[str, Any]]


def draw(rows: int, categories: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(categories), rows)


def near(p: Any, size: float, seed: int = 0) -> np.ndarray:
    """A distribution that differs from p by about `size`, relatively."""
    q = np.asarray(p) * (1 + size * np.random.default_rng(seed).normal(size=np.shape(p)))
    return q / q.sum(-1, keepdims=True)


def with_row(array: Any, row: int, value: Any) -> np.ndarray:
    array = np.array(array, dtype=float)
    array[row] = value
    return array


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def good() -> Iterator[Pair]:
    yield "fine", P, Q, {}
    yield "fine, base 10", P, Q, {"base": 10}
    yield "fine, base a half", P, Q, {"base": 0.5}
    yield "equal", P, P, {}
    yield "uniform", [0.25] * 4, [0.25] * 4, {}
    yield "one-hot, the same", [0, 1, 0], [0, 1, 0], {}
    yield "one-hot reference", [0, 1, 0], [0.2, 0.7, 0.1], {}
    yield "one category", [1.0], [1.0], {}
    yield "zero in both", [0, 0.5, 0.3, 0.2], [0, 0.4, 0.4, 0.2], {}
    yield "zero in p", [0, 0.5, 0.5], [0.2, 0.4, 0.4], {}
    yield "minus zero in q", [0.5, 0.5], [-0.0, 1], {}
    yield "truth values", [True, False], [0.8, 0.2], {}
    yield "below Keras' clip", [0.5, 0.5], [1e-10, 1 - 1e-10], {}
    yield "below torch's epsilon", [0.5, 0.5], [1e-20, 1.0], {}
    yield "subnormal", [5e-324, 1.0], [0.5, 0.5], {}
    yield "subnormal in q", [0.5, 0.5], [5e-324, 1.0], {}
    yield "subnormal in both", [1e-320, 1.0], [1e-310, 1.0], {}
    yield "quotient overflows", [1e-5, 1 - 1e-5], [1e-320, 1.0], {}
    yield "almost certain", [1 - 1e-12, 1e-12], [1 - 3e-12, 3e-12], {}
    yield "almost one-hot", [1 - 1e-17, 1e-17], [1.0, 1e-20], {}
    yield "sums in the tolerance", [0.2, 0.5, 0.3 + 5e-7], [0.3, 0.4, 0.3 - 3e-7], {}
    yield "sums 1e-8 off", [0.2, 0.5, 0.3 + 1e-8], [0.3, 0.4, 0.3], {}
    for size in (1e-1, 1e-3, 1e-5, 1e-7, 1e-9):
        wide = draw(1, 50, 3)[0]
        yield f"near equal, {size:g}", wide, near(wide, size), {}
        yield f"near equal, {size:g}, few", P, near(P, size, 1), {}
    yield "as near as floats are", P, near(P, 1e-15, 1), {}
    yield "as near as floats are, in a batch", draw(3, 4, 1), near(draw(3, 4, 1), 1e-14, 1), {}
    for seed in range(8):
        categories = 2 + 3 * seed
        yield f"row {seed}", draw(1, categories, seed)[0], draw(1, categories, 90 + seed)[0], {}
        yield f"batch {seed}", draw(5, categories, seed), draw(5, categories, 50 + seed), {}
    for seed in range(4):
        sharp = softmax(12 * np.random.default_rng(seed).normal(size=(3, 6)))
        yield f"sharp {seed}", sharp, draw(3, 6, seed), {}
        yield f"sharp approximation {seed}", draw(3, 6, seed), sharp, {}
        rough = sharp.astype(np.float32).astype(float)
        yield f"from float32 {seed}", rough, draw(3, 6, seed).astype(np.float32).astype(float), {}
    yield "batch against one", draw(4, 3, 1), [0.2, 0.3, 0.5], {}
    yield "one against a batch", [0.2, 0.3, 0.5], draw(4, 3, 1), {}
    yield "batch of one", [P], [Q], {}
    yield "batch of one against many", [[0.2, 0.3, 0.5]], draw(4, 3, 1), {}
    yield "axis 0", draw(6, 4, 1).T, draw(6, 4, 2).T, {"axis": 0}
    yield "axis 1 of 2", draw(6, 4, 1), draw(6, 4, 2), {"axis": 1}
    yield "three axes", draw(6, 4, 1).reshape(2, 3, 4), draw(6, 4, 2).reshape(2, 3, 4), {}
    yield "three axes, the middle", (
        draw(6, 4, 1).reshape(2, 3, 4).swapaxes(1, 2)), (
        draw(6, 4, 2).reshape(2, 3, 4).swapaxes(1, 2)), {"axis": 1}  # fmt: skip
    yield "some rows equal", draw(4, 5, 1), with_row(draw(4, 5, 1), 2, [0.2] * 5), {}
    yield "no rows", np.empty((0, 3)), np.empty((0, 3)), {}
    yield "200 categories", draw(1, 200, 5)[0], draw(1, 200, 6)[0], {}
    yield "1000 categories", draw(1, 1000, 5)[0], draw(1, 1000, 6)[0], {}
    yield "40 rows", draw(40, 7, 5), draw(40, 7, 6), {}


def infinite() -> Iterator[Pair]:
    yield "infinite", P, [0, 0.7, 0.1, 0.2], {}
    yield "infinite both ways", [0.5, 0.5, 0], [0, 0.5, 0.5], {}
    yield "swapped", [0.7, 0.2, 0.1], [1, 0, 0], {}
    yield "disjoint", [1, 0], [0, 1], {}
    yield "one infinite row", draw(30, 5, 1), with_row(draw(30, 5, 2), 17, [0.5, 0, 0.5, 0, 0]), {}
    yield "several infinite rows", draw(6, 4, 1), np.eye(4)[[0, 1, 2, 3, 0, 1]], {}
    yield "infinite counts", [3, 7, 5], [4, 6, 0], {"normalize": True}
    yield "infinite rows of counts", [[3, 7], [5, 1]], [[4, 0], [0, 2]], {"normalize": True}
    yield "infinite weights", [0.3, 0.7, 0.5], [0.4, 0.6, 0], {"normalize": True}
    yield "infinite with labels", {"a": 0.5, "b": 0.5}, {"b": 1.0, "a": 0.0}, {}
    yield "many mismatches", np.full((3, 12), 1 / 12), np.eye(12)[[0, 5, 11]], {}


def counts() -> Iterator[Pair]:
    yield "counts", [2, 5, 2, 1], [3, 4, 1, 2], {}
    yield "counts, normalize", [2, 5, 2, 1], [3, 4, 1, 2], {"normalize": True}
    yield "large counts", [200, 500, 200, 100], [300, 400, 100, 200], {}
    yield "large counts, normalize", [200, 500, 200, 100], [300, 400, 100, 200], {
        "normalize": True, "base": 2}  # fmt: skip
    yield "counts with a zero in q", [3, 7, 5], [4, 6, 0], {}
    yield "counts with a zero in p", [3, 7, 0], [4, 6, 2], {}
    yield "counts as floats", [2.0, 5.0], [3.0, 4.0], {}
    yield "weights", [0.2, 0.5, 0.9], [0.3, 0.1, 0.1], {}
    yield "weights, normalize", [0.2, 0.5, 0.9], [0.3, 0.1, 0.1], {"normalize": True}
    yield "weights with a zero in q", [0.2, 0.5, 0.9], [0.3, 0.2, 0], {}
    yield "percentages", [20.0, 50.5, 29.5], [30.0, 40.0, 30.0], {}
    yield "whole percentages", [20, 50, 30], [30, 40, 30], {}
    yield "rows of counts", [[2, 5, 3], [1, 1, 9]], [[3, 4, 3], [2, 2, 6]], {}
    yield "rows of counts, normalize", [[2, 5, 3], [1, 1, 9]], [[3, 4, 3], [2, 2, 6]], {
        "normalize": True}  # fmt: skip
    yield "a row of zeros, normalize", [[2, 5], [0, 0]], [[3, 4], [1, 1]], {"normalize": True}
    yield "a row of zeros", [[0.2, 0.8], [0, 0]], [[0.3, 0.7], [0.5, 0.5]], {}
    yield "all zeros", [0, 0], [0.5, 0.5], {}
    yield "huge counts", [1e300, 2e300], [1e300, 1e300], {"normalize": True}
    yield "huge counts that overflow", [1e308, 1e308], [1e308, 5e307], {"normalize": True}
    yield "tiny weights", [1e-300, 2e-300], [1e-300, 1e-300], {"normalize": True}
    yield (
        "counts from tiny to huge",
        [1e-200, 2e200, 1e200],
        [1.0, 1e200, 3e200],
        {"normalize": True},
    )
    yield "negative count, normalize", [2, -1, 4], [1, 1, 1], {"normalize": True}
    yield "counts of one", [1, 1, 1, 1, 0, 0], [1, 2, 1, 1, 1, 1], {}


def negative() -> Iterator[Pair]:
    yield "negative", [-0.1, 1.1], [0.5, 0.5], {}
    yield "negative in q", [0.5, 0.5], [-0.1, 1.1], {}
    yield "negative in both", [-0.1, 1.1], [1.2, -0.2], {}
    yield "negative by rounding", [-1e-12, 0.5, 0.5], [0.3, 0.3, 0.4], {}
    yield "negative in one row", [[0.5, 0.5], [0.7, 0.3], [-0.5, 1.5]], [[0.5, 0.5]] * 3, {}
    yield "several negative", [[-1, 2], [0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [-3, 4], [1, 0]], {}
    yield "log-probabilities", np.log(P), np.log(Q), {}
    yield "log-probabilities of q", P, np.log(Q), {}
    yield "log-probabilities of p", np.log(P), Q, {}
    yield "log-probabilities, rounded", np.log(P).round(2), np.log(Q).round(2), {}
    yield "logarithms of weights", [-1.0, -2.0], [-0.5, -0.25], {}
    yield "log-probabilities with -inf", [-inf, 0.0], np.log([0.5, 0.5]), {}
    yield "log2-probabilities", np.log2(P), np.log2(Q), {}
    yield "batch of log-probabilities", np.log(draw(3, 4, 1)), np.log(draw(3, 4, 2)), {}
    yield "logits", [2.0, -1.0, 0.5], [1.0, 0.0, -2.0], {}
    yield "logits of q", P, [2.0, -1.0, 0.5, 1.0], {}
    yield "logits of p, in a batch", [[2.0, -1.0], [0.5, 3.0]], [[0.2, 0.8], [0.5, 0.5]], {}
    yield "masked logits", [2.0, -inf, 0.5], [0.2, 0.3, 0.5], {}
    yield "large logits", [800.0, -900.0], [1.0, 2.0], {}
    yield "positive logits", [2.5, 1.0, 0.5], [0.3, 2.0, 4.5], {}
    yield "logits on axis 0", [[2.0, -1.0], [0.5, 3.0]], [[0.2, 0.5], [0.8, 0.5]], {"axis": 0}
    yield "one-hot and log q", [0, 1, 0], np.log([0.2, 0.7, 0.1]), {}
    yield "one-hot and masked log q", [0, 1, 0], [-inf, 0.0, -inf], {}


def not_finite() -> Iterator[Pair]:
    yield "nan", [0.5, 0.5], [nan, 0.5], {}
    yield "nan in p", [0.2, nan, 0.8], [0.3, 0.3, 0.4], {}
    yield "nan in place of zero", [0.5, 0.5, nan], [0.3, 0.3, 0.4], {}
    yield "nan in both", [0.5, nan], [nan, 0.5], {}
    yield "only nan", [nan, nan], [0.5, 0.5], {}
    yield (
        "nan in a row",
        [[0.5, 0.5], [0.3, 0.7], [nan, 1]],
        [[0.5, 0.5], [0.4, 0.6], [0.2, 0.8]],
        {},
    )
    yield "nan and a bad sum", [[0.5, 0.5], [0.3, 0.7], [nan, 1]], [[0.5, 0.6], [0.4, 0.6], [0.2, 0.8]], {}  # fmt: skip  # noqa: E501
    yield "nan and negative", [nan, 1.0], [-0.5, 1.5], {}
    yield "inf", [inf, 1], [0.5, 0.5], {}
    yield "inf in q", [0.5, 0.5], [0.5, inf], {}
    yield "inf and nan", [inf, nan], [0.5, 0.5], {}
    yield "inf, normalize", [inf, 1], [0.5, 0.5], {"normalize": True}
    yield "inf in a row", [[inf, 1], [0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]], {}
    yield "nan with labels", {"a": 0.5, "b": nan}, {"a": 0.5, "b": 0.5}, {}
    yield "nan, labels in another order", {"a": 0.5, "b": nan}, {"b": 0.5, "a": 0.5}, {}
    yield "missing value", [0.5, None], [0.5, 0.5], {}
    yield "missing value in a row", [[0.5, 0.5], [None, 1]], [[0.5, 0.5], [0.4, 0.6]], {}


def sums() -> Iterator[Pair]:
    yield "sum a little off", [0.2, 0.5, 0.3001], [0.3, 0.4, 0.3], {}
    yield "sum off by rounding", [0.33, 0.33, 0.33], [0.3, 0.4, 0.3], {}
    yield "sum in float32's tolerance", [0.2, 0.5, 0.3003], [0.3, 0.4, 0.3], {}
    yield (
        "sums of printed digits",
        [[0.33, 0.33, 0.33], [0.17, 0.17, 0.67]],
        [[0.3, 0.4, 0.3]] * 2,
        {},
    )
    yield "sum too small", [0.2, 0.5], [0.3, 0.7], {}
    yield "sum of 0.6 in both", [0.3, 0.3], [0.4, 0.2], {}
    yield "missing category", [0.2, 0.5, 0.1], [0.3, 0.4, 0.1], {}
    yield "one bad row", draw(30, 5, 1), with_row(draw(30, 5, 2), 17, [*Q, 0.1]), {}
    yield "two bad rows", draw(5, 3, 1), with_row(
        with_row(draw(5, 3, 2), 1, [0.1, 0.2, 0.3]), 4, [1, 1, 1]), {}  # fmt: skip
    yield "four bad rows of ten", with_row(draw(10, 3, 1), slice(0, 2), [0.1, 0.2, 0.3]), with_row(
        draw(10, 3, 2), slice(4, 6), [0.1, 0.2, 0.3]), {}  # fmt: skip
    yield "bad rows", 2 * draw(4, 3, 1), draw(4, 3, 2), {}
    yield "twenty bad rows", 2 * draw(20, 3, 1), draw(20, 3, 2), {}
    yield "transposed", draw(6, 4, 1).T, draw(6, 4, 2).T, {}
    yield "transposed, 2 x 2", [[0.2, 0.7], [0.8, 0.3]], [[0.5, 0.4], [0.5, 0.6]], {}
    yield "one transposed", draw(3, 3, 1).T, draw(3, 3, 2), {}
    yield "wrong axis asked", draw(3, 4, 1), draw(3, 4, 2), {"axis": 0}
    yield "bad column on axis 0", [[0.2, 0.5], [0.8, 0.6]], [[0.5, 0.4], [0.5, 0.6]], {"axis": 0}
    yield "whole table", draw(1, 6, 1).reshape(2, 3), draw(1, 6, 2).reshape(2, 3), {}
    yield "tables", draw(2, 6, 1).reshape(2, 2, 3), draw(2, 6, 2).reshape(2, 2, 3), {}
    yield "sigmoids", [0.9, 0.8, 0.3], [0.7, 0.9, 0.1], {}
    yield "sigmoids in a batch", [[0.9, 0.8, 0.3], [0.7, 0.9, 0.6]], [[0.5, 0.9, 0.4]] * 2, {}
    yield "sigmoids and labels", [1, 0, 1], [0.9, 0.2, 0.8], {}
    yield "sigmoids of q", [0.2, 0.3, 0.5], [0.9, 0.8, 0.3], {}
    yield "a sigmoid that is 1", [0.2, 0.3, 0.5], [1.0, 0.8, 0.3], {}
    yield "chances of a yes", [[0.3], [0.6]], [[0.4], [0.5]], {}
    yield "one chance", [0.3], [0.4], {}
    yield "chance and labels", [[1], [0]], [[0.9], [0.2]], {}
    yield "densities", [0.1, 1.3, 0.4, 0.2], [0.2, 1.1, 0.6, 0.1], {}
    yield (
        "class labels as a vector",
        [0, 2, 1],
        [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.2, 0.6, 0.2]],
        {},
    )
    yield "class labels as a column", [[0], [2]], [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]], {}
    yield "class labels as floats", [0.0, 1.0], [[0.7, 0.3], [0.1, 0.9]], {}
    yield "class labels for logits", [0, 2], [[2.0, -1.0, 0.3], [0.5, 1.0, 3.0]], {}
    yield "class labels second", [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]], [0, 2], {}
    rng = np.random.default_rng(4)
    yield "points", rng.normal(size=30), rng.normal(1, 2, size=40), {}
    yield "few points", rng.normal(size=21), rng.normal(1, 2, size=22), {}
    yield "positive points", rng.gamma(2, size=60), rng.gamma(3, size=60), {}
    yield "points with ties", rng.integers(0, 3, 30), rng.integers(0, 3, 30), {}


def shapes() -> Iterator[Pair]:
    yield "2 against 3", [0.5, 0.5], [0.2, 0.3, 0.5], {}
    yield "2 against 1", [0.5, 0.5], [0.3], {}
    yield "3 against 1", [0.2, 0.3, 0.5], [1.0], {}
    yield "4 against its transpose", [P] * 3, np.array([Q] * 3).T, {}
    yield "rows do not pair", draw(3, 2, 1), draw(2, 2, 2), {}
    yield "other categories", draw(3, 2, 1), draw(3, 4, 2), {}
    yield "column and row", [[0.2], [0.3], [0.5]], [0.3, 0.3, 0.4], {}
    yield "an axis of 1 too many", [[[0.2, 0.3, 0.5]]], [[0.3, 0.3, 0.4]] * 2, {}
    yield "an axis of 1 between", draw(3, 4, 1)[:, None], draw(3, 4, 2), {}
    yield "the probability of a yes", [[0.3], [0.6]], [[0.4, 0.6], [0.5, 0.5]], {}
    yield "the probability of a yes second", [[0.4, 0.6], [0.5, 0.5]], [[0.3], [0.6]], {}
    yield "class numbers and logits", [[0], [1]], [[1.5, -2.0], [0.5, 3.0]], {}
    yield "batches that clash", draw(6, 3, 1).reshape(2, 3, 3), draw(2, 3, 2), {}
    yield "no categories", np.empty(0), np.empty(0), {}
    yield "rows without categories", np.empty((2, 0)), np.empty((2, 0)), {}
    yield "one is empty", [], [0.5, 0.5], {}
    yield "ragged", [[0.5, 0.5], [0.2, 0.3, 0.5]], [[0.5, 0.5], [0.5, 0.5]], {}
    yield "ragged deeper", [[[0.5], [0.5, 1]], [[1], [2]]], [[0.5, 0.5]], {}
    yield "a list and a number", [[0.5, 0.5], 1], [0.5, 0.5], {}
    yield "lone numbers", 0.3, 0.4, {}
    yield "a lone whole number", 1, [0.5, 0.5], {}
    yield "axis that is not there", P, Q, {"axis": 1}
    yield "axis that only one has", draw(3, 3, 1), [0.3, 0.3, 0.4], {"axis": 0}
    yield "axis far off", draw(3, 3, 1), draw(3, 3, 2), {"axis": -3}
    yield "base 1", P, Q, {"base": 1}
    yield "base 0", P, Q, {"base": 0}
    yield "base -2.5 and counts", [2, 3], [1, 4], {"base": -2.5}
    yield "base 1 and axis 3", P, Q, {"base": 1.0, "axis": 3}


def labelled() -> Iterator[Pair]:
    cats = {"cat": 0.5, "dog": 0.3, "cow": 0.2}
    yield "labels", cats, {"cat": 0.4, "dog": 0.4, "cow": 0.2}, {}
    yield "labels in another order", cats, {"dog": 0.4, "cow": 0.2, "cat": 0.4}, {}
    yield "labels on one side", cats, [0.4, 0.4, 0.2], {}
    yield "a label missing in p", {"cat": 0.5, "dog": 0.5}, {"cat": 0.4, "dog": 0.4, "cow": 0.2}, {}
    yield "a label missing in q", cats, {"cat": 0.4, "dog": 0.6}, {}
    yield "counts, a label missing in p", {"cat": 5, "dog": 5}, {"dog": 2, "cat": 2, "cow": 4}, {}
    yield "counts, a label missing in q", {"dog": 2, "cat": 2, "cow": 4}, {"cat": 5, "dog": 5}, {}
    yield "counts, other labels, normalize", {"dog": 2, "cow": 4}, {"cat": 5, "dog": 5}, {
        "normalize": True}  # fmt: skip
    yield "other labels", {"a": 0.5, "b": 0.5}, {"c": 0.5, "d": 0.5}, {}
    yield "a long label with 'quotes'", {"a label that goes on and on": 1.0, "it's": 0.0}, {
        "it's": 0.5, "other": 0.5}, {}  # fmt: skip
    yield "counts with labels", {"cat": 2, "dog": 3}, {"dog": 1, "cat": 4}, {}
    yield "numbers as labels", {0: 0.5, 1: 0.5}, {1: 0.25, 0: 0.75}, {}
    yield "columns with labels", {"a": [0.2, 0.3], "b": [0.8, 0.7]}, {
        "b": [0.5, 0.4], "a": [0.5, 0.6]}, {}  # fmt: skip
    yield "columns, one missing", {"a": [0.2, 0.3], "b": [0.8, 0.7]}, {
        "b": [0.5, 0.4], "c": [0.5, 0.6]}, {}  # fmt: skip
    yield "columns of other lengths", {"a": [0.2, 0.3], "b": [0.8]}, [[0.5, 0.5]], {}
    yield "negative with labels", {"a": -0.5, "b": 1.5}, {"b": 0.5, "a": 0.5}, {}
    yield "logits with labels", {"a": -2.5, "b": 1.5}, {"b": 0.5, "a": 3.5}, {}
    table = Table(draw(2, 3, 1), (["x", "y"], ["a", "b", "c"]))
    yield "tables with labels", table, Table(draw(2, 3, 2), (["y", "x"], ["c", "a", "b"])), {}
    yield "tables, another column", table, Table(draw(2, 3, 2), (["x", "y"], ["a", "b", "d"])), {}
    yield "tables, another row", table, Table(draw(2, 3, 2), (["x", "z"], ["a", "b", "c"])), {}
    yield "tables, more rows", table, Table(draw(3, 3, 2), (["x", "y", "z"], ["a", "b", "c"])), {}
    yield "a table of counts", Table(np.array([[2.0, 3], [4, 1]]), (None, ["a", "b"])), Table(
        np.array([[1.0, 3], [2, 2]]), (None, ["b", "a"])), {}  # fmt: skip
    yield "a table of logits", Table(np.array([[2.0, -3], [1, 1]]), (None, ["a", "b"])), Table(
        np.array([[1.0, 3], [0, 2]]), (None, ["b", "a"])), {}  # fmt: skip
    yield "a label twice", Table(np.array([0.2, 0.3, 0.5]), (["a", "b", "a"],)), {
        "a": 0.5, "b": 0.5}, {}  # fmt: skip
    yield (
        "a label twice, in another order",
        Table(np.array([0.2, 0.3, 0.5]), (["a", "b", "a"],)),
        (Table(np.array([0.2, 0.3, 0.5]), (["a", "a", "b"],))),
        {},
    )


def pairs() -> list[Pair]:
    groups = (good, infinite, counts, negative, not_finite, sums, shapes, labelled)
    return [pair for group in groups for pair in group()]


def as_python(value: Any) -> Any:
    """Arrays as lists, which is what a page can be given."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def as_text(value: Any) -> str:
    """The same, to be pasted: Python, or CSV where the rows have names."""
    value = as_python(value)
    if not isinstance(value, Table):
        return repr(value)
    index, names = value.axes if len(value.axes) > 1 else (value.axes[0], None)
    if value.values.ndim == 1:
        numbers = zip(index, value.values.tolist(), strict=True)
        return "\n".join([",value", *(f"{name},{x!r}" for name, x in numbers)])
    lines = ["," * (index is not None) + ",".join(names)]
    for i, row in enumerate(value.values.tolist()):
        lines.append(",".join([*([index[i]] if index else []), *map(repr, row)]))
    return "\n".join(lines)
