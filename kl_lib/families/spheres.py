"""KL between distributions of directions, on the unit sphere of d dimensions.

All are symmetric around a mean direction, so that only t counts, the cosine of the angle to it. A
von Mises-Fisher distribution has a density proportional to e^(κ·t) (see `von_mises.py`), a power
spherical one a density proportional to (1 + t)^κ. There, and where κ is 0, (1 + t)/2 is a beta
variable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .dirichlet import kl_beta
from .parameters import Array, common_shape, finish, real, refuse
from .registry import NoFormError, closed_form
from .von_mises import above_tangent, turned

Parameters = Mapping[str, Any]


@closed_form("spherical_uniform", "spherical_uniform")
@closed_form("spherical_uniform", "von_mises_fisher")
@closed_form("von_mises_fisher", "spherical_uniform")
@closed_form("von_mises_fisher", "von_mises_fisher")
def _von_mises_fisher(p: Parameters, q: Parameters) -> Any:
    k_p, k_q, half, d = _read(p, q)
    with np.errstate(all="ignore"):
        value = turned(half, k_p, k_q, d) + above_tangent(k_q, k_p, d)
    return finish(value, 1.0, np.shape(value))


@closed_form("power_spherical", "von_mises_fisher")
def _power_spherical_to_von_mises_fisher(p: Parameters, q: Parameters) -> Any:
    """That to the uniform distribution, and the mean of log(uniform density/density of dist_q)."""
    k_p, k_q, half, d = _read(p, q)
    with np.errstate(all="ignore"):
        # The mean of t is k_p/(k_p + d − 1).
        cosine = 1 - 2 * np.sin(half) ** 2
        log_norm = above_tangent(k_q, 0 * k_q, d)
        return _from_uniform(k_p, d) + log_norm - k_q * cosine * (k_p / (k_p + (d - 1)))


@closed_form("power_spherical", "spherical_uniform")
def _power_spherical_to_uniform(p: Parameters, q: Parameters) -> Any:
    k_p, _, _, d = _read(p, q)
    return _from_uniform(k_p, d)


def _from_uniform(k: Array, d: int) -> Any:
    order = 0.5 * (d - 1)
    return kl_beta(k + order, order, order, order)


@closed_form("power_spherical", "power_spherical")
def _power_spherical(p: Parameters, q: Parameters) -> Any:
    k_p, k_q, half, d = _read(p, q)
    if np.any(half):
        raise NoFormError("another mean_direction")
    order = 0.5 * (d - 1)
    return kl_beta(k_p + order, order, k_q + order, order)


def _read(p: Parameters, q: Parameters) -> tuple[Array, Array, Array, int]:
    """The two concentrations, half of the angle between the mean directions, and d."""
    (k_p, m_p, d_p), (k_q, m_q, d_q) = _of_one(p, "p"), _of_one(q, "q")
    if d_p != d_q:
        raise NoFormError("another number of dimensions")
    # Of unit vectors, |mp − mq| = 2·sin(angle/2), which does not cancel where they are close.
    chord = np.sqrt(((m_p - m_q) ** 2).sum(axis=-1))
    half = np.arcsin(np.minimum(0.5 * chord, 1.0))
    shape = common_shape({"concentration_p": k_p, "concentration_q": k_q, "mean_direction": half})
    k_p, k_q, half = (np.broadcast_to(x, shape)[()] for x in (k_p, k_q, half))
    return k_p, k_q, half, d_p


def _of_one(values: Parameters, side: str) -> tuple[Array, Array, int]:
    if "dimension" in values:
        d = int(values["dimension"])
        return np.zeros(values["batch"]), np.zeros(d), d
    name = f"concentration_{side}"
    k = real(values["concentration"], name)
    refuse(k < 0, k, name, "a concentration of directions is 0 or above")
    direction = real(values["mean_direction"], f"mean_direction_{side}")
    return k, direction / np.sqrt((direction**2).sum(axis=-1, keepdims=True)), direction.shape[-1]
