"""What is done to sweeps, and how to see that nothing came of it.

`tests/test_sweeps.py` does each thing once. `make faults` does them at random moments, again and
again, and says what was lost.
"""

import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from kl_lib import experiments
from kl_lib.experiments.checkpoint import epochs_done

COMMAND = [sys.executable, "-m", "kl_lib.cli"]
# Small enough to be done often, long enough to be hit in the middle.
RUNS, EPOCHS = 4, 12
GRID = ["--seeds", "0:2", "--loss", "kl,ce", "--epochs", f"{EPOCHS}", "--batch-size", "100"]
QUIET = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def few(digits):
    """The configs that `GRID` stands for."""
    return experiments.grid(
        digits, arms=["kl", "ce"], seeds=range(2), epochs=EPOCHS, batch_size=100, threads=1
    )


def start(store, *args, grid=GRID, limit=None):
    """Start a sweep of the digits. `limit` is the largest file it may write, in bytes."""

    def prepare():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [*COMMAND, "sweep", "digits", *grid, "--store", str(store), *map(str, args)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | QUIET,
        preexec_fn=prepare,
    )  # fmt: skip


def end(process, timeout=200):
    """Wait for a sweep. Return its exit status, what it printed and what it complained of."""
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill(process)
        raise
    return process.returncode, output, errors


def kill(process):
    """End a process that is not needed any more, and all below it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for each in [*psutil.Process(process.pid).children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
    process.communicate()


def workers(process):
    """The processes of a sweep that train."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any("spawn_main" in part for part in child.cmdline()):
                found.append(child)
    return found


def progress(store):
    """Epochs that are on the disk, those of finished runs included."""
    unfinished = sum(map(epochs_done, Path(store).glob(".scratch/*.checkpoint")))
    return unfinished + EPOCHS * len(records(store))


def records(store):
    return sorted(Path(store).glob("digits/*.json"))


def wait_for(condition, process=None, timeout=120):
    """Wait until something is so; with a process, while that is running."""
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until, f"in {timeout} s nothing happened"
        assert process is None or process.poll() is None, end(process)
        time.sleep(0.02)


def numbers(store):
    """All that a store says about its runs, except times, memory and where they were done."""
    found = {}
    for path in records(store):
        record = experiments.read_record(path)  # believes nothing that it has not checked
        history = {k: v for k, v in record.history.items() if k != "seconds"}
        result = {k: v for k, v in record.result.items() if k not in ("seconds", "peak_memory")}
        found[path.name] = record.config, record.data, history, result
    return found


def interrupt(process):
    """Press Ctrl-C: the terminal sends it to all processes of the command."""
    for each in [*workers(process), process]:
        each.send_signal(signal.SIGINT)


def start_cluster(count, folder):
    """Start a dask scheduler and workers for it, each a process of its own.

    Returns the address and the processes, the scheduler first.
    """
    environment = os.environ | QUIET | {"DASK_TEMPORARY_DIRECTORY": str(folder)}

    def dask(*args, log):
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *args], stdout=log, stderr=log, env=environment
        )

    log = folder / "scheduler.log"
    with open(log, "w") as file:
        processes = [dask("scheduler", "--host", "127.0.0.1", "--port", "0", log=file)]

    def address():
        return re.search(r"Scheduler at: +(tcp://127\.0\.0\.1:\d+)", log.read_text())

    wait_for(address, processes[0])
    for number in range(count):
        with open(folder / f"worker{number}.log", "w") as file:
            options = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
            processes.append(dask("worker", address()[1], *options, log=file))
    return address()[1], processes
