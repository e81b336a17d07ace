"""Many runs: on the cores of this machine, or on the workers of a dask.distributed scheduler.

The store decides what is left to do. So a sweep that was killed is called again and goes on, two
sweeps on one store share the work, and a longer sweep keeps the runs of a shorter one.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing
from typing import Any

from .addresses import check_address
from .checkpoint import epochs_done
from .choices import ConfigError
from .definition import TrainingError
from .doing import once, to_stderr
from .environment import MOST_THREADS, usable_cores
from .experiment import Experiment
from .kept import check_kept
from .loading import Files
from .locks import holder
from .pools import Pool, ProcessPool, RunLostError
from .records import Record, find_record, record_path
from .sealed import NewerRecordError, RecordError
from .status import Status, SweepError
from .store import check_writable, scratch_path
from .upkeep import checked_tags, tagged

# How often the pool is asked for news, and how long a run that somebody else is doing is left
# alone, in seconds.
POLL, PATIENCE = 0.5, 2.0

# A run whose worker dies this often in the same epoch is given up.
MOST_DEATHS = 3


def sweep(
    store: str | os.PathLike[str],
    configs: Sequence[Experiment],
    *,
    file: Files = None,
    note: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    keep: bool = False,
    tags: Sequence[str] = (),
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
    configs : sequence of Experiment
        The runs, see `all_configs`, and `grid` for those of the built-in experiments.
    file : path or mapping, optional
        A data file, or several by the names that `load` of the experiment has for them. Every
        worker loads the data itself.
    note : str, optional
        One line that says what the data are; it is written into the records.
    workers : int, optional
        How many processes, each with the threads that the configs ask for. By default as many as
        the cores allow. Not with a scheduler, which has workers of its own.
    scheduler : str, optional
        Address of a dask.distributed scheduler, ``"tcp://host:8786"``, to use its workers in place
        of processes of this machine. They need kl_lib and its data; the store is needed here only.
        A run that loses its worker is given to another, which goes on from its last whole epoch if
        both see the store under the path that it has here, and else begins again.
    keep : bool
        Keep what runs offer, such as trained models, see `kept_file`. Runs that are finished
        without are done again.
    tags : sequence of str, optional
        Words to find the runs by, put to the records of all of them. They are no part of the ids.
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
    WorkerError
        If a worker has another version of kl_lib or the experiment, or can't find it.
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
    if workers is not None and workers > MOST_THREADS:
        raise ConfigError(f"workers is {workers}, expected at most {MOST_THREADS}")
    if scheduler is not None:
        check_address(scheduler)
    if workers is not None and scheduler is not None:
        raise ConfigError(
            f"workers is {workers}, but the scheduler has workers of its own: leave one of them out"
        )
    say = once(say or to_stderr)
    found, waiting, failed = _sorted_out(store, configs, keep, say)
    checked_tags(tags)
    status = Status(configs=tuple(configs), finished=found, failed=failed)
    status.resumed = {
        config.id: epochs_done(scratch_path(store, config, ".checkpoint")) for config in waiting
    }
    if watch is not None:
        watch(status)
    if waiting:
        check_writable(record_path(store, waiting[0]))
        pool: Pool
        if scheduler is not None:
            from .cluster import Cluster

            pool = Cluster(scheduler, store, file, note, keep, say)
        else:
            threads = max(config.threads_used for config in waiting)
            workers = workers or max(1, usable_cores() // threads)
            pool = ProcessPool(min(workers, len(waiting)), store, file, note, keep, say)
        with closing(pool):
            _work(store, pool, deque(waiting), status, watch, say)
    for id_, record in status.finished.items():
        status.finished[id_] = tagged(store, record, tags)
    if status.failed:
        raise SweepError(status)
    return [status.finished[config.id] for config in configs]


def _sorted_out(
    store: str | os.PathLike[str],
    configs: Sequence[Experiment],
    keep: bool,
    say: Callable[[str], None],
) -> tuple[dict[str, Record], list[Experiment], dict[str, str]]:
    """What is finished, what is left to do, and what can't be done, by id."""
    found: dict[str, Record] = {}
    waiting: list[Experiment] = []
    failed: dict[str, str] = {}
    for config in configs:
        record = None
        try:
            record = find_record(store, config)
            if record is not None and keep:
                check_kept(store, record)
        except NewerRecordError as error:
            failed[config.id] = str(error)
        except RecordError as error:
            say(f"{error}: doing that now")
            record = None
        if record is not None:
            found[config.id] = record
        elif config.id not in failed:
            waiting.append(config)
    return found, waiting, failed


def _work(
    store: str | os.PathLike[str],
    pool: Pool,
    waiting: deque[Experiment],
    status: Status,
    watch: Callable[[Status], None] | None,
    say: Callable[[str], None],
) -> None:
    running: dict[Future[Any], Experiment] = {}
    later: list[tuple[float, Experiment]] = []  # runs that somebody else is doing
    deaths: Counter[tuple[str, int]] = Counter()

    def lost(config: Experiment, reason: str) -> None:
        deaths[config.id, (done := pool.epochs_done(config))] += 1
        if deaths[config.id, done] < MOST_DEATHS:
            waiting.appendleft(config)
            say(f"run {config.id}: {reason} in epoch {done + 1}, and it is given to another")
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
        status.move(
            {c.id: pool.epochs_done(c) for c in running.values()},
            {c.id: pool.epochs_done(c) for _, c in later},
        )
        status.waits_for = pool.lacks() or _awaited(store, status, [c for _, c in later])
        if watch is not None:
            watch(status)


def _awaited(
    store: str | os.PathLike[str], status: Status, later: Sequence[Experiment]
) -> str | None:
    """What a sweep waits for, in words; None if it gets on."""
    if status.running:
        return None if status.epochs_done_now > 0 else "the first epoch: workers are starting"
    if not later:
        return None
    others = f" and {len(later) - 1} more" if len(later) > 1 else ""
    who = holder(scratch_path(store, later[0], ".lock"))
    return f"run {later[0].id}{others}, which another process is doing{who}"
