"""Keras 3, on any backend: p first, both arguments clipped to [1e-7, 1].

`keras.losses.kl_divergence(y_true, y_pred)` sums over the last axis; the class
`keras.losses.KLDivergence()` then averages over the batch. There is no ``from_logits``. The clip
makes KL finite where it is infinite, and switches the gradient off where q is below 1e-7.
`keras.losses.kullback_leibler_divergence`, the name of Keras 2, is gone.
Measured with keras 3.15.1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _shared

CALLS = ("kl_divergence", "KLDivergence")
GRADIENT_CALLS = ("kl_divergence", "categorical_crossentropy")


def available() -> bool:
    """True if Keras and the backend it is set to are installed; imports neither."""
    return _shared.installed("keras", _configured_backend())


def _configured_backend() -> str:
    """The backend Keras will choose, by its own rules: variable, then file, then TensorFlow."""
    if "KERAS_BACKEND" in os.environ:
        return os.environ["KERAS_BACKEND"]
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        return json.loads((home / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError):
        return "tensorflow"


def load() -> ModuleType:
    """The module `keras` on the backend that its configuration names, TensorFlow by default."""
    return _shared.load(
        "keras",
        adapter="keras",
        needs="keras and tensorflow (or the backend that KERAS_BACKEND names)",
        install='"kl-lib[keras]"',
    )


def version() -> str:
    """The library, its version and its backend, such as ``keras 3.15.1 on tensorflow 2.21.0``."""
    keras = load()
    backend = keras.backend.backend()
    return f"keras {keras.__version__} on {backend} {import_module(backend).__version__}"


def kl_divergence(p: ArrayLike, q: ArrayLike) -> Any:
    """KL(p‖q) in nats by ``keras.losses.kl_divergence(p, q)``, right where nothing is clipped.

    Right if all of p and q lies in [1e-7, 1]. Elsewhere this is what Keras gives, not KL: each p
    and q below 1e-7 counts as 1e-7. So the result is never infinite (for a one-hot p it stops at
    −log 1e-7 = 16.118), and p = 0 adds 1e-7·log(1e-7/q), a small negative number, instead of 0.

    Parameters
    ----------
    p, q
        Distributions, shape (..., categories); one may be set against a batch.

    Returns
    -------
    float or array
        Nats, shape (...). Computed in float64 on the TensorFlow and PyTorch backends, in float32
        on the JAX (unless ``jax_enable_x64`` is set) and NumPy backends.

    Raises
    ------
    DistributionError
        If p or q is not a distribution (Keras itself would clip it).
    ImportError
        If Keras or its backend is not installed.

    Examples
    --------
    >>> from kl_lib.frameworks import keras
    >>> print(keras.kl_divergence([0.5, 0.5], [0.25, 0.75]).round(6))
    0.143841

    The exact value is infinite; Keras counts q = 0 as 1e-7:

    >>> print(keras.kl_divergence([0.5, 0.5], [0, 1]).round(4))
    7.3659
    """
    keras = load()
    p, q = _shared.rows(p, q)
    return _shared.result(_numpy(keras.losses.kl_divergence(p, q)))


def raw(y_true: ArrayLike, y_pred: ArrayLike, *, call: str = "kl_divergence") -> Any:
    """Keras' own call, in Keras' order: the target (p) first, the prediction (q) second.

    Parameters
    ----------
    y_true, y_pred
        Passed on as they are.
    call
        ``"kl_divergence"``, the function, one value for each row; or ``"KLDivergence"``, the loss
        class, which averages over the batch and computes in float32.

    Examples
    --------
    >>> from kl_lib.frameworks import keras
    >>> import numpy as np
    >>> print(keras.raw(np.array([2.0, 5, 2, 1]), np.array([3.0, 4, 1, 2])))
    0.0
    """
    _shared.check_call(call, CALLS)
    keras = load()
    function = (
        keras.losses.kl_divergence if call == "kl_divergence" else keras.losses.KLDivergence()
    )
    return _numpy(function(y_true, y_pred))[()]


def gradient(p: ArrayLike, logits: ArrayLike, *, call: str = "kl_divergence") -> Any:
    """Gradient of Keras' loss with respect to logits, by the backend's differentiation.

    It should be softmax(logits) − p. Of KL it is dead wherever softmax(logits) falls below 1e-7,
    because Keras clips there. `categorical_crossentropy` differs from KL by the entropy of p alone,
    so it has the gradient that KL should have, and from logits it is exact.

    Parameters
    ----------
    p
        Distributions, shape (..., categories).
    logits
        Shape (..., categories).
    call
        ``"kl_divergence"`` of softmax(logits), or ``"categorical_crossentropy"`` with
        ``from_logits=True``.

    Returns
    -------
    array
        One gradient for each row, of the broadcast shape; dtype as in `kl_divergence`.

    Raises
    ------
    DistributionError
        If p is not a distribution or logits holds nan or +inf.
    NotImplementedError
        On a backend without differentiation (NumPy, OpenVINO).

    Examples
    --------
    >>> from kl_lib.frameworks import keras
    >>> p, logits = [0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 200.0, -200.0]
    >>> bool(abs(keras.gradient(p, logits)).max() < 1e-80)
    True
    >>> print(keras.gradient(p, logits, call="categorical_crossentropy").round(6))
    [-0.25 -0.25  0.75 -0.25]
    """
    _shared.check_call(call, GRADIENT_CALLS)
    keras = load()
    p, logits = _shared.rows_and_logits(p, logits)

    def loss(z: Any) -> Any:
        if call == "kl_divergence":
            rows = keras.losses.kl_divergence(p, keras.ops.softmax(z))
        else:
            rows = keras.losses.categorical_crossentropy(p, z, from_logits=True)
        # The sum over the batch, so that each row keeps its own gradient.
        return keras.ops.sum(rows)

    return _shared.result(_numpy(_differentiate(keras.backend.backend(), loss, logits)))


def _differentiate(backend: str, loss: Callable[[Any], Any], at: Any) -> Any:
    """d loss / d at: the one thing Keras leaves to its backends."""
    if backend == "tensorflow":
        tensorflow = import_module("tensorflow")
        z = tensorflow.convert_to_tensor(at)
        with tensorflow.GradientTape() as tape:
            tape.watch(z)
            value = loss(z)
        return tape.gradient(value, z)
    if backend == "jax":
        return import_module("jax").grad(loss)(at)
    if backend == "torch":
        z = import_module("torch").tensor(at, requires_grad=True)
        loss(z).backward()
        return z.grad
    raise NotImplementedError(
        f"the {backend} backend of Keras does not differentiate; set KERAS_BACKEND to tensorflow, "
        "jax or torch before Keras is imported"
    )


def _numpy(tensor: Any) -> Any:
    return np.asarray(load().ops.convert_to_numpy(tensor))
