"""One run or study, from its config to its record: once, whoever else asks for it meanwhile."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from .checkpoint import Checkpoint, CheckpointError
from .config import Config
from .data import Data
from .drift import Drift, arm_configs, drift_path, read_drift, study_drift, write_drift
from .environment import describe_environment
from .sealed import RecordError
from .store import (
    Record,
    check_writable,
    new_record,
    read_record,
    record_path,
    remove_parts,
    scratch_path,
    write_record,
)
from .training import Epoch, train

T = TypeVar("T")


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
    path = record_path(store, config)

    def do() -> Record:
        environment = describe_environment(config)
        checkpoint = Checkpoint(scratch_path(store, config, ".checkpoint"), config, environment)
        remove_parts(path, checkpoint.path)
        _prepare(checkpoint, config, force, say)
        work = partial(train, config, data, on_epoch=on_epoch, checkpoint=checkpoint)
        result = _afresh_if_unfit(work, [checkpoint], f"run {config.id}", say)
        record = new_record(config, data, result, environment)
        write_record(store, record)
        checkpoint.remove()
        return record

    finished = (lambda: None) if force else partial(_finished, path, read_record, say)
    return _unless_finished(finished, do, path, locked(store, config))


def run_drift(
    store: str | os.PathLike[str],
    config: Config,
    data: Data,
    *,
    force: bool = False,
    on_epoch: Callable[[str, int, float], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Drift:
    """Study how runs of one seed drift apart and keep a record, or return the one that is there.

    A study that was stopped goes on from the last whole epoch of the run it was at. Until it is
    done it keeps a checkpoint of each of its runs in the store, on CIFAR-10 about 100 MB for each.

    Parameters
    ----------
    store : path
        Where records are.
    config, data, on_epoch
        See `study_drift`.
    force : bool
        Begin again what is finished or half done.
    say : callable, optional
        Called with a line about what is damaged. By default it goes to standard error.

    Raises
    ------
    RunBusyError
        If another process is doing this study.
    OSError
        If the disk is full or the folder can't be written.
    ConfigError, TrainingError, BackendError, ModuleNotFoundError
        As from `study_drift`.

    Examples
    --------
    Five short runs::

        from kl_lib.experiments import Config, load_data, run_drift

        digits = load_data("digits")
        config = Config(dataset="digits", data_sha256=digits.sha256, loss="ce", seed=0, epochs=5)
        print(run_drift("results", config, digits))
    """
    say = once(say or to_stderr)
    path = drift_path(store, config)
    configs = arm_configs(config).values()

    def do() -> Drift:
        checkpoints = {
            each.id: Checkpoint(
                scratch_path(store, each, ".trace"), each, describe_environment(each)
            )
            for each in configs
        }
        remove_parts(path, *(checkpoint.path for checkpoint in checkpoints.values()))
        for each in configs:
            _prepare(checkpoints[each.id], each, force, say)
        work = partial(study_drift, config, data, on_epoch=on_epoch, checkpoints=checkpoints)
        study = _afresh_if_unfit(work, checkpoints.values(), f"study {config.id}", say)
        write_drift(store, study)
        for checkpoint in checkpoints.values():
            checkpoint.remove()
        return study

    finished = (lambda: None) if force else partial(_finished, path, read_drift, say)
    return _unless_finished(finished, do, path, locked(store, config, ".drift.lock"))


def _unless_finished(
    finished: Callable[[], T | None],
    do: Callable[[], T],
    path: Path,
    lock: AbstractContextManager[None],
) -> T:
    """Return what is finished, or do it under the lock."""
    if (found := finished()) is not None:
        return found
    check_writable(path)
    with lock:
        # By the process that had the lock before?
        return found if (found := finished()) is not None else do()


def _finished(path: Path, read: Callable[[Path], T], say: Callable[[str], None]) -> T | None:
    try:
        return read(path) if path.exists() else None
    except RecordError as error:
        say(f"{error}: doing that now")
        return None


def _prepare(
    checkpoint: Checkpoint, config: Config, force: bool, say: Callable[[str], None]
) -> None:
    """Remove a checkpoint that is not wanted, or that the run can't go on from."""
    if force:
        checkpoint.remove()
        return
    try:
        checkpoint.load()
    except CheckpointError as error:
        say(f"run {config.id} begins again: it has a checkpoint, but {error}")
        checkpoint.remove()


def _afresh_if_unfit(
    work: Callable[[], T],
    checkpoints: Iterable[Checkpoint],
    name: str,
    say: Callable[[str], None],
) -> T:
    """Do `work`, without its checkpoints if they are whole and yet of no use.

    That the network is another than theirs is seen only once it is built: whoever works on
    `convnet` meets that.
    """
    try:
        return work()
    except CheckpointError as error:
        say(f"{name} begins again: it has a checkpoint, but {error}")
        for checkpoint in checkpoints:
            checkpoint.remove()
        return work()


def once(say: Callable[[str], None]) -> Callable[[str], None]:
    """Say no line twice: a damaged record is noticed wherever its run is looked for."""
    said: set[str] = set()

    def say_once(line: str) -> None:
        if line not in said:
            said.add(line)
            say(line)

    return say_once


@contextmanager
def locked(store: str | os.PathLike[str], config: Config, suffix: str = ".lock") -> Iterator[None]:
    """Hold the lock of a run, or of other work on its config.

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
    path = scratch_path(store, config, suffix)
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
