"""One argument or two as arrays that fit: their labels and their shapes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import labels
from ..errors import DistributionError
from ..labels import Role
from .advice import COUNTS, Advice
from .options import check_axis
from .values import SUM_TOLERANCE, as_array, distribution


class Arguments(NamedTuple):
    """Distributions as arrays that fit, the categories last, not broadcast; values not looked at.

    `names`, `given` and `axis` are what an error speaks of: the arguments as they came, and the
    axis of their categories counted from the end.
    """

    arrays: tuple[NDArray[Any], ...]
    dtypes: tuple[str, ...]
    names: tuple[str, ...]
    given: tuple[Any, ...]
    axis: int
    labels: labels.Named

    def tolerances(self) -> tuple[float, ...]:
        """How far from 1 the sums of each may be."""
        return tuple(SUM_TOLERANCE[dtype] for dtype in self.dtypes)

    def same_shape(self) -> tuple[NDArray[Any], ...]:
        """The arrays broadcast to one shape, as views."""
        shapes = {array.shape for array in self.arrays}
        return self.arrays if len(shapes) == 1 else tuple(np.broadcast_arrays(*self.arrays))

    def validate(self, *, advice: Advice = COUNTS, **options: bool) -> None:
        """Raise the error that says what is wrong, if anything is."""
        for given, name in zip(self.given, self.names, strict=True):
            # Of what was given, so that a place is one in it.
            distribution(given, name, axis=self.axis, advice=advice, **options)

    def rows_labelled(self, result: Any) -> Any:
        """A result of one number for each row, with the labels of the rows."""
        if self.labels is labels.NONE:
            return result
        return self.labels.give(result, [i for i in self._roles() if i != labels.CATEGORY])

    def entries_labelled(self, result: Any) -> Any:
        """A result of one number for each entry, its axes as they were given, with its labels."""
        return self.labels.give(result, self._roles())

    def _roles(self) -> list[Role]:
        return labels.pair_roles(self.axis)("", max(x.ndim for x in self.arrays))


def one(p: ArrayLike, axis: Any = -1, name: str = "p") -> Arguments:
    """One distribution, or a batch, as `both` reads two."""
    array, dtype = as_array(p, name)
    axis = check_axis(axis, array.ndim, name)
    known = labels.NONE
    if type(p) is not np.ndarray:
        known = labels.aligned({name: p}, labels.pair_roles(axis))[1]
    if axis != -1:
        array = np.moveaxis(array, axis, -1)
    return Arguments((array,), (dtype,), (name,), (p,), axis, known)


def both(
    p: ArrayLike,
    q: ArrayLike,
    axis: Any = -1,
    names: tuple[str, str] = ("p", "q"),
    *,
    missing: float = 0.0,
) -> Arguments:
    """p and q as arrays with the same categories in the same order. Looks at labels and shapes."""
    known = labels.NONE
    given: tuple[Any, Any] = p, q
    fitting = given
    if not (type(p) is np.ndarray and type(q) is np.ndarray):
        given, fitting, known = _aligned(p, q, axis, names, missing)
    a, p_dtype = as_array(fitting[0], names[0])
    b, q_dtype = as_array(fitting[1], names[1])
    axis = check_shapes(a.shape, b.shape, axis, names)
    if axis != -1:
        a, b = np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)
    return Arguments((a, b), (p_dtype, q_dtype), names, given, axis, known)


def _aligned(
    p: Any, q: Any, axis: Any, names: tuple[str, str], missing: float
) -> tuple[tuple[Any, Any], tuple[Any, Any], labels.Named]:
    """p and q as they came, with the labels of q in the order of those of p, and the labels."""
    found = [labels.of(value) for value in (p, q)]
    if found == [None, None]:
        return (p, q), (p, q), labels.NONE
    ndims = [
        len(known.axes) if known else as_array(value, name)[0].ndim
        for known, value, name in zip(found, (p, q), names, strict=True)
    ]
    given = labels.in_step(dict(zip(names, (p, q), strict=True)))
    try:
        axis = check_axis(axis, max(ndims), names[0])
    except DistributionError:  # to be said of the larger of both, which may have no labels
        axis = axis if isinstance(axis, int) and axis < 0 else None
    fitting, known = labels.aligned(given, labels.pair_roles(axis), missing=missing)
    first, second = names
    return (given[first], given[second]), (fitting[first], fitting[second]), known


def check_shapes(
    p_shape: tuple[int, ...],
    q_shape: tuple[int, ...],
    axis: Any,
    names: tuple[str, str] = ("p", "q"),
) -> int:
    """Refuse shapes that NumPy would broadcast by accident; return the axis counted from the end.

    Both must have the same number of categories. With equally many axes, the axes of the batch
    broadcast as in NumPy, since a length of 1 there was written on purpose. With fewer axes, the
    smaller must be the trailing shape of the larger: (4,) against (3, 4) is one distribution
    against three.

    Examples
    --------
    >>> check_shapes((4,), (3, 4), -1)
    -1
    >>> check_shapes((3, 1), (3,), -1)
    Traceback (most recent call last):
        ...
    kl_lib.DistributionError: p has 1 category and q has 3 on axis -1 (shapes (3, 1) and \
(3,)); give both the same categories
    """
    shapes = (p_shape, q_shape)
    larger = max(shapes, key=len)
    smaller = min(shapes, key=len)
    small_name = names[shapes.index(smaller)]
    both = f"shapes {p_shape} and {q_shape}"
    negative_axis = check_axis(axis, len(larger), names[shapes.index(larger)])
    if -negative_axis > len(smaller):
        raise DistributionError(
            f"{small_name} has no axis {axis} to hold the categories ({both}); "
            "give it as many axes as the other, or use axis=-1",
            kind="shape",
            argument=" and ".join(names),
        )
    counts = p_shape[negative_axis], q_shape[negative_axis]
    if counts[0] != counts[1]:
        noun = "category" if counts[0] == 1 else "categories"
        raise DistributionError(
            f"{names[0]} has {counts[0]} {noun} and {names[1]} has {counts[1]} on axis {axis} "
            f"({both}); give both the same categories"
            f"{_one_category(p_shape, q_shape, names, negative_axis)}",
            kind="shape",
            argument=" and ".join(names),
            value=counts,
        )
    if len(smaller) < len(larger):
        fits = larger[len(larger) - len(smaller) :] == smaller
    else:
        fits = all(a == b or 1 in (a, b) for a, b in zip(*shapes, strict=True))
    if not fits:
        raise DistributionError(
            f"{names[0]} and {names[1]} do not pair up ({both}); give them the same shape, or one "
            "distribution against a batch",
            kind="shape",
            argument=" and ".join(names),
        )
    return negative_axis


def _one_category(
    p_shape: tuple[int, ...], q_shape: tuple[int, ...], names: tuple[str, str], axis: int
) -> str:
    """What a single category may stand for where the other argument has more."""
    counts = p_shape[-1], q_shape[-1]
    if axis != -1 or p_shape[:-1] != q_shape[:-1] or min(counts) != 1:
        return ""
    name = names[0] if counts[0] == 1 else names[1]
    if max(counts) == 2:
        yes = f"np.concatenate([np.subtract(1, {name}), {name}], axis=-1)"
        return f", {yes} where {name} is the probability of a yes"
    return f", np.equal({name}, np.arange({max(counts)})) where {name} holds class numbers"
