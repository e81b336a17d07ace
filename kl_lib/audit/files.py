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
#: A file without any of these has no KL in it.
_NAMES = rb"""kl_?div|kullback|kld\b|rel_entr|jensenshannon|\bentropy\s*\("""
_WANTED = re.compile(_NAMES, re.I)
# p * log(p / q), and p * (log p - log q).
_LOGARITHM = re.compile(rb"""[\w.]*\blog(2|10)?\s*\(|\.log\(\)|xlogy""")
_PRODUCT = re.compile(rb"""\*\s*\(?\s*[\w.]*log|log[^\n]*\)\s*\*|xlogy|\*\s*\(""")
# 1 + log_var - mu**2 - exp(log_var)
_ONE = re.compile(rb"""\b1(\.0?)?\s*\+|[-+]\s*1(\.0?)?\b""")
_SQUARE = re.compile(rb"""square\(|\bpow\(|\*\*\s*2|(\b\w+)\s*\*\s*\1\b""")
_EXP = re.compile(rb"""\bexp\(|\blog\(""")
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
            path = os.path.join(here, name)
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
    if _WANTED.search(raw):
        return True
    if _LOGARITHM.search(raw) and _PRODUCT.search(raw):
        return True
    return bool(_ONE.search(raw) and _SQUARE.search(raw) and _EXP.search(raw))


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
