"""How long KL of many rows takes, in times the cost of merely reading p and q.

    python benchmarks/kl_divergence.py                     measure all, store the table
    python benchmarks/kl_divergence.py --quick             small arrays, a few seconds a library
    python benchmarks/kl_divergence.py --only kl_lib       some of them; prints, stores nothing

Each library runs in a process of its own. There its call and the reading of both arrays take
turns, so that a busy machine slows both, and each starts with neither array in a cache. The table
is stored whole or not at all; Ctrl-C stops everything and stores nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

import tables
from candidates import CANDIDATES

FOLDER = Path(__file__).resolve().parent
RESULTS = tables.RESULTS / "kl_divergence.json"

SHAPES = ((1_000_000, 10), (100_000, 1000))
QUICK_SHAPES = ((1000, 10), (100, 100))
DTYPES = ("float64", "float32")
THREADS = 2

#: The caches of a large server hold 300 MB.
FULL = {"least": 5, "most": 25, "budget": 5.0, "pair_calls": 2000, "evicted_megabytes": 600}
QUICK = {"least": 2, "most": 2, "budget": 0.0, "pair_calls": 20, "evicted_megabytes": 1}


def environment(threads: int) -> dict[str, str]:
    """Environment variables of a worker: so many threads for whoever asks, no graphics card."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "KL_LIB_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(names, str(threads)),
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def answers(
    job: dict[str, Any],
    script: Path = FOLDER / "worker.py",
    options: Sequence[str] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[dict[str, Any]]:
    """The lines of one worker as they come; its process ends with this generator."""
    command = [sys.executable, str(script), *options, json.dumps(job)]
    env = environment(job["threads"]) | dict(variables)
    with tempfile.TemporaryFile("w+") as log:
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=env)
        try:
            assert worker.stdout is not None
            for line in worker.stdout:
                yield json.loads(line)
            if worker.wait() != 0:
                log.seek(0)
                raise SystemExit(f"{job['name']} failed:\n{log.read()[-2000:]}")
        finally:
            worker.kill()
            worker.wait()


def ratio(entry: dict[str, Any], reduce: Any = median) -> float:
    """How many times the read the call of one entry took: median by median, or best by best."""
    return reduce(entry["call"]) / reduce(entry["read"])


def measure(names: list[str], *, quick: bool) -> tables.Table:
    """Measure these candidates one after the other and report on the way."""
    shapes = QUICK_SHAPES if quick else SHAPES
    cases = [[*shape, dtype] for shape in shapes for dtype in DTYPES]
    settings = {"threads": THREADS, **(QUICK if quick else FULL)}
    what = "seconds of KL(p‖q) of every row, and of merely reading p and q, taken in turn"
    table = tables.begun(what) | {"quick": quick, "settings": settings, "libraries": {}}
    for number, name in enumerate(names, start=1):
        print(f"[{number}/{len(names)}] {name}", flush=True)
        entries: list[dict[str, Any]] = []
        library: dict[str, Any] = {"entries": entries}
        for line in answers({"name": name, "cases": cases, **settings}):
            if "case" in line:
                entries.append(rounded(line))
                print(f"    {described(line)}", flush=True)
            else:
                library.update(rounded(line))
        if "missing" in library:
            print(f"    not measured: {library['missing']}", flush=True)
        table["libraries"][name] = library
    return table


def described(entry: dict[str, Any]) -> str:
    rows, categories, dtype = entry["case"]
    return (
        f"{rows:,} × {categories} {dtype}: {ratio(entry):.1f} times the read "
        f"(best by best {ratio(entry, min):.1f}, {len(entry['call'])} repeats)"
    )


def rounded(value: Any) -> Any:
    """Seconds with four digits: more would be noise."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small arrays, two repeats")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=CANDIDATES)
    parser.add_argument(
        "--output",
        type=Path,
        help="where to store the table; results/benchmarks for a whole run, nowhere otherwise",
    )
    options = parser.parse_args(arguments)
    whole = not options.quick and not options.only
    output = options.output or (RESULTS if whole else None)
    names = options.only or list(CANDIDATES)
    return tables.finish(lambda: measure(names, quick=options.quick), output)


if __name__ == "__main__":
    sys.exit(main())
