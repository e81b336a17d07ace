"""Figures of the book: the house style, and one module for each family of pictures.

Every function returns a `matplotlib.figure.Figure`, needs matplotlib
(``pip install "kl-lib[figures]"``) and draws nothing that its arguments do not say.
"""

from importlib.util import find_spec

if find_spec("matplotlib") is None:
    raise ImportError('kl_lib.figures needs matplotlib: pip install "kl-lib[figures]"')

from .compare import bars, both_directions, densities, draw_bars
from .style import (
    ACCENT,
    AMBER,
    GREY,
    LIGHT,
    M_COLOR,
    M_LINE,
    P_COLOR,
    P_LINE,
    PAGE_WIDTH,
    Q_COLOR,
    Q_LINE,
    SKY,
    panels,
    save_picture,
    use_style,
)

__all__ = [
    "ACCENT",
    "AMBER",
    "GREY",
    "LIGHT",
    "M_COLOR",
    "M_LINE",
    "PAGE_WIDTH",
    "P_COLOR",
    "P_LINE",
    "Q_COLOR",
    "Q_LINE",
    "SKY",
    "bars",
    "both_directions",
    "densities",
    "draw_bars",
    "panels",
    "save_picture",
    "use_style",
]
