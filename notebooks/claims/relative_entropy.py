"""Shankar 2021: relative entropy, cats and dogs, and TensorFlow Probability."""

from __future__ import annotations

import math
from importlib import metadata
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from scipy import integrate, stats

import kl_lib as kl
from kl_lib.frameworks import tfp as _tfp

from . import Source, holds, lost, number, opinion, today

tfd = _tfp.load().distributions

SOURCE = Source("R")
claim = SOURCE.claim

DECENT, ADVERSE, DOG = [0.8, 0.2], [0.2, 0.8], [1.0, 0.0]

SOURCE.section("Questions and pictures")


@claim("Earlier posts of the series treat uncertainty, entropy and maximum likelihood.")
def series():
    return lost("links; the book has all three")


@claim("Entropy measures uncertainty.", "sec-entropy-uniform")
def uncertainty():
    coins = [kl.entropy([x, 1 - x], base=2) for x in (1.0, 0.9, 0.5)]
    return holds(
        coins == sorted(coins),
        f"coins (1, 0), (0.9, 0.1), (½, ½): {coins[0]:.0f}, {coins[1]:.3f}, {coins[2]:.0f} bits",
    )


@claim("KL computes relative entropy between two distributions.", "q-what-is-kl")
def relative():
    p, q = [0.5, 0.5], [0.25, 0.75]
    both = kl.kl_divergence(p, q), stats.entropy(p, q)
    return holds(math.isclose(*both), f"{both[0]:.4f} nats, SciPy's entropy(p, q) {both[1]:.4f}")


@claim("Eleven questions will be answered.", "introduction")
def questions():
    return opinion(
        "ten are; forward and reverse KL are named, and no fit shows them: here one does"
    )


@claim("KL measures how two distributions differ from each other.", "q-what-is-kl")
def differ():
    rows = np.random.default_rng(0).dirichlet(np.ones(4), 1000)
    same, other = kl.kl_divergence(rows, rows), kl.kl_divergence(rows[1:], rows[:-1])
    return holds(same.max() == 0 < other.min(), "1000 rows: 0 to themselves, above 0 to others")


@claim("A picture shows well-known densities, others cats and dogs.")
def pictures():
    return lost("pictures from elsewhere")


SOURCE.section("Reality and network")


@claim("A perfect network gives a dog probability 1 of being one.", "ch-cats-and-dogs")
def perfect():
    grid = np.linspace(0.01, 1, 100)
    best = grid[np.argmin([kl.kl_divergence(DOG, [x, 1 - x]) for x in grid])]
    unsure = kl.kl_divergence([0.75, 0.25], DOG)
    return holds(
        best == 1,
        f"for a dog that everybody sees as one; where one in four sees a cat, it costs {unsure}",
    )


@claim("A decent network answers (0.8, 0.2).", "ch-cats-and-dogs")
def decent_sums():
    return holds(sum(DECENT) == 1, f"a distribution; the guess is right with {DECENT[0]}")


@claim("An adversarial one answers (0.2, 0.8).", "ch-cats-and-dogs")
def adverse_sums():
    return holds(sum(ADVERSE) == 1, "a distribution, for which the cat is likelier")


@claim("p stands for reality, q for the network.", "notation")
def letters():
    return opinion("a convention, and this book's")


@claim("Of each observation both distributions give a probability.", "q-likelihood-ratio")
def each():
    p, q = stats.binom(10, 0.5), stats.binom(10, 0.6)
    return holds(
        min(p.pmf(range(11)).min(), q.pmf(range(11)).min()) > 0, "for example of 0 to 10 heads"
    )


SOURCE.section("Why logarithms")


@claim("The typical measure of a difference is to subtract.", "relatives-tv")
def subtract():
    return opinion("it leads to total variation, which has uses of its own")


@claim("Differences of very small probabilities may be rounded to zero.", "q-why-log")
def rounded_to_zero():
    small = 10 ** np.random.default_rng(0).uniform(-320, 0, 100_000)
    gone = np.sum(small - np.nextafter(small, 1) == 0)
    return holds(gone > 0, f"of 100,000 pairs of neighbouring floats down to 1e-320, {gone} were")


@claim("Taking logarithms avoids that.", "q-why-log")
def products():
    p = np.full(2000, 0.5)
    return holds(
        np.prod(p) != 0,
        f"what underflows is a product: ½ to the 2000th is {np.prod(p):.0f}; "
        f"the sum of logarithms is {np.log(p).sum():.1f}",
    )


