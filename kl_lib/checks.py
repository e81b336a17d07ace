"""What counts as a distribution, and every error message about p and q.

Nothing is repaired here: an input is accepted as it is or refused with an error that names the
argument, the place, the value and the remedy. `normalize=True` is the caller saying "these are
counts", `generalized=True` "these are masses that need not sum to 1".
"""

from __future__ import annotations

import operator
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import DistributionError

Array = NDArray[np.float64]


#: How far from 1 a row may sum, by the dtype the row came in. float64 rows carry rounding far
#: below this; a float32 softmax over a million categories summed in float32 stays within 5e-4 and
#: 0.999 does not; half precision is as coarse as its spacing near 1 (and, for float16 with many
#: categories, its subnormals). Integers and Python lists count as float64.
SUM_TOLERANCE = {"float64": 1e-6, "float32": 5e-4, "float16": 5e-3, "bfloat16": 2e-2}


def as_array(value: Any, name: str) -> tuple[NDArray[Any], str]:
    """`value` as an array of real numbers with at least one axis, and the name of its dtype.

    Accepts lists, tuples, pandas Series and DataFrames, tensors of the frameworks, and arrays of
    any integer, boolean or real floating dtype, which the array returned still has (float32 for
    PyTorch's bfloat16). Does not look at the values. The name is a key of `SUM_TOLERANCE`: what has
    no entry there counts as float64.

    Raises
    ------
    DistributionError
        For strings, ragged lists, objects, complex numbers, masked arrays, sparse matrices and
        scalars.

    Examples
    --------
    >>> as_array([1.0, 0.0], "p")
    (array([1., 0.]), 'float64')
    """
    if type(value) is np.ndarray and value.dtype.char in "df" and value.ndim:
        return value, "float64" if value.dtype.char == "d" else "float32"
    array = _raw_array(value, name)
    kind, dtype = array.dtype.kind, array.dtype.name
    if hasattr(value, "dtype") and str(value.dtype) == "torch.bfloat16":
        dtype = "bfloat16"  # NumPy has none: the numbers are float32, as coarse as they came
    if kind == "c":
        raise DistributionError(
            f"{name} is complex ({dtype}); probabilities are real: pass {name}.real if the "
            "imaginary part is zero"
        )
    if kind in "SU":
        raise DistributionError(
            f"{name} holds text (first item: {_shorten(array)}); pass numbers, for example "
            f"np.asarray({name}, dtype=float)"
        )
    if kind not in "biufVO" or (kind == "V" and dtype != "bfloat16"):
        raise DistributionError(f"{name} has dtype {dtype}; pass numbers, as floats or integers")
    if kind == "O" and array.ndim == 0:
        instead = f"list({name}.values())" if isinstance(value, dict) else "a list of numbers"
        raise DistributionError(f"{name} is {value!r:.40}; pass {instead}")
    if kind == "O":
        raise DistributionError(
            f"{name} has dtype object{_no_number(array, name)}; pass numbers, for example "
            f"np.asarray({name}, dtype=float)"
        )
    if array.ndim == 0:
        raise DistributionError(
            f"{name} is the single number {array}; a distribution needs one axis of categories: "
            "for a Bernoulli pass [1 - x, x]"
        )
    return array, dtype if dtype in SUM_TOLERANCE else "float64"


