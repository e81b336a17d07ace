"""The page with one report for each kind of failure: each is what `kl_lib.diagnose` prints."""

from __future__ import annotations

import re
from typing import Any

import building
import pytest
from compare import text_difference

import kl_lib as kl
from kl_lib import frameworks
from kl_lib.diagnosis import Note, Problem, Remedy, Report

PAGE = (building.REPOSITORY / "book" / "diagnoses.md").read_text("utf-8")
LINES = r"((?:(?!```).*\n)*)"
SECTION = re.compile(
    rf"^###? (.*)\n\n```python\n{LINES}```\n\n```\{{code-block\}} text\n{LINES}```$", re.M
)
SECTIONS = {title: (code, shown) for title, code, shown in SECTION.findall(PAGE)}
IMPORTS = re.search(r"^```python\n((?:import .*\n)+)```$", PAGE, re.M)[1]


def report(title: str) -> Report:
    """What the code of a section prints; skipped, by name, without a library that it asks."""
    code, _ = SECTIONS[title]
    for library in re.findall(r'"(\w+)"', "".join(re.findall(r"libraries=\((.*?)\)\)", code))):
        if library != "numpy" and not getattr(frameworks, library).available():
            pytest.skip(f"{library} is not installed")
    if "pd." in code:
        pytest.importorskip("pandas")
    printed: list[Any] = []
    names: dict[str, Any] = {"print": printed.append}
    exec(IMPORTS + code, names)
    [only] = printed
    return only


def without_versions(text: str) -> str:
    return re.sub(r"^(  [a-z].*?)\d+\.\d+\.\d+(?: on tensorflow .*)?$", r"\1", text, flags=re.M)


@pytest.mark.parametrize("title", SECTIONS)
def test_a_report_on_the_page_is_the_one_printed(title):
    shown, found = SECTIONS[title][1].rstrip("\n"), str(report(title))
    assert text_difference(without_versions(shown), without_versions(found)) is None


def test_every_block_of_code_has_its_report():
    assert len(SECTIONS) == PAGE.count("```python\n") - 1 == PAGE.count("```{code-block} text\n")
    assert len(SECTIONS) > 20


def kinds(documented: type) -> set[str]:
    """The words for programs that a part of the report may hold, from its description."""
    text = documented.__doc__.split("message\n")[0]
    return set(re.findall(r'``"([^"]+)"``', text)) - {"p", "q", "p and q"}


def test_every_kind_of_failure_and_of_remedy_is_on_the_page():
    reports = [report(title) for title in SECTIONS]
    assert {r.status for r in reports} == {"fine", "infinite", "invalid"}
    for part, documented in (("problems", Problem), ("notes", Note), ("remedies", Remedy)):
        found = {item.kind for r in reports for item in getattr(r, part)}
        # "base" and "axis" are also the names of arguments.
        assert found == kinds(documented), part


def test_what_other_libraries_do_is_on_the_page():
    reasons = {
        reason.kind for title in SECTIONS for a in report(title).answers for reason in a.reasons
    }
    assert reasons >= {
        "clip", "divide", "masses", "nan for p = 0", "inf for negative", "quotient", "log q",
        "swap", "axis 0", "batch mean", "sum", "rounding", "negative", "logarithms", "nan",
        "infinite", "labels", "undecided",
    }  # fmt: skip
    assert "unexplained" not in reasons


def test_the_words_for_programs_are_found():
    assert kinds(Note) == {"equal", "cancellation", "precision", "sum"}
    assert kl.diagnose.__module__.startswith("kl_lib.diagnosis")
