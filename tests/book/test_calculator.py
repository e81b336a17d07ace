"""The calculator of the book says what `kl_lib.diagnose` says, on pairs of every kind.

The reports of kl_lib are made here and now, with the libraries that are installed; those of the
page come out of a real browser, in one call. PyTorch's answers are recorded ones where it is not
installed. What a reader does on the page is tested in test_calculator_page.py.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import calculator_pairs
import numpy as np
import pytest
from browser import opened_browser
from building import REPOSITORY
from calculator_compare import differences, shown_otherwise
from calculator_torch import RECORD, Recorded
from playwright.sync_api import Page

from kl_lib import diagnose, frameworks
from kl_lib.diagnosis import LIBRARIES, Problem, Remedy

PAIRS = {name: pair for name, *pair in calculator_pairs.pairs()}
PAGE = (REPOSITORY / "book" / "calculator.md").read_text("utf-8")
SCRIPTS = re.findall(r'<script defer src="\.\./(_static/\S+)"', PAGE)

#: What the page makes of pairs; JSON has no infinity, and no nan.
ASK = """([pairs, asked]) => {
    const plain = (value) => {
        if (typeof value === "number" && !Number.isFinite(value)) {
            return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }
        if (Array.isArray(value)) return value.map(plain);
        if (value === null || typeof value !== "object") return value;
        return Object.fromEntries(Object.entries(value).map(([key, x]) => [key, plain(x)]));
    };
    return pairs.map(({ p, q, options }) => {
        const given = [p, q].map(klCalculator.parse);
        const report = klCalculator.diagnose(...given, { ...options, asked });
        return { report: plain(report), shown: klCalculator.blocks(report) };
    });
}"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page with the scripts of the calculator, and no element for it to fill."""
    with opened_browser() as browser:
        page = browser.new_page()
        for script in SCRIPTS:
            page.add_script_tag(path=REPOSITORY / "book" / script)
        yield page


def asked() -> list[str]:
    """The libraries that can be asked here; PyTorch always, from the record."""
    return [
        name
        for name in LIBRARIES
        if name in ("numpy", "torch") or getattr(frameworks, name).available()
    ]


@pytest.fixture(scope="module")
def found(page) -> dict[str, dict]:
    """What the page says of every pair."""
    cases = []
    for p, q, options in PAIRS.values():
        base = options.get("base")
        settings = options | {"base": None if base is None else {"x": base, "text": repr(base)}}
        texts = (calculator_pairs.as_text(x) for x in (p, q))
        cases.append(dict(zip(("p", "q"), texts, strict=True)) | {"options": settings})
    return dict(zip(PAIRS, page.evaluate(ASK, [cases, asked()]), strict=True))


@pytest.fixture(scope="module")
def reports() -> dict[str, dict]:
    """What kl_lib says of every pair."""
    installed = frameworks.torch.available()
    record = Recorded(json.loads(RECORD.read_text("utf-8")))
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        if not installed:
            patch.setattr(frameworks, "torch", record)
        for name, (p, q, options) in PAIRS.items():
            record.begin(name)
            pair = map(calculator_pairs.as_python, (p, q))
            made[name] = diagnose(*pair, libraries=asked(), **options).to_dict()
    return made


def test_every_word_and_every_number_is_that_of_diagnose(reports, found):
    told = []
    for name, (p, q, _) in PAIRS.items():
        pair = map(calculator_pairs.as_python, (p, q))
        unlike = [*differences(reports[name], found[name]["report"], *pair)]
        told += [(name, *one) for one in unlike]
    assert told == []


def test_a_report_is_worded_as_kl_lib_words_it(found):
    told = {name: shown_otherwise(x["report"], x["shown"]) for name, x in found.items()}
    assert {name: unlike for name, unlike in told.items() if unlike} == {}


def documented(kind: type) -> set[str]:
    """The words for programs that a part of the report may hold, from its description."""
    text = kind.__doc__.split("message\n")[0]
    return set(re.findall(r'``"([^"]+)"``', text)) - {"p", "q", "p and q"}


def test_there_are_pairs_of_every_class(reports):
    assert len(reports) >= 200
    statuses = [report["status"] for report in reports.values()]
    assert min(map(statuses.count, ("fine", "infinite", "invalid"))) > 10
    problems = {x["kind"] for report in reports.values() for x in report["problems"]}
    assert problems == documented(Problem)
    remedies = {x["kind"] for report in reports.values() for x in report["remedies"]}
    assert remedies == documented(Remedy)
    notes = {x["kind"] for report in reports.values() for x in report["notes"]}
    assert notes == {"equal", "cancellation", "precision", "sum"}


