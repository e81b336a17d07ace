"""What counts as a parameter of a distribution, and every error message about one.

Each rule takes an argument and its name and gives a float64 array, or an `np.float64` for a lone
number; an error names the argument, the place in it, the value found and the remedy. A closed form
reads all its arguments by one call of `checked`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import arrays, labels
from ..arrays import entry
from ..errors import PLACES, DistributionError

Array = NDArray[np.float64]
Rule = Callable[[ArrayLike, str], Array]


class Parameters(dict[str, Array]):
    """The arguments of a closed form by name, and the labels that its result takes over."""

    labels: labels.Named = labels.NONE


def checked(
    _core: Mapping[str, tuple[labels.Role, ...]] | None = None, /, **arguments: tuple[Any, Rule]
) -> Parameters:
    """The arguments of a closed form, each read as its rule says: name=(value, rule).

    Labels are brought into one order first. `_core` says what the last axes of an argument are
    where they are no batch; axes of one name must have the same labels.
    """
    values = {name: value for name, (value, _) in arguments.items()}
    known = labels.NONE
    if any(type(x) is not float and labels.of(x) is not None for x in values.values()):
        values, known = labels.aligned(labels.in_step(values), labels.batch_roles(**(_core or {})))
    result = Parameters({name: rule(values[name], name) for name, (_, rule) in arguments.items()})
    result.labels = known
    return result


def real(value: Any, name: str) -> Array:
    """`value` as finite numbers of float64."""
    if type(value) is float and math.isfinite(value):
        return np.float64(value)  # type: ignore[return-value]  # as good as an array
    if isinstance(value, np.ma.MaskedArray):
        _unreadable(f"{name} is a masked array; pass {name}.compressed(), without what is masked")
    try:
        array = arrays.read(value, name)[0].astype(np.float64)[()]
    except DistributionError as error:
        # What a category may be told, that it has probability 0, is nothing for a parameter.
        what, _, remedy = str(error).partition("; ")
        if "category" in remedy:
            _unreadable(f"{what}; pass numbers")
        raise
    refuse(~np.isfinite(array), array, name, "pass a finite number")
    return array


def _unreadable(message: str) -> NoReturn:
    raise DistributionError(message, kind="unreadable", argument=message.partition(" ")[0])


def refuse(bad: Any, array: Array, name: str, remedy: str) -> None:
    """Raise for the first entry of `array` that is `bad`."""
    if bad.any() if isinstance(bad, np.ndarray) else bad:
        places = tuple(tuple(int(i) for i in place) for place in np.argwhere(bad)[:PLACES])
        where = entry(name, places[0])
        raise DistributionError(
            f"{where} is {array[places[0]]:g}; {remedy}",
            kind="parameter",
            argument=name,
            place=places[0],
            value=float(array[places[0]]),
            places=places,
            count=int(bad.sum()),
        )


def positive(value: ArrayLike, name: str, rule: str) -> Array:
    """`value` as a float64 array of finite numbers above 0; `rule` says why they must be."""
    array = real(value, name)
    refuse(array <= 0, array, name, rule)
    return array


def deviation(value: ArrayLike, name: str) -> Array:
    rule = "a standard deviation is above 0 (not a variance, not its logarithm)"
    return positive(value, name, rule)


def scale(value: ArrayLike, name: str) -> Array:
    return positive(value, name, "a scale is above 0 (not its logarithm)")


def rate(value: ArrayLike, name: str) -> Array:
    return positive(value, name, "a rate is above 0 (it is 1/scale)")


def mean_count(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    refuse(array < 0, array, name, "a mean count is 0 or above")
    return abs(array)  # −0.0 is 0


def concentration(value: ArrayLike, name: str) -> Array:
    return positive(value, name, "a concentration is above 0")


def probability(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    refuse((array < 0) | (array > 1), array, name, "a probability is between 0 and 1")
    return array


def broadcast(parameters: Mapping[str, Array]) -> tuple[tuple[int, ...], list[Array]]:
    """The shape that the arrays broadcast to, and the arrays in it; lone numbers stay numbers."""
    if not any(isinstance(array, np.ndarray) for array in parameters.values()):
        return (), list(parameters.values())
    shape = common_shape(parameters)
    return shape, [np.broadcast_to(array, shape) for array in parameters.values()]


def common_shape(
    parameters: Mapping[str, Array], own: Mapping[str, int] | None = None
) -> tuple[int, ...]:
    """The shape that the arrays broadcast to. `own`: how many axes at the end do not take part."""
    shapes = {name: array.shape for name, array in parameters.items()}
    batches = [shape[: len(shape) - (own or {}).get(name, 0)] for name, shape in shapes.items()]
    try:
        return np.broadcast_shapes(*batches)
    except ValueError:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise DistributionError(
            f"the parameters do not broadcast to one shape ({told}); give them equal shapes, or "
            "length 1 where one value serves a whole axis",
            kind="shape",
            argument=" and ".join(shapes),
        ) from None


def finish(
    value: Any, divisor: float, shape: tuple[int, ...], known: labels.Named = labels.NONE
) -> Any:
    """The divergence in the unit asked for, of the shape and with the labels promised."""
    with np.errstate(over="ignore"):
        if not shape and not isinstance(value, np.ndarray):
            return np.float64(0.0 if value <= 0 else value) / divisor
        result = np.maximum(np.broadcast_to(value, shape), 0.0) / divisor
    return known.give(result, list(range(-len(shape), 0)))
