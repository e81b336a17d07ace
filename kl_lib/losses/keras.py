"""KL(p‖softmax(logits)) for Keras 3, on any backend, by `keras.ops` alone.

Leave the softmax out of the last layer and compile with `KLFromLogits`, or with `kl_loss`. What
value and gradient are in the hard cases stands in `kl_lib.losses`.
"""

from __future__ import annotations

import math
from typing import Any

from kl_lib import checks

from . import _formula

try:
    import keras
    from keras import ops

    # Keras has no public name for it, and an array of JAX no attribute that a mask could be in.
    from keras.src.backend import get_keras_mask
except ImportError as error:
    raise ImportError(
        "kl_lib.losses.keras needs keras and tensorflow (or the backend that KERAS_BACKEND names): "
        'pip install "kl-lib[keras]"'
    ) from error

__all__ = ["KLFromLogits", "kl_loss"]

#: p as a tensor: lists and integers are fine as arguments, so a remedy must take them too.
_P = "keras.ops.convert_to_tensor({name})"
#: What a message about p may advise here.
_ADVICE = checks.Advice(
    normalize=f"pass {_P} / keras.ops.sum({{name}}, axis={{axis}}, keepdims=True)",
    logits='pass keras.ops.softmax(keras.ops.cast({name}, "float32"), axis={axis})',
    yes=f"pass keras.ops.stack([1 - {_P}, {_P}], axis=-1)",
    column=f"pass keras.ops.concatenate([1 - {_P}, {_P}], axis={{axis}})",
)

#: What Keras calls the two means.
_KERAS_NAMES = {
    "mean_over_samples": "sum_over_batch_size",
    "mean_over_weights": "mean_with_sample_weight",
}


@keras.saving.register_keras_serializable(package="kl_lib")
def kl_loss(
    p: Any,
    logits: Any,
    *,
    axis: int = -1,
    weights: Any = None,
    reduction: str = "none",
    validate: bool = False,
) -> Any:
    """KL(p‖softmax(logits)) in nats, one value for each row; `model.compile` takes it as a loss.

    Parameters
    ----------
    p
        Target distributions, shape (..., categories). May be trainable too.
    logits
        Logits or log-probabilities, **not** probabilities, shape (..., categories); −inf masks a
        category. An axis of length 1 in one of the two is shared.
    axis
        The axis that holds the categories.
    weights
        One for each row, shape (...); a length of 1 is shared. Weight 0 leaves a row out, even one
        whose loss is inf.
    reduction
        What to do with the weighted losses w·KL: ``"none"``, leave them; ``"sum"``, add them;
        ``"mean_over_samples"``, divide their sum by how many there are; ``"mean_over_weights"``,
        by the sum of the weights. No rows, or weights that sum to 0, give 0.
    validate
        Check first that p holds distributions, that logits holds no nan and no row of −inf alone,
        and that no weight is negative. It reads values: for eager calls, not inside `fit`.

    Returns
    -------
    tensor
        Nats, shape (...), or a scalar if reduced. float64 for float64 logits, otherwise float32.

    Raises
    ------
    DistributionError
        If p and logits do not pair up; with `validate`, if a value is wrong.
    ValueError
        For a `reduction` of another name, or weights that do not fit.
    RuntimeError
        For ``validate=True`` inside a compiled function.

    Notes
    -----
    The mean over samples is Keras' own default, ``"sum_over_batch_size"``: how hard a sample pulls
    does not depend on which others share its batch, so the batches of an epoch add up to the
    weighted sum over the data. The mean over weights is a weighted mean of KL, in nats, whatever
    the scale of the weights; use it to report, or where a weight of 3 means "seen three times".

    For distillation at temperature T, pass ``logits / T`` and multiply by T².

    References
    ----------
    Kullback and Leibler, "On Information and Sufficiency", 1951. The gradient softmax − p: Bridle,
    "Training stochastic model recognition algorithms as networks can lead to maximum mutual
    information estimation of parameters", 1990.

    Examples
    --------
    >>> from keras import ops
    >>> from kl_lib.losses.keras import kl_loss
    >>> p, logits = [[0.25, 0.25, 0.25, 0.25]], [[0.0, 1.0, 200.0, -200.0]]
    >>> print(ops.convert_to_numpy(kl_loss(p, logits)).round(3))
    [198.364]

    Zeros in p, and a masked category:

    >>> masked = [[0.0, 0.0, 5.0, float("-inf")]]
    >>> print(ops.convert_to_numpy(kl_loss([[0.5, 0.5, 0.0, 0.0]], masked)).round(4))
    [4.3202]
    >>> print(ops.convert_to_numpy(kl_loss([[0.5, 0.0, 0.0, 0.5]], masked)))
    [inf]

    Weights and reductions:

    >>> p, logits = [[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]
    >>> for reduction in ("none", "sum", "mean_over_samples", "mean_over_weights"):
    ...     loss = kl_loss(p, logits, weights=[1.0, 3.0], reduction=reduction)
    ...     print(f"{reduction:17}", ops.convert_to_numpy(loss).round(4))
    none              [0.6931 2.0794]
    sum               2.7726
    mean_over_samples 1.3863
    mean_over_weights 0.6931
    """
    _formula.check_reduction(reduction)
    p, logits, weights = _formula.align(p, logits, weights, axis)
    p, logits = ops.convert_to_tensor(p), ops.convert_to_tensor(logits)
    axis = _formula.check_shapes(p.shape, logits.shape, axis)
    if validate:
        _formula.check_values(_value(p), _value(logits), _value(weights), axis=axis, advice=_ADVICE)
    dtype = "float64" if keras.backend.standardize_dtype(logits.dtype) == "float64" else "float32"
    values = _formula.kl_of_each_row(
        ops,
        ops.cast(p, dtype),
        ops.cast(logits, dtype),
        axis=axis,
        dtype=dtype,
        # With `initial`, an empty batch has a maximum too.
        largest=lambda z: ops.max(z, axis=axis, keepdims=True, initial=-math.inf),
        stop=ops.stop_gradient,
    )
    if weights is not None:
        weights = ops.cast(ops.convert_to_tensor(weights), dtype)
        _formula.check_weights_shape(tuple(weights.shape), tuple(values.shape))
    return _formula.reduced(ops, values, weights, reduction)


