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
from pathlib import Path

import nbformat
import pytest
from building import REPOSITORY
from compare import text_difference
from execute import main as execute

NOTEBOOKS = REPOSITORY / "notebooks"
SOURCE = """\
---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A small notebook

```{code-cell} ipython3
import os
import sys
import warnings
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
```

```{code-cell} ipython3
p, q = np.array([0.2, 0.5, 0.2, 0.1]), np.array([0.3, 0.4, 0.1, 0.2])
print(f"KL is {np.sum(p * np.log(p / q)):.10f} nats over {len(p)} categories")
```

```{code-cell} ipython3
pd.DataFrame({"library": ["scipy", "keras"], "nats": [0.0997934721, np.inf]})
```

```{code-cell} ipython3
x = np.linspace(0, 1, 101)
_ = plt.figure(figsize=(4, 3))
shift = 0
_ = plt.plot(x, -np.log(x + 0.1) + shift)
plt.show()
```

```{code-cell} ipython3
os.write(2, b"a log line of a C++ library, past Python\\n");
```

```{code-cell} ipython3
len(p)
```
"""
NUMBER, TABLE, FIGURE, LOG, LAST = 2, 3, 4, 5, 6  # cells, counted as the validation names them


def copy_tools(folder: Path) -> None:
    for path in [*NOTEBOOKS.glob("*.py"), NOTEBOOKS / "sanitize.cfg", REPOSITORY / "jupytext.toml"]:
        shutil.copy(path, folder)


def run_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )


