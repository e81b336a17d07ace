"""KL(p‖softmax(logits)) for JAX: one pure function, for `jax.grad`, `jit` and `vmap`.

What value and gradient are in the hard cases stands in `kl_lib.losses`. As the losses of Optax it
gives one value for each row unless told to reduce them. Unlike them, it takes the target first: so
does every function of kl_lib, and one order in all of them is worth more than Optax's in one.
"""

from __future__ import annotations

import math
from typing import Any

from kl_lib import checks

from . import _formula

try:
    import jax
    import jax.numpy as jnp
except ImportError as error:
    raise ImportError("kl_lib.losses.jax needs jax: pip install jax") from error

__all__ = ["kl_loss"]

#: What a message about p may advise here. Lists and integers are fine as arguments, so a remedy
#: must take them too.
_ADVICE = checks.Advice(
    normalize="pass jnp.asarray({name}) / jnp.asarray({name}).sum({axis}, keepdims=True)",
    logits="pass jax.nn.softmax(jnp.asarray({name}), axis={axis})",
    yes="pass jnp.stack([1 - jnp.asarray({name}), jnp.asarray({name})], axis=-1)",
    column="pass jnp.concatenate([1 - jnp.asarray({name}), jnp.asarray({name})], axis={axis})",
)


def kl_loss(
    p: Any,
    logits: Any,
    *,
    axis: int = -1,
    weights: Any = None,
    reduction: str = "none",
    validate: bool = False,
) -> jax.Array:
    """KL(p‖softmax(logits)) in nats, one value for each row.

    Parameters
    ----------
    p
        Target distributions, shape (..., categories). May require a gradient too.
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
        and that no weight is negative. It reads values: for calls outside `jax.jit`.

    Returns
    -------
    array
        Nats, shape (...), or a scalar if reduced. float64 for float64 logits, which JAX knows only
        with ``jax_enable_x64``; otherwise float32.

    Raises
    ------
    DistributionError
        If p and logits do not pair up; with `validate`, if a value is wrong.
    ValueError
        For a `reduction` of another name, or weights that do not fit.
    RuntimeError
        For ``validate=True`` inside a function that JAX transforms.

    Notes
    -----
    With the mean over samples, how hard a sample pulls does not depend on which others share its
    batch, so the batches of an epoch add up to the weighted sum over the data. The mean over
    weights is a weighted mean of KL, in nats, whatever the scale of the weights.

    `optax.losses.kl_divergence` takes log-probabilities first and the target second, does not
    normalise the first, and gives nan at p = 0 where the prediction is −inf. Its ``where`` is here
    a logit of −inf for a category, or a weight of 0 for a row.

    `axis`, `reduction` and `validate` are fixed when a function is compiled: close over them.

    For distillation at temperature T, pass ``logits / T`` and multiply by T².

    References
    ----------
    Kullback and Leibler, "On Information and Sufficiency", 1951.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> from kl_lib.losses.jax import kl_loss
    >>> p = jnp.full((1, 4), 0.25)
    >>> def loss(logits):
    ...     return kl_loss(p, logits, reduction="mean_over_samples")
    >>> value, slope = jax.value_and_grad(loss)(jnp.array([[0.0, 1.0, 200.0, -200.0]]))
    >>> print(f"{value:.3f}", slope)
    198.364 [[-0.25 -0.25  0.75 -0.25]]

    A masked category:

    >>> print(kl_loss([0.5, 0.5, 0.0], [3.0, 3.0, float("-inf")]))
    0.0
    """
    _formula.check_reduction(reduction)
    p, logits, weights = _formula.align(p, logits, weights, axis)
    p, logits = jnp.asarray(p), jnp.asarray(logits)
    axis = _formula.check_shapes(p.shape, logits.shape, axis)
    if validate:
        _formula.check_values(_value(p), _value(logits), _value(weights), axis=axis, advice=_ADVICE)
    dtype = "float64" if logits.dtype == jnp.float64 else "float32"
    values = _formula.kl_of_each_row(
        jnp,
        p.astype(dtype),
        logits.astype(dtype),
        axis=axis,
        dtype=dtype,
        # With `initial`, an empty batch has a maximum too.
        largest=lambda z: jnp.max(z, axis=axis, keepdims=True, initial=-math.inf),
        stop=jax.lax.stop_gradient,
    )
    if weights is not None:
        weights = jnp.asarray(weights).astype(dtype)
        _formula.check_weights_shape(weights.shape, values.shape)
    return _formula.reduced(jnp, values, weights, reduction)


def _value(array: Any) -> Any:
    """The values of an array, or an error that says why it has none."""
    if isinstance(array, jax.core.Tracer):
        raise RuntimeError(
            "validate=True reads values, and a function that JAX transforms has none yet: check "
            "the data before training, kl_loss(p, logits, validate=True)"
        )
    return array
