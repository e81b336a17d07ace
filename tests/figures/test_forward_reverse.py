"""The figures of forward and reverse fits draw what they are given, and nothing else."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

from matplotlib.colors import to_rgba

from kl_lib import figures
from kl_lib.figures import forward_reverse

X = np.linspace(-4, 4, 81)
NARROW, WIDE = np.exp(-(X**2)), np.exp(-(X**2) / 8) / 4


def names(figure):
    return [ax.get_title() for ax in figure.axes]


def test_each_panel_shows_p_solid_blue_and_its_own_q_dashed_vermilion():
    figure = forward_reverse.fits(X, NARROW, {"a": WIDE, "b": 3 * NARROW}, xlabel="m")
    assert names(figure) == ["a", "b"]
    for ax, q in zip(figure.axes, (WIDE, 3 * NARROW), strict=True):
        for line, density, look in zip(
            ax.lines, (NARROW, q), (figures.P_LINE, figures.Q_LINE), strict=True
        ):
            assert line.get_ydata() == pytest.approx(density)
            assert (line.get_color(), line.get_linestyle()) == tuple(look.values())


def test_no_density_is_cut_off_by_a_lower_one_in_the_first_panel():
    figure = forward_reverse.fits(X, NARROW, {"low": WIDE, "high": 3 * NARROW})
    assert all(ax.get_ylim()[0] == 0 and ax.get_ylim()[1] > 3 for ax in figure.axes)


def test_the_band_is_drawn_where_it_was_asked_for_and_only_then():
    with_band = forward_reverse.fits(X, NARROW, {"a": WIDE}, band=(-1, 0.5))
    [band] = with_band.axes[0].patches
    assert (band.get_x(), band.get_x() + band.get_width()) == (-1, 0.5)
    assert not forward_reverse.fits(X, NARROW, {"a": WIDE}).axes[0].patches


def test_minima_are_dots_and_saddles_crosses_at_their_places():
    m, s = np.linspace(-2, 2, 21), np.linspace(0.5, 2, 16)
    bowl = m**2 + (s[:, None] - 1) ** 2
    figure = forward_reverse.surfaces(
        m,
        s,
        {"a": bowl, "b": bowl},
        minima=[[(0, 1)], [(1, 1), (-1, 1)]],
        saddles=[[], [(0, 1.5)]],
        levels=[0.5, 1, 2],
        labelled=[1],
    )
    marks = [
        [(line.get_marker(), *line.get_xydata()[0]) for line in ax.lines] for ax in figure.axes
    ]
    assert marks == [[("o", 0, 1)], [("o", 1, 1), ("o", -1, 1), ("X", 0, 1.5)]]
    written = {text.get_text() for ax in figure.axes for text in ax.texts}
    assert written == {"1"}


def test_ellipses_reach_one_and_two_standard_deviations():
    covariance = np.array([[1, 0.9], [0.9, 1]])
    figure = forward_reverse.factorised(covariance, {"a": [1, 1], "b": [0.19, 0.25]})
    precision = np.linalg.inv(covariance)
    for ax, variance in zip(figure.axes, ([1, 1], [0.19, 0.25]), strict=True):
        inner_p, outer_p, inner_q, outer_q = (line.get_xydata() for line in ax.lines)
        for points, radius in ((inner_p, 1), (outer_p, 2)):
            distance = np.einsum("ni,ij,nj->n", points, precision, points)
            assert distance == pytest.approx(np.full(len(points), radius**2))
        for points, radius in ((inner_q, 1), (outer_q, 2)):
            assert (points**2 / variance).sum(axis=1) == pytest.approx(
                np.full(len(points), radius**2)
            )


def test_contours_hold_half_and_95_percent_of_a_normal():
    """Of a normal in two dimensions the share inside radius r is 1 − exp(−r²/2)."""
    side = np.linspace(-6, 6, 241)
    density = np.exp(-(side**2 + side[:, None] ** 2) / 2)
    figure = forward_reverse.contours(side, density, {"a": density, "b": density, "c": density})
    assert names(figure)[:3] == ["a", "b", "c"]
    for drawn, color in zip(
        figure.axes[0].collections, (figures.P_COLOR, figures.Q_COLOR), strict=True
    ):
        radii = [np.hypot(*path.vertices.T).mean() for path in drawn.get_paths()]
        assert radii == pytest.approx(np.sqrt(-2 * np.log([0.05, 0.5])), abs=0.02)
        assert tuple(drawn.get_edgecolor()[0]) == to_rgba(color)
