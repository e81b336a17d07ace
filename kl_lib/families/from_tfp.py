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
Reader = tuple[str, Callable[[Any], Parameters | None]]


def read(dist: Any) -> tuple[str, Parameters] | None:
    """Family and parameters; None for a kind that is not listed."""
    name = type(dist).__name__.removeprefix("_")
    if name not in READERS:
        return None
    family, reader = READERS[name]
    parameters = reader(dist)
    return None if parameters is None else (family, parameters)


def unwrapped(dist: Any) -> Any:
    """The distribution behind one that a sample of it made able to be a tensor."""
    return dist.tensor_distribution if type(dist).__name__ == "_TensorCoercible" else dist


def _attributes(dist: Any, **names: str) -> Parameters:
    """`names` gives TFP's own name for each of ours; what is None was given in another way."""
    found = {ours: getattr(dist, theirs) for ours, theirs in names.items()}
    return {ours: np.asarray(value) for ours, value in found.items() if value is not None}


def _mvn(dist: Any) -> Parameters:
    """A scale of TFP is any square root of the covariance, with entries of either sign."""
    mean = np.asarray(dist.mean())
    if type(dist.scale).__name__.removeprefix("LinearOperator") in _DIAGONAL:
        return {"loc": mean, "scale_diag": np.abs(dist.scale.diag_part())}
    return {"loc": mean, "scale": np.asarray(dist.scale.to_dense())}


def _chi2(dist: Any) -> Parameters:
    """A gamma variable of rate ½; its root, a chi variable, is told by the same parameters."""
    return {"concentration": 0.5 * np.asarray(dist.df), "rate": 0.5}


def _exp_inverse_gamma(dist: Any) -> Parameters:
    """Minus the logarithm of a gamma variable, whose rate is the scale of the inverse."""
    return _attributes(dist, concentration="concentration", rate="scale", log_rate="log_scale")


def _negative_binomial(dist: Any) -> Parameters:
    """TFP's probability is that of the outcome that is counted, ours of the other one."""
    given = _attributes(dist, total_count="total_count", **_ODDS)
    if "logits" in given:
        return {"total_count": given["total_count"], "logits": -given["logits"]}
    return {"total_count": given["total_count"], "probs": 1 - given["probs"].astype(np.float64)}


def _ordered(dist: Any) -> Parameters:
    return {"logits": np.asarray(dist.categorical_log_probs())}


def _probit(dist: Any) -> Parameters:
    return {"probs": np.asarray(dist.probs_parameter())}


def _matrix_normal(dist: Any) -> Parameters:
    """Row by row, a multivariate normal whose factor is the Kronecker product of the two scales."""
    rows, columns = (np.asarray(s.to_dense()) for s in (dist.scale_row, dist.scale_column))
    mean = np.asarray(dist.mean())
    mean = mean.reshape((*mean.shape[:-2], -1))
    factor = np.einsum("...ij,...kl->...ikjl", rows, columns)
    return {"loc": mean, "scale": factor.reshape((*factor.shape[:-4], *mean.shape[-1:] * 2))}


def _process(dist: Any) -> Parameters:
    """A Gaussian process at its index points."""
    return _mvn(dist.get_marginal_distribution())


def _sample(dist: Any) -> Parameters:
    shape = tuple(int(n) for n in np.atleast_1d(dist.sample_shape))
    return {"base": dist.distribution, "shape": shape}


def _masked(dist: Any) -> Parameters:
    return {"base": dist.distribution, "mask": np.asarray(dist.validity_mask)}


def _independent(dist: Any) -> Parameters:
    return {"base": dist.distribution, "axes": int(dist.reinterpreted_batch_ndims)}


def _joint(dist: Any) -> Parameters | None:
    """Its parts, in order; None where one of them depends on others."""
    named = isinstance(dist.model, dict)
    names = sorted(dist.model) if named else list(range(len(dist.model)))
    parts = [dist.model[name] for name in names]
    if not all(hasattr(part, "log_prob") for part in parts):
        return None
    return {"names": names, "parts": parts}


