"""``--fix`` and ``--diff``: the mends of a file that are certain, and writing them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

import libcst as cst

from ..files.parsing import parsed
from ..rules import Edit
from .checking import check_file


@dataclass(frozen=True)
class Mend:
    """What is changed in a file, and how often."""

    path: str
    difference: str
    content: bytes
    edits: int


def mend(path: str, rules: list[str]) -> Mend | None:
    """The mend of a file, None where nothing in it is certain enough; notebooks are left alone.

    Nothing is written: `write` does that.
    """
    if path.endswith(".ipynb"):
        return None
    with open(path, "rb") as file:
        raw = file.read()
    checked = check_file(path, raw, rules)
    edits = [edit for edit in checked.edits if edit is not None]
    if not edits or checked.module is None:
        return None
    content = _mended(checked.module, edits).bytes
    parsed(content)  # what is written can be read
    encoding = checked.module.encoding
    change = _difference(path, raw.decode(encoding), content.decode(encoding))
    return Mend(path, change, content, len(edits))


def write(path: str, content: bytes) -> None:
    """Replace a file whole or not at all, its permissions kept."""
    target = os.path.realpath(path)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".kl-lib-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


class _Mender(cst.CSTTransformer):
    """Applies edits to the calls that they name."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        super().__init__()
        self._edits: dict[int, list[Edit]] = {}
        for edit in edits:
            self._edits.setdefault(id(edit.node), []).append(edit)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:  # noqa: N802 - libcst's
        call = updated_node
        for edit in self._edits.get(id(original_node), ()):
            call = _edited(call, edit)
        return call


def _edited(call: cst.Call, edit: Edit) -> cst.Call:
    if edit.function:
        renamed, whole = cst.Name(edit.function), call.func
        dotted = isinstance(whole, cst.Attribute)
        call = call.with_changes(func=whole.with_changes(attr=renamed) if dotted else renamed)
    wanted = dict(edit.keywords)
    if not wanted:
        return call
    args: list[cst.Arg] = []
    unnamed = 0
    for arg in call.args:
        if arg.keyword is None and not arg.star:
            unnamed += 1
            if edit.keep is None or unnamed <= edit.keep:
                args.append(arg)
        elif arg.keyword is None or arg.keyword.value not in wanted:
            args.append(arg)
        elif (value := wanted.pop(arg.keyword.value)) is not None:
            args.append(arg.with_changes(value=cst.parse_expression(value)))
    for name, value in wanted.items():
        if value is not None:
            args.append(_argument(name, value))
    return call.with_changes(args=_separated(args, call.args))


def _argument(name: str, value: str) -> cst.Arg:
    none = cst.SimpleWhitespace("")
    return cst.Arg(
        cst.parse_expression(value),
        keyword=cst.Name(name),
        equal=cst.AssignEqual(whitespace_before=none, whitespace_after=none),
    )


def _separated(args: list[cst.Arg], before: Sequence[cst.Arg]) -> list[cst.Arg]:
    """Commas between all, and after the last as it was."""
    if not args:
        return []
    comma = next((arg.comma for arg in before[:-1] if isinstance(arg.comma, cst.Comma)), None)
    between = comma or cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    joined = [
        arg
        if isinstance(arg.comma, cst.Comma) and arg is not before[-1]
        else arg.with_changes(comma=between)
        for arg in args[:-1]
    ]
    last = before[-1] if before else args[-1]
    return [
        *joined,
        args[-1].with_changes(comma=last.comma, whitespace_after_arg=last.whitespace_after_arg),
    ]


def _mended(module: cst.Module, edits: Sequence[Edit]) -> cst.Module:
    """The module with all edits done."""
    changed: Any = module.visit(_Mender(edits))
    return changed


def _difference(path: str, before: str, after: str) -> str:
    """What changes, as a unified diff."""
    lines = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), path, path
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
