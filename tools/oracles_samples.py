"""What estimates have to be: the formulas of their sources."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from oracle_parts import (
    EPS,
    INF,
    Answer,
    Given,
    RefusedError,
    aligned,
    as_points,
    check_readable,
    exact,
    mp,
    mpf,
    pair_roles,
    scale_of,
    shape_of,
    square,
)
from oracles_categories import kl_row

Oracle = Callable[[dict[str, Given], dict[str, Any]], Any]


def kl_from_counts(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale = scale_of(options)
    check_readable(*arguments.values())
    found, _ = aligned(arguments, pair_roles(-1))
    a, b = (given.plain for given in found.values())
    if len(shape_of(a)) != 1 or len(shape_of(b)) != 1 or len(a) != len(b) or not a:
        raise RefusedError
    for row in (a, b):
        if not all(math.isfinite(x) and x >= 0 and x == int(x) for x in row) or max(row) == 0:
            raise RefusedError
    alpha = options.get("smoothing")
    if alpha is not None and (isinstance(alpha, (str, bool)) or not 0 < alpha < math.inf):
        raise RefusedError
    alpha = mpf(alpha or 0)
    n, m, count = mp.fsum(exact(a)), mp.fsum(exact(b)), len(a)
    p = [(x + alpha) / (n + alpha * count) for x in exact(a)]
    q = [(x + alpha) / (m + alpha * count) for x in exact(b)]
    value = kl_row(p, q)
    if value == INF:
        return Answer([INF / scale, mp.nan], (2,))
    bias, first, second = delta_method(p, q, n, m, alpha)
    error = mp.sqrt(max(first - second, second, mpf(0)))
    # The variance is a difference of sums, and its root halves the digits where it almost vanishes.
    slack = [2 * EPS, 1e-7 * float(error) + 1e-9, 1e-12 * (1 + abs(float(bias)))]
    numbers = [value / scale, error / abs(scale), bias / scale]
    return Answer(numbers, (3,), [x / abs(float(scale)) for x in slack])


def delta_method(p: list[Any], q: list[Any], n: Any, m: Any, alpha: Any) -> tuple[Any, Any, Any]:
    """gᵀs + ½·tr(HΣ), gᵀΣg and ½·tr((HΣ)²) with the matrices written out, over what p has seen."""
    count = len(p)
    total_p, total_q = n + alpha * count, m + alpha * count
    shift = [alpha * (1 - count * x) / total_p for x in p]
    shift += [alpha * (1 - count * x) / total_q for x in q]
    seen = [i for i in range(count) if p[i] > 0]
    places_of = [*seen, *(count + i for i in seen)]
    size = len(seen)
    p, q = [p[i] for i in seen], [q[i] for i in seen]
    gradient = [mp.log(x / y) + 1 for x, y in zip(p, q, strict=True)]
    gradient += [-x / y for x, y in zip(p, q, strict=True)]
    hessian, covariance = mp.zeros(2 * size), mp.zeros(2 * size)
    for i in range(size):
        hessian[i, i], hessian[size + i, size + i] = 1 / p[i], p[i] / q[i] ** 2
        hessian[i, size + i] = hessian[size + i, i] = -1 / q[i]
        for j in range(size):
            same = int(i == j)
            covariance[i, j] = (same * p[i] - p[i] * p[j]) * n / total_p**2
            covariance[size + i, size + j] = (same * q[i] - q[i] * q[j]) * m / total_q**2
    g, s = mp.matrix(gradient), mp.matrix([shift[i] for i in places_of])
    curved = hessian * covariance
    squared = curved * curved
    bias = (g.T * s)[0] + mp.fsum([curved[i, i] for i in range(2 * size)]) / 2
    second = mp.fsum([squared[i, i] for i in range(2 * size)]) / 2
    return bias, (g.T * covariance * g)[0], second


def kl_knn(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale = scale_of(options)
    check_readable(*arguments.values())
    k, subsamples = options.get("k", 5), options.get("subsamples", 20)
    if not isinstance(k, int) or k < 1 or not isinstance(subsamples, int) or subsamples < 0:
        raise RefusedError
    if subsamples == 1:
        raise RefusedError
    found, _ = aligned(
        arguments, lambda name, ndim: [f"points of {name}", "category"][:ndim], batch=False
    )
    x, y = (as_points(given.plain) for given in found.values())
    d = len(x[0])
    if len(y[0]) != d or min(len(x), len(y)) <= max(k, d if d > 1 else 0):
        raise RefusedError
    for points in (x, y):
        if not all(math.isfinite(c) for point in points for c in point):
            raise RefusedError
        if any(len({point[i] for point in points}) == 1 for i in range(d)):
            raise RefusedError
    rho = [sorted(map(square, [point] * len(x), x))[k] for point in x]
    nu = [sorted(map(square, [point] * len(y), y))[k - 1] for point in x]
    if min(rho) == 0 or min(nu) == 0:
        raise RefusedError
    total = mp.fsum([mp.log(b / a) for a, b in zip(rho, nu, strict=True)])
    value = d * total / 2 / len(x) + mp.log(mpf(len(y)) / (len(x) - 1))
    # Terms of either sign cancel; a logarithm rounds like itself, a distance like its coordinates.
    size = max(abs(float(mp.log(a))) for a in (*rho, *nu)) + 10
    far = max(abs(c) for point in (*x, *y) for c in point) ** 2 / float(min(*rho, *nu))
    slack = d * EPS * (size + 8 * math.sqrt(far)) / abs(float(scale))
    return Answer([value / scale], (1,), slack)


def kl_monte_carlo(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale, estimator = scale_of(options), options.get("estimator", "k1")
    if estimator not in ("k1", "k2", "k3"):
        raise RefusedError
    samples = arguments["samples"].plain
    log = {name: arguments[name] for name in ("log_p", "log_q")}
    if any(given.plain is None for given in log.values()):
        raise RefusedError
    if samples is None or len(samples) < 2:
        raise RefusedError
    for given in log.values():
        if shape_of(given.plain) != (len(samples),):
            raise RefusedError
        if any(math.isnan(x) or x == math.inf for x in given.plain):
            raise RefusedError
    if -math.inf in log["log_p"].plain:
        raise RefusedError
    found, _ = aligned(log, lambda _, ndim: ["category"] * ndim, batch=False)
    p, q = (given.plain for given in found.values())
    if -math.inf in q:
        return Answer([INF / scale, mp.nan], (2,))
    gaps = [mpf(x) - mpf(y) for x, y in zip(p, q, strict=True)]
    kinds = {
        "k1": lambda gap: gap,
        "k2": lambda gap: gap**2 / 2,
        "k3": lambda gap: mp.exp(-gap) - 1 + gap,
    }
    terms = [kinds[estimator](gap) for gap in gaps]
    n = len(terms)
    value = mp.fsum(terms) / n
    error = mp.sqrt(mp.fsum([(x - value) ** 2 for x in terms]) / (n - 1) / n)
    largest = float(max(map(abs, terms)))
    # log p − log q rounds as its parts do; a difference from the mean as the largest term.
    rounding = (
        EPS * max(map(abs, (*p, *q))) * max(1, *(float(abs(slope(estimator, gap))) for gap in gaps))
    )
    slack = [(4 * EPS * largest + rounding) / abs(float(scale))] * 2
    return Answer([value / scale, error / abs(scale)], (2,), slack)


def slope(estimator: str, gap: Any) -> Any:
    """How a term moves with log p − log q."""
    return {"k1": mpf(1), "k2": gap, "k3": 1 - mp.exp(-gap)}[estimator]


ORACLES: dict[str, Oracle] = {
    "kl_from_counts": kl_from_counts,
    "kl_knn": kl_knn,
    "kl_monte_carlo": kl_monte_carlo,
}
