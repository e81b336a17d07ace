"""How far two traced runs are apart, and what a loss makes of one that is sure and wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...machinery.backend import import_keras
from ..initial import loss_function
from .tracing import Trace
from .vectors import first_gradient, norm

#: Logits of one sample whose true class is the first: sure of another one, and 200 nats wrong.
WRONG = (0.0, 1.0, 200.0, -200.0)


@dataclass(frozen=True, kw_only=True)
class Apart:
    """How far a run is from the reference: one value a look, and at the first step.

    Attributes
    ----------
    weights : tuple of float
        Euclidean distance of the two vectors of all weights.
    predictions : tuple of float
        Total variation distance of the two predicted distributions, from 0 to 1: by how much the
        probability of any event can differ. Mean over the probe images.
    labels : tuple of float
        Share of the probe images for which the two predict different classes.
    first_loss : float
        Difference of the losses of the first batch, before any update, in nats.
    first_gradient_largest : float
        Largest difference between entries of the two first gradients.
    first_gradient : float
        Euclidean distance of the two first gradients, divided by the length of the reference's.
    """

    weights: tuple[float, ...]
    predictions: tuple[float, ...]
    labels: tuple[float, ...]
    first_loss: float
    first_gradient_largest: float
    first_gradient: float


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What a loss makes of one sample that the network is sure and wrong about by 200 nats.

    Attributes
    ----------
    loss : float
        In nats: 200, or 16.1 where probabilities are clipped at 1e-7.
    gradient : float
        Largest entry of the gradient with respect to the logits: 1, or 0 where it is dead.
    """

    loss: float
    gradient: float


def apart(one: Trace, other: Trace) -> Apart:
    """Measure how far one run is from another at each look, and at the first step.

    Raises
    ------
    ValueError
        If they were not looked at after the same steps.
    """
    if one.steps != other.steps:
        raise ValueError(
            f"the runs were looked at after {len(one.steps)} and {len(other.steps)} different "
            "steps: trace both with the same epochs, batch size and data"
        )
    predictions = list(zip(one.predictions, other.predictions, strict=True))
    difference = one.first_gradient - other.first_gradient
    return Apart(
        weights=tuple(norm(v - w) for v, w in zip(one.weights, other.weights, strict=True)),
        predictions=tuple(float(np.abs(p - q).sum(axis=1).mean() / 2) for p, q in predictions),
        labels=tuple(float((p.argmax(1) != q.argmax(1)).mean()) for p, q in predictions),
        first_loss=one.first_loss - other.first_loss,
        first_gradient_largest=float(np.abs(difference).max()),
        first_gradient=norm(difference) / norm(other.first_gradient),
    )


def sure_and_wrong(loss: str, backend: str = "tensorflow") -> Wrong:
    """Measure what a loss makes of a sample that the network is sure and wrong about.

    On paper all losses here are the same function. KL clips the probabilities that the softmax has
    made. What cross-entropy does depends on the backend: on TensorFlow, Keras finds the logits
    behind a softmax layer and uses them; elsewhere it clips.

    Parameters
    ----------
    loss : str
        One of the losses of a `Config`.
    backend : str
        The Keras backend.

    Examples
    --------
    >>> found = {loss: sure_and_wrong(loss) for loss in ("kl", "ce", "kl_logits")}
    >>> for loss, wrong in found.items():
    ...     print(f"{loss}: {wrong.loss:.1f} nats, gradient {wrong.gradient:.0f}")
    kl: 16.1 nats, gradient 0
    ce: 200.0 nats, gradient 1
    kl_logits: 200.0 nats, gradient 1
    """
    keras = import_keras(backend)
    last = keras.layers.Dense(
        len(WRONG),
        activation=None if loss.endswith("_logits") else "softmax",
        kernel_initializer="zeros",
        bias_initializer=lambda shape, dtype: keras.ops.convert_to_tensor(WRONG, dtype),
    )
    model = keras.Sequential([keras.Input((1,)), last])
    model.compile(optimizer=keras.optimizers.Adam(), loss=loss_function(loss))
    p = np.eye(len(WRONG), dtype=np.float32)[:1]
    value = model.train_on_batch(np.zeros((1, 1), np.float32), p)
    return Wrong(loss=float(value), gradient=float(np.abs(first_gradient(model)).max()))
