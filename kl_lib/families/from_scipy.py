"""From a distribution of SciPy to the name of its family and its parameters.

SciPy is not imported: an object is known by the module and the name of its class. To read another
kind, add its line to `READERS`; the parameters must have the names that its family has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

Parameters = dict[str, Any]
Reader = tuple[str, Callable[[Any], Parameters]]


def read(dist: Any) -> tuple[str, Parameters] | None:
    """Family and parameters; None for a kind that is not listed, or one of the user's own."""
    kind = _kind(dist)
    if not kind.__module__.startswith("scipy.stats."):
        return None
    name = kind.__name__.removesuffix("_gen").removesuffix("_frozen")
    if name not in READERS:
        return None
    family, reader = READERS[name]
    return family, reader(dist)


def _kind(dist: Any) -> type:
    """The class that tells the family: of what is frozen, the class of that."""
    frozen = type(dist).__name__ in ("rv_continuous_frozen", "rv_discrete_frozen")
    return type(dist.dist if frozen else dist)


def _given(dist: Any) -> Parameters:
    """The arguments of a frozen distribution of one variable, by SciPy's names."""
    shapes = dist.dist.shapes.split(", ") if dist.dist.shapes else []
    given = dict(zip([*shapes, "loc", "scale"], dist.args, strict=False)) | dist.kwds
    return {"loc": 0.0, "scale": 1.0} | given


def _named(dist: Any, **names: str) -> Parameters:
    """`names` gives SciPy's own name for each of ours."""
    given = _given(dist)
    return {ours: given[theirs] for ours, theirs in names.items()}


def _attributes(dist: Any, **names: str) -> Parameters:
    return {ours: np.asarray(getattr(dist, theirs)) for ours, theirs in names.items()}


def _mvn(dist: Any) -> Parameters:
    """Of a covariance that was given by a factor, the factor; of a diagonal one, the diagonal."""
    covariance, d = dist.cov_object, len(dist.mean)
    if type(covariance).__name__ == "CovViaDiagonal":
        return {"mean": dist.mean, "deviations": covariance.colorize(np.ones(d))}
    try:
        return {"mean": dist.mean, "factor": covariance.colorize(np.eye(d)).T}
    except AttributeError:  # it was given as a matrix
        return {"mean": dist.mean, "cov": dist.cov}


_PLACE = {"loc": "loc", "scale": "scale"}
_NORMAL = ("normal", partial(_attributes, loc="mu", scale="sigma"))

#: Each kind of SciPy: its family, and what reads it.
READERS: dict[str, Reader] = {
    "norm": ("normal", partial(_named, **_PLACE)),
    "Normal": _NORMAL,
    "StandardNormal": _NORMAL,
    "multivariate_normal": ("multivariate_normal", _mvn),
    "laplace": ("laplace", partial(_named, **_PLACE)),
    "bernoulli": ("bernoulli", partial(_named, probs="p", loc="loc")),
    "poisson": ("poisson", partial(_named, rate="mu", loc="loc")),
    "expon": ("exponential", partial(_named, **_PLACE)),
    "gamma": ("gamma", partial(_named, concentration="a", **_PLACE)),
    "erlang": ("gamma", partial(_named, concentration="a", **_PLACE)),
    "beta": ("beta", partial(_named, a="a", b="b", **_PLACE)),
    "dirichlet": ("dirichlet", partial(_attributes, concentration="alpha")),
}
