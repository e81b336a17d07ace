"""Where the runs of a sweep are done: what that takes, and processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Protocol

from .checkpoint import epochs_done
from .experiment import Experiment
from .jobs import Job, packed, unpacked
from .loading import Files, loaded_for
from .locks import RunBusyError
from .records import Record, find_record
from .runs import run
from .store import scratch_path


class Pool(Protocol):
    """What does the runs of a sweep."""

    def slots(self) -> int:
        """How many runs it can do at a time, at the moment."""

    def submit(self, config: Experiment) -> Future[Any] | None:
        """Begin a run. None if another process is doing it, as far as is known already."""

    def result(self, future: Future[Any], config: Experiment) -> Record | None:
        """Return the stored record of a run that has ended, or None if another process does it.

        Raises
        ------
        RunLostError
            If its worker died.
        Exception
            What the run itself raised.
        """

    def epochs_done(self, config: Experiment) -> int:
        """How many epochs of a run are done."""

    def lacks(self) -> str | None:
        """What it waits for before it can do anything, in words; None if nothing."""

    def close(self) -> None:
        """Stop all runs. They keep what they have saved."""


class RunLostError(RuntimeError):
    """The worker of a run died. The message says what is known about it."""


class ProcessPool:
    """Processes of this machine, each doing one run after the other.

    Each is an executor of its own, so that one which dies takes no other run with it.
    """

    def __init__(
        self,
        workers: int,
        store: str | os.PathLike[str],
        file: Files,
        note: str | None,
        keep: bool,
        say: Callable[[str], None],
    ) -> None:
        self._store, self._say = store, say
        self._given = file, note, keep
        self._context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
        # Nothing is ever written to it. When this process ends, however it ends, the system closes
        # it, and that is what the workers wait for.
        self._alive, self._lifeline = self._context.Pipe(duplex=False)
        self._idle = [self._worker() for _ in range(workers)]
        self._busy: dict[Future[Any], ProcessPoolExecutor] = {}

    def _worker(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1, mp_context=self._context, initializer=_begin, initargs=(self._alive,)
        )

    def slots(self) -> int:
        return len(self._idle) + len(self._busy)

    def submit(self, config: Experiment) -> Future[Any]:
        worker = self._idle.pop()
        with _interrupts_held():  # a new process is not to be told of them, also while it starts
            future = worker.submit(_do, self._store, packed(config, *self._given))
        self._busy[future] = worker
        return future

    def result(self, future: Future[Any], config: Experiment) -> Record | None:
        worker = self._busy.pop(future)
        try:
            done, remarks = future.result()
        except BrokenExecutor:
            worker.shutdown(wait=False)
            worker = self._worker()
            raise RunLostError("its worker died") from None
        finally:
            self._idle.append(worker)
        for remark in remarks:
            self._say(remark)
        return find_record(self._store, config) if done else None

    def epochs_done(self, config: Experiment) -> int:
        return epochs_done(scratch_path(self._store, config, ".checkpoint"))

    def lacks(self) -> None:
        return None  # its workers are its own

    def close(self) -> None:
        self._lifeline.close()
        for worker in [*self._idle, *self._busy.values()]:
            worker.shutdown(cancel_futures=True)
        self._alive.close()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait for this; processes that are begun in it never hear of one."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(alive: Connection) -> None:
    """Begin a worker process: it ends with the sweep, and Ctrl-C is for the sweep to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_sweep, args=(alive,), daemon=True).start()


def _end_with_the_sweep(alive: Connection) -> None:
    try:
        alive.poll(None)
    finally:
        os._exit(1)


def _do(store: str | os.PathLike[str], job: Job) -> tuple[bool, list[str]]:
    """Do a run in a worker process. False says that somebody else does it."""
    remarks: list[str] = []
    config = unpacked(job)
    config.prepare()
    try:
        data = loaded_for(config, job.files, job.note)
        run(store, config, data, keep=job.keep, say=remarks.append)
        return True, remarks
    except RunBusyError:
        return False, remarks
