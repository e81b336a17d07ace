"""Handwritten digits as binary images: MNIST from a file or through Keras, or scikit-learn's.

Training images stay grey, from 0 to 255, and are binarised by a fresh draw in every epoch. Test
images are binarised once, by a fixed draw, so that every run is measured on the same pixels.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..machinery.data import Arrays, DataError

TEST_SEED = 0
FILE_LAYOUT = "an .npz file with x_train and x_test, (images, height, width) uint8"


def binarised(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw each pixel: 1 with a probability of its grey value over 255, else 0.

    Parameters
    ----------
    images : (images, pixels) uint8
        Grey values.
    random : numpy.random.Generator
        Where the draw comes from.

    Returns
    -------
    (images, pixels) float32
        Zeros and ones.

    Examples
    --------
    >>> black_and_white = np.array([[0, 255]], dtype=np.uint8)
    >>> binarised(black_and_white, np.random.default_rng(0)).tolist()
    [[0.0, 1.0]]
    """
    draws = random.random(images.shape, dtype=np.float32)
    return (255 * draws < images).astype(np.float32)


def load_images(dataset: str, file: str | os.PathLike[str] | None = None) -> Arrays:
    """Return ``x_train`` (images, pixels), grey, and ``x_test`` (images, pixels), zeros and ones.

    Parameters
    ----------
    dataset : {"mnist", "digits"}
        MNIST has 60,000 and 10,000 images of 784 pixels; scikit-learn's digits 1,437 and 360 of 64.
    file : path, optional
        MNIST as an .npz file. Without it Keras fetches it once.

    Raises
    ------
    DataError
        If the file lacks the arrays or they are no images; if a file is given for the digits.
    OSError
        If it can't be read.
    """
    if dataset == "digits":
        if file is not None:
            raise DataError("a file was given, but the digits come with scikit-learn: leave it out")
        train, test = _digits()
    else:
        train, test = _from_file(file) if file is not None else _from_keras()
    flat = {"train": train.reshape(len(train), -1), "test": test.reshape(len(test), -1)}
    drawn = binarised(flat["test"], np.random.default_rng(TEST_SEED)).astype(np.uint8)
    return Arrays(
        f"{dataset}, test images binarised by draw {TEST_SEED}", x_train=flat["train"], x_test=drawn
    )


def _digits() -> tuple[np.ndarray, np.ndarray]:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'the digits come with scikit-learn: pip install "kl-lib[experiments]"', name="sklearn"
        ) from None
    grey = (load_digits().images * 255 // 16).astype(np.uint8)
    test = np.arange(len(grey)) % 5 == 0
    return grey[~test], grey[test]


def _from_keras() -> tuple[np.ndarray, np.ndarray]:
    from ..machinery.backend import import_quietly

    import_quietly("tensorflow")
    import keras

    try:
        (train, _), (test, _) = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when the download fails.
        raise DataError(
            f"MNIST is not on this machine and could not be fetched ({error}). Connect to the "
            f"internet once, or pass --data FILE.npz: {FILE_LAYOUT}"
        ) from error
    return train, test


def _from_file(file: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    found: Any = np.load(file, allow_pickle=False)
    if isinstance(found, np.ndarray):
        raise DataError(f"{file} holds a single array; --data takes {FILE_LAYOUT}")
    try:
        with found:
            train, test = found["x_train"], found["x_test"]
    except KeyError as error:
        raise DataError(f"{file} lacks {error}; --data takes {FILE_LAYOUT}") from error
    if not (train.ndim == test.ndim == 3 and train.dtype == test.dtype == np.uint8):
        raise DataError(
            f"x_train is {train.dtype} {train.shape} and x_test {test.dtype} {test.shape}; "
            f"--data takes {FILE_LAYOUT}"
        )
    return train, test
