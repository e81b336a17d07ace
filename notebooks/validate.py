"""Run nbval over the notebooks, record what was checked, and write it into the book.

    python notebooks/validate.py                    those that are not as they were recorded
    python notebooks/validate.py 03_cats_and_dogs   one of them
    python notebooks/validate.py --all              every one
    python notebooks/validate.py --page             none: only write the page again

A notebook is recorded only if every cell passed. The record is `results/validation.json`; the page
`book/validation.md` is written by hand but for what stands between a line `% from the record: NAME`
and the next `% end`. A test holds the record against the notebooks and the page against both.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
from compare import described, exceptions_for, split_numbers
from execute import FOLDER, find_sources, missing_packages

REPOSITORY = FOLDER.parent
sys.path.append(str(REPOSITORY / "benchmarks"))
import markup  # noqa: E402

RECORD = REPOSITORY / "results" / "validation.json"
PAGE = REPOSITORY / "book" / "validation.md"
#: What the notebooks compute with, and what compares them.
PACKAGES = (
    *("numpy", "scipy", "scikit-learn", "statsmodels", "pandas", "matplotlib"),
    *("tensorflow", "keras", "tensorflow-probability", "tf-keras", "mxnet"),
    *("nbval", "ipykernel", "jupytext"),
)

Record = dict[str, Any]


def fingerprint(notebook: nbformat.NotebookNode) -> str:
    """A hash of what nbval runs and compares: code, tags and outputs. Sentences may change."""
    cells = [
        [cell.source, cell.metadata, cell.execution_count, cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    text = json.dumps(cells, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def counted(notebook: nbformat.NotebookNode, name: str) -> Record:
    """How much of a notebook is compared."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    data = [described(output)[1] for cell in cells for output in cell.outputs]
    texts = [str(part) for one in data for mime, part in one.items() if mime == "text/plain"]
    return {
        "cells": len(cells),
        "outputs": len(data),
        "figures": sum("image/png" in one for one in data),
        "numbers": sum(len(split_numbers(text)[1]) for text in texts),
        "exceptions": sum(map(len, exceptions_for(name).values())),
    }


def installed() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        with suppress(PackageNotFoundError):  # mxnet is not there for every platform
            yield name, version(name)


