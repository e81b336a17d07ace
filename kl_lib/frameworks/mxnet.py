"""MXNet 1.9.1: the prediction first, as log-probabilities; the only place that mends its import.

`mxnet.gluon.loss.KLDivLoss()(pred, label)` takes **log q first and p second**. Its
``from_logits=True``, the default, means "pred holds log-probabilities"; ``from_logits=False`` takes
logits. It sums over all axes but the first (up to MXNet 1.8 it averaged, and the docstring of 1.9.1
still says so), adds 1e-12 to p inside the logarithm, and gives nan where p and q are both 0.

The project is retired. Its last release reads `numpy.bool`, which NumPy removed in 1.24, and needs
NumPy below 2; on Python 3.12 it also imports `distutils`, which setuptools provides.
"""

from __future__ import annotations

import platform
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _shared

CALLS = ("KLDivLoss",)

#: What MXNet 1.9.1 was published for.
WHEELS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64")}


@contextmanager
def numpy_aliases() -> Iterator[None]:
    """Put `numpy.bool` back for the length of a ``with`` block.

    MXNet needs it while it is imported (`load` sees to that). Afterwards `mxnet.nd`, `gluon` and
    `autograd` work without it; only `mxnet.np` reads it again, to assign through a boolean mask for
    example: put such code into a block of its own.

    Examples
    --------
    >>> import numpy as np
    >>> before = "bool" in vars(np)
    >>> with numpy_aliases():
    ...     assert "bool" in vars(np)
    >>> ("bool" in vars(np)) == before
    True
    """
    # vars(), not hasattr(): asking numpy 1.26 for the attribute raises a FutureWarning.
    missing = "bool" not in vars(np)
    if missing:
        vars(np)["bool"] = bool
    try:
        yield
    finally:
        if missing:
            del vars(np)["bool"]


def available() -> bool:
    """True if MXNet and a NumPy it can live with are installed; does not import MXNet."""
    return _shared.installed("mxnet") and _numpy_is_old_enough()


def _numpy_is_old_enough() -> bool:
    return int(np.__version__.split(".")[0]) < 2


def load() -> ModuleType:
    """The module `mxnet`, imported with the aliases it needs; NumPy is left as it was.

    Raises
    ------
    ImportError
        In one line: no wheel for this machine, NumPy 2, or not installed.
    """
    if "mxnet" in sys.modules and sys.modules["mxnet"] is not None:
        return sys.modules["mxnet"]
    here = (platform.system(), platform.machine())
    if not _shared.installed("mxnet") and here not in WHEELS:
        raise ImportError(
            f"kl_lib.frameworks.mxnet cannot run here: mxnet 1.9.1, the last release, has no wheel "
            f"for {' '.join(here)}"
        )
    if not _numpy_is_old_enough():
        raise ImportError(
            f"kl_lib.frameworks.mxnet needs numpy < 2, and numpy {np.__version__} is installed: "
            'pip install "kl-lib[mxnet]"'
        )
    if find_spec("distutils") is None and find_spec("setuptools") is not None:
        _shared.load("setuptools", adapter="mxnet", needs="setuptools", install='"kl-lib[mxnet]"')
    with numpy_aliases(), warnings.catch_warnings():
        # NumPy's financial functions, and distutils' version classes: said to MXNet, not to you.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"mxnet\.")
        return _shared.load("mxnet", adapter="mxnet", needs="mxnet", install='"kl-lib[mxnet]"')


def version() -> str:
    """The library and its version, such as ``mxnet 1.9.1``."""
    return f"mxnet {load().__version__}"


def kl_divergence(p: ArrayLike, q: ArrayLike) -> Any:
    """KL(p‖q) in nats by ``KLDivLoss()(log q, p)``, in float64.

    Right to about K·1e-12 nats, for K categories with p > 0: what the 1e-12 inside MXNet's
    logarithm adds. Where p = 0, log q is replaced by 0: MXNet would multiply 0 by −inf if q is 0
    too.

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
        If p or q is not a distribution (MXNet itself would take anything).
    ImportError
        If MXNet is not installed or cannot be here.

    Examples
    --------
    >>> from kl_lib.frameworks import mxnet
    >>> mxnet.kl_divergence([[0.5, 0.5], [1, 0]], [0.25, 0.75]).round(6)
    array([0.143841, 1.386294])
    """
    load()
    p, q = _shared.rows(p, q)
    categories = p.shape[-1]
    log_q = np.where(p > 0, _shared.log(q), 0.0)
    # Two axes, because the loss sums over all but the first: a vector would not be summed at all.
    value = raw(log_q.reshape(-1, categories), p.reshape(-1, categories), dtype="float64")
    return _shared.result(value.reshape(p.shape[:-1]))


def raw(
    pred: ArrayLike, label: ArrayLike, *, from_logits: bool = True, dtype: str | None = None
) -> Any:
    """MXNet's own call, in MXNet's order: ``KLDivLoss(from_logits)(pred, label)``.

    Parameters
    ----------
    pred
        log q if `from_logits` is True (MXNet's default), logits if it is False. The first axis is
        the batch: a vector counts as a batch of single categories.
    label
        The target p, as probabilities.
    from_logits
        MXNet's name for "pred holds log-probabilities".
    dtype
        None for MXNet's own choice, which is float32 for any NumPy array.

    Examples
    --------
    >>> from kl_lib.frameworks import mxnet
    >>> import numpy as np
    >>> p, q = np.array([[0.2, 0.5, 0.2, 0.1]]), np.array([[0.3, 0.4, 0.1, 0.2]])
    >>> print(mxnet.raw(np.log(q), p).round(6))
    [0.099793]
    """
    mx = load()
    loss = mx.gluon.loss.KLDivLoss(from_logits=from_logits)
    return loss(mx.nd.array(pred, dtype=dtype), mx.nd.array(label, dtype=dtype)).asnumpy()


def gradient(p: ArrayLike, logits: ArrayLike) -> Any:
    """Gradient of KL(p‖softmax(logits)) with respect to the logits, by MXNet's autograd.

    Exact: ``KLDivLoss(from_logits=False)`` takes the logits and never forms their softmax.

    Parameters
    ----------
    p
        Distributions, shape (..., categories).
    logits
        Shape (..., categories).

    Returns
    -------
    array
        One gradient for each row, float64, of the broadcast shape.

    Examples
    --------
    >>> from kl_lib.frameworks import mxnet
    >>> print(mxnet.gradient([0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 200.0, -200.0]).round(6))
    [-0.25 -0.25  0.75 -0.25]
    """
    mx = load()
    p, logits = _shared.rows_and_logits(p, logits)
    categories = p.shape[-1]
    z = mx.nd.array(logits.reshape(-1, categories), dtype="float64")
    label = mx.nd.array(p.reshape(-1, categories), dtype="float64")
    z.attach_grad()
    with mx.autograd.record():
        value = mx.gluon.loss.KLDivLoss(from_logits=False)(z, label)
    value.backward()
    return _shared.result(z.grad.asnumpy().reshape(p.shape))