def _blockwise(dist: Any) -> Parameters:
    """Its parts; one after the other their events, of these sizes, make the whole."""
    parts = list(dist.distributions)
    return {"names": [tuple(map(int, part.event_shape)) for part in parts], "parts": parts}


def _point(dist: Any) -> Parameters:
    return _attributes(dist, loc="loc")


def _sphere(dist: Any) -> Parameters:
    return _attributes(dist, mean_direction="mean_direction", concentration="concentration")


def _spherical_uniform(dist: Any) -> Parameters:
    return {"dimension": int(dist.dimension), "batch": tuple(map(int, dist.batch_shape))}


def _transformed(dist: Any) -> Parameters:
    event = tuple(int(n) for n in dist.event_shape)
    return {"base": dist.distribution, "map": dist.bijector, "event": event}


_DIAGONAL = ("Diag", "Identity", "ScaledIdentity")
_PLACE = {"loc": "loc", "scale": "scale"}
_BETA = {"concentration1": "concentration1", "concentration0": "concentration0"}
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
    "Chi2": ("gamma", _chi2),
    "Chi": ("chi", _chi2),
    "InverseGamma": (
        "inverse_gamma",
        partial(_attributes, concentration="concentration", rate="scale"),
    ),
    "ExpGamma": (
        "log_gamma",
        partial(_attributes, concentration="concentration", rate="rate", log_rate="log_rate"),
    ),
    "ExpInverseGamma": ("minus_log_gamma", _exp_inverse_gamma),
    "Cauchy": ("cauchy", partial(_attributes, **_PLACE)),
    "HalfCauchy": ("half_cauchy", partial(_attributes, **_PLACE)),
    "Uniform": ("uniform", partial(_attributes, low="low", high="high")),
    "Gumbel": ("gumbel", partial(_attributes, **_PLACE)),
    "Moyal": ("moyal", partial(_attributes, **_PLACE)),
    "HalfNormal": ("half_normal", partial(_attributes, scale="scale")),
    "LogNormal": ("log_normal", partial(_attributes, mu="loc", sigma="scale")),
    "LogitNormal": ("logit_normal", partial(_attributes, mu="loc", sigma="scale")),
    "Weibull": ("weibull", partial(_attributes, concentration="concentration", scale="scale")),
    "Pareto": ("pareto", partial(_attributes, concentration="concentration", scale="scale")),
    "ContinuousBernoulli": ("continuous_bernoulli", partial(_attributes, **_ODDS)),
    "Binomial": ("binomial", partial(_attributes, total_count="total_count", **_ODDS)),
    "NegativeBinomial": ("negative_binomial", _negative_binomial),
    "Geometric": ("geometric", partial(_attributes, **_ODDS)),
    "Multinomial": ("multinomial", partial(_attributes, total_count="total_count", **_ODDS)),
    "OneHotCategorical": ("one_hot", partial(_attributes, **_ODDS)),
    "OrderedLogistic": ("categorical", _ordered),
    "StoppingRatioLogistic": ("categorical", _ordered),
    "ProbitBernoulli": ("bernoulli", _probit),
    "Independent": ("independent", _independent),
    "TransformedDistribution": ("transformed", _transformed),
    "VonMisesFisher": ("von_mises_fisher", _sphere),
    "PowerSpherical": ("power_spherical", _sphere),
    "SphericalUniform": ("spherical_uniform", _spherical_uniform),
    "JointDistributionSequential": ("joint", _joint),
    "JointDistributionNamed": ("joint", _joint),
    "Blockwise": ("joint", _blockwise),
    "Deterministic": ("point", _point),
    "VonMises": ("von_mises", partial(_attributes, loc="loc", concentration="concentration")),
    "MatrixNormalLinearOperator": ("multivariate_normal", _matrix_normal),
    "GaussianProcess": ("multivariate_normal", _process),
    "Sample": ("sample", _sample),
    "Masked": ("masked", _masked),
    "Beta": ("beta", partial(_attributes, **_BETA)),
    "Dirichlet": ("dirichlet", partial(_attributes, concentration="concentration")),
}
