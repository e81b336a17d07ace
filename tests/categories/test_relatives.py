"""Relatives of KL: their checks, what the book says of them, tables, and corners.

`test_kernels.py` holds their digits, memory, threads and dask, as of every function.
"""

import tracemalloc
from functools import partial

import mpmath
import numpy as np
import pytest
import truth
from mpmath import mpf
from test_kernels import FUNCTIONS, KINDS, ORDERS, PAIRS, assert_exact
from thorough import first_of

import kl_lib as kl
from kl_lib import rows

RELATIVES = [name for name in FUNCTIONS if name.partition(" ")[0] in (
    "hellinger_distance", "bhattacharyya_distance", "chi2_divergence", "renyi"
)]  # fmt: skip


@pytest.fixture
def many_threads():
    yield kl.set_num_threads
    kl.set_num_threads(None)


@pytest.fixture(autouse=True)
def _digits():
    with mpmath.workdps(500):
        yield


# Checks: those of the other functions


@pytest.mark.parametrize("name", [name for name in KINDS if name in RELATIVES])
def test_what_is_no_distribution_is_refused_and_named(name):
    function = FUNCTIONS[name].of
    good = [0.5, 0.25, 0.25]
    for bad, kind in (
        ([0.5, 0.7, -0.2], "negative"),
        ([0.0, 1.2, -0.2], "negative"),
        ([0.5, 0.7, 0.2], "sum"),
        ([0.5, np.nan, 0.5], "nan"),
        ([0.5, np.inf, 0.5], "infinite"),
    ):
        for p, q, argument in ((bad, good, "p"), (good, bad, "q"), ([1, 0, 0], bad, "q")):
            for rows_of in (1, 3):
                with pytest.raises(kl.DistributionError) as caught:
                    function(np.array([p] * rows_of), np.array([q] * rows_of))
                assert (caught.value.kind, caught.value.argument) == (kind, argument)
                if kind != "sum":
                    with pytest.raises(kl.DistributionError) as caught:
                        function(p, q, normalize=True)
                    assert (caught.value.kind, caught.value.argument) == (kind, argument)
    with pytest.raises(kl.DistributionError, match="same categories"):
        function([0.5, 0.5], good)
    with pytest.raises(kl.DistributionError, match="sums to 0"):
        function([0, 0, 0], good, normalize=True)


@pytest.mark.parametrize("name", [name for name in KINDS if name in RELATIVES])
def test_labels_are_aligned_and_rows_keep_theirs(name):
    pd = pytest.importorskip("pandas")
    function = FUNCTIONS[name].of
    p = pd.DataFrame([[0.2, 0.8], [0.5, 0.5]], index=["monday", "tuesday"], columns=["rain", "sun"])
    found = function(p, {"sun": 0.3, "rain": 0.7})
    assert list(found.index) == ["monday", "tuesday"]
    np.testing.assert_array_equal(found, function(p.to_numpy(), [0.7, 0.3]))
    with pytest.raises(kl.DistributionError, match=r"kl_lib\.align"):
        function(p, {"sun": 0.3, "snow": 0.7})


@pytest.mark.parametrize("alpha", [-1, -1e-9, float("nan"), "2", None, True, [1, 2], 1j, -np.inf])
def test_an_order_that_is_none_is_refused(alpha):
    with pytest.raises(kl.DistributionError, match=r"alpha is .*at least 0") as caught:
        kl.renyi_divergence([0.5, 0.5], [0.4, 0.6], alpha)
    assert (caught.value.kind, caught.value.argument) == ("option", "alpha")


# What the book says of them


def test_where_they_are_infinite():
    p, q, apart = [0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]
    for alpha in ORDERS:
        assert np.isinf(kl.renyi_divergence(p, q, alpha)) == (alpha >= 1)
        assert kl.renyi_divergence(p, apart, alpha) == np.inf
        assert kl.renyi_divergence(apart, p, alpha) == np.inf
    assert kl.chi2_divergence(p, q) == np.inf
    assert kl.chi2_divergence(q, p) == 1
    assert kl.bhattacharyya_distance(p, apart) == np.inf
    assert kl.hellinger_distance(p, apart) == 1


