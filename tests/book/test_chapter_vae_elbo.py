"""The lines that the chapter on variational autoencoders tells a reader to write, run as such."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

import kl_lib as kl

CHAPTER = Path(__file__).parents[2] / "notebooks" / "15_vae_elbo.md"
SECTION = re.search(r"^## In your code$(.*?)^## ", CHAPTER.read_text("utf-8"), re.M | re.S)[1]

RANDOM = np.random.default_rng(15)
MEAN, LOG_VAR = RANDOM.normal(size=(2, 5, 3))
LOGITS = 2 * RANDOM.normal(size=(5, 8))
X = (RANDOM.random((5, 8)) < 0.5).astype(float)

PIXELS = -stats.bernoulli(special.expit(LOGITS)).logpmf(X).sum(axis=1)
LOSS = (PIXELS + kl.kl_normal(MEAN, np.exp(LOG_VAR / 2), 0, 1).sum(axis=1)).mean()


def tab(name):
    return re.search(rf"\{{tab-item\}} {name}\n```python\n(.*?)```", SECTION, re.S)[1]


def given(tensor):
    arrays = {"mean": MEAN, "log_var": LOG_VAR, "logits": LOGITS, "x": X}
    return {name: tensor(array) for name, array in arrays.items()}


def test_the_lines_for_keras_are_the_negative_elbo():
    keras = pytest.importorskip("keras")
    names = given(lambda a: keras.ops.convert_to_tensor(a, "float64")) | {"ops": keras.ops}
    exec(tab("Keras"), names)
    digits = 1e-12 if keras.backend.backend() == "tensorflow" else 1e-6  # JAX makes it float32
    assert float(names["loss"]) == pytest.approx(LOSS, rel=digits)


def test_the_lines_for_tfp_are_the_negative_elbo():
    tf = pytest.importorskip("tensorflow")
    tfd = pytest.importorskip("tensorflow_probability").distributions
    names = given(lambda a: tf.constant(a, tf.float64)) | {"tf": tf, "tfd": tfd}
    exec(tab("TFP"), names)
    assert float(names["loss"]) == pytest.approx(LOSS, rel=1e-12)


def test_without_independent_tfp_has_a_kl_for_each_latent():
    tfd = pytest.importorskip("tensorflow_probability").distributions
    q, prior = tfd.Normal(MEAN, np.exp(LOG_VAR / 2)), tfd.Normal(np.zeros_like(MEAN), 1.0)
    assert tfd.kl_divergence(q, prior).shape == MEAN.shape


def test_the_lines_for_pytorch_are_the_negative_elbo():
    torch = pytest.importorskip("torch")
    from torch.distributions import Normal, kl_divergence

    names = given(torch.tensor) | {
        "Normal": Normal, "kl_divergence": kl_divergence, "F": torch.nn.functional,
    }  # fmt: skip
    exec(tab("PyTorch"), names)
    assert float(names["loss"]) == pytest.approx(LOSS, rel=1e-6)


def test_the_losses_of_keras_average_over_pixels():
    """What the chapter says of them: one number for an image, its mean over the pixels."""
    keras = pytest.importorskip("keras")
    loss = keras.losses.BinaryCrossentropy(from_logits=True, reduction=None)
    found = np.asarray(loss(X, LOGITS))
    np.testing.assert_allclose(found, PIXELS / X.shape[1], rtol=1e-5)
