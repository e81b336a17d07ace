"""What the book's own style and script add to the theme, seen in a browser: on a phone, on paper,
in the dark. Every kind of page once; tests/book/test_browser.py looks at all of them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from kl_lib.figures.style import PAGE_WIDTH, TEXT_SIZE

PHONE = {"width": 390, "height": 800}
DESK = {"width": 1280, "height": 900}
CHAPTER = "notebooks/02_from_entropy_to_kl"
REFERENCE = "book/reference"
SCROLLING = """where => [...document.querySelectorAll(where)]
    .filter(part => part.scrollWidth > part.clientWidth)
    .map(part => part.textContent.trim().slice(0, 60))"""
# A formula that scrolls though it fits is a stop of the keyboard for nothing.
STOPS = """() => [...document.querySelectorAll("article :is(.math, .formula)[tabindex]")]
    .filter(part => part.checkVisibility({ visibilityProperty: true }))
    .map(part => [part.textContent, part.scrollWidth > part.clientWidth])"""
WIDE_FORMULA = "<math>" + "<mi>x</mi><mo>+</mo>" * 40 + "<mi>y</mi></math>"
INLINE = '<span class="math notranslate nohighlight">'
DISPLAY = '<div class="formula">'


# On a phone


def test_only_a_formula_wider_than_the_screen_is_a_stop_of_the_keyboard(visit):
    page = visit(CHAPTER, PHONE)
    assert page.locator("article span.math:visible").count() > 100
    assert page.locator("article .math:visible").count() > 110
    page.wait_for_timeout(200)
    assert [text for text, scrolls in page.evaluate(STOPS) if not scrolls] == []
    page.evaluate("""() => {
        document.querySelectorAll("details").forEach(part => { part.open = true; });
        document.querySelectorAll(".toggle-button-hidden").forEach(button => button.click());
    }""")
    page.wait_for_timeout(200)
    assert [text for text, scrolls in page.evaluate(STOPS) if not scrolls] == []


@pytest.mark.parametrize("start", [INLINE, DISPLAY])
def test_a_formula_wider_than_the_screen_scrolls_by_key(visit, site, start):
    def plant(page: Page) -> None:
        html = (site / f"{CHAPTER}.html").read_text("utf-8")
        assert start in html
        page.route(
            f"**/{CHAPTER}.html",
            lambda route: route.fulfill(
                body=re.sub(f"{start}<math.*?</math>", start + WIDE_FORMULA, html, count=1),
                content_type="text/html; charset=utf-8",
            ),
        )

    page = visit(CHAPTER, PHONE, plant)
    stop = "article :is(span.math, .formula)[tabindex]"
    page.wait_for_function(f"document.querySelector('{stop}')")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    formula = page.locator(stop).first
    assert formula.text_content().count("x") > 20
    formula.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")


@pytest.mark.parametrize("screen", [PHONE, DESK])
def test_a_heading_is_larger_than_those_below_it(visit, screen):
    page = visit(CHAPTER, screen)
    sizes = [
        page.locator(f".bd-article {level}").first.evaluate(
            "part => parseFloat(getComputedStyle(part).fontSize)"
        )
        for level in ("h1", "h2", "h3")
    ]
    assert sizes == sorted(set(sizes), reverse=True)


def test_the_drawer_of_contents_closes_when_a_place_is_chosen(visit):
    page = visit(CHAPTER, PHONE)
    page.locator("button.secondary-toggle:visible").click()
    drawer = page.locator("dialog#pst-secondary-sidebar-modal")
    assert drawer.is_visible()
    link = drawer.locator("nav a").nth(3)
    place = link.get_attribute("href")
    link.click()
    drawer.wait_for(state="hidden")
    assert page.url.endswith(place)
    box = page.locator(place).bounding_box()
    assert -20 < box["y"] < PHONE["height"] / 2


def test_a_heading_leaves_the_phone_room_for_text(visit):
    heading = visit("book/introduction", PHONE).locator("article h1")
    assert heading.bounding_box()["height"] < 0.2 * PHONE["height"]


@pytest.mark.parametrize("name", [CHAPTER, "notebooks/08_keras_cifar10", "book/introduction"])
def test_the_text_of_figures_is_at_least_ten_pixels_high_on_a_small_phone(visit, name):
    figures = visit(name, {"width": 360, "height": 740}).locator("article a.alone img:visible")
    widths = [figures.nth(i).bounding_box()["width"] for i in range(figures.count())]
    assert widths
    assert min(widths) * TEXT_SIZE / (PAGE_WIDTH * 72) >= 10


@pytest.mark.parametrize("name", [CHAPTER, REFERENCE, "book/introduction"])
def test_code_fits_the_screen(visit, name):
    assert visit(name, DESK).evaluate(SCROLLING, "article pre") == []
    # Columns of numbers may scroll on a phone.
    code = "article .highlight pre:not(.cell_output *)"
    assert visit(name, PHONE).evaluate(SCROLLING, code) == []


@pytest.mark.parametrize("name", ["notebooks/03_cats_and_dogs", "notebooks/07_keras_kl_loss"])
def test_of_the_outputs_only_columns_scroll_on_a_phone(visit, name):
    page = visit(name, PHONE)
    scrolling = page.evaluate(SCROLLING.replace(".slice(0, 60)", ""), "article .cell_output pre")
    for output in scrolling:
        columns = [line for line in output.splitlines() if re.search(r"\S {2,}\S", line)]
        assert len(columns) > 1, output
    printed = page.locator("article .cell_output pre").all_text_contents()
    assert len([text for text in printed if max(map(len, text.splitlines())) > 60]) > len(scrolling)


TABLES = """() => [...document.querySelectorAll("article table.words")].map(table => ({
    cut: table.parentElement.scrollWidth > table.parentElement.clientWidth,
    head: table.tHead !== null && table.tHead.checkVisibility(),
    said: [...table.querySelectorAll("td:nth-child(3)")].map(
        cell => getComputedStyle(cell, "::before").content),
}))"""


def test_a_table_of_words_is_read_without_scrolling_on_a_phone_and_says_its_heads(visit):
    tables = visit("book/cheat_sheet", PHONE).evaluate(TABLES)
    assert len(tables) == 2
    assert not any(table["cut"] or table["head"] for table in tables)
    assert {said for table in tables for said in table["said"]} == {'"beware: "', '"is: "'}
    tables = visit("book/cheat_sheet", DESK).evaluate(TABLES)
    assert all(table["head"] for table in tables)
    assert {said for table in tables for said in table["said"]} == {"none"}


def test_a_table_of_numbers_stays_one_on_a_phone(visit):
    page = visit("book/speed", PHONE)
    heads = page.locator("article table:not(.words) thead")
    assert heads.count() > 5
    assert heads.first.is_visible()


# In the dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_thing_drawn_has_the_colours_that_the_reader_wants(visit, scheme):
    """The theme's script, which comes after the first drawing, is held back."""

    def hold_back(page: Page) -> None:
        page.route("**/pydata-sphinx-theme.js*", lambda route: route.abort())

    page = visit(CHAPTER, DESK, hold_back, color_scheme=scheme)
    assert page.locator("html").get_attribute("data-theme") == scheme
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(colour[4:-1].split(",")[0]) < 60) == (scheme == "dark")


