"""KL from points of both and no densities, by distances to nearest neighbours."""

from __future__ import annotations

import math
import operator
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import labels
from ..arrays import entry
from ..checks import check_base
from ..errors import DistributionError
from .estimate import (
    BEYOND_NOISE,
    Array,
    Estimate,
    aligned,
    counted,
    first_place,
    read,
    unit_of,
    wrong_option,
    wrong_samples,
)

#: Fewest nearest-neighbour samples, and fewest along each axis (count**(1/d)), that go unremarked.
FEW_POINTS, FEW_PER_AXIS = 100, 10
#: The share of points of x that may lie far from y, coincide, or be in y too.
FAR_SHARE, TIED_SHARE = 0.1, 0.01


def kl_knn(
    x: ArrayLike,
    y: ArrayLike,
    *,
    k: int = 5,
    base: float | None = None,
    subsamples: int = 20,
    seed: int | np.random.Generator = 0,
) -> Estimate:
    """KL(p‖q) from points of both and no densities, by distances to the k-th nearest neighbour.

    With ρ the distance of a point of x to its k-th nearest neighbour among the other points of x,
    and ν the one to its k-th nearest neighbour among the points of y, the estimate is the mean of
    d·log(ν/ρ) plus log(m/(n − 1)). It is the same for x and y rotated, moved or scaled together.

    Parameters
    ----------
    x, y
        Independent points of p and of q, shape (n,) and (m,), or (n, d) and (m, d), from
        continuous distributions. n and m may differ; both are above k. Columns that have names in
        both are paired by them.
    k
        Which neighbour. More makes the spread smaller and the bias larger.
    base
        Base of the logarithm: 2 for bits, None for nats.
    subsamples
        How many random quarters of x and y the standard error is taken from; 0 for none, which
        costs a sixth of the time.
    seed
        For the choice of the quarters: an integer or a `numpy.random.Generator`.

    Returns
    -------
    Estimate
        `standard_error` is by subsampling and holds the variance only. The bias is unknown and
        often larger: the estimate is too small where p has mass that few points of y reach, and
        in high dimension. A true KL of 0 gives negative estimates half the time.

    Raises
    ------
    DistributionError
        If x or y is not an array of finite points, has no more than k of them, or has no density:
        k or more equal points, a constant column, columns that depend on each other linearly. If
        the columns of x and y have other names.
    ImportError
        If SciPy is not installed.

    Notes
    -----
    Ties: equal points are a sign of rounded or discrete data. k neighbours at distance 0 are an
    error; above 1 % of the points there is a warning, as there is for points that x and y share.
    Warnings are also given when a tenth of x lies farther from its neighbours in y than 99 % of y
    does, and when there are fewer than 10 points along each axis, n < 10ᵈ.

    References
    ----------
    Wang, Kulkarni and Verdú, "Divergence Estimation for Multidimensional Densities Via
    k-Nearest-Neighbor Distances", 2009. The standard error: Politis and Romano, "Large Sample
    Confidence Regions Based on Subsamples under Minimal Assumptions", 1994.

    Examples
    --------
    N(2, 0.5) against N(1, 1), where KL is 0.8181, works; the reverse, where it is 2.8069, does not:

    >>> import numpy as np
    >>> from kl_lib.sampling import kl_knn
    >>> rng = np.random.default_rng(0)
    >>> narrow, wide = rng.normal(2, 0.5, size=2000), rng.normal(1, 1, size=2000)
    >>> estimate = kl_knn(narrow, wide)
    >>> abs(estimate.value - 0.8181) < 3 * estimate.standard_error, estimate.warnings
    (True, ())
    >>> print(kl_knn(wide, narrow).warnings[0][:71])
    37 % of the points of x lie farther from y than 99 % of y's own do: q h
    """
    divisor = check_base(base)
    k, subsamples = _whole(k, "k", 1), _whole(subsamples, "subsamples", 0)
    if subsamples == 1:
        raise wrong_option("subsamples", 1, "pass at least 2 for a spread, or 0 for none")
    x, y = labels.in_step({"x": x, "y": y}).values()
    points, others = _points(x, "x", k), _points(y, "y", k)
    if points.shape[1] != others.shape[1]:
        raise DistributionError(
            f"x has {counted(points.shape[1], 'column')} and y has {others.shape[1]}; both hold "
            "one point in each row and must have the same columns",
            kind="shape",
            argument="x and y",
            value=(points.shape[1], others.shape[1]),
        )
    matched = aligned(
        {"x": x, "y": y},
        _point_roles,
        "the names of the columns of x and y",
        "give both the same columns, in any order, or drop the names with np.asarray",
    )
    if matched["y"] is not y:
        others = _points(matched["y"], "y", k)
    _check_density(points, others)
    # By a power of two, which is exact: squares of very large or small distances stay in range.
    exponent = -int(np.frexp(max(np.abs(points).max(), np.abs(others).max()))[1])
    points, others = np.ldexp(points, exponent), np.ldexp(others, exponent)
    value, warnings = _knn(points, others, k, trust=True)
    error = math.nan
    count, count_q = len(points), len(others)
    if min(count, count_q) // 4 <= k:
        warnings.append(
            f"{min(count, count_q)} points are too few for a standard error: a quarter of them "
            f"must be more than k={k}"
        )
    elif subsamples:
        # Quarters overlap: with a fraction f of the data, the variance over them is (1 − f)/f
        # times that of the whole.
        rng = np.random.default_rng(seed)
        quarters = [
            _knn(_quarter(points, rng), _quarter(others, rng), k)[0] for _ in range(subsamples)
        ]
        error = float(np.std(quarters, ddof=1)) / math.sqrt(3)
        if value < -BEYOND_NOISE * error:
            warnings.append(
                "the estimate is negative by more than its noise, which KL is not: x and y are not "
                "independent, or the points are not independent of each other"
            )
    return Estimate(
        value / divisor,
        error / abs(divisor),
        count,
        count_q,
        warnings=tuple(warnings),
        method=f"{k} nearest neighbours, ± without the bias",
        unit=unit_of(base),
    )


