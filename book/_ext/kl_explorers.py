"""Explorers: figures that move, drawn by the scripts of `book/_static/explorers`.

In a page ```` ```{explorer} discrete ```` with a caption below it makes a figure that
`discrete.js` fills, numbered as any other, which `` {numref}`explorer-discrete` `` refers to. Where
there is no JavaScript it shows `discrete.svg`, which `tools/explorer_pictures.py` takes from the
explorer itself, and so do formats other than HTML. Only pages with explorers load their scripts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

#: From the source folder, and, less the first two parts, from the site's `_static`.
FOLDER = "book/_static/explorers"
SCRIPTS = ("kl_numbers.js", "kl_drawing.js", "kl_explorer.js")
STYLE = "kl_explorer.css"


class explorer(nodes.General, nodes.Element):  # noqa: N801 (as docutils names its nodes)
    """What the scripts fill; it holds the picture."""


class Explorer(SphinxDirective):
    """A figure with an explorer; the body is its caption, `alt` says what its picture shows."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        (name,) = self.arguments
        missing = [
            file
            for file in (f"{name}.js", f"{name}.svg")
            if not Path(self.env.srcdir, FOLDER, file).is_file()
        ]
        if missing:
            return [self._problem(f"explorer {name!r} has no {FOLDER}/{missing[0]}")]
        if "alt" not in self.options or not self.content:
            return [self._problem(f"explorer {name!r} needs :alt: and a caption")]
        picture = nodes.image(uri=f"/{FOLDER}/{name}.svg", alt=self.options["alt"])
        picture["classes"].append("explorer-still")
        (caption,) = self.parse_inline_caption()
        figure = nodes.figure("", explorer("", picture, name=name), caption, classes=["explorer"])
        figure["names"].append(f"explorer-{name}")
        self.state.document.note_explicit_target(figure, figure)
        self.set_source_info(figure)
        return [figure]

    def parse_inline_caption(self) -> list[nodes.caption]:
        text = " ".join(self.content)
        parsed, messages = self.state.inline_text(text, self.lineno)
        return [nodes.caption(text, "", *parsed, *messages)]

    def _problem(self, message: str) -> nodes.Node:
        return self.state.document.reporter.warning(message, line=self.lineno)


def open_explorer(self: Any, node: explorer) -> None:
    self.body.append(f'<div data-explorer="{node["name"]}"><noscript>')


def close_explorer(self: Any, node: explorer) -> None:
    self.body.append("</noscript></div>\n")


def as_picture(self: Any, node: explorer) -> None:
    """Other formats show what the node holds."""


def add_scripts(
    app: Sphinx, pagename: str, _: str, context: dict, document: nodes.document | None
) -> None:
    names = [node["name"] for node in document.findall(explorer)] if document else []
    if names:
        app.add_css_file(f"explorers/{STYLE}")
        for script in (*SCRIPTS, *(f"{name}.js" for name in dict.fromkeys(names))):
            app.add_js_file(f"explorers/{script}", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    other = dict.fromkeys(("latex", "text", "man", "texinfo"), (as_picture, as_picture))
    app.add_node(explorer, html=(open_explorer, close_explorer), **other)
    app.add_directive("explorer", Explorer)
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
