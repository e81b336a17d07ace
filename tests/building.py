"""Where the repository is, and how the book is built: shared by the tests of notebooks and site."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def build_book(source: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """Render a book as `make book` does, into output/_build/html; every warning is an error."""
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    return subprocess.run(
        [jupyter_book, "build", source, "--path-output", output, "-W", "-n", "--keep-going", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
