"""One run, from its config to its record: once, whoever else asks for it at the same time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .checkpoint import Checkpoint, CheckpointError
from .config import Config
from .data import Data
from .environment import describe_environment
from .sealed import RecordError
from .store import (
    Record,
    check_writable,
    find_record,
    new_record,
    record_path,
    remove_parts,
    scratch_path,
    write_record,
)
from .training import Epoch, train


class RunBusyError(RuntimeError):
    """Another process is doing this run."""


def run(
    store: str | os.PathLike[str],
    config: Config,
    data: Data,
    *,
    force: bool = False,
    on_epoch: Callable[[Epoch], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Record:
    """Train `config` and keep a record of it, or return the record that is there.

    A run that was stopped goes on from its last whole epoch. A damaged record or checkpoint is
    named and replaced.

    Parameters
    ----------
    store : path
        Where records are.
    config, data
        What to do, see `train`.
    force : bool
        Begin again what is finished or half done.
    on_epoch : callable, optional
        See `train`.
    say : callable, optional
        Called with a line about what is damaged. By default it goes to standard error.

    Raises
    ------
    RunBusyError
        If another process is doing this run.
    OSError
        If the disk is full or the folder can't be written.
    ConfigError, TrainingError, BackendError, ModuleNotFoundError
        As from `train`.

    Examples
    --------
    A few seconds of training::

        from kl_lib.experiments import Config, load_data, run

        digits = load_data("digits")
        config = Config(dataset="digits", data_sha256=digits.sha256, loss="kl", seed=0)
        run("results", config, digits).result["test_accuracy"]
    """
    say = once(say or to_stderr)

    def finished() -> Record | None:
        try:
            return None if force else find_record(store, config)
        except RecordError as error:
            say(f"{error}: doing that now")
            return None

    if (record := finished()) is not None:
        return record
    check_writable(record_path(store, config))
    with locked(store, config):
        if (record := finished()) is not None:  # by the process that had the lock before
            return record
        remove_parts(store, config)
        environment = describe_environment(config)
        checkpoint = Checkpoint(scratch_path(store, config, ".checkpoint"), config, environment)
        if force:
            checkpoint.remove()
        try:
            result = train(config, data, on_epoch=on_epoch, checkpoint=checkpoint)
        except CheckpointError as error:
            say(f"run {config.id} begins again: it has a checkpoint, but {error}")
            checkpoint.remove()
            result = train(config, data, on_epoch=on_epoch, checkpoint=checkpoint)
        record = new_record(config, data, result, environment)
        write_record(store, record)
        checkpoint.remove()
        return record


def once(say: Callable[[str], None]) -> Callable[[str], None]:
    """Say no line twice: a damaged record is noticed wherever its run is looked for."""
    said: set[str] = set()

    def say_once(line: str) -> None:
        if line not in said:
            said.add(line)
            say(line)

    return say_once


@contextmanager
def locked(store: str | os.PathLike[str], config: Config) -> Iterator[None]:
    """Hold the lock of a run. The system lets go of it when the process ends, however it ends.

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
    path = scratch_path(store, config, ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout:
        raise RunBusyError(
            f"run {config.id} is being done by another process: call again when that has ended"
        ) from None


def to_stderr(line: str) -> None:
    """Print a line where it does not mix with results."""
    print(line, file=sys.stderr)
