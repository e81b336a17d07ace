"""The validation of the notebooks finds what it is there to find.

A small notebook is executed and stored as the chapters are. Then cells of stored copies are made
wrong; nbval runs over them with this repository's settings and must name these cells, no others.
"""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat
import pytest
from building import REPOSITORY
from compare import text_difference
from execute import main as execute

NOTEBOOKS = REPOSITORY / "notebooks"
HEAD = """\
---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A small notebook

"""
IMPORTS = """
import os
import sys
import warnings
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
p, q = np.array([0.2, 0.5, 0.2, 0.1]), np.array([0.3, 0.4, 0.1, 0.2])
"""
NUMBER = """
print(f"KL is {np.sum(p * np.log(p / q)):.10f} nats over {len(p)} categories")
"""
TABLE = """
pd.DataFrame({"library": ["scipy", "keras"], "nats": [0.0997934721, np.inf]})
"""
FIGURE = """
x = np.linspace(0, 1, 101)
_ = plt.figure(figsize=(4, 3))
shift = 0
_ = plt.plot(x, -np.log(x + 0.1) + shift)
plt.show()
"""
LOG = """
os.write(2, b"a log line of a C++ library, past Python\\n");
"""
LENGTH = """
len(p)
"""


def copy_tools(folder: Path) -> None:
    for path in [*NOTEBOOKS.glob("*.py"), NOTEBOOKS / "sanitize.cfg", REPOSITORY / "jupytext.toml"]:
        shutil.copy(path, folder)


def run_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    foreign = ("PYTEST_", "THOROUGH")
    own = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )


def validate(folder: Path, what: str = ".") -> subprocess.CompletedProcess[str]:
    options = ["--nbval", "--nbval-current-env", "-qrfs", "-p", "no:cacheprovider", "--color=no"]
    # An empty configuration: this folder must not take up the settings of a folder above it.
    (folder / "pytest.ini").write_text("[pytest]\n")
    return run_python(folder, "-m", "pytest", *options, "-c", "pytest.ini", what)


def wrong_digit(cell):
    assert "0.0997934721" in cell.outputs[0].text
    cell.outputs[0].text = cell.outputs[0].text.replace("0.0997934721", "0.0997944721")


def wrong_whole_number(cell):
    cell.outputs[0].text = cell.outputs[0].text.replace("over 4", "over 5")


def wrong_word(cell):
    cell.outputs[0].text = cell.outputs[0].text.replace("nats", "bits")


def missing_output(cell):
    cell.outputs = []


def wrong_number_in_table(cell):
    data = cell.outputs[0].data
    assert "0.099793" in data["text/html"]
    data["text/html"] = data["text/html"].replace("0.099793", "0.099893")


def infinity_in_table(cell):
    data = cell.outputs[0].data
    data["text/html"] = data["text/html"].replace("inf", "nan")


def shifted_curve(cell):
    # What is computed moves by 0.002 on an axis of 2.4: about a fifth of a pixel.
    cell.source = cell.source.replace("shift = 0", "shift = 0.002")


def other_figure_size(cell):
    cell.source = cell.source.replace("(4, 3)", "(4, 3.1)")


def missing_figure(cell):
    cell.outputs = []


def trailing_semicolon_gone(cell):
    cell.source = cell.source.rstrip(";")


def extra_output(cell):
    extra = nbformat.v4.new_output("stream", name="stdout", text="not printed any more\n")
    cell.outputs.insert(0, extra)


def cell_that_errors(cell):
    cell.source = "1 / 0"


def warning_on_stderr(cell):
    cell.source = "warnings.warn('look here'); len(p)"


def print_to_stderr(cell):
    cell.source = "print('oh', file=sys.stderr); len(p)"


def cell_never_run(cell):
    cell.outputs, cell.execution_count = [], None


