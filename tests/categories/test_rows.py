"""KL at every scale: near-equal, subnormal, one-hot and huge rows, threads, memory, strides."""

import math
import tracemalloc
from itertools import product

import mpmath
import numpy as np
import pytest
import truth
from thorough import first_of

import kl_lib as kl
from kl_lib import matrix, rows


def near_pair(rng, categories, step, dtype=np.float64):
    p = rng.dirichlet(np.ones(categories))
    q = p * np.exp(step * rng.standard_normal(categories))
    return p.astype(dtype), (q / q.sum()).astype(dtype)


# Exact: 1e-12 in float64 from 1e-14 up, 1e-5 in float32 from 1e-10 up


@pytest.mark.parametrize("categories", [2, 3, 10, 100, 1000])
@pytest.mark.parametrize("step", [0.3, 0.1, 1e-2, 1e-4, 1e-6, 2e-7])
def test_float64_keeps_twelve_digits(categories, step):
    rng = np.random.default_rng(categories)
    for _ in range(5):
        p, q = near_pair(rng, categories, step)
        exact = truth.kl(p, q)
        if exact >= 1e-14:
            assert truth.relative_error(kl.kl_divergence(p, q), exact) < 1e-12


@pytest.mark.parametrize("off", [(9e-7, -9e-7), (-9e-7, 3e-7), (9e-7, 9e-7)])
@pytest.mark.parametrize("step", [1e-2, 1e-5, 3e-7])
def test_sums_at_the_edge_of_the_tolerance_keep_twelve_digits(off, step):
    rng = np.random.default_rng(1)
    for categories in (2, 10, 300):
        p, q = near_pair(rng, categories, step)
        p, q = p * (1 + off[0]), q * (1 + off[1])
        exact = truth.kl(p, q)
        if exact >= 1e-14:
            assert truth.relative_error(kl.kl_divergence(p, q), exact) < 1e-12


@pytest.mark.parametrize("categories", [2, 10, 1000])
@pytest.mark.parametrize("step", [0.5, 0.1, 1e-2, 1e-3, 3e-5])
def test_float32_keeps_five_digits(categories, step):
    rng = np.random.default_rng(categories)
    for _ in range(5):
        p, q = near_pair(rng, categories, step, np.float32)
        exact = truth.kl(p, q)
        if exact >= 1e-10:
            assert truth.relative_error(kl.kl_divergence(p, q), exact) < 1e-5


def test_the_fast_pass_is_right_wherever_it_is_trusted():
    """Rows on both sides of the bound between the fast pass and the exact one."""
    rng = np.random.default_rng(2)
    for dtype, bound in ((np.float64, 1e-12), (np.float32, 1e-5)):
        safe = rows._SAFE[np.dtype(dtype).char].bound
        seen = set()
        for step in np.linspace(0.05, 1.5, 30):
            logits = rng.standard_normal(50)
            p, q = np.exp(logits), np.exp(logits + step * rng.standard_normal(50))
            p, q = (p / p.sum()).astype(dtype), (q / q.sum()).astype(dtype)
            exact = truth.kl(p, q)
            seen.add(bool(exact > safe))
            assert truth.relative_error(kl.kl_divergence(p, q), exact) < bound
        assert seen == {True, False}


@pytest.mark.parametrize("step", [0.5, 1e-3, 1e-6])
def test_counts_that_almost_agree_keep_twelve_digits(step):
    rng = np.random.default_rng(3)
    for categories in (2, 10, 300):
        p = rng.uniform(1, 1e9, categories)
        q = 37.0 * p * np.exp(step * rng.standard_normal(categories))
        exact = truth.kl(p, q)
        assert truth.relative_error(kl.kl_divergence(p, q, normalize=True), exact) < 1e-12
    counts = np.array([10**9, 10**9 + 1, 10**9 + 5])
    exact = truth.kl(counts, 3 * counts[::-1])
    assert (
        truth.relative_error(kl.kl_divergence(counts, 3 * counts[::-1], normalize=True), exact)
        < 1e-12
    )
    assert kl.kl_divergence(counts, 7 * counts, normalize=True) == 0


