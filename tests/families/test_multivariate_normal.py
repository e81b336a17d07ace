"""KL between multivariate normals, of covariances and of factors, against high precision."""

import math
import re
import types

import mpmath
import numpy as np
import pytest
import truth
from counting import peak_bytes
from scipy import stats

import kl_lib as kl
from kl_lib.families import multivariate_normal, triangular


def exact(mu_p, cov_p, mu_q, cov_q):
    """The textbook formula of float or mpmath matrices, to more digits than any of them needs."""
    with mpmath.workdps(800):
        shift = mpmath.matrix(mu_p) - mpmath.matrix(mu_q)
        cov_p, cov_q = mpmath.matrix(cov_p), mpmath.matrix(cov_q)
        inverse = cov_q**-1
        product = inverse * cov_p
        trace = mpmath.fsum(product[i, i] for i in range(product.rows))
        square = (shift.T * inverse * shift)[0]
        return (trace - product.rows + square - mpmath.log(mpmath.det(product))) / 2


def product(scale):
    """scale·scaleᵀ of floats, without rounding."""
    with mpmath.workdps(800):
        scale = mpmath.matrix(scale)
        return scale * scale.T


def relative_error(value, *parameters):
    return truth.relative_error(value, exact(*parameters))


def random_normal(rng, d, spread=1.0):
    a = rng.standard_normal((d, d))
    return rng.standard_normal(d), a @ a.T * spread + 0.1 * np.eye(d)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_kl_mvn_agrees_with_monte_carlo(d):
    rng = np.random.default_rng(d)
    mu_p, cov_p = random_normal(rng, d)
    mu_q, cov_q = random_normal(rng, d)
    p, q = stats.multivariate_normal(mu_p, cov_p), stats.multivariate_normal(mu_q, cov_q)
    x = np.reshape(p.rvs(100_000, random_state=rng), (-1, d))
    ratios = p.logpdf(x) - q.logpdf(x)
    assert abs(kl.kl_mvn(mu_p, cov_p, mu_q, cov_q) - ratios.mean()) < 5 * stats.sem(ratios)


def test_kl_mvn_of_independent_coordinates_is_the_sum_over_them():
    rng = np.random.default_rng(7)
    mu_p, mu_q = rng.standard_normal((2, 4))
    s_p, s_q = rng.uniform(0.2, 3, (2, 4))
    whole = kl.kl_mvn(mu_p, np.diag(s_p**2), mu_q, np.diag(s_q**2))
    assert whole == pytest.approx(kl.kl_normal(mu_p, s_p, mu_q, s_q).sum(), rel=1e-12)


def test_kl_mvn_is_zero_for_equal_and_accurate_for_close_normals():
    mu, cov = random_normal(np.random.default_rng(8), 3)
    assert kl.kl_mvn(mu, cov, mu, cov) == 0
    step = 1e-8
    close = kl.kl_mvn(mu, cov, mu, cov * (1 + step))
    assert close == pytest.approx(3 * step**2 / 4, rel=1e-6, abs=0)
    s = np.array([0.3, 1, 20])
    for factor in (1 + 1e-6, 1.2, 0.8):  # each eigenvalue differs in sign or size
        t = s * [factor, 1, 1 / factor]
        close = kl.kl_mvn(mu, np.diag(s**2), mu, np.diag(t**2))
        assert close == pytest.approx(kl.kl_normal(mu, s, mu, t).sum(), rel=1e-8, abs=0)


def test_kl_mvn_of_a_variance_that_all_but_vanishes_beside_the_other():
    p, q = ([0.0], [[1e-40]]), ([0.0], [[1.0]])
    assert kl.kl_mvn(*p, *q) == pytest.approx(kl.kl_normal(0, 1e-20, 0, 1), rel=1e-14)
    assert kl.kl_mvn(*q, *p) == pytest.approx(kl.kl_normal(0, 1, 0, 1e-20), rel=1e-14)


def test_kl_mvn_takes_batches():
    rng = np.random.default_rng(9)
    rows = [random_normal(rng, 2) for _ in range(4)]
    mus, covs = np.stack([m for m, _ in rows]), np.stack([c for _, c in rows])
    batch = kl.kl_mvn(mus, covs, mus[0], covs[0])
    assert batch.shape == (4,)
    assert batch[0] == 0
    assert batch[2] == pytest.approx(kl.kl_mvn(mus[2], covs[2], mus[0], covs[0]), rel=1e-14)
    # One pair close and the next far apart, of three dimensions: each is computed as it needs.
    mus, covs = (np.stack(x) for x in zip(*(random_normal(rng, 3) for _ in range(4)), strict=True))
    covs_q = covs * np.array([1 + 1e-6, 1, 3, 1 - 1e-6])[:, None, None]
    batch = kl.kl_mvn(mus, covs, mus, covs_q)
    one_by_one = [kl.kl_mvn(*args) for args in zip(mus, covs, mus, covs_q, strict=True)]
    np.testing.assert_allclose(batch, one_by_one, rtol=1e-13)
    np.testing.assert_allclose(batch, kl.kl_mvn(mus, covs, mus, covs_q, base=2) * math.log(2))
    assert kl.kl_mvn(mus[:0], covs[:0], mus[0], covs[0]).shape == (0,)


