"""What is done to sweeps, and how to see that nothing came of it.

`tests/experiments/test_sweeps.py` does most of it once. This script does it at random moments,
again and again, says what was lost, and stores that in results/faults.csv, which the book shows:

    python tools/faults.py [--rounds 3] [--seed 0] [--only NAME ...]

With `--only` it stores nothing.
"""

import argparse
import contextlib
import csv
import errno
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import psutil

from kl_lib import experiments
from kl_lib.experiments import Checkpoint, State
from kl_lib.experiments.machinery.checkpoint import epochs_done
from kl_lib.experiments.machinery.store import scratch_path

RECORD = Path(__file__).parents[1] / "results" / "faults.csv"
COMMAND = [sys.executable, "-m", "kl_lib.cli"]
# Small enough to be done often, long enough to be hit in the middle.
RUNS, EPOCHS = 4, 12
CHOICES = ["--seeds", "0:2", "--loss", "kl,ce", "--epochs", f"{EPOCHS}"]
GRID = ["digits", *CHOICES, "--batch-size", "100"]
QUIET = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def start(store, *args, grid=GRID, limit=None):
    """Start a sweep. `limit` is the largest file it may write, in bytes."""

    def prepare():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [*COMMAND, "sweep", *grid, "--store", str(store), *map(str, args)],
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
    return sorted(Path(store).glob("[!.]*/*.json"))


def leave_checkpoint_of_another_network(store, config, environment, suffix):
    """As a run leaves it that was stopped before somebody changed `convnet`."""
    path = scratch_path(store, config, suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    epoch = experiments.Epoch(
        number=1, loss=1, accuracy=0.5, val_loss=1, val_accuracy=0.5, seconds=2
    )
    state = State(epochs=[asdict(epoch)], peak_memory=0, arrays=[np.zeros((2, 3), "float32")])
    Checkpoint(path, config, environment).save(state)


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
    log = folder / "scheduler.log"
    scheduler = _dask("scheduler", "--host", "127.0.0.1", "--port", "0", log=log)

    def address():
        return re.search(r"Scheduler at: +(tcp://127\.0\.0\.1:\d+)", log.read_text())

    wait_for(address, scheduler)
    found = address()[1]
    return found, [scheduler, *(start_worker(found, folder, n) for n in range(count))]


def start_worker(address, folder, number):
    """Start one more worker."""
    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder))
    return _dask("worker", address, *options, log=folder / f"worker{number}.log")


def _dask(*args, log):
    with open(log, "w") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *args], stdout=file, stderr=file, env=os.environ | QUIET
        )


def write_for_ever(store, records):
    """Write these records in turn, until somebody kills this process."""
    while True:
        for record in records:
            experiments.write_record(store, record)


# The campaign. Each function does to a new store what its docstring says, and returns how often: a
# blow that comes after the sweep has ended is none. What must be so at the end is checked by
# `campaign`: that every run is there and says what it says in `undisturbed`, and that no record
# which was there before a fault has changed since.


class LostError(AssertionError):
    """Something that had been finished is gone or different."""


class Kept:
    """The records of a store, as they were when they were first seen."""

    def __init__(self, store):
        self.store, self.seen = store, {}

    def look(self):
        for path in records(self.store):
            content = path.read_bytes()
            if self.seen.setdefault(path, content) != content:
                raise LostError(f"{path.name} was written twice")
        if gone := [path.name for path in self.seen if not path.exists()]:
            raise LostError(f"{gone} are gone")


def wait_at_most(process, seconds, kept):
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        kept.look()
        time.sleep(0.05)
    return process.poll() is not None


def finish(store, kept, *args):
    """Call the sweep again, undisturbed."""
    process = start(store, *args)
    wait_at_most(process, 300, kept)
    status, _, errors = end(process)
    if status != 0:
        raise LostError(f"a sweep ended with status {status}: {errors}")


def workers_killed(store, rng, kept, undisturbed):
    """One or both worker processes are killed."""
    sweep, blows = start(store, "--workers", 2), 0
    for _ in range(rng.randint(1, 4)):
        if wait_at_most(sweep, rng.uniform(1, 8), kept):
            break
        for worker in rng.sample(found := workers(sweep), k=min(len(found), rng.randint(1, 2))):
            worker.kill()
            blows += 1
    wait_at_most(sweep, 300, kept)
    status, _, errors = end(sweep)
    if status != 0:
        raise LostError(f"the sweep ended with status {status}: {errors}")
    return blows


