"""What an audit finds, and what it could not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A mistake at a place in a program.

    Attributes
    ----------
    path
        The file.
    line
        Where it begins, counted from 1; in a notebook a line of the cell.
    column
        Where in the line, counted from 1.
    code
        The rule, such as ``"KLD101"``.
    message
        What is wrong, in a line.
    why
        What it does to the number.
    fix
        What to write instead, where that is certain; else "".
    cell
        The code cell of a notebook, counted from 1 over all cells; None in a ``.py`` file.
    end_line
        The line in which it ends.
    end_column
        The column after its last.
    """

    path: str
    line: int
    column: int
    code: str
    message: str
    why: str
    fix: str = ""
    cell: int | None = None
    end_line: int = 0
    end_column: int = 0

    @property
    def place(self) -> str:
        """``path:line:col``, with the cell where there is one."""
        cell = f"cell {self.cell}:" if self.cell is not None else ""
        return f"{self.path}:{cell}{self.line}:{self.column}"

    def __str__(self) -> str:
        return f"{self.place}: {self.code} {self.message}"

    def to_dict(self) -> dict[str, Any]:
        """All of it as a dict of plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class Result:
    """What `audit` found.

    Attributes
    ----------
    findings
        All findings, by path and place.
    unreadable
        Files that could not be read, each with the reason.
    files
        How many files were looked at, those without a KL included.
    """

    findings: tuple[Finding, ...]
    unreadable: tuple[Unreadable, ...]
    files: int

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)