def test_never_negative_and_zero_of_equal_rows():
    rng = np.random.default_rng(8)
    p = rng.dirichlet(np.full(6, 0.3), size=2000)
    q = p * (1 + 1e-15 * rng.integers(-3, 4, p.shape))
    for name in RELATIVES:
        function = FUNCTIONS[name].of
        assert function(p, q).min() >= 0
        assert function(np.float32(p), np.float32(q)).min() >= 0
        np.testing.assert_array_equal(function(p, p), 0)
        np.testing.assert_array_equal(function(3 * p, 3 * p, normalize=True), 0)


def test_renyi_grows_with_its_order_and_is_continuous_at_1():
    p, q = np.random.default_rng(9).dirichlet(np.ones(8), size=(2, 200))
    found = [kl.renyi_divergence(p, q, a) for a in (0, 1e-5, 0.2, 0.5, 0.9, 1, 1.1, 2, 9, np.inf)]
    assert (np.diff(found, axis=0) >= 0).all()
    for step in (-1e-9, 1e-9):
        np.testing.assert_allclose(
            kl.renyi_divergence(p, q, 1 + step), kl.kl_divergence(p, q), rtol=1e-7
        )


def test_the_relations_between_them():
    p, q = np.random.default_rng(10).dirichlet(np.ones(5), size=(2, 300))
    np.testing.assert_allclose(
        kl.renyi_divergence(p, q, 2), np.log1p(kl.chi2_divergence(p, q)), rtol=1e-12
    )
    np.testing.assert_allclose(
        kl.renyi_divergence(p, q, 0.5), 2 * kl.bhattacharyya_distance(p, q), rtol=1e-12
    )
    np.testing.assert_allclose(
        1 - kl.hellinger_distance(p, q) ** 2, np.exp(-kl.bhattacharyya_distance(p, q)), rtol=1e-12
    )
    variation = kl.total_variation(p, q)
    assert (kl.hellinger_distance(p, q) ** 2 <= variation).all()
    assert (variation <= np.sqrt(2) * kl.hellinger_distance(p, q)).all()


def test_chi2_is_pearsons_statistic_divided_by_the_draws():
    stats = pytest.importorskip("scipy.stats")
    observed = np.array([8, 12, 10])
    expected = stats.chisquare(observed, 30 * np.array([0.2, 0.5, 0.3])).statistic
    found = kl.chi2_divergence(observed / 30, [0.2, 0.5, 0.3])
    np.testing.assert_allclose(30 * found, expected, rtol=1e-12)


# Of several, and of conditional distributions


def js_of(distributions, weights):
    table = [truth._normalised(x) for x in distributions]
    w = truth._normalised(weights)
    mean = [mpmath.fsum(a * x for a, x in zip(w, c, strict=True)) for c in zip(*table, strict=True)]
    return mpmath.fsum(
        a * x * mpmath.log(x / m)
        for a, row in zip(w, table, strict=True)
        for x, m in zip(row, mean, strict=True)
        if x > 0
    )


def tables(pair):
    """Four distributions: two of a pair, one between them, one of them once more."""
    p, q = (np.array(x) for x in PAIRS[pair])
    return np.array([p, q, (p + 2 * q) / 3, p])


WEIGHTS = [0.1, 0.45, 0.25, 0.2]


@pytest.mark.parametrize(
    "pair", first_of([name for name in PAIRS if "smallest" not in name], keep=10)
)
def test_jensen_shannon_of_several_has_twelve_digits(pair, monkeypatch):
    table = tables(pair)
    exact = js_of(table, WEIGHTS)
    assert_exact(kl.js_divergence_of(table, WEIGHTS), exact, 1e-12)
    assert_exact(kl.js_divergence_of([table, table], WEIGHTS)[1], exact, 1e-12)
    for constant in ("_SCRATCH", "_LEAST_SCRATCH"):
        monkeypatch.setattr(rows, constant, 512)
    monkeypatch.setattr(rows, "CHUNK", 32)
    assert_exact(kl.js_divergence_of(table, WEIGHTS), exact, 1e-12)
    counts = table * np.array([[1e7], [3e-4], [5], [2]])
    found = kl.js_divergence_of(counts, [20, 90, 50, 40], normalize=True)
    assert_exact(found, js_of(counts, WEIGHTS), 1e-12)