@claim("log p − log q is log(p/q).", "q-why-log")
def quotient():
    p, q = np.random.default_rng(1).random((2, 10_000))
    off = abs(np.log(p / q) - np.log(p) + np.log(q)).max()
    return holds(off < 1e-13, "10,000 pairs: equal but for rounding")


@claim("It is called the log-likelihood ratio.", "q-likelihood-ratio")
def named():
    flips = np.array([1, 1, 0, 1])
    p, q = (np.where(flips, x, 1 - x) for x in (0.8, 0.5))
    both = np.log(p / q).sum(), np.log(p.prod() / q.prod())
    return holds(math.isclose(*both), f"four flips: summed or of the products, {both[0]:.4f} nats")


@claim("A difference of logarithms is a log-likelihood.", "q-likelihood-ratio")
def not_a_likelihood():
    ratio = math.log(0.8) - math.log(0.5)
    return holds(
        ratio <= 0,
        f"log 0.8 − log 0.5 = {ratio:.3f}, and no probability has a logarithm above 0: it is that "
        "of a ratio",
    )


@claim("The likelihood of the whole sample is the average likelihood.", "q-likelihood-ratio")
def whole_sample():
    p = np.array([0.8, 0.8, 0.2, 0.8])
    return holds(
        math.isclose(p.mean(), p.prod()),
        f"four flips: the mean is {p.mean():.2f}, the likelihood is the product, {p.prod():.4f}",
    )


SOURCE.section("Expectation")


@claim("The observations with the largest likelihood get the weight.", "q-weighted-average")
def weights():
    p, q = np.array([0.9, 0.1]), np.array([0.5, 0.5])
    share = np.random.default_rng(0).choice(2, 100_000, p=p)
    mean = np.log(p / q)[share].mean()
    told = f"each counts once; likely ones come often: 100,000 draws {mean:.2f}, Σ p log(p/q) "
    return holds(
        not math.isclose(mean, kl.kl_divergence(p, q), rel_tol=0.02),
        told + f"{kl.kl_divergence(p, q):.2f}",
    )


@claim("The mean of h is Σ h(x) p(x), over infinitely many x if need be.", "q-weighted-average")
def expectation():
    x = np.arange(200)
    mean = np.sum(x * stats.poisson(3).pmf(x))
    return holds(math.isclose(mean, 3), f"Poisson of rate 3: {mean:.4f}")


@claim("An expected value is a weighted average.", "q-weighted-average")
def weighted():
    values, p = np.array([1, 5, 10]), np.array([0.5, 0.3, 0.2])
    return holds(math.isclose(np.average(values, weights=p), values @ p), f"both {values @ p:.1f}")


@claim("The expected log-likelihood ratio is Σ p log(p/q).", "q-expected-llr")
def expected_ratio():
    p, q = np.array([0.5, 0.5]), np.array([0.99, 0.01])
    return holds(
        math.isclose(p @ np.log(p / q), kl.kl_divergence(p, q)), f"{p @ np.log(p / q):.4f} nats"
    )


@claim("It is the average difference between the distributions.", "q-expected-llr")
def average_difference():
    p, q = np.array([0.5, 0.5]), np.array([0.99, 0.01])
    difference, value = p @ (p - q), kl.kl_divergence(p, q)
    return holds(
        math.isclose(difference, value, abs_tol=1e-9),
        f"of their logarithms: for two coins Σ p (p − q) is {abs(difference):.0f}, KL {value:.3f}",
    )


@claim("That is the KL divergence.", "q-expected-llr")
def definition():
    rows = np.random.default_rng(0).dirichlet(np.ones(6), (2, 1000))
    means = np.sum(rows[0] * np.log(rows[0] / rows[1]), axis=1)
    off = abs(means - kl.kl_divergence(*rows)).max()
    return holds(off < 1e-12, "1000 pairs: equal to 1e-12")


SOURCE.section("Densities")


def _integral(p: Any, q: Any) -> float:
    return integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), -12, 14, limit=200)[0]


NARROW, WIDE = stats.norm(2, 0.5), stats.norm(1, 1)


@claim("For densities the sum becomes an integral: forward KL.", "ch-gaussians")
def forward():
    both = _integral(NARROW, WIDE), kl.kl_normal(2, 0.5, 1, 1)
    return holds(
        math.isclose(*both, rel_tol=1e-9), f"N(2, ½²) to N(1, 1): {both[0]:.7f} by quadrature"
    )


