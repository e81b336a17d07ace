"""What the pages do not carry, and what they say of themselves: kl_light.py and kl_meta.py."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from building import REPOSITORY
from docutils.core import publish_doctree
from fontTools.ttLib import TTFont

sys.path.append(str(REPOSITORY / "book" / "_ext"))
from kl_light import ICONS, glyphs, without_unused_icons
from kl_meta import LENGTH, description

#: Classes of Font Awesome that choose a style or a size.
NO_ICON = {"solid", "lg"}


@pytest.fixture(scope="module")
def texts(site: Path) -> dict[str, str]:
    """The pages that have a source, as they are written in the site."""
    return {
        path.relative_to(site).as_posix(): path.read_text("utf-8")
        for folder in ("book", "notebooks")
        for path in (site / folder).glob("*.html")
        if 'http-equiv="Refresh"' not in path.read_text("utf-8")
    }


def test_every_icon_of_every_page_is_in_the_small_font(site, texts):
    asked = {
        icon
        for text in texts.values()
        for classes in re.findall(r'class="([^"]*)"', text)
        for icon in re.findall(r"(?<!\S)fa-([a-z-]+)", classes)
    }
    assert asked - NO_ICON == set(ICONS)
    css = (site / "_static/styles/pydata-sphinx-theme.css").read_text("utf-8")
    font = TTFont(site / "_static/kl_icons.woff")
    assert glyphs(css) == set(font.getBestCmap())
    assert (site / "_static/kl_icons.woff").stat().st_size < 8000


def test_the_style_sheet_loses_unused_icons_and_nothing_else():
    used = '.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}'
    unused = '.fa-fish:before,.fa-fishes:before{content:"\\f578"}.fa-1:before{content:"1"}'
    other = ".fa-lg{font-size:1.25em}.fa-fish{color:red}a:before{content:'x'}"
    assert without_unused_icons(other + unused + used + other) == other + used + other


def test_the_style_sheet_of_the_theme_is_lighter(site):
    assert (site / "_static/styles/pydata-sphinx-theme.css").stat().st_size < 320_000


def test_the_first_address_is_a_page(site):
    text = (site / "index.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert '<html lang="en">' in text
    assert '<meta name="description" content="' in text
    assert "noindex" not in text
    assert '<noscript><meta http-equiv="Refresh" content="0; url=book/introduction.html">' in text


def test_no_page_needs_a_script_for_its_formulas(site, texts):
    assert sum("<math" in text for text in texts.values()) > 10
    assert [name for name, text in texts.items() if "mathjax" in text.lower()] == []
    assert list(site.rglob("*mathjax*")) == []


def test_no_page_asks_for_the_icon_script(site, texts):
    assert [name for name, text in texts.items() if "fontawesome" in text] == []
    assert not (site / "_static/scripts/fontawesome.js").exists()
    assert list(site.rglob("*.map")) == []


def test_every_page_says_what_it_is_about(texts):
    found = {
        name: re.findall(r'<meta (?:name|property)="(?:og:)?description" content="([^"]+)">', text)
        for name, text in texts.items()
    }
    assert {name for name, both in found.items() if len(both) != 2 or len(set(both)) != 1} == set()
    short = {name: both[0] for name, both in found.items() if not 30 < len(both[0]) < LENGTH + 60}
    assert short == {}  # characters that HTML escapes count more
    assert len({both[0] for both in found.values()}) == len(found)


def test_every_page_names_its_licence_and_its_date(texts):
    for name, text in texts.items():
        assert "https://creativecommons.org/licenses/by/4.0/" in text, name
        assert re.search(r"Last updated on \d+ [A-Z][a-z]+ 20\d\d\.", text), name


def test_a_notebook_is_downloaded_rather_than_shown(texts):
    links = re.findall(
        r'<a href="([^"]*)"([^>]*)btn-download-source-button', "".join(texts.values())
    )
    assert len(links) > 30
    assert [address for address, rest in links if not rest.startswith(" download\n")] == []


def document(text: str):
    return publish_doctree(text, settings_overrides={"doctitle_xform": False})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two words\nof text.", "Two words of text."),
        ("How far? The answer is a number,", "How far?"),  # a formula follows
        ("* an item\n\nA paragraph.", "A paragraph."),
        ("no end", "no end"),
        ("* only a list", ""),
    ],
)
def test_the_description_is_the_first_paragraph(text, expected):
    assert description(document(f"Title\n=====\n\n{text}\n")) == expected


def test_a_long_description_ends_with_a_whole_word():
    words = " ".join(f"word{i}" for i in range(100))
    cut = description(document(f"Title\n=====\n\n{words}\n"))
    assert len(cut) <= LENGTH
    assert cut.endswith(" …")
    assert words.startswith(cut[:-2] + " ")
