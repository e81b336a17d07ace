"""``kl-lib run``, ``sweep`` and ``results``: what they show, and what other commands share."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .backend import BackendError, start_quietly
from .checkpoint import CheckpointError
from .config import Config, ConfigError
from .data import DataError, load_data
from .runs import RunBusyError, run
from .sealed import NewerRecordError, RecordError
from .store import (
    Record,
    check_writable,
    comparable,
    find_record,
    read_record,
    record_path,
    record_paths,
)
from .sweeps import Status, SweepError, grid, sweep
from .training import Epoch, TrainingError

# Options that several commands have.
Dataset = Annotated[
    str,
    typer.Argument(
        metavar="cifar10|digits",
        help="cifar10 is downloaded once; digits come with scikit-learn.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(help="Of weights, order of images, dropout.")]
Epochs = Annotated[int, typer.Option(help="Passes over the training images.")]
BatchSize = Annotated[int, typer.Option(help="Images a step.")]
Held = Annotated[float, typer.Option(help="Part of the training images held out: the last ones.")]
Threads = Annotated[int, typer.Option(help="Of each run. Others give other numbers.")]
Backend = Annotated[str, typer.Option(metavar="tensorflow|jax", help="What Keras computes with.")]
Precision = Annotated[
    str, typer.Option(metavar="float32|mixed_bfloat16", help="Of all layers but the last.")
]
DataFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npz", help="Take CIFAR-10 from here: x_train, y_train, x_test, y_test."
    ),
]
DataNote = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="What the data are, in a line kept in the record."),
]
Force = Annotated[bool, typer.Option("--force", help="Run again what is finished.")]
Store = Annotated[Path, typer.Option(metavar="FOLDER", help="Where records are.")]
RESULTS = Path("results")
ARM_NAMES = "kl, ce, kl_logits, ce_logits, or null: ce from initial kernels disturbed by 1e-7."

# Only holds the commands: `kl_lib.commands` offers them.
app = typer.Typer()

RESUMED = (
    ". Finished runs are stored, the others keep their last whole epoch, and the same command goes "
    "on from there"
)


@app.command("run")
def run_command(
    dataset: Dataset,
    loss: Annotated[str, typer.Option(metavar="NAME", help=ARM_NAMES)] = "kl",
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
    """Train the network of the Keras article and keep a record of it.

    A run that is finished is not run again: its result is shown. One that was stopped goes on from
    its last whole epoch.
    """
    with errors_in_one_line(RESUMED):
        loaded = load_data(dataset, file=data, note=data_note, backend=backend)
        [config] = grid(
            loaded,
            arms=[loss],
            seeds=[seed],
            epochs=epochs,
            batch_size=batch_size,
            validation_split=validation_split,
            threads=threads,
            backend=backend,
            precision=precision,
        )
        if not force and (record := _finished(store, config)) is not None:
            typer.echo(f"Run {config.id} is finished already; --force runs it again.")
        else:
            check_writable(record_path(store, config))
            typer.echo(f"Run {config.id}: {dataset}, loss {loss}, seed {seed}, threads {threads}")
            typer.echo(f"Data: {loaded.description}; checksum {loaded.sha256[:16]}")
            start_quietly(backend, threads)
            with epochs_shown(config.epochs) as show:

                def on_epoch(epoch: Epoch) -> None:
                    show(_line(epoch, config.epochs), epoch.seconds)

                record = run(store, config, loaded, force=force, on_epoch=on_epoch, say=warn)
        typer.echo(
            f"Test loss {record.result['test_loss']:.4f} nats, "
            f"accuracy {record.result['test_accuracy']:.4f}, "
            f"epochs {config.epochs}, {_time(record.result['seconds'])}"
        )
        typer.echo(f"Record: {record_path(store, config)}")


@app.command("sweep")
def sweep_command(
    dataset: Dataset,
    loss: Annotated[
        str, typer.Option(metavar="NAME,...", help=f"Each of {ARM_NAMES}")
    ] = "kl,ce,null",
    seeds: Annotated[str, typer.Option(metavar="0:10", help="From 0 to 9; or 0,3,7.")] = "0:10",
    epochs: Epochs = 25,
    batch_size: BatchSize = 250,
    validation_split: Held = 0.2,
    threads: Threads = 1,
    workers: Annotated[
        int | None,
        typer.Option(help="Runs at a time. [default: cores / threads]", show_default=False),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://...", help="Use the workers of this dask.distributed scheduler."
        ),
    ] = None,
    backend: Backend = "tensorflow",
    precision: Precision = "float32",
    data: DataFile = None,
    data_note: DataNote = None,
    store: Store = RESULTS,
) -> None:
    """Train with each loss and each seed, several at a time, and keep a record of each run.

    By default a run for each core at a time, with one thread each: measured to be no slower than
    one run with all cores, and the results do not depend on how many there are.

    Runs that are finished are not run again, and those that were stopped go on from their last
    whole epoch. So call it again with the same arguments after whatever happened. Two sweeps on one
    store share the work.
    """
    with errors_in_one_line(RESUMED):
        loaded = load_data(dataset, file=data, note=data_note, backend=backend)
        configs = grid(
            loaded,
            arms=_names(loss),
            seeds=_seeds(seeds),
            epochs=epochs,
            batch_size=batch_size,
            validation_split=validation_split,
            threads=threads,
            backend=backend,
            precision=precision,
        )
        typer.echo(f"Data: {loaded.description}; checksum {loaded.sha256[:16]}")
        del loaded  # the workers have their own
        try:
            with _sweep_shown() as watch:
                records = sweep(
                    store,
                    configs,
                    file=data,
                    note=data_note,
                    workers=workers,
                    scheduler=scheduler,
                    watch=watch,
                    say=warn,
                )
        except SweepError as error:
            _print_table(error.status.finished.values())
            raise
        _print_table(records)


@app.command("results")
def results_command(
    dataset: Annotated[
        str | None, typer.Argument(metavar="[cifar10|digits]", help="Default: both.")
    ] = None,
    store: Store = RESULTS,
) -> None:
    """List the runs that are finished."""
    with errors_in_one_line():
        records, damaged = [], 0
        for path in record_paths(store, dataset):
            try:
                records.append(read_record(path))
            except (RecordError, NewerRecordError) as error:
                damaged += 1
                warn(str(error))
        _print_table(records)
        if not records:
            typer.echo(f"No records in {store}{f' of {dataset}' if dataset else ''}.")
        if damaged:
            raise typer.Exit(1)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _seeds(text: str) -> list[int]:
    """The seeds in "0:10" or "0,3,7"."""
    seeds: list[int] = []
    for part in _names(text):
        first, colon, end = part.partition(":")
        try:
            seeds.extend(range(int(first), int(end)) if colon else [int(part)])
        except ValueError:
            raise ConfigError(
                f"seeds is {text!r}, expected a range such as 0:10, numbers such as 0,3,7, or both"
            ) from None
    return seeds


@contextmanager
def errors_in_one_line(interrupted: str = "") -> Iterator[None]:
    """End with one line and a status, where a traceback would tell the user nothing more.

    After Ctrl-C the line is "interrupted" and what is given here.
    """
    try:
        yield
    except ConfigError as error:
        _stop(error, 2)
    except (
        BackendError,
        CheckpointError,
        DataError,
        ModuleNotFoundError,
        NewerRecordError,
        RecordError,
        RunBusyError,
        SweepError,
        TrainingError,
    ) as error:
        _stop(error, 1)
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}" if error.filename else error, 1)
    except KeyboardInterrupt:
        _stop(f"interrupted{interrupted}", 130)


def _stop(why: object, status: int) -> NoReturn:
    warn(why)
    raise typer.Exit(status)


def warn(line: object) -> None:
    """Print a line on standard error."""
    typer.echo(f"kl-lib: {line}", err=True)


def _finished(store: Path, config: Config) -> Record | None:
    try:
        return find_record(store, config)
    except RecordError:
        return None  # `run` says so


@contextmanager
def epochs_shown(epochs: int) -> Iterator[Callable[[str, float], None]]:
    """Show a line for each epoch, with the time left, and on a terminal a bar below them.

    Yields a function to be called with the line and the seconds of each epoch.
    """
    console = Console(highlight=False, markup=False)
    seconds: list[float] = []
    with Progress(
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("training", total=epochs)

        def show(line: str, took: float) -> None:
            seconds.append(took)
            # The median, because the first epoch also builds the graph.
            left = _time(statistics.median(seconds) * (epochs - len(seconds)))
            console.print(f"{line}  {took:.1f} s, {left} left", soft_wrap=True)
            bar.advance(task)

        yield show


@contextmanager
def _sweep_shown() -> Iterator[Callable[[Status], None]]:
    """Show a line for each run that ends and, on a terminal, a bar for the whole sweep."""
    console = Console(highlight=False, markup=False)
    known: set[str] | None = None
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total} epochs, {task.fields[left]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("starting", total=None, left="", visible=False)

        def show(status: Status) -> None:
            nonlocal known
            runs = f"{len(status.finished)} of {len(status.configs)} runs"
            seconds = status.seconds_left
            left = "time left unknown" if seconds is None else f"{_time(seconds)} left"
            bar.update(
                task,
                description=f"{runs}, {len(status.running)} in progress",
                completed=status.epochs_done,
                total=status.epochs,
                left=left,
                visible=True,
            )
            ended = {*status.finished, *status.failed}
            if known is None:  # the first call comes before anything is done
                known = ended
                if ended:
                    console.print(f"{runs} are finished already")
            for config in status.configs:
                if config.id in ended - known:
                    console.print(f"{_outcome(status, config)}  ({runs}, {left})", soft_wrap=True)
            known = ended

        yield show


def _outcome(status: Status, config: Config) -> str:
    run = f"{config.arm}, seed {config.seed}: "
    if config.id in status.failed:
        return f"{run}failed, {status.failed[config.id]}"
    result = status.finished[config.id].result
    return (
        f"{run}accuracy {result['test_accuracy']:.4f}, loss {result['test_loss']:.4f}, "
        f"{_time(result['seconds'])}"
    )


def _print_table(records: Iterable[Record]) -> None:
    """Print a table for each group of runs that can be compared: results on the test images."""
    console = Console(highlight=False, markup=False)
    for heading, group in comparable(records).items():
        typer.echo(heading)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("arm", no_wrap=True)
        for name in ("seed", "accuracy", "loss", "s/epoch", "minutes", "GB"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("run", no_wrap=True)
        for record in group:
            result = record.result
            memory = result.get("peak_memory")
            table.add_row(
                record.config.arm,
                str(record.config.seed),
                f"{result['test_accuracy']:.4f}",
                f"{result['test_loss']:.4f}",
                f"{statistics.median(record.history['seconds']):.1f}",
                f"{result['seconds'] / 60:.1f}",
                f"{memory / 1e9:.2f}" if memory else "",
                record.config.id,
            )
        console.print(table)


def _line(epoch: Epoch, epochs: int) -> str:
    return (
        f"epoch {epoch.number:{len(str(epochs))}}/{epochs}"
        f"  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.3f}"
        f"  validation: loss {epoch.val_loss:.4f}  accuracy {epoch.val_accuracy:.3f}"
    )


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
