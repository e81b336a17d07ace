"""KL between normal distributions, in one dimension and in many."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import stable
from ..checks import DistributionError, check_base
from .parameters import positive, real

Array = NDArray[np.float64]


def kl_normal(
    mu_p: ArrayLike,
    sigma_p: ArrayLike,
    mu_q: ArrayLike,
    sigma_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(N(mu_p, sigma_p²) ‖ N(mu_q, sigma_q²)) = log(σq/σp) + (σp² + (μp − μq)²)/(2σq²) − ½.

    Parameters
    ----------
    mu_p, mu_q
        Means; scalars or arrays that broadcast.
    sigma_p, sigma_q
        Standard deviations (not variances), above 0: `scale` in SciPy and TFP.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`.

    Raises
    ------
    DistributionError
        If a parameter is not finite or a standard deviation is not above 0.

    References
    ----------
    Kullback, "Information Theory and Statistics", 1959, chapter 9.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_normal(1, 1, 2, 0.5).round(7))
    2.8068528
    >>> print(kl.kl_normal(2, 0.5, 1, 1).round(7))
    0.8181472
    """
    divisor = check_base(base)
    m_p, m_q = real(mu_p, "mu_p"), real(mu_q, "mu_q")
    s_p, s_q = _deviation(sigma_p, "sigma_p"), _deviation(sigma_q, "sigma_q")
    # A result beyond the largest float is inf, which is as near as a float can come.
    with np.errstate(over="ignore"):
        # ½·(x − log(1 + x)) with x = σp²/σq² − 1, factored so that nearby scales do not cancel.
        x = (s_p - s_q) / s_q * (s_p / s_q + 1)
        # Where x is close to −1, 1 + x has lost the digits that σp/σq still has.
        small = s_p < 0.1 * s_q
        spread = np.where(small, x - 2 * (np.log(s_p) - np.log(s_q)), stable.minus_log1p(x))
        shift = ((m_p - m_q) / s_q) ** 2
    return np.asarray(0.5 * (spread + shift) / divisor)[()]


def kl_mvn(
    mu_p: ArrayLike,
    cov_p: ArrayLike,
    mu_q: ArrayLike,
    cov_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL between two multivariate normals.

    ½·[tr(Σq⁻¹Σp) − d + (μp − μq)ᵀ Σq⁻¹ (μp − μq) + log(det Σq / det Σp)], through Cholesky factors.

    Parameters
    ----------
    mu_p, mu_q
        Means, shape (..., d).
    cov_p, cov_q
        Covariances (not standard deviations), shape (..., d, d), symmetric positive definite.
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
    >>> print(kl.kl_mvn([1], [[1]], [2], [[0.25]]).round(7))
    2.8068528
    >>> print(kl.kl_mvn([0, 0], [[1, 0.9], [0.9, 1]], [0, 0], [[1, 0], [0, 1]]).round(6))
    0.830366
    """
    divisor = check_base(base)
    m_p, m_q = real(mu_p, "mu_p"), real(mu_q, "mu_q")
    c_p, c_q = _covariance(cov_p, "cov_p"), _covariance(cov_q, "cov_q")
    sizes = {"mu_p": m_p.shape[-1:], "mu_q": m_q.shape[-1:]}
    sizes |= {"cov_p": c_p.shape[-1:], "cov_q": c_q.shape[-1:]}
    if len(set(sizes.values())) > 1 or () in sizes.values():
        told = ", ".join(f"{name} {shape[0] if shape else 'none'}" for name, shape in sizes.items())
        raise DistributionError(
            f"the dimensions do not agree (last axis: {told}); give means of length d and "
            "covariances of shape (d, d)"
        )
    lower_p, lower_q = _cholesky(c_p, "cov_p"), _cholesky(c_q, "cov_q")
    # Eigenvalues of Lq⁻¹(Σp − Σq)Lq⁻ᵀ: how far each whitened variance is from 1, exact when close.
    half = np.linalg.solve(lower_q, c_p - c_q)
    x = np.linalg.eigvalsh(np.linalg.solve(lower_q, np.swapaxes(half, -1, -2)))
    near = np.all(np.abs(x) < 0.5, axis=-1)
    spread = stable.minus_log1p(x).sum(axis=-1)
    log_det = 2 * (_log_diagonal(lower_q) - _log_diagonal(lower_p))
    spread = np.where(near, spread, np.maximum(x.sum(axis=-1) + log_det, 0.0))
    shift = np.linalg.solve(lower_q, (m_p - m_q)[..., None])[..., 0]
    return np.asarray(0.5 * (spread + (shift**2).sum(axis=-1)) / divisor)[()]


def _deviation(value: ArrayLike, name: str) -> Array:
    rule = "a standard deviation is above 0 (not a variance, not its logarithm)"
    return positive(value, name, rule)


def _log_diagonal(lower: Array) -> Array:
    return np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(axis=-1)


def _covariance(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        raise DistributionError(
            f"{name} has shape {array.shape}; a covariance is square, (..., d, d): for variances "
            f"alone pass np.diag({name})"
        )
    gap = np.abs(array - np.swapaxes(array, -1, -2))
    scale = np.abs(array).max(initial=0.0)
    if (gap > 1e-8 * scale).any():
        place = tuple(int(i) for i in np.argwhere(gap > 1e-8 * scale)[0])
        mirror = (*place[:-2], place[-1], place[-2])
        raise DistributionError(
            f"{name} is not symmetric: entry {place} is {array[place]:g} and entry {mirror} is "
            f"{array[mirror]:g}; pass 0.5 * ({name} + {name}.T) if the difference is rounding"
        )
    return array


def _cholesky(array: Array, name: str) -> Array:
    try:
        return np.linalg.cholesky(array)
    except np.linalg.LinAlgError:
        smallest = float(np.linalg.eigvalsh(array)[..., 0].min())
        raise DistributionError(
            f"{name} is singular or not positive definite (smallest eigenvalue {smallest:.3g}); "
            "a normal density needs every variance above 0: drop redundant coordinates or add "
            "noise you can justify"
        ) from None
