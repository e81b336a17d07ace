"""A traced run: the steps of `train`, with the same numbers, looked at on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...machinery.backend import import_keras, restore, use_threads, variables
from ...machinery.checkpoint import Checkpoint, State
from ...machinery.environment import peak_memory
from ..batches import batches
from ..config import Config
from ..data import Data
from ..initial import epoch_order, forget_networks, initial_model
from ..training import images_to_train_on
from .vectors import Array, first_gradient, true_class, weight_vector

#: Held-out images whose predictions are compared: the first ones.
PROBE = 1000
#: Looks for each factor of ten in the number of steps.
LOOKS = 8


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What the loss was given in training, one value an epoch.

    Attributes
    ----------
    below_clip : tuple of int
        How many training images had a probability of their true class below 1e-7. For ``"kl"`` the
        gradient of these samples is dead.
    lowest : tuple of float
        The lowest probability of a true class.
    """

    below_clip: tuple[int, ...]
    lowest: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """A run that was looked at on the way.

    Attributes
    ----------
    steps : tuple of int
        After how many updates.
    weights : list of numpy.ndarray
        All weights as one vector, at each look.
    predictions : list of numpy.ndarray
        Probabilities (probe images, classes), at each look, without dropout.
    first_loss : float
        Loss of the first batch, before any update.
    first_gradient : numpy.ndarray
        Its gradient, as one vector.
    images : int
        Training images an epoch.
    counts : Counts
        Probabilities of the true classes in training.
    """

    steps: tuple[int, ...]
    weights: list[Array]
    predictions: list[Array]
    first_loss: float
    first_gradient: Array
    images: int
    counts: Counts


def trace(
    config: Config,
    data: Data,
    *,
    on_epoch: Callable[[int, float], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trace:
    """Take the steps of `train`, one by one, and look at the run after some of them.

    The looks are evenly spaced on a logarithmic axis. Stopped, and given the same checkpoint again,
    it goes on from its last whole epoch. Errors are those of `train`.
    """
    kept = images_to_train_on(config, data)
    keras = import_keras(config.backend)
    use_threads(config.threads, config.backend)
    forget_networks()
    model = initial_model(config, data.x_train.shape[1:])
    logits = config.logits
    # The same optimiser and loss again, only that the metric is another.
    model.compile(
        optimizer=model.optimizer,
        loss=model.loss,
        metrics=[true_class(logits)],
        jit_compile=model.jit_compile,
    )
    training = batches(data.x_train[:kept], data.y_train[:kept], config.batch_size)
    probe, _ = batches(data.x_train[kept:], data.y_train[kept:], PROBE)[0]
    steps = looks(config.epochs * training.num_batches)

    def predicted() -> Array:
        output = model.predict_on_batch(probe)
        if logits:
            output = keras.ops.softmax(output)
        return keras.ops.convert_to_numpy(output).astype(np.float64)

    weights, predictions = [weight_vector(model)], [predicted()]
    epochs: list[dict[str, Any]] = []
    first: list[Array] = []  # loss and gradient of the first batch
    if checkpoint is not None and (before := checkpoint.load()) is not None:
        own = len(variables(model))
        restore(model, before.arrays[:own])
        first, looked = list(before.arrays[own : own + 2]), before.arrays[own + 2 :]
        half = len(looked) // 2
        weights = [look.astype(np.float64) for look in looked[:half]]
        predictions = [look.astype(np.float64) for look in looked[half:]]
        epochs = before.epochs
        if on_epoch is not None:
            for number, each in enumerate(epochs, 1):
                on_epoch(number, each["seconds"])

    def save() -> None:
        if checkpoint is not None:
            # All of these were float32 before they were float64.
            looked = [look.astype(np.float32) for look in (*weights, *predictions)]
            own = [keras.ops.convert_to_numpy(v) for v in variables(model)]
            arrays = [*own, *first, *looked]
            checkpoint.save(State(epochs=epochs, peak_memory=peak_memory(), arrays=arrays))

    for epoch in range(len(epochs), config.epochs):
        started = time.perf_counter()
        training.order = epoch_order(config.seed, epoch, kept)
        below, lowest = 0, 1.0
        for number in range(training.num_batches):
            logs = model.train_on_batch(*training[number], return_dict=True)  # of this batch alone
            below += int(logs["below_clip"])
            lowest = min(lowest, float(logs["lowest"]))
            done = epoch * training.num_batches + number + 1
            if done == 1:
                first = [np.array(float(logs["loss"])), first_gradient(model)]
            if done in steps:
                weights.append(weight_vector(model))
                predictions.append(predicted())
        seconds = round(time.perf_counter() - started, 3)
        epochs.append({"below_clip": below, "lowest": lowest, "seconds": seconds})
        save()
        if on_epoch is not None:
            on_epoch(epoch + 1, seconds)
    loss, gradient = first
    return Trace(
        steps=steps,
        weights=weights,
        predictions=predictions,
        first_loss=float(loss),
        first_gradient=gradient,
        images=kept,
        counts=Counts(
            below_clip=tuple(epoch["below_clip"] for epoch in epochs),
            lowest=tuple(epoch["lowest"] for epoch in epochs),
        ),
    )


def looks(total: int) -> tuple[int, ...]:
    """Return after which of `total` steps to look: 0, then evenly on a logarithmic axis.

    Examples
    --------
    >>> looks(40)
    (0, 1, 2, 3, 4, 5, 7, 10, 13, 17, 23, 30, 40)
    """
    count = 1 + math.ceil(LOOKS * math.log10(total)) if total > 1 else 1
    return (0, *np.unique(np.geomspace(1, total, count).round().astype(int)).tolist())
