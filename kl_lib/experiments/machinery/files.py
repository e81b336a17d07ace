"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that under its name there is all of it or what was there before.

    The content goes to a temporary file beside it, to the disk, and only then to its name. A
    process that is killed on the way leaves at most a file ending in ``.part``, which nothing
    reads.

    Raises
    ------
    OSError
        If the disk is full or the folder can't be written; names the file. What was there before is
        untouched.
    """
    try:
        make_folder(path.parent)
        _write(path, content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that after a power failure they are still there.

    Raises
    ------
    OSError
        If that does not work.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        _sync_folder(each.parent)


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.stem}-{secrets.token_hex(4)}.part")
    # Not with `tempfile`, whose files are for the owner alone: this is what the umask allows.
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # The new name is only on the disk when the folder is. (Windows can't open a folder.)
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
