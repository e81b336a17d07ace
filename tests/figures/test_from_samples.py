"""The figures of the chapter on samples show the numbers they are given, at any page width."""

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

from scipy import integrate, stats

from kl_lib.figures import from_samples, style


@pytest.fixture(params=[7.0, 5.2])
def width(request, monkeypatch):
    monkeypatch.setattr(style, "PAGE_WIDTH", request.param)
    return request.param


def overlapping_texts(figure):
    """Pairs of texts inside the axes whose boxes lie on each other."""
    figure.canvas.draw()
    legends = [ax.get_legend() for ax in figure.axes if ax.get_legend()]
    texts = [text for ax in figure.axes for text in ax.texts]
    texts += [text for legend in legends for text in legend.get_texts()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    return [
        (name, other)
        for i, (name, box) in enumerate(boxes)
        for other, box_2 in boxes[:i]
        if box.overlaps(box_2)
    ]


def texts_on_lines(figure):
    """Texts inside the axes that a straight line runs through."""
    figure.canvas.draw()
    return [
        text.get_text()
        for ax in figure.axes
        for text in ax.texts
        for line in ax.lines
        if len(line.get_xdata()) == 2
        and line.get_path()
        .transformed(line.get_transform())
        .intersects_bbox(text.get_window_extent(), filled=False)
    ]


@pytest.mark.parametrize("degrees", [1, 9, 99])
def test_the_chi_squared_curve_is_the_density_of_its_logarithm(degrees):
    places = np.linspace(-3, 3, 25)
    value = 10**places
    expected = stats.chi2(degrees).pdf(value) * value * np.log(10)
    found = from_samples._log10_chi2_density(places, degrees)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    area = integrate.quad(
        lambda x: from_samples._log10_chi2_density(np.array(x), degrees), -12, 4, limit=200
    )[0]
    assert area == pytest.approx(1, abs=1e-5)


def test_scores_are_drawn_under_their_curves(width):
    rng = np.random.default_rng(0)
    scores = {n: 2 / n * rng.chisquare(9, size=200_000) for n in (100, 1000)}
    figure = from_samples.scores_without_drift(scores, bins=10, thresholds=[0.1, 0.25])
    (ax,) = figure.axes
    curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
    assert len(curves) == 2
    bars = np.array([patch.get_height() for patch in ax.patches]).reshape(2, -1)
    for curve, heights in zip(curves, bars, strict=True):
        x, y = curve.get_data()
        assert np.max(np.abs(heights - np.interp((x[1:] + x[:-1]) / 2, x, y))) < 0.1
        assert y.max() > 1.5
    limits = [line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 2]
    assert limits == pytest.approx(np.log10([0.1, 0.25]))
    assert texts_on_lines(figure) == []
    ax.plot([-0.75, -0.75], [0, 9], scaley=False)
    assert "n = 100" in texts_on_lines(figure)
    assert figure.get_figwidth() == width
    assert overlapping_texts(figure) == []


def test_variance_ratios_are_drawn_as_given(width):
    scale, ratios = np.array([0.8, 1.2, 1.3]), {"d = 1": [0.2, 0.6, 2], "d = 10": [0.3, 2, 27]}
    figure = from_samples.variance_ratios(scale, ratios, limit=np.sqrt(2))
    (ax,) = figure.axes
    for line, (name, values) in zip(ax.lines, ratios.items(), strict=False):
        assert line.get_label() == name
        assert list(line.get_ydata()) == values
    assert ax.get_yscale() == "log"
    assert overlapping_texts(figure) == []


def test_estimates_are_drawn_as_mean_and_standard_deviation(width):
    panel = {"a": [[1.0, 3.0], [2.0, 2.0, 2.0]], "b": [[0.0, 1.0], [1.0, 1.0]]}
    figure = from_samples.estimates_by_size(
        (100, 1000), [panel, panel], truth=1.5, names=["left", "right"]
    )
    for ax in figure.axes:
        assert ax.lines[0].get_ydata()[0] == 1.5
        for container, (name, values) in zip(ax.containers, panel.items(), strict=True):
            assert container.get_label() == name
            line, _, (bars,) = container
            assert list(line.get_ydata()) == [np.mean(v) for v in values]
            half = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
            assert half == pytest.approx([np.std(v) for v in values])
    assert [ax.get_title() for ax in figure.axes] == ["left", "right"]
    assert overlapping_texts(figure) == []
