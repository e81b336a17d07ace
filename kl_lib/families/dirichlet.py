"""KL between Dirichlet distributions, and between beta distributions, which are those of two."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import check_base
from ..errors import DistributionError
from ..labels import Role
from ..renamed import renamed
from ..stable import exact_sum
from .log_gamma import bregman, bregman_drop
from .numbers import elementwise
from .parameters import Array, broadcast, checked, concentration, finish, refuse
from .quotients import product_quotient, quotient, weighted_itakura_saito

#: The last axes, which are no batch.
_CORE: dict[str, tuple[Role, ...]] = {
    "concentration_p": ("concentration",),
    "concentration_q": ("concentration",),
}
#: Outside, quotients overflow on the way to a result that is finite.
_LEAST, _MOST = 1e-150, 1e150


@renamed(
    a_p="concentration1_p", b_p="concentration0_p", a_q="concentration1_q", b_q="concentration0_q"
)
def kl_beta(
    concentration1_p: ArrayLike,
    concentration0_p: ArrayLike,
    concentration1_q: ArrayLike,
    concentration0_q: ArrayLike,
    *,
    base: float | None = None,
) -> Any:
    """KL(Beta(concentration1_p, concentration0_p) ‖ Beta(concentration1_q, concentration0_q)).

    log(B(aq, bq)/B(ap, bp)) + (ap − aq)·ψ(ap) + (bp − bq)·ψ(bp) − (ap + bp − aq − bq)·ψ(ap + bp),
    with a and b the concentrations at 1 and at 0, and ψ = (log Γ)′. It is computed as
    `kl_dirichlet` of two concentrations.

    Parameters
    ----------
    concentration1_p, concentration1_q
        Concentrations at 1, above 0: `a` in SciPy, `concentration1` in TFP; scalars or arrays
        that broadcast.
    concentration0_p, concentration0_q
        Concentrations at 0, above 0: `b` in SciPy, `concentration0` in TFP.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        In nats, or the unit of `base`.

    Raises
    ------
    DistributionError
        If a parameter is not between 1e-150 and 1e150.

    References
    ----------
    Gil, Alajaji and Linder, "Rényi divergence measures for commonly used univariate continuous
    distributions", Information Sciences 249, 2013.

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_beta(2, 3, 1, 1).round(7))
    0.2349066
    >>> print(kl.kl_beta(1, 1, 2, 3).round(7))
    0.5150934
    """
    divisor = check_base(base)
    parameters = checked(
        concentration1_p=(concentration1_p, _concentration),
        concentration0_p=(concentration0_p, _concentration),
        concentration1_q=(concentration1_q, _concentration),
        concentration0_q=(concentration0_q, _concentration),
    )
    shape, (concentration1_p, concentration0_p, concentration1_q, concentration0_q) = broadcast(
        parameters
    )
    p, q = (
        np.stack([concentration1_p, concentration0_p], axis=-1),
        np.stack([concentration1_q, concentration0_q], axis=-1),
    )
    return finish(_dirichlet(p, q), divisor, shape, parameters.labels)


def kl_dirichlet(
    concentration_p: ArrayLike, concentration_q: ArrayLike, *, base: float | None = None
) -> Any:
    """KL(Dirichlet(concentration_p) ‖ Dirichlet(concentration_q)).

    log Γ(Σp) − log Γ(Σq) + Σ [log Γ(qi) − log Γ(pi) + (pi − qi)·(ψ(pi) − ψ(Σp))], with p and q
    the concentrations and ψ = (log Γ)′. It is computed in another form, without cancellation: see
    `kl_lib/families/log_gamma.py`.

    Parameters
    ----------
    concentration_p, concentration_q
        Concentrations, above 0, shape (..., categories): `alpha` in SciPy, `concentration` in
        TFP. The axes before the last broadcast.
    base
        Base of the logarithm: 2 for bits, None for nats.

    Returns
    -------
    float or array
        Shape (...), in nats or the unit of `base`.

    Raises
    ------
    DistributionError
        If a concentration is not between 1e-150 and 1e150, or the two do not have equally many.

    References
    ----------
    Gil, Alajaji and Linder, "Rényi divergence measures for commonly used univariate continuous
    distributions", Information Sciences 249, 2013 (which has the Dirichlet too).

    Examples
    --------
    >>> import kl_lib as kl
    >>> print(kl.kl_dirichlet([1, 2, 3], [2, 2, 2]).round(7))
    0.8068528
    >>> bool(kl.kl_dirichlet([2, 3], [1, 1]) == kl.kl_beta(2, 3, 1, 1))
    True
    """
    divisor = check_base(base)
    parameters = checked(
        _CORE,
        concentration_p=(concentration_p, _concentration),
        concentration_q=(concentration_q, _concentration),
    )
    sizes = [array.shape[-1:] for array in parameters.values()]
    if sizes[0] != sizes[1] or sizes[0] in ((), (0,)):
        told = " and ".join(f"{name} has shape {x.shape}" for name, x in parameters.items())
        raise DistributionError(
            f"{told}; give both one concentration for each category, on the last axis",
            kind="shape",
            argument=" and ".join(parameters),
        )
    shape, (p, q) = broadcast(parameters)
    return finish(_dirichlet(p, q), divisor, shape[:-1], parameters.labels)


def _dirichlet(p: Array, q: Array) -> Array:
    """Σ D(qi, pi) − D(Σq, Σp), where D says how far log Γ lies above its tangents.

    Of log Γ, the part x·log x − x makes `_mean`; for the rest, D is `bregman`.
    """
    with np.errstate(all="ignore"):
        sums = [np.broadcast_to(x[..., None], p.shape) for x in (*exact_sum(p), *exact_sum(q))]
        means = elementwise(_mean, p, q, *sums).sum(axis=-1)
        # The component that weighs most is subtracted from the sum; all others only add.
        shares = np.minimum(p / sums[0], q / sums[2])
        most = np.arange(p.shape[-1]) == shares.argmax(axis=-1)[..., None]
        batch, number = p.shape[:-1], p.shape[-1] - 1
        top = [x[most].reshape(batch)[()] for x in (q, p, q - p)]
        others = [x[~most].reshape(*batch, number) for x in (q, p, q - p)]
        rest = [x.sum(axis=-1) for x in others]
        return means + bregman(*others).sum(axis=-1) + bregman_drop(*top, *rest)


def _mean(p: Array, q: Array, p_sum: Array, p_low: Array, q_sum: Array, q_low: Array) -> Array:
    """q·log(q·Σp/(p·Σq)), less what adds up to 0: of the KL between the means, times Σq."""
    u, log = quotient(p, q_sum, q, p_sum)
    # What rounding took from the sums: close p and q need every digit of u.
    u = u + p / q * (q_low / p_sum) - p_low / p_sum
    return weighted_itakura_saito(q, product_quotient(p, q_sum, p_sum), u, log)


def _concentration(value: ArrayLike, name: str) -> Array:
    array = concentration(value, name)
    beyond = (array < _LEAST) | (array > _MOST)
    refuse(beyond, array, name, "beyond 1e-150 and 1e150 floats do not carry the result")
    return array
