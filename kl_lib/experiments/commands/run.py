"""``kl-lib run``: one run, shown step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from ..machinery.choices import ConfigError
from ..machinery.experiment import Experiment
from ..machinery.kept import check_kept
from ..machinery.progress import step_line, steps_shown
from ..machinery.records import Record, find_record, record_path
from ..machinery.runs import run
from ..machinery.sealed import RecordError
from ..machinery.store import check_writable
from ..machinery.upkeep import checked_tags, tagged
from . import options
from .ending import RESUMED, errors_in_one_line, warn
from .sources import warn_of_changed_source


def run_command(
    experiment: options.Name,
    set_: options.Set = None,
    loss: options.Loss = None,
    seed: options.Seed = 0,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    validation_split: options.Held = None,
    threads: options.Threads = None,
    backend: options.Backend = None,
    precision: options.Precision = None,
    data: options.DataFile = None,
    data_note: options.DataNote = None,
    keep_model: options.KeepModel = False,
    tensorboard: options.Tensorboard = None,
    tag: options.Tag = None,
    store: options.Store = options.RESULTS,
    force: options.Force = False,
) -> None:
    """Do one run of an experiment and keep a record of it.

    A run that is finished is not run again: its result is shown. One that was stopped goes on from
    its last whole epoch.
    """
    arguments = locals()
    with errors_in_one_line(RESUMED):
        tags = checked_tags(tag or ())
        options.write_for_tensorboard(tensorboard)
        named, rows = options.chosen(experiment, set_, arguments)
        if len(rows) != 1:
            raise ConfigError(
                f"there are {len(rows)} combinations of these choices, expected one: "
                "`kl-lib sweep` does several"
            )
        files = options.data_files(named.experiment, data)
        [loaded] = options.loaded_for_each(named.experiment, rows, files, data_note)
        config = named.experiment(seed=seed, **rows[0])
        if not force and (record := _finished(store, config, keep_model)) is not None:
            typer.echo(f"Run {config.id} is finished already; --force runs it again.")
        else:
            check_writable(record_path(store, config))
            warn_of_changed_source(store, config)
            typer.echo(f"Run {config.id}: {experiment}, {config.arm}, seed {seed}")
            typer.echo(options.described(loaded))
            config.prepare()
            with steps_shown(config.steps) as show:
                done_before = 0

                def begun(steps: int) -> None:
                    nonlocal done_before
                    done_before = steps
                    if steps:
                        typer.echo(f"Going on after epoch {steps} of {config.steps}")

                def progress(step: int, seconds: float | None = None, **numbers: Any) -> None:
                    line = step_line(step, config.steps, numbers)
                    show(step, line, seconds, old=step <= done_before)

                record = run(
                    store,
                    config,
                    loaded,
                    force=force,
                    keep=keep_model,
                    progress=progress,
                    begun=begun,
                    say=warn,
                )
        tagged(store, record, tags)
        typer.echo(config.summary(record))
        typer.echo(f"Record: {record_path(store, config)}")


def _finished(store: Path, config: Experiment, keep: bool) -> Record | None:
    try:
        record = find_record(store, config)
        if record is not None and keep:
            check_kept(store, record)
        return record
    except RecordError:
        return None  # `run` says so
