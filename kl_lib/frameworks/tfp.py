"""TensorFlow Probability: p first; Categorical is exact, OneHotCategorical gives nan where p = 0.

Both normalise what they are given without saying so, and OneHotCategorical reads a NumPy array of
float64 as float32. TFP 0.25 needs the package `tf_keras`
(Keras 2) beside TensorFlow, whatever Keras is installed: without it the import fails. Keras 3,
tf_keras and TFP live in one process in any import order, and ``TF_USE_LEGACY_KERAS`` changes
nothing for distributions: their tensors are TensorFlow's, so a Keras 3 model on the TensorFlow
backend can train on ``tfd.kl_divergence``. What does not work is a **layer** of TFP
(`tfp.layers`) in a Keras 3 model: it is a tf_keras layer, and Keras 3 refuses it.
Measured with tensorflow-probability 0.25, tf-keras 2.21, keras 3.15.1.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from numpy.typing import ArrayLike

from . import _shared

CALLS = ("Categorical", "OneHotCategorical")


def available() -> bool:
    """True if TFP and the TensorFlow and tf_keras it needs are installed; imports none."""
    return _shared.installed("tensorflow", "tensorflow_probability", "tf_keras")


def load() -> ModuleType:
    """The module `tensorflow_probability`, or an ImportError that names the extra."""
    names = {
        "adapter": "tfp",
        "needs": "tensorflow, tensorflow-probability and tf-keras",
        "install": '"kl-lib[tfp]"',
    }
    _shared.load("tensorflow", **names)
    _shared.load("tf_keras", **names)  # TFP prints a screenful before it fails without it
    return _shared.load("tensorflow_probability", **names)


def version() -> str:
    """The library and its version, such as ``tensorflow-probability 0.25.0``."""
    return f"tensorflow-probability {load().__version__}"


def kl_divergence(p: ArrayLike, q: ArrayLike) -> Any:
    """KL(p‖q) in nats by ``tfd.kl_divergence(tfd.Categorical(probs=p), tfd.Categorical(probs=q))``.

    Right everywhere, zeros included.

    Parameters
    ----------
    p, q
        Distributions, shape (..., categories); one may be set against a batch.

    Returns
    -------
    float or array
        Nats, float64, shape (...).

    Raises
    ------
    DistributionError
        If p or q is not a distribution (TFP itself would normalise it).
    ImportError
        If TFP, TensorFlow or tf_keras is not installed.

    Examples
    --------
    >>> from kl_lib.frameworks import tfp
    >>> tfp.kl_divergence([[0.5, 0.5], [1, 0]], [0.25, 0.75]).round(6)
    array([0.143841, 1.386294])
    """
    distributions = load().distributions
    p, q = _shared.rows(p, q)
    return _shared.result(
        distributions.kl_divergence(
            distributions.Categorical(probs=p), distributions.Categorical(probs=q)
        ).numpy()
    )


def raw(p: ArrayLike, q: ArrayLike, *, call: str = "Categorical", **kwargs: Any) -> Any:
    """TFP's own call: ``tfd.kl_divergence(call(probs=p), call(probs=q))``, nothing checked.

    Parameters
    ----------
    p, q
        Passed on as they are; TFP normalises them.
    call
        ``"Categorical"`` or ``"OneHotCategorical"``.
    **kwargs
        For both distributions: ``validate_args=True`` makes TFP refuse what does not sum to 1.

    Examples
    --------
    >>> from kl_lib.frameworks import tfp
    >>> import numpy as np
    >>> p, q = np.array([0, 0.5, 0.3, 0.2]), np.array([0.3, 0.4, 0.1, 0.2])
    >>> print(tfp.raw(p, q).round(6), tfp.raw(p, q, call="OneHotCategorical"))
    0.441155 nan
    """
    _shared.check_call(call, CALLS)
    distributions = load().distributions
    family = getattr(distributions, call)
    value = distributions.kl_divergence(family(probs=p, **kwargs), family(probs=q, **kwargs))
    return value.numpy()


def gradient(p: ArrayLike, logits: ArrayLike, *, call: str = "Categorical") -> Any:
    """Gradient of KL(p‖softmax(logits)) with respect to the logits, by TensorFlow.

    Exact with ``call="Categorical"``, which takes logits and never forms their softmax.

    Parameters
    ----------
    p
        Distributions, shape (..., categories).
    logits
        Shape (..., categories).
    call
        ``"Categorical"`` or ``"OneHotCategorical"``.

    Returns
    -------
    array
        One gradient for each row, float64, of the broadcast shape.

    Examples
    --------
    >>> from kl_lib.frameworks import tfp
    >>> print(tfp.gradient([0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 200.0, -200.0]).round(6))
    [-0.25 -0.25  0.75 -0.25]
    """
    _shared.check_call(call, CALLS)
    distributions = load().distributions
    tensorflow = _shared.load("tensorflow", adapter="tfp", needs="tensorflow", install="tensorflow")
    family = getattr(distributions, call)
    probs, values = _shared.rows_and_logits(p, logits)
    # Tensors, not arrays: OneHotCategorical reads a float64 array as float32.
    probs, z = tensorflow.convert_to_tensor(probs), tensorflow.convert_to_tensor(values)
    with tensorflow.GradientTape() as tape:
        tape.watch(z)
        value = distributions.kl_divergence(family(probs=probs), family(logits=z))
    return _shared.result(tape.gradient(value, z).numpy())