def test_the_answers_of_libraries_are_explained_in_every_way(reports):
    answers = [answer for report in reports.values() for answer in report["answers"]]
    kinds = {reason["kind"] for answer in answers for reason in answer["reasons"]}
    common = {"divide", "quotient", "nan for p = 0", "inf for negative", "masses", "axis 0", "swap",
              "log q", "log p", "mean of all", "sum of all", "batchmean", "clamp", "rounding",
              "sum", "undecided", "inf - inf", "nan for p = q = 0", "labels", "shape", "empty",
              "negative", "logarithms", "nan", "infinite"}  # fmt: skip
    assert common <= kinds
    of_others = {"keras": {"clip", "last axis", "batch mean"}, "tfp": {"float32"},
                 "mxnet": {"float32 label", "other axes"}}  # fmt: skip
    for name, some in of_others.items():
        if name in asked():
            assert some <= kinds


@pytest.mark.parametrize("name", [name for name in LIBRARIES if name in asked()])
def test_the_versions_that_are_shown_are_those_that_were_asked(page, name):
    shown = page.evaluate("name => klCalculator.libraries.VERSIONS[name]", name)
    [answer, *_] = diagnose([1.0], [1.0], libraries=(name,)).answers
    version = answer.version or json.loads(RECORD.read_text("utf-8"))["version"]
    assert shown == version.partition("+")[0]


# The comparison can fail


def spoiled(report: dict) -> Iterator[tuple[str, dict]]:
    """A report with one thing changed in it, for each kind of thing."""

    def change(what: str, edit: Any) -> tuple[str, dict]:
        other = copy.deepcopy(report)
        edit(other)
        return what, other

    if report["measures"]:
        yield change("a number", lambda x: x["measures"][0].update(
            nats=float(x["measures"][0]["nats"]) * (1 + 1e-11)))  # fmt: skip
        yield change("a term", lambda x: x["terms"][0].update(term=x["terms"][0]["term"] + 1e-11))
    yield change("the verdict", lambda x: x.update(verdict=x["verdict"].replace("KL", "Kl")))
    for key in ("problems", "remedies", "notes"):
        if report[key]:
            yield change(key, lambda x, key=key: x[key][0].update(message="else"))
            yield change(f"one of the {key}", lambda x, key=key: x[key].pop())
    yield change("an answer", lambda x: x["answers"][0].update(
        values=[1e-3 + float(y) if y not in ("nan", "inf", "-inf") else 0.0
                for y in x["answers"][0]["values"]]))  # fmt: skip
    explained = [i for i, answer in enumerate(report["answers"]) if answer["reasons"]]
    if explained:
        yield change(
            "a reason",
            lambda x: x["answers"][explained[0]]["reasons"][0].update(message="because"),
        )
    yield change("an argument", lambda x: x["arguments"][0].update(zeros=77))


@pytest.mark.parametrize("name", ["fine", "counts", "nan", "near equal, 1e-07", "batch 1"])
def test_whatever_is_changed_in_a_report_is_found(reports, name):
    p, q, _ = PAIRS[name]
    pair = [calculator_pairs.as_python(x) for x in (p, q)]
    assert [*differences(reports[name], reports[name], *pair)] == []
    changed = dict(spoiled(reports[name]))
    assert len(changed) >= 4
    unseen = [
        what for what, other in changed.items() if not [*differences(reports[name], other, *pair)]
    ]
    assert unseen == []


# What can be pasted

