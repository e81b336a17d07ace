"""How runs of one seed part: at the first step, from step to step, and where a gradient is dead.

A traced run takes the same steps as `train`, with the same numbers, and is looked at on the way.
All runs of one study share a seed and differ in one thing from the reference, cross-entropy: in the
loss, or in a disturbance of the initial kernels by 1e-7 (the null arm). One more has another seed.
It shows how far two runs are apart that have nothing in common but data and network.
"""

from __future__ import annotations

import io
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .backend import import_keras, use_threads
from .batches import batches
from .checkpoint import Checkpoint, State
from .config import LOSSES, NULL_DISTURBANCE, Config, ConfigError, config_from_dict
from .data import Data
from .environment import describe_environment, peak_memory
from .sealed import RecordError, read_sealed, write_sealed
from .training import (
    epoch_order,
    forget_networks,
    images_to_train_on,
    initial_model,
    loss_function,
    restore,
    variables,
)

if TYPE_CHECKING:
    import keras
    from rich.console import Console, ConsoleOptions, RenderResult

SCHEMA = 1

#: Keras clips probabilities below this, and a clip has no gradient there.
CLIP = 1e-7
#: Held-out images whose predictions are compared: the first ones.
PROBE = 1000
#: Looks for each factor of ten in the number of steps.
LOOKS = 8

#: Logits of one sample whose true class is the first: sure of another one, and 200 nats wrong.
WRONG = (0.0, 1.0, 200.0, -200.0)

#: What is compared with the reference, if nothing else is asked for.
ARMS = ("null", "kl", "kl_logits", "other seed")

Array = NDArray[np.float64]


def study_drift(
    config: Config,
    data: Data,
    *,
    arms: Sequence[str] = ARMS,
    on_epoch: Callable[[str, int, float], None] | None = None,
    checkpoints: Mapping[str, Checkpoint] | None = None,
) -> Drift:
    """Trace one run for each arm, and measure how far it is from the reference at each look.

    Parameters
    ----------
    config : Config
        The reference: any loss, no disturbance.
    data : Data
        The arrays that ``config.data_sha256`` was taken of.
    arms : sequence of str
        ``"null"``, the reference with initial kernels disturbed by 1e-7; ``"other seed"``, the
        reference with the next seed; or the name of another loss.
    on_epoch : callable, optional
        Called with the name of an arm, the number of an epoch, from 1, and its seconds, when one is
        done, and at the start with those of a checkpoint.
    checkpoints : mapping, optional
        Where to go on from and where to save each epoch, by the ids of the configs that
        `arm_configs` gives. :func:`~kl_lib.experiments.run_drift` sees to that.

    Returns
    -------
    Drift

    Raises
    ------
    ConfigError
        If the config is disturbed, or there is no such arm; and as `train`.

    Examples
    --------
    Five short runs::

        from kl_lib.experiments import Config, load_data, study_drift

        digits = load_data("digits")
        config = Config(dataset="digits", data_sha256=digits.sha256, loss="ce", seed=0, epochs=5)
        print(study_drift(config, digits))
    """
    configs = arm_configs(config, arms)
    environment = describe_environment(config)
    kept = checkpoints or {}

    def traced(name: str) -> Trace:
        heard = None if on_epoch is None else partial(on_epoch, name)
        return trace(configs[name], data, on_epoch=heard, checkpoint=kept.get(configs[name].id))

    reference = traced(config.loss)
    found: dict[str, Apart] = {}
    counts = {config.loss: reference.counts}
    for name in arms:
        arm = traced(name)
        found[name] = apart(arm, reference)
        counts[name] = arm.counts
    return Drift(
        config=config,
        data={
            "description": data.description,
            "sha256": data.sha256,
            "training_images": reference.images,
            "probe_images": len(reference.predictions[0]),
        },
        environment=environment,
        steps=reference.steps,
        travelled=tuple(_norm(w - reference.weights[0]) for w in reference.weights),
        first_loss=reference.first_loss,
        first_gradient=_norm(reference.first_gradient),
        arms=found,
        counts=counts,
        wrong={loss: sure_and_wrong(loss, config.backend) for loss in LOSSES},
    )