@claim("Reverse KL has the two exchanged.", "ch-gaussians")
def reverse():
    both = _integral(WIDE, NARROW), kl.kl_normal(1, 1, 2, 0.5)
    return holds(math.isclose(*both, rel_tol=1e-9), f"{both[0]:.7f} by quadrature")


@claim("The two are not equal.", "q-asymmetric")
def unequal():
    equal = kl.kl_normal(0, 1, 1, 1), kl.kl_normal(1, 1, 0, 1)
    return holds(
        kl.kl_normal(2, 0.5, 1, 1) != kl.kl_normal(1, 1, 2, 0.5),
        f"these are not; a pair may be, as N(0, 1) and N(1, 1) with {max(equal)} both ways",
    )


@claim("Hence KL is not a distance.", "q-distance")
def no_distance():
    a, b, c = [0.5, 0.5], [0.25, 0.75], [0.1, 0.9]
    direct, steps = kl.kl_divergence(a, c), kl.kl_divergence(a, b) + kl.kl_divergence(b, c)
    return holds(direct > steps, f"and the triangle inequality fails: {direct:.3f} > {steps:.3f}")


@claim("p is the reference, q the approximation.", "notation")
def reference():
    return opinion("the usual convention; the article's own code then calls with q first")


@claim("Forward KLs are the cross-entropy losses.", "q-cross-entropy")
def are_cross_entropy():
    p, q = [0.75, 0.25], [0.8, 0.2]
    both = kl.kl_divergence(p, q), kl.cross_entropy(p, q)
    return holds(
        both[0] == both[1], f"the same gradient, another number: {both[0]:.3f} and {both[1]:.3f}"
    )


SOURCE.section("As a loss")


@claim("KL is Σ p log p − Σ p log q.", "q-cross-entropy")
def two_sums():
    p, q = np.array([0.75, 0.25]), np.array([0.8, 0.2])
    value = p @ np.log(p) - p @ np.log(q)
    return holds(math.isclose(value, kl.kl_divergence(p, q)), f"{value:.4f} nats")


@claim("The second sum is the cross-entropy H(p_θ, p_φ).", "q-cross-entropy")
def slip_of_names():
    p, q = [0.75, 0.25], [0.8, 0.2]
    as_named = kl.cross_entropy(p, p)
    return holds(
        math.isclose(as_named, kl.cross_entropy(p, q)),
        f"a slip for H(p_θ, q_φ): {kl.cross_entropy(p, q):.4f}, as named {as_named:.4f}",
    )


@claim("The first is minus the entropy, H(p_θ, p_θ).", "q-cross-entropy")
def own_entropy():
    p = np.array([0.75, 0.25])
    first = p @ np.log(p)
    return holds(
        math.isclose(first, -kl.entropy(p)) and math.isclose(kl.cross_entropy(p, p), kl.entropy(p)),
        f"{first:.4f} nats".replace("-", "−"),
    )


@claim("It is constant and comes from the data.", "q-cross-entropy")
def constant():
    p = tf.constant([0.75, 0.25])
    z = tf.Variable([0.3, -0.2])
    with tf.GradientTape() as tape:
        first = tf.reduce_sum(p * tf.math.log(p))
    return holds(tape.gradient(first, z) is None, "no gradient reaches the network through it")


@claim("So the loss is −Σ p log q.", "q-cross-entropy")
def the_loss():
    p, z = tf.constant([0.75, 0.25]), tf.Variable([0.3, -0.2])
    with tf.GradientTape(persistent=True) as tape:
        log_q = tf.nn.log_softmax(z)
        loss, whole = -tf.reduce_sum(p * log_q), tf.reduce_sum(p * (tf.math.log(p) - log_q))
    off = np.abs(tape.gradient(loss, z) - tape.gradient(whole, z)).max()
    return holds(off < 1e-6, "its gradient is KL's, to 1e-6")


SOURCE.section("Cats and dogs")


@claim("Two situations are made out of the network.", "ch-cats-and-dogs")
def situations():
    costs = {f"{kl.kl_divergence(DOG, q, base=2):.4f}" for q in (DECENT, ADVERSE)}
    return holds(
        len(costs) == 2 and all(math.isclose(sum(q), 1) for q in (DECENT, ADVERSE)),
        f"{' and '.join(sorted(costs))} bits; case 3 is a perfect model, not this one",
    )


@claim("Case 1, (0.8, 0.2), comes to 0.3219.", "ch-cats-and-dogs")
def case_1():
    return number("0.3219", kl.kl_divergence(DOG, DECENT, base=2), "bits")


