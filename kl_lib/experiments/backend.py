"""Keras and the framework under it: loaded when first used, with the threads of a config."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}
EXTRAS = {"tensorflow": '"kl-lib[experiments]"', "jax": '"kl-lib[experiments]" jax'}

# XLA, the compiler under JAX, takes the size of its thread pools on a CPU from this variable.
JAX_THREADS = "NPROC"


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
        # TensorFlow then says less, but not nothing: see `start_quietly`.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import keras
    except ModuleNotFoundError as missing:
        name = backend or "tensorflow"
        raise ModuleNotFoundError(
            f"kl_lib.experiments needs keras and {name}: pip install {EXTRAS[name]}",
            name=missing.name,
        ) from None
    loaded = keras.backend.backend()
    if backend is not None and loaded != backend:
        raise BackendError(
            f"backend is {backend!r}, but this process has loaded Keras on {loaded}: "
            "start a new Python process"
        )
    return keras


def use_threads(threads: int, backend: str = "tensorflow") -> None:
    """Give the backend `threads` threads. Works only before it has computed anything.

    Raises
    ------
    BackendError
        If it is already running with another number.
    """
    running = {"tensorflow": _tensorflow_threads, "jax": _jax_threads}[backend](threads)
    if running != threads:
        raise BackendError(
            f"threads is {threads}, but {NAMES[backend]} is already running in this process with "
            f"{running or 'as many threads as there are cores'}, and the number changes the "
            f"result: start a new Python process, and train before anything else uses "
            f"{NAMES[backend]}"
        )


def start_quietly(backend: str, threads: int | None = None) -> None:
    """Load Keras and start its backend, and keep what that logs off the screen.

    Only for processes that are kl_lib's own: meanwhile nothing else can write to standard error
    either. Python still raises, and if the process is aborted, which TensorFlow does on a processor
    that it is not made for, Python says where.

    Raises
    ------
    ModuleNotFoundError, BackendError
        As from `import_keras` and `use_threads`.
    """
    with _silence():
        keras = import_keras(backend)
        if threads is not None:
            use_threads(threads, backend)
        keras.distribution.list_devices()


@contextmanager
def _silence() -> Iterator[None]:
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    reporting = faulthandler.is_enabled()
    if not reporting:
        faulthandler.enable(stderr)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        if not reporting:
            faulthandler.disable()
        os.close(stderr)
        os.close(nowhere)


def _tensorflow_threads(threads: int) -> int:
    """Ask TensorFlow for `threads` threads, and return how many it has; 0 means its default."""
    import tensorflow as tf

    setting = tf.config.threading
    try:
        setting.set_intra_op_parallelism_threads(threads)
        setting.set_inter_op_parallelism_threads(threads)
    except RuntimeError:  # running; that is fine if it runs with the same number
        pass
    counts = {
        setting.get_intra_op_parallelism_threads(),
        setting.get_inter_op_parallelism_threads(),
    }
    return threads if counts == {threads} else max(counts - {threads})


def _jax_threads(threads: int) -> int:
    """The same for JAX, which reads the number from the environment when it starts its CPU."""
    from jax._src import xla_bridge

    if not xla_bridge.backends_are_initialized():
        os.environ[JAX_THREADS] = str(threads)
    return int(os.environ.get(JAX_THREADS, 0))


class BackendError(RuntimeError):
    """This process runs Keras in a way that a config rules out, and only a new process can help."""
