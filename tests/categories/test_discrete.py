"""The discrete divergences against high precision, SciPy and values worked out by hand."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats
import truth
from hypothesis import given
from hypothesis import strategies as st

import kl_lib as kl
from kl_lib import checks

P = [0.2, 0.5, 0.2, 0.1]
Q = [0.3, 0.4, 0.1, 0.2]


def random_rows(seed, count, categories, concentration=1.0):
    return np.random.default_rng(seed).dirichlet(np.full(categories, concentration), size=count)


# Published and hand-worked values


def test_the_cats_and_dogs_of_the_source_cost_0_3219_and_2_3219_and_0_bits():
    dog = [1.0, 0.0]
    assert kl.kl_divergence(dog, [0.8, 0.2], base=2) == pytest.approx(-math.log2(0.8), rel=1e-15)
    assert kl.kl_divergence(dog, [0.2, 0.8], base=2) == pytest.approx(-math.log2(0.2), rel=1e-15)
    assert kl.kl_divergence(dog, dog, base=2) == 0


def test_the_coins_of_the_source():
    fair, unfair = [0.5, 0.5], [0.99, 0.01]
    assert kl.kl_divergence(fair, unfair) == pytest.approx(1.6144631, abs=1e-6)
    assert kl.kl_divergence(unfair, fair) == pytest.approx(0.6371457, abs=1e-6)


def test_entropy_of_a_uniform_distribution_is_log_k():
    for k in (1, 2, 7, 1000):
        assert kl.entropy(np.full(k, 1 / k)) == pytest.approx(math.log(k), abs=1e-12)
    assert kl.entropy([0.5, 0.25, 0.125, 0.125], base=2) == 1.75


def test_mutual_information_of_a_noisy_channel_is_one_minus_the_entropy_of_the_noise():
    flip = 0.11
    joint = np.array([[1 - flip, flip], [flip, 1 - flip]]) / 2
    expected = 1 - kl.entropy([flip, 1 - flip], base=2)
    assert kl.mutual_information(joint, base=2) == pytest.approx(expected, rel=1e-13)
    off = kl.mutual_information(joint * (1 + 9e-7), base=2)
    assert off == pytest.approx(expected, rel=1e-13)
    assert kl.mutual_information(joint.astype(np.float32)).dtype == np.float32
    with pytest.raises(kl.DistributionError, match=r"^joint is complex"):
        kl.mutual_information(joint.astype(complex))


def test_mutual_information_takes_a_batch_of_tables_on_the_last_two_axes():
    tables = random_rows(0, 6, 12).reshape(2, 3, 3, 4)
    batch = kl.mutual_information(tables)
    assert batch.shape == (2, 3)
    one = tables[1, 2]
    outer = np.outer(one.sum(axis=1), one.sum(axis=0))
    assert batch[1, 2] == pytest.approx(scipy.special.rel_entr(one, outer).sum(), rel=1e-12)


# Against high precision


@pytest.mark.parametrize("concentration", [0.05, 1.0, 50.0])
def test_all_measures_agree_with_high_precision(concentration):
    p, q = (random_rows(seed, 20, 9, concentration) for seed in (1, 2))
    q = np.maximum(q, 1e-300)
    q /= q.sum(axis=-1, keepdims=True)
    for row in range(20):
        pair = p[row], q[row]
        assert truth.relative_error(kl.kl_divergence(*pair), truth.kl(*pair)) < 1e-13
        assert truth.relative_error(kl.cross_entropy(*pair), truth.cross_entropy(*pair)) < 1e-13
        assert truth.relative_error(kl.js_divergence(*pair), truth.js(*pair)) < 1e-13
        assert truth.relative_error(kl.entropy(p[row]), truth.entropy(p[row])) < 1e-13


@pytest.mark.parametrize("step", [1e-2, 1e-4, 1e-6, 1e-8])
def test_close_distributions_keep_their_digits(step):
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(100))
    q = p * (1 + step * rng.standard_normal(100))
    q /= q.sum()
    assert truth.relative_error(kl.kl_divergence(p, q), truth.kl(p, q)) < 1e-12
    assert truth.relative_error(kl.js_divergence(p, q), truth.js(p, q)) < 1e-10


def test_the_usual_sum_loses_those_digits():
    """The reason for the form used: if this stops failing for NumPy, simplify."""
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(100))
    q = p * (1 + 1e-8 * rng.standard_normal(100))
    q /= q.sum()
    assert truth.relative_error(np.sum(p * np.log(p / q)), truth.kl(p, q)) > 1e-3


def test_rows_that_sum_to_almost_one_give_the_kl_of_the_rows_divided_by_their_sums():
    p, q = np.array(P) * (1 + 9e-7), np.array(Q) * (1 - 9e-7)
    assert truth.relative_error(kl.kl_divergence(p, q), truth.kl(p, q)) < 1e-13
    assert kl.kl_divergence(p, np.array(P)) < 1e-16
    assert truth.relative_error(kl.cross_entropy(p, q), truth.cross_entropy(p, q)) < 1e-13
    assert truth.relative_error(kl.entropy(p), truth.entropy(p)) < 1e-13
    assert kl.kl_terms(p, q).sum() == pytest.approx(kl.kl_divergence(p, q), rel=1e-12)


def test_tiny_and_subnormal_probabilities():
    p = np.array([1 - 2e-300, 1e-300, 1e-300, 5e-324])
    q = np.array([0.5, 0.5, 5e-324, 1e-310])
    assert truth.relative_error(kl.kl_divergence(p, q), truth.kl(p, q)) < 1e-14
    q_steep = np.array([5e-324, 1.0, 0.0, 0.0])
    p_steep = np.array([1.0, 0.0, 0.0, 0.0])
    exact = truth.kl(p_steep, q_steep)
    assert truth.relative_error(kl.kl_divergence(p_steep, q_steep), exact) < 1e-14


# Zeros


def test_zeros_follow_the_limits():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kl.kl_divergence([0, 1], [0.5, 0.5]) == pytest.approx(math.log(2))
        assert kl.kl_divergence([0.5, 0.5], [0, 1]) == math.inf
        assert kl.kl_divergence([0, 0.5, 0.5], [0, 0.25, 0.75]) == pytest.approx(
            kl.kl_divergence([0.5, 0.5], [0.25, 0.75]), rel=1e-15
        )
        assert kl.cross_entropy([0.5, 0.5], [0, 1]) == math.inf
        assert kl.cross_entropy([0, 1], [0, 1]) == 0
        assert kl.entropy([0, 1]) == 0
        assert kl.js_divergence([1, 0], [0, 1]) == pytest.approx(math.log(2), rel=1e-15)
        assert kl.kl_terms([0, 0.5, 0.5], [0, 0, 1.0]).tolist() == [
            0,
            math.inf,
            0.5 * math.log(0.5),
        ]
        assert kl.total_variation([1, 0], [0, 1]) == 1
        assert kl.kl_terms([0, 1], [0.5, 0.5]).tolist() == [0, math.log(2)]
        assert kl.kl_terms([[0, 1], [1, 0]], [[1, 0]]).tolist() == [[0, math.inf], [0, 0]]


def test_what_can_be_at_most_one_is_not_more_by_rounding():
    p = random_rows(26, 200, 14) * ([0, 1] * 7)
    q = random_rows(27, 200, 14) * ([1, 0] * 7)
    p, q = (x / x.sum(axis=-1, keepdims=True) for x in (p, q))
    gaps = np.abs(p - q).sum(axis=-1)
    assert gaps.max() > 2  # so that the limit is what holds
    assert kl.total_variation(p, q).max() == 1
    assert kl.total_variation(p, q).min() > 1 - 1e-15
    assert kl.js_divergence(p, q, base=2).max() <= 1


def test_equal_distributions_give_exactly_zero():
    for p in random_rows(4, 20, 7):
        assert kl.kl_divergence(p, p) == 0
        assert kl.js_divergence(p, p) == 0
        assert kl.kl_divergence(3 * p, p, normalize=True) < 1e-30


# Options


def test_base_changes_the_unit_and_nothing_else():
    nats = kl.kl_divergence(P, Q)
    assert kl.kl_divergence(P, Q, base=2) == pytest.approx(nats / math.log(2), rel=1e-15)
    assert kl.kl_divergence(P, Q, base=math.e) == pytest.approx(nats, rel=1e-15)
    assert kl.kl_divergence(P, Q, base=10) == pytest.approx(nats / math.log(10), rel=1e-15)
    assert kl.kl_divergence(P, Q, base=0.5) == pytest.approx(-nats / math.log(2), rel=1e-15)


def test_normalize_takes_counts():
    counts_p, counts_q = [2, 5, 2, 1], [3, 4, 1, 2]
    expected = kl.kl_divergence(P, Q)
    assert kl.kl_divergence(counts_p, counts_q, normalize=True) == pytest.approx(expected)
    assert kl.cross_entropy(counts_p, counts_q, normalize=True) == pytest.approx(
        kl.cross_entropy(P, Q)
    )
    assert kl.entropy(counts_p, normalize=True) == pytest.approx(kl.entropy(P))
    huge = np.array([1e308, 1e308, 1e308])
    assert kl.entropy(huge, normalize=True) == pytest.approx(math.log(3))


def test_a_share_too_small_for_a_float_still_counts_in_its_logarithm():
    p, q = [3, 1], [1e300, 1e-300]
    surprise = 600 * math.log(10)  # of a share of 1e-600
    expected = 0.25 * surprise - kl.entropy(p, normalize=True)
    assert kl.cross_entropy(p, q, normalize=True) == pytest.approx(0.25 * surprise, rel=1e-14)
    assert kl.kl_divergence(p, q, normalize=True) == pytest.approx(expected, rel=1e-14)
    assert kl.kl_terms(p, q, normalize=True) == pytest.approx(
        [0.75 * math.log(0.75), 0.25 * (math.log(0.25) + surprise)], rel=1e-14
    )
    matrix = kl.kl_matrix([p, [1, 0]], [q, [1, 1]], normalize=True)
    assert matrix[:, 0].tolist() == pytest.approx([expected, 0], rel=1e-14)
    # A share of p that has underflowed is still one that q must not rule out.
    for measure in (kl.cross_entropy, kl.kl_divergence):
        assert measure(q, [1, 0], normalize=True) == math.inf
    assert kl.kl_terms(q, [1, 0], normalize=True).tolist() == [0, math.inf]
    assert kl.kl_matrix([q], [[1, 0]], normalize=True).tolist() == [[math.inf]]
    # Jensen-Shannon has no logarithm of a share alone.
    assert kl.js_divergence(p, q, normalize=True) == kl.js_divergence(p, [1, 0], normalize=True)


def test_generalized_is_scipys_kl_div():
    rng = np.random.default_rng(5)
    p, q = rng.gamma(1.0, 3.0, (2, 6, 8))
    expected = scipy.special.kl_div(p, q).sum(axis=-1)
    np.testing.assert_allclose(kl.kl_divergence(p, q, generalized=True), expected, rtol=1e-12)
    assert kl.kl_divergence([0, 0], [1, 2], generalized=True) == 3


def test_the_axis_says_where_the_categories_are():
    p, q = random_rows(6, 5, 4), random_rows(7, 5, 4)
    rows = kl.kl_divergence(p, q)
    np.testing.assert_array_equal(kl.kl_divergence(p.T, q.T, axis=0), rows)
    np.testing.assert_array_equal(kl.kl_terms(p.T, q.T, axis=0), kl.kl_terms(p, q).T)
    cube_p, cube_q = (np.moveaxis(x.reshape(1, 5, 4), -1, 1) for x in (p, q))
    np.testing.assert_array_equal(kl.kl_divergence(cube_p, cube_q, axis=1), rows[None])
    np.testing.assert_array_equal(kl.kl_terms(cube_p, cube_q, axis=1).shape, (1, 4, 5))


def test_one_distribution_is_compared_with_each_row_of_a_batch():
    batch = random_rows(8, 5, 4)
    for p, q in ((P, batch), (batch, P)):
        result = kl.kl_divergence(p, q)
        assert result.shape == (5,)
        one = kl.kl_divergence(P, batch[3]) if p is P else kl.kl_divergence(batch[3], P)
        assert result[3] == one
    assert kl.kl_terms(P, batch).shape == (5, 4)
    all_pairs = kl.kl_divergence(batch[:, None, :], batch[None, :, :])
    assert all_pairs.shape == (5, 5)
    assert np.all(np.diag(all_pairs) == 0)


def test_results_have_the_precision_of_the_input():
    p32, q32 = np.float32(P), np.float32(Q)
    assert kl.kl_divergence(p32, q32).dtype == np.float32
    assert kl.kl_divergence(np.float16(P), np.float16(Q)).dtype == np.float32
    assert kl.kl_divergence(p32, np.array(Q)).dtype == np.float64
    assert isinstance(kl.kl_divergence(P, Q), np.float64)
    assert truth.relative_error(kl.kl_divergence(p32, q32), truth.kl(p32, q32)) < 1e-7


# What all measures of a pair share


def of_pairs(*without):
    """Parametrises a test with every function of two arguments, but for those named."""
    names = ("cross_entropy", "kl_divergence", "js_divergence", "kl_terms", "total_variation",
             "kl_from_logits", "kl_matrix")  # fmt: skip
    functions = [getattr(kl, name) for name in names if name not in without]
    return pytest.mark.parametrize("measure", functions, ids=lambda f: f.__name__)


@of_pairs()
def test_a_result_is_float32_only_where_both_inputs_are_or_are_narrower(measure):
    narrow, wide = (np.float32, np.float16), (np.float64, int)
    rows = np.eye(3)
    for p in (*narrow, *wide):
        for q in (*narrow, *wide):
            expected = np.float32 if p in narrow and q in narrow else np.float64
            assert measure(rows.astype(p), rows.astype(q)).dtype == expected
    assert kl.entropy(rows.astype(np.float16)).dtype == np.float32


@of_pairs("kl_matrix")
def test_a_batch_of_no_rows_has_its_shape_and_dtype_and_is_checked(measure):
    none, one = np.ones((2, 0, 4), np.float32), np.full(4, 0.25, np.float32)
    result = measure(none, one)
    assert result.shape == ((2, 0, 4) if measure is kl.kl_terms else (2, 0))
    assert result.dtype == np.float32
    with pytest.raises(kl.DistributionError, match="nan"):
        measure(none, one * math.nan)
    with pytest.raises(kl.DistributionError, match=r"has no categories: its axis -1 is empty"):
        measure(none[..., :0], none[..., :0])


@pytest.mark.parametrize("options", [{}, {"normalize": True}, {"generalized": True}])
def test_what_is_plainly_valid_is_not_looked_at_again(monkeypatch, options):
    monkeypatch.setattr(checks.Arguments, "validate", None)
    assert kl.kl_divergence(P, Q, **options) > 0
    counts = np.array([[2, 5, 2, 1], [3, 4, 1, 2]]) if options else np.array([P, Q])
    assert kl.kl_divergence(counts, counts[::-1], **options).shape == (2,)


@of_pairs("kl_matrix")
def test_any_axis_may_hold_the_categories(measure):
    p, q = random_rows(20, 5, 4), random_rows(21, 5, 4)
    if measure is kl.kl_terms:
        np.testing.assert_array_equal(measure(p.T, q.T, axis=0).T, measure(p, q))
        np.testing.assert_array_equal(measure(p.T, q.T, axis=-2).T, measure(p, q))
    else:
        np.testing.assert_array_equal(measure(p.T, q.T, axis=0), measure(p, q))


@pytest.mark.parametrize("gap", [650.0, 700.0, 720.0, 735.0, 740.0, 780.0, 900.0])
def test_logits_whose_sums_are_far_apart_lose_no_digit(gap):
    """The quotient of two sums of exponentials, e^-735 say, may be too small for its digits."""
    a, b = np.array([422.0, 173.0]), np.array([422.0 - gap - 43.0, 422.0 - gap])
    expected = float(truth.kl_logits(a, b))
    assert kl.kl_from_logits(a, b) == pytest.approx(expected, rel=1e-12)
    assert kl.kl_from_logits([a, a], [b, b]) == pytest.approx([expected] * 2, rel=1e-12)


@pytest.mark.parametrize(("base", "found"), [(None, np.inf), (10, np.inf), (1e-300, -np.inf)])
def test_what_is_beyond_the_floats_in_nats_is_infinite_in_any_unit(base, found):
    """3.4e308 nats; in bans, or the unit of a tiny base, a float would hold it."""
    assert kl.kl_from_logits([1.7e308, -1.7e308], [-1.7e308, 1.7e308], base=base) == found
    assert kl.kl_divergence([1.7e308], [1e305], base=base, generalized=True) == found
    assert kl.kl_normal(1e200, 1, 0, 1e-3, base=base) == found


@of_pairs("total_variation")
def test_any_measure_with_a_unit_takes_a_base(measure):
    p, q = random_rows(22, 5, 4), random_rows(23, 5, 4)
    bits = measure(p, q, base=2)
    np.testing.assert_allclose(bits, measure(p, q) / math.log(2), rtol=1e-15)


@of_pairs("total_variation", "kl_from_logits")
def test_any_measure_takes_counts_when_told_and_only_then(measure):
    p, q = np.array([[2, 5, 2, 1], [0, 3, 6, 1]]), np.array([[3, 4, 1, 2], [1, 1, 1, 2]])
    shares = [x / x.sum(axis=-1, keepdims=True) for x in (p, q)]
    np.testing.assert_allclose(measure(p, q, normalize=True), measure(*shares), rtol=1e-13)
    with pytest.raises(kl.DistributionError, match="row 0 of p sums to 10"):
        measure(p, shares[1])
    with pytest.raises(kl.DistributionError, match="row 0 of q sums to 10"):
        measure(shares[0], q)


@of_pairs("kl_from_logits")
def test_rows_that_sum_to_almost_one_stand_for_the_rows_divided_by_their_sums(measure):
    p, q = random_rows(24, 5, 4), random_rows(25, 5, 4)
    np.testing.assert_allclose(measure(p * (1 + 9e-7), q * (1 - 9e-7)), measure(p, q), rtol=1e-13)


@of_pairs()
def test_an_argument_that_cannot_be_read_is_called_by_its_name(measure):
    ok, bad = np.eye(2), np.array([["a", "b"], ["c", "d"]])
    p, q = ("logits_p", "logits_q") if measure is kl.kl_from_logits else ("p", "q")
    with pytest.raises(kl.DistributionError, match=f"^{p} holds text"):
        measure(bad, ok)
    with pytest.raises(kl.DistributionError, match=f"^{q} holds text"):
        measure(ok, bad)
    with pytest.raises(kl.DistributionError, match=f"{p} has 2 categories and {q} has 3"):
        measure(ok, np.eye(3)[:2])


def test_inputs_are_left_alone():
    p, q = np.array(P), np.array(Q)
    p.setflags(write=False)
    q.setflags(write=False)
    kl.kl_divergence(p, q)
    kl.kl_divergence(p, q, normalize=True)
    kl.entropy(p)
    assert p.tolist() == P
    assert q.tolist() == Q


def test_strided_reversed_and_empty_batches():
    p, q = random_rows(9, 6, 4), random_rows(10, 6, 4)
    expected = kl.kl_divergence(p, q)
    np.testing.assert_array_equal(kl.kl_divergence(p[::-2], q[::-2]), expected[::-2])
    np.testing.assert_allclose(kl.kl_divergence(p[:, ::-1], q[:, ::-1]), expected, rtol=1e-14)
    np.testing.assert_allclose(
        kl.kl_divergence(np.asfortranarray(p), np.asfortranarray(q)), expected, rtol=1e-14
    )
    assert kl.kl_divergence(p[:0], q[:0]).shape == (0,)


# Identities


def test_cross_entropy_is_entropy_plus_kl():
    p, q = random_rows(11, 50, 6), random_rows(12, 50, 6)
    np.testing.assert_allclose(
        kl.cross_entropy(p, q), kl.entropy(p) + kl.kl_divergence(p, q), rtol=1e-13
    )


def test_terms_sum_to_the_divergence_and_match_scipy():
    p, q = random_rows(13, 50, 6), random_rows(14, 50, 6)
    np.testing.assert_allclose(
        kl.kl_terms(p, q), scipy.special.rel_entr(p, q), rtol=1e-9, atol=1e-15
    )
    np.testing.assert_allclose(kl.kl_terms(p, q).sum(-1), kl.kl_divergence(p, q), rtol=1e-11)


def test_pinsker_holds():
    p, q = random_rows(15, 500, 4), random_rows(16, 500, 4)
    assert np.all(2 * kl.total_variation(p, q) ** 2 <= kl.kl_divergence(p, q))


def test_scipy_agrees_where_it_is_right():
    p, q = random_rows(17, 50, 6), random_rows(18, 50, 6)
    np.testing.assert_allclose(
        kl.kl_divergence(p, q), scipy.stats.entropy(p, q, axis=-1), rtol=1e-11
    )
    np.testing.assert_allclose(kl.entropy(p), scipy.stats.entropy(p, axis=-1), rtol=1e-12)


# Logits


def test_logits_of_any_size_agree_with_high_precision():
    rng = np.random.default_rng(19)
    for scale in (1e-3, 1.0, 30.0, 1000.0):
        for _ in range(10):
            a, b = rng.standard_normal((2, 6)) * scale
            exact = truth.kl_logits(a, b)
            assert truth.relative_error(kl.kl_from_logits(a, b), exact) < 1e-12


@pytest.mark.parametrize("step", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_close_logits_keep_their_digits(step, offset):
    rng = np.random.default_rng(20)
    a = rng.standard_normal(8) + offset
    b = a + step * rng.standard_normal(8)
    assert truth.relative_error(kl.kl_from_logits(a, b), truth.kl_logits(a, b)) < 1e-9


def test_masked_categories_in_logits():
    inf = math.inf
    assert kl.kl_from_logits([0, 0, -inf], [0, 0, -inf]) == 0
    assert kl.kl_from_logits([0, 0, -inf], [0, 0, 0]) == pytest.approx(math.log(1.5), rel=1e-15)
    assert kl.kl_from_logits([0, 0, 0], [0, 0, -inf]) == inf
    assert kl.kl_from_logits([0, -inf], [3, -2000]) == pytest.approx(0, abs=1e-300)


def test_log_probabilities_are_logits():
    assert kl.kl_from_logits(np.log(P), np.log(Q)) == pytest.approx(
        kl.kl_divergence(P, Q), rel=1e-13
    )
    assert kl.kl_from_logits(np.log(P), np.log(Q) + 7, base=2) == pytest.approx(
        kl.kl_divergence(P, Q, base=2), rel=1e-13
    )
    batch = np.log(np.stack([P, Q]))
    np.testing.assert_array_equal(
        kl.kl_from_logits(batch.T, batch[::-1].T, axis=0), kl.kl_from_logits(batch, batch[::-1])
    )


# Laws, for whatever hypothesis can think of

masses = st.lists(
    st.floats(0, 1, allow_subnormal=True) | st.sampled_from([0.0, 1e-300, 5e-324, 1.0]),
    min_size=1,
    max_size=8,
).filter(lambda row: sum(row) > 1e-3)


@st.composite
def two_rows(draw):
    p = draw(masses)
    q = draw(
        st.lists(st.floats(0, 1), min_size=len(p), max_size=len(p)).filter(lambda r: sum(r) > 1e-3)
    )
    return np.array(p) / np.sum(p), np.array(q) / np.sum(q)


@given(two_rows())
def test_kl_is_never_negative_and_right(pair):
    p, q = pair
    value = kl.kl_divergence(p, q)
    assert value >= 0
    exact = truth.kl(p, q)
    assert value == exact or abs(value - exact) <= 1e-12 * exact + 1e-30


@given(two_rows())
def test_js_is_symmetric_and_at_most_log_2(pair):
    p, q = pair
    value = kl.js_divergence(p, q)
    assert 0 <= value <= np.log(2)
    assert value == pytest.approx(kl.js_divergence(q, p), rel=1e-13, abs=1e-300)


@given(two_rows(), st.randoms(use_true_random=False))
def test_order_of_categories_does_not_matter(pair, random):
    p, q = pair
    order = list(range(len(p)))
    random.shuffle(order)
    shuffled = kl.kl_divergence(p[order], q[order])
    assert shuffled == pytest.approx(kl.kl_divergence(p, q), rel=1e-12, abs=1e-30)


@given(two_rows())
def test_merging_two_categories_cannot_increase_kl(pair):
    p, q = pair
    if len(p) < 2:
        return
    merged = [np.append(row[2:], row[0] + row[1]) for row in (p, q)]
    assert kl.kl_divergence(*merged) <= kl.kl_divergence(p, q) * (1 + 1e-12) + 1e-15


@given(two_rows(), two_rows())
def test_kl_of_independent_pairs_adds(first, second):
    joint = [np.outer(a, b).ravel() for a, b in zip(first, second, strict=True)]
    expected = kl.kl_divergence(*first) + kl.kl_divergence(*second)
    # A product of two tiny probabilities may round to 0, and then the sum above is too large.
    if all(np.all((x == 0) | (x > 1e-140)) for x in (*first, *second)):
        assert kl.kl_divergence(*joint) == pytest.approx(expected, rel=1e-10, abs=1e-14)


@given(two_rows())
def test_a_batch_is_its_rows(pair):
    p, q = pair
    batch = kl.kl_divergence(np.stack([p, q, p]), np.stack([q, p, p]))
    assert batch.tolist() == [kl.kl_divergence(p, q), kl.kl_divergence(q, p), 0]


def test_softmax_keeps_labels_and_axis_and_names_what_is_wrong():
    frame = pd.DataFrame([[0.0, np.log(3)], [2.0, 2.0]], index=["x", "y"], columns=["a", "b"])
    expected = pd.DataFrame([[0.25, 0.75], [0.5, 0.5]], index=["x", "y"], columns=["a", "b"])
    pd.testing.assert_frame_equal(kl.softmax(frame), expected)
    pd.testing.assert_frame_equal(kl.softmax(frame.T, axis=0), expected.T)
    assert kl.softmax([1.7e308, -1.7e308]).tolist() == [1, 0]
    assert kl.softmax(np.zeros((0, 3))).shape == (0, 3)
    with pytest.raises(kl.DistributionError, match=r"^logits\[1\] is nan") as caught:
        kl.softmax([0.0, np.nan])
    assert (caught.value.argument, caught.value.kind, caught.value.place) == ("logits", "nan", (1,))


def test_mutual_information_of_a_batch_keeps_its_labels():
    xarray = pytest.importorskip("xarray")
    tables = np.array([[[0.5, 0.0], [0.0, 0.5]], [[0.25, 0.25], [0.25, 0.25]]])
    joint = xarray.DataArray(tables, dims=("day", "x", "y"), coords={"day": ["mon", "tue"]})
    found = kl.mutual_information(joint, base=2)
    assert found.dims == ("day",)
    assert found.sel(day="mon") == pytest.approx(1, rel=1e-15)
    assert found.sel(day="tue") == pytest.approx(0, abs=1e-15)
    with pytest.raises(kl.DistributionError) as caught:
        kl.mutual_information([0.5, 0.5])
    assert (caught.value.kind, caught.value.argument) == ("shape", "joint")
