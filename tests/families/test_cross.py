"""KL across families, against quadrature of SciPy's densities and against high precision."""

import itertools
import math

import mpmath
import numpy as np
import pytest
import truth
from mpmath import mpf
from scipy import integrate, stats
from thorough import first_of

import kl_lib as kl
from kl_lib import families
from kl_lib.families import cross, from_scipy, registry


class ContinuousBernoulli:
    """As TFP has it: SciPy has none."""

    __module__ = "tensorflow_probability.python.distributions"
    log_prob = batch_shape = ()

    def __init__(self, probs):
        self.probs, self.logits = probs, None

    def logpdf(self, x):
        t = math.log(self.probs / (1 - self.probs))
        return t * x - math.log(math.expm1(t) / t)

    def support(self):
        return 0.0, 1.0


AS_P = {
    "normal": stats.norm(0.3, 0.7),
    "laplace": stats.laplace(0.3, 0.7),
    "gumbel": stats.gumbel_r(0.3, 0.7),
    "exponential": stats.expon(scale=0.8),
    "gamma": stats.gamma(2.5, scale=0.9),
    "beta": stats.beta(2, 3.5),
    "continuous_bernoulli": ContinuousBernoulli(0.2),
    "uniform": stats.uniform(0.2, 0.7),
    "pareto": stats.pareto(3.5, scale=1.2),
    "log_normal": stats.lognorm(0.4, scale=1.1),
    "weibull": stats.weibull_min(1.4, scale=1.3),
    "half_normal": stats.halfnorm(scale=0.8),
    "cauchy": stats.cauchy(0.3, 0.7),
}
AS_Q = {
    "normal": stats.norm(-0.5, 1.4),
    "laplace": stats.laplace(0.5, 1.4),
    "gumbel": stats.gumbel_r(-0.5, 1.4),
    "exponential": stats.expon(scale=1.7),
    "gamma": stats.gamma(1.4, scale=1.3),
    "beta": stats.beta(1.5, 1.2),
    "continuous_bernoulli": ContinuousBernoulli(0.7),
    "uniform": stats.uniform(-0.1, 1.3),
    "pareto": stats.pareto(2.2, scale=0.1),
    "log_normal": stats.lognorm(0.9, scale=0.8),
    "weibull": stats.weibull_min(1.8, scale=1.1),
    "half_normal": stats.halfnorm(scale=1.5),
}
PAIRS = [
    pair
    for pair in sorted(key for key in registry.PAIRS if all(isinstance(k, str) for k in key))
    if pair[0] != pair[1] and pair[0] in AS_P and pair[1] in AS_Q
]


def by_quadrature(p, q):
    def f(x):
        log_p = p.logpdf(x)
        return math.exp(log_p) * (log_p - q.logpdf(x)) if log_p > -700 else 0.0

    with np.errstate(all="ignore"):
        return _integral(f, p)


def _integral(f, p):
    low, high = p.support()
    points = [x for x in (-300, -40, -9, -3, -1, 0.3, 0.5, 1, 3, 9, 40, 300, 1e4) if low < x < high]
    cuts = itertools.pairwise([low, *points, high])
    return math.fsum(integrate.quad(f, *cut, limit=300, epsabs=1e-13)[0] for cut in cuts)


def test_every_family_with_moments_and_every_surprise_is_tried():
    assert set(AS_P) == set(cross.MOMENTS)
    assert set(AS_Q) == set(cross.SURPRISES)
    assert len(PAIRS) > 90


#: Each family with moments, where they are easily taken for another: loc is not 0, nor scale 1.
SHIFTED = AS_P | {
    "exponential": stats.expon(0.4, 0.8),
    "gamma": stats.gamma(2.5, 0.4, 0.9),
    "beta": stats.beta(2, 3.5, 0.4, 1.7),
    "uniform": stats.uniform(0.4, 1.7),
    "pareto": stats.pareto(5.5, 0.4, 1.2),
    "log_normal": stats.lognorm(0.4, 0.4, 1.1),
    "weibull": stats.weibull_min(1.4, 0.4, 1.3),
    "half_normal": stats.halfnorm(0.4, 0.8),
}


