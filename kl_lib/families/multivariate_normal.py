"""KL between multivariate normals: of covariances, of their factors, of independent coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import stable
from ..arrays import entry
from ..checks import check_base
from ..errors import DistributionError
from ..labels import Role
from ..renamed import renamed
from . import normal
from .parameters import Array, broadcast, checked, common_shape, deviation, finish, real
from .quotients import half_square, itakura_saito
from .triangular import NO_DENSITY, diagonal, lower_factor, whiten

#: A covariance counts as symmetric up to this part of the two standard deviations' product.
ASYMMETRY = 1e-8


@renamed(mu_p="loc_p", cov_p="covariance_matrix_p", mu_q="loc_q", cov_q="covariance_matrix_q")
def kl_multivariate_normal(
    loc_p: ArrayLike,
    covariance_matrix_p: ArrayLike,
    loc_q: ArrayLike,
    covariance_matrix_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL between two multivariate normals; `kl_mvn` is the same function.

    ½·[tr(Σq⁻¹Σp) − d + (μp − μq)ᵀ Σq⁻¹ (μp − μq) + log(det Σq / det Σp)], through Cholesky factors.

    Parameters
    ----------
    loc_p, loc_q
        Means, shape (..., d).
    covariance_matrix_p, covariance_matrix_q
        Covariances (not standard deviations), shape (..., d, d), symmetric positive definite.
        The axes before, (...), of all four broadcast.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        Shape (...), in nats or the unit of `base`.

    Raises
    ------
    DistributionError
        If a covariance is asymmetric, singular or indefinite (named with its place), or the
        shapes do not fit.

    References
    ----------
    Kullback, "Information Theory and Statistics", 1959, chapter 9.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_multivariate_normal([1], [[1]], [2], [[0.25]]).round(7))
    2.8068528
    >>> print(kl.kl_mvn([0, 0], [[1, 0.9], [0.9, 1]], [0, 0], [[1, 0], [0, 1]]).round(6))
    0.830366
    """
    divisor = check_base(base)
    core: dict[str, tuple[Role, ...]] = {"loc_p": ("dimension",), "loc_q": ("dimension",)}
    matrices = ("covariance_matrix_p", "covariance_matrix_q")
    core |= dict.fromkeys(matrices, ("dimension", "dimension"))
    parameters = checked(
        core,
        loc_p=(loc_p, real),
        loc_q=(loc_q, real),
        covariance_matrix_p=(covariance_matrix_p, _covariance),
        covariance_matrix_q=(covariance_matrix_q, _covariance),
    )
    shape = _batch(parameters, matrices=matrices)
    m_p, m_q, c_p, c_q = parameters.values()
    lower_p, lower_q = _cholesky(c_p, "covariance_matrix_p"), _cholesky(c_q, "covariance_matrix_q")
    with np.errstate(all="ignore"):
        spread = _spread(lower_p, lower_q)
        close = spread < 0.01
        if close.any():
            spread[close] = _close_spread(lower_q, c_p, c_q, close)
        value = spread + _shift(m_p, m_q, lower_q)
    return finish(_or_inf(value, shape), divisor, shape, parameters.labels)


#: The short name.
kl_mvn = kl_multivariate_normal


def kl_of_factors(
    loc_p: ArrayLike, scale_p: ArrayLike, loc_q: ArrayLike, scale_q: ArrayLike
) -> Any:
    """KL between multivariate normals of covariances scale·scaleᵀ, which are never formed.

    Means of shape (..., d), scales of shape (..., d, d): any square root of the covariance, such
    as its Cholesky factor.
    """
    parameters = checked(
        loc_p=(loc_p, real),
        loc_q=(loc_q, real),
        scale_p=(scale_p, _square),
        scale_q=(scale_q, _square),
    )
    shape = _batch(parameters, matrices=("scale_p", "scale_q"))
    m_p, m_q, s_p, s_q = parameters.values()
    lower_p, lower_q = lower_factor(s_p, "scale_p"), lower_factor(s_q, "scale_q")
    with np.errstate(all="ignore"):
        value = _spread(lower_p, lower_q) + _shift(m_p, m_q, lower_q)
    return finish(_or_inf(value, shape), 1.0, shape)


def kl_of_deviations(
    loc_p: ArrayLike, scale_diag_p: ArrayLike, loc_q: ArrayLike, scale_diag_q: ArrayLike
) -> Any:
    """KL between multivariate normals of independent coordinates: the sum over the last axis.

    Means and standard deviations of shape (..., d).
    """
    parameters = checked(
        loc_p=(loc_p, real),
        loc_q=(loc_q, real),
        scale_diag_p=(scale_diag_p, deviation),
        scale_diag_q=(scale_diag_q, deviation),
    )
    _batch(parameters)
    shape, (m_p, m_q, s_p, s_q) = broadcast(parameters)
    return finish(normal.divergence(m_p, s_p, m_q, s_q).sum(axis=-1), 1.0, shape[:-1])


def _spread(lower_p: Array, lower_q: Array) -> Array:
    """½·[tr(Σq⁻¹Σp) − d + log(det Σq / det Σp)] of Cholesky factors, as a sum of parts above 0.

    With E = Lq⁻¹(Lp − Lq), Lq⁻¹Lp = I + E is triangular, and rᵢ = Lp,ᵢᵢ/Lq,ᵢᵢ is its diagonal:
    Σ (rᵢ − 1 − log rᵢ) + ½·Σ Eᵢⱼ².
    """
    moved = whiten(lower_q, lower_p, lower_q)
    sizes = itakura_saito(diagonal(lower_p), diagonal(lower_q))
    return np.asarray(sizes.sum(axis=-1) + half_square(moved).sum(axis=(-2, -1)))


