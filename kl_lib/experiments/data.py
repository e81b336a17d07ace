"""The images: CIFAR-10 through Keras or from a file, and scikit-learn's digits, which are always
there.

Whatever the source, the result is the same four arrays, checked: images uint8 (n, height, width,
channels), labels uint8 (n,), and one checksum over all four.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = 10
SHAPES = {"cifar10": (32, 32, 3), "digits": (8, 8, 1)}
ARRAYS = ("x_train", "y_train", "x_test", "y_test")

# The archive that Keras downloads and where it keeps it, with the checksum that Keras publishes.
ARCHIVE = "cifar-10-batches-py-target_archive"
ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
PUBLISHED_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"

FILE_LAYOUT = (
    "an .npz file with x_train and x_test (images, 32, 32, 3) uint8 and y_train and y_test "
    "(images,) or (images, 1), whole numbers from 0 to 9"
)


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
        arrays, source = _from_file(Path(file)), f"{Path(file).name}: "
        description = "CIFAR-10 from a file that came without a description"
    elif name == "cifar10":
        arrays, source = _cifar10_from_keras(backend), "keras.datasets.cifar10: "
        description = "CIFAR-10, as keras.datasets.cifar10 delivers it"
    else:
        arrays, source = _digits(), "sklearn.datasets.load_digits: "
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


class DataError(ValueError):
    """Data that are missing, damaged or not what they should be. The message says what to do."""


def _cifar10_from_keras(backend: str | None) -> dict[str, Any]:
    from .backend import import_keras

    keras = import_keras(backend)
    try:
        path = keras.utils.get_file(ARCHIVE, ORIGIN, file_hash=PUBLISHED_SHA256)
    except Exception as error:  # Keras raises a bare Exception when the download fails.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"CIFAR-10 is not on this machine and could not be fetched ({reason}). "
            "Either connect to the internet once: Keras downloads 170 MB and keeps them in its "
            "folder (~/.keras/datasets, or datasets under KERAS_HOME), so later runs need none. "
            f"Or pass --data FILE.npz: {FILE_LAYOUT}. "
            "Or try `kl-lib run digits`, which needs no download."
        ) from error
    return _from_archive(Path(path))


def _from_archive(path: Path) -> dict[str, Any]:
    """Read the archive itself and not, like Keras, what was extracted from it some time ago.

    The batches in it are pickles, and unpickling runs what is in them. Files that were extracted
    have no checksum, and where the home folder can't be written, Keras keeps them in /tmp.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != PUBLISHED_SHA256:
        raise DataError(
            f"{path} is not the archive of CIFAR-10 that was published: its checksum is another. "
            "Nothing was read from it. Delete it, and it is fetched again"
        )
    arrays: dict[str, Any] = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for part, names in (
            ("train", [f"data_batch_{number}" for number in range(1, 6)]),
            ("test", ["test_batch"]),
        ):
            files = [archive.extractfile(f"cifar-10-batches-py/{name}") for name in names]
            batches = [pickle.load(file, encoding="bytes") for file in files if file is not None]
            images = np.concatenate([batch[b"data"] for batch in batches])
            arrays[f"x_{part}"] = images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            arrays[f"y_{part}"] = np.concatenate([batch[b"labels"] for batch in batches])
    return arrays


def _from_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"there is no file {path}; --data takes {FILE_LAYOUT}")
    try:
        content = np.load(path, allow_pickle=False)
        if not isinstance(content, np.lib.npyio.NpzFile):
            raise DataError(f"{path.name} holds a single array; --data takes {FILE_LAYOUT}")
        with content:
            if missing := [name for name in ARRAYS if name not in content.files]:
                raise DataError(
                    f"{path.name} lacks {', '.join(missing)} (it has {', '.join(content.files)}); "
                    f"--data takes {FILE_LAYOUT}"
                )
            return {name: content[name] for name in ARRAYS}
    except DataError:
        raise
    # What numpy and zipfile raise for a file that is cut short, is not an archive, has a member
    # that does not match its checksum, or holds pickled objects.
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path.name} cannot be read ({error}): it is damaged, incomplete or not an .npz file "
            f"of plain arrays. Fetch or write it again; --data takes {FILE_LAYOUT}"
        ) from error


def _digits() -> dict[str, Any]:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'the digits come with scikit-learn: pip install "kl-lib[experiments]"', name="sklearn"
        ) from None
    digits = load_digits()
    # Pixels are 0 to 16 there; 0 to 255 here, like those of every other data set.
    x = (digits.images[..., np.newaxis] * 255 // 16).astype(np.uint8)
    y = digits.target
    test = np.arange(len(y)) % 5 == 0
    return {"x_train": x[~test], "y_train": y[~test], "x_test": x[test], "y_test": y[test]}


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
