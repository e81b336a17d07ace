"""A run as it is sent to a worker: plain text and numbers, and what the worker must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ... import __version__
from .definition import ExperimentError
from .experiment import Experiment
from .loading import Files
from .references import look_up, reference_to, source_sha256


class WorkerError(RuntimeError):
    """A worker that would compute something else, or nothing. The message says why."""


@dataclass(frozen=True)
class Job:
    """A run, the data files, and the versions of what is to run it."""

    reference: str
    values: Mapping[str, Any]
    kl_lib: str
    source: str | None
    files: Files
    note: str | None
    keep: bool


def packed(
    config: Experiment, files: Files = None, note: str | None = None, keep: bool = False
) -> Job:
    """Say what a worker needs to know of a run.

    Raises
    ------
    ExperimentError
        If no other process can find the experiment.
    """
    cls = type(config)
    return Job(reference_to(cls), config.as_dict(), __version__, _source(cls), files, note, keep)


def unpacked(job: Job) -> Experiment:
    """Build the run again, in a worker.

    Raises
    ------
    WorkerError
        If the worker has another kl_lib, can't import the experiment, or has another version of it
        or other source.
    ConfigError
        If the run can't be: every field is checked.
    """
    if job.kl_lib != __version__:
        raise WorkerError(
            f"the worker has kl_lib {__version__} and the sweep {job.kl_lib}: install one version"
        )
    try:
        cls = look_up(job.reference)
    except ExperimentError as error:
        raise WorkerError(f"the worker can't find the experiment: {error}") from error
    version = job.values.get("version", cls.version)
    if version != cls.version:
        raise WorkerError(
            f"the worker has version {cls.version} of {cls.name} and the sweep {version}: give "
            "both the same file"
        )
    if job.source != _source(cls):
        raise WorkerError(
            f"the worker has other source of {cls.name} than the sweep: give both the same file, "
            "and start again what ran while it was changed"
        )
    return cls.from_dict(job.values)


def _source(cls: type[Experiment]) -> str | None:
    # Of kl_lib its version says it.
    return None if cls.__module__.startswith("kl_lib.") else source_sha256(cls)
