"""Versloot 2019, the text of the article: entropy, KL, uses, results, and the reader's question."""

from __future__ import annotations

import functools
import math
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
from scipy import integrate, special, stats

import kl_lib as kl
from kl_lib.experiments import book_results, compare, read_records

from . import Found, Source, holds, lost, number, opinion, today

SOURCE = Source("K")
claim = SOURCE.claim

REFERENCES = Path(__file__).parents[2] / "book" / "references.bib"

SYMBOLS = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])
BIASED, TURNED = [0.9, 0.1], [0.1, 0.9]

SOURCE.section("Introduction")


@claim("A loss compares predictions with targets, and training lowers it.", "q-loss")
def training_lowers_it():
    first, last = _trained(steps=100)
    return holds(last < first, f"100 steps on KL: {first:.3f} → {last:.3f} nats")


@functools.cache
def _trained(steps: int) -> tuple[float, float]:
    """KL(p‖softmax(z)) before and after steps of gradient descent on z."""
    p, z = np.array([0.2, 0.5, 0.2, 0.1]), np.zeros(4)
    first = kl.kl_divergence(p, kl.softmax(z))
    for _ in range(steps):
        z -= kl.softmax(z) - p
    return first, kl.kl_divergence(p, kl.softmax(z))


@claim("A loss is the difference between target and prediction.", "q-loss-floor")
def a_difference():
    p = [0.75, 0.25]
    values = kl.kl_divergence(p, p), kl.cross_entropy(p, p)
    return holds(
        max(values) == 0,
        f"KL of a target to itself is {values[0]:.0f}, its cross-entropy {values[1]:.3f} nats: a "
        "loss is least where the two agree, and need not be 0 there",
    )


@claim("Keras's documentation lists KL divergence among the losses.", "ch-keras-loss")
def in_keras():
    found = [name for name in ("KLDivergence", "kl_divergence") if hasattr(keras.losses, name)]
    return today(len(found) == 2, f"keras.losses has {' and '.join(found)}")


@claim("KL is nothing more than a metric that compares two distributions.", "q-distance")
def a_metric():
    there, back = (kl.kl_divergence(*pair) for pair in ((BIASED, [0.5, 0.5]), ([0.5, 0.5], BIASED)))
    return holds(
        there == back, f"no metric: {there:.3f} and {back:.3f} nats; and it is a price in bits"
    )


@claim("An article by Count Bayesie explains KL in plain words with sound mathematics.")
def count_bayesie():
    return opinion("a recommendation")


SOURCE.section("Distributions from a network")


@claim("Softmax gives a probability distribution over the classes.", "ch-keras-loss")
def softmax_is_one():
    rows = keras.ops.softmax(_logits()).numpy()
    off = abs(rows.sum(axis=1) - 1).max()
    return holds(rows.min() >= 0 and off < 1e-6, "1000 rows: none negative, sums within 1e-6 of 1")


def _logits() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1000, 10)).astype("float32")


@claim("It is one of several activations that give a distribution.", "ch-keras-loss")
def several():
    ours, theirs = _sparsemax(_logits()), np.asarray(keras.activations.sparsemax(_logits()))
    return holds(
        ours.min() >= 0 and abs(ours.sum(axis=1) - 1).max() < 1e-5,
        "sparsemax, the nearest distribution to the logits, is another; that of Keras "
        f"{keras.__version__} is faulty: its rows sum to {theirs.sum(axis=1).min():.1f} to "
        f"{theirs.sum(axis=1).max():.1f}",
    )


def _sparsemax(z: np.ndarray) -> np.ndarray:
    """The nearest point to each row whose entries are not negative and sum to 1."""
    falling = -np.sort(-z, axis=1)
    places, sums = np.arange(1, z.shape[1] + 1), falling.cumsum(axis=1)
    kept = np.sum(falling > (sums - 1) / places, axis=1, keepdims=True)
    return np.maximum(z - (np.take_along_axis(sums, kept - 1, axis=1) - 1) / kept, 0)


@claim("With softmax one usually takes categorical cross-entropy.")
def usual():
    return opinion("a habit; nothing here counts it")


