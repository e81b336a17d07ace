"""What the functions over categories have to return: the definitions, slowly, in plain Python."""

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
    Meeting,
    RefusedError,
    aligned,
    careful,
    check_readable,
    exact,
    flat,
    in_unit,
    is_unsure,
    meeting,
    mp,
    mpf,
    named,
    places,
    reordered,
    scale_of,
    shape_of,
    shares,
    single,
)

Oracle = Callable[[dict[str, Given], dict[str, Any]], Any]


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
        met = meeting(arguments, options)
        if unsure_of_any(met, options):
            return EITHER
        p, q = arguments["p"], arguments["q"]
        masses = exact if options.get("generalized") else shares
        last = EPS_32 if single(p, q) else EPS
        numbers, off = [], []
        for a, b in met.rows:
            number = careful(lambda a=a, b=b: row(masses(a), masses(b)))
            numbers.append(in_unit(number, scale))
            if options.get("generalized"):  # masses cancel in their sums: p − p for equal ones
                extra = last * float(min(mp.fsum(exact(a)) + mp.fsum(exact(b)), mpf(1e300)))
            else:
                extra = slack(a, b, number)
            # Nats have a smallest float, which another unit only multiplies.
            off.append((extra + 2e-323) / abs(float(scale)))
        return Answer(numbers, met.shape, off, single(p, q, digits=digits), met.labels)

    return oracle


def unsure_of_any(met: Meeting, options: dict[str, Any]) -> bool:
    """Refuse where a row is no distribution; whether the sum of one is too close to call."""
    found = [is_unsure(row, dtype, options) for dtype, row in met.checked]  # each, to refuse
    return any(found)


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
    return EPS * (2 * gap**2 if gap < 1 else gap * (number > 0.01)) + 4 * EPS**2


def rounding_squared(p: list[Any], q: list[Any], number: Any) -> float:
    """What is exact to twice the digits of a float has an error of that size beside the sums."""
    return 4 * EPS**2


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

    rest = {name: one for name, one in arguments.items() if name != "alpha"}
    return of_pairs(row, below_normal, ROWS)(rest, options)


def entropy(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale = scale_of(options)
    met = meeting(arguments, options)
    if unsure_of_any(met, options):
        return EITHER
    numbers = [
        careful(lambda row=row: cross_row(shares(row), shares(row))) / scale for (row,) in met.rows
    ]
    slack = 1e-320 / abs(float(scale))  # a few of the smallest floats
    return Answer(numbers, met.shape, slack, single(arguments["p"], digits=ROWS), met.labels)


def kl_terms(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    scale = scale_of(options)
    met = meeting(arguments, options)
    if unsure_of_any(met, options):
        return EITHER
    # What the mask leaves out is 0.
    numbers, slack = (dict.fromkeys(places(met.full), zero) for zero in (mpf(0), 0.0))
    for (p, q), cells in zip(met.rows, met.cells, strict=True):
        # A share rounds, and log(p/q) near p = q is as far off as that; the logarithm of sums that
        # are far apart rounds as it is large.
        far = 1 + float(abs(mp.log(mp.fsum(exact(p)) / mp.fsum(exact(q)))))
        for place, a, b in zip(cells, shares(p), shares(q), strict=True):
            numbers[place] = term(a, b) / scale
            # Below the normal floats it has a few digits of its own, and a logarithm up to 1500.
            slack[place] = (8 * EPS * far * float(a) + 1e-320) / abs(float(scale))
    of = single(arguments["p"], arguments["q"])
    found, off = list(numbers.values()), list(slack.values())
    return Answer(found, met.full, off, of, met.labels_of_entries)


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


# Logits


def check_logits(met: Meeting) -> None:
    for _, row in met.checked:
        if any(math.isnan(x) or x == math.inf for x in row):
            raise RefusedError
        if max(row, default=-math.inf) == -math.inf:
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
    met = meeting(arguments, options)
    check_logits(met)
    numbers, slack = [], []
    for a, b in met.rows:
        with mp.workdps(400):  # what a probability is short of 1 may be as small as exp(-700)
            numbers.append(in_unit(logits_row(a, b), scale))
        # A log-probability rounds: of the size s, by EPS·s. So does the difference of two.
        size = max(
            [min(exp(x) * max(-x, -y), mpf(1e300)) for x, y in log_pairs(a, b) if y > -INF] or [0]
        )
        slack.append(4 * EPS * float(size) / abs(float(scale)))
    p, q = arguments["logits_p"], arguments["logits_q"]
    return Answer(numbers, met.shape, slack, single(p, q, digits=ROWS), met.labels)


def softmax(arguments: dict[str, Given], options: dict[str, Any]) -> Any:
    met = meeting(arguments, options)
    check_logits(met)
    numbers = {}
    for (row,), cells in zip(met.rows, met.cells, strict=True):
        numbers |= zip(cells, map(exp, log_softmax(row)), strict=True)
    found = [numbers[place] for place in places(met.full)]
    return Answer(found, met.full, 1e-323, False, met.labels_of_entries)


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


ORACLES: dict[str, Oracle] = {
    "align": align,
    "bhattacharyya_distance": of_pairs(bhattacharyya_row, none, ROWS),
    "chi2_divergence": of_pairs(chi2_row, squares, ROWS),
    "cross_entropy": of_pairs(cross_row, none, ROWS),
    "entropy": entropy,
    "hellinger_distance": of_pairs(hellinger_row, root_below_normal, ROWS),
    "js_divergence": of_pairs(js_row, none, ROWS),
    "kl_divergence": of_pairs(kl_row, kl_slack, ROWS),
    "kl_from_logits": kl_from_logits,
    "kl_matrix": kl_matrix,
    "kl_terms": kl_terms,
    "renyi_divergence": renyi_divergence,
    "softmax": softmax,
    "total_variation": of_pairs(variation_row, rounding_squared, ROWS),
}
