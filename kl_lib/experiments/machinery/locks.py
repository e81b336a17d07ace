"""Locks in the store: a run is done by one process at a time."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .experiment import Experiment
from .files import make_folder
from .store import scratch_file

#: How long to wait for somebody who changes a record.
SECONDS = 60


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
    with _held(scratch_file(store, id_, suffix), 0, f"run {id_} is being done by another process"):
        yield


@contextmanager
def records_locked(store: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the lock under which records that are there are changed, which takes no time.

    Whoever does a run again holds the lock of that run for hours; its record may be given a tag
    meanwhile.

    Raises
    ------
    RunBusyError
        If another process holds it for a minute.
    """
    path = scratch_file(store, "records", ".lock")
    with _held(path, SECONDS, f"records in {store} are being changed by another process"):
        yield


@contextmanager
def _held(path: Path, seconds: float, busy: str) -> Iterator[None]:
    try:
        from filelock import FileLock, Timeout
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'kl_lib.experiments needs filelock: pip install "kl-lib[experiments]"', name="filelock"
        ) from None
    make_folder(path.parent)
    try:
        with FileLock(path, timeout=seconds):
            yield
    except Timeout:
        raise RunBusyError(f"{busy}{holder(path)}: call again when that has ended") from None


def holder(path: Path) -> str:
    """Say who holds a lock and how to clear it, where the system does not let go of it by itself.

    On file systems without flock a lock is a file that says which process of which host has made
    it. If that host has died, the file stays.
    """
    try:
        found = re.match(r"(\d+)\n(\S+)\n", path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""
    if found is None:
        return ""
    return f" (process {found[1]} on {found[2]}; if there is none any more, delete {path})"
