"""The Python of a notebook: its code cells as one program."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .parsing import Source, UnparsableError, is_python, parsed

if TYPE_CHECKING:
    import libcst as cst

_MAGIC = re.compile(r"\s*%{1,2}\s*[a-zA-Z]|\s*!|\s*[\w.]+\?{1,2}\s*$|\s*\?")
_ASSIGNED = re.compile(r"(?P<names>\s*[\w., ]+=\s*)(?P<magic>[!%].*)")
#: Cell magics whose cell is Python all the same.
_PYTHON_CELLS = ("%%time", "%%timeit", "%%capture", "%%prun")


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
    if is_python(cell):  # where a line may begin with % and go on with an expression
        return lines
    found: list[str] = []
    continued = False
    for line in lines:
        found.append(f"# {line}" if continued else _without_magic(line))
        continued = (continued or found[-1] is not line) and line.endswith("\\")
    return found


def _without_magic(line: str) -> str:
    if assigned := _ASSIGNED.match(line):
        return f"{assigned['names']}get_ipython()  # {assigned['magic']}"
    if not _MAGIC.match(line):
        return line
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}pass  # {line.strip()}"


def parsed_cells(source: Source) -> tuple[cst.Module, Source, list[str]]:
    """The tree of a notebook, cells that are no Python left out; the rest; which those are and why.

    Raises
    ------
    UnparsableError
        If that is no Python either.
    """
    try:
        return parsed(source.text.encode())[0], source, []
    except UnparsableError:
        pass
    lines = source.text.splitlines()
    failed = []
    starts = [first for _, first in source.cells] + [len(lines) + 1]
    for (number, first), after in zip(source.cells, starts[1:], strict=True):
        try:
            parsed("\n".join([*lines[first - 1 : after - 1], ""]).encode())
        except UnparsableError as error:
            failed.append(f"cell {number}: {error}")
            lines[first - 1 : after - 1] = [""] * (after - first)
    rest = Source(source.path, "\n".join(lines) + "\n", source.cells)
    return parsed(rest.text.encode())[0], rest, failed