@claim(
    "Categorical cross-entropy only takes the argmax of the predictions into account.",
    "q-kl-ce-same",
)
def argmax_only():
    sure, unsure = (kl.cross_entropy([1, 0], [q, 1 - q]) for q in (0.9, 0.6))
    return holds(sure == unsure, f"same argmax, q = 0.9 and 0.6: {sure:.3f} and {unsure:.3f} nats")


@claim("Sometimes one wants to compare the prediction with a distribution.", "ch-soft-labels")
def soft():
    p, q = [0.75, 0.25], [0.8, 0.2]
    there, elsewhere = kl.kl_divergence(p, p), kl.kl_divergence(p, q)
    return holds(
        there == 0 < elsewhere,
        f"label (¾, ¼): q = (0.8, 0.2) costs {elsewhere:.4f} nats, q = (¾, ¼) {there:.0f}",
    )


@claim("For that one can use KL.", "q-kl-ce-same")
def for_that():
    p, z, step = np.array([0.75, 0.25]), np.array([0.3, -0.2]), 1e-6
    slopes = [
        [
            (loss(p, kl.softmax(z + d)) - loss(p, kl.softmax(z - d))) / (2 * step)
            for d in step * np.eye(2)
        ]
        for loss in (kl.kl_divergence, kl.cross_entropy)
    ]
    return holds(
        np.allclose(slopes[0], kl.softmax(z) - p),
        f"its gradient with respect to the logits is q − p, here {slopes[0][0]:.4f}; cross-entropy "
        f"does as well, with the same {slopes[1][0]:.4f}",
    )


@claim("KL is an adaptation of entropy.", "q-cross-entropy")
def from_entropy():
    gap = math.log(4) - kl.entropy(SYMBOLS)
    kept = kl.kl_divergence(SYMBOLS, np.full(4, 1 / 4))
    return holds(
        math.isclose(gap, kept), f"to a uniform q it is log K − H: {kept:.4f} nats both ways"
    )


SOURCE.section("Entropy")


@claim("Entropy is −Σ p log p.", "ch-entropy")
def entropy_formula():
    ours, theirs = -np.sum(SYMBOLS * np.log(SYMBOLS)), stats.entropy(SYMBOLS)
    return holds(math.isclose(ours, theirs), f"{ours:.4f} nats, SciPy {theirs:.4f}")


@claim("Intuitively it is the expected value of the probability of the data.", "sec-entropy-wrong")
def expected_probability():
    mean, entropy = np.sum(SYMBOLS**2), kl.entropy(SYMBOLS, base=2)
    return holds(
        mean == entropy,
        f"expected probability {mean:.4f}; expected −log₂ p, the entropy, {entropy:.2f}",
    )


@claim(
    "In base 2 it is the minimum number of bits that encode the information.", "sec-entropy-codes"
)
def minimum_bits():
    coin = kl.entropy(BIASED, base=2)
    return holds(
        coin >= 1,
        f"a bound for the mean; one word a flip of (0.9, 0.1) needs 1 bit, H = {coin:.3f}",
    )


@claim("For given data the entropy tells how much information is in it.", "ch-entropy")
def information():
    bits = -np.log2(SYMBOLS)
    return holds(
        len(set(bits)) == 1,
        f"of the distribution, not of data: symbols carry {bits.min():g} to {bits.max():g} "
        f"bits, the mean is {SYMBOLS @ bits:g}",
    )


@claim(
    "Knowing it, one finds how much is lost when the distribution changes.",
    "sec-kl-not-a-difference",
)
def entropies_tell():
    change, loss = kl.entropy(TURNED) - kl.entropy(BIASED), kl.kl_divergence(BIASED, TURNED)
    return holds(
        math.isclose(change, loss),
        f"(0.9, 0.1) to (0.1, 0.9): entropy changes by {change:.0f}, KL is {loss:.3f} nats",
    )


@claim("The predictions of a network form a distribution.", "ch-keras-loss")
def predictions_form():
    keras.utils.set_random_seed(0)
    rows = np.asarray(keras.layers.Dense(3)(_logits()))
    sums = rows.sum(axis=1)
    return holds(
        abs(sums - 1).max() < 1e-6,
        f"only by its last layer: a dense one without softmax gives rows that sum to "
        f"{sums.min():.1f} to {sums.max():.1f}",
    )


