"""A finished run: what is kept of it, and how it is read back and checked."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .data import Loaded
from .definition import TrainingError
from .experiment import Experiment
from .recorded import config_of
from .sealed import RecordError, read_sealed, write_sealed

# Schema 1 had no peak_memory.
SCHEMA = 2
READABLE = (1, SCHEMA)
PARTS = ("config", "data", "environment", "history", "result")


@dataclass(frozen=True, kw_only=True)
class Record:
    """A finished run.

    Attributes
    ----------
    config : Experiment
        What was run.
    data : dict
        ``description``, ``sha256`` and the facts of the data.
    environment : dict
        What it ran on, see `describe_environment`.
    history : dict
        Lists of numbers, a value for each step.
    result : dict
        Numbers, ``seconds`` and ``peak_memory`` (bytes; not in records of schema 1) among them.
    made : str or None
        When, in UTC: ``"2026-11-29T21:05:03+00:00"``. None in records that are older than this.
    tags : tuple of str
        Words that somebody has put to it. They are no part of the id.
    kept : dict
        Checksums of the files that lie beside it, under what their names end in, see `kept_file`.
    schema : int
        How it was written.
    """

    config: Any
    data: dict[str, Any]
    environment: dict[str, Any]
    history: dict[str, list[float]]
    result: dict[str, Any]
    made: str | None = None
    tags: tuple[str, ...] = ()
    kept: dict[str, str] = field(default_factory=dict)
    schema: int = SCHEMA


def new_record(
    config: Experiment, data: Loaded, result: Any, environment: Mapping[str, Any]
) -> Record:
    """Put together what is worth keeping of a run.

    Parameters
    ----------
    config, data
        The run, and what it was given.
    result : mapping
        Numbers and lists of numbers under names; or an object whose `as_dict` returns that. Lists
        may also stand in a dict called ``"history"``, where a number has the same name. What is in
        one called ``"keep"`` is no part of the record.
    environment : mapping
        What it ran on.

    Raises
    ------
    TrainingError
        If the result is something else, or holds a number that is not finite.
    """
    values = dict(result if isinstance(result, Mapping) else result.as_dict())
    lists, _ = values.pop("history", {}), values.pop("keep", {})
    plain = {str(name): _plain(name, value) for name, value in values.items()}
    return Record(
        config=config,
        data={"description": data.description, "sha256": data.sha256} | data.facts(),
        environment=dict(environment),
        history={name: _plain(name, value) for name, value in lists.items()}
        | {name: value for name, value in plain.items() if isinstance(value, list)},
        result={name: value for name, value in plain.items() if not isinstance(value, list)},
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def record_path(store: str | os.PathLike[str], config: Experiment) -> Path:
    """Return where the record of `config` lies, or would lie: ``STORE/FOLDER/ID.json``."""
    return Path(store) / config.folder / f"{config.id}.json"


def write_record(store: str | os.PathLike[str], record: Record) -> Path:
    """Write a record so that its file is there whole or not at all.

    Returns
    -------
    pathlib.Path
        Where it lies.

    Raises
    ------
    OSError
        If the disk is full or the folder can't be written. What was stored before is untouched.
    """
    path = record_path(store, record.config)
    content: dict[str, Any] = {"schema": record.schema, "id": record.config.id}
    content |= {name: getattr(record, name) for name in PARTS}
    if (about := record.config.about()) is not None:
        content["experiment"] = about
    later = {"made": record.made, "tags": list(record.tags), "kept": record.kept}
    content |= {name: value for name, value in later.items() if value}
    write_sealed(path, content | {"config": record.config.as_dict()})
    return path


def read_record(path: str | os.PathLike[str], experiment: type[Experiment] | None = None) -> Record:
    """Read one record and check all of it.

    Parameters
    ----------
    path : path
        The file.
    experiment : type, optional
        That of the run. Without it, or if the record is of another one, the record says itself
        what it is compared by, and its config is of a class made for it.

    Raises
    ------
    RecordError
        If the file is missing, cut short, edited, of no schema, under another name, or does not
        hold together. The message names the file and what is wrong with it.
    NewerRecordError
        If a newer kl_lib has written it.
    """
    return read_sealed(path, READABLE, functools.partial(_from_content, experiment))


def find_record(store: str | os.PathLike[str], config: Experiment) -> Record | None:
    """Return the record of a finished run, or None if there is none.

    Raises
    ------
    RecordError
        If there is a file, but it is damaged.
    """
    path = record_path(store, config)
    return read_record(path, type(config)) if path.exists() else None


def _from_content(experiment: type[Experiment] | None, content: dict[str, Any]) -> Record:
    if missing := [name for name in ("id", *PARTS) if name not in content]:
        raise RecordError(f"it lacks {', '.join(missing)}")
    for name in PARTS:
        if not isinstance(content[name], dict):
            raise RecordError(f"{name} is not an object")
    record = Record(
        config=config_of(experiment, content["config"], content.get("experiment")),
        schema=content["schema"],
        made=content.get("made"),
        tags=tuple(content.get("tags", ())),
        kept=content.get("kept", {}),
        **{name: content[name] for name in PARTS[1:]},
    )
    for problem in _contradictions(record, content["id"]):
        raise RecordError(problem)
    return record


def _contradictions(record: Record, id_: object) -> Iterator[str]:
    config = record.config
    if id_ != config.id:
        yield f"its id is {id_}, but its config has id {config.id}"
    if record.data.get("sha256") != config.data_sha256:
        yield "the checksum of its data is not the one in its config"
    yield from config.contradictions(record)
    for part in (record.history, record.result):
        for name, value in part.items():
            if not _finite(value):
                yield f"{name} holds something that is not a finite number"


def is_number(value: object) -> bool:
    """Whether a value from JSON is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _finite(value: object) -> bool:
    return all(map(_finite, value)) if isinstance(value, list) else is_number(value)


def _plain(name: object, value: Any) -> Any:
    """`value` as JSON has it, also where it is of NumPy."""
    value = value.tolist() if hasattr(value, "tolist") else value
    value = list(value) if isinstance(value, tuple) else value
    if isinstance(value, list):
        return [_plain(name, each) for each in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TrainingError(
            f"{name} in the result is {value!r}, expected a number or a list of them"
        )
    if not math.isfinite(value):
        raise TrainingError(f"{name} in the result is {value}: nothing can be compared with that")
    return value
