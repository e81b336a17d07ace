"""What is looked at in a run: weights and gradients as vectors, probabilities of the true class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...machinery.backend import import_keras

if TYPE_CHECKING:
    import keras

#: Keras clips probabilities below this, and a clip has no gradient there.
CLIP = 1e-7

Array = NDArray[np.float64]


def true_class(logits: bool) -> keras.metrics.Metric:
    """A metric that watches the probability of the true class, as the loss is given it."""
    keras = import_keras()
    ops = keras.ops

    class TrueClass(keras.metrics.Metric):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__(name="true_class")
            self.below = self.add_variable((), "zeros", name="below")
            self.lowest = self.add_variable((), "ones", name="lowest")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            q = ops.sum(y_true * (ops.softmax(y_pred) if logits else y_pred), axis=-1)
            self.below.assign_add(ops.sum(ops.cast(q < CLIP, self.below.dtype)))
            self.lowest.assign(ops.minimum(self.lowest, ops.min(q)))

        def result(self) -> dict[str, Any]:
            named = {"below_clip": self.below, "lowest": self.lowest}
            return {name: ops.convert_to_tensor(value) for name, value in named.items()}

        def reset_state(self) -> None:
            self.below.assign(0.0)
            self.lowest.assign(1.0)

    return TrueClass()


def first_gradient(model: keras.Model) -> Array:
    """The gradient of the first step, which Adam keeps: its first moment is 1 − β₁ times that."""
    optimizer = model.optimizer
    moments = [v for v in optimizer.variables if v.name.endswith("_momentum")]
    return _vector(moments) / (1 - optimizer.beta_1)


def weight_vector(model: keras.Model) -> Array:
    return _vector(model.trainable_variables)


def _vector(variables: Sequence[Any]) -> Array:
    ops = import_keras().ops
    return np.concatenate([ops.convert_to_numpy(v).astype(np.float64).ravel() for v in variables])


def norm(vector: Array) -> float:
    return float(np.linalg.norm(vector))
