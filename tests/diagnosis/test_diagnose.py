"""diagnose: one report for each class of failure, each number in it computed another way here."""

import functools
import itertools
import json
import math
import random
import re
import subprocess
import sys
import tracemalloc
import warnings

import fuzz
import numpy as np
import pytest
import truth
from bs4 import BeautifulSoup
from scipy import special, stats
from thorough import first_of

from kl_lib import DistributionError, GradientWarning, diagnose, frameworks, kl_divergence
from kl_lib.diagnosis import Rounding, explanation, habits, measures, other_libraries
from kl_lib.diagnosis.habits import Asked
from kl_lib.labels import Table

P, Q = [0.2, 0.5, 0.2, 0.1], [0.3, 0.4, 0.1, 0.2]
KL = 0.0997934721  # NUMERICS: [.2,.5,.2,.1] ‖ [.3,.4,.1,.2]
LN2 = math.log(2)


def rows(n, categories, seed):
    return np.random.default_rng(seed).dirichlet(np.ones(categories), n)


def with_row(array, row, value):
    """A copy of `array` with one row replaced."""
    array = np.array(array, dtype=float)
    array[row] = value
    return array


def near(p, size, seed=0):
    """A distribution that differs from p by about `size`, relatively."""
    q = p * (1 + size * np.random.default_rng(seed).normal(size=p.shape))
    return q / q.sum(-1, keepdims=True)


BATCH_P, BATCH_Q = rows(30, 5, 1), rows(30, 5, 2)
WIDE = rows(1, 100, 3)[0]

#: One pair for each class of failure: p, q, options, status.
CLASSES = {
    "fine": (P, Q, {}, "fine"),
    "negative": ([-0.1, 1.1], [0.5, 0.5], {}, "invalid"),
    "nan": ([0.5, 0.5], [np.nan, 0.5], {}, "invalid"),
    "counts": ([2, 5, 2, 1], [3, 4, 1, 2], {}, "invalid"),
    "logarithms": (np.log(P), np.log(Q), {}, "invalid"),
    "log q expected": (P, np.log(Q), {"libraries": ("numpy", "scipy", "mxnet")}, "invalid"),
    "shapes": (np.array([P] * 3), np.array([Q] * 3).T, {}, "invalid"),
    "wrong axis": (BATCH_P.T, BATCH_Q.T, {}, "invalid"),
    "one bad row": (BATCH_P, with_row(BATCH_Q, 17, np.array([*Q, 0.1])), {}, "invalid"),
    "infinite": (P, [0, 0.7, 0.1, 0.2], {}, "infinite"),
    "swapped": ([0.7, 0.2, 0.1], [1, 0, 0], {}, "infinite"),
    "one infinite row": (BATCH_P, with_row(BATCH_Q, 17, [0.5, 0, 0.5, 0, 0]), {}, "infinite"),
    "zero in both": ([0, 0.5, 0.3, 0.2], [0, 0.4, 0.4, 0.2], {}, "fine"),
    "clipped": ([0.5, 0.5], [1e-10, 1 - 1e-10], {"libraries": ("keras",)}, "fine"),
    "normalised silently": ([0.5, 0.5], [0.3, 0.3], {}, "invalid"),
    "counts, normalize=True": ([2, 5, 2, 1], [3, 4, 1, 2], {"normalize": True}, "fine"),
    "near equal": (WIDE, near(WIDE, 1e-6), {}, "fine"),
    "near equal, float32": (
        WIDE.astype(np.float32), (near(WIDE, 1e-5) * (1 + 1e-6)).astype(np.float32), {}, "fine",
    ),
    "half precision": (np.array(P, np.float16), np.array([0.21, 0.49, 0.2, 0.1], np.float16), {},
                       "fine"),
    "axis 0": (BATCH_P.T, BATCH_Q.T, {"axis": 0}, "fine"),
}  # fmt: skip


def report_of(name, **options):
    p, q, given, _ = CLASSES[name]
    return diagnose(p, q, **given | options)


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def quick(name):
    """Without the libraries that take seconds to import."""
    return report_of(name, libraries=("numpy", "scipy"))


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_of_failure_has_its_status_and_fits_80_columns(name):
    report = quick(name)
    assert report.status == CLASSES[name][3]
    assert report.valid == (report.status != "invalid")
    lines = str(report).splitlines()
    assert lines[0] == report.verdict[:80] or report.verdict.startswith(lines[0])
    assert max(map(len, lines)) <= 80
    assert repr(report) == str(report)


@pytest.mark.parametrize("name", CLASSES)
def test_json_is_strict_and_says_what_the_report_says(name):
    report = quick(name)
    read = json.loads(report.to_json(), parse_constant=refuse)
    assert read == report.to_dict()
    assert read["status"] == report.status
    assert len(read["answers"]) == len(report.answers) == 4
    for measure, written in zip(report.measures, read["measures"], strict=True):
        assert float(written["nats"]) == measure.nats
        assert written["in_base"] is None


def test_json_writes_infinity_and_nan_as_words_that_float_reads():
    read = report_of("infinite").to_dict()
    assert read["measures"][0]["nats"] == "inf"
    assert read["terms"][0]["share"] is None
    nan = diagnose([0.5, 0.5], [np.nan, 0.5]).to_dict()
    assert nan["arguments"][1]["sums"] == ["nan", "nan"]
    assert (
        nan["arguments"][1] | {"minimum": 0.5, "maximum": 0.5, "zeros": 0, "nans": 1}
        == (nan["arguments"][1])
    )
    assert diagnose([np.nan], [1]).to_dict()["arguments"][0]["minimum"] == "nan"
    assert nan["answers"][0]["values"] == ["nan"]
    assert nan["measures"] == []


# Valid input


def by_hand(p, q):
    """The seven quantities from mpmath, in the order of the report."""
    names = {
        "KL(p‖q)": truth.kl(p, q),
        "KL(q‖p)": truth.kl(q, p),
        "Jensen-Shannon": truth.js(p, q),
        "entropy of p": truth.entropy(p),
        "entropy of q": truth.entropy(q),
        "cross-entropy H(p, q)": truth.cross_entropy(p, q),
        "cross-entropy H(q, p)": truth.cross_entropy(q, p),
    }
    return {name: float(value) for name, value in names.items()}


@pytest.mark.parametrize("name", ["fine", "infinite", "swapped", "zero in both"])
def test_the_numbers_are_those_of_mpmath_in_every_unit(name):
    p, q, _, _ = CLASSES[name]
    report = diagnose(p, q, base=10, libraries=())
    expected = by_hand(p, q)
    assert [m.name for m in report.measures] == list(expected)
    for measure in report.measures:
        nats = expected[measure.name]
        assert measure.nats == pytest.approx(nats, rel=1e-13)
        assert measure.bits == pytest.approx(nats / LN2, rel=1e-13)
        assert measure.in_base == pytest.approx(nats / math.log(10), rel=1e-13)


def test_a_batch_is_summed_up_and_its_worst_row_shown():
    report = report_of("one infinite row", libraries=())
    p, q, _, _ = CLASSES["one infinite row"]
    every = [by_hand(a, b) for a, b in zip(p, q, strict=True)]
    assert (report.rows, report.categories, report.shape, report.row) == (30, 5, (30,), (17,))
    for summary in report.summaries:
        values = [row[summary.name] / (LN2 if summary.unit == "bits" else 1) for row in every]
        finite = [x for x in values if x < math.inf]
        assert summary.minimum == pytest.approx(min(values), rel=1e-12)
        assert summary.maximum == pytest.approx(max(values), rel=1e-12)
        assert summary.mean == pytest.approx(sum(finite) / len(finite), rel=1e-12)
        assert summary.infinite == len(values) - len(finite)
    assert [m.nats for m in report.measures] == pytest.approx(list(every[17].values()), rel=1e-12)
    assert "infinite in 1 of 30 rows" in report.verdict
    # With no infinite row the worst is the largest.
    fine = diagnose(BATCH_P, BATCH_Q, libraries=())
    assert fine.row == (int(np.argmax(special.rel_entr(BATCH_P, BATCH_Q).sum(-1))),)


def test_the_categories_that_carry_the_sum_come_first_and_their_shares_add_up():
    p, q = np.array(P), np.array(Q)
    report = diagnose(P, Q, libraries=())
    shares = (p * np.log(p / q) - p + q) / KL
    assert [t.index for t in report.terms] == list(np.argsort(-shares))
    for term in report.terms:
        assert (term.p, term.q) == pytest.approx((p[term.index], q[term.index]))
        assert term.term == pytest.approx(p[term.index] * math.log(p[term.index] / q[term.index]))
        assert term.share == pytest.approx(shares[term.index], rel=1e-8)
    # All of it, and not "> 99.9 %", as rounding of the shares would have it here and there.
    for seed in range(50):
        every = diagnose(*rows(2, 4, seed), libraries=())
        assert every.carried == 1 or len(every.terms) < 4
    assert report.carried == 1
    # Of many categories only the largest few.
    p, q = rows(2, 1000, 5)
    report = diagnose(p, q, libraries=())
    parts = p * np.log(p / q) - p + q
    assert len(report.terms) == 5
    assert report.carried == pytest.approx(np.sort(parts)[-5:].sum() / parts.sum())
    assert all(0 <= term.share <= 1 for term in report.terms)