@dataclass(frozen=True, kw_only=True)
class Apart:
    """How far a run is from the reference: one value a look, and at the first step.

    Attributes
    ----------
    weights : tuple of float
        Euclidean distance of the two vectors of all weights.
    predictions : tuple of float
        Total variation distance of the two predicted distributions, from 0 to 1: by how much the
        probability of any event can differ. Mean over the probe images.
    labels : tuple of float
        Share of the probe images for which the two predict different classes.
    first_loss : float
        Difference of the losses of the first batch, before any update, in nats.
    first_gradient_largest : float
        Largest difference between entries of the two first gradients.
    first_gradient : float
        Euclidean distance of the two first gradients, divided by the length of the reference's.
    """

    weights: tuple[float, ...]
    predictions: tuple[float, ...]
    labels: tuple[float, ...]
    first_loss: float
    first_gradient_largest: float
    first_gradient: float


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


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What a loss makes of one sample that the network is sure and wrong about by 200 nats.

    Attributes
    ----------
    loss : float
        In nats: 200, or 16.1 where probabilities are clipped at 1e-7.
    gradient : float
        Largest entry of the gradient with respect to the logits: 1, or 0 where it is dead.
    """

    loss: float
    gradient: float


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What `study_drift` found. Print it for tables.

    Attributes
    ----------
    config : Config
        The reference.
    data : dict
        The images it was measured on.
    environment : dict
        The machine and the versions it was measured with.
    steps : tuple of int
        After how many updates the runs were looked at, from 0.
    travelled : tuple of float
        How far the reference is from its own initial weights, at each look.
    first_loss : float
        Loss of the first batch in nats, of the reference.
    first_gradient : float
        Length of its gradient.
    arms : dict
        How far each arm is from the reference, an Apart under its name.
    counts : dict
        Counts of each arm, and of the reference under the name of its loss.
    wrong : dict
        What each loss does on this backend where the network is sure and wrong.
    """

    config: Config
    data: dict[str, Any]
    environment: dict[str, Any]
    steps: tuple[int, ...]
    travelled: tuple[float, ...]
    first_loss: float
    first_gradient: float
    arms: dict[str, Apart]
    counts: dict[str, Counts]
    wrong: dict[str, Wrong]

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=100, color_system=None, legacy_windows=False)
        console.print(self)
        return console.file.getvalue().rstrip()  # type: ignore[attr-defined]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.table import Table

        config, reference = self.config, self.config.loss
        yield (
            f"{self.data['description']}; {config.epochs} epochs of {self.data['training_images']} "
            f"images, seed {config.seed}, {config.backend}, {config.precision}"
        )
        yield f"First batch with {reference}: loss {self.first_loss:.6f} nats"
        table = Table(f"first batch, against {reference}", *self.arms)
        for label, name in (
            ("loss, difference in nats", "first_loss"),
            ("gradient, largest difference", "first_gradient_largest"),
            ("gradient, relative distance", "first_gradient"),
        ):
            table.add_row(label, *(f"{getattr(arm, name):.1e}" for arm in self.arms.values()))
        yield table
        # The looks nearest to whole powers of ten, and the last one.
        powers = 10 ** np.arange(math.log10(self.steps[-1]) + 1)
        shown = {int(np.argmin(np.abs(np.array(self.steps) - power))) for power in powers}
        for measure, title in (
            ("weights", "distance of the weights"),
            ("predictions", "distance of the predictions"),
            ("labels", "other label predicted"),
        ):
            table = Table(f"{title}, against {reference}", *self.arms)
            for i in sorted({0, *shown, len(self.steps) - 1}):
                values = (getattr(arm, measure)[i] for arm in self.arms.values())
                form = "{:.1%}" if measure == "labels" else "{:.1e}"
                table.add_row(f"step {self.steps[i]}", *(form.format(value) for value in values))
            yield table
        table = Table("in training", *self.counts)
        counts = self.counts.values()
        table.add_row("true class below 1e-7", *(str(sum(c.below_clip)) for c in counts))
        table.add_row("lowest probability of it", *(f"{min(c.lowest):.1e}" for c in counts))
        yield table
        table = Table(f"wrong by 200 nats, {config.backend}", *self.wrong)
        table.add_row("loss in nats", *(f"{wrong.loss:.1f}" for wrong in self.wrong.values()))
        table.add_row("gradient", *(f"{wrong.gradient:.0f}" for wrong in self.wrong.values()))
        yield table