def test_jensen_shannon_of_two_is_js_divergence_and_of_float32_float32():
    p, q = np.random.default_rng(12).dirichlet(np.ones(6), size=(2, 40))
    both = np.stack([p, q], axis=1)
    np.testing.assert_allclose(kl.js_divergence_of(both), kl.js_divergence(p, q), rtol=1e-12)
    found = kl.js_divergence_of(np.float32(both))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, kl.js_divergence(p, q), rtol=1e-5)
    np.testing.assert_array_equal(kl.js_divergence_of(np.stack([p, p, p], axis=1)), 0)
    # A weight of 0 takes its distribution out.
    three = np.stack([p, q, q[::-1]], axis=1)
    np.testing.assert_allclose(
        kl.js_divergence_of(three, [0.5, 0.5, 0]), kl.js_divergence(p, q), rtol=1e-12
    )


def test_jensen_shannon_of_labelled_distributions_aligns_them():
    rain = [{"rain": 0.2, "sun": 0.8}, {"sun": 0.3, "rain": 0.7}, [0.5, 0.5]]
    found = kl.js_divergence_of(rain)
    np.testing.assert_array_equal(found, kl.js_divergence_of([[0.2, 0.8], [0.7, 0.3], [0.5, 0.5]]))
    with pytest.raises(kl.DistributionError, match="labelled differently"):
        kl.js_divergence_of([{"rain": 0.2, "sun": 0.8}, {"snow": 0.3, "rain": 0.7}])


def test_jensen_shannon_of_labelled_batches_keeps_the_labels_of_their_rows():
    pd, xr = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    a = np.array([[0.2, 0.8], [0.5, 0.5], [0.1, 0.9]])
    b = np.array([[0.6, 0.4], [0.5, 0.5], [1.0, 0.0]])
    expected = kl.js_divergence(a, b)
    days = ["mon", "tue", "wed"]
    frames = [
        pd.DataFrame(a, days, ["x", "y"]),
        pd.DataFrame(b[::-1, ::-1], days[::-1], ["y", "x"]),
    ]
    found = kl.js_divergence_of(frames)
    assert isinstance(found, pd.Series)
    assert list(found.index) == days
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    found = kl.js_divergence_of([xr.DataArray(x, dims=["day", "kind"]) for x in (a, b)])
    assert found.dims == ("day",)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_jensen_shannon_of_several_refuses_what_is_none():
    good = [[0.5, 0.5], [0.2, 0.8]]
    for table, weights, message in (
        ([[0.5, 0.5], [0.2, 0.7]], None, "row 1 of distributions sums to 0.9"),
        ([[0.5, 0.5], [1.2, -0.2]], None, "negative"),
        ([[0.5, 0.5], [1.2, -0.2]], [1, 0], "negative"),
        ([0.5, 0.5], None, "one distribution in each row"),
        (good, [0.5, 0.4], "weights sums to 0.9"),
        (good, [0.5, 0.25, 0.25], "pass one weight for each"),
    ):
        with pytest.raises(kl.DistributionError, match=message):
            kl.js_divergence_of(table, weights)


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("shape", [(40_000, 4, 10), (400, 4, 1000), (4, 400_000)])
def test_memory_of_several_stays_below_8_mb(shape, equal, many_threads):
    many_threads(2)
    p = np.random.default_rng(11).random(shape)
    p /= p.sum(axis=-1, keepdims=True)
    if equal:
        p[...] = p[..., :1, :]
    kl.js_divergence_of([[0.5, 0.5], [0.4, 0.6]])
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = kl.js_divergence_of(p)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak - np.asarray(result).nbytes < 8e6


def random_tables(seed, *shape):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(shape[-1] * shape[-2]), size=shape[:-2]).reshape(shape)
    return p


