"""One run, from its config to its record: once, whoever else asks for it meanwhile."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from .backend import BackendError
from .checkpoint import Checkpoint, CheckpointError
from .choices import ConfigError
from .data import Loaded
from .definition import TrainingError
from .environment import describe_machine, peak_memory, reset_peak_memory
from .experiment import Experiment, Progress
from .locks import locked
from .records import Record, new_record, read_record, record_path, write_record
from .references import failure, source_sha256
from .sealed import RecordError
from .store import check_writable, remove_parts, scratch_path

T = TypeVar("T")

# What a run may raise that says already what is wrong.
EXPECTED = (
    BackendError, CancelledError, CheckpointError, ConfigError, ModuleNotFoundError, OSError,
    TrainingError,
)  # fmt: skip
Say = Callable[[str], None]


def run(
    store: str | os.PathLike[str],
    config: Experiment,
    data: Loaded,
    *,
    force: bool = False,
    progress: Progress | None = None,
    say: Say | None = None,
) -> Record:
    """Do the run `config` and keep a record of it, or return the record that is there.

    A run that was stopped goes on from its last checkpoint. A damaged record or checkpoint is
    named and replaced.

    Parameters
    ----------
    store : path
        Where records are.
    config : Experiment
        What to do.
    data
        What its `load` has returned: the data that ``config.data_sha256`` was taken of.
    force : bool
        Begin again what is finished or half done.
    progress : callable, optional
        Called as ``progress(step, **numbers)`` after each step, and at the start with the steps of
        a checkpoint.
    say : callable, optional
        Called with a line about what is damaged. By default it goes to standard error.

    Raises
    ------
    RunBusyError
        If another process is doing this run.
    OSError
        If the disk is full or the folder can't be written.
    ConfigError
        If the data are others than those of the config.
    TrainingError
        If the run fails, or returns something else than finite numbers and lists of them.
    CheckpointError, BackendError, ModuleNotFoundError
        As from the experiment.

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
        check_data(config, data)
        environment = describe_environment(config)
        checkpoint = Checkpoint(scratch_path(store, config, ".checkpoint"), config, environment)
        remove_parts(path, checkpoint.path)
        prepare(checkpoint, config, force, say)
        work = partial(compute, config, data, environment, progress, checkpoint)
        record = afresh_if_unfit(work, [checkpoint], f"run {config.id}", say)
        write_record(store, record)
        checkpoint.remove()
        return record

    read = partial(read_record, experiment=type(config))
    return unless_finished(path, read, do, locked(store, config), force, say)


def compute(
    config: Experiment,
    data: Loaded,
    environment: dict[str, Any],
    progress: Progress | None,
    checkpoint: Checkpoint,
) -> Record:
    """Do a run and return its record, which is not stored yet."""
    reset_peak_memory()
    try:
        result = config.run(data, progress or _nothing, checkpoint)
    except EXPECTED:
        raise
    except Exception as error:  # whatever an experiment of somebody else does
        raise TrainingError(failure(error, type(config))) from error
    record = new_record(config, data, result, environment)
    measured = {"seconds": round(checkpoint.seconds, 3), "peak_memory": peak_memory()}
    record.result.update(measured | record.result)
    for problem in config.contradictions(record):
        raise TrainingError(f"{problem}, of what the run has returned")
    return record


def check_data(config: Experiment, data: Loaded) -> None:
    """Check that the data are those of a run, as they are now.

    Raises
    ------
    ConfigError
        If not.
    """
    if (found := data.checksum()) != config.data_sha256:
        changed = " (they were changed after they were loaded)" if found != data.sha256 else ""
        raise ConfigError(
            f"data_sha256 is {config.data_sha256[:16]}, but the data have {found[:16]}{changed}: "
            "make the config from these data"
        )


def describe_environment(config: Experiment) -> dict[str, Any]:
    """Describe what `config` is run on: machine, versions, source code.

    Returns
    -------
    dict
        ``python``, ``packages``, ``platform``, ``cpu``, ``instruction_set`` (what of it decides
        how matrices are multiplied; None where the system does not list it), ``cores``,
        ``git_commit`` and ``git_dirty`` (both None if kl_lib does not run from its repository);
        ``devices``, what the framework computes on, where there is one; ``source_sha256`` of the
        file of an experiment that is not kl_lib's own.

    Notes
    -----
    Asking Keras for its devices starts the backend, so the threads of the config are set first.
    """
    found, own = describe_machine(), config.environment()
    packages = found["packages"] | own.pop("packages", {})
    if not type(config).__module__.startswith("kl_lib."):
        own["source_sha256"] = source_sha256(type(config))
    return found | own | {"packages": packages}


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


def prepare(checkpoint: Checkpoint, config: Experiment, force: bool, say: Say) -> None:
    """Remove a checkpoint that is not wanted, or that the run can't go on from."""
    if force:
        checkpoint.remove()
        return
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


def _nothing(step: int, **numbers: float) -> None:
    pass
