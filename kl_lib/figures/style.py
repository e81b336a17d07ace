"""The house style: one palette, one pair of line styles, one page width.

The palette is that of Okabe and Ito (2008), which readers with any common form of colour
blindness can tell apart. `p` is always blue and solid, `q` always vermilion and dashed, so a
figure stays readable in black and white too. The background is white and opaque: a page in dark
mode shows the figure as a light card rather than as black text on black.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P_COLOR = "#0072B2"
Q_COLOR = "#D55E00"
M_COLOR = "#009E73"
ACCENT = "#CC79A7"
AMBER = "#E69F00"
SKY = "#56B4E9"
GREY = "#666666"
LIGHT = "#D9D9D9"

#: Line styles that go with the colours of p and q.
P_LINE: dict[str, Any] = {"color": P_COLOR, "linestyle": "-"}
Q_LINE: dict[str, Any] = {"color": Q_COLOR, "linestyle": "--"}
M_LINE: dict[str, Any] = {"color": M_COLOR, "linestyle": "-."}

#: Inches. A page shows this at about its natural size, so 10 pt text reads as 10 pt.
PAGE_WIDTH = 7.0

_RC = {
    "figure.figsize": (PAGE_WIDTH, 3.2),
    "figure.dpi": 150,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
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
    >>> plt.rcParams["figure.dpi"]
    150.0
    """
    import matplotlib.pyplot as plt
    from cycler import cycler

    cycle = cycler(color=[P_COLOR, Q_COLOR, M_COLOR, ACCENT, AMBER, SKY, GREY])
    plt.rcParams.update(plt.rcParamsDefault | {"backend": plt.rcParams["backend"]})
    plt.rcParams.update(_RC | {"axes.prop_cycle": cycle})


def panels(
    columns: int = 1, *, height: float = 3.2, rows: int = 1, **kwargs: Any
) -> tuple[Figure, list[Axes]]:
    """A page-wide figure and the flat list of its axes.

    Parameters
    ----------
    columns, rows
        How many panels across and down.
    height
        Height of the whole figure in inches; its width is the page's.
    **kwargs
        Passed to `matplotlib.pyplot.subplots` (``sharey=True``, say).
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        rows, columns, figsize=(PAGE_WIDTH, height), squeeze=False, **kwargs
    )
    return figure, list(axes.flat)
