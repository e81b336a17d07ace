"""The halves of the test images, and what a network is fine-tuned on in one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .data import CLASSES

Floats = NDArray[np.float64]


def halves(seed: int, images: int) -> tuple[Any, Any]:
    """Return the indices of the images to fine-tune on, and of those held out.

    Examples
    --------
    >>> one, other = halves(0, 10)
    >>> sorted([*one.tolist(), *other.tolist()]) == list(range(10))
    True
    """
    order = np.random.default_rng([0, seed]).permutation(images)
    return np.sort(order[: images // 2]), np.sort(order[images // 2 :])


def epoch_order(seed: int, epoch: int, images: int) -> Any:
    """Return the order in which an epoch (from 0, fine-tuning included) takes its images."""
    return np.random.default_rng([1, seed, epoch]).permutation(images)


def targets_for(name: str, labels: Any, p: Floats) -> Floats:
    """Return the targets (images, classes) of an arm.

    Parameters
    ----------
    name : {"hard", "human", "class", "smooth", "null"}
        See `SoftLabels`.
    labels : array, (images,)
        Of the images to fine-tune on.
    p : array, (images, classes)
        What people said of them.

    Examples
    --------
    >>> p = np.zeros((2, 10))
    >>> p[:, 0], p[:, 1] = [0.8, 1.0], [0.2, 0.0]
    >>> targets_for("smooth", np.array([0, 0]), p).round(4)[0, :3]
    array([0.9   , 0.0111, 0.0111])
    >>> targets_for("class", np.array([0, 0]), p)[0, :3]
    array([0.9, 0.1, 0. ])
    """
    hard = np.eye(CLASSES)[labels]
    if name in ("hard", "null"):
        return hard
    if name == "human":
        return p
    if name == "class":
        means = np.stack([p[labels == each].mean(axis=0) for each in np.unique(labels)])
        return means[np.searchsorted(np.unique(labels), labels)]
    doubt = 1 - (p * hard).sum(axis=1).mean()  # what people leave to the nine other classes
    return hard * (1 - doubt) + (1 - hard) * doubt / (CLASSES - 1)