def parameters_of(dist):
    if isinstance(dist, ContinuousBernoulli):
        return {"probs": dist.probs}
    return from_scipy.read(dist)[1]


DISTANCES = (-0.7, 0.0, 0.9, 1.5, 3.0)


def mean_under(dist):
    """Quadrature over the support: Gauss-Legendre between cuts, denser at the ends and at 0.4."""
    low, high = dist.support()
    sizes = 2.0 ** np.arange(-44, 22)
    cuts = np.concatenate(
        [0.4 - sizes, [0.3, 0.4, *DISTANCES], 0.4 + sizes, low + sizes, high - sizes]
    )
    cuts = np.unique(np.clip(cuts, max(low, -1e7), min(high, 1e7)))
    nodes, weights = np.polynomial.legendre.leggauss(20)
    half = 0.5 * np.diff(cuts)[:, None]
    x = (cuts[:-1, None] + half * (1 + nodes)).ravel()
    log = np.array([dist.logpdf(y) for y in x] if "Cont" in str(dist) else dist.logpdf(x))
    inside = log > -300
    x, log, mass = x[inside], log[inside], (half * weights).ravel()[inside] * np.exp(log[inside])
    return lambda function: (mass * function(x, log)).sum()


def moments_of(name, parameters):
    of, readers, _ = cross.MOMENTS[name]
    return of(*(reader(parameters, "p") for reader in readers))


@pytest.mark.parametrize("name", sorted(set(SHIFTED) - {"cauchy"}))
@np.errstate(all="ignore")
def test_the_moments_of_a_family_agree_with_quadrature(name):
    mean, start = mean_under(SHIFTED[name]), 0.4
    known, moments = cross.MOMENTS[name][2], moments_of(name, parameters_of(SHIFTED[name]))
    first = mean(lambda x, _: x)
    wanted = {
        "entropy": (moments.entropy, mean(lambda _, log: -log)),
        "mean": (moments.mean, first),
        "deviation": (moments.deviation, math.sqrt(mean(lambda x, _: (x - first) ** 2))),
    }
    if "log" in known:
        log = mean(lambda x, _: np.log(x - start))
        wanted["log"] = moments.log(start), log
    if "log_below" in known:
        wanted["log_below"] = moments.log_below(2.1), mean(lambda x, _: np.log(2.1 - x))
    if "log_variance" in known:
        square = mean(lambda x, _: (np.log(x - start) - log) ** 2)
        wanted["log_variance"] = moments.log_variance, square
    for c in DISTANCES if "distance" in known else ():
        exact = mean(lambda x, _, c=c: abs(x - c))
        wanted[f"distance from {c}"] = moments.distance(c), exact
    for t in (0.4, 1.1) if "log_laplace" in known else ():
        exact = math.log(mean(lambda x, _, t=t: np.exp(-t * x)))
        wanted[f"log_laplace of {t}"] = moments.log_laplace(t), exact
    for k in (0.5, 1.0, 2.7) if "log_power" in known else ():
        exact = math.log(mean(lambda x, _, k=k: (x - start) ** k))
        wanted[f"log_power of {k}"] = moments.log_power(k, start), exact
    for told, (value, exact) in wanted.items():
        assert value == pytest.approx(exact, rel=1e-9), told


