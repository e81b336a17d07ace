"""The figures of KL's relatives draw what they are given, and bounds where they belong."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")


from kl_lib.figures import relatives

P, Q, R = [0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.6, 0.4, 0.0]


def line_of(ax, label):
    [line] = [line for line in ax.lines if line.get_label() == label]
    return line


def test_each_forecast_stands_beside_p_in_a_panel_of_its_own():
    figure = relatives.forecasts(P, {"A": Q, "B": R}, "abc", xlabel="days")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["A", "B"]
    for ax, q in zip(figure.axes, (Q, R), strict=True):
        heights = [bar.get_height() for bar in ax.patches]
        assert heights == pytest.approx([*P, *q])
    assert [ax.get_legend() is not None for ax in figure.axes] == [True, False]
    assert figure.axes[-1].get_xlabel() == "days"


def test_charges_are_drawn_as_given_and_told_apart_without_colour():
    share, names = np.linspace(0, 1, 5), ["KL", "χ²", "TV", "H²", "JS"]
    given = {name: np.full(5, float(place)) for place, name in enumerate(names)}
    [ax] = relatives.charges(share, given).axes
    for name, cost in given.items():
        assert line_of(ax, name).get_ydata() == pytest.approx(cost)
    # matplotlib calls every pattern of dashes of one's own "--"
    assert len({str(line._dash_pattern) for line in ax.lines}) == len(names)


def test_both_bounds_are_where_they_are_proved_to_be():
    """Coins with a total variation of 0.5: Pinsker's bound is ½, the other log(4/3)."""
    [ax] = relatives.bounds([0.3], [1.5]).axes
    for label, at_half in (("Pinsker", 0.5), ("Bretagnolle–Huber", np.log(4 / 3))):
        x, y = line_of(ax, label).get_data()
        assert np.interp(0.5, x, y) == pytest.approx(at_half, abs=1e-5)
    assert ax.collections[0].get_offsets().tolist() == [[0.3, 1.5]]


def test_trials_mark_each_number_of_observations():
    curves = {"A": [0.1, 0.3, 0.7], "B": [0.2, 0.3, 0.5]}
    [ax] = relatives.trials([1, 5, 30], curves, xlabel="n", ylabel="TV").axes
    for name, values in curves.items():
        assert line_of(ax, name).get_ydata() == pytest.approx(values)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "5", "30"]
    assert len({line.get_marker() for line in ax.lines}) == 2


def test_what_is_infinite_is_a_cross_above_everything_else():
    given = {"KL": [0, np.inf, np.inf], "TV": [0, 0.4, 1.0]}
    top, bottom = relatives.shifts([0, 1, 2], given, [0, 1, 2]).axes
    assert line_of(top, "KL").get_xdata() == pytest.approx([0])
    [crosses] = [line for line in top.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert crosses.get_xdata() == pytest.approx([1, 2])
    assert min(crosses.get_ydata()) > 1
    assert bottom.lines[0].get_ydata() == pytest.approx([0, 1, 2])