@pytest.mark.parametrize(
    ("cov", "said"),
    [
        ([[1, 0.5], [0.4, 1]], "covariance_matrix_p is not symmetric: entry \\(0, 1\\) is 0.5"),
        ([[1, 1], [1, 1]], "covariance_matrix_p is singular or not positive definite"),
        ([[1, 2], [2, 1]], "smallest eigenvalue -1"),
        ([1, 1], "covariance_matrix_p has shape \\(2,\\)"),
        (np.eye(3), "dimensions do not agree"),
    ],
)
def test_covariances_that_are_none_are_named(cov, said):
    with pytest.raises(kl.DistributionError, match=said):
        kl.kl_mvn([0, 0], cov, [0, 0], np.eye(2))
    with pytest.raises(
        kl.DistributionError, match=said.replace("covariance_matrix_p", "covariance_matrix_q")
    ):
        kl.kl_mvn([0, 0], np.eye(2), [0, 0], cov)


def test_what_counts_as_asymmetric_scales_with_the_covariance():
    slanted = np.array([np.eye(2), [[1, 0.5], [0.4, 1]]])
    said = r"entry \(1, 0, 1\) is 0.5 and entry \(1, 1, 0\) is 0.4;"
    for scale in (1e-20, 1, 1e20):
        with pytest.raises(kl.DistributionError, match=r"^covariance_matrix_p is not symmetric"):
            kl.kl_mvn([0, 0], slanted * scale, [0, 0], np.eye(2) * scale)
        rounded = np.array([[1, 0.5], [0.5 + 1e-9, 1]]) * scale
        assert kl.kl_mvn([0, 0], rounded, [0, 0], rounded) == 0
    with pytest.raises(kl.DistributionError, match=said):
        kl.kl_mvn([0, 0], slanted, [0, 0], np.eye(2))
    with pytest.raises(kl.DistributionError, match=r"^covariance_matrix_q is singular"):
        kl.kl_mvn([0, 0], np.eye(2), [0, 0], np.zeros((2, 2)))


@pytest.mark.parametrize("shape", [(2, 3), (2, 2, 3), (2, 3, 2)])
def test_a_covariance_is_square(shape):
    with pytest.raises(
        kl.DistributionError, match=r"^covariance_matrix_p has shape .*; a covariance is square"
    ):
        kl.kl_mvn([0, 0], np.ones(shape), [0, 0], np.eye(2))


def test_dimensions_that_do_not_agree_are_all_named():
    with pytest.raises(kl.DistributionError) as caught:
        kl.kl_mvn(0, np.eye(2), np.zeros((2, 3)), np.ones((3, 2, 2)))
    told = "(last axis: loc_p none, loc_q 3, covariance_matrix_p 2, covariance_matrix_q 2)"
    remedy = "give means of length d and covariances of shape (d, d)"
    assert str(caught.value) == f"the dimensions do not agree {told}; {remedy}"
    names = "loc_p and loc_q and covariance_matrix_p and covariance_matrix_q"
    assert (caught.value.kind, caught.value.argument) == ("shape", names)
    with pytest.raises(
        kl.DistributionError,
        match="loc_p none, loc_q none, covariance_matrix_p 1, covariance_matrix_q 1",
    ):
        kl.kl_mvn(0, [[1]], 0, [[1]])


def test_deviations_that_do_not_agree_in_dimension_are_named():
    of_deviations = multivariate_normal.kl_of_deviations
    for given, fault, told in (
        (([0, 1], [1, 1, 1], [0, 1], [1, 1]), "do not agree", "2, loc_q 2, scale_diag_p 3"),
        (([], [], [], []), "are none", "0, loc_q 0, scale_diag_p 0"),
        ((0, 1, 0, 1), "do not agree", "none, loc_q none, scale_diag_p none"),
    ):
        with pytest.raises(kl.DistributionError) as caught:
            of_deviations(*given)
        last = told.rpartition(" ")[2] if given[1] != [1, 1, 1] else 2
        assert str(caught.value) == (
            f"the dimensions {fault} (last axis: loc_p {told}, scale_diag_q {last}); give means of "
            "length d and as many standard deviations"
        )
        assert caught.value.kind == "shape"
    value = of_deviations(np.zeros((3, 1, 2)), [1, 1], [[1, 0], [0, 2]], [1, 2])
    expected = kl.kl_normal(0, 1, [[1, 0], [0, 2]], [1, 2]).sum(axis=-1)
    np.testing.assert_allclose(value, np.broadcast_to(expected, (3, 2)), rtol=1e-15)
    for bad, name in (([0, 1], "scale_diag_p"), ([1, math.nan], "scale_diag_p")):
        with pytest.raises(kl.DistributionError, match=rf"^{name}\[[01]\] is "):
            of_deviations([0, 1], bad, [0, 1], [1, 1])