@np.errstate(all="ignore")
def test_moments_that_do_not_exist_are_infinite():
    cauchy = moments_of("cauchy", {"loc": 0.3, "scale": 0.7})
    pareto = moments_of("pareto", {"concentration": 2.0, "scale": 0.7})
    laplace = moments_of("laplace", {"loc": 0.3, "scale": 0.5})
    infinite = (
        cauchy.deviation, cauchy.log_laplace(0.5), cauchy.distance(-3.0), pareto.deviation,
        pareto.log_power(2.0, 0.0), laplace.log_laplace(2.0), laplace.log_laplace(3.0),
        moments_of("pareto", {"concentration": 1.0, "scale": 0.7}).mean,
    )  # fmt: skip
    assert infinite == (math.inf,) * len(infinite)
    assert cauchy.entropy == pytest.approx(stats.cauchy(0.3, 0.7).entropy(), rel=1e-14)
    assert cauchy.mean == 0.3  # its place
    for a in (1.5, 2.5):
        moments = moments_of("pareto", {"concentration": a, "scale": 0.7, "loc": 0.3})
        same = stats.pareto(a, 0.3, 0.7)
        assert (moments.mean, moments.deviation) == pytest.approx((same.mean(), same.std()))


@pytest.mark.parametrize(("name_p", "name_q"), first_of(PAIRS, keep=30))
def test_a_pair_of_two_families_agrees_with_quadrature(name_p, name_q):
    p, q = AS_P[name_p], AS_Q[name_q]
    value = kl.kl_between(p, q)
    (low_p, high_p), (low_q, high_q) = p.support(), q.support()
    if low_p < low_q or high_p > high_q:
        assert value == math.inf
        assert " only values from " in families.why_infinite(p, q)
    elif name_p == "cauchy":
        assert value == math.inf
        assert "no finite mean" in families.why_infinite(p, q)
    else:
        assert value == pytest.approx(by_quadrature(p, q), rel=1e-6)
        assert families.why_infinite(p, q) is None
        bits = kl.kl_between(p, q, base=2)
        assert bits == pytest.approx(value / math.log(2), rel=1e-15)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.expon(1, 0.8), stats.norm(-0.5, 1.4)),
        (stats.expon(1, 0.8), stats.laplace(0.5, 1.4)),
        (stats.expon(1, 0.8), stats.laplace(1.5, 1.4)),
        (stats.gamma(2.5, -1, 0.9), stats.gumbel_r(0.5, 1.4)),
        (stats.gamma(2.5, 1, 0.9), stats.expon(-0.5, 1.4)),
        (stats.gamma(2.5, 1, 0.9), stats.expon(1, 1.4)),
        (stats.beta(2, 3.5, -1, 3), stats.norm(-0.5, 1.4)),
        (stats.beta(2, 3.5, -1, 3), stats.uniform(-2, 5)),
        (stats.beta(2, 3.5, 0.5, 3), stats.expon(0.2)),
        (stats.beta(2, 3.5, 0.5, 3), stats.gamma(2.5, 0.5)),
        (stats.uniform(-2, 0.5), stats.beta(1.5, 1.2, -3, 4)),
        (stats.uniform(-2, 4), stats.beta(1.5, 1.2, -2, 4)),
        (stats.uniform(2, 1e-3), stats.gamma(1.5, 1)),
        (stats.uniform(2, 3), stats.weibull_min(1.5, 1)),
        (stats.uniform(-3, 7), stats.laplace(0.5, 2)),
        (stats.pareto(4, 0.5, 2), stats.norm(3, 2)),
        (stats.lognorm(0.5, 1), stats.norm(3, 2)),
        (stats.weibull_min(1.5, 1), stats.norm(3, 2)),
        (stats.weibull_min(1.5, 1), stats.expon(0.5)),
        (stats.halfnorm(1, 2), stats.gamma(1.5, 1)),
    ],
)
def test_a_shifted_pair_agrees_with_quadrature(p, q):
    assert kl.kl_between(p, q) == pytest.approx(by_quadrature(p, q), rel=1e-6)