def test_counts_of_any_size():
    huge, tiny = np.array([1e308, 1.5e308, 1e308]), np.array([1e-310, 2e-310, 5e-324])
    for p, q in ((huge, huge[::-1]), (tiny, huge), (huge, tiny), (tiny[:2], tiny[1::-1])):
        exact = truth.kl(p, q)
        assert kl.kl_divergence(p, q, normalize=True) == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize(
    "counts", [([2, 2], [2, 1]), ([2, 1, 0.5], [0.25, 2, 1]), ([2, 2], [1, 0])]
)
def test_counts_whose_sum_is_beyond_the_floats_have_shares_like_others(counts):
    """Divided by a sum of inf, all shares were 0: Jensen-Shannon was log 2, whatever came in."""
    small = [np.array(x, dtype=float) for x in counts]
    huge = [0.6e308 * x for x in small]
    assert 0.6e308 * max(map(sum, counts)) > 1.797e308
    for function in (
        kl.js_divergence, kl.total_variation, kl.hellinger_distance, kl.kl_divergence,
        kl.cross_entropy, kl.kl_terms, kl.bhattacharyya_distance,
    ):  # fmt: skip
        expected = function(*small, normalize=True)
        for pair in (huge, [huge[0], small[1]], [small[0], huge[1]]):
            found = function(*pair, normalize=True)
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-16)
        rows = [np.stack([a, b]) for a, b in zip(huge, small, strict=True)]
        found = function(*rows, normalize=True)
        np.testing.assert_allclose(found, np.stack([expected] * 2), rtol=1e-12, atol=1e-16)
    long = [np.tile(x, 50_000) for x in huge]  # in pieces
    assert kl.kl_terms(*long, normalize=True).sum() == pytest.approx(
        kl.kl_divergence(*small, normalize=True)
    )


def test_counts_whose_shares_underflow_still_count_in_the_logarithm():
    """Found by tools/fuzz.py."""
    p, q = np.array([0.1, 0.9, 0.2]), np.array([1e-168, 2.4e247, 4.4e-310])
    for a, b in ((p, q), (np.array([5e-324, 5e-324]), np.array([3.7e-163, 1.4e-40]))):
        exact = float(truth.kl(a, b))
        assert kl.kl_divergence(a, b, normalize=True) == pytest.approx(exact, rel=1e-12)
    far_below = np.array([2e8, 4e-301, 2.5e299])
    assert kl.kl_divergence(far_below, [0.7, 0, 0.3], normalize=True) == math.inf


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_close_rows_beside_far_ones_zeros_and_infinite_ones(dtype):
    """One block holds rows for every way of computing them."""
    rng = np.random.default_rng(14)
    p = rng.dirichlet(np.ones(6), size=400)
    q = p * np.exp(
        rng.choice([1e-5, 1e-3, 0.03, 0.3, 2.0], (400, 1)) * rng.standard_normal(p.shape)
    )
    p[::7, 2] = q[::7, 2] = 0
    p[::11, 3] = 0
    q[::13, 4] = 0
    q[5] = p[5]
    p, q = (x / x.sum(axis=1, keepdims=True) for x in (p, q))
    p, q = p.astype(dtype), q.astype(dtype)
    result = kl.kl_divergence(p, q)
    for value, p_row, q_row in zip(result, p, q, strict=True):
        exact = truth.kl(p_row, q_row)
        if np.isinf(float(exact)):
            assert value == np.inf
        elif exact >= {8: 1e-14, 4: 1e-10}[p.itemsize]:
            assert truth.relative_error(value, exact) < {8: 1e-12, 4: 1e-5}[p.itemsize]
    assert result[5] == 0
    assert 0 < np.isinf(result).sum() < 40


def test_a_negative_q_is_found_wherever_it_stands():
    rng = np.random.default_rng(15)
    for position in ((0, 0), (2999, 5), (1234, 3)):
        p, q = rng.dirichlet(np.ones(6), size=(2, 3000))
        q[position] = -1e-9
        with pytest.raises(kl.DistributionError, match=r"is -1e-09, which is negative"):
            kl.kl_divergence(p, q)
        p[position] = -1e-9
        with pytest.raises(kl.DistributionError, match=r"p\[.* is -1e-09, which is negative"):
            kl.kl_divergence(p, q)


def test_zero_only_for_equal_rows():
    rng = np.random.default_rng(4)
    for _ in range(200):
        p = rng.dirichlet(np.ones(5))
        q = p.copy()
        q[0] = np.nextafter(q[0], 1)
        q[1] -= q[0] - p[0]
        assert (kl.kl_divergence(p, q) == 0) == np.array_equal(p, q)
        assert kl.kl_divergence(p, p) == 0


def test_one_hot_and_steep_rows():
    one = np.eye(6)
    q = np.random.default_rng(5).dirichlet(np.ones(6))
    np.testing.assert_allclose(kl.kl_divergence(one, q), -np.log(q), rtol=1e-13)
    steep = np.array([1 - 1e-300, 1e-300, 5e-324])
    turned = np.array([5e-324, 1.0, 0.0])
    assert kl.kl_divergence(turned, steep) == pytest.approx(float(truth.kl(turned, steep)))
    assert kl.kl_divergence(steep, turned) == math.inf


