"""dask arrays through kl_divergence: the same numbers, lazily, in little memory."""

import subprocess
import sys

import numpy as np
import pytest

import kl_lib as kl
from kl_lib import discrete

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")


@pytest.fixture(scope="module")
def pair():
    return np.random.default_rng(0).dirichlet(np.ones(12), size=(2, 500))


@pytest.mark.parametrize("chunks", [(500, 12), (100, 12), (500, 5), (64, 5), (1, 12)])
def test_the_same_numbers_come_out_of_any_chunks(pair, chunks):
    p, q = pair
    expected = kl.kl_divergence(p, q)
    lazy = kl.kl_divergence(da.from_array(p, chunks), da.from_array(q, chunks))
    assert isinstance(lazy, da.Array)
    assert lazy.shape == (500,)
    np.testing.assert_allclose(lazy.compute(), expected, rtol=1e-14)


def test_chunks_of_p_and_q_may_differ_and_one_may_be_numpy(pair):
    p, q = pair
    expected = kl.kl_divergence(p, q, base=2)
    for a, b in (
        (da.from_array(p, (100, 12)), da.from_array(q, (70, 5))),
        (da.from_array(p, (70, 5)), q),
        (p, da.from_array(q, (100, 12))),
    ):
        np.testing.assert_allclose(kl.kl_divergence(a, b, base=2).compute(), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("p_chunks", "q_chunks", "rows"),
    [
        ((100, 12), (100, 12), 100),  # whole rows are left as they are,
        ((100, 12), (70, 12), 70),
        ((500, 6), (500, 6), 10),  # and rows that are cut are merged, to chunks of 1000 bytes
        ((500, 6), (500, 5), 10),
        ((100, 12), (70, 6), 10),
        ((70, 6), (100, 12), 10),
        ((5, 6), (500, 6), 10),
    ],
)
def test_no_task_is_larger_than_a_chunk(monkeypatch, pair, p_chunks, q_chunks, rows):
    shapes, usual = [], discrete._of_rows

    def watched(kernel, p, q, **options):
        shapes.append(p.shape)
        return usual(kernel, p, q, **options)

    monkeypatch.setattr(discrete, "_of_rows", watched)
    p, q = (da.from_array(x, chunks) for x, chunks in zip(pair, (p_chunks, q_chunks), strict=True))
    with dask.config.set({"array.chunk-size": "1000B", "scheduler": "synchronous"}):
        lazy = kl.kl_divergence(p, q)
        shapes.clear()
        np.testing.assert_allclose(lazy.compute(), kl.kl_divergence(*pair), rtol=1e-14)
    assert shapes.pop() == pair[0].shape
    assert {shape[1] for shape in shapes} == {12}
    assert max(shape[0] for shape in shapes) == max(lazy.chunks[0]) == rows


def test_axis_options_and_one_against_a_batch(pair):
    p, q = pair
    lazy_q = da.from_array(q, (100, 5))
    one = kl.kl_divergence(p[0], lazy_q).compute()
    np.testing.assert_allclose(one, kl.kl_divergence(p[0], q), rtol=1e-14)
    turned = kl.kl_divergence(da.from_array(p.T, (5, 100)), lazy_q.T, axis=0).compute()
    np.testing.assert_allclose(turned, kl.kl_divergence(p, q), rtol=1e-14)
    counts = kl.kl_divergence(da.from_array(3 * p, (100, 12)), lazy_q, normalize=True).compute()
    np.testing.assert_allclose(counts, kl.kl_divergence(p, q), rtol=1e-12)
    single = kl.kl_divergence(da.from_array(p[0], 5), q[0])
    assert float(single.compute()) == pytest.approx(kl.kl_divergence(p[0], q[0]), rel=1e-14)
    assert kl.kl_divergence(lazy_q.astype(np.float32), lazy_q.astype(np.float32)).dtype == "f4"


