"""Many runs: on the cores of this machine, or on the workers of a dask.distributed scheduler.

The store decides what is left to do. So a sweep that was killed is called again and goes on, two
sweeps on one store share the work, and a longer sweep keeps the runs of a shorter one.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .config import NULL_DISTURBANCE, NULL_LOSS, Config, ConfigError
from .data import Data
from .environment import usable_cores
from .pools import Pool, ProcessPool, RunLostError
from .runs import once, to_stderr
from .sealed import RecordError
from .store import Record, check_writable, find_record, record_path
from .training import TrainingError

# How often the pool is asked for news, and how long a run that somebody else is doing is left
# alone, in seconds.
POLL, PATIENCE = 0.5, 2.0

# A run whose worker dies this often in the same epoch is given up.
MOST_DEATHS = 3


def grid(data: Data, *, arms: Iterable[str], seeds: Iterable[int], **choices: Any) -> list[Config]:
    """Return the configs of a sweep: each arm with each seed, pairs beside each other.

    Parameters
    ----------
    data : Data
        What to train on.
    arms : iterable of str
        Losses, see `Config`, and ``"null"``: cross-entropy again, with 1e-7 times normal noise
        added to its initial kernels (not to the biases, which start at zero).
    seeds : iterable of int
        One run of each arm for each.
    **choices
        Other fields of `Config`.

    Raises
    ------
    ConfigError
        If a value is one that no run can have, or if nothing is left to run.

    Examples
    --------
    >>> from kl_lib.experiments import load_data
    >>> configs = grid(load_data("digits"), arms=["kl", "null"], seeds=range(2), epochs=5)
    >>> [(config.arm, config.seed) for config in configs]
    [('kl', 0), ('null', 0), ('kl', 1), ('null', 1)]
    """
    null: dict[str, Any] = {"loss": NULL_LOSS, "disturbance": NULL_DISTURBANCE}
    configs = [
        Config(
            dataset=data.name,
            data_sha256=data.sha256,
            seed=seed,
            **(null if arm == "null" else {"loss": arm}),
            **choices,
        )
        for seed, arm in ((seed, arm) for seed in seeds for arm in arms)
    ]
    if not configs:
        raise ConfigError("a sweep needs at least one loss and one seed")
    return list(dict.fromkeys(configs))


def sweep(
    store: str | os.PathLike[str],
    configs: Sequence[Config],
    *,
    file: str | Path | None = None,
    note: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    watch: Callable[[Status], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> list[Record]:
    """Do all runs that the store does not have yet, and return the records of all.

    Each run is done once, also if several sweeps work on one store. A run that was stopped goes on
    from its last whole epoch, one whose worker died is given to another, and a damaged record is
    named and its run done again. If a run fails, the others are done first.

    Parameters
    ----------
    store : path
        Where records are.
    configs : sequence of Config
        The runs, see `grid`.
    file, note
        Where the data come from, see `load_data`. Every worker loads them itself.
    workers : int, optional
        How many processes, each with the threads that the configs ask for. By default as many as
        the cores allow. Not with a scheduler, which has workers of its own.
    scheduler : str, optional
        Address of a dask.distributed scheduler, ``"tcp://host:8786"``, to use its workers in place
        of processes of this machine. They need kl_lib and its data; the store is needed here only.
        A run that loses its worker begins again on another.
    watch : callable, optional
        Called about twice a second with a :class:`Status`.
    say : callable, optional
        Called with a line about what is damaged or lost. By default it goes to standard error.

    Returns
    -------
    list of Record
        In the order of the configs.

    Raises
    ------
    ConfigError
        If there can't be so many workers.
    SweepError
        If runs failed; names them. Everything else is done and stored.
    OSError
        If the disk is full or the folder can't be written, or if there is no scheduler.
    BackendError, DataError, ModuleNotFoundError
        If the workers can't train at all.

    Examples
    --------
    On a machine with two cores::

        from kl_lib.experiments import grid, load_data, sweep

        digits = load_data("digits")
        configs = grid(digits, arms=["kl", "ce", "null"], seeds=range(3), epochs=5, threads=1)
        records = sweep("results", configs)

    In a script, call it below ``if __name__ == "__main__":``. The worker processes import the
    script.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers is {workers}, expected a whole number from 1")
    if workers is not None and scheduler is not None:
        raise ConfigError(
            f"workers is {workers}, but the scheduler has workers of its own: leave one of them out"
        )
    say = once(say or to_stderr)
    found, waiting = _sorted_out(store, configs, say)
    status = Status(configs=tuple(configs), finished={c.id: r for c, r in found.items()})
    if watch is not None:
        watch(status)
    if waiting:
        check_writable(record_path(store, waiting[0]))
        pool: Pool
        if scheduler is not None:
            from .cluster import Cluster

            pool = Cluster(scheduler, store, file, note)
        else:
            threads = max(config.threads for config in waiting)
            workers = workers or max(1, usable_cores() // threads)
            pool = ProcessPool(min(workers, len(waiting)), store, file, note, say)
        with closing(pool):
            _work(pool, deque(waiting), status, watch)
    if status.failed:
        raise SweepError(status)
    return [status.finished[config.id] for config in configs]


@dataclass
class Status:
    """Where a sweep stands.

    Attributes
    ----------
    configs : tuple of Config
        All runs.
    finished : dict
        Record of each run that is finished, by id.
    running : dict
        How many whole epochs are done of each run that this sweep is doing, by id.
    elsewhere : dict
        The same of the runs that another process is doing.
    failed : dict
        Why a run failed, by id.
    """

    configs: tuple[Config, ...]
    finished: dict[str, Record]
    running: dict[str, int] = field(default_factory=dict)
    elsewhere: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._began = time.monotonic(), self.epochs_done

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the pace so far; None before there is one."""
        began, before = self._began
        done = self.epochs_done
        if done <= before:
            return None
        return (time.monotonic() - began) * (self.epochs - done) / (done - before)

    @property
    def epochs(self) -> int:
        """How many epochs the whole sweep has."""
        return sum(config.epochs for config in self.configs)

    @property
    def epochs_done(self) -> int:
        """How many of them are done."""
        unfinished = self.running | self.elsewhere
        return sum(
            config.epochs
            if config.id in self.finished or config.id in self.failed
            else unfinished.get(config.id, 0)
            for config in self.configs
        )


class SweepError(RuntimeError):
    """Runs that failed. `status` says which are finished all the same."""

    def __init__(self, status: Status) -> None:
        self.status = status
        reasons = "; ".join(f"run {id_}: {why}" for id_, why in status.failed.items())
        super().__init__(
            f"{len(status.failed)} of {len(status.configs)} runs failed, the others are finished "
            f"and stored. {reasons}"
        )


def _sorted_out(
    store: str | os.PathLike[str], configs: Sequence[Config], say: Callable[[str], None]
) -> tuple[dict[Config, Record], list[Config]]:
    """What is finished, and what is left to do."""
    found, waiting = {}, []
    for config in configs:
        try:
            record = find_record(store, config)
        except RecordError as error:
            say(f"{error}: doing that now")
            record = None
        if record is None:
            waiting.append(config)
        else:
            found[config] = record
    return found, waiting


def _work(
    pool: Pool,
    waiting: deque[Config],
    status: Status,
    watch: Callable[[Status], None] | None,
) -> None:
    running: dict[Future[Any], Config] = {}
    later: list[tuple[float, Config]] = []  # runs that somebody else is doing
    deaths: Counter[tuple[str, int]] = Counter()

    def lost(config: Config, reason: str) -> None:
        deaths[config.id, (done := pool.epochs_done(config))] += 1
        if deaths[config.id, done] < MOST_DEATHS:
            waiting.appendleft(config)
        else:
            status.failed[config.id] = f"{reason} {MOST_DEATHS} times in epoch {done + 1}"

    while waiting or running or later:
        now = time.monotonic()
        waiting.extend(config for when, config in later if when <= now)
        later = [(when, config) for when, config in later if when > now]
        while waiting and len(running) < pool.slots():
            config = waiting.popleft()
            future = pool.submit(config)
            if future is None:
                later.append((now + PATIENCE, config))
            else:
                running[future] = config
        if not running:
            time.sleep(POLL)
        done, _ = wait(running, timeout=POLL, return_when=FIRST_COMPLETED)
        for future in done:
            config = running.pop(future)
            try:
                record = pool.result(future, config)
            except RunLostError as error:
                lost(config, str(error))
            except (ConfigError, TrainingError) as error:
                status.failed[config.id] = str(error)
            else:
                if record is None:
                    later.append((time.monotonic() + PATIENCE, config))
                else:
                    status.finished[config.id] = record
        status.running = {c.id: pool.epochs_done(c) for c in running.values()}
        status.elsewhere = {c.id: pool.epochs_done(c) for _, c in later}
        if watch is not None:
            watch(status)