def _raw_array(value: Any, name: str) -> NDArray[Any]:
    """The NumPy array behind `value`, of whatever dtype."""
    if isinstance(value, np.ma.MaskedArray):
        raise DistributionError(
            f"{name} is a masked array; decide what a masked category means: {name}.filled(0) "
            f"gives it probability 0, {name}.compressed() drops it"
        )
    if isinstance(value, (str, bytes)):
        raise DistributionError(f"{name} is the text {value!r:.40}; pass a sequence of numbers")
    if hasattr(value, "toarray") and not isinstance(value, np.ndarray):
        raise DistributionError(f"{name} is sparse; pass {name}.toarray()")
    if hasattr(value, "asnumpy"):  # an MXNet NDArray
        return value.asnumpy()
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a PyTorch tensor
        value = value.detach().cpu()
        return value.float().numpy() if str(value.dtype) == "torch.bfloat16" else value.numpy()
    if hasattr(value, "dtypes") and hasattr(value, "to_numpy"):  # a pandas Series or DataFrame
        return _from_pandas(value)
    try:
        return np.asarray(value)
    except (ValueError, TypeError, NotImplementedError) as error:
        if isinstance(value, (list, tuple)):
            raise DistributionError(
                f"{name} is ragged{_unequal(value)}; give every row one entry for each category, "
                "0 where it cannot happen"
            ) from None
        raise DistributionError(
            f"{name}, a {type(value).__name__}, cannot be read as an array ({error}); pass a list "
            "or a NumPy array"
        ) from error


def _from_pandas(value: Any) -> NDArray[Any]:
    """A Series or DataFrame as an array; pandas' missing values become nan, refused later."""
    array = value.to_numpy()
    if array.dtype == object:
        try:
            return value.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            return array
    return array


def _unequal(rows: Any) -> str:
    """Which row of a list is the first that is not as long as row 0."""
    lengths = [len(row) if hasattr(row, "__len__") else 1 for row in rows]
    for i, length in enumerate(lengths):
        if length != lengths[0]:
            entries = "entry" if lengths[0] == 1 else "entries"
            return f": row 0 has {lengths[0]} {entries}, row {i} has {length}"
    return ""


def _no_number(array: NDArray[Any], name: str) -> str:
    """Where an array of objects holds something else than a float or an integer."""
    for place in np.ndindex(array.shape):
        if not isinstance(array[place], (int, float, np.number)):
            return f" ({_entry(name, place)} is {array[place]!r:.40})"
    return ""


def _shorten(array: NDArray[Any]) -> str:
    item = array.flat[0] if array.size else None
    return f"{str(item)!r:.40}" if isinstance(item, str) else f"{item!r:.40}"


def check_axis(axis: Any, ndim: int, name: str) -> int:
    """`axis` as a negative integer, counted from the end of an array with `ndim` axes."""
    try:
        axis = operator.index(axis)
    except TypeError:
        raise DistributionError(
            f"axis is {axis!r}; pass one integer, the axis that holds the categories"
        ) from None
    if not -ndim <= axis < ndim:
        axes = "1 axis" if ndim == 1 else f"{ndim} axes"
        raise DistributionError(
            f"axis={axis} is outside {name}, which has {axes}; leave axis out where the categories "
            "are last"
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
            f"base is {base!r}; pass a number above 0 other than 1, or None for nats"
        )
    return float(np.log(number))


def check_flags(normalize: bool, generalized: bool) -> None:
    """Refuse the two switches that contradict each other."""
    if normalize and generalized:
        raise DistributionError(
            "normalize and generalized are both True; pass one: normalize=True divides counts by "
            "their sum, generalized=True keeps the masses and adds -sum(p) + sum(q)"
        )


def distribution(
    value: Any, name: str, *, axis: int = -1, normalize: bool = False, generalized: bool = False
) -> tuple[Array, Array, str]:
    """Check one argument: its values and its sums.

    Parameters
    ----------
    value
        Anything `as_array` takes.
    name
        What the caller calls it, for the messages.
    axis
        The axis that holds the categories.
    normalize
        Accept non-negative counts. They are returned as they are, because a share of their sum can
        be too small for a float where its logarithm is not; only if the sum is too large for one
        are they scaled.
    generalized
        Accept non-negative masses and leave them alone.

    Returns
    -------
    (values, sums, dtype)
        float64 values, with the categories moved to the last axis; their sums over it (exactly
        the sums, not 1); the dtype's name the input came in.
    """
    given, dtype = as_array(value, name)
    array = np.moveaxis(given.astype(np.float64), check_axis(axis, given.ndim, name), -1)
    if array.shape[-1] == 0:
        raise DistributionError(
            f"{name} has no categories: its axis {axis} is empty (shape {given.shape}); pass at "
            "least one"
        )
    _check_values(array, name, normalize or generalized)
    with np.errstate(over="ignore"):
        sums = array.sum(axis=-1)
    if normalize:
        array, sums = _counts(array, sums, name)
    elif not generalized:
        _check_sums(array, sums, name, SUM_TOLERANCE[dtype])
    return array, sums, dtype


