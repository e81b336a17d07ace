"""The notebooks as they are stored: each .ipynb is its .md with outputs, and fit to be read.

Whether the outputs are right is nbval's part. Here each check is a function that returns what is
wrong; it must find nothing in the chapters, and must find each fault that is planted below.
"""

from __future__ import annotations

import ast
import configparser
import copy
import re
from pathlib import Path

import nbformat
import pytest
import yaml
from building import REPOSITORY
from execute import KERNELSPEC, read_source
from nbformat import NotebookNode

NOTEBOOKS = REPOSITORY / "notebooks"
SOURCES = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.md"))
TAGS = {"hide-input", "hide-output"}
LONGEST_CELL = 15  # lines
LONGEST_LINE = 85  # characters: what fits on a desk without scrolling
EXERCISES = range(3, 7)
MACHINE_PATH = re.compile(r"(?<![\w./:<~])/[\w.-]+/[\w.-]+|site-packages|[A-Z]:\\\w")
DIRECTIVE = re.compile(
    r"^[`:]{3,}\{((?:exercise|solution)(?:-start|-end)?)\}[ ]*(.*)\n((?::[a-z]+:.*\n)*)",
    re.MULTILINE,
)
ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def numbered(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    return list(enumerate(code_cells(notebook), start=1))


def pair_differences(source: NotebookNode, stored: NotebookNode) -> list[str]:
    """Where a stored notebook is not the one that its .md describes."""
    if len(source.cells) != len(stored.cells):
        return [f"{len(source.cells)} cells in the .md, {len(stored.cells)} in the .ipynb"]
    return [
        f"cell {number} of all: {key} differs"
        for number, (wanted, found) in enumerate(zip(source.cells, stored.cells, strict=True), 1)
        for key in ("cell_type", "source", "metadata", "id")
        if wanted[key] != found[key]
    ]


def uncounted_cells(stored: NotebookNode) -> list[str]:
    """Cells that were not run in order, from 1, in one go."""
    return [
        f"code cell {number} has the execution count {cell.execution_count}"
        for number, cell in numbered(stored)
        if cell.execution_count != number
    ]


def stored_errors(stored: NotebookNode) -> list[str]:
    return [
        f"code cell {number}: stored {output.get('name', 'error')}"
        for number, cell in numbered(stored)
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def unknown_tags(stored: NotebookNode) -> list[str]:
    return [
        f"cell {number} of all: tag {tag}"
        for number, cell in enumerate(stored.cells, start=1)
        for tag in cell.metadata.get("tags", [])
        if tag not in TAGS or cell.cell_type != "code"
    ]


def unneutral_metadata(stored: NotebookNode) -> list[str]:
    """Metadata that would change with the machine that executed the notebook."""
    found = [
        f"notebook metadata {key}" for key in stored.metadata.keys() - {"kernelspec", "kl_book"}
    ]
    if stored.metadata.get("kernelspec") != KERNELSPEC:
        found.append("a kernel of another name")
    return found


def texts(output: NotebookNode) -> list[str]:
    data = output.get("data", {"text/plain": output.get("text", "")})
    return [text for text in data.values() if isinstance(text, str)]


def machine_traces(stored: NotebookNode) -> list[str]:
    """Outputs that name a folder of the machine or an address in its memory."""
    return [
        f"code cell {number}: {found.group()!r} in its output"
        for number, cell in numbered(stored)
        for output in cell.outputs
        if not any(mime.startswith("image/") for mime in output.get("data", {}))
        for text in texts(output)
        for found in [MACHINE_PATH.search(text) or ADDRESS.search(text)]
        if found
    ]


def untold_figures(stored: NotebookNode) -> list[str]:
    """Cells with a picture that lack its alt text, caption or name, or that draw more than one."""
    found = []
    for number, cell in numbered(stored):
        pictures = [o for o in cell.outputs if any("image/" in m for m in o.get("data", {}))]
        told = cell.metadata.get("mystnb", {})
        alt = told.get("image", {}).get("alt", "")
        figure = told.get("figure", {})
        if not pictures:
            found += [f"code cell {number}: a caption, but no picture"] if told else []
            continue
        if len(pictures) > 1:
            found.append(f"code cell {number}: {len(pictures)} pictures")
        if len(alt.split()) < 5:
            found.append(f"code cell {number}: alt text {alt!r}")
        if not figure.get("caption") or not str(figure.get("name", "")).startswith("fig-"):
            found.append(f"code cell {number}: no caption, or no name that starts with fig-")
    return found


def long_cells(stored: NotebookNode) -> list[str]:
    return [
        f"code cell {number}: {lines} lines, at most {LONGEST_CELL}"
        for number, cell in numbered(stored)
        if (lines := len(cell.source.splitlines())) > LONGEST_CELL
    ]


def long_lines(stored: NotebookNode) -> list[str]:
    return [
        f"code cell {number}: {len(line)} characters, at most {LONGEST_LINE}: {line}"
        for number, cell in numbered(stored)
        for line in cell.source.splitlines()
        if len(line) > LONGEST_LINE
    ]


def missing_outputs(stored: NotebookNode) -> list[str]:
    """Cells that end by showing something, and show nothing."""
    return [
        f"code cell {number}: no output"
        for number, cell in numbered(stored)
        if shows_something(cell.source) and not cell.outputs
    ]


def shows_something(source: str) -> bool:
    """Whether code prints on its first level, or ends in an expression that is surely a value."""
    body = ast.parse(source).body
    calls = [node.value for node in body if isinstance(node, ast.Expr)]
    prints = any(isinstance(c, ast.Call) and ast.unparse(c.func) == "print" for c in calls)
    last = body[-1] if body else None
    ends_in_value = isinstance(last, ast.Expr) and not isinstance(last.value, ast.Call)
    return prints or (ends_in_value and not source.rstrip().endswith(";"))


def unsolved_exercises(stored: NotebookNode) -> list[str]:
    """Exercises whose solution is missing, open or not executed, or too few or many exercises."""
    exercises: list[str] = []
    solved: dict[str, dict[str, bool]] = {}
    inside: dict[str, bool] = {}  # the solution that the cells belong to
    for cell in stored.cells:
        if cell.cell_type == "code":
            inside["executed"] = True
            continue
        for directive, argument, lines in DIRECTIVE.findall(cell.source + "\n"):
            options = dict(re.findall(r"^:([a-z]+):[ ]*(.*)$", lines, re.MULTILINE))
            if directive in ("exercise", "exercise-start"):
                exercises.append(options.get("label", "an exercise without a label"))
            inside = {"folded": "dropdown" in options.get("class", "").split(), "executed": False}
            if directive.startswith("solution"):
                solved.setdefault(argument.strip(), inside)
    found = [] if len(exercises) in EXERCISES else [f"{len(exercises)} exercises"]
    for exercise in exercises:
        if exercise not in solved:
            found.append(f"{exercise}: no solution")
        elif not solved[exercise]["folded"]:
            found.append(f"{exercise}: its solution is not folded (:class: dropdown)")
        elif not solved[exercise]["executed"]:
            found.append(f"{exercise}: its solution has no executed cell")
    return found


CHECKS = [
    uncounted_cells,
    stored_errors,
    unknown_tags,
    unneutral_metadata,
    machine_traces,
    untold_figures,
    long_cells,
    long_lines,
    missing_outputs,
    unsolved_exercises,
]


def toc_differences(toc: dict, notebooks: list[str]) -> list[str]:
    """Notebooks in no table of contents, and entries without a file."""
    entries = re.findall(r"notebooks/[\w-]+", yaml.safe_dump(toc))
    return [f"{name} is not in _toc.yml" for name in notebooks if name not in entries] + [
        f"{name} is in _toc.yml, but is no notebook" for name in entries if name not in notebooks
    ]


def unused_exceptions(config: configparser.ConfigParser, folder: Path) -> list[str]:
    """Entries of sanitize.cfg that give no reason, or that match no stored output any more."""
    found = []
    for section in config.sections():
        name, _, number = section.partition(",")
        path = folder / f"{name.strip()}.ipynb"
        outputs = []
        if path.exists():
            cells = dict(numbered(nbformat.read(path, as_version=4)))
            outputs = cells[int(number)].outputs if int(number) in cells else []
        if not config[section].get("reason"):
            found.append(f"[{section}] gives no reason")
        if not any(re.search(config[section]["regex"], t) for o in outputs for t in texts(o)):
            found.append(f"[{section}] matches no output")
    return found


# The chapters


@pytest.fixture(params=SOURCES, ids=lambda path: path.stem)
def chapter(request: pytest.FixtureRequest) -> Path:
    stored = request.param.with_suffix(".ipynb")
    assert stored.exists(), f"not executed yet: python notebooks/execute.py {request.param.stem}"
    return request.param


def test_there_are_notebooks():
    assert SOURCES


def test_the_stored_notebook_is_its_source(chapter):
    stored = nbformat.read(chapter.with_suffix(".ipynb"), as_version=4)
    assert pair_differences(read_source(chapter), stored) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_chapter_has(chapter, check):
    assert check(nbformat.read(chapter.with_suffix(".ipynb"), as_version=4)) == []


def test_the_table_of_contents_names_every_notebook_and_no_other():
    names = {f"notebooks/{path.stem}" for path in NOTEBOOKS.glob("*.ipynb")}
    names |= {f"notebooks/{path.stem}" for path in NOTEBOOKS.glob("*.md")}
    toc = yaml.safe_load((REPOSITORY / "_toc.yml").read_text("utf-8"))
    assert toc_differences(toc, sorted(names)) == []


def test_every_exception_has_a_reason_and_is_needed():
    config = configparser.ConfigParser(interpolation=None)
    config.read(NOTEBOOKS / "sanitize.cfg", encoding="utf-8")
    assert unused_exceptions(config, NOTEBOOKS) == []


# The checks themselves


EXERCISE = """```{exercise} Coins
:label: ex-1
Question.
```

```{solution-start} ex-1
:label: sol-1
:class: dropdown
```
"""


def good_notebook() -> NotebookNode:
    cell, output = nbformat.v4.new_code_cell, nbformat.v4.new_output
    told = {
        "image": {"alt": "A curve that rises from 0."},
        "figure": {"caption": "A curve.", "name": "fig-curve"},
    }
    picture = output("display_data", {"image/png": "AA==", "text/plain": "<Figure>"})
    cells = [
        cell("print(1)", outputs=[printed("1\n")]),
        cell("draw()", outputs=[picture], metadata={"mystnb": told, "tags": ["hide-input"]}),
    ]
    for number in "123":
        cells += [
            nbformat.v4.new_markdown_cell(EXERCISE.replace("-1", f"-{number}")),
            cell("x = 1\nx", outputs=[output("execute_result", {"text/plain": "1"})]),
            nbformat.v4.new_markdown_cell("```{solution-end}\n```"),
        ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": dict(KERNELSPEC)})
    for number, cell in numbered(notebook):
        cell.execution_count = number
    return notebook


def test_the_checks_find_nothing_in_a_good_notebook():
    notebook = good_notebook()
    assert [check(notebook) for check in CHECKS] == [[]] * len(CHECKS)
    assert pair_differences(notebook, copy.deepcopy(notebook)) == []


def stderr(text: str) -> NotebookNode:
    return nbformat.v4.new_output("stream", name="stderr", text=text)


def printed(text: str) -> NotebookNode:
    return nbformat.v4.new_output("stream", text=text)


FAULTS = {
    "count": (uncounted_cells, lambda n: n.cells[1].update(execution_count=3)),
    "not run": (uncounted_cells, lambda n: n.cells[1].update(execution_count=None)),
    "stderr": (stored_errors, lambda n: n.cells[0].outputs.append(stderr("oh"))),
    "error": (
        stored_errors,
        lambda n: n.cells[0].outputs.append(
            nbformat.v4.new_output("error", ename="E", evalue="e", traceback=[])
        ),
    ),
    "tag": (unknown_tags, lambda n: n.cells[0].metadata.update(tags=["nbval-ignore-output"])),
    "kernel": (unneutral_metadata, lambda n: n.metadata.kernelspec.update(name="venv")),
    "version": (unneutral_metadata, lambda n: n.metadata.update(language_info={"version": "3"})),
    "path": (machine_traces, lambda n: n.cells[0].outputs.append(printed("/home/someone/x.py"))),
    "address": (machine_traces, lambda n: n.cells[0].outputs.append(printed("<f at 0x7f0011aa>"))),
    "no alt": (untold_figures, lambda n: n.cells[1].metadata.mystnb.image.pop("alt")),
    "poor alt": (untold_figures, lambda n: n.cells[1].metadata.mystnb.image.update(alt="Figure 1")),
    "no caption": (untold_figures, lambda n: n.cells[1].metadata.mystnb.figure.pop("caption")),
    "no metadata": (untold_figures, lambda n: n.cells[1].metadata.pop("mystnb")),
    "two pictures": (untold_figures, lambda n: n.cells[1].outputs.append(n.cells[1].outputs[0])),
    "no picture": (untold_figures, lambda n: n.cells[1].update(outputs=[])),
    "long": (long_cells, lambda n: n.cells[0].update(source="x = 1\n" * 16)),
    "long line": (long_lines, lambda n: n.cells[0].update(source="x = " + "1" * 82)),
    "no print": (missing_outputs, lambda n: n.cells[0].update(outputs=[])),
    "no value": (missing_outputs, lambda n: n.cells[3].update(outputs=[])),
    "no solution": (unsolved_exercises, lambda n: replace(n, "{solution-start} ex-1", "{note}")),
    "another's": (unsolved_exercises, lambda n: replace(n, "start} ex-1", "start} ex-4")),
    "open": (unsolved_exercises, lambda n: replace(n, ":class: dropdown\n", "")),
    "not executed": (unsolved_exercises, lambda n: n.cells.pop(3)),
    "two exercises": (unsolved_exercises, lambda n: n.cells.pop(2)),
}


def replace(notebook: NotebookNode, old: str, new: str) -> None:
    assert old in notebook.cells[2].source
    notebook.cells[2].source = notebook.cells[2].source.replace(old, new)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault):
    check, plant = FAULTS[fault]
    notebook = good_notebook()
    plant(notebook)
    assert check(notebook)


@pytest.mark.parametrize(
    "plant",
    [
        lambda n: n.cells[0].update(source="print(2)"),
        lambda n: n.cells[0].update(cell_type="markdown"),
        lambda n: n.cells[1].metadata.update(tags=[]),
        lambda n: n.cells[1].metadata.mystnb.figure.update(caption="Other"),
        lambda n: n.cells.pop(),
    ],
    ids=["source", "type", "tags", "caption", "missing cell"],
)
def test_a_pair_that_differs_is_found(plant):
    source = good_notebook()
    stored = copy.deepcopy(source)
    plant(stored)
    assert len(pair_differences(source, stored)) == 1


def test_a_forgotten_notebook_and_a_dead_entry_are_found():
    toc = {"root": "book/a", "parts": [{"chapters": [{"file": "notebooks/01_a"}]}]}
    assert toc_differences(toc, ["notebooks/01_a"]) == []
    assert len(toc_differences(toc, ["notebooks/01_a", "notebooks/02_b"])) == 1
    assert len(toc_differences(toc, [])) == 1


def test_an_exception_without_reason_or_use_is_found(tmp_path):
    nbformat.write(good_notebook(), tmp_path / "01_a.ipynb")
    config = configparser.ConfigParser(interpolation=None)
    config.read_string("[01_a, 1]\nreason = r\nregex = \\d\n")
    assert unused_exceptions(config, tmp_path) == []
    config.read_string("[01_a, 3]\nregex = 1\n[01_a, 2]\nreason = r\nregex = gone\n")
    assert unused_exceptions(config, tmp_path) == [
        "[01_a, 3] gives no reason",
        "[01_a, 2] matches no output",
    ]


def test_the_chapters_said_to_follow_a_source_cite_it():
    works = (REPOSITORY / "book" / "references.bib").read_text("utf-8").split("\n@")
    said = {
        re.search(r"\{(\w+)", work)[1]: [int(number) for number in re.findall(r"\d+", found[1])]
        for work in works
        if (found := re.search(r"Followed in chapters? (\d[\d, toand]*)", work))
    }
    assert len(said) == 3
    for key, chapters in said.items():
        for number in chapters:
            [path] = NOTEBOOKS.glob(f"{number:02}_*.md")
            assert key in path.read_text("utf-8"), f"{path.stem} does not cite {key}"
