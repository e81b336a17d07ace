"""The pictures that no notebook draws: that they show what kl_lib computes today."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

import matplotlib.pyplot as plt

from kl_lib import figures

STATIC = Path(__file__).parents[2] / "book" / "_static"


def difference(figure, picture, tmp_path):
    """Root mean square over the pixels, of 255, between a figure and a stored picture."""
    figures.save_picture(figure, tmp_path / "now.png")
    plt.close(figure)
    now, stored = plt.imread(tmp_path / "now.png"), plt.imread(picture)
    assert now.shape == stored.shape
    return 255 * np.sqrt(np.mean((now - stored) ** 2))


@pytest.fixture(autouse=True)
def _house_style():
    figures.use_style()


def test_the_picture_of_the_introduction_is_what_kl_lib_draws(tmp_path):
    """To store it again: figures.save_picture(figures.both_directions(1, 1, 2, 0.5), picture)."""
    picture = STATIC / "both_directions.png"
    assert difference(figures.both_directions(1, 1, 2, 0.5), picture, tmp_path) < 2


def test_another_picture_would_be_noticed(tmp_path):
    picture = STATIC / "both_directions.png"
    assert difference(figures.both_directions(1, 1, 2, 0.51), picture, tmp_path) > 2
