"""A drawing of every figure function, with values like those of the book, and its measures."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

from kl_lib import figures
from kl_lib.figures import (
    call_sites,
    coins,
    compare,
    confidence,
    divergence,
    entropy,
    forward_reverse,
    from_samples,
    gaussians,
    kldivloss,
    libraries,
    losses,
    regression,
    relatives,
    repeats,
    soft_labels,
    training,
    trust_region,
    vae,
)

MODULES = (
    call_sites,
    coins,
    compare,
    confidence,
    divergence,
    entropy,
    forward_reverse,
    from_samples,
    gaussians,
    kldivloss,
    libraries,
    losses,
    regression,
    relatives,
    repeats,
    soft_labels,
    training,
    trust_region,
    vae,
)

X = np.linspace(-3, 5, 50)
N = np.array([10, 100, 1000, 100_000])
P, Q = [0.2, 0.5, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]
WEATHER = {"sun": 0.5, "cloud": 0.25, "rain": 0.125, "snow": 0.125}
CODE = {"sun": "0", "cloud": "10", "rain": "110", "snow": "111"}
WALKS = np.cumsum(np.random.default_rng(0).normal(1, 2, (5, 40)), axis=1)
FALL = np.geomspace(1, 1e-9, 41)
WAYS = ("plain step", "fixed penalty", "adaptive penalty", "TRPO")


def normal(mean: float, sigma: float) -> np.ndarray:
    return -0.5 * ((X - mean) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))


def run(arm: str) -> SimpleNamespace:
    loss = np.linspace(2, 1, 25)
    history = {"loss": loss, "val_loss": loss, "accuracy": 1 / loss, "val_accuracy": 1 / loss}
    return SimpleNamespace(config=SimpleNamespace(arm=arm, loss=arm, epochs=25), history=history)


RUNS = [run("kl"), run("ce")]
DRIFT = SimpleNamespace(
    steps=[0, 1, 10, 1000],
    arms={arm: SimpleNamespace(weights=N / 1e8, predictions=N / 1e6) for arm in training.LOSSES},
    counts={arm: SimpleNamespace(lowest=[1e-5, 1e-6, 1e-7]) for arm in training.LOSSES},
)
ASSESSMENT = SimpleNamespace(
    margins=[SimpleNamespace(margin=0.01), SimpleNamespace(margin=0.005)],
    mean=0.001,
    interval=(-0.003, 0.005),
    narrow_interval=(-0.002, 0.004),
)
COMPARISON = SimpleNamespace(
    reference="ce",
    contrasts=[SimpleNamespace(arm="kl", differences=[0.001, -0.002], assessment=ASSESSMENT)],
)
ANSWERS = {
    "SciPy rel_entr": {"q = 0": np.inf, "counts": None},
    "Keras": {"q = 0": 2.8, "counts": np.nan},
}

FITS = {"forward KL": np.exp(normal(1, 2)), "reverse KL": np.exp(normal(2, 0.5))}
SURFACES = {name: X**2 / 4 + np.array([[0.2], [0], [0.4]]) for name in ("forward", "reverse")}
HUMP = np.exp(-(X**2) - (X[:, None] - 1) ** 2)

DRAWINGS: dict[Callable[..., Figure], Callable[[], Figure]] = {
    call_sites.damage: lambda: call_sites.damage(
        {"probabilities for logs": -1.24, "reduction left alone": 0.2, "sorted samples": 896}
    ),
    call_sites.shares: lambda: call_sites.shares(
        {"wrong sites, 34 of 42": (0.81, 0.66, 0.91), "every other rule, 1 of 1": (1, 0.025, 1)}
    ),
    coins.sampled_bars: lambda: coins.sampled_bars([[0.5, 0.5]] * 2, [[0.5, 0.5]] * 2, ["p", "q"]),
    coins.walks: lambda: coins.walks(WALKS, -WALKS, (1.614, -0.637)),
    coins.exponents: lambda: coins.exponents(N, N / 1e5, N / 1e5, (1.6, 0.6), (N / 1e5, N / 1e5)),
    coins.chernoff: lambda: coins.chernoff([0, 0.4, 1], [0, 0.27, 0], (0.4, 0.27), (1.6, 0.6)),
    coins.error_decay: lambda: coins.error_decay(np.arange(41), {"best rule": FALL}, 0.27),
    compare.bars: lambda: compare.bars([(P, Q)], "abcd"),
    compare.densities: lambda: compare.densities(X, np.exp(normal(1, 1)), np.exp(normal(2, 0.5))),
    compare.both_directions: lambda: compare.both_directions(1, 1, 2, 0.5),
    confidence.answers: lambda: confidence.answers(
        [1, 0], {f"case {i}": [0.8, 0.2] for i in (1, 2, 3)}, ["dog", "cat"]
    ),
    confidence.zero_log_zero: confidence.zero_log_zero,
    confidence.loss_curve: lambda: confidence.loss_curve(
        {"case 1": 0.8, "case 2": 0.2, "case 3": 1.0}
    ),
    confidence.uncertain_reality: lambda: confidence.uncertain_reality((1.0, 0.75)),
    confidence.logit_view: lambda: confidence.logit_view((1.0, 0.75)),
    divergence.code_books: lambda: divergence.code_books(
        P, Q, list(WEATHER), list(CODE.values()), list(CODE.values())
    ),
    divergence.weighted_terms: lambda: divergence.weighted_terms(
        [2, -1], [1, -0.25], ["sun", "rain"]
    ),
    divergence.evidence_walks: lambda: divergence.evidence_walks(WALKS, -WALKS, 0.6, -0.5),
    divergence.whole_bits: lambda: divergence.whole_bits([1, 2], [1.5, 2.5], [0.9, 1.8]),
    divergence.gibbs: divergence.gibbs,
    divergence.cross_entropy_parts: lambda: divergence.cross_entropy_parts(
        [0.1, 0.3, 0.9], [1.2, 0.88, 2], [0.5, 0.88, 0.5], 0.88, 0.3
    ),
    divergence.likelihood_and_kl: lambda: divergence.likelihood_and_kl(
        [0.2, 0.6, 1.6], [1.3, 1.03, 1.4], [0.3, 0, 0.4], 0.6
    ),
    divergence.two_directions: lambda: divergence.two_directions([0.1, 0.5], [1, 0], [0.5, 0], 0.5),
    entropy.surprise: lambda: entropy.surprise(WEATHER),
    entropy.bernoulli: lambda: entropy.bernoulli([0.1, 0.3, 0.5, 0.9]),
    entropy.simplex: lambda: entropy.simplex([0.6, 1.0, 1.25]),
    entropy.code_shares: lambda: entropy.code_shares(WEATHER, CODE),
    entropy.block_rates: lambda: entropy.block_rates([1, 2, 3], [1, 0.645, 0.533], 0.469),
    entropy.plug_in_bias: lambda: entropy.plug_in_bias(
        [8, 16], [2.9, 3.8], ([2.5, 3.5], [3, 4]), [2.9, 3.8], 6
    ),
    forward_reverse.fits: lambda: forward_reverse.fits(X, np.exp(normal(1, 1)), FITS),
    forward_reverse.surfaces: lambda: forward_reverse.surfaces(
        X,
        [0.5, 1, 2],
        SURFACES,
        minima=[[(0, 1)]] * 2,
        saddles=[[(1, 1)]] * 2,
        levels=[0.5, 1, 2],
        labelled=[1],
    ),
    forward_reverse.factorised: lambda: forward_reverse.factorised(
        [[1, 0.9], [0.9, 1]], {"forward KL": [1, 1], "reverse KL": [0.19, 0.19]}
    ),
    forward_reverse.contours: lambda: forward_reverse.contours(X, HUMP, {"one": HUMP, "two": HUMP}),
    from_samples.scores_without_drift: lambda: from_samples.scores_without_drift(
        {100: [0.1, 0.2, 0.3], 1000: [0.01, 0.02]}, 10, [0.1, 0.25]
    ),
    from_samples.variance_ratios: lambda: from_samples.variance_ratios(
        [0.7, 1, 1.7], {"1 dimension": [0.5, 1, 9], "10 dimensions": [0.1, 1, 90]}, 1.41
    ),
    from_samples.estimates_by_size: lambda: from_samples.estimates_by_size(
        [100, 1000],
        [{"k1": [[0.4, 0.6], [0.5, 0.52]], "k3": [[0.4, 0.5], [0.5, 0.51]]}] * 2,
        0.5,
        ["1 dimension", "10 dimensions"],
    ),
    gaussians.histograms: lambda: gaussians.histograms(
        ([0, 1, 2], [1, 2, 3]), X, (np.exp(normal(1, 1)), np.exp(normal(2, 0.5)))
    ),
    gaussians.kl_integrand: lambda: gaussians.kl_integrand(X, normal(1, 1), normal(2, 0.5)),
    gaussians.monte_carlo: lambda: gaussians.monte_carlo(N, [N / N] * 2, [1 / N] * 2, (1, 1)),
    gaussians.binned: lambda: gaussians.binned(N, [N / N] * 2, [N / N] * 2, (1, 1)),
    kldivloss.comparisons: lambda: kldivloss.comparisons(
        [(P, Q)] * 2, [("target", "prediction")] * 2
    ),
    kldivloss.log_softmax_error: lambda: kldivloss.log_softmax_error(
        [1, 2, 4, 8], {"MXNet 1.9.1": np.zeros(4), "NumPy": np.zeros(4)}, 3.8e-6
    ),
    kldivloss.epsilon: lambda: kldivloss.epsilon(FALL[::-1], np.arange(41), {"ε": 1e-7}),
    kldivloss.descent: lambda: kldivloss.descent({"sum": FALL, "mean": FALL}),
    libraries.answers: lambda: libraries.answers({"SciPy rel_entr": 0.99, "Keras": 0.0}),
    libraries.terms: lambda: libraries.terms("abcd", [0.1, -0.2, 0.3, 0], P),
    libraries.verdicts: lambda: libraries.verdicts(ANSWERS, {"q = 0": np.inf, "counts": None}),
    losses.unlearning: lambda: losses.unlearning((FALL, FALL), (FALL, FALL)),
    losses.clip_effect: lambda: losses.clip_effect((FALL, FALL, FALL), (N, N / N, N / N)),
    losses.gradient_bars: lambda: losses.gradient_bars(P, Q, [0, -0.4, 0.3, 0.1], "abcd"),
    losses.dead_gradient: lambda: losses.dead_gradient(
        X, dict.fromkeys(("exact", "KL", "cross-entropy"), (X, X)), 3
    ),
    regression.lines: lambda: regression.lines(
        [1, 6, 12], [9, 23, 70], {"least squares": [-1.6, 4.5], "KL": [-1.6, 4.5], "t": [5, 3]}
    ),
    regression.prices: lambda: regression.prices(
        X, {"normal": (X**2, X), "Laplace": (abs(X), np.sign(X)), "Student t, ν = 4": (X / X, X)}
    ),
    regression.ratios: lambda: regression.ratios(
        {
            name: {"Laplace": (0.2, 0.19, 0.21), "Student t": (1.1, 1, 1.2)}
            for name in ("normal", "Student t, ν = 3", "1 of 10 wild")
        },
        1.1,
    ),
    regression.bands: lambda: regression.bands(X, X, {"one σ": (X, 2 + 0 * X), "σ(x)": (X, 4 + X)}),
    relatives.forecasts: lambda: relatives.forecasts(P, {"A": Q, "B": Q}, "abcd", xlabel="days"),
    relatives.charges: lambda: relatives.charges(
        [0, 0.5, 1], {key: [1, 0, 1] for key in ("KL(p‖q)", "χ²", "TV", "H²", "JS")}
    ),
    relatives.bounds: lambda: relatives.bounds([0.2, 0.5], [1, 2]),
    relatives.trials: lambda: relatives.trials(
        [1, 10], {"A": [0.1, 0.6], "B": [0.2, 0.5]}, xlabel="parcels", ylabel="TV"
    ),
    relatives.shifts: lambda: relatives.shifts([0, 1], {"KL(p‖q)": [0, np.inf]}, [0, 1]),
    repeats.curves: lambda: repeats.curves(RUNS),
    repeats.paired_differences: lambda: repeats.paired_differences(COMPARISON),
    repeats.steps_apart: lambda: repeats.steps_apart([DRIFT, DRIFT]),
    repeats.lowest_probabilities: lambda: repeats.lowest_probabilities([DRIFT]),
    soft_labels.two_logs: lambda: soft_labels.two_logs(np.linspace(2.3, 0.65, 1000), 0.5),
    soft_labels.students: lambda: soft_labels.students(
        [1, 2, 4, 8, 16],
        dict.fromkeys(("with T²", "without", "without, rate raised"), [[0.8, 0.9]] * 5),
        0.87,
    ),
    soft_labels.by_uncertainty: lambda: soft_labels.by_uncertainty(
        ["0", "to 0.1", "to 0.2", "to 0.5", "to 1", "above"],
        [0, 0.1, 0.15, 0.3, 0.7, 1.2],
        {"network": [[1, 1, 1, 1, 1.2, 1.3]] * 2},
    ),
    soft_labels.differences_by_group: lambda: soft_labels.differences_by_group(
        ["0", "to 0.1", "to 0.2", "to 0.5", "to 1", "above"],
        {"human": [[0, 0, 0, 0, -0.01, -0.03], [0.001] * 6], "class": [[0.1] * 6, [0.2] * 6]},
    ),
    soft_labels.differences: lambda: soft_labels.differences(
        {"human": ([-0.1, -0.12], (-0.14, -0.08)), "null": ([0.001, -0.001], (-0.001, 0.001))},
        0.01,
        xlabel="difference of KL(people‖network) (nats)",
    ),
    training.samples: lambda: training.samples(np.eye(8)[None].repeat(7, axis=0), range(7)),
    training.unnamed: lambda: training.unnamed({"A": FALL, "B": FALL}),
    training.histories: lambda: training.histories(RUNS),
    training.interval_width: lambda: training.interval_width(
        np.arange(2, 21), np.geomspace(9, 0.5, 19)
    ),
    trust_region.cliff: lambda: trust_region.cliff(
        np.full((4, 6), 0.58), ["↑→↓←↑→"] * 4, [[0] * 6] * 3 + [[0, -1, -1, -1, -1, 1]], (3, 0)
    ),
    trust_region.learning_curves: lambda: trust_region.learning_curves(
        dict.fromkeys(WAYS, WALKS.T / 50), 0.58
    ),
    trust_region.by_setting: lambda: trust_region.by_setting(
        [(way, "target (nats)", FALL[::10] * 10, WALKS.T[:5] / 50) for way in WAYS], 0.29, 0.58
    ),
    trust_region.balls: lambda: trust_region.balls([0.5, 0.3, 0.2], [0.05, 0.3, 0.8]),
    trust_region.penalties: lambda: trust_region.penalties(
        {f"k{k} as {use}": FALL[::-1] for k in (1, 2, 3) for use in ("reward", "loss")}, 0.7, FALL
    ),
    vae.terms_by_epoch: lambda: vae.terms_by_epoch(
        {"loss, standard": WALKS[:, :8], "loss, annealed": WALKS[:, 8:16]},
        {"KL, standard": abs(WALKS[:, :8]), "KL, annealed": abs(WALKS[:, 8:16])},
    ),
    vae.kl_of_dimensions: lambda: vae.kl_of_dimensions(
        {"standard": FALL[:50], "annealed": FALL[:50] / 2, "free bits": FALL[:50] / 4}
    ),
    vae.drawn_images: lambda: vae.drawn_images({f"row {n}": np.ones((8, 28, 28)) for n in "abcde"}),
    vae.latent_map: lambda: vae.latent_map(
        np.arange(40).reshape(20, 2), np.arange(20) % 10, np.ones((9, 9, 8, 8))
    ),
}


def sizes(figure: Figure) -> dict[str, float]:
    """The size in points of the smallest glyph of every text that is seen."""
    figure.draw_without_rendering()  # ticks and layout are made when it is drawn
    texts = [
        text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()
    ]
    return {text.get_text(): smallest_glyph(text) for text in texts}


def smallest_glyph(text: Text) -> float:
    if "$" not in text.get_text():
        return float(text.get_fontsize())
    parsed = MathTextParser("path").parse(text.get_text(), 72, text.get_fontproperties())
    return min(float(size) for _, size, *_ in parsed.glyphs)


def stored_width(figure: Figure) -> float:
    """Inches that the figure is wide in a notebook, where its margins are cut to a tenth."""
    return float(figure.get_tightbbox().width) + 2 * plt.rcParams["savefig.pad_inches"]


def strokes(figure: Figure) -> list[np.ndarray]:
    """Colours of what is drawn as lines and points, on white; not of what may be overlooked."""
    found = [(line.get_color(), line.get_alpha()) for ax in figure.axes for line in ax.lines]
    for points in figure.findobj(PathCollection):
        faces, edges = points.get_facecolor(), points.get_edgecolor()
        found += [(colour, None) for colour in (*faces, *edges)]
    rgba = [to_rgba(colour, alpha) for colour, alpha in found]
    overlooked = (to_rgba(figures.LIGHT), to_rgba("white"))
    return [
        np.array(colour[:3]) * colour[3] + (1 - colour[3])
        for colour in rgba
        if colour not in overlooked and colour[3] > 0
    ]
