"""A study and its record: done once, kept, read back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...machinery.checkpoint import Checkpoint, epochs_done
from ...machinery.doing import afresh_if_unfit, once, prepare, to_stderr, unless_finished
from ...machinery.locks import locked
from ...machinery.runs import describe_environment
from ...machinery.sealed import RecordError, read_sealed, write_sealed
from ...machinery.store import remove_parts, scratch_path
from ..config import Config, config_from_dict
from ..data import Data
from .measures import Apart, Wrong
from .study import Drift, arm_configs, study_drift
from .tracing import Counts

SCHEMA = 1


def run_drift(
    store: str | os.PathLike[str],
    config: Config,
    data: Data,
    *,
    force: bool = False,
    on_epoch: Callable[[str, int, float], None] | None = None,
    begun: Callable[[Mapping[str, int]], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Drift:
    """Study how runs of one seed drift apart and keep a record, or return the one that is there.

    A study that was stopped goes on from the last whole epoch of the run it was at. Until it is
    done it keeps a checkpoint of each of its runs in the store, on CIFAR-10 about 100 MB for each.

    Parameters
    ----------
    store : path
        Where records are.
    config, data, on_epoch
        See `study_drift`.
    force : bool
        Begin again what is finished or half done. Stopped and called again with it, that goes on.
    begun : callable, optional
        Called with the number of epochs that checkpoints have, by arm, when the study begins.
    say : callable, optional
        Called with a line about what is damaged. By default it goes to standard error.

    Raises
    ------
    RunBusyError
        If another process is doing this study.
    OSError
        If the disk is full or the folder can't be written.
    ConfigError, TrainingError, BackendError, ModuleNotFoundError
        As from `study_drift`.

    Examples
    --------
    Five short runs::

        from kl_lib.experiments import Config, load_data, run_drift

        digits = load_data("digits")
        config = Config(dataset="digits", data_sha256=digits.sha256, loss="ce", seed=0, epochs=5)
        print(run_drift("results", config, digits))
    """
    say = once(say or to_stderr)
    path = drift_path(store, config)
    arms = arm_configs(config)
    configs = arms.values()

    def do() -> Drift:
        checkpoints = {
            each.id: Checkpoint(
                scratch_path(store, each, ".forced-trace" if force else ".trace"),
                each,
                describe_environment(each),
            )
            for each in configs
        }
        remove_parts(path, *(checkpoint.path for checkpoint in checkpoints.values()))
        for each in configs:
            if force:
                scratch_path(store, each, ".trace").unlink(missing_ok=True)
            prepare(checkpoints[each.id], each, say)

        def work() -> Drift:
            if begun is not None:
                begun({arm: epochs_done(checkpoints[c.id].path) for arm, c in arms.items()})
            return study_drift(config, data, on_epoch=on_epoch, checkpoints=checkpoints)

        study = afresh_if_unfit(work, checkpoints.values(), f"study {config.id}", say)
        write_drift(store, study)
        for checkpoint in checkpoints.values():
            checkpoint.remove()
        return study

    lock = locked(store, config, ".drift.lock")
    return unless_finished(path, read_drift, do, lock, force, say)


def drift_path(store: str | os.PathLike[str], config: Config) -> Path:
    """Return where the record of a study with this reference lies, or would lie."""
    return Path(store) / "drift" / config.dataset / f"{config.id}.json"


def write_drift(store: str | os.PathLike[str], drift: Drift) -> Path:
    """Write the record of a study, whole or not at all, and return where it lies.

    Raises
    ------
    OSError
        If the disk is full or the folder can't be written.
    """
    content = {"schema": SCHEMA} | asdict(drift) | {"config": drift.config.as_dict()}
    path = drift_path(store, drift.config)
    write_sealed(path, content)
    return path


def read_drift(path: str | os.PathLike[str]) -> Drift:
    """Read the record of a study and check it.

    Raises
    ------
    RecordError
        If it is missing, cut short, edited, of another schema or under another name.
    """
    return read_sealed(path, (SCHEMA,), _from_content)


def read_drifts(store: str | os.PathLike[str], dataset: str) -> list[Drift]:
    """Read the records of all studies of a data set, by seed.

    Raises
    ------
    RecordError
        If one of them is damaged.
    """
    drifts = [read_drift(path) for path in (Path(store) / "drift" / dataset).glob("*.json")]
    return sorted(drifts, key=lambda drift: (drift.config.seed, drift.config.id))


def _from_content(content: dict[str, Any]) -> Drift:
    del content["schema"]
    try:
        content["config"] = config_from_dict(content["config"])
        for name, kind in (("arms", Apart), ("counts", Counts), ("wrong", Wrong)):
            content[name] = {arm: kind(**_tuples(each)) for arm, each in content[name].items()}
        return Drift(**_tuples(content))
    except (TypeError, KeyError, AttributeError) as error:
        raise RecordError(f"it is not the record of a study ({error})") from error


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