def sweep_killed(store, rng, kept, undisturbed):
    """The sweep is killed, its workers are not."""
    blows = 0
    for _ in range(rng.randint(1, 4)):
        sweep = start(store, "--workers", rng.randint(1, 2))
        if not wait_at_most(sweep, rng.uniform(1, 15), kept):
            sweep.kill()
            blows += 1
        end(sweep)
    finish(store, kept)
    return blows


def sweep_interrupted(store, rng, kept, undisturbed):
    """Ctrl-C."""
    blows = 0
    for _ in range(rng.randint(1, 3)):
        sweep = start(store, "--workers", rng.randint(1, 2))
        if not wait_at_most(sweep, rng.uniform(3, 15), kept):
            interrupt(sweep)
            blows += 1
        if (status := end(sweep)[0]) not in (0, 130):
            raise LostError(f"the sweep ended with status {status}")
    finish(store, kept)
    return blows


def all_killed_at_once(store, rng, kept, undisturbed):
    """Sweep and workers are killed at once: as near to a power cut as a program gets."""
    blows = 0
    for _ in range(rng.randint(1, 3)):
        sweep = start(store, "--workers", 2)
        if not wait_at_most(sweep, rng.uniform(1, 15), kept):
            kill(sweep)
            blows += 1
    finish(store, kept)
    return blows


def two_at_once_one_of_them_killed(store, rng, kept, undisturbed):
    """Two sweeps share a store, and one of them is killed."""
    both = [start(store, "--workers", 1) for _ in range(2)]
    late = wait_at_most(both[0], rng.uniform(3, 15), kept)
    both[0].kill()
    wait_at_most(both[1], 300, kept)
    end(both[0])
    if (status := end(both[1])[0]) != 0:
        raise LostError(f"the other sweep ended with status {status}")
    return 0 if late else 1


def record_cut(store, rng, kept, undisturbed):
    """The record of a finished run is cut short at a random byte."""
    shutil.copytree(undisturbed / "digits", store / "digits")
    path = rng.choice(records(store))
    whole = path.read_bytes()
    path.write_bytes(whole[: rng.randrange(len(whole) - 1)])
    others = Kept(store)
    others.seen = {each: each.read_bytes() for each in records(store) if each != path}
    process = start(store)
    status, _, errors = end(process)
    if status != 0 or path.name not in errors:
        raise LostError(f"the damaged record was not named: {status}, {errors}")
    for each, content in others.seen.items():
        if each.read_bytes() != content:
            raise LostError(f"{each.name} was written again")
    return 1


def checkpoint_damaged(store, rng, kept, undisturbed):
    """The checkpoints of a killed sweep are cut short, or a random bit is flipped."""
    sweep = start(store, "--workers", 1)
    wait_for(lambda: [*store.glob(".scratch/*.checkpoint")], sweep)
    wait_at_most(sweep, rng.uniform(0, 3), kept)
    kill(sweep)
    found = [*store.glob(".scratch/*.checkpoint")]
    for path in found:
        content = bytearray(path.read_bytes())
        place = rng.randrange(len(content))
        if rng.random() < 0.5:
            path.write_bytes(content[:place])
        else:
            content[place] ^= 1 << rng.randrange(8)
            path.write_bytes(content)
    finish(store, kept)
    return len(found)


def file_size_limited(store, rng, kept, undisturbed):
    """The system refuses files above a random size."""
    process = start(store, "--workers", 2, limit=rng.randint(100, 1_000_000))
    status, _, errors = end(process)
    kept.look()
    if status != 1 or "File too large" not in errors or "Traceback" in errors:
        raise LostError(f"no clear error: {status}, {errors}")
    finish(store, kept)
    return 1