@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (2, 2, 3), (2, 3, 2)])
def test_an_error_about_the_shape_of_a_covariance_or_a_factor_is_whole(shape):
    for form, name in (
        (kl.kl_mvn, "covariance_matrix_q"),
        (multivariate_normal.kl_of_factors, "scale_q"),
    ):
        with pytest.raises(kl.DistributionError) as caught:
            form([0, 0], np.eye(2), [0, 0], np.ones(shape))
        d = shape[-1] if shape else 0
        remedies = [
            f"for a single variance pass [[{name}]]",
            f"for variances alone pass np.diag({name})",
            f"for variances alone pass np.asarray({name})[..., None] * np.eye({d})",
        ]
        remedy = remedies[min(len(shape), 2)]
        assert str(caught.value) == (
            f"{name} has shape {shape}; a covariance is square, (..., d, d): {remedy}"
        )
        assert (caught.value.kind, caught.value.argument) == ("shape", name)


# Batches


def random_batch(rng, *shape, d=3):
    a = rng.standard_normal((*shape, d, d))
    return a @ np.swapaxes(a, -1, -2) + 0.1 * np.eye(d)


@pytest.mark.parametrize(
    "shapes",
    [
        ((), (2,), (), (2,)),  # covariances one axis deeper than the means
        ((), (), (), (2,)),
        ((2,), (), (), ()),
        ((3, 1), (2,), (3, 2), ()),
        ((2,), (3, 1), (), (1, 2)),
        ((0,), (1,), (), ()),
    ],
)
@pytest.mark.parametrize("d", [1, 3])
def test_any_batches_that_broadcast_are_taken(shapes, d):
    rng = np.random.default_rng(0)
    mu_p, mu_q = (rng.standard_normal((*shapes[i], d)) for i in (0, 2))
    cov_p, cov_q = (random_batch(rng, *shapes[i], d=d) for i in (1, 3))
    value = kl.kl_mvn(mu_p, cov_p, mu_q, cov_q)
    batch = np.broadcast_shapes(*shapes)
    assert value.shape == batch
    vectors = [np.broadcast_to(x, (*batch, d)) for x in (mu_p, mu_q)]
    matrices = [np.broadcast_to(x, (*batch, d, d)) for x in (cov_p, cov_q)]
    for place in np.ndindex(batch):
        (m_p, m_q), (c_p, c_q) = ([x[place] for x in xs] for xs in (vectors, matrices))
        assert relative_error(value[place], m_p, c_p, m_q, c_q) < 1e-12


def test_covariances_one_axis_deeper_than_the_means():
    value = kl.kl_mvn([1.0], [[[1.0]], [[4.0]]], [0.0], [[[1.0]], [[2.0]]])
    np.testing.assert_allclose(value, [0.5, 0.5 * (2 - 1 + 0.5 - math.log(2))], rtol=1e-15)


def test_batches_that_do_not_broadcast_are_named_with_all_shapes():
    with pytest.raises(kl.DistributionError) as caught:
        kl.kl_mvn(np.zeros((2, 1)), np.ones((3, 1, 1)), [0], [[1]])
    told = "(loc_p (2, 1), loc_q (1,), covariance_matrix_p (3, 1, 1), covariance_matrix_q (1, 1))"
    assert str(caught.value).startswith(f"the parameters do not broadcast to one shape {told}; ")
    assert caught.value.kind == "shape"
    assert (
        caught.value.argument == "loc_p and loc_q and covariance_matrix_p and covariance_matrix_q"
    )
    with pytest.raises(kl.DistributionError, match=r"scale_p \(3,\), .*length 1 where one value"):
        kl.kl_normal([0, 1], [1, 1, 1], 0, 1)


def test_normals_of_no_dimension_are_refused():
    with pytest.raises(kl.DistributionError, match="the dimensions are none"):
        kl.kl_mvn([], np.ones((0, 0)), [], np.ones((0, 0)))


# What a message says