def _whole(value: Any, name: str, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise wrong_option(name, value, f"pass a whole number, at least {least}")
    return number


def _points(value: Any, name: str, k: int) -> Array:
    """`value` as points in rows, shape (n, d)."""
    line = getattr(value, "ndim", 2) == 1
    unmasked = f"{name}.compressed()" if line else f"np.ma.compress_rows({name})"
    array = read(value, name, f"pass the points without a mask: {unmasked}")
    if array.ndim not in (1, 2) or array.shape[-1] == 0:
        raise DistributionError(
            f"{name} has shape {array.shape}; pass shape (n,), or (n, d) with a point in each row",
            kind="shape",
            argument=name,
            value=array.shape,
        )
    bad = ~np.isfinite(array)
    if bad.any():
        place = first_place(bad)
        raise wrong_samples(
            f"{entry(name, place)} is {array[place]:g}; drop the points that are not finite",
            name,
            float(array[place]),
            bad,
        )
    points = array.reshape(len(array), -1)
    count, dimension = points.shape
    if count <= k or count <= dimension > 1:
        raise wrong_samples(_too_few(count, dimension, name, k), name, count)
    return points


def _point_roles(name: str, ndim: int) -> list[labels.Role]:
    """Columns have names in common, points have not: they do not come in pairs."""
    roles: list[labels.Role] = [f"points of {name}", labels.CATEGORY]
    return roles[:ndim]


def _too_few(count: int, dimension: int, name: str, k: int) -> str:
    if count > dimension or dimension == 1:
        remedy = f"pass more, or a smaller k, at most {count - 1}" if count > 1 else "pass more"
        return f"{name} has {counted(count, 'point')}, and k={k} needs at least {k + 1}; {remedy}"
    lying = dimension > max(count, k)
    return (
        f"{name} has {counted(count, 'point')} in {dimension} dimensions; pass more points than "
        f"dimensions{' and than k' if k > dimension else ''}"
        + (f", or np.transpose({name}) if the points are in the columns" if lying else "")
    )


def _check_density(points: Array, others: Array) -> None:
    """Refuse points that lie in fewer dimensions than they have columns."""
    dimension = points.shape[1]
    both = np.concatenate([points, others])
    for array, name, other in ((points, "x", "y"), (others, "y", "x")):
        constant, all_constant = _constant(array), _constant(both)
        if constant.any():
            column = int(np.argmax(constant))
            told = name if dimension == 1 else f"column {column} of {name}"
            _no_density(
                f"{told} is {array[0, column] + 0.0:g} in every point",
                name,
                f"drop the column, in x and y: np.delete({name}, {column}, axis=1)",
                other if dimension == 1 or not all_constant[column] else "",
                dimension,
            )
        if dimension > 1 and _dependent(array):
            _no_density(
                f"the columns of {name} depend on each other linearly (probabilities that sum to "
                "1 do)",
                name,
                "drop a column, in x and y",
                "" if all_constant.any() or _dependent(both) else other,
                dimension,
            )


def _constant(points: Array) -> NDArray[np.bool_]:
    return (points == points[0]).all(axis=0)


def _dependent(points: Array) -> bool:
    """Whether the points lie in a line, a plane or the like."""
    scaled = points / np.abs(points).max(axis=0)
    return bool(np.linalg.eigvalsh(np.corrcoef(scaled, rowvar=False))[0] < 1e-10)


def _no_density(told: str, name: str, remedy: str, other: str, dimension: int) -> NoReturn:
    """`other` is the argument whose points do not lie where those of `name` do."""
    if dimension == 1:
        remedy = "KL between densities is not defined"
    elif other:
        remedy = f"those of {other} lie elsewhere, and KL is infinite"
    raise wrong_samples(f"{told}; such points have no density: {remedy}", name)


def _quarter(points: Array, rng: np.random.Generator) -> Array:
    return points[rng.permutation(len(points))[: len(points) // 4]]


def _knn(x: Array, y: Array, k: int, *, trust: bool = False) -> tuple[float, list[str]]:
    """The estimate in nats, and with `trust` what speaks against it."""
    tree = _load_tree()
    (count, dimension), count_q = x.shape, len(y)
    tree_y = tree(y)
    # On a scale of their own: where x is tiny beside y, squares of its distances would underflow.
    exponent = -int(np.frexp(np.abs(x).max())[1])
    own_x = np.ldexp(x, exponent)
    # The nearest neighbour of a point of x among x is itself.
    own = tree(own_x).query(own_x, k=[2, k + 1])[0]
    other = tree_y.query(x, k=[1, k])[0]
    for distances, copies in ((own, "other points of x equal"), (other, "points of y equal")):
        if (distances[:, 1] == 0).any():
            bad = distances[:, 1] == 0
            raise wrong_samples(
                f"{k} or more {copies} x[{first_place(bad)[0]}], so its distance to the k-th is 0; "
                "nearest neighbours need continuous data without ties: for categories use "
                "kl_from_counts, for rounded data add noise as wide as the rounding",
                "x",
                0.0,
                bad,
            )
    value = dimension * float(np.mean(np.log(other[:, 1]) - np.log(own[:, 1])))
    value += dimension * exponent * math.log(2)
    value += math.log(count_q / (count - 1))
    if not trust:
        return value, []
    warnings = []
    usual = np.quantile(tree_y.query(y, k=[k + 1])[0], 0.99)
    far = float(np.mean(other[:, 1] > usual))
    if far > FAR_SHARE:
        warnings.append(
            f"{100 * far:.0f} % of the points of x lie farther from y than 99 % of y's own do: q "
            "has few points or none where p has mass; the estimate is too small, KL may be infinite"
        )
    fewest = min(count, count_q)
    if fewest < FEW_POINTS:
        warnings.append(f"{fewest} points are few: the bias can be as large as the value")
    elif fewest < FEW_PER_AXIS**dimension:
        warnings.append(
            f"{fewest} points in {dimension} dimensions are {fewest ** (1 / dimension):.1f} along "
            "each axis: the nearest neighbours are not near, and the estimate is mostly too small"
        )
    tied, common = float(np.mean(own[:, 0] == 0)), float(np.mean(other[:, 0] == 0))
    if tied > TIED_SHARE:
        warnings.append(
            f"{100 * tied:.0f} % of the points of x are equal to another: rounded, repeated or "
            "discrete data bias the estimate"
        )
    if common > TIED_SHARE:
        warnings.append(
            f"{100 * common:.0f} % of the points of x are points of y too: x and y must be drawn "
            "independently, or the data are rounded"
        )
    return value, warnings


def _load_tree() -> Any:
    try:
        from scipy.spatial import cKDTree
    except ImportError as error:
        raise ImportError('kl_lib.sampling.kl_knn needs scipy: pip install "kl-lib[scipy]"') from (
            error
        )
    return cKDTree
