"""Write the measured parts of book/speed.md, and its figure, from the stored tables.

    python benchmarks/page.py

The page is written by hand but for what stands between a line `% from the table: NAME` and the next
`% end`. A test holds both the page and the figure against the tables. What is said about training
is in `training_page.py`, what is said about every function in `functions_page.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import functions
import functions_page
import markup
import training
import training_page
from kl_divergence import RESULTS, ratio
from markup import QUIET, Aim, aim_table, list_table, number, span
from tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BOOK = Path(__file__).resolve().parents[1] / "book"
PAGE = BOOK / "speed.md"
PICTURE = BOOK / "_static" / "speed.png"

KL, SCIPY = "kl_lib", "scipy.stats.entropy"


def ratios(table: Table, reduce: Any = median) -> dict[str, dict[tuple[int, int, str], float]]:
    """For each library that was measured, times the read for each case."""
    return {
        name: {tuple(entry["case"]): ratio(entry, reduce) for entry in library["entries"]}
        for name, library in table["libraries"].items()
        if library["entries"]
    }


def case_name(case: tuple[int, int, str]) -> str:
    rows, categories, dtype = case
    return f"{rows:,} × {categories}, {dtype}"


def conditions(table: Table) -> str:
    """Where and when the table was measured, and whether the machine was busy."""
    machine, load = table["machine"], table["load_before"][0]
    units = "with" if machine["avx512"] else "without"
    quiet = (
        f"The machine was quiet: its load average before the start was {load:.2f}."
        if load <= QUIET
        else "It was measured on a busy machine: the load average before the start was "
        f"{load:.2f}, on top of which came the benchmark. Reading and computing took turns, but "
        "what runs on two threads, such as the read and kl_lib, is disturbed more than what runs "
        "on one. So these ratios are rough; a quiet machine gives others."
    )
    packages: dict[str, str] = {}
    for library in table["libraries"].values():
        packages |= library.get("versions", {})
    listed = ", ".join(f"{name} {packages[name]}" for name in sorted(packages))
    speeds = [gigabytes(entry) for one in table["libraries"].values() for entry in one["entries"]]
    return (
        f"Measured on {table['date']} on an {machine['cpu']} {units} AVX-512, "
        f"{table['settings']['threads']} threads on {machine['cores']} cores "
        f"({machine['platform']}), Python {machine['python']}, {listed}. {quiet} "
        f"Reading ran at {span(speeds)} GB/s, the best of each process and size."
    )


def gigabytes(entry: dict[str, Any]) -> float:
    """GB/s of the fastest read of an entry."""
    rows, categories, dtype = entry["case"]
    return 2 * rows * categories * {"float64": 8, "float32": 4}[dtype] / min(entry["read"]) / 1e9


def ratio_table(table: Table, reduce: Any, caption: str, name: str) -> str:
    found = ratios(table, reduce)
    cases = list(next(iter(found.values())))
    body = [[library, *(number(found[library][case]) for case in cases)] for library in found]
    body += [
        [library, *["not installed"] * len(cases)]
        for library in table["libraries"]
        if library not in found
    ]
    return list_table(caption, name, ["Library", *map(case_name, cases)], body)


def medians(table: Table) -> str:
    caption = "Time of KL for every row, in times the read: median of the repeats"
    return ratio_table(table, median, caption, "tab-speed")


def bests(table: Table) -> str:
    caption = "The same, fastest repeat by fastest read"
    return ratio_table(table, min, caption, "tab-speed-best")


def picture(table: Table) -> str:
    """The figure's directive: its alternative text states the measured numbers."""
    found = ratios(table)
    others = [value for name, one in found.items() if name != KL for value in one.values()]
    slowest = max(found, key=lambda name: max(found[name].values()))
    return "\n".join(
        [
            "```{figure} _static/speed.png",
            f':alt: "Two panels, one above the other, with a logarithmic axis, times the read. '
            f"kl_lib lies at "
            f"{span(list(found[KL].values()))}, the other libraries at {span(others)}; the "
            f'slowest point belongs to {slowest}."',
            ":name: fig-speed",
            "",
            "Medians of {numref}`tab-speed`. Further left is faster; the line at 1 is the read.",
            "```",
        ]
    )


