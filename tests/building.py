"""Where the repository is, and how the book is built: shared by the tests of notebooks and site."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

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


def moved_pages() -> dict[str, str | dict[str, list[str]]]:
    """The old addresses that the book keeps, see `book/_ext/kl_moved.py`."""
    config = yaml.safe_load((REPOSITORY / "_config.yml").read_text("utf-8"))
    return config["sphinx"]["config"]["moved_pages"]


def old_pages() -> set[str]:
    """The files of the built site that only lead on to a page with another name."""
    return {f"{old}.html" for old, new in moved_pages().items() if isinstance(new, str)}
