"""The workers of a dask.distributed scheduler, doing the runs of a sweep."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from .checkpoint import epochs_done
from .definition import TrainingError
from .experiment import Experiment
from .files import write_whole
from .jobs import Job, packed, unpacked
from .kept import Contents, check_kept
from .loading import Files, loaded_for
from .locks import RunBusyError, locked
from .records import Record, find_record
from .runs import check_data, from_checkpoint
from .sealed import RecordError
from .store import scratch_path
from .upkeep import stored

# Workers report under this name how far their runs are.
TOPIC = "kl_lib.experiments"

# Seconds to wait for the scheduler to answer.
TIMEOUT = 10

# One process has one Keras and one seed for it: a worker with several threads does one run at a
# time all the same.
_ONE_AT_A_TIME = threading.Lock()


class Cluster:
    """The workers of a scheduler. What they return is stored here.

    A worker that dies has its run given to another one; the scheduler sees to that. Where workers
    see the store under the path that it has here, unfinished runs keep their last epoch in it.

    Raises
    ------
    OSError
        If no scheduler answers.
    """

    def __init__(
        self,
        address: str,
        store: str | os.PathLike[str],
        files: Files,
        note: str | None,
        keep: bool,
        say: Callable[[str], None],
    ) -> None:
        try:
            from distributed import Client
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                'a scheduler needs dask.distributed: pip install "kl-lib[cluster]"',
                name="distributed",
            ) from None
        self._address, self._store, self._say = address, store, say
        self._given = _absolute(files), note, keep
        self._quiet = ExitStack()
        self._quiet.enter_context(_loggers_off("distributed"))
        try:
            self._client = Client(address, timeout=TIMEOUT, set_as_default=False)
        except (OSError, ValueError) as error:
            self._quiet.close()
            raise ConnectionError(f"no scheduler answers at {address} ({error})") from error
        self._executor = self._client.get_executor(pure=False)
        self._locks: dict[Experiment, ExitStack] = {}
        self._epochs: dict[str, int] = {}
        self._workers = 0
        self._client.subscribe_topic(TOPIC, self._hear)
        # Workers that find this file see the same store.
        self._mark = Path(store).resolve() / ".scratch" / f"{uuid.uuid4().hex}.shared"
        write_whole(self._mark, b"")

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        _, news = event
        self._epochs[news["run"]] = news["epochs"]

    def slots(self) -> int:
        # Submitted before there are workers, the first run waits for them at the scheduler.
        return max(1, self._count())

    def lacks(self) -> str | None:
        return None if self._count() else f"workers: {self._address} has none"

    def _count(self) -> int:
        with self._asked():
            workers = len(self._client.nthreads())
        if workers < self._workers:
            self._say(f"a worker of {self._address} is gone, workers left: {workers}")
        self._workers = workers
        return workers

    def submit(self, config: Experiment) -> Future[Any] | None:
        lock = ExitStack()
        try:
            lock.enter_context(locked(self._store, config))
        except RunBusyError:
            return None
        self._locks[config] = lock
        if (record := self._stored(config)) is not None:  # by the process that was busy with it
            future: Future[Any] = Future()
            future.set_result((_parts(record), {}, []))
            return future
        pack = packed(config, *self._given)
        with self._asked():
            return self._executor.submit(_compute, pack, self._mark)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Say in a line that the scheduler died, not how the connection broke."""
        try:
            yield
        except OSError as error:
            raise self._gone() from error

    def _gone(self) -> ConnectionError:
        return ConnectionError(f"the scheduler at {self._address} is gone")

    def _stored(self, config: Experiment) -> Record | None:
        try:
            record = find_record(self._store, config)
            if record is not None and self._given[2]:
                check_kept(self._store, record)
        except RecordError:
            return None
        return record

    def result(self, future: Future[Any], config: Experiment) -> Record:
        from distributed import KilledWorker

        with self._locks.pop(config):
            try:
                parts, files, remarks = future.result()
            except KilledWorker as error:
                raise TrainingError(
                    f"its worker died {error.allowed_failures + 1} times, the last one at "
                    f"{error.last_worker.address}"
                ) from error
            except CancelledError as error:
                raise self._gone() from error
            record = Record(config=config, **parts)
            for remark in remarks:
                self._say(remark)
            record = stored(self._store, record, files)
            scratch_path(self._store, config, ".checkpoint").unlink(missing_ok=True)
        return record

    def epochs_done(self, config: Experiment) -> int:
        if config.id in self._epochs:
            return self._epochs[config.id]
        return epochs_done(scratch_path(self._store, config, ".checkpoint"))

    def close(self) -> None:
        self._executor.shutdown(wait=False)
        self._client.close()
        self._quiet.close()
        self._mark.unlink(missing_ok=True)
        for lock in self._locks.values():
            lock.close()


def _absolute(files: Files) -> Files:
    """The paths as other processes have to know them."""
    if files is None:
        return None
    if isinstance(files, Mapping):
        return {name: Path(file).resolve() for name, file in files.items()}
    return Path(files).resolve()


@contextmanager
def _loggers_off(package: str) -> Iterator[None]:
    """Keep a package from logging: of a scheduler that is gone, pages that end in what we say."""
    known = logging.root.manager.loggerDict
    loggers = [logging.getLogger(name) for name in [*known] if name.partition(".")[0] == package]
    loggers = [each for each in loggers if not each.disabled]
    for each in loggers:
        each.disabled = True
    try:
        yield
    finally:
        for each in loggers:
            each.disabled = False


def _parts(record: Record) -> dict[str, Any]:
    """What a record says beside its config."""
    return {name: value for name, value in vars(record).items() if name != "config"}


def _compute(job: Job, mark: Path) -> tuple[dict[str, Any], Contents, list[str]]:
    """Do a run on a worker of the cluster: what its record says, what it keeps, and remarks."""
    from distributed import get_worker
    from distributed.worker import thread_state

    worker, key = get_worker(), thread_state.key

    def report(step: int, **numbers: float) -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state != "executing":
            raise CancelledError  # its sweep was stopped
        worker.log_event(TOPIC, {"run": config.id, "epochs": step})

    with _ONE_AT_A_TIME:
        config = unpacked(job)
        data = loaded_for(config, job.files, job.note)
        check_data(config, data)
        config.prepare()
        shared = mark.exists() and os.access(mark.parent, os.W_OK)
        at = mark.with_name(f"{config.id}.checkpoint") if shared else None
        remarks: list[str] = []
        record, files = from_checkpoint(
            config, data, at, keep=job.keep, progress=report, begun=None, say=remarks.append
        )
        return _parts(record), files, remarks
