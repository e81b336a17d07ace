"""The functions and objects that compute a KL divergence, and how each takes its arguments.

`CALLS` and `MAKERS` say for each name which family it is of and what its parameters are called.
The families are

``torch``       ``kl_div(input, target)``: log q first, p (or log p with `log_target`) second
``optax``       ``kl_divergence(log_predictions, targets)``: the same order
``gluon``       ``KLDivLoss()(pred, label)``: the same order
``keras``       ``kl_divergence(y_true, y_pred)``: probabilities, p first
``scipy``       ``entropy``, ``rel_entr``, ``kl_div``, ``jensenshannon``: probabilities, p first
``dist``        ``kl_divergence(p, q)`` of distribution objects
``hand``        ``p * log(p / q)`` written out; found by `sites.by_hand`
``vae``         ``1 + log σ² − μ² − σ²`` written out; found by `sites.gaussian`
"""

from __future__ import annotations

from .arguments import Bound, constant

#: The families whose functions take the approximation first, as a logarithm.
LOGS_FIRST = ("torch", "optax", "gluon")
#: The families that compare two arrays category by category.
BY_CATEGORY = ("hand", "psi", "scipy", "torch", "keras")
_TORCH = ("input", "target", "size_average", "reduce", "reduction", "log_target")
CALLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "torch.nn.functional.kl_div": ("torch", _TORCH),
    "torch.kl_div": ("torch", ("input", "target", "reduction", "log_target")),
    "torch.distributions.kl_divergence": ("dist", ("p", "q")),
    "tensorflow_probability.distributions.kl_divergence": ("dist", ("p", "q")),
    "tensorflow_probability.kl_divergence": ("dist", ("p", "q")),
    "keras.losses.kl_divergence": ("keras", ("y_true", "y_pred")),
    "keras.losses.kullback_leibler_divergence": ("keras", ("y_true", "y_pred")),
    "keras.losses.kld": ("keras", ("y_true", "y_pred")),
    "keras.losses.KLD": ("keras", ("y_true", "y_pred")),
    "scipy.stats.entropy": ("scipy", ("pk", "qk", "base", "axis")),
    "scipy.special.rel_entr": ("scipy", ("x", "y")),
    "scipy.special.kl_div": ("scipy", ("x", "y")),
    "scipy.spatial.distance.jensenshannon": ("scipy", ("p", "q", "base", "axis")),
    "optax.kl_divergence": ("optax", ("log_predictions", "targets", "axis", "where")),
    "optax.convex_kl_divergence": ("optax", ("log_predictions", "targets", "axis", "where")),
    "optax.kl_divergence_with_log_targets": (
        "optax",
        ("log_predictions", "log_targets", "axis", "where"),
    ),
    "torchmetrics.functional.kl_divergence": ("metric", ("p", "q", "log_prob", "reduction")),
    "torchmetrics.functional.regression.kl_divergence": (
        "metric",
        ("p", "q", "log_prob", "reduction"),
    ),
}
MAKERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "torch.nn.KLDivLoss": ("torch", ("size_average", "reduce", "reduction", "log_target")),
    "keras.losses.KLDivergence": ("keras", ("reduction", "name", "dtype")),
    "keras.losses.KullbackLeiblerDivergence": ("keras", ("reduction", "name", "dtype")),
    "mxnet.gluon.loss.KLDivLoss": ("gluon", ("from_logits", "axis", "weight", "batch_axis")),
}
#: Strings by which Keras finds the loss in `compile`.
KERAS_STRINGS = frozenset(
    [
        "kl_divergence",
        "KLDivergence",
        "kld",
        "KLD",
        "kullback_leibler_divergence",
        "KullbackLeiblerDivergence",
    ]
)


def torch_reduction(bound: Bound) -> tuple[str | None, bool]:
    """The reduction of a PyTorch loss, None if not known, and whether its source chooses one.

    `size_average` and `reduce`, deprecated, come before `reduction`.
    """
    size_average = constant(bound, "size_average", None)
    reduce = constant(bound, "reduce", None)
    if ... in (size_average, reduce):
        return None, True
    if size_average is not None or reduce is not None:
        averaged = True if size_average is None else bool(size_average)
        reduced = True if reduce is None else bool(reduce)
        if not reduced:
            return "none", True
        chosen = size_average is not None
        return ("mean" if averaged else "sum"), chosen
    reduction = constant(bound, "reduction", "mean")
    if reduction is ...:
        return None, True
    return (reduction if isinstance(reduction, str) else None), "reduction" in bound.values


def torch_log_target(bound: Bound) -> bool | None:
    """`log_target`, None if not known."""
    value = constant(bound, "log_target", False)
    return None if value is ... else bool(value)
