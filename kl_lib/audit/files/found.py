"""Which files are read: all Python files and notebooks in some places."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from ..errors import AuditError

#: Folders that hold other people's code, and are read only if named.
SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "_build"})


def found(paths: Iterable[str | os.PathLike[str]], exclude: Iterable[str] = ()) -> list[str]:
    """All Python files and notebooks in these places, sorted, each once.

    A file that is named is read whatever its ending.
    """
    exclude = [*exclude]
    files: dict[str, None] = {}
    for given in paths:
        path = Path(given)
        if path.is_file():
            files[str(path)] = None
        elif path.is_dir():
            for file in _below(path, exclude):
                files[file] = None
        else:
            raise AuditError(f"there is no {path}; name files or folders")
    return [*files]


def _below(folder: Path, exclude: list[str]) -> Iterator[str]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in SKIPPED
            and not _is_excluded(os.path.join(here, name), exclude)
        )
        for name in sorted(names):
            path = os.path.normpath(os.path.join(here, name))
            if name.endswith((".py", ".ipynb")) and not _is_excluded(path, exclude):
                yield path


def _is_excluded(path: str, patterns: list[str]) -> bool:
    parts = Path(path).parts
    return any(
        fnmatch(path, pattern) or fnmatch(path, f"*/{pattern}") or pattern in parts
        for pattern in (pattern.rstrip("/") for pattern in patterns)
    )
