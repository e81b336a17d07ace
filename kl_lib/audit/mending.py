"""``--fix`` and ``--diff``: the mends of a file that are certain."""

from __future__ import annotations

from dataclasses import dataclass

from .running import parsed, read_file


@dataclass(frozen=True)
class Mend:
    """What is changed in a file, and how often."""

    path: str
    difference: str
    content: bytes
    edits: int


def mend(path: str, rules: list[str]) -> Mend | None:
    """The mend of a file, None where nothing in it is certain enough; notebooks are left alone.

    Nothing is written: `fixes.write` does that.
    """
    from . import fixes

    if path.endswith(".ipynb"):
        return None
    with open(path, "rb") as file:
        raw = file.read()
    found, failed, module = read_file(path, raw, rules)
    edits = [edit for _, edit in found if edit is not None]
    if failed or not edits or module is None:
        return None
    after = fixes.mended(module, edits)
    content = after.bytes
    parsed(content)  # what is written can be read
    encoding = module.encoding
    change = fixes.difference(path, raw.decode(encoding), content.decode(encoding))
    return Mend(path, change, content, len(edits))
