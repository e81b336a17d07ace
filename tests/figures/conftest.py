"""Every figure is drawn in the book's style, on no screen, and closed."""

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import pytest

from kl_lib import figures


@pytest.fixture(autouse=True)
def _house_style():
    figures.use_style()
    yield
    plt.close("all")
