"""The figures of the chapter on soft labels show what they were given."""

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer
from scipy import stats

from kl_lib.figures import soft_labels


def lines(ax):
    return {line.get_label(): line for line in ax.lines}


def test_two_logs_are_the_floor_apart():
    loss = np.geomspace(2.3, 0.6, 50)
    (ax,) = soft_labels.two_logs(loss, 0.5).axes
    found = lines(ax)
    apart = found["cross-entropy"].get_ydata() - found["KL(labels‖network)"].get_ydata()
    assert apart == pytest.approx(np.full(50, 0.5))
    assert found["cross-entropy"].get_xdata()[[0, -1]].tolist() == [1, 50]
    assert any(list(line.get_ydata()) == [0.5, 0.5] for line in ax.lines)


def test_students_are_in_percent_with_their_mean_and_every_run():
    (ax,) = soft_labels.students([1, 8], {"with": [[0.8, 0.9], [0.6, 1.0]]}, 0.7).axes
    assert lines(ax)["with"].get_ydata() == pytest.approx([85, 80])
    runs = next(line for line in ax.lines if line.get_marker() == ".")
    assert runs.get_ydata() == pytest.approx([80, 90, 60, 100])
    assert any(list(line.get_ydata()) == [70, 70] for line in ax.lines)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "8"]


def test_people_and_networks_stand_in_the_same_groups():
    (ax,) = soft_labels.by_uncertainty(["low", "high"], [0, 1], {"net": [[1, 2], [3, 4]]}).axes
    assert list(lines(ax)["people"].get_ydata()) == [0, 1]
    assert list(lines(ax)["net"].get_ydata()) == [2, 3]
    assert ax.get_ylim()[0] == 0


def test_differences_have_a_dot_a_pair_their_mean_and_the_margin():
    (ax,) = soft_labels.differences({"a": ([1, 2, 3], (1.5, 2.5))}, 0.5, xlabel="nats").axes
    dots, interval, mean = ax.lines[1:]
    assert list(dots.get_xdata()) == [1, 2, 3]
    assert list(interval.get_xdata()) == [1.5, 2.5]
    assert list(mean.get_xdata()) == [2]
    band = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((-0.5, 0.5))


def test_bars_of_groups_are_intervals_of_student():
    pairs = np.random.default_rng(0).normal(size=(10, 2))
    (ax,) = soft_labels.differences_by_group(["low", "high"], {"a": pairs}).axes
    [bars] = [each for each in ax.containers if isinstance(each, ErrorbarContainer)]
    mean, _, (segments,) = bars.lines
    for group, segment in enumerate(segments.get_segments()):
        wanted = stats.ttest_1samp(pairs[:, group], 0).confidence_interval(0.95)
        assert segment[:, 1] == pytest.approx([wanted.low, wanted.high])
        assert mean.get_ydata()[group] == pytest.approx(pairs[:, group].mean())