def test_a_bad_row_is_named_when_it_is_computed(pair):
    p, q = pair
    q = q.copy()
    q[317, 2] = np.nan
    lazy = kl.kl_divergence(da.from_array(p, (100, 12)), da.from_array(q, (100, 12)))
    with pytest.raises(kl.DistributionError, match=r"begins at row 300: q\[17, 2\] is nan"):
        lazy.compute()
    with pytest.raises(kl.DistributionError, match=r"p has 500 categories and q has 3"):
        kl.kl_divergence(lazy.reshape(1, -1), da.ones((1, 3)))
    p, q = (da.from_array(x.reshape(5, 100, 12), (2, 50, 12)) for x in (p, q))
    with pytest.raises(kl.DistributionError, match=r"begins at row \(2, 0\): q\[1, 17, 2\] is nan"):
        kl.kl_divergence(p, q).compute()
    one = kl.kl_divergence(da.from_array(np.full(4, 0.5)), da.from_array(np.full(4, 0.25)))
    with pytest.raises(kl.DistributionError, match=r"^p sums to 2"):
        one.compute()


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_a_batch_larger_than_memory_works():
    """Two arrays of 1 GB each in a process that may not hold one of them."""
    program = """
import re, resource
import dask, dask.array as da, numpy, kl_lib as kl
dask.config.set(scheduler="threads", num_workers=2)
p = da.random.default_rng(0).random((125_000, 1000), chunks=(2500, 1000))
q = da.random.default_rng(1).random((125_000, 1000), chunks=(2500, 1000))
p, q = (x / x.sum(axis=-1, keepdims=True) for x in (p, q))
total = kl.kl_divergence(p, q).mean()
used = 1024 * int(re.search(r"VmData:\\s+(\\d+)", open("/proc/self/status").read())[1])
hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
resource.setrlimit(resource.RLIMIT_DATA, (used + 600_000_000, hard))
try:
    numpy.ones(125_000_000)
except MemoryError:
    print("one array does not fit")
print(float(total.compute()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, value = done.stdout.split("\n")[:2]
    assert first == "one array does not fit"
    # For many categories the row sums settle, and x, y uniform on [0, 1] leave
    # E[2x·log(x/y)] = 2·E[x·log x] − 2·E[x]·E[log y] = −1/2 + 1.
    assert float(value) == pytest.approx(0.5, abs=0.01)


def test_rows_that_dask_has_not_counted_are_refused_and_counted_they_are_taken(pair):
    p = da.from_array(pair[0], (100, 12))
    q = p[p[:, 0] > 0.1]
    with pytest.raises(kl.DistributionError, match=r"^q has rows that dask has not") as caught:
        kl.kl_divergence(pair[0][0], q)
    assert "call q.compute_chunk_sizes() first" in str(caught.value)
    assert (caught.value.kind, caught.value.argument) == ("shape", "q")
    rows = pair[0][pair[0][:, 0] > 0.1]
    found = kl.kl_divergence(pair[0][0], q.compute_chunk_sizes()).compute()
    np.testing.assert_allclose(found, kl.kl_divergence(pair[0][0], rows), rtol=1e-14)


def test_a_place_is_one_in_the_array_given_whatever_the_axis(pair):
    p, q = (x.T.copy() for x in pair)
    p[:, 317] = 0.2
    lazy = kl.kl_divergence(da.from_array(p, (12, 100)), da.from_array(q, (12, 100)), axis=0)
    said = r"begins at row 300: p\[:, 17\] sums to 2.4, expected 1 .*normalize=True"
    with pytest.raises(kl.DistributionError, match=said):
        lazy.compute()
    # Rows given for columns: the axis to pass is the other of the array given.
    lazy = kl.kl_divergence(*(da.from_array(x, (500, 12)) for x in pair), axis=0)
    with pytest.raises(kl.DistributionError, match="axis 1 does sum to 1: pass axis=1, or"):
        lazy.compute()


KINDS = [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), ("i4", "f8")]


@pytest.mark.parametrize(("dtype", "result"), KINDS)
def test_of_tables_the_dtype_is_known_before_they_are_computed(dtype, result):
    tables = np.random.default_rng(2).integers(1, 9, (5, 2, 3)).astype(dtype)
    for function in (kl.mutual_information, kl.conditional_entropy):
        lazy = function(da.from_array(tables, chunks=(2, 2, 3)), normalize=True)
        assert lazy.dtype == lazy.compute().dtype == result


def test_tables_in_chunks_give_the_same_and_what_is_no_table_is_refused_at_once():
    tables = np.random.default_rng(2).dirichlet(np.ones(6), 5).reshape(5, 2, 3)
    for function in (kl.mutual_information, kl.conditional_entropy):
        found = function(da.from_array(tables, chunks=(2, 1, 3)))
        np.testing.assert_array_equal(found.compute(), function(tables))
        with pytest.raises(kl.DistributionError, match=r"joint has shape \(2,\); pass a table"):
            function(da.from_array(np.array([0.5, 0.5])))
