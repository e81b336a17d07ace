"""What `kl_lib.watch` costs a training step of the ConvNet: watched and plain steps in turns.

    python benchmarks/watch.py              seven rounds of ten steps of 250 images, prints a table
    python benchmarks/watch.py --quick      two rounds of four small steps, which mean nothing

Two networks of one seed train on the same images in one process, one of them in watched blocks. A
round is some steps of the one, then as many of the other, so that a busy machine slows both, and a
ratio is taken within a round: of the time on the wall, and of the time that processors worked,
which other programs hardly touch. Nothing is stored.
"""

from __future__ import annotations

import argparse
import os
import time
from statistics import median
from typing import Any

import numpy as np

FULL = {"rounds": 7, "steps": 10, "batch": 250}
QUICK = {"rounds": 2, "steps": 4, "batch": 16}


def network() -> Any:
    """The ConvNet of the suite with Keras's KL loss, from one seed."""
    import keras

    from kl_lib.experiments.convnet.network import convnet

    model = convnet((32, 32, 3), seed=1)
    model.compile("adam", loss=keras.losses.KLDivergence(), jit_compile=False)
    return model


def images(count: int) -> tuple[Any, Any]:
    """Noise in the shape of CIFAR-10 with soft labels."""
    random = np.random.default_rng(0)
    return (
        random.random((count, 32, 32, 3), dtype=np.float32),
        random.dirichlet(np.ones(10), count).astype(np.float32),
    )


def seconds(model: Any, data: tuple[Any, Any], batch: int) -> tuple[float, float]:
    """A step of one epoch over the images: on the wall, and on all processors together."""
    began, worked = time.perf_counter(), time.process_time()
    model.fit(*data, batch_size=batch, shuffle=False, verbose=0)
    steps = len(data[0]) // batch
    return (time.perf_counter() - began) / steps, (time.process_time() - worked) / steps


def measure(rounds: int, steps: int, batch: int) -> dict[str, Any]:
    """Seconds a step of each round, plain and watched, and whether the weights are the same."""
    import kl_lib as kl

    data = images(steps * batch)
    plain, watched = network(), network()
    seconds(plain, data, batch)
    with kl.watch(on="record"):  # the first steps, which trace
        seconds(watched, data, batch)
    times, calls, looked_at = [], 0, 0
    for _ in range(rounds):
        alone = seconds(plain, data, batch)
        with kl.watch(on="record", first=1) as seen:
            times.append((alone, seconds(watched, data, batch)))
        calls += sum(site.calls for site in seen.sites)
        looked_at += sum(site.looked_at for site in seen.sites)
    weights = zip(plain.get_weights(), watched.get_weights(), strict=True)
    same = all(np.array_equal(a, b) for a, b in weights)
    return {"times": times, "same": same, "calls": calls, "looked_at": looked_at}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Time kl_lib.watch on a training step.")
    parser.add_argument("--quick", action="store_true", help="a few small steps")
    size = QUICK if parser.parse_args(arguments).quick else FULL
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    found = measure(**size)
    print("plain step [ms]  watched [ms]  ratio  ratio of processor time")
    ratios = []
    for plain, watched in found["times"]:
        ratios.append((watched[0] / plain[0], watched[1] / plain[1]))
        row = f"{1e3 * plain[0]:15.2f} {1e3 * watched[0]:13.2f}"
        print(f"{row} {ratios[-1][0]:6.3f} {ratios[-1][1]:24.3f}")
    wall, processor = (median(x) for x in zip(*ratios, strict=True))
    print(f"median ratio {wall:.3f}, of processor time {processor:.3f}")
    print(f"{found['looked_at']} of {found['calls']} steps looked at")
    print(f"weights the same to the last bit: {'yes' if found['same'] else 'no'}")


if __name__ == "__main__":
    main()
