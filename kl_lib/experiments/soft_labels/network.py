"""The network: three convolutions, small enough for ten seeds on one core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..machinery.backend import import_keras
from .data import CLASSES, SHAPE

if TYPE_CHECKING:
    import keras

FILTERS = (16, 32, 64)


def build_network(seed: int) -> keras.Sequential:
    """Build the network, not yet compiled: from uint8 images to logits.

    Three times a 3x3 convolution with stride 2 (16, 32, then 64 filters), batch normalisation and
    relu; then dropout 0.3 and a dense layer.

    Parameters
    ----------
    seed : int
        Seed of the initial weights and the dropout masks.

    Examples
    --------
    >>> build_network(0).count_params()
    34170
    """
    keras = import_keras()
    layers, initializer = keras.layers, keras.initializers.GlorotUniform
    # Said here, because keras.json of the machine may say otherwise.
    channels = {"data_format": "channels_last", "dtype": "float32"}
    *convolutions, dropout, dense = np.random.SeedSequence(seed).generate_state(5).tolist()
    blocks: list[Any] = []
    for filters, each in zip(FILTERS, convolutions, strict=True):
        blocks += [
            layers.Conv2D(
                filters, 3, strides=2, padding="same", use_bias=False,
                kernel_initializer=initializer(each), **channels,
            ),
            layers.BatchNormalization(dtype="float32"),
            layers.ReLU(dtype="float32"),
        ]  # fmt: skip
    return keras.Sequential(
        [
            keras.Input(SHAPE, dtype="uint8"),
            layers.Rescaling(1 / 255, dtype="float32"),
            *blocks,
            layers.Flatten(data_format="channels_last", dtype="float32"),
            layers.Dropout(0.3, seed=dropout, dtype="float32"),
            layers.Dense(CLASSES, kernel_initializer=initializer(dense), dtype="float32"),
        ]
    )