def validate(folder: Path) -> subprocess.CompletedProcess[str]:
    options = ["--nbval", "--nbval-current-env", "-qrfs", "-p", "no:cacheprovider", "--color=no"]
    # An empty configuration: this folder must not take up the settings of a folder above it.
    (folder / "pytest.ini").write_text("[pytest]\n")
    return run_python(folder, "-m", "pytest", *options, "-c", "pytest.ini", ".")


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The small notebook, as `execute.py` stores it."""
    folder = tmp_path_factory.mktemp("executed")
    copy_tools(folder)
    (folder / "01_small.md").write_text(SOURCE)
    result = run_python(folder, "execute.py")
    assert result.returncode == 0, result.stderr
    return nbformat.read(folder / "01_small.ipynb", as_version=4)


def code_cell(notebook: nbformat.NotebookNode, number: int) -> nbformat.NotebookNode:
    return [cell for cell in notebook.cells if cell.cell_type == "code"][number - 1]


def wrong_digit(notebook):
    output = code_cell(notebook, NUMBER).outputs[0]
    assert "0.0997934721" in output.text
    output.text = output.text.replace("0.0997934721", "0.0997944721")


def wrong_whole_number(notebook):
    output = code_cell(notebook, NUMBER).outputs[0]
    output.text = output.text.replace("over 4", "over 5")


def wrong_word(notebook):
    output = code_cell(notebook, NUMBER).outputs[0]
    output.text = output.text.replace("nats", "bits")


def wrong_number_in_table(notebook):
    data = code_cell(notebook, TABLE).outputs[0].data
    assert "0.099793" in data["text/html"]
    data["text/html"] = data["text/html"].replace("0.099793", "0.099893")


def infinity_in_table(notebook):
    data = code_cell(notebook, TABLE).outputs[0].data
    data["text/html"] = data["text/html"].replace("inf", "nan")


def shifted_curve(notebook):
    # What is computed moves by 0.002 on an axis of 2.4: about a fifth of a pixel.
    cell = code_cell(notebook, FIGURE)
    cell.source = cell.source.replace("shift = 0", "shift = 0.002")


def other_figure_size(notebook):
    cell = code_cell(notebook, FIGURE)
    cell.source = cell.source.replace("(4, 3)", "(4, 3.1)")


def missing_figure(notebook):
    code_cell(notebook, FIGURE).outputs = []


def missing_output(notebook):
    code_cell(notebook, NUMBER).outputs = []


def extra_output(notebook):
    extra = nbformat.v4.new_output("stream", name="stdout", text="not printed any more\n")
    code_cell(notebook, LAST).outputs.insert(0, extra)


def cell_that_errors(notebook):
    code_cell(notebook, LAST).source = "1 / 0"


def warning_on_stderr(notebook):
    code_cell(notebook, LAST).source = "warnings.warn('look here'); len(p)"


def print_to_stderr(notebook):
    code_cell(notebook, LAST).source = "print('oh', file=sys.stderr); len(p)"


def cell_never_run(notebook):
    cell = code_cell(notebook, LAST)
    cell.outputs, cell.execution_count = [], None


def trailing_semicolon_gone(notebook):
    cell = code_cell(notebook, LOG)
    cell.source = cell.source.rstrip(";")


FAULTS = {
    wrong_digit: (NUMBER, "number differs"),
    wrong_whole_number: (NUMBER, "text differs"),
    wrong_word: (NUMBER, "text differs"),
    wrong_number_in_table: (TABLE, "number differs"),
    infinity_in_table: (TABLE, "text differs"),
    shifted_curve: (FIGURE, "figure differs"),
    other_figure_size: (FIGURE, "differs"),
    missing_figure: (FIGURE, "stored nothing, computed display_data"),
    missing_output: (NUMBER, "stored nothing, computed stdout"),
    extra_output: (LAST, "stored stdout, execute_result"),
    cell_that_errors: (LAST, "ZeroDivisionError"),
    warning_on_stderr: (LAST, "look here"),
    print_to_stderr: (LAST, "stderr"),
    cell_never_run: (LAST, "never run"),
    trailing_semicolon_gone: (LOG, "computed execute_result"),
}


def packed(faults: dict) -> list[dict]:
    """The faults in as few notebooks as hold them, one fault to a cell: a kernel takes a second."""
    notebooks: list[dict] = []
    for fault, (cell, _) in faults.items():
        free = (faulty for faulty in notebooks if cell not in faulty)
        if (faulty := next(free, None)) is None:
            notebooks.append(faulty := {})
        faulty[cell] = fault
    return notebooks


def with_exception(executed: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """A copy with a wrong digit, and an entry in sanitize.cfg that says it may differ."""
    with (folder / "sanitize.cfg").open("a") as file:
        file.write("\n[excepted, 2]\nreason = a test\nregex = KL is [0-9.]+\n")
    notebook = copy.deepcopy(executed)
    wrong_digit(notebook)
    return notebook


def with_need(executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy that needs a package that is nowhere installed."""
    notebook = copy.deepcopy(executed)
    notebook.metadata["kl_book"] = {"needs": ["no_such_package"]}
    return notebook


@pytest.fixture(scope="module")
def validation(executed, tmp_path_factory) -> str:
    """What one validation says of all faulty copies, and of one without a fault."""
    folder = tmp_path_factory.mktemp("faulty")
    copy_tools(folder)
    nbformat.write(executed, folder / "untouched.ipynb")
    for number, faulty in enumerate(packed(FAULTS)):
        notebook = copy.deepcopy(executed)
        for fault in faulty.values():
            before = copy.deepcopy(notebook)
            fault(notebook)
            assert notebook != before
        nbformat.write(notebook, folder / f"faulty_{number}.ipynb")
    nbformat.write(with_exception(executed, folder), folder / "excepted.ipynb")
    nbformat.write(with_need(executed), folder / "needy.ipynb")
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
    assert "SKIPPED [6] " in validation
    assert "needs no_such_package, which is not installed here" in validation


def test_the_faulty_cells_fail_and_no_others(validation):
    for number, faulty in enumerate(packed(FAULTS)):
        assert failed_cells(validation, f"faulty_{number}") == set(faulty)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_named(validation, fault):
    cell, message = FAULTS[fault]
    number = next(i for i, faulty in enumerate(packed(FAULTS)) if faulty.get(cell) is fault)
    section = validation.split(f" faulty_{number}.ipynb::Cell {cell} ", 1)[1]
    assert message in section.split("\n___", 1)[0]


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
