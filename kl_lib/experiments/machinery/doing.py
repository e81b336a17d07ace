"""Work that is done once, whoever asks for it, and goes on where it was stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from .checkpoint import Checkpoint, CheckpointError
from .experiment import Experiment
from .sealed import RecordError
from .store import check_writable

T = TypeVar("T")

Say = Callable[[str], None]


def unless_finished(
    path: Path,
    read: Callable[[Path], T],
    do: Callable[[], T],
    lock: AbstractContextManager[None],
    force: bool,
    say: Say,
) -> T:
    """Return what is stored at `path`, or do it under the lock; with `force` do it anyway."""
    if (found := finished(path, read, force, say)) is not None:
        return found
    check_writable(path)
    with lock:
        # By the process that had the lock before?
        return found if (found := finished(path, read, force, say)) is not None else do()


def finished(path: Path, read: Callable[[Path], T], force: bool, say: Say) -> T | None:
    """Return what is stored at `path`, if it is to be had; name it if it is damaged."""
    if force:
        return None
    try:
        return read(path) if path.exists() else None
    except RecordError as error:
        say(f"{error}: doing that now")
        return None


def prepare(checkpoint: Checkpoint, config: Experiment, say: Say) -> None:
    """Remove a checkpoint that the run can't go on from."""
    try:
        checkpoint.load()
    except CheckpointError as error:
        say(f"run {config.id} begins again: it has a checkpoint, but {error}")
        checkpoint.remove()


def afresh_if_unfit(
    work: Callable[[], T], checkpoints: Iterable[Checkpoint], name: str, say: Say
) -> T:
    """Do `work`, without its checkpoints if they are whole and yet of no use.

    That they are of another network, say, is seen only by the run itself.
    """
    try:
        return work()
    except CheckpointError as error:
        say(f"{name} begins again: it has a checkpoint, but {error}")
        for checkpoint in checkpoints:
            checkpoint.remove()
        return work()


def once(say: Say) -> Say:
    """Say no line twice: a damaged record is noticed wherever its run is looked for."""
    said: set[str] = set()

    def say_once(line: str) -> None:
        if line not in said:
            said.add(line)
            say(line)

    return say_once


def to_stderr(line: str) -> None:
    """Print a line where it does not mix with results."""
    print(line, file=sys.stderr)
