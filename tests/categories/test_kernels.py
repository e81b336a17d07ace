"""Every function over categories: as exact as KL, in little memory, on threads, through dask."""

import tracemalloc

import mpmath
import numpy as np
import pytest
import truth
from mpmath import mpf

import kl_lib as kl
from kl_lib import kernels, rows


def shares(p, q):
    return truth._normalised(p), truth._normalised(q)


def total_variation(p, q):
    return mpmath.fsum(abs(a - b) for a, b in zip(*shares(p, q), strict=True)) / 2


def terms(p, q):
    """p·log(p/q) of each category; the largest alone would hide the others."""
    return [
        mpf(0) if a == 0 else a * mpmath.log(a / b) if b > 0 else mpf("inf")
        for a, b in zip(*shares(p, q), strict=True)
    ]


#: A function, and the same by mpmath.
FUNCTIONS = {
    "entropy": (lambda p, q, **options: kl.entropy(p, **options), lambda p, q: truth.entropy(p)),
    "cross_entropy": (kl.cross_entropy, truth.cross_entropy),
    "kl_divergence": (kl.kl_divergence, truth.kl),
    "js_divergence": (kl.js_divergence, truth.js),
    "total_variation": (kl.total_variation, total_variation),
    "kl_terms": (kl.kl_terms, terms),
}


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


@pytest.fixture(autouse=True)
def _digits():
    with mpmath.workdps(500):
        yield


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


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_twelve_digits_near_equality_and_near_certainty(name, pair):
    function, exact = FUNCTIONS[name]
    p, q = map(np.array, PAIRS[pair])
    assert_exact(function(p, q), exact(p, q), 1e-12)
    assert_exact(function([p, p], [q, q])[1], exact(p, q), 1e-12)


@pytest.mark.parametrize("pair", [name for name in PAIRS if "smallest" not in name])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_twelve_digits_of_counts(name, pair):
    function, exact = FUNCTIONS[name]
    p, q = (np.array(x) for x in PAIRS[pair])
    p, q = 1e7 * p, 3e-4 * q
    assert_exact(function(p, q, normalize=True), exact(p, q), 1e-12)


@pytest.mark.parametrize(
    "pair", ["near 10, 1", "near 10, 0.001", "near 300, 1", "steep 10", "zeros"]
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_five_digits_of_float32(name, pair):
    function, exact = FUNCTIONS[name]
    p, q = (np.float32(x) for x in PAIRS[pair])
    found = function(p, q)
    assert found.dtype == np.float32
    if name == "kl_terms":
        np.testing.assert_allclose(found, np.array(exact(p, q), dtype=float), rtol=1e-5, atol=1e-9)
    else:
        assert_exact(found, exact(p, q), 1e-5)


@pytest.mark.parametrize(
    "pair", ["near 300, 1", "near 300, 1e-08", "certain 300, 1e-09", "steep 300"]
)
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_rows_longer_than_a_chunk_are_as_exact(name, normalize, pair, monkeypatch):
    """The same rows, cut into pieces of a few categories."""
    function, exact = FUNCTIONS[name]
    p, q = PAIRS[pair]
    p, q = (5 * p, 0.3 * q) if normalize else (p, q)
    for constant, value in (
        ("_SCRATCH", 512),
        ("_LEAST_SCRATCH", 512),
        ("CHUNK", 32),
        ("_SMALL", 0),
    ):
        monkeypatch.setattr(rows, constant, value)
    assert_exact(function(p, q, normalize=normalize), exact(p, q), 1e-12)


def test_the_usual_sums_stand_only_where_they_are_right():
    """Where the fast pass is trusted it has its digits: rows on both sides of each bound."""
    rng = np.random.default_rng(5)
    for name in set(FUNCTIONS) - {"kl_terms"}:
        kernel = {
            "entropy": kernels.ENTROPY, "cross_entropy": kernels.CROSS_ENTROPY,
            "kl_divergence": kernels.KL, "js_divergence": kernels.JENSEN_SHANNON,
            "total_variation": kernels.TOTAL_VARIATION,
        }[name]  # fmt: skip
        exact, fast = FUNCTIONS[name][1], 0
        for sharp in np.linspace(0.5, 12, 40):
            logits = sharp * rng.standard_normal(20)
            p, q = (
                np.exp(logits),
                np.exp(logits + rng.choice([1e-3, 0.1, 1]) * rng.standard_normal(20)),
            )
            p, q = p / p.sum(), q / q.sum()
            given = [p[None]] if name == "entropy" else [p[None], q[None]]
            task = kernels.Task(1.0, (1e-6,) * len(given))
            calls = []
            watched = kernel._replace(
                exact=lambda *x, calls=calls, k=kernel: calls.append(1) or k.exact(*x)
            )
            found = rows.reduce(watched, given, task, np.float64)[0]
            assert truth.relative_error(found[0], exact(p, q)) < 1e-12
            fast += not calls
        assert 0 < fast < 40, name


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", [(400_000, 10), (4_000, 1000), (3_000_000,)])
@pytest.mark.parametrize("normalize", [False, True])
def test_memory_beside_the_result_stays_below_8_mb(name, shape, normalize, many_threads):
    many_threads(2)
    p = np.random.default_rng(11).random(shape)
    p /= p.sum(axis=-1, keepdims=True)
    # Equal rows take the longest way.
    q = p if name in ("js_divergence", "kl_divergence", "total_variation") else p[..., ::-1]
    function = FUNCTIONS[name][0]
    function(p[:1] / p[:1].sum(axis=-1, keepdims=True), q[:1] / q[:1].sum(axis=-1, keepdims=True))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = function(p, q, normalize=normalize)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak - np.asarray(result).nbytes < 8e6


@pytest.mark.parametrize("name", FUNCTIONS)
def test_threads_change_nothing(name, many_threads):
    p, q = np.random.default_rng(3).dirichlet(np.ones(10), size=(2, 60_000))
    many_threads(1)
    expected = FUNCTIONS[name][0](p, q)
    many_threads(3)
    np.testing.assert_array_equal(FUNCTIONS[name][0](p, q), expected)


@pytest.mark.parametrize("name", [*FUNCTIONS, "kl_from_logits"])
def test_every_function_is_lazy_on_dask(name):
    da = pytest.importorskip("dask.array")
    p, q = np.random.default_rng(4).dirichlet(np.ones(7), size=(2, 50, 3))
    function = FUNCTIONS[name][0] if name in FUNCTIONS else kl.kl_from_logits
    for axis in (-1, 0):
        a, b = (np.moveaxis(x, -1, axis) for x in (p, q))
        lazy = function(da.from_array(a, chunks=4), da.from_array(b, chunks=5), axis=axis)
        assert isinstance(lazy, da.Array)
        np.testing.assert_allclose(lazy.compute(), function(a, b, axis=axis), rtol=1e-13)
