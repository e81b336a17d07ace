"""KL between two distribution objects of SciPy, PyTorch or TensorFlow Probability.

None of them is imported here: an object says itself where it comes from. `from_scipy.py`,
`from_torch.py` and `from_tfp.py` read it, and `registry.py` knows which pairs have a closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from .. import arrays
from ..checks import check_base
from ..errors import NoClosedFormError
from . import cross, from_scipy, from_tfp, from_torch, kinds, pairs, registry, spheres, supports  # noqa: F401

_READERS = {"stats": from_scipy.read, "tfd": from_tfp.read, "torch": from_torch.read}


def kl_between(dist_p: Any, dist_q: Any, *, base: float | None = None) -> Any:
    """KL(dist_p ‖ dist_q) by closed form, for two distributions of SciPy, PyTorch or TFP.

    Which families and pairs it knows is listed in the reference; `register_kl` adds your own. The
    two may come from different libraries.

    Parameters
    ----------
    dist_p, dist_q
        Two distributions: frozen ones of `scipy.stats` (with their parameters, `loc` and `scale`
        too), of `torch.distributions` or of `tfp.distributions`; or objects of a class that
        `register_kl` was told about. Batches of parameters broadcast.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`; always of NumPy, without a gradient (for one, use
        `torch.distributions.kl_divergence` or TFP's). inf where dist_p has
        values that dist_q excludes, whatever the families, and where one is discrete and the
        other continuous; `why_infinite` says which it is.

    Raises
    ------
    NoClosedFormError
        If there is no closed form here; a `TypeError` that says which estimator to use.
    TypeError
        If an argument is not a distribution of SciPy, PyTorch or TFP.
    DistributionError
        If a parameter is not valid.

    References
    ----------
    Those of the function for the family, such as `kl_normal`. Across families, minus the entropy
    of dist_p and the mean of −log dist_q under it: Cover and Thomas, "Elements of Information
    Theory", 2nd edition, 2006, chapter 8.

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
    >>> print(kl.kl_between(stats.norm(0, 1), stats.gamma(2)))
    inf
    """
    divisor = check_base(base)
    value, _ = solve(dist_p, dist_q)
    with np.errstate(over="ignore"):
        return value / divisor


def why_infinite(dist_p: Any, dist_q: Any) -> str | None:
    """Why KL(dist_p ‖ dist_q) is infinite, in a sentence; None where `kl_between` is finite.

    Parameters
    ----------
    dist_p, dist_q
        Two distributions, as for `kl_between`; of a batch, the reason for some of its members.

    Returns
    -------
    str or None

    Raises
    ------
    NoClosedFormError, TypeError, DistributionError
        As `kl_between` does.

    References
    ----------
    Cover and Thomas, "Elements of Information Theory", 2nd edition, 2006, section 2.3.

    Examples
    --------
    >>> from kl_lib.families import why_infinite
    >>> from scipy import stats
    >>> why_infinite(stats.norm(0, 1), stats.gamma(2))
    'stats.norm has values from -inf to inf, stats.gamma only values from 0 to inf'
    >>> why_infinite(stats.norm(0, 1), stats.norm(5, 1)) is None
    True
    """
    value, reason = solve(dist_p, dist_q)
    if not np.isinf(np.asarray(value)).any():
        return None
    return reason or (
        "the log density of dist_q has no finite mean under dist_p, or the value is beyond the "
        "largest float"
    )


@dataclass(frozen=True)
class _Known:
    """A distribution, what it is called in a message, and what it was read as."""

    dist: Any
    called: str
    family: str
    parameters: registry.Given

    def keys(self) -> list[registry.Key]:
        """Its classes, the nearest first, and its family."""
        return [*type(self.dist).__mro__[:-1], self.family]

    def argument(self, key: registry.Key) -> Any:
        """What a form registered for `key` is given."""
        return self.parameters if isinstance(key, str) else self.dist

    def support(self, side: str) -> supports.Support | None:
        of = supports.SUPPORTS.get(self.family)
        return of(self.parameters, side) if of else None


def solve(dist_p: Any, dist_q: Any) -> tuple[Any, str]:
    """KL in nats, and why it is infinite where the supports make it so."""
    p, q = _known(dist_p, "dist_p"), _known(dist_q, "dist_q")
    pair = registry.find(p.keys(), q.keys())
    if pair is not None and not all(isinstance(key, str) for key in pair):
        return registry.PAIRS[pair].form(p.argument(pair[0]), q.argument(pair[1])), ""
    of_p, of_q = p.support("p"), q.support("q")
    if of_p is None or of_q is None:
        if pair is None:
            _check_parameters(p, q)
            return _of_two_kinds(p, q)
        return _value(registry.PAIRS[pair], p, q), ""
    outside = supports.outside(of_p, of_q)
    reason = f"{p.called} has {of_p}, {q.called} only {of_q}" if np.any(outside) else ""
    if np.any(outside) or pair is None:  # else the form looks at them
        _check_parameters(p, q)
    if np.all(outside):
        shape = np.broadcast_shapes(np.shape(outside), _batch_shape(p), _batch_shape(q))
        return np.full(shape, math.inf)[()], reason
    if pair is None and p.family != "point":
        _refuse(p, q)
    entry = registry.PAIRS[pair] if pair else registry.Entry(lambda *_: _surprise(p, q))
    if entry.unless and not np.all(outside | supports.same_place(of_p, of_q)):
        _refuse(p, q, f" for {entry.unless} of dist_p")
    if np.any(outside) and pair is not None:
        value = _of_members(entry, p, q, ~outside)
    else:
        # A form does not look at all that the supports depend on, such as a loc that both share.
        value = np.where(outside, math.inf, _value(entry, p, q))[()]
    if np.any(np.isnan(value)):
        _refuse(p, q, " for parameters so far apart that floats do not carry them,")
    return value, reason


def _check_parameters(p: _Known, q: _Known) -> None:
    for known, side in ((p, "p"), (q, "q")):
        supports.check_parameters(known.family, known.parameters, side)


def _value(entry: registry.Entry, p: _Known, q: _Known) -> Any:
    try:
        return entry.form(p.parameters, q.parameters)
    except registry.NoFormError as error:
        _refuse(p, q, f" for {error} of dist_p")


def _of_members(entry: registry.Entry, p: _Known, q: _Known, inside: Any) -> Any:
    """The values of these members of a batch, and inf for the others, which may have no form."""
    shape = np.broadcast_shapes(np.shape(inside), _batch_shape(p), _batch_shape(q))
    chosen = np.broadcast_to(inside, shape)

    def some(known: _Known) -> _Known:
        parameters = {
            name: np.broadcast_to(arrays.read(value, name)[0], shape)[chosen]
            for name, value in known.parameters.items()
        }
        return replace(known, parameters=registry.Given(parameters))

    result = np.full(shape, math.inf)
    result[chosen] = _value(entry, some(p), some(q))
    return result


def _surprise(p: _Known, q: _Known) -> Any:
    """−log q of the one value that p always has, as the library of dist_q says it."""
    value = p.parameters["loc"]
    if q.called.startswith("torch"):
        _refuse(p, q)
    if q.called.startswith("tfd"):  # which asks for a dtype of its own
        value = np.asarray(value, dtype=q.dist.dtype.as_numpy_dtype)
    return -np.asarray(getattr(q.dist, kinds.log_density(q.dist))(value), dtype=np.float64)[()]


def _of_two_kinds(p: _Known, q: _Known) -> tuple[Any, str]:
    """Without a closed form: inf if one is discrete and the other is not, else an error."""
    if {kinds.is_discrete(p.dist), kinds.is_discrete(q.dist)} != {True, False}:
        _refuse(p, q)
    shape = np.broadcast_shapes(_batch_shape(p), _batch_shape(q))
    reason = (
        f"one of {p.called} and {q.called} is discrete and the other continuous, so that neither "
        "gives the values of the other any probability"
    )
    return np.full(shape, math.inf)[()], reason


def _batch_shape(known: _Known) -> tuple[int, ...]:
    """The shape of the batch, as far as the object tells it."""
    dist = known.dist
    if hasattr(dist, "batch_shape"):
        return tuple(int(n) for n in dist.batch_shape)
    arguments = [*getattr(dist, "args", ()), *getattr(dist, "kwds", {}).values()]
    return np.broadcast_shapes(*(np.shape(argument) for argument in arguments))


def _known(dist: Any, name: str) -> _Known:
    dist = from_tfp.unwrapped(dist)
    library = _library(dist, name)
    if library is None:
        return _Known(dist, type(dist).__name__, "", registry.Given())
    family, parameters = _READERS[library](dist) or ("", {})
    return _Known(dist, f"{library}.{kinds.name_of(dist)}", family, registry.Given(parameters))


def _library(dist: Any, name: str) -> str | None:
    """The library of a distribution, as messages call it; None for a class that is registered."""
    module, kind = type(dist).__module__, type(dist).__name__
    if isinstance(dist, type):
        raise TypeError(f"{name} is the class {dist.__name__}; pass it with its parameters")
    if module.startswith("scipy.stats."):
        if kind.endswith("_gen"):
            raise TypeError(
                f"{name} is stats.{kinds.name_of(dist)} without its parameters; pass them: "
                f"stats.{kinds.name_of(dist)}(...)"
            )
        return "stats"
    if module.startswith("tensorflow_probability.") and hasattr(dist, "log_prob"):
        return "tfd"
    if module.startswith("torch.distributions."):
        return "torch"
    registered = {key for pair in registry.PAIRS for key in pair}
    if registered & set(type(dist).__mro__):
        return None
    raise TypeError(
        f"{name} is of type {kind}; pass a distribution with its parameters, such as "
        "stats.norm(0, 1) of SciPy, torch.distributions.Normal(0.0, 1.0) or tfd.Normal(0.0, 1.0) "
        "of TFP; for arrays of probabilities use kl_divergence(p, q), and for a class of your own "
        "register_kl"
    )


def _refuse(p: _Known, q: _Known, why: str = "") -> NoReturn:
    log_p, log_q = kinds.log_density(p.dist), kinds.log_density(q.dist)
    neighbours = "" if kinds.is_discrete(p.dist) else ", or kl_knn(x, y) from samples of both"
    raise NoClosedFormError(
        f"KL from {p.called} to {q.called} has no closed form here{why}; estimate it: "
        f"kl_monte_carlo(dist_p.{log_p}, dist_q.{log_q}, samples) with samples of dist_p"
        f"{neighbours}"
    )
