"""Folders of `kl_lib.audit`: each knows those below it only, and files stay short."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from kl_lib import audit

ROOT = Path(audit.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
FOLDERS = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
# What each folder may import of the others; what lies beside the folders may know all of them.
KNOWN = {
    "terms": set(),
    "files": set(),
    "libraries": {"terms"},
    "sites": {"libraries", "terms"},
    "reading": {"sites", "libraries", "terms"},
    "rules": {"sites", "libraries", "terms"},
    "findings": {"files", "reading", "rules"},
}
LONGEST = 250


def imported(path: Path, text: str) -> set[str]:
    """Folders and modules of the audit that a file imports, wherever in it the import stands."""
    parent = ".".join(("kl_lib", "audit", *path.relative_to(ROOT).parent.parts))
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), parent)
            found |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    ours = (name.split(".") for name in found if name.startswith("kl_lib.audit"))
    return {name[2] if len(name) > 2 else "" for name in ours}


def unknown(path: Path, text: str) -> set[str]:
    """What a file imports and its folder may not know."""
    parts = path.relative_to(ROOT).parts
    if len(parts) == 1:
        return set()
    return imported(path, text) - KNOWN[parts[0]] - {parts[0], "errors"}


def test_every_folder_has_its_place():
    assert {*KNOWN} == FOLDERS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    assert unknown(path, path.read_text("utf-8")) == set()


@pytest.mark.parametrize(
    "line",
    [
        "from ..rules import RULES",
        "from .. import reading",
        "from kl_lib.audit import Finding",
        "import kl_lib.audit.running",
        "def later():\n    from ..findings.finding import Finding",
    ],
)
def test_an_import_the_other_way_is_seen(line):
    assert unknown(ROOT / "sites" / "facts.py", line)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short_enough_to_read(path):
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST
