"""The figures of the chapter on regression show what they were given."""

import numpy as np
import pytest

from kl_lib.figures import regression


def test_lines_have_their_intercepts_and_slopes_and_points_lie_on_top():
    x, y = [1.0, 4.0, 9.0], [8.0, 17.0, 70.0]
    (ax,) = regression.lines(x, y, {"a": (5, 3), "b": (-1, 4), "c": (0, 5)}).axes
    *drawn, points = ax.lines
    for line, (intercept, slope) in zip(drawn, ((5, 3), (-1, 4), (0, 5)), strict=True):
        assert list(line.get_xdata()) == [1, 9]
        assert list(line.get_ydata()) == [intercept + slope, intercept + 9 * slope]
        assert line.get_zorder() < points.get_zorder()
    assert list(zip(*points.get_data(), strict=True)) == list(zip(x, y, strict=True))
    assert drawn[0].get_linewidth() > drawn[1].get_linewidth()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b", "c"]


def test_costs_are_above_and_pulls_below_in_the_same_look():
    r = np.array([-1.0, 0.0, 2.0])
    given = {"one": (r**2, 2 * r), "other": (abs(r), np.sign(r))}
    above, below = regression.prices(r, given).axes
    for upper, lower, (cost, pull) in zip(above.lines, below.lines, given.values(), strict=False):
        assert list(upper.get_ydata()) == list(cost)
        assert list(lower.get_ydata()) == list(pull)
        assert upper.get_color() == lower.get_color()
        assert upper.get_linestyle() == lower.get_linestyle()
    assert above.lines[0].get_linestyle() != above.lines[1].get_linestyle()


def test_ratios_and_their_intervals_stand_in_the_row_of_their_noise():
    found = {
        "quiet": {"A": (1.2, 1.1, 1.4), "B": (1.0, 0.95, 1.05)},
        "loud": {"A": (0.3, 0.2, 0.4), "B": (0.5, 0.4, 0.7)},
    }
    (ax,) = regression.ratios(found, margin=1.25).axes
    assert ax.yaxis_inverted()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["quiet", "loud"]
    for place, rows in enumerate(found.values()):
        drawn = ax.containers[2 * place : 2 * place + 2]
        for bar, (ratio, low, high) in zip(drawn, rows.values(), strict=True):
            mark, _, (interval,) = bar.lines
            assert mark.get_xdata()[0] == ratio
            assert abs(mark.get_ydata()[0] - place) < 0.3
            assert interval.get_segments()[0][:, 0] == pytest.approx([low, high])
    band = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((0.8, 1.25))


def test_a_band_is_as_wide_as_it_is_told():
    x, mean = np.array([1.0, 2.0, 3.0]), np.array([8.0, 11.0, 14.0])
    halves = (np.full(3, 2.0), np.array([1.0, 2.0, 4.0]))
    given = {name: (mean, half) for name, half in zip("ab", halves, strict=True)}
    axes = regression.bands(x, mean + 0.5, given).axes
    for ax, name, half in zip(axes, "ab", halves, strict=True):
        assert ax.get_title() == name
        corners = ax.collections[0].get_paths()[0].vertices
        for at, middle, wide in zip(x, mean, half, strict=True):
            here = corners[corners[:, 0] == at, 1]
            assert (here.min(), here.max()) == pytest.approx((middle - wide, middle + wide))
        line, points = ax.lines
        assert list(line.get_ydata()) == list(mean)
        assert list(points.get_ydata()) == list(mean + 0.5)
