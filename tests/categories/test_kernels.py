"""Every function over categories: as exact as KL, in little memory, on threads, through dask."""

import tracemalloc
from collections.abc import Callable
from functools import cache, lru_cache, partial
from itertools import product
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
import truth
from thorough import first_of

import kl_lib as kl
from kl_lib import kernels, rows
from kl_lib.kernels import terms
from kl_lib.kernels.cross import Cross

ORDERS = 0, 1e-9, 0.3, 0.5, 0.999999, 1, 1.0000001, 1.5, 2, 40, 1e6, np.inf
#: Close to certain, 1e-200 is all that is left of a sum near 1; order 1e-9 takes 9 digits more.
DIGITS = 260


class Function(NamedTuple):
    """A function, the same by mpmath, and its kernel."""

    of: Callable[..., Any]
    exact: Callable[..., Any]
    kernel: kernels.Kernel | None


def of_order(alpha):
    return lambda p, q, **options: kl.renyi_divergence(p, q, alpha, **options)


FUNCTIONS = {
    "entropy": Function(
        lambda p, q, **options: kl.entropy(p, **options),
        lambda p, q: truth.entropy(p),
        kernels.ENTROPY,
    ),
    "cross_entropy": Function(kl.cross_entropy, truth.cross_entropy, kernels.CROSS_ENTROPY),
    "kl_divergence": Function(kl.kl_divergence, truth.kl, kernels.KL),
    "js_divergence": Function(kl.js_divergence, truth.js, kernels.JENSEN_SHANNON),
    "total_variation": Function(kl.total_variation, truth.total_variation, kernels.TOTAL_VARIATION),
    "kl_terms": Function(kl.kl_terms, truth.kl_terms, None),
    "hellinger_distance": Function(kl.hellinger_distance, truth.hellinger, kernels.HELLINGER),
    "bhattacharyya_distance": Function(
        kl.bhattacharyya_distance, truth.bhattacharyya, kernels.BHATTACHARYYA
    ),
    "chi2_divergence": Function(kl.chi2_divergence, truth.chi2, kernels.CHI2),
    **{
        f"renyi {a:g}": Function(of_order(a), partial(truth.renyi, a), kernels.renyi_of(a))
        for a in ORDERS
    },
}
#: One of each way to compute.
KINDS = [name for name in FUNCTIONS if name not in ("renyi 1e-09", "renyi 0.999999", "renyi 1e+06")]


def near(categories, step):
    rng = np.random.default_rng(categories)
    p = rng.dirichlet(np.ones(categories))
    q = p * (1 + step * rng.standard_normal(categories)).clip(0.01)
    return p, q / q.sum()


def certain(categories, rest):
    p, q = np.full((2, categories), rest / categories)
    q = 2 * q
    p[0], q[0] = (1 - x[1:].sum() for x in (p, q))
    return p, q


def steep(categories):
    logits = 100 * np.random.default_rng(categories).standard_normal((2, categories))
    p, q = np.exp(logits - logits.max())
    return p / p.sum(), q / q.sum()


SIZES = 2, 10, 300
PAIRS = {
    **{f"near {k}, {step:g}": near(k, step) for k in SIZES for step in (1, 1e-3, 1e-8, 1e-15)},
    **{f"certain {k}, {e:g}": certain(k, e) for k in SIZES for e in (1e-3, 1e-9, 1e-20, 1e-200)},
    **{f"steep {k}": steep(k) for k in SIZES},
    "zeros": ([0.5, 0.0, 0.5, 0.0], [0.25, 0.75, 0.0, 0.0]),
    "the smallest float": ([5e-324, 1.0], [5e-324, 1.0]),
}


@pytest.fixture
def many_threads():
    yield kl.set_num_threads
    kl.set_num_threads(None)


@pytest.fixture
def _small_chunks(monkeypatch):
    """Rows are cut into pieces of 32 categories."""
    for constant, value in (
        ("_SCRATCH", 512),
        ("_LEAST_SCRATCH", 512),
        ("CHUNK", 32),
        ("_SMALL", 0),
    ):
        monkeypatch.setattr(rows, constant, value)


def masses(pair, p_times=1.0, q_times=1.0, dtype=np.float64):
    p, q = PAIRS[pair]
    return np.asarray(p, dtype) * dtype(p_times), np.asarray(q, dtype) * dtype(q_times)


@cache
def exactly(name, pair, *changes):
    """By mpmath, of these `masses`: once for all tests that ask."""
    with mpmath.workdps(DIGITS):
        return FUNCTIONS[name].exact(*masses(pair, *changes))


