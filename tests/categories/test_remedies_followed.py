"""Every remedy that a message gives, followed to the letter, ends in a finite, right number.

A `Case` is a call that is refused, the code that the message shows, and the number that has to come
out when it is followed. Right numbers come from the definitions, of what was meant.
"""

from __future__ import annotations

import math
import re
import traceback
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import truth
from test_errors import blocks, run

import kl_lib
from kl_lib.labels import Table

pd = pytest.importorskip("pandas")
pytest.importorskip("mpmath")

#: Messages of these are followed here; those of closed forms, samples and losses by their tests.
FILES = (
    *("arrays.py", "advice.py", "arguments.py", "options.py", "values.py", "labels.py", "lazy.py"),
    *("matrix.py", "relatives.py", "tables.py"),
)


@dataclass(frozen=True)
class Case:
    """A refused call, its arguments, and how its message is followed.

    `steps` holds for each message in turn the code that it shows: an option is added to the call,
    an assignment is executed, a function takes the place of the one called, anything else is
    evaluated and takes the place of the argument that the message names. A step of two parts
    (shown, done) says what a reader does with words that are no code, or to both arguments.
    """

    call: str
    arguments: dict[str, Any]
    steps: tuple[Any, ...]
    right: Any
    rel: float = 1e-9
    names: dict[str, Any] = field(default_factory=dict)


def refusal(call: str, names: dict[str, Any]) -> Any:
    with pytest.raises(kl_lib.DistributionError) as caught:
        eval(call, names)
    return caught.value


def follow(case: Case) -> tuple[Any, list[Any]]:
    """The result at the end of the case, and the errors on the way there."""
    own = {key: dict(x) if type(x) is dict else x for key, x in case.arguments.items()}
    names = {"np": np, "pd": pd, "kl": kl_lib, "kl_lib": kl_lib, **case.names, **own}
    call, errors = case.call, []
    for step in case.steps:
        shown, done = step if isinstance(step, tuple) else (step, step)
        error = refusal(call, names)
        assert shown in str(error), f"{shown!r} is not in: {error}"
        errors.append(error)
        if option := re.fullmatch(r"(\w+)=[\w-]+", done):
            call = re.sub(rf", {option[1]}=[^,)]+", "", call)
            call = re.sub(r"\)((?:\.compute\(\))?)$", rf", {done})\1", call)
        elif re.match(r"[\w, \[\]']+ = ", done):
            exec(done, names)
        elif re.fullmatch(r"kl_\w+", done):
            call = re.sub(r"^[\w.]+", f"kl.{done}", call)
        else:
            names[error.argument.partition("[")[0]] = eval(done, names)
    return eval(call, names), errors


def total(value: Any) -> float:
    """One number: the sum of all terms or rows."""
    if isinstance(value, dict):
        value = list(value.values())
    return float(np.sum(np.asarray(value, dtype=np.float64)))


# What each function computes, by its definition in 60 digits


def mutual(table: Any) -> Any:
    p = [[truth.mpf(float(x)) for x in row] for row in table]
    n = sum(map(sum, p))
    rows, columns = [sum(row) for row in p], [sum(column) for column in zip(*p, strict=True)]
    cells = ((x, r, c) for row, r in zip(p, rows, strict=True) for x, c in zip(row, columns))  # noqa: B905
    return sum(x / n * truth.mpmath.log(x * n / (r * c)) for x, r, c in cells if x)


def left_over(table: Any) -> Any:
    """The entropy of the columns when the row is known."""
    p = [[truth.mpf(float(x)) for x in row] for row in table]
    n = sum(map(sum, p))
    return sum(sum(row) / n * truth.entropy(row) for row in p)


def by_row(measure: Any, *tables: Any) -> Any:
    return sum(measure(*rows) for rows in zip(*tables, strict=True))


def softmax(row: Any) -> list[float]:
    exps = [truth.mpmath.exp(truth.mpf(float(x))) for x in row]
    return [float(x / sum(exps)) for x in exps]


def yes(chances: Any) -> list[list[float]]:
    return [[1 - x, x] for x in chances]


ENTROPY = {"kl.entropy(p)": lambda p, q: truth.entropy(p)}
PAIRS = {
    "kl.kl_divergence(p, q)": truth.kl,
    "kl.cross_entropy(p, q)": truth.cross_entropy,
    "kl.js_divergence(p, q)": truth.js,
    "kl.kl_terms(p, q)": truth.kl,
    "kl.total_variation(p, q)": truth.total_variation,
}
ADAPTERS = {f"{name}.kl_divergence(p, q)": truth.kl for name in ("scipy", "keras", "tfp", "mxnet")}
MATRIX = {"kl.kl_matrix(p, q)": truth.kl}
ALL = ENTROPY | PAIRS | MATRIX | ADAPTERS

Q, LOGITS = [0.2, 0.5, 0.3], [-0.1, 1.1, 0.3]

