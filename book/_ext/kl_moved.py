"""Addresses of pages that were renamed, and of parts that went to another page, go on working.

`_config.yml` names them under `moved_pages`: the old page and the new one, and, where only parts of
a page went away, the anchors that these had:

    moved_pages:
      notebooks/09_old: notebooks/10_new
      notebooks/08_whole:
        notebooks/09_part: [sec-first, fig-second]

At the old address of a renamed page the built site has a small page that leads on, anchor included.
It needs no server, and without JavaScript it leads to the top of the new page. A page that lost
parts sends whoever asks for one of their anchors after it.
"""

from __future__ import annotations

import json
from html import escape
from os.path import relpath
from pathlib import Path, PurePosixPath
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

NO_INDEX = '<meta name="robots" content="noindex">'
LEADS_ON = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="canonical" href="{address}">
<script>location.replace("{address}" + location.hash);</script>
<noscript><meta http-equiv="Refresh" content="0; url={address}"></noscript>
</head>
<body><p>This page has moved: <a href="{address}">{title}</a></p></body>
</html>
"""
#: Also when an anchor is asked for on the page itself, by a link or by hand.
FOLLOW = """(() => {{
    const moved = {moved};
    const follow = () => {{
        const page = moved[location.hash.slice(1)];
        if (page) location.replace(page + location.hash);
    }};
    addEventListener("hashchange", follow);
    follow();
}})();"""


def address(here: str, there: str) -> str:
    """The relative address of a page on another one, both without their ending."""
    return f"{PurePosixPath(relpath(there, PurePosixPath(here).parent))}.html"


def parts_gone(app: Sphinx, pagename: str, *_: Any) -> None:
    """Give a page that lost parts the script that follows them."""
    where = app.config.moved_pages.get(pagename)
    if isinstance(where, dict):
        moved = {part: address(pagename, new) for new, parts in where.items() for part in parts}
        app.add_js_file(None, body=FOLLOW.format(moved=json.dumps(moved)))


def write_old_pages(app: Sphinx, exception: Exception | None) -> None:
    """Write what stands at the old addresses; warn of an old page that is there and a new one not.

    The warning makes `jupyter-book build -W` fail.
    """
    if exception is not None or app.builder.format != "html":
        return
    for old, new in app.config.moved_pages.items():
        for fault in faults(app.env.all_docs, old, new):
            logging.getLogger(__name__).warning("moved_pages in _config.yml: %s", fault)
        if isinstance(new, str) and new in app.env.titles and old not in app.env.all_docs:
            page = LEADS_ON.format(
                language=app.config.language,
                title=escape(app.env.titles[new].astext()),
                address=address(old, new),
            )
            path = Path(app.outdir, f"{old}.html")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")


def faults(pages: Any, old: str, new: str | dict[str, list[str]]) -> list[str]:
    """What is wrong with one entry: a page that is needed is not there, or one is in the way."""
    if isinstance(new, str):
        found = [f"{old} is a page of the book"] if old in pages else []
        needed = [new]
    else:
        found, needed = [], [old, *new]
    return found + [f"there is no page {name}" for name in needed if name not in pages]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("moved_pages", {}, "html", [dict])
    app.connect("html-page-context", parts_gone)
    app.connect("build-finished", write_old_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
