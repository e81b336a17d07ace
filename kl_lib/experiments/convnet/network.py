"""The network of the experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

# Below this size two 3x3 convolutions without padding, each with pooling after it, leave nothing.
SMALLEST_UNPADDED = 10


def convnet(
    input_shape: tuple[int, ...],
    classes: int = 10,
    *,
    precision: str = "float32",
    logits: bool = False,
    seed: int | None = None,
) -> keras.Sequential:
    """Build the ConvNet of the Keras article, not yet compiled.

    Twice a 3x3 convolution (32, then 64 filters, relu), 2x2 max pooling and dropout 0.5; then a
    dense layer of 256 (relu) and a softmax.

    Parameters
    ----------
    input_shape : tuple of three int
        Height, width, channels. Images smaller than 10 pixels are padded in the convolutions
        (``padding="same"``), because without it the second pooling has less than 2x2 values to
        pool. Larger ones are not, as in the article.
    classes : int
        Width of the softmax.
    precision : str
        The Keras dtype policy of the layers. The last one is always float32, because the loss is
        taken of its output: bfloat16 has 8 bits, and next to 1 its steps are 0.004.
    logits : bool
        Leave the softmax out.
    seed : int, optional
        Seed of the initial weights and the dropout masks. Without it Keras draws them from its
        global seed, which other threads of the process may have a hand in.

    Returns
    -------
    keras.Sequential
        Maps (n, height, width, channels) to probabilities or logits (n, classes).

    References
    ----------
    MachineCurve, "How to use Kullback-Leibler divergence (KL divergence) with Keras?"

    Examples
    --------
    >>> convnet((32, 32, 3)).count_params()
    612042
    >>> convnet((8, 8, 1)).output_shape
    (None, 10)
    """
    from ..machinery.backend import import_keras

    keras = import_keras()
    layers = keras.layers
    padding = "valid" if min(input_shape[:2]) >= SMALLEST_UNPADDED else "same"
    # Said here, because keras.json of the machine may say otherwise.
    channels = {"data_format": "channels_last", "dtype": precision}
    end = None if logits else "softmax"
    # One seed for each layer that draws.
    seeds = [None] * 6 if seed is None else np.random.SeedSequence(seed).generate_state(6).tolist()
    conv1, dropout1, conv2, dropout2, dense1, dense2 = seeds

    def weights(seed: int | None) -> dict[str, Any]:
        return {"kernel_initializer": keras.initializers.GlorotUniform(seed)}  # what Keras takes

    return keras.Sequential(
        [
            keras.Input(input_shape, dtype="float32"),
            layers.Conv2D(32, 3, activation="relu", padding=padding, **weights(conv1), **channels),
            layers.MaxPooling2D(2, **channels),
            layers.Dropout(0.5, seed=dropout1, dtype=precision),
            layers.Conv2D(64, 3, activation="relu", padding=padding, **weights(conv2), **channels),
            layers.MaxPooling2D(2, **channels),
            layers.Dropout(0.5, seed=dropout2, dtype=precision),
            layers.Flatten(data_format="channels_last", dtype=precision),
            layers.Dense(256, activation="relu", **weights(dense1), dtype=precision),
            layers.Dense(classes, activation=end, **weights(dense2), dtype="float32"),
        ]
    )
