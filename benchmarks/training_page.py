"""What book/speed.md says about training, from the stored table; `page.py` writes it there."""

from __future__ import annotations

import json
from collections.abc import Callable
from statistics import median

from markup import Aim, aim_table, list_table, span
from tables import Table
from training import PLAIN, RESULTS, ratios

#: Kept from an earlier run on another processor. `make bench` does not write it.
WITHOUT_AMX = RESULTS.with_name("training_without_amx.json")

#: What the instruction sets for bfloat16 are called, by their names in Linux.
UNITS = {"avx512_bf16": "AVX512_BF16", "amx_bf16": "AMX", "bf16": "BF16"}


def two_digits(value: float) -> str:
    return f"{value:.2f}"


def conditions(table: Table) -> str:
    """Where and when the table was measured, and on how many images."""
    machine = table["machine"]
    units = machine["bfloat16"]
    listed = ", ".join(f"{name} {table['packages'][name]}" for name in sorted(table["packages"]))
    found = (
        "The system does not say what its processor has for bfloat16."
        if units is None
        else "For bfloat16 the processor has "
        + (" and ".join(UNITS[unit] for unit in units) or "no instructions")
        + ("." if "amx_bf16" in units or not units else " and no AMX.")
    )
    return (
        f"Measured on {table['date']} on an {machine['cpu']}, {machine['cores']} cores "
        f"({machine['platform']}), Python {machine['python']}, {listed}, with "
        f"{table['images']:,} images, of which a fifth is held out. {found} The load average "
        f"before the start was {table['load_before'][0]:.2f}."
    )


def times(
    table: Table, what: str = "Training beside a plain Keras script", name: str = "training"
) -> str:
    found = ratios(table)
    body = [
        [
            who,
            two_digits(median(team["seconds"])),
            two_digits(median(found[who])),
            span(found[who], two_digits),
            f"{team['start_and_first_epoch']:.1f}",
        ]
        for who, team in table["teams"].items()
    ]
    return list_table(
        f"{what}: median of {len(found[PLAIN])} rounds",
        f"tab-speed-{name}",
        [
            "Who trains",
            "Seconds for an epoch of one run",
            "Times as fast",
            "In the rounds",
            "Start and first epoch, seconds",
        ],
        body,
    )


def without_amx(_: Table) -> str:
    """The same from the stored table of a processor without AMX."""
    table = json.loads(WITHOUT_AMX.read_text("utf-8"))
    what = f"The same on a processor without AMX, on {table['date']}"
    return times(table, what, "training-without-amx")


def aims(table: Table) -> list[Aim]:
    """What the suite set out to reach, what was measured, and whether that is so by the medians."""
    found, cores = ratios(table), table["machine"]["cores"]
    able = bool(table["machine"]["bfloat16"])
    rows: list[Aim] = []

    def add(aim: str, names: list[str], least: float, asked: bool = True) -> None:
        fastest = max(names, key=lambda name: median(found[name]))
        speed = median(found[fastest])
        what = f"{two_digits(speed)} times ({span(found[fastest], two_digits)} in the rounds)"
        if len(names) > 1:
            what += f", {fastest}"
        rows.append((aim, what, speed >= least if asked else None))

    def one_run(precision: str) -> list[str]:
        return [name for name in found if name == f"{precision}, one run with {cores} threads"]

    add("one run in float32: at least 0.97 times as fast", one_run("float32"), 0.97)
    if mixed := one_run("mixed_bfloat16"):
        aim = "one run in mixed_bfloat16, on a processor that has it: at least 1.6 times as fast"
        add(aim, mixed, 1.6, able)
        layouts = [name for name in found if name.startswith("mixed_bfloat16")]
        aim = "a sweep in mixed_bfloat16, in the fastest way: at least 1.6 times as fast"
        add(aim, layouts, 1.6, able)
    return rows


def written_aims(table: Table) -> str:
    caption = "What the training aims at, and what was measured (verdicts by the medians)"
    return aim_table(caption, "tab-speed-training-aims", aims(table))


PARTS: dict[str, Callable[[Table], str]] = {
    "training_conditions": conditions,
    "training": times,
    "training_aims": written_aims,
    "training_without_amx": without_amx,
}
