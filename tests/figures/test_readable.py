"""Figures are read on a phone, on a dark page and by a colour-blind reader."""

import ast
import base64
import colorsys
import inspect
import json
from functools import cache
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

import matplotlib.pyplot as plt
from colour import DARK_PAGE, EYES, WHITE, contrast, distances, on_dark
from drawn import DRAWINGS, MODULES, sizes, stored_width, strokes
from matplotlib.colors import to_rgb
from PIL import Image

from kl_lib import figures
from kl_lib.figures import style

ROOT = Path(__file__).parents[2]
PHONE = 342  # CSS pixels that a phone of 360 has for a figure
SMALLEST = 10  # CSS pixels

NAMES = ("P_COLOR", "Q_COLOR", "M_COLOR", "ACCENT", "AMBER", "SKY", "GREY")
PALETTE = {name: np.array(to_rgb(getattr(figures, name))) for name in NAMES}
NO_TEXT = ("AMBER", "SKY")


@cache
def drawn(function):
    figure = DRAWINGS[function]()
    plt.close(figure)  # it stays, pyplot forgets it
    return figure


def on_phone(points, inches):
    """CSS pixels on a phone of a text in a figure of this width."""
    return points * PHONE / (72 * inches)


def name(function):
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


# Text


def test_every_figure_function_is_drawn_here():
    written = {
        function
        for module in MODULES
        for function in vars(module).values()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not function.__name__.startswith("_")
        and inspect.signature(function).return_annotation == "Figure"
    }
    assert written == set(DRAWINGS)
    folder = Path(inspect.getfile(figures)).parent
    assert {path.stem for path in folder.glob("*.py")} == {
        "__init__",
        "style",
        *(module.__name__.rpartition(".")[2] for module in MODULES),
    }


@pytest.mark.parametrize("function", DRAWINGS, ids=name)
def test_no_text_is_too_small_on_a_phone(function):
    found, width = sizes(drawn(function)), stored_width(drawn(function))
    small = {text: px for text, size in found.items() if (px := on_phone(size, width)) < SMALLEST}
    assert small == {}


@pytest.mark.parametrize(
    "fault",
    [
        lambda ax: ax.figure.set_figwidth(5.5),
        lambda ax: ax.set_xlabel("x", fontsize=10),
        lambda ax: ax.set_xlabel("$10^{-5}$"),
        lambda ax: ax.set(xscale="log", xlim=(1, 1e5)),
        lambda ax: ax.annotate("beyond", (1, 1), (1.5, 1), annotation_clip=False),
    ],
    ids=["wider", "smaller", "raised", "powers", "beyond"],
)
def test_too_small_a_text_would_be_found(fault):
    figure, (ax,) = figures.panels()
    fault(ax)
    assert on_phone(min(sizes(figure).values()), stored_width(figure)) < SMALLEST


def stored_pictures():
    """Name and PNG of every figure that the book stores."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if data := output.get("data", {}).get("image/png"):
                    label = cell["metadata"]["mystnb"]["figure"]["name"]
                    yield pytest.param(base64.b64decode("".join(data)), id=label)
    for path in sorted((ROOT / "book" / "_static").glob("*.png")):
        yield pytest.param(path.read_bytes(), id=path.name)


def fault_of(png):
    """What is wrong with a stored picture, whose text is of the house's size, or None."""
    with Image.open(BytesIO(png)) as image:
        width, mode, (dpi, _) = image.width, image.mode, image.info.get("dpi", (0, 0))
    pixels = on_phone(style.TEXT_SIZE, width / dpi) if dpi else 0
    if pixels < SMALLEST:
        return f"text of {pixels:.1f} CSS pixels on a phone"
    if width < 2 * PHONE:
        return f"{width} pixels, too few for a sharp screen"
    return None if mode in ("RGB", "P") else f"stored as {mode}, larger than need be"


@pytest.mark.parametrize("png", list(stored_pictures()))
def test_a_stored_figure_is_read_on_a_phone(png):
    assert fault_of(png) is None


@pytest.mark.parametrize(
    ("width", "dpi", "mode", "fault"),
    [
        (820, 160, "RGB", None),
        (840, 160, "RGB", "text of 10.0 CSS pixels"),
        (1067, 150, "RGB", "text of 7.3 CSS pixels"),
        (500, 100, "RGB", "too few"),
        (820, 160, "RGBA", "larger"),
        (820, 0, "RGB", "text of 0.0"),
    ],
)
def test_a_stored_figure_that_is_not_would_be_found(width, dpi, mode, fault):
    file = BytesIO()
    Image.new(mode, (width, 300)).save(file, "png", **({"dpi": (dpi, dpi)} if dpi else {}))
    found = fault_of(file.getvalue())
    assert fault in found if fault else found is None


def test_the_house_size_is_the_only_one():
    """A stored picture does not tell the size of its text, so nothing may set another."""
    assert {value for key, value in style._RC.items() if "size" in key and "fig" not in key} == {11}
    sources = [*(ROOT / "kl_lib" / "figures").glob("*.py"), ROOT / "benchmarks" / "page.py"]
    assert [fault for path in sources for fault in other_sizes(path.read_text("utf-8"))] == []
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            assert "matplotlib" not in source, "figures are drawn by kl_lib.figures"
            if cell["cell_type"] == "code" and "fig = " in source:
                assert other_sizes(source) == []


