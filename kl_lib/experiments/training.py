"""One training: a config and its data in, the history of its epochs and the test result out."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from .backend import import_keras, use_threads
from .batches import stream
from .checkpoint import Checkpoint, CheckpointError, State
from .config import RECIPE, Config, ConfigError
from .data import CLASSES, Data
from .environment import peak_memory, reset_peak_memory
from .models import convnet

if TYPE_CHECKING:
    import keras


def train(
    config: Config,
    data: Data,
    *,
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Result:
    """Train the ConvNet as `config` says, and test it.

    ``keras.Model.fit`` with Adam as Keras sets it, images scaled to [0, 1], one-hot labels, the
    last part of the training images held out. All that is random follows from the seed of the
    config, and nothing from global seeds. The same config on the same machine gives the same
    result, to the last bit, also if the run was stopped in between and went on from a checkpoint.

    It sets the threads of the backend, for the whole process.

    Parameters
    ----------
    config : Config
        What to do.
    data : Data
        The arrays that ``config.data_sha256`` was taken of.
    on_epoch : callable, optional
        Called with an :class:`Epoch` when one is done, and at the start with those of a checkpoint.
    checkpoint : Checkpoint, optional
        Where to go on from, if there is something, and where to save each epoch.

    Returns
    -------
    Result
        Losses in nats, accuracies from 0 to 1, times in seconds, memory in bytes.

    Raises
    ------
    ConfigError
        If `data` are not the data of `config`, or too few to hold some out.
    TrainingError
        If the loss is no longer finite.
    BackendError
        If this process already runs another backend or other threads.
    CheckpointError
        If the checkpoint can't be used.
    OSError
        If the checkpoint can't be written.
    ModuleNotFoundError
        If Keras or its backend is not installed.

    Notes
    -----
    To the last bit means on a CPU. On a GPU some operations add up in an order of their own.

    Runs with the same seed are paired: they start from the same weights, see the same images in the
    same order, and drop the same units out, whatever their loss. So does the null arm, except for
    the disturbance of its kernels. In another precision the same seed drops other units.

    The losses of the training images are means over an epoch in which the weights move and dropout
    is on. Those of the held-out and test images are taken at the end, without dropout.

    A run on the digits takes a few seconds::

        from kl_lib.experiments import Config, load_data, train

        digits = load_data("digits")
        config = Config(dataset="digits", data_sha256=digits.sha256, loss="kl", seed=0)
        train(config, digits, on_epoch=print).test_accuracy
    """
    kept = images_to_train_on(config, data)
    keras = import_keras(config.backend)
    use_threads(config.threads, config.backend)
    forget_networks()
    reset_peak_memory()
    started = time.perf_counter()
    model = initial_model(config, data.x_train.shape[1:])

    before = checkpoint.load() if checkpoint is not None else None
    if before is not None:
        restore(model, before.arrays)
    epochs = [Epoch(**values) for values in before.epochs] if before is not None else []
    seconds_before = sum(epoch.seconds for epoch in epochs)
    if on_epoch is not None:
        for epoch in epochs:
            on_epoch(epoch)

    def most_memory() -> int:
        return max(peak_memory(), before.peak_memory if before is not None else 0)

    clock = started

    def keep(number: int, logs: dict[str, float]) -> None:
        nonlocal clock
        now = time.perf_counter()
        epoch = Epoch(
            number=number + 1,
            loss=float(logs["loss"]),
            accuracy=float(logs["accuracy"]),
            val_loss=float(logs["val_loss"]),
            val_accuracy=float(logs["val_accuracy"]),
            seconds=round(now - clock, 3),
        )
        clock = now
        _check_finite(f"epoch {epoch.number}", epoch.loss, epoch.val_loss)
        epochs.append(epoch)
        if checkpoint is not None:
            checkpoint.save(
                State(
                    epochs=[asdict(epoch) for epoch in epochs],
                    peak_memory=most_memory(),
                    arrays=[keras.ops.convert_to_numpy(v) for v in variables(model)],
                )
            )
        if on_epoch is not None:
            on_epoch(epoch)

    size = config.batch_size
    training, order_batches = stream(data.x_train[:kept], data.y_train[:kept], size)
    held_out, _ = stream(data.x_train[kept:], data.y_train[kept:], size)
    testing, _ = stream(data.x_test, data.y_test, size)

    def shuffle(number: int, logs: object = None) -> None:
        order_batches(epoch_order(config.seed, number, kept))

    if len(epochs) < config.epochs:
        model.fit(
            training,
            epochs=config.epochs,
            initial_epoch=len(epochs),
            validation_data=held_out,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=shuffle, on_epoch_end=keep)],
            shuffle=False,  # `shuffle` above does it
            verbose=0,
        )
    test_loss, test_accuracy = model.evaluate(testing, verbose=0)
    _check_finite("the test", test_loss)
    return Result(
        epochs=tuple(epochs),
        test_loss=float(test_loss),
        test_accuracy=float(test_accuracy),
        parameters=model.count_params(),
        seconds=round(seconds_before + time.perf_counter() - started, 3),
        peak_memory=most_memory(),
    )


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What one epoch left: losses in nats, accuracies from 0 to 1, seconds with validation."""

    number: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a training left: losses in nats, accuracies from 0 to 1, seconds, bytes of memory.

    `seconds` are those of the whole run with its test, also of the part before a checkpoint.
    """

    epochs: tuple[Epoch, ...]
    test_loss: float
    test_accuracy: float
    parameters: int
    seconds: float
    peak_memory: int

    def history(self) -> dict[str, list[float]]:
        """Return one list a measure, in the order of the epochs."""
        rows = [asdict(epoch) for epoch in self.epochs]
        return {name: [row[name] for row in rows] for name in HISTORY}


class TrainingError(RuntimeError):
    """A training that can't give a result."""


HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds")


def epoch_order(seed: int, epoch: int, images: int) -> np.ndarray:
    """Return the order in which an epoch (from 0) of a run with this seed takes its images.

    Examples
    --------
    >>> epoch_order(0, 3, 5).tolist() == epoch_order(0, 3, 5).tolist()
    True
    >>> sorted(epoch_order(0, 4, 5).tolist())
    [0, 1, 2, 3, 4]
    """
    return _random("order", seed, epoch).permutation(images)


def _random(purpose: str, *numbers: int) -> np.random.Generator:
    """Random numbers for one purpose, independent of those for the others."""
    return np.random.default_rng([("order", "disturbance").index(purpose), *numbers])


def forget_networks() -> None:
    """Let go of the networks of former runs in this process, and of the images they hold.

    They refer to themselves, so Python frees them only when it looks for such things, which it does
    by counting objects and not bytes: a sweep of CIFAR-10 grew by 150 MB a run.
    """
    gc.collect()


def images_to_train_on(config: Config, data: Data) -> int:
    """Check that `data` are those of `config`, and return how many images are not held out.

    Raises
    ------
    ConfigError
        If they are others, too few to hold some out, or if this code trains another recipe.
    """
    if (config.dataset, config.data_sha256) != (data.name, data.sha256):
        raise ConfigError(
            f"config is for {config.dataset} with checksum {config.data_sha256[:16]}, but the data "
            f"are {data.name} with {data.sha256[:16]}: make the config from these data"
        )
    if config.recipe != RECIPE:
        raise ConfigError(
            f"recipe is {config.recipe}, but this version of kl_lib can only train recipe {RECIPE}:"
            " leave the recipe out of the config"
        )
    images = len(data.x_train)
    kept = math.floor(images * (1 - config.validation_split))  # as keras.Model.fit has it
    if not 0 < kept < images:
        raise ConfigError(
            f"validation_split is {config.validation_split}, which leaves {kept} of {images} "
            f"images to train on and {images - kept} to validate: both need at least one"
        )
    return kept


def initial_model(config: Config, input_shape: tuple[int, ...]) -> keras.Model:
    """Return the network of a run before its first step: compiled, with its initial weights."""
    keras = import_keras(config.backend)
    logits = config.loss.endswith("_logits")
    model = convnet(
        input_shape, CLASSES, precision=config.precision, logits=logits, seed=config.seed
    )
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=loss_function(config.loss),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        # In TensorFlow, XLA makes this network ten times slower on a CPU. JAX is nothing without.
        jit_compile=config.backend == "jax",
    )
    model.optimizer.build(model.trainable_variables)
    _disturb(model, config)
    return model


def loss_function(name: str) -> keras.losses.Loss:
    """Return the loss that a `Config` calls by this name."""
    keras = import_keras()
    if name == "kl_logits":
        from ..losses.keras import KLFromLogits

        return KLFromLogits()
    if name == "kl":
        return keras.losses.KLDivergence()
    return keras.losses.CategoricalCrossentropy(from_logits=name == "ce_logits")


def _disturb(model: keras.Model, config: Config) -> None:
    """Add the noise of the null arm to the kernels, and to nothing that starts at zero.

    Where a patch of an image is black and the bias is zero, the input of a ReLU is exactly zero,
    and there its gradient jumps. Noise on the bias would decide for all these patches at once
    whether they have a gradient. On the digits that changes the first gradient by 3 to 6 %, against
    0.0003 % from noise of 1e-7 on the kernels alone: no longer a small disturbance.
    """
    if config.disturbance:
        random = _random("disturbance", config.seed)
        for weight in model.trainable_variables:
            if weight.name == "kernel":
                noise = config.disturbance * random.standard_normal(weight.shape)
                weight.assign(weight + noise.astype("float32"))


def variables(model: keras.Model) -> list[keras.Variable]:
    """All that a run carries from one epoch to the next: weights, seed generators, optimiser."""
    return [*model.variables, *model.optimizer.variables]


def restore(model: keras.Model, arrays: Sequence[np.ndarray]) -> None:
    """Set the `variables` of a model.

    Raises
    ------
    CheckpointError
        If the arrays are of another network.
    """
    own = variables(model)
    expected = [(tuple(v.shape), str(v.dtype)) for v in own]
    if expected != [(array.shape, str(array.dtype)) for array in arrays]:
        raise CheckpointError("its arrays are those of another network")
    for variable, array in zip(own, arrays, strict=True):
        variable.assign(array)


def _check_finite(where: str, *losses: float) -> None:
    for loss in losses:
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss} in {where}: nothing after that means anything")
