"""The images: CIFAR-10 through Keras or from a file, and scikit-learn's digits, which are always
there.

Whatever the source, the result is the same four arrays, checked: images uint8 (n, height, width,
channels), labels uint8 (n,), and one checksum over all four.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..machinery.data import DataError
from .sources import ARRAYS, cifar10_from_keras, digits, from_file

CLASSES = 10
SHAPES = {"cifar10": (32, 32, 3), "digits": (8, 8, 1)}


def load_data(
    name: str,
    *,
    file: str | os.PathLike[str] | None = None,
    note: str | None = None,
    backend: str | None = None,
) -> Data:
    """Load a data set by name, or CIFAR-10 from a file, and check it.

    Parameters
    ----------
    name : {"cifar10", "digits"}
        ``"cifar10"`` is what ``keras.datasets.cifar10.load_data()`` gives. Keras downloads it once;
        nothing is read from the archive unless it has the published checksum.
        ``"digits"`` comes with scikit-learn: 1,797 images of handwritten digits, 8 by 8 pixels.
    file : path, optional
        An ``.npz`` file with ``x_train``, ``y_train``, ``x_test`` and ``y_test`` to take CIFAR-10
        from. It is read without unpickling anything.
    note : str, optional
        One line that says what the data are; it is written into the record.
    backend : str, optional
        The backend to load Keras with, if Keras has to fetch the data; by default the one that is
        loaded, or else TensorFlow.

    Returns
    -------
    Data

    Raises
    ------
    DataError
        If there is nothing to load, or what is there is damaged, or is not what it should be.
    ModuleNotFoundError
        If the library that the data come from is not installed.

    Examples
    --------
    >>> digits = load_data("digits")
    >>> digits.x_train.shape, digits.x_test.shape
    ((1437, 8, 8, 1), (360, 8, 8, 1))
    """
    if name not in SHAPES:
        raise DataError(f"data set is {name!r}, expected one of: {', '.join(SHAPES)}")
    if file is not None and name != "cifar10":
        raise DataError(f"a data file was given, but {name} are built in: leave the file out")
    if file is not None:
        arrays, source = from_file(Path(file)), f"{Path(file).name}: "
        description = "CIFAR-10 from a file that came without a description"
    elif name == "cifar10":
        arrays, source = cifar10_from_keras(backend), "keras.datasets.cifar10: "
        description = "CIFAR-10, as keras.datasets.cifar10 delivers it"
    else:
        arrays, source = digits(), "sklearn.datasets.load_digits: "
        description = "scikit-learn's handwritten digits, every fifth image kept for testing"
    return _checked(name, note or description, arrays, source)


@dataclass(frozen=True, eq=False)
class Data:
    """Images and labels, split for training and testing.

    Attributes
    ----------
    name : str
        The data set.
    description : str
        What the data are, in one line.
    x_train
        Images, uint8, (n, height, width, channels).
    y_train
        Labels, uint8, (n,), from 0 to 9.
    x_test
        Like ``x_train``.
    y_test
        Like ``y_train``.
    sha256 : str
        Checksum of the four arrays with their names and shapes. It does not depend on how a file
        stores them.
    """

    name: str
    description: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    sha256: str

    def checksum(self) -> str:
        """Take the checksum of the arrays as they are."""
        return _checksum({name: getattr(self, name) for name in ARRAYS})

    def facts(self) -> dict[str, Any]:
        """Return what a record says of the data beside description and checksum."""
        return {
            "train_images": len(self.x_train),
            "test_images": len(self.x_test),
            "image_shape": list(self.x_train.shape[1:]),
        }


def _checked(name: str, description: str, arrays: dict[str, Any], source: str) -> Data:
    for part in ("train", "test"):
        x, y = f"x_{part}", f"y_{part}"
        arrays[x] = _checked_images(source + x, arrays[x], SHAPES[name])
        arrays[y] = _checked_labels(source + y, arrays[y])
        if len(arrays[x]) != len(arrays[y]):
            raise DataError(
                f"{source}{x} has {len(arrays[x])} images and {y} {len(arrays[y])} labels, "
                "expected as many of one as of the other"
            )
    return Data(name=name, description=description, sha256=_checksum(arrays), **arrays)


def _checked_images(where: str, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if x.ndim != 4 or x.shape[1:] != shape or len(x) == 0:
        wanted = ", ".join(str(n) for n in shape)
        raise DataError(f"{where} has shape {x.shape}, expected (images, {wanted})")
    if x.dtype != np.uint8:
        raise DataError(f"{where} is {x.dtype}, expected uint8: pixels from 0 to 255, not scaled")
    return np.ascontiguousarray(x)


def _checked_labels(where: str, y: np.ndarray) -> np.ndarray:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or len(y) == 0:
        raise DataError(f"{where} has shape {y.shape}, expected (images,) or (images, 1)")
    if y.dtype.kind not in "iu":
        raise DataError(f"{where} is {y.dtype}, expected whole numbers such as uint8")
    wrong = np.flatnonzero((y < 0) | (y >= CLASSES))
    if wrong.size:
        row = wrong[0]
        raise DataError(f"{where}[{row}] is {y[row]}, expected a label from 0 to {CLASSES - 1}")
    return np.ascontiguousarray(y, dtype=np.uint8)


def _checksum(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in ARRAYS:
        digest.update(f"{name} {arrays[name].shape}\n".encode("ascii"))
        digest.update(arrays[name].data)
    return digest.hexdigest()