def assert_exact(found, expected, limit):
    for value, exact in zip(
        np.ravel(found), np.ravel(np.array(expected, dtype=object)), strict=True
    ):
        if mpmath.isinf(exact):
            assert value == np.inf
        elif abs(exact) < 1e-300:
            assert abs(float(value)) < 1e-300  # NumPy 2 compares a float32 in float32
        else:
            assert truth.relative_error(value, exact) < limit


# Those of 300 categories take most of the time: CI tries all of them.
PAIRS_BY_LENGTH = sorted(PAIRS, key=lambda name: "300" in name and name != "near 300, 1e-08")
SHORT = sum("300" not in name for name in PAIRS) + 1


@pytest.mark.parametrize("pair", first_of(PAIRS_BY_LENGTH, SHORT))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_twelve_digits_near_equality_and_near_certainty(name, pair):
    p, q = masses(pair)
    exact = exactly(name, pair)
    assert_exact(FUNCTIONS[name].of(p, q), exact, 1e-12)
    assert_exact(FUNCTIONS[name].of([p, p], [q, q])[1], exact, 1e-12)


@pytest.mark.parametrize(
    "pair", first_of((x for x in PAIRS_BY_LENGTH if "smallest" not in x), SHORT - 1)
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_twelve_digits_of_counts(name, pair):
    changes = 1e7, 3e-4
    found = FUNCTIONS[name].of(*masses(pair, *changes), normalize=True)
    assert_exact(found, exactly(name, pair, *changes), 1e-12)


@pytest.mark.parametrize("changes", [(1e60, 1.0), (1.0, 1e60)], ids=["large p", "large q"])
@pytest.mark.parametrize("pair", ["near 10, 0.001", "near 10, 1e-08"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_twelve_digits_where_one_sum_is_nothing_beside_the_other(name, pair, changes):
    found = FUNCTIONS[name].of(*masses(pair, *changes), normalize=True)
    assert_exact(found, exactly(name, pair, *changes), 1e-12)


@pytest.mark.parametrize(
    "pair", ["near 10, 1", "near 10, 0.001", "near 300, 1", "steep 10", "zeros"]
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_five_digits_of_float32(name, pair):
    changes = 1.0, 1.0, np.float32
    found, exact = FUNCTIONS[name].of(*masses(pair, *changes)), exactly(name, pair, *changes)
    assert found.dtype == np.float32
    if name == "kl_terms":
        np.testing.assert_allclose(found, np.array(exact, dtype=float), rtol=1e-5, atol=1e-9)
    else:
        # What is beyond the largest float32 is infinite.
        assert_exact(found, mpmath.inf if exact > 3.4e38 else exact, 1e-5)


@pytest.mark.parametrize(
    "pair",
    first_of(["near 300, 1e-08", "certain 300, 1e-09", "near 300, 1", "steep 300"], keep=2),
)
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.usefixtures("_small_chunks")
def test_rows_longer_than_a_chunk_are_as_exact(name, normalize, pair):
    """The same rows, cut into pieces of a few categories."""
    changes = (5.0, 0.3) if normalize else ()
    found = FUNCTIONS[name].of(*masses(pair, *changes), normalize=normalize)
    assert_exact(found, exactly(name, pair, *changes), 1e-12)


@pytest.mark.usefixtures("_small_chunks")
def test_the_sums_of_a_row_in_pieces_are_made_once(monkeypatch):
    """Made for each piece, they took a row of three million categories 90 times as long."""
    made = []
    monkeypatch.setattr(terms, "Cross", lambda pieces: made.append(len(pieces)) or Cross(pieces))
    kl.kl_terms(*masses("near 300, 1e-08"))
    assert made == [10]


def sharper_and_sharper(surplus):
    """Rows on both sides of the bounds of every fast pass; some of q sum to 1 + `surplus`."""
    rng = np.random.default_rng(5)
    for sharp in np.linspace(0.5, 12, 40):
        logits = sharp * rng.standard_normal(20)
        noise = rng.choice([1e-10, 1e-3, 0.1, 1]) * rng.standard_normal(20)
        p, q = np.exp(logits), np.exp(logits + noise)
        yield p / p.sum(), q / q.sum() * (1 + surplus * rng.choice([0, 1]))


@pytest.mark.parametrize(
    "name", [name for name in FUNCTIONS if name not in ("kl_terms", "renyi 1", "renyi 0")]
)
def test_the_usual_sums_stand_only_where_they_are_right(name):
    """Where the fast pass is trusted it has its digits."""
    _, exact, kernel = FUNCTIONS[name]
    fast = 0
    # With it KL of rows 1e-10 apart, which is below 1e-14, keeps 9 digits.
    for p, q in sharper_and_sharper(0 if name == "kl_divergence" else 1e-7):
        given = [p[None]] if name == "entropy" else [p[None], q[None]]
        with mpmath.workdps(DIGITS):
            expected = exact(p, q)
        calls = []
        watched = kernel._replace(exact=lambda *x, n=calls: n.append(1) or kernel.exact(*x))
        for normalize in (False, True):
            task = kernels.Task(1.0, None if normalize else (1e-6,) * len(given), normalize)
            found = rows.reduce(watched, given, task, np.float64)[0]
            assert truth.relative_error(found[0], expected) < 1e-12
        fast += 2 - len(calls)
    assert fast < 80
    # Close to order 0 the usual sum is never good enough, of the highest it overflows.
    assert (fast > 0) == (name not in ("renyi 1e-09", "renyi 1e+06"))


@lru_cache(maxsize=1)
def large(shape):
    """Rows; as many others; and others of which each of the first quarter is the same."""
    p = np.random.default_rng(11).random(shape)
    p /= p.sum(axis=-1, keepdims=True)
    partly = p[..., ::-1].copy()
    same = slice(len(p) if p.ndim == 1 else len(p) // 4)
    partly[same] = p[same]
    return p, p[..., ::-1], partly


@pytest.mark.parametrize(
    ("name", "equal"),
    [
        *((name, False) for name in KINDS),
        *((name, True) for name in KINDS if name != "entropy"),
    ],
)
@pytest.mark.parametrize(
    ("normalize", "shape"),
    first_of(product([True, False], [(160_000, 10), (1_600, 1000), (1_600_000,)])),
)
def test_memory_beside_the_result_stays_below_8_mb(name, equal, shape, normalize, many_threads):
    """Also of equal rows, which take the longest way: whole chunks of them, and chunks of none."""
    many_threads(2)
    p, reversed_p, partly_p = large(shape)
    q = partly_p if equal else reversed_p
    function = FUNCTIONS[name].of
    function([0.5, 0.5], [0.4, 0.6])
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = function(p, q, normalize=normalize)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak - np.asarray(result).nbytes < 8e6


@pytest.mark.parametrize("name", KINDS)
def test_threads_change_nothing(name, many_threads):
    p, q = np.random.default_rng(3).dirichlet(np.ones(10), size=(2, 60_000))
    many_threads(1)
    expected = FUNCTIONS[name].of(p, q)
    many_threads(3)
    np.testing.assert_array_equal(FUNCTIONS[name].of(p, q), expected)


@pytest.mark.parametrize("name", [*KINDS, "kl_from_logits"])
def test_every_function_is_lazy_on_dask(name):
    da = pytest.importorskip("dask.array")
    p, q = np.random.default_rng(4).dirichlet(np.ones(7), size=(2, 50, 3))
    function = FUNCTIONS[name].of if name in FUNCTIONS else kl.kl_from_logits
    for axis in (-1, 0):
        a, b = (np.moveaxis(x, -1, axis) for x in (p, q))
        lazy = function(da.from_array(a, chunks=4), da.from_array(b, chunks=5), axis=axis)
        assert isinstance(lazy, da.Array)
        np.testing.assert_allclose(lazy.compute(), function(a, b, axis=axis), rtol=1e-13)


# Counts whose sums are far apart: p/q of a category, or p·(p/q)⁴, is too small for a float.
APART = [
    (
        [1.1724749555761495e-75, 1.4041035199530393e-20, 7.529049813635521e-18],
        [944066647.9282607, 2.816931758800484e299, 457185146.1315103],
    ),
    (
        [1.354805953160545e-179, 7.253569490217573e-168, 9.223552893632722e-168],
        [1.9086003116752913e-118, 6.310955259626823e-129, 2.688853406910653e-119],
    ),
]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("p", "q"), APART)
def test_counts_far_apart_keep_their_digits(name, p, q):
    if name != "entropy":
        p_one, q_one = np.array(p), np.array(q)
        exact = FUNCTIONS[name].exact(p_one, q_one)
        assert_exact(FUNCTIONS[name].of(p_one, q_one, normalize=True), exact, 1e-11)


def test_orders_of_renyi_keep_the_digits_of_counts_far_apart():
    p, q = map(np.array, APART[1])
    found = kl.renyi_divergence(p, q, alpha=5.0, normalize=True)
    assert truth.relative_error(found, truth.renyi(5.0, p, q)) < 1e-12
