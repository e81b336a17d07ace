"""What `kl_lib.watch` costs a training step of a ConvNet: watched and plain steps in turns.

    python benchmarks/watch.py                     with Keras, 30 rounds of four steps of 250 images
    python benchmarks/watch.py --library torch     the same with PyTorch
    python benchmarks/watch.py --quick             three rounds of a small step, which mean nothing

Two networks of one seed train on the same images in one process with one thread. A round is some
steps of the one, then as many of the other, and the next round begins with the other. One block is
entered for each turn of the watched one, so that its steps are looked at as rarely as in one long
run. A busy machine makes every clock on the wall useless: so the time is that which the processor
worked for the process, a ratio is taken within a round, where other programs disturb both alike,
and what counts is the median of the ratios, with an interval by their ranks, which holds whatever
their distribution. Nothing is stored.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from math import comb
from statistics import median
from typing import Any, NamedTuple

import numpy as np

FULL = {"rounds": 30, "steps": 4, "batch": 250}
QUICK = {"rounds": 3, "steps": 2, "batch": 16}


class Training(NamedTuple):
    """One step of a network, given its number, and the weights that it has."""

    step: Callable[[int], Any]
    weights: Callable[[], list[Any]]


class Measured(NamedTuple):
    """Seconds a step of each round, plain and watched; seconds to enter and leave; the block."""

    times: list[tuple[float, float]]
    entering: list[float]
    seen: Any


def images(batch: int) -> tuple[Any, Any]:
    """Noise in the shape of CIFAR-10 with soft labels."""
    random = np.random.default_rng(0)
    return (
        random.random((batch, 32, 32, 3), dtype=np.float32),
        random.dirichlet(np.ones(10), batch).astype(np.float32),
    )


def keras_training(batch: int) -> Training:
    """The ConvNet of the suite with Keras's KL loss, from one seed."""
    from kl_lib.experiments.machinery.backend import start_quietly

    start_quietly("tensorflow", 1)
    import keras

    from kl_lib.experiments.convnet.network import convnet

    model = convnet((32, 32, 3), seed=1)
    model.compile("adam", loss=keras.losses.KLDivergence(), jit_compile=False)
    data = images(batch)
    return Training(lambda number: model.train_on_batch(*data), model.get_weights)


def torch_training(batch: int) -> Training:
    """The same layers in PyTorch, with its `kl_div`."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = nn.Sequential(
        *(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5)),
        *(nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5)),
        *(nn.Flatten(), nn.Linear(2304, 256), nn.ReLU(), nn.Linear(256, 10), nn.LogSoftmax(-1)),
    )
    optimizer = torch.optim.Adam(model.parameters())
    x, p = map(torch.from_numpy, images(batch))
    x = x.permute(0, 3, 1, 2).contiguous()

    def step(number: int) -> None:
        torch.manual_seed(number)  # of the dropout, which both networks draw from one generator
        optimizer.zero_grad()
        nn.functional.kl_div(model(x), p, reduction="batchmean").backward()
        optimizer.step()

    return Training(step, lambda: [each.detach().numpy() for each in model.parameters()])


def measure(plain: Training, watched: Training, rounds: int, steps: int) -> Measured:
    """Train both in turns, the watched one in a block."""
    import kl_lib as kl

    seen = kl.watch(on="record")
    turns: list[tuple[Training, Any]] = [(plain, nullcontext()), (watched, seen)]
    for training, block in turns:
        with block:
            training.step(0)  # which traces
    times, entering = [], []
    for number in range(rounds):
        took = {}
        for i in (0, 1) if number % 2 == 0 else (1, 0):
            training, block = turns[i]
            came = time.process_time()
            with block:
                began = time.process_time()
                for step in range(steps):
                    training.step(1 + number * steps + step)
                ended = time.process_time()
            if i:
                entering.append(began - came + time.process_time() - ended)
            took[i] = (ended - began) / steps
        times.append((took[0], took[1]))
    return Measured(times, entering, seen)


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Where the median of what the values are drawn from lies with at least 95 %: two of them.

    A value is below the median as often as a coin shows heads. None of fewer than six values.
    """
    n, beyond, rank = len(values), 0, 0
    while beyond + comb(n, rank) <= 0.025 * 2**n:
        beyond += comb(n, rank)
        rank += 1
    ordered = sorted(values)
    return (ordered[rank - 1], ordered[n - rank]) if rank else None


def with_interval(values: Sequence[float]) -> str:
    """A median in words."""
    within = interval(values)
    told = f"{within[0]:.3f} to {within[1]:.3f}" if within else "too few rounds for an interval"
    return f"{median(values):.3f} ({told})"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Time kl_lib.watch on a training step.")
    parser.add_argument("--library", choices=("keras", "torch"), default="keras")
    parser.add_argument("--rounds", type=int, help="of some steps of both")
    parser.add_argument("--quick", action="store_true", help="a few small steps")
    asked = parser.parse_args(arguments)
    size = QUICK if asked.quick else FULL
    rounds = asked.rounds or size["rounds"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    load = os.getloadavg()[0]
    make = {"keras": keras_training, "torch": torch_training}[asked.library]
    plain, watched = make(size["batch"]), make(size["batch"])
    found = measure(plain, watched, rounds, size["steps"])
    ratios = [watched / plain for plain, watched in found.times]
    same = all(map(np.array_equal, plain.weights(), watched.weights()))
    sites = found.seen.sites
    calls, looked_at = (sum(getattr(x, what) for x in sites) for what in ("calls", "looked_at"))
    print(f"{asked.library}, {rounds} rounds of {size['steps']} steps of {size['batch']} images")
    print(f"processor time of a plain step {1e3 * median(x for x, _ in found.times):.1f} ms")
    print(f"watched over plain, the median of the rounds and its 95 %: {with_interval(ratios)}")
    print(
        f"all steps together: {sum(b for _, b in found.times) / sum(a for a, _ in found.times):.3f}"
    )
    print(f"to enter and leave a block {1e3 * median(found.entering):.1f} ms")
    print(f"{looked_at} of {calls} steps looked at; {len(found.seen.mistakes)} mistakes found")
    print(f"weights the same to the last bit: {'yes' if same else 'no'}")
    print(f"load {load:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
