"""Make every NN_name.ipynb from its NN_name.md: the same cells, executed, with their outputs.

    python notebooks/execute.py                  all notebooks
    python notebooks/execute.py 03_cats_and_dogs one of them
    python notebooks/execute.py -j 1             one at a time
    python notebooks/execute.py --prose          only sentences changed: keep the stored outputs

A notebook is stored only if every cell ran and none wrote to stderr. A notebook whose cells are the
same as before, and whose new outputs agree with the stored ones within the tolerances of
`compare.py`, is left as it is, byte for byte: another CPU's last digits are no reason for a change.

Cells run in the folder `notebooks`, as in Jupyter Lab and under nbval.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.util
import io
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import jupytext
import nbformat
from compare import PIXEL_RMS, TILE_RMS, image_distance, outputs_difference
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupytext.config import load_jupytext_config
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from PIL import Image

FOLDER = Path(__file__).resolve().parent
PATTERN = "[0-9][0-9]_*.md"
CELL_TIMEOUT = 300  # seconds; a whole chapter is meant to take 30
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
# TensorFlow's C++ log lines go past Python's stderr; with this they stay out of the outputs.
KERNEL_ARGUMENTS = ["--IPKernelApp.capture_fd_output=False"]


class NotStoredError(Exception):
    """Why a notebook was not stored: its name, the cell and the error, for whoever wrote it."""


def kernel_environment(settings: str) -> dict[str, str]:
    """Environment variables under which a kernel repeats itself on any machine.

    `settings` is an empty folder in the place of the user's own: no start-up files, no other fonts.
    """
    no_settings = Path(settings) / "matplotlibrc"
    no_settings.touch()
    one_thread = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    )
    return {
        **os.environ,
        **dict.fromkeys(one_thread, "1"),  # sums in another order end in other digits
        "PYTHONHASHSEED": "0",
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "IPYTHONDIR": settings,
        "MATPLOTLIBRC": str(no_settings),
    }


def missing_packages(notebook: nbformat.NotebookNode) -> list[str]:
    """The packages that a notebook says it needs and that are not installed here."""
    needs = notebook.metadata.get("kl_book", {}).get("needs", [])
    return [name for name in needs if importlib.util.find_spec(name) is None]


def read_source(path: Path) -> nbformat.NotebookNode:
    """The notebook that a .md file describes: no outputs, neutral metadata, ids that repeat."""
    notebook = jupytext.read(path, config=load_jupytext_config(str(path)))
    metadata = {"kernelspec": KERNELSPEC}
    if "kl_book" in notebook.metadata:
        metadata["kl_book"] = notebook.metadata["kl_book"]
    notebook.metadata = nbformat.from_dict(metadata)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        name = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[name] += 1
        cell.id = name if seen[name] == 1 else f"{name}-{seen[name]}"
    return notebook


def run(notebook: nbformat.NotebookNode, name: str, folder: Path) -> None:
    """Execute a notebook in place; raise NotStoredError where it must not be stored."""
    with tempfile.TemporaryDirectory() as settings, tempfile.TemporaryFile() as log:
        client = NotebookClient(
            notebook,
            # No folders to look in: the kernel is this Python, not one a user has installed.
            km=AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[])),
            timeout=CELL_TIMEOUT,
            record_timing=False,
            coalesce_streams=True,
            extra_arguments=KERNEL_ARGUMENTS,
            resources={"metadata": {"path": str(folder)}},
        )
        try:
            client.execute(env=kernel_environment(settings), stderr=log)
        except CellExecutionError as error:
            raise NotStoredError(f"{name}, {_failed_cell(notebook)}\n{error}") from None
        except DeadKernelError as error:
            log.seek(0)
            tail = log.read().decode(errors="replace")[-2000:]
            raise NotStoredError(f"{name}: {error}\n{tail}") from None
    notebook.metadata.pop("language_info", None)
    for number, cell in enumerate(_code_cells(notebook), start=1):
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                raise NotStoredError(f"{name}, cell {number} wrote to stderr:\n{output.text}")
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = small_png(output.data["image/png"])


def _code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _failed_cell(notebook: nbformat.NotebookNode) -> str:
    for number, cell in enumerate(_code_cells(notebook), start=1):
        if any(output.output_type == "error" for output in cell.outputs):
            return f"cell {number} raised an error:"
    return "a cell did not end:"


def small_png(data: str) -> str:
    """A base64 PNG again, without transparency, text chunks and, where nobody sees it, true colour.

    A palette of 256 colours takes a third of the bytes. It is used where it moves the pixels by
    less than half of what `compare.py` allows, so that the other half is left for other machines.
    """
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        dpi = image.info.get("dpi")
        true = image.convert("RGB")
    small = _png(true.quantize(256, kmeans=2, dither=Image.Dither.NONE), dpi)
    full = _png(true, dpi)
    rms, tile = image_distance(full, small)
    return small if rms < PIXEL_RMS / 2 and tile < TILE_RMS / 2 else full


def _png(image: Image.Image, dpi: tuple[float, float] | None) -> str:
    file = io.BytesIO()
    image.save(file, "png", optimize=True, **({"dpi": dpi} if dpi else {}))
    return base64.b64encode(file.getvalue()).decode("ascii")


def same_notebook(stored: nbformat.NotebookNode, computed: nbformat.NotebookNode) -> bool:
    """Whether two executed notebooks have equal cells, and outputs equal within the tolerances."""
    if stored.metadata != computed.metadata or len(stored.cells) != len(computed.cells):
        return False
    for old, new in zip(stored.cells, computed.cells, strict=True):
        if any(old.get(key) != new.get(key) for key in ("cell_type", "id", "source", "metadata")):
            return False
        if old.get("execution_count") != new.get("execution_count"):
            return False
        if outputs_difference(old.get("outputs", []), new.get("outputs", [])):
            return False
    return True


def store(notebook: nbformat.NotebookNode, path: Path) -> bool:
    """Write a notebook in one step and return True, unless the one on disk says the same."""
    if path.exists() and same_notebook(nbformat.read(path, as_version=4), notebook):
        return False
    part = path.with_suffix(".part")
    nbformat.write(notebook, part)
    os.replace(part, path)
    return True


def keep_outputs(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Take the outputs of a stored notebook; raise NotStoredError unless its code is the same."""
    stored = _code_cells(nbformat.read(path, as_version=4)) if path.exists() else []
    cells = _code_cells(notebook)
    if [(c.source, c.metadata) for c in cells] != [(c.source, c.metadata) for c in stored]:
        raise NotStoredError(f"{path.stem}: its code has changed, execute it without --prose")
    for cell, old in zip(cells, stored, strict=True):
        cell.outputs, cell.execution_count = old.outputs, old.execution_count


