"""KL between two distribution objects of SciPy or TensorFlow Probability, by closed form.

Neither library is imported here: an object says itself where it comes from. `FAMILIES` at the end
is the only list; a family that is added there is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import numpy as np

from .. import checks, stable
from ..checks import check_base
from ..discrete import kl_divergence, kl_from_logits
from ..errors import NoClosedFormError
from .bernoulli import kl_bernoulli
from .dirichlet import kl_beta, kl_dirichlet
from .gamma import kl_exponential, kl_gamma
from .laplace import kl_laplace
from .multivariate_normal import cholesky, kl_mvn, kl_of_deviations, kl_of_factors
from .normal import kl_normal
from .parameters import checked, probability, rate, real, scale
from .poisson import kl_of_log_rates, kl_poisson
from .quotients import difference

Parameters = dict[str, Any]
Reader = Callable[[Any], Parameters]


@dataclass(frozen=True)
class Family:
    """A closed form and the classes it serves, by their names, each with how to read it."""

    form: Callable[[Parameters, Parameters, float | None], Any]
    scipy: Mapping[str, Reader]
    tfp: Mapping[str, Reader]


def kl_between(dist_p: Any, dist_q: Any, *, base: float | None = None) -> Any:
    """KL(dist_p ‖ dist_q) by closed form, for two distributions of SciPy or TFP.

    Knows `norm`, `multivariate_normal`, `bernoulli`, `expon`, `gamma`, `beta`, `dirichlet`,
    `poisson` and `laplace` of `scipy.stats` (frozen: with their parameters), with their `loc` and
    `scale`, and TFP's `Normal`, `MultivariateNormal...`, `Bernoulli`, `Categorical`, `Exponential`,
    `Gamma`, `Beta`, `Dirichlet`, `Poisson` and `Laplace`. One may come from SciPy and the other
    from TFP.

    Parameters
    ----------
    dist_p, dist_q
        Two distributions of one family. Batches of parameters broadcast.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`. inf where dist_p has values that dist_q excludes.

    Raises
    ------
    NoClosedFormError
        If there is no closed form here; a `TypeError` that says which estimator to use.
    TypeError
        If an argument is not a distribution of SciPy or TFP.
    DistributionError
        If a parameter is not valid.

    References
    ----------
    Those of the function for the family: `kl_normal`, `kl_mvn`, `kl_bernoulli`, `kl_exponential`,
    `kl_gamma`, `kl_beta`, `kl_dirichlet`, `kl_poisson`, `kl_laplace`, `kl_divergence`.

    Examples
    --------
    >>> import kl_lib as kl
    >>> from scipy import stats
    >>> print(kl.kl_between(stats.norm(1, 1), stats.norm(2, 0.5)).round(7))
    2.8068528
    >>> print(kl.kl_between(stats.gamma(2, scale=1), stats.gamma(3, scale=1)).round(7))
    0.2703628
    >>> print(kl.kl_between(stats.expon(loc=1), stats.expon(loc=0)))
    1.0
    """
    family_p, p = _read(dist_p, "dist_p")
    family_q, q = _read(dist_q, "dist_q")
    if family_p is None or family_p is not family_q:
        _refuse(dist_p, dist_q)
    try:
        return family_p.form(p, q, base)
    except _SupportsDifferError as different:
        _refuse(dist_p, dist_q, f" for {different} of dist_p")


class _SupportsDifferError(Exception):
    """Raised by a form that holds for equal supports only."""


def _read(dist: Any, name: str) -> tuple[Family | None, Parameters]:
    """The family of a distribution and its parameters; None for a family that is not listed."""
    source, kind = _origin(dist, name)
    for family in FAMILIES:
        readers: Mapping[str, Reader] = getattr(family, source)
        if kind in readers:
            return family, readers[kind](dist)
    return None, {}


def _origin(dist: Any, name: str) -> tuple[str, str]:
    """Which library `dist` is a distribution of, and its kind, as `FAMILIES` writes it."""
    module, kind = type(dist).__module__, type(dist).__name__
    if isinstance(dist, type):
        raise TypeError(f"{name} is the class {dist.__name__}; pass it with its parameters")
    if module.startswith("scipy.stats."):
        if kind.endswith("_gen"):
            raise TypeError(
                f"{name} is {_called(dist)} without its parameters; pass them: "
                f"stats.{kind.removesuffix('_gen')}(...)"
            )
        if kind in ("rv_continuous_frozen", "rv_discrete_frozen"):
            module, kind = type(dist.dist).__module__, type(dist.dist).__name__
        ours = module.startswith("scipy.stats.")
        return "scipy", kind.removesuffix("_gen").removesuffix("_frozen") if ours else ""
    if module.startswith("tensorflow_probability.") and hasattr(dist, "log_prob"):
        return "tfp", kind
    raise TypeError(
        f"{name} is of type {kind}; pass a distribution with its parameters, such as "
        "stats.norm(0, 1) of SciPy or tfd.Normal(0.0, 1.0) of TFP; for arrays of probabilities use "
        "kl_divergence(p, q)"
    )


def _refuse(dist_p: Any, dist_q: Any, why: str = "") -> NoReturn:
    pair = f"KL from {_called(dist_p)} to {_called(dist_q)}"
    log_p, log_q = _log_density(dist_p), _log_density(dist_q)
    discrete = [_is_discrete(dist) for dist in (dist_p, dist_q)]
    if any(discrete) and not all(discrete):
        raise NoClosedFormError(
            f"{pair} is infinite: one is discrete and the other continuous, so that neither gives "
            "the values of the other any probability"
        )
    neighbours = "" if any(discrete) else ", or kl_knn(x, y) from samples of both"
    raise NoClosedFormError(
        f"{pair} has no closed form here{why}; estimate it: kl_monte_carlo(dist_p.{log_p}, "
        f"dist_q.{log_q}, samples) with samples of dist_p{neighbours}"
    )


def _called(dist: Any) -> str:
    """What a message calls a distribution: stats.norm, tfd.Normal."""
    kind = type(getattr(dist, "dist", dist)).__name__
    library = "stats" if type(dist).__module__.startswith("scipy") else "tfd"
    return f"{library}.{kind.removesuffix('_gen').removesuffix('_frozen')}"


def _log_density(dist: Any) -> str:
    return next(name for name in ("logpdf", "logpmf", "log_prob") if hasattr(dist, name))


def _is_discrete(dist: Any) -> bool:
    names = {cls.__name__ for cls in type(dist).__mro__}
    return _log_density(dist) == "logpmf" or "DiscreteDistributionMixin" in names


# Readers: from a distribution object to named parameters


def _scipy(dist: Any, **names: str) -> Parameters:
    """Of a frozen distribution of one variable; `names` gives its own name for each of ours."""
    shapes = dist.dist.shapes.split(", ") if dist.dist.shapes else []
    given = dict(zip([*shapes, "loc", "scale"], dist.args, strict=False)) | dist.kwds
    given = {"loc": 0.0, "scale": 1.0} | given
    return {ours: given[theirs] for ours, theirs in names.items()}


def _attributes(dist: Any, **names: str) -> Parameters:
    """Of attributes; those that are None are left out (TFP: given in another way)."""
    found = {ours: getattr(dist, theirs) for ours, theirs in names.items()}
    return {ours: np.asarray(value) for ours, value in found.items() if value is not None}


def _scipy_mvn(dist: Any) -> Parameters:
    """Of a covariance that was given by a factor, the factor; of a diagonal one, the diagonal."""
    covariance, d = dist.cov_object, len(dist.mean)
    if type(covariance).__name__ == "CovViaDiagonal":
        return {"mean": dist.mean, "deviations": covariance.colorize(np.ones(d))}
    try:
        return {"mean": dist.mean, "factor": covariance.colorize(np.eye(d)).T}
    except AttributeError:  # it was given as a matrix
        return {"mean": dist.mean, "cov": dist.cov}


def _tfp_mvn(dist: Any) -> Parameters:
    """A scale of TFP is any square root of the covariance, with entries of either sign."""
    mean = np.asarray(dist.mean())
    if type(dist.scale).__name__.removeprefix("LinearOperator") in _DIAGONAL:
        return {"mean": mean, "deviations": np.abs(dist.scale.diag_part())}
    return {"mean": mean, "factor": np.asarray(dist.scale.to_dense())}


_DIAGONAL = ("Diag", "Identity", "ScaledIdentity")


# Forms: from two sets of parameters to the divergence


def _normal(p: Parameters, q: Parameters, base: float | None) -> Any:
    return kl_normal(p["loc"], p["scale"], q["loc"], q["scale"], base=base)


def _mvn(p: Parameters, q: Parameters, base: float | None) -> Any:
    for name, form in (("cov", kl_mvn), ("deviations", kl_of_deviations)):
        if name in p and name in q:
            return form(p["mean"], p[name], q["mean"], q[name], base=base)
    return kl_of_factors(p["mean"], _factor(p, "cov_p"), q["mean"], _factor(q, "cov_q"), base=base)


def _factor(parameters: Parameters, name: str) -> Any:
    if "deviations" in parameters:
        deviations = np.asarray(parameters["deviations"])
        return deviations[..., None] * np.eye(deviations.shape[-1])
    return parameters["factor"] if "factor" in parameters else cholesky(parameters["cov"], name)


def _laplace(p: Parameters, q: Parameters, base: float | None) -> Any:
    return kl_laplace(p["loc"], p["scale"], q["loc"], q["scale"], base=base)


def _dirichlet(p: Parameters, q: Parameters, base: float | None) -> Any:
    return kl_dirichlet(p["concentration"], q["concentration"], base=base)


def _categorical(p: Parameters, q: Parameters, base: float | None) -> Any:
    if "probs" in p and "probs" in q:
        return kl_divergence(p["probs"], q["probs"], base=base)
    return kl_from_logits(_log_probs(p, "p"), _log_probs(q, "q"), base=base)


def _log_probs(parameters: Parameters, name: str) -> Any:
    if "probs" not in parameters:
        return parameters["logits"]
    with np.errstate(divide="ignore"):
        return np.log(checks.distribution(parameters["probs"], name)[0])


def _bernoulli(p: Parameters, q: Parameters, base: float | None) -> Any:
    if "probs" in p and "probs" in q:
        value = kl_bernoulli(p["probs"], q["probs"], base=base)
    else:
        value = kl_from_logits(_two_logits(p, "p"), _two_logits(q, "q"), base=base)
    loc_p, loc_q = _locs(p, q)
    sure = np.isin(p["probs"], (0, 1)) if "probs" in p else np.isinf(p["logits"])
    return _with_supports(value, loc_p == loc_q, (loc_p != loc_q) & ~sure, "that loc")


def _two_logits(parameters: Parameters, name: str) -> Any:
    """Log-odds as logits of 0 and 1; a probability as its logarithms."""
    if "logits" in parameters:
        logit = np.asarray(parameters["logits"])
        return np.stack([np.minimum(-logit, 0), np.minimum(logit, 0)], axis=-1)
    prob = checked(**{name: (parameters["probs"], probability)})[name]
    with np.errstate(divide="ignore"):
        return np.stack([np.log1p(-prob), np.log(prob)], axis=-1)


def _poisson(p: Parameters, q: Parameters, base: float | None) -> Any:
    if "rate" in p and "rate" in q:
        value = kl_poisson(p["rate"], q["rate"], base=base)
    else:
        value = kl_of_log_rates(*_rate_and_log(p), *_rate_and_log(q), base=base)
    loc_p, loc_q = _locs(p, q)
    with np.errstate(all="ignore"):
        steps, left = stable.two_sum(loc_p, -loc_q)
        # A sum that overflows is one of whole numbers: left is nan there.
        broken = (steps % 1 > 0) | (left % 1 > 0)
    outside = (_rate_and_log(p)[1] > -np.inf) & ((steps < 0) | broken)
    return _with_supports(value, steps == 0, outside, "that loc")


def _rate_and_log(parameters: Parameters) -> tuple[Any, Any]:
    with np.errstate(all="ignore"):
        if "log_rate" in parameters:
            log = np.asarray(parameters["log_rate"], dtype=np.float64)
            return np.exp(log), log
        return parameters["rate"], np.log(np.asarray(parameters["rate"], dtype=np.float64))


def _exponential(p: Parameters, q: Parameters, base: float | None) -> Any:
    rate_p, rate_q = _rates(p, q)
    value = kl_exponential(rate_p, rate_q, base=base)
    if "loc" not in p and "loc" not in q:
        return value
    loc_p, loc_q = _locs(p, q)
    # A later start adds the surprise of the wait: log p/q grows by rate_q for each unit of it.
    with np.errstate(all="ignore"):
        units, unit = difference(loc_p, loc_q)
        rate_q, scale_q = _rate_and_scale(q, "q")
        wait = np.maximum(unit * (units * rate_q / scale_q), 0.0) / check_base(base)
        return np.where(loc_p < loc_q, np.inf, value + wait)[()]


def _gamma(p: Parameters, q: Parameters, base: float | None) -> Any:
    rate_p, rate_q = _rates(p, q)
    value = kl_gamma(p["concentration"], rate_p, q["concentration"], rate_q, base=base)
    loc_p, loc_q = _locs(p, q)
    return _with_supports(value, loc_p == loc_q, loc_p < loc_q, "a later loc")


def _beta(p: Parameters, q: Parameters, base: float | None) -> Any:
    value = kl_beta(p["a"], p["b"], q["a"], q["b"], base=base)
    loc_p, loc_q = _locs(p, q)
    widths = checked(scale_p=(p.get("scale", 1.0), scale), scale_q=(q.get("scale", 1.0), scale))
    width_p, width_q = widths.values()
    same = (loc_p == loc_q) & (width_p == width_q)
    with np.errstate(over="ignore"):
        # The ends themselves, loc + scale, may overflow.
        outside = (loc_p < loc_q) | (loc_p - loc_q > width_q - width_p)
    return _with_supports(value, same, outside, "a narrower support")


def _locs(p: Parameters, q: Parameters) -> tuple[Any, Any]:
    locs = checked(loc_p=(p.get("loc", 0.0), real), loc_q=(q.get("loc", 0.0), real))
    return locs["loc_p"], locs["loc_q"]


def _rates(p: Parameters, q: Parameters) -> tuple[Any, Any]:
    """Two rates in some unit: KL depends on their quotient alone.

    1/scale would be rounded and might overflow, so a scale is a factor of the other rate.
    """
    (rate_p, scale_p), (rate_q, scale_q) = _rate_and_scale(p, "p"), _rate_and_scale(q, "q")
    with np.errstate(over="ignore"):
        return rate_p * scale_q, rate_q * scale_p


def _rate_and_scale(parameters: Parameters, side: str) -> tuple[Any, Any]:
    """Of rate/scale, the one that is given; the other is 1."""
    if "scale" in parameters:
        name = f"scale_{side}"
        return 1.0, checked(**{name: (parameters["scale"], scale)})[name]
    name = f"rate_{side}"
    return checked(**{name: (_rate_and_log(parameters)[0], rate)})[name], 1.0


def _with_supports(value: Any, same: Any, outside: Any, which: str) -> Any:
    """`value` where the supports are the same, inf where p has values outside that of q."""
    if not np.all(same | outside):
        raise _SupportsDifferError(which)
    return np.where(outside, np.inf, value)[()]


_PLACE = {"loc": "loc", "scale": "scale"}

#: Every closed form that `kl_between` finds. To add one, add its line.
FAMILIES = (
    Family(
        _normal,
        {"norm": partial(_scipy, **_PLACE)}
        | dict.fromkeys(
            ("Normal", "StandardNormal"), partial(_attributes, loc="mu", scale="sigma")
        ),
        {"Normal": partial(_attributes, **_PLACE)},
    ),
    Family(
        _mvn,
        {"multivariate_normal": _scipy_mvn},
        {
            f"MultivariateNormal{kind}": _tfp_mvn
            for kind in ("TriL", "Diag", "FullCovariance", "DiagPlusLowRank", "LinearOperator")
        },
    ),
    Family(
        _laplace,
        {"laplace": partial(_scipy, **_PLACE)},
        {"Laplace": partial(_attributes, **_PLACE)},
    ),
    Family(
        _bernoulli,
        {"bernoulli": partial(_scipy, probs="p", loc="loc")},
        {"Bernoulli": partial(_attributes, probs="probs", logits="logits")},
    ),
    Family(_categorical, {}, {"Categorical": partial(_attributes, probs="probs", logits="logits")}),
    Family(
        _poisson,
        {"poisson": partial(_scipy, rate="mu", loc="loc")},
        {"Poisson": partial(_attributes, rate="rate", log_rate="log_rate")},
    ),
    Family(
        _exponential,
        {"expon": partial(_scipy, **_PLACE)},
        {"Exponential": partial(_attributes, rate="rate")},
    ),
    Family(
        _gamma,
        {"gamma": partial(_scipy, concentration="a", **_PLACE)},
        {
            "Gamma": partial(
                _attributes, concentration="concentration", rate="rate", log_rate="log_rate"
            )
        },
    ),
    Family(
        _beta,
        {"beta": partial(_scipy, a="a", b="b", **_PLACE)},
        {"Beta": partial(_attributes, a="concentration1", b="concentration0")},
    ),
    Family(
        _dirichlet,
        {"dirichlet": partial(_attributes, concentration="alpha")},
        {"Dirichlet": partial(_attributes, concentration="concentration")},
    ),
)
