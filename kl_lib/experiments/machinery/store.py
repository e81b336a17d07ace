"""The store: one small JSON file a run, and what is half done.

A record lies at ``STORE/NAME/ID.json``. What is in ``STORE/.scratch``, where unfinished runs keep
their last epoch and their lock, is safe to delete while nothing runs.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import Any

from .experiment import Experiment
from .files import make_folder
from .records import Record
from .several import facts_of


def scratch_path(store: str | os.PathLike[str], config: Experiment, suffix: str) -> Path:
    """Return where unfinished work on `config` keeps its ``.checkpoint`` or its ``.lock``."""
    return scratch_file(store, config.id, suffix)


def scratch_file(store: str | os.PathLike[str], id_: str, suffix: str) -> Path:
    """The same by the id of a run."""
    return Path(store) / ".scratch" / f"{id_}{suffix}"


def check_writable(path: Path) -> None:
    """Make the folder of a record and write a byte into it: better now than after the training.

    Raises
    ------
    OSError
        If that does not work.
    """
    make_folder(path.parent)
    with tempfile.TemporaryFile(dir=path.parent) as file:
        file.write(b"0")


def remove_parts(*paths: Path) -> None:
    """Delete what is left of writes of these files that were killed. For the holder of the lock."""
    for path in paths:
        for part in path.parent.glob(f"{path.stem}-*.part"):
            part.unlink(missing_ok=True)


def record_paths(store: str | os.PathLike[str], folder: str | None = None) -> list[Path]:
    """Return the files of all records in a folder of the store, or in all that hold some."""
    if folder is not None:
        return sorted((Path(store) / folder).glob("*.json"))
    found = sorted(Path(store).glob("*/*.json"))
    folders = {path.parent for path in found if re.fullmatch("[0-9a-f]{16}", path.stem)}
    return [path for path in found if path.parent in folders]


def comparable(
    records: Iterable[Record], by: Sequence[str] | None = None
) -> dict[str, list[Record]]:
    """Group records by all that is in their configs beside the seed and the fields `by`.

    Each group is sorted by arm and seed, and they stand in the order of their choices. By default
    `by` is what tells the arms of their experiment apart.

    Returns
    -------
    dict
        Lists of records. The key says in a line what those of a group have in common.
    """
    groups: dict[str, list[Record]] = {}
    places: dict[str, Any] = {}
    for record in in_order(records):
        words = record.config.headline()
        free = record.config.arms if by is None else by
        heading = ", ".join(text for name, text in words.items() if name not in free)
        groups.setdefault(heading, []).append(record)
        places.setdefault(heading, _place(record.config, {"seed", *free}))
    return {heading: groups[heading] for heading in sorted(groups, key=places.__getitem__)}


def _place(config: Experiment, free: Set[str]) -> list[Any]:
    """Where a group stands among others, of other experiments, too."""
    facts = facts_of(config)
    values = [value for name, value in facts.items() if name not in free]
    # Nothing comes first; values of other types are not compared.
    return [config.folder, *((each is not None, str(type(each)), each) for each in values)]


def in_order(records: Iterable[Record]) -> list[Record]:
    """Return records by arm, then seed."""
    return sorted(records, key=lambda r: (r.config.arm, r.config.seed, r.config.id))
