"""What ``kl-lib`` can be told to do, and what it shows while it does it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .. import __version__
from .backend import BackendError
from .config import Config, ConfigError
from .data import DataError, load_data
from .environment import describe_environment
from .store import (
    Record,
    RecordError,
    check_writable,
    find_record,
    new_record,
    record_path,
    write_record,
)
from .training import Epoch, TrainingError, train

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kl-lib {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Run the experiments of the book on the Kullback-Leibler divergence."""


@app.command()
def run(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="cifar10|digits",
            help="cifar10 is downloaded once; digits come with scikit-learn.",
        ),
    ],
    loss: Annotated[
        str, typer.Option(metavar="kl|ce", help="KL divergence or categorical cross-entropy.")
    ] = "kl",
    seed: Annotated[int, typer.Option(help="Of weights, order of images, dropout.")] = 0,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 25,
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = 250,
    validation_split: Annotated[
        float, typer.Option(help="Part of the training images held out: the last ones.")
    ] = 0.2,
    threads: Annotated[int, typer.Option(help="Other threads give other numbers.")] = 2,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz", help="Take CIFAR-10 from here: x_train, y_train, x_test, y_test."
        ),
    ] = None,
    data_note: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What the data are, in a line kept in the record."),
    ] = None,
    store: Annotated[Path, typer.Option(metavar="FOLDER", help="Where records are.")] = Path(
        "results"
    ),
    force: Annotated[bool, typer.Option("--force", help="Run again what is finished.")] = False,
) -> None:
    """Train the network of the Keras article and keep a record of it.

    A run that is finished is not run again: its result is shown.
    """
    with _errors_in_one_line():
        loaded = load_data(dataset, file=data, note=data_note)
        config = Config(
            dataset=dataset,
            data_sha256=loaded.sha256,
            loss=loss,
            seed=seed,
            epochs=epochs,
            batch_size=batch_size,
            validation_split=validation_split,
            threads=threads,
        )
        path = record_path(store, config)
        if not force and (record := _finished(store, config)) is not None:
            typer.echo(f"Run {config.id} is finished already; --force runs it again.")
        else:
            check_writable(store, config)
            typer.echo(f"Run {config.id}: {dataset}, loss {loss}, seed {seed}, threads {threads}")
            typer.echo(f"Data: {loaded.description}; checksum {loaded.sha256[:16]}")
            environment = describe_environment(config)
            with _progress(config.epochs) as on_epoch:
                result = train(config, loaded, on_epoch=on_epoch)
            record = new_record(config, loaded, result, environment)
            write_record(store, record)
        typer.echo(
            f"Test loss {record.result['test_loss']:.4f} nats, "
            f"accuracy {record.result['test_accuracy']:.4f}, "
            f"epochs {config.epochs}, {_time(record.result['seconds'])}"
        )
        typer.echo(f"Record: {path}")


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """End with one line and a status, where a traceback would tell the user nothing more."""
    try:
        yield
    except ConfigError as error:
        _stop(error, 2)
    except (BackendError, DataError, ModuleNotFoundError, TrainingError) as error:
        _stop(error, 1)
    except OSError as error:
        _stop(f"{error.filename or 'a file'}: {error.strerror or error}", 1)
    except KeyboardInterrupt:
        _stop("interrupted. A run is stored when it is finished, and not before", 130)


def _stop(why: object, status: int) -> NoReturn:
    typer.echo(f"kl-lib: {why}", err=True)
    raise typer.Exit(status)


def _finished(store: Path, config: Config) -> Record | None:
    try:
        return find_record(store, config)
    except RecordError as error:
        typer.echo(f"kl-lib: {error}: doing that now", err=True)
        return None


@contextmanager
def _progress(epochs: int) -> Iterator[Callable[[Epoch], None]]:
    """Show a line for each epoch and, on a terminal, a bar below them."""
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

        def show(epoch: Epoch) -> None:
            seconds.append(epoch.seconds)
            # The median, because the first epoch also builds the graph.
            left = statistics.median(seconds) * (epochs - epoch.number)
            console.print(_line(epoch, epochs, left), soft_wrap=True)
            bar.advance(task)

        yield show


def _line(epoch: Epoch, epochs: int, seconds_left: float) -> str:
    return (
        f"epoch {epoch.number:{len(str(epochs))}}/{epochs}"
        f"  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.3f}"
        f"  validation: loss {epoch.val_loss:.4f}  accuracy {epoch.val_accuracy:.3f}"
        f"  {epoch.seconds:.1f} s, {_time(seconds_left)} left"
    )


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
