"""Experiments with several data files: the checksum of each, by the name that `load` has for it.

``sha256sum FILE`` prints the same digits, so anybody can see which file it was.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from .choices import ConfigError
from .data import DataError

#: Names and checksums, sorted by name.
Sums = tuple[tuple[str, str], ...]

NONE: Sums = ()


def sums_of(files: Mapping[str, str | os.PathLike[str]]) -> Sums:
    """Return the checksum of each file, or of each folder with all that is in it.

    Where there are not several, there are none: the checksum of what was read says enough, and ids
    are older than this.

    Raises
    ------
    DataError
        If one can't be read.
    """
    if len(files) < 2:
        return NONE
    return tuple((name, _sum(name, Path(files[name]))) for name in sorted(files))


def checked_sums(value: Any) -> Sums:
    """Return checksums as they are kept in a run, from a mapping or from pairs.

    Raises
    ------
    ConfigError
        If they are something else.
    """
    try:
        found = dict(value)
        whole = all(re.fullmatch("[0-9a-f]{64}", each) and name.isidentifier()
                    for name, each in found.items())  # fmt: skip
    except (AttributeError, TypeError, ValueError):
        whole = False
    if not whole:
        raise ConfigError(
            f"data_files is {value!r}, expected the SHA-256 of each file (64 hexadecimal digits) "
            "by its name"
        )
    return tuple(sorted(found.items()))


def difference(expected: Sums, found: Sums) -> str | None:
    """Say which files are not those that a run was made for; None if all are."""
    wanted, given = dict(expected), dict(found)
    others = [name for name in sorted({*wanted, *given}) if wanted.get(name) != given.get(name)]
    if not others:
        return None
    sums = (
        f"{name} is {wanted.get(name, 'none')[:16]}, but the file has {given[name][:16]}"
        if name in given
        else f"{name} is {wanted[name][:16]}, but no such file was given"
        for name in others
    )
    return f"data_files is of other files: {', and '.join(sums)}"


def facts_of(config: Any) -> dict[str, Any]:
    """Return the fields of a run under their names, each data file as a field of its own."""
    found = {field.name: getattr(config, field.name) for field in fields(config)}
    return found | {f"data_files.{name}": each for name, each in found.pop("data_files")}


def _sum(name: str, path: Path) -> str:
    try:
        if not path.is_dir():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        inside = sorted(each for each in path.rglob("*") if each.is_file())
        rows = (f"{_sum(name, each)}  {each.relative_to(path).as_posix()}\n" for each in inside)
        return hashlib.sha256("".join(rows).encode()).hexdigest()
    except OSError as error:
        raise DataError(f"data file {name} is {path}, which can't be read: {error.strerror}") from (
            error
        )
