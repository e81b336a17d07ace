"""One argument: its values and its sums, and what is said where they are wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from .. import arrays
from ..arrays import entry
from ..errors import PLACES, DistributionError
from .advice import COUNTS, KL, ROUNDED, Advice, of_logits, of_single, why_not_1
from .options import check_axis

Array = NDArray[np.float64]

#: How far from 1 a row may sum, by the dtype the row came in. float64 rows carry rounding far
#: below this; a float32 softmax over a million categories summed in float32 stays within 5e-4 and
#: 0.999 does not; half precision is as coarse as its spacing near 1 (and, for float16 with many
#: categories, its subnormals). Integers and Python lists count as float64.
SUM_TOLERANCE = {"float64": 1e-6, "float32": 5e-4, "float16": 5e-3, "bfloat16": 2e-2}


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
    _check_categories(name, axes, given.shape)
    _check_values(array, name, axes, normalize or generalized, SUM_TOLERANCE[dtype], advice)
    with np.errstate(over="ignore"):
        sums = array.sum(axis=axes)
    if normalize:
        array, sums = _counts(array, sums, name, axes)
    elif not generalized:
        _check_sums(array, sums, name, axes, SUM_TOLERANCE[dtype], advice)
    return array if isinstance(axis, tuple) else np.moveaxis(array, axes[0], -1), sums, dtype


def _check_categories(name: str, axes: Sequence[int], shape: tuple[int, ...]) -> None:
    for axis in axes:
        if shape[axis] == 0:
            raise DistributionError(
                f"{name} has no categories: its axis {axis} is empty (shape {shape}); pass at "
                "least one",
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
    single = of_single(array, name, axes, advice)
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
            softmax = of_logits(name, axes, advice)
            text = f"np.exp({name}) does not sum to 1, so {softmax}"
        found = _places(bad)
        is_ = _is(array, name, found)
        text = f"{name} looks like logarithms: no value is above 0 and {is_}; {text}"
        _refuse(text, kind, array, name, found)
    elif np.isneginf(low):
        kind, bad = "negative", np.isneginf(array)
        softmax = of_logits(name, axes, advice)
        text = f", as the logit of a masked category is; if it is one, {softmax}"
    elif low < 0:
        kind, bad = "negative", array < 0
        text = ", which is negative; a probability is between 0 and 1"
        if low >= -tolerance * high:  # no further below 0 than rounding leaves a difference
            text += f": if it is rounding, pass np.maximum({name}, 0)"
        else:
            text += f". {single or f'If these are logits, {of_logits(name, axes, advice)}'}"
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
        f"{tolerance:g}); {why_not_1(array, total, name, axes, tolerance, advice)}",
        kind="sum",
        argument=name,
        value=total,
        **found,
    )


def logits(value: Any, name: str, *, axis: Any) -> tuple[Array, str]:
    """Check logits: finite or −inf (a mask), with at least one finite value in every row."""
    given, dtype = as_array(value, name)
    axes = axis if isinstance(axis, tuple) else (check_axis(axis, given.ndim, name),)
    array = given.astype(np.float64)
    _check_categories(name, axes, given.shape)
    bad = np.isnan(array) | np.isposinf(array)
    if bad.any():
        found = _places(bad)
        kind = "nan" if np.isnan(array[found["place"]]) else "infinite"
        text = (
            f"{_is(array, name, found)}; logits are finite, or -inf for a category that is masked"
        )
        _refuse(f"{text} out", kind, array, name, found)
    masked = np.isneginf(array).all(axis=axes)
    if masked.any():
        found = _places(masked)
        raise DistributionError(
            f"{_row(name, found['place'], axes)} is -inf everywhere; leave at least one "
            "category unmasked, or drop the row",
            kind="empty",
            argument=name,
            value=-np.inf,
            **found,
        )
    return array if isinstance(axis, tuple) else np.moveaxis(array, axes[0], -1), dtype
