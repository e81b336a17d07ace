"""JSON records with a checksum: written whole, and read only as they were written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from .choices import ConfigError
from .experiment import Experiment
from .files import write_whole
from .identity import canonical_json


class RecordError(ValueError):
    """A record that can't be trusted. The message names the file and the damage."""


class NewerRecordError(ValueError):
    """A record that a newer kl_lib has written: not damaged, so nothing is run in its place."""


class OfConfig(Protocol):
    """What a record is read into: it knows its config, whose id is the name of the file."""

    @property
    def config(self) -> Experiment: ...


T = TypeVar("T", bound=OfConfig)


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record and the checksum of its content, whole or not at all.

    Raises
    ------
    OSError
        If the disk is full or the folder can't be written. What was there before is untouched.
    ValueError
        If a number is nan or inf, which JSON does not have.
    """
    sealed = {**content, "sha256": _digest(content)}
    # Indented by one, so that a diff of two records can be read.
    write_whole(path, (json.dumps(sealed, indent=1, allow_nan=False) + "\n").encode("ascii"))


def read_sealed(
    path: str | os.PathLike[str], schemas: Sequence[int], build: Callable[[dict[str, Any]], T]
) -> T:
    """Read a record, check that nobody changed it, and return what `build` makes of its content.

    Parameters
    ----------
    path : path
        The file, named after the id of its config.
    schemas : sequence of int
        Those that `build` can read.
    build : callable
        Takes the content without the checksum. It raises RecordError or ConfigError where the
        content does not hold together, with a message that goes on from "record PATH is damaged:".

    Raises
    ------
    RecordError
        If the file is missing, cut short, edited, of no schema, under another name, or does not
        hold together. The message names the file and what is wrong with it.
    NewerRecordError
        If its schema is higher than those.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise RecordError(f"record {path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise RecordError(
            f"record {path} is not whole JSON ({error}): it was cut short or edited. Run it again"
        ) from error
    try:
        built = build(_unsealed(content, schemas))
        if path.stem != built.config.id:
            raise RecordError(f"its config has id {built.config.id}, which is not its file name")
    except NewerRecordError as error:
        raise NewerRecordError(
            f"record {path} is newer: {error}. Update kl_lib, or keep your records in another store"
        ) from error
    except _ForeignError as error:
        raise RecordError(f"{path} is no record of kl_lib: {error}. Move it elsewhere") from error
    except (RecordError, ConfigError) as error:
        raise RecordError(f"record {path} is damaged: {error}. Run it again") from error
    return built


class _ForeignError(RecordError):
    """A file that was never a record."""


def _unsealed(content: Any, schemas: Sequence[int]) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise _ForeignError("it is JSON, but not an object")
    if not {"schema", "sha256", "config"} & content.keys():
        raise _ForeignError("it is JSON of another kind")
    written = content.pop("sha256", None)
    try:
        digest = _digest(content)
    except ValueError as error:  # nan or inf, which Python's JSON reader takes
        raise RecordError(str(error)) from error
    if written != digest:
        raise RecordError("its checksum does not match: it was edited after it was written")
    if (schema := content.get("schema")) not in schemas:
        known = " and ".join(map(str, schemas))
        newer = isinstance(schema, int) and schema > max(schemas)
        raise (NewerRecordError if newer else RecordError)(
            f"its schema is {schema!r}, and this version of kl_lib reads {known}"
        )
    return content


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(content).encode("ascii")).hexdigest()
