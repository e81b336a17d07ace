"""What two reports on the same pair have in common: every word, and every number to 1e-12.

One is `kl_lib.diagnose`'s, the other the calculator's. Where a number is what rounding left of a
sum, or was computed in float32, no two machines agree on its last digits: such a number may be off
by what rounding can do to the sum, and where a sentence gives it, the words around it are compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from kl_lib import arrays
from kl_lib.diagnosis import (
    Answer,
    Argument,
    Measure,
    Mismatch,
    Note,
    Problem,
    Reason,
    Remedy,
    Report,
    Rounding,
    Summary,
    Term,
    rendering,
)
from kl_lib.diagnosis.explanation import AGREEMENT

RELATIVE = 1e-12
EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23}
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]\d+)?|inf|nan)(?![\w.])")
#: Calls whose answer is in float32.
IN_FLOAT32 = ("KLDivLoss", "KLDivergence()", "OneHotCategorical")

Difference = tuple[str, Any, Any]


class Tolerance:
    """How far rounding moves a sum over a pair: as `kl_lib.diagnosis.explanation` has it."""

    def __init__(self, p: Any, q: Any) -> None:
        try:
            p, q = (arrays.read(x, "x")[0].astype(float) for x in (p, q))
            p, q = np.broadcast_arrays(p, q)
        except ValueError:
            p = q = np.zeros(1)
        with np.errstate(all="ignore"):
            logs = 1 + np.abs(np.log(np.abs(p))) + np.abs(np.log(np.abs(q)))
            sizes = (np.abs(p) + np.abs(q)) * np.where(np.isfinite(logs), logs, 1)
        finite = sizes[np.isfinite(sizes)]
        self.size = (8 + finite.size**0.5) * float(finite.sum())

    def of(self, dtype: str) -> float:
        return self.size * EPSILON[dtype]


def is_number(x: Any) -> bool:
    return (isinstance(x, (int, float)) and not isinstance(x, bool)) or x in ("inf", "-inf", "nan")


def agree(a: Any, b: Any, absolute: float = 0.0, relative: float = RELATIVE) -> bool:
    a, b = float(a), float(b)
    if math.isfinite(a) and math.isfinite(b):
        return math.isclose(a, b, rel_tol=relative, abs_tol=absolute)
    return a == b or (math.isnan(a) and math.isnan(b))


def unlike(a: Any, b: Any, path: str = "", absolute: float = 0.0) -> Iterator[Difference]:
    """Where two parts of a report differ, number by number and word by word."""
    if is_number(a) and is_number(b):
        if not agree(a, b, absolute):
            yield path, a, b
    elif isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key, part in a.items():
            yield from unlike(part, b[key], f"{path}.{key}", absolute)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from unlike(one, other, f"{path}[{i}]", absolute)
    elif a != b:
        yield path, a, b


def unlike_sentence(a: str, b: str, path: str, absolute: float) -> Iterator[Difference]:
    """Where the words differ, or a number by more than it was rounded."""
    if NUMBER.sub("#", a) != NUMBER.sub("#", b):
        yield path, a, b
        return
    for x, y in zip(NUMBER.findall(a), NUMBER.findall(b), strict=True):
        if not agree(x, y, absolute, 2e-5):
            yield path, a, b


def differences(report: dict, found: dict, p: Any, q: Any) -> Iterator[Difference]:
    """All between the report of kl_lib on a pair and the one that was `found` in its place."""
    tolerance = Tolerance(p, q)
    apart = {"answers", "notes", "remedies", "rounding"}
    rest = [{key: x for key, x in one.items() if key not in apart} for one in (report, found)]
    yield from unlike(*rest)
    yield from _of_rounding(report["rounding"], found["rounding"], tolerance)
    yield from _of_lists("notes", report, found, "cancellation", tolerance)
    yield from _of_lists("remedies", report, found, "float32", tolerance)
    yield from _of_answers(report["answers"], found["answers"], tolerance)


def _of_rounding(a: dict | None, b: dict | None, tolerance: Tolerance) -> Iterator[Difference]:
    if a is None or b is None:
        yield from unlike(a, b, ".rounding")
    elif max(float(a["relative"]), float(b["relative"])) <= AGREEMENT:
        return  # noise: nothing is said of it, and which row has most of it is chance
    else:
        yield from unlike(a["row"], b["row"], ".rounding.row")
        for name in ("naive", "exact"):
            yield from unlike(a[name], b[name], f".rounding.{name}", tolerance.of("float64"))
        far = tolerance.of("float64") / float(a["exact"]) if float(a["exact"]) else 0.0
        yield from unlike(a["relative"], b["relative"], ".rounding.relative", far)


def _of_lists(
    name: str, report: dict, found: dict, rounded: str, tolerance: Tolerance
) -> Iterator[Difference]:
    """Notes or remedies, of which those of one kind give a number that rounding left."""
    a, b = report[name], found[name]
    if [x["kind"] for x in a] != [x["kind"] for x in b]:
        yield name, [x["message"] for x in a], [x["message"] for x in b]
        return
    for i, (one, other) in enumerate(zip(a, b, strict=True)):
        path = f".{name}[{i}]"
        if one["kind"] != rounded:
            yield from unlike(one, other, path)
            continue
        far = tolerance.of("float32" if name == "remedies" else "float64")
        yield from unlike(one.get("code"), other.get("code"), path)
        yield from unlike(one.get("value"), other.get("value"), path, far)
        share = "off by " if name == "notes" else "\0"  # a share of next to nothing is no number
        yield from unlike_sentence(
            one["message"].split(share)[0], other["message"].split(share)[0], path, far
        )


def _of_answers(a: list[dict], b: list[dict], tolerance: Tolerance) -> Iterator[Difference]:
    if len(a) != len(b):
        yield ".answers", len(a), len(b)
        return
    for one, other in zip(a, b, strict=True):
        path = f".answers {one['call']}"
        dtype = "float32" if any(x in (one["call"] or "") for x in IN_FLOAT32) else "float64"
        far = tolerance.of(dtype)
        yield from unlike(one["values"], other["values"], f"{path}.values", far)
        if dtype == "float32" and _is_noise(one) and _is_noise(other):
            continue
        same = ("library", "call", "status", "shape", "differing", "message")
        yield from unlike({x: one[x] for x in same}, {x: other[x] for x in same}, path)
        if one["status"] == "differs":  # elsewhere the row that differs most does not matter
            yield from unlike(one["row"], other["row"], f"{path}.row")
            for name in ("value", "expected"):
                if one[name] is not None or other[name] is not None:
                    yield from unlike(one[name], other[name], f"{path}.{name}", far)
        for key, apart in (("kind", 0.0), ("message", far)):
            texts = [[reason[key] for reason in _told(x)] for x in (one, other)]
            if apart == 0 or len(texts[0]) != len(texts[1]):
                yield from unlike(*texts, f"{path}.reasons")
                continue
            for x, y in zip(*texts, strict=True):
                if x.startswith("rounding"):
                    yield from unlike_sentence(x, y, f"{path}.reasons", far)
                else:
                    yield from unlike(x, y, f"{path}.reasons")


def _is_noise(answer: dict) -> bool:
    """Whether it agrees, or would but for the last digits of float32."""
    kinds = {reason["kind"] for reason in answer["reasons"]}
    return (
        answer["status"] in ("agrees", "differs")
        and kinds <= {"rounding"}
        and bool(
            answer["value"] is not None and agree(answer["value"], answer["expected"], 0, 1e-4)
        )
    )


def _told(answer: dict) -> list[dict]:
    """The reasons; that float32 was read, where nothing came of it, is chance."""
    return [reason for reason in answer["reasons"] if reason["message"] != "reads float32"]


def as_report(found: dict) -> Report:
    """The report that the page made, as kl_lib's."""
    parts = {
        "arguments": Argument, "problems": Problem, "measures": Measure, "summaries": Summary,
        "terms": Term, "mismatches": Mismatch, "notes": Note, "answers": Answer, "remedies": Remedy,
    }  # fmt: skip
    values = {key: _tuples(value) for key, value in found.items()}
    for key, kind in parts.items():
        values[key] = tuple(_made(kind, x) for x in found[key])
    if found["rounding"] is not None:
        values["rounding"] = _made(Rounding, found["rounding"])
    return Report(**values)


def _made(kind: type, given: dict) -> Any:
    values = {key: _tuples(value) for key, value in given.items()}
    if "reasons" in values:
        values["reasons"] = tuple(Reason(**reason) for reason in given["reasons"])
    return kind(**values)


def _tuples(value: Any) -> Any:
    """Lists as tuples, and what JSON has no word for as numbers."""
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    return float(value) if value in ("inf", "-inf", "nan") else value


def shown_otherwise(found: dict, shown: list[dict]) -> list[Difference]:
    """Where the page words its own report in another way than kl_lib would."""
    blocks = [
        {
            "title": block.title,
            "sentences": list(block.sentences),
            "header": list(block.header),
            "rows": [list(row) for row in block.rows],
            "note": block.note,
        }
        for block in rendering._blocks(as_report(found))
    ]
    return [*unlike(blocks, shown, "shown")]