@pytest.mark.parametrize(
    ("p", "q", "said"),
    [
        (stats.expon(1), stats.gamma(2), "for a later loc of dist_p"),
        (stats.gamma(2, 1), stats.weibull_min(2), "for a later loc of dist_p"),
        (stats.beta(2, 3), stats.pareto(2, -1, 0.5), "for a later loc of dist_p"),
        (stats.pareto(2, 1), stats.gamma(2), "for another loc of dist_p"),
    ],
)
def test_a_pair_whose_mean_logarithm_is_not_known_is_refused(p, q, said):
    with pytest.raises(kl.NoClosedFormError, match=said):
        kl.kl_between(p, q)


def test_batches_of_two_families_broadcast():
    value = kl.kl_between(stats.expon(scale=[[0.5], [1], [2]]), stats.norm([0, 1], 2))
    assert value.shape == (3, 2)
    assert value[1, 1] == kl.kl_between(stats.expon(), stats.norm(1, 2))
    starts = kl.kl_between(stats.uniform([-1, 0, 1]), stats.gamma(2, scale=3))
    assert starts[0] == math.inf
    assert np.isfinite(starts[1:]).all()


def test_a_heavy_tail_is_infinitely_far_from_a_light_one():
    for a, q in ((2, stats.norm()), (1, stats.expon()), (1, stats.gamma(2)), (1.5, stats.norm())):
        p = stats.pareto(a)
        assert kl.kl_between(p, q) == math.inf
        assert "no finite mean" in families.why_infinite(p, q)
    assert kl.kl_between(stats.laplace(scale=2), stats.gumbel_r(scale=1)) == math.inf
    assert math.isfinite(kl.kl_between(stats.laplace(scale=2), stats.gumbel_r(scale=3)))


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9])
def test_a_family_inside_another_is_exact_near_equality(distance):
    x = 1 + distance
    e, one = mpf(x), mpf(1)
    gamma = (e - 1) * mpmath.digamma(e) - mpmath.loggamma(e)
    cases = [
        (stats.gamma(x), stats.expon(), gamma),
        (stats.expon(), stats.gamma(x), mpmath.loggamma(e) - (e - 1) * mpmath.digamma(1)),
        (stats.beta(x, 1), stats.uniform(), mpmath.log(e) - (e - 1) / e),
        (stats.uniform(), stats.beta(x, 1), e - 1 - mpmath.log(e)),
        (stats.beta(x, 1, scale=2), stats.uniform(0, 2), mpmath.log(e) - (e - 1) / e),
        (
            stats.weibull_min(x),
            stats.expon(),
            mpmath.log(e) + mpmath.euler * (1 / e - 1) + mpmath.gamma(1 + 1 / e) - one,
        ),
        (
            stats.expon(),
            stats.weibull_min(x),
            -mpmath.log(e) + mpmath.euler * (e - 1) + mpmath.gamma(1 + e) - one,
        ),
    ]
    for p, q, exact in cases:
        assert truth.relative_error(kl.kl_between(p, q), exact) < 1e-12
    # A library without a loc beside one that has it.
    one = tfp_like("Exponential", rate=1.0)
    for p, q, exact in ((stats.gamma(x), one, gamma), (one, stats.gamma(x), cases[1][2])):
        assert truth.relative_error(kl.kl_between(p, q), exact) < 1e-12
    for p, q, exact in ((stats.weibull_min(x), one, cases[5][2]), (one, *cases[6][1:])):
        assert truth.relative_error(kl.kl_between(p, q), exact) < 1e-12
    bent, whole = tfp_like("ContinuousBernoulli", probs=None, logits=distance), stats.uniform()
    t = mpf(distance)
    exact = mpmath.log(mpmath.sinh(t / 2) / (t / 2))
    assert truth.relative_error(kl.kl_between(whole, bent), exact) < 1e-12
    exact = t * (mpmath.coth(t / 2) / 2 - 1 / t) - exact
    assert truth.relative_error(kl.kl_between(bent, whole), exact) < 1e-12


