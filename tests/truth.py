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


def kl_terms(p: Sequence[float], q: Sequence[float]) -> list[mpf]:
    """p·log(p/q) of each category."""
    return [
        mpf(0) if x == 0 else x * mpmath.log(x / y) if y > 0 else mpf("inf")
        for x, y in zip(_normalised(p), _normalised(q), strict=True)
    ]


def total_variation(p: Sequence[float], q: Sequence[float]) -> mpf:
    return mpmath.fsum(abs(x - y) for x, y in zip(_normalised(p), _normalised(q), strict=True)) / 2


def _affinity(p: Sequence[float], q: Sequence[float]) -> mpf:
    pairs = zip(_normalised(p), _normalised(q), strict=True)
    return mpmath.fsum(mpmath.sqrt(x * y) for x, y in pairs)


def hellinger(p: Sequence[float], q: Sequence[float]) -> mpf:
    return mpmath.sqrt(1 - _affinity(p, q))


def bhattacharyya(p: Sequence[float], q: Sequence[float]) -> mpf:
    affinity = _affinity(p, q)
    return -mpmath.log(affinity) if affinity > 0 else mpf("inf")


def chi2(p: Sequence[float], q: Sequence[float]) -> mpf:
    pairs = [(x, y) for x, y in zip(_normalised(p), _normalised(q), strict=True) if x > 0 or y > 0]
    if any(y == 0 for _, y in pairs):
        return mpf("inf")
    return mpmath.fsum((x - y) ** 2 / y for x, y in pairs)


def renyi(alpha: float, p: Sequence[float], q: Sequence[float]) -> mpf:
    if alpha == 1:
        return kl(p, q)
    pairs = [(x, y) for x, y in zip(_normalised(p), _normalised(q), strict=True) if x > 0]
    if alpha > 1 and any(y == 0 for _, y in pairs):
        return mpf("inf")
    if alpha == float("inf"):
        return max(mpmath.log(x / y) for x, y in pairs)
    order = mpf(alpha)
    total = mpmath.fsum(x**order * y ** (1 - order) for x, y in pairs if y > 0)
    return mpmath.log(total) / (order - 1) if total > 0 else mpf("inf")


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
