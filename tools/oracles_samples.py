"""What estimates have to be: the formulas of their sources."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from oracle_parts import (
    EPS,
    INF,
    Answer,
    Given,
    RefusedError,
    aligned,
    as_points,
    careful,
    check_readable,
    exact,
    flat,
    mp,
    mpf,
    pair_roles,
    places,
    scale_of,
    shape_of,
    square,
)
from oracles_categories import js_row, kl_row

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


def rank_about_first(points: list[list[float]]) -> int:
    """Of how many dimensions the points are, exactly: fewer than they have lie in a plane."""
    first, *others = ([Fraction(c) for c in point] for point in points)
    rows, rank = [[a - b for a, b in zip(row, first, strict=True)] for row in others], 0
    for column in range(len(first)):
        pivot = next((row for row in rows if row[column]), None)
        if pivot is None:
            continue
        rank += 1
        rows.remove(pivot)
        rows = [
            [a - b * (row[column] / pivot[column]) for a, b in zip(row, pivot, strict=True)]
            for row in rows
        ]
    return rank


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
        if rank_about_first(points) < d:
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


def entropy_from_counts(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale, method = scale_of(options), options.get("method", "plug-in")
    if method not in ("plug-in", "miller-madow", "grassberger", "chao-shen"):
        raise RefusedError
    check_readable(*arguments.values())
    counts = exact(whole_counts(arguments["counts"].plain, 1))
    seen = [k for k in counts if k > 0]
    n = mp.fsum(seen)
    p = [k / n for k in seen]
    plain = -mp.fsum([x * mp.log(x) for x in p])
    few = (len(seen) - 1) / (2 * n)
    of_method = {
        "plug-in": (lambda: plain, -few),
        "miller-madow": (lambda: plain + few, mp.nan),
        "grassberger": (lambda: grassberger(seen, n), mp.log(n) - mp.digamma(n)),
        "chao-shen": (lambda: chao_shen(seen, n), mp.nan),
    }
    value, bias = of_method[method]
    gradient = [-mp.log(x) - 1 for x in p]
    hessian = mp.diag([-1 / x for x in p])
    error, _ = delta(gradient, hessian, covariance_of([p], [n]))
    value = value()
    # Grassberger's sum cancels against log n, and Chao's and Shen's of one category is of 1 − p.
    slack = [8 * EPS * (1 + float(mp.log(n)))] * 3
    if method in ("plug-in", "miller-madow"):
        slack[0] = 0.0
    if method == "grassberger":
        slack[2] = 2 * EPS * (1 + float(mp.log(n)))
    numbers = [value / scale, error / abs(scale), bias / scale]
    return Answer(numbers, (3,), [x / abs(float(scale)) for x in slack])


def whole_counts(plain: Any, ndim: int) -> Any:
    shape = shape_of(plain)
    if len(shape) != ndim or 0 in shape:
        raise RefusedError
    cells = flat(plain)
    if not all(math.isfinite(x) and x >= 0 and x == int(x) for x in cells) or max(cells) == 0:
        raise RefusedError
    return plain


def grassberger(seen: list[Any], n: Any) -> Any:
    """log n − Σ k·G(k)/n; G of 1 is −γ − log 2, and from each even k to the next 2/(k + 1) more.

    G stays the same from an even number to the odd one after it (Grassberger 2003, equation 31).
    """

    def g(k: Any) -> Any:
        half = mp.floor(k / 2)  # 1 + 1/3 + 1/5 + ...: so many of them
        odd = mp.harmonic(2 * half) - mp.harmonic(half) / 2 if half else mpf(0)
        return -mp.euler - mp.log(2) + 2 * odd

    return mp.log(n) - mp.fsum([k * g(k) for k in seen]) / n


def chao_shen(seen: list[Any], n: Any) -> Any:
    """−Σ Cp·log(Cp)/(1 − (1 − Cp)ⁿ), where C is 1 less the share of what was drawn once."""
    once = sum(k == 1 for k in seen)
    cover = 1 - mpf(min(once, n - 1)) / n
    with mp.workdps(200):  # for 1 − (1 − Cp)ⁿ of a small p
        shares_of = [cover * k / n for k in seen]
        return -mp.fsum([x * mp.log(x) / (1 - (1 - x) ** n) for x in shares_of])


def delta(gradient: list[Any], hessian: Any, covariance: Any) -> tuple[Any, Any]:
    """Standard error and bias by the delta method: gᵀΣg and ½·tr((HΣ)²), ½·tr(HΣ)."""
    g = mp.matrix(gradient)
    curved = hessian * covariance
    squared = curved * curved
    count = range(len(gradient))
    first = (g.T * covariance * g)[0]
    second = mp.fsum([squared[i, i] for i in count]) / 2
    # At estimated frequencies the first is too large by twice the second, on average.
    return mp.sqrt(max(first - second, second, mpf(0))), mp.fsum([curved[i, i] for i in count]) / 2


def covariance_of(samples: list[list[Any]], totals: list[Any]) -> Any:
    """Of the relative frequencies of independent samples, one after the other."""
    size = sum(map(len, samples))
    result, start = mp.zeros(size), 0
    for p, n in zip(samples, totals, strict=True):
        for i, x in enumerate(p):
            for j, y in enumerate(p):
                result[start + i, start + j] = ((x if i == j else 0) - x * y) / n
        start += len(p)
    return result


def mutual_information_from_counts(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale = scale_of(options)
    check_readable(*arguments.values())
    table = whole_counts(arguments["table"].plain, 2)
    rows = [mp.fsum(row) for row in table]
    columns = [mp.fsum(column) for column in zip(*table, strict=True)]
    n = mp.fsum(rows)
    cells = [(i, j) for i, j in places(shape_of(table)) if table[i][j] > 0]
    p = [mpf(table[i][j]) / n for i, j in cells]
    # f = Σ p·log(p/(r·c)): the gradient is log(p/(r·c)) − 1.
    logs = [mp.log(x * n * n / (rows[i] * columns[j])) for x, (i, j) in zip(p, cells, strict=True)]
    value = mp.fsum([x * log for x, log in zip(p, logs, strict=True)])
    hessian = mp.zeros(len(cells))
    for a, (i, j) in enumerate(cells):
        for b, (k, m) in enumerate(cells):
            hessian[a, b] = (1 / p[a] if a == b else 0) - (n / rows[i] if i == k else 0)
            hessian[a, b] -= n / columns[j] if j == m else 0
    error, _ = delta([log - 1 for log in logs], hessian, covariance_of([p], [n]))
    freedom = (sum(r > 0 for r in rows) - 1) * (sum(c > 0 for c in columns) - 1)
    bias = freedom / (2 * n) if freedom <= n else by_chance(rows, columns, n)
    size = 1 + float(mp.log(n))
    slack = [EPS * size, 1e-7 * float(error) + 1e-9, 1e-12 * float(bias)]
    numbers = [value / scale, error / abs(scale), bias / scale]
    return Answer(numbers, (3,), [x / abs(float(scale)) for x in slack])


def by_chance(rows: list[Any], columns: list[Any], n: Any) -> Any:
    """Mean mutual information of all tables with these sums: a cell is hypergeometric."""
    total = mpf(0)
    for a, b in itertools.product(map(int, rows), map(int, columns)):
        for k in range(max(1, a + b - int(n)), min(a, b) + 1):
            ways = mpf(math.comb(a, k) * math.comb(int(n) - a, b - k)) / math.comb(int(n), b)
            total += ways * k / n * mp.log(n * k / (mpf(a) * b))
    return total


def js_from_counts(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale = scale_of(options)
    check_readable(*arguments.values())
    found, _ = aligned(arguments, pair_roles(-1))
    a, b = (exact(whole_counts(given.plain, 1)) for given in found.values())
    if len(a) != len(b):
        raise RefusedError
    n, m = mp.fsum(a), mp.fsum(b)
    p, q = [x / n for x in a], [x / m for x in b]
    value = careful(lambda: js_row(p, q))
    # A frequency of 0 has no variance, and is left out of the matrices.
    of_p, of_q = ([i for i, x in enumerate(row) if x > 0] for row in (p, q))
    sums = [x + y for x, y in zip(p, q, strict=True)]
    gradient = [mp.log(2 * p[i] / sums[i]) / 2 for i in of_p]
    gradient += [mp.log(2 * q[i] / sums[i]) / 2 for i in of_q]
    own = [(i, 1 / p[i]) for i in of_p] + [(i, 1 / q[i]) for i in of_q]
    hessian = mp.zeros(len(own))
    for x, (i, inverse) in enumerate(own):
        for y, (j, _) in enumerate(own):
            hessian[x, y] = ((inverse if x == y else 0) - (1 / sums[i] if i == j else 0)) / 2
    samples = [[p[i] for i in of_p], [q[i] for i in of_q]]
    error, bias = delta(gradient, hessian, covariance_of(samples, [n, m]))
    slack = [2 * EPS * float(value), 1e-7 * float(error) + 1e-9, EPS * float(1 / n + 1 / m)]
    numbers = [value / scale, error / abs(scale), bias / scale]
    return Answer(numbers, (3,), [x / abs(float(scale)) for x in slack])


ORACLES: dict[str, Oracle] = {
    "entropy_from_counts": entropy_from_counts,
    "js_from_counts": js_from_counts,
    "kl_from_counts": kl_from_counts,
    "kl_knn": kl_knn,
    "kl_monte_carlo": kl_monte_carlo,
    "mutual_information_from_counts": mutual_information_from_counts,
}
