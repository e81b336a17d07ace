"""One library in a process of its own: `kl_divergence.py` starts it and reads its lines.

    python benchmarks/worker.py '{"name": "kl_lib", "cases": [[1000, 10, "float64"]], ...}'

Each line of standard output is one JSON object. What libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import candidates
import numpy as np
from candidates import CANDIDATES, Array, Call

MEGABYTE = 1e6
SEED = 20240229


def seconds(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def alternated(
    calls: dict[str, Call], least: int, most: int, budget: float, evict: Call = lambda: None
) -> dict[str, Any]:
    """Seconds of each call, taken in turn: at least so often, more often within the budget.

    What slows the machine for a while then slows all of them. `evict` is called before each.
    """
    for call in calls.values():
        call()  # imports, compiles, touches the memory
    found: dict[str, list[float]] = {name: [] for name in calls}
    start = time.perf_counter()
    for done in range(most):
        if done >= least and time.perf_counter() - start > budget:
            break
        for name, call in calls.items():
            evict()
            found[name].append(seconds(call))
    return found


def evictor(megabytes: int) -> Call:
    """A call that reads so much memory that nothing else is left in the caches.

    Without it a read is twice as fast after a library that uses little memory than after one whose
    temporaries have pushed p and q out, and so is no common measure.
    """
    other = np.ones(megabytes * 125_000)
    return lambda: other.sum()


def check(name: str, result: Any, p: Array, q: Array) -> None:
    """Refuse to time a call that does not compute KL(p‖q), row by row."""
    from scipy.special import rel_entr

    shape = np.shape(result)
    if shape != p.shape[:1]:
        raise SystemExit(f"{name} returned an array of shape {shape}, expected {p.shape[:1]}")
    few = slice(None, None, max(1, len(p) // 1000))
    exact = rel_entr(p[few].astype(np.float64), q[few].astype(np.float64)).sum(axis=1)
    error = np.max(np.abs(np.asarray(result)[few] - exact) / np.maximum(exact, 0.01))
    if not error < 1e-3:
        raise SystemExit(f"{name} is off by a relative {error:.1e}: it is not KL that is timed")


def extra_bytes(call: Call) -> int:
    """The most memory that NumPy and Python held during a call, beyond its result."""
    call()
    tracemalloc.start()
    result = call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return int(peak - np.asarray(result).nbytes)


def measure_case(job: dict[str, Any], case: list[Any]) -> dict[str, Any]:
    rows, categories, dtype = case
    p, q = candidates.distributions(rows, categories, dtype, SEED)
    make = CANDIDATES[job["name"]][1]
    call = make(p, q, job["threads"])
    check(job["name"], call(), p, q)
    limits = job["least"], job["most"], job["budget"], evictor(job["evicted_megabytes"])
    with candidates.reading(p, q, job["threads"]) as read:
        entry: dict[str, Any] = {"case": case} | alternated({"read": read, "call": call}, *limits)
    if job["name"] == "kl_lib":
        entry["extra_bytes"] = extra_bytes(call)
        near = candidates.close_to(p)
        call = make(p, near, job["threads"])
        with candidates.reading(p, near, job["threads"]) as read:
            entry["close"] = alternated({"read": read, "call": call}, *limits)
    return entry


def measure_pair(job: dict[str, Any]) -> dict[str, Any]:
    """One pair of 10 categories: kl_lib and scipy.stats.entropy in turn, seconds of one call."""
    p, q = candidates.distributions(1, 10, "float64", SEED)
    calls = {
        name: repeated(CANDIDATES[name][1](p[0], q[0], job["threads"]), job["pair_calls"])
        for name in ("kl_lib", "scipy.stats.entropy")
    }
    found = alternated(calls, job["least"], 3 * job["most"], job["budget"])
    count = job["pair_calls"]
    return {"pair": {name: [t / count for t in times] for name, times in found.items()}}


def repeated(call: Call, count: int) -> Call:
    def many() -> None:
        for _ in range(count):
            call()

    return many


def lines(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"versions": candidates.versions(job["name"])}
    for case in job["cases"]:
        yield measure_case(job, case)
    if job["name"] == "kl_lib":
        yield measure_pair(job)


def answer(lines: Iterator[dict[str, Any]]) -> None:
    """Print each line as JSON; what libraries print meanwhile goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in lines:
        print(json.dumps(line), file=answers, flush=True)


def lines_or_missing(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        yield from lines(job)
    except ImportError as error:
        yield {"missing": str(error).splitlines()[0]}


if __name__ == "__main__":
    answer(lines_or_missing(json.loads(sys.argv[1])))
