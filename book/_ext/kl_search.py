"""Search by section: an index that the browser can load from a file, too.

Sphinx's own search answers with whole pages. Here every section, exercise and documented function
is a result of its own. The index is read from the pages as written, so that it holds what readers
see, and is a script, because a page opened as a file may not fetch. `book_search.js` ranks and
shows; `search_synonyms` in `_config.yml` says which words mean the same.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx

#: Code and its output, footers of pages, the marks beside headings, wrong answers to questions.
NO_PROSE = (
    ".cell, [class*=highlight-]:not(.message), .headerlink, .toctree-wrapper, script, style, .quiz"
)
CODE = re.compile(r"<pre>.*?</pre>", re.DOTALL)
MARKS = re.compile(r"</?span[^>]*>")
#: Where a description of a function turns into tables of parameters.
DETAILS = "dl.field-list, .rubric, .rubric ~ *"
HEADING = re.compile("h[1-6]")
NAMED = re.compile(r"^(?!id\d+$)")
#: What is a result of its own: sections, documented names, exercises, paragraphs with an anchor.
PARTS = "section[id], dl.py:has(> dt[id]), div.exercise[id], p[id]:has(> strong:first-child)"
TEX_SIGNS = {
    r"\|": "‖",
    r"\mid": "|",
    r"\log": "log",
    r"\exp": "exp",
    r"\le": "≤",
    r"\ge": "≥",
    r"\to": "→",
    r"\infty": "∞",
    r"\cdot": "·",
    r"\times": "×",
    r"\varepsilon": "ε",
    r"^2": "²",
}


@dataclass
class Section:
    """One result: where it is, what it is called, and what it says."""

    page: str
    anchor: str
    heading: str
    above: str = ""
    anchors: set[str] = field(default_factory=set)
    questions: list[str] = field(default_factory=list)
    text: str = ""

    def entry(self) -> list[Any]:
        """What `book_search.js` reads, in its order."""
        return [self.page, self.anchor, self.heading, self.above, self.questions, self.text]


def plain(tex: str) -> str:
    """A short formula as it is read, or dots where letters and signs cannot show it."""
    tex = re.sub(r"^\\\(|\\\)$", "", tex.strip())
    tex = re.sub(r"\\(?:operatorname|mathrm|mathbf|text)\{([^{}]*)\}", r"\1", tex)
    tex = re.sub(r"\\[,;:! ]|\\left|\\right", "", tex)
    tex = re.sub(r"\\[a-zA-Z]+|\\\||\^2", lambda sign: letter(sign.group()), tex)
    return "…" if re.search(r"[\\{}_^]", tex) else " ".join(tex.split())


def letter(sign: str) -> str:
    if sign in TEX_SIGNS:
        return TEX_SIGNS[sign]
    size = "CAPITAL" if sign[1].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {size} LETTER {sign[1:].upper()}")
    except KeyError:
        return sign


def words_of(part: Tag) -> str:
    """The text of a heading or a section, white space and the headings' marks aside."""
    text = " ".join(part.get_text().replace("¶", "").split())
    return re.sub(r"… ?(?:… ?)+", "… ", text)


def without_colours(html: str) -> str:
    """A page without the elements that colour code: to parse them would take most of the time."""
    return CODE.sub(lambda code: MARKS.sub("", code.group()), html)


def article_of(html: str) -> Tag | None:
    """The text of a page, without the colours of code."""
    text = html[html.find("<article") : html.find("</article>")]
    return BeautifulSoup(without_colours(text), "html.parser").select_one("article")


def without_code(article: Tag) -> None:
    """Take out what is no prose, lists of links too, and make formulas readable."""
    for part in article.select(NO_PROSE):
        part.decompose()
    for link in article.select("li > p > a:only-child"):
        item = link.find_parent("li")
        if item is not None and item.get_text(strip=True) == link.get_text(strip=True):
            item.decompose()
    for formula in article.select(".math, math"):
        if formula.decomposed:
            continue
        tex = formula.select_one('annotation[encoding="application/x-tex"]') or formula
        shown = "…" if formula.name == "div" else plain(tex.get_text())
        formula.replace_with(shown)


def sections(page: str, html: str) -> Iterator[Section]:
    """Every part of a page that is found for itself, in the order of the page: see `PARTS`."""
    article = article_of(html)
    if article is None:
        return
    without_code(article)
    parts = article.select(PARTS)
    found = {id(part): described(page, part) for part in parts}
    for part in parts:
        found[id(part)].above = " › ".join(
            found[id(outer)].heading
            for outer in reversed(part.find_parents())
            if id(outer) in found
        )
    # From the innermost out: what is left of a section is its own.
    for part in reversed(parts):
        part.extract()
        for detail in part.select(DETAILS) if part.name == "dl" else ():
            detail.decompose()
        named = [part, *part.select("[id]")]
        found[id(part)].anchors = {str(inner["id"]) for inner in named if inner.has_attr("id")}
        found[id(part)].text = words_of(part)
    yield from (found[id(part)] for part in parts)


def described(page: str, part: Tag) -> Section:
    """A section without its text; its heading is taken out of the page."""
    if part.name == "dl":
        name = part.find("dt", id=True)
        assert isinstance(name, Tag)
        heading, anchor = words_of(name).partition("(")[0], str(name["id"])
        name.extract()
        return Section(page, anchor, heading)
    if part.name == "p":  # its first words, in bold, are its heading; they stay
        title = part.find("strong")
        return Section(page, str(part["id"]), words_of(title) if isinstance(title, Tag) else "")
    title = part.find("p" if part.name == "div" else HEADING, recursive=False)
    target = part.find("span", id=NAMED, recursive=False)
    heading = words_of(title) if isinstance(title, Tag) else ""
    if isinstance(title, Tag):
        title.extract()
    return Section(page, str(target["id"] if isinstance(target, Tag) else part["id"]), heading)


def questions(page: str, html: str) -> Iterator[tuple[tuple[str, str], str]]:
    """The links of a page as (page, anchor) and their words."""
    article = article_of(html)
    for link in article.select("a.internal[href*='#']") if article else ():
        there, anchor = str(link["href"]).split("#", 1)
        path = Path("/", page).parent.joinpath(unquote(there)).resolve()
        yield (str(path.with_suffix("")).lstrip("/") if there else page, anchor), words_of(link)


def write_index(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    written = {page: read(app, page) for page in sorted(app.env.all_docs)}
    index = [section for page, html in written.items() for section in sections(page, html)]
    # The first page asks what people ask, and links to the answers.
    asked = list(questions(app.config.root_doc, written[app.config.root_doc]))
    for section in index:
        section.questions = [
            words
            for (there, anchor), words in asked
            if there == section.page and anchor in {section.anchor, *section.anchors}
        ]
    content = {
        "synonyms": app.config.search_synonyms,
        "sections": [section.entry() for section in index],
    }
    target = Path(app.outdir, "_static", "book_sections.js")
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    target.write_text(f"window.bookSections = {text};\n", encoding="utf-8")


def read(app: Sphinx, page: str) -> str:
    return Path(app.builder.get_outfilename(page)).read_text("utf-8")  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("search_synonyms", [], "html", [list])
    app.add_css_file("book_search.css")
    app.add_js_file("book_search.js", loading_method="defer")
    app.connect("build-finished", write_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