def test_the_theme_switch_keeps_the_focus_of_the_keyboard(visit):
    page = visit(CHAPTER, DESK)
    switch = page.locator("button.theme-switch-button:visible").first
    mode = page.locator("html").get_attribute("data-mode")
    switch.press("Enter")
    assert page.locator("html").get_attribute("data-mode") != mode
    assert page.evaluate("document.activeElement.className").count("theme-switch-button") == 1


# On paper


def test_paper_is_light_and_shows_what_is_folded(visit):
    page = visit(CHAPTER, DESK, color_scheme="dark")
    state = """() => ({
        theme: document.documentElement.dataset.theme,
        folded: document.querySelectorAll("details:not([open]), .toggle-hidden").length})"""
    before = page.evaluate(state)
    assert before["theme"] == "dark"
    assert before["folded"] > 5
    page.evaluate(
        f"addEventListener('beforeprint', () => {{ window.onPaper = ({state})(); }})",
    )
    page.pdf()
    assert page.evaluate("window.onPaper") == {"theme": "light", "folded": 0}
    assert page.evaluate(state) == before


def test_nothing_is_cut_on_paper(visit):
    page = visit(CHAPTER, PHONE)  # narrower than any paper
    page.emulate_media(media="print")
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert page.evaluate(SCROLLING, "article pre") == []
    page.evaluate("document.querySelector('#pst-back-to-top').style.display = ''")
    buttons = page.locator("article button.copybtn, #pst-back-to-top")
    assert buttons.count() > 10
    assert not any(buttons.nth(i).is_visible() for i in range(buttons.count()))


# What a page asks for


def test_icons_come_from_the_small_font(visit):
    asked: list[str] = []
    page = visit(
        CHAPTER,
        DESK,
        lambda page: page.on("request", lambda request: asked.append(request.url.split("/")[-1])),
    )
    page.evaluate("document.fonts.ready")
    icons = page.locator("i[class*='fa-']:visible")
    assert icons.count() >= 4
    assert all(icons.nth(i).bounding_box()["width"] > 5 for i in range(icons.count()))
    assert "kl_icons.woff" in asked
    assert [name for name in asked if "fontawesome" in name or name.startswith("fa-")] == []
