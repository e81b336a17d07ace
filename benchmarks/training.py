"""How fast the suite trains, beside a plain Keras script doing `model.fit` on the same images.

    python benchmarks/training.py                 five rounds, prints a table and stores it
    python benchmarks/training.py --quick         a few images, two rounds; prints, stores nothing

Each team trains at the same speed from first to last, so an epoch stands for a run. All teams are
started and have done an epoch before the first round. In a round each one trains alone, one after
the other, while the processes of the others wait for a line on their standard input. So a busy
machine slows all of them, and a ratio is taken within a round. A turn is two epochs, of which the
second counts: where memory that lies idle is reclaimed, the first has taken ten times as long.

The time of an epoch has all in it that the script or the suite does in one: training, validation,
and for the suite the checkpoint on the disk. It does not have the start, which is reported apart.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import IO, Any

import tables

RESULTS = tables.RESULTS / "training.json"

PLAIN = "plain script"
FULL = {"images": 20_000, "rounds": 5}
QUICK = {"images": 1000, "rounds": 2}


def teams(cores: int, precisions: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Name of a team → what each of its processes does."""
    plain = {"code": "plain", "threads": cores, "precision": "float32"}
    found = {PLAIN: [plain]}
    for precision in precisions:
        one = {"code": "suite", "threads": cores, "precision": precision}
        found[f"{precision}, one run with {cores} threads"] = [one]
        if cores > 1:
            single = one | {"threads": 1}
            found[f"{precision}, {cores} runs with one thread"] = [single] * cores
    return found


# In the processes


def images(count: int) -> dict[str, Any]:
    """Noise in the shape of CIFAR-10: the time does not depend on what is in the images."""
    import numpy as np

    random = np.random.default_rng(0)
    return {
        "x_train": random.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8),
        "y_train": random.integers(0, 10, count, dtype=np.uint8),
        "x_test": random.integers(0, 256, (250, 32, 32, 3), dtype=np.uint8),
        "y_test": random.integers(0, 10, 250, dtype=np.uint8),
    }


def plain(job: dict[str, Any], epoch_done: Callable[[], None]) -> None:
    """What somebody would write who has only Keras."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(job["threads"])
    import keras

    data = images(job["images"])
    x = data["x_train"].astype("float32") / 255
    y = keras.utils.to_categorical(data["y_train"], 10)
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Dropout(0.5),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Dropout(0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"], jit_compile=False
    )
    model.fit(
        x,
        y,
        batch_size=250,
        epochs=1_000_000,
        validation_split=0.2,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: epoch_done())],
    )


def suite(job: dict[str, Any], epoch_done: Callable[[], None]) -> None:
    """The same by the suite, with its checkpoints."""
    import numpy as np

    from kl_lib.experiments import Checkpoint, Config, describe_environment, load_data, train

    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/noise.npz", **images(job["images"]))
        data = load_data("cifar10", file=f"{folder}/noise.npz")
        config = Config(
            dataset="cifar10",
            data_sha256=data.sha256,
            loss="ce",
            seed=0,
            epochs=1_000_000,
            threads=job["threads"],
            precision=job["precision"],
        )
        checkpoint = Checkpoint(f"{folder}/run", config, describe_environment(config))
        train(config, data, on_epoch=lambda _: epoch_done(), checkpoint=checkpoint)


def work(job: dict[str, Any]) -> None:
    """Train for ever. After each epoch say so, and wait for a line that asks for another."""
    answers, sys.stdout = sys.stdout, sys.stderr

    def epoch_done() -> None:
        print("epoch", file=answers, flush=True)
        if not sys.stdin.readline():
            os._exit(0)

    {"plain": plain, "suite": suite}[job["code"]](job, epoch_done)


# In the benchmark


class Team:
    """Processes that train at the same time."""

    def __init__(self, jobs: list[dict[str, Any]], count: int, log: IO[str]) -> None:
        began = time.perf_counter()
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.processes = [
            subprocess.Popen(
                [sys.executable, __file__, "--job", json.dumps(job | {"images": count})],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env=environment,
            )
            for job in jobs
        ]  # fmt: skip
        self.wait()
        self.first = time.perf_counter() - began

    def wait(self) -> None:
        for process in self.processes:
            assert process.stdout is not None
            if process.stdout.readline() != "epoch\n":
                raise SystemExit("a process of the benchmark ended, see what it said above")

    def turn(self) -> float:
        """Train for two epochs. Return the seconds of the second, divided by the processes."""
        for _ in range(2):
            began = time.perf_counter()
            for process in self.processes:
                assert process.stdin is not None
                print(file=process.stdin, flush=True)
            self.wait()
        return (time.perf_counter() - began) / len(self.processes)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


def measure(precisions: list[str], count: int, rounds: int) -> tables.Table:
    """Let the teams train in turn."""
    from kl_lib.experiments.machinery import backend, environment

    table = tables.begun("seconds for an epoch of one run, each team training alone, in turn")
    sets = environment.instruction_set()
    table["machine"]["bfloat16"] = sets and [name for name in sets if name.endswith("bf16")]
    packages = (*environment.PACKAGES, *backend.PACKAGES["tensorflow"], "scikit-learn")
    table |= {
        "packages": {name: environment.package_version(name) for name in packages},
        "images": count,
        "teams": {},
    }
    members = teams(table["machine"]["cores"], precisions)
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(tempfile.TemporaryFile("w+"))
        started = {}
        try:
            for name, jobs in members.items():
                started[name] = Team(jobs, count, log)
                stack.callback(started[name].end)
                print(f"{name}: start and first epoch {started[name].first:.1f} s", flush=True)
        except SystemExit:
            log.seek(0)
            print(log.read()[-3000:], file=sys.stderr)
            raise
        found: dict[str, list[float]] = {name: [] for name in members}
        for number in range(rounds):
            for name, team in started.items():
                found[name].append(team.turn())
            shown = ", ".join(f"{times[-1]:.2f}" for times in found.values())
            print(f"round {number + 1} of {rounds}: {shown} s", flush=True)
        for name, times in found.items():
            table["teams"][name] = {
                "start_and_first_epoch": round(started[name].first, 2),
                "seconds": [round(seconds, 3) for seconds in times],
            }
    return table


def ratios(table: tables.Table) -> dict[str, list[float]]:
    """How many times as fast as the plain script each team was, one value a round."""
    plain_times = table["teams"][PLAIN]["seconds"]
    return {
        name: [p / t for p, t in zip(plain_times, team["seconds"], strict=True)]
        for name, team in table["teams"].items()
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few images, two rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--images", type=int, help="training images, a fifth of them held out")
    parser.add_argument("--precision", nargs="+", default=["float32", "mixed_bfloat16"])
    parser.add_argument("--output", type=Path, help="where to store the table")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.job:
        work(json.loads(options.job))
        return 0
    size = QUICK if options.quick else FULL
    count, rounds = options.images or size["images"], options.rounds or size["rounds"]

    def measured() -> tables.Table:
        table = measure(options.precision, count, rounds)
        for name, found in ratios(table).items():
            seconds, speed = median(table["teams"][name]["seconds"]), median(found)
            print(f"{name:40} {seconds:6.2f} s an epoch and run, {speed:.2f} times as fast")
        return table

    whole = (count, rounds) == (FULL["images"], FULL["rounds"])
    output = options.output or (RESULTS if whole and not options.quick else None)
    return tables.finish(measured, output)


if __name__ == "__main__":
    sys.exit(main())
