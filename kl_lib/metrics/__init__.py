"""The mean of KL(p‖q) over data that comes in batches: what to report, not what to train on.

``kl_lib.metrics.keras`` holds `KLDivergence` for `model.compile`, ``kl_lib.metrics.torch`` one with
``update``, ``compute`` and ``reset``, as users of torchmetrics know them; it needs PyTorch alone.
Both take **p first**, then the prediction, as `kl_lib.losses` do, and compute each row as they do:
exact, not clipped, inf where p > 0 meets q = 0. What the prediction is must be said:
``from_logits=True`` for logits or log-probabilities, ``from_logits=False`` for probabilities.

Both hold two sums, of w·KL over all rows so far and of their weights w, and the result is the first
divided by the second: the mean over the rows, however they were cut into batches. (The mean of the
means of batches counts the rows of a short last batch for more.) The sums are in float64, where the
framework has it, so that a million small batches cost no digits. A weight of 0 leaves a row out,
also one whose KL is inf. The mean over no rows is nan.

Neither framework is imported before its module is used:
``from kl_lib.metrics.torch import KLDivergence``.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """Load ``metrics.keras`` or ``metrics.torch`` when it is asked for."""
    if name in ("keras", "torch"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
