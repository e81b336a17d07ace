"""Figures of repeated runs: that they show every run, the mean, the intervals and the margins."""

import math
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

import matplotlib.pyplot as plt
from matplotlib.colors import to_hex

from kl_lib import experiments, figures
from kl_lib.experiments.analysis.comparison import compare
from kl_lib.experiments.convnet.drift import Apart, Counts, Drift, Wrong
from kl_lib.figures import repeats
from kl_lib.figures.training import LOSSES, NAMES

MODEL = experiments.read_records(experiments.book_results(), "cifar10")[0]
RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _house_style():
    figures.use_style()
    yield
    plt.close("all")


def record(arm, seed):
    loss, disturbance = ("ce", 1e-7) if arm == "null" else (arm, 0.0)
    epochs = MODEL.config.epochs
    history = {name: RANDOM.uniform(0.4, 0.8, epochs).tolist() for name in MODEL.history}
    accuracy = round(7000 + 30 * RANDOM.normal()) / 10_000
    return replace(
        MODEL,
        config=replace(MODEL.config, loss=loss, disturbance=disturbance, seed=seed),
        history=history,
        result=MODEL.result | {"test_accuracy": accuracy},
    )


@pytest.fixture(scope="module")
def runs():
    return [record(arm, seed) for arm in ("ce", "kl", "null") for seed in range(10)]


def lines(ax, **wanted):
    """The lines of an axis that have these properties."""
    return [
        line
        for line in ax.lines
        if all(getattr(line, f"get_{name}")() == value for name, value in wanted.items())
    ]


# Curves


@pytest.mark.parametrize("measure", ["loss", "val_loss", "accuracy", "val_accuracy"])
def test_every_run_is_a_thin_curve_and_their_mean_a_bold_one(runs, measure):
    figure = repeats.curves(runs, measure)
    assert len(figure.axes) == 3
    for ax, arm in zip(figure.axes, ("kl", "ce", "null"), strict=True):
        histories = [run.history[measure] for run in runs if run.config.arm == arm]
        thin = [line.get_ydata().tolist() for line in lines(ax, linewidth=0.6)]
        assert sorted(thin) == sorted(histories)
        [bold] = lines(ax, linewidth=3)
        np.testing.assert_allclose(bold.get_ydata(), np.mean(histories, axis=0))
        assert bold.get_xdata().tolist() == list(range(1, 26))
        assert NAMES[arm] in ax.texts[0].get_text()
        assert "10 runs" in ax.texts[0].get_text()


def test_the_means_of_the_other_arms_are_in_each_panel(runs):
    ax = repeats.curves(runs).axes[0]
    dotted = [line.get_ydata() for line in lines(ax, linestyle=":")]
    means = [
        np.mean([r.history["val_accuracy"] for r in runs if r.config.arm == arm], axis=0)
        for arm in ("ce", "null")
    ]
    np.testing.assert_allclose(dotted, means)


def test_all_panels_share_their_scale(runs):
    assert len({ax.get_ylim() for ax in repeats.curves(runs).axes}) == 1


# Differences


def test_every_difference_is_a_dot_and_the_mean_stands_between_its_intervals(runs):
    comparison = compare(runs)
    [ax] = repeats.paired_differences(comparison).axes
    for place, contrast in enumerate(comparison.contrasts):
        [dots] = [
            line for line in lines(ax, marker="o") if abs(np.mean(line.get_ydata()) - place) < 0.4
        ]
        np.testing.assert_allclose(dots.get_xdata(), 100 * np.array(contrast.differences))
        bars = {
            line.get_linewidth(): line.get_xdata()
            for line in lines(ax, marker="None", color="black")
            if abs(line.get_ydata()[0] - place) < 0.4 and len(set(line.get_xdata())) == 2
        }
        np.testing.assert_allclose(bars[1.5], 100 * np.array(contrast.assessment.interval))
        np.testing.assert_allclose(bars[5], 100 * np.array(contrast.assessment.narrow_interval))
    means = [line.get_xdata()[0] for line in lines(ax, marker="D")]
    np.testing.assert_allclose(means, [100 * c.assessment.mean for c in comparison.contrasts])


def test_the_margins_are_drawn_where_they_are(runs):
    [ax] = repeats.paired_differences(compare(runs)).axes
    drawn = sorted(line.get_xdata()[0] for line in lines(ax, linestyle="--"))
    assert drawn == [-1, -0.5, 0.5, 1]
    low, high = ax.get_xlim()
    assert low < -1 < 1 < high


def test_the_rows_are_named_from_the_top(runs):
    [ax] = repeats.paired_differences(compare(runs)).axes
    assert [text.get_text().split("\n")[0] for text in ax.get_yticklabels()] == [
        "KL divergence",
        "null arm",
    ]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_differences_that_do_not_vary_are_drawn_without_intervals():
    same = [replace(r, result=r.result | {"test_accuracy": 0.7}) for r in
            (record(arm, seed) for arm in ("ce", "kl") for seed in range(10))]  # fmt: skip
    [ax] = repeats.paired_differences(compare(same)).axes
    assert not lines(ax, linewidth=5)


