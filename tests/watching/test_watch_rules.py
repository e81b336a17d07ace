"""Each rule on numbers alone: the wrong call is found with its code, the right one is clean."""

import math

import numpy as np
import pytest
from kl_calls import KL, LOGITS, P, Q, softmax

from kl_lib.watching.judging.arguments import Argument, lines
from kl_lib.watching.judging.arrays import of_arrays
from kl_lib.watching.judging.asked import Asked

TORCH = {"p_name": "target", "q_name": "input", "q_holds": "logarithms", "divides_by": "axis 0"}


def argument(values, dtype="float64", requires_grad=False):
    values = np.asarray(values, dtype=float)
    parts = {axis: values[index] for axis, index in lines(values.shape).items()}
    return Argument(values.shape, dtype, parts, requires_grad)


def seen(p, q, result=0.5, *, dtype="float64", requires_grad=False, **asked):
    given = argument(p, dtype, requires_grad), argument(q, dtype), argument(result)
    return of_arrays(Asked("call", **asked), *given)


def codes(p, q, result=0.5, **asked):
    return [finding.code for finding in seen(p, q, result, **asked).findings]


WRONG = {
    101: (P, Q, {}),
    102: (np.log(P), np.log(Q), {}),
    103: (P, np.log(Q), {"p_holds": "logarithms"}),
    104: (np.log(P), Q, {}),
    106: (P, Q, {"q_holds": "logits", "axes": (-1,)}),
    107: (P / 2 + 0.3, np.log(Q / 3 + 0.2), {}),
    111: (P, np.log(Q), {"divides_by": "elements"}),
    115: (P.T, np.log(Q).T, {}),
    151: (P, np.log(Q), {"deprecated": ("reduce",)}),
    301: (P, LOGITS, {}),
    302: (3 * P, np.log(Q), {}),
    303: (P, np.log(softmax(LOGITS, 0)), {}),
    304: (P[:, None], np.log(Q), {}),
}


@pytest.mark.parametrize("code", WRONG)
def test_each_mistake_is_found_and_nothing_else(code):
    p, q, asked = WRONG[code]
    assert codes(p, q, **{**TORCH, **asked}) == [code]


@pytest.mark.parametrize("code", WRONG)
def test_each_message_is_short_with_one_remedy(code):
    p, q, asked = WRONG[code]
    [finding] = seen(p, q, **{**TORCH, **asked}).findings
    assert str(finding).startswith(f"KLD{code} ")
    assert str(finding).count("; ") == 1
    assert len(str(finding)) <= 240