#: What is wrong with an argument, what was meant by it, and the code for it.
FAULTS = {
    "counts": ([2, 5, 3], Q, "normalize=True"),
    "weights below 1": ([0.1, 0.25, 0.15], Q, "normalize=True"),
    "weights above 1": ([0.25, 0.625, 0.375], Q, "normalize=True"),
    "densities": ([0.8, 2.0, 1.2], Q, "normalize=True"),
    "printed digits": ([0.2, 0.499, 0.3], [0.2, 0.499, 0.3], "normalize=True"),
    "large counts": ([2.0**900, 2.0**900, 2.0**901], [0.25, 0.25, 0.5], "normalize=True"),
    "a lost category": (
        [0.2, 0.5],
        Q,
        ("look for a category that is missing", "np.append(p, 0.3)"),
    ),
    "logits": (LOGITS, softmax(LOGITS), "kl_lib.softmax(p)"),
    "positive logits": ([2.0, 0.5, 0.25], softmax([2.0, 0.5, 0.25]), "kl_lib.softmax(p)"),
    "masked logits": ([1.1, 0.3, -np.inf], softmax([1.1, 0.3, -np.inf]), "kl_lib.softmax(p)"),
    "logarithms": (list(np.log(Q)), Q, "np.exp(p)"),
    "logits below 0": ([-2.0, -0.5, -4.0], softmax([-2.0, -0.5, -4.0]), "kl_lib.softmax(p)"),
    "log of 0": ([math.log(0.25), math.log(0.75), -np.inf], [0.25, 0.75, 0], "np.exp(p)"),
    "below 0 by rounding": ([0.2, 0.8, -1e-17], [0.2, 0.8, 0], "np.maximum(p, 0)"),
    "nan": (
        [0.2, 0.8, np.nan],
        [0.2, 0.8, 0],
        ("A category that cannot happen has probability 0", "np.where(np.isnan(p), 0, p)"),
    ),
}


def renamed(step: Any, name: str) -> Any:
    if isinstance(step, tuple):
        return step[0], re.sub(r"\bp\b", name, step[1])
    return re.sub(r"\bp\b", name, step)


def one_at_fault(kind: Any) -> dict[str, Case]:
    """Each fault in p and in q of each function, given as a list or an array."""
    found = {}
    for call, right in ALL.items():
        for fault, (value, meant, step) in FAULTS.items():
            for name, other in (("p", "q"), ("q", "p")):
                if (call == "kl.entropy(p)" and name == "q") or (
                    fault == "a lost category" and call != "kl.entropy(p)"
                ):  # which is one of other shapes first
                    continue
                partner = [0.5, 0.5, 0] if name == "q" and meant[2:] == [0] else [0.25, 0.5, 0.25]
                if name == "q" and min(meant) == 0:
                    partner = [0.5, 0.5, 0]
                code = step
                if step == "normalize=True" and call in ADAPTERS:
                    code = "p / np.sum(p, axis=-1, keepdims=True)"
                intended = {name: meant, other: partner}
                rows = {name: value, other: partner}
                if call in MATRIX:
                    rows = {key: [row] for key, row in rows.items()}
                found[f"{call}, {fault} in {name}"] = Case(
                    call,
                    {key: kind(row) for key, row in rows.items()},
                    (renamed(code, name),),
                    right(intended["p"], intended["q"]),
                    1e-3 if call in ADAPTERS else 1e-9,
                )
    return found


# One message at a time

COLUMNS, COLUMNS_Q = [[0.2, 0.5], [0.8, 0.5]], [[0.5, 0.1], [0.5, 0.9]]
TABLE, TABLE_Q = [[0.1, 0.2], [0.3, 0.4]], [[0.25, 0.25], [0.25, 0.25]]
CHANCES, CHANCES_Q = [0.9, 0.8, 0.7], [0.5, 0.6, 0.75]
YES, YES_Q = [[0.3], [0.8]], [[0.5], [0.25]]
AS_YES = "np.concatenate([np.subtract(1, p), p], axis=-1)"
STACKED = "np.stack([np.subtract(1, p), p], axis=-1)"
KL, MI, NORMALIZE = "kl.kl_divergence(p, q)", "kl.mutual_information(joint)", "normalize=True"


def both(code: str) -> tuple[str, str]:
    """What the message shows for p, done to p and q."""
    return code, f"p, q = {code}, {renamed(code, 'q')}"


def entropy_of(p: Any, steps: Any, meant: Any, **names: Any) -> Case:
    steps = steps if isinstance(steps, list) else [steps]
    rows = meant if np.ndim(meant) == 2 else [meant]
    return Case("kl.entropy(p)", {"p": p}, tuple(steps), by_row(truth.entropy, rows), 1e-7, names)