def test_conditional_entropy_by_the_chain_rule():
    p = random_tables(1, 20, 3, 4)
    whole = kl.entropy(p.reshape(20, 12))
    for given, axis in (("rows", -1), ("columns", -2)):
        found = kl.conditional_entropy(p, given=given)
        np.testing.assert_allclose(found, whole - kl.entropy(p.sum(axis)), rtol=1e-12)
        other = kl.entropy(p.sum(-3 - axis))
        np.testing.assert_allclose(found, other - kl.mutual_information(p), rtol=1e-12)
        counts = kl.conditional_entropy(1e5 * p, given=given, normalize=True)
        np.testing.assert_allclose(counts, found, rtol=1e-12)
    # Almost certain: of rows 1 − e, e with e = 1e-20 the entropy is e·(1 − log e).
    found = kl.conditional_entropy([[0.5, 5e-21], [5e-21, 0.5]])
    np.testing.assert_allclose(found, 1e-20 * (1 - np.log(1e-20)), rtol=1e-12)
    assert kl.conditional_entropy(np.float32([[0.5, 0.0], [0.0, 0.5]])) == 0
    assert kl.conditional_entropy(np.float32(p)).dtype == np.float32


@pytest.mark.parametrize("given", ["rows", "columns"])
def test_conditional_kl_by_the_chain_rule(given):
    p, q = random_tables(2, 20, 3, 4), random_tables(3, 20, 3, 4)
    p[:, 0, 0] = 0
    p[:, 2] = 0
    p /= p.sum(axis=(1, 2), keepdims=True)
    axis = -1 if given == "rows" else -2
    whole = kl.kl_divergence(p.reshape(20, 12), q.reshape(20, 12))
    expected = whole - kl.kl_divergence(p.sum(axis), q.sum(axis))
    np.testing.assert_allclose(kl.kl_conditional(p, q, given=given), expected, rtol=1e-12)
    found = kl.kl_conditional(1e5 * p, 3 * q, given=given, normalize=True)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    found = kl.kl_conditional(p, q[3], given=given)
    np.testing.assert_array_equal(found[3], kl.kl_conditional(p[3], q[3], given=given))
    assert kl.kl_conditional(np.float32(p), np.float32(q), given=given).dtype == np.float32


@pytest.mark.parametrize("step", [1e-3, 1e-8, 1e-15])
def test_conditional_kl_has_twelve_digits_near_equality(step):
    p = random_tables(4, 5, 6)
    q = p * (1 + step * np.random.default_rng(5).standard_normal(p.shape))
    rows_of = [(a, b) for a, b in zip(p, q, strict=True)]
    exact = mpmath.fsum(
        mpmath.fsum(map(mpf, a)) * truth.kl(a, b) for a, b in rows_of
    ) / mpmath.fsum(map(mpf, p.ravel()))
    assert_exact(
        kl.kl_conditional(p, q / q.sum(), normalize=True), conditional(p, q / q.sum()), 1e-12
    )
    assert_exact(kl.kl_conditional(p, q, normalize=True), exact, 1e-12)


def conditional(p, q):
    rest = mpmath.fsum(mpmath.fsum(map(mpf, a)) * truth.kl(a, b) for a, b in zip(p, q, strict=True))
    return rest / mpmath.fsum(map(mpf, p.ravel()))


def test_conditional_kl_is_infinite_where_q_has_nothing():
    p = [[0.5, 0.0], [0.25, 0.25]]
    assert kl.kl_conditional(p, [[0.0, 0.5], [0.25, 0.25]]) == np.inf
    assert kl.kl_conditional(p, [[0.0, 0.0], [0.5, 0.5]]) == np.inf
    assert np.isfinite(kl.kl_conditional([[0.0, 0.0], [0.5, 0.5]], p))


def test_tables_that_do_not_pair_up_are_both_named():
    with pytest.raises(kl.DistributionError, match="p and q do not pair up") as caught:
        kl.kl_conditional(np.full((2, 2), 0.25), np.full((1, 4), 0.25))
    assert (caught.value.kind, caught.value.argument) == ("shape", "p and q")


def test_a_row_too_rare_for_a_float_may_still_be_infinitely_far():
    p = [[[7e-302, 1.6e298], [1.5e-301, 7.6e8]]]
    q = [[[0.0, 1.0], [2.0, 3.0]]]
    found = kl.kl_conditional(p, q, given="columns", normalize=True)
    assert np.isposinf(found).all()


