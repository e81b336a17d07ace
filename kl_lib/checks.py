"""What counts as a distribution, and every error message about p and q.

Nothing is repaired here: an input is accepted as it is or refused with an error that names the
argument, the place, the value and the remedy. `normalize=True` is the caller saying "these are
counts", `generalized=True` "these are masses that need not sum to 1". What a remedy may offer
depends on the function that was called: see `Advice`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import arrays, labels
from .arrays import entry
from .errors import PLACES, DistributionError
from .labels import Role

Array = NDArray[np.float64]

#: How far from 1 a row may sum, by the dtype the row came in. float64 rows carry rounding far
#: below this; a float32 softmax over a million categories summed in float32 stays within 5e-4 and
#: 0.999 does not; half precision is as coarse as its spacing near 1 (and, for float16 with many
#: categories, its subnormals). Integers and Python lists count as float64.
SUM_TOLERANCE = {"float64": 1e-6, "float32": 5e-4, "float16": 5e-3, "bfloat16": 2e-2}


#: A sum closer to 1 than this is one of printed digits, a larger one than that not one of a table
#: of probabilities with a slip in it: two guesses, for what a remedy says first.
ROUNDED, YES_NO = 1e-2, 1.5


#: A table of so many categories squared is too large to take rows from.
_EYE = 4096


class Advice(NamedTuple):
    """What a remedy may tell the caller of a function, with {name} for the argument.

    {axis} is the axis of the categories, {at} the option that says so, nothing for the last.
    """

    #: How to divide by sums that are not 1.
    normalize: str = "pass normalize=True"
    #: What to do with logits.
    logits: str = "pass kl_lib.softmax({name}{at})"
    #: What to do where the categories lie on {axis}.
    axis: str = "pass axis={axis}"
    #: What to do with chances of a yes, one for each row, if anything; with a column of them.
    yes: str = "pass np.stack([np.subtract(1, {name}), {name}], axis=-1)"
    column: str = "pass np.concatenate([np.subtract(1, {name}), {name}], axis={axis})"


#: For functions that take normalize=True, for KL itself, for tables of rows and for adapters.
COUNTS = Advice()
KL = Advice(
    logits=f"{COUNTS.logits}, or both as logits to kl_from_logits",
    yes="use kl_bernoulli",
    column=f"use kl_bernoulli, or {COUNTS.column}",
)
TABLES = Advice(axis="pass np.moveaxis({name}, {axis}, -1)", yes="")
PROBABILITIES = Advice(
    normalize="pass {name} / np.sum({name}, axis={axis}, keepdims=True)", axis=TABLES.axis
)


def as_array(value: Any, name: str) -> tuple[NDArray[Any], str]:
    """`value` as an array of real numbers with at least one axis, and the name of its dtype.

    As `kl_lib.arrays.read`, and a scalar is refused. The name is a key of `SUM_TOLERANCE`: what has
    no entry there counts as float64.

    Examples
    --------
    >>> as_array([1.0, 0.0], "p")
    (array([1., 0.]), 'float64')
    """
    array, dtype = arrays.read(value, name)
    if array.ndim == 0:
        raise DistributionError(
            f"{name} is the single number {array}; a distribution needs one axis of categories: "
            f"for a Bernoulli pass [1 - {name}, {name}]",
            kind="unreadable",
            argument=name,
            value=array[()],
        )
    return array, dtype if dtype in SUM_TOLERANCE else "float64"


def check_axis(axis: Any, ndim: int, name: str) -> int:
    """`axis` as a negative integer, counted from the end of an array with `ndim` axes."""
    try:
        axis = operator.index(axis)
    except TypeError:
        raise DistributionError(
            f"axis is {axis!r}; pass one integer, the axis that holds the categories",
            kind="axis",
            argument="axis",
            value=axis,
        ) from None
    if not -ndim <= axis < ndim:
        axes = "1 axis" if ndim == 1 else f"{ndim} axes"
        raise DistributionError(
            f"axis={axis} is outside {name}, which has {axes}; leave axis out where the categories "
            "are last",
            kind="axis",
            argument="axis",
            value=axis,
        )
    return axis - ndim if axis >= 0 else axis


def check_base(base: Any) -> float:
    """The divisor that turns nats into logarithms of `base`: log(base), or 1 for None.

    Examples
    --------
    >>> round(check_base(2), 6)
    0.693147
    >>> check_base(1)
    Traceback (most recent call last):
        ...
    kl_lib.DistributionError: base is 1; pass a number above 0 other than 1, or None for nats
    """
    if base is None:
        return 1.0
    try:
        number = float(base)
    except (TypeError, ValueError):
        number = np.nan
    if isinstance(base, (str, bytes)) or not (0 < number < np.inf) or number == 1:
        raise DistributionError(
            f"base is {base!r}; pass a number above 0 other than 1, or None for nats",
            kind="base",
            argument="base",
            value=base,
        )
    return float(np.log(number))


def check_flags(normalize: bool, generalized: bool) -> None:
    """Refuse the two switches that contradict each other."""
    if normalize and generalized:
        raise DistributionError(
            "normalize and generalized are both True; pass one: normalize=True divides counts by "
            "their sum, generalized=True keeps the masses and adds -sum(p) + sum(q)",
            argument="normalize and generalized",
        )


def distribution(
    value: Any,
    name: str,
    *,
    axis: Any = -1,
    normalize: bool = False,
    generalized: bool = False,
    advice: Advice = COUNTS,
) -> tuple[Array, Array, str]:
    """Check one argument: its values and its sums.

    Parameters
    ----------
    value
        Anything `as_array` takes.
    name
        What the caller calls it, for the messages.
    axis
        The axis that holds the categories, or a tuple of axes, counted from the end.
    normalize
        Accept non-negative counts. They are returned as they are, because a share of their sum can
        be too small for a float where its logarithm is not; only if the sum is too large for one
        are they scaled.
    generalized
        Accept non-negative masses and leave them alone.
    advice
        What the remedies may offer.

    Returns
    -------
    (values, sums, dtype)
        float64 values, with the categories moved to the last axis; their sums over it (exactly
        the sums, not 1); the dtype's name the input came in. For a tuple of axes nothing is moved.
    """
    given, dtype = as_array(value, name)
    axes = axis if isinstance(axis, tuple) else (check_axis(axis, given.ndim, name),)
    array = given.astype(np.float64)
    if any(array.shape[i] == 0 for i in axes):
        _no_categories(name, axis, given.shape)
    _check_values(array, name, axes, normalize or generalized, SUM_TOLERANCE[dtype], advice)
    with np.errstate(over="ignore"):
        sums = array.sum(axis=axes)
    if normalize:
        array, sums = _counts(array, sums, name, axes)
    elif not generalized:
        _check_sums(array, sums, name, axes, SUM_TOLERANCE[dtype], advice)
    return array if isinstance(axis, tuple) else np.moveaxis(array, axes[0], -1), sums, dtype


def _no_categories(name: str, axis: Any, shape: tuple[int, ...]) -> NoReturn:
    raise DistributionError(
        f"{name} has no categories: its axis {axis} is empty (shape {shape}); pass at least one",
        kind="empty",
        argument=name,
    )


def _places(bad: NDArray[np.bool_]) -> dict[str, Any]:
    """What an error says of the entries (or rows) at fault: the first, the first ten, how many."""
    found = [np.unravel_index(int(i), bad.shape) for i in np.flatnonzero(bad)[:PLACES]]
    places = tuple(tuple(int(i) for i in place) for place in found)
    return {"place": places[0], "places": places, "count": int(bad.sum())}


def _row(name: str, place: tuple[int, ...], axes: Sequence[int]) -> str:
    """How a message speaks of one distribution: 'p', 'row 17 of q', 'q[:, 2]', 'q[3, 1, :]'."""
    if not place:
        return name
    if len(place) == 1 and tuple(axes) == (-1,):
        return f"row {place[0]} of {name}"
    ndim = len(place) + len(axes)
    rest = iter(place)
    index = [":" if i - ndim in axes else str(next(rest)) for i in range(ndim)]
    return f"{name}[{', '.join(index)}]"


def _check_values(
    array: Array, name: str, axes: Sequence[int], masses: bool, tolerance: float, advice: Advice
) -> None:
    low, high = array.min(initial=0.0), array.max(initial=0.0)
    if low >= 0 and high < np.inf:
        return
    single = _single(array, name, axes, advice)
    if np.isnan(low):
        kind, bad = "nan", np.isnan(array)
        text = (
            "; look for 0/0, the log of a negative number or a missing value. A category that "
            "cannot happen has probability 0"
        )
    elif high <= 0 and (np.isneginf(low) or not masses):
        kind, bad = "logarithms", np.isneginf(array) if np.isneginf(low) else array < 0
        with np.errstate(over="ignore"):
            sums = np.exp(array).sum(axis=tuple(axes))
        if single:
            text = single
        elif masses or (np.abs(sums - 1) <= ROUNDED).all():
            text = f"pass np.exp({name})"
            text += ", or the logarithms of both to kl_from_logits" if advice is KL else ""
        else:  # the logarithms of weights, or logits: of both, this makes probabilities
            softmax = _logits(array, name, axes, advice)
            text = f"np.exp({name}) does not sum to 1, so {softmax}"
        found = _places(bad)
        is_ = _is(array, name, found)
        text = f"{name} looks like logarithms: no value is above 0 and {is_}; {text}"
        _refuse(text, kind, array, name, found)
    elif np.isneginf(low):
        kind, bad = "negative", np.isneginf(array)
        softmax = _logits(array, name, axes, advice)
        text = f", as the logit of a masked category is; if it is one, {softmax}"
    elif low < 0:
        kind, bad = "negative", array < 0
        text = ", which is negative; a probability is between 0 and 1"
        if low >= -tolerance * high:  # no further below 0 than rounding leaves a difference
            text += f": if it is rounding, pass np.maximum({name}, 0)"
        else:
            text += f". {single or f'If these are logits, {_logits(array, name, axes, advice)}'}"
    else:
        kind, bad = "infinite", np.isposinf(array)
        text = (
            ", and a probability is at most 1; divide counts before they overflow, or subtract "
            "the largest exponent before np.exp"
        )
    found = _places(bad)
    _refuse(_is(array, name, found) + text, kind, array, name, found)


def _is(array: Array, name: str, found: dict[str, Any]) -> str:
    return f"{entry(name, found['place'])} is {array[found['place']]:g}"


def _refuse(message: str, kind: str, array: Array, name: str, found: dict[str, Any]) -> NoReturn:
    value = float(array[found["place"]])
    raise DistributionError(message, kind=kind, argument=name, value=value, **found)


def _logits(array: Array, name: str, axes: Sequence[int], advice: Advice) -> str:
    if len(axes) == 1:
        at = "" if axes[0] == -1 else f", axis={axes[0]}"
        return advice.logits.format(name=name, axis=axes[0], at=at)
    rows = (*array.shape[: -len(axes)], -1)
    return f"pass np.reshape(kl_lib.softmax(np.reshape({name}, {rows})), {array.shape})"


def _single(array: Array, name: str, axes: Sequence[int], advice: Advice) -> str:
    """What to say of distributions over one category, which can only have probability 1."""
    if any(array.shape[i] != 1 for i in axes):
        return ""
    text = f"{name} has a single category, whose probability is 1 whatever comes in"
    if ((array >= 0) & (array <= 1)).all():
        remedy = advice.column.format(name=name, axis=axes[0])
        return f"{text}: if it is the chance of a yes, {remedy}"
    return f"{text}: pass the values of all categories"


def _counts(array: Array, sums: Array, name: str, axes: Sequence[int]) -> tuple[Array, Array]:
    """Counts whose sum is above 0 and finite, and their sums."""
    empty = sums == 0
    if empty.any():
        found = _places(empty)
        raise DistributionError(
            f"{_row(name, found['place'], axes)} sums to 0; normalize=True has nothing to divide "
            "by: drop the row, or add a count you can justify",
            kind="empty",
            argument=name,
            value=0.0,
            **found,
        )
    huge = np.isinf(sums)
    if huge.any():
        # A power of two changes no digit of them.
        count = int(np.prod([array.shape[i] for i in axes]))
        scale = 2.0 ** -count.bit_length()
        array = np.where(np.expand_dims(huge, tuple(axes)), array * scale, array)
        sums = array.sum(axis=tuple(axes))
    return array, sums


def _check_sums(
    array: Array, sums: Array, name: str, axes: Sequence[int], tolerance: float, advice: Advice
) -> None:
    wrong = ~(np.abs(sums - 1) <= tolerance)
    if not wrong.any():
        return
    found = _places(wrong)
    total = float(sums[found["place"]])
    raise DistributionError(
        f"{_row(name, found['place'], axes)} sums to {total:.9g}, expected 1 (within "
        f"{tolerance:g}); {_why_not_1(array, total, name, axes, tolerance, advice)}",
        kind="sum",
        argument=name,
        value=total,
        **found,
    )


def _why_not_1(
    array: Array, total: float, name: str, axes: Sequence[int], tolerance: float, advice: Advice
) -> str:
    """What the values say of how they came to sum to something else, and what to do then."""
    divide = advice.normalize.format(name=name, axis=axes[0])
    if single := _single(array, name, axes, advice):
        return single

    def sums_to_1(over: Any) -> bool:
        with np.errstate(over="ignore"):
            return bool(np.all(np.abs(array.sum(axis=over) - 1) <= tolerance))

    ndim = array.ndim
    for axis in range(ndim if len(axes) == 1 else 0):
        if axis - ndim != axes[0] and array.shape[axis] > 1 and sums_to_1(axis):
            turn = advice.axis.format(name=name, axis=axis)
            return f"axis {axis} does sum to 1: {turn}, or {divide} if these are counts"
    if ndim > 1 and len(axes) == 1 and sums_to_1(None):
        return f"the whole table sums to 1: if it is one distribution, pass np.ravel({name})"
    if ndim > 2 and len(axes) == 1 and sums_to_1((-2, -1)):
        return (
            "each table sums to 1: if it is one distribution, pass "
            f"np.reshape({name}, {(*array.shape[:-2], -1)})"
        )
    if not np.any(array % 1):
        return f"{divide} if these are counts"
    if array.max() > 1:
        return (
            f"{divide} if these are weights, or densities on bins of equal width, or "
            f"{_logits(array, name, axes, advice)} if these are logits"
        )
    if abs(total - 1) < ROUNDED:
        return f"{divide} if this is rounding"
    if total < 1:
        return f"look for a category that is missing, or {divide} if these are weights"
    if total < YES_NO or tuple(axes) != (-1,) or not advice.yes:
        return f"{divide} if these are weights"
    yes = advice.yes.format(name=name)
    return f"{divide} if these are weights, or {yes} if each is the chance of a yes"


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


def one_hot(name: str, count: int, *, column: bool) -> str:
    """The code for rows with a 1 at the class number, given along a column or a vector."""
    if count > _EYE:
        return f"np.equal{'' if column else '.outer'}({name}, np.arange({count}))"
    return f"np.eye({count})[{f'np.squeeze({name}, axis=-1)' if column else name}]"


def logits(value: Any, name: str, *, axis: int) -> tuple[Array, str]:
    """Check logits: finite or −inf (a mask), with at least one finite value in every row."""
    given, dtype = as_array(value, name)
    axis = check_axis(axis, given.ndim, name)
    array = given.astype(np.float64)
    if array.shape[axis] == 0:
        _no_categories(name, axis, given.shape)
    bad = np.isnan(array) | np.isposinf(array)
    if bad.any():
        found = _places(bad)
        kind = "nan" if np.isnan(array[found["place"]]) else "infinite"
        text = (
            f"{_is(array, name, found)}; logits are finite, or -inf for a category that is masked"
        )
        _refuse(f"{text} out", kind, array, name, found)
    masked = np.isneginf(array).all(axis=axis)
    if masked.any():
        found = _places(masked)
        raise DistributionError(
            f"{_row(name, found['place'], (axis,))} is -inf everywhere; leave at least one "
            "category unmasked, or drop the row",
            kind="empty",
            argument=name,
            value=-np.inf,
            **found,
        )
    return np.moveaxis(array, axis, -1), dtype


def result_dtype(*dtypes: str) -> type[np.floating[Any]]:
    """float64 if any input was, otherwise float32 (half precision included)."""
    return np.float64 if "float64" in dtypes else np.float32
