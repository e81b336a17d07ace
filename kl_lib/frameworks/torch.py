"""PyTorch: the prediction first, as log-probabilities, and a default that is not KL.

`torch.nn.functional.kl_div(input, target)` takes **log q first and p second**. Its default
``reduction="mean"`` divides by the number of all elements and warns about it; ``"batchmean"``
divides by the length of the first axis, which is the batch only if there is one. Exact at p = 0
unless q is 0 too, then nan. `torch.distributions.kl_divergence` of two Categoricals takes p first,
normalises without saying so, and keeps q at 0 exact. What is above 0 and below 2.2e-16 (in float32
1.2e-7) has the logarithm of that number: q at 1e-20 beside p at 0.5 costs 5 nats.
Measured with torch 2.13.0 on the CPU.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _shared

CALLS = ("kl_div", "Categorical")


def available() -> bool:
    """True if PyTorch is installed; does not import it."""
    return _shared.installed("torch")


def load() -> ModuleType:
    """The module `torch`, or an ImportError that says how to install it."""
    return _shared.load("torch", adapter="torch", needs="torch", install="torch")


def version() -> str:
    """The library and its version, such as ``torch 2.13.0``."""
    return f"torch {load().__version__}"


def kl_divergence(p: ArrayLike, q: ArrayLike) -> Any:
    """KL(p‖q) in nats by ``F.kl_div(log q, p, reduction="none").sum(-1)``, in float64.

    Right everywhere. Where p = 0, log q is replaced by 0: PyTorch would multiply 0 by −inf if q is
    0 too.

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
        If p or q is not a distribution (PyTorch itself would take anything).
    ImportError
        If PyTorch is not installed.

    Examples
    --------
    >>> from kl_lib.frameworks import torch
    >>> torch.kl_divergence([[0.5, 0.5], [1, 0]], [0.25, 0.75]).round(6)
    array([0.143841, 1.386294])
    """
    torch = load()
    p, q = _shared.rows(p, q)
    log_q = np.where(p > 0, _shared.log(q), 0.0)
    terms = torch.nn.functional.kl_div(
        torch.from_numpy(log_q), torch.from_numpy(p), reduction="none"
    )
    return _shared.result(terms.sum(-1).numpy())


def raw(first: ArrayLike, second: ArrayLike, *, call: str = "kl_div", **kwargs: Any) -> Any:
    """PyTorch's own call, in its own order, nothing checked that PyTorch does not check.

    Parameters
    ----------
    first, second
        For ``"kl_div"``: log q, then p. For ``"Categorical"``: p, then q.
    call
        ``"kl_div"`` from `torch.nn.functional`, with PyTorch's default ``reduction="mean"``; or
        ``"Categorical"``, `torch.distributions.kl_divergence` of two of them.
    **kwargs
        For ``"kl_div"``: ``reduction``, ``log_target``. For ``"Categorical"``: ``validate_args``.

    Examples
    --------
    >>> from kl_lib.frameworks import torch
    >>> import numpy as np
    >>> p, q = np.array([[0.2, 0.5, 0.2, 0.1]]), np.array([[0.3, 0.4, 0.1, 0.2]])
    >>> print(torch.raw(np.log(q), p, reduction="batchmean").round(6))
    0.099793
    >>> print(torch.raw(np.log(q), p, reduction="mean").round(6))
    0.024948
    """
    _shared.check_call(call, CALLS)
    torch = load()
    one, two = torch.as_tensor(np.asarray(first)), torch.as_tensor(np.asarray(second))
    if call == "kl_div":
        return torch.nn.functional.kl_div(one, two, **kwargs).numpy()[()]
    family = torch.distributions.Categorical
    return torch.distributions.kl_divergence(
        family(probs=one, **kwargs), family(probs=two, **kwargs)
    ).numpy()[()]


def gradient(p: ArrayLike, logits: ArrayLike) -> Any:
    """Gradient of KL(p‖softmax(logits)) with respect to the logits, by PyTorch.

    Exact: ``F.kl_div(F.log_softmax(logits, -1), p, reduction="sum")`` never forms the softmax.

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
    >>> from kl_lib.frameworks import torch
    >>> print(torch.gradient([0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 200.0, -200.0]).round(6))
    [-0.25 -0.25  0.75 -0.25]
    """
    torch = load()
    functional = torch.nn.functional
    p, logits = _shared.rows_and_logits(p, logits)
    z = torch.tensor(logits, requires_grad=True)
    log_q = functional.log_softmax(z, dim=-1)
    functional.kl_div(log_q, torch.from_numpy(p), reduction="sum").backward()
    return _shared.result(z.grad.numpy())