def machine() -> Record:
    """Where it runs; another Python or another version of a package makes every record stale."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "versions": dict(installed()),
    }


def read_record() -> Record:
    """What is stored; none of the notebooks where the versions are others now."""
    stored = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {"machine": {}}
    here = machine()
    same = all(stored["machine"].get(key) == here[key] for key in ("python", "versions"))
    return {"machine": here, "notebooks": stored["notebooks"] if same else {}}


def stale(record: Record, sources: Iterable[Path]) -> list[Path]:
    """The notebooks whose cells or outputs are not those that were recorded."""
    return [
        source
        for source in sources
        if record["notebooks"].get(source.stem, {}).get("sha256")
        != fingerprint(nbformat.read(source.with_suffix(".ipynb"), as_version=4))
    ]


def validated(source: Path) -> Record | str:
    """Run nbval over one notebook: what is recorded of it, or why nothing is."""
    path = source.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    if missing := missing_packages(notebook):
        return f"not recorded: {', '.join(missing)} is not installed on this platform"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider"]
        started = time.perf_counter()
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", path],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if run.returncode != 0:
            return f"not recorded, it fails:\n{run.stdout[-3000:]}{run.stderr[-1000:]}"
        cases = ElementTree.parse(report).findall(".//testcase")
        passed = sum(case.find("skipped") is None for case in cases)
    numbers = counted(notebook, source.stem)
    if passed != numbers["cells"]:
        return f"not recorded: {passed} of {numbers['cells']} cells were checked"
    return {
        "sha256": fingerprint(notebook),
        **numbers,
        "seconds": round(seconds, 1),
        "checked": date.today().isoformat(),
    }


# The page


def notebooks_table(record: Record) -> str:
    columns = ("cells", "numbers", "figures", "exceptions")
    found = record["notebooks"]
    body = [
        [f"{{doc}}`/notebooks/{name}`", *(str(one[c]) for c in columns), f"{one['seconds']:.0f} s"]
        for name, one in sorted(found.items())
    ]
    sums = [str(sum(one[c] for one in found.values())) for c in columns]
    body.append(["all", *sums, f"{sum(one['seconds'] for one in found.values()):.0f} s"])
    head = ["Chapter", "Cells", "Numbers", "Figures", "Exceptions", "Time"]
    return markup.list_table(
        "What nbval compares, chapter by chapter", "tab-validation", head, body
    )


def conditions(record: Record) -> str:
    days = sorted({one["checked"] for one in record["notebooks"].values()})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    listed = ", ".join(
        f"{name} {number}" for name, number in sorted(record["machine"]["versions"].items())
    )
    machine = record["machine"]
    return (
        f"Checked {span} with Python {machine['python']} on {machine['system']}, "
        f"{machine['cores']} cores, one notebook at a time: {listed}. Times have the start of "
        "Python and of the kernel in them, and come from a machine that may have been busy."
    )


def runs_table(_: Record) -> str:
    """Where the recorded trainings come from, read from the records themselves."""
    from kl_lib import experiments
    from kl_lib.experiments.catalogue import BUILT_IN

    store = experiments.book_results()
    read = {name: experiments.read_records(store, name) for name in sorted(BUILT_IN)}
    read["drift"] = experiments.read_drifts(store, "cifar10")
    body = [[f"`{name}`", *provenance(records)] for name, records in read.items() if records]
    head = ["Experiment", "Runs", "Seeds", "Hours", "Processors", "Commits", "Data"]
    return markup.list_table(
        "Recorded trainings that the chapters read", "tab-provenance", head, body
    )


def provenance(records: Iterable[Any]) -> list[str]:
    records = list(records)

    def different(of: Callable[[Any], str]) -> str:
        return ", ".join(sorted({of(record) for record in records}))

    seeds = {record.config.seed for record in records}
    timed = [record.result["seconds"] for record in records if hasattr(record, "result")]
    return [
        str(len(records)),
        str(len(seeds)),
        f"{sum(timed) / 3600:.1f}" if timed else "not recorded",
        different(lambda record: record.environment["cpu"]),
        different(lambda record: f"`{record.environment['git_commit'][:7]}`"),
        different(lambda r: f"{r.data['description']} (`{r.data['sha256'][:8]}`)"),
    ]


PARTS: dict[str, Callable[[Record], str]] = {
    "conditions": conditions,
    "notebooks": notebooks_table,
    "runs": runs_table,
}


def filled(text: str, record: Record) -> str:
    """The page with its recorded parts written anew."""
    return markup.filled(text, "record", {name: write(record) for name, write in PARTS.items()})


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as 01_entropy")
    parser.add_argument("--all", action="store_true", help="also those that are as recorded")
    parser.add_argument("--page", action="store_true", help="only write the page again")
    options = parser.parse_args(arguments)
    record = read_record()
    sources = find_sources(options.names, FOLDER)
    if not (options.names or options.all):
        sources = stale(record, sources)
    failed = 0
    for number, source in enumerate([] if options.page else sources, start=1):
        found = validated(source)
        failed += isinstance(found, str)
        if not isinstance(found, str):
            record["notebooks"][source.stem] = found
            found = f"{found['cells']} cells, {found['seconds']:.0f} s"
        print(f"{number} of {len(sources)}  {source.stem:32} {found}", flush=True)
    names = {source.stem for source in find_sources([], FOLDER)}
    record["notebooks"] = {n: one for n, one in record["notebooks"].items() if n in names}
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
    PAGE.write_text(filled(PAGE.read_text("utf-8"), record), "utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
