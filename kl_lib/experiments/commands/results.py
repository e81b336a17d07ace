"""``kl-lib results``: what is finished."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from ..analysis.frames import epoch_rows, run_rows
from ..analysis.selection import select
from ..catalogue import find_experiment, read_record
from ..machinery.choices import ConfigError
from ..machinery.definition import ExperimentError
from ..machinery.records import Record
from ..machinery.sealed import NewerRecordError, RecordError
from ..machinery.store import comparable, in_order, record_paths
from . import options
from .ending import errors_in_one_line, warn


def results_command(
    experiment: Annotated[
        str | None,
        typer.Argument(metavar="[EXPERIMENT]", help="Default: all.", show_default=False),
    ] = None,
    where: options.Where = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a row a run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, an object a run.")] = False,
    epochs: Annotated[
        bool, typer.Option("--epochs", help="In CSV or JSON: a row for each epoch of each run.")
    ] = False,
    store: options.Store = options.RESULTS,
) -> None:
    """List the runs that are finished, or print them as CSV or JSON.

    Exit status: 1 if there is a record that can't be read.
    """
    with errors_in_one_line():
        if as_csv and as_json:
            raise ConfigError("--csv and --json were both given: leave one of them out")
        if epochs and not (as_csv or as_json):
            raise ConfigError("--epochs was given alone: add --csv or --json")
        records, damaged = readable(store, experiment)
        records = in_order(select(records, where or []))
        rows = epoch_rows(records) if epochs else run_rows(records)
        if as_json:
            typer.echo(json.dumps(rows, indent=1))
        elif as_csv:
            columns = list(dict.fromkeys(name for row in rows for name in row))
            table = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
        else:
            print_table(records)
            if not records:
                which = f" with {' and '.join(where)}" if where else ""
                typer.echo(
                    f"No records in {store}{f' of {experiment}' if experiment else ''}{which}."
                )
        if damaged:
            raise typer.Exit(1)


def readable(store: Path, experiment: str | None) -> tuple[list[Record], int]:
    """Return the records of an experiment that can be read; name and count the others.

    Raises
    ------
    ConfigError
        If there is no such store, or no such experiment there or anywhere.
    """
    if not store.is_dir():
        raise ConfigError(f"there is no store {store}: --store takes the folder of a sweep")
    records, damaged = [], 0
    for path in record_paths(store, None if experiment is None else folder_of(store, experiment)):
        try:
            records.append(read_record(path))
        except (RecordError, NewerRecordError) as error:
            damaged += 1
            warn(error)
    return records, damaged


def folder_of(store: Path, experiment: str) -> str:
    """Return where in a store the records of an experiment are, by its name or that of the folder.

    Raises
    ------
    ConfigError
        If there is no such experiment and no such folder.
    """
    folders = sorted({path.parent.name for path in record_paths(store)})
    if experiment in folders:
        return experiment
    try:
        return find_experiment(experiment).folder
    except ExperimentError as error:
        there = f" ({store} has records of: {', '.join(folders)})" if folders else ""
        raise ConfigError(f"{error}{there}") from error


def print_table(records: Iterable[Record]) -> None:
    """Print a table for each group of runs that can be compared.

    Where it is too wide, its last columns are left out, so that every number is there whole.
    """
    console = Console(highlight=False, markup=False)
    window = console.width
    for heading, group in comparable(records).items():
        typer.echo(heading)
        rows = [record.config.row(record) for record in group]
        shown = list(rows[0])
        table = _table(group, rows, shown)
        while len(shown) > 1 and _width(console, table) > window:
            table = _table(group, rows, shown := shown[:-1])
        console.width = max(window, _width(console, table))
        console.print(table)


def _width(console: Console, table: Table) -> int:
    """How wide a table is where there is room."""
    return console.measure(table, options=console.options.update(width=1000)).maximum


def _table(group: Sequence[Record], rows: Sequence[dict[str, str]], shown: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("arm", no_wrap=True)
    for name in ("seed", *shown):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("run", no_wrap=True)
    for record, row in zip(group, rows, strict=True):
        config = record.config
        table.add_row(config.arm, str(config.seed), *(row[name] for name in shown), config.id)
    return table