LISTS = {
    "0.2 0.5 0.3": [0.2, 0.5, 0.3],
    "  0.2,0.5 , 0.3\n": [0.2, 0.5, 0.3],
    "0.2; 0.5; 0.3": [0.2, 0.5, 0.3],
    "0.2\t0.5\t0.3": [0.2, 0.5, 0.3],
    "0.2\n0.5\n0.3": [0.2, 0.5, 0.3],
    "0.2,\n0.5,\n0.3,": [0.2, 0.5, 0.3],
    "0.2 0.8\n0.3 0.7": [[0.2, 0.8], [0.3, 0.7]],
    "0.2,0.8\r\n0.3,0.7\r\n": [[0.2, 0.8], [0.3, 0.7]],
    "0.2 0.8\n\n0.3 0.7\n": [[0.2, 0.8], [0.3, 0.7]],
    "[0.2, 0.8]": [0.2, 0.8],
    "(0.2, 0.8)": [0.2, 0.8],
    "[[0.2, 0.8], [0.3, 0.7]]": [[0.2, 0.8], [0.3, 0.7]],
    "[[0.2, 0.8],\n [0.3, 0.7],\n]": [[0.2, 0.8], [0.3, 0.7]],
    "p = [0.2, 0.8]": [0.2, 0.8],
    "p = np.array([0.2, 0.8])": [0.2, 0.8],
    "array([0.2, 0.8], dtype=float32)": [0.2, 0.8],
    "array([[0.2, 0.8],\n       [0.3, 0.7]])": [[0.2, 0.8], [0.3, 0.7]],
    "[0.2 0.8]": [0.2, 0.8],
    "[[0.2 0.8]\n [0.3 0.7]]": [[0.2, 0.8], [0.3, 0.7]],
    "[1. 0.]": [1.0, 0.0],
    "tensor([0.2000, 0.8000], dtype=torch.float64)": [0.2, 0.8],
    "tensor([[0.2, 0.8]], device='cuda:0', grad_fn=<SoftmaxBackward0>)": [[0.2, 0.8]],
    "tf.Tensor([0.2 0.8], shape=(2,), dtype=float32)": [0.2, 0.8],
    "[np.float64(0.2), np.float64(0.8)]": [0.2, 0.8],
    "[1e-7, 2.5E+3, -.5, +3., 1_000]": [1e-7, 2500.0, -0.5, 3.0, 1000],
    "[nan, NaN, inf, -inf, Infinity, np.nan, float('nan')]": [
        *[float("nan")] * 2, *[float("inf"), -float("inf"), float("inf")], *[float("nan")] * 2
    ],
    "nan 0.5": [float("nan"), 0.5],
    "true, false": [1.0, 0.0],
    "[True, False]": [1.0, 0.0],
    "−0.5 0.5": [-0.5, 0.5],
    "[0.2, 0.8]  # the target": [0.2, 0.8],
    "[0.2, 0.8];": [0.2, 0.8],
    "\ufeff0.2,0.8": [0.2, 0.8],
    "[]": [],
    "[[], []]": [[], []],
    "5e-324 1": [5e-324, 1.0],
    "[9007199254740993]": [9007199254740992.0],
}  # fmt: skip

#: Text with names, and the labels and numbers in it.
LABELLED = {
    '{"cat": 0.5, "dog": 0.5}': ([["cat", "dog"]], [0.5, 0.5]),
    "{'cat': 12, 'dog': 7,}": ([["cat", "dog"]], [12, 7]),
    "{0: 0.5, 1: 0.5}": ([[0, 1]], [0.5, 0.5]),
    '{"a": [0.2, 0.3], "b": [0.8, 0.7]}': ([None, ["a", "b"]], [[0.2, 0.8], [0.3, 0.7]]),
    "cat 12\ndog 7": ([["cat", "dog"]], [12, 7]),
    "cat,12\ndog,7": ([["cat", "dog"]], [12, 7]),
    "cat    12\ndog     7\nName: count, dtype: int64": ([["cat", "dog"]], [12, 7]),
    "animal\ncat    12\ndog     7\nName: count, dtype: int64": ([["cat", "dog"]], [12, 7]),
    "x y\na b    2\nc, d   1\nName: count, dtype: int64": ([["a b", "c, d"]], [2, 1]),
    "k\n3    2\n1    1\nName: count, dtype: int64": ([["3", "1"]], [2, 1]),
    "0    0.2\n1    0.8\ndtype: float64": ([["0", "1"]], [0.2, 0.8]),
    ",count\ncat,12\ndog,7": ([["cat", "dog"]], [12, 7]),
    "cat,dog\n0.2,0.8": ([["cat", "dog"]], [0.2, 0.8]),
    "cat,dog\n0.2,0.8\n0.3,0.7": ([None, ["cat", "dog"]], [[0.2, 0.8], [0.3, 0.7]]),
    '"a, b",c\n0.2,0.8': ([["a, b", "c"]], [0.2, 0.8]),
    ",cat,dog\nx,0.2,0.8\ny,0.3,0.7": ([["x", "y"], ["cat", "dog"]], [[0.2, 0.8], [0.3, 0.7]]),
    ",0,1\n0,0.2,0.8\n1,0.3,0.7": ([["0", "1"], ["0", "1"]], [[0.2, 0.8], [0.3, 0.7]]),
}  # fmt: skip

