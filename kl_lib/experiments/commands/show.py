"""``kl-lib show``: all that is known of one run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from ..catalogue import read_record
from ..machinery.records import Record
from ..machinery.upkeep import path_of
from . import options
from .ending import errors_in_one_line

Id = Annotated[
    str,
    typer.Argument(metavar="ID", help="Of the run, or how it begins; `kl-lib results` lists them."),
]


def show_command(
    id_: Id,
    store: options.Store = options.RESULTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record.")] = False,
) -> None:
    """Show a run: what was chosen, what came of it, when and on what it was made, its epochs."""
    with errors_in_one_line():
        path = path_of(store, id_)
        record = read_record(path)
        if as_json:
            typer.echo(json.dumps(json.loads(path.read_bytes()), indent=1))
            return
        console = Console(highlight=False, markup=False)
        for heading, values in _parts(record):
            console.print(heading)
            for name, value in values.items():
                console.print(f"  {name:<18} {_text(value)}", soft_wrap=True)
        console.print(f"Record: {path}", soft_wrap=True)
        if record.history:
            console.print(_history(record.history))


def _parts(record: Record) -> Iterator[tuple[str, Mapping[str, Any]]]:
    made = record.made or "unknown: the record is older than this entry"
    head = {"arm": record.config.arm, "made": made}
    if record.tags:
        head["tags"] = " ".join(record.tags)
    yield f"Run {record.config.id}", head
    yield "Config", record.config.as_dict()
    yield "Result", record.result
    yield "Data", record.data
    yield "Environment", record.environment
    if record.kept:
        yield "Kept beside it", record.kept


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _history(history: Mapping[str, list[Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("epoch", *history):
        table.add_column(name, justify="right", no_wrap=True)
    for epoch in range(max(map(len, history.values()))):
        shown = (v[epoch] if epoch < len(v) else "" for v in history.values())
        texts = (f"{v:.5g}" if isinstance(v, float) else str(v) for v in shown)
        table.add_row(str(epoch + 1), *texts)
    return table
