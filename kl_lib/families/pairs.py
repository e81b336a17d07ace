"""Every closed form by the names of the two families: from their parameters to KL in nats.

A form is a short function of two dicts of parameters, as `from_scipy.py`, `from_tfp.py` and
`from_torch.py` read them, and one registration. Pairs of one family stand here, pairs across
families in `cross.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks, stable
from ..discrete import kl_divergence, kl_from_logits
from .bernoulli import kl_bernoulli
from .cauchy import kl_cauchy
from .continuous_bernoulli import inside, kl_continuous_bernoulli, log_odds, of_log_odds
from .counts import kl_binomial, kl_geometric, kl_negative_binomial, successes, tosses
from .dirichlet import kl_beta, kl_dirichlet
from .gamma import kl_exponential, kl_gamma
from .gumbel import kl_gumbel, kl_moyal, kl_weibull
from .laplace import kl_laplace
from .multivariate_normal import (
    cholesky,
    kl_multivariate_normal,
    kl_of_deviations,
    kl_of_factors,
)
from .normal import kl_half_normal, kl_log_normal, kl_normal
from .parameters import broadcast, checked, finish, rate, real, scale
from .pareto import kl_pareto
from .poisson import kl_of_log_rates, kl_poisson
from .quotients import difference
from .registry import NoFormError, closed_form
from .supports import read
from .uniform import kl_uniform
from .von_mises import kl_von_mises

Parameters = Mapping[str, Any]


@closed_form("normal")
def _normal(p: Parameters, q: Parameters) -> Any:
    return kl_normal(p["loc"], p["scale"], q["loc"], q["scale"])


@closed_form("multivariate_normal")
def _mvn(p: Parameters, q: Parameters) -> Any:
    for name, form in (
        ("covariance_matrix", kl_multivariate_normal),
        ("scale_diag", kl_of_deviations),
    ):
        if name in p and name in q:
            return form(p["loc"], p[name], q["loc"], q[name])
    return kl_of_factors(p["loc"], _factor(p, "p"), q["loc"], _factor(q, "q"))


def _factor(parameters: Parameters, side: str) -> Any:
    if "scale_diag" in parameters:
        deviations = np.asarray(parameters["scale_diag"])
        return deviations[..., None] * np.eye(deviations.shape[-1])
    if "scale" in parameters:
        return parameters["scale"]
    return cholesky(parameters["covariance_matrix"], f"covariance_matrix_{side}")


@closed_form("laplace")
def _laplace(p: Parameters, q: Parameters) -> Any:
    return kl_laplace(p["loc"], p["scale"], q["loc"], q["scale"])


@closed_form("dirichlet")
def _dirichlet(p: Parameters, q: Parameters) -> Any:
    return kl_dirichlet(p["concentration"], q["concentration"])


@closed_form("one_hot")
@closed_form("categorical")
def _categorical(p: Parameters, q: Parameters) -> Any:
    if "probs" in p and "probs" in q:
        return kl_divergence(p["probs"], q["probs"])
    return kl_from_logits(_log_probs(p, "p"), _log_probs(q, "q"))


def _log_probs(parameters: Parameters, name: str) -> Any:
    if "probs" not in parameters:
        return parameters["logits"]
    with np.errstate(divide="ignore"):
        return np.log(checks.distribution(parameters["probs"], name)[0])


@closed_form("bernoulli", unless="that loc")
def _bernoulli(p: Parameters, q: Parameters) -> Any:
    if "probs" in p and "probs" in q:
        return kl_bernoulli(p["probs"], q["probs"])
    return kl_from_logits(_two_logits(p), _two_logits(q))


def _two_logits(parameters: Parameters) -> Any:
    """Log-odds as logits of 0 and 1; a probability as its logarithms."""
    if "logits" in parameters:
        logit = np.asarray(parameters["logits"])
        return np.stack([np.minimum(-logit, 0), np.minimum(logit, 0)], axis=-1)
    prob = chance(parameters)
    with np.errstate(divide="ignore"):
        return np.stack([np.log1p(-prob), np.log(prob)], axis=-1)


@closed_form("poisson", unless="that loc")
def _poisson(p: Parameters, q: Parameters) -> Any:
    if "rate" in p and "rate" in q:
        return kl_poisson(p["rate"], q["rate"])
    return kl_of_log_rates(*rate_and_log(p), *rate_and_log(q))


def rate_and_log(parameters: Parameters) -> tuple[Any, Any]:
    value = parameters["log_rate"] if "log_rate" in parameters else parameters["rate"]
    value = np.asarray(value, dtype=np.float64)[()]
    with np.errstate(all="ignore"):
        return (np.exp(value), value) if "log_rate" in parameters else (value, np.log(value))


@closed_form("exponential")
def _exponential(p: Parameters, q: Parameters) -> Any:
    rate_p, rate_q = _rates(p, q)
    value = kl_exponential(rate_p, rate_q)
    if "loc" not in p and "loc" not in q:
        return value
    locs = checked(loc_p=(p.get("loc", 0.0), real), loc_q=(q.get("loc", 0.0), real))
    # A later start adds the surprise of the wait: log p/q grows by rate_q for each unit of it.
    with np.errstate(all="ignore"):
        units, unit = difference(*locs.values())
        rate_q, scale_q = rate_and_scale(q, "q")
        return value + np.maximum(unit * (units * rate_q / scale_q), 0.0)


@closed_form("gamma", unless="a later loc")
def _gamma(p: Parameters, q: Parameters) -> Any:
    rate_p, rate_q = _rates(p, q)
    return kl_gamma(p["concentration"], rate_p, q["concentration"], rate_q)


@closed_form("beta", unless="a narrower support")
def _beta(p: Parameters, q: Parameters) -> Any:
    return kl_beta(
        p["concentration1"], p["concentration0"], q["concentration1"], q["concentration0"]
    )


def _rates(p: Parameters, q: Parameters) -> tuple[Any, Any]:
    """Two rates in some unit: KL depends on their quotient alone.

    1/scale would be rounded and might overflow, so a scale is a factor of the other rate.
    """
    (rate_p, scale_p), (rate_q, scale_q) = rate_and_scale(p, "p"), rate_and_scale(q, "q")
    with np.errstate(over="ignore"):
        return rate_p * scale_q, rate_q * scale_p


def rate_and_scale(parameters: Parameters, side: str) -> tuple[Any, Any]:
    """Of rate/scale, the one that is given; the other is 1."""
    if "scale" in parameters:
        return 1.0, read(parameters, "scale", side, scale)
    if "log_rate" in parameters:
        with np.errstate(over="ignore"):
            parameters = {"rate": np.exp(read(parameters, "log_rate", side))}
    return read(parameters, "rate", side, rate), 1.0


@closed_form("chi", unless="a later loc")
@closed_form("inverse_gamma", unless="a later loc")
@closed_form("log_gamma")
@closed_form("minus_log_gamma")
def _of_gamma(p: Parameters, q: Parameters) -> Any:
    """Of a root, an inverse or a logarithm of gamma variables; the parameters are theirs."""
    return _gamma(p, q)


@closed_form("cauchy")
def _cauchy(p: Parameters, q: Parameters) -> Any:
    return kl_cauchy(p["loc"], p["scale"], q["loc"], q["scale"])


@closed_form("half_cauchy", unless="a later loc")
def _half_cauchy(p: Parameters, q: Parameters) -> Any:
    """That of the two Cauchy distributions around 0, of which each is one half, twice as high."""
    return kl_cauchy(0, p["scale"], 0, q["scale"])


@closed_form("gumbel")
@closed_form("gumbel_l")
def _gumbel(p: Parameters, q: Parameters) -> Any:
    return kl_gumbel(p["loc"], p["scale"], q["loc"], q["scale"])


@closed_form("moyal")
def _moyal(p: Parameters, q: Parameters) -> Any:
    return kl_moyal(p["loc"], p["scale"], q["loc"], q["scale"])


@closed_form("half_normal", unless="a later loc")
def _half_normal(p: Parameters, q: Parameters) -> Any:
    return kl_half_normal(p["scale"], q["scale"])


@closed_form("log_normal", unless="a later loc")
@closed_form("logit_normal")
def _log_normal(p: Parameters, q: Parameters) -> Any:
    return kl_log_normal(p["mu"], p["sigma"], q["mu"], q["sigma"])


@closed_form("weibull", unless="a later loc")
def _weibull(p: Parameters, q: Parameters) -> Any:
    return kl_weibull(p["concentration"], p["scale"], q["concentration"], q["scale"])


@closed_form("pareto", unless="another loc")
def _pareto(p: Parameters, q: Parameters) -> Any:
    return kl_pareto(p["concentration"], p["scale"], q["concentration"], q["scale"])


@closed_form("uniform")
def _uniform(p: Parameters, q: Parameters) -> Any:
    return kl_uniform(p["low"], p["high"], q["low"], q["high"])


@closed_form("continuous_bernoulli")
def _continuous_bernoulli(p: Parameters, q: Parameters) -> Any:
    if "probs" in p and "probs" in q:
        return kl_continuous_bernoulli(p["probs"], q["probs"])
    odds = {"logits_p": given_log_odds(p, "p"), "logits_q": given_log_odds(q, "q")}
    shape, (x, y) = broadcast(odds)
    return finish(of_log_odds(x, y, y - x), 1.0, shape)


def given_log_odds(parameters: Parameters, side: str) -> Any:
    if "logits" in parameters:
        return read(parameters, "logits", side)
    return log_odds(read(parameters, "probs", side, inside))


@closed_form("binomial", unless="that loc")
def _binomial(p: Parameters, q: Parameters) -> Any:
    if "probs" in p and "probs" in q:
        return kl_binomial(p["total_count"], p["probs"], q["total_count"], q["probs"])
    if np.all(np.equal(p["total_count"], q["total_count"])):
        return _times(p["total_count"], _bernoulli(p, q))
    return kl_binomial(p["total_count"], chance(p), q["total_count"], chance(q))


def _times(number: Any, value: Any) -> Any:
    """As many times the KL of one as there are: 0 for none, though that of one be infinite."""
    with np.errstate(invalid="ignore"):
        return np.where(np.equal(number, 0), 0.0, number * value)[()]


def chance(parameters: Parameters) -> Any:
    """A probability, of logits too."""
    if "probs" in parameters:
        return np.asarray(parameters["probs"], dtype=np.float64)[()]
    logits = np.asarray(parameters["logits"], dtype=np.float64)[()]
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-logits))


@closed_form("geometric", unless="that loc")
def _geometric(p: Parameters, q: Parameters) -> Any:
    if "probs" in p and "probs" in q:
        return kl_geometric(p["probs"], q["probs"])
    return _of_tosses(p, q)


def _of_tosses(p: Parameters, q: Parameters) -> Any:
    """KL of a toss times the mean number of tosses, of logits."""
    with np.errstate(all="ignore"):
        value = _bernoulli(p, q) / chance(p)
        if "probs" in p or "probs" in q:
            return value
        # Rare successes, whose probability may be 0 as a float: r − 1 − log r, r their quotient.
        x, y = (np.asarray(side["logits"], dtype=np.float64) for side in (p, q))
        return np.where(np.maximum(x, y) < -40, stable.expm1_plus(x - y), value)[()]


@closed_form("negative_binomial", unless="that loc")
def _negative_binomial(p: Parameters, q: Parameters) -> Any:
    number_p, number_q = (read(x, "total_count", y, successes) for x, y in ((p, "p"), (q, "q")))
    if not np.all(np.equal(number_p, number_q)):
        raise NoFormError("another number of successes")
    # Both, since each may be a batch.
    number = np.maximum(number_p, number_q)
    if "probs" in p and "probs" in q:
        return kl_negative_binomial(number, p["probs"], q["probs"])
    return number * _of_tosses(p, q)


@closed_form("discrete_uniform")
def _discrete_uniform(p: Parameters, q: Parameters) -> Any:
    number_p, number_q = (np.subtract(x["high"], x["low"]) + 1.0 for x in (p, q))
    return np.log1p((number_q - number_p) / number_p)


@closed_form("finite")
def _finite(p: Parameters, q: Parameters) -> Any:
    """Of two lists of values with their probabilities, over the values of both."""
    values = np.union1d(p["values"], q["values"])
    return kl_divergence(*(_on(values, x) for x in (p, q)))


def _on(values: Any, parameters: Parameters) -> Any:
    result = np.zeros(len(values))
    np.add.at(result, np.searchsorted(values, parameters["values"]), parameters["probs"])
    return result


@closed_form("multinomial")
def _multinomial(p: Parameters, q: Parameters) -> Any:
    number_p, number_q = (read(x, "total_count", side, tosses) for x, side in ((p, "p"), (q, "q")))
    value = _times(number_p, _categorical(p, q))
    return np.where(number_p != number_q, np.inf, value)[()]


@closed_form("point")
def _point(p: Parameters, q: Parameters) -> Any:
    """Of two that are always the same; of others, the supports say inf."""
    return 0.0 * (p["loc"] + q["loc"])


@closed_form("point", "categorical")
def _point_to_categorical(p: Parameters, q: Parameters) -> Any:
    """−log q of the one value that p has, which may be no category of q."""
    categories = np.shape(q["logits"] if "logits" in q else q["probs"])[-1]
    value = np.asarray(p["loc"], dtype=np.float64)
    inside = (value % 1 == 0) & (value >= 0) & (value < categories)
    one_hot = np.eye(categories)[np.where(inside, value, 0).astype(int)]
    return np.where(inside, _categorical({"probs": one_hot}, q), np.inf)[()]


@closed_form("von_mises")
def _von_mises(p: Parameters, q: Parameters) -> Any:
    return kl_von_mises(p["loc"], p["concentration"], q["loc"], q["concentration"])
