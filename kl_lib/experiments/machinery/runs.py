"""One run, from its config to its record: once, whoever else asks for it meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from typing import Any

from .backend import BackendError
from .checkpoint import Checkpoint, CheckpointError, epochs_done
from .choices import ConfigError
from .data import Loaded
from .definition import TrainingError
from .doing import Say, afresh_if_unfit, once, prepare, to_stderr, unless_finished
from .environment import describe_machine, peak_memory, reset_peak_memory
from .experiment import Experiment, Progress
from .kept import Contents, check_kept, checksums, contents_of, write_kept
from .loading import sums_beside
from .locks import locked
from .records import Record, new_record, read_record, record_path, write_record
from .references import failure, source_sha256
from .several import difference
from .store import remove_parts, scratch_path
from .upkeep import checked_tags, tagged

# What a run may raise that says already what is wrong.
EXPECTED = (
    BackendError, CancelledError, CheckpointError, ConfigError, ModuleNotFoundError, OSError,
    TrainingError,
)  # fmt: skip


def run(
    store: str | os.PathLike[str],
    config: Experiment,
    data: Loaded,
    *,
    force: bool = False,
    keep: bool = False,
    tags: Iterable[str] = (),
    progress: Progress | None = None,
    begun: Callable[[int], None] | None = None,
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
        Begin again what is finished or half done. Stopped and called again with it, that goes on.
    keep : bool
        Keep what the run offers, such as the trained model, see `kept_file`. A run that is finished
        without is done again.
    tags : iterable of str, optional
        Words to find the run by. They are no part of its id.
    progress : callable, optional
        Called as ``progress(step, **numbers)`` after each step, and at the start with the steps of
        a checkpoint, if the experiment does that.
    begun : callable, optional
        Called with the number of steps that a checkpoint has, when the run begins.
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
    tags = checked_tags(tags)
    path = record_path(store, config)
    usual, forced = (scratch_path(store, config, each) for each in (".checkpoint", ".forced"))

    def read(path: Path) -> Record:
        record = read_record(path, type(config))
        if keep:
            check_kept(store, record)
        return record

    def do() -> Record:
        check_data(config, data)
        remove_parts(path, usual)
        if force:
            usual.unlink(missing_ok=True)
        at = forced if force else usual
        record, files = from_checkpoint(
            config, data, at, keep=keep, progress=progress, begun=begun, say=say
        )
        write_kept(store, record, files)
        write_record(store, record)
        for each in (usual, forced):
            each.unlink(missing_ok=True)
        return record

    record = unless_finished(path, read, do, locked(store, config), force, say)
    return tagged(store, record, tags)


def from_checkpoint(
    config: Experiment,
    data: Loaded,
    at: Path | None,
    *,
    keep: bool,
    progress: Progress | None,
    begun: Callable[[int], None] | None,
    say: Say,
) -> tuple[Record, Contents]:
    """Do a run, from the checkpoint that is there, and return its record and what it keeps."""
    environment = describe_environment(config)
    checkpoint = Checkpoint(at, config, environment)
    prepare(checkpoint, config, say)

    def work() -> tuple[Record, Contents]:
        if begun is not None:
            begun(0 if at is None else epochs_done(at))
        return compute(config, data, environment, progress, checkpoint, keep)

    return afresh_if_unfit(work, [checkpoint], f"run {config.id}", say)


def compute(
    config: Experiment,
    data: Loaded,
    environment: dict[str, Any],
    progress: Progress | None,
    checkpoint: Checkpoint,
    keep: bool,
) -> tuple[Record, Contents]:
    """Do a run and return its record and what it keeps, which are not stored yet."""
    reset_peak_memory()
    try:
        result = config.run(data, progress or _nothing, checkpoint)
        seconds, memory = round(checkpoint.seconds, 3), peak_memory()
        things = result.get("keep", {}) if isinstance(result, Mapping) else {}
        files = contents_of(things) if keep else {}
    except EXPECTED:
        raise
    except Exception as error:  # whatever an experiment of somebody else does
        raise TrainingError(failure(error, type(config))) from error
    record = replace(new_record(config, data, result, environment), kept=checksums(files))
    record.result.update({"seconds": seconds, "peak_memory": memory} | record.result)
    for problem in config.contradictions(record):
        raise TrainingError(f"{problem}, of what the run has returned")
    return record, files


def check_data(config: Experiment, data: Loaded) -> None:
    """Check that the data are those of a run, as they are now.

    Raises
    ------
    ConfigError
        If not.
    """
    # Data that were not loaded by `sweep` or a command don't say what files they are of.
    files = sums_beside(data)
    if files and (other := difference(config.data_files, files)):
        raise ConfigError(f"{other}: make the config from these data")
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


def _nothing(step: int, **numbers: float) -> None:
    pass