@pytest.mark.parametrize(("low", "width"), [(0, 0.5), (0.5, 0.5), (0.25, 0.5), (0, 1)])
def test_a_part_of_the_unit_interval_is_no_continuous_bernoulli(low, width):
    q = ContinuousBernoulli(0.3)
    exact = by_quadrature(stats.uniform(low, width), q)
    assert kl.kl_between(stats.uniform(low, width), q) == pytest.approx(exact, rel=1e-9)
    both = kl.kl_between(stats.uniform([low, 0], [width, 1]), q)
    wanted = [exact, kl.kl_between(stats.uniform(), q)]
    np.testing.assert_allclose(both, wanted, rtol=1e-9)
    beta = kl.kl_between(stats.uniform(low, width), stats.beta(2, 3))
    assert beta == pytest.approx(by_quadrature(stats.uniform(low, width), stats.beta(2, 3)))


def test_the_surprise_of_a_uniform_distribution_is_the_logarithm_of_its_width():
    """No pair asks for it but those that are infinite by their supports."""
    p = {"loc": 0.0, "scale": 2.0}
    value = registry.PAIRS["normal", "uniform"].form(p, {"low": -1.0, "high": 8.0})
    assert value == pytest.approx(math.log(9) - stats.norm(0, 2).entropy())


def tfp_like(kind, **attributes):
    where = {"__module__": "tensorflow_probability.python.distributions", "log_prob": None}
    return type(kind, (), {**where, "batch_shape": (), **attributes})()


def test_coins_inside_counts():
    coin, counts = stats.bernoulli(0.3), stats.binom(1, 0.6)
    expected = families.kl_bernoulli(0.3, 0.6)
    assert kl.kl_between(coin, counts) == pytest.approx(expected, rel=1e-15)
    assert kl.kl_between(stats.binom(1, 0.3), stats.bernoulli(0.6)) == pytest.approx(expected)
    assert kl.kl_between(stats.binom(2, 0.3), stats.bernoulli(0.6)) == math.inf
    geometric = tfp_like("Geometric", probs=0.3, logits=None)
    negative = tfp_like("NegativeBinomial", total_count=1.0, probs=0.4, logits=None)
    expected = families.kl_geometric(0.3, 0.6)
    assert kl.kl_between(geometric, negative) == pytest.approx(expected, rel=1e-15)
    assert kl.kl_between(stats.geom(0.3, loc=-1), negative) == pytest.approx(expected, rel=1e-15)
    assert kl.kl_between(stats.geom(0.3), stats.geom(0.6)) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("logit", [-800.0, -2.0, 0.5, 800.0])
def test_counts_of_logits_agree_with_counts_of_probabilities(logit):
    prob = 1 / (1 + mpmath.exp(-mpf(logit)))
    other = 1 / (1 + mpmath.exp(-mpf(logit) + mpf(1) / 2))
    with mpmath.workdps(800):
        prob = 1 / (1 + mpmath.exp(-mpf(logit)))
        other = 1 / (1 + mpmath.exp(-(mpf(logit) - mpf(1) / 2)))
        coin = prob * mpmath.log(prob / other)
        coin += (1 - prob) * mpmath.log((1 - prob) / (1 - other))
        expected = {"Binomial": 7 * coin, "Geometric": coin / prob}
    for kind, exact in expected.items():
        given = {"total_count": 7.0} if kind == "Binomial" else {}
        p, q = (tfp_like(kind, probs=None, logits=x, **given) for x in (logit, logit - 0.5))
        value = kl.kl_between(p, q)
        if exact > 1e-300:
            assert truth.relative_error(value, exact) < 1e-12
        assert kl.kl_between(p, p) == 0