@pytest.mark.parametrize("function", [kl.conditional_entropy, kl.js_divergence_of])
def test_tables_are_lazy_on_dask(function):
    da = pytest.importorskip("dask.array")
    p = np.random.default_rng(7).random((30, 4, 5))
    lazy = function(da.from_array(p, chunks=3), normalize=True)
    assert isinstance(lazy, da.Array)
    np.testing.assert_allclose(lazy.compute(), function(p, normalize=True), rtol=1e-13)
    q = p[::-1]
    lazy = kl.kl_conditional(da.from_array(p, chunks=3), q, normalize=True)
    np.testing.assert_allclose(lazy.compute(), kl.kl_conditional(p, q, normalize=True), rtol=1e-13)


def test_tables_that_are_none_are_refused():
    good = np.full((2, 2), 0.25)
    for function in (kl.conditional_entropy, lambda x, **o: kl.kl_conditional(good, x, **o)):
        for bad, message in (
            ([[0.5, 0.7], [0.1, -0.3]], "negative"),
            ([[0.5, 0.7], [0.1, 0.3]], "sums to 1.6"),
            ([0.5, 0.5], "pass a table"),
        ):
            with pytest.raises(kl.DistributionError, match=message):
                function(bad)
        with pytest.raises(kl.DistributionError, match='pass "rows" or "columns"'):
            function(good, given="x")
    with pytest.raises(kl.DistributionError, match="do not pair up"):
        kl.kl_conditional(good, np.full((2, 3), 1 / 6))


def test_tables_with_labels():
    pd = pytest.importorskip("pandas")
    p = pd.DataFrame([[0.1, 0.2], [0.3, 0.4]], index=["a", "b"], columns=["x", "y"])
    q = pd.DataFrame([[0.2, 0.3], [0.1, 0.4]], index=["a", "b"], columns=["x", "y"])
    expected = kl.kl_conditional(p.to_numpy(), q.to_numpy())
    assert kl.kl_conditional(p, q.loc[["b", "a"], ["y", "x"]]) == expected
    with pytest.raises(kl.DistributionError, match="labelled differently"):
        kl.kl_conditional(p, q.rename(columns={"x": "z"}))


# Corners


def test_renyi_of_what_q_almost_has():
    p, q = np.array([1 - 1e-9, 1e-9, 0.0]), np.array([1.0, 0.0, 0.0])
    for alpha in (0.3, 0.5, 0.9):
        assert_exact(kl.renyi_divergence(p, q, alpha), truth.renyi(alpha, p, q), 1e-12)
        assert_exact(kl.renyi_divergence(q, p, alpha), truth.renyi(alpha, q, p), 1e-12)


def test_chi2_of_shares_too_small_for_all_their_digits():
    p, q = [3.3, 1e-165], [3.3, 1.3e-322]
    assert_exact(kl.chi2_divergence(p, q, normalize=True), truth.chi2(p, q), 1e-12)


def test_jensen_shannon_of_several_in_corners():
    near_rows = np.array([0.25, 0.25, 0.5])
    near_q = near_rows + np.array([1e-12, -1e-12, 0])
    table, weights = np.array([[1.0, 0.0, 0.0], near_rows, near_q]), [1e-30, 0.5, 0.5]
    assert_exact(kl.js_divergence_of(table, weights), js_of(table, weights), 1e-12)
    # Sums that are not 1, and not the same.
    p, q = PAIRS["near 10, 1"]
    table = np.array([p * (1 + 5e-7), q, (p + q) / 2])
    weights = [0.3, 0.3, 0.4]
    assert_exact(kl.js_divergence_of(table, weights), js_of(table, weights), 1e-12)
    assert kl.js_divergence_of([[5e-324, 1], [5e-324, 1], [0, 1]], weights) < 1e-300


def test_conditional_entropy_of_a_row_that_never_occurs():
    assert kl.conditional_entropy([[0.5, 0.5], [0.0, 0.0]]) == pytest.approx(np.log(2), rel=1e-15)


