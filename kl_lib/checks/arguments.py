"""One argument or two as arrays that fit: their labels and their shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import arrays, labels
from ..errors import DistributionError
from ..labels import Role
from .advice import COUNTS, Advice
from .axes import merged, parted
from .options import check_axes
from .values import SUM_TOLERANCE, as_array, distribution

Array = NDArray[Any]
#: Where the categories are, counted from the end: one axis, or several.
Axes = int | tuple[int, ...]


class Arguments(NamedTuple):
    """Distributions as arrays that fit, the categories last, not broadcast; values not looked at.

    `names`, `given` and `axis` are what an error speaks of: the arguments as they came (with a
    mask, without what it leaves out), and where their categories are.
    """

    arrays: tuple[Array, ...]
    dtypes: tuple[str, ...]
    names: tuple[str, ...]
    given: tuple[Any, ...]
    axis: Axes
    labels: labels.Named
    #: How many categories each axis of them has, and whether a result keeps these axes.
    sizes: tuple[int, ...]
    keepdims: bool = False

    def tolerances(self) -> tuple[float, ...]:
        """How far from 1 the sums of each may be."""
        return tuple(SUM_TOLERANCE[dtype] for dtype in self.dtypes)

    def same_shape(self) -> tuple[Array, ...]:
        """The arrays broadcast to one shape, as views."""
        shapes = {array.shape for array in self.arrays}
        return self.arrays if len(shapes) == 1 else tuple(np.broadcast_arrays(*self.arrays))

    def validate(self, *, advice: Advice = COUNTS, **options: bool) -> None:
        """Raise the error that says what is wrong, if anything is."""
        for given, name in zip(self.given, self.names, strict=True):
            # Of what was given, so that a place is one in it.
            distribution(given, name, axis=self.axis, advice=advice, **options)

    def of_rows(self, result: Any) -> Any:
        """A result of one number for each row, with the labels of the rows."""
        if self.keepdims:
            result = np.expand_dims(result, self.axis)
        if self.labels is labels.NONE:
            return result
        roles, categories = self._roles(), self._categories()
        if not self.keepdims:
            return self.labels.give(result, [role for role in roles if role not in categories])
        axes = {role: x for role, x in self.labels.axes.items() if role not in categories}
        return replace(self.labels, axes=axes).give(result, roles)

    def of_entries(self, result: Any) -> Any:
        """A result of one number for each entry, its axes as they were given, with its labels."""
        return self.labels.give(parted(result, self.axis, self.sizes), self._roles())

    def _roles(self) -> list[Role]:
        more = len(self.sizes) - 1  # axes that are one here
        return _roles(self.axis)("", more + max(x.ndim for x in self.arrays))

    def _categories(self) -> list[Role]:
        deep = max(abs(i) for i in _several(self.axis))
        return [_roles(self.axis)("", deep)[i] for i in _several(self.axis)]


def _several(axis: Axes) -> tuple[int, ...]:
    return axis if isinstance(axis, tuple) else (axis,)


def _roles(axis: Any) -> Callable[[str, int], list[Role]]:
    """The roles of axes as `kl_lib.labels` has them; each of several axes of categories its own."""
    if not isinstance(axis, tuple):
        return labels.pair_roles(axis)
    return lambda _, ndim: [f"{labels.CATEGORY} {i}" if i in axis else i for i in range(-ndim, 0)]


def one(
    p: ArrayLike,
    axis: Any = -1,
    name: str = "p",
    *,
    keepdims: bool = False,
    where: ArrayLike | None = None,
) -> Arguments:
    """One distribution, or a batch, as `both` reads two."""
    array, dtype = as_array(p, name)
    axis = check_axes(axis, array.ndim, name)
    known = labels.NONE
    if type(p) is not np.ndarray:
        fitting, known = labels.aligned({name: p, "where": where}, _roles(axis))
        where = fitting["where"]
    given: Any = p
    if where is not None:
        [array] = [given] = _masked([array], where, name, 0.0)
    sizes = tuple(array.shape[i] for i in _several(axis))
    return Arguments(
        (merged(array, axis),), (dtype,), (name,), (given,), axis, known, sizes, bool(keepdims)
    )


def both(
    p: ArrayLike,
    q: ArrayLike,
    axis: Any = -1,
    names: tuple[str, str] = ("p", "q"),
    *,
    keepdims: bool = False,
    where: ArrayLike | None = None,
    missing: float = 0.0,
) -> Arguments:
    """p and q as arrays with the same categories in the same order. Looks at labels and shapes.

    `where` is True for the entries that count; the others become what is `missing`.
    """
    known = labels.NONE
    given: Sequence[Any] = p, q
    fitting: Mapping[str, Any] = {names[0]: p, names[1]: q, "where": where}
    if not (type(p) is np.ndarray and type(q) is np.ndarray):
        given, fitting, known = _aligned(fitting, axis, names, missing)
    (a, p_dtype), (b, q_dtype) = (as_array(fitting[name], name) for name in names)
    axis = check_shapes(a.shape, b.shape, axis, names)
    if where is not None:
        a, b = given = _masked([a, b], fitting["where"], " and ".join(names), missing)
    sizes = tuple(a.shape[i] for i in _several(axis))
    return Arguments(
        (merged(a, axis), merged(b, axis)),
        (p_dtype, q_dtype),
        names,
        tuple(given),
        axis,
        known,
        sizes,
        bool(keepdims),
    )


def _aligned(
    values: Mapping[str, Any], axis: Any, names: tuple[str, str], missing: float
) -> tuple[tuple[Any, Any], Mapping[str, Any], labels.Named]:
    """p and q as they came, all with their labels in the order of the first, and the labels."""
    pair = [values[name] for name in names]
    found = [labels.of(value) for value in pair]
    if found == [None, None] and labels.of(values["where"]) is None:
        return (pair[0], pair[1]), values, labels.NONE
    ndims = [
        len(known.axes) if known else as_array(value, name)[0].ndim
        for known, value, name in zip(found, pair, names, strict=True)
    ]
    given = labels.in_step(values)
    try:
        axis = check_axes(axis, max(ndims), names[0])
    except DistributionError:  # to be said of the larger of both, which may have no labels
        axis = axis if isinstance(axis, int) and axis < 0 else None
    fitting, known = labels.aligned(given, _roles(axis), missing=missing)
    return (given[names[0]], given[names[1]]), fitting, known


def _masked(values: Sequence[Array], where: ArrayLike, name: str, missing: float) -> list[Array]:
    """Copies of the arrays, broadcast, without what the mask leaves out."""
    mask, _ = arrays.read(where, "where")
    shape = np.broadcast_shapes(*(x.shape for x in values))
    check_mask(mask.dtype, mask.shape, shape, name)
    left_out = ~np.broadcast_to(mask, shape)
    return [_without(np.broadcast_to(x, shape), left_out, missing) for x in values]


def check_mask(
    dtype: np.dtype[Any], mask: tuple[int, ...], shape: tuple[int, ...], name: str
) -> None:
    """Refuse a mask of numbers, or one whose shape does not broadcast to that of the arguments."""
    if dtype.kind != "b":
        raise DistributionError(
            f"where holds {dtype} and no truth values; pass True for each entry that counts, "
            "np.asarray(where, dtype=bool) if 0 is what leaves out",
            argument="where",
            value=dtype.name,
        )
    pairs = zip(mask[::-1], shape[::-1], strict=False)
    if len(mask) > len(shape) or any(n not in (1, size) for n, size in pairs):
        raise DistributionError(
            f"where has shape {mask}, which does not broadcast to {shape}, that of {name}; give it "
            "the same shape, or that of one row for all",
            kind="shape",
            argument="where",
            value=mask,
        )


def _without(array: Array, left_out: NDArray[np.bool_], missing: float) -> Array:
    copied = array.astype(np.float64 if missing and array.dtype.kind in "biu" else array.dtype)
    copied[left_out] = missing
    return copied


def check_shapes(
    p_shape: tuple[int, ...],
    q_shape: tuple[int, ...],
    axis: Any,
    names: tuple[str, str] = ("p", "q"),
) -> Any:
    """Refuse shapes that NumPy would broadcast by accident; return the axis counted from the end.

    Of a tuple of axes all of them.

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
    found = check_axes(axis, len(larger), names[shapes.index(larger)])
    if -min(_several(found)) > len(smaller):
        raise DistributionError(
            f"{small_name} has no axis {axis} to hold the categories ({both}); "
            "give it as many axes as the other, or use axis=-1",
            kind="shape",
            argument=" and ".join(names),
        )
    for i in _several(found):
        counts = p_shape[i], q_shape[i]
        if counts[0] != counts[1]:
            noun = "category" if counts[0] == 1 else "categories"
            at = axis if isinstance(found, int) else i
            raise DistributionError(
                f"{names[0]} has {counts[0]} {noun} and {names[1]} has {counts[1]} on axis {at} "
                f"({both}); give both the same categories"
                f"{_one_category(p_shape, q_shape, names, found)}",
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
    return found


def _one_category(
    p_shape: tuple[int, ...], q_shape: tuple[int, ...], names: tuple[str, str], axis: Axes
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