#: Each fault, the cell that it is planted in, and what the validation says of it.
FAULTS = {
    wrong_digit: (NUMBER, "number differs"),
    wrong_whole_number: (NUMBER, "text differs"),
    wrong_word: (NUMBER, "text differs"),
    missing_output: (NUMBER, "stored nothing, computed stdout"),
    wrong_number_in_table: (TABLE, "number differs"),
    infinity_in_table: (TABLE, "text differs"),
    shifted_curve: (FIGURE, "figure differs"),
    other_figure_size: (FIGURE, "differs"),
    missing_figure: (FIGURE, "stored nothing, computed display_data"),
    trailing_semicolon_gone: (LOG, "computed execute_result"),
    extra_output: (LENGTH, "stored stdout, execute_result"),
    cell_that_errors: (LENGTH, "ZeroDivisionError"),
    warning_on_stderr: (LENGTH, "look here"),
    print_to_stderr: (LENGTH, "stderr"),
    cell_never_run: (LENGTH, "never run"),
}
#: One notebook has a cell for each, so that one kernel finds them all; cells are counted from 1.
CELLS = [IMPORTS, *(source for source, _ in FAULTS.values())]
NUMBERS = {fault: number for number, fault in enumerate(FAULTS, start=2)}
SOURCE = HEAD + "\n".join(f"```{{code-cell}} ipython3{source}```\n" for source in CELLS)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The small notebook, as `execute.py` stores it."""
    folder = tmp_path_factory.mktemp("executed")
    copy_tools(folder)
    (folder / "01_small.md").write_text(SOURCE)
    result = run_python(folder, "execute.py")
    assert result.returncode == 0, result.stderr
    return nbformat.read(folder / "01_small.ipynb", as_version=4)


def with_faults(
    executed: nbformat.NotebookNode, faults: Iterable[Callable[..., None]]
) -> nbformat.NotebookNode:
    """A copy whose cells have these faults, each its own."""
    notebook = copy.deepcopy(executed)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for fault in faults:
        before = copy.deepcopy(cells[NUMBERS[fault] - 1])
        fault(cells[NUMBERS[fault] - 1])
        assert cells[NUMBERS[fault] - 1] != before
    return notebook


def with_exception(executed: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """A copy with a wrong digit, and an entry in sanitize.cfg that says it may differ."""
    with (folder / "sanitize.cfg").open("a") as file:
        file.write(
            f"\n[excepted, {NUMBERS[wrong_digit]}]\nreason = a test\nregex = KL is [0-9.]+\n"
        )
    return with_faults(executed, [wrong_digit])


def with_need(executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy that needs a package that is nowhere installed."""
    notebook = copy.deepcopy(executed)
    notebook.metadata["kl_book"] = {"needs": ["no_such_package"]}
    return notebook


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("faulty")


@pytest.fixture(scope="module")
def validation(executed, folder) -> str:
    """What one validation says of all faulty copies, and of one without a fault."""
    copy_tools(folder)
    nbformat.write(executed, folder / "untouched.ipynb")
    nbformat.write(with_faults(executed, FAULTS), folder / "faulty.ipynb")
    nbformat.write(with_exception(executed, folder), folder / "excepted.ipynb")
    nbformat.write(with_need(executed), folder / "needy.ipynb")
    nbformat.write(with_faults(executed, [wrong_digit]), folder / "15_vae_elbo.ipynb")
    result = validate(folder)
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout


def failed_cells(report: str, name: str) -> set[int]:
    return {int(cell) for cell in re.findall(rf"^FAILED {name}\.ipynb::cell (\d+)", report, re.M)}


