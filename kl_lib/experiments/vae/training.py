"""One training: a config and images in, the terms of the ELBO by epoch and at the end out."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from ..machinery.backend import import_keras, restore, use_threads, variables
from ..machinery.checkpoint import Checkpoint, State
from ..machinery.choices import ConfigError
from ..machinery.definition import TrainingError
from ..machinery.experiment import Progress
from .config import Vae
from .data import binarised
from .measuring import elbo_terms, measured, terms
from .network import Networks
from .pictures import NAME, drawn_pictures

# Steps that TensorFlow does before it comes back to Python.
STEPS_AT_ONCE = 10


def train(config: Vae, data: Any, progress: Progress, checkpoint: Checkpoint) -> dict[str, Any]:
    """Train a VAE as `config` says, and measure it on the test images.

    In every epoch the training images are taken in a new order and binarised by a new draw, both of
    which follow from the seed and the number of the epoch. Nothing is chosen by the test images.

    Returns
    -------
    dict
        Histories with a value for each epoch: ``loss`` (mean over the epoch of what is minimised),
        ``nll``, ``kl``, with two layers ``kl_top`` (test images, one sample each) and ``seconds``;
        and what `measured` returns. All losses are in nats an image.

    Raises
    ------
    ConfigError
        If the config is not for these data.
    TrainingError
        If the loss is no longer finite.
    """
    if config.data_sha256 != data.sha256:
        raise ConfigError(
            f"config is for data with checksum {config.data_sha256[:16]}, but the data are "
            f"{data.sha256[:16]}: make the config from these data"
        )
    keras = import_keras("tensorflow")
    use_threads(config.threads)
    grey, test = data["x_train"], data["x_test"].astype(np.float32)
    top = config.top_latents if config.variant == "two_layers" else 0
    networks = Networks(test.shape[1], config.hidden, config.latents, top, config.seed)
    one_sample = networks.model()
    model = trainable(one_sample, config.free_nats if config.variant == "free_bits" else 0.0)
    model.compile(
        keras.optimizers.Adam(config.learning_rate),
        steps_per_execution=STEPS_AT_ONCE,
        jit_compile=False,  # measured: XLA takes half as long again on a CPU
    )
    model.optimizer.build(model.trainable_variables)
    before = checkpoint.load()
    if before is not None:
        restore(model, before.arrays)
    epochs = list(before.epochs) if before is not None else []
    for number, epoch in enumerate(epochs, 1):
        progress(number, **epoch)
    for number in range(len(epochs) + 1, config.epochs + 1):
        began = time.perf_counter()
        random = np.random.default_rng([config.seed, number])
        x = binarised(grey[random.permutation(len(grey))], random)
        model.beta.assign(config.beta(number))
        logs = model.fit(x, batch_size=config.batch_size, shuffle=False, verbose=0).history
        epoch = {"loss": float(logs["loss"][0])} | elbo_terms(terms(one_sample, test, 1))
        if not all(map(math.isfinite, epoch.values())):
            raise TrainingError(
                f"the loss is {epoch['loss']} in epoch {number}: nothing after that means anything"
            )
        epochs.append(epoch | {"seconds": round(time.perf_counter() - began, 3)})
        arrays = [keras.ops.convert_to_numpy(v) for v in variables(model)]
        checkpoint.save(State(epochs=epochs, arrays=arrays))
        progress(number, **epochs[-1])
    return {
        **measured(networks, test, config.images, config.samples),
        "parameters": int(model.count_params()),
        "history": {name: [epoch[name] for epoch in epochs] for name in epochs[0]},
        "keep": {NAME: lambda: drawn_pictures(networks)},
    }


def trainable(terms_model: Any, free_nats: float) -> Any:
    """Return a model with the same weights whose loss is NLL + β KL, in nats an image.

    Its ``beta`` is a variable. With `free_nats` no dimension counts for less than that.
    """
    keras = import_keras()
    ops = keras.ops
    base: Any = keras.Model

    class NelboModel(base):
        def compute_loss(
            self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any
        ) -> Any:
            kls = [ops.mean(y_pred[k], axis=0) for k in ("kl", "kl_top") if k in y_pred]
            kl = sum(ops.sum(ops.maximum(each, free_nats)) for each in kls)
            return ops.mean(y_pred["nll"]) + self.beta * kl

    model = NelboModel(terms_model.inputs, terms_model.output)
    model.beta = keras.Variable(1.0, trainable=False, name="beta")
    return model
