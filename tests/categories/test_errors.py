"""The page of error messages: every block on it runs, every message stands on it, as printed."""

from __future__ import annotations

import ast
import doctest
import re
import textwrap
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import kl_lib as kl

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "book" / "errors.md").read_text("utf-8")
BLOCK = re.compile(r"^```(?:\{code-block\} )?(python|pycon|text)\n(.*?)^```$", re.M | re.S)
CHECKED = [
    *("arrays.py", "labels.py", "checks/*.py", "discrete.py", "threads.py", "lazy.py"),
    *("matrix.py", "relatives.py", "tables.py"),
    *("families/*.py", "sampling/*.py", "losses/_formula.py"),
]

#: Places that raise and that no example can reach, by file and function, with the reason.
NOT_ON_THE_PAGE: dict[tuple[str, str], str] = {
    ("arrays.py", "_from_torch"): "needs PyTorch, which the environment of the book does not have",
    ("arrays.py", "_from_jax"): "needs JAX, which the environment of the book does not have",
    ("arrays.py", "_from_mxnet"): "needs MXNet, which has no wheel for some platforms",
    ("triangular.py", "lower_factor"): "needs a normal of TensorFlow Probability with a factor",
}

#: Libraries that are not everywhere, by what shows that a block of the page is about them.
OPTIONAL = {
    "keras": r"kl_loss",
    "tensorflow": r"\btf\.",
    "polars": r"\bpl\.",
    "xarray": r"\bxr\.|day=\[\"friday\"\]",
    "ml_dtypes": r"\bml_dtypes\b",
}


def blocks() -> list[tuple[str, str]]:
    """(language, content) of every block that can run here, without the options of a directive."""
    found = [(kind, re.sub(r"^:.*\n\n?", "", text)) for kind, text in BLOCK.findall(PAGE)]
    for module, sign in OPTIONAL.items():
        try:
            import_module(module)
        except ImportError:
            found = [(kind, text) for kind, text in found if not re.search(sign, text)]
    return found


def run(code: str, names: dict) -> Exception | None:
    try:
        exec(compile(code, "book/errors.md", "exec"), names)
    except ValueError as error:
        return error
    return None


@pytest.fixture(scope="module")
def played() -> list[tuple[str, str, Exception | None]]:
    """(code, message the page shows or "", error raised) for each python block, in order."""
    pytest.importorskip("pandas")
    pytest.importorskip("scipy")
    pytest.importorskip("dask.array")
    found, names, content = [], {}, blocks()
    for (kind, text), (next_kind, next_text) in zip(content, [*content[1:], ("", "")], strict=True):
        if kind == "python":
            shown = next_text.rstrip("\n") if next_kind == "text" else ""
            found.append((text, shown, run(text, names)))
    return found


def test_every_message_on_the_page_is_the_one_printed(played):
    wrong = [
        f"{code}gives {error}, the page shows {shown}"
        for code, shown, error in played
        if shown != (str(error) if error else "")
    ]
    assert wrong == []


def test_the_page_shows_errors_of_kl_lib_only(played):
    raised = [error for _, _, error in played if error is not None]
    assert len(raised) > 40
    assert {type(error) for error in raised} == {kl.DistributionError}


def test_the_remedies_on_the_page_give_what_it_says():
    pytest.importorskip("pandas")
    pytest.importorskip("scipy")
    pytest.importorskip("dask.array")
    names: dict = {}
    runner, report = doctest.DocTestRunner(verbose=False), []
    for i, (kind, text) in enumerate(blocks()):
        if kind == "python":
            run(text, names)
        if kind == "pycon":
            test = doctest.DocTestParser().get_doctest(text, names, f"block {i}", None, None)
            runner.run(test, out=report.append, clear_globs=False)
    assert runner.summarize(verbose=False).attempted > 15
    assert report == []


def sources() -> list[Path]:
    return sorted(path for name in CHECKED for path in (ROOT / "kl_lib").glob(name))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def functions(path: Path, returns: str) -> set[str]:
    """Functions of a file that are annotated to return this and are about DistributionErrors."""
    return {
        node.name
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef)
        and node.returns is not None
        and ast.unparse(node.returns) == returns
        and "DistributionError" in ast.unparse(node)
    }


def places(path: Path) -> list[tuple[str, range]]:
    """Function and lines of every statement in a file that raises a DistributionError.

    Also of a call of a function of this file that never returns, and of a raise of what a function
    makes: each such call is a message of its own.
    """
    found = []
    raising = functions(path, "NoReturn")
    making = {"DistributionError"}.union(*(functions(x, "DistributionError") for x in sources()))

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef):
            function = node.name
        call = node.exc if isinstance(node, ast.Raise) else node
        if isinstance(call, ast.Call):
            name = ast.unparse(call.func).rpartition(".")[2]
            if name in (making if isinstance(node, ast.Raise) else raising):
                found.append((function, range(node.lineno, node.end_lineno + 1)))
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(parsed(path), "")
    return found


def test_every_place_that_raises_is_reached_by_an_example(played):
    for module in OPTIONAL:
        pytest.importorskip(module)
    reached = {
        (frame.filename, frame.lineno)
        for _, _, error in played
        if error is not None
        for frame in traceback.extract_tb(error.__traceback__)[-3:]
    }
    missing = [
        f"{path.relative_to(ROOT)}:{lines.start} in {function}"
        for path in sources()
        for function, lines in places(path)
        if not any((str(path), line) in reached for line in lines)
        and (path.name, function) not in NOT_ON_THE_PAGE
    ]
    assert missing == []


def test_the_places_are_found():
    by_file = {path.name: len(places(path)) for path in sources()}
    assert sum(by_file[name] for name in ("arguments.py", "options.py", "values.py")) > 15
    assert by_file["arrays.py"] > 20
    assert by_file["labels.py"] > 5
    assert sum(by_file[name] for name in ("matrix.py", "relatives.py", "tables.py")) > 5
    assert by_file["lazy.py"] == 2


def test_what_is_not_on_the_page_exists_and_has_a_reason():
    raising = {(path.name, function) for path in sources() for function, _ in places(path)}
    assert set(NOT_ON_THE_PAGE) <= raising
    assert all(len(reason.split()) > 3 for reason in NOT_ON_THE_PAGE.values())


def test_a_message_reads_well_on_a_terminal_of_80_columns(played):
    """What is wrong; what to do. Folded between words into at most three lines."""
    for _, _, error in played:
        if error is not None:
            message = str(error)
            assert "\n" not in message
            assert "  " not in message
            assert not message.endswith(".")
            assert message.count("; ") == 1
            lines = textwrap.wrap(message, 80, break_long_words=False, break_on_hyphens=False)
            assert len(lines) <= 3
            assert max(map(len, lines)) <= 80
