"""From a distribution of TensorFlow Probability to the name of its family and its parameters.

TFP is not imported: an object is known by the name of its class, and its attributes are read. To
read another kind, add its line to `READERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

Parameters = dict[str, Any]
Reader = tuple[str, Callable[[Any], Parameters]]


def read(dist: Any) -> tuple[str, Parameters] | None:
    """Family and parameters; None for a kind that is not listed."""
    name = type(dist).__name__.removeprefix("_")
    if name not in READERS:
        return None
    family, reader = READERS[name]
    return family, reader(dist)


def _attributes(dist: Any, **names: str) -> Parameters:
    """`names` gives TFP's own name for each of ours; what is None was given in another way."""
    found = {ours: getattr(dist, theirs) for ours, theirs in names.items()}
    return {ours: np.asarray(value) for ours, value in found.items() if value is not None}


def _mvn(dist: Any) -> Parameters:
    """A scale of TFP is any square root of the covariance, with entries of either sign."""
    mean = np.asarray(dist.mean())
    if type(dist.scale).__name__.removeprefix("LinearOperator") in _DIAGONAL:
        return {"mean": mean, "deviations": np.abs(dist.scale.diag_part())}
    return {"mean": mean, "factor": np.asarray(dist.scale.to_dense())}


_DIAGONAL = ("Diag", "Identity", "ScaledIdentity")
_PLACE = {"loc": "loc", "scale": "scale"}
_ODDS = {"probs": "probs", "logits": "logits"}
_MVN = ("multivariate_normal", _mvn)

#: Each kind of TFP: its family, and what reads it.
READERS: dict[str, Reader] = {
    "Normal": ("normal", partial(_attributes, **_PLACE)),
    "MultivariateNormalTriL": _MVN,
    "MultivariateNormalDiag": _MVN,
    "MultivariateNormalFullCovariance": _MVN,
    "MultivariateNormalDiagPlusLowRank": _MVN,
    "MultivariateNormalLinearOperator": _MVN,
    "Laplace": ("laplace", partial(_attributes, **_PLACE)),
    "Bernoulli": ("bernoulli", partial(_attributes, **_ODDS)),
    "Categorical": ("categorical", partial(_attributes, **_ODDS)),
    "Poisson": ("poisson", partial(_attributes, rate="rate", log_rate="log_rate")),
    "Exponential": ("exponential", partial(_attributes, rate="rate")),
    "Gamma": (
        "gamma",
        partial(_attributes, concentration="concentration", rate="rate", log_rate="log_rate"),
    ),
    "Beta": ("beta", partial(_attributes, a="concentration1", b="concentration0")),
    "Dirichlet": ("dirichlet", partial(_attributes, concentration="concentration")),
}