def test_asymmetry_is_measured_against_the_two_variances_of_the_entry():
    slanted = [[1, 0.5], [-0.5, 1]]
    with pytest.raises(kl.DistributionError, match=r"entry \(1, 0, 1\) is 0.5 and entry \(1, 1, 0"):
        kl.kl_mvn([0, 0], [1e20 * np.eye(2), slanted], [0, 0], np.eye(2))
    wide = np.diag([1e20, 1, 1])
    wide[1:, 1:] = slanted
    with pytest.raises(kl.DistributionError, match=r"entry \(1, 2\) is 0.5 and entry \(2, 1\) is"):
        kl.kl_mvn([0] * 3, wide, [0] * 3, np.eye(3))
    # Rounding between two coordinates of different units is as harmless in each.
    units = np.array([1e8, 1e-8])
    rounded = np.array([[1, 0.5], [0.5 + 1e-9, 1]]) * np.outer(units, units)
    assert kl.kl_mvn([0, 0], rounded, [0, 0], rounded) == 0
    with pytest.raises(kl.DistributionError, match="is not symmetric") as caught:
        kl.kl_mvn([0, 0], np.eye(2), [0, 0], [[1e308, 1e308], [-1e308, 1e308]])
    assert (caught.value.argument, caught.value.place, caught.value.value) == (
        "covariance_matrix_q",
        (0, 1),
        1e308,
    )


def test_it_does_not_matter_on_which_side_of_the_diagonal_the_rounding_is():
    rounded = np.array([[1, 0.5], [0.5 + 9e-9, 1]])
    args = [0, 0], np.eye(2) * 3
    value = kl.kl_mvn([1, 0], rounded, *args)
    assert value == kl.kl_mvn([1, 0], rounded.T, *args)
    half_way = [[1, 0.5 + 4.5e-9], [0.5 + 4.5e-9, 1]]
    assert relative_error(value, [1, 0], half_way, *args) < 1e-14


@pytest.mark.parametrize("place", [(0, 0), (0, 2), (1, 1), (1, 2)])
def test_a_singular_covariance_is_named_by_its_place_with_its_own_eigenvalue(place):
    cov = random_batch(np.random.default_rng(1), 2, 3, d=2)
    cov[1, 2] = [[1, 2], [2, 1]]  # at the end: another eigenvalue below 0
    cov[place] = [[3, 5], [5, 3]]
    with pytest.raises(kl.DistributionError) as caught:
        kl.kl_mvn([0, 0], cov, [0, 0], np.eye(2))
    error, where = caught.value, ", ".join(map(str, place))
    assert str(error).startswith(
        f"covariance_matrix_p[{where}] is singular or not positive definite (smallest"
    )
    assert "(smallest eigenvalue -2);" in str(error)
    assert (error.kind, error.argument, error.place) == ("parameter", "covariance_matrix_p", place)
    assert error.value == pytest.approx(-2)


def follow(error, **names):
    """What the expression after "pass" in a message gives."""
    remedy = re.search(r"pass (.*?)( if the difference is rounding)?$", str(error))[1]
    return eval(remedy, {"np": np, **names})


@pytest.mark.parametrize(
    "variances",
    [
        [1.0, 4.0],
        np.array([1.0, 4.0]),
        np.array([[1.0, 4.0], [9.0, 1.0], [2.0, 3.0]]),
        np.ones((2, 3, 2)),
    ],
)
def test_the_remedy_for_variances_is_right(variances):
    with pytest.raises(kl.DistributionError) as caught:
        kl.kl_mvn([0, 0], variances, [1, 0], np.eye(2))
    assert (caught.value.kind, caught.value.argument) == ("shape", "covariance_matrix_p")
    value = kl.kl_mvn(
        [0, 0], follow(caught.value, covariance_matrix_p=variances), [1, 0], np.eye(2)
    )
    v = np.asarray(variances)
    np.testing.assert_allclose(value, 0.5 * ((v - 1 - np.log(v)).sum(axis=-1) + 1), rtol=1e-14)


def test_the_remedy_for_variances_of_as_many_normals_as_coordinates_is_right():
    """A square table of variances is taken for a covariance, but for its asymmetry."""
    with pytest.raises(kl.DistributionError) as caught:
        kl.kl_mvn([0], 4.0, [0], [[1]])
    value = kl.kl_mvn([0], follow(caught.value, covariance_matrix_p=4.0), [0], [[1]])
    assert value == pytest.approx(0.5 * (3 - math.log(4)), rel=1e-14)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("kind", [list, np.array])
def test_the_remedy_for_asymmetry_by_rounding_is_right(deep, kind):
    rounded = [[2.0, 0.5], [0.5 + 1e-6, 1.0]]
    cov = kind([rounded, [[1.0, 0.0], [0.0, 1.0]]] if deep else rounded)
    with pytest.raises(kl.DistributionError) as caught:
        kl.kl_mvn([0, 0], np.eye(2), [1, 0], cov)
    error = caught.value
    assert ("np.transpose(" in str(error)) is not deep
    assert (error.kind, error.argument) == ("parameter", "covariance_matrix_q")
    assert (error.place, error.value) == ((0, 0, 1) if deep else (0, 1), 0.5)
    value = kl.kl_mvn([0, 0], np.eye(2), [1, 0], follow(error, covariance_matrix_q=cov))
    mean = [[2.0, 0.5 + 5e-7], [0.5 + 5e-7, 1.0]]
    assert relative_error(np.ravel(value)[0], [0, 0], np.eye(2), [1, 0], mean) < 1e-13
    assert value.shape == ((2,) if deep else ())


