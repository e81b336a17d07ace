"""What closed forms have to return: the formula of the docstring, of one set of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from oracle_parts import (
    EPS,
    Answer,
    Given,
    RefusedError,
    aligned,
    broadcast,
    careful,
    check_readable,
    exact,
    fitting,
    fitting_part,
    flat,
    in_unit,
    mp,
    mpf,
    named,
    pair_roles,
    places,
    scale_of,
    shape_of,
)
from oracles_categories import exp, kl_row

Oracle = Callable[[dict[str, Given], dict[str, Any]], Any]


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
        numbers = [in_unit(x, scale) for x in numbers]
        # Nats have a smallest float, which another unit only multiplies.
        slack = 2e-323 / abs(float(scale))
        return Answer(numbers, shape, slack, labels=named(known, roles("", len(shape))))

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


ORACLES: dict[str, Oracle] = {
    "kl_bernoulli": of_parameters(kl_bernoulli, *[probability] * 2),
    "kl_beta": of_parameters(kl_beta, *[concentration] * 4),
    "kl_dirichlet": kl_dirichlet,
    "kl_exponential": of_parameters(kl_exponential, *[above_0] * 2),
    "kl_gamma": of_parameters(kl_gamma, *[above_0] * 4),
    "kl_laplace": of_parameters(kl_laplace, finite, above_0, finite, above_0),
    "kl_multivariate_normal": kl_multivariate_normal,
    "kl_normal": of_parameters(kl_normal, finite, above_0, finite, above_0),
    "kl_poisson": of_parameters(kl_poisson, *[at_least_0] * 2),
}