def test_one_category_that_carries_all_is_listed_alone():
    report = diagnose([1, 0, 0], [0.01, 0.99, 0], libraries=())
    assert [t.index for t in report.terms] == [0, 1]
    report = diagnose([0.5, 0.5], [1e-30, 1], libraries=())
    assert [t.index for t in report.terms] == [0]
    assert report.carried == pytest.approx(
        1 - (0.5 * math.log(0.5) + 0.5) / report.measures[0].nats
    )
    # All but a hair is not all.
    assert "> 99.9 %" in str(diagnose([0.5, 0.5], [1e-310, 1], libraries=()))
    assert "> 99.9 %" not in str(diagnose(P, Q, libraries=()))


def test_rows_on_axis_0_are_the_same_report_as_their_transpose():
    down, across = report_of("axis 0"), diagnose(BATCH_P, BATCH_Q)
    assert down.measures == across.measures
    assert down.summaries == across.summaries
    assert down.terms == across.terms
    # SciPy's entropy sums over axis 0 whatever you meant: here that is right.
    assert [a.status for a in down.answers] == ["agrees"] * 4
    assert [a.status for a in across.answers] == ["agrees"] * 3 + ["differs"]


def test_one_distribution_against_a_batch_and_no_row_at_all():
    report = diagnose(BATCH_P[0], BATCH_Q, libraries=())
    assert report.rows == 30
    values = [float(truth.kl(BATCH_P[0], q)) for q in BATCH_Q]
    assert report.measures[0].nats == pytest.approx(max(values))
    empty = diagnose(np.empty((0, 3)), np.empty((0, 3)))
    assert (empty.status, empty.rows, empty.row, empty.measures) == ("fine", 0, None, ())
    # None against a distribution that is none: nothing to sum up either.
    assert "q has no rows" in str(diagnose(np.empty((0, 2)), [1e308, 1e308]))
    # Axis 1 of the larger is the only axis of the smaller.
    assert diagnose(P, [Q, P], axis=1).measures == diagnose(P, [Q, P]).measures


# Infinite


def test_zeros_that_do_not_match_are_found_with_their_indices_and_mass():
    report = report_of("one infinite row", libraries=())
    p = CLASSES["one infinite row"][0]
    [mismatch] = report.mismatches
    assert mismatch.name == "p > 0, q = 0"
    assert mismatch.places == ((17, 1), (17, 3), (17, 4))
    assert (mismatch.count, mismatch.rows) == (3, 1)
    assert mismatch.mass == pytest.approx(p[17, [1, 3, 4]].sum())
    assert [t.index for t in report.terms] == [1, 3, 4]
    assert all(t.term == math.inf and t.share is None for t in report.terms)


def test_a_mismatch_that_only_the_reverse_feels_is_named_and_is_fine():
    report = diagnose([0, 0.5, 0.5], [0.2, 0.4, 0.4], libraries=())
    assert report.status == "fine"
    assert [(m.name, m.places) for m in report.mismatches] == [("q > 0, p = 0", ((0,),))]
    assert report.measures[1].nats == math.inf
    # A zero in both is no mismatch.
    assert report_of("zero in both", libraries=()).mismatches == ()


def test_swapped_arguments_are_recognised_and_the_other_way_round_computed():
    report = report_of("swapped")
    remedies = {remedy.kind: remedy for remedy in report.remedies}
    assert remedies["swap"].value == pytest.approx(-math.log(0.7))
    assert "swap the two: KL(q‖p) = 0.356675 nats" in remedies["swap"].message
    assert "q is one-hot, as labels are" in remedies["swap"].message
    assert "logits" not in remedies
    soft = {remedy.kind: remedy for remedy in report_of("infinite").remedies}
    assert "if q is the reference" in soft["swap"].message
    assert "kl_from_logits" in soft["logits"].message
    assert remedies["js"].value == pytest.approx(float(truth.js([0.7, 0.2, 0.1], [1, 0, 0])))
    # Nothing to swap where both are infinite.
    both = diagnose([0.5, 0.5, 0], [0, 0.5, 0.5], libraries=())
    assert "swap" not in {remedy.kind for remedy in both.remedies}


def test_what_a_small_number_added_to_q_would_give_is_computed_not_recommended():
    [epsilon] = [r.message for r in report_of("infinite").remedies if r.kind == "epsilon"]
    q = np.array([0, 0.7, 0.1, 0.2])
    for small in (1e-12, 1e-7):
        assert f"{float(truth.kl(P, q + small)):.6g} nats" in epsilon or (
            f"gives {float(truth.kl(P, q + small)):.6g}" in epsilon
        )


def test_counts_with_a_zero_are_smoothed_as_an_example():
    report = diagnose([2, 5, 2, 1], [3, 0, 1, 2], normalize=True, libraries=())
    [smooth] = [r for r in report.remedies if r.kind == "smooth"]
    added = float(truth.kl([2.5, 5.5, 2.5, 1.5], [3.5, 0.5, 1.5, 2.5]))
    assert smooth.value == pytest.approx(added)
    assert f"say 1/2: {added:.3g} ± " in smooth.message
    # Of a batch row by row, and of weights, which nobody counted, not at all.
    report = diagnose([[1, 2], [2, 2]], [[0, 3], [1, 1]], normalize=True, libraries=())
    [smooth] = [r for r in report.remedies if r.kind == "smooth"]
    assert f"0 to {float(truth.kl([1.5, 2.5], [0.5, 3.5])):.6g} nats in 2 rows" in smooth.message
    report = diagnose([0.5, 1.5], [0, 2.2], normalize=True, libraries=())
    assert {r.kind for r in report.remedies} == {"swap", "js", "epsilon"}


def test_counts_that_dividing_by_the_sum_turns_into_0_are_none():
    p, q = [3, 1], [1e300, 1e-300]
    report = diagnose(p, q, normalize=True, libraries=())
    exact = float(truth.kl(p, q))
    assert report.status == "fine"
    assert report.mismatches == ()
    assert report.measures[0].nats == pytest.approx(exact)
    assert [t.index for t in report.terms] == [1]
    assert report.terms[0].term == pytest.approx(0.25 * (math.log(0.25) + 600 * math.log(10)))
    assert report.terms[0].share == pytest.approx((report.terms[0].term - 0.25) / exact)
    # Or into one of the smallest floats, which has few digits left.
    p, q = [1, 0], [8e-324, 1.2]
    [term] = diagnose(p, q, normalize=True, libraries=()).terms
    assert term.term == pytest.approx(float(truth.kl(p, q)), rel=1e-13)
    # And sums that overflow.
    report = diagnose([1e308, 1e308], [0, 1], normalize=True, libraries=())
    assert report.status == "infinite"
    assert {r.kind for r in report.remedies} >= {"smooth", "epsilon"}


# Large input


def test_a_report_on_much_takes_little_memory():
    p, q = rows(20_000, 100, 1), rows(20_000, 100, 2)
    size = p.nbytes
    diagnose(P, Q, libraries=())
    tracemalloc.start()
    report = diagnose(p, q, libraries=())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.rows == 20_000
    assert peak < size  # 16 MB: some numbers for each row, and chunks


def test_of_many_rows_those_that_are_not_alike_are_found_wherever_they_are():
    p, q = rows(30_000, 10, 1), rows(30_000, 10, 2)
    p[12_345, 3], q[12_345, 7], q[23_456, 1] = 0, 0, 0
    p, q = (x / x.sum(axis=-1, keepdims=True) for x in (p, q))
    report = diagnose(p, q)
    exact = kl_divergence(p, q)
    assert report.row == (12_345,)
    assert report.measures[0].nats == exact[12_345] == math.inf
    assert [(m.count, m.rows, m.places) for m in report.mismatches] == [
        (2, 2, ((12_345, 7), (23_456, 1))),
        (1, 1, ((12_345, 3),)),
    ]
    assert "in 2 of 30000 rows" in report.verdict
    found = answer(report, "numpy", "np.sum")
    assert (found.differing, found.row, kinds(found)) == (1, (12_345,), {"nan for p = 0"})
    by_name = {s.name: s for s in report.summaries if s.unit == "nats"}
    assert by_name["entropy of q"].mean == pytest.approx(stats.entropy(q, axis=-1).mean())
    assert by_name["KL(p‖q)"].mean == pytest.approx(exact[np.isfinite(exact)].mean())


def test_what_explains_some_of_many_rows_is_tried_on_all(monkeypatch):
    p, q = rows(30_000, 10, 1) * 3, rows(30_000, 10, 2)

    def one_is_off(p, q, axis):
        value = special.rel_entr(p, q).sum(axis)
        value[7] += 0.1
        return value

    imitate(monkeypatch, other_libraries.Call("f", one_is_off, ALL_HABITS))
    # Row 7 alone is off.
    assert kinds(diagnose(p, q, libraries=("numpy",)).answers[0]) == {"unexplained"}


@pytest.mark.parametrize("shape", [(30_000, 10), (10, 30_000), (300, 100, 10)])
def test_slices_add_up_along_any_axis(monkeypatch, shape):
    rng = np.random.default_rng(5)
    p, q = rng.random(shape), rng.random(shape)
    for axis in range(-len(shape), len(shape)):
        h, clipped = habits, (p.clip(1e-7), q.clip(1e-7))
        for some, value in [
            ((), special.rel_entr(p, q).sum(axis)),
            ((h.SWAP, h.MEAN_OF_ROWS), special.rel_entr(q, p).sum(axis).mean()),
            ((h.CLIP, h.MEAN_OF_ALL), special.rel_entr(*clipped).mean()),
            ((h.DIVIDE,), stats.entropy(p, q, axis=axis)),
            ((h.DIVIDE, h.AXIS_0), stats.entropy(p, q)),
            ((h.MEAN, h.LAST_AXIS), special.rel_entr(p, q).mean(tuple(range(1, len(shape))))),
            ((h.MEAN_OVER_AXIS_0, h.CLIP), special.rel_entr(*clipped).sum() / shape[0]),
            ((h.Q_FOR_LOG_Q, h.SUM_OF_ALL), (p * (np.log(p) - q)).sum()),
        ]:
            found, size = habits.total(Asked(p, q, axis), some)
            assert found.shape == size.shape == np.shape(value)
            np.testing.assert_allclose(found, value, rtol=1e-10)