# Factors


def random_factor(rng, d, grade=0):
    """A Cholesky factor; `grade`: by how many powers of 10 its rows may differ, and its columns."""
    factor = np.tril(rng.standard_normal((d, d)), -1) + np.diag(rng.uniform(0.5, 2, d))
    rows, columns = 10 ** rng.uniform(-grade, grade, (2, d))
    return rows[:, None] * factor * columns


@pytest.mark.parametrize("grade", [0, 3, 8, 40])
@pytest.mark.parametrize("d", [1, 2, 3, 5, 8])
def test_the_divergence_of_two_factors_is_exact(d, grade):
    rng = np.random.default_rng(d)
    for _ in range(3):
        s_p, s_q = random_factor(rng, d, grade), random_factor(rng, d, grade)
        mu_p, mu_q = np.diag(s_q) * rng.standard_normal(d), np.zeros(d)
        value = multivariate_normal.kl_of_factors(mu_p, s_p, mu_q, s_q)
        assert relative_error(value, mu_p, product(s_p), mu_q, product(s_q)) < 1e-12


@pytest.mark.parametrize("distance", [1e-13, 1e-9, 1e-5, 0.1])
@pytest.mark.parametrize("grade", [0, 8])
def test_the_divergence_of_nearly_equal_factors_is_exact(distance, grade):
    rng = np.random.default_rng(3)
    for d in (1, 2, 4, 7):
        s_q = random_factor(rng, d, grade)
        s_p = s_q * (1 + distance * rng.uniform(-1, 1, (d, d)))
        value = multivariate_normal.kl_of_factors(np.zeros(d), s_p, np.zeros(d), s_q)
        error = relative_error(value, np.zeros(d), product(s_p), np.zeros(d), product(s_q))
        assert error < 1e-12
    assert multivariate_normal.kl_of_factors(np.zeros(d), s_q, np.zeros(d), s_q) == 0


def test_what_squaring_a_factor_would_lose():
    factor = np.array([[1, 0], [1, 1e-7]])
    zero = [0, 0]
    for thin in (1e-7, 1e-8, 1e-12, 1e-200):
        factor[1, 1] = thin
        value = multivariate_normal.kl_of_factors(zero, factor, zero, 2 * factor)
        assert value == pytest.approx(2 * (math.log(2) - 3 / 8), rel=1e-15)


def test_factors_of_rows_of_very_different_size_do_not_overflow_on_the_way():
    s_q = np.array([[1e-110, 0], [1e200, 1e200]])
    s_p = np.array([[2.0, 0], [1e200, 1e200]])
    value = multivariate_normal.kl_of_factors([0, 0], s_p, [0, 0], s_q)
    assert relative_error(value, [0, 0], product(s_p), [0, 0], product(s_q)) < 1e-14
    # One coordinate infinitely far, the other not at all.
    far = np.diag([1e308, 1]), np.diag([5e-324, 1])
    assert multivariate_normal.kl_of_factors([0, 0], far[0], [0, 0], far[1]) == math.inf
    one = np.eye(2)
    assert multivariate_normal.kl_of_factors([1.7e308, 0], one, [-1.7e308, 0], one) == math.inf


@pytest.mark.parametrize("grade", [0, 4])
def test_any_square_root_of_a_covariance_is_made_triangular_without_squaring(grade):
    rng = np.random.default_rng(4)
    for d in (2, 3, 6):
        rows = 10 ** rng.uniform(-grade, grade, (d, 1))
        full_p, full_q = rows * rng.standard_normal((2, d, d))
        value = multivariate_normal.kl_of_factors(np.zeros(d), full_p, np.ones(d), full_q)
        error = relative_error(value, np.zeros(d), product(full_p), np.ones(d), product(full_q))
        assert error < 1e-11
    # Nearly singular: its square would have no Cholesky factor.
    thin = np.array([[1.0, 1.0], [1.0, 1 + 1e-9]])
    value = multivariate_normal.kl_of_factors([0, 0], thin, [0, 0], 2 * thin)
    assert relative_error(value, [0, 0], product(thin), [0, 0], product(2 * thin)) < 1e-6


def test_signs_on_the_diagonal_do_not_matter():
    rng = np.random.default_rng(5)
    s_p, s_q = random_factor(rng, 4), random_factor(rng, 4)
    expected = multivariate_normal.kl_of_factors(np.zeros(4), s_p, np.ones(4), s_q)
    signs = np.array([1, -1, -1, 1])
    value = multivariate_normal.kl_of_factors(np.zeros(4), s_p * signs, np.ones(4), s_q * -signs)
    assert value == expected


