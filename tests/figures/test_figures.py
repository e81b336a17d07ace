"""The pictures that no notebook draws show what kl_lib computes today; how pictures are stored."""

import base64
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

import matplotlib.pyplot as plt
from compare import image_difference, image_distance
from execute import small_png
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from kl_lib import figures

STATIC = Path(__file__).parents[2] / "book" / "_static"


def difference(figure, picture, tmp_path):
    """Root mean square over the pixels, of 255, between a figure and a stored picture."""
    figures.save_picture(figure, tmp_path / "now.png")
    plt.close(figure)
    now, stored = plt.imread(tmp_path / "now.png"), plt.imread(picture)
    assert now.shape == stored.shape
    return 255 * np.sqrt(np.mean((now - stored) ** 2))


def test_the_picture_of_the_introduction_is_what_kl_lib_draws(tmp_path):
    """To store it again: figures.save_picture(figures.both_directions(1, 1, 2, 0.5), picture)."""
    picture = STATIC / "both_directions.png"
    assert difference(figures.both_directions(1, 1, 2, 0.5), picture, tmp_path) < 2


def test_another_picture_would_be_noticed(tmp_path):
    picture = STATIC / "both_directions.png"
    assert difference(figures.both_directions(1, 1, 2, 0.51), picture, tmp_path) > 2


# What a notebook stores of a figure


def inline(image):
    """A picture as a notebook has it: base64 of a PNG with transparency and a text chunk."""
    file, told = BytesIO(), PngInfo()
    told.add_text("Software", "a version")
    image.convert("RGBA").save(file, "png", dpi=(160, 160), pnginfo=told)
    return base64.b64encode(file.getvalue()).decode("ascii")


def opened(data):
    return Image.open(BytesIO(base64.b64decode(data)))


def test_a_stored_figure_is_a_palette_that_the_comparison_cannot_tell_from_it():
    figure, file = figures.both_directions(1, 1, 2, 0.5), BytesIO()
    figure.savefig(file, format="png")
    plt.close(figure)
    drawn = inline(Image.open(file))
    stored = small_png(drawn)
    assert opened(stored).mode == "P"
    assert len(stored) < len(drawn) / 2
    assert image_difference(stored, drawn) is None
    assert {*opened(stored).info} == {"dpi"}
    assert opened(stored).info["dpi"] == pytest.approx((160, 160), abs=0.1)


def test_a_figure_with_too_many_colours_keeps_them():
    rng = np.random.default_rng(0)
    drawn = inline(Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)))
    stored = small_png(drawn)
    assert opened(stored).mode == "RGB"
    assert image_distance(stored, drawn) == (0, 0)
    assert {*opened(stored).info} == {"dpi"}
