"""What a search engine, a chat or a mail shows of a page: its title, and its first paragraph.

The first address of the book is a page too, which leads on to the introduction.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from kl_moved import LEADS_ON, NO_INDEX
from sphinx.application import Sphinx

#: What is shown of a description is cut at about this many characters.
LENGTH = 200
TAGS = """
<meta name="description" content="{description}">
<meta property="og:type" content="article">
<meta property="og:site_name" content="{site}">
<meta property="og:title" content="{title}">
<meta property="og:description" content="{description}">
"""


def description(document: nodes.document) -> str:
    """The words that a page begins with, at most `LENGTH` characters of them."""
    for paragraph in document.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section):
            return shortened(" ".join(paragraph.astext().split()))
    return ""


def shortened(text: str) -> str:
    """No sentence is begun that a formula below would end; the rest is cut after a word."""
    if text.endswith((",", ":")) and (whole := re.match(r".*[.?!](?= )", text)):
        text = whole.group()
    if len(text) <= LENGTH:
        return text
    return text[: LENGTH - 2].rpartition(" ")[0].rstrip(",;:") + " …"


def describe(
    app: Sphinx, pagename: str, _: str, context: dict, document: nodes.document | None
) -> None:
    if document is None or not (text := description(document)):
        return
    title = app.env.titles[pagename].astext()
    context["metatags"] = context.get("metatags", "") + TAGS.format(
        description=escape(text), site=escape(app.config.html_title), title=escape(title)
    )


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """sphinx_external_toc writes a line without title, language or doctype."""
    if exception is not None or app.builder.format != "html":
        return
    root = app.config.root_doc
    page = LEADS_ON.format(
        language=app.config.language, title=escape(app.config.html_title), address=f"{root}.html"
    )
    about = escape(description(app.env.get_doctree(root)))
    head = f'<meta name="description" content="{about}">'
    page = page.replace(NO_INDEX, head).replace("This page has moved: ", "")
    Path(app.outdir, "index.html").write_text(page, "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", describe)
    app.connect("build-finished", write_index, priority=900)  # after sphinx_external_toc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