@claim("A value lies between x and y with some probability, or is x.", "sec-entropy-differential")
def between():
    density, whole = stats.norm(2, 0.25), stats.norm(2, 0.25).cdf([1.75, 2.25])
    by_area = integrate.quad(density.pdf, 1.75, 2.25)[0]
    return holds(
        math.isclose(by_area, whole[1] - whole[0]),
        f"N(2, ¼²) lies between 1¾ and 2¼ with {by_area:.3f}, an area; its density at 2 is "
        f"{density.pdf(2):.2f} and no probability",
    )


@claim(
    "A prediction is a distribution and can be compared with the true one of its sample.",
    "ch-cats-and-dogs",
)
def comparable():
    value = kl.kl_divergence([1, 0], [0.8, 0.2])
    return holds(
        math.isclose(value, -math.log(0.8)),
        f"a dog, called so with 0.8: {value:.4f} nats, which is −log 0.8",
    )


@claim("When the optimiser changes the weights, the distribution changes.", "q-loss")
def weights_move():
    before, after = kl.softmax([0.0, 0.0]), kl.softmax([0.1, 0.0])
    return holds(np.any(before != after), f"a logit up by 0.1: {before[0]:.3f} → {after[0]:.3f}")


@claim("If the loss of information could be measured, one could optimise.", "q-loss")
def optimise():
    _, last = _trained(steps=1000)
    return holds(last < 1e-9, "1000 gradient steps bring KL below 1e-9 nats")


SOURCE.section("KL divergence")


@claim("KL(P‖Q) = Σ p log(p/q).", "q-what-is-kl")
def kl_formula():
    p, q = [0.2, 0.5, 0.2, 0.1], [0.3, 0.4, 0.1, 0.2]
    ours, theirs = kl.kl_divergence(p, q), special.rel_entr(p, q).sum()
    return holds(math.isclose(ours, theirs), f"{ours:.6f} nats, SciPy {theirs:.6f}")


@claim("A slight change of entropy's formula leads to it.", "q-cross-entropy")
def slight_change():
    p, q = np.array([0.2, 0.8]), np.array([0.5, 0.5])
    value = -np.sum(p * np.log(q)) + np.sum(p * np.log(p))
    return holds(
        math.isclose(value, kl.kl_divergence(p, q)),
        f"log q in one logarithm, minus H(p): {value:.4f} nats",
    )


@claim("log(p ÷ q) = log p − log q.", "q-why-log")
def log_of_quotient():
    p, q = np.random.default_rng(0).random((2, 10_000))
    off = abs(np.log(p / q) - (np.log(p) - np.log(q))).max()
    return holds(off < 1e-13, "10,000 pairs: equal to 1e-13, which is rounding")


@claim(
    "KL is how much entropy one loses or gains when changing distributions.",
    "sec-kl-not-a-difference",
)
def gain_or_loss():
    change, value = (
        kl.entropy([0.99, 0.01]) - kl.entropy([0.5, 0.5]),
        kl.kl_divergence([0.5, 0.5], [0.99, 0.01]),
    )
    return holds(
        math.isclose(change, value),
        f"fair to unfair coin: entropy changes by {change:.3f}, KL is {value:.3f} nats",
    )


@claim("KL is also called relative entropy.", "q-what-is-kl")
def relative_entropy():
    return holds(
        "relative entropy" in (stats.entropy.__doc__ or ""),
        "SciPy's documentation calls it so, too",
    )


@claim(
    "It is the gain or loss of entropy in a switch from one distribution to the other.",
    "sec-kl-not-a-difference",
)
def switch():
    signs = [kl.entropy(q) - kl.entropy([0.3, 0.7]) for q in BIASED_COINS]
    return holds(
        min(signs) >= 0, f"a change of entropy may be negative ({min(signs):.3f}); KL never is"
    )


BIASED_COINS = ([0.1, 0.9], [0.5, 0.5])


@claim("It allows to compare two distributions.", "q-what-is-kl")
def compares():
    p, q = np.random.default_rng(0).dirichlet(np.ones(5), (2, 10_000))
    return holds(
        kl.kl_divergence(p, q).min() > 0 and np.all(kl.kl_divergence(p, p) == 0),
        "10,000 pairs: positive if they differ, 0 if they are equal",
    )


