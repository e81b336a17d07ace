"""Tensors that a gradient is to pass through: what is read of them here does not pass it on."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from .errors import GradientWarning

#: NumPy reads lists of their tensors as it reads lists of numbers. PyTorch's it refuses, so that
#: they come here one by one.
_READ_IN_LISTS = {"tensorflow", "mxnet"}


def warn_if_lost(value: Any, name: str) -> None:
    """Say so where the framework of a tensor would have kept a gradient that is lost here.

    PyTorch, TensorFlow and MXNet; JAX has no numbers to read then. A framework that has not been
    imported has made no tensor.
    """
    if isinstance(value, (list, tuple)) and sys.modules.keys() & _READ_IN_LISTS:
        value = next((part for part in value if _library(part) in _READ_IN_LISTS), value)
    library = _library(value)
    if library == "tensorflow":
        lost = _recorded_by_tensorflow(value)
        stop, keeps = "tf.stop_gradient({})", "kl_lib.losses.keras.kl_loss"
    elif library == "mxnet":
        lost = sys.modules["mxnet"].autograd.is_recording()
        stop, keeps = "{} under mx.autograd.pause()", "mx.gluon.loss.KLDivLoss"
    elif getattr(value, "requires_grad", False) is True:
        lost = sys.modules["torch"].is_grad_enabled()
        stop, keeps = "{}.detach()", "kl_lib.losses.torch.kl_loss"
        keeps += " (of parameters, torch.distributions.kl_divergence)"
    else:
        return
    if lost:
        warnings.warn(
            f"a gradient is to pass through {name}, and the result of kl_lib is a plain number "
            f"without one; pass {stop.format(name)} if none is wanted, or keep it with {keeps}",
            GradientWarning,
            stacklevel=_caller(),
        )


def _library(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def _recorded_by_tensorflow(value: Any) -> bool:
    """Whether a GradientTape watches the tensor or the variable."""
    record = sys.modules.get("tensorflow.python.eager.record")
    watched = getattr(record, "should_record_backprop", None)
    return watched is not None and bool(watched([getattr(value, "handle", value)]))


def _caller() -> int:
    """The stack level, as `warn_if_lost` counts, of the line outside of kl_lib that called it."""
    level, frame = 2, sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("kl_lib"):
        level, frame = level + 1, frame.f_back
    return level
