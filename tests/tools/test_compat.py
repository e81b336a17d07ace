"""What `make compat` hands to pytest: tests that are there, whatever lies beside them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Stands for Python: makes an "environment" that is itself, and writes down what it is asked to run.
PYTHON = """#!/bin/sh
for last; do :; done
case "$*" in
    *"-m venv"*) mkdir -p "$last/bin" && cp "$0" "$last/bin/python" ;;
    *"-c import sys"*) echo 3.13 ;;
    *"-m pytest"*) echo "$PWD" "$@" | tr '\\n' ' ' >>"$ASKED"; ls >"$ASKED.files" ;;
esac
"""


@pytest.fixture
def asked(tmp_path):
    """A function of an option of compat.sh to the words with which it would have called pytest, the
    checkout in which it ran, and a list of what lay beside the last call."""
    copy = tmp_path / "copy"
    compiled = shutil.ignore_patterns("__pycache__")
    for name in ("tests", "tools"):
        shutil.copytree(ROOT / name, copy / name, ignore=compiled)
    # As pytest leaves it, with the words of its source in it.
    cache = copy / "tests" / "metrics" / "__pycache__"
    cache.mkdir()
    shutil.copy(
        copy / "tests/metrics/test_metrics.py", cache / "test_metrics.cpython-311-pytest.pyc"
    )
    commands = tmp_path / "bin"
    commands.mkdir()
    python = commands / "python3.13"
    python.write_text(PYTHON)
    python.chmod(0o755)

    def run(option):
        log = tmp_path / "asked"
        environment = {
            "PATH": f"{commands}:/usr/bin:/bin",
            "ASKED": str(log),
            "TMPDIR": str(tmp_path),
        }
        command = ["bash", str(copy / "tools" / "compat.sh"), option]
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return log.read_text().split(), copy, Path(f"{log}.files")

    return run


def test_beside_pytorch_and_jax_every_test_that_needs_them_is_run_and_nothing_else(asked):
    words, copy, _ = asked("--peers")
    files = {word for word in words if word.startswith("tests/") and "experiments" not in word}
    assert all(word.endswith(".py") for word in files), files
    needing = {
        path.relative_to(copy).as_posix()
        for path in copy.glob("tests/*/test_*.py")
        if re.search(r'importorskip\("(torch|jax)', path.read_text("utf-8"))
    }
    assert {name for name in needing if "experiments" not in name} <= files
    assert all((copy / name).is_file() for name in files)


def test_alone_with_numpy_every_test_that_is_named_is_there(asked):
    words, _, beside = asked("--newest")
    assert words[-1] == "."
    assert {"test_checks.py", "test_fuzz.py", "truth.py", "oracles.py"} <= set(
        beside.read_text().split()
    )
