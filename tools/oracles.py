"""What every public function of kl_lib has to return: the definitions, slowly, in plain Python.

An oracle takes what the arguments mean (`Given`: nested lists of numbers, with their labels) and
gives the numbers with 60 digits and unlimited exponents (`Answer`). Or it says that the input has
to be refused (`RefusedError`), or that it is too close to call (`EITHER`). No oracle sees an array,
and none uses kl_lib.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from oracle_parts import (
    EITHER,
    EPS,
    EPS_32,
    INF,
    ROWS,
    Answer,
    Given,
    RefusedError,
    aligned,
    as_points,
    at,
    axis_of,
    broadcast,
    careful,
    check_readable,
    exact,
    fitting,
    fitting_part,
    flat,
    is_unsure,
    mp,
    mpf,
    named,
    pair_of,
    pair_roles,
    places,
    reordered,
    row_at,
    rows_of,
    scale_of,
    shape_of,
    shares,
    single,
    square,
    without,
)

Oracle = Callable[[dict[str, Given], dict[str, Any]], Any]

# Distributions


def of_pairs(
    row: Callable[[list[Any], list[Any]], Any],
    slack: Callable[[list[Any], list[Any], Any], float],
    digits: float = EPS_32,
) -> Oracle:
    """The oracle of a function of two distributions, from the formula for one pair of rows."""

    def oracle(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
        scale = scale_of(options)
        if options.get("normalize") and options.get("generalized"):
            raise RefusedError
        p, q, axis, deep, batch, known = pair_of(arguments, options)
        unsure = False
        for given in (p, q):
            for one in rows_of(given.plain, axis):
                unsure |= is_unsure(one, given.dtype, options)
        if unsure:
            return EITHER
        masses = exact if options.get("generalized") else shares
        last = EPS_32 if single(p, q) else EPS
        numbers, off = [], []
        for place in places(batch):
            a, b = (row_at(x.plain, axis, deep, place) for x in (p, q))
            number = careful(lambda a=a, b=b: row(masses(a), masses(b)))
            numbers.append(number / scale)
            if options.get("generalized"):  # masses cancel in their sums: p − p for equal ones
                extra = last * float(min(mp.fsum(exact(a)) + mp.fsum(exact(b)), mpf(1e300)))
            else:
                extra = slack(a, b, number)
            # Nats have a smallest float, which another unit only multiplies.
            off.append((extra + 2e-323) / abs(float(scale)))
        rest = [role for role in pair_roles(axis)("", deep) if role != "category"]
        return Answer(numbers, batch, off, single(p, q, digits=digits), named(known, rest))

    return oracle


def kl_row(p: list[Any], q: list[Any]) -> Any:
    """Σ p·log(p/q) − p + q, which is KL where both sum to 1."""
    if any(x > 0 and y == 0 for x, y in zip(p, q, strict=True)):
        return INF
    return mp.fsum([x * mp.log(x / y) - x + y if x > 0 else y for x, y in zip(p, q, strict=True)])


def kl_slack(p: list[Any], q: list[Any], number: Any) -> float:
    """What division by the sums costs: a rounding of p/q, squared; and where the sums are far apart
    (1e300 against 1), the rounding of a logarithm that large."""
    sums = mp.fsum(exact(p)), mp.fsum(exact(q))
    if sums[0] == sums[1]:
        return 0.0
    gap = float(abs(mp.log(sums[0] / sums[1])))
    return EPS * (gap**2 if gap < 1 else gap * (number > 0.01)) + 4 * EPS**2


def none(p: list[Any], q: list[Any], number: Any) -> float:
    """Nothing cancels: all digits of the result are right."""
    return 0.0


def below_normal(p: list[Any], q: list[Any], number: Any) -> float:
    """Beside `kl_slack`: what floats below the normal ones round, of a few entries."""
    return kl_slack(p, q, number) + 1e-315


def squares(p: list[Any], q: list[Any], number: Any) -> float:
    """A sum of squares below the smallest normal float may be lost: chi-squared does lose it."""
    return kl_slack(p, q, number) + 2.3e-308


def root_below_normal(p: list[Any], q: list[Any], number: Any) -> float:
    """The same under a root."""
    return 1e-157


def cross_row(p: list[Any], q: list[Any]) -> Any:
    if any(x > 0 and y == 0 for x, y in zip(p, q, strict=True)):
        return INF
    return -mp.fsum([x * mp.log(y) for x, y in zip(p, q, strict=True) if x > 0])


def js_row(p: list[Any], q: list[Any]) -> Any:
    mean = [(x + y) / 2 for x, y in zip(p, q, strict=True)]
    return (kl_row(p, mean) + kl_row(q, mean)) / 2


def variation_row(p: list[Any], q: list[Any]) -> Any:
    return mp.fsum([abs(x - y) for x, y in zip(p, q, strict=True)]) / 2


def affinity(p: list[Any], q: list[Any]) -> Any:
    """The Bhattacharyya coefficient."""
    return mp.fsum([mp.sqrt(x * y) for x, y in zip(p, q, strict=True)])


def hellinger_row(p: list[Any], q: list[Any]) -> Any:
    """The root of 1 − affinity as a sum of squares, of which no digit cancels."""
    squares = [(mp.sqrt(x) - mp.sqrt(y)) ** 2 for x, y in zip(p, q, strict=True)]
    return mp.sqrt(mp.fsum(squares) / 2)


def bhattacharyya_row(p: list[Any], q: list[Any]) -> Any:
    both = affinity(p, q)
    return -mp.log(both) if both else INF


def chi2_row(p: list[Any], q: list[Any]) -> Any:
    pairs = list(zip(p, q, strict=True))
    if any(x > 0 and y == 0 for x, y in pairs):
        return INF
    return mp.fsum([(x - y) ** 2 / y for x, y in pairs if y > 0])


def renyi_divergence(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    given = arguments["alpha"].value
    if not isinstance(given, (int, float)) or isinstance(given, bool) or not given >= 0:
        raise RefusedError
    alpha = mpf(given) if given < math.inf else INF

    def row(p: list[Any], q: list[Any]) -> Any:
        pairs = [(x, y) for x, y in zip(p, q, strict=True) if x > 0]
        if alpha == 1:
            return kl_row(p, q)
        if alpha == 0:
            mass = mp.fsum([y for _, y in pairs])
            return -mp.log(mass) if mass else INF
        if alpha > 1 and any(y == 0 for _, y in pairs):
            return INF
        if alpha == INF:
            return mp.log(max(x / y for x, y in pairs))
        with mp.workdps(900):  # near alpha = 1 what counts is what the sum is short of 1
            total = mp.fsum([x**alpha * y ** (1 - alpha) for x, y in pairs if y > 0])
            return mp.log(total) / (alpha - 1) if total else INF

    pair = {name: arguments[name] for name in ("p", "q")}
    return of_pairs(row, below_normal, ROWS)(pair, options)


def entropy(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale, p = scale_of(options), arguments["p"]
    check_readable(p)
    deep = len(shape_of(p.plain))
    axis = axis_of(options, deep)
    if shape_of(p.plain)[axis] == 0:
        raise RefusedError
    unsure = [is_unsure(row, p.dtype, options) for row in rows_of(p.plain, axis)]
    if any(unsure):
        return EITHER
    numbers = [
        careful(lambda row=row: cross_row(shares(row), shares(row))) / scale
        for row in rows_of(p.plain, axis)
    ]
    _, known = aligned(arguments, pair_roles(axis))
    rest = [role for role in pair_roles(axis)("", deep) if role != "category"]
    shape = without(axis, deep, shape_of(p.plain))
    slack = 1e-320 / abs(float(scale))  # a few of the smallest floats
    return Answer(numbers, shape, slack, single(p, digits=ROWS), named(known, rest))


def kl_terms(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    answer = of_pairs(kl_row, kl_slack)(arguments, options)
    if answer == EITHER:
        return EITHER
    scale = scale_of(options)
    p, q, axis, deep, batch, known = pair_of(arguments, options)
    count = shape_of(p.plain)[axis]
    at_end = deep + axis
    shape = (*batch[:at_end], count, *batch[at_end:])
    numbers, slack = [], []
    for place in places(shape):
        row = (*place[:at_end], *place[at_end + 1 :])
        a, b = (shares(row_at(x.plain, axis, deep, row))[place[at_end]] for x in (p, q))
        numbers.append(term(a, b) / scale)
        # A share rounds, and log(p/q) near p = q is as far off as that; the logarithm of sums that
        # are far apart rounds as it is large.
        sums = (mp.fsum(exact(row_at(x.plain, axis, deep, row))) for x in (p, q))
        far = 1 + float(abs(mp.log(next(sums) / next(sums))))
        # Below the normal floats it has a few digits of its own, and a logarithm of up to 1500.
        slack.append((8 * EPS * far * float(a) + 1e-320) / abs(float(scale)))
    return Answer(numbers, shape, slack, single(p, q), named(known, pair_roles(axis)("", deep)))


def term(p: Any, q: Any) -> Any:
    if p == 0:
        return mpf(0)
    return p * mp.log(p / q) if q > 0 else INF


def kl_matrix(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale = scale_of(options)
    p, q = arguments.values()
    check_readable(p, q)

    def roles(name: str, ndim: int) -> list[Any]:
        return [f"rows of {name}", "category"][-ndim:] if ndim < 3 else list(range(ndim))

    if any(len(shape_of(x.plain)) != 2 for x in (p, q)):
        raise RefusedError
    found, known = aligned(arguments, roles, batch=False)
    p, q = found.values()
    if shape_of(p.plain)[1:] != shape_of(q.plain)[1:] or shape_of(p.plain)[1:] == (0,):
        raise RefusedError
    checked = [is_unsure(row, x.dtype, options) for x in (p, q) for row in x.plain]
    if any(checked):
        return EITHER
    numbers = [
        careful(lambda a=a, b=b: kl_row(shares(a), shares(b))) / scale
        for a in p.plain
        for b in q.plain
    ]
    slack = [
        kl_slack(a, b, x) / abs(float(scale))
        for (a, b), x in zip(itertools.product(p.plain, q.plain), numbers, strict=True)
    ]
    labels = named(known, ["rows of p", "rows of q"])
    return Answer(numbers, (len(p.plain), len(q.plain)), slack, single(p, q), labels)


def mutual_information(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale, joint = scale_of(options), arguments["joint"]
    check_readable(joint)
    shape = shape_of(joint.plain)
    if len(shape) < 2 or 0 in shape[-2:]:
        raise RefusedError
    numbers, unsure = [], False
    for place in places(shape[:-2]):
        table = at(joint.plain, place)
        unsure |= is_unsure(flat(table), joint.dtype, options)
        cells = iter(shares(flat(table)))
        rows = [[next(cells) for _ in row] for row in table]
        tops = [mp.fsum(row) for row in rows]
        sides = [mp.fsum(column) for column in zip(*rows, strict=True)]
        pairs = [(rows[i][j], tops[i] * sides[j]) for i, j in places(shape[-2:])]
        numbers.append(mp.fsum([term(a, b) for a, b in pairs]) / scale)
    if unsure:
        return EITHER
    # The marginals round, and with them what would be 0 where the two are independent.
    slack = EPS / abs(float(scale))
    return Answer(numbers, shape[:-2], slack, single(joint), (joint.labels or ())[:-2] or None)


# Logits


def check_logits(given: Given, axis: int) -> None:
    for row in rows_of(given.plain, axis):
        if any(math.isnan(x) or x == math.inf for x in row) or max(row) == -math.inf:
            raise RefusedError


def log_softmax(row: list[float]) -> list[Any]:
    largest = mpf(max(row))
    shifted = [mpf(x) - largest for x in row]  # −inf stays −inf
    return [x - mp.log(mp.fsum([exp(y) for y in shifted])) for x in shifted]


def log_pairs(a: list[float], b: list[float]) -> list[tuple[Any, Any]]:
    return [(x, y) for x, y in zip(log_softmax(a), log_softmax(b), strict=True) if x > -INF]


def logits_row(a: list[float], b: list[float]) -> Any:
    pairs = log_pairs(a, b)
    if any(y == -INF for _, y in pairs):
        return INF
    return mp.fsum([exp(x) * (x - y) for x, y in pairs])


def exp(x: Any) -> Any:
    return mpf(0) if x < -(10**8) else mp.exp(x)


def kl_from_logits(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale = scale_of(options)
    p, q, axis, deep, batch, known = pair_of(arguments, options)
    for given in (p, q):
        check_logits(given, axis)
    numbers, slack = [], []
    for place in places(batch):
        a, b = (row_at(x.plain, axis, deep, place) for x in (p, q))
        with mp.workdps(400):  # what a probability is short of 1 may be as small as exp(-700)
            numbers.append(logits_row(a, b) / scale)
        # A log-probability rounds: of the size s, by EPS·s. So does the difference of two.
        size = max(
            [min(exp(x) * max(-x, -y), mpf(1e300)) for x, y in log_pairs(a, b) if y > -INF] or [0]
        )
        slack.append(4 * EPS * float(size) / abs(float(scale)))
    rest = [role for role in pair_roles(axis)("", deep) if role != "category"]
    return Answer(numbers, batch, slack, single(p, q, digits=ROWS), named(known, rest))


def softmax(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    logits = arguments["logits"]
    check_readable(logits)
    shape = shape_of(logits.plain)
    axis = axis_of(options, len(shape))
    if shape[axis] == 0:
        raise RefusedError
    check_logits(logits, axis)
    deep, numbers = len(shape), []
    for place in places(shape):
        row = (*place[: deep + axis], *place[deep + axis + 1 :])
        weights = log_softmax(row_at(logits.plain, axis, deep, row))
        numbers.append(exp(weights[place[deep + axis]]))
    return Answer(numbers, shape, 1e-323, False, logits.labels)


# Closed forms: the formula of the docstring, of one set of parameters


def above_0(x: float) -> bool:
    return x > 0


def at_least_0(x: float) -> bool:
    return x >= 0


def probability(x: float) -> bool:
    return 0 <= x <= 1


def finite(x: float) -> bool:
    return True


def concentration(x: float) -> bool:
    return 1e-150 <= x <= 1e150


#: Numbers from here on are inf as floats.
BEYOND = mpf(2) ** 1024


def of_parameters(formula: Callable[..., Any], *rules: Callable[[float], bool]) -> Oracle:
    """The oracle of a closed form of numbers, which broadcast as in NumPy."""

    def oracle(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
        scale = scale_of(options)
        if any(given.plain is None for given in arguments.values()):
            raise RefusedError
        for rule, given in zip(rules, arguments.values(), strict=True):
            if not all(math.isfinite(x) and rule(x) for x in flat(given.plain)):
                raise RefusedError
        roles = pair_roles(0)  # no axis of categories: all are a batch
        found, known = aligned(arguments, roles)
        shape = broadcast(*(shape_of(given.plain) for given in found.values()))
        numbers = [
            careful(
                lambda place=place: formula(
                    *(mpf(fitting(given.plain, place)) for given in found.values())
                )
            )
            for place in places(shape)
        ]
        # What is beyond the floats in nats is inf in any unit.
        numbers = [(x if x < BEYOND else INF) / scale for x in numbers]
        return Answer(numbers, shape, labels=named(known, roles("", len(shape))))

    return oracle


def kl_normal(mu_p: Any, sigma_p: Any, mu_q: Any, sigma_q: Any) -> Any:
    ratio = sigma_p / sigma_q
    return -mp.log(ratio) + (ratio**2 + ((mu_p - mu_q) / sigma_q) ** 2 - 1) / 2


def kl_laplace(loc_p: Any, scale_p: Any, loc_q: Any, scale_q: Any) -> Any:
    gap = abs(loc_p - loc_q)
    return mp.log(scale_q / scale_p) + (scale_p * exp(-gap / scale_p) + gap) / scale_q - 1


def kl_exponential(rate_p: Any, rate_q: Any) -> Any:
    return mp.log(rate_p / rate_q) + rate_q / rate_p - 1


def kl_poisson(rate_p: Any, rate_q: Any) -> Any:
    return kl_row([rate_p], [rate_q])


def kl_bernoulli(p: Any, q: Any) -> Any:
    return kl_row([p, 1 - p], [q, 1 - q])


def kl_gamma(a_p: Any, b_p: Any, a_q: Any, b_q: Any) -> Any:
    with mp.workdps(digits_for(a_p, a_q, b_p / b_q)):
        gap = (a_p - a_q) * mp.digamma(a_p) - mp.loggamma(a_p) + mp.loggamma(a_q)
        return gap + a_q * mp.log(b_p / b_q) + a_p * (b_q - b_p) / b_p


def kl_dirichlet_row(p: list[Any], q: list[Any]) -> Any:
    with mp.workdps(digits_for(*p, *q)):
        sum_p, sum_q = mp.fsum(p), mp.fsum(q)
        parts = [mp.loggamma(sum_p), -mp.loggamma(sum_q)]
        for a, b in zip(p, q, strict=True):
            parts += [mp.loggamma(b), -mp.loggamma(a)]
            parts.append((a - b) * (mp.digamma(a) - mp.digamma(sum_p)))
        return mp.fsum(parts)


def digits_for(*sizes: Any) -> int:
    """Parts as large as these cancel to what is as small as the square of a last digit."""
    return 60 + 2 * max(int(abs(mp.log10(x))) for x in sizes)


def kl_beta(a_p: Any, b_p: Any, a_q: Any, b_q: Any) -> Any:
    return kl_dirichlet_row([a_p, b_p], [a_q, b_q])


def kl_dirichlet(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale = scale_of(options)
    check_readable(*arguments.values())
    found, known = aligned(arguments, pair_roles(-1))
    p, q = (given.plain for given in found.values())
    shapes = shape_of(p), shape_of(q)
    if shapes[0][-1] != shapes[1][-1] or shapes[0][-1] == 0:
        raise RefusedError
    if not all(math.isfinite(x) and concentration(x) for x in (*flat(p), *flat(q))):
        raise RefusedError
    batch = broadcast(shapes[0][:-1], shapes[1][:-1])
    numbers = [
        kl_dirichlet_row(*(exact(fitting_part(x, place, 1)) for x in (p, q))) / scale
        for place in places(batch)
    ]
    return Answer(numbers, batch, labels=named(known, range(-len(batch) - 1, -1)))


def kl_multivariate_normal(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    """½·[tr(Σq⁻¹Σp) − d + (μp − μq)ᵀ Σq⁻¹ (μp − μq) + log(det Σq / det Σp)]."""
    scale = scale_of(options)
    check_readable(*arguments.values())
    own = {"loc_p": 1, "covariance_matrix_p": 2, "loc_q": 1, "covariance_matrix_q": 2}
    shapes = {name: shape_of(given.plain) for name, given in arguments.items()}
    sizes = {n for name, shape in shapes.items() for n in shape[len(shape) - own[name] :]}
    if any(len(shape) < own[name] for name, shape in shapes.items()) or len(sizes) != 1:
        raise RefusedError
    (d,) = sizes
    if not all(math.isfinite(x) for given in arguments.values() for x in flat(given.plain)):
        raise RefusedError
    batch = broadcast(*(shape[: len(shape) - own[name]] for name, shape in shapes.items()))
    numbers, slack = [], []
    for place in places(batch):
        mu_p, cov_p, mu_q, cov_q = (
            mp.matrix(fitting_part(given.plain, place, own[name]))
            for name, given in arguments.items()
        )
        for cov in (cov_p, cov_q):
            if cov != cov.T or min(minors(cov)) <= 0:
                raise RefusedError
        inverse, gap = cov_q**-1, mu_p - mu_q
        product = inverse * cov_p
        trace = mp.fsum([product[i, i] for i in range(d)])
        log = mp.log(mp.det(cov_q) / mp.det(cov_p))
        numbers.append((trace - d + (gap.T * inverse * gap)[0] + log) / 2 / scale)
        # Solving loses as many digits as the condition number has, relative to the trace.
        condition = max(mp.mnorm(c, 1) * mp.mnorm(c**-1, 1) for c in (cov_p, cov_q))
        slack.append(16 * EPS * float(condition * (trace + d)) / abs(float(scale)))
    return Answer(numbers, batch, slack)


def minors(matrix: Any) -> list[Any]:
    """The leading principal minors: all above 0 for a positive definite matrix (Sylvester)."""
    return [mp.det(matrix[: i + 1, : i + 1]) for i in range(matrix.rows)]


# Samples and counts


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


# Labels alone


def align(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    """The numbers of p, then those of q, over the labels of either."""
    p, q = arguments.values()
    axis, fill = options.get("axis", -1), options.get("fill_value", 0.0)
    names, rows = [], []
    for given in (p, q):
        if given.labels is None or not -len(given.labels) <= axis < len(given.labels):
            raise RefusedError
        found = given.labels[axis]
        if found is None or len(set(found)) < len(found):
            raise RefusedError
        names.append(list(found))
    union = [*names[0], *(label for label in names[1] if label not in names[0])]
    for given, known in zip((p, q), names, strict=True):
        deep = len(shape_of(given.plain))
        at_end = axis % deep
        padded = padding(given.plain, at_end, fill)
        order = [known.index(label) if label in known else len(known) for label in union]
        rows.extend(flat(reordered(padded, order, at_end)))
    return Answer(exact(rows), (len(rows),), labels=(tuple(union),))


def padding(plain: Any, axis: int, fill: float) -> Any:
    """One more entry on an axis, of what a missing category has."""
    if axis == 0:
        blank = plain[0] if plain else fill
        return [*plain, filled(blank, fill)]
    return [padding(part, axis - 1, fill) for part in plain]


def filled(plain: Any, fill: float) -> Any:
    return [filled(part, fill) for part in plain] if isinstance(plain, list) else fill


#: One oracle for each public function.
ORACLES: dict[str, Oracle] = {
    "align": align,
    "bhattacharyya_distance": of_pairs(bhattacharyya_row, none, ROWS),
    "chi2_divergence": of_pairs(chi2_row, squares, ROWS),
    "cross_entropy": of_pairs(cross_row, none, ROWS),
    "entropy": entropy,
    "hellinger_distance": of_pairs(hellinger_row, root_below_normal, ROWS),
    "js_divergence": of_pairs(js_row, none, ROWS),
    "kl_bernoulli": of_parameters(kl_bernoulli, *[probability] * 2),
    "kl_beta": of_parameters(kl_beta, *[concentration] * 4),
    "kl_dirichlet": kl_dirichlet,
    "kl_divergence": of_pairs(kl_row, kl_slack, ROWS),
    "kl_exponential": of_parameters(kl_exponential, *[above_0] * 2),
    "kl_from_counts": kl_from_counts,
    "kl_from_logits": kl_from_logits,
    "kl_gamma": of_parameters(kl_gamma, *[above_0] * 4),
    "kl_knn": kl_knn,
    "kl_laplace": of_parameters(kl_laplace, finite, above_0, finite, above_0),
    "kl_matrix": kl_matrix,
    "kl_monte_carlo": kl_monte_carlo,
    "kl_multivariate_normal": kl_multivariate_normal,
    "kl_normal": of_parameters(kl_normal, finite, above_0, finite, above_0),
    "kl_poisson": of_parameters(kl_poisson, *[at_least_0] * 2),
    "kl_terms": kl_terms,
    "mutual_information": mutual_information,
    "renyi_divergence": renyi_divergence,
    "softmax": softmax,
    "total_variation": of_pairs(variation_row, none, ROWS),
}
