"""An experiment that trains in a second: a walk towards a target, stopped and resumed at any step.

Tests of what has nothing to do with networks run it: by file, as anybody would name their own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from kl_lib.experiments import Arrays, CheckpointError, Experiment, Measure, Range, State

# Longer than a record, so that a limit on the size of files stops a checkpoint first.
SIZE = 5000


@dataclass(frozen=True, kw_only=True)
class Toy(Experiment):
    name = "toy"
    arms = ("loss",)
    baseline = "ce"
    measure = Measure("error", margins=(0.1, 0.05))

    loss: Literal["kl", "ce"] = "kl"
    epochs: Annotated[int, Range(ge=1)] = 12
    pause: Annotated[float, Range(ge=0)] = 0.05
    fail_at: int | None = None

    @staticmethod
    def load(target=None):
        values = np.ones(SIZE) if target is None else np.load(target)
        return Arrays("where the walk goes", target=values)

    def run(self, data, progress, checkpoint):
        state = checkpoint.load()
        epochs, w = ([], np.zeros(SIZE)) if state is None else (state.epochs, state.arrays[0])
        if w.shape != data["target"].shape:
            raise CheckpointError("its arrays are those of another network")
        for number, epoch in enumerate(epochs, 1):
            progress(number, **epoch)
        for number in range(len(epochs) + 1, self.epochs + 1):
            if number == self.fail_at:
                raise ValueError("the walk ends here")
            time.sleep(self.pause)
            step = 0.1 if self.loss == "kl" else 0.2
            noise = np.random.default_rng([self.seed, number]).normal(size=SIZE)
            w = w + step * (data["target"] - w) + 0.01 * noise
            epochs.append({"distance": float(np.abs(data["target"] - w).mean())})
            checkpoint.save(State(epochs=epochs, arrays=[w]))
            progress(number, **epochs[-1])
        return {
            "distance": [epoch["distance"] for epoch in epochs],
            "error": float(np.square(data["target"] - w).mean()),
        }
