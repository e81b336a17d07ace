"""What several test files share: the repository, and the book built once for the whole test run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY / "notebooks"))  # for compare.py and execute.py


def build_book(source: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """Render a book as `make book` does, into output/_build/html; every warning is an error."""
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    return subprocess.run(
        [jupyter_book, "build", source, "--path-output", output, "-W", "-n", "--keep-going", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The built book. Test processes that run side by side share one build."""
    base = tmp_path_factory.getbasetemp()
    output = (base if worker_id == "master" else base.parent) / "book"
    done = output / "done"
    with FileLock(f"{output}.lock"):
        if not done.exists():
            result = build_book(REPOSITORY, output)
            assert result.returncode == 0, f"the book does not build:\n{result.stderr}"
            done.touch()
    return output / "_build" / "html"
