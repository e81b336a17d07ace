"""The book as one PDF: `make pdf` prints the built pages, joined, with the installed browser.

    python tools/pdf.py _build/html _build/kl_book.pdf

Every page that the table of contents names becomes a chapter: its article, with ids that no other
page has, so that links between pages become links inside the PDF. No script runs, so that explorers
stay the pictures they begin as and nothing is folded. It is printed twice: the first time tells on
which page each chapter begins.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import chromium
import pikepdf
from bs4 import BeautifulSoup, SoupStrainer, Tag

NO_BROWSER = "make pdf needs a browser: install Chromium (apt-get install chromium) or Chrome"
#: What belongs to a screen.
ON_SCREENS = "script, .headerlink, .toctree-wrapper, button, .sd-tab-set > input"
#: Parts of code in the colour of text. Each would be an element of the PDF, 100,000 of them.
PLAIN_CODE = "pre :is(span.n, span.nn, span.p, span.w)"
STYLE = """
/* A blurred shadow would be printed as a picture. */
#book * { box-shadow: none !important; text-shadow: none !important; will-change: auto !important; }
body, .bd-article { font-size: 9.5pt; }
body { display: block; min-height: 0; }
article.bd-article { max-width: none; padding: 0; break-before: page; }
.bd-article h1 { font-size: 20pt; } .bd-article h2 { font-size: 14pt; }
.bd-article h3 { font-size: 11.5pt; }
.bd-article div.cell pre, .bd-article div.highlight pre { font-size: 7.5pt; }
.bd-article :is(.cell_input, .cell_output, .math, .admonition-title) { break-inside: avoid; }
.bd-article a.alone { max-width: 12.5cm; }
.bd-article a, .bd-article a:visited { text-decoration: none; }
.sd-tab-set { display: block; }
.sd-tab-set > .sd-tab-content { display: block; }
.admonition.dropdown > :not(.admonition-title) { display: block; visibility: visible; }
#title-page { height: 23cm; display: flex; flex-direction: column; justify-content: center; }
#title-page h1 { font-size: 34pt; margin: 0 0 1cm; } #title-page p { font-size: 13pt; }
#contents { break-before: page; line-height: 1.4; } /* on one page */
#contents li { margin: 0; display: flex; }
#contents a { text-decoration: none; }
#contents .dots { flex: 1; border-bottom: 1.5px dotted #999; margin: 0 0.5em 0.35em; }
"""
FOOTER = (
    '<div style="font: 8pt sans-serif; color: #555; width: 100%; text-align: center">'
    '<span class="pageNumber"></span></div>'
)


def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def pages_in_order(site: Path) -> list[str]:
    """The pages of the sidebar, from the first on."""
    first = parsed(site / "index.html").select_one("noscript meta[http-equiv=Refresh]")
    assert first is not None
    root = str(first["content"]).partition("url=")[2]
    links = parsed(site / root).select("nav.bd-links a.reference.internal")
    found = [
        posixpath.normpath(posixpath.join(posixpath.dirname(root), str(a["href"]))) for a in links
    ]
    inside = [name for name in found if (site / name).is_file()]
    return list(dict.fromkeys([root, *inside]))


def anchor(page: str, name: str = "") -> str:
    """The id, in the whole, of a page or of a place on it."""
    return "--".join(filter(None, (page.removesuffix(".html").replace("/", "-"), name)))


def chapter(site: Path, page: str, pages: list[str]) -> Tag:
    """The article of a page, made to stand beside those of the others."""
    article = parsed(site / page).select_one("article.bd-article")
    assert article is not None
    for part in article.select(ON_SCREENS):
        part.decompose()
    for part in article.select(PLAIN_CODE):
        part.unwrap()
    for part in article.select("details"):
        part["open"] = ""
    for part in article.select("[id]"):
        part["id"] = anchor(page, str(part["id"]))
    article["id"] = anchor(page)
    for image in article.select("img[src]"):
        image["src"] = (site / posixpath.dirname(page) / unquote(str(image["src"]))).as_uri()
        del image["loading"]
    for link in article.select("a[href]"):
        lead_inside(link, page, pages)
    return article


def lead_inside(link: Tag, page: str, pages: list[str]) -> None:
    """A link to another page leads to its chapter; one to a file leads nowhere from a PDF."""
    parts = urlsplit(str(link["href"]))
    if parts.scheme:
        return
    path = posixpath.join(posixpath.dirname(page), unquote(parts.path))
    target = posixpath.normpath(path) if parts.path else page
    if target in pages:
        link["href"] = f"#{anchor(target, unquote(parts.fragment))}"
    else:
        del link["href"]


def style_sheets(site: Path, pages: list[str]) -> str:
    """Links to those of all pages; some pages have one of their own."""
    links = SoupStrainer("link", rel="stylesheet")
    addresses = [
        (site / posixpath.dirname(page) / urlsplit(str(link["href"])).path).resolve().as_uri()
        for page in pages
        for link in BeautifulSoup((site / page).read_text("utf-8"), "html.parser", parse_only=links)
    ]
    unique = dict.fromkeys(addresses)
    return "".join(f'<link rel="stylesheet" href="{address}">' for address in unique)


def joined(site: Path, pages: list[str]) -> str:
    """All pages as one, behind a title page and a list of contents."""
    chapters = [chapter(site, page, pages) for page in pages]
    first = parsed(site / pages[0])
    name = str(first.select_one("meta[property='og:site_name']")["content"])  # type: ignore[index]
    about = first.select("footer.bd-footer-content .footer-item")
    lines = "".join(f"<p>{' '.join(part.get_text().split())}</p>" for part in about)
    titles = [str(part.select_one("h1").decode_contents()) for part in chapters]  # type: ignore[union-attr]
    contents = "".join(
        f'<li><a href="#{anchor(page)}">{title}</a><span class="dots"></span>'
        f"<!--page of {anchor(page)}--></li>"
        for page, title in zip(pages, titles, strict=True)
    )
    return (
        f'<!DOCTYPE html><html id="book" lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8"><title>{name}</title>{style_sheets(site, pages)}'
        f"<style>{STYLE}</style></head><body>"
        f'<div id="title-page"><h1>{name}</h1>{lines}</div>'
        f'<nav id="contents"><h1>Contents</h1><ul>{contents}</ul></nav>'
        f'<main class="bd-content">{"".join(map(str, chapters))}</main></body></html>'
    )


def with_page_numbers(book: str, first_pages: dict[str, int]) -> str:
    """The contents with the page on which each chapter begins."""
    return re.sub(r"<!--page of (.+?)-->", lambda found: str(first_pages[found[1]]), book)


def first_pages(document: pikepdf.Pdf) -> dict[str, int]:
    """From the ids that links lead to, to pages."""
    numbers = {page.objgen: number for number, page in enumerate(document.pages, start=1)}
    places = document.Root.Dests.items()
    return {name.removeprefix("/"): numbers[place[0].objgen] for name, place in places}


def print_book(book: str, target: Path) -> None:
    """Print a page of HTML to `target`, without running its scripts."""
    from playwright.sync_api import sync_playwright

    program = chromium.program()
    if program is None:
        sys.exit(NO_BROWSER)
    whole = target.with_suffix(".html")
    whole.write_text(book, "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=chromium.ARGUMENTS)
        page = browser.new_context(java_script_enabled=False, color_scheme="light").new_page()
        page.goto(whole.resolve().as_uri(), timeout=300_000)
        page.pdf(
            path=target,
            format="A4",
            margin={"top": "1.8cm", "bottom": "1.8cm", "left": "2cm", "right": "2cm"},
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
            tagged=True,
            outline=True,
        )
        browser.close()
    whole.unlink()


def headings(book: str) -> list[str]:
    """The texts of all headings, in order."""
    only = SoupStrainer(["h1", "h2", "h3", "h4", "h5", "h6"])
    found = BeautifulSoup(book, "html.parser", parse_only=only)
    return [" ".join(part.get_text().split()) for part in found.find_all(recursive=False)]


def entries(items: list[pikepdf.OutlineItem]) -> list[pikepdf.OutlineItem]:
    """Those of an outline in order, without its levels."""
    return [entry for item in items for entry in (item, *entries(item.children))]


def write_pdf(site: Path, target: Path, pages: list[str] | None = None) -> None:
    """Print the book in `site`, or some of its pages, to `target`."""
    book = joined(site.resolve(), pages or pages_in_order(site))
    print_book(book, target)
    with pikepdf.open(target) as document:
        numbers = first_pages(document)
    print_book(with_page_numbers(book, numbers), target)
    with pikepdf.open(target, allow_overwriting_input=True) as document:
        # Chromium forgets the blank at a line's end, and says twice what begins a page.
        with document.open_outline() as outline:
            for entry, title in zip(entries(outline.root), headings(book), strict=True):
                entry.title = title
        # Half of the size: the tags are 100,000 small objects.
        document.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Usage: python tools/pdf.py SITE TARGET.pdf")
    write_pdf(Path(sys.argv[1]), Path(sys.argv[2]))