SOURCE.section("What it is used for")


@claim("Its primary use is the variational autoencoder.", "ch-vae-elbo")
def primary():
    return opinion("one of its uses; what the first is, nobody counts")


@claim(
    "A variational autoencoder encodes a sample as a distribution over latent variables.",
    "ch-vae-elbo",
)
def encodes():
    runs = [run for run in read_records(book_results(), "vae") if run.config.variant == "elbo"]
    found = [run.result["test_kl"] for run in runs]
    return holds(
        min(found) > 0,
        f"{len(runs)} recorded runs: a test image's code is {min(found):.1f} to {max(found):.1f} "
        "nats from the prior",
    )


@claim("From it a sample is drawn and decoded.", "ch-vae-elbo")
def drawn():
    z = 0.5 + 0.2 * np.random.default_rng(0).normal(size=100_000)
    return holds(
        abs(z.mean() - 0.5) < 0.003,
        f"mean + σ·ε, 100,000 draws: mean {z.mean():.2f}, σ {z.std():.2f}",
    )


@claim("Such models made pictures of people; the linked page shows a GAN.")
def pictures():
    return lost("a link")


@claim("KL can be used in classification with several classes.", "ch-cifar10")
def classification():
    found = [run.result["test_accuracy"] for run in _runs() if run.config.loss == "kl"]
    return holds(
        min(found) > 0.5,
        f"CIFAR-10, {len(found)} runs with KL: {min(found):.1%} to {max(found):.1%} right, "
        "chance is 10%",
    )


@functools.cache
def _runs() -> list:
    """Thirty runs: ten seeds of three arms."""
    found = read_records(book_results(), "cifar10")
    return [r for r in found if r.config.recipe == 2 and r.config.precision == "float32"]


@claim("Classes are coded one-hot, and KL suits that.", "q-kl-ce-same")
def one_hot():
    q = kl.softmax(_logits().astype(float))
    label = np.eye(10)[np.arange(1000) % 10]
    off = abs(kl.kl_divergence(label, q) - kl.cross_entropy(label, q)).max()
    return holds(off < 1e-12, "1000 one-hot labels: KL is cross-entropy, to 1e-12")


@claim(
    "Softmax's K probabilities are proportional to the exponentials of its inputs.", "ch-keras-loss"
)
def exponentials():
    z = _logits().astype(float)
    off = np.ptp(np.log(kl.softmax(z)) - z, axis=1).max()
    return holds(off < 1e-12, "log softmax(z) − z is one number in each of 1000 rows")


@claim("The output gives the odds that something is present in the image.", "ch-cats-and-dogs")
def odds():
    q = 0.8
    return holds(
        q == q / (1 - q),
        f"a probability of 0.8 is odds of {q / (1 - q):.0f} to 1; and softmax shares out one "
        "object, it does not say what else is present",
    )


@claim("KL works on distributions, so it is usable there.", "ch-keras-loss")
def usable():
    value = kl.kl_divergence(np.eye(10)[0], kl.softmax(_logits()[0].astype(float)))
    return holds(np.isfinite(value), "a one-hot label and a softmax give a finite number")


@claim("KL also replaces least squares.", "ch-regression")
def least_squares():
    f = np.linspace(-2, 2, 5)
    off = np.ptp(kl.kl_normal(1.0, 0.5, f, 0.5) - (1 - f) ** 2 / (2 * 0.5**2))
    return holds(off < 1e-12, "between normals of one σ, KL is the squared error over 2σ²")


@claim("In regression the loss to minimise is usually the error, often squared.", "ch-regression")
def signed_error():
    errors = [f - 1 for f in (0, -10, -100)]
    return holds(
        min(errors) >= 0,
        f"predictions 0, −10, −100 of 1 have errors {errors[0]}, {errors[1]}, {errors[2]}: "
        "unsquared there is no minimum",
    )


@claim("Such losses are simple, which pays.")
def simple():
    return opinion("what pays depends on the use")