def shapes() -> dict[str, Case]:
    found = {}
    for call, right in (ENTROPY | PAIRS).items():
        pair = {"p": COLUMNS, "q": COLUMNS_Q}
        expected = by_row(right, zip(*COLUMNS, strict=True), zip(*COLUMNS_Q, strict=True))
        found[f"{call}, in columns"] = Case(call, pair, ("axis=0",), expected)
        flat = right(np.ravel(TABLE), np.ravel(TABLE_Q))
        pair = {"p": TABLE, "q": TABLE_Q}
        found[f"{call}, a whole table"] = Case(call, pair, (both("np.ravel(p)"),), flat)
        pair = {"p": [TABLE] * 2, "q": [TABLE_Q] * 2}
        steps = (both("np.reshape(p, (2, -1))"),)
        found[f"{call}, tables"] = Case(call, pair, steps, 2 * flat)
        expected = by_row(right, yes(CHANCES), yes(CHANCES_Q))
        pair = {"p": CHANCES, "q": CHANCES_Q}
        step = both(STACKED) if call != KL else "kl_bernoulli"
        found[f"{call}, chances"] = Case(call, pair, (step,), expected)
        one, other = [x for [x] in YES], [x for [x] in YES_Q]
        expected = by_row(right, yes(one), yes(other))
        pair = {"p": YES, "q": YES_Q}
        found[f"{call}, a column of chances"] = Case(call, pair, (both(AS_YES),), expected)
    for call in (*MATRIX, *ADAPTERS):
        pair = {"p": COLUMNS, "q": COLUMNS_Q}
        columns = [list(zip(*x, strict=True)) for x in (COLUMNS, COLUMNS_Q)]
        rows = [(a, b) for a in columns[0] for b in columns[1]]
        if call in ADAPTERS:
            rows = list(zip(*columns, strict=True))
        step = both("np.moveaxis(p, 0, -1)")
        right = sum(truth.kl(a, b) for a, b in rows)
        found[f"{call}, in columns"] = Case(call, pair, (step,), right, 1e-3)
    return found


