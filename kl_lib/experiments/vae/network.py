"""The networks of a VAE, with one layer of latents or two, as one model that returns its terms.

The model takes binary images and returns, for each image and each sample of its latents, the
negative log-likelihood and the KL terms, dimension by dimension, all in nats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..machinery.backend import import_keras

if TYPE_CHECKING:
    import keras

LOG_2_PI = 1.8378770664093453


def kl_normal(mean: Any, log_variance: Any, mean_p: Any = 0.0, log_variance_p: Any = 0.0) -> Any:
    """Return KL(N(mean, exp(log_variance)) ‖ N(mean_p, exp(log_variance_p))), elementwise."""
    ops = import_keras().ops
    ratio = log_variance - log_variance_p
    squared = ops.square(mean - mean_p) / ops.exp(log_variance_p)
    return 0.5 * (ops.exp(ratio) + squared - 1 - ratio)


def log_normal(z: Any, mean: Any = 0.0, log_variance: Any = 0.0) -> Any:
    """Return the log-density of N(mean, exp(log_variance)) at z, elementwise."""
    ops = import_keras().ops
    squared = ops.square(z - mean) / ops.exp(log_variance)
    return -0.5 * (squared + log_variance + LOG_2_PI)


def bernoulli_nll(x: Any, logits: Any) -> Any:
    """Return −log p(x) of binary pixels, summed over the last axis: softplus(l) − x l."""
    ops = import_keras().ops
    return ops.sum(ops.softplus(logits) - x * logits, axis=-1)


class Networks:
    """The layers of a VAE, from which models with any number of samples are made.

    Parameters
    ----------
    pixels : int
        Of an image.
    hidden, latents, top_latents : int
        Units of a hidden layer, of the latents that the pixels are made from, and of those above
        them; no `top_latents` is one layer of latents.
    seed : int
        Of the initial weights and the noise.
    """

    def __init__(self, pixels: int, hidden: int, latents: int, top_latents: int, seed: int) -> None:
        self.keras = import_keras()
        self.pixels, self.latents, self.top_latents, self.seed = pixels, latents, top_latents, seed
        self._made = 0
        self.features = self._dense(hidden, hidden)
        self.decoder = self._dense(hidden, hidden, out=pixels)
        if top_latents:
            self.top = self._dense(out=2 * top_latents)
            self.bottom = self._dense(hidden // 2, out=2 * latents)
            self.prior = self._dense(hidden // 2, hidden // 2, out=2 * latents)
        else:
            self.bottom = self._dense(out=2 * latents)

    def model(self, samples: int = 1) -> keras.Model:
        """Return a model of the terms, with this many samples of the latents for each image.

        Its outputs have a row for each sample, those of one image together: ``nll`` (rows,),
        ``kl`` (rows, latents), with two layers also ``kl_top`` (rows, top latents), ``log_ratio``
        (rows,), which is log q(z|x) − log p(z) at the sample, and ``mean`` (rows, latents) and
        ``mean_top``, the means of q.
        """
        ops = self.keras.ops
        image = self.keras.Input((self.pixels,))
        x, features = (ops.repeat(each, samples, axis=0) for each in (image, self.features(image)))
        out: dict[str, Any] = {}
        prior: Any = (0.0, 0.0)
        below, ratio = features, 0.0
        if self.top_latents:
            q = ops.split(self.top(features), 2, axis=-1)
            top = self._noise()(q)
            out |= {"kl_top": kl_normal(*q), "mean_top": q[0]}
            ratio = ops.sum(log_normal(top, *q) - log_normal(top), axis=-1)
            prior = ops.split(self.prior(top), 2, axis=-1)
            below = ops.concatenate([features, top], axis=-1)
        q = ops.split(self.bottom(below), 2, axis=-1)
        z = self._noise()(q)
        out |= {"kl": kl_normal(*q, *prior), "mean": q[0], "nll": bernoulli_nll(x, self.decoder(z))}
        out["log_ratio"] = ratio + ops.sum(log_normal(z, *q) - log_normal(z, *prior), axis=-1)
        return self.keras.Model(image, out)

    def decode(self, top_or_z: Any, noise: Any = None) -> Any:
        """Return pixel probabilities for latents drawn from the prior, as a NumPy array."""
        ops = self.keras.ops
        if self.top_latents:
            mean, log_variance = ops.split(self.prior(top_or_z), 2, axis=-1)
            top_or_z = mean + ops.exp(0.5 * log_variance) * noise
        return ops.convert_to_numpy(ops.sigmoid(self.decoder(top_or_z)))

    def _dense(self, *hidden: int, out: int | None = None) -> keras.Sequential:
        layers = self.keras.layers
        units = [(each, "relu") for each in hidden] + ([(out, None)] if out else [])
        return self.keras.Sequential(
            [
                layers.Dense(each, activation=act, kernel_initializer=self._initial())
                for each, act in units
            ]
        )

    def _initial(self) -> Any:
        self._made += 1
        return self.keras.initializers.GlorotUniform(seed=1000 * self.seed + self._made)

    def _noise(self) -> Any:
        self._made += 1
        return noise_layer(1000 * self.seed + self._made)


def noise_layer(seed: int) -> keras.layers.Layer:
    """Return a layer that takes mean and log-variance and draws from that normal.

    Mean plus deviation times noise, so that gradients reach both: the reparametrisation.
    """
    keras = import_keras()
    base: Any = keras.layers.Layer

    class Noise(base):
        def __init__(self) -> None:
            super().__init__()
            self.random = keras.random.SeedGenerator(seed)

        def call(self, q: Any) -> Any:
            mean, log_variance = q
            noise = keras.random.normal(keras.ops.shape(mean), seed=self.random)
            return mean + keras.ops.exp(0.5 * log_variance) * noise

    return Noise()
