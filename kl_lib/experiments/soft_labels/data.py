"""Images of CIFAR-10 with their labels, and how often people gave each answer to a test image."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..machinery.data import Arrays, DataError

CLASSES = 10
SHAPE = (32, 32, 3)
IMAGES = ("x_train", "y_train", "x_test", "y_test")

Path_ = str | os.PathLike[str] | None

WANTED = (
    "pass --data images=FILE.npz with x_train, y_train, x_test, y_test of CIFAR-10, and "
    "--data human=FILE with the counts of CIFAR-10H (images, 10) as .npy, or .npz (human_counts)"
)


def load(images: Path_ = None, human: Path_ = None) -> Arrays:
    """Load CIFAR-10 and the human answers to its test images, and check that they belong together.

    Parameters
    ----------
    images : path
        An ``.npz`` file: ``x_train`` and ``x_test`` (images, 32, 32, 3) uint8, ``y_train`` and
        ``y_test`` (images,) or (images, 1), from 0 to 9.
    human : path
        How often each answer was given to each test image, (images, 10): ``cifar10h-counts.npy`` as
        it was published, or an ``.npz`` file with ``human_counts``.

    Returns
    -------
    Arrays
        ``x_train``, ``y_train``, ``x_test``, ``y_test``, ``counts``.

    Raises
    ------
    DataError
        If a file is not given or not what it should be, or if people say something else than the
        labels for most images, as they do where the order of the images is another one.

    References
    ----------
    Peterson, Battleday, Griffiths and Russakovsky, "Human uncertainty makes classification more
    robust", 2019.
    """
    if images is None or human is None:
        missing = "images" if images is None else "human answers"
        raise DataError(f"there are no {missing}: {WANTED}")
    content = _arrays(Path(images))
    if absent := [name for name in IMAGES if name not in content]:
        raise DataError(f"{Path(images).name} lacks {', '.join(absent)}: {WANTED}")
    arrays = {name: content[name] for name in IMAGES}
    for part in ("train", "test"):
        arrays[f"y_{part}"] = _labels(f"y_{part}", arrays[f"y_{part}"], arrays[f"x_{part}"])
    counts = _counts(Path(human).name, _arrays(Path(human)), arrays["y_test"])
    return Arrays(
        "CIFAR-10 and CIFAR-10H: images with labels, human answers to the test images",
        **arrays,
        counts=counts,
    )


def _arrays(path: Path) -> dict[str, Any]:
    """All arrays of a file by name; that of an ``.npy`` file is called ``human_counts``."""
    if not path.is_file():
        raise DataError(f"there is no file {path}: {WANTED}")
    try:
        content = np.load(path, allow_pickle=False)
        if not isinstance(content, np.lib.npyio.NpzFile):
            return {"human_counts": content}
        with content:
            return {name: content[name] for name in content.files}
    except (
        OSError, EOFError, MemoryError, ValueError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise DataError(f"{path.name} cannot be read ({error}): {WANTED}") from error


def _labels(name: str, labels: Any, images: Any) -> Any:
    labels = np.reshape(labels, -1)
    if images.shape != (len(labels), *SHAPE) or images.dtype != np.uint8:
        raise DataError(
            f"images for {len(labels)} labels {name} are {images.dtype} {images.shape}, expected "
            f"uint8 ({len(labels)}, 32, 32, 3)"
        )
    if labels.dtype.kind not in "iu" or not np.all((labels >= 0) & (labels < CLASSES)):
        raise DataError(f"{name} is {labels.dtype}, expected whole numbers from 0 to 9")
    return labels.astype(np.uint8)


def _counts(where: str, content: dict[str, Any], labels: Any) -> Any:
    if "human_counts" not in content:
        raise DataError(f"{where} lacks human_counts: {WANTED}")
    counts = content["human_counts"]
    if counts.shape != (len(labels), CLASSES):
        raise DataError(
            f"{where} has shape {counts.shape}, expected ({len(labels)}, {CLASSES}): a row for "
            "each test image"
        )
    whole = counts.astype(np.int64)
    wrong = np.flatnonzero(np.any((whole != counts) | (whole < 0), axis=1) | (whole.sum(1) == 0))
    if wrong.size:
        raise DataError(
            f"{where}[{wrong[0]}] is {counts[wrong[0]].tolist()}, expected counts: whole numbers "
            "from 0, at least one of them above"
        )
    if (agree := float(np.mean(whole.argmax(axis=1) == labels))) < 0.5:
        raise DataError(
            f"the answer that most people gave is the label for {agree:.0%} of the images of "
            f"{where}: take counts and images in the same order"
        )
    return whole
