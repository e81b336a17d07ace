"""High-precision values to test against: the definitions in mpmath, on exactly the given floats."""

from collections.abc import Sequence

import mpmath
from mpmath import mp, mpf

mp.dps = 60


def _normalised(masses: Sequence[float]) -> list[mpf]:
    exact = [mpf(float(m)) for m in masses]
    total = mpmath.fsum(exact)
    return [m / total for m in exact]


def entropy(p: Sequence[float]) -> mpf:
    return -mpmath.fsum(x * mpmath.log(x) for x in _normalised(p) if x > 0)


def cross_entropy(p: Sequence[float], q: Sequence[float]) -> mpf:
    pairs = [(x, y) for x, y in zip(_normalised(p), _normalised(q), strict=True) if x > 0]
    if any(y == 0 for _, y in pairs):
        return mpf("inf")
    return -mpmath.fsum(x * mpmath.log(y) for x, y in pairs)


def kl(p: Sequence[float], q: Sequence[float]) -> mpf:
    """KL of the two rows divided by their exact sums."""
    pairs = [(x, y) for x, y in zip(_normalised(p), _normalised(q), strict=True) if x > 0]
    if any(y == 0 for _, y in pairs):
        return mpf("inf")
    return mpmath.fsum(x * mpmath.log(x / y) for x, y in pairs)


def js(p: Sequence[float], q: Sequence[float]) -> mpf:
    a, b = _normalised(p), _normalised(q)
    mean = [(x + y) / 2 for x, y in zip(a, b, strict=True)]

    def half(side: list[mpf]) -> mpf:
        return mpmath.fsum(x * mpmath.log(x / m) for x, m in zip(side, mean, strict=True) if x > 0)

    return (half(a) + half(b)) / 2


def kl_logits(a: Sequence[float], b: Sequence[float]) -> mpf:
    def log_softmax(row: Sequence[float]) -> list[mpf]:
        exact = [mpf(float(x)) for x in row]
        total = mpmath.log(mpmath.fsum(mpmath.exp(x) for x in exact))
        return [x - total for x in exact]

    pairs = [
        (x, y) for x, y in zip(log_softmax(a), log_softmax(b), strict=True) if x != -mpf("inf")
    ]
    return mpmath.fsum(mpmath.exp(x) * (x - y) for x, y in pairs)


def relative_error(value: float, exact: mpf) -> float:
    if exact == 0:
        return 0.0 if value == 0 else float("inf")
    return float(abs(mpf(float(value)) - exact) / abs(exact))
