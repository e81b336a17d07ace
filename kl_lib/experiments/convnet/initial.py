"""Where a run starts: network, weights, optimiser, and the order in which it takes its images."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..machinery.backend import import_keras
from ..machinery.choices import ConfigError
from .config import LOSSES, Config
from .data import CLASSES
from .network import convnet
from .own import imported, is_own

if TYPE_CHECKING:
    import keras


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


def initial_model(config: Config, input_shape: tuple[int, ...]) -> keras.Model:
    """Return the network of a run before its first step: compiled, with its initial weights."""
    keras = import_keras(config.backend)
    build = imported("network", config.network) if is_own(config.network) else convnet
    model = build(
        input_shape, CLASSES, precision=config.precision, logits=config.logits, seed=config.seed
    )
    model.compile(
        optimizer=optimizer(config),
        loss=loss_function(config.loss),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        # In TensorFlow, XLA makes this network ten times slower on a CPU. JAX is nothing without.
        jit_compile=config.backend == "jax",
    )
    model.optimizer.build(model.trainable_variables)
    _disturb(model, config)
    return model


def optimizer(config: Config) -> keras.optimizers.Optimizer:
    """Return the optimiser of a run, as Keras sets it where the config says nothing else."""
    keras = import_keras(config.backend)
    own = is_own(config.optimizer)
    make = imported("optimizer", config.optimizer) if own else keras.optimizers.Adam
    rate = config.learning_rate
    return make() if rate is None else make(learning_rate=rate)


def loss_function(name: str) -> Callable[..., Any]:
    """Return the loss that a `Config` calls by this name.

    Raises
    ------
    ConfigError
        If there is none.
    """
    keras = import_keras()
    if name == "kl":
        return keras.losses.KLDivergence()
    if name == "kl_logits":
        from ...losses.keras import KLFromLogits

        return KLFromLogits()
    if name in ("ce", "ce_logits"):
        return keras.losses.CategoricalCrossentropy(from_logits=name == "ce_logits")
    if is_own(name):
        return imported("loss", name)
    raise ConfigError(f"loss is {name!r}, expected one of: {', '.join(LOSSES)}, module:function")


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
