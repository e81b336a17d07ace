"""From a distribution of PyTorch to the name of its family and its parameters.

PyTorch is not imported: an object is known by the name of its class, and its attributes are read,
as arrays without a gradient. To read another kind, add its line to `READERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .. import arrays

Parameters = dict[str, Any]
Reader = tuple[str, Callable[[Any], Parameters]]


def read(dist: Any) -> tuple[str, Parameters] | None:
    """Family and parameters; None for a kind that is not listed."""
    name = type(dist).__name__
    if name not in READERS:
        return None
    family, reader = READERS[name]
    return family, reader(dist)


def _attributes(dist: Any, **names: str) -> Parameters:
    """`names` gives PyTorch's own name for each of ours."""
    return {ours: _array(getattr(dist, theirs), theirs) for ours, theirs in names.items()}


def _array(value: Any, name: str) -> Any:
    return arrays.read(value, name)[0]


def _odds(dist: Any, **names: str) -> Parameters:
    """Probabilities or logits, as they were given: PyTorch derives the others when asked."""
    held = [name for name in vars(dist) if name in ("probs", "logits")]  # as they were set
    if len(held) == 2 and hasattr(dist, "_param"):
        given = _attributes(dist, param="_param", logits="logits")
        held = ["logits"] if np.array_equal(given["param"], given["logits"]) else ["probs"]
    return _attributes(dist, **{held[0]: held[0]}, **names)


def _one_hot(dist: Any) -> Parameters:
    return _odds(dist._categorical)


def _mvn(dist: Any) -> Parameters:
    """The factor that PyTorch holds, whatever of scale, covariance and precision was given."""
    return _attributes(dist, loc="loc", scale="scale_tril")


def _low_rank(dist: Any) -> Parameters:
    """W·Wᵀ + D as the product of the wide [W, √D] with itself: the covariance is never formed."""
    given = _attributes(dist, loc="loc", wide="cov_factor", diagonal="cov_diag")
    roots = np.sqrt(given["diagonal"], dtype=np.float64)
    scales = roots[..., None] * np.eye(roots.shape[-1])
    both = np.concatenate([given["wide"], scales], axis=-1)
    upper = np.linalg.qr(np.swapaxes(both, -1, -2), mode="r")
    return {"loc": given["loc"], "scale": np.swapaxes(upper, -1, -2)}


def _counts(dist: Any) -> Parameters:
    return _odds(dist, total_count="total_count")


def _negative_binomial(dist: Any) -> Parameters:
    """PyTorch's probability is that of the outcome that is counted, ours of the other one."""
    given = _counts(dist)
    if "logits" in given:
        return {"total_count": given["total_count"], "logits": -given["logits"]}
    return {
        "total_count": given["total_count"],
        "probs": np.subtract(1, given["probs"], dtype=np.float64),
    }


def _inverse_gamma(dist: Any) -> Parameters:
    """PyTorch's rate is that of the gamma variable, as ours is."""
    return _attributes(dist, concentration="concentration", rate="rate")


def _multinomial(dist: Any) -> Parameters:
    return {"total_count": dist.total_count} | _odds(dist._categorical)


def _independent(dist: Any) -> Parameters:
    return {"base": dist.base_dist, "axes": dist.reinterpreted_batch_ndims}


def _transformed(dist: Any) -> Parameters:
    return {"base": dist.base_dist, "map": dist.transforms, "event": tuple(dist.event_shape)}


_PLACE = {"loc": "loc", "scale": "scale"}
_BETA = {"concentration1": "concentration1", "concentration0": "concentration0"}

#: Each kind of PyTorch: its family, and what reads it.
READERS: dict[str, Reader] = {
    "Normal": ("normal", partial(_attributes, **_PLACE)),
    "MultivariateNormal": ("multivariate_normal", _mvn),
    "LowRankMultivariateNormal": ("multivariate_normal", _low_rank),
    "Laplace": ("laplace", partial(_attributes, **_PLACE)),
    "Bernoulli": ("bernoulli", _odds),
    "Categorical": ("categorical", _odds),
    "OneHotCategorical": ("one_hot", _one_hot),
    "OneHotCategoricalStraightThrough": ("one_hot", _one_hot),
    "Poisson": ("poisson", partial(_attributes, rate="rate")),
    "Exponential": ("exponential", partial(_attributes, rate="rate")),
    "Gamma": ("gamma", partial(_attributes, concentration="concentration", rate="rate")),
    "Chi2": ("gamma", partial(_attributes, concentration="concentration", rate="rate")),
    "InverseGamma": ("inverse_gamma", _inverse_gamma),
    "Cauchy": ("cauchy", partial(_attributes, **_PLACE)),
    "HalfCauchy": ("half_cauchy", partial(_attributes, scale="scale")),
    "LogisticNormal": ("transformed", _transformed),
    "Uniform": ("uniform", partial(_attributes, low="low", high="high")),
    "Gumbel": ("gumbel", partial(_attributes, **_PLACE)),
    "HalfNormal": ("half_normal", partial(_attributes, scale="scale")),
    "LogNormal": ("log_normal", partial(_attributes, mu="loc", sigma="scale")),
    "Weibull": ("weibull", partial(_attributes, concentration="concentration", scale="scale")),
    "Pareto": ("pareto", partial(_attributes, concentration="alpha", scale="scale")),
    "ContinuousBernoulli": ("continuous_bernoulli", _odds),
    "Binomial": ("binomial", _counts),
    "NegativeBinomial": ("negative_binomial", _negative_binomial),
    "Geometric": ("geometric", _odds),
    "Multinomial": ("multinomial", _multinomial),
    "Independent": ("independent", _independent),
    "TransformedDistribution": ("transformed", _transformed),
    "VonMises": ("von_mises", partial(_attributes, loc="loc", concentration="concentration")),
    "Beta": ("beta", partial(_attributes, **_BETA)),
    "Dirichlet": ("dirichlet", partial(_attributes, concentration="concentration")),
}