def more() -> dict[str, Case]:
    two, one_hot = [0.5, 0.5], [[1, 0, 0], [0, 0, 1]]
    rows_q = [Q, [0.25, 0.25, 0.5]]
    kl_of_classes = by_row(truth.kl, one_hot, rows_q)
    joint = [[2, 1], [1, 4]]
    of_joint = np.reshape(softmax([2, -1, 1, 4]), (2, 2))
    return {
        "logits of both": Case(
            KL,
            {"p": LOGITS, "q": [0.5, -1, 0.25]},
            ("kl_from_logits",),
            truth.kl_logits(LOGITS, [0.5, -1, 0.25]),
        ),
        "logarithms of both": Case(
            KL,
            {"p": np.log(Q), "q": np.log([0.25, 0.5, 0.25])},
            ("kl_from_logits",),
            truth.kl(Q, [0.25, 0.5, 0.25]),
        ),
        "a column against chances": Case(
            KL,
            {"p": [[0.25, 0.75]], "q": [[0.5]]},
            ((renamed(AS_YES, "q"), f"q = {renamed(AS_YES, 'q')}"),),
            truth.kl([0.25, 0.75], two),
        ),
        **{
            f"class numbers, {kind}": Case(
                KL,
                {"p": p, "q": rows_q},
                (("np.equal(p, np.arange(3))", "p = np.equal(p, np.arange(3))"),),
                kl_of_classes,
            )
            for kind, p in (
                ("list", [[0], [2]]),
                ("floats", [[0.0], [2.0]]),
                ("array", np.int8([[0], [2]])),
            )
        },
        "a lone number": Case(KL, {"p": 0.3, "q": two}, ("[1 - p, p]",), truth.kl([0.7, 0.3], two)),
        "no axis": Case(
            "kl.entropy(p, axis=None)",
            {"p": [Q]},
            (("pass one integer, the axis that holds the categories", "axis=-1"),),
            truth.entropy(Q),
        ),
        "an axis too far": Case(
            "kl.entropy(p, axis=1)",
            {"p": Q},
            (("leave axis out where the categories are last", "axis=-1"),),
            truth.entropy(Q),
        ),
        "logits on the first axis": Case(
            "kl.entropy(p, axis=0)",
            {"p": [[x] for x in LOGITS]},
            ("kl_lib.softmax(p, axis=-2)",),
            truth.entropy(softmax(LOGITS)),
        ),
        "base 1": Case(
            "kl.entropy(p, base=1)",
            {"p": Q},
            (("or None for nats", "base=None"),),
            truth.entropy(Q),
        ),
        "normalize and generalized": Case(
            "kl.kl_divergence(p, q, normalize=True, generalized=True)",
            {"p": [2, 2], "q": [3, 1]},
            (("pass one: normalize=True", "generalized=False"),),
            truth.kl([0.5, 0.5], [0.75, 0.25]),
        ),
        "overflow": Case(
            "kl.entropy(p, normalize=True)",
            {"p": [np.inf, np.inf]},
            (("subtract the largest exponent before np.exp", "np.exp(np.subtract(x, max(x)))"),),
            truth.entropy(softmax([1000, 999])),
            names={"x": [1000, 999]},
        ),
        "a row of zeros is dropped": Case(
            "kl.entropy(p, normalize=True)",
            {"p": [[3, 1], [0, 0]]},
            (("drop the row", "p[:1]"),),
            truth.entropy([0.75, 0.25]),
        ),
        "a row of zeros is filled": Case(
            "kl.entropy(p, normalize=True)",
            {"p": [[3, 1], [0, 0]]},
            (("add a count you can justify", "np.add(p, 1)"),),
            truth.entropy([4, 2]) + truth.entropy([1, 1]),
        ),
        "a category fewer": Case(
            KL,
            {"p": two, "q": Q},
            (("give both the same categories", "p = [*p, 0]"),),
            truth.kl([0.5, 0.5, 0], Q),
        ),
        "three rows against two": Case(
            KL,
            {"p": [Q] * 3, "q": [[0.25, 0.5, 0.25]] * 2},
            (("or one distribution against a batch", "q = q[0]"),),
            3 * truth.kl(Q, [0.25, 0.5, 0.25]),
        ),
        "no such axis": Case(
            "kl.kl_divergence(p, q, axis=0)",
            {"p": two, "q": COLUMNS},
            (("give it as many axes as the other", "p = [[x] for x in p]"),),
            truth.kl(two, [0.2, 0.8]) + truth.kl(two, two),
        ),
        "+inf for a mask": Case(
            "kl.kl_from_logits(logits_p, logits_q)",
            {"logits_p": [0, 1, np.inf], "logits_q": [1, 1, 1]},
            (
                (
                    "-inf for a category that is masked out",
                    "[-x if x == np.inf else x for x in logits_p]",
                ),
            ),
            truth.kl([*softmax([0, 1]), 0], [1, 1, 1]),
        ),
        "a row all masked": Case(
            "kl.kl_from_logits(logits_p, logits_q)",
            {"logits_p": [[0, 1], [-np.inf, -np.inf]], "logits_q": [1, 1]},
            (("or drop the row", "logits_p[:1]"),),
            truth.kl_logits([0, 1], [1, 1]),
        ),
        "the same axis twice": Case(
            "kl.entropy(p, axis=axis)",
            {"p": TABLE, "axis": (0, -2)},
            (("name each axis of the categories once", "(0, 1)"),),
            truth.entropy([0.1, 0.2, 0.3, 0.4]),
        ),
        "no axis at all": Case(
            "kl.entropy(p, axis=axis)",
            {"p": Q, "axis": ()},
            (("or leave axis out where they are last", "axis = -1"),),
            truth.entropy(Q),
        ),
        "a mask of numbers": Case(
            "kl.kl_divergence(p, q, where=where)",
            {"p": [*two, 0.7], "q": [0.25, 0.75, 0.1], "where": [1, 1, 0]},
            ("np.asarray(where, dtype=bool)",),
            truth.kl(two, [0.25, 0.75]),
        ),
        "a mask of another shape": Case(
            "kl.kl_divergence(p, q, where=where)",
            {"p": [*two, 0.7], "q": [0.25, 0.75, 0.1], "where": [[True], [True], [False]]},
            (("give it the same shape", "np.ravel(where)"),),
            truth.kl(two, [0.25, 0.75]),
        ),
        # Joint tables
        "a table of counts": Case(MI, {"joint": joint}, (NORMALIZE,), mutual(joint)),
        "logits of a table": Case(
            MI,
            {"joint": [[2, -1], [1, 4]]},
            ("kl_lib.softmax(joint, axis=(-2, -1))",),
            mutual(of_joint),
        ),
        "logits of tables": Case(
            MI,
            {"joint": [[[2, -1], [1, 4]]] * 3},
            ("kl_lib.softmax(joint, axis=(-2, -1))",),
            3 * mutual(of_joint),
        ),
        "logarithms of a table": Case(
            MI, {"joint": np.log(TABLE)}, ("np.exp(joint)",), mutual(TABLE)
        ),
        "tables of weights": Case(MI, {"joint": np.full((2, 2, 2), 0.125)}, (NORMALIZE,), 0.0),
        "no table": Case(
            MI,
            {"joint": [0.1, 0.2, 0.3, 0.4]},
            (("pass a table, one variable in its rows", "np.reshape(joint, (2, 2))"),),
            mutual(TABLE),
        ),
        "known by another name": Case(
            "kl.conditional_entropy(joint, given=given)",
            {"joint": TABLE, "given": "x"},
            (('pass "rows" or "columns"', "'rows'"),),
            left_over(TABLE),
        ),
        "tables of other widths": Case(
            "kl.kl_conditional(p, q)",
            {"p": TABLE, "q": np.full((2, 3), 1 / 6)},
            (("or one table against a batch", "q = np.full((5, 2, 2), 0.25)"),),
            5 * by_row(lambda p, q: sum(p) * truth.kl(p, q), TABLE, [[0.5, 0.5]] * 2),
        ),
        # Several
        "one distribution": Case(
            "kl.js_divergence_of(distributions)",
            {"distributions": Q},
            (
                (
                    "pass a table, one distribution in each row",
                    "[distributions, [0.25, 0.5, 0.25]]",
                ),
            ),
            truth.js(Q, [0.25, 0.5, 0.25]),
        ),
        "a batch in a list": Case(
            "kl.js_divergence_of(distributions)",
            {"distributions": [{"a": 0.5, "b": 0.5}, [[0.25, 0.75]]]},
            (("give them the same shape", "[distributions[0], distributions[1][0]]"),),
            truth.js(two, [0.25, 0.75]),
        ),
        "a weight too many": Case(
            "kl.js_divergence_of(p, weights)",
            {"p": [two, [0.25, 0.75]], "weights": [0.5, 0.25, 0.25]},
            (("one weight for each, shape (2,)", "[0.5, 0.5]"),),
            truth.js(two, [0.25, 0.75]),
        ),
        "an order below 0": Case(
            "kl.renyi_divergence(p, q, alpha)",
            {"p": two, "q": [0.25, 0.75], "alpha": -1},
            (("1 gives KL(p‖q)", "alpha = 1"),),
            truth.kl(two, [0.25, 0.75]),
        ),
        # All pairs
        "one row": Case(
            "kl.kl_matrix(p, q)",
            {"p": Q, "q": [[0.25, 0.5, 0.25]]},
            ("np.array([p])",),
            truth.kl(Q, [0.25, 0.5, 0.25]),
        ),
        "a batch of tables": Case(
            "kl.kl_matrix(p, q)",
            {"p": [[Q]], "q": [[0.25, 0.5, 0.25]]},
            (("pass shape (distributions, categories)", "p[0]"),),
            truth.kl(Q, [0.25, 0.5, 0.25]),
        ),
        "pairs of other widths": Case(
            "kl.kl_matrix(p, q)",
            {"p": [two], "q": [Q]},
            (("give both the same categories", "p = [[*p[0], 0]]"),),
            truth.kl([0.5, 0.5, 0], Q),
        ),
    }


