"""Figures in a real browser: read on a phone, no bright panel in the dark, a tap opens them."""

from io import BytesIO

import numpy as np
import pytest
from colour import DARK_PAGE, STYLE_SHEET, on_dark
from matplotlib.colors import to_rgb
from PIL import Image
from thorough import first_of

from kl_lib import figures
from kl_lib.figures import style

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
DPI = style._RC["figure.dpi"]

# Every figure of a page: the height of its text in CSS pixels, and whether its place is known.
MEASURE = """(dotsOfText) => [...document.querySelectorAll(".bd-article img")].map(image => {
    const box = image.getBoundingClientRect(), [width, height] =
        [image.getAttribute("width"), image.getAttribute("height")].map(Number);
    return {
        text: dotsOfText * box.width / width,
        inside: box.left >= 0 && box.right <= document.documentElement.clientWidth,
        place: width > 0 && Math.abs(box.height / box.width - height / width) < 0.01,
        lazy: image.loading,
        alone: image.closest("a")?.href === image.src,
    };
})"""


@pytest.fixture(scope="module")
def pages(site):
    """The pages with figures."""
    found = [page for page in site.rglob("*.html") if 'class="alone"' in page.read_text("utf-8")]
    assert len(found) >= 11
    return found


def measured(browser, pages, screen):
    """Page and measures of each figure of the book, without any script of the pages."""
    context = browser.new_context(viewport=screen, java_script_enabled=False)
    page = context.new_page()
    for path in pages:
        page.goto(path.as_uri())  # style sheets too, which DOMContentLoaded does not wait for
        for number, measures in enumerate(page.evaluate(MEASURE, style.TEXT_SIZE * DPI / 72)):
            yield f"{path.stem} {number}", measures
    context.close()


@pytest.mark.parametrize(("screen", "least"), first_of([(PHONE, 10), (DESK, 12)]))
def test_every_figure_is_read_has_its_place_and_opens_alone(browser, pages, screen, least):
    found = dict(measured(browser, pages, screen))
    assert len(found) >= 53
    for name, measures in found.items():
        assert measures.pop("text") >= least, name
        assert measures == {"inside": True, "place": True, "lazy": "lazy", "alone": True}, name


def test_a_tap_opens_the_figure_alone_without_scripts(browser, pages):
    context = browser.new_context(viewport=PHONE, java_script_enabled=False, has_touch=True)
    page = context.new_page()
    page.goto(pages[0].as_uri())
    page.locator("a.alone").first.tap()
    page.wait_for_url("**/_images/*.png")
    context.close()


def colours_on_screen(browser, html, scheme):
    """The colour of the first pixel of each `.seen` of a page with the book's style sheet."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(html)
    shots = [Image.open(BytesIO(part.screenshot())) for part in page.locator(".seen").all()]
    context.close()
    return np.array([np.asarray(shot.convert("RGB"))[1, 1] / 255 for shot in shots])


def test_the_filter_makes_the_colours_that_the_palette_is_tested_with(browser, tmp_path):
    names = ("P_COLOR", "Q_COLOR", "M_COLOR", "ACCENT", "AMBER", "SKY", "GREY")
    palette = np.array([*(to_rgb(getattr(figures, name)) for name in names), (1, 1, 1), (0, 0, 0)])
    images = []
    for number, colour in enumerate(palette):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (9, 9), tuple(np.round(255 * colour).astype(int))).save(path)
        images.append(f"<a class='alone'><img class='seen' src='{path.name}'></a>")
    (tmp_path / "page.html").write_text(
        f"<html data-theme='dark'><link rel='stylesheet' href='{STYLE_SHEET.as_uri()}'>"
        f"<body class='bd-content'>{''.join(images)}</body></html>"
    )
    seen = colours_on_screen(browser, (tmp_path / "page.html").as_uri(), "dark")
    assert np.abs(seen - on_dark(palette)).max() < 3 / 255


@pytest.mark.parametrize(("scheme", "expected"), [("dark", DARK_PAGE), ("light", np.ones(3))])
def test_a_figure_lies_on_the_page_without_a_panel(browser, pages, scheme, expected):
    context = browser.new_context(viewport=DESK, color_scheme=scheme)
    page = context.new_page()
    for path in pages[:3]:
        page.goto(path.as_uri())
        image = page.locator("a.alone img").first
        image.scroll_into_view_if_needed()
        image.evaluate("image => image.decode()")
        corner = Image.open(BytesIO(image.screenshot())).convert("RGB").getpixel((2, 2))
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert np.abs(np.array(corner) / 255 - expected).max() < 3 / 255, path
        assert background == "rgb({}, {}, {})".format(*np.round(255 * expected).astype(int))
    context.close()