def _value(tensor: Any) -> Any:
    """The values of a tensor, or an error that says why it has none."""
    if tensor is None:
        return None
    try:
        return ops.convert_to_numpy(tensor)
    # TensorFlow, JAX and Keras' symbolic tensors, in this order.
    except (NotImplementedError, TypeError, ValueError, AttributeError) as error:
        raise RuntimeError(
            "validate=True reads values, and a compiled function has none yet: check the data "
            "before training, kl_loss(p, logits, validate=True)"
        ) from error


@keras.saving.register_keras_serializable(package="kl_lib")
class KLFromLogits(keras.losses.Loss):
    """KL(p‖softmax(logits)) as a Keras loss: for `model.compile`, saving, weights and masks.

    Parameters
    ----------
    axis
        The axis that holds the categories.
    reduction
        As for `kl_loss`; Keras' own names work too. The default, ``"mean_over_samples"``, divides
        by the number of samples, also where they have weights: ``"sum_over_batch_size"`` in Keras.
    name, dtype
        As for any Keras loss; logits in half precision are computed in float32.

    Examples
    --------
    >>> import keras
    >>> from kl_lib.losses.keras import KLFromLogits
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> model.compile(optimizer="adam", loss=KLFromLogits())

    In the call the target comes first, as in every Keras loss:

    >>> loss = KLFromLogits(reduction="mean_over_weights")
    >>> value = loss([[1.0, 0.0], [0.5, 0.5]], [[0.0, 20.0], [3.0, 3.0]], sample_weight=[1.0, 3.0])
    >>> print(keras.ops.convert_to_numpy(value).round(4))
    5.0

    A saved model finds the class again once `kl_lib.losses.keras` is imported.
    """

    def __init__(
        self,
        *,
        axis: int = -1,
        reduction: str | None = "mean_over_samples",
        name: str = "kl_from_logits",
        dtype: Any = None,
    ) -> None:
        own = (*_KERAS_NAMES.values(), "mean", "sum", "none", None)
        _formula.check_reduction(reduction, (*_formula.REDUCTIONS, *own))
        keras_name = _KERAS_NAMES.get(str(reduction), reduction)
        super().__init__(name=name, reduction=keras_name, dtype=dtype)
        self.axis = axis

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        # Keras multiplies by weights and mask, and 0 times an infinite loss would be nan. So `call`
        # must know which samples are left out.
        mask = get_keras_mask(y_pred)
        known = [x for x in (y_true, sample_weight, mask) if x is not None]
        known = [ops.convert_to_tensor(x) for x in known]
        return super().__call__(tuple(known), y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One value for each row; `y_true` may be (p, weights that Keras will apply)."""
        p, *weights = y_true if isinstance(y_true, tuple) else (y_true,)
        values = kl_loss(p, y_pred, axis=self.axis)
        for weight in weights:
            if len(weight.shape) not in (0, len(values.shape)):  # (batch, 1) for (batch,)
                weight = ops.reshape(weight, ops.shape(values))
            left_out = ops.logical_and(weight == 0, values == math.inf)
            values = ops.where(left_out, 0.0, values)
        return values

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the loss; `reduction` in Keras' words."""
        return super().get_config() | {"axis": self.axis, "dtype": self.dtype}
