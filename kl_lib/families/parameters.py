"""What counts as a parameter of a distribution, and every error message about one.

Each rule takes an argument and its name and gives a float64 array; an error names the argument, the
place in it, the value found and the remedy. A closed form reads all its arguments by one call of
`checked`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import PLACES, DistributionError

Array = NDArray[np.float64]
Rule = Callable[[ArrayLike, str], Array]


def checked(**arguments: tuple[ArrayLike, Rule]) -> dict[str, Array]:
    """The arguments of a closed form by name, each read as its rule says: name=(value, rule)."""
    return {name: rule(value, name) for name, (value, rule) in arguments.items()}


def real(value: ArrayLike, name: str) -> Array:
    """`value` as a float64 array of finite numbers."""
    try:
        raw = np.asarray(value)
        if raw.dtype.kind in "cSUmM" or isinstance(value, np.ma.MaskedArray):
            raise TypeError
        array = raw.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise DistributionError(
            f"{name} is {value!r:.60}; pass real numbers",
            kind="unreadable",
            argument=name,
            value=value,
        ) from None
    refuse(~np.isfinite(array), array, name, "pass a finite number")
    return array


def refuse(bad: NDArray[np.bool_], array: Array, name: str, remedy: str) -> None:
    """Raise for the first entry of `array` that is `bad`."""
    if bad.any():
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


def entry(name: str, place: tuple[int, ...]) -> str:
    """How a message speaks of one entry: 'mu_p[3]', 'cov_q[0, 2]'; of a lone number: 'mu_p'."""
    return f"{name}[{', '.join(map(str, place))}]" if place else name


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
    return np.abs(array)  # −0.0 is 0


def concentration(value: ArrayLike, name: str) -> Array:
    return positive(value, name, "a concentration is above 0")


def probability(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    refuse((array < 0) | (array > 1), array, name, "a probability is between 0 and 1")
    return array


def broadcast(parameters: Mapping[str, Array]) -> tuple[tuple[int, ...], list[Array]]:
    """The shape that the arrays broadcast to, and the arrays in it, of one axis at least."""
    shape = common_shape(parameters)
    return shape, [np.broadcast_to(array, shape or (1,)) for array in parameters.values()]


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


def finish(value: Array, divisor: float, shape: tuple[int, ...]) -> Any:
    """The divergence in the unit asked for and the shape promised, a lone number unwrapped."""
    with np.errstate(over="ignore"):
        return (np.maximum(value, 0.0) / divisor).reshape(shape)[()]
