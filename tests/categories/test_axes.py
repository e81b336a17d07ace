"""Several axes of categories, axes that are kept, and entries that do not count: as NumPy has them.

The truth is the function itself of plain rows: of axes that NumPy has moved, or of entries that
were never given; `test_kernels.py` holds those against mpmath.
"""

from functools import partial

import numpy as np
import pytest
import truth
from thorough import first_of

import kl_lib as kl
from kl_lib import checks

FUNCTIONS = {
    "entropy": lambda p, q, **options: kl.entropy(p, **options),
    "cross_entropy": kl.cross_entropy,
    "kl_divergence": kl.kl_divergence,
    "generalized": partial(kl.kl_divergence, generalized=True),
    "js_divergence": kl.js_divergence,
    "total_variation": kl.total_variation,
    "renyi_divergence": partial(kl.renyi_divergence, alpha=0.3),
    "hellinger_distance": kl.hellinger_distance,
    "bhattacharyya_distance": kl.bhattacharyya_distance,
    "chi2_divergence": kl.chi2_divergence,
    "kl_from_logits": lambda p, q, **options: kl.kl_from_logits(np.log(p), np.log(q), **options),
}
SHAPE = 3, 4, 5


def pair(axis, seed=0):
    """Two arrays of SHAPE that sum to 1 over these axes."""
    p, q = np.random.default_rng(seed).random((2, *SHAPE)) + 0.1
    return p / p.sum(axis=axis, keepdims=True), q / q.sum(axis=axis, keepdims=True)


def last(x, axis):
    """By NumPy: the axes at the end, as one."""
    axes = [i % x.ndim for i in axis]
    rest = [i for i in range(x.ndim) if i not in axes]
    return np.transpose(x, [*rest, *sorted(axes)]).reshape([x.shape[i] for i in rest] + [-1])


AXES = [(0,), (1, 2), (-1, -3), (2, 0), (0, 1, 2), (-2, 0)]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("axis", AXES)
def test_several_axes_are_those_that_numpy_would_move(name, axis):
    p, q = pair(axis)
    expected = FUNCTIONS[name](last(p, axis), last(q, axis))
    found = FUNCTIONS[name](p, q, axis=axis)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    kept = FUNCTIONS[name](p, q, axis=axis, keepdims=True)
    assert kept.shape == p.sum(axis=axis, keepdims=True).shape
    np.testing.assert_array_equal(np.squeeze(kept), found)


def test_several_axes_against_50_digits():
    p, q = pair((0, 2))
    for i, found in enumerate(kl.kl_divergence(p, q, axis=(0, 2))):
        exact = truth.kl(p[:, i].ravel(), q[:, i].ravel())
        assert truth.relative_error(found, exact) < 1e-13


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_axes_are_kept_with_length_1(name, axis):
    p, q = pair(axis)
    found = FUNCTIONS[name](p, q, axis=axis)
    kept = FUNCTIONS[name](p, q, axis=axis, keepdims=True)
    np.testing.assert_array_equal(kept, np.expand_dims(found, axis))
    one = FUNCTIONS[name](
        p[0, :, 0] / p[0, :, 0].sum(), q[0, :, 0] / q[0, :, 0].sum(), keepdims=True
    )
    assert np.shape(one) == (1,)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("axis", [-1, 0, (0, 2)])
def test_what_a_mask_leaves_out_was_never_given(name, axis):
    mask = np.random.default_rng(1).random(SHAPE) < 0.6
    mask[0] = mask[..., 0] = True  # something in each row
    p, q = pair(axis)
    options = {} if name in ("generalized", "kl_from_logits") else {"normalize": True}
    axes = axis if isinstance(axis, tuple) else (axis,)
    rows = zip(
        *(last(x, axes).reshape(-1, last(x, axes).shape[-1]) for x in (p, q, mask)), strict=True
    )
    expected = [FUNCTIONS[name](a[m], b[m], **options) for a, b, m in rows]
    p[~mask], q[~mask] = np.nan, np.nan if name == "kl_from_logits" else -7
    found = FUNCTIONS[name](p, q, axis=axis, where=mask, **options)
    np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-13)


def test_the_sums_are_those_of_what_counts():
    assert kl.entropy([0.5, 0.5, 0.5], where=[True, True, False]) == pytest.approx(np.log(2))
    with pytest.raises(kl.DistributionError, match=r"^p sums to 0\.5, expected 1"):
        kl.entropy([0.5, 0.5], where=[True, False])
    with pytest.raises(kl.DistributionError, match=r"^row 1 of p sums to 0; normalize=True"):
        kl.kl_divergence([3, 1], [[1, 1]] * 2, where=[[True] * 2, [False] * 2], normalize=True)
    with pytest.raises(kl.DistributionError, match=r"^logits_p is -inf everywhere"):
        kl.kl_from_logits([1, 2], [1, 2], where=[False, False])