@pytest.mark.parametrize("kind", ["Bernoulli", "Binomial", "Geometric", "NegativeBinomial"])
def test_logits_beside_probabilities_are_those_of_the_same_distribution(kind):
    given = {"total_count": 7.0} if kind[-8:] == "Binomial" else {}
    x, y = np.float32([-1.2, 0.3, 2.5]), np.float32(0.7)
    with mpmath.workdps(30):
        coins = [[1 / (1 + mpmath.exp(-mpf(float(logit)))) for logit in (one, y)] for one in x]
        exact = [a * mpmath.log(a / b) + (1 - a) * mpmath.log((1 - a) / (1 - b)) for a, b in coins]
        if kind in ("Geometric", "NegativeBinomial"):  # TFP's successes are what is counted
            stop = [a if kind == "Geometric" else 1 - a for a, _ in coins]
            exact = [coin / chance for coin, chance in zip(exact, stop, strict=True)]
        exact = np.array([float(coin) for coin in exact]) * given.get("total_count", 1)
        probs = [np.array([float(a) for a, _ in coins]), float(coins[0][1])]
    for p in ({"probs": None, "logits": x}, {"probs": probs[0], "logits": None}):
        for q in ({"probs": None, "logits": y}, {"probs": probs[1], "logits": None}):
            dists = tfp_like(kind, **p, **given), tfp_like(kind, **q, **given)
            np.testing.assert_allclose(kl.kl_between(*dists), exact, rtol=1e-12)
    narrow = np.float32([0.1, 0.3])
    values = [
        kl.kl_between(
            tfp_like(kind, probs=probs, logits=None, **given),
            tfp_like(kind, probs=None, logits=y, **given),
        )
        for probs in (narrow, narrow.astype(np.float64))
    ]
    np.testing.assert_array_equal(*values)
    rare = np.float32([-50.1, -60.3, -41.7])
    values = [
        kl.kl_between(*(tfp_like(kind, probs=None, logits=x, **given) for x in (logits, -45.123)))
        for logits in (rare, rare.astype(np.float64))
    ]
    np.testing.assert_array_equal(*values)


@pytest.mark.parametrize("logit", [-800.0, np.float32(-0.3), 0.5, 40.0])
def test_a_coin_of_logits_beside_counts_that_a_coin_has_too(logit):
    coin = tfp_like("Bernoulli", probs=None, logits=logit)
    p = 1 / (1 + mpmath.exp(-mpf(float(logit))))
    entropy = -(p * mpmath.log(p) + (1 - p) * mpmath.log(1 - p)) if 0 < p < 1 else mpf(0)
    value = kl.kl_between(coin, stats.poisson(0.4))
    assert value == pytest.approx(float(mpf(0.4) - p * mpmath.log(0.4) - entropy), rel=1e-12)
    logs = tfp_like("Poisson", rate=None, log_rate=np.float32(-1))
    value = kl.kl_between(coin, logs)
    assert value == pytest.approx(float(mpmath.exp(-1) + p - entropy), rel=1e-12)
    # Two tosses more: all of them fail, and the third is either.
    more = tfp_like("Binomial", total_count=3.0, probs=None, logits=np.float32(0.25))
    one = tfp_like("Binomial", total_count=1.0, probs=None, logits=logit)
    q = 1 / (1 + mpmath.exp(-mpf(0.25)))
    exact = -entropy - (1 - p) * 3 * mpmath.log(1 - q) - p * mpmath.log(3 * q * (1 - q) ** 2)
    assert kl.kl_between(one, more) == pytest.approx(float(exact), rel=1e-12)
    assert kl.kl_between(coin, more) == pytest.approx(float(exact), rel=1e-12)


def test_no_tosses_at_all_are_no_surprise_whatever_the_coin():
    p, q = (tfp_like("Binomial", total_count=0.0, probs=None, logits=x) for x in (0.0, math.inf))
    assert kl.kl_between(p, q) == kl.kl_between(q, p) == 0


