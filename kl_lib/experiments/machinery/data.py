"""Data of an experiment: arrays by name, with one checksum over all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


class DataError(ValueError):
    """Data that are missing, damaged or not what they should be. The message says what to do."""


class Loaded(Protocol):
    """What `load` of an experiment returns."""

    @property
    def description(self) -> str:
        """What the data are, in one line."""

    @property
    def sha256(self) -> str:
        """Their checksum, as it was when they were loaded."""

    def checksum(self) -> str:
        """Take the checksum again."""

    def facts(self) -> dict[str, Any]:
        """Return what else is to be recorded of them: plain numbers and lists."""


class Arrays(Mapping[str, NDArray[Any]]):
    """Arrays by name.

    Parameters
    ----------
    description : str
        What they are, in one line.
    **arrays : array_like
        Numbers, truth values or text. They are kept as NumPy arrays that can't be changed.

    Attributes
    ----------
    description : str
        The same.
    sha256 : str
        Checksum of all arrays with their names, types and shapes.

    Examples
    --------
    >>> data = Arrays("three points", x=[1.0, 2.0, 4.0])
    >>> data["x"].sum(), data.sha256 == Arrays("the same ones", x=[1.0, 2.0, 4.0]).sha256
    (7.0, True)
    """

    def __init__(self, description: str, **arrays: ArrayLike) -> None:
        self.description = description
        self._arrays = {name: _frozen(name, array) for name, array in arrays.items()}
        self.sha256 = self.checksum()

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def checksum(self) -> str:
        """Return the checksum of the arrays as they are."""
        return self._checksum_of(*sorted(self._arrays))

    def facts(self) -> dict[str, Any]:
        """Return the shape of each array and its checksum."""
        return {
            "shapes": {name: list(array.shape) for name, array in self._arrays.items()},
            "checksums": {name: self._checksum_of(name) for name in self._arrays},
        }

    def _checksum_of(self, *names: str) -> str:
        digest = hashlib.sha256()
        for name in names:
            array = self._arrays[name]
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.tobytes() if array.dtype.kind == "U" else array.data)
        return digest.hexdigest()


def _frozen(name: str, values: ArrayLike) -> NDArray[Any]:
    array = np.array(values, order="C")
    if array.dtype.kind not in "biufcU":
        raise DataError(
            f"{name} has type {array.dtype}, expected numbers, truth values or text: a checksum "
            "of other objects would say nothing"
        )
    # Big-endian machines have the same numbers.
    array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    array.flags.writeable = False
    return array