def make(source: Path, prose_only: bool = False) -> str:
    """Execute and store one notebook; what happened, in a few words."""
    started = time.perf_counter()
    notebook = read_source(source)
    if prose_only:
        keep_outputs(notebook, source.with_suffix(".ipynb"))
        written = store(notebook, source.with_suffix(".ipynb"))
        return "sentences stored" if written else "unchanged"
    if missing := missing_packages(notebook):
        return f"left as it is: {', '.join(missing)} is not installed on this platform"
    run(notebook, source.stem, source.parent)
    written = store(notebook, source.with_suffix(".ipynb"))
    return f"{time.perf_counter() - started:5.1f} s  {'stored' if written else 'unchanged'}"


def find_sources(names: list[str], folder: Path) -> list[Path]:
    sources = sorted(folder.glob(PATTERN))
    if not names:
        return sources
    wanted = {Path(name).stem for name in names}
    if unknown := wanted - {source.stem for source in sources}:
        raise SystemExit(f"no such notebook in {folder.name}/: {', '.join(sorted(unknown))}")
    return [source for source in sources if source.stem in wanted]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as 01_entropy; default all")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="notebooks at a time, default 2")
    parser.add_argument("--prose", action="store_true", help="keep outputs where no code changed")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    sources = find_sources(options.names, options.folder.resolve())
    failures = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        futures = {pool.submit(make, source, options.prose): source for source in sources}
        for future in as_completed(futures):
            name = futures[future].stem
            try:
                print(f"{name:32} {future.result()}", flush=True)
            except NotStoredError as error:
                failures.append(error)
                print(f"{name:32} not stored", flush=True)
    for failure in failures:
        print(f"\n{failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
