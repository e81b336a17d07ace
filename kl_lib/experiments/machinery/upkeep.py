"""What is done to records that are there: found by id, given a tag, removed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from .choices import ConfigError
from .kept import Contents, write_kept
from .locks import locked_id, records_locked
from .records import Record, read_record, record_path, write_record
from .sealed import NewerRecordError, RecordError
from .store import record_paths, scratch_file

# Half-done work on a run, see `run` and `run_drift`.
SCRATCH = (".checkpoint", ".forced", ".trace", ".forced-trace")


def path_of(store: str | os.PathLike[str], id_: str) -> Path:
    """Return the file of the run whose id begins with this.

    Raises
    ------
    ConfigError
        If there is none, or more than one.
    """
    found = [path for path in record_paths(store) if id_ and path.stem.startswith(id_)]
    if len(found) != 1:
        which = ", ".join(path.stem for path in found[:5])
        why = f"there are {len(found)} such runs: {which}" if found else "there is no such run"
        raise ConfigError(f"id is {id_!r}, but {why}. `kl-lib results` lists what is in a store")
    return found[0]


def tagged(store: str | os.PathLike[str], record: Record, tags: Iterable[str]) -> Record:
    """Put tags to a record that is stored, beside those that it has, and return it as it is then.

    Raises
    ------
    ConfigError
        If a tag is empty or has spaces or commas in it.
    RecordError
        If the record is not there any more, or damaged.
    OSError
        If the disk is full or the folder can't be written.
    """
    new = checked_tags(tags)
    if {*new} <= {*record.tags}:
        return record
    with records_locked(store):  # others may have given it tags, or done the run again
        found = read_record(record_path(store, record.config), type(record.config))
        found = replace(found, tags=tuple(dict.fromkeys((*found.tags, *new))))
        write_record(store, found)
    return found


def stored(store: str | os.PathLike[str], record: Record, files: Contents) -> Record:
    """Write a finished run and what it keeps, and return its record. For the holder of its lock.

    In place of a record that is there it is written with the tags of that.

    Raises
    ------
    OSError
        If the disk is full or the folder can't be written. What was stored before is untouched.
    """
    path = record_path(store, record.config)
    write_kept(store, record, files)
    with records_locked(store) if path.exists() else nullcontext():
        with suppress(RecordError, NewerRecordError):
            before = read_record(path, type(record.config))
            record = replace(record, tags=tuple(dict.fromkeys((*before.tags, *record.tags))))
        write_record(store, record)
    return record


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Return tags as a list.

    Raises
    ------
    ConfigError
        If one is empty or has spaces or commas in it.
    """
    found = list(tags)
    for tag in found:
        if not tag or "," in tag or tag.split() != [tag]:
            raise ConfigError(f"tag is {tag!r}, expected a word without spaces and commas")
    return found


def files_of(store: str | os.PathLike[str], path: Path) -> list[Path]:
    """Return all that is kept of the run whose record this is, half-done work included."""
    beside = sorted(path.parent.glob(f"{path.stem}.*"))
    scratch = [scratch_file(store, path.stem, s) for s in SCRATCH]
    return [path, *(each for each in beside if each != path), *filter(Path.exists, scratch)]


def remove(store: str | os.PathLike[str], path: Path) -> Sequence[Path]:
    """Delete the run whose record this is, and return what was deleted.

    Raises
    ------
    RunBusyError
        If a process is doing this run.
    OSError
        If the folder can't be written.
    """
    with locked_id(store, path.stem), records_locked(store):
        files = files_of(store, path)
        for each in files:
            each.unlink(missing_ok=True)
    return files
