"""KL of distributions that are made of others: of their parts, by `between.solve`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .between import solve
from .registry import NoFormError, register_kl


@register_kl("independent", "independent")
def _independent(p: dict[str, Any], q: dict[str, Any]) -> Any:
    """The sum over the axes of the batch that count as one event."""
    if p["axes"] != q["axes"]:
        raise NoFormError("other reinterpreted_batch_ndims")
    shape = np.broadcast_shapes(*(tuple(map(int, x["base"].batch_shape)) for x in (p, q)))
    value = np.broadcast_to(solve(p["base"], q["base"])[0], shape)
    return value.sum(axis=tuple(range(-p["axes"], 0)))


@register_kl("joint", "joint")
def _joint(p: dict[str, Any], q: dict[str, Any]) -> Any:
    """The sum over the parts, which are independent."""
    if p["names"] != q["names"]:
        raise NoFormError("other parts")
    return sum(solve(a, b)[0] for a, b in zip(p["parts"], q["parts"], strict=True))


@register_kl("sample", "sample")
def _sample(p: dict[str, Any], q: dict[str, Any]) -> Any:
    """Of several independent draws, so many times that of one."""
    if p["shape"] != q["shape"]:
        raise NoFormError("another sample_shape")
    return math.prod(p["shape"]) * solve(p["base"], q["base"])[0]


@register_kl("masked", "masked")
def _masked(p: dict[str, Any], q: dict[str, Any]) -> Any:
    """Nothing where both are masked."""
    if not np.all(np.equal(p["mask"], q["mask"])):
        raise NoFormError("another validity_mask")
    return np.where(p["mask"], solve(p["base"], q["base"])[0], 0.0)[()]


@register_kl("transformed", "transformed")
def _transformed(p: dict[str, Any], q: dict[str, Any]) -> Any:
    """Equal one-to-one maps of both change nothing."""
    if p["map"] != q["map"] or p["event"] != q["event"]:
        raise NoFormError("another transform")
    return solve(p["base"], q["base"])[0]