# Invalid

FOUR = ((0,), (1,), (2,), (3,))


@pytest.mark.parametrize(
    ("name", "problems"),
    [
        ("negative", [("p", "negative", 1, ((0,),))]),
        ("nan", [("q", "nan", 1, ((0,),))]),
        ("counts", [("p", "sum", 1, ((),)), ("q", "sum", 1, ((),))]),
        ("logarithms", [("p", "logarithms", 4, FOUR), ("q", "logarithms", 4, FOUR)]),
        ("log q expected", [("q", "logarithms", 4, FOUR)]),
        ("shapes", [("p and q", "shape", None, ()), ("q", "sum", 4, FOUR)]),
        ("one bad row", [("q", "sum", 1, ((17,),))]),
    ],
)  # fmt: skip
def test_all_that_is_wrong_is_listed_counted_and_placed(name, problems):
    report = quick(name)
    found = [(x.argument, x.kind, x.count, x.places) for x in report.problems]
    assert found == problems
    p, q, _, _ = CLASSES[name]
    with pytest.raises(DistributionError) as raised:
        kl_divergence(p, q)
    assert report.problems[0].message == str(raised.value)
    assert report.measures == report.terms == report.summaries == ()


@pytest.mark.parametrize(
    ("name", "kind", "words", "value"),
    [
        ("counts", "normalize", "pass normalize=True", KL),
        ("logarithms", "exp", "pass np.exp(p) and np.exp(q)", KL),
        ("log q expected", "exp", "pass np.exp(q)", KL),
        ("shapes", "transpose", "pass np.transpose(q)", None),
        ("wrong axis", "axis", "pass axis=0", None),
        ("one bad row", "rows", "without row 17, the rest is valid", None),
        ("negative", "logits", "kl_from_logits(p, np.log(q))",
         float(truth.kl_logits([-0.1, 1.1], [0, 0]))),
    ],
)  # fmt: skip
def test_what_would_make_it_valid_is_tried_and_named_with_its_result(name, kind, words, value):
    report = quick(name)
    [remedy] = [remedy for remedy in report.remedies if remedy.kind == kind]
    assert words in remedy.message
    if value is None:
        assert remedy.value is None
    else:
        assert remedy.value == pytest.approx(value, rel=1e-8)
        assert f"{value:.6g} nats" in remedy.message


def test_remedies_for_a_batch_say_the_range_of_kl():
    values = special.rel_entr(BATCH_P, BATCH_Q).sum(-1)
    [axis] = [r for r in quick("wrong axis").remedies if r.kind == "axis"]
    assert f"from {values.min():.6g} to {values.max():.6g} nats in 30 rows" in axis.message
    values = np.delete(values, 17)
    [rest] = [r for r in quick("one bad row").remedies if r.kind == "rows"]
    assert f"from {values.min():.6g} to {values.max():.6g} nats in 29 rows" in rest.message


def test_remedies_that_do_not_work_are_not_named():
    assert diagnose([0.5, np.nan], [0.5, 0.5]).remedies == ()
    kinds = {r.kind for r in quick("one bad row").remedies}
    assert kinds == {"normalize", "rows"}
    assert {r.kind for r in quick("counts").remedies} == {"normalize", "counts"}
    # Another axis would do, but leave no row.
    assert diagnose(np.empty((3, 0)), np.empty((3, 0))).remedies == ()


def test_nan_and_rounding_below_zero_are_set_to_zero_only_where_that_is_enough():
    [nan] = diagnose([0.5, np.nan, 0.5], [0.25, 0.25, 0.5]).remedies
    assert nan.kind == "nan"
    assert "cannot happen, pass np.nan_to_num(p): KL" in nan.message
    assert nan.value == pytest.approx(float(truth.kl([0.5, 0, 0.5], [0.25, 0.25, 0.5])))
    assert diagnose([0.5, np.nan, 0.4], [0.25, 0.25, 0.5]).remedies == ()
    report = diagnose([0.5, -1e-17, 0.5], [0.25, 0.25, 0.5])
    rounding = report.remedies[0]
    assert "is rounding, pass np.maximum(p, 0): KL" in rounding.message
    assert rounding.value == nan.value
    assert {r.kind for r in report.remedies} == {"rounding"}
    both = diagnose([1, -1e-9, 0], [0.5, 0.5, -1e-9])
    assert "np.maximum(p, 0) and np.maximum(q, 0)" in both.remedies[0].message
    assert both.remedies[0].value == pytest.approx(LN2)
    # What ends in an infinite KL is no remedy.
    assert diagnose([1, -1e-9], [-1e-9, 1]).remedies == ()
    assert "rounding" not in {r.kind for r in diagnose([0.5, -1e-4, 0.5001], P[:3]).remedies}


def test_class_labels_in_place_of_rows_are_recognised():
    q = np.array([P, Q])
    report = diagnose(np.array([1, 0]), q)
    [labels] = [r for r in report.remedies if r.kind == "labels"]
    assert "np.eye(4)[p]" in labels.message
    assert labels.code == "kl_lib.kl_divergence(np.eye(4)[p], q)"
    assert f"from {-math.log(0.5):.6g} to {-math.log(0.3):.6g} nats" in labels.message


def test_labels_of_many_categories_take_no_table_of_all_of_them():
    # np.eye(10⁶) would take 8 TB.
    q = np.full((2, 10**6), 1e-6)
    [labels] = [r for r in diagnose([3, 999_999], q, libraries=()).remedies if r.kind == "labels"]
    assert f"{math.log(10**6):.6g} nats in 2 rows" in labels.message
    assert "labels" not in {r.kind for r in diagnose([3, 10**6], q, libraries=()).remedies}


def test_float32_sums_in_float64_clothes_are_recognised():
    p = np.array([0.50003, 0.5])
    report = diagnose(p, [0.5, 0.5])
    assert {"float32", "normalize"} == {r.kind for r in report.remedies}


class Unreadable:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("not today")


@pytest.mark.parametrize(
    "bad",
    [None, "text", ["0.5", "0.5"], {}, {"a": -1.5}, {"a": "x", 3: None}, object(),
     [[0.5, 0.5], [1.0]], 0.5, [], [1j, 0], np.ma.masked_array([0.5, 0.5], [0, 1]),
     np.array([{}]), Unreadable(), iter([1]),
     np.array(["2020-01-01"], "M8[D]"), [np.inf, 1], [-np.inf, 0], [0, 0], [[[np.nan]]]],
    ids=lambda bad: type(bad).__name__,
)  # fmt: skip
def test_nothing_that_is_passed_makes_it_raise(bad):
    for pair in ((bad, [0.5, 0.5]), ([0.5, 0.5], bad), (bad, bad)):
        for options in ({}, {"normalize": True}, {"axis": 0}, {"axis": "x"}, {"base": "two"}):
            report = diagnose(*pair, **options)
            assert report.status == "invalid"
            assert report.problems
            assert max(map(len, str(report).splitlines())) <= 80
            json.loads(report.to_json(), parse_constant=refuse)
            assert report._repr_html_()


@pytest.mark.parametrize(
    "library", first_of(["pandas", "dict", "polars", "pyarrow", "xarray", "file"], keep=2)
)
def test_no_table_makes_it_raise(library):
    maker = None if library in ("dict", "file") else pytest.importorskip(library)
    made = {
        "dict": dict,
        "file": lambda columns: Table(np.array([*columns.values()]).T, (None, [*columns])),
        "pandas": lambda columns: maker.DataFrame(columns),
        "polars": lambda columns: maker.DataFrame(columns),
        "pyarrow": lambda columns: maker.table(columns),
        "xarray": lambda columns: (
            maker.DataArray([*columns.values()], coords={"c": [*columns]}, dims=("c", "r")).T
        ),
    }[library]
    kinds = [
        [[0.5, 0.5], [0.4, 0.6]], [[3.0, 1.0], [2.0, 2.0]], [[0.0, 1.0], [2.0, 0.0]],
        [[-1.0, 2.0], [0.5, -3.0]], [[math.nan, 1.0], [1.0, 0.0]], [[0.7, 0.6], [0.9, 0.8]],
        [[2.5, 1.5], [0.1, 7.0]],
    ]  # fmt: skip
    names = (["a", "b"], ["b", "a"], ["a", "c"])
    options = ({}, {"normalize": True}, {"axis": 0})
    for p, q, known, given in random.Random(1).sample(
        [*itertools.product(kinds, kinds, names, options)], 40
    ):
        tables = made(dict(zip(["a", "b"], p, strict=True))), made(dict(zip(known, q, strict=True)))
        for pair in (tables, (tables[0], q), (p, tables[1]), (tables[0], q[0]), (p[0], tables[1])):
            report = diagnose(*pair, libraries=(), **given)
            assert bool(report.problems) == (report.status == "invalid")
            assert max(map(len, str(report).splitlines())) <= 80
            json.loads(report.to_json(), parse_constant=refuse)