#: Text that holds no numbers, and what is said of it.
BAD = {
    "": "nothing is pasted here; paste numbers, such as 0.2 0.5 0.3",
    " \n ": "nothing is pasted here; paste numbers, such as 0.2 0.5 0.3",
    "0.2 abc 0.3": "number 2: 'abc' is not a number",
    "animal\ncat    x\nName: count, dtype: int64": "line 2: 'x' is not a number",
    "cat\nName: count, dtype: int64": "line 1: 'cat' is not a number",
    "0.1 0.2 0.7\n0.3 0.3 abc": "row 2, column 3: 'abc' is not a number",
    "0.1,0.2,0.7\n0.3,,0.4": "row 2, column 2: empty; write a number, 0 where a category cannot "
    "happen",
    "[0.2, abc]": "number 2: 'abc' is not a number",
    "[[0.1, 0.2, 0.7], [0.3, 0.3, abc]]": "row 2, column 3: 'abc' is not a number",
    "[0.2, 'half']": "number 2: 'half' is not a number",
    "[[[0.2, x]]]": "number [0, 0, 1]: 'x' is not a number",
    '{"cat": dog}': "'cat': 'dog' is not a number",
    '{"cat": [0.2, dog]}': "'cat', number 2: 'dog' is not a number",
    "[0.2, 0.8": "line 1: '[' is never closed",
    "[[0.2, 0.8],\n [0.3, 0.7]": "line 2: '[' is never closed",
    "[0.2, 0.8)": "line 1: ')' closes what '[' opened",
    "[0.2,, 0.8]": "number 2: nothing between two commas",
    "[0.2, 0.8] [0.3, 0.7]": "line 1: '[' comes after the end; paste one array into each box",
    "[0.2, ..., 0.8]": "line 1: '...' stands for numbers that were left out; print them all with "
    "print(p.tolist())",
    "0,2 0,8": "number 2: '2 0' is not a number",  # decimal commas
    "cat,dog\n0.2,0.3,0.5": "2 names and 3 numbers in a line; give every column one name",
    ",a,b\nx,0.2,0.8\ny,0.3": "line 3 has 1 number, line 2 has 2; give every line one for each "
    "category",
    "[{'a': 1}]": "an object in a list; paste numbers in lists",
    '{"a": {"b": 1}}': "an object in an object; give each category a number or a list",
    '{"a" 1}': "line 1: '1' where ':' should be",
    "{a: 0.5}": "'a' stands where a label should; write labels in quotes",
    "['half": "line 1: \"'half\" begins a text that never ends",
    "hello": "number 1: 'hello' is not a number",
}  # fmt: skip

READ = """text => {
    const given = klCalculator.parse(text);
    const { array } = klCalculator.inputs.read(given, "p");
    const numbers = Array.from(array.data, String);
    return { shape: array.shape, numbers, labels: klCalculator.reading.labelsOf(given) };
}"""
REFUSED = """text => {
    try { klCalculator.parse(text); } catch (error) {
        return error instanceof klCalculator.ParseError ? error.message : `not caught: ${error}`;
    }
    return null;
}"""


def numbers(texts: list[str]) -> list[float]:
    return [float(x.replace("Infinity", "inf")) for x in texts]


@pytest.mark.parametrize("text", LISTS)
def test_numbers_are_read_however_they_are_written(page, text):
    expected = np.asarray(LISTS[text], dtype=float)
    read = page.evaluate(READ, text)
    assert tuple(read["shape"]) == expected.shape
    np.testing.assert_array_equal(numbers(read["numbers"]), expected.ravel())
    assert read["labels"] is None


@pytest.mark.parametrize("text", LABELLED)
def test_names_are_read_with_the_numbers(page, text):
    labels, values = LABELLED[text]
    read = page.evaluate(READ, text)
    assert read["labels"] == labels
    assert tuple(read["shape"]) == np.shape(values)
    assert numbers(read["numbers"]) == np.ravel(values).tolist()


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_number_is_refused_with_its_place(page, text):
    assert page.evaluate(REFUSED, text) == BAD[text]