# Drift


def drift(seed, scale=1.0):
    steps = (0, 1, 10, 100)
    begin = {"null": 1e-5, "kl": 0.0, "kl_logits": 0.0, "other seed": 20.0}
    arms = {
        name: Apart(
            weights=tuple(max(first, scale * 1e-6 * step) for step in steps),
            predictions=tuple(1e-3 * max(first, scale * 1e-6 * step) for step in steps),
            labels=(0.0,) * 4,
            first_loss=0.0,
            first_gradient_largest=0.0,
            first_gradient=0.0,
        )
        for name, first in begin.items()
    }
    counts = Counts(below_clip=(0, 3), lowest=(scale * 1e-3, scale * 1e-8))
    return Drift(
        config=replace(MODEL.config, seed=seed, loss="ce"),
        data={},
        environment={},
        steps=steps,
        travelled=(0.0,) * 4,
        first_loss=2.3,
        first_gradient=1.0,
        arms=arms,
        counts=dict.fromkeys(("ce", *begin), counts),
        wrong={"ce": Wrong(loss=200.0, gradient=1.0)},
    )


def test_a_single_study_is_one_line_an_arm_and_distances_of_0_are_left_out():
    left, right = repeats.steps_apart([drift(0)]).axes
    assert len(left.lines) == len(right.lines) == 4
    [kl] = [line for line in left.lines if line.get_label() == NAMES["kl"]]
    assert math.isnan(kl.get_ydata()[0])
    np.testing.assert_allclose(kl.get_ydata()[1:], [1e-6, 1e-5, 1e-4])
    [null] = [line for line in right.lines if line.get_label() == NAMES["null"]]
    np.testing.assert_allclose(null.get_ydata()[0], 1e-8)
    assert left.get_yscale() == "log"
    assert left.get_xlim()[0] < 0 < 100 < left.get_xlim()[1]


def test_several_studies_are_thin_and_their_geometric_mean_is_bold():
    left, _ = repeats.steps_apart([drift(0), drift(1, scale=100)]).axes
    assert len(lines(left, linewidth=0.6)) == 8
    [kl] = [line for line in left.lines if line.get_label() == NAMES["kl"]]
    np.testing.assert_allclose(kl.get_ydata()[1:], [1e-5, 1e-4, 1e-3])


def test_the_legend_names_every_arm():
    figure = repeats.steps_apart([drift(0)])
    [legend] = figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ["KL divergence", "null arm", "KL from logits", "other seed"]


def test_the_lowest_probabilities_are_drawn_with_the_clip_below_them():
    [ax] = repeats.lowest_probabilities([drift(0)]).axes
    [kl] = [line for line in ax.lines if line.get_label() == NAMES["kl"]]
    np.testing.assert_allclose(kl.get_ydata(), [1e-3, 1e-8])
    assert any(set(line.get_ydata()) == {1e-7} for line in ax.lines)
    assert ax.get_ylim()[0] < 1e-8


def test_of_several_studies_the_lowest_probability_is_drawn():
    one, two = drift(0), drift(1)
    other = {name: replace(c, lowest=(1e-5, 1e-6)) for name, c in two.counts.items()}
    [ax] = repeats.lowest_probabilities([one, replace(two, counts=other)]).axes
    [kl] = [line for line in ax.lines if line.get_label() == NAMES["kl"]]
    np.testing.assert_allclose(kl.get_ydata(), [1e-5, 1e-8])


def test_a_probability_of_0_is_drawn_at_the_bottom_and_warns_of_nothing():
    one = drift(0)
    zero = {name: replace(c, lowest=(0.0, 1e-3)) for name, c in one.counts.items()}
    [ax] = repeats.lowest_probabilities([replace(one, counts=zero)]).axes
    [kl] = [line for line in ax.lines if line.get_label() == NAMES["kl"]]
    assert kl.get_ydata()[0] == pytest.approx(ax.get_ylim()[0])


# The look of all


def test_no_two_arms_look_the_same_and_none_is_coloured_as_p_or_q():
    colours = [to_hex(style["color"]) for style in LOSSES.values()]
    assert len(set(colours)) == len(colours)
    assert not {to_hex(figures.P_COLOR), to_hex(figures.Q_COLOR)} & set(colours)
    assert len({str(style["linestyle"]) for style in LOSSES.values()}) == len(LOSSES)
    assert set(NAMES) == set(LOSSES)


def test_each_figure_is_drawn_on_white_which_a_dark_page_inverts(runs, tmp_path):
    """Transparent, it would be black on black when it is opened alone."""
    for figure in (
        repeats.curves(runs),
        repeats.paired_differences(compare(runs)),
        repeats.steps_apart([drift(0)]),
        repeats.lowest_probabilities([drift(0)]),
    ):
        figure.savefig(tmp_path / "one.png")
        pixels = plt.imread(tmp_path / "one.png")
        assert pixels[..., 3].min() == 1
        assert pixels[0, 0].tolist() == [1, 1, 1, 1]
        assert figure.get_size_inches()[0] == figures.PAGE_WIDTH