@claim("They are notoriously sensitive to noise.", "ch-regression")
def outlier():
    y = np.array([*np.zeros(99), 100.0])
    return holds(
        abs(y.mean()) > abs(np.median(y)),
        f"99 zeros and one 100: least squares says {y.mean():.0f}, least absolute error "
        f"{np.median(y):.0f}",
    )


@claim("Especially so when the predictions are far from normal.", "ch-regression")
def predictions_not_normal():
    rng = np.random.default_rng(0)
    spread = [
        float(np.std(noise.mean(axis=1)) / np.std(np.median(noise, axis=1)))
        for noise in (rng.normal(size=(4000, 101)), rng.standard_t(3, size=(4000, 101)))
    ]
    return holds(
        spread[0] > 1,
        "what has to be normal is the noise; predictions have no part in it: error of the mean "
        f"over that of the median {spread[0]:.2f} for normal noise, {spread[1]:.2f} for Student's "
        "t with 3 degrees",
    )


@claim("That KL takes their place is rather counterintuitive.")
def counterintuitive():
    return opinion("the identity above makes it look natural")


@claim("KL works on the level of distributions and not of samples.", "ch-regression")
def level():
    y = np.random.default_rng(0).normal(size=100)
    slope = -(y - 0.3).mean() / 0.25
    step = 1e-6
    found = np.mean(
        kl.kl_normal(y, 0.5, 0.3 + step, 0.5) - kl.kl_normal(y, 0.5, 0.3 - step, 0.5)
    ) / (2 * step)
    return holds(
        abs(found - slope) > 1e-3,
        "with one σ for all, KL's mean gradient over 100 samples is that of the squared error, "
        "to 1e-6: no level is gained; with a q that is not normal one is",
    )


SOURCE.section("Results")


@claim("KL and cross-entropy were trained twice each.", "ch-cifar10")
def twice():
    losses = [run.config.loss for run in _runs()]
    return lost(
        f"its author's runs; here {losses.count('kl')} and {losses.count('ce')} are recorded"
    )


@claim("That allows for some comparison.", "q-two-runs")
def two_runs():
    spread = 100 * np.std(_comparison().differences, ddof=1)
    half = stats.t(1).ppf(0.975) * spread / math.sqrt(2)
    return holds(
        half < 1,
        f"differences of pairs spread by {spread:.2f} points, so two pairs give an interval of "
        f"±{half:.1f} points",
    )


@claim("In 25 epochs the performance is very similar.", "sec-cifar-thirty")
def similar():
    return _equivalent()


