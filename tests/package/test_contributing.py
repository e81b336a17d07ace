"""CONTRIBUTING and CHANGELOG name what there is, and forget no name that changed."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import kl_lib as kl
from kl_lib import commands, renamed

ROOT = Path(__file__).parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")


def quoted(text):
    return re.findall(r"`([^`\n]+)`", text)


def arguments_renamed():
    """(function, old, new) of each argument that has another name, from the decorators."""
    for path in sorted((ROOT / "kl_lib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "renamed":
                    for each in decorator.keywords:
                        yield node.name, each.arg, each.value.value


def rows_of(text):
    return {
        (function, old, new)
        for function, old_names, new_names in re.findall(
            r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", text, re.M
        )
        for old, new in zip(quoted(old_names), quoted(new_names), strict=True)
    }


def test_each_file_that_contributing_names_is_there():
    names = [each for each in quoted(CONTRIBUTING) if "/" in each or each.endswith((".py", ".md"))]
    files = {each for each in names if re.fullmatch(r"[\w./]*\w[\w./]*", each)}
    files -= {".md", "notebooks/20_my_subject.md"}
    assert len(files) > 25
    assert [each for each in files if not (ROOT / each).exists()] == []


def test_each_target_that_contributing_names_is_one_of_make():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    said = set(re.findall(r"`make ([a-z]+)", CONTRIBUTING))
    assert {"chapter", "notebooks", "test"} <= said <= targets


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("@closed_form(", "kl_lib/families/pairs.py"),
        ("READERS", "kl_lib/families/from_tfp.py"),
        ("SUPPORTS", "kl_lib/families/supports.py"),
        ("UNTIL", "kl_lib/renamed.py"),
        ("RENAMED", "kl_lib/commands.py"),
        ("def load(", "kl_lib/frameworks/_shared.py"),
        ("## An experiment of your own", "book/reference_experiments.md"),
    ],
)
def test_what_contributing_sends_people_to_is_there(name, place):
    assert name in (ROOT / place).read_text("utf-8")
    assert place in CONTRIBUTING


def test_each_way_to_contribute_has_five_lines():
    sections = re.findall(r"^## An? .*?(?=^## )", CONTRIBUTING, re.M | re.S)
    assert [re.findall(r"^\d", section, re.M) for section in sections] == [list("12345")] * 7


def test_the_changelog_has_every_argument_that_was_renamed_and_no_other():
    found = set(arguments_renamed())
    assert len(found) > 20
    assert rows_of(CHANGELOG) == found
    assert renamed.UNTIL in CHANGELOG


def test_the_changelog_has_every_parameter_and_command_that_was_renamed():
    from kl_lib.families.registry import Given

    old, new = re.findall(r"^\| (?:parameter|now) \| (.*) \|$", CHANGELOG, re.M)
    assert dict(zip(quoted(old), quoted(new), strict=True)) == Given.OLD
    for command in commands.RENAMED:
        assert f"| `kl-lib {command}` |" in CHANGELOG


def test_each_new_name_of_the_changelog_exists():
    new = re.search(r"^### New\n(.*?)^### ", CHANGELOG, re.M | re.S)[1]
    offered = CliRunner().invoke(commands.app, ["--help"]).output
    for name in quoted(new):
        if name == "kl_lib.diagnose":
            assert callable(kl.diagnose)
        elif name.startswith("kl_lib."):
            assert importlib.util.find_spec(name)
        elif name.startswith("kl-lib "):
            assert f" {name.split()[1]} " in offered
        elif not hasattr(kl, name) and f" {name} " not in offered:
            from kl_lib import experiments

            assert hasattr(experiments, name), name


def test_the_changelog_begins_with_what_came_after_this_version():
    first, second = re.findall(r"^## (.*)$", CHANGELOG, re.M)[:2]
    assert first == f"Unreleased, after {kl.__version__}"
    assert second == kl.__version__


def test_the_readme_leads_to_both():
    assert "(CONTRIBUTING.md)" in README
    assert "(CHANGELOG.md)" in README
