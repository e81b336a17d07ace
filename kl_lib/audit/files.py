"""Which files are read, and what in them is Python: of a notebook, the code cells."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from .selection import AuditError

#: Folders that hold other people's code, and are read only if named.
SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "_build"})
#: Names of which one is enough, in small letters.
_NAMES = (b"kl_div", b"kldiv", b"kullback", b"kld", b"rel_entr", b"jensenshannon", b"xlogy")
_ENTROPY = re.compile(rb"\bentropy\b")
_LOGARITHM = re.compile(rb"log(?:2|10|_softmax)?\(")
# The 1 of the VAE's formula, and how far around it the rest is looked for.
_ONE = re.compile(rb"\b1(?:\.0*)?\s*[-+]|[-+]\s*1(?:\.0*)?\b")
_AROUND = 200
_SQUARES = (b"square(", b"pow(", b"**")
_MAGIC = re.compile(r"\s*[%!]|\s*[\w.]+\?{1,2}\s*$|\s*\?")
#: Cell magics whose cell is Python all the same.
_PYTHON_CELLS = ("%%time", "%%timeit", "%%capture", "%%prun")


@dataclass(frozen=True)
class Source:
    """The Python of a file; `cells` has number and first line of each code cell of a notebook."""

    path: str
    text: str
    cells: tuple[tuple[int, int], ...] = ()

    def place(self, line: int) -> tuple[int | None, int]:
        """The cell and the line in it."""
        if not self.cells:
            return None, line
        number, first = max(cell for cell in self.cells if cell[1] <= line)
        return number, line - first + 1


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


def mentions_kl(raw: bytes) -> bool:
    """False for a file that has no KL in it, by its text alone.

    Examples
    --------
    >>> mentions_kl(b"loss = F.kl_div(log_q, p)"), mentions_kl(b"loss = F.cross_entropy(q, y)")
    (True, False)
    """
    small = raw.lower()
    if any(name in small for name in _NAMES):
        return True
    if b"scipy" in small and _ENTROPY.search(small):
        return True
    return _is_by_hand(small) or _is_gaussian(small)


def _is_by_hand(text: bytes) -> bool:
    """True if a logarithm stands near a product or holds a quotient."""
    for match in _LOGARITHM.finditer(text):
        start, end = match.span()
        before, after = text[max(0, start - 60) : start], text[end : end + 60]
        if b"*" in before or b"*" in after or b"/" in after:
            return True
    return False


def _is_gaussian(text: bytes) -> bool:
    """True if the terms of 1 + log σ² - μ² - σ² stand together."""
    for match in _ONE.finditer(text):
        around = text[max(0, match.start() - _AROUND) : match.end() + _AROUND]
        squares = sum(around.count(square) for square in _SQUARES)
        if squares > 1 or (squares and b"log" in around):
            return True
        if b"exp(" in around and b"*" in around:
            return True
    return False


def notebook(path: str, raw: bytes) -> Source:
    """The code cells of a notebook as one program; magics become comments."""
    held = json.loads(raw)
    cells = held.get("cells")
    if not isinstance(cells, list):
        raise ValueError("it has no list of cells")
    language = held.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    for number, cell in enumerate(cells, start=1):
        if cell.get("cell_type") != "code" or language.lower() != "python":
            continue
        source = cell.get("source", "")
        text = source if isinstance(source, str) else "".join(source)
        places.append((number, len(lines) + 1))
        lines.extend(_plain(text))
    return Source(path, "\n".join(lines) + "\n", tuple(places) or ((1, 1),))


def _plain(cell: str) -> list[str]:
    lines = cell.splitlines()
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(_PYTHON_CELLS):
        return [f"# {line}" for line in lines]
    return [_without_magic(line) for line in lines]


def _without_magic(line: str) -> str:
    if not _MAGIC.match(line):
        return line
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}pass  # {line.strip()}"
