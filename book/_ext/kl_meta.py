"""What a search engine, a chat or a mail shows of a page: its title, and its first paragraph."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
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
    site = app.config.html_title or app.config.project
    context["metatags"] = context.get("metatags", "") + TAGS.format(
        description=escape(text), site=escape(site), title=escape(title)
    )


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