@pytest.mark.parametrize("change", ["a sentence", "the code"])
def test_only_sentences_keep_the_stored_outputs(executed, tmp_path, change):
    """`execute.py --prose`: quick where no code changed, refused where some did."""
    old, new = {
        "a sentence": ("A small notebook", "A smaller notebook"),
        "the code": ("shift = 0", "shift = 1"),
    }[change]
    (tmp_path / "01_small.md").write_text(SOURCE.replace(old, new), "utf-8")
    path = tmp_path / "01_small.ipynb"
    nbformat.write(executed, path)
    before = path.read_text("utf-8")
    status = execute(["--prose", "-j", "1", "--folder", str(tmp_path)])
    assert status == (0 if change == "a sentence" else 1)
    assert ("A smaller notebook" in path.read_text("utf-8")) == (change == "a sentence")
    if change == "the code":
        assert path.read_text("utf-8") == before
    else:
        after = nbformat.read(path, as_version=4)
        outputs = [[c.outputs for c in n.cells if c.cell_type == "code"] for n in (executed, after)]
        assert outputs[0] == outputs[1]


def test_an_untouched_notebook_passes(validation):
    assert failed_cells(validation, "untouched") == set()


def test_an_exception_in_the_list_is_not_compared(validation):
    assert failed_cells(validation, "excepted") == set()


def test_a_notebook_whose_package_is_missing_is_skipped_and_says_why(validation):
    assert failed_cells(validation, "needy") == set()
    said = "needs no_such_package, which is not installed here"
    assert re.search(rf"^SKIPPED \[{len(CELLS)}\] .*: {said}", validation, re.MULTILINE)


def test_one_of_the_dearest_is_skipped_says_why_and_runs_where_it_is_named(validation, folder):
    said = "takes long: name the notebook or set THOROUGH=1"
    assert re.search(rf"^SKIPPED \[{len(CELLS)}\] .*: {said}", validation, re.MULTILINE)
    named = validate(folder, "15_vae_elbo.ipynb").stdout
    assert failed_cells(named, "15_vae_elbo") == {NUMBERS[wrong_digit]}


def test_the_faulty_cells_fail_and_no_others(validation):
    assert failed_cells(validation, "faulty") == set(NUMBERS.values())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_named(validation, fault):
    section = validation.split(f" faulty.ipynb::Cell {NUMBERS[fault]} ", 1)[1]
    assert FAULTS[fault][1] in section.split("\n___", 1)[0]


# The comparison itself


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        ("KL = 0.0997934721 nats", "KL = 0.0997934722 nats"),
        ("1e-7", "1.0000000001e-07"),
        ("[0.1 0.25]", "[0.10000000000000001  0.25]"),
        ("difference 2.2e-16", "difference 0.0"),
        ("difference 1.1e-16", "difference -1.1e-16"),
        ("99.999999%", "100.00000%"),
        ("at (0.5,-0.25).", "at (0.5,-0.2500000001)."),
        ("x −0.25", "x −0.2500000001"),
        ("| a    | 0.5 |", "| a | 0.5000000001 |"),
        ("inf nan -inf", "inf nan -inf"),
        ("1e999", "1e999"),
    ],
)
def test_last_digits_may_differ(stored, computed):
    assert text_difference(stored, computed) is None


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        ("0.0997934721", "0.0997944721"),
        ("0.3219", "0.3220"),
        ("4e-11", "4.1e-11"),
        ("0.5", "-0.5"),
        ("7 categories", "8 categories"),
        ("12%", "13%"),
        ("1000000000", "1000000001"),
        ("0.5", "inf"),
        ("nan", "inf"),
        ("0.5 nats", "0.5 bits"),
        ("dist_2 0.5", "dist_3 0.5"),
        ("float32", "float64"),
        ("version 2.21.0", "version 2.21.1"),
        ("0x7f00", "0x7f01"),
        ("1.0-0.5", "1.0+0.5"),
        ("1", "1.0"),
        ("0.5", "0.5 0.5"),
        ("0.5", ""),
    ],
)
def test_nothing_else_may_differ(stored, computed):
    assert text_difference(stored, computed) is not None
    assert text_difference(computed, stored) is not None
    assert text_difference(stored, stored) is None