def other_sizes(source):
    """Keywords and mathematics in a source that make a text smaller than the house's."""
    found = []
    for node in ast.walk(ast.parse(source)):
        sized = isinstance(node, ast.keyword) and node.arg in ("fontsize", "labelsize", "size")
        if sized and ast.unparse(node.value) != "TEXT_SIZE":
            found.append(f"{node.arg}={ast.unparse(node.value)}")
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.count("$") > 1
        ):
            found.append(node.value)
    return found


@pytest.mark.parametrize("source", ["ax.text(0, 0, 'x', fontsize=9)", "ax.set_xlabel('$2^n$')"])
def test_another_size_would_be_found(source):
    assert other_sizes(source)
    assert not other_sizes("ax.text(0, 0, 'x', fontsize=TEXT_SIZE)")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "1"),
        (0.01, "0.01"),
        (1000, "1000"),
        (1e4, "1e4"),
        (1e-3, "1e−3"),
        (2.5e-12, "2.5e−12"),
    ],
)
def test_a_power_is_written_without_a_raised_part(value, text):
    assert style._power(value) == text


# Colours


@pytest.mark.parametrize("name", PALETTE)
def test_a_colour_stands_out_on_both_pages(name):
    least = 3 if name in NO_TEXT else 4.5
    assert contrast(PALETTE[name], WHITE) >= least
    assert contrast(on_dark(PALETTE[name]), DARK_PAGE) >= least


def test_the_contrast_is_that_of_the_standard():
    assert contrast(np.zeros(3), WHITE) == pytest.approx(21)
    # A published pair: #767676 is the lightest grey with 4.5 on white.
    assert contrast(np.full(3, 0x76 / 255), WHITE) >= 4.5 > contrast(np.full(3, 0x77 / 255), WHITE)
    # What the palette was before.
    assert contrast(np.array(to_rgb("#E69F00")), WHITE) == pytest.approx(2.25, abs=0.01)


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("page", [lambda colours: colours, on_dark], ids=["light", "dark"])
def test_no_two_colours_look_alike(eye, page):
    colours = page(np.array([*PALETTE.values(), np.zeros(3)]))
    assert distances(colours, eye).min() > 12


def test_colours_that_look_alike_would_be_found():
    red_and_green = np.array([[0.8, 0.3, 0.1], [0.45, 0.5, 0.1]])
    assert distances(red_and_green, "all") > 40
    assert distances(red_and_green, "deuteranopia") < 12
    assert distances(np.array([[1.0, 1, 1], [0, 0, 0]]), "all") == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize(("name", "hue"), [("P_COLOR", 202), ("Q_COLOR", 24)])
def test_p_stays_blue_and_q_vermilion_on_a_dark_page(name, hue):
    for colour in (PALETTE[name], on_dark(PALETTE[name])):
        assert abs(360 * colorsys.rgb_to_hsv(*colour)[0] - hue) < 5


def test_p_is_solid_and_q_dashed():
    assert figures.P_LINE == {"color": figures.P_COLOR, "linestyle": "-"}
    assert figures.Q_LINE == {"color": figures.Q_COLOR, "linestyle": "--"}


#: What a line is called, and its colour in every figure.
OF_LOSSES = {
    "cross-entropy": figures.AMBER,
    "cross-entropy H(p, q)": figures.AMBER,
    "mean negative log-likelihood": figures.AMBER,
    "KL(data‖model)": figures.M_COLOR,
    "KL(labels‖network)": figures.M_COLOR,
    "KL divergence": figures.M_COLOR,
    "forward, KL(p‖q)": figures.P_COLOR,
    "reverse, KL(q‖p)": figures.Q_COLOR,
}


def labelled(figure, label):
    """Colours of the lines of this name."""
    lines = [line for ax in figure.axes for line in ax.lines]
    lines += [line for legend in figure.legends for line in legend.get_lines()]
    return {to_rgb(line.get_color()) for line in lines if line.get_label() == label}


@pytest.mark.parametrize("label", OF_LOSSES)
def test_a_loss_and_a_direction_have_one_colour_in_the_whole_book(label):
    found = set().union(*(labelled(drawn(function), label) for function in DRAWINGS))
    assert found == {to_rgb(OF_LOSSES[label])}


@pytest.mark.parametrize("function", DRAWINGS, ids=name)
def test_every_line_stands_out_on_both_pages(function):
    for colour in strokes(drawn(function)):
        assert contrast(colour, WHITE) >= 3, colour
        assert contrast(on_dark(colour), DARK_PAGE) >= 3, colour


def test_a_pale_line_would_be_found():
    figure, (ax,) = figures.panels()
    ax.plot([0, 1], color=figures.M_COLOR, alpha=0.4)
    [pale] = strokes(figure)
    assert contrast(pale, WHITE) < 3
