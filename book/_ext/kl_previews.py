"""What a link inside the book leads to, shown where the link is.

An equation, a figure, a theorem, a cited work or a word of the glossary is read without leaving the
page. All of them that some page links to are written into one script, which `kl_previews.js` loads
when a link is first pointed at: a page opened as a file may not fetch.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

from bs4 import Tag
from kl_search import article_of
from sphinx.application import Sphinx

#: The script, and what is worth showing of a page.
SCRIPT = "book_previews.js"
SHOWN = "div.math[id], figure[id], div.proof[id], div.citation[id], dt[id^=term-]"
LINK = re.compile(r'<a class="reference internal" href="([^"#]*)#([^"]+)"')
#: Links in a preview could not be reached, and ids would stand twice on the page.
NEVER = ".headerlink, .eqno, .label, .fn-backref, .backrefs, script, noscript, [data-explorer]"


def wanted(page: str, html: str) -> set[tuple[str, str]]:
    """The places that a page links to, as (page, anchor)."""
    body = html[html.find("<article") : html.find("</article>")]
    return {
        (resolved(page, unquote(there)), unquote(anchor)) for there, anchor in LINK.findall(body)
    }


def resolved(page: str, address: str) -> str:
    """The page that an address leads to, seen from another one, without its ending."""
    if not address:
        return page
    return str(Path("/", page).parent.joinpath(address).resolve().with_suffix("")).lstrip("/")


def preview(part: Tag, page: str) -> str:
    """The inside of a part of a page, so that it can stand anywhere in the book."""
    if part.name == "dt":
        explained = part.find_next_sibling("dd")
        part = explained if isinstance(explained, Tag) else part
    for inner in part.select(NEVER):
        inner.decompose()
    for image in part.select("img"):
        image["src"] = resolved_file(page, str(image["src"]))
    for link in part.select("a"):
        link.unwrap()
    for inner in part.select("[id]"):
        del inner["id"]
    return " ".join(part.decode_contents().split())


def resolved_file(page: str, address: str) -> str:
    """Where an image lies, from the top of the site."""
    return str(Path("/", page).parent.joinpath(address).resolve()).lstrip("/")


def previews(pages: dict[str, str]) -> dict[str, str]:
    """For every place that is linked to and worth showing: `page.html#anchor`, and its HTML."""
    places = set().union(*(wanted(page, html) for page, html in pages.items()))
    found = {}
    for page in sorted({page for page, _ in places} & set(pages)):
        article = article_of(pages[page])  # without the colours of code, which no preview shows
        for part in article.select(SHOWN) if article else ():
            anchor = str(part["id"])
            if (page, anchor) in places:
                found[f"{page}.html#{anchor}"] = part
    return {place: preview(part, place.partition("#")[0]) for place, part in found.items()}


def write_previews(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    pages = {
        page: Path(app.builder.get_outfilename(page)).read_text("utf-8")  # type: ignore[attr-defined]
        for page in sorted(app.env.all_docs)
    }
    text = json.dumps(previews(pages), ensure_ascii=False, separators=(",", ":"))
    target = Path(app.outdir, "_static", SCRIPT)
    target.write_text(f"window.bookPreviews = {text};\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_css_file("kl_previews.css")
    app.add_js_file("kl_previews.js", loading_method="defer")
    app.connect("build-finished", write_previews)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
