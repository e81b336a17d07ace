"""One run: a network learns labels, then half of the test images, and is measured twice."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..machinery.backend import import_keras, restore, tensorboard, use_threads, variables
from ..machinery.checkpoint import Checkpoint, State
from ..machinery.definition import TrainingError
from ..machinery.experiment import Progress
from .config import DISTURBANCE, SoftLabels
from .data import CLASSES
from .measures import (
    MEASURES,
    agreement,
    best_temperature,
    by_class,
    by_uncertainty,
    entropies,
    log_softmax,
    measured,
)
from .network import build_network
from .targets import epoch_order, halves, targets_for

# How many images the network is asked about at a time.
AT_ONCE = 500

# What the last run of this process had after its first part, and which run that was. Runs of one
# seed share it, and a sweep does them one after another.
_trained: dict[Any, State] = {}


def run(
    config: SoftLabels, data: Any, progress: Progress, checkpoint: Checkpoint
) -> dict[str, Any]:
    """Train, fine-tune and measure: see `SoftLabels`.

    Raises
    ------
    TrainingError
        If the loss is no longer finite.
    """
    use_threads(config.threads)
    state = checkpoint.load() or _trained.get(_first_part(config)) or State(epochs=[], arrays=[])

    def report(number: int, epoch: dict[str, Any]) -> None:
        progress(number, **{name: value for name, value in epoch.items() if name != "before"})

    def keep(state: State) -> None:
        checkpoint.save(state)
        report(len(state.epochs), state.epochs[-1])

    for number, epoch in enumerate(state.epochs, 1):
        report(number, epoch)
    people = data["counts"] / data["counts"].sum(axis=1, keepdims=True)
    if len(state.epochs) < config.epochs:
        state = _train(config, data, people, state, keep)
    if len(state.epochs) == config.epochs:
        _trained.clear()
        _trained[_first_part(config)] = state
    state, after = _tune(config, data, people, state, keep)
    return state.epochs[config.epochs - 1]["before"] | after | _history(config, state)


def _first_part(config: SoftLabels) -> Any:
    """What the first part of a run depends on."""
    names = "seed", "data_sha256", "epochs", "learning_rate", "batch_size", "threads"
    return tuple(getattr(config, name) for name in names)


def _train(
    config: SoftLabels, data: Any, people: Any, state: State, keep: Callable[[State], None]
) -> State:
    labels = np.eye(CLASSES, dtype=np.float32)[data["y_train"]]
    model = _compiled(config.learning_rate, config.epochs * _steps(config, labels))
    if state.epochs:
        restore(model, state.arrays)
    else:
        _begin(model, _arrays(build_network(config.seed).variables))
    for number in range(len(state.epochs), config.epochs):
        epoch: dict[str, Any] = {"loss": _epoch(config, model, data["x_train"], labels, number)}
        if number + 1 == config.epochs:
            epoch["before"] = _before(config, model, data, people)
        state = _after(model, [*state.epochs, epoch])
        keep(state)
    return state


def _before(config: SoftLabels, model: Any, data: Any, people: Any) -> dict[str, Any]:
    """Measure the network that has seen the training images alone."""
    logits, labels = _logits(model, data["x_test"]), data["y_test"]
    tuned, held = halves(config.seed, len(people))
    temperature = best_temperature(people[tuned], logits[tuned])
    all_q, held_q = log_softmax(logits), log_softmax(logits[held])
    found: dict[str, Any] = {
        "people_entropy": float(entropies(people).mean()),
        "temperature": temperature,
    }
    for name, value in by_class(people, labels, all_q).items():
        found[f"all_{name}_by_class"] = value
    return (
        found
        | _named("all", people, labels, all_q)
        | _named("before", people[held], labels[held], held_q)
        | _named("tempered", people[held], labels[held], log_softmax(logits[held], temperature))
    )


def _tune(
    config: SoftLabels, data: Any, people: Any, state: State, keep: Callable[[State], None]
) -> tuple[State, dict[str, Any]]:
    """Fine-tune on one half of the test images, and measure on the other after each epoch."""
    tuned, held = halves(config.seed, len(people))
    images, p, labels = data["x_test"][held], people[held], data["y_test"][held]
    targets = targets_for(config.targets, data["y_test"][tuned], people[tuned]).astype(np.float32)
    model = _compiled(config.tuning_rate, config.tuning_epochs * _steps(config, targets))
    if len(state.epochs) > config.epochs:
        restore(model, state.arrays)
    else:
        _begin(model, state.arrays[: len(model.variables)])
        _disturb(config, model)
    for number in range(len(state.epochs), config.steps):
        loss = _epoch(config, model, data["x_test"][tuned], targets, number)
        found = measured(p, labels, log_softmax(_logits(model, images)))
        state = _after(model, [*state.epochs, {"loss": loss, **found}])
        keep(state)
    return state, _named("heldout", p, labels, log_softmax(_logits(model, images)))


def _named(when: str, p: Any, labels: Any, log_q: Any) -> dict[str, Any]:
    """All that is measured of one network on some images, under names."""
    groups = by_uncertainty(p, labels, log_q)
    return (
        {f"{when}_{name}": value for name, value in measured(p, labels, log_q).items()}
        | {f"{when}_{name}_by_uncertainty": value for name, value in groups.items()}
        | {f"{when}_agreement": agreement(p, log_q)}
    )


def _history(config: SoftLabels, state: State) -> dict[str, list[float]]:
    first, second = state.epochs[: config.epochs], state.epochs[config.epochs :]
    return {
        "training_loss": [epoch["loss"] for epoch in first],
        "tuning_loss": [epoch["loss"] for epoch in second],
        **{f"tuning_{name}": [epoch[name] for epoch in second] for name in MEASURES},
    }


@functools.lru_cache(maxsize=2)
def _compiled(rate: float, steps: int) -> Any:
    """A network that is ready for training: TensorFlow takes two seconds to compile one.

    It is used again for each run of a process, and `_begin` makes it new.
    """
    from ...losses.keras import KLFromLogits

    keras = import_keras()
    model = build_network(seed=0)
    falling = keras.optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0.0)
    # In TensorFlow, XLA makes convolutions slower on a CPU.
    model.compile(optimizer=keras.optimizers.Adam(falling), loss=KLFromLogits(), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def _begin(model: Any, arrays: Any) -> None:
    """Give a network its first weights, and an optimiser that has seen nothing."""
    for variable, array in zip(model.variables, arrays, strict=True):
        variable.assign(array)
    for variable in model.optimizer.variables:
        variable.assign(np.zeros(variable.shape, variable.dtype))


def _disturb(config: SoftLabels, model: Any) -> None:
    if config.targets == "null":
        random = np.random.default_rng([2, config.seed])
        for weight in model.trainable_variables:
            if weight.name == "kernel":
                noise = DISTURBANCE * random.standard_normal(weight.shape)
                weight.assign(weight + noise.astype("float32"))


def _steps(config: SoftLabels, targets: Any) -> int:
    return math.ceil(len(targets) / config.batch_size)


def _epoch(config: SoftLabels, model: Any, images: Any, targets: Any, number: int) -> float:
    order = epoch_order(config.seed, number, len(images))
    logs = model.fit(
        images[order], targets[order], batch_size=config.batch_size,
        epochs=number + 1, initial_epoch=number, callbacks=tensorboard(config.id),
        shuffle=False, verbose=0,
    ).history  # fmt: skip
    loss = float(logs["loss"][0])
    if not math.isfinite(loss):
        raise TrainingError(
            f"the loss is {loss} in epoch {number + 1}: nothing after that means anything"
        )
    return loss


def _after(model: Any, epochs: list[dict[str, Any]]) -> State:
    return State(epochs=epochs, arrays=_arrays(variables(model)))


def _arrays(values: Any) -> list[Any]:
    return [import_keras().ops.convert_to_numpy(each) for each in values]


def _logits(model: Any, images: Any) -> Any:
    return model.predict(images, batch_size=AT_ONCE, verbose=0)
