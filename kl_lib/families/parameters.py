"""What counts as a parameter of a distribution, and every error message about one.

Each check names the argument, the place in it, the value found and the remedy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import DistributionError

Array = NDArray[np.float64]


def real(value: ArrayLike, name: str) -> Array:
    """`value` as a float64 array of finite numbers."""
    try:
        raw = np.asarray(value)
        if raw.dtype.kind in "cSUmM" or isinstance(value, np.ma.MaskedArray):
            raise TypeError
        array = raw.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise DistributionError(f"{name} is {value!r:.60}; pass real numbers") from None
    refuse(~np.isfinite(array), array, name, "pass a finite number")
    return array


def positive(value: ArrayLike, name: str, rule: str) -> Array:
    """`value` as a float64 array of finite numbers above 0; `rule` says why they must be."""
    array = real(value, name)
    refuse(array <= 0, array, name, rule)
    return array


def refuse(bad: NDArray[np.bool_], array: Array, name: str, remedy: str) -> None:
    """Raise for the first entry of `array` that is `bad`."""
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        where = f"{name}[{', '.join(map(str, place))}]" if place else name
        raise DistributionError(f"{where} is {array[place]:g}; {remedy}")


def scale(value: ArrayLike, name: str) -> Array:
    return positive(value, name, "a scale is above 0 (not its logarithm)")


def rate(value: ArrayLike, name: str) -> Array:
    return positive(value, name, "a rate is above 0 (it is 1/scale)")


def concentration(value: ArrayLike, name: str) -> Array:
    return positive(value, name, "a concentration is above 0")


def probability(value: ArrayLike, name: str) -> Array:
    array = real(value, name)
    refuse((array < 0) | (array > 1), array, name, "a probability is between 0 and 1")
    return array


def broadcast(**named: Array) -> tuple[tuple[int, ...], list[Array]]:
    """The shape that the arrays broadcast to, and the arrays in it, of one axis at least."""
    try:
        shape = np.broadcast_shapes(*(array.shape for array in named.values()))
    except ValueError:
        told = ", ".join(f"{name} {array.shape}" for name, array in named.items())
        raise DistributionError(
            f"the parameters do not broadcast to one shape ({told}); give them equal shapes, or "
            "length 1 where one value serves a whole axis"
        ) from None
    return shape, [np.broadcast_to(array, shape or (1,)) for array in named.values()]


def finish(value: Array, divisor: float, shape: tuple[int, ...]) -> Any:
    """The divergence in the unit asked for and the shape promised, a lone number unwrapped."""
    with np.errstate(over="ignore"):
        return (np.maximum(value, 0.0) / divisor).reshape(shape)[()]
