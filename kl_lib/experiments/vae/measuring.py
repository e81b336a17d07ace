"""What is measured of a trained VAE on test images, in nats an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from .network import Networks

# A unit is active if the mean of q(z|x) varies over the images by more than this (Burda, Grosse and
# Salakhutdinov, 2016, section 5.2).
ACTIVE = 0.01

# Rows that go through the decoder at a time, and samples for each image in the final measurement.
ROWS, FINAL_SAMPLES = 10_000, 10


def terms(model: Any, images: np.ndarray, samples: int) -> dict[str, np.ndarray]:
    """Return the outputs of a model that takes `samples` of the latents, a row for each image.

    All are means over the samples but ``log_weight``, (images, samples): log p(x, z) − log q(z|x).
    """
    batch = max(1, ROWS // samples)
    parts = [
        {k: np.asarray(v) for k, v in model.predict_on_batch(part).items()}
        for part in np.split(images, range(batch, len(images), batch))
    ]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    each = {k: v.astype(np.float64).reshape(len(images), -1, *v.shape[1:]) for k, v in rows.items()}
    weights = -each["nll"] - each.pop("log_ratio")
    return {name: value.mean(axis=1) for name, value in each.items()} | {"log_weight": weights}


def elbo_terms(found: dict[str, np.ndarray]) -> dict[str, float]:
    """Return means over the images: the NLL and each KL, summed over its dimensions."""
    kls = {name: value for name, value in found.items() if name.startswith("kl")}
    return {"nll": float(found["nll"].mean())} | {
        name: float(value.sum(axis=-1).mean()) for name, value in kls.items()
    }


def importance_weighted(log_weights: np.ndarray) -> float:
    """Return the bound of Burda, Grosse and Salakhutdinov: the log of the mean weight.

    Parameters
    ----------
    log_weights : (images, samples)
        log p(x, z) − log q(z|x) for each sample of z from q(z|x).

    Returns
    -------
    float
        The mean over the images. With one sample it is the ELBO, with more it rises to log p(x).

    Examples
    --------
    >>> round(importance_weighted(np.log([[1.0, 3.0]])), 6) == round(float(np.log(2)), 6)
    True
    """
    largest = log_weights.max(axis=-1, keepdims=True)
    means = np.exp(log_weights - largest).mean(axis=-1)
    return float(np.mean(largest[..., 0] + np.log(means)))


def measured(networks: Networks, test: np.ndarray, images: int, samples: int) -> dict[str, Any]:
    """Return the numbers and lists of the final measurement.

    ``test_elbo``, ``test_nll``, ``test_kl`` (and ``test_kl_top``) are of all test images.
    ``part_elbo`` and ``part_bound`` are of the first `images`, with the same `samples`. ``active``
    counts dimensions, and ``kl_of_dimension`` (and ``kl_top_of_dimension``) are lists.
    """
    found = terms(networks.model(FINAL_SAMPLES), test, FINAL_SAMPLES)
    means = elbo_terms(found)
    part = terms(networks.model(samples), test[:images], samples)["log_weight"]
    result: dict[str, Any] = {f"test_{name}": value for name, value in means.items()}
    result |= {
        "test_elbo": -sum(means.values()),
        "part_elbo": float(part.mean()),
        "part_bound": importance_weighted(part),
        "active": int((found["mean"].var(axis=0) > ACTIVE).sum()),
        "kl_of_dimension": found["kl"].mean(axis=0).tolist(),
    }
    if "kl_top" in found:
        result["active_top"] = int((found["mean_top"].var(axis=0) > ACTIVE).sum())
        result["kl_top_of_dimension"] = found["kl_top"].mean(axis=0).tolist()
    return result
