"""All notebooks in one file on the site, with what they need to run.

The same sources give the same bytes: names in order, no dates.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from sphinx.application import Sphinx

NAME = "kl_book_notebooks.zip"
FOLDER = "kl_book"
#: Notebooks, what they import, what they read, and what it takes to install that.
NEEDED = (
    *("notebooks/*.ipynb", "notebooks/claims/**/*.py", "kl_lib/**/*.py", "kl_lib/py.typed"),
    *("results/**/*.*", "pyproject.toml", "requirements.lock", "LICENSE"),
)
README = """\
# The notebooks of the KL book

With Python 3.11 or 3.12 on Linux or macOS, in this folder:

    python3 -m venv .venv
    .venv/bin/pip install --require-hashes -r requirements.lock
    .venv/bin/pip install --no-deps --no-build-isolation -e .
    .venv/bin/jupyter lab notebooks

`kl_lib` is the book's library, `results` holds the recorded runs that some chapters read.
"""


def needed(source: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file, in order."""
    yield "README.md", README.encode()
    paths = {path for pattern in NEEDED for path in source.glob(pattern) if path.is_file()}
    for path in sorted(paths):
        name = path.relative_to(source)
        if not any(part.startswith((".", "__pycache__")) for part in name.parts):
            yield name.as_posix(), path.read_bytes()


def write_zip(source: Path, target: Path) -> None:
    """Pack the notebooks under `source`, and what they need, into `target`."""
    with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=9) as file:
        for name, content in needed(source):
            entry = ZipInfo(f"{FOLDER}/{name}")  # dated 1980, as no file is
            entry.external_attr = 0o644 << 16
            file.writestr(entry, content, ZIP_DEFLATED, 9)


def offer(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        write_zip(Path(app.srcdir), Path(app.outdir, NAME))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", offer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