def test_only_what_is_not_triangular_is_made_so():
    rng = np.random.default_rng(6)
    graded, full = np.array([[1, 0], [1, 1e-30]]), rng.standard_normal((2, 2))
    lower = triangular.lower_factor(np.stack([graded, full]), "scale_p")
    np.testing.assert_array_equal(lower[0], graded)
    np.testing.assert_allclose(lower[1] @ lower[1].T, full @ full.T, rtol=1e-14)
    assert lower[1, 0, 1] == 0
    assert (triangular.diagonal(lower) > 0).all()
    rows = np.array([[1e30], [1e-30]])
    sizes = np.stack([rows * full, 1e-20 * rows * full])
    lower = triangular.lower_factor(sizes, "scale_p")
    for factor, matrix in zip(lower / rows, sizes / rows, strict=True):
        np.testing.assert_allclose(factor @ factor.T, matrix @ matrix.T, rtol=1e-13)


@pytest.mark.parametrize(
    ("scale", "place"),
    [
        ([[1, 0], [1, 0]], (1, 1)),
        ([[0, 0], [1, 1]], (0, 0)),
        ([np.eye(2), [[1, 0], [0, 0]]], (1, 1, 1)),
        ([[1, 1], [1, 1]], (1, 1)),
        ([[1e200, 1e200], [1e-200, 1e-200]], (1, 1)),
        (np.ones((3, 3)) / 3, (1, 1)),
    ],
)
def test_a_singular_factor_is_named(scale, place):
    d = np.shape(scale)[-1]
    zero, one = np.zeros(d), np.eye(d)
    for name, args in (
        ("scale_p", (zero, scale, zero, one)),
        ("scale_q", (zero, one, zero, scale)),
    ):
        with pytest.raises(kl.DistributionError) as caught:
            multivariate_normal.kl_of_factors(*args)
        said = f"{name} is singular: entry {place} of its triangular factor is "
        assert str(caught.value).startswith(said)
        assert (caught.value.kind, caught.value.argument) == ("parameter", name)
        assert caught.value.place == place
        assert abs(caught.value.value) < 1e-15


def test_substitution_solves_batches_and_broadcasts():
    rng = np.random.default_rng(7)
    lower = np.stack([random_factor(rng, 5) for _ in range(3)])
    right = rng.standard_normal((2, 1, 5, 4))
    solved = triangular.whiten(lower, right, np.zeros(1))
    assert solved.shape == (2, 3, 5, 4)
    np.testing.assert_allclose(lower @ solved, np.broadcast_to(right, solved.shape), atol=1e-11)


# Distribution objects


COVARIANCE = stats.Covariance


def scipy_normals(rng, d):
    """A name, a distribution of SciPy, its mean, and its covariance in mpmath."""
    factor, mean = random_factor(rng, d), rng.standard_normal(d)
    cov = factor @ factor.T
    variances = rng.uniform(0.2, 3, d)
    values, vectors = np.linalg.eigh(cov)
    given = {
        "matrix": (cov, cov),
        "cholesky": (COVARIANCE.from_cholesky(factor), product(factor)),
        "diagonal": (COVARIANCE.from_diagonal(variances), np.diag(variances)),
        "precision": (COVARIANCE.from_precision(np.linalg.inv(cov)), cov),
        "eigen": (COVARIANCE.from_eigendecomposition((values, vectors)), cov),
    }
    return {
        name: (stats.multivariate_normal(mean, shape), mean, matrix)
        for name, (shape, matrix) in given.items()
    }


KINDS = ["matrix", "cholesky", "diagonal", "precision", "eigen"]


@pytest.mark.parametrize("kind_p", KINDS)
@pytest.mark.parametrize("kind_q", KINDS)
def test_kl_between_reads_however_scipy_was_given_a_covariance(kind_p, kind_q):
    rng = np.random.default_rng(8)
    dist_p, mu_p, cov_p = scipy_normals(rng, 3)[kind_p]
    dist_q, mu_q, cov_q = scipy_normals(rng, 3)[kind_q]
    value = kl.kl_between(dist_p, dist_q)
    assert relative_error(value, mu_p, cov_p, mu_q, cov_q) < 1e-11
    bits = kl.kl_between(dist_p, dist_q, base=2)
    assert bits == pytest.approx(value / math.log(2), rel=1e-15)


def test_kl_between_keeps_the_digits_of_a_cholesky_factor_of_scipy():
    factor = np.array([[1, 0], [1, 1e-9]])
    p, q = (
        stats.multivariate_normal([0, 0], COVARIANCE.from_cholesky(x)) for x in (factor, 2 * factor)
    )
    assert kl.kl_between(p, q) == pytest.approx(2 * (math.log(2) - 3 / 8), rel=1e-15)