#: Numbers with a few digits left, of which more than one is compared, and large ones beside them.
SUBNORMAL = {
    "both far below": ([0.905443477, 1e-310, 1e-310], [0.905443486, 1e-310, 1.00000001e-310]),
    "in no other category": ([1, 0, 1e-320], [0, 1, 3e-320]),
    "the smallest float": ([0, 1, 0, 0], [0.084, 5e-324, 0.59, 1e-310]),
    "far above the smallest float": ([0.2, 0.3, 0.5], [5e-324, 0.6, 0.4]),
    "of huge counts": ([1e300, 3e-16, 0], [2e300, 7e-16, 1e300]),
    "of counts far apart": ([5e299, 5.5e-301, 5.9e299], [2.4e-107, 2e-22, 2e-130]),
    "of counts further apart": ([7.50762976e299, 5e-24, 8e-302], [7.50762983e299, 5e-24, 8e-302]),
    "a distance too small": ([0.0, 1.0, 0.0], [1e-323, 1.0, 1.63394082e-310]),
    "the smallest float in a distance": ([1e-310, 5e-324, 0.256, 0], [0, 1, 1e308, 0]),
    "of huge counts, near": ([1e300, 3e-16, 1e-20], [1e300, 3e-16, 1.00000001e-20]),
}


@pytest.mark.parametrize("pair", SUBNORMAL)
@pytest.mark.parametrize(
    "alpha", [0, 1e-300, 1e-3, 0.3, 0.5, 0.9, 1 - 1e-9, 1.001, 2, 40, 1e6, np.inf]
)
def test_renyi_of_numbers_with_few_digits_left(pair, alpha):
    p, q = map(np.array, SUBNORMAL[pair])
    for a, b in ((p, q), (q, p)):
        exact = truth.renyi(alpha, a, b)
        assert_exact(kl.renyi_divergence(a, b, alpha, normalize=True), exact, 1e-12)
        batch = kl.renyi_divergence([a, a], [b, b], alpha, normalize=True)
        assert_exact(batch, [exact] * 2, 1e-12)


def test_renyi_so_small_that_it_has_few_digits_itself():
    for pair, alpha in (
        ("a distance too small", 1 - 1e-9),
        ("the smallest float in a distance", 0.5),
    ):
        p, q = map(np.array, SUBNORMAL[pair])
        found = kl.renyi_divergence(p, q, alpha, normalize=True)
        assert abs(found - truth.renyi(alpha, p, q)) < 20 * 5e-324


@pytest.mark.parametrize("pair", SUBNORMAL)
def test_bhattacharyya_of_numbers_with_few_digits_left(pair):
    p, q = map(np.array, SUBNORMAL[pair])
    assert_exact(kl.bhattacharyya_distance(p, q, normalize=True), truth.bhattacharyya(p, q), 1e-12)


@pytest.mark.parametrize("name", ["bhattacharyya_distance", "renyi 0.5", "renyi 2", "renyi inf"])
def test_sums_600_powers_of_ten_apart_cost_no_digit(name):
    """Logarithms of quotients as large as 1400 would round by 2e-13, which is of 0.06 too much."""
    function, exact, _ = FUNCTIONS[name]
    p = [9.86849147e299, 1.47682501e299, 4.97151410e299]
    q = [1e-310, 1.2e-310, 0.9e-310]
    for a, b in ((p, q), (q, p)):
        assert_exact(function(a, b, normalize=True), exact(a, b), 1e-14)


def test_float32_with_few_digits_left_keeps_five_of_the_logarithm():
    p, q = np.float32([1, 0, 1e-43]), np.float32([0, 1, 3e-43])
    assert_exact(kl.bhattacharyya_distance([p], [q]), [truth.bhattacharyya(p, q)], 1e-5)
    p, q = np.float32([[1, 0, 1e-43]]), np.float32([[0, 1, 3e-43]])
    assert kl.bhattacharyya_distance(p, q).dtype == np.float32
    assert_exact(kl.bhattacharyya_distance(p, q), [truth.bhattacharyya(p[0], q[0])], 1e-5)
    for alpha in (0, 0.3):
        exact = truth.renyi(alpha, p[0], q[0])
        assert_exact(kl.renyi_divergence(p, q, alpha), [exact], 1e-5)