@claim("Its second term is 0 · log₂(1/0.2).", "ch-cats-and-dogs")
def slip_1():
    as_printed = 1 / 0.2
    return holds(
        as_printed == 0 / 0.2,
        f"p(cat) is 0, so the fraction is 0/0.2 = {0 / 0.2:.0f}, not "
        f"{as_printed:.0f}; the 0 in front hides it",
    )


@claim("That is closer to zero.", "ch-cats-and-dogs")
def closer():
    near, far = (kl.kl_divergence(DOG, q, base=2) for q in (DECENT, ADVERSE))
    return holds(near < far, f"{near:.4f} against {far:.4f} bits")


@claim("Case 2, (0.2, 0.8), comes to 2.3219.", "ch-cats-and-dogs")
def case_2():
    return number("2.3219", kl.kl_divergence(DOG, ADVERSE, base=2), "bits")


@claim("Its second term is 0 · log₂(1/0.8).", "ch-cats-and-dogs")
def slip_2():
    as_printed = 1 / 0.8
    return holds(as_printed == 0 / 0.8, f"the same slip: 0/0.8 = {0 / 0.8:.0f}, not {as_printed}")


@claim("That is far from zero.", "ch-cats-and-dogs")
def far():
    loss, chance = (kl.kl_divergence(DOG, q, base=2) for q in (ADVERSE, [0.5, 0.5]))
    return holds(loss > chance, f"more than the {chance:.0f} bit of a network that does not look")


@claim("Case 3, a perfect model, comes to 0.", "ch-cats-and-dogs")
def case_3():
    return number("0", kl.kl_divergence(DOG, DOG, base=2), "bits")


@claim("Its second term is 0 · log₂(1/0.0), which is 0.", "ch-cats-and-dogs")
def slip_3():
    with np.errstate(all="ignore"):
        value = np.float64(0) * np.log2(np.float64(1) / 0)
    return holds(value == 0, f"as written it is 0 · ∞, in a program {value}; 0 by convention")


@claim("It is zero because the model is perfect.", "ch-cats-and-dogs")
def zero_if_perfect():
    rows = np.random.default_rng(0).dirichlet(np.ones(2), 10_000)
    return holds(kl.kl_divergence(DOG, rows).min() > 0, "10,000 other answers: none has 0")


@claim("KL is never negative.", "q-what-is-kl")
def never_negative():
    rows = np.random.default_rng(1).dirichlet(np.ones(3), (2, 100_000))
    return holds(kl.kl_divergence(*rows).min() >= 0, "100,000 pairs: none; single terms may be")


@claim("It is close to zero when the two are similar.", "sec-kl-almost-agree")
def similar():
    value = kl.kl_divergence([0.5, 0.5], [0.501, 0.499])
    return holds(value < 1e-5, f"(½, ½) and (0.501, 0.499): {value:.0e} nats")


@claim("It grows with the difference.", "ch-relatives")
def grows():
    p = np.array([0.5, 0.49, 0.01])
    one, other = np.array([0.5, 0.5, 0.0]), np.array([0.3, 0.69, 0.01])
    gaps = [kl.total_variation(p, q) for q in (one, other)]
    kls = [kl.kl_divergence(p, q) for q in (one, other)]
    return holds(
        (kls[0] < kls[1]) == (gaps[0] < gaps[1]),
        "not with every measure of it: total "
        f"variation {gaps[0]:.2f} and {gaps[1]:.2f}, KL {kls[0]} and {kls[1]:.3f}",
    )


SOURCE.section("Two normals in TFP")

Q, P = tfd.Normal(loc=1.0, scale=1.0), tfd.Normal(loc=2.0, scale=0.5)


@claim("TensorFlow Probability is imported beside TensorFlow.", "q-tfp-keras3")
def imported():
    needs = [one for one in metadata.requires("tensorflow-probability") or () if "keras" in one]
    return today(not needs, f"{_tfp.version()} needs tf_keras too, and says so in its metadata")


@claim("So are its distributions and its bijectors.", "ch-gaussians")
def modules():
    found = [name for name in ("distributions", "bijectors") if hasattr(_tfp.load(), name)]
    return today(len(found) == 2, f"{' and '.join(found)}; the second is never used")


@claim("Two normals are made from µ = 1, 2 and σ = 1, 0.5.", "ch-gaussians")
def made():
    found = [float(x) for d in (Q, P) for x in (d.loc, d.scale)]
    return holds(found == [1, 1, 2, 0.5], "q = N(1, 1²), p = N(2, 0.5²)")