def unreadable() -> dict[str, Case]:
    half = Fraction(1, 2)
    objects = np.empty(2, object)
    objects[:] = [[0.5, 0.5], [0.25, 0.75]]
    ml_dtypes = pytest.importorskip("ml_dtypes")
    masked = np.ma.array([0.5, 0.5, 0.2], mask=[False, False, True])
    fields = np.array([(0.2, 0.8)], [("a", float), ("b", float)])
    mixed = pd.DataFrame({"name": ["x"], "a": [0.2], "b": [0.8]})
    nested = {"a": {"x": 0.2, "y": 0.5}, "b": {"y": 0.5, "x": 0.8}}
    huge = [10**400, 3 * 10**400]
    probability_0 = "a category that cannot happen has probability 0"
    found = {
        "text": (
            "0.5 0.5",
            ("pass a sequence of numbers", "[float(x) for x in p.split()]"),
            [0.5, 0.5],
        ),
        "texts": (["0.25", "0.75"], "np.asarray(p, dtype=float)", [0.25, 0.75]),
        "words": (["0.5", "half"], ("pass numbers", "[0.5, 0.5]"), [0.5, 0.5]),
        "fractions": ([half, half], "np.asarray(p, dtype=float)", [0.5, 0.5]),
        "objects": (np.array([0.5, 0.5], object), "np.asarray(p, dtype=float)", [0.5, 0.5]),
        "None": ([0.5, 0.5, None], (probability_0, "[x or 0 for x in p]"), [0.5, 0.5, 0]),
        "a fraction in a dict": (
            {"a": half, "b": 0.5},
            ("float(p['a'])", "p['a'] = float(p['a'])"),
            [0.5, 0.5],
        ),
        "a set": ({"a": 0.5, "b": 0.5}.values(), ("pass a list of numbers", "list(p)"), [0.5, 0.5]),
        "integers beyond floats": (huge, "[x / sum(p) for x in p]", [0.25, 0.75]),
        "rows as lists": (objects, "np.stack(p)", [[0.5, 0.5], [0.25, 0.75]]),
        "a Series of lists": (pd.Series([[0.5, 0.5]]), "np.stack(p)", [[0.5, 0.5]]),
        "complex": ([0.5 + 0j, 0.5], "np.real(p)", [0.5, 0.5]),
        "dates": (
            np.array([["2026"] * 2], "M8[Y]"),
            ("pass numbers, as floats or integers", "[[0.5, 0.5]]"),
            [[0.5, 0.5]],
        ),
        "float8": (
            np.array([0.5, 0.5], ml_dtypes.float8_e4m3fn),
            "p.astype(np.float32)",
            [0.5, 0.5],
        ),
        "masked, filled": (masked, "p.filled(0)", [0.5, 0.5, 0]),
        "masked, dropped": (masked, "p.compressed()", [0.5, 0.5]),
        "masked rows": ([masked, masked], "np.ma.stack(p).filled(0)", [[0.5, 0.5, 0]] * 2),
        "named fields": (fields, "{field: p[field] for field in p.dtype.names}", [[0.2, 0.8]]),
        "a column of names": (mixed, "p.select_dtypes('number')", [[0.2, 0.8]]),
        "columns with other rows": (nested, "pd.DataFrame(p)", [[0.2, 0.8], [0.5, 0.5]]),
        "ragged": (
            [[0.5, 0.5], [1.0]],
            ("0 where it cannot happen", "[p[0], [*p[1], 0]]"),
            [[0.5, 0.5], [1, 0]],
        ),
        "ragged rows of objects": (
            pd.Series([[0.5, 0.5], [1.0]]),
            ("give every row the same categories", "[p[0], [*p[1], 0]]"),
            [[0.5, 0.5], [1, 0]],
        ),
        "unequal columns": (
            {"a": [0.5, 1], "b": [0.5]},
            ("give all of them the same", "p['b'] = [0.5, 0]"),
            [[0.5, 0.5], [1, 0]],
        ),
    }
    return {name: entropy_of(*case) for name, case in found.items()}


