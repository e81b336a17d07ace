"""One training: a config and its data in, the history of its epochs and the test result out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from .backend import import_keras, use_threads
from .config import RECIPE, Config, ConfigError
from .data import CLASSES, Data
from .models import convnet

if TYPE_CHECKING:
    import keras


def train(config: Config, data: Data, *, on_epoch: Callable[[Epoch], None] | None = None) -> Result:
    """Train the ConvNet as `config` says, and test it.

    Plain ``keras.Model.fit``: Adam as Keras sets it, images scaled to [0, 1], one-hot labels, the
    last part of the training images held out. The same config on the same machine gives the same
    result.

    It sets the seeds of Python, NumPy and Keras, and the threads of TensorFlow, for the whole
    process.

    Parameters
    ----------
    config : Config
        What to do.
    data : Data
        The arrays that ``config.data_sha256`` was taken of.
    on_epoch : callable, optional
        Called with an :class:`Epoch` when one is done.

    Returns
    -------
    Result
        Losses in nats, accuracies from 0 to 1, times in seconds.

    Raises
    ------
    ConfigError
        If `data` are not the data of `config`, or too few to hold some out.
    TrainingError
        If the loss is no longer finite.
    BackendError
        If this process already runs another backend or other threads.
    ModuleNotFoundError
        If Keras or TensorFlow is not installed.

    Notes
    -----
    The losses of the training images are means over an epoch in which the weights move and dropout
    is on. Those of the held-out and test images are taken at the end, without dropout.

    A run on the digits takes a few seconds::

        from kl_lib.experiments import Config, load_data, train

        digits = load_data("digits")
        config = Config(dataset="digits", data_sha256=digits.sha256, loss="kl", seed=0)
        train(config, digits, on_epoch=print).test_accuracy
    """
    _check_fits(config, data)
    keras = import_keras(config.backend)
    use_threads(config.threads)
    keras.utils.set_random_seed(config.seed)
    model = _compiled(config, data.x_train.shape[1:])

    epochs: list[Epoch] = []
    started = time.perf_counter()
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
        if on_epoch is not None:
            on_epoch(epoch)

    model.fit(
        _scaled(data.x_train),
        _one_hot(data.y_train),
        batch_size=config.batch_size,
        epochs=config.epochs,
        validation_split=config.validation_split,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=keep)],
        verbose=0,
    )
    test_loss, test_accuracy = model.evaluate(
        _scaled(data.x_test), _one_hot(data.y_test), batch_size=config.batch_size, verbose=0
    )
    _check_finite("the test", test_loss)
    return Result(
        epochs=tuple(epochs),
        test_loss=float(test_loss),
        test_accuracy=float(test_accuracy),
        parameters=model.count_params(),
        seconds=round(time.perf_counter() - started, 3),
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
    """What a training left."""

    epochs: tuple[Epoch, ...]
    test_loss: float
    test_accuracy: float
    parameters: int
    seconds: float

    def history(self) -> dict[str, list[float]]:
        """Return one list a measure, in the order of the epochs."""
        rows = [asdict(epoch) for epoch in self.epochs]
        return {name: [row[name] for row in rows] for name in HISTORY}


class TrainingError(RuntimeError):
    """A training that can't give a result."""


HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds")


def _check_fits(config: Config, data: Data) -> None:
    if (config.dataset, config.data_sha256) != (data.name, data.sha256):
        raise ConfigError(
            f"config is for {config.dataset} with checksum {config.data_sha256[:16]}, but the data "
            f"are {data.name} with {data.sha256[:16]}: make the config from these data"
        )
    if config.recipe != RECIPE:
        raise ConfigError(
            f"recipe is {config.recipe}, but this version of kl_lib can only train recipe {RECIPE}"
        )
    images = len(data.x_train)
    kept = math.floor(images * (1 - config.validation_split))
    if not 0 < kept < images:
        raise ConfigError(
            f"validation_split is {config.validation_split}, which leaves {kept} of {images} "
            f"images to train on and {images - kept} to validate: both need at least one"
        )


def _compiled(config: Config, input_shape: tuple[int, ...]) -> keras.Model:
    keras = import_keras(config.backend)
    loss = {"kl": keras.losses.KLDivergence(), "ce": keras.losses.CategoricalCrossentropy()}
    model = convnet(input_shape, CLASSES, precision=config.precision)
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=loss[config.loss],
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        # XLA makes this network ten times slower on a CPU, and it changes the numbers.
        jit_compile=False,
    )
    return model


def _scaled(images: np.ndarray) -> np.ndarray:
    return np.divide(images, 255, dtype=np.float32)


def _one_hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(CLASSES, dtype=np.float32)[labels]


def _check_finite(where: str, *losses: float) -> None:
    for loss in losses:
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss} in {where}: nothing after that means anything")
