"""The workers of a dask.distributed scheduler, doing the runs of a sweep."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .checkpoint import Checkpoint
from .definition import TrainingError
from .experiment import Experiment
from .jobs import Job, packed, unpacked
from .loading import Files, loaded_for
from .locks import RunBusyError, locked
from .records import PARTS, Record, find_record, write_record
from .runs import check_data, compute, describe_environment
from .sealed import RecordError

# Workers report under this name how far their runs are.
TOPIC = "kl_lib.experiments"

# Seconds to wait for the scheduler to answer.
TIMEOUT = 10

# One process has one Keras and one seed for it: a worker with several threads does one run at a
# time all the same.
_ONE_AT_A_TIME = threading.Lock()


class Cluster:
    """The workers of a scheduler. What they return is stored here, and nothing there.

    A worker that dies has its run begun again on another one; the scheduler sees to that.

    Raises
    ------
    OSError
        If no scheduler answers.
    """

    def __init__(
        self, address: str, store: str | os.PathLike[str], files: Files, note: str | None
    ) -> None:
        try:
            from distributed import Client
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                'a scheduler needs dask.distributed: pip install "kl-lib[cluster]"',
                name="distributed",
            ) from None
        self._address, self._store = address, store
        self._source = _absolute(files), note
        try:
            self._client = Client(address, timeout=TIMEOUT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ConnectionError(f"no scheduler answers at {address} ({error})") from error
        self._executor = self._client.get_executor(pure=False)
        self._locks: dict[Experiment, ExitStack] = {}
        self._epochs: dict[str, int] = {}
        self._client.subscribe_topic(TOPIC, self._hear)

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        _, news = event
        self._epochs[news["run"]] = news["epochs"]

    def slots(self) -> int:
        # Submitted before there are workers, the first run waits for them at the scheduler.
        return max(1, len(self._client.nthreads()))

    def submit(self, config: Experiment) -> Future[Any] | None:
        lock = ExitStack()
        try:
            lock.enter_context(locked(self._store, config))
        except RunBusyError:
            return None
        self._locks[config] = lock
        if (record := self._stored(config)) is not None:  # by the process that was busy with it
            future: Future[Any] = Future()
            future.set_result({name: getattr(record, name) for name in PARTS if name != "config"})
            return future
        return self._executor.submit(_compute, packed(config, *self._source))

    def _stored(self, config: Experiment) -> Record | None:
        try:
            return find_record(self._store, config)
        except RecordError:
            return None

    def result(self, future: Future[Any], config: Experiment) -> Record:
        from distributed import KilledWorker

        with self._locks.pop(config):
            try:
                record = Record(config=config, **future.result())
            except KilledWorker as error:
                raise TrainingError(
                    f"its worker died {error.allowed_failures + 1} times, the last one at "
                    f"{error.last_worker.address}"
                ) from error
            except CancelledError as error:
                raise ConnectionError(f"the scheduler at {self._address} is gone") from error
            write_record(self._store, record)
        return record

    def epochs_done(self, config: Experiment) -> int:
        return self._epochs.get(config.id, 0)

    def close(self) -> None:
        self._executor.shutdown(wait=False)
        self._client.close()
        for lock in self._locks.values():
            lock.close()


def _absolute(files: Files) -> Files:
    """The paths as other processes have to know them."""
    if files is None:
        return None
    if isinstance(files, Mapping):
        return {name: Path(file).resolve() for name, file in files.items()}
    return Path(files).resolve()


def _compute(job: Job) -> dict[str, Any]:
    """Do a run on a worker of the cluster, and return what a record says beside its config."""
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
        environment = describe_environment(config)
        kept_nowhere = Checkpoint(None, config, environment)
        record = compute(config, data, environment, report, kept_nowhere)
        return {name: getattr(record, name) for name in PARTS if name != "config"}
