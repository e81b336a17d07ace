"""From the bytes of a file to the tree of its source."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import libcst as cst

TOO_DEEP = "an expression is nested too deep"


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


class UnparsableError(ValueError):
    """A text that is no Python, or too deep to read."""


def parsed(raw: bytes) -> tuple[cst.Module, str]:
    """The tree of a program, and its text.

    Raises
    ------
    UnparsableError
        If it is no Python.
    """
    import libcst as cst

    _check_depth(raw)
    try:
        module = cst.parse_module(raw)
        return module, raw.decode(module.encoding)
    except cst.ParserSyntaxError as error:
        where = f"line {error.raw_line}" if error.raw_line else "the text"
        raise UnparsableError(f"{where} is no Python that can be parsed") from error
    except (UnicodeDecodeError, LookupError, SyntaxError) as error:
        raise UnparsableError(f"its encoding cannot be read: {error}") from error
    except RecursionError as error:
        raise UnparsableError(TOO_DEEP) from error


def _check_depth(raw: bytes) -> None:
    """Refuse what is nested so deep that libcst's parser would overflow the stack, and not return.

    Python's own parser stops in time. What it does not know, as the syntax of a newer Python, is
    left to libcst.
    """
    try:
        _read_by_python(raw)
    except (RecursionError, MemoryError) as error:
        raise UnparsableError(TOO_DEEP) from error
    except SyntaxError as error:
        if "nested" in (error.msg or ""):
            raise UnparsableError(TOO_DEEP) from error
    except ValueError:
        pass  # null bytes: libcst says so, too


def is_python(text: str) -> bool:
    """True if this Python can read it."""
    try:
        _read_by_python(text.encode())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _read_by_python(raw: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes and the like in the file
        ast.parse(raw)
