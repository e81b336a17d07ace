"""Keras and the framework under it: loaded when first used, with the threads of a config."""

from __future__ import annotations

import os
import sys
from types import ModuleType


def import_keras(backend: str | None = None) -> ModuleType:
    """Import Keras on `backend`; with None on the one that is loaded, or else on TensorFlow.

    Raises
    ------
    ModuleNotFoundError
        If Keras or the backend is not installed; names the extra.
    BackendError
        If this process has loaded Keras on another backend, which can't be changed.
    """
    if "keras" not in sys.modules:
        # The config decides, not the environment or keras.json: the backend changes the numbers.
        os.environ["KERAS_BACKEND"] = backend or "tensorflow"
        # Keeps TensorFlow's notes about the processor from getting between the lines of progress.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import keras
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            'kl_lib.experiments needs keras and tensorflow: pip install "kl-lib[experiments]"',
            name=missing.name,
        ) from None
    loaded = keras.backend.backend()
    if backend is not None and loaded != backend:
        raise BackendError(
            f"backend is {backend!r}, but this process has loaded Keras on {loaded}: "
            "start a new Python process"
        )
    return keras


def use_threads(threads: int) -> None:
    """Give TensorFlow `threads` threads. Works only before TensorFlow has computed anything.

    Raises
    ------
    BackendError
        If TensorFlow is already running with another number.
    """
    import tensorflow as tf

    setting = tf.config.threading
    try:
        setting.set_intra_op_parallelism_threads(threads)
        setting.set_inter_op_parallelism_threads(threads)
    except RuntimeError:  # running; that is fine if it runs with the same number
        pass
    for count in (
        setting.get_intra_op_parallelism_threads(),
        setting.get_inter_op_parallelism_threads(),
    ):
        if count != threads:
            raise BackendError(
                f"threads is {threads}, but TensorFlow is already running in this process with "
                f"{count or 'as many threads as there are cores'}, and the number changes the "
                "result: start a new Python process, and train before anything else uses TensorFlow"
            )


class BackendError(RuntimeError):
    """This process runs Keras in a way that a config rules out, and only a new process can help."""
