"""The store: one small JSON file a run, written whole or not at all, and checked when it is read.

A record lies at ``STORE/DATASET/ID.json``, that of a study of drift below ``STORE/drift``. What is
in ``STORE/.scratch``, where unfinished runs keep their last epoch and their lock, is safe to delete
while nothing runs.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import ARMS, DATASETS, Config, config_from_dict
from .data import Data
from .sealed import RecordError, read_sealed, write_sealed
from .training import HISTORY, Result

# Schema 1 had no peak_memory.
SCHEMA = 2
READABLE = (1, SCHEMA)
PARTS = ("config", "data", "environment", "history", "result")
MEASURES = ("test_loss", "test_accuracy", "parameters", "seconds", "peak_memory")


def new_record(
    config: Config, data: Data, result: Result, environment: Mapping[str, Any]
) -> Record:
    """Put together what is worth keeping of a run."""
    return Record(
        config=config,
        data={
            "description": data.description,
            "sha256": data.sha256,
            "train_images": len(data.x_train),
            "test_images": len(data.x_test),
            "image_shape": list(data.x_train.shape[1:]),
        },
        environment=dict(environment),
        history=result.history(),
        result={name: getattr(result, name) for name in MEASURES},
    )


def record_path(store: str | os.PathLike[str], config: Config) -> Path:
    """Return where the record of `config` lies, or would lie.

    Examples
    --------
    >>> config = Config(dataset="digits", data_sha256="0" * 64, loss="kl", seed=0)
    >>> record_path("results", config).as_posix()
    'results/digits/db7bc572892c317d.json'
    """
    return Path(store) / config.dataset / f"{config.id}.json"


def scratch_path(store: str | os.PathLike[str], config: Config, suffix: str) -> Path:
    """Return where unfinished work on `config` keeps its ``.checkpoint`` or its ``.lock``."""
    return Path(store) / ".scratch" / f"{config.id}{suffix}"


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
    write_sealed(path, content | {"config": record.config.as_dict()})
    return path


def check_writable(path: Path) -> None:
    """Make the folder of a record and write a byte into it: better now than after the training.

    Raises
    ------
    OSError
        If that does not work.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent) as file:
        file.write(b"0")


def remove_parts(*paths: Path) -> None:
    """Delete what is left of writes of these files that were killed. For the holder of the lock."""
    for path in paths:
        for part in path.parent.glob(f"{path.stem}-*.part"):
            part.unlink(missing_ok=True)


def find_record(store: str | os.PathLike[str], config: Config) -> Record | None:
    """Return the record of a finished run, or None if there is none.

    Raises
    ------
    RecordError
        If there is a file, but it is damaged.
    """
    path = record_path(store, config)
    return read_record(path) if path.exists() else None


def record_paths(store: str | os.PathLike[str], dataset: str | None = None) -> list[Path]:
    """Return the files of all records of a data set, or of all data sets."""
    folders = [dataset] if dataset is not None else DATASETS
    return [path for name in folders for path in sorted((Path(store) / name).glob("*.json"))]


def read_records(store: str | os.PathLike[str], dataset: str) -> list[Record]:
    """Read all records of a data set, by arm, then seed.

    Raises
    ------
    RecordError
        If one of them is damaged.
    """
    return _sorted(read_record(path) for path in record_paths(store, dataset))


def comparable(records: Iterable[Record], by: Sequence[str] = ARMS) -> dict[str, list[Record]]:
    """Group records by all that is in their configs beside the seed and the fields `by`.

    Each group is sorted by arm and seed.

    Returns
    -------
    dict
        Lists of records. The key says in a line what those of a group have in common.
    """
    groups: dict[str, list[Record]] = {}
    for record in _sorted(records):
        c = record.config
        said = {
            "dataset": f"{c.dataset} {c.data_sha256[:8]}",
            "loss": c.loss,
            "disturbance": f"disturbance {c.disturbance:g}",
            "epochs": f"epochs {c.epochs}",
            "batch_size": f"batch {c.batch_size}",
            "validation_split": f"held out {c.validation_split:g}",
            "threads": f"threads {c.threads}",
            "backend": c.backend,
            "precision": c.precision,
            "recipe": f"recipe {c.recipe}",
        }
        heading = ", ".join(text for name, text in said.items() if name not in by)
        groups.setdefault(heading, []).append(record)
    return groups


def book_results() -> Path:
    """Return the store of the runs that the book shows: ``results`` in the repository.

    Raises
    ------
    FileNotFoundError
        If kl_lib is installed without its repository around it.
    """
    folder = Path(__file__).resolve().parents[2] / "results"
    if not folder.is_dir():
        raise FileNotFoundError(
            "the recorded runs are in the folder results of the book's repository, and kl_lib was "
            "installed without it: clone the repository and `pip install -e .` there"
        )
    return folder


def read_record(path: str | os.PathLike[str]) -> Record:
    """Read one record and check all of it.

    Raises
    ------
    RecordError
        If the file is missing, cut short, edited, of no schema, under another name, or does not
        hold together. The message names the file and what is wrong with it.
    NewerRecordError
        If a newer kl_lib has written it.
    """
    return read_sealed(path, READABLE, _from_content)


@dataclass(frozen=True, kw_only=True)
class Record:
    """A finished run.

    Attributes
    ----------
    config : Config
        What was run.
    data : dict
        ``description``, ``sha256``, ``train_images``, ``test_images``, ``image_shape``.
    environment : dict
        What it ran on, see `describe_environment`.
    history : dict
        ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy`` and ``seconds``, one value an epoch.
    result : dict
        ``test_loss``, ``test_accuracy``, ``parameters``, ``seconds``, ``peak_memory`` (bytes; not
        in records of schema 1).
    schema : int
        How it was written.
    """

    config: Config
    data: dict[str, Any]
    environment: dict[str, Any]
    history: dict[str, list[float]]
    result: dict[str, Any]
    schema: int = SCHEMA


def _sorted(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda r: (r.config.arm, r.config.seed, r.config.id))


def _from_content(content: dict[str, Any]) -> Record:
    if missing := [name for name in ("id", *PARTS) if name not in content]:
        raise RecordError(f"it lacks {', '.join(missing)}")
    for name in PARTS:
        if not isinstance(content[name], dict):
            raise RecordError(f"{name} is not an object")
    record = Record(
        config=config_from_dict(content["config"]),
        schema=content["schema"],
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
    for name in HISTORY:
        values = record.history.get(name)
        if not isinstance(values, list) or len(values) != config.epochs:
            yield f"history has no {name} for each of its {config.epochs} epochs"
        elif not all(_is_number(value) for value in values):
            yield f"{name} in its history holds something that is not a finite number"
    for name in MEASURES if record.schema > 1 else MEASURES[:-1]:
        if not _is_number(record.result.get(name)):
            yield f"result has no {name}, or one that is not a finite number"
    accuracies = [*record.history["accuracy"], *record.history["val_accuracy"]]
    for accuracy in [*accuracies, record.result["test_accuracy"]]:
        if not 0 <= accuracy <= 1:
            yield f"it has an accuracy of {accuracy}, expected 0 to 1"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
