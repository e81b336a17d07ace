"""A term of the glossary becomes a link where a page first uses it.

So chapters need no marks for it, and a new entry of `book/glossary.md` is linked everywhere.
A page that explains a word itself, which sets it in italics, keeps it without a link, and so do
headings, code, and words that are links already. `glossary_common_words` in `_config.yml` has the
entries that everyday sentences use in other meanings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

PAGES = "notebooks/"
#: What is no running text, or says its words in a special way.
NOT_IN = (
    *(nodes.title, nodes.literal, nodes.literal_block, nodes.reference, nodes.math, nodes.strong),
    *(nodes.math_block, nodes.raw, nodes.caption, nodes.table, nodes.rubric),
    *(addnodes.pending_xref, addnodes.download_reference),
)


def pattern(term: str) -> re.Pattern[str]:
    """A term in a sentence: with a capital, in the plural, but not as a part of another word."""
    first = f"[{term[0].upper()}{term[0]}]"  # of one that begins with a capital, twice the same
    return re.compile(rf"(?<![\w-]){first}{re.escape(term[1:])}(?:s|es)?(?![\w-])")


class LinkTerms(SphinxPostTransform):
    """Before the references are resolved, so that these are resolved with them."""

    default_priority = 5
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        if not self.env.docname.startswith(PAGES):
            return
        for term in sorted(self.terms(), key=len, reverse=True):  # "log odds" before "odds"
            self.link_first(term)

    def terms(self) -> Iterator[str]:
        common = set(self.config.glossary_common_words)
        for name, _, kind, *_ in self.env.get_domain("std").get_objects():
            if kind == "term" and name not in common:
                yield name

    def link_first(self, term: str) -> None:
        wanted = pattern(term)
        for text in self.document.findall(nodes.Text):
            found = wanted.search(text)
            if found is None or inside(text, NOT_IN):
                continue
            if not inside(text, (nodes.emphasis,)):  # the page's own explanation of the word
                link(text, found, term)
            return


def inside(text: nodes.Text, kinds: tuple[type[nodes.Node], ...]) -> bool:
    parent = text.parent
    while parent is not None:
        if isinstance(parent, kinds):
            return True
        parent = parent.parent
    return False


def link(text: nodes.Text, found: re.Match[str], term: str) -> None:
    """Put a link to the glossary in the place of the words that were found."""
    words = nodes.inline("", found.group(), classes=["xref", "std", "std-term"])
    reference = addnodes.pending_xref(
        "", words, refdomain="std", reftype="term", reftarget=term, refexplicit=True, refwarn=True
    )
    before, after = text[: found.start()], text[found.end() :]
    parts = [nodes.Text(before), reference, nodes.Text(after)]
    # Texts compare as strings, so only identity tells this one from one like it.
    parent = text.parent
    place = next(i for i, child in enumerate(parent.children) if child is text)
    parent[place : place + 1] = [part for part in parts if part.astext()]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("glossary_common_words", [], "env", [list])
    app.add_post_transform(LinkTerms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