def aims(table: Table) -> list[Aim]:
    """What kl_lib set out to reach, what was measured, and whether that is so by the medians."""
    by_median, by_best = ratios(table), ratios(table, min)
    kl = by_median[KL]
    rows: list[Aim] = []
    if SCIPY in by_median:
        gains, best = (
            [found[SCIPY][case] / found[KL][case] for case in kl] for found in (by_median, by_best)
        )
        rows.append(
            (
                f"at least 10 times as fast as `{SCIPY}`, everywhere",
                f"{span(gains)} times (best by best {span(best)})",
                min(gains) >= 10,
            )
        )
    doubles = [case for case in kl if case[2] == "float64"]
    rivals = [
        (found[case] / kl[case], name, case)
        for name, found in by_median.items()
        if name != KL
        for case in doubles
    ]
    if rivals:
        least, name, case = min(rivals)
        rows.append(
            (
                "faster than every other at float64",
                f"the nearest, {name}, takes {number(least)} times as long ({case_name(case)})",
                least > 1,
            )
        )
    rows.append(
        (
            "within 6 times the read on a processor with AVX-512",
            f"{span(list(kl.values()))} times (best by best {span(list(by_best[KL].values()))})",
            max(kl.values()) <= 6 if table["machine"]["avx512"] else None,
        )
    )
    extra = [entry["extra_bytes"] / 1e6 for entry in table["libraries"][KL]["entries"]]
    rows.append(("less than 8 MB beside the result", f"{span(extra)} MB", max(extra) < 8))
    share = pair_share(table)
    rows.append(
        (
            f"a single pair of 10 categories in at most 0.3 times the time of `{SCIPY}`",
            f"{share:.2f} times",
            share <= 0.3,
        )
    )
    return rows


def pair_share(table: Table) -> float:
    pair = table["libraries"][KL]["pair"]
    return median(pair[KL]) / median(pair[SCIPY])


def written_aims(table: Table) -> str:
    caption = "What kl_lib aims at, and what was measured (verdicts by the medians)"
    return aim_table(caption, "tab-speed-aims", aims(table))


def details(table: Table) -> str:
    """One pair in microseconds, and rows so close that the fast sum is not exact enough."""
    pair = {name: 1e6 * median(times) for name, times in table["libraries"][KL]["pair"].items()}
    entries = table["libraries"][KL]["entries"]
    body = [
        [case_name(tuple(e["case"])), number(ratio(e)), number(ratio(e["close"]))] for e in entries
    ]
    return (
        f"One pair of 10 categories takes {pair[KL]:.0f} µs, and `{SCIPY}` takes "
        f"{pair[SCIPY]:.0f} µs for it.\n\n"
        + list_table(
            "kl_lib, times the read: rows far apart, and rows whose KL is about 1e-7 nats",
            "tab-speed-close",
            ["Size", "Far apart", "Close"],
            body,
        )
    )


PARTS: dict[str, Callable[[Table], str]] = {
    "conditions": conditions,
    "medians": medians,
    "picture": picture,
    "bests": bests,
    "aims": written_aims,
    "details": details,
}


def stored() -> list[Table]:
    """The tables that `filled` asks for, as they are stored."""
    paths = RESULTS, functions.RESULTS, training.RESULTS
    return [json.loads(path.read_text("utf-8")) for path in paths]


def filled(text: str, table: Table, functions_table: Table, training_table: Table) -> str:
    """The page with its measured parts written anew."""
    parts = {name: write(table) for name, write in PARTS.items()}
    parts |= {name: write(functions_table) for name, write in functions_page.PARTS.items()}
    parts |= {name: write(training_table) for name, write in training_page.PARTS.items()}
    return markup.filled(text, "table", parts)


def draw(table: Table) -> Figure:
    """Times the read, one line for each library, one panel for each shape."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    from kl_lib import figures

    figures.use_style()
    found = ratios(table)
    names = sorted(found, key=lambda name: -max(found[name].values()))
    shapes = list(dict.fromkeys(case[:2] for case in found[names[0]]))
    height = 0.5 + len(shapes) * (0.6 + 0.3 * len(names))
    figure, axes = figures.panels(rows=len(shapes), height=height, sharex=True)
    values = [value for one in found.values() for value in one.values()]
    for ax, shape in zip(axes, shapes, strict=True):
        for place, name in enumerate(names):
            color = figures.M_COLOR if name == KL else figures.GREY
            pair = [found[name][(*shape, dtype)] for dtype in ("float64", "float32")]
            ax.plot(pair, [place, place], color=figures.GREY, linewidth=1, zorder=1)
            for value, face, label in zip(
                pair, (color, "white"), ("float64", "float32"), strict=True
            ):
                ax.plot(
                    value,
                    place,
                    "o",
                    color=color,
                    markerfacecolor=face,
                    markersize=7,
                    label=label if place == 0 else None,
                )
        ax.axvline(1, color=figures.GREY, linewidth=1, linestyle=":", zorder=0)
        ax.set(xscale="log", xlim=(0.8 * min(1.0, *values), 1.6 * max(values)))
        ax.set_xlabel(f"{shape[0]:,} × {shape[1]}, times the read")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_yticks(range(len(names)), names)
        ax.tick_params(axis="y", length=0)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return figure


def main() -> int:
    from kl_lib import figures

    tables = stored()
    PAGE.write_text(filled(PAGE.read_text("utf-8"), *tables), "utf-8")
    figures.save_picture(draw(tables[0]), PICTURE)
    print(f"wrote {PAGE.name} and {PICTURE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