@pytest.mark.parametrize("shape", [(16_000, 10, 10), (1_300, 1_300), (180, 300, 30)])
@pytest.mark.parametrize("normalize", first_of([True, False]))
@pytest.mark.parametrize(
    "name", ["mutual_information", "conditional_entropy", "columns", "kl_conditional"]
)
def test_memory_of_tables_stays_below_8_mb(name, shape, normalize, many_threads):
    many_threads(2)
    p = np.random.default_rng(11).random(shape)
    p /= p.sum(axis=(-2, -1), keepdims=True)
    function = {
        "mutual_information": kl.mutual_information,
        "conditional_entropy": kl.conditional_entropy,
        "columns": partial(kl.conditional_entropy, given="columns"),
        "kl_conditional": lambda p, **options: kl.kl_conditional(p, p[..., ::-1], **options),
    }[name]
    function(p[:1] / p[:1].sum(axis=(-2, -1), keepdims=True), normalize=normalize)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = function(p, normalize=normalize)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak - np.asarray(result).nbytes < 8e6


def mutual(table):
    """By its definition, of one table."""
    p = [[mpf(float(x)) for x in row] for row in table]
    n = mpmath.fsum(map(mpmath.fsum, p))
    rows_, columns = [mpmath.fsum(x) for x in p], [mpmath.fsum(x) for x in zip(*p, strict=True)]
    return mpmath.fsum(
        x / n * mpmath.log(x * n / (r * c))
        for row, r in zip(p, rows_, strict=True)
        for x, c in zip(row, columns, strict=True)
        if x > 0
    )


@pytest.mark.parametrize("chunk", [1, 7, 50, 10**6])
def test_tables_in_pieces_are_the_same_tables(monkeypatch, chunk):
    monkeypatch.setattr(rows, "CHUNK", chunk)
    rng = np.random.default_rng(8)
    tables = rng.random((2, 3, 4, 5))
    tables[0, 1, 2] = tables[1, 1, :, 3] = 0
    tables[1, 2] = np.outer(*rng.random((2, 9)))[:4, :5] * (1 + 1e-9 * rng.random((4, 5)))
    others = rng.random((4, 5))
    found = kl.mutual_information(tables, normalize=True)
    for i in np.ndindex(2, 3):
        assert truth.relative_error(found[i], mutual(tables[i])) < (1e-6 if i == (1, 2) else 1e-12)
    for given, axis in (("rows", -1), ("columns", -2)):
        total = kl.entropy(tables, axis=(-2, -1), normalize=True)
        marginal = kl.entropy(tables.sum(axis=axis), normalize=True)
        found = kl.conditional_entropy(tables, given=given, normalize=True)
        np.testing.assert_allclose(found, total - marginal, rtol=1e-12)
        total = kl.kl_divergence(tables, others, axis=(-2, -1), normalize=True)
        sums = [x.sum(axis=axis) for x in (tables, others)]
        marginal = kl.kl_divergence(*sums, normalize=True)
        found = kl.kl_conditional(tables, others, given=given, normalize=True)
        np.testing.assert_allclose(found, total - marginal, rtol=1e-9)


def test_tables_of_counts_whose_sum_is_too_large_for_a_float():
    table = np.array([[1e308, 5e307], [2e307, 1.5e308]])
    small = table / 2.0**1000
    for function in (kl.mutual_information, kl.conditional_entropy):
        found = function(table, normalize=True)
        assert found == pytest.approx(function(small, normalize=True), rel=1e-13)
    found = kl.kl_conditional(table, small[::-1], normalize=True)
    assert found == pytest.approx(kl.kl_conditional(small, small[::-1], normalize=True), rel=1e-13)


def test_no_tables_and_tables_of_nothing():
    assert kl.mutual_information(np.zeros((0, 2, 3))).shape == (0,)
    assert kl.kl_conditional(np.zeros((0, 2, 3)), np.full((2, 3), 1 / 6)).shape == (0,)
    for shape in ((2, 0), (0, 2), (3, 0, 2)):
        with pytest.raises(kl.DistributionError, match="has no categories"):
            kl.conditional_entropy(np.zeros(shape))


def test_tables_of_more_digits_than_a_double_are_read_as_doubles():
    table = np.array([[0, 5e-315, 6e299], [1e-301, 0, 0]], np.longdouble)
    assert kl.mutual_information(table, normalize=True) == 0
