"""``kl-lib drift``: a study of how runs of one seed part."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from .commands import (
    RESULTS,
    Backend,
    BatchSize,
    DataFile,
    DataNote,
    Dataset,
    Epochs,
    Held,
    Precision,
    Store,
    _errors_in_one_line,
)
from .config import Config
from .data import load_data
from .drift import drift_path, read_drift, study_drift, write_drift


def drift_command(
    dataset: Dataset,
    seed: Annotated[int, typer.Option(help="Of weights, order of images, dropout.")] = 0,
    epochs: Epochs = 25,
    batch_size: BatchSize = 250,
    validation_split: Held = 0.2,
    threads: Annotated[int, typer.Option(help="Other threads give other numbers.")] = 2,
    backend: Backend = "tensorflow",
    precision: Precision = "float32",
    data: DataFile = None,
    data_note: DataNote = None,
    store: Store = RESULTS,
    force: Annotated[bool, typer.Option("--force", help="Run again what is finished.")] = False,
) -> None:
    """Train with each loss from one seed, step by step, and measure how far apart the runs get.

    Five trainings, compared with that of cross-entropy: with weights disturbed by 1e-7, with KL
    divergence, with KL from logits, and with another seed. The record also says how often clipping
    left KL without a gradient.
    """
    with _errors_in_one_line():
        loaded = load_data(dataset, file=data, note=data_note)
        config = Config(
            dataset=dataset,
            data_sha256=loaded.sha256,
            loss="ce",
            seed=seed,
            epochs=epochs,
            batch_size=batch_size,
            validation_split=validation_split,
            threads=threads,
            backend=backend,
            precision=precision,
        )
        path = drift_path(store, config)
        if path.exists() and not force:
            typer.echo("This study is finished already; --force runs it again.")
            found = read_drift(path)
        else:
            found = study_drift(
                config,
                loaded,
                on_epoch=lambda arm, epoch: typer.echo(f"{arm}: epoch {epoch}/{epochs}"),
            )
            write_drift(store, found)
        Console(highlight=False, markup=False).print(found)
        typer.echo(f"Record: {path}")
