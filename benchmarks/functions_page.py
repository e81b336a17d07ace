"""What book/speed.md says about every function, from the stored table; `page.py` writes it."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

from functions import KL, MODES, NUMPY
from markup import QUIET, list_table, number, span
from tables import Table

#: At most so many times kl_divergence in the same run.
RATIO_AIMS = {
    "entropy": 1.0,
    "cross_entropy": 1.3,
    "js_divergence": 3.0,
    "total_variation": 1.0,
    "kl_terms": 2.5,
    "kl_from_logits": 2.5,
}
READ_AIM, PRODUCT_AIM, LINE_AIM, GAMMA_AIM, MEGABYTES_AIM = 3.0, 3.0, 10.0, 60.0, 8.0


def times_of(table: Table, mode: str, part: str) -> dict[str, dict[str, float]]:
    """For each function and each who computes it, the median of the seconds."""
    functions = table["modes"][mode][part]["functions"]
    return {
        function: {who: median(seconds) for who, seconds in found.items()}
        for function, found in functions.items()
    }


def times_the_read(table: Table, mode: str) -> dict[str, dict[str, float]]:
    """The same for many rows, in times the read of both arrays."""
    read = median(table["modes"][mode]["rows"]["read"])
    return {
        function: {who: seconds / read for who, seconds in found.items()}
        for function, found in times_of(table, mode, "rows").items()
    }


def times_kl(table: Table, mode: str) -> dict[str, dict[str, float]]:
    """The same in times kl_lib's kl_divergence."""
    found = times_of(table, mode, "rows")
    unit = found["kl_divergence"][KL]
    return {name: {who: t / unit for who, t in one.items()} for name, one in found.items()}


def times_the_line(table: Table, mode: str) -> dict[str, dict[str, float]]:
    """The small calls in times the line of NumPy; of SciPy where NumPy has none."""
    return {
        function: {who: t / found.get(NUMPY, list(found.values())[1]) for who, t in found.items()}
        for function, found in times_of(table, mode, "small").items()
    }


def conditions(table: Table) -> str:
    """Where and when the table was measured, and what NumPy's vector units were."""
    machine, load = table["machine"], table["load_before"][0]
    listed = ", ".join(f"{name} {table['versions'][name]}" for name in sorted(table["versions"]))
    kind = (
        "A quick run on small arrays: these numbers show the form of the tables and no speed. "
        if table["quick"]
        else ""
    )
    quiet = (
        f"The load average before the start was {load:.2f}."
        if load <= QUIET
        else f"The load average before the start was {load:.2f}: others were computing too, so the "
        "numbers are rough."
    )
    units, left = (", ".join(table["modes"][mode]["units"]) for mode in MODES)
    off = f"all of these but {left}" if left else "all of these"
    sets = (
        f"Of the instruction sets that NumPy may choose when it starts, it chose {units}; in the "
        f"columns with vector units off it had to do without {off}."
        if units
        else "NumPy found no vector units to choose here, so that both halves of each table are "
        "the same measurement, taken twice."
    )
    return (
        f"{kind}Measured on {table['date']} on an {machine['cpu']}, "
        f"{table['settings']['threads']} threads on {machine['cores']} cores "
        f"({machine['platform']}), Python {machine['python']}, {listed}. {quiet} {sets}"
    )


def size(case: list[Any]) -> str:
    return " × ".join(f"{n:,}" for n in case if isinstance(n, int))


def by_mode(
    head: list[str], name: str, caption: str, columns: list[dict[str, dict[str, float]]]
) -> str:
    """A table with a row for each way to compute each function."""
    body = [
        [f"`{function}`", who, *(number(column[function][who]) for column in columns)]
        for function, found in columns[0].items()
        for who in found
    ]
    return list_table(caption, name, ["Function", "By", *head], body)


def rows(table: Table) -> str:
    """Many rows, in times the read and in times kl_divergence."""
    columns = [f(table, mode) for mode in MODES for f in (times_the_read, times_kl)]
    head = ["Times the read", "Times `kl_divergence`"]
    head += [f"{name}, vector units off" for name in head]
    case = table["modes"][MODES[0]]["rows"]["case"]
    caption = f"Every function over categories, {size(case)}, {case[-1]}: median of the repeats"
    return by_mode(head, "tab-speed-functions", caption, columns) + "\n\n" + beside(table)


