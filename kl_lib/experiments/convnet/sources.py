"""Where images come from: Keras, a file, scikit-learn. What comes is not yet checked."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..machinery.data import DataError

ARRAYS = ("x_train", "y_train", "x_test", "y_test")

# The archive that Keras downloads and where it keeps it, with the checksum that Keras publishes.
ARCHIVE = "cifar-10-batches-py-target_archive"
ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
PUBLISHED_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"

FILE_LAYOUT = (
    "an .npz file with x_train and x_test (images, 32, 32, 3) uint8 and y_train and y_test "
    "(images,) or (images, 1), whole numbers from 0 to 9"
)


def cifar10_from_keras(backend: str | None) -> dict[str, Any]:
    from ..machinery.backend import import_keras

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


def from_file(path: Path) -> dict[str, Any]:
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
    # that does not match its checksum, claims to be larger than memory, or holds pickled objects.
    except (
        OSError, EOFError, MemoryError, ValueError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise DataError(
            f"{path.name} cannot be read ({error}): it is damaged, incomplete or not an .npz file "
            f"of plain arrays. Fetch or write it again; --data takes {FILE_LAYOUT}"
        ) from error


def digits() -> dict[str, Any]:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'the digits come with scikit-learn: pip install "kl-lib[experiments]"', name="sklearn"
        ) from None
    bunch = load_digits()
    # Pixels are 0 to 16 there; 0 to 255 here, like those of every other data set.
    x = (bunch.images[..., np.newaxis] * 255 // 16).astype(np.uint8)
    y = bunch.target
    test = np.arange(len(y)) % 5 == 0
    return {"x_train": x[~test], "y_train": y[~test], "x_test": x[test], "y_test": y[test]}
