"""What is watched: the KL calls of each library, and how each reads its arguments.

To watch another function, add its line to `TARGETS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kl_lib import labels

from .judging.arguments import Axes
from .judging.asked import Asked, Call, Given
from .observing.fetching import Unseen


@dataclass(frozen=True)
class Target:
    """A function of a library.

    Parameters
    ----------
    module, name
        Where it is defined; the name may be that of a method, with its class.
    call
        The name that people import it by.
    read
        From its arguments by name to what was asked; None for what is no KL.
    """

    module: str
    name: str
    call: str
    read: Callable[[Given], Call | None]


def _torch_kl_div(given: Given) -> Call:
    reduction, old = given["reduction"], [given["size_average"], given["reduce"]]
    if old != [None, None]:  # as PyTorch reads them
        average, reduces = (x is None or x for x in old)
        reduction = "none" if not reduces else "mean" if average else "sum"
    names = ("size_average", "reduce")
    asked = Asked(
        "torch.nn.functional.kl_div",
        "target",
        "input",
        p_holds="logarithms" if given["log_target"] else "probabilities",
        q_holds="logarithms",
        divides_by={"mean": "elements", "batchmean": "axis 0"}.get(reduction),  # type: ignore[arg-type]
        entries=reduction == "none",
        deprecated=tuple(x for x, value in zip(names, old, strict=True) if value is not None),
    )
    return Call(asked, given["target"], given["input"])


def _keras(call: str) -> Callable[[Given], Call]:
    def read(given: Given) -> Call:
        owner = sys.modules[call.partition(".")[0]]
        asked = Asked(call, "y_true", "y_pred", axes=(-1,), clip=owner.backend.epsilon())
        return Call(asked, given["y_true"], given["y_pred"])

    return read


def _pair(call: str, p: str, q: str) -> Callable[[Given], Call]:
    def read(given: Given) -> Call:
        return Call(Asked(call, p, q), given[p], given[q], distributions=True)

    return read


def _scipy(call: str, p: str, q: str) -> Callable[[Given], Call | None]:
    """Of a function that divides by sums and sums over an axis, which is 0 unless it says."""

    def read(given: Given) -> Call | None:
        named = {**dict(zip((p, q, "base", "axis"), given.get("*", ()), strict=False)), **given}
        a, b, axis = named.get(p), named.get(q), named.get("axis", 0)
        if b is None:
            return None  # the entropy of one
        axes = _from_the_end(axis, max(map(_ndim, (a, b))))
        return Call(Asked(call, p, q, axes=axes, normalizes=True, left_axis=axis == 0), a, b)

    return read


def _ndim(value: Any) -> int:
    return len(value.shape if hasattr(value, "shape") else np.shape(value))


def _from_the_end(axis: Any, ndim: int) -> Axes | None:
    """The one axis that a call sums over; None where it is several, or all."""
    if not isinstance(axis, int):
        return None
    return (axis - ndim if axis >= 0 else axis,)


def _entries(call: str) -> Callable[[Given], Call]:
    def read(given: Given) -> Call:
        p, q = given.get("*", ()) or (given["p"], given["q"])  # a function under SCIPY_ARRAY_API
        return Call(Asked(call, "x", "y", masses=True, entries=True), p, q)

    return read


def _gluon(given: Given) -> Call:
    loss, (pred, label, *_) = given["self"], given["*"]
    ndim, batch = len(pred.shape), loss._batch_axis
    asked = Asked(
        "mxnet.gluon.loss.KLDivLoss",
        "label",
        "pred",
        q_holds="logarithms" if loss._from_logits else "logits",
        axes=None if loss._from_logits else _from_the_end(loss._axis, ndim),
        divides_by="batch",
        batch_axis=batch - ndim if batch >= 0 else batch,
    )
    return Call(asked, label, pred)


def _optax(given: Given) -> Call:
    p, q = given["targets"], given["log_predictions"]
    axes = _from_the_end(given["axis"], _ndim(q))
    asked = Asked("optax.kl_divergence", "targets", "log_predictions", "probabilities",
                  "logarithms", axes=axes)  # fmt: skip
    return Call(asked, p, q)


def _own(call: str) -> Callable[[Given], Call]:
    """Of kl_lib's losses, which read no values unless they are asked to."""

    def read(given: Given) -> Call:
        p, q = given["p"], given["logits"]
        if any(labels.of(x) is not None for x in (p, q)):
            raise Unseen("of values with labels, which it puts in one order", "pass arrays")
        axes = _from_the_end(given["axis"], _ndim(q))
        asked = Asked(call, "p", "logits", q_holds="logits", axes=axes, checks_shapes=True)
        return Call(asked, p, q)

    return read


TFP = "tensorflow_probability.python.distributions.kullback_leibler"
TARGETS = [
    Target("torch.nn.functional", "kl_div", "torch.nn.functional.kl_div", _torch_kl_div),
    Target("torch.distributions.kl", "kl_divergence", "torch.distributions.kl_divergence",
           _pair("torch.distributions.kl_divergence", "p", "q")),
    Target("keras.src.losses.losses", "kl_divergence", "keras.losses.kl_divergence",
           _keras("keras.losses.kl_divergence")),
    Target("tf_keras.src.losses", "kl_divergence", "tf_keras.losses.kl_divergence",
           _keras("tf_keras.losses.kl_divergence")),
    Target(TFP, "kl_divergence", "tfp.distributions.kl_divergence",
           _pair("tfp.distributions.kl_divergence", "distribution_a", "distribution_b")),
    Target("scipy.stats._entropy", "entropy", "scipy.stats.entropy",
           _scipy("scipy.stats.entropy", "pk", "qk")),
    Target("scipy.spatial.distance", "jensenshannon", "scipy.spatial.distance.jensenshannon",
           _scipy("scipy.spatial.distance.jensenshannon", "p", "q")),
    Target("scipy.special", "rel_entr", "scipy.special.rel_entr",
           _entries("scipy.special.rel_entr")),
    Target("scipy.special", "kl_div", "scipy.special.kl_div",
           _entries("scipy.special.kl_div")),
    Target("mxnet.gluon.loss", "KLDivLoss.__call__", "mxnet.gluon.loss.KLDivLoss", _gluon),
    Target("optax.losses._classification", "kl_divergence", "optax.kl_divergence", _optax),
    *(Target(f"kl_lib.losses.{library}", "kl_loss", f"kl_lib.losses.{library}.kl_loss",
             _own(f"kl_lib.losses.{library}.kl_loss")) for library in ("keras", "torch", "jax")),
]  # fmt: skip