def test_any_input_has_a_report_that_agrees_with_kl_divergence():
    for p, q, options in itertools.islice(fuzz.inputs(random.Random(3)), 400):
        options.pop("generalized", None)
        given = fuzz.describe(p, q, options)
        report = diagnose(p.value, q.value, **options)
        try:
            value = np.asarray(kl_divergence(p.value, q.value, **options))
            status = "infinite" if np.isinf(value).any() else "fine"
        except DistributionError:
            status = "invalid"
        assert report.status == status, given
        assert bool(report.problems) == (status == "invalid"), given
        if report.row is not None and "base" not in options:
            expected = pytest.approx(float(value[report.row]), rel=1e-6, nan_ok=True)
            assert report.measures[0].nats == expected, given
        assert max(map(len, str(report).splitlines())) <= 80, given
        json.loads(report.to_json(), parse_constant=refuse)
        assert report._repr_html_()
        assert "unexplained" not in {r.kind for a in report.answers for r in a.reasons}, given


class Tensor:
    """bfloat16 as PyTorch has it, which NumPy has not; its sums may be further off."""

    dtype = "torch.bfloat16"

    def __init__(self, values):
        self.values = np.float32(values)

    def detach(self):
        return self

    cpu = float = detach

    def numpy(self):
        return self.values


def test_half_precision_of_every_kind_is_valid_where_kl_divergence_says_so():
    import ml_dtypes

    p, q = [0.5, 0.51], [0.25, 0.75]
    exact = float(truth.kl(np.float32(p), q))
    for half in (Tensor, functools.partial(np.array, dtype=ml_dtypes.bfloat16)):
        report = diagnose(half(p), half(q))
        assert report.status == "fine"
        assert report.arguments[0].dtype.endswith("bfloat16")
        assert report.measures[0].nats == pytest.approx(exact, rel=1e-2)
        assert {n.kind for n in report.notes} >= {"sum", "precision"}
        assert "bfloat16 keeps 8 bits" in str(report)
        assert diagnose(half([0.5, 0.6]), half(q)).status == "invalid"
    assert diagnose(np.float32(p), np.float32(q)).status == "invalid"


@pytest.mark.parametrize("library", ["tensorflow", "torch"])
def test_a_report_on_tensors_with_a_gradient_does_not_warn_that_it_has_none(library):
    framework = pytest.importorskip(library)
    with warnings.catch_warnings():
        warnings.simplefilter("error", GradientWarning)
        if library == "torch":
            report = diagnose(framework.tensor(P, requires_grad=True), Q, libraries=())
        else:
            with framework.GradientTape() as tape:
                p = framework.constant(P)
                tape.watch(p)
                report = diagnose(p, Q, libraries=())
                with pytest.raises(GradientWarning):
                    kl_divergence(p, Q)
    assert report.status == "fine"


def test_an_axis_or_a_base_that_cannot_be_used_is_the_problem():
    report = diagnose(P, Q, axis=3, base=1)
    assert [x.argument for x in report.problems] == ["base", "axis"]
    assert report.verdict == "No KL: axis and base cannot be used."
    for axis in (np.array([0, 1]), (0,), (-1, -2), "0", None, 1.0, 10**30):
        assert [x.argument for x in diagnose(P, Q, axis=axis).problems] == ["axis"]
    # As a number whatever type it has.
    report = diagnose(P, Q, axis=np.int8(0), base=np.float32(2), libraries=())
    assert (report.axis, report.base) == (0, 2.0)
    assert "base 2" in str(report)


def test_pandas_labels_that_differ_are_the_problem():
    pandas = pytest.importorskip("pandas")
    p = pandas.Series([0.5, 0.5], index=["cat", "dog"])
    q = pandas.Series([0.5, 0.5], index=["cat", "cow"])
    report = diagnose(p, q)
    assert [x.kind for x in report.problems] == ["labels"]
    assert diagnose(p, p).status == "fine"
    more = pandas.Series([0.5, 0.3, 0.2], index=["cat", "dog", "cow"])
    assert [x.kind for x in diagnose(p, more).problems] == ["labels"]


@pytest.mark.parametrize("library", ["pandas", "xarray", "dict"])
def test_that_others_were_asked_on_aligned_labels_is_said_and_only_then(library):
    maker = dict if library == "dict" else pytest.importorskip(library)
    made = {
        "dict": dict,
        "pandas": lambda pairs: maker.Series(dict(pairs)),
        "xarray": lambda pairs: maker.DataArray([*pairs.values()], {"c": [*pairs]}, ("c",)),
    }[library]
    p = made({"cat": 0.6, "dog": 0.4})
    turned, same = made({"dog": 0.1, "cat": 0.9}), made({"cat": 0.9, "dog": 0.1})
    report = diagnose(p, turned)
    assert [a.reordered for a in report.arguments] == [False, True]
    # A nan is not equal to itself, and its labels may be in order all the same.
    missing = diagnose({"a": 0.5, "b": math.nan}, {"a": 0.5, "b": 0.5}, libraries=())
    assert not any(a.reordered for a in missing.arguments)
    assert "Other libraries on the same input, its labels aligned" in str(report)
    assert "sums 1; put in the order of the labels of p" in re.sub(r"\s+", " ", str(report))
    # What is quoted is the answer to the numbers in that order, which by position is another.
    quoted = answer(report, "scipy", "scipy.stats.entropy").value
    assert quoted == stats.entropy([0.6, 0.4], [0.9, 0.1])
    assert quoted != stats.entropy([0.6, 0.4], [0.1, 0.9])
    assert "labels aligned" in report._repr_html_()
    for other in (same, [0.9, 0.1]):
        report = diagnose(p, other)
        assert not any(a.reordered for a in report.arguments)
        assert "Other libraries on the same input\n" in str(report)
    # Counts, which are no distribution as they are.
    invalid = diagnose(made({"cat": 3, "dog": 1}), made({"dog": 2, "cat": 5}))
    assert "same input, its labels aligned" in str(invalid)


def test_categories_go_by_the_names_that_pandas_gives_them():
    pandas = pytest.importorskip("pandas")
    names = ["cat", "dog", "a long\nname of a rare animal", "cow"]
    p = pandas.DataFrame([P, Q], columns=names)
    for report in (
        diagnose(p, Q, libraries=()),
        diagnose([P, Q], p.iloc[1], libraries=()),
        diagnose(p.T, np.array([Q]).T, axis=0, libraries=()),
    ):
        assert [(t.index, t.label) for t in report.terms] == [
            (2, "a long name of a rare an"), (3, "cow"), (0, "cat"), (1, "dog"),
        ]  # fmt: skip
        assert "  3 cow " in str(report)
        assert max(map(len, str(report).splitlines())) <= 80
    # Numbers that only count are no names.
    assert diagnose(pandas.Series(P), Q, libraries=()).terms[0].label is None


# Rounding


def test_cancellation_is_measured_in_the_dtype_of_the_input():
    p, q, _, _ = CLASSES["near equal, float32"]
    report = quick("near equal, float32")
    # float32 keeps the rows to 1e-7; divided by their sums, the plain sum loses all its digits.
    a, b = ((x.astype(float) / x.sum(dtype=float)).astype(np.float32) for x in (p, q))
    exact = float(truth.kl(p, q))
    assert report.rounding.naive == pytest.approx(np.sum(a * np.log(a / b)), rel=1e-6)
    assert report.rounding.exact == pytest.approx(exact, rel=1e-5)
    assert report.rounding.relative == pytest.approx(
        abs(report.rounding.naive / exact - 1), rel=1e-3
    )
    assert report.rounding.relative > 1
    assert report.rounding.dtype == "float32"
    assert "cancellation" in {note.kind for note in report.notes}
    assert "cancellation" not in {note.kind for note in quick("fine").notes}


def test_a_negative_plain_sum_is_counted():
    p = rows(50, 10, 7)
    q = near(p, 1e-9)
    q[0] = p[0]  # their plain sum is 0, which is not negative
    report = diagnose(p, q, libraries=())
    with np.errstate(divide="ignore"):
        naive = np.sum(p / p.sum(-1, keepdims=True) * np.log(
            p / p.sum(-1, keepdims=True) / (q / q.sum(-1, keepdims=True))), axis=-1)  # fmt: skip
    assert report.rounding.negative_rows == (naive < 0).sum() > 0
    [note] = [note.message for note in report.notes if note.kind == "cancellation"]
    assert f"negative in {(naive < 0).sum()} rows" in note


def test_a_quotient_that_overflows_is_told_from_cancellation():
    report = diagnose([0.5, 0.5], [1e-310, 1])
    assert report.rounding.naive == math.inf
    [note] = [note.message for note in report.notes if note.kind == "cancellation"]
    assert "leaves the range of float64" in note
    [numpy_answer] = [a for a in report.answers if a.library == "numpy"]
    assert [r.kind for r in numpy_answer.reasons] == ["quotient"]
    assert numpy_answer.value == math.inf
    assert numpy_answer.expected == pytest.approx(float(truth.kl([0.5, 0.5], [1e-310, 1])))