def test_a_number_of_successes_is_checked():
    good = tfp_like("NegativeBinomial", total_count=2.0, probs=None, logits=0.5)
    for bad, said in ((-1.0, "-1; a number of successes is above 0"), (math.nan, "nan; pass")):
        wrong = tfp_like("NegativeBinomial", total_count=bad, probs=None, logits=0.5)
        for p, q, name in ((wrong, wrong, "p"), (wrong, good, "p"), (good, wrong, "q")):
            with pytest.raises(kl.DistributionError, match=f"^total_count_{name} is {said}"):
                kl.kl_between(p, q)


@pytest.mark.parametrize(
    ("prob", "rate"), [(0.3, 0.4), (0.0, 2.0), (1.0, 0.5), (1e-9, 1e-9), (0.3, 1e-300)]
)
def test_a_coin_and_a_poisson_agree_with_high_precision(prob, rate):
    p, r = mpf(prob), mpf(rate)
    exact = sum(x * mpmath.log(x) for x in (p, 1 - p) if x > 0) - p * mpmath.log(r) + r
    value = kl.kl_between(stats.bernoulli(prob), stats.poisson(rate))
    assert truth.relative_error(value, exact) < 1e-13
    log = tfp_like("Poisson", rate=None, log_rate=math.log(rate))
    assert kl.kl_between(stats.bernoulli(prob), log) == pytest.approx(float(exact), rel=1e-6)


@pytest.mark.parametrize(
    ("p", "q", "said"),
    [
        (stats.uniform(1, -1), stats.norm(), "high_p is 0, not above low_p, which is 1 there"),
        (stats.norm(), stats.uniform([0, 2], [1, 0]), r"high_q\[1\] is 2, not above low_q"),
        (stats.randint(3, 3), stats.randint(0, 9), "high_p is 2; a range of whole numbers holds"),
        (stats.randint(2.5, 9.5), stats.randint(0, 12, 0.5), r"low is 2.5; the ends of a range"),
        (stats.poisson(3), stats.randint(0, 12.5), r"high is 12.5; the ends of a range"),
        (stats.expon(scale=-1), stats.norm(), "scale_p is -1; a scale is above 0"),
        (stats.expon(), stats.norm(0, 0), "scale_q is 0; a standard deviation is above 0"),
        (stats.gamma(-1), stats.norm(), "concentration_p is -1; a concentration is above 0"),
    ],
)
def test_a_parameter_that_is_none_is_named_across_families_too(p, q, said):
    with pytest.raises(kl.DistributionError, match=said):
        kl.kl_between(p, q)


def test_what_floats_do_not_carry_is_no_number():
    with pytest.raises(kl.NoClosedFormError, match="for parameters so far apart that floats do"):
        kl.kl_between(stats.norm(1e300, 1e300), stats.gumbel_r(0, 1e-300))


@pytest.mark.parametrize(("name_p", "name_q"), PAIRS)
@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_a_unit_of_another_size_changes_nothing(name_p, name_q, factor):
    """Both distributions are stretched: KL stays, though squares over- or underflow."""
    if "continuous_bernoulli" in (name_p, name_q):
        pytest.skip("on an interval of its own")
    p, q = AS_P[name_p], AS_Q[name_q]
    stretched = []
    for dist in (p, q):
        given = from_scipy._given(dist)
        given["loc"], given["scale"] = given["loc"] * factor, given["scale"] * factor
        stretched.append(dist.dist(**given))
    assert kl.kl_between(*stretched) == pytest.approx(kl.kl_between(p, q), rel=1e-10)


def test_what_is_beyond_the_largest_float_is_inf():
    for p, q in (
        (stats.weibull_min(1e-3), stats.norm()),
        (stats.lognorm(30), stats.norm()),
        (stats.norm(-1e300), stats.gumbel_r(1e300)),
        (stats.cauchy(1e300), stats.gumbel_r(-1e300, 1e-300)),
        (stats.halfnorm(scale=1e300), stats.weibull_min(40, scale=1e-300)),
        (stats.halfnorm(), stats.weibull_min(1e307, scale=1e-300)),
    ):
        assert kl.kl_between(p, q) == math.inf
