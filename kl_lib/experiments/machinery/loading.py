"""Data of an experiment, loaded by what `load` of it asks for."""

from __future__ import annotations

import copy
import functools
import inspect
import os
from collections.abc import Mapping
from typing import Any

from .choices import ConfigError
from .data import DataError, Loaded
from .experiment import Experiment
from .references import failure
from .several import Sums, sums_of

# What `load` may raise that says already what is wrong.
EXPECTED = (ConfigError, DataError, ModuleNotFoundError, OSError)

#: One file, or several by the names of the parameters of `load`.
Files = str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]] | None


def asked_for(experiment: type[Experiment]) -> tuple[list[str], list[str]]:
    """Return the choices that `load` of an experiment asks for, and the files."""
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(experiment.load).parameters.values()
    names = [each.name for each in parameters if each.kind not in several]
    known = experiment.choices()
    return [n for n in names if n in known], [n for n in names if n not in known]


def load(
    experiment: type[Experiment],
    choices: Mapping[str, Any],
    files: Files = None,
    note: str | None = None,
) -> Loaded:
    """Load the data of an experiment.

    Parameters
    ----------
    experiment : type
        Its class.
    choices : mapping
        Choices of the run, of which `load` is given those that it asks for.
    files : path or mapping, optional
        A data file, if `load` takes one, or several by the names of its parameters.
    note : str, optional
        One line that says what the data are, in place of their own description.

    Raises
    ------
    DataError
        If there is nothing to load, if `load` takes no such file, or if it fails.
    """
    wanted, takes = asked_for(experiment)
    given = {name: choices[name] for name in wanted if name in choices}
    named = _by_name(experiment, files, takes)
    sums = sums_of(named)
    try:
        data = experiment.load(**given, **named)
    except EXPECTED:
        raise
    except Exception as error:  # whatever an experiment of somebody else does
        raise DataError(failure(error, experiment)) from error
    if not callable(getattr(data, "checksum", None)):
        raise DataError(f"load of {experiment.name} has returned {data!r:.80}, expected Arrays")
    told = {"data_files": sums} if sums else {}
    return _told(data, told if note is None else told | {"description": note})


def identity(data: Loaded) -> dict[str, Any]:
    """Return the fields of a run that say what data it is given."""
    return {"data_sha256": data.sha256, "data_files": sums_beside(data)}


def sums_beside(data: Loaded) -> Sums:
    """Return the checksums of the files that data were loaded from, if there were several."""
    found: Sums = getattr(data, "data_files", ())
    return found


def _told(data: Loaded, facts: Mapping[str, Any]) -> Loaded:
    """The same data with other facts beside them."""
    found = copy.copy(data) if facts else data
    for name, value in facts.items():
        object.__setattr__(found, name, value)  # also where it is frozen
    return found


@functools.lru_cache(maxsize=1)
def _kept(
    experiment: type[Experiment], choices: tuple[Any, ...], files: Any, note: str | None
) -> Loaded:
    return load(experiment, dict(choices), dict(files) if isinstance(files, tuple) else files, note)


def loaded_for(config: Experiment, files: Files, note: str | None) -> Loaded:
    """Load the data of a run in a worker: once for all runs that share them."""
    wanted, _ = asked_for(type(config))
    choices = tuple((name, getattr(config, name)) for name in wanted)
    key: Any = tuple(sorted(files.items())) if isinstance(files, Mapping) else files
    cls: Any = type(config)  # mypy takes the hash of its instances for that of the class
    return _kept(cls, choices, key, note)


def _by_name(experiment: type[Experiment], files: Files, takes: list[str]) -> dict[str, Any]:
    if files is None:
        return {}
    if not takes:
        raise DataError(
            f"a data file was given, but {experiment.name} takes none: leave the file out"
        )
    if not isinstance(files, Mapping):
        return {takes[0]: files}
    if unknown := sorted(set(files) - set(takes)):
        raise DataError(f"data file is called {unknown[0]!r}, expected one of: {', '.join(takes)}")
    return dict(files)
