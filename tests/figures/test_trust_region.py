"""The figures of the chapter on trust regions show what they were given."""

import numpy as np
import pytest
from scipy import stats

from kl_lib.figures import trust_region


def test_the_cliff_says_what_each_place_is_worth_and_what_the_ends_pay():
    values = [[0.25, 0.5], [0.125, 0.0], [0.0, 0.0]]
    pays = [[0, 0], [0, 1], [-1, -1]]
    figure = trust_region.cliff(values, ["→↓", "↑↑", "↑↑"], pays, start=(1, 0))
    (ax,) = figure.axes
    texts = {(round(x), round(y)): set() for text in ax.texts for x, y in [text.get_position()]}
    for text in ax.texts:
        x, y = text.get_position()
        texts[round(x), round(y)].add(text.get_text())
    assert texts[0, 0] == {"→", "0.25"}
    assert texts[1, 0] == {"↓", "0.50"}
    assert texts[1, 1] == {"+1"}
    assert texts[0, 2] == {"−1"}
    (frame,) = [p for p in ax.patches if p.get_linewidth() > 2]
    assert frame.get_center() == pytest.approx((0, 1))
    assert ax.yaxis_inverted()


def test_the_band_of_a_learning_curve_is_students_interval():
    values = np.random.default_rng(0).normal(size=(4, 20))
    figure = trust_region.learning_curves({"a": values, "b": values + 1}, best=3.0)
    (ax,) = figure.axes
    for line, band, shift in zip(ax.lines, ax.collections, (0, 1), strict=False):
        np.testing.assert_allclose(line.get_ydata(), values.mean(axis=1) + shift)
        low, high = stats.t.interval(
            0.95, 19, values.mean(axis=1) + shift, stats.sem(values, axis=1)
        )
        points = band.get_paths()[0].vertices
        for at in range(4):
            here = points[points[:, 0] == at, 1]
            assert (here.min(), here.max()) == pytest.approx((low[at], high[at]))
    assert ax.lines[-1].get_ydata()[0] == 3.0


def test_each_setting_shows_its_runs_and_their_mean():
    values = np.array([[0.0, 1.0], [2.0, 4.0]])
    ends = [("plain", "η", [1, 10], values), ("ball", "δ", [0.1, 1], values + 1)]
    figure = trust_region.by_setting(ends, works=1.5, best=3.0)
    for ax, (name, setting, x, v) in zip(figure.axes, ends, strict=True):
        runs, mean, best, works = ax.lines
        assert sorted(zip(*runs.get_data(), strict=True)) == sorted(
            (s, value) for s, row in zip(x, v, strict=True) for value in row
        )
        assert list(mean.get_ydata()) == list(v.mean(axis=1))
        assert (best.get_ydata()[0], works.get_ydata()[0]) == (3.0, 1.5)
        assert (ax.get_title(), ax.get_xlabel()) == (name, setting)
        assert ax.get_xscale() == "log"


@pytest.mark.parametrize("panel", [0, 1])
def test_the_lines_of_a_ball_lie_at_their_radius(panel):
    p, radii = np.array([0.5, 0.3, 0.2]), (0.05, 0.3, 0.8)
    axes = trust_region.balls(p, radii).axes
    lines = axes[panel].collections
    assert len(lines) == len(radii)
    for radius, drawn in zip(radii, lines, strict=True):
        x, y = np.concatenate([path.vertices for path in drawn.get_paths()]).T
        third = y / (3**0.5 / 2)
        q = np.stack([1 - x - third / 2, x - third / 2, third], axis=1)
        q = q[q.min(axis=1) > 0.02]  # elsewhere the grid is coarse
        kl = ((q * np.log(q / p)) if panel else (p * np.log(p / q))).sum(axis=1)
        assert kl.size
        np.testing.assert_allclose(kl, radius, atol=2e-3)
    # Only a reverse ball reaches the edge of the triangle.
    _, y = np.concatenate([path.vertices for path in lines[-1].get_paths()]).T
    assert (y.min() < 1e-6) == bool(panel)


def test_penalties_are_told_apart_by_use_and_by_estimator():
    names = [f"k{k} as {use}" for k in (1, 2, 3) for use in ("reward", "loss")]
    paths = {name: [0.1 * place, 1.0] for place, name in enumerate(names)}
    (ax,) = trust_region.penalties(paths, promised=0.7, none=[0.0, 2.0]).axes
    none, *drawn = ax.lines[:7]
    assert list(none.get_ydata()) == [0.0, 2.0]
    looks = {(line.get_color(), line.get_linestyle()) for line in drawn}
    assert len(looks) == 6
    for line, (name, values) in zip(drawn, paths.items(), strict=True):
        assert line.get_label() == name
        assert list(line.get_ydata()) == values
    assert ax.lines[7].get_ydata()[0] == 0.7