def beside(table: Table) -> str:
    """In how many functions kl_lib takes less than every line beside it, and the nearest line."""
    said = []
    for mode, where in zip(MODES, ("With NumPy's vector units", "Without them"), strict=True):
        found = times_of(table, mode, "rows")
        rivals = {
            function: min((t / one[KL], who) for who, t in one.items() if who != KL)
            for function, one in found.items()
        }
        won = sum(share > 1 for share, _ in rivals.values())
        function = min(rivals, key=lambda name: rivals[name][0])
        share, who = rivals[function]
        said.append(
            f"{where} `kl_lib` takes less time than every other line in {won} of the {len(rivals)} "
            f"functions; the nearest, {who} for `{function}`, takes {share:.2f} times as long as "
            "`kl_lib`."
        )
    return " ".join(said)


def matrix(table: Table) -> str:
    """All pairs, in times one product of matrices."""
    columns = []
    for mode in MODES:
        product = median(table["modes"][mode]["matrix"]["product"])
        found = times_of(table, mode, "matrix")
        columns.append({f: {who: t / product for who, t in w.items()} for f, w in found.items()})
    head = ["Times one product", "Times one product, vector units off"]
    n, m, categories = table["modes"][MODES[0]]["matrix"]["case"]
    caption = (
        f"KL of all pairs of {n:,} and {m:,} rows over {categories} categories, in times one "
        "product of the two tables"
    )
    return by_mode(head, "tab-speed-matrix", caption, columns)


def small(table: Table) -> str:
    """One pair, in microseconds and in times the line of NumPy."""
    columns = []
    for mode in MODES:
        found = times_of(table, mode, "small")
        columns.append({f: {who: 1e6 * t for who, t in w.items()} for f, w in found.items()})
        columns.append(times_the_line(table, mode))
    head = ["µs", "Times the line"]
    head += [f"{name}, vector units off" for name in head]
    caption = "One pair of 10 categories, and one closed form of four numbers"
    return by_mode(head, "tab-speed-small", caption, columns)


def aims(table: Table, mode: str) -> list[tuple[str, str, bool]]:
    """What the functions aim at, what was measured, and whether that is so by the medians."""
    reads, to_kl, lines = (f(table, mode) for f in (times_the_read, times_kl, times_the_line))
    kl = reads["kl_divergence"][KL]
    found = [(f"`kl_divergence`: at most {READ_AIM:g} times the read", f"{kl:.1f}", kl <= READ_AIM)]
    for function, limit in RATIO_AIMS.items():
        share = to_kl[function][KL]
        aim = f"`{function}`: at most {limit:g} times `kl_divergence`"
        measured = f"{share:.2f} ({reads[function][KL]:.1f} times the read)"
        found.append((aim, measured, share <= limit))
    part = table["modes"][mode]
    product = times_of(table, mode, "matrix")["kl_matrix"][KL] / median(part["matrix"]["product"])
    aim = f"`kl_matrix`: at most {PRODUCT_AIM:g} times one product of the two tables"
    found.append((aim, number(product), product <= PRODUCT_AIM))
    extra = [value / 1e6 for value in part["rows"]["extra_bytes"].values()]
    aim = f"less than {MEGABYTES_AIM:g} MB beside the result, in every function"
    found.append((aim, f"{span(extra)} MB", max(extra) < MEGABYTES_AIM))
    pairs = {f: one[KL] for f, one in lines.items() if f in RATIO_AIMS or f == "kl_divergence"}
    slowest = max(pairs, key=lambda function: pairs[function])
    aim = f"one pair of 10 categories: at most {LINE_AIM:g} times the line of NumPy"
    measured = f"{span(list(pairs.values()))}, the most for `{slowest}`"
    found.append((aim, measured, pairs[slowest] <= LINE_AIM))
    gamma = 1e6 * times_of(table, mode, "small")["kl_gamma"][KL]
    aim = f"`kl_gamma` of four numbers: at most {GAMMA_AIM:g} µs"
    found.append((aim, f"{gamma:.0f} µs", gamma <= GAMMA_AIM))
    return found


def written_aims(table: Table) -> str:
    verdict = {True: "yes", False: "no"}
    with_units, without = (aims(table, mode) for mode in MODES)
    body = [
        [aim, measured, verdict[met], other, verdict[other_met]]
        for (aim, measured, met), (_, other, other_met) in zip(with_units, without, strict=True)
    ]
    head = ["Aim", "Measured", "Reached", "Vector units off", "Reached"]
    caption = "What the functions aim at, and what was measured (verdicts by the medians)"
    return list_table(caption, "tab-speed-functions-aims", head, body)


PARTS: dict[str, Callable[[Table], str]] = {
    "functions_conditions": conditions,
    "functions": rows,
    "functions_matrix": matrix,
    "functions_small": small,
    "functions_aims": written_aims,
}