def test_kl_between_of_matrices_is_kl_mvn_also_for_nearly_equal_ones():
    cov = random_batch(np.random.default_rng(9))
    p, q = (stats.multivariate_normal(np.zeros(3), c) for c in (cov, cov * (1 + 1e-9)))
    assert kl.kl_between(p, q) == kl.kl_mvn(np.zeros(3), cov, np.zeros(3), cov * (1 + 1e-9))


def test_a_singular_covariance_of_a_distribution_is_named():
    good = stats.multivariate_normal([0, 0], np.eye(2))
    line = stats.multivariate_normal([0, 0], [[1, 1], [1, 1]], allow_singular=True)
    flat = stats.multivariate_normal([0, 0], COVARIANCE.from_diagonal([1, 0]))
    turned = stats.multivariate_normal(
        [0, 0], COVARIANCE.from_eigendecomposition(([0.0, 1.0], np.sqrt([[0.5, 0.5], [0.5, 0.5]])))
    )
    root = stats.multivariate_normal([0, 0], COVARIANCE.from_cholesky(np.eye(2)))
    slanted = stats.multivariate_normal([0, 0], [[1, 0.5], [0.4, 1]])
    for p, q, said in (
        (line, good, "^covariance_matrix_p is singular or not positive definite"),
        (root, line, "^covariance_matrix_q is singular or not positive definite"),
        (slanted, root, "^covariance_matrix_p is not symmetric"),
        (good, flat, "^scale_q is singular: entry \\(1, 1\\)"),
        (flat, flat, r"^scale_diag_p\[1\] is 0; a standard deviation is above 0"),
        (turned, good, "^scale_p is singular"),
    ):
        with pytest.raises(kl.DistributionError, match=said):
            kl.kl_between(p, q)


def test_distributions_of_different_dimensions_are_refused():
    dists = [
        stats.multivariate_normal(np.zeros(d), COVARIANCE.from_diagonal(np.ones(d))) for d in (1, 2)
    ]
    with pytest.raises(kl.DistributionError) as caught:
        kl.kl_between(*dists)
    assert str(caught.value) == (
        "the dimensions do not agree (last axis: loc_p 1, loc_q 2, scale_diag_p 1, scale_diag_q "
        "2); give means of length d and as many standard deviations"
    )
    assert caught.value.kind == "shape"
    assert caught.value.argument == "loc_p and loc_q and scale_diag_p and scale_diag_q"
    with pytest.raises(kl.DistributionError, match=r"loc_p 1, loc_q 3, scale_p 1, scale_q 3\)"):
        kl.kl_between(dists[0], stats.multivariate_normal(np.zeros(3), np.eye(3)))


# Of TensorFlow Probability, kl_between reads attributes only: it can be tested without


class Operator(types.SimpleNamespace):
    """A linear operator like TensorFlow's."""

    def to_dense(self):
        return self.dense


class LinearOperatorDiag(Operator):
    def diag_part(self):
        return self.diag

    def to_dense(self):
        raise AssertionError("made dense, of d·d entries")


class LinearOperatorScaledIdentity(LinearOperatorDiag):
    pass


def tfp_like(kind, mean, scale):
    where = {"__module__": "tensorflow_probability.python.distributions", "log_prob": None}
    return type(f"MultivariateNormal{kind}", (), where | {"mean": lambda _: mean, "scale": scale})()


FACTOR = np.float32([[1.1, 0], [0.3, 0.7]])
ROOT = np.array([[1.0, -2.0], [0.5, 3.0]])
ZERO = np.zeros(2)


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        (
            tfp_like("TriL", [1.0, 2.0], Operator(dense=FACTOR)),
            tfp_like("LinearOperator", ZERO, Operator(dense=ROOT)),
            [exact([1, 2], product(FACTOR.astype(float)), ZERO, product(ROOT))],
        ),
        (
            tfp_like("TriL", ZERO, Operator(dense=np.stack([FACTOR, 2 * FACTOR]))),
            tfp_like("DiagPlusLowRank", [1.0, 0.0], Operator(dense=ROOT)),
            [exact(ZERO, product(s * FACTOR.astype(float)), [1, 0], product(ROOT)) for s in (1, 2)],
        ),
        (
            tfp_like("Diag", [1.0, 2.0], LinearOperatorDiag(diag=np.float32([-0.5, 3]))),
            tfp_like("Diag", ZERO, LinearOperatorScaledIdentity(diag=[2.0, 2.0])),
            [exact([1, 2], np.diag([0.25, 9]), ZERO, 4 * np.eye(2))],
        ),
        (
            tfp_like("Diag", [1.0, 2.0], LinearOperatorDiag(diag=[[-0.5, 3], [1, 1]])),
            tfp_like("TriL", ZERO, Operator(dense=FACTOR)),
            [
                exact([1, 2], np.diag(v), ZERO, product(FACTOR.astype(float)))
                for v in ([0.25, 9], [1, 1])
            ],
        ),
    ],
    ids=["triangular", "batch", "diagonal", "mixed"],
)
def test_kl_between_reads_the_scale_of_tfp(p, q, expected):
    value = np.ravel(kl.kl_between(p, q))
    assert value.shape == (len(expected),)
    for found, wanted in zip(value, expected, strict=True):
        assert truth.relative_error(found, wanted) < 1e-13
    np.testing.assert_allclose(np.ravel(kl.kl_between(p, q, base=2)), value / math.log(2))


