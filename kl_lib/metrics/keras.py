"""The mean of KL(p‖q) over the batches of an epoch, as a metric of Keras 3 on any backend."""

from __future__ import annotations

import math
from typing import Any

from kl_lib.losses import _formula

try:
    import keras
    from keras import ops
except ImportError as error:
    raise ImportError(
        "kl_lib.metrics.keras needs keras and tensorflow (or the backend that KERAS_BACKEND "
        'names): pip install "kl-lib[keras]"'
    ) from error

from kl_lib.losses.keras import get_keras_mask, kl_loss

__all__ = ["KLDivergence"]


@keras.saving.register_keras_serializable(package="kl_lib")
class KLDivergence(keras.metrics.Metric):
    """The mean of KL(p‖q) in nats over all rows so far: for `model.compile`, `fit` and `evaluate`.

    `keras.metrics.KLDivergence` takes probabilities and clips p and q at 1e-7, so that no row costs
    more than log 1e7 = 16.1 nats, however wrong it is.

    Parameters
    ----------
    from_logits
        True if the model puts out logits or log-probabilities, False if probabilities. It has to
        be said: one taken for the other may be a number that looks right.
    axis
        The axis that holds the categories.
    name, dtype
        As for any metric of Keras. The sums are in float64, in float32 on JAX without
        ``jax_enable_x64``.

    Notes
    -----
    Among ``metrics`` of `model.compile` it gets no sample weights, among ``weighted_metrics`` it
    does: then it is the weighted mean, Σ w·KL / Σ w. Masked time steps are left out of both.

    Values are not checked, for in `fit` they are not there to be checked: a row of p that sums to
    s counts as s·KL(p/s‖q), and probabilities of the model are divided by their sum.

    Examples
    --------
    >>> import keras
    >>> from kl_lib.losses.keras import KLFromLogits
    >>> from kl_lib.metrics.keras import KLDivergence
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> model.compile("adam", KLFromLogits(), weighted_metrics=[KLDivergence(from_logits=True)])

    By hand:

    >>> mean_kl = KLDivergence(from_logits=False)
    >>> mean_kl.update_state([[1.0, 0.0], [0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]])
    >>> mean_kl.update_state([[0.0, 1.0]], [[0.75, 0.25]])
    >>> print(round(float(mean_kl.result()), 4))  # (log 2 + 0 + log 4) / 3
    0.6931
    """

    def __init__(
        self,
        *,
        from_logits: bool,
        axis: int = -1,
        name: str = "kl_divergence",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.from_logits, self.axis = from_logits, axis
        self._wide = _widest()
        self.total, self.weight = (
            self.add_weight(shape=(), initializer="zeros", dtype=self._wide, name=what)
            for what in ("total", "weight")
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the rows of a batch; `sample_weight` is one for each row, or for each sample."""
        mask = get_keras_mask(y_pred)
        missing = -math.inf if self.from_logits else 0.0
        p, q, sample_weight = _formula.align(y_true, y_pred, sample_weight, self.axis, "q", missing)
        p, q = ops.convert_to_tensor(p), ops.convert_to_tensor(q)
        axis = _formula.check_shapes(p.shape, q.shape, self.axis, "q")
        if not self.from_logits:
            wide = keras.backend.standardize_dtype(q.dtype) == "float64"
            q = ops.log(ops.cast(q, "float64" if wide else "float32"))
        values = ops.cast(kl_loss(p, q, axis=axis), self._wide)
        weights = ops.ones_like(values)
        for given in (sample_weight, mask):
            if given is not None:
                weights = weights * self._fitted(given, values)
        self.total.assign_add(_formula.reduced(ops, values, weights, "sum"))
        self.weight.assign_add(ops.sum(weights))

    def result(self) -> Any:
        """The mean over all rows so far; nan if their weights sum to 0."""
        return self.total / self.weight

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the metric."""
        return super().get_config() | {"from_logits": self.from_logits, "axis": self.axis}

    def _fitted(self, weights: Any, values: Any) -> Any:
        """Weights of shape (batch,) or (batch, 1) for values of shape (batch, ...)."""
        weights = ops.cast(ops.convert_to_tensor(weights), self._wide)
        if len(weights.shape) == len(values.shape) + 1 and weights.shape[-1] == 1:
            weights = ops.squeeze(weights, -1)
        while 0 < len(weights.shape) < len(values.shape):
            weights = ops.expand_dims(weights, -1)
        _formula.check_weights_shape(tuple(weights.shape), tuple(values.shape))
        return weights


def _widest() -> str:
    """The widest dtype that the backend computes in."""
    if keras.backend.backend() != "jax":
        return "float64"
    import jax

    return "float64" if jax.config.jax_enable_x64 else "float32"
