"""How far a network is from people and from the labels: means over many images, in nats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Of every network on every set of images; `measured` says what they are.
MEASURES = ("kl", "nll", "accuracy", "brier", "ece", "confidence", "entropy")

#: Bins of equal width for the expected calibration error, as in Guo et al., 2017.
BINS = 15

#: Where one group of images ends and the next begins: the entropy of what people said, in nats. The
#: first group are those about which all agree.
EDGES = (1e-9, 0.1, 0.2, 0.5, 1.0)


def log_softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Return log-probabilities (images, classes) of logits divided by a temperature."""
    z = logits.astype(np.float64) / temperature
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def entropies(p: Floats) -> Floats:
    """Return the entropy of each row."""
    return -np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(axis=1)


def divergences(p: Floats, log_q: Floats) -> Floats:
    """Return KL(people || network) of each image."""
    return -(p * log_q).sum(axis=1) - entropies(p)


def measured(p: Floats, labels: Any, log_q: Floats) -> dict[str, float]:
    """Measure a network on images.

    Parameters
    ----------
    p : array, (images, classes)
        What people said.
    labels : array, (images,)
        What is right.
    log_q : array, (images, classes)
        What the network says, as logarithms.

    Returns
    -------
    dict
        ``kl``: mean KL(people || network). ``nll``: mean negative log-likelihood of the labels.
        ``accuracy``. ``brier``: mean squared distance from the one-hot labels, 0 to 2. ``ece``:
        expected calibration error of the most likely class, 15 bins. ``confidence``: mean
        probability of the most likely class. ``entropy``: mean of the network's entropy.
    """
    q = np.exp(log_q)
    rows = np.arange(len(labels))
    right = q.argmax(axis=1) == labels
    return {
        "kl": float(divergences(p, log_q).mean()),
        "nll": float(-log_q[rows, labels].mean()),
        "accuracy": float(right.mean()),
        "brier": float(((q - np.eye(q.shape[1])[labels]) ** 2).sum(axis=1).mean()),
        "ece": calibration_error(q.max(axis=1), right),
        "confidence": float(q.max(axis=1).mean()),
        "entropy": float(entropies(q).mean()),
    }


def calibration_error(confidence: Floats, right: Any) -> float:
    """Return the expected calibration error.

    That is the gap between mean confidence and accuracy in each bin of confidence, weighted by the
    images in it. It is above 0 for a calibrated network, too: a gap has no sign.
    """
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(which, weights=confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def by_class(p: Floats, labels: Any, log_q: Floats) -> dict[str, list[float]]:
    """Return mean KL and mean entropies for the images of each class."""
    parts = [labels == each for each in range(p.shape[1])]
    return _means(parts, p, log_q, labels)


def by_uncertainty(p: Floats, labels: Any, log_q: Floats) -> dict[str, list[float]]:
    """Return the same for groups of images by the entropy of what people said, see `EDGES`."""
    group = np.digitize(entropies(p), EDGES)
    return _means([group == each for each in range(len(EDGES) + 1)], p, log_q, labels)


def agreement(p: Floats, log_q: Floats) -> float:
    """Return the rank correlation of people's entropy and the network's, over images."""
    from scipy.stats import spearmanr

    return float(spearmanr(entropies(p), entropies(np.exp(log_q))).statistic)


def best_temperature(p: Floats, logits: Floats) -> float:
    """Return the temperature by which the logits come closest to people in mean KL."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda t: divergences(p, log_softmax(logits, np.exp(t))).mean(),
        bounds=(np.log(0.1), np.log(10)), method="bounded", options={"xatol": 1e-6},
    )  # fmt: skip
    return float(np.exp(found.x))


def _means(parts: list[Any], p: Floats, log_q: Floats, labels: Any) -> dict[str, list[float]]:
    values = {
        "kl": divergences(p, log_q),
        "people_entropy": entropies(p),
        "entropy": entropies(np.exp(log_q)),
        "accuracy": log_q.argmax(axis=1) == labels,
    }
    means = {
        name: [float(each[part].mean()) if part.any() else 0.0 for part in parts]
        for name, each in values.items()
    }
    return {"images": [int(part.sum()) for part in parts], **means}
