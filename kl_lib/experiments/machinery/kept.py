"""What a run leaves beside its record, if that is asked for: models and arrays."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .definition import TrainingError
from .files import write_whole
from .records import Record, record_path
from .sealed import RecordError

#: Content of files by what their names end in, such as ``"model.keras"``.
Contents = Mapping[str, bytes]

# Models are large and made again by their runs: they are not to be committed.
IGNORED = "*.keras\n*.npy\n.scratch/\n"


def contents_of(things: Mapping[str, Any]) -> Contents:
    """Return files of what a run wants to keep, by what their names end in.

    Parameters
    ----------
    things : mapping
        Models, which have a method `save` as those of Keras, and arrays, by name; or functions that
        return them.

    Raises
    ------
    TrainingError
        If there is nothing, or something else.
    """
    if not things:
        raise TrainingError(
            "what the run has returned has nothing to keep: leave --keep-model out, or return "
            '{"keep": {"model": model}} beside the results'
        )
    return dict(_content(name, thing) for name, thing in things.items())


def _content(name: str, thing: Any) -> tuple[str, bytes]:
    if callable(getattr(thing, "save", None)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            thing.save(path)
            return f"{name}.keras", path.read_bytes()
    if callable(thing):
        return _content(name, thing())
    file, array = io.BytesIO(), np.asarray(thing)
    if array.dtype.kind not in "biufcU":
        raise TrainingError(f"{name} is {type(thing)}, expected a model or an array to be kept")
    np.save(file, array, allow_pickle=False)
    return f"{name}.npy", file.getvalue()


def checksums(contents: Contents) -> dict[str, str]:
    """Return what a record says of its files."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def write_kept(store: str | os.PathLike[str], record: Record, contents: Contents) -> None:
    """Write files beside a record that is not written yet.

    Raises
    ------
    OSError
        If the disk is full or the folder can't be written.
    """
    for name, content in contents.items():
        write_whole(_path(store, record, name), content)
    ignored = Path(store) / ".gitignore"
    if contents and not ignored.exists():
        write_whole(ignored, IGNORED.encode("ascii"))


def kept_file(store: str | os.PathLike[str], record: Record, name: str) -> Path:
    """Return the path of a file that a run has kept, after checking that it is what was written.

    Parameters
    ----------
    store : path
        Where the record is.
    record : Record
        Of the run.
    name : str
        What the file's name ends in, see `kept` of the record: ``"model.keras"``, which
        ``keras.saving.load_model`` reads; ``"predictions.npy"``, which ``numpy.load`` reads.

    Raises
    ------
    RecordError
        If the run has kept no such file, or if it is gone or was changed.
    """
    if name not in record.kept:
        there = f" (there is {', '.join(record.kept)})" if record.kept else ""
        raise RecordError(
            f"run {record.config.id} is finished, but has kept no {name}{there}: "
            "run it with --keep-model"
        )
    path = _path(store, record, name)
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise RecordError(f"{path} can't be read: {error.strerror}") from error
    if found != record.kept[name]:
        raise RecordError(f"{path} is not what its run has written: its checksum is another")
    return path


def load_model(store: str | os.PathLike[str], record: Record, name: str = "model") -> Any:
    """Return a model that a run has kept: a ``keras.Model`` that is not compiled.

    Parameters
    ----------
    store, record
        See `kept_file`.
    name : str
        What the run called it.

    Raises
    ------
    RecordError
        As from `kept_file`.
    ModuleNotFoundError
        If Keras is not installed.
    """
    path = kept_file(store, record, f"{name}.keras")
    from .backend import import_keras

    return import_keras().saving.load_model(path, compile=False)


def check_kept(store: str | os.PathLike[str], record: Record) -> None:
    """Check that a run has kept something, and that it is there.

    Raises
    ------
    RecordError
        If not.
    """
    if not record.kept:
        raise RecordError(f"run {record.config.id} is finished, but has kept no model")
    for name in record.kept:
        kept_file(store, record, name)


def _path(store: str | os.PathLike[str], record: Record, name: str) -> Path:
    path = record_path(store, record.config)
    return path.with_name(f"{path.stem}.{name}")
