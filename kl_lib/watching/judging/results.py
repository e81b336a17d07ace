"""The result of a call: is it a divergence, and what has the library's clipping done to it?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..codes import Finding
from .arguments import Argument, Array, Axes
from .asked import Asked
from .examination import Pair

#: Below 0 by more than this is no rounding, by dtype.
ROUNDING = {"float64": 1e-9, "float16": 0.02, "bfloat16": 0.1}


def per_row(asked: Asked, result: Argument | None, axes: Axes | None) -> Array | None:
    """The result; summed over the categories where it has a number for each of them."""
    if result is None:
        return None
    values = next(iter(result.parts.values()))
    if not asked.entries or axes is None:
        return values
    lines = result.along(axes)
    if lines is None or lines.ndim < -min(axes):
        return values
    return np.asarray(lines.sum(axis=axes))


def findings(
    values: Array | None,
    dtype: str,
    infinite: str,
    causes: Sequence[Finding] = (),
    terms: bool = False,
) -> Iterator[Finding]:
    """What no divergence is: nan, infinite, negative. What is wrong beside is the likely cause.

    `infinite` is the remedy for a result that is, and with `terms` these are parts of a sum, which
    may be negative.
    """
    if values is None or not values.size:
        return
    first = f"mend KLD{causes[0].code} first" if causes else ""
    if bad := int(np.isnan(values).sum()):
        told = f"{_some(values, bad)} nan"
        yield Finding(
            312, told, first or "see whether q is 0 or -inf where p is 0, or an argument nan"
        )
    if bad := int(np.isinf(values).sum()):
        told = f"{_some(values, bad)} infinite"
        yield Finding(313, told, first or infinite)
    finite = values[np.isfinite(values)]
    if not terms and (finite < -ROUNDING.get(dtype, 1e-4)).any():
        bad = int((finite < -ROUNDING.get(dtype, 1e-4)).sum())
        told = f"{_some(values, bad)} negative ({finite.min():.4g}), and KL never is"
        yield Finding(311, told, first or "divide p and q by their sums over the categories")


def _some(values: Array, bad: int) -> str:
    if values.size == 1:
        return "the result is"
    return f"of {values.size} results {bad} {'is' if bad == 1 else 'are'}"


def clipped(epsilon: float, pair: Pair | None) -> Iterator[Finding]:
    """Whether clipping both to [epsilon, 1] changes the divergence."""
    if pair is None or not pair.p.size:
        return
    with np.errstate(all="ignore"):
        terms = pair.p * np.log(pair.p / pair.q)
        exact = np.where(pair.p == 0, 0, terms).sum(axis=-1)
        a, b = (np.clip(x, epsilon, 1) for x in (pair.p, pair.q))
        with_clip = (a * np.log(a / b)).sum(axis=-1)
    off = np.isinf(exact) | (np.abs(with_clip - exact) > 1e-3 * np.abs(exact) + 1e-4)
    if off.any():
        row = int(np.argmax(off))
        true = "infinite" if math.isinf(exact[row]) else f"{exact[row]:.4g}"
        told = (
            f"q is clipped at {epsilon:g}: row {row} gives {with_clip[row]:.4g}, its KL is {true}"
        )
        yield Finding(309, told, "use kl_lib.losses.keras.kl_loss, from logits")