def of_other_libraries() -> dict[str, Case]:
    sparse = pytest.importorskip("scipy.sparse")
    xr = pytest.importorskip("xarray")
    pl = pytest.importorskip("polars")
    tf = pytest.importorskip("tensorflow")
    da = pytest.importorskip("dask.array")
    dataset = xr.Dataset({"a": ("row", [0.2, 0.5]), "b": ("row", [0.8, 0.5])})
    rows = [[0.2, 0.8], [0.5, 0.5]]
    array = xr.DataArray([0.5, 0.5], dims="animal")
    lazy = da.from_array(np.array(rows), chunks=1)
    counts = da.from_array(np.array([[2, 8], [5, 5]]), chunks=1)
    to_rows = "p.to_dataarray().transpose(..., 'variable')"
    ragged = tf.ragged.constant([[0.5, 0.5], [1.0]])
    expected = by_row(truth.kl, rows, [[0.25, 0.75]] * 2)
    return {
        "sparse": entropy_of(sparse.csr_matrix(rows), "p.toarray()", rows),
        "a Dataset": entropy_of(dataset, to_rows, rows),
        "lazy polars": entropy_of(
            pl.DataFrame({"a": [0.2], "b": [0.8]}).lazy(), "p.collect()", [rows[0]]
        ),
        "sparse of TensorFlow": entropy_of(
            tf.sparse.from_dense([[0.25, 0.75]]), "tf.sparse.to_dense(p)", [[0.25, 0.75]], tf=tf
        ),
        "ragged of TensorFlow": entropy_of(ragged, "p.to_tensor()", [[0.5, 0.5], [1, 0]]),
        "axes with other names": Case(
            KL,
            {"p": array, "q": xr.DataArray([0.25, 0.75], dims="beast")},
            (("np.asarray(q)", "q = np.asarray(q)"),),
            truth.kl([0.5, 0.5], [0.25, 0.75]),
        ),
        "rows of xarray": Case(
            KL,
            {
                "p": xr.DataArray(rows, {"day": ["mon", "tue"]}, ["day", "sky"]),
                "q": xr.DataArray(
                    [*rows, [0.1, 0.9]], {"day": ["tue", "mon", "wed"]}, ["day", "sky"]
                ),
            },
            (("give both the same rows", "q = q.sel(day=p.day)"),),
            truth.kl(rows[0], rows[1]) + truth.kl(rows[1], rows[0]),
        ),
        "axes renamed": Case(
            KL,
            {"p": array, "q": xr.DataArray([0.25, 0.75], dims="beast")},
            (("rename them", "q = q.rename(beast='animal')"),),
            truth.kl([0.5, 0.5], [0.25, 0.75]),
        ),
        "rows that dask has not counted": Case(
            "kl.kl_divergence(p, q).compute()",
            {"p": lazy[lazy[:, 0] > 0], "q": [0.25, 0.75]},
            ("p.compute_chunk_sizes()",),
            expected,
        ),
        "counts in a chunk": Case(
            "kl.kl_divergence(p, q).compute()",
            {"p": counts, "q": [0.25, 0.75]},
            (NORMALIZE,),
            expected,
        ),
    }