def double_double_kl(p, q):
    """KL of two long rows of near-equal float64 probabilities, in twice the precision.

    log1p((p − q)/q) by its series in double-double arithmetic; for |p − q| < 1e-3·q only.
    """

    def two_sum(a, b):
        s = a + b
        t = s - a
        return s, (a - (s - t)) + (b - t)

    def total(high, low):
        while len(high) > 1:
            if len(high) % 2:
                high, low = np.append(high, 0.0), np.append(low, 0.0)
            s, e = two_sum(high[::2], high[1::2])
            high, low = s, e + (low[::2] + low[1::2])
        return truth.mpf(float(high[0])) + truth.mpf(float(low[0]))

    zero = np.zeros_like(p)
    s_p, s_q = total(p, zero), total(q, zero)
    d, d_low = two_sum(p, -q)
    x = d / q
    # The divisor's rounding matters: correct x by one Newton step, in parts that do not round.
    c = 134217729.0
    split = lambda v: (c * v - (c * v - v), v - (c * v - (c * v - v)))  # noqa: E731
    (xh, xl), (qh, ql) = split(x), split(q)
    product = x * q
    rest = ((xh * qh - product) + xh * ql + xl * qh) + xl * ql
    x_low = ((d - product) - rest + d_low) / q
    # q·φ(x), φ(x) = (1 + x)·log(1 + x) − x = x²/2 − x³/6 + x⁴/12 − ...
    series = sum((-1) ** k * x ** (k - 2) / (k * (k - 1)) for k in range(2, 8))
    factor = 1 + 2 * x_low / x
    value = total(q * x * x * series * np.where(x == 0, 1, factor), zero)
    r = s_q / s_p
    return value / s_p - (r - 1 - truth.mpmath.log(r))


@pytest.mark.thorough
def test_ten_million_categories_keep_twelve_digits():
    rng = np.random.default_rng(6)
    small_p, small_q = near_pair(rng, 500, 1e-5)
    assert (
        truth.relative_error(double_double_kl(small_p, small_q), truth.kl(small_p, small_q)) < 1e-13
    )
    p = rng.random(10_000_000)
    p /= p.sum()
    q = p * (1 + 1e-6 * rng.standard_normal(len(p)))
    q /= q.sum()
    exact = double_double_kl(p, q)
    assert 1e-14 < exact < 1e-11
    assert truth.relative_error(kl.kl_divergence(p, q), exact) < 1e-12


@pytest.mark.thorough
def test_ten_million_categories_far_apart():
    # A row that repeats 1000 times: its KL is that of the short row.
    rng = np.random.default_rng(7)
    short_p, short_q = rng.dirichlet(np.ones(10_000), size=2)
    exact = truth.kl(short_p, short_q)
    long_p, long_q = np.tile(short_p / 1000, 1000), np.tile(short_q / 1000, 1000)
    assert truth.relative_error(kl.kl_divergence(long_p, long_q), exact) < 1e-12
    value = kl.kl_divergence(long_p.astype(np.float32), long_q.astype(np.float32))
    assert truth.relative_error(value, exact) < 1e-5
    logits = np.log(long_p), np.log(long_q)
    assert truth.relative_error(kl.kl_from_logits(*logits), exact) < 1e-11


@pytest.mark.parametrize("offset", [0.0, 1000.0, -1e6])
@pytest.mark.parametrize("step", [1.0, 1e-2, 1e-4, 1e-6])
def test_logits_keep_twelve_digits(offset, step):
    rng = np.random.default_rng(8)
    for categories in (2, 8, 200):
        a = rng.standard_normal(categories) + offset
        b = a + step * rng.standard_normal(categories) + 3
        exact = truth.kl_logits(a, b)
        if exact >= 1e-14:
            assert truth.relative_error(kl.kl_from_logits(a, b), exact) < 1e-12


HUGE = 1.7e308


@pytest.mark.parametrize("far", first_of([HUGE, 1e291, 1e289, 1e300, 8e307], keep=2))
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1, 1], [-1, -1]),
        ([-1, -1, -1], [1, 1, 1]),
        ([1, 1, -1], [1, 1, -1]),
        ([1, 1, -1], [-1, -1, -1]),
        ([1, 0.5, 1], [0.5, 0.25, 0.5]),
        ([0.125, 0.125, -1], [-0.125, -0.125, -1]),
        ([1, -1], [-1, 1]),
        ([1, 1], [0.25, 0.5]),
    ],
)
def test_logits_at_the_edge_of_floats_have_their_limit(a, b, far):
    """A gap so large that its exponential is 0 leaves KL of what is largest, and its distance."""
    a, b = far * np.array(a), far * np.array(b)
    with mpmath.workdps(700):
        exact = truth.kl_logits(a, b)
    found = kl.kl_from_logits(a, b)
    # Nothing is between the smallest float and what underflows by 10^305 digits.
    assert found == pytest.approx(float(min(exact, mpmath.inf)), rel=1e-12, abs=5e-324)


