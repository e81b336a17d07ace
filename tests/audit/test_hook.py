"""The hook for pre-commit is one that pre-commit accepts, and its command is there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from calling import invoke

ROOT = Path(__file__).parents[2]


def test_the_hook_is_valid_and_needs_what_the_extra_does():
    clientlib = pytest.importorskip("pre_commit.clientlib")
    [hook] = clientlib.load_manifest(ROOT / ".pre-commit-hooks.yaml")
    assert hook["entry"] == "kl-lib audit"
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = extras["optional-dependencies"]
    wanted = [one for one in needed["audit"] + needed["cli"] if not one.startswith("kl-lib")]
    assert sorted(hook["additional_dependencies"]) == sorted(wanted)
    assert invoke("audit", "--help").exit_code == 0
