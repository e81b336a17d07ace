"""One adapter for each library: its own call, and that call turned into KL(p‖q) in nats.

Each module (`scipy`, `keras`, `tfp`, `mxnet`, `torch`) has the same surface:

- ``kl_divergence(p, q)``: the recipe. The library's call, fed and reduced so that it gives KL(p‖q)
  in nats for each row, NumPy in and NumPy out, in float64 where the library can. The input is
  checked as in `kl_lib.kl_divergence`; what the library itself cannot get right the docstring says.
- ``raw(...)``: the library's own call on NumPy input, with its own argument order, default
  reduction, clipping and dtype, and nothing checked. ``CALLS`` names the calls it knows.
- ``gradient(p, logits)``: the gradient of KL(p‖softmax(logits)) with respect to the logits, by the
  library's automatic differentiation (all but SciPy).
- ``available()``, ``version()``, ``load()``: is it installed, which one, and the module itself.

Nothing is imported before it is used. Where a library is missing, the error names the extra.
"""

from . import keras, mxnet, scipy, tfp, torch

__all__ = ["available", "keras", "mxnet", "scipy", "tfp", "torch"]


def available() -> list[str]:
    """Names of the adapters whose library is installed here; imports none of them.

    Examples
    --------
    >>> from kl_lib import frameworks
    >>> set(frameworks.available()) <= {"scipy", "keras", "tfp", "mxnet", "torch"}
    True
    """
    adapters = {"scipy": scipy, "keras": keras, "tfp": tfp, "mxnet": mxnet, "torch": torch}
    return [name for name, adapter in adapters.items() if adapter.available()]
