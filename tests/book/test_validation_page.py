"""The page of validation says what nbval last found, of the notebooks as they are."""

from __future__ import annotations

import copy
import json
import re

import nbformat
import pytest
import validate
from building import REPOSITORY
from execute import FOLDER, find_sources
from thorough import first_of

NOTEBOOK = FOLDER / "01_entropy.ipynb"


@pytest.fixture(scope="module")
def stored() -> validate.Record:
    return json.loads(validate.RECORD.read_text("utf-8"))


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_every_notebook_was_checked_as_it_is(stored):
    sources = find_sources([], FOLDER)
    changed = [source.stem for source in validate.stale(stored, sources)]
    assert not changed, f"run make validate: {', '.join(changed)} changed since they were checked"
    assert set(stored["notebooks"]) == {source.stem for source in sources}


def test_the_versions_are_those_of_the_lock_file(stored):
    lock = (REPOSITORY / "requirements.lock").read_text("utf-8")
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))
    versions = stored["machine"]["versions"]
    assert versions == {name: locked[name] for name in validate.PACKAGES}


def test_the_page_is_the_record(stored):
    text = validate.PAGE.read_text("utf-8")
    assert validate.filled(text, stored) == text
    assert set(re.findall(r"^% from the record: (\w+)$", text, re.MULTILINE)) == set(validate.PARTS)


def test_a_record_that_changes_changes_the_page(stored):
    changed = copy.deepcopy(stored)
    changed["notebooks"]["01_entropy"]["numbers"] += 1
    text = validate.PAGE.read_text("utf-8")
    assert validate.filled(text, changed) != text


def changed_digit(notebook):
    output = next(
        o for c in notebook.cells if c.cell_type == "code" for o in c.outputs if "text" in o
    )
    output.text = re.sub(r"\d", lambda digit: str(9 - int(digit.group())), output.text, count=1)


def changed_code(notebook):
    next(cell for cell in notebook.cells if cell.cell_type == "code").source += "\n"


def changed_tag(notebook):
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.metadata["tags"] = ["nbval-ignore-output"]


@pytest.mark.parametrize("change", [changed_digit, changed_code, changed_tag])
def test_a_change_is_noticed(notebook, change):
    before = validate.fingerprint(notebook)
    change(notebook)
    assert validate.fingerprint(notebook) != before


def test_a_sentence_may_change(notebook):
    before = validate.fingerprint(notebook)
    next(cell for cell in notebook.cells if cell.cell_type == "markdown").source += " More."
    assert validate.fingerprint(notebook) == before


def test_what_is_counted(notebook):
    """Counted by hand, cell by cell, on a notebook of three outputs."""
    output = nbformat.v4.new_output
    cells = [
        nbformat.v4.new_code_cell("1", outputs=[output("stream", text="KL 0.5 of 2.25, 3 rows")]),
        nbformat.v4.new_code_cell(
            "2", outputs=[output("display_data", {"image/png": "", "text/plain": "<Figure>"})]
        ),
        nbformat.v4.new_code_cell("3"),
        nbformat.v4.new_markdown_cell("0.5"),
    ]
    counted = validate.counted(nbformat.v4.new_notebook(cells=cells), "none")
    assert counted == {"cells": 3, "outputs": 2, "figures": 1, "numbers": 2, "exceptions": 0}


def skipped_cell(notebook):
    *_, cell = (cell for cell in notebook.cells if cell.cell_type == "code")
    cell.metadata["tags"] = ["nbval-skip"]


@pytest.mark.parametrize("fault", first_of([changed_digit, skipped_cell, None]))
def test_only_what_passes_is_recorded(notebook, fault, tmp_path, monkeypatch):
    """The first cells of a chapter, as they are, with a wrong digit, with one that is not run."""
    del notebook.cells[12:]
    if fault:
        fault(notebook)
    path = FOLDER / f"tmp_{tmp_path.name}.ipynb"  # beside conftest.py, whose rules hold
    nbformat.write(notebook, path)
    try:
        found = validate.validated(path.with_suffix(".md"))
    finally:
        path.unlink()
    if fault is skipped_cell:
        assert re.fullmatch(r"not recorded: (\d+) of \d+ cells were checked", found)
    elif fault:
        assert isinstance(found, str)
        assert "number differs" in found or "text differs" in found
    else:
        assert found["cells"] == sum(cell.cell_type == "code" for cell in notebook.cells)