# The record


def drift_path(store: str | os.PathLike[str], config: Config) -> Path:
    """Return where the record of a study with this reference lies, or would lie."""
    return Path(store) / "drift" / config.dataset / f"{config.id}.json"


def write_drift(store: str | os.PathLike[str], drift: Drift) -> Path:
    """Write the record of a study, whole or not at all, and return where it lies.

    Raises
    ------
    OSError
        If the disk is full or the folder can't be written.
    """
    content = {"schema": SCHEMA} | asdict(drift) | {"config": drift.config.as_dict()}
    path = drift_path(store, drift.config)
    write_sealed(path, content)
    return path


def read_drift(path: str | os.PathLike[str]) -> Drift:
    """Read the record of a study and check it.

    Raises
    ------
    RecordError
        If it is missing, cut short, edited, of another schema or under another name.
    """
    return read_sealed(path, (SCHEMA,), _from_content)


def read_drifts(store: str | os.PathLike[str], dataset: str) -> list[Drift]:
    """Read the records of all studies of a data set, by seed.

    Raises
    ------
    RecordError
        If one of them is damaged.
    """
    drifts = [read_drift(path) for path in (Path(store) / "drift" / dataset).glob("*.json")]
    return sorted(drifts, key=lambda drift: (drift.config.seed, drift.config.id))


def _from_content(content: dict[str, Any]) -> Drift:
    del content["schema"]
    try:
        content["config"] = config_from_dict(content["config"])
        for name, kind in (("arms", Apart), ("counts", Counts), ("wrong", Wrong)):
            content[name] = {arm: kind(**_tuples(each)) for arm, each in content[name].items()}
        return Drift(**_tuples(content))
    except (TypeError, KeyError, AttributeError) as error:
        raise RecordError(f"it is not the record of a study ({error})") from error


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


