"""SciPy: three calls that look alike and are not.

`scipy.special.rel_entr(p, q)` gives the terms p·log(p/q), `scipy.special.kl_div(p, q)` the terms
p·log(p/q) − p + q, and `scipy.stats.entropy(p, q)` the sum over **axis 0** of rows that it has
normalised without saying so. All three take p first, count in nats and are exact at zeros.
Measured with scipy 1.17.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from numpy.typing import ArrayLike

from . import _shared

CALLS = ("rel_entr", "kl_div", "entropy")


def available() -> bool:
    """True if SciPy is installed; does not import it."""
    return _shared.installed("scipy")


def load() -> ModuleType:
    """The module `scipy`, or an ImportError that names the extra."""
    return _shared.load("scipy", adapter="scipy", needs="scipy", install='"kl-lib[scipy]"')


def version() -> str:
    """The library and its version, such as ``scipy 1.17.0``."""
    return f"scipy {load().__version__}"


def kl_divergence(p: ArrayLike, q: ArrayLike) -> Any:
    """KL(p‖q) in nats by ``scipy.special.rel_entr(p, q).sum(axis=-1)``.

    Right everywhere, zeros included; only p ≈ q loses digits, since the terms have both signs.

    Parameters
    ----------
    p, q
        Distributions, shape (..., categories); one may be set against a batch.

    Returns
    -------
    float or array
        Nats, float64, shape (...).

    Raises
    ------
    DistributionError
        If p or q is not a distribution (SciPy itself would take anything).
    ImportError
        If SciPy is not installed.

    Examples
    --------
    >>> from kl_lib.frameworks import scipy
    >>> scipy.kl_divergence([[0.5, 0.5], [1, 0]], [0.25, 0.75]).round(6)
    array([0.143841, 1.386294])
    """
    load()
    from scipy import special

    p, q = _shared.rows(p, q)
    return _shared.result(special.rel_entr(p, q).sum(axis=-1))


def raw(p: ArrayLike, q: ArrayLike, *, call: str = "rel_entr", **kwargs: Any) -> Any:
    """SciPy's own call: ``call(p, q)``, nothing checked and nothing summed that SciPy does not.

    Parameters
    ----------
    p, q
        In SciPy's order, which is p first.
    call
        ``"rel_entr"`` and ``"kl_div"`` (from `scipy.special`, one value for each category) or
        ``"entropy"`` (from `scipy.stats`, normalises, sums over axis 0).
    **kwargs
        Passed on: ``axis=-1`` or ``base=2`` for ``"entropy"``.

    Examples
    --------
    Counts: `rel_entr` takes them as they are, `entropy` divides them by their sum.

    >>> from kl_lib.frameworks import scipy
    >>> print(scipy.raw([2, 5, 2, 1], [3, 4, 1, 2]).sum().round(5))
    0.99793
    >>> print(scipy.raw([2, 5, 2, 1], [3, 4, 1, 2], call="entropy").round(5))
    0.09979
    """
    _shared.check_call(call, CALLS)
    load()
    from scipy import special, stats

    function = {"rel_entr": special.rel_entr, "kl_div": special.kl_div, "entropy": stats.entropy}
    return function[call](p, q, **kwargs)
