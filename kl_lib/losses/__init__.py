"""KL(p‖softmax(logits)) as a loss that trains: exact, and with a gradient that is always there.

``kl_lib.losses.keras`` (any backend of Keras 3), ``kl_lib.losses.torch`` and ``kl_lib.losses.jax``
hold the same function, ``kl_loss(p, logits)``; the first two also hold `KLFromLogits`, the same as
a Keras loss and as a PyTorch module. All take the target first and **logits** second, also where
the framework's own losses have the prediction first. Logits are the output of a last layer without
softmax. Log-probabilities are logits too; probabilities are not.

No framework is imported before its module is used:
``from kl_lib.losses.keras import KLFromLogits``.

What the loss is, for a row p whose entries sum to s and q = softmax(logits):

- Its value is s·KL(p/s‖q). For s = 1 that is KL(p‖q); a row of zeros costs nothing; a row of counts
  counts as s observations. Nothing is clipped, and rounding does not make it negative. It is exact
  to a few units in the last place, also where softmax rounds to 0 or 1; for KL far below 1 to
  about a unit divided by the root of KL (at KL = 1e-9 about 1e-3 in float32, 1e-12 in float64).
- 0·log 0 is 0. A logit of −inf masks its category: with p = 0 the category is out of the sum, with
  p > 0 the loss is inf. It is nan only for nan, for logits of +inf and for infinite p.
- Its gradient with respect to the logits is s·q − p, finite for logits of any size, even where the
  loss is inf; 0 where a category is masked and p is 0.
- Its gradient with respect to p is log(p/(s·q)). That is −inf at p = 0 and inf at q = 0; there the
  zero counts as the smallest normal number of the dtype (about 1e-38 in float32), so that the
  gradient is finite and points the right way, and where p and q are both 0 it is −log s, so 0.
- Higher derivatives follow from the same expression: the Hessian is s·(diag q − q·qᵀ).
- float16 and bfloat16 are computed, and returned, in float32; float64 logits in float64.

Entries of p below the smallest normal number of the dtype count as 0, since frameworks flush them.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """Load ``losses.keras``, ``losses.torch`` or ``losses.jax`` when it is asked for."""
    if name in ("keras", "torch", "jax"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
