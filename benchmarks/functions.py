"""How long every function over categories takes, beside its line of NumPy or SciPy.

    python benchmarks/functions.py             measure all (under three minutes), store the table
    python benchmarks/functions.py --quick     small arrays, a few seconds; prints, stores nothing

All calls take turns in one process, with the read of both arrays among them, so that they can be
compared with each other whatever the machine does meanwhile. A second process does the same with
NumPy's vector units switched off, as far as NumPy lets itself. The table is stored whole or not at
all; Ctrl-C stops everything and stores nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import candidates
import numpy as np
import tables
import worker
from candidates import Array, Call
from kl_divergence import THREADS, answers, rounded

RESULTS = tables.RESULTS / "functions.json"

KL, NUMPY = "kl_lib", "NumPy"
#: What NumPy computes with: all that the processor has, or what it was built to need at least.
MODES = ("all", "baseline")

FULL = {
    "rows": [1_000_000, 10], "matrix": [2000, 2000, 10], "small_calls": 400,
    "evicted_megabytes": 600, "least": 5, "most": 21, "budget": 40.0, "matrix_budget": 7.0,
    "small_budget": 8.0,
}  # fmt: skip
QUICK = {
    "rows": [2000, 10], "matrix": [30, 20, 10], "evicted_megabytes": 1, "small_calls": 5,
    "least": 2, "most": 2, "budget": 0.0, "matrix_budget": 0.0, "small_budget": 0.0,
}  # fmt: skip


class Timed(NamedTuple):
    """One way to compute one function."""

    function: str
    who: str
    call: Callable[..., Any]
    #: "pair": p and q. "logits": two arrays of logits. "gamma": four numbers.
    takes: str = "pair"

    def bound(self, given: dict[str, tuple[Any, ...]]) -> Call:
        arguments = given[self.takes]
        return lambda: self.call(*arguments)


def logits_by_numpy(a: Array, b: Array) -> Any:
    x, y = np.exp(a), np.exp(b)
    s, t = x.sum(-1, keepdims=True), y.sum(-1, keepdims=True)
    return (x * (a - np.log(s) - b + np.log(t))).sum(-1) / s[..., 0]


def logits_by_scipy(a: Array, b: Array) -> Any:
    from scipy.special import log_softmax

    log_p, log_q = log_softmax(a, axis=-1), log_softmax(b, axis=-1)
    return (np.exp(log_p) * (log_p - log_q)).sum(-1)


def gamma_by_scipy(a: float, b: float, c: float, d: float) -> Any:
    from scipy.special import digamma, gammaln

    return (a - c) * digamma(a) - gammaln(a) + gammaln(c) + c * np.log(b / d) + a * (d - b) / b


def timed() -> list[Timed]:
    """Every function, kl_lib first, and who else computes it."""
    from scipy.spatial.distance import jensenshannon
    from scipy.special import rel_entr
    from scipy.stats import entropy

    import kl_lib as kl

    def two_rel_entr(p: Array, q: Array) -> Any:
        m = (p + q) / 2
        return (rel_entr(p, m) + rel_entr(q, m)).sum(-1) / 2

    def js_by_numpy(p: Array, q: Array) -> Any:
        m = (p + q) / 2
        return (p * np.log(p / m) + q * np.log(q / m)).sum(-1) / 2

    return [
        Timed("kl_divergence", KL, kl.kl_divergence),
        Timed("kl_divergence", NUMPY, lambda p, q: (p * np.log(p / q)).sum(-1)),
        Timed("kl_divergence", "scipy.stats.entropy", lambda p, q: entropy(p, q, axis=-1)),
        Timed("entropy", KL, lambda p, q: kl.entropy(p)),
        Timed("entropy", NUMPY, lambda p, q: -(p * np.log(p)).sum(-1)),
        Timed("entropy", "scipy.stats.entropy", lambda p, q: entropy(p, axis=-1)),
        Timed("cross_entropy", KL, kl.cross_entropy),
        Timed("cross_entropy", NUMPY, lambda p, q: -(p * np.log(q)).sum(-1)),
        Timed("js_divergence", KL, kl.js_divergence),
        Timed("js_divergence", NUMPY, js_by_numpy),
        Timed("js_divergence", "two scipy.special.rel_entr", two_rel_entr),
        Timed(
            "js_divergence",
            "scipy jensenshannon, squared",
            lambda p, q: jensenshannon(p, q, axis=-1) ** 2,
        ),
        Timed("total_variation", KL, kl.total_variation),
        Timed("total_variation", NUMPY, lambda p, q: np.abs(p - q).sum(-1) / 2),
        Timed("kl_terms", KL, kl.kl_terms),
        Timed("kl_terms", NUMPY, lambda p, q: p * np.log(p / q)),
        Timed("kl_terms", "scipy.special.rel_entr", rel_entr),
        Timed("kl_from_logits", KL, kl.kl_from_logits, "logits"),
        Timed("kl_from_logits", NUMPY, logits_by_numpy, "logits"),
        Timed("kl_from_logits", "scipy.special.log_softmax", logits_by_scipy, "logits"),
    ]


def timed_scalars() -> list[Timed]:
    """The closed form that is timed beside the pairs."""
    import kl_lib as kl

    return [
        Timed("kl_gamma", KL, kl.kl_gamma, "gamma"),
        Timed("kl_gamma", "scipy.special", gamma_by_scipy, "gamma"),
    ]


def timed_matrix() -> list[Timed]:
    """All pairs, and the product of matrices that they are measured by."""
    from scipy.special import rel_entr

    import kl_lib as kl

    return [
        Timed("kl_matrix", KL, kl.kl_matrix),
        Timed(
            "kl_matrix",
            NUMPY,
            lambda p, q: (p * np.log(p)).sum(1)[:, None] - p @ np.log(q).T,
        ),
        Timed("kl_matrix", "scipy.special.rel_entr", lambda p, q: rel_entr(p[:, None], q).sum(-1)),
    ]


# In the process that measures


def check(calls: list[Timed], given: dict[str, tuple[Any, ...]]) -> None:
    """Refuse to time calls that do not all compute the same function of the same input."""
    results: dict[str, Any] = {}
    for one in calls:
        found = np.asarray(one.bound(given)())
        expected = results.setdefault(one.function, found)
        if found.shape != expected.shape or not np.allclose(found, expected, rtol=1e-9, atol=1e-12):
            raise SystemExit(f"{one.function} by {one.who} is not that of {calls[0].who}")


def first_rows(given: dict[str, tuple[Any, ...]], count: int) -> dict[str, tuple[Any, ...]]:
    return {kind: tuple(x[:count] for x in arguments) for kind, arguments in given.items()}


def nested(found: dict[str, list[float]], calls: list[Timed]) -> dict[str, Any]:
    """The seconds by function, then by who computes it."""
    table: dict[str, Any] = {}
    for one in calls:
        table.setdefault(one.function, {})[one.who] = found[f"{one.function}, {one.who}"]
    return table


def of_rows(job: dict[str, Any]) -> dict[str, Any]:
    """Many rows: the read and every call in turn, none with its input in a cache."""
    rows, categories = job["rows"]
    p, q = candidates.distributions(rows, categories, "float64", worker.SEED)
    rng = np.random.default_rng(worker.SEED)
    logits = tuple(2 * rng.standard_normal(p.shape) for _ in range(2))
    given, calls = {"pair": (p, q), "logits": logits}, timed()
    check(calls, first_rows(given, 1000))
    with candidates.reading(p, q, job["threads"]) as read:
        turns = {"read": read} | {f"{c.function}, {c.who}": c.bound(given) for c in calls}
        limits = job["least"], job["most"], job["budget"]
        found = worker.alternated(turns, *limits, worker.evictor(job["evicted_megabytes"]))
    own = [one for one in calls if one.who == KL]
    return {
        "rows": {
            "case": [rows, categories, "float64"],
            "read": found["read"],
            "functions": nested(found, calls),
            "extra_bytes": {one.function: worker.extra_bytes(one.bound(given)) for one in own},
        }
    }


def of_matrix(job: dict[str, Any]) -> dict[str, Any]:
    """All pairs of two tables of rows, and one product of the two tables."""
    n, m, categories = job["matrix"]
    p, _ = candidates.distributions(n, categories, "float64", worker.SEED)
    q, _ = candidates.distributions(m, categories, "float64", worker.SEED + 1)
    given, calls = {"pair": (p, q)}, timed_matrix()
    check(calls, {"pair": (p[:20], q[:30])})
    turns: dict[str, Call] = {"product": lambda: p @ q.T}
    turns |= {f"{c.function}, {c.who}": c.bound(given) for c in calls}
    found = worker.alternated(turns, job["least"], 3 * job["most"], job["matrix_budget"])
    return {
        "matrix": {
            "case": job["matrix"],
            "product": found["product"],
            "functions": nested(found, calls),
        }
    }


def of_small_calls(job: dict[str, Any]) -> dict[str, Any]:
    """One pair of 10 categories and one closed form of four numbers: seconds of one call."""
    p, q = candidates.distributions(1, 10, "float64", worker.SEED)
    a, b = np.log(p[0]) + 1, np.log(q[0]) - 1
    given = {"pair": (p[0], q[0]), "logits": (a, b), "gamma": (2.0, 1.0, 3.5, 1.5)}
    calls = timed() + timed_scalars()
    check(calls, given)
    count = job["small_calls"]
    turns = {f"{c.function}, {c.who}": worker.repeated(c.bound(given), count) for c in calls}
    found = worker.alternated(turns, job["least"], 3 * job["most"], job["small_budget"])
    one_call = {name: [t / count for t in times] for name, times in found.items()}
    return {"small": {"functions": nested(one_call, calls)}}


def features() -> tuple[dict[str, bool], list[str]]:
    """What NumPy says the processor has, and which of it NumPy chooses at run time."""
    try:
        from numpy._core import _multiarray_umath as umath
    except ImportError:  # NumPy 1
        from numpy.core import _multiarray_umath as umath  # type: ignore[no-redef]
    return umath.__cpu_features__, umath.__cpu_dispatch__


def dispatched() -> list[str]:
    """The vector units that NumPy uses here and can do without."""
    found, chosen = features()
    return [name for name in chosen if found.get(name)]


def lines(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    import kl_lib as kl

    kl.set_num_threads(job["threads"])
    yield {"units": dispatched()}
    for measure in (of_rows, of_matrix, of_small_calls):
        yield measure(job)


# In the benchmark


def measure(*, quick: bool) -> tables.Table:
    """Measure with all vector units and without; report on the way."""
    from importlib.metadata import version

    settings = {"threads": THREADS, **(QUICK if quick else FULL)}
    table = tables.begun("seconds of every function over categories and of the read, in turn")
    packages = ("kl-lib", "numpy", "scipy")
    table |= {
        "quick": quick,
        "settings": settings,
        "versions": {name: version(name) for name in packages},
        "modes": {},
    }
    for mode in MODES:
        off = {} if mode == "all" else {"NPY_DISABLE_CPU_FEATURES": " ".join(dispatched())}
        found: dict[str, Any] = {}
        print(f"NumPy with {mode} vector units", flush=True)
        for line in answers({"name": mode, **settings}, Path(__file__), ["--job"], off):
            found |= rounded(line)
            for text in described(line):
                print(f"    {text}", flush=True)
        table["modes"][mode] = found
    return table


def described(line: dict[str, Any]) -> Iterator[str]:
    """One line of text for each function that a part of the measurement holds."""
    for part in line.values():
        if not isinstance(part, dict):
            continue
        for function, found in part["functions"].items():
            what = next((name for name in ("read", "product") if name in part), "µs")
            unit = median(part.get(what, [1e-6]))
            shown = ", ".join(f"{who} {median(t) / unit:.1f}" for who, t in found.items())
            yield f"{function} ({what}): {shown}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small arrays, two repeats")
    parser.add_argument("--output", type=Path, help="where to store the table")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.job:
        worker.answer(lines(json.loads(options.job)))
        return 0
    output = options.output or (None if options.quick else RESULTS)
    return tables.finish(lambda: measure(quick=options.quick), output)


if __name__ == "__main__":
    sys.exit(main())