def test_huge_logits_shifted_by_small_ones_keep_them():
    a, b = np.array([HUGE, HUGE, -5, -HUGE]), np.array([-HUGE, -HUGE, -HUGE, -HUGE])
    assert kl.kl_from_logits(a[:2], b[:2]) == 0
    assert kl.kl_from_logits(a, b) == pytest.approx(math.log(2), rel=1e-15)
    batch = kl.kl_from_logits([[HUGE, HUGE], [0, 1]], [[-HUGE, -HUGE], [1, 0]])
    expected = float(truth.kl_logits([0, 1], [1, 0]))
    assert batch.tolist() == [0, pytest.approx(expected, rel=1e-14)]


# Whatever the shape, the strides and the threads


@pytest.fixture
def many_threads():
    yield kl.set_num_threads
    kl.set_num_threads(None)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_threads_change_nothing(many_threads, dtype):
    rng = np.random.default_rng(9)
    p, q = rng.dirichlet(np.ones(12), size=(2, 60_000)).astype(dtype)
    many_threads(1)
    one = kl.kl_divergence(p, q)
    many_threads(3)
    np.testing.assert_array_equal(kl.kl_divergence(p, q), one)
    p[54_321, 3] = np.nan
    with pytest.raises(kl.DistributionError, match=r"p\[54321, 3\] is nan"):
        kl.kl_divergence(p, q)


@pytest.mark.parametrize("count", [2, np.int64(2), np.uint8(2)])
def test_a_thread_count_is_any_whole_number(many_threads, count):
    many_threads(count)
    assert kl.get_num_threads() == 2
    assert type(kl.get_num_threads()) is int


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True, np.True_, np.int64(0), np.float64(2)])
def test_a_thread_count_that_is_none_is_refused(many_threads, count):
    with pytest.raises(ValueError, match="count is"):
        many_threads(count)


def test_the_environment_sets_the_threads(monkeypatch, many_threads):
    monkeypatch.setenv("KL_LIB_NUM_THREADS", "3")
    assert kl.get_num_threads() == 3
    many_threads(5)
    assert kl.get_num_threads() == 5
    many_threads(None)
    monkeypatch.setenv("KL_LIB_NUM_THREADS", "all")
    with pytest.raises(ValueError, match="KL_LIB_NUM_THREADS is 'all'"):
        kl.get_num_threads()


@pytest.mark.parametrize("shape", [(3, 7, 5), (2, 3, 40, 6), (5, 9000, 4), (2, 2, 40_000)])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_any_axis_of_any_shape_is_the_rows_one_by_one(shape, axis):
    rng = np.random.default_rng(10)
    p, q = (rng.random(shape) for _ in range(2))
    result = kl.kl_divergence(p, q, axis=axis, normalize=True)
    p, q = (np.moveaxis(x, axis, -1).reshape(-1, shape[axis]) for x in (p, q))
    for i in rng.integers(0, len(p), 5):
        expected = kl.kl_divergence(p[i].copy(), q[i].copy(), normalize=True)
        assert result.reshape(-1)[i] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("dtype", first_of([np.float64, np.float32, np.float16]))