def labelled() -> dict[str, Case]:
    p, q = {"a": 0.5, "b": 0.5}, {"c": 0.25, "b": 0.25, "a": 0.5}
    right = truth.kl([0.5, 0.5, 0], [0.5, 0.25, 0.25])
    align = "p, q = kl_lib.align(p, q)"
    frames = {"p": pd.DataFrame([p]), "q": pd.DataFrame([q])}
    tables = {
        name: Table(np.array([list(row.values())]), (None, list(row)))
        for name, row in (("p", p), ("q", q))
    }
    columns = {name: {label: [x] for label, x in row.items()} for name, row in (("p", p), ("q", q))}
    lists = {"p": {"a": [0.5, 0.2], "b": [0.5, 0.8]}, "q": {"x": [0.25, 0.2], "y": [0.75, 0.8]}}
    days = pd.DataFrame([[0.2, 0.8], [0.5, 0.5]], ["mon", "tue"], ["sun", "rain"])
    other = pd.DataFrame([[0.25, 0.75], [0.1, 0.9]], ["tue", "wed"], ["sun", "rain"])
    on_tuesday = truth.kl([0.5, 0.5], [0.25, 0.75])
    logits = {
        "logits_p": pd.Series({"a": 1.0, "b": 0.0}),
        "logits_q": pd.Series({"b": 1, "a": 0, "c": 2}),
    }
    masked = truth.kl([*softmax([1, 0]), 0], softmax([0, 1, 2]))
    twice = {
        "p": pd.Series([0.5, 0.2, 0.3], list("aab")),
        "q": pd.Series([0.5, 0.3, 0.2], list("aba")),
    }
    by_position = by_row(truth.kl, [[0.5, 0.5], [0.2, 0.8]], [[0.25, 0.75], [0.2, 0.8]])
    found = {
        f"align {kind}": Case(call, pair, (align,), right)
        for kind, pair in (
            ("dicts", {"p": p, "q": q}),
            ("frames", frames),
            ("tables", tables),
            ("columns", columns),
        )
        for call in (KL, "kl.kl_terms(p, q)", *(MATRIX if kind != "dicts" else ()))
    }
    return found | {
        "align along the first axis": Case(
            "kl.kl_divergence(p, q, axis=0)",
            {name: frame.T for name, frame in frames.items()},
            ("p, q = kl_lib.align(p, q, axis=-2)",),
            right,
        ),
        "align logits": Case(
            "kl.kl_from_logits(logits_p, logits_q)",
            logits,
            ("logits_p, logits_q = kl_lib.align(logits_p, logits_q, fill_value=-np.inf)",),
            masked,
        ),
        "labels dropped from a dict": Case(
            KL,
            {"p": p, "q": {"x": 0.25, "y": 0.75}},
            (("list(p.values())", "p = list(p.values())"),),
            truth.kl([0.5, 0.5], [0.25, 0.75]),
        ),
        "labels dropped from columns": Case(
            KL,
            lists,
            (("np.stack(list(p.values()), axis=-1)", "p = np.stack(list(p.values()), axis=-1)"),),
            by_position,
        ),
        "labels dropped from a Series": Case(
            KL,
            {"p": pd.Series([0.5, 0.5]), "q": pd.Series({"x": 0.25, "y": 0.75})},
            (("np.asarray(p)", "p = np.asarray(p)"),),
            truth.kl([0.5, 0.5], [0.25, 0.75]),
        ),
        "other labels, another number of them": Case(
            KL,
            {"p": p, "q": {"x": 0.25, "y": 0.25, "z": 0.5}},
            (("give both the same labels", "q = {'b': 0.25, 'a': 0.75}"),),
            truth.kl([0.5, 0.5], [0.75, 0.25]),
        ),
        "rows of both": Case(
            KL,
            {"p": days, "q": other},
            (
                (
                    "p.loc[rows] and q.loc[rows] with rows = p.index.intersection(q.index)",
                    "rows = p.index.intersection(q.index); p, q = p.loc[rows], q.loc[rows]",
                ),
            ),
            on_tuesday,
        ),
        "rows of both, in columns": Case(
            "kl.kl_divergence(p, q, axis=0)",
            {"p": days.T, "q": other.T},
            (
                (
                    "p.loc[:, rows] and q.loc[:, rows] with rows = p.columns.intersection(",
                    "rows = p.columns.intersection(q.columns); "
                    "p, q = p.loc[:, rows], q.loc[:, rows]",
                ),
            ),
            on_tuesday,
        ),
        "a label twice": Case(
            KL,
            twice,
            (
                (
                    "give each category one label",
                    "p, q = (x.groupby(level=0).sum() for x in (p, q))",
                ),
            ),
            truth.kl([0.7, 0.3], [0.7, 0.3]),
        ),
        "a label twice, dropped": Case(
            KL,
            twice,
            (("np.asarray(p)", "p = np.asarray(p)"),),
            truth.kl([0.5, 0.2, 0.3], [0.5, 0.3, 0.2]),
        ),
        "nothing to align by": Case(
            "kl.kl_divergence(*kl.align(p, q))",
            {"p": [0.5, 0.5], "q": q},
            (("pass a dict", "dict(zip('ab', p))"),),
            right,
        ),
        "align on an axis without labels": Case(
            "kl.kl_divergence(*kl.align(p, q, axis=0))",
            {"p": Table(np.array([[0.5, 0.5]]), (None, ["a", "b"])), "q": tables["q"]},
            (("pass the axis that holds the categories", "axis=-1"),),
            right,
        ),
        "align a label twice": Case(
            "kl.kl_divergence(*kl.align(p, q))",
            {"p": pd.Series([0.25, 0.25, 0.5], list("aab")), "q": pd.Series(q)},
            (("add up what belongs together", "p.groupby(level=0).sum()"),),
            right,
        ),
    }