def test_independent_coordinates_take_time_in_proportion_to_their_number():
    d = 300_000  # of which a dense scale would need 720 GB
    sizes = np.linspace(0.5, 2, d)
    p = tfp_like("Diag", np.zeros(d), LinearOperatorDiag(diag=sizes))
    q = tfp_like("Diag", np.ones(d), LinearOperatorDiag(diag=np.ones(d)))
    expected = (0.5 * (sizes**2 - 1) - np.log(sizes) + 0.5).sum()
    assert kl.kl_between(p, q) == pytest.approx(expected, rel=1e-12)


def test_batches_of_independent_coordinates_are_summed_one_by_one():
    rng = np.random.default_rng(11)
    mu_p, s_p = rng.standard_normal((2, 1, 3)), rng.uniform(0.5, 2, (4, 3))
    value = multivariate_normal.kl_of_deviations(mu_p, s_p, np.zeros(3), np.ones(3))
    assert value.shape == (2, 4)
    for i, j in np.ndindex(2, 4):
        cov = product(np.diag(s_p[j]))
        assert relative_error(value[i, j], mu_p[i, 0], cov, np.zeros(3), np.eye(3)) < 1e-14


@pytest.fixture(scope="module")
def tfd():
    return pytest.importorskip("tensorflow_probability").distributions


def test_tensorflow_probability_agrees(tfd):
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(10)
    s_p, s_q = random_factor(rng, 4), random_factor(rng, 4)
    mu_p, mu_q = rng.standard_normal((2, 4))
    low_rank = tf.constant(rng.standard_normal((4, 2)))
    scales = [
        tfd.MultivariateNormalTriL(mu_p, s_p),
        tfd.MultivariateNormalTriL(mu_q, s_q * [1, -1, 1, -1]),
        tfd.MultivariateNormalFullCovariance(mu_q, s_q @ s_q.T),
        tfd.MultivariateNormalDiag(mu_q, [1.0, -2, 3, 4]),
        tfd.MultivariateNormalDiag(mu_p, tf.ones([5, 4], tf.float64)),
        tfd.MultivariateNormalDiagPlusLowRank(
            mu_q, tf.ones(4, tf.float64), scale_perturb_factor=low_rank
        ),
        tfd.MultivariateNormalLinearOperator(
            mu_p, tf.linalg.LinearOperatorFullMatrix(rng.standard_normal((4, 4)))
        ),
        tfd.MultivariateNormalLinearOperator(
            mu_q, tf.linalg.LinearOperatorScaledIdentity(4, tf.constant(-2.0, tf.float64))
        ),
        tfd.MultivariateNormalLinearOperator(
            None, tf.linalg.LinearOperatorIdentity(4, dtype=tf.float64)
        ),
    ]
    # TFP takes log det from the diagonal of a scale, which is right where that is above 0.
    plain = [
        tfd.MultivariateNormalTriL(dist.mean(), np.linalg.cholesky(dist.covariance().numpy()))
        for dist in scales
    ]
    pairs = [(0, i) for i in range(len(scales))] + [(i, 3) for i in range(len(scales))]
    for i, j in pairs:
        expected = plain[i].kl_divergence(plain[j]).numpy()
        value = kl.kl_between(scales[i], scales[j])
        np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12)


def test_kl_between_keeps_the_digits_of_a_factor_of_tensorflow_probability(tfd):
    factor = np.array([[1, 0], [1, 1e-9]])
    p, q = (tfd.MultivariateNormalTriL(np.zeros(2), x) for x in (factor, 2 * factor))
    assert kl.kl_between(p, q) == pytest.approx(2 * (math.log(2) - 3 / 8), rel=1e-15)


def test_the_matrix_of_a_diagonal_one_is_never_formed(tfd):
    d = 3000
    p = tfd.MultivariateNormalDiag(np.zeros(d), np.linspace(0.5, 2, d))
    q = tfd.MultivariateNormalDiag(np.ones(d), np.ones(d))
    assert peak_bytes(lambda: kl.kl_between(p, q)) < 100 * 8 * d
    assert kl.kl_between(p, q) == pytest.approx(p.kl_divergence(q).numpy(), rel=1e-12)