def test_a_mask_of_one_row_is_for_all_and_leaves_the_arguments_as_they_were():
    p, q = np.random.default_rng(2).dirichlet(np.ones(4), size=(2, 3)).astype(np.float32)
    before = p.copy(), q.copy()
    mask = np.array([True, False, True, True])
    found = kl.kl_divergence(p, q, where=mask, normalize=True)
    assert found.dtype == np.float32
    expected = kl.kl_divergence(p[:, mask], q[:, mask], normalize=True)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_array_equal((p, q), before)
    rows = np.array([[True] * 4, [True, True, False, False]])
    one = kl.entropy([[3, 1, 2, 2]] * 2, where=rows, normalize=True)
    np.testing.assert_allclose(one, [kl.entropy([3, 1, 2, 2], normalize=True),
                                     kl.entropy([3, 1], normalize=True)], rtol=1e-14)  # fmt: skip
    whole = kl.kl_from_logits([0, 2, 5], [1, 1, 0], where=[True, True, False])
    assert whole == pytest.approx(float(truth.kl_logits([0, 2], [1, 1])), rel=1e-13)


@pytest.mark.parametrize("axis", [0, (0, 2), (2, 1)])
def test_terms_keep_their_places(axis):
    p, q = pair(axis)
    axes = axis if isinstance(axis, tuple) else (axis,)
    terms = kl.kl_terms(p, q, axis=axis)
    np.testing.assert_allclose(terms, p * np.log(p / q), rtol=1e-11, atol=1e-17)
    np.testing.assert_allclose(terms.sum(axis=axes), kl.kl_divergence(p, q, axis=axis), rtol=1e-12)
    mask = np.ones(SHAPE, bool)
    mask[:2, 1:, 3:] = False
    masked = kl.kl_terms(p, q, axis=axis, where=mask, normalize=True)
    assert (masked[~mask] == 0).all()
    total = kl.kl_divergence(p, q, axis=axis, where=mask, normalize=True)
    np.testing.assert_allclose(masked.sum(axis=axes), total, rtol=1e-12)


def test_softmax_over_several_axes():
    x = np.random.default_rng(3).standard_normal(SHAPE)
    expected = np.exp(x) / np.exp(x).sum(axis=(0, 2), keepdims=True)
    np.testing.assert_allclose(kl.softmax(x, axis=(2, 0)), expected, rtol=1e-14)


def test_p_may_be_one_table_against_a_batch_of_tables():
    p, q = pair((1, 2))
    found = kl.kl_divergence(p[0], q, axis=(-2, -1))
    np.testing.assert_allclose(
        found, [kl.kl_divergence(p[0], x, axis=(0, 1)) for x in q], rtol=1e-14
    )
    with pytest.raises(kl.DistributionError, match=r"^p has no axis \(0, 1\)"):
        kl.kl_divergence(p[0], q, axis=(0, 1))
    with pytest.raises(kl.DistributionError, match=r"^p has 4 categories and q has 3 on axis -2"):
        kl.kl_divergence(p[0], p[0][:3], axis=(0, 1))


def test_a_place_of_several_axes_is_named():
    p = np.full(SHAPE, 1 / 15)
    p[1, 2, 3] = 0.5
    with pytest.raises(kl.DistributionError, match=r"^p\[:, 2, :\] sums to 1\.4333") as caught:
        kl.entropy(p, axis=(0, 2))
    assert caught.value.place == (2,)
    p[1, 2, 3] = -1
    with pytest.raises(kl.DistributionError, match=r"kl_lib\.softmax\(p, axis=\(-3, -1\)\)$"):
        kl.entropy(p, axis=(0, 2))
    with pytest.raises(kl.DistributionError, match="its axis -3 is empty"):
        kl.entropy(np.zeros((0, 3, 1)), axis=(0, 2))


@pytest.mark.parametrize(
    ("axis", "said"),
    [((0, -3), "has the same axis twice"), ((), "has no axis"), ((0, 7), "axis=7 is outside p"),
     ((0, 1.5), "axis is 1.5"), ([0, 1], "axis is [0, 1]")],
)  # fmt: skip
def test_axes_that_are_not_axes(axis, said):
    with pytest.raises(kl.DistributionError) as caught:
        kl.entropy(np.full(SHAPE, 0.25), axis=axis)
    assert said in str(caught.value)
    assert caught.value.kind == "axis"


def test_a_mask_is_of_truth_values_and_broadcasts():
    for where, kind in (([1, 0, 1], "option"), ([True, False], "shape"), ([[[True]]], "shape")):
        with pytest.raises(kl.DistributionError) as caught:
            kl.kl_divergence([[0.5, 0.5, 0]], [0.5, 0.5, 0], where=where)
        assert (caught.value.kind, caught.value.argument) == (kind, "where")


def test_merging_axes_makes_views_where_that_can_be():
    x = np.zeros(SHAPE)
    for axis in (-1, -3, (-2, -1), (-3, -2, -1)):
        assert np.shares_memory(checks.merged(x, axis), x)
        assert checks.parted(checks.merged(x, axis), axis, tuple(np.shape(x)[i] for i in (
            axis if isinstance(axis, tuple) else (axis,)))).shape == SHAPE  # fmt: skip


# Labels