def loose() -> dict[str, Case]:
    return {**shapes(), **more(), **unreadable(), **of_other_libraries(), **labelled()}


CASES = loose()
SINGLES = {
    f"{name}, {kind.__name__}": case
    for kind in (list, np.array)
    for name, case in one_at_fault(kind).items()
}


@cache
def played(name: str) -> list[Any]:
    """Follow the case, once: what dask counts, stays counted."""
    case, names = {**CASES, **SINGLES}[name], {}
    if adapter := re.match(r"(scipy|keras|tfp|mxnet)\.", case.call):
        module = import_module(f"kl_lib.frameworks.{adapter[1]}")
        if not module.available():
            pytest.skip(f"{adapter[1]} is not installed")
        names[adapter[1]] = module
    result, errors = follow(
        Case(case.call, dict(case.arguments), case.steps, case.right, names={**case.names, **names})
    )
    number = total(result)
    assert math.isfinite(number)
    assert number == pytest.approx(float(case.right), rel=case.rel, abs=1e-5 if names else 1e-14)
    return errors


@pytest.mark.parametrize("name", CASES)
def test_a_remedy_followed_gives_the_right_number(name):
    played(name)


@pytest.mark.parametrize("name", SINGLES)
def test_a_remedy_for_one_argument_of_any_function_gives_the_right_number(name):
    played(name)


# Every message on the page of errors


#: Messages after which no code can be given, by what they say, with the reason.
NOTHING_TO_FOLLOW = {
    "has no categories": "there is no data: the filter that left nothing is to be found",
    "pass the values of all categories": "a single number does not tell the others",
    "cannot be read as an array": "the object is at fault, not its use: see what it says",
}


def normalised(error: Any) -> str:
    """A message without names, numbers and what stands in quotes."""
    text = str(error)
    for name in sorted(re.split(r" and |\[.*", error.argument), key=len, reverse=True):
        if name:
            text = re.sub(rf"\b{re.escape(name)}\b", "_", text)
    text = re.sub(r"^in the chunk that begins at row [\d()., ]+: ", "chunk ", text)
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "'", text)
    text = re.sub(r"\([^()]*\)", "()", re.sub(r"\([^()]*\)", "()", text))
    text = re.sub(r"^(row \d+ of _|_\[[^\]]*\])", "_", text)
    return re.sub(r"-?\b(?:\d[\d.e+-]*|inf|nan)\b", "0", text)


def remedy_of(error: Any) -> str:
    """What a message says to do, which is its last part."""
    return normalised(error).partition("; ")[2] or normalised(error)


def on_the_page() -> list[Any]:
    errors, names = [], {}
    for kind, text in blocks():
        error = run(text, names) if kind == "python" else None
        if error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            if Path(frames[-1].filename).name in FILES:
                errors.append(error)
    return errors


def unfollowed(cases: set[str]) -> set[str]:
    """The remedies on the page that no case follows."""
    followed = {remedy_of(error) for name in cases for error in played(name)}
    return {
        remedy_of(error)
        for error in on_the_page()
        if remedy_of(error) not in followed and not any(x in str(error) for x in NOTHING_TO_FOLLOW)
    }


def of_kl_lib() -> set[str]:
    return {name for name, case in {**CASES, **SINGLES}.items() if case.call.startswith("kl.")}


def test_every_remedy_on_the_page_of_errors_is_followed():
    assert unfollowed(of_kl_lib()) == set()


@pytest.mark.parametrize("name", ["sparse", "rows of both", "an axis too far", "complex"])
def test_a_case_that_is_deleted_is_missed(name):
    assert len(unfollowed(of_kl_lib() - {name})) == 1


def test_what_is_not_followed_is_on_the_page():
    messages = [str(error) for error in on_the_page()]
    for text, reason in NOTHING_TO_FOLLOW.items():
        assert any(text in message for message in messages), text
        assert len(reason.split()) > 5