@pytest.mark.parametrize(
    ("p", "q"), [(P, [0.21, 0.49, 0.2, 0.1]), ([0.9, 0.1], [0.5, 0.5]), ([0.75, 0.25], [0.5, 0.5])]
)
def test_the_note_on_precision_bounds_what_rounding_of_the_entries_can_do(p, q):
    p, q = np.array(p, np.float16), np.array(q, np.float16)
    [note] = [n.message for n in diagnose(p, q).notes if n.kind == "precision"]
    bound = float(re.search(r"up to ([\d.e-]+) nats", note)[1])
    a, b = p.astype(float), q.astype(float)
    exact, half = float(truth.kl(a, b)), 2.0**-11
    moved = [
        abs(float(kl_divergence(a * (1 + half * np.array(s[: len(a)])),
                                b * (1 + half * np.array(s[len(a) :])), normalize=True)) - exact)
        for s in itertools.product((-1, 1), repeat=2 * len(a))
    ]  # fmt: skip
    assert max(moved) == pytest.approx(bound, rel=0.1)
    part = float(re.search(r"([\d.]+) % of it", note)[1])
    assert part == pytest.approx(100 * bound / exact, rel=0.05)
    assert "float16 keeps 11 bits" in note
    assert not diagnose(a, b, normalize=True).notes


def test_sums_that_the_dtype_allows_but_are_not_1_are_named():
    p = np.array([0.5, 0.5002], np.float32)
    report = diagnose(p, np.array([0.5, 0.5], np.float32), libraries=())
    [note] = [n.message for n in report.notes if n.kind == "sum"]
    assert f"p sums to {p.sum(dtype=float):.9g}" in note


def test_equal_distributions_are_named():
    report = diagnose(P, P)
    assert report.measures[0].nats == 0
    assert report.terms == ()
    assert "p and q are equal" in report.notes[0].message


# Other libraries: their answers are their own, the reasons are measured


def answer(report, library, call):
    [found] = [a for a in report.answers if a.library == library and a.call.startswith(call)]
    return found


def kinds(found):
    return {reason.kind for reason in found.reasons}


@pytest.mark.parametrize("name", ["fine", "negative", "counts", "infinite", "zero in both",
                                  "near equal", "near equal, float32", "axis 0",
                                  "one infinite row"])  # fmt: skip
def test_numpy_and_scipy_are_quoted_as_they_answer(name):
    p, q, options, _ = CLASSES[name]
    report = quick(name)
    p, q = (np.asarray(x, dtype=getattr(x, "dtype", float)) for x in (p, q))
    axis = options.get("axis", -1)
    with np.errstate(all="ignore"):
        direct = {
            "np.sum": np.sum(p * np.log(p / q), axis=axis),
            "scipy.special.rel_entr": special.rel_entr(p, q).sum(axis=axis),
            "scipy.special.kl_div": special.kl_div(p, q).sum(axis=axis),
            "scipy.stats.entropy": stats.entropy(p, q),
        }
    for call, value in direct.items():
        found = answer(report, "numpy" if call == "np.sum" else "scipy", call)
        assert found.shape == value.shape
        assert found.values == pytest.approx(value.ravel()[:6], rel=1e-15, nan_ok=True)
        if found.row is not None:
            assert found.value == pytest.approx(value[found.row], rel=1e-15, nan_ok=True)


@pytest.mark.parametrize(
    ("name", "library", "call", "reasons"),
    [
        ("fine", "numpy", "np.sum", set()),
        ("counts", "numpy", "np.sum", {"sum"}),
        ("counts", "scipy", "scipy.special.rel_entr", {"sum"}),
        ("counts", "scipy", "scipy.stats.entropy", {"divide"}),
        ("normalised silently", "numpy", "np.sum", {"sum"}),
        ("normalised silently", "scipy", "scipy.special.kl_div", {"masses", "sum"}),
        ("normalised silently", "scipy", "scipy.stats.entropy", {"divide"}),
        ("counts, normalize=True", "numpy", "np.sum", {"sum"}),
        ("counts, normalize=True", "scipy", "scipy.stats.entropy", set()),
        ("negative", "numpy", "np.sum", {"negative"}),
        ("negative", "scipy", "scipy.special.rel_entr", {"inf for negative"}),
        ("nan", "numpy", "np.sum", {"nan"}),
        ("zero in both", "numpy", "np.sum", {"nan for p = 0"}),
        ("zero in both", "scipy", "scipy.special.rel_entr", set()),
        ("near equal", "numpy", "np.sum", {"rounding"}),
        ("near equal, float32", "numpy", "np.sum", {"sum", "rounding"}),
        ("near equal, float32", "scipy", "scipy.special.kl_div", {"masses", "sum"}),
        ("one infinite row", "scipy", "scipy.stats.entropy", {"divide", "axis 0"}),
        ("wrong axis", "scipy", "scipy.stats.entropy", {"axis 0"}),
        ("logarithms", "scipy", "scipy.special.rel_entr", {"inf for negative"}),
    ],
)
def test_the_reasons_are(name, library, call, reasons):
    assert kinds(answer(quick(name), library, call)) == reasons


def test_the_reasons_carry_the_numbers_of_this_input():
    report = quick("counts")
    assert "p sums to 10, q sums to 10" in answer(report, "scipy", "scipy.stats.entropy").reasons[
        0].message  # fmt: skip
    # NUMERICS: .51083 without dividing, 0 with.
    silent = quick("normalised silently")
    assert answer(silent, "scipy", "scipy.stats.entropy").values == (0.0,)
    assert answer(silent, "numpy", "np.sum").values == pytest.approx([0.51083], abs=1e-5)
    kl_div = answer(silent, "scipy", "scipy.special.kl_div")
    assert kl_div.values == pytest.approx([math.log(0.5 / 0.3) - 0.4])
    zero = answer(quick("zero in both"), "numpy", "np.sum")
    assert "p is 0 in 1 entry (index 0)" in zero.reasons[0].message


def test_rows_that_differ_are_counted_and_the_worst_shown():
    p = with_row(BATCH_P, 3, [0, 0.25, 0.25, 0.25, 0.25])
    found = answer(diagnose(p, BATCH_Q), "numpy", "np.sum")
    assert (found.status, found.differing, found.row) == ("differs", 1, (3,))
    assert math.isnan(found.value)
    assert found.expected == pytest.approx(float(truth.kl(p[3], BATCH_Q[3])))


def imitate(monkeypatch, *calls):
    """Let the library called numpy be these calls."""
    monkeypatch.setitem(other_libraries.CALLS, "numpy", calls)


ALL_HABITS = (
    habits.CLIP, habits.DIVIDE, habits.SWAP, habits.MASSES, habits.NAN_FOR_ZERO,
    habits.MEAN_OF_ROWS,
)  # fmt: skip


@pytest.mark.parametrize(
    ("behaviour", "reasons"),
    [
        (lambda p, q: special.rel_entr(p, q).sum(-1), set()),
        (lambda p, q: special.rel_entr(q, p).sum(-1), {"swap"}),
        (lambda p, q: special.rel_entr(p, q).sum(-1).mean(), {"batch mean"}),
        (lambda p, q: special.rel_entr(np.clip(p, 1e-7, 1), np.clip(q, 1e-7, 1)).sum(-1), {"clip"}),
        (lambda p, q: special.rel_entr(q.clip(1e-7), p.clip(1e-7)).sum(-1), {"swap", "clip"}),
        (lambda p, q: special.rel_entr(p, q).sum(-1) + 0.1, {"unexplained"}),
        (lambda p, q: (p * np.log2(p / q)).sum(-1), {"unexplained"}),
    ],
)
def test_reasons_follow_the_behaviour_and_not_the_name(monkeypatch, behaviour, reasons):
    imitate(monkeypatch, other_libraries.Call("f", lambda p, q, axis: behaviour(p, q), ALL_HABITS))
    p, q = rows(4, 6, 11), rows(4, 6, 12)
    q[:, 0] = 1e-9
    report = diagnose(p, q / q.sum(-1, keepdims=True), libraries=("numpy",))
    assert kinds(report.answers[0]) == reasons
    assert report.answers[0].status == ("agrees" if not reasons else "differs")


def test_a_habit_that_changes_nothing_here_is_not_named(monkeypatch):
    clipping = other_libraries.Call(
        "f", lambda p, q, axis: special.rel_entr(p.clip(1e-7), q.clip(1e-7)).sum(axis), ALL_HABITS
    )
    imitate(monkeypatch, clipping)
    assert diagnose(P, Q, libraries=("numpy",)).answers[0].reasons == ()


def test_clipped_entries_are_counted(monkeypatch):
    rng = np.random.default_rng(4)
    p, q = (rng.dirichlet(np.full(1000, 0.05), 3) for _ in range(2))
    clipping = other_libraries.Call(
        "f", lambda p, q, axis: special.rel_entr(p.clip(1e-7), q.clip(1e-7)).sum(axis), ALL_HABITS
    )
    imitate(monkeypatch, clipping)
    [reason] = diagnose(p, q, libraries=("numpy",)).answers[0].reasons
    below = (p < 1e-7).sum(), (q < 1e-7).sum()
    assert below[0] > 800
    assert reason.message == (
        f"clips {sum(below)} entries to [1e-7, 1]: {below[0]} of p below 1e-7 "
        f"and {below[1]} of q below 1e-7"
    )


def kldivloss(reduce, epsilon=0.0):
    """MXNet's KLDivLoss as its source defines it, in NumPy; 1.9.1 sums, older versions average."""

    def raw(pred, label, **_):
        pred, label = np.asarray(pred, np.float32), np.asarray(label, np.float32)
        with np.errstate(all="ignore"):
            loss = label * (np.log(label + np.float32(epsilon)) - pred)
        return reduce(loss, axis=tuple(range(1, loss.ndim)))

    return raw