RIGHT = {
    "logarithms": (P, np.log(Q), TORCH),
    "log target": (np.log(P), np.log(Q), {**TORCH, "p_holds": "logarithms"}),
    "one-hot": (np.eye(5)[[0, 1, 4]], np.log(Q[:3]), TORCH),
    "one-hot log target": (
        np.log(np.eye(5)[[0, 1, 4]] + 1e-300),
        np.log(Q[:3]),
        {**TORCH, "p_holds": "logarithms"},
    ),
    "one p for all": (P[0], np.log(Q), TORCH),
    "a mask has emptied rows": (P * np.array([[1], [0]] * 4), np.log(Q), TORCH),
    "eps in the logarithm": (P, np.log(Q + 1e-8), TORCH),
    "classes on axis 1 of images": (
        softmax(RANDOM_4D := np.random.default_rng(0).normal(size=(2, 5, 3, 4)), 1),
        np.log(softmax(-RANDOM_4D, 1)),
        TORCH,
    ),
    "one distribution over rows and columns": (
        P[None] / 8,
        np.log(Q[None] / 8),
        TORCH,
    ),
    "sum of a vector": (P[0], np.log(Q[0]), {**TORCH, "divides_by": None}),
    "probabilities": (P, Q, {"axes": (-1,), "clip": 1e-7}),
    "counts": (P * 20, Q * 30, {"axes": (-1,), "normalizes": True}),
    "columns": (P.T, Q.T, {"axes": (-2,), "normalizes": True, "left_axis": True}),
    "masses": (P * 20, Q * 30, {"masses": True, "entries": True}),
    "logits": (P, LOGITS, {"q_holds": "logits", "axes": (-1,)}),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_call_is_clean(name):
    p, q, asked = RIGHT[name]
    result = np.full(np.shape(q), 0.1) if asked.get("entries") else 0.5
    assert codes(p, q, result, **asked) == []


@pytest.mark.parametrize("code", [101, 102, 103, 106, 111, 115, 151, 301, 302])
def test_the_value_that_was_meant_is_that_of_p_and_q(code):
    p, q, asked = WRONG[code]
    meant = seen(p, q, **{**TORCH, **asked})
    assert math.isclose(meant.kl, KL, rel_tol=1e-9)
    assert meant.rows == 8


def test_of_swapped_arguments_the_second_holds_the_approximation():
    meant = seen(np.log(P), Q, **TORCH)
    assert math.isclose(meant.kl, (Q * np.log(Q / P)).sum() / 8, rel_tol=1e-9)


@pytest.mark.parametrize(("first", "held"), [(LOGITS, "logits"), (np.log(Q), "logarithms")])
def test_logits_in_the_place_of_probabilities_and_the_other_way_round_are_swapped(first, held):
    swapped = seen(first, P, q_name="logits", q_holds="logits", axes=(-1,))
    [finding] = swapped.findings
    assert (finding.code, finding.message) == (104, f"logits holds probabilities and p {held}")
    assert math.isclose(swapped.kl, KL, rel_tol=1e-9)  # Q is the softmax of LOGITS


def test_a_call_that_checks_shapes_may_broadcast_both():
    asked = {"q_holds": "logits", "axes": (-1,)}
    pairs = np.full((8, 8), 0.5)
    assert codes(P[:, None], LOGITS[None], pairs, **asked) == [304]
    right = seen(P[:, None], LOGITS[None], pairs, checks_shapes=True, **asked)
    assert right.findings == ()
    each = (P[:, None] * np.log(P[:, None] / Q)).sum(axis=-1)
    assert (right.rows, math.isclose(right.kl, each.mean(), rel_tol=1e-9)) == (64, True)


def test_of_logits_an_infinite_result_comes_from_a_mask():
    masked = np.where(np.arange(5) == 0, -np.inf, LOGITS)
    [finding] = seen(P, masked, np.inf, q_holds="logits", axes=(-1,)).findings
    assert (finding.code, finding.remedy) == (313, "mask logits with -inf only where p is 0")


@pytest.mark.parametrize(
    ("result", "code"), [(np.nan, 312), (np.inf, 313), (-0.1, 311), ([0.1, -0.2], 311)]
)
def test_a_result_that_no_divergence_has_is_found(result, code):
    assert codes(P, np.log(Q), result, **TORCH) == [code]


def test_rounding_below_zero_is_no_finding():
    assert codes(P, np.log(P), -1e-6, dtype="float32", **TORCH) == []
    assert codes(P, np.log(P), -1e-6, dtype="float64", **TORCH) == [311]


def test_a_result_that_is_wrong_beside_a_mistake_points_to_the_mistake():
    [_, negative] = seen(P, Q, -1.0, **TORCH).findings
    assert negative.remedy == "mend KLD101 first"


def test_a_term_may_be_negative_where_the_result_has_one_for_each_category():
    terms = P * np.log(P / Q)
    assert (terms < 0).any()
    found = seen(P, np.log(Q), terms, **{**TORCH, "divides_by": None, "entries": True})
    assert found.findings == ()
    assert math.isclose(found.gave, KL, rel_tol=1e-12)


def test_a_target_that_requires_a_gradient_is_a_note():
    [note] = seen(P, np.log(Q), requires_grad=True, **TORCH).findings
    assert (note.code, note.level) == (305, "note")


def test_the_mean_is_said_to_be_off_by_the_number_of_categories():
    [finding] = seen(P, np.log(Q), KL / 5, **{**TORCH, "divides_by": "elements"}).findings
    assert "all 40 elements" in finding.message
    assert "by the 5 categories" in finding.message


def test_batchmean_of_one_distribution_divides_it_by_its_length():
    [finding] = seen(P[0], np.log(Q[0]), **TORCH).findings
    assert (finding.code, finding.remedy) == (115, 'pass reduction="sum"')


def test_scipy_sums_over_rows_that_are_distributions():
    asked = {"axes": (-2,), "normalizes": True, "left_axis": True}
    assert codes(P, Q, **asked) == [201]
    assert math.isclose(seen(P, Q, **asked).kl, KL, rel_tol=1e-9)


def test_tables_whose_rows_and_columns_both_sum_to_1_leave_scipy_its_axis():
    p, q = np.full((3, 3), 1 / 3), np.eye(3) * 0.4 + 0.2
    assert codes(p, q, axes=(-2,), normalizes=True, left_axis=True) == []


def test_one_input_against_a_batch_of_targets_is_divided_by_the_wrong_number():
    assert codes(P, np.log(Q[0]), **TORCH) == [115, 304]
    assert codes(P, np.log(Q[0]), **{**TORCH, "divides_by": None}) == []


def test_without_an_axis_in_common_nobody_can_say_the_value():
    found = seen(P, np.log(softmax(LOGITS, 0)), **TORCH)
    assert (found.kl, found.rows) == (None, 0)


def test_terms_of_masses_may_be_negative():
    p, q = 20 * P, 30 * Q + 1
    terms = p * np.log(p / q)
    assert (terms < 0).any()
    assert codes(p, q, terms, masses=True, entries=True) == []
    assert codes(p, q, np.abs(terms) * np.inf, masses=True, entries=True) == [313]


def test_clipping_is_noted_where_it_changes_the_value():
    asked = {"axes": (-1,), "clip": 1e-7}
    [note] = seen([[1.0, 0.0]], [[0.0, 1.0]], 16.1, **asked).findings
    assert (note.code, note.level) == (309, "note")
    assert "gives 16.12, its KL is infinite" in note.message  # log(1e7) = 16.118
    tiny = 1e-9
    [note] = seen([[1.0, 0.0]], [[tiny, 1 - tiny]], 16.1, **asked).findings
    assert "gives 16.12, its KL is 20.72" in note.message  # log(1e9) = 20.723
    assert codes([[1.0, 0.0]], [[0.9, 0.1]], 0.1, **asked) == []


def test_a_call_that_sums_over_the_last_axis_wants_the_categories_there():
    assert codes(P.T, Q.T, axes=(-1,)) == [303]


def test_class_labels_beside_rows_of_categories_are_one_finding():
    assert codes(np.arange(8.0)[:, None] % 5, Q, axes=(-1,), clip=1e-7) == [304]


def test_a_column_against_a_row_is_broadcast_by_accident():
    asked = {"masses": True, "entries": True}
    assert codes(P[0][:, None], Q[0], np.ones((5, 5)), **asked) == [304]


def test_logits_of_a_half_precision_network_are_allowed_their_rounding():
    half = np.log(Q).astype(np.float16).astype(float)
    assert codes(P, half, dtype="float16", **TORCH) == []


def test_a_large_argument_is_judged_by_lines_along_each_axis():
    random = np.random.default_rng(1)
    p, q = (softmax(random.normal(size=(3000, 50))) for _ in range(2))
    large = argument(q)
    assert not large.whole
    assert sum(part.size for part in large.parts.values()) <= 2**16
    assert codes(p, np.log(q), **TORCH) == []
    assert codes(p, q, **TORCH) == [101]
    assert codes(p.T, np.log(q).T, **TORCH) == [115]
    found = seen(p, np.log(q), **TORCH)
    exact = (p * np.log(p / q)).sum(axis=-1)[: found.rows].mean()
    assert 0 < found.rows < 3000
    assert math.isclose(found.kl, exact, rel_tol=1e-9)


def test_what_holds_no_numbers_at_all_is_no_crash():
    assert codes(np.full((2, 3), np.nan), np.log(Q[:2, :3]), np.nan, **TORCH)
    codes(np.empty((0, 3)), np.empty((0, 3)), 0.0, **TORCH)
    codes(0.5, -0.7, 0.1, **TORCH)