# Tracing


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
    logits = config.loss.endswith("_logits")
    # The same optimiser and loss again, only that the metric is another.
    model.compile(
        optimizer=model.optimizer,
        loss=model.loss,
        metrics=[_true_class(logits)],
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

    weights, predictions = [_weights(model)], [predicted()]
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
                first = [np.array(float(logs["loss"])), _first_gradient(model)]
            if done in steps:
                weights.append(_weights(model))
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


def apart(one: Trace, other: Trace) -> Apart:
    """Measure how far one run is from another at each look, and at the first step.

    Raises
    ------
    ValueError
        If they were not looked at after the same steps.
    """
    if one.steps != other.steps:
        raise ValueError(
            f"the runs were looked at after {len(one.steps)} and {len(other.steps)} different "
            "steps: trace both with the same epochs, batch size and data"
        )
    predictions = list(zip(one.predictions, other.predictions, strict=True))
    difference = one.first_gradient - other.first_gradient
    return Apart(
        weights=tuple(_norm(v - w) for v, w in zip(one.weights, other.weights, strict=True)),
        predictions=tuple(float(np.abs(p - q).sum(axis=1).mean() / 2) for p, q in predictions),
        labels=tuple(float((p.argmax(1) != q.argmax(1)).mean()) for p, q in predictions),
        first_loss=one.first_loss - other.first_loss,
        first_gradient_largest=float(np.abs(difference).max()),
        first_gradient=_norm(difference) / _norm(other.first_gradient),
    )


def sure_and_wrong(loss: str, backend: str = "tensorflow") -> Wrong:
    """Measure what a loss makes of a sample that the network is sure and wrong about.

    On paper all losses here are the same function. KL clips the probabilities that the softmax has
    made. What cross-entropy does depends on the backend: on TensorFlow, Keras finds the logits
    behind a softmax layer and uses them; elsewhere it clips.

    Parameters
    ----------
    loss : str
        One of the losses of a `Config`.
    backend : str
        The Keras backend.

    Examples
    --------
    >>> found = {loss: sure_and_wrong(loss) for loss in ("kl", "ce", "kl_logits")}
    >>> for loss, wrong in found.items():
    ...     print(f"{loss}: {wrong.loss:.1f} nats, gradient {wrong.gradient:.0f}")
    kl: 16.1 nats, gradient 0
    ce: 200.0 nats, gradient 1
    kl_logits: 200.0 nats, gradient 1
    """
    keras = import_keras(backend)
    last = keras.layers.Dense(
        len(WRONG),
        activation=None if loss.endswith("_logits") else "softmax",
        kernel_initializer="zeros",
        bias_initializer=lambda shape, dtype: keras.ops.convert_to_tensor(WRONG, dtype),
    )
    model = keras.Sequential([keras.Input((1,)), last])
    model.compile(optimizer=keras.optimizers.Adam(), loss=loss_function(loss))
    p = np.eye(len(WRONG), dtype=np.float32)[:1]
    value = model.train_on_batch(np.zeros((1, 1), np.float32), p)
    return Wrong(loss=float(value), gradient=float(np.abs(_first_gradient(model)).max()))


def arm_configs(reference: Config, arms: Sequence[str] = ARMS) -> dict[str, Config]:
    """Return the configs of a study: the reference under the name of its loss, then each arm.

    Raises
    ------
    ConfigError
        If the reference is disturbed, or there is no such arm.
    """
    if reference.disturbance:
        raise ConfigError(
            f"disturbance is {reference.disturbance:g}, expected 0: this is to be the reference"
        )
    return {reference.loss: reference} | {name: _arm_config(reference, name) for name in arms}


def _arm_config(reference: Config, name: str) -> Config:
    if name == "null":
        return replace(reference, disturbance=NULL_DISTURBANCE)
    if name == "other seed":
        return replace(reference, seed=reference.seed + 1)
    if name == reference.loss or name not in LOSSES:
        others = [loss for loss in LOSSES if loss != reference.loss]
        raise ConfigError(
            f"arm is {name!r}, expected one of: null, other seed, {', '.join(others)}"
        )
    return replace(reference, loss=name)


def _true_class(logits: bool) -> keras.metrics.Metric:
    """A metric that watches the probability of the true class, as the loss is given it."""
    keras = import_keras()
    ops = keras.ops

    class TrueClass(keras.metrics.Metric):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__(name="true_class")
            self.below = self.add_variable((), "zeros", name="below")
            self.lowest = self.add_variable((), "ones", name="lowest")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            q = ops.sum(y_true * (ops.softmax(y_pred) if logits else y_pred), axis=-1)
            self.below.assign_add(ops.sum(ops.cast(q < CLIP, self.below.dtype)))
            self.lowest.assign(ops.minimum(self.lowest, ops.min(q)))

        def result(self) -> dict[str, Any]:
            named = {"below_clip": self.below, "lowest": self.lowest}
            return {name: ops.convert_to_tensor(value) for name, value in named.items()}

        def reset_state(self) -> None:
            self.below.assign(0.0)
            self.lowest.assign(1.0)

    return TrueClass()


def _first_gradient(model: keras.Model) -> Array:
    """The gradient of the first step, which Adam keeps: its first moment is 1 − β₁ times that."""
    optimizer = model.optimizer
    moments = [v for v in optimizer.variables if v.name.endswith("_momentum")]
    return _vector(moments) / (1 - optimizer.beta_1)


def _weights(model: keras.Model) -> Array:
    return _vector(model.trainable_variables)


def _vector(variables: Sequence[Any]) -> Array:
    ops = import_keras().ops
    return np.concatenate([ops.convert_to_numpy(v).astype(np.float64).ravel() for v in variables])


def _norm(vector: Array) -> float:
    return float(np.linalg.norm(vector))
