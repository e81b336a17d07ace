"""Locks in the store: a run is done by one process at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .experiment import Experiment
from .store import scratch_file


class RunBusyError(RuntimeError):
    """Another process is doing this run."""


@contextmanager
def locked(
    store: str | os.PathLike[str], config: Experiment, suffix: str = ".lock"
) -> Iterator[None]:
    """Hold the lock of a run, or of other work on its config.

    Raises
    ------
    RunBusyError
        If another process holds it.
    """
    with locked_id(store, config.id, suffix):
        yield


@contextmanager
def locked_id(store: str | os.PathLike[str], id_: str, suffix: str = ".lock") -> Iterator[None]:
    """Hold the lock of the run with this id.

    The system lets go of it when the process ends, however it ends.

    Raises
    ------
    RunBusyError
        If another process holds it.
    """
    try:
        from filelock import FileLock, Timeout
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'kl_lib.experiments needs filelock: pip install "kl-lib[experiments]"', name="filelock"
        ) from None
    path = scratch_file(store, id_, suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout:
        raise RunBusyError(
            f"run {id_} is being done by another process: call again when that has ended"
        ) from None
