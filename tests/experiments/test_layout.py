"""Rooms of `kl_lib.experiments`: arrows point towards the machinery, and files stay short."""

import ast
import importlib.util
import re
import sys
from pathlib import Path

import pytest

import kl_lib
from kl_lib import experiments

ROOT = Path(experiments.__file__).parent
PACKAGE = Path(kl_lib.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
ROOMS = sorted({path.relative_to(ROOT).parts[0] for path in FILES if path.parent != ROOT})
# What each room may import of the others; any room of an experiment may import the machinery only.
# What lies beside the rooms (the catalogue, the public names) may know all but the commands.
ALLOWED = {"machinery": set(), "analysis": {"machinery"}, "commands": {*ROOMS, ""}}
LONGEST = 260


def room(path):
    parts = path.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else ""


def imports(path):
    """The rooms that a file imports from, wherever in it the import stands."""
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    package = module.removesuffix(".__init__") if path.name == "__init__.py" else module
    parent = package if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            level = "." * node.level
            base = importlib.util.resolve_name(f"{level}{node.module or ''}", parent)
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[:2] == ["kl_lib", "experiments"]:
                yield parts[2] if len(parts) > 2 and parts[2] in ROOMS else ""


def wrong_arrows(path):
    own = room(path)
    allowed = ALLOWED.get(own, {"machinery"} if own else {*ROOMS} - {"commands"})
    return {other for other in imports(path) if other not in (own, *allowed)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_towards_the_machinery(path):
    assert wrong_arrows(path) == set()


def test_a_wrong_arrow_is_seen(tmp_path, monkeypatch):
    for line in (
        "from ..convnet.config import Config",
        "from .. import convnet",
        "from kl_lib.experiments import Config",
        "from ..catalogue import read_record",
        "import kl_lib.experiments.analysis.rule",
        "def later():\n    from ..analysis import rule",
    ):
        path = ROOT / "machinery" / "identity.py"
        real = Path.read_text
        monkeypatch.setattr(Path, "read_text", lambda self, encoding=None, t=line: t)
        found = wrong_arrows(path)
        monkeypatch.setattr(Path, "read_text", real)
        assert found, line


def test_the_rooms_are_those_that_the_reference_names():
    assert set(ROOMS) >= {"machinery", "analysis", "commands", "convnet"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short_enough_to_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_no_module_is_called_like_one_of_pythons():
    taken = {path.stem for path in FILES} & sys.stdlib_module_names
    assert taken <= {"__init__"}


def private(text):
    """What is imported from modules that other packages keep to themselves."""
    for node in ast.walk(ast.parse(text)):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            parts = name.split(".")
            if parts[0] != "kl_lib" and any(re.match("_[^_]", part) for part in parts):
                yield name


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_nothing_is_imported_from_private_modules_of_other_packages(path):
    assert [*private(path.read_text(encoding="utf-8"))] == []


def test_an_import_from_a_private_module_is_seen():
    for line in ("from jax._src import xla_bridge", "import numpy._core.umath"):
        assert [*private(f"def later():\n    {line}")] == [line.split()[1]]
    assert [*private("from __future__ import annotations\nfrom ._own import x")] == []
