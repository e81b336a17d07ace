"""Whose line a call stands on."""

from __future__ import annotations

import os
import sys
from functools import cache, lru_cache
from itertools import islice
from types import CodeType, FrameType
from typing import NamedTuple

#: Packages whose frames are passed over: they make the call for somebody.
LIBRARIES = (
    "torch", "keras", "tf_keras", "tensorflow", "tensorflow_probability", "scipy", "numpy",
    "mxnet", "jax", "optax", "kl_lib.watching", "kl_lib.losses", "kl_lib.metrics",
)  # fmt: skip
#: Files that are none: of Python's import system, and of graphs that PyTorch writes as code.
MADE_UP = ("<frozen", "<eval_with_key>")
#: What these call is called to show what libraries answer, right or wrong.
OWN = ("kl_lib.frameworks", "kl_lib.diagnosis")


class Line(NamedTuple):
    """A file, a line in it, and the column of the call, from 1; 0 where nobody knows."""

    file: str
    line: int
    column: int = 0


@cache
def _of(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in packages)


@lru_cache(maxsize=4096)
def _line(code: CodeType, instruction: int) -> Line:
    """Where an instruction stands: two calls on one line are two."""
    line, _, column, _ = next(islice(code.co_positions(), instruction // 2, None))
    return Line(code.co_filename, line or 0, 0 if column is None else column + 1)


def caller() -> Line | None:
    """The innermost line outside of the watched libraries; None if kl_lib itself asks them."""
    frame: FrameType | None = sys._getframe(1)
    last = Line("", 0)
    while frame is not None:
        module = _module(frame)
        if not _of(module, LIBRARIES):
            if _of(module, OWN):
                return None
            if not _made_up(frame):
                return _line(frame.f_code, frame.f_lasti)
        last = Line(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return last


def _module(frame: FrameType) -> str:
    return frame.f_globals.get("__name__") or ""


def _made_up(frame: FrameType) -> bool:
    """Whether no file of the program has this code: a library wrote it and runs it."""
    if frame.f_code.co_filename.startswith(MADE_UP):
        return True
    outer = frame.f_back
    return outer is not None and not _module(frame) and _of(_module(outer), LIBRARIES)


def innermost(stack: list[tuple[str, int]]) -> Line | None:
    """The same of a recorded stack of files and lines, the outermost first."""
    folders = tuple(
        f"{os.path.dirname(module.__file__)}{os.sep}"
        for name in LIBRARIES
        if (module := sys.modules.get(name)) is not None and module.__file__
    )
    for file, line in reversed(stack):
        if not file.startswith((*folders, *MADE_UP)):
            return Line(file, line)
    return None
