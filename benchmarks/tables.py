"""The tables that the benchmarks measure: each says on what, and is stored whole or not at all."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "results" / "benchmarks"

Table = dict[str, Any]


def begun(what: str) -> Table:
    """The first lines of a table: what it holds, when and on what it was measured."""
    return {
        "what": what,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": machine(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
    }


def machine() -> dict[str, Any]:
    """What the numbers depend on: processor, cores, the vector units NumPy uses, versions."""
    from kl_lib.experiments.machinery.environment import cpu_model, git_state, usable_cores

    return {
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "avx512": has_avx512(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "git_commit": git_state()[0],
    }


def has_avx512() -> bool:
    """Whether NumPy finds AVX-512 here, which doubles the speed of its logarithm and more."""
    try:
        from numpy._core._multiarray_umath import __cpu_features__ as features
    except ImportError:  # NumPy 1
        from numpy.core._multiarray_umath import __cpu_features__ as features
    return bool(features.get("AVX512_SKX", False))


def to_text(table: Table) -> str:
    """JSON with one line for each list of seconds, so that a diff can be read."""

    def lines(value: Any, indent: str) -> str:
        if isinstance(value, dict) and value:
            items = (
                f"{indent} {json.dumps(key)}: {lines(item, indent + ' ')}"
                for key, item in value.items()
            )
            return "{\n" + ",\n".join(items) + f"\n{indent}}}"
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            items = (f"{indent} {lines(item, indent + ' ')}" for item in value)
            return "[\n" + ",\n".join(items) + f"\n{indent}]"
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    return lines(table, "") + "\n"


def store(table: Table, path: Path) -> None:
    """Write the table so that the file is there whole or not at all."""
    from kl_lib.experiments.machinery.files import write_whole

    write_whole(path, to_text(table).encode("utf-8"))


def finish(measure: Callable[[], Table], path: Path | None) -> int:
    """Measure, store the table if there is a path, and return the exit status."""
    try:
        table = measure()
    except KeyboardInterrupt:
        print("\nstopped; nothing stored", file=sys.stderr)
        return 130
    if path:
        store(table, path)
        print(f"stored {path.name}")
    return 0
