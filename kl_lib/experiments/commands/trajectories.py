"""``kl-lib trajectories``: how runs of one seed part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from ..convnet.config import Config
from ..convnet.drift import Drift, arm_configs, drift_path, read_drift, run_drift
from ..machinery.choices import ConfigError
from ..machinery.loading import load
from ..machinery.progress import steps_shown
from ..machinery.sealed import RecordError
from . import options
from .ending import errors_in_one_line, warn


def trajectories_command(
    dataset: options.Name,
    seed: options.Seed = 0,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    validation_split: options.Held = None,
    threads: options.Threads = None,
    backend: options.Backend = None,
    precision: options.Precision = None,
    data: options.DataFile = None,
    data_note: options.DataNote = None,
    store: options.Store = options.RESULTS,
    force: options.Force = False,
) -> None:
    """Train with each loss from one seed, step by step, and measure how far apart the runs get.

    Cross-entropy is compared with cross-entropy from initial kernels disturbed by 1e-7, with KL
    divergence, with KL from logits, and with another seed. The record also says how often clipping
    left KL without a gradient. A study that was stopped goes on from its last whole epoch.
    """
    arguments = locals()
    with errors_in_one_line(". The same command goes on from the last whole epoch"):
        named, [row] = options.chosen(dataset, None, arguments | {"loss": "ce"})
        if named.experiment is not Config:
            raise ConfigError(f"experiment is {dataset!r}, expected one of: cifar10, digits")
        files = options.data_files(Config, data)
        loaded: Any = load(Config, row, files, data_note)
        config = Config(seed=seed, data_sha256=loaded.sha256, **row)
        path = drift_path(store, config)
        if not force and (found := _finished(path)) is not None:
            typer.echo("This study is finished already; --force runs it again.")
        else:
            config.prepare()
            arms, total = list(arm_configs(config)), config.epochs
            with steps_shown(total * len(arms)) as show:
                done_before: dict[str, int] = {}

                def on_epoch(arm: str, number: int, seconds: float) -> None:
                    step = arms.index(arm) * total + number
                    line = f"{arm}: epoch {number:{len(str(total))}}/{total}"
                    show(step, line, seconds, old=number <= done_before.get(arm, 0))

                found = run_drift(
                    store,
                    config,
                    loaded,
                    force=force,
                    on_epoch=on_epoch,
                    begun=done_before.update,
                    say=warn,
                )
        Console(highlight=False, markup=False).print(found)
        typer.echo(f"Record: {path}")


def _finished(path: Path) -> Drift | None:
    try:
        return read_drift(path) if path.exists() else None
    except RecordError:
        return None  # `run_drift` says so