def disk_full(store, rng, kept, undisturbed):
    """The disk of the store, a small one of its own, is full."""
    size = rng.randint(8, 2500)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(store)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        raise PermissionError(errno.EPERM, "this process may not mount a disk")
    try:
        status, _, errors = end(start(store, "--workers", 2))
        kept.look()
        if status != 1 or "No space left on device" not in errors or "Traceback" in errors:
            raise LostError(f"no clear error on a disk of {size} kB: {status}, {errors}")
        subprocess.run(["mount", "-o", "remount,size=50m", str(store)], check=True)
        finish(store, kept)
        found = numbers(store)
    finally:
        subprocess.run(["umount", str(store)], check=True)
    if found != numbers(undisturbed):
        raise LostError("the results differ")
    shutil.copytree(undisturbed / "digits", store / "digits")
    return 1


def writer_killed(store, rng, kept, undisturbed):
    """A process that does nothing but write records is killed."""
    record = experiments.read_record(records(undisturbed)[0])
    other = replace(record, environment={"padding": "x" * 100_000})
    path = store / "digits" / f"{record.config.id}.json"
    for _ in range(30):
        writer = multiprocessing.get_context("spawn").Process(
            target=write_for_ever, args=(store / "other", [record, other])
        )
        writer.start()
        path = store / "other" / "digits" / f"{record.config.id}.json"
        wait_for(path.exists)
        time.sleep(rng.uniform(0, 0.05))
        writer.kill()
        writer.join()
        if experiments.read_record(path) not in (record, other):
            raise LostError("a record that nobody wrote")
    shutil.copytree(undisturbed / "digits", store / "digits")
    return 30


def cluster_workers_killed(store, rng, kept, undisturbed):
    """One of two workers of a dask cluster is killed, and a new one joins."""
    blows = 0
    with tempfile.TemporaryDirectory() as folder:
        address, processes = start_cluster(2, Path(folder))
        try:
            sweep = start(store, "--scheduler", address)
            for _ in range(2):
                if wait_at_most(sweep, rng.uniform(6, 14), kept):
                    break
                rng.choice(processes[1:]).kill()
                blows += 1
                processes.append(start_worker(address, Path(folder), len(processes)))
            wait_at_most(sweep, 300, kept)
            status, _, errors = end(sweep)
        finally:
            for process in processes:
                kill(process)
    if status != 0:
        raise LostError(f"the sweep ended with status {status}: {errors}")
    return blows


FAULTS = (
    workers_killed,
    sweep_killed,
    sweep_interrupted,
    all_killed_at_once,
    two_at_once_one_of_them_killed,
    record_cut,
    checkpoint_damaged,
    file_size_limited,
    disk_full,
    writer_killed,
    cluster_workers_killed,
)


HEAD = "What was done, at random moments", "Sweeps", "Times", "Lost"


def campaign(names, rounds, seed):
    """Do each fault in so many sweeps; return a row for each, as in `HEAD`."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = Path(folder) / "undisturbed"
        status, _, errors = end(start(undisturbed))
        if status != 0:
            raise SystemExit(f"not even an undisturbed sweep works: {errors}")
        expected = numbers(undisturbed)
        for fault in (fault for fault in FAULTS if fault.__name__ in names):
            sweeps, blows, lost = 0, 0, "nothing"
            while sweeps < rounds and lost == "nothing":
                store = Path(folder) / f"{fault.__name__}{sweeps}"
                store.mkdir()
                rng = random.Random(f"{fault.__name__} {seed} {sweeps}")
                try:
                    blows += fault(store, rng, Kept(store), undisturbed)
                    sweeps += 1
                    if numbers(store) != expected:
                        raise LostError("the results differ from those of an undisturbed sweep")
                except PermissionError as error:
                    lost = f"not tried: {error.strerror}"
                except (AssertionError, experiments.RecordError) as error:
                    lost = f"sweep {sweeps}: {error}"
                finally:
                    shutil.rmtree(store, ignore_errors=True)
            rows.append((fault.__doc__, sweeps, blows, lost))
            print(f"{fault.__doc__} {sweeps} sweeps, {blows} times. Lost: {lost}", flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [fault.__name__ for fault in FAULTS]
    parser.add_argument("--rounds", type=int, default=3, help="in how many sweeps to do each")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names)
    options = parser.parse_args()
    rows = campaign(options.only or names, options.rounds, options.seed)
    if not options.only:
        with open(RECORD, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([HEAD, *rows])
    return 0 if all(lost == "nothing" or lost.startswith("not tried") for *_, lost in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