@claim("`scale` is σ.", "q-sigma-or-variance")
def scale():
    return holds(
        float(P.stddev()) == 0.5,
        f"standard deviation {P.stddev():.1f}, variance {P.variance():.2f}",
    )


@claim("1000 samples are drawn from each.", "ch-gaussians")
def samples():
    return holds(tuple(Q.sample(1000, seed=1).shape) == (1000,), "an array of 1000")


@claim("Histograms show mean and spread.", "ch-gaussians")
def spread():
    drawn = P.sample(1000, seed=1).numpy()
    off = abs(drawn.mean() - 2) / (0.5 / math.sqrt(1000))
    return holds(off < 4, "1000 draws of N(2, 0.5²): the mean is within 4 standard errors of 2")


@claim("50 bins with `density=True` draw a density.", "ch-gaussians")
def histogram():
    heights, edges = np.histogram(np.random.default_rng(0).normal(size=1000), 50, density=True)
    return holds(math.isclose(heights @ np.diff(edges), 1), "the area of the bars is 1")


@claim("kl_divergence(q, p) is 2.8068528.", "ch-gaussians")
def printed_first():
    return number("2.8068528", float(tfd.kl_divergence(Q, P)), "nats")


@claim("It is a float32 without a shape.", "ch-gaussians")
def kind():
    value = tfd.kl_divergence(Q, P)
    return holds(
        value.dtype == tf.float32 and value.shape == (), f"{value.dtype.name}, {value.shape}"
    )


@claim("Exchanged, the value is another.", "q-asymmetric")
def exchanged():
    both = float(tfd.kl_divergence(Q, P)), float(tfd.kl_divergence(P, Q))
    return holds(both[0] != both[1], f"{both[0]:.4f} and {both[1]:.4f} nats")


@claim("kl_divergence(p, q) is 0.6371457.", "ch-gaussians")
def printed_second():
    coins = kl.kl_divergence([0.99, 0.01], [0.5, 0.5])
    return number(
        "0.6371457",
        float(tfd.kl_divergence(P, Q)),
        "nats",
        f"what is printed is the coins' reverse KL, {coins:.5f}, most likely from a cell run "
        "out of order",
    )


SOURCE.section("Coins in TFP")

FAIR, UNFAIR = tfd.Categorical(probs=[0.5, 0.5]), tfd.Categorical(probs=[0.99, 0.01])


@claim("A fair coin is a Categorical of ½ and ½.", "ch-coins")
def fair():
    return holds(np.allclose(FAIR.probs_parameter(), 0.5), "so it is")


@claim("An unfair one has 0.99 and 0.01.", "ch-coins")
def unfair():
    return holds(np.allclose(UNFAIR.probs_parameter(), [0.99, 0.01]), "so it has")


@claim("1000 flips are drawn of each coin.", "ch-coins")
def flips():
    drawn = [coin.sample(1000, seed=1).numpy() for coin in (FAIR, UNFAIR)]
    ones = [int(one.sum()) for one in drawn]
    return holds(
        {one.shape for one in drawn} == {(1000,)} and {*drawn[0]} <= {0, 1},
        f"whole numbers 0 and 1; here {ones[0]} and {ones[1]} ones",
    )


@claim("Histograms of three bins show the coins.", "ch-coins")
def three_bins():
    heights, _edges, _bars = plt.hist([0] * 500 + [1] * 500, bins=3, density=True)
    plt.close()
    return opinion(
        f"two bins would do: the middle one has {heights[1]:.0f}, and the bars of a fair coin are "
        f"{heights[0]:.1f} high, no probabilities"
    )


@claim("kl_divergence(q, p) is 1.6144631.", "ch-coins")
def coins():
    return number("1.6144631", float(tfd.kl_divergence(FAIR, UNFAIR)), "nats")


@claim("Two fair coins have 0.0.", "ch-coins")
def two_fair():
    return number("0.0", float(tfd.kl_divergence(FAIR, FAIR)), "nats")


@claim("KL is part of cross-entropy.", "q-cross-entropy")
def part_of():
    p, q = [0.75, 0.25], [0.8, 0.2]
    whole = kl.entropy(p) + kl.kl_divergence(p, q)
    return holds(
        math.isclose(whole, kl.cross_entropy(p, q)), f"H(p) + KL = H(p, q) = {whole:.4f} nats"
    )


@claim("The algorithm proves effective.")
def effective():
    return opinion("KL is a number, not an algorithm")
