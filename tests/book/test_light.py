"""What pages do not carry, and what they say of themselves: kl_light.py, kl_css.py, kl_meta.py."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from building import REPOSITORY
from docutils.core import publish_doctree
from fontTools.ttLib import TTFont

sys.path.append(str(REPOSITORY / "book" / "_ext"))
from kl_css import names_in, without_unused
from kl_light import ICONS, THEME, glyphs
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
    css = (THEME / "styles/pydata-sphinx-theme.css").read_text("utf-8")
    font = TTFont(site / "_static/kl_icons.woff")
    assert glyphs(css) == set(font.getBestCmap())
    assert (site / "_static/kl_icons.woff").stat().st_size < 8000


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        (".on{color:red}", ".on{color:red}"),
        (".off{color:red}", ""),
        (".on, .off > a,#here{x:y}", ".on,#here{x:y}"),
        (".on.off{x:y}#gone{x:y}p > a{x:y}", "p > a{x:y}"),
        (".on:not(.off){x:y}.on:is(.a,.b) i{x:y}", ".on:not(.off){x:y}.on:is(.a,.b) i{x:y}"),
        ('a[href$=".off"]{x:y}', 'a[href$=".off"]{x:y}'),
        ("@media print{.off{x:y}}", ""),
        ("@media (width>9px){.off{x:y}.on{x:y}}", "@media (width>9px){.on{x:y}}"),
        ("@font-face{src:url(a.b)}", "@font-face{src:url(a.b)}"),
        ("@keyframes spin{from{x:y}}", "@keyframes spin{from{x:y}}"),
        (":root{--off:1}.by-script{x:y}", ":root{--off:1}.by-script{x:y}"),
        (".-Color-Red{x:y}", ""),  # "-" is a sign of scripts, and no start of a name
        (".tip-top{x:y}.kl-bar{x:y}.other-bar{x:y}", ".tip-top{x:y}.kl-bar{x:y}"),
    ],
)
def test_a_style_sheet_loses_what_nothing_can_match(css, expected):
    page = "<p class=\"on other\" id='here'>off</p>"
    script = (
        'part.classList.add("by-script"); a.className = `tip-${place}`; b = "kl-" + kind; 2 - 1'
    )
    assert without_unused(css, names_in([page], [script])) == expected


def test_every_class_of_every_page_keeps_its_rules(site, texts):
    """The theme's own sheet says what there is; a class that stands on a page has lost nothing."""
    whole = (THEME / "styles/pydata-sphinx-theme.css").read_text("utf-8")
    cut = (site / "_static/styles/pydata-sphinx-theme.css").read_text("utf-8")
    on_pages = {
        name
        for text in texts.values()
        for classes in re.findall(r'class="([^"]*)"', text)
        for name in classes.split()
    }
    alone = re.compile(r"[{},]\.([a-z][a-z0-9-]*)(?=[{,])")
    assert len(on_pages & set(alone.findall(whole))) > 40
    assert on_pages & set(alone.findall(whole)) == on_pages & set(alone.findall(cut))


def test_style_sheets_are_light(site):
    sheets = sum(path.stat().st_size for path in (site / "_static").rglob("*.css"))
    assert sheets < 250_000  # 490,000 as the theme and the extensions bring them


def test_a_chapter_is_light(site, texts):
    """All that its first view loads, pictures near it included, is well below a megabyte."""
    page = BeautifulSoup(texts["notebooks/02_from_entropy_to_kl.html"], "html.parser")
    assets = [tag.get("src") or tag.get("href") for tag in page.select("script[src], link[href]")]
    local = {a.split("?")[0] for a in assets if a.startswith("../_static/")}
    assert len(local) > 20
    weight = sum((site / "notebooks" / address).stat().st_size for address in local)
    assert weight + len(texts["notebooks/02_from_entropy_to_kl.html"].encode()) < 700_000


def test_text_comes_before_scripts(texts):
    for name, text in texts.items():
        scripts = re.findall(r"<script [^>]*src=[^>]*>", text)
        waiting = [script for script in scripts if "defer" in script]
        assert len(waiting) > 6, name
        assert [s for s in scripts if "documentation_options" not in s] == waiting, name


def test_no_script_is_asked_for_before_the_style_sheets(texts):
    """A script that is preloaded shares a slow line with what the first drawing waits for."""
    for name, text in texts.items():
        first_script = text.index("bootstrap.js")
        assert first_script > text.rindex('rel="stylesheet"'), name
        assert not re.search(r"<link [^>]*preload", text), name


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
