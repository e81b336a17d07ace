"""p and q from files: .npy, .csv, .json, one .npz, or JSON from standard input.

Whatever cannot be read is a `PairError`, one line that names the file and the remedy. Whether the
numbers are distributions is not asked here.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .labels import Table


class PairError(ValueError):
    """A file that p and q cannot be read from; the message is one line."""


def read_pair(first: str, second: str | None = None) -> tuple[Any, Any]:
    """p and q from one source that holds both, or from one source for each.

    Parameters
    ----------
    first
        Path of a .npz or .json with p and q, or ``"-"`` for such JSON on standard input. With
        `second`: path of a .npy, .csv or .json with p.
    second
        Path of a .npy, .csv or .json with q, or ``"-"``.

    Returns
    -------
    (p, q)
        Arrays of numbers, with labels where the file has some, so that `kl_lib` pairs the same
        names whatever their order. A .csv holds one distribution a line; a single line or a single
        column is one distribution. A first line of names labels the categories (of a single
        column it is the name of the whole, and no label); if it begins with an empty cell, the
        first column labels the rows (the index that pandas writes). In JSON an object of numbers
        or lists is a distribution with labels.

    Raises
    ------
    PairError
        If a file is missing, of another kind, damaged, holds no numbers, or holds pickled objects.

    Examples
    --------
    >>> read_pair("p.txt", "q.txt")
    Traceback (most recent call last):
        ...
    kl_lib.input_files.PairError: p.txt is not a .npy, .csv, .json or .npz file, by its name
    """
    if second is None:
        return _both(first)
    if first == second == "-":
        raise PairError('- is standard input, which can be read once: send {"p": ..., "q": ...}')
    return _one(first, "p"), _one(second, "q")


def _both(source: str) -> tuple[Any, Any]:
    ending = _ending(source)
    if ending == ".npz":
        found = _npz(source)
    elif ending == ".json":
        found = _json(source)
        if not isinstance(found, dict):
            raise PairError(
                f'{_name(source)} holds {_kind(found)}, expected {{"p": [...], "q": [...]}}; '
                "or give two files, p and then q"
            )
    else:
        raise PairError(f"{source} can hold only one of p and q: give two files, p and then q")
    missing = [key for key in ("p", "q") if key not in found]
    if missing:
        names = ", ".join(map(str, found)) or "nothing"
        raise PairError(
            f"{_name(source)} holds {names}, but no {' and no '.join(missing)}: give the arrays "
            "these names"
        )
    return _numbers(found["p"], source, "p"), _numbers(found["q"], source, "q")


def _one(source: str, name: str) -> Any:
    readers: dict[str, Callable[[str], Any]] = {".npy": _npy, ".csv": _csv, ".json": _json}
    ending = _ending(source)
    if ending == ".npz":
        raise PairError(f"{source} holds several arrays: give it alone, with p and q in it")
    found = readers[ending](source)
    if isinstance(found, dict) and {"p", "q"} <= set(found):
        raise PairError(f"{_name(source)} holds p and q: give it alone")
    return _numbers(found, source, name)


def _ending(source: str) -> str:
    ending = ".json" if source == "-" else Path(source).suffix.lower()
    if ending not in (".npy", ".csv", ".json", ".npz"):
        raise PairError(f"{source} is not a .npy, .csv, .json or .npz file, by its name")
    return ending


def _name(source: str) -> str:
    return "standard input" if source == "-" else source


def _content(source: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except FileNotFoundError:
        raise PairError(f"there is no file {source}; look at the path") from None
    except OSError as error:
        raise PairError(f"{_name(source)} cannot be read: {error.strerror}") from None


def _text(source: str) -> str:
    try:
        return _content(source).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PairError(
            f"{_name(source)} is not UTF-8 text (byte {error.start}); arrays go into .npy files"
        ) from None


def _npy(source: str) -> NDArray[Any]:
    content = _content(source)
    if not content.startswith(b"\x93NUMPY"):
        raise PairError(f"{source} is no .npy file; write it with np.save({source!r}, array)")
    return _load(io.BytesIO(content), source)


def _npz(source: str) -> dict[str, NDArray[Any]]:
    content = _content(source)
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise PairError(f"{source} is no .npz file; write it with np.savez({source!r}, p=p, q=q)")
    try:
        archive = np.load(io.BytesIO(content), allow_pickle=False)
    except (zipfile.BadZipFile, ValueError) as error:
        raise PairError(_damaged(source, error)) from None
    # Only what is wanted is unpacked; the other names are for the message if that is missing.
    return {
        name: _load(archive, source, name) if name in ("p", "q") else np.empty(0)
        for name in archive.files
    }


def _load(stored: Any, source: str, name: str | None = None) -> NDArray[Any]:
    """An array, unless it holds Python objects: those are pickled, and a pickle can run code."""
    try:
        return np.load(stored, allow_pickle=False) if name is None else stored[name]
    except Exception as error:  # damaged files fail in many ways
        if "allow_pickle" in str(error) or "Object arrays" in str(error):
            raise PairError(
                f"{source} holds pickled Python objects{f' as {name}' if name else ''}, which are "
                "not loaded because they can run code; save numbers: array.astype(float)"
            ) from None
        raise PairError(_damaged(source, error)) from None


def _damaged(source: str, error: Exception) -> str:
    return f"{source} is damaged ({_first_line(error)}); write it again"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _json(source: str) -> Any:
    try:
        return json.loads(_text(source))
    except (json.JSONDecodeError, RecursionError) as error:
        raise PairError(
            f"{_name(source)} is not JSON ({_first_line(error)}); expected numbers in lists, such "
            'as {"p": [0.5, 0.5], "q": [0.9, 0.1]}'
        ) from None


def _csv(source: str) -> NDArray[Any] | Table:
    text = _text(source)
    separator = next((s for s in ",;\t" if s in text), " ")
    reader = csv.reader(text.splitlines(), delimiter=separator, skipinitialspace=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise PairError(f"{source}, line {reader.line_num}: {error}") from None
    # A line of names has no number in it, or nothing over a column of names, as pandas writes them.
    named = [_number(cell) is None for _, row in rows for cell in row[:1]]
    names: list[str] | None = None
    index: list[str] | None = None
    if rows and (
        all(_number(cell) is None for cell in rows[0][1])
        or (all(named) and named[1:])
        or _counted(rows[0][1])
    ):
        _, names = rows.pop(0)
        if not names[0].strip():
            names, index = names[1:], [row[0] for _, row in rows]
            rows = [(line, row[1:]) for line, row in rows]
    if not rows:
        raise PairError(f"{source} holds no numbers; write one distribution in each line")
    table = []
    for line, row in rows:
        values = [_number(cell) for cell in row]
        if None in values:
            place = values.index(None)
            what = f"{row[place]!r:.30}" if row[place].strip() else "empty"
            raise PairError(
                f"{source}, line {line}: number {place + 1} is {what}; write a number, 0 where a "
                "category cannot happen"
            )
        if len(row) != len(rows[0][1]):
            raise PairError(
                f"{source}, line {line} has {len(row)} number{'s' * (len(row) != 1)}, line "
                f"{rows[0][0]} has "
                f"{len(rows[0][1])}: give every line one for each category"
            )
        table.append(values)
    array = np.array(table, dtype=np.float64)
    if names is not None and len(names) != array.shape[1]:
        raise PairError(
            f"{source} names {len(names)} categories and has {array.shape[1]} numbers in each "
            "line: give every column one name"
        )
    if array.shape[1] == 1:  # the name of a single column is no category's
        return _labelled(array[:, 0], index)
    return _labelled(array[0], names) if len(array) == 1 else _labelled(array, index, names)


def _counted(line: list[str]) -> bool:
    """Whether these are the columns 0, 1, 2, ... of a table that pandas wrote with its index."""
    numbers = [str(i) for i in range(len(line) - 1)]
    return len(line) > 1 and [cell.strip() for cell in line] == ["", *numbers]


def _labelled(array: NDArray[Any], *axes: list[str] | None) -> NDArray[Any] | Table:
    return array if not any(axes) else Table(array, axes)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _numbers(value: Any, source: str, name: str) -> Any:
    """`value` as an array of numbers, or as such by name, from JSON or from NumPy."""
    if isinstance(value, Table):
        return value
    if isinstance(value, dict):
        return {label: _numbers(x, source, f"{name}[{label!r}]") for label, x in value.items()}
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufc":
            raise PairError(
                f"{_name(source)}: {name} has dtype {value.dtype}, expected numbers; save it with "
                "array.astype(float)"
            )
        return value
    try:
        if (place := _not_a_number(value)) is not None:
            where, what = place
            raise PairError(f"{_name(source)}: {name}{where} is {what}, expected a number")
        return np.array(value, dtype=np.float64)
    except OverflowError:
        raise PairError(
            f"{_name(source)}: {name} holds a number beyond float64, which ends at 1.8e308"
        ) from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, PairError):
            raise
        raise PairError(
            f"{_name(source)}: the lists of {name} do not form a table; give every row one number "
            "for each category"
        ) from None


def _not_a_number(value: Any, where: str = "") -> tuple[str, str] | None:
    """Index and kind of the first thing in nested lists that is no number."""
    if isinstance(value, list):
        found = (_not_a_number(item, f"{where}[{i}]") for i, item in enumerate(value))
        return next((place for place in found if place is not None), None)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return where, _kind(value)
    return None


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")
