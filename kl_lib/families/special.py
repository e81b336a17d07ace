"""log Γ and its derivative ψ, of NumPy arrays, without SciPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .numbers import choose

_FROM = 10.0
_LARGE = 2.5e305
# B₂ₙ/(2n) of Stirling's series for ψ, https://dlmf.nist.gov/5.11.E2
_PSI = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160)


def _log_gamma(x: float) -> float:
    return math.lgamma(x) if x < _LARGE else math.inf


#: log Γ(x) of positive x, a number or an array; inf where it is beyond the largest float.
log_gamma: Callable[[Any], Any] = np.vectorize(_log_gamma, otypes=[np.float64])


def digamma(x: Any) -> Any:
    """ψ(x) = (log Γ)′(x) of positive x, a number or an array."""
    steps = choose(x < _FROM, lambda: sum(1 / (x + k) for k in range(int(_FROM))), lambda: 0.0)
    far = x + choose(x < _FROM, lambda: _FROM, lambda: 0.0)
    return np.log(far) - 0.5 / far - psi_series(far) - steps


def psi_series(x: Any) -> Any:
    """log x − 1/(2x) − ψ(x) for x ≥ 10: positive and small."""
    square = 1 / x / x
    total = 0.0
    for coefficient in reversed(_PSI):
        total = (total + coefficient) * square
    return total
