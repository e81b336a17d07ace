"""The house style: one palette, one pair of line styles, one width, for phones and dark pages too.

**Width.** Every figure is 5 inches wide with text of 11 points. A phone of 360 pixels shows it at
about 342, where the text is 10 CSS pixels high; on a desk the book shows it 34 rem wide, and the
text is as large as the page's. So panels stand below each other, and beside each other only where
they share an axis and have short labels. Nothing sets a smaller text, and numbers and formulas are
written without raised or lowered parts, which would be smaller: 1e−5, p log(p/q).

**Colours.** They are those of Okabe and Ito (2008), darkened until each has a contrast of at least
3 with a white page, and those that also colour text (all but `AMBER` and `SKY`) of 4.5; readers
with any common form of colour blindness can tell them apart. `p` is always blue and solid, `q`
always vermilion and dashed, so a figure stays readable in black and white too; so are the two
directions, by their reference. Of two losses KL is green and cross-entropy amber. `LIGHT` is for
what a reader can do without.

**Dark pages.** The background is white and opaque, so a figure can be opened alone. The style sheet
of the book inverts it (`book/_static/kl_book.css`), which turns light into dark and leaves hues
where they are: white becomes the colour of the dark page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

P_COLOR = "#0072B2"
Q_COLOR = "#B04600"
M_COLOR = "#178759"
ACCENT = "#600E54"
AMBER = "#AF8B0C"
SKY = "#419BB7"
GREY = "#444444"
LIGHT = "#D9D9D9"

#: Line styles that go with the colours of p and q.
P_LINE: dict[str, Any] = {"color": P_COLOR, "linestyle": "-"}
Q_LINE: dict[str, Any] = {"color": Q_COLOR, "linestyle": "--"}
M_LINE: dict[str, Any] = {"color": M_COLOR, "linestyle": "-."}

#: Bars of q, beside those of p, which are filled with its colour.
Q_FACE: dict[str, Any] = {"facecolor": "white", "edgecolor": Q_COLOR, "hatch": "///"}

#: Width of every figure, in inches.
PAGE_WIDTH = 5.0

#: Size of all text, in points.
TEXT_SIZE = 11

_RC = {
    "figure.figsize": (PAGE_WIDTH, 3.1),
    "figure.dpi": 160,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "font.size": TEXT_SIZE,
    "axes.titlesize": TEXT_SIZE,
    "axes.labelsize": TEXT_SIZE,
    "xtick.labelsize": TEXT_SIZE,
    "ytick.labelsize": TEXT_SIZE,
    "legend.fontsize": TEXT_SIZE,
    "figure.labelsize": TEXT_SIZE,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "legend.borderaxespad": 0.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": None,  # set in use_style: a cycler needs matplotlib
    "lines.linewidth": 2.0,
    "axes.axisbelow": True,
    "hatch.linewidth": 0.8,
}


def use_style() -> None:
    """Switch matplotlib to the book's house style, for this process.

    Examples
    --------
    >>> from kl_lib import figures
    >>> figures.use_style()
    >>> import matplotlib.pyplot as plt
    >>> plt.rcParams["font.size"]
    11.0
    """
    import matplotlib.pyplot as plt
    from cycler import cycler

    cycle = cycler(color=[P_COLOR, Q_COLOR, M_COLOR, ACCENT, AMBER, SKY, GREY])
    plt.rcParams.update(plt.rcParamsDefault | {"backend": plt.rcParams["backend"]})
    plt.rcParams.update(_RC | {"axes.prop_cycle": cycle})


def panels(
    columns: int = 1, *, height: float = 3.1, rows: int = 1, **kwargs: Any
) -> tuple[Figure, list[Axes]]:
    """A figure as wide as all others and the flat list of its axes.

    Parameters
    ----------
    columns, rows
        How many panels across and down. Two across have room for five ticks and twenty letters.
    height
        Height of the whole figure in inches.
    **kwargs
        Passed to `matplotlib.pyplot.subplots` (``sharey=True``, say).
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        rows, columns, figsize=(PAGE_WIDTH, height), squeeze=False, **kwargs
    )
    return figure, list(axes.flat)


def write_powers(*axes: Axis) -> None:
    """Label logarithmic axes with 0.01, 100 and 1e−5: matplotlib's raised exponents are too small.

    Examples
    --------
    >>> from kl_lib.figures.style import panels, write_powers
    >>> figure, (ax,) = panels()
    >>> ax.set(yscale="log", ylim=(1e-5, 1e5))
    [...]
    >>> write_powers(ax.yaxis)
    >>> [label.get_text() for label in ax.get_yticklabels()][1:-1:2]
    ['1e−5', '0.1', '1000']
    """
    from matplotlib.ticker import FuncFormatter, NullFormatter

    for axis in axes:
        axis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))
        axis.set_minor_formatter(NullFormatter())


def _power(value: float) -> str:
    if value == 0 or 1e-3 < abs(value) < 1e4:
        return f"{value:g}".replace("-", "−")
    digits, exponent = f"{value:.5e}".split("e")
    return f"{float(digits):g}e{int(exponent)}".replace("-", "−")


def save_picture(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a figure as a PNG of 256 colours, a third as large as `figure.savefig` makes it."""
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    figure.savefig(file, format="png")
    with Image.open(file) as image:
        true = image.convert("RGB")
        small = true.quantize(256, kmeans=2, dither=Image.Dither.NONE)
        small.save(path, "png", optimize=True, dpi=image.info["dpi"])