def test_mean_instead_of_sum_is_measured_as_in_older_mxnet(monkeypatch):
    monkeypatch.setattr(frameworks.mxnet, "load", lambda: None)
    monkeypatch.setattr(frameworks.mxnet, "version", lambda: "mxnet 1.8.0")
    monkeypatch.setattr(frameworks.mxnet, "raw", kldivloss(np.mean, 1e-12))
    report = diagnose(BATCH_P, BATCH_Q, libraries=("mxnet",))
    found = answer(report, "mxnet", "KLDivLoss()(log q, p)")
    assert kinds(found) == {"mean"}
    assert "divides by 5" in found.reasons[0].message
    assert found.value == pytest.approx(found.expected / 5, rel=1e-5)
    assert kinds(answer(report, "mxnet", "KLDivLoss()(p, q)")) == {"log q", "mean"}
    assert kinds(answer(report, "mxnet", "KLDivLoss()(log p, q)")) == {"swap", "mean"}


#: What torch 2.13.0 answers on P3 and Q3, and what explains it.
P3, Q3 = [[0.2, 0.5, 0.3]], [[0.3, 0.4, 0.3]]
TORCH = {
    "F.kl_div(log q, p)": (0.010159584678490633, {"mean of all"}),
    "F.kl_div(log q, p, reduction='batchmean')": (0.0304787540354719, {"batchmean"}),
    "F.kl_div(log q, p, reduction='sum')": (0.0304787540354719, {"sum of all"}),
    "F.kl_div(log q, log p, log_target=True, reduction='batchmean')": (
        0.03047875403547197, {"batchmean"},
    ),
    "F.kl_div(log q, log p)": (math.nan, {"log p", "mean of all"}),
    "F.kl_div(q, p)": (-0.4598843380215245, {"log q", "mean of all"}),
    "F.kl_div(q, p, reduction='batchmean')": (-1.3796530140645735, {"log q", "batchmean"}),
    "F.kl_div(q, p, reduction='sum')": (-1.3796530140645735, {"log q", "sum of all"}),
    "F.kl_div(log p, q)": (0.010794037302255088, {"swap", "mean of all"}),
    "F.kl_div(p, q)": (-0.4796333251150746, {"log q", "mean of all"}),
    "td.kl_divergence(td.Categorical(probs=p), td.Categorical(probs=q))": (
        0.03047875403547201, set(),
    ),
}  # fmt: skip


def answers_of(library, p, q, answers, **options):
    """The reasons that are found for what calls of a library are said to have answered."""
    p, q = (np.asarray(x, dtype=float) for x in (p, q))
    exact = kl_divergence(p, q) if not options else None
    for call in other_libraries.CALLS[library]:
        if call.text in answers:
            got = np.asarray(answers[call.text])
            with np.errstate(all="ignore"):
                yield (
                    call.text,
                    explanation.explain(got, Asked(p, q), call.habits, exact, **options),
                )


def test_what_torch_was_recorded_to_answer_is_what_its_documentation_defines():
    kl, (p, q) = float(truth.kl(P3[0], Q3[0])), (P3[0], Q3[0])
    forgotten = -float(truth.entropy(p)) - math.fsum(a * b for a, b in zip(p, q, strict=True))
    swapped = -float(truth.entropy(q)) - math.fsum(a * b for a, b in zip(p, q, strict=True))
    defined = [kl / 3, kl, kl, kl, math.nan, forgotten / 3, forgotten, forgotten,
               float(truth.kl(q, p)) / 3, swapped / 3, kl]  # fmt: skip
    assert [value for value, _ in TORCH.values()] == pytest.approx(defined, rel=1e-14, nan_ok=True)
    # The two numbers people ask about, where KL is 0.0304788.
    assert f"{forgotten / 3:.4f} {forgotten:.4f} {kl:.7f}" == "-0.4599 -1.3797 0.0304788"


def test_what_torch_was_recorded_to_answer_is_explained():
    assert [call.text for call in other_libraries.CALLS["torch"]] == list(TORCH)
    recorded = {call: value for call, (value, _) in TORCH.items() if "Categorical" not in call}
    found = dict(answers_of("torch", P3, Q3, recorded))
    assert {call: {reason.kind for reason in reasons} for call, reasons in found.items()} == {
        call: TORCH[call][1] for call in recorded
    }
    forgotten, reduced = (reason.message for reason in found["F.kl_div(q, p)"])
    assert forgotten == "expects log q first: it takes q for log q"
    assert reduced == "mean instead of sum: divides the sum of all by 3"
    target = found["F.kl_div(log q, log p)"][0].message
    assert "takes log p for p, unless you pass log_target=True" in target


def test_a_mean_of_no_rows_is_0_divided_by_0():
    empty = np.empty((0, 3))
    nan = {call: math.nan for call in TORCH if "'sum'" not in call and "F." in call}
    found = dict(answers_of("torch", empty, empty, nan))
    assert len(found) == 8
    for call, [reason] in found.items():
        assert reason.message == (
            "divides the sum of all by 0, the length of axis 0 (the mean of nothing: 0/0)"
            if "batchmean" in call
            else "mean instead of sum: divides the sum of all by 0 (the mean of nothing: 0/0)"
        )
    average = {"keras.losses.KLDivergence()(p, q)": math.nan}
    [(_, [reason])] = answers_of("keras", empty, empty, average)
    assert reason.message.endswith("one number for 0 rows (the mean of nothing: 0/0)")


def kl_div_of_torch(first, second, *, call="kl_div", reduction="mean", log_target=False):
    """What torch.nn.functional.kl_div and Categorical document, in NumPy."""
    if call == "Categorical":
        p, q = (np.asarray(x) / np.sum(x, axis=-1, keepdims=True) for x in (first, second))
        return special.rel_entr(p, q).sum(-1)
    with np.errstate(all="ignore"):
        if log_target:
            loss = np.exp(second) * (second - np.asarray(first))
        else:
            loss = special.xlogy(second, second) - np.asarray(second) * first
    return {"mean": loss.mean, "sum": loss.sum, "batchmean": lambda: loss.sum() / len(loss)}[
        reduction
    ]()


def test_the_conventions_of_torch_are_recognised(monkeypatch):
    if not frameworks.torch.available():
        monkeypatch.setattr(frameworks.torch, "load", lambda: None)
        monkeypatch.setattr(frameworks.torch, "version", lambda: "torch as documented")
        monkeypatch.setattr(frameworks.torch, "raw", kl_div_of_torch)
    report = diagnose(P3, Q3, libraries=("torch",))
    assert {a.call: kinds(a) for a in report.answers} == {call: x for call, (_, x) in TORCH.items()}
    assert [a.values[0] for a in report.answers] == pytest.approx(
        [value for value, _ in TORCH.values()], rel=1e-13, nan_ok=True
    )
    report = diagnose(BATCH_P, BATCH_Q, libraries=("torch",))
    assert {a.call: kinds(a) for a in report.answers} == {call: x for call, (_, x) in TORCH.items()}
    assert report.answers[0].values == pytest.approx(
        [special.rel_entr(BATCH_P, BATCH_Q).mean()], rel=1e-6
    )
    # log q in place of q is what the call with q wants, and is nothing to complain of.
    logs = diagnose(P3, np.log(Q3), libraries=("torch",))
    assert kinds(answer(logs, "torch", "F.kl_div(q, p, reduction='sum')")) == {
        "log q", "sum of all",
    }  # fmt: skip
    assert kinds(answer(logs, "torch", "F.kl_div(log q, p, reduction='sum')")) == {
        "logarithms", "sum of all",
    }  # fmt: skip
    # Where p is 0, so is the target's exponential, and 0 * -inf is nan.
    zero = diagnose([[0, 0.5, 0.5]], [[0.2, 0.4, 0.4]], libraries=("torch",))
    log_target = answer(zero, "torch", "F.kl_div(log q, log p, log_target=True")
    assert kinds(log_target) == {"nan for p = 0", "batchmean"}


def test_torch_categorical_reads_no_log_below_that_of_its_epsilon(monkeypatch):
    # torch 2.13.0: 17.3 for a KL of 22.3, and float32 cannot tell 1e-20 from 1e-7.
    categorical = "td.kl_divergence(td.Categorical(probs=p), td.Categorical(probs=q))"
    p, q = [0.5, 0.5], [1e-20, 1.0]
    for dtype, recorded, least in (
        (np.float64, 17.32867951399863, "2.22e-16"),
        (np.float32, 7.278045177459717, "1.19e-07"),
    ):
        defined = -math.log(2) - 0.5 * math.log(np.finfo(dtype).eps)
        assert recorded == pytest.approx(defined, rel=1e-7)
        one, two = np.array(p, dtype), np.array(q, dtype)
        [call] = [c for c in other_libraries.CALLS["torch"] if c.text == categorical]
        with np.errstate(all="ignore"):
            got = np.array(recorded, dtype)
            [reason] = explanation.explain(got, Asked(one, two), call.habits, kl_divergence(p, q))
        assert reason.kind == "clamp"
        # 1 itself is above 1 - epsilon.
        assert reason.message == (
            f"clamps before the logarithm 2 entries to [{least}, 1 - {least}]: "
            f"1 of q below {least} and 1 of q above 1 - {least}"
        )
    if frameworks.torch.available():
        found = answer(diagnose(p, q, libraries=("torch",)), "torch", "td.kl_divergence")
        assert found.value == pytest.approx(17.32867951399863, rel=1e-14)
        assert kinds(found) == {"clamp"}


