"""The audit as a plugin of flake8."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from kl_lib.audit import RULES

pytest.importorskip("flake8")
ROOT = Path(__file__).parents[2]


def test_flake8_reports_findings_and_knows_noqa(tmp_path):
    wrong = RULES["KLD101"].wrong
    (tmp_path / "a.py").write_text(wrong, "utf-8")
    silent = wrong.replace('"batchmean")', '"batchmean")  # noqa: KLD101')
    (tmp_path / "b.py").write_text(silent, "utf-8")
    plugin = f"[flake8:local-plugins]\nextension = KLD = {entry()}\npaths = {ROOT}\n"
    (tmp_path / ".flake8").write_text(f"[flake8]\nselect = KLD\n{plugin}", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "-j1", "."], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stderr == ""
    # Where kl_lib is installed, flake8 knows the plugin twice.
    [line] = set(done.stdout.splitlines())
    assert line.startswith("./a.py:5:12: KLD101 kl_div expects log-probabilities")


def test_the_entry_point_is_there():
    module, _, name = entry().partition(":")
    assert getattr(import_module(module), name).name == "kl-lib-audit"


def entry() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project["entry-points"]["flake8.extension"]["KLD"]
