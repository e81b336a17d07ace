"""``kl-lib compare`` and ``kl-lib drift``, beside the commands that run: what the runs show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .backend import BackendError, start_quietly
from .commands import (
    RESULTS,
    Backend,
    BatchSize,
    DataFile,
    DataNote,
    Dataset,
    Epochs,
    Force,
    Held,
    Precision,
    Seed,
    Store,
    Threads,
    app,
    epochs_shown,
    errors_in_one_line,
    warn,
)
from .comparison import Comparison, ComparisonError, arm_name, compare
from .config import ARMS
from .data import load_data
from .drift import Drift, arm_configs, drift_path, read_drift, sure_and_wrong
from .runs import run_drift
from .sealed import RecordError
from .statistics import RULE
from .store import comparable, read_records
from .sweeps import grid


@app.command("compare")
def compare_command(
    dataset: Annotated[str, typer.Argument(metavar="cifar10|digits", show_default=False)],
    by: Annotated[
        str, typer.Option(metavar="loss|precision|...", help="What tells the arms apart.")
    ] = "loss",
    reference: Annotated[str, typer.Option(metavar="ARM", help="Compare with this one.")] = "ce",
    store: Store = RESULTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare finished runs, paired by seed: intervals, equivalence test, verdict.

    Runs that differ in more than arm and seed are compared apart. Those without another arm are
    named and left out. Exit status: 0 if something was compared and nothing was wrong.
    """
    with errors_in_one_line():
        fields = ARMS if by == "loss" else (by,)
        found: list[tuple[str, Comparison]] = []
        wrong = 0
        for heading, group in comparable(read_records(store, dataset), fields).items():
            arms = {arm_name(record.config, fields) for record in group}
            if len(arms) == 1:
                warn(f"{heading}: all runs are of {arms.pop()}, so nothing is compared")
                continue
            try:
                found.append((heading, compare(group, reference=reference, by=fields)))
            except ComparisonError as error:
                wrong += 1
                warn(f"{heading}: {error}")
        if as_json:
            typer.echo(json.dumps([each.as_dict() for _, each in found], indent=1))
        elif found:
            _show(found)
        else:
            typer.echo(
                f"Nothing to compare in {store} of {dataset}. `kl-lib sweep {dataset}` makes runs."
            )
        if wrong or not found:
            raise typer.Exit(1)


def _show(found: list[tuple[str, Comparison]]) -> None:
    console = Console(highlight=False, markup=False)
    console.print(f"The rule, written down before the runs:\n\n{RULE}\n", soft_wrap=True)
    for heading, comparison in found:
        console.print(heading, soft_wrap=True)
        console.print(comparison)
        console.print()
    for backend in {comparison.shared.get("backend") for _, comparison in found}:
        if backend is not None:
            console.print(_behind_softmax(backend), soft_wrap=True)


def _behind_softmax(backend: str) -> str:
    """What cross-entropy computes there is measured, because it depends on backend and version."""
    try:
        start_quietly(backend)
        wrong = sure_and_wrong("ce", backend)
    except (BackendError, ModuleNotFoundError) as error:
        return f"What cross-entropy computes behind a softmax could not be measured: {error}"
    what = "clips the probabilities" if wrong.loss < 100 else "uses the logits behind the softmax"
    return (
        f"Cross-entropy on {backend} {what}, as measured now: for a sample that is wrong by 200 "
        f"nats it gives {wrong.loss:.1f} nats and a gradient of {wrong.gradient:.0f}."
    )


@app.command("drift")
def drift_command(
    dataset: Dataset,
    seed: Seed = 0,
    epochs: Epochs = 25,
    batch_size: BatchSize = 250,
    validation_split: Held = 0.2,
    threads: Threads = 2,
    backend: Backend = "tensorflow",
    precision: Precision = "float32",
    data: DataFile = None,
    data_note: DataNote = None,
    store: Store = RESULTS,
    force: Force = False,
) -> None:
    """Train with each loss from one seed, step by step, and measure how far apart the runs get.

    Cross-entropy is compared with cross-entropy from initial kernels disturbed by 1e-7, with KL
    divergence, with KL from logits, and with another seed. The record also says how often clipping
    left KL without a gradient. A study that was stopped goes on from its last whole epoch.
    """
    with errors_in_one_line(". The same command goes on from the last whole epoch"):
        loaded = load_data(dataset, file=data, note=data_note, backend=backend)
        [config] = grid(
            loaded,
            arms=["ce"],
            seeds=[seed],
            epochs=epochs,
            batch_size=batch_size,
            validation_split=validation_split,
            threads=threads,
            backend=backend,
            precision=precision,
        )
        path = drift_path(store, config)
        if not force and (found := _finished(path)) is not None:
            typer.echo("This study is finished already; --force runs it again.")
        else:
            start_quietly(backend, threads)
            with epochs_shown(epochs * len(arm_configs(config))) as show:

                def on_epoch(arm: str, number: int, seconds: float) -> None:
                    show(f"{arm}: epoch {number:{len(str(epochs))}}/{epochs}", seconds)

                found = run_drift(store, config, loaded, force=force, on_epoch=on_epoch, say=warn)
        Console(highlight=False, markup=False).print(found)
        typer.echo(f"Record: {path}")


def _finished(path: Path) -> Drift | None:
    try:
        return read_drift(path) if path.exists() else None
    except RecordError:
        return None  # `run_drift` says so
