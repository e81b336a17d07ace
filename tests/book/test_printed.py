"""What a browser prints: explorers with their settings, opened source, one cheat sheet.

And drawings on a narrow phone: nothing of them is cut.
"""

from __future__ import annotations

import re

import pytest
from explorer_pictures import EXPLORERS, names
from explorers import DESK, opened

NARROW = {"width": 320, "height": 640}  # a small phone, and a margin beside a larger one
PLACE = "notebooks/04_gaussians_tfp.html"
ASKED = "?normals.loc_p=-1.5&normals.direction=reverse&normals.cut=true"
#: Texts of a drawing that reach beyond it, by pixels of the screen.
BEYOND = """root => {
    const svg = root.querySelector("svg"), frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].filter((text) => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - 1 || box.right > frame.right + 1;
    }).map((text) => text.textContent);
}"""

OPENED = """() => [...document.querySelectorAll("article details.hide")].map((part) => {
    part.open = true;
    return [...part.children].map((child) => {
        const { display, opacity, animationName } = getComputedStyle(child);
        return [child.tagName, display === "none", opacity, animationName];
    });
})"""


@pytest.fixture(scope="module")
def chapter(browser, site):
    """A chapter whose explorer was given other settings by its address, as a file."""
    context = browser.new_context(viewport=DESK, color_scheme="dark")
    page = context.new_page()
    page.goto((site / PLACE).as_uri() + ASKED)
    yield page
    context.close()


def test_paper_shows_the_picture_as_it_stands_and_says_its_settings(chapter):
    explorer = chapter.locator("[data-explorer=normals]")
    settings = explorer.locator(".explorer-settings")
    assert not settings.is_visible()
    chapter.emulate_media(media="print")
    assert explorer.locator("svg").is_visible()
    assert explorer.locator("dl").is_visible()
    assert not explorer.locator(".explorer-controls").is_visible()
    assert not explorer.locator("button").first.is_visible()
    assert settings.inner_text() == (
        "Mean of p: −1.5, σ of p: 1, Mean of q: 2, σ of q: 0.5, "
        "Integrand of: KL(q‖p), Bins: none, Cut the tails of q off: yes"
    )
    assert "q log(q/p), nats per unit of x" in explorer.locator("svg").text_content()


def test_paper_shows_the_source_that_was_folded(chapter):
    """What is opened fades in on a screen; paper is printed in the first moment of it."""
    chapter.emulate_media(media="print")
    seen = chapter.evaluate(OPENED)
    assert len(seen) > 3
    for summary, source in seen:
        assert summary[:2] == ["SUMMARY", True]
        assert source[1:] == [False, "1", "none"]


def test_the_cheat_sheet_is_one_page(browser, site):
    page = browser.new_page()
    page.goto((site / "book/cheat_sheet.html").as_uri())
    assert len(re.findall(rb"/Type /Page\b", page.pdf(format="A4"))) == 1
    assert len(re.findall(rb"/Type /Page\b", page.pdf(format="Letter"))) == 1
    page.close()


def test_the_settings_follow_the_controls(browser):
    with opened(browser, "coins") as explorer:
        explorer.set_number("Flips", 25)
        explorer.field("The coin is").select_option(label="unfair")
        said = explorer.root.locator(".explorer-settings").text_content()
        assert "Flips: 25" in said
        assert "The coin is: unfair" in said


@pytest.mark.parametrize("screen", [NARROW, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("name", names())
def test_no_text_of_a_drawing_is_cut(browser, name, screen):
    with opened(browser, name, screen=screen) as explorer:
        assert explorer.root.evaluate(BEYOND) == []


@pytest.mark.parametrize("name", names())
def test_a_still_picture_needs_no_style_of_a_page(name):
    """Opened alone or printed there is none, and what it would colour is black."""
    assert "var(" not in (EXPLORERS / f"{name}.svg").read_text("utf-8")
