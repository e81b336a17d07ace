"""Triangular factors of covariances: Σ = L·Lᵀ with L lower triangular and a positive diagonal.

A factor knows more than its product: squaring loses half the digits of what is nearly singular.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import DistributionError
from .parameters import Array
from .quotients import difference_quotient

#: What a message says of a covariance that is singular.
NO_DENSITY = (
    "a normal density needs every variance above 0: drop redundant coordinates or add noise you "
    "can justify"
)


def diagonal(matrix: Array) -> Array:
    """The diagonals, shape (..., d), of matrices of shape (..., d, d)."""
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def whiten(lower: Array, a: Array, b: Array) -> Array:
    """lower⁻¹·(a − b), by forward substitution; the axes before the last two broadcast.

    `lower` has shape (..., d, d), `a` and `b` have (..., d, k). With every row divided by its
    entry on the diagonal, rows of very different size neither overflow nor lose digits.
    """
    size = diagonal(lower)[..., None]
    return _substitute(lower / size, difference_quotient(a, b, size))


def _substitute(lower: Array, right: Array) -> Array:
    """lower⁻¹·right: the upper half of the rows first, then the lower half given these."""
    d = lower.shape[-1]
    if d == 1:
        return right / lower
    half = d // 2
    top = _substitute(lower[..., :half, :half], right[..., :half, :])
    rest = right[..., half:, :] - lower[..., half:, :half] @ top
    return np.concatenate([top, _substitute(lower[..., half:, half:], rest)], axis=-2)


def lower_factor(matrix: Array, name: str) -> Array:
    """The lower triangular factor of matrix·matrixᵀ, with a positive diagonal."""
    full = np.triu(matrix, 1).any(axis=(-2, -1))
    lower = _triangular(matrix, full) if full.any() else matrix
    # A column times −1 leaves the product as it is.
    lower = lower * np.where(diagonal(lower) < 0, -1.0, 1.0)[..., None, :]
    # Rounding leaves something in place of 0 where the matrix was not triangular.
    rounding = lower.shape[-1] * 2.0**-52 * np.abs(lower).max(axis=-1)
    singular = diagonal(lower) <= np.where(full[..., None], rounding, 0.0)
    if singular.any():
        *batch, i = (int(index) for index in np.argwhere(singular)[0])
        place = (*batch, i, i)
        raise DistributionError(
            f"{name} is singular: entry {place} of its triangular factor is {lower[place]:.3g}; "
            f"{NO_DENSITY}",
            kind="parameter",
            argument=name,
            place=place,
            value=float(lower[place]),
        )
    return lower


def _triangular(matrix: Array, full: NDArray[np.bool_]) -> Array:
    """Those matrices that are `full` made lower triangular: matrix·Q = Rᵀ, by QR of matrixᵀ."""
    upper = np.linalg.qr(np.swapaxes(matrix, -1, -2), mode="r")
    return np.where(full[..., None, None], np.swapaxes(upper, -1, -2), matrix)