@claim("So one could use either.", "q-kl-ce-same")
def either():
    dead = float(
        keras.ops.convert_to_numpy(
            keras.losses.kl_divergence(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
        )[0]
    )
    return holds(
        math.isinf(dead),
        "for such a run, yes; as programs they differ: Keras's KL clips, a sure and wrong "
        f"answer costs {dead:.4f} and teaches nothing",
    )


@claim("KL performs equal to cross-entropy.", "sec-cifar-thirty")
def equal():
    return _equivalent()


def _equivalent() -> Found:
    """What the comparison of ten runs each makes of a margin of one point."""
    found = _comparison()
    mean = 100 * np.mean(found.differences)
    return holds(
        found.assessment.verdict == "equivalent",
        f"{len(found.seeds)} runs each: {mean:+.2f} points of accuracy, "
        f"{found.assessment.verdict} within one point",
    )


@functools.cache
def _comparison() -> Any:
    return compare(_runs())["kl"]


@claim("Pictures show the four training curves.", "sec-cifar-recorded")
def curves():
    return lost("the pictures; curves of thirty runs are in the book")


@claim("The report by Kosheleva and Kreinovich, which it links to, is of 2018.", "ch-regression")
def year():
    report = _entry("kosheleva2018")
    made, name = (re.search(rf" {key} = \{{(.*?)\}}", report)[1] for key in ("year", "number"))
    return number("2018", int(made), why=f"{name}; the journal's copy is later")


def _entry(key: str) -> str:
    """What the book's bibliography has of a source."""
    found = re.search(rf"@\w+\{{{key},(.*?)\n\}}", REFERENCES.read_text("utf-8"), re.DOTALL)
    return found[1] if found else ""


@claim("Count Bayesie's article is of 10 May 2017.")
def date():
    return lost("a link; its own address says 9 May")


@claim("Wikipedia, Quora and a blog say what is cited from them.")
def cited():
    return lost("links to pages that change")


@claim("Its articles of Wikipedia are of 2001, 2004 and 2006, the blog's of 5 April 2018.")
def dates():
    return lost("dates of the same pages")


SOURCE.section("A reader's question")


@claim("The topic model D-ETM is of 2019, by Dieng and others.", "ch-vae-elbo")
def topic_model():
    year, month = re.search(r"arxiv\.org/abs/(\d\d)(\d\d)\.", _entry("dieng2019")).groups()
    return number("2019", 2000 + int(year), why=f"month {int(month)}, by arXiv's number")


@claim(
    "A topic model has three groups of latent variables, and their KLs are added.", "ch-vae-elbo"
)
def three():
    loc, scale = np.array([0.5, -1.0, 2.0]), np.array([0.5, 1.5, 0.8])
    parts = kl.kl_normal(loc, scale, 0, 1)
    whole = kl.kl_multivariate_normal(loc, np.diag(scale**2), np.zeros(3), np.eye(3))
    return holds(
        math.isclose(parts.sum(), whole),
        f"three independent ones: {parts.sum():.4f} = {whole:.4f} nats, by the chain rule",
    )


X = 1.3


def _terms(loc: float, var: float) -> tuple[float, float]:
    """NLL and KL of q(z) = N(loc, var), for z ~ N(0, 1), x | z ~ N(z, 1) and x = 1.3."""
    nll = 0.5 * math.log(2 * math.pi) + 0.5 * ((X - loc) ** 2 + var)
    return nll, kl.kl_normal(loc, math.sqrt(var), 0, 1)


PRIOR, POSTERIOR = (0.0, 1.0), (X / 2, 0.5)


@claim("The loss is the negative log-likelihood plus the KLs.", "q-nll-plus-kl")
def why_added():
    bound, evidence = sum(_terms(*POSTERIOR)), 0.5 * math.log(2 * math.pi * 2) + X**2 / 4
    return holds(
        math.isclose(bound, evidence),
        f"the sum bounds −log p(x); for an exact posterior they are one: {bound:.4f} nats",
    )


@claim("It is optimised with Adam.", "ch-vae-elbo")
def with_adam():
    loc, log_scale = (keras.Variable(0.0, name=name) for name in ("loc", "log_scale"))
    adam = keras.optimizers.Adam(0.05)
    for _ in range(300):
        spread = math.exp(float(log_scale))
        slopes = 2 * float(loc) - X, 2 * spread**2 - 1
        adam.apply([keras.ops.convert_to_tensor(x) for x in slopes], [loc, log_scale])
    gap = sum(_terms(float(loc), math.exp(2 * float(log_scale)))) - sum(_terms(*POSTERIOR))
    return holds(gap < 1e-6, f"300 steps from the prior end {max(gap, 0):.0e} nats above the least")


@claim("The bound is optimised with respect to the variational parameters.", "q-nll-plus-kl")
def parameters():
    grid = np.linspace(-1, 2, 3001)
    best = grid[np.argmin([sum(_terms(loc, 0.5)) for loc in grid])]
    return holds(
        abs(best - X / 2) < 1e-3,
        f"the best mean for x = {X} is {best:.2f}, that of the posterior; the decoder's weights "
        "are optimised with it",
    )


@claim("While the loss falls, two of the KLs rise.", "q-kl-grows")
def rise():
    start, end = _terms(*PRIOR), _terms(*POSTERIOR)
    return holds(
        end[1] > start[1] and sum(end) < sum(start),
        f"from the prior to the posterior KL rises by {end[1] - start[1]:.3f}, the other term "
        f"falls by {start[0] - end[0]:.3f}",
    )


@claim("That they rise is something to be solved.", "q-kl-grows")
def to_be_solved():
    kept, best = sum(_terms(*PRIOR)), sum(_terms(*POSTERIOR))
    return holds(
        kept <= best,
        f"a KL held at 0 keeps the loss at {kept:.3f} nats; its least is {best:.3f}, with a KL of "
        f"{_terms(*POSTERIOR)[1]:.3f}",
    )