def _first(bad: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])


def _entry(name: str, place: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, place))}]"


def _row(name: str, place: tuple[int, ...]) -> str:
    """How a message speaks of one distribution: 'p', 'row 17 of q', 'q[3, 1, :]'."""
    if not place:
        return name
    if len(place) == 1:
        return f"row {place[0]} of {name}"
    return f"{name}[{', '.join(map(str, place))}, :]"


def _check_values(array: Array, name: str, masses: bool) -> None:
    finite = np.isfinite(array)
    if not finite.all():
        place = _first(~finite)
        value = array[place]
        if np.all(array <= 0):
            raise DistributionError(_logarithms(name, place, value))
        remedy = (
            "; look for 0/0, the log of a negative number or a missing value. A category that "
            "cannot happen has probability 0"
            if np.isnan(value)
            else ", and a probability is at most 1; divide counts before they overflow"
        )
        raise DistributionError(f"{_entry(name, place)} is {value:g}{remedy}")
    negative = array < 0
    if negative.any():
        place = _first(negative)
        value = array[place]
        if not masses and np.all(array <= 0):
            raise DistributionError(_logarithms(name, place, value))
        raise DistributionError(
            f"{_entry(name, place)} is {value:g}, which is negative; a probability is between 0 "
            "and 1. If these are logits, use kl_from_logits"
        )


def _logarithms(name: str, place: tuple[int, ...], value: float) -> str:
    return (
        f"{name} looks like logarithms: no value is above 0 and {_entry(name, place)} is "
        f"{value:g}; pass np.exp({name}), or use kl_from_logits, which takes log-probabilities too"
    )


def _counts(array: Array, sums: Array, name: str) -> tuple[Array, Array]:
    """Counts whose sum is above 0 and finite, and their sums."""
    empty = sums == 0
    if empty.any():
        place = _first(empty)
        raise DistributionError(
            f"{_row(name, place)} sums to 0; normalize=True has nothing to divide by: drop the "
            "row, or add a count you can justify"
        )
    huge = np.isinf(sums)
    if huge.any():
        # A power of two changes no digit of them.
        scale = 2.0 ** -array.shape[-1].bit_length()
        array = np.where(huge[..., None], array * scale, array)
        sums = array.sum(axis=-1)
    return array, sums


def _check_sums(array: Array, sums: Array, name: str, tolerance: float) -> None:
    wrong = ~(np.abs(sums - 1) <= tolerance)
    if not wrong.any():
        return
    place = _first(wrong)
    hint = ""
    if array.ndim == 2 and array.shape[0] > 1:
        columns = array.sum(axis=0)
        if np.all(np.abs(columns - 1) <= tolerance):
            hint = "the other axis does sum to 1: pass that axis, or "
    raise DistributionError(
        f"{_row(name, place)} sums to {sums[place]:.9g}, expected 1 (within {tolerance:g}); "
        f"{hint}pass normalize=True if these are counts"
    )


def pair(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int = -1,
    normalize: bool = False,
    generalized: bool = False,
) -> tuple[tuple[Array, Array, str], tuple[Array, Array, str]]:
    """Check two arguments and that they belong together; categories end on the last axis.

    Two labelled inputs (pandas) must carry the same labels. Shapes must match as said in
    `check_shapes`.
    """
    check_labels(p, q, ("p", "q"))
    shapes = as_array(p, "p")[0].shape, as_array(q, "q")[0].shape
    options: dict[str, Any] = {"normalize": normalize, "generalized": generalized}
    options["axis"] = check_shapes(*shapes, axis)
    return distribution(p, "p", **options), distribution(q, "q", **options)