def _close_spread(lower_q: Array, c_p: Array, c_q: Array, close: NDArray[np.bool_]) -> Array:
    """The same for those pairs of covariances that are `close`, from their exact difference.

    Each Cholesky factor has been rounded, which shows where they are nearly equal. The eigenvalues
    of Lq⁻¹(Σp − Σq)Lq⁻ᵀ tell how far each whitened variance is from 1.
    """
    lower_q, c_p, c_q = (
        np.broadcast_to(x, close.shape + x.shape[-2:])[close] for x in (lower_q, c_p, c_q)
    )
    half = np.swapaxes(whiten(lower_q, c_p, c_q), -1, -2)
    x = np.linalg.eigvalsh(whiten(lower_q, half, np.zeros(1)))
    return 0.5 * stable.minus_log1p(x).sum(axis=-1)


def _shift(m_p: Array, m_q: Array, lower_q: Array) -> Array:
    """½·|Lq⁻¹(μp − μq)|²."""
    return half_square(whiten(lower_q, m_p[..., None], m_q[..., None])).sum(axis=(-2, -1))


def _or_inf(value: Array, shape: tuple[int, ...]) -> Array:
    """inf where forward substitution met one, which is a coordinate infinitely far by itself."""
    return np.broadcast_to(np.where(np.isnan(value), np.inf, value), shape)


# What the parameters may be


def _batch(parameters: dict[str, Array], matrices: tuple[str, ...] = ()) -> tuple[int, ...]:
    """The shape of the axes before those of one normal, which has to have one dimension for all."""
    sizes = {name: array.shape[-1:] for name, array in parameters.items()}
    if len(set(sizes.values())) > 1 or sizes["loc_p"] in ((), (0,)):
        told = ", ".join(f"{name} {shape[0] if shape else 'none'}" for name, shape in sizes.items())
        fault = "are none" if set(sizes.values()) == {(0,)} else "do not agree"
        wanted = "covariances of shape (d, d)" if matrices else "as many standard deviations"
        raise DistributionError(
            f"the dimensions {fault} (last axis: {told}); give means of length d and {wanted}",
            kind="shape",
            argument=" and ".join(parameters),
        )
    return common_shape(parameters, {name: 1 + (name in matrices) for name in parameters})


def _square(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        if array.ndim == 0:
            remedy = f"for a single variance pass [[{name}]]"
        elif array.ndim == 1:
            remedy = f"for variances alone pass np.diag({name})"
        else:
            d = array.shape[-1]
            remedy = f"for variances alone pass np.asarray({name})[..., None] * np.eye({d})"
        raise DistributionError(
            f"{name} has shape {array.shape}; a covariance is square, (..., d, d): {remedy}",
            kind="shape",
            argument=name,
        )
    return array


def _covariance(value: ArrayLike, name: str) -> Array:
    """`value` as symmetric matrices; what rounding left between two mirrored entries is shared."""
    array = _square(value, name)
    mirrored = np.swapaxes(array, -1, -2)
    with np.errstate(over="ignore"):
        gap = mirrored - array
    deviations = np.sqrt(np.abs(diagonal(array)))
    allowed = ASYMMETRY * deviations[..., :, None] * deviations[..., None, :]
    if (np.abs(gap) > allowed).any():
        place = tuple(int(i) for i in np.argwhere(np.abs(gap) > allowed)[0])
        mirror = (*place[:-2], place[-1], place[-2])
        turned = f"np.transpose({name})" if array.ndim == 2 else f"np.swapaxes({name}, -1, -2)"
        raise DistributionError(
            f"{name} is not symmetric: entry {place} is {array[place]:g} and entry {mirror} is "
            f"{array[mirror]:g}; pass 0.5 * np.add({name}, {turned}) if the difference is rounding",
            kind="parameter",
            argument=name,
            place=place,
            value=float(array[place]),
        )
    return array + 0.5 * gap


def cholesky(covariance: ArrayLike, name: str) -> Array:
    """The lower triangular Cholesky factors of covariances, each of which is checked."""
    return _cholesky(_covariance(covariance, name), name)


def _cholesky(array: Array, name: str) -> Array:
    try:
        return np.linalg.cholesky(array)
    except np.linalg.LinAlgError:
        first = _first_not_positive_definite(array.reshape(-1, *array.shape[-2:]))
        place = tuple(int(i) for i in np.unravel_index(first, array.shape[:-2]))
    smallest = float(np.linalg.eigvalsh(array[place])[0])
    raise DistributionError(
        f"{entry(name, place)} is singular or not positive definite (smallest eigenvalue "
        f"{smallest:.3g}); {NO_DENSITY}",
        kind="parameter",
        argument=name,
        place=place,
        value=smallest,
    )


def _first_not_positive_definite(matrices: Array) -> int:
    """Where the first of them is that has no Cholesky factor, by halving."""
    low, high = 0, len(matrices)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            np.linalg.cholesky(matrices[low:middle])
        except np.linalg.LinAlgError:
            high = middle
        else:
            low = middle
    return low