def test_labels_of_rows_stay_where_the_axis_is_kept():
    pd = pytest.importorskip("pandas")
    p = pd.DataFrame([[0.2, 0.8], [0.5, 0.5]], ["mon", "tue"], ["sun", "rain"])
    kept = kl.entropy(p, keepdims=True)
    assert kept.shape == (2, 1)
    assert list(kept.index) == ["mon", "tue"]
    assert list(kl.entropy(p.T, axis=0, keepdims=True).columns) == ["mon", "tue"]
    whole = kl.kl_divergence(p / 2, p.iloc[::-1, ::-1] / 2, axis=(0, 1))
    assert whole == 0
    one = kl.entropy({"sun": 0.5, "rain": 0.5}, keepdims=True)
    assert one.shape == (1,)


def test_a_mask_with_labels_is_aligned_too():
    pd = pytest.importorskip("pandas")
    p, q = pd.Series({"a": 0.5, "b": 0.25, "c": 0.9}), pd.Series({"c": 0.1, "b": 0.5, "a": 0.25})
    mask = pd.Series({"c": False, "b": True, "a": True})
    found = kl.kl_divergence(p, q, where=mask, normalize=True)
    assert found == pytest.approx(float(truth.kl([0.5, 0.25], [0.25, 0.5])), rel=1e-13)
    found = kl.entropy(p, where=mask, normalize=True)
    assert found == pytest.approx(kl.entropy([2, 1], normalize=True), rel=1e-14)
    with pytest.raises(kl.DistributionError, match="labelled differently"):
        kl.kl_divergence(p, q, where=mask.rename({"a": "x"}), normalize=True)


def test_axes_of_xarray_keep_their_names():
    xr = pytest.importorskip("xarray")
    p = xr.DataArray(pair((1, 2))[0], dims=["day", "row", "column"], coords={"day": list("abc")})
    kept = kl.entropy(p, axis=(1, 2), keepdims=True)
    assert kept.dims == ("day", "row", "column")
    assert kept.shape == (3, 1, 1)
    assert list(kept.indexes["day"]) == list("abc")
    found = kl.entropy(p, axis=(1, 2))
    assert found.dims == ("day",)
    terms = kl.kl_terms(p, p.transpose("column", "day", "row"), axis=(1, 2))
    assert terms.dims == p.dims
    assert not terms.values.any()


# dask


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"kl_from_logits"}))
@pytest.mark.parametrize("axis", first_of([(0, 2), ((1, 2),), 0, ((0, 1, 2),)]))
def test_every_option_is_lazy(name, axis):
    da = pytest.importorskip("dask.array")
    p, q = pair(axis)
    mask = np.random.default_rng(4).random(SHAPE) < 0.7
    mask[0] = mask[..., 0] = True
    lazy = da.from_array(p, chunks=2), da.from_array(q, chunks=(3, 2, 2))
    expected = FUNCTIONS[name](p, q, axis=axis, keepdims=True)
    found = FUNCTIONS[name](*lazy, axis=axis, keepdims=True)
    assert isinstance(found, da.Array)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.compute(), expected, rtol=1e-13)
    options = {} if name == "generalized" else {"normalize": True}
    expected = FUNCTIONS[name](p, q, axis=axis, where=mask, **options)
    for where in (mask, da.from_array(mask, chunks=3)):
        found = FUNCTIONS[name](*lazy, axis=axis, where=where, **options)
        assert isinstance(found, da.Array)
        np.testing.assert_allclose(found.compute(), expected, rtol=1e-13)
    found = FUNCTIONS[name](p, q, axis=axis, where=da.from_array(mask, chunks=3), **options)
    np.testing.assert_allclose(found.compute(), expected, rtol=1e-13)


@pytest.mark.parametrize("axis", [0, (0, 2)])
def test_logits_and_terms_are_lazy_too(axis):
    da = pytest.importorskip("dask.array")
    p, q = pair(axis)
    a, b = (10 * np.log(x) for x in (p, q))
    mask = np.random.default_rng(5).random(SHAPE) < 0.7
    mask[0] = mask[..., 0] = True
    lazy_a, lazy_b = da.from_array(a, chunks=2), da.from_array(b, chunks=3)
    for options in ({"keepdims": True}, {"where": mask}, {"where": da.from_array(mask)}):
        plain = {key: np.asarray(x) for key, x in options.items()}
        expected = kl.kl_from_logits(a, b, axis=axis, **plain)
        found = kl.kl_from_logits(lazy_a, lazy_b, axis=axis, **options)
        np.testing.assert_allclose(found.compute(), expected, rtol=1e-13)
    expected = kl.kl_terms(p, q, axis=axis, where=mask, normalize=True)
    found = kl.kl_terms(da.from_array(p), q, axis=axis, where=mask, normalize=True)
    assert isinstance(found, da.Array)
    np.testing.assert_allclose(found.compute(), expected, rtol=1e-13)
    with pytest.raises(kl.DistributionError, match="where holds int64"):
        kl.kl_terms(da.from_array(p), q, axis=axis, where=da.ones(SHAPE, dtype=int))
    with pytest.raises(kl.DistributionError, match=r"where has shape \(2,\)"):
        kl.entropy(da.from_array(p), axis=axis, where=[True, False])
