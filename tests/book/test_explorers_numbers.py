"""kl_numbers.js, the arithmetic of the explorers: kl_lib's numbers, and those of high precision."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from explorers import close, number, opened, random_numbers

import kl_lib as kl


@pytest.fixture(scope="module")
def call(browser):
    """Call functions of `klNumbers`, many at a time: (name, *arguments)."""
    run = """calls => calls.map(([name, ...given]) => {
        const INFINITE = { inf: Infinity, "-inf": -Infinity };
        const got = klNumbers[name](...given.map((x) => INFINITE[x] ?? x));
        return Array.isArray(got) ? got.map(String) : String(got);
    })"""

    def calls(*wanted: tuple) -> list:
        with opened(browser, "discrete") as explorer:
            found = explorer.page.evaluate(run, [list(one) for one in wanted])
        return [[number(x) for x in one] if isinstance(one, list) else number(one) for one in found]

    return calls


def pairs() -> list[tuple[list[float], list[float]]]:
    """Rows of every kind, which need not add up to 1."""
    rng = np.random.default_rng(40)
    made = []
    for n in (2, 3, 5, 8, 50, 400):
        for kind in range(30):
            p, q = rng.dirichlet(np.full(n, [0.2, 1.0, 10.0][kind % 3]), size=2)
            if kind % 5 == 1:
                q = p * (1 + 10.0 ** rng.uniform(-15, -1) * rng.normal(size=n))
            if kind % 5 == 2:
                p[rng.random(n) < 0.3] = 0
                q[rng.random(n) < 0.2] = 0
            if kind % 5 == 3:
                p, q = (rng.integers(0, 50, size=n) + (np.arange(n) == 0) for _ in range(2))
            if kind % 5 == 4:
                p, q = p * 10.0 ** rng.uniform(-9, 9), q * 10.0 ** rng.uniform(-9, 9)
            if p.sum() > 0 and q.sum() > 0:
                made.append((p.tolist(), q.tolist()))
    made += [([1 - 1e-12, 1e-12], [1 - 3e-12, 3e-12]), ([1.0, 1e-300], [1.0, 1e-290])]
    made += [([0.9, 1e-25], [0.9, 3e-25]), ([0.7, *[1e-18] * 9], [0.7, *[3e-18] * 9])]
    made += [([1.0, 0.0], [0.0, 1.0]), ([1.0, 1.0], [1.0, 1.0]), ([0.3, 0.7], [0.3, 0.7])]
    return made


OF_PAIRS = {
    "kl": kl.kl_divergence,
    "klTerms": kl.kl_terms,
    "js": kl.js_divergence,
    "totalVariation": kl.total_variation,
    "crossEntropy": kl.cross_entropy,
}


@pytest.mark.parametrize("name", OF_PAIRS)
def test_rows_give_the_numbers_of_kl_lib(call, name):
    found = call(*((name, p, q) for p, q in pairs()))
    assert len(found) > 170
    for (p, q), got in zip(pairs(), found, strict=True):
        want = OF_PAIRS[name](p, q, normalize=True)
        for a, b in zip(np.atleast_1d(got), np.atleast_1d(want), strict=True):
            assert close(a, b), (p, q, got, want)


def test_the_entropy_is_that_of_kl_lib(call):
    rows = [row for pair in pairs() for row in pair]
    for row, got in zip(rows, call(*(("entropy", row) for row in rows)), strict=True):
        assert close(got, kl.entropy(row, normalize=True)), row


def test_normals_give_the_numbers_of_kl_lib(call):
    rng = np.random.default_rng(41)
    sets = [(*rng.normal(size=1), *10 ** rng.uniform(-2, 2, 1), *rng.normal(size=1), 1.0)]
    for _ in range(200):
        locs, scales = 3 * rng.normal(size=2), 10 ** rng.uniform(-2, 2, size=2)
        if rng.random() < 0.4:  # almost equal
            step = 10.0 ** rng.uniform(-12, -1)
            locs[1], scales[1] = locs[0] + step * rng.normal(), scales[0] * (1 + step)
        sets.append((locs[0], scales[0], locs[1], scales[1]))
    for given, got in zip(sets, call(*(("klNormal", *map(float, x)) for x in sets)), strict=True):
        assert close(got, kl.kl_normal(*given)), given


def test_tails_have_twelve_digits(call):
    ends = [-9.0, -2.5, -0.3, 0.0, 0.01, 0.7, 1.9999, 2.0, 2.0001, 3.5, 8.0, 20.0, 37.0]
    with mpmath.workdps(40):
        exact = [mpmath.erfc(mpmath.mpf(z) / mpmath.sqrt(2)) / 2 for z in ends]
        # A bin of an explorer is at least this wide; in narrower ones two tails are almost equal.
        gaps = {
            (a, b): exact[i] - exact[j]
            for i, a in enumerate(ends)
            for j, b in enumerate(ends)
            if b - a > 0.08
        }
        for got, want in zip(call(*(("upperTail", z) for z in ends)), exact, strict=True):
            assert close(got, float(want))
        for pair, got in zip(gaps, call(*(("between", *x) for x in gaps)), strict=True):
            assert close(got, float(gaps[pair])), pair
    assert call(("upperTail", "inf"), ("upperTail", "-inf"), ("between", "-inf", "inf")) == [
        0,
        1,
        1,
    ]


def truncated(loc_q, scale_q, low, high, loc_p, scale_p) -> float:
    """KL(q‖p) of a normal q restricted to low … high from a normal p, by quadrature."""
    with mpmath.workdps(25):
        given = map(mpmath.mpf, (loc_q, scale_q, low, high, loc_p, scale_p))
        loc_q, scale_q, low, high, loc_p, scale_p = given
        whole = mpmath.ncdf(high, loc_q, scale_q) - mpmath.ncdf(low, loc_q, scale_q)

        def log_q(x):
            return -(((x - loc_q) / scale_q) ** 2) / 2 - mpmath.log(scale_q) - mpmath.log(whole)

        def integrand(x):
            log_p = -(((x - loc_p) / scale_p) ** 2) / 2 - mpmath.log(scale_p)
            return mpmath.exp(log_q(x)) * (log_q(x) - log_p) / mpmath.sqrt(2 * mpmath.pi)

        return float(mpmath.quad(integrand, mpmath.linspace(low, high, 13)))


def test_a_truncated_normal_has_the_integral_of_high_precision(call):
    rng = np.random.default_rng(42)
    sets = [(2.0, 0.5, 0.0, 4.0, 1.0, 1.0), (0.0, 1.0, -8.0, 8.0, 0.0, 1.0)]
    for _ in range(12):
        low, high = sorted(rng.uniform(-8, 8, size=2))
        high = max(high, low + 0.5)
        loc_q, loc_p = np.round(rng.uniform(-4, 4, size=2), 1)
        scale_q, scale_p = np.round(rng.uniform(0.4, 3, size=2), 2)
        sets.append(tuple(map(float, (loc_q, scale_q, low, high, loc_p, scale_p))))
    for given, got in zip(sets, call(*(("klTruncated", *x) for x in sets)), strict=True):
        # The parts of the closed form are larger than their sum: fourteen digits of the largest.
        assert close(got, truncated(*given), 1e-12, 1e-14), given


def test_a_share_that_changes_leaves_the_others_their_proportions(call):
    rng = np.random.default_rng(43)
    given = [
        (np.round(rng.dirichlet(np.ones(n)), 4).tolist(), int(rng.integers(n)), float(value))
        for n in range(2, 9)
        for value in (0, 0.123, 1)
    ]
    given += [([1.0, 0.0, 0.0], 0, 0.5), ([0.0, 1.0], 0, 1.0)]
    for (row, i, value), got in zip(given, call(*(("withShare", *x) for x in given)), strict=True):
        assert got[i] == value
        assert sum(got) == pytest.approx(1, abs=1e-12)
        others, before = np.delete(got, i), np.delete(row, i)
        room = before / before.sum() if before.sum() else np.full(len(before), 1 / len(before))
        assert np.abs(others - (1 - value) * room).max() < 5e-4


def test_a_seed_gives_the_same_numbers_in_python(browser):
    with opened(browser, "discrete") as explorer:
        draw = "seed => { const next = klNumbers.random(seed); return [next(), next(), next()]; }"
        for seed in (0, 1, 14, 2**32 - 1):
            stream = random_numbers(seed)
            assert explorer.page.evaluate(draw, seed) == [next(stream) for _ in range(3)]