def test_batchmean_divides_by_the_length_of_what_stands_first():
    # torch 2.13.0: one p against a vector q of four: q's length divides, though p is a batch of 1.
    p, q = [P], Q
    defined = float(truth.kl(P, Q)) / 4
    call = "F.kl_div(log q, p, reduction='batchmean')"
    [(_, [reason])] = answers_of("torch", p, q, {call: defined})
    assert reason.message == "divides the sum of all by 4, the length of axis 0"
    if frameworks.torch.available():
        found = answer(diagnose(p, q, libraries=("torch",)), "torch", call)
        assert found.values == pytest.approx([defined])


def test_logarithms_that_are_infinite_and_products_that_are_nan_are_explained():
    p, log_q = [0.0, 0.5, 0.5], [-math.inf, math.log(0.5), math.log(0.5)]
    call = "F.kl_div(q, p, reduction='sum')"
    [(_, reasons)] = answers_of("torch", p, log_q, {call: math.nan}, faults=("logarithms",))
    # Or nan is from the log of q, if q were not taken for one: nan is nan.
    assert [reason.message for reason in reasons] == [
        "does not refuse 3 negative numbers, whose log may be where nan is from"
    ]
    [(_, reasons)] = answers_of("torch", p, [math.inf, 0.5, 0.5], {call: math.nan},
                                faults=("infinite",))  # fmt: skip
    assert [reason.message for reason in reasons] == [
        "expects log q first: it takes q for log q; 0 * inf is nan",
        "inf in 1 entry, so nan out",
    ]
    # log 1 is 0, and so is what is multiplied by log 0.
    found = dict(answers_of("torch", [1.0, 0], [0, 1.0], {"F.kl_div(log q, log p)": math.nan}))
    assert [reason.kind for reason in found["F.kl_div(log q, log p)"]] == ["log p"]
    call = "F.kl_div(log q, p, reduction='sum')"
    [(_, reasons)] = answers_of("torch", [0.0, 1], [math.inf, 1], {call: math.nan},
                                faults=("infinite",))  # fmt: skip
    assert reasons[0].message == "nan for 0 * inf, which a logarithm is"
    [(_, reasons)] = answers_of("torch", [math.inf, 1], [1.0, 1.0], {call: math.nan},
                                faults=("infinite",))  # fmt: skip
    assert [reason.kind for reason in reasons] == ["inf - inf", "infinite"]
    if frameworks.torch.available():
        report = diagnose([math.inf, 1], [2.0, 1.0], libraries=("torch",))
        assert kinds(answer(report, "torch", call)) == {"inf - inf", "infinite", "undecided"}
        assert math.isnan(answer(report, "torch", call).values[0])
        report = diagnose(p, log_q, libraries=("torch",))
        assert math.isnan(answer(report, "torch", "F.kl_div(q, p, reduction='sum'").values[0])
        assert kinds(answer(report, "torch", "F.kl_div(q, p, reduction='sum'")) == {"logarithms"}


# What the answer cannot tell, a reason does not claim


@pytest.mark.parametrize(("p", "q"), [([2, 2], [4, 0]), ([1, 1, 1], [1, 1, 1])])
def test_an_answer_that_is_the_same_either_way_is_not_said_to_leave_the_sums_as_they_are(p, q):
    value = float(kl_divergence(p, q, normalize=True))
    assert value in (0, math.inf)
    for found in diagnose(p, q).answers:
        assert found.values == (value,)
        [reason] = found.reasons
        assert reason.kind == "undecided"
        assert reason.message == (
            f"the same with or without dividing by the sums: p sums to {sum(p)}, q sums to {sum(q)}"
        )
    categorical = "td.kl_divergence(td.Categorical(probs=p), td.Categorical(probs=q))"
    [(_, [reason])] = answers_of("torch", p, q, {categorical: value}, faults=("sum",))
    assert reason.kind == "undecided"


def test_sums_that_are_lost_in_rounding_are_not_said_to_matter():
    # Sums of 1 + 2e-6 move KL by 2e-6 of it, which an answer in float16 cannot tell.
    p, q = np.array(P3[0]) * (1 + 2e-6), np.array(Q3[0]) * (1 + 2e-6)
    kl = float(truth.kl(P3[0], Q3[0]))
    for dtype, value, kind in ((float, kl * (1 + 2e-6), "sum"), (np.float16, kl, "undecided")):
        call = {"scipy.special.rel_entr(p, q).sum(axis={axis})": np.array(value, dtype)}
        [(_, [reason])] = answers_of("scipy", p, q, call, faults=("sum",))
        assert reason.kind == kind


def test_nan_is_blamed_on_a_negative_number_only_where_that_number_makes_it():
    # The log of a quotient of two negative numbers is a number: nan is from the other row.
    report = diagnose([[-0.5, 1.5], [0, 1]], [[-0.5, 1.5], [0, 1]], libraries=("numpy",))
    found = {reason.kind: reason.message for reason in report.answers[0].reasons}
    assert set(found) == {"nan for p = 0", "quotient", "negative"}
    assert found["negative"] == "does not refuse 2 negative numbers"
    assert found["quotient"] == (
        "takes the log of p / q, which is positive where both are negative: 1 entry (index 0, 0)"
    )
    alone = diagnose([-0.5, 1.5], [0.5, 0.5], libraries=("numpy",)).answers[0].reasons
    assert [reason.message for reason in alone] == ["nan from log of 1 negative number"]


def test_a_nan_that_hides_whether_keras_clips_is_blamed_on_nan_alone():
    p, q = [[-0.1, 1.1], [0.5, 0.5]], [[0.5, 0.5], [math.nan, 0.5]]
    calls = {"keras.losses.KLDivergence()(p, q)": math.nan}
    [(_, reasons)] = answers_of("keras", p, q, calls, faults=("negative", "nan"))
    assert [reason.message for reason in reasons] == [
        "averages over the batch: one number for 2 rows",
        "does not refuse 1 negative number",
        "nan in 1 entry, so nan out",
    ]


def test_a_nan_with_two_possible_causes_is_pinned_on_neither():
    # p is 0 beside q of 0, and q has a negative number: NumPy gives nan for either.
    report = diagnose([1, 0, 0], [1.5, 0, -0.5], libraries=("numpy",))
    [reason] = report.answers[0].reasons
    assert reason.kind == "negative"
    assert reason.message == (
        "does not refuse 1 negative number, whose log may be where nan is from"
    )


def test_inf_in_inf_out_and_inf_that_is_clipped():
    p, q = [math.inf, 1], [0.5, 0.5]
    report = diagnose(p, q)
    assert [a.reasons[-1].message for a in report.answers] == [
        "inf in 1 entry, so inf out", "inf in 1 entry, so inf out",
        "inf in 1 entry, so nan out", "inf in 1 entry, so nan out",
    ]  # fmt: skip
    call = "keras.losses.kl_divergence(p, q)"
    [(_, reasons)] = answers_of("keras", p, q, {call: 2 * math.log(2)}, faults=("infinite",))
    assert [reason.message for reason in reasons] == [
        "clips 1 entry to [1e-7, 1]: 1 of p above 1", "inf in 1 entry does not stop it",
    ]  # fmt: skip


def test_a_negative_zero_in_q_is_the_cause_of_nan():
    report = diagnose([0.5, 0.5], [1, -0.0], libraries=("numpy",))
    assert math.isnan(report.answers[0].value)
    [reason] = report.answers[0].reasons
    assert (reason.kind, reason.message) == (
        "quotient", "p / q is -inf, and its log nan, where q is -0.0: 1 entry (index 1)",
    )  # fmt: skip


def test_float32_comes_before_dividing_and_a_label_is_all_that_loses():
    p, q = [1e-40, 3e-40], [1e-50, 1e-40]  # 1e-50 is 0 in float32
    one_hot = other_libraries.CALLS["tfp"][1].text
    [(_, reasons)] = answers_of("tfp", p, q, {one_hot: np.float32(math.inf)}, faults=("sum",))
    assert [reason.kind for reason in reasons] == ["float32", "undecided"]
    assert reasons[0].message == "reads float32, where 0 of p and 1 of q become 0"
    label = habits.Q_IN_FLOAT32.says(Asked(np.array(p), np.array(q)), -1)
    assert label == "reads q as float32, where 1 of q become 0"
    assert habits.P_IN_FLOAT32.says(Asked(np.array(p), np.array(q)), -1) == "reads p as float32"


def test_an_answer_among_the_smallest_numbers_of_float32_is_known_to_one_of_them():
    p, q = [1e-46, 1e-46], [1e-55, 1e-55]
    value = 2e-46 * math.log(1e9)
    got = np.float32(value)
    assert abs(float(got) / value - 1) > 1e-3
    [(_, [reason])] = answers_of(
        "scipy", p, q, {"scipy.special.rel_entr(p, q).sum(axis={axis})": got}, faults=("sum",)
    )
    assert reason.kind == "sum"


def test_masses_and_sums_are_both_named_where_both_matter():
    report = diagnose([0.5, 0.5], [0.3, 0.3], normalize=True, libraries=("scipy",))
    found = answer(report, "scipy", "scipy.special.kl_div")
    assert found.value == pytest.approx(math.log(0.5 / 0.3) - 0.4)
    assert kinds(found) == {"masses", "sum"}


# Two numbers that are said to differ read so


