"""The audit as a plugin of flake8: rules that are on by default, under the code KLD."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .. import __version__
from .files.mentions import mentions_kl
from .findings.checking import check_file
from .findings.selection import selected


class Plugin:
    """What flake8 makes for each file."""

    name = "kl-lib-audit"
    version = __version__

    def __init__(self, tree: ast.AST, lines: list[str], filename: str = "<text>") -> None:
        self._lines = lines
        self._filename = filename

    def run(self) -> Iterator[tuple[int, int, str, type]]:
        """Line, column counted from 0, text and this class for each finding."""
        raw = "".join(self._lines).encode()
        if not mentions_kl(raw):
            return
        for finding in check_file(self._filename, raw, [one.code for one in selected()]).findings:
            text = f"{finding.code} {finding.message}"
            yield finding.line, finding.column - 1, text, type(self)
