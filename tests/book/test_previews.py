"""Words of the glossary are links where a page first uses them; links show what they lead to."""

from __future__ import annotations

import json
import math
import re
import sys

import pytest
import yaml
from bs4 import BeautifulSoup
from building import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "book" / "_ext"))
from kl_glossary import pattern
from kl_previews import previews

CHAPTER = "notebooks/02_from_entropy_to_kl.html"
ENTRY = re.compile(r"^([^\W\d].*)\n  (\S.*(?:\n  \S.*)*)", re.MULTILINE)


@pytest.fixture(scope="module")
def entries() -> dict[str, str]:
    text = (REPOSITORY / "book" / "glossary.md").read_text("utf-8")
    inside = text.partition(":::{glossary}\n")[2].partition("\n:::")[0]
    return dict(ENTRY.findall(inside))


@pytest.fixture(scope="module")
def page(browser, site):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((site / CHAPTER).as_uri())
    yield page
    assert errors == []


# The glossary


def test_every_entry_leads_to_its_place(entries):
    assert len(entries) > 50
    assert not [word for word, text in entries.items() if not re.search(r"\{(prf:)?ref\}`", text)]


def test_the_entries_are_in_order(entries):
    words = [word.lower().replace("é", "e") for word in entries]
    assert words == sorted(words)


def test_the_numbers_of_the_glossary(entries):
    assert f"{math.log(2):.3f} nats" in entries["bit"].replace("$", "")
    assert f"{1 / math.log(2):.3f} bits" in entries["nat"]
    numbers = {n for text in entries.values() for n in re.findall(r"\d+\.\d+", text)}
    assert numbers == {"0.693", "1.443"}


def test_the_common_words_are_entries(entries):
    config = yaml.safe_load((REPOSITORY / "_config.yml").read_text("utf-8"))
    assert set(config["sphinx"]["config"]["glossary_common_words"]) <= set(entries)


@pytest.mark.parametrize(
    ("term", "sentence", "found"),
    [
        ("entropy", "Entropy is", "Entropy"),
        ("entropy", "cross-entropy is", None),
        ("entropy", "two entropies", None),
        ("nat", "in nats.", "nats"),
        ("nat", "a nation", None),
        ("prefix code", "all prefix codes are", "prefix codes"),
        ("KL divergence", "the KL divergences", "KL divergences"),
        ("KL divergence", "the kL divergence", None),
        ("ELBO", "the elbow", None),
    ],
)
def test_what_is_taken_for_a_term(term, sentence, found):
    match = pattern(term).search(sentence)
    assert (match.group() if match else None) == found


def test_a_chapter_links_a_term_once_and_not_where_it_explains_it(site):
    page = BeautifulSoup((site / CHAPTER).read_text("utf-8"), "html.parser")
    links = page.select("article a:has(> .std-term)")
    anchors = [link["href"].partition("#")[2] for link in links]
    assert len(anchors) == len(set(anchors)) > 5
    assert "term-KL-divergence" not in anchors  # this chapter explains it
    for link in links:
        assert link.find_parent(["h1", "h2", "h3", "code", "pre", "em", "a", "table"]) is None


# Previews


@pytest.fixture(scope="module")
def stored(site) -> dict[str, str]:
    text = (site / "_static" / "book_previews.js").read_text("utf-8")
    return json.loads(text.removeprefix("window.bookPreviews = ").rstrip(";\n"))


def test_there_are_previews_of_every_kind(stored):
    for kind in ("#equation-", "#fig-", "#thm-", "bibliography.html#id", "glossary.html#term-"):
        assert any(kind in place for place in stored), kind


def test_a_preview_has_no_links_and_no_ids(stored):
    for place, html in stored.items():
        assert not re.search(r"<(a|script|button)\b| id=", html), place
        assert BeautifulSoup(html, "html.parser").get_text(strip=True), place


def test_the_pictures_of_previews_are_there(stored, site):
    sources = {
        image["src"]
        for html in stored.values()
        for image in BeautifulSoup(html, "html.parser").select("img")
    }
    assert sources
    assert not [source for source in sources if not (site / source).exists()]


def test_only_what_is_linked_to_is_stored():
    pages = {
        "a/one": '<article><a class="reference internal" href="../b/two.html#equation-x">1</a>'
        '<figure id="f"><img src="../p.png"></figure></article>',
        "b/two": '<article><div class="math" id="equation-x"><a href="#">y</a></div>'
        '<div class="math" id="equation-y">z</div></article>',
    }
    assert previews(pages) == {"b/two.html#equation-x": "y"}
    pages["b/two"] += (
        '<article><a class="reference internal" href="../a/one.html#f">2</a></article>'
    )
    assert previews(pages) == {"b/two.html#equation-x": "y"}, "one article is read of a page"
    pages["b/two"] = pages["b/two"].replace("</article><article>", "")
    assert previews(pages)["a/one.html#f"] == '<img src="p.png"/>'


@pytest.mark.parametrize("kind", ["equation", "thm", "fig", "term", "id"])
def test_a_link_shows_what_it_leads_to(page, stored, kind):
    link = page.locator(f".bd-article a.internal[href*='#{kind}']:visible").first
    link.scroll_into_view_if_needed()
    assert page.locator("#kl-preview").count() == 0
    link.hover()
    shown = page.locator("#kl-preview")
    shown.wait_for()
    assert link.get_attribute("aria-describedby") == "kl-preview"
    box = shown.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    assert len(shown.inner_text()) > 3
    shown.hover()  # a reader may move into it
    page.wait_for_timeout(400)
    assert shown.count() == 1
    page.keyboard.press("Escape")
    assert shown.count() == 0
    assert link.get_attribute("aria-describedby") is None
    page.mouse.move(5, 5)


def test_the_keyboard_shows_it_too(page):
    link = page.locator(".bd-article a:has(> .std-term)").first
    link.scroll_into_view_if_needed()
    page.mouse.move(5, 5)
    page.keyboard.press("Tab")  # from now on the focus is the keyboard's
    link.focus()
    page.locator("#kl-preview").wait_for()
    page.keyboard.press("Tab")
    page.wait_for_timeout(100)
    assert (
        page.locator("#kl-preview").count() == 0 or page.locator("[aria-describedby]").count() == 1
    )
    page.keyboard.press("Escape")


def test_the_script_is_loaded_on_use(browser, site):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(re.sub(r".*/|\?.*", "", request.url)))
    page.goto((site / CHAPTER).as_uri())
    assert "kl_previews.js" in asked
    assert "book_previews.js" not in asked
    page.close()