@pytest.mark.parametrize(
    ("shape", "threads"),
    [
        ((1_600_000, 1), 2),
        ((500_000, 1), 8),  # a turn costs most where threads have little to do
        *product([(800_000, 2), (160_000, 10), (1_600, 1000), (1_600_000,)], [2, 8]),
    ],
)
def test_memory_beside_the_result_stays_below_8_mb(dtype, shape, threads, many_threads):
    many_threads(threads)
    shape = (shape[0] * 8 // np.dtype(dtype).itemsize, *shape[1:])  # a copy has 12.8 MB
    p = np.random.default_rng(11).random(shape, dtype=np.float32)
    p = (p / p.sum(axis=-1, keepdims=True)).astype(dtype) if dtype != np.float16 else p
    q = p[..., ::-1]
    kl.kl_divergence(p[:1], q[:1], normalize=True)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = kl.kl_divergence(p, q, normalize=True)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak - np.asarray(result).nbytes < 8e6


# All pairs


def test_the_matrix_is_all_pairs():
    rng = np.random.default_rng(12)
    p, q = rng.dirichlet(np.ones(7), size=11), rng.dirichlet(np.full(7, 0.3), size=5)
    q[2] = p[4]
    q[3] = p[5] * (1 + 1e-7 * rng.standard_normal(7))
    q[3] /= q[3].sum()
    q[4] = [0, 0.5, 0.5, 0, 0, 0, 0]
    matrix = kl.kl_matrix(p, q)
    expected = kl.kl_divergence(p[:, None, :], q[None])
    np.testing.assert_allclose(matrix, expected, rtol=1e-12)
    assert matrix[4, 2] == 0
    assert np.all(matrix[:, 4] == np.inf)
    np.testing.assert_allclose(kl.kl_matrix(4 * p, q, base=2, normalize=True), expected / np.log(2))
    assert kl.kl_matrix(p.astype(np.float32), q.astype(np.float32)).dtype == np.float32


def test_the_matrix_follows_the_limits_at_zero():
    p = np.array([[0, 0.5, 0.5, 0], [0.25, 0.25, 0.5, 0], [1, 0, 0, 0], [0, 0.5, 0.5, 0]])
    expected = [[float(truth.kl(a, b)) for b in p] for a in p]
    assert np.isinf(expected).sum() == 7
    np.testing.assert_allclose(kl.kl_matrix(p, p), expected, rtol=1e-13)
    # Without its one impossible category, this pair would be far apart.
    assert kl.kl_matrix([[0.25, 0.5, 0.25]], [[1e-9, 1 - 1e-9, 0]]) == np.inf


@pytest.mark.parametrize("chunk", [1, 2, 7, 10**6])
def test_the_matrix_computes_again_the_pairs_that_almost_agree_and_no_others(monkeypatch, chunk):
    rng = np.random.default_rng(14)
    p = rng.dirichlet(np.ones(6), size=40)
    p[-3:] = np.eye(6)[:3]
    q = p * (1 + 1e-3 * rng.uniform(-1, 1, p.shape))
    q /= q.sum(axis=1, keepdims=True)
    pairs, usual = [], rows.reduce

    def counting(kernel, arrays, *rest):
        pairs.extend(zip(*(x.tolist() for x in arrays), strict=True))
        return usual(kernel, arrays, *rest)

    monkeypatch.setattr(rows, "CHUNK", 6 * chunk)
    monkeypatch.setattr(matrix, "_AT_A_TIME", 120)
    monkeypatch.setattr(rows, "reduce", counting)
    found = kl.kl_matrix(p, q)
    again = {(p.tolist().index(a), q.tolist().index(b)) for a, b in pairs}
    assert len(again) == len(pairs)
    assert again >= {(i, i) for i in range(40)}
    near = [(i, j) for i, j in again if found[i, j] < 0.1]
    assert len(again) < 1.2 * len(near)
    for i, j in near:
        assert truth.relative_error(found[i, j], truth.kl(p[i], q[j])) < 1e-12


def test_a_share_too_small_for_a_float_is_still_infinite_where_q_is_zero():
    assert kl.kl_matrix([[1e299, 1e9, 1e-300]], [[1, 1, 0]], normalize=True) == np.inf


def test_counts_of_half_precision_keep_five_digits():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    p = np.array([8, 44, 33], ml_dtypes.bfloat16)
    q = np.array([0.582031, 1.65625, 0.173828], ml_dtypes.bfloat16)
    exact = truth.kl(p.tolist(), q.tolist())
    assert truth.relative_error(kl.kl_divergence(p, q, normalize=True), exact) < 1e-5


def test_the_matrix_never_holds_all_pairs_times_all_categories():
    p = np.random.default_rng(13).dirichlet(np.ones(400), size=300)
    tracemalloc.start()
    try:
        kl.kl_matrix(p, p)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.1 * 300 * 300 * 400 * 8


def test_the_matrix_names_what_is_wrong():
    ok = np.full((2, 4), 0.25)
    for p, said in (
        ([0.5, 0.5], "p has shape (2,); pass shape (distributions, categories), for a single one"),
        (2 * ok, "row 0 of p sums to 2"),
        (np.full((2, 3), 1 / 3), "p has 3 categories and q has 4"),
    ):
        with pytest.raises(kl.DistributionError) as caught:
            kl.kl_matrix(p, ok)
        assert said in str(caught.value)
    with pytest.raises(kl.DistributionError, match=r"pass shape \(distributions, categories\)$"):
        kl.kl_matrix(ok[None], ok)
    with pytest.raises(kl.DistributionError, match=r"^row 1 of q sums to 0\.5"):
        kl.kl_matrix(ok, ok * [[1], [0.5]])
