"""One training: a config and its data in, the history of its epochs and the test result out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from ..machinery.backend import import_keras, restore, tensorboard, use_threads, variables
from ..machinery.checkpoint import Checkpoint, State
from ..machinery.choices import ConfigError
from ..machinery.definition import TrainingError
from ..machinery.environment import peak_memory, reset_peak_memory
from .batches import stream
from .config import RECIPE, Config
from .data import Data
from .initial import epoch_order, forget_networks, initial_model
from .wording import HISTORY, MEASURES


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
            callbacks=[
                keras.callbacks.LambdaCallback(on_epoch_begin=shuffle, on_epoch_end=keep),
                *tensorboard(config.id),
            ],
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
        model=model,
    )


def predictions(config: Config, data: Data, model: Any) -> Any:
    """Return what a model gives for the test images: probabilities, or logits if it ends so."""
    testing, _ = stream(data.x_test, data.y_test, config.batch_size)
    return model.predict(testing, verbose=0)


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
    `model` is the trained ``keras.Model``, until the next training begins.
    """

    epochs: tuple[Epoch, ...]
    test_loss: float
    test_accuracy: float
    parameters: int
    seconds: float
    peak_memory: int
    model: Any = field(default=None, repr=False, compare=False)

    def history(self) -> dict[str, list[float]]:
        """Return one list a measure, in the order of the epochs."""
        rows = [asdict(epoch) for epoch in self.epochs]
        return {name: [row[name] for row in rows] for name in HISTORY}

    def as_dict(self) -> dict[str, Any]:
        """Return history and numbers, as a record keeps them."""
        return {"history": self.history()} | {name: getattr(self, name) for name in MEASURES}


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


def _check_finite(where: str, *losses: float) -> None:
    for loss in losses:
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss} in {where}: nothing after that means anything")
