"""What a distribution of SciPy, PyTorch or TFP is called, and whether it is discrete."""

from __future__ import annotations

from typing import Any

#: Of TFP, what is discrete or continuous as its parts are, so that its class says nothing.
OPEN = {
    "Autoregressive", "BatchBroadcast", "BatchConcat", "BatchReshape", "Blockwise",
    "HiddenMarkovModel", "Independent", "Inflated", "MarkovChain", "Masked", "Mixture",
    "MixtureSameFamily", "NonCompositeTensorCast", "PixelCNN",
    "PoissonLogNormalQuadratureCompound", "Sample", "TransformedDistribution",
}  # fmt: skip
#: What makes a class of SciPy or TFP discrete, if it is one of those it comes from.
DISCRETE = {
    "rv_discrete", "rv_discrete_frozen", "DiscreteDistribution", "DiscreteDistributionMixin",
    "BaseDeterministic",
}  # fmt: skip


def name_of(dist: Any) -> str:
    """What its library calls a distribution: norm, Normal."""
    kind = type(getattr(dist, "dist", dist)).__name__
    return kind.removesuffix("_gen").removesuffix("_frozen")


def log_density(dist: Any) -> str:
    """The method that gives the logarithm of its probability or density."""
    if is_discrete(dist) and hasattr(dist, "logpmf"):
        return "logpmf"
    return next((name for name in ("logpdf", "logpmf") if hasattr(dist, name)), "log_prob")


def is_discrete(dist: Any) -> bool | None:
    """Whether it gives probabilities to values; None where that is not known."""
    library = type(dist).__module__.partition(".")[0]
    if library == "torch":
        return bool(dist.support.is_discrete)
    if library not in ("scipy", "tensorflow_probability"):
        return None
    names = {kind.__name__.removeprefix("_") for kind in type(dist).__mro__}
    if names & DISCRETE:
        return True
    # Subclasses of what is open, such as a multivariate normal, a transformed one, are not.
    if type(dist).__name__.removeprefix("_") in OPEN or "JointDistribution" in names:
        return None
    return hasattr(dist, "logpmf") and not hasattr(dist, "logpdf")