def test_numbers_that_differ_are_shown_with_the_digits_that_tell(monkeypatch):
    # 0.0230883 both, to six digits.
    rounding = Rounding("float32", (), 0.0230883451, 0.0230883057, 1.7e-6, 0)
    note = measures._cancellation(rounding, np.array(rounding.exact))
    assert "gives 0.02308835 nats instead of 0.02308831, off by 0.00017 %" in note
    # An answer that differs from KL is not written as KL is.
    p, q = P3[0], Q3[0]
    exact = float(truth.kl(p, q))
    off = exact * (1 + 2e-6)
    assert f"{exact:.6g}" == f"{off:.6g}" != f"{off:.7g}"
    imitate(monkeypatch, other_libraries.Call("f", lambda p, q, axis: off + 0 * p[..., 0]))
    assert f"      {off:.7g}: no habit" in str(diagnose(p, q, libraries=("numpy",)))
    batch = str(diagnose(P3, Q3, libraries=("numpy",)))
    assert f"row 0: {off:.7g}, not {exact:.7g}: no" in batch


def test_sums_that_are_not_1_do_not_read_1():
    q = np.array([0.5, 0.5 + 2e-9])
    report = diagnose([0.5, 0.5], q, libraries=("numpy",))
    [note] = [n.message for n in report.notes if n.kind == "sum"]
    assert "q sums to 1.000000002, as float64 may" in note
    [reason] = report.answers[0].reasons
    assert reason.kind == "sum"
    assert reason.message == "does not divide by the sums: p sums to 1, q sums to 1.000000002"


def test_a_library_that_refuses_is_quoted(monkeypatch):
    def refusing(p, q, axis):
        raise ValueError("no distribution\nsecond line")

    imitate(monkeypatch, other_libraries.Call("f", refusing))
    [found] = diagnose(P, Q, libraries="numpy").answers
    assert (found.status, found.message) == ("refuses", "ValueError: no distribution")


def test_of_an_error_that_begins_with_a_traceback_its_message_is_quoted(monkeypatch):
    class MXNetError(Exception):
        pass

    def refusing(p, q, axis):
        raise MXNetError(
            'Traceback (most recent call last):\n  File "a.cc", line 170\nMXNetError: no shape.'
        )

    imitate(monkeypatch, other_libraries.Call("f", refusing))
    [found] = diagnose(P, Q, libraries="numpy").answers
    assert found.message == "MXNetError: no shape."


def test_a_library_that_is_missing_or_unknown_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    missing, unknown = diagnose(P, Q, libraries=("scipy", "scikit")).answers
    assert missing.status == "missing"
    assert missing.message == ('kl_lib.frameworks.scipy needs scipy: pip install "kl-lib[scipy]"')
    assert (unknown.status, unknown.library) == ("unknown", "scikit")
    assert "known are numpy, scipy, keras, tfp, mxnet, torch" in unknown.message


def test_no_library_is_asked_unless_named():
    assert diagnose(P, Q, libraries=()).answers == ()
    assert {a.library for a in diagnose(P, Q).answers} == {"numpy", "scipy"}


def needs(name):
    return pytest.mark.skipif(
        not getattr(frameworks, name).available(), reason=f"{name} is not installed"
    )


@needs("keras")
def test_keras_is_asked_and_its_clipping_explained():
    import keras

    report = report_of("clipped")
    found = answer(report, "keras", "keras.losses.kl_divergence(p, q)")
    p, q = np.array([0.5, 0.5]), np.array([1e-10, 1 - 1e-10])
    assert found.value == float(keras.losses.kl_divergence(p, q))
    assert found.value == pytest.approx(7.36590, abs=1e-5)  # NUMERICS: q with 1e-10
    assert found.expected == pytest.approx(10.81978, abs=1e-5)
    assert kinds(found) == {"clip"}
    assert "1 of q below 1e-7" in found.reasons[0].message
    # Counts: everything is above 1, so everything is clipped to 1.
    counts = answer(report_of("counts", libraries=("keras",)), "keras", "keras.losses.kl_div")
    assert counts.values == (0.0,)
    assert "clip" in kinds(counts)
    # The class averages; on axis 0 the function still sums over the last.
    batch = diagnose(BATCH_P, BATCH_Q, libraries=("keras",))
    average = answer(batch, "keras", "keras.losses.KLDivergence")
    assert average.values == pytest.approx([float(keras.losses.KLDivergence()(BATCH_P, BATCH_Q))])
    assert kinds(average) == {"batch mean"}
    assert "one number for 30 rows" in average.reasons[0].message
    turned = report_of("axis 0", libraries=("keras",))
    assert kinds(answer(turned, "keras", "keras.losses.kl_div")) == {"last axis"}


@needs("tfp")
def test_tfp_is_asked_and_its_nan_and_its_normalising_explained():
    import tensorflow_probability as tfp

    tfd = tfp.distributions
    p, q, _, _ = CLASSES["zero in both"]
    report = report_of("zero in both", libraries=("tfp",))
    exact, one_hot = report.answers
    assert exact.status == "agrees"
    direct = tfd.kl_divergence(
        tfd.Categorical(probs=np.array(p)), tfd.Categorical(probs=np.array(q))
    )
    assert exact.value == float(direct)
    assert math.isnan(one_hot.value)
    assert kinds(one_hot) == {"nan for p = 0"}
    counts = report_of("counts", libraries=("tfp",))
    assert [kinds(a) for a in counts.answers] == [{"divide"}, {"divide"}]
    assert counts.answers[0].values == pytest.approx([KL])


@needs("mxnet")
def test_mxnet_is_asked_and_expects_log_q_first():
    mx = frameworks.mxnet.load()
    p, q = np.array([P, Q]), np.array([Q, P])
    report = diagnose(p, q, libraries=("mxnet",))
    right = answer(report, "mxnet", "KLDivLoss()(log q, p)")
    assert right.status == "agrees"
    forgotten = answer(diagnose(P3, Q3, libraries=("mxnet",)), "mxnet", "KLDivLoss()(q, p)")
    assert forgotten.value == pytest.approx(-1.379653, abs=1e-6)
    assert forgotten.value == float(
        mx.gluon.loss.KLDivLoss()(mx.nd.array(Q3), mx.nd.array(P3)).asscalar()
    )
    assert [reason.message for reason in forgotten.reasons] == [
        "expects log q first: it takes q for log q"
    ]
    wrong = answer(report, "mxnet", "KLDivLoss()(p, q)")
    loss = mx.gluon.loss.KLDivLoss()
    assert wrong.values == tuple(float(x) for x in loss(mx.nd.array(p), mx.nd.array(q)).asnumpy())
    assert kinds(wrong) == {"log q"}
    assert "expects log q first" in wrong.reasons[0].message
    swapped = answer(report, "mxnet", "KLDivLoss()(log p, q)")
    assert swapped.value == pytest.approx(kl_divergence(q, p)[swapped.row], rel=1e-6)
    assert kinds(swapped) == {"swap"}
    # A vector is a batch of single categories, and both zero is nan.
    vector = report_of("zero in both", libraries=("mxnet",))
    assert kinds(answer(vector, "mxnet", "KLDivLoss()(log q, p)")) == {
        "other axes", "nan for p = q = 0",
    }  # fmt: skip


# Shown


@pytest.mark.parametrize("name", ["fine", "counts", "infinite", "one infinite row"])
def test_a_notebook_shows_tables_that_need_nothing_else(name):
    report = quick(name)
    page = BeautifulSoup(report._repr_html_(), "html.parser")
    assert page.find_all(["script", "style", "link", "img", "iframe"]) == []
    assert not re.search(r"https?:|url\(", report._repr_html_())
    assert report.verdict in page.get_text()
    for table in page.find_all("table"):
        assert table.caption.get_text()
        assert all(th["scope"] in ("col", "row") for th in table.find_all("th"))
        assert all(th.get_text() for th in table.find_all("th"))
        width = len(table.thead.find_all(["th", "td"]))
        assert {len(tr.find_all(["th", "td"])) for tr in table.tbody.find_all("tr")} == {width}
    [box] = page.find_all("div")
    assert box["aria-label"].endswith(report.verdict)


def squeeze(text):
    return re.sub(r"[\s─]+", "", text)


@pytest.mark.parametrize("name", ["fine", "counts", "infinite", "one infinite row"])
def test_text_html_and_rich_say_the_same(name):
    from rich.console import Console

    report = quick(name)
    console = Console(width=80, record=True, file=open("/dev/null", "w"), color_system=None)  # noqa: SIM115
    console.print(report)
    rich_text = console.export_text()
    html_text = BeautifulSoup(report._repr_html_(), "html.parser").get_text()
    assert max(map(len, rich_text.splitlines())) <= 80
    for measure in report.measures:
        for text in (str(report), rich_text, html_text):
            assert f"{measure.nats:.6g}" in text
    for message in [x.message for x in (*report.problems, *report.remedies, *report.notes)]:
        for text in (str(report), rich_text, html_text):
            assert squeeze(message) in squeeze(text.replace("\n    ", " "))


def test_what_comes_from_the_input_is_escaped():
    html = diagnose(["<script>alert(1)</script>"], Q)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_diagnose_needs_numpy_alone_and_by_default_scipy():
    code = (
        "import sys\n"
        "from kl_lib import diagnose\n"
        "str(diagnose([.5, .5], [.9, .1], libraries=('numpy',)))\n"
        "heavy = {'scipy', 'rich', 'typer', 'tensorflow', 'keras', 'mxnet', 'torch', 'pandas'}\n"
        "print(*sorted(heavy & {*sys.modules}))\n"
        "str(diagnose([.5, .5], [.9, .1]))\n"
        "print(*sorted(heavy & {*sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["", "scipy"]
