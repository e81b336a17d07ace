"""Keras and the framework under it: loaded when first used, with the threads of a config."""

from __future__ import annotations

import faulthandler
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from .checkpoint import CheckpointError
from .environment import package_version

if TYPE_CHECKING:
    import keras

NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}
PACKAGES = {"tensorflow": ("keras", "tensorflow"), "jax": ("keras", "jax", "jaxlib")}
EXTRAS = {"tensorflow": '"kl-lib[experiments]"', "jax": '"kl-lib[experiments]" jax'}

# Where the callback of Keras is to write for TensorBoard. No part of any config; workers inherit
# it.
TENSORBOARD = "KL_LIB_TENSORBOARD"

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


def import_quietly(backend: str) -> None:
    """Load Keras, and keep what its backend logs meanwhile off the screen.

    Raises
    ------
    ModuleNotFoundError, BackendError
        As from `import_keras`.
    """
    if "keras" not in sys.modules:
        with _silence():
            import_keras(backend)


def tensorboard(id_: str) -> list[Any]:
    """Return the callback of Keras that writes what TensorBoard shows, if that was asked for.

    It is asked for with ``--tensorboard FOLDER``, or where that can't be given with the environment
    variable ``KL_LIB_TENSORBOARD``. An experiment of your own passes it on:
    ``model.fit(..., callbacks=tensorboard(self.id))``.

    Parameters
    ----------
    id_ : str
        Of the run: what is written goes to a folder of this name.

    Returns
    -------
    list
        Of one ``keras.callbacks.TensorBoard``, or empty.

    Raises
    ------
    ModuleNotFoundError
        If TensorBoard is not installed.
    """
    if not (folder := os.environ.get(TENSORBOARD)):
        return []
    check_tensorboard()
    return [import_keras().callbacks.TensorBoard(os.path.join(folder, id_))]


def check_tensorboard() -> None:
    """Check that TensorBoard is there: without it the callback of Keras fails after an epoch.

    Raises
    ------
    ModuleNotFoundError
        If not.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise ModuleNotFoundError(
            "--tensorboard needs tensorboard: pip install tensorboard", name="tensorboard"
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


def describe(backend: str, threads: int, also: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a record says of the backend: versions of packages, and its devices.

    Asking Keras for its devices starts the backend, so its threads are set first.
    """
    keras = import_keras(backend)
    use_threads(threads, backend)
    packages = {name: package_version(name) for name in (*PACKAGES[backend], *also)}
    return {"packages": packages, "devices": keras.distribution.list_devices()}


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
    if not _jax_runs():
        os.environ[JAX_THREADS] = str(threads)
    return int(os.environ.get(JAX_THREADS, 0))


def _jax_runs() -> bool:
    """Whether JAX has started: from then on it refuses another number of CPU devices."""
    import jax

    try:
        devices = jax.config.jax_num_cpu_devices
    except AttributeError:
        raise BackendError(
            f"JAX is {jax.__version__}, expected 0.5 or newer: pip install -U jax"
        ) from None
    try:
        jax.config.update("jax_num_cpu_devices", devices + 1)
    except RuntimeError:
        return True
    jax.config.update("jax_num_cpu_devices", devices)
    return False


class BackendError(RuntimeError):
    """This process runs Keras in a way that a config rules out, and only a new process can help."""


def variables(model: keras.Model) -> list[keras.Variable]:
    """All that a run carries from one epoch to the next: weights, seed generators, optimiser."""
    return [*model.variables, *model.optimizer.variables]


def restore(model: keras.Model, arrays: Sequence[np.ndarray]) -> None:
    """Set the `variables` of a model.

    Raises
    ------
    CheckpointError
        If the arrays are of another network.
    """
    own = variables(model)
    expected = [(tuple(v.shape), str(v.dtype)) for v in own]
    if expected != [(array.shape, str(array.dtype)) for array in arrays]:
        raise CheckpointError("its arrays are those of another network")
    for variable, array in zip(own, arrays, strict=True):
        variable.assign(array)
