"""From a distribution of SciPy to the name of its family and its parameters.

SciPy is not imported: an object is known by the module and the name of its class. To read another
kind, add its line to `READERS`; the parameters must have the names that its family has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .parameters import Array, checked, real, refuse, scale

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
        return {"loc": dist.mean, "scale_diag": covariance.colorize(np.ones(d))}
    try:
        return {"loc": dist.mean, "scale": covariance.colorize(np.eye(d)).T}
    except AttributeError:  # it was given as a matrix
        return {"loc": dist.mean, "covariance_matrix": dist.cov}


def _uniform(dist: Any) -> Parameters:
    given = _given(dist)
    low = np.asarray(given["loc"], dtype=np.float64)
    return {"low": low, "high": low + given["scale"]}


def _gumbel_l(dist: Any) -> Parameters:
    """The mirror image of one of maxima, and so are both of a pair."""
    return {"loc": np.negative(_given(dist)["loc"]), "scale": _given(dist)["scale"]}


def _chi2(dist: Any) -> Parameters:
    given = _given(dist)
    return {
        "concentration": 0.5 * np.asarray(given["df"]),
        "loc": given["loc"],
        "scale": 2.0 * np.asarray(given["scale"]),
    }


def _chi(dist: Any) -> Parameters:
    """The square is a gamma variable, of scale 2·scale²."""
    root = checked(scale=(_given(dist)["scale"], scale))["scale"]
    return _chi2(dist) | {"scale": 2.0 * root * root}


def _inverse_gamma(dist: Any) -> Parameters:
    given = _given(dist)
    return {"concentration": given["a"], "loc": given["loc"], "rate": given["scale"]}


def _log_normal(dist: Any) -> Parameters:
    given = _given(dist)
    factor = checked(scale=(given["scale"], scale))["scale"]
    return {"mu": np.log(factor), "sigma": given["s"], "loc": given["loc"]}


def _geom(dist: Any) -> Parameters:
    """SciPy counts the successful toss too: one more than the failures."""
    given = _given(dist)
    return {"probs": given["p"], "loc": np.add(given["loc"], 1)}


def _randint(dist: Any) -> Parameters:
    given = _given(dist)
    ends = checked(low=(given["low"], _whole), high=(given["high"], _whole))
    low, high = (np.add(end, given["loc"]) for end in ends.values())
    return {"low": low, "high": np.asarray(high) - 1}


def _whole(value: Any, name: str) -> Array:
    array = real(value, name)
    refuse(array % 1 != 0, array, name, "the ends of a range of whole numbers are whole")
    return array


def _rv_sample(dist: Any) -> Parameters:
    """Of rv_discrete(values=...), frozen or not."""
    frozen = hasattr(dist, "dist")
    of, loc = (dist.dist, _given(dist)["loc"]) if frozen else (dist, 0)
    return {"values": np.add(of.xk, loc), "probs": of.pk}


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
    "chi2": ("gamma", _chi2),
    "chi": ("chi", _chi),
    "invgamma": ("inverse_gamma", _inverse_gamma),
    "cauchy": ("cauchy", partial(_named, **_PLACE)),
    "halfcauchy": ("half_cauchy", partial(_named, **_PLACE)),
    "uniform": ("uniform", _uniform),
    "Uniform": ("uniform", partial(_attributes, low="a", high="b")),
    "gumbel_r": ("gumbel", partial(_named, **_PLACE)),
    "gumbel_l": ("gumbel_l", _gumbel_l),
    "moyal": ("moyal", partial(_named, **_PLACE)),
    "halfnorm": ("half_normal", partial(_named, **_PLACE)),
    "lognorm": ("log_normal", _log_normal),
    "weibull_min": ("weibull", partial(_named, concentration="c", **_PLACE)),
    "pareto": ("pareto", partial(_named, concentration="b", **_PLACE)),
    "Binomial": ("binomial", partial(_attributes, total_count="n", probs="p")),
    "binom": ("binomial", partial(_named, total_count="n", probs="p", loc="loc")),
    "nbinom": ("negative_binomial", partial(_named, total_count="n", probs="p", loc="loc")),
    "geom": ("geometric", _geom),
    "randint": ("discrete_uniform", _randint),
    "rv_sample": ("finite", _rv_sample),
    "multinomial": ("multinomial", partial(_attributes, total_count="n", probs="p")),
    "vonmises": ("von_mises", partial(_named, loc="loc", concentration="kappa")),
    "beta": ("beta", partial(_named, concentration1="a", concentration0="b", **_PLACE)),
    "dirichlet": ("dirichlet", partial(_attributes, concentration="alpha")),
}
