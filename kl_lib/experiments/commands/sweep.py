"""``kl-lib sweep``: many runs."""

from __future__ import annotations

from typing import Annotated

import typer

from ..machinery.addresses import check_address
from ..machinery.grids import with_seeds
from ..machinery.progress import sweep_shown
from ..machinery.status import SweepError
from ..machinery.sweeps import sweep
from . import options
from .ending import RESUMED, RESUMED_ON_A_CLUSTER, errors_in_one_line, warn
from .results import print_table
from .sources import warn_of_changed_source


def sweep_command(
    experiment: options.Name,
    set_: options.Set = None,
    loss: options.Loss = None,
    seeds: Annotated[str, typer.Option(metavar="0:10", help="From 0 to 9; or 0,3,7.")] = "0:10",
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    validation_split: options.Held = None,
    threads: options.Threads = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Runs at a time.", show_default="cores / threads"),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://...", help="Use the workers of this dask.distributed scheduler."
        ),
    ] = None,
    backend: options.Backend = None,
    precision: options.Precision = None,
    data: options.DataFile = None,
    data_note: options.DataNote = None,
    keep_model: options.KeepModel = False,
    tensorboard: options.Tensorboard = None,
    tag: options.Tag = None,
    store: options.Store = options.RESULTS,
) -> None:
    """Do a run for each combination of choices and each seed, several at a time.

    Any choice may have several values, with commas between them: --set lr=1e-3,3e-4. By default a
    run for each core at a time, with one thread each: measured to be no slower than one run with
    all cores, and the results do not depend on how many there are.

    Runs that are finished are not run again, and those that were stopped go on from their last
    whole epoch. So call it again with the same arguments after whatever happened. Two sweeps on one
    store share the work.
    """
    arguments = locals()
    with errors_in_one_line(RESUMED if scheduler is None else RESUMED_ON_A_CLUSTER):
        numbers = options.seeds_in(seeds)
        if scheduler is not None:
            check_address(scheduler)
        options.write_for_tensorboard(tensorboard, scheduler)
        named, rows = options.chosen(experiment, set_, arguments, several=True)
        files = options.data_files(named.experiment, data)
        for line in options.loaded_lines(named.experiment, rows, files, data_note):
            typer.echo(line)
        configs = with_seeds(named.experiment, rows, numbers)
        warn_of_changed_source(store, configs[0])
        try:
            with sweep_shown() as watch:
                records = sweep(
                    store,
                    configs,
                    file=files,
                    note=data_note,
                    workers=workers,
                    scheduler=scheduler,
                    keep=keep_model,
                    tags=tag or (),
                    watch=watch,
                    say=warn,
                )
        except SweepError as error:
            print_table(error.status.finished.values())
            raise
        print_table(records)