def check_labels(p: Any, q: Any, names: tuple[str, str]) -> None:
    """Refuse two pandas objects whose labels differ: position would pair the wrong categories."""
    labels = [_category_labels(value) for value in (p, q)]
    if labels[0] is not None and labels[1] is not None and not labels[0].equals(labels[1]):
        raise DistributionError(
            f"{names[0]} and {names[1]} are labelled differently: "
            f"{_difference(labels[0], labels[1], names)}; align them, {names[1]} = "
            f"{names[1]}.reindex({names[0]}.{'columns' if hasattr(p, 'columns') else 'index'}, "
            f"{'axis=1, ' if hasattr(q, 'columns') else ''}fill_value=0), "
            "or drop the labels with .to_numpy() if position is what counts"
        )
    both_frames = all(hasattr(value, "columns") and hasattr(value, "index") for value in (p, q))
    if both_frames and len(p) == len(q) and not p.index.equals(q.index):
        raise DistributionError(
            f"the rows of {names[0]} and {names[1]} are labelled differently: "
            f"{_difference(p.index, q.index, names)}; align them, {names[1]} = "
            f"{names[1]}.loc[{names[0]}.index], or drop the labels with .to_numpy() if position is "
            "what counts"
        )


def _category_labels(value: Any) -> Any:
    """The labels of a pandas object. What others call columns or index has no `equals`."""
    labels = getattr(value, "columns", getattr(value, "index", None))
    return labels if hasattr(labels, "equals") else None


def _difference(p_labels: Any, q_labels: Any, names: tuple[str, str]) -> str:
    """Where two lists of labels first differ."""
    lists = ([_shown(label) for label in labels] for labels in (p_labels, q_labels))
    for i, (a, b) in enumerate(zip_longest(*lists, fillvalue="none")):
        if a != b:
            return f"label {i} is {a} in {names[0]} and {b} in {names[1]}"
    return f"{p_labels.dtype} against {q_labels.dtype}"


def _shown(label: Any) -> str:
    return f"{label!r:.20}" if isinstance(label, str) else f"{label!s:.20}"


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
            "give it as many axes as the other, or use axis=-1"
        )
    counts = p_shape[negative_axis], q_shape[negative_axis]
    if counts[0] != counts[1]:
        noun = "category" if counts[0] == 1 else "categories"
        raise DistributionError(
            f"{names[0]} has {counts[0]} {noun} and {names[1]} has {counts[1]} on axis {axis} "
            f"({both}); give both the same categories"
        )
    if len(smaller) < len(larger):
        fits = larger[len(larger) - len(smaller) :] == smaller
    else:
        fits = all(a == b or 1 in (a, b) for a, b in zip(*shapes, strict=True))
    if not fits:
        raise DistributionError(
            f"{names[0]} and {names[1]} do not pair up ({both}); give them the same shape, or one "
            "distribution against a batch"
        )
    return negative_axis


def logits(value: Any, name: str, *, axis: int) -> tuple[Array, str]:
    """Check logits: finite or −inf (a mask), with at least one finite value in every row."""
    given, dtype = as_array(value, name)
    array = np.moveaxis(given.astype(np.float64), check_axis(axis, given.ndim, name), -1)
    if array.shape[-1] == 0:
        raise DistributionError(
            f"{name} has no categories: its axis {axis} is empty (shape {given.shape}); pass at "
            "least one"
        )
    bad = np.isnan(array) | np.isposinf(array)
    if bad.any():
        place = _first(bad)
        raise DistributionError(
            f"{_entry(name, place)} is {array[place]:g}; logits are finite, or -inf for a category "
            "that is masked out"
        )
    masked = np.isneginf(array).all(axis=-1)
    if masked.any():
        raise DistributionError(
            f"{_row(name, _first(masked))} is -inf everywhere; leave at least one category "
            "unmasked, or drop the row"
        )
    return array, dtype


def result_dtype(*dtypes: str) -> type[np.floating[Any]]:
    """float64 if any input was, otherwise float32 (half precision included)."""
    return np.float64 if "float64" in dtypes else np.float32
