"""What other extensions write, mended for who hears a page; the layout mends what the theme writes.

`tests/book/test_access.py` has axe and an HTML validator look at every page.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

MENDED = {
    # Its border is the style sheet's now.
    '<table border="1" ': "<table ",
    # docutils gives a source in the bibliography a role that ARIA gave up; its list wants items.
    'role="doc-biblioentry"': 'role="listitem"',
}

#: What pandas says of the place of text in a cell, in HTML's old words; a style sheet says it.
PLACED = re.compile(r'(<t[dh](?: [^>]*)?) (?:v|h)?align="\w+"(?=[ >])')
#: A fold of myst_nb: paragraphs, which HTML allows in no summary, under a name of their own, which
#: hides from who listens what the others read.
FOLD = re.compile(
    r'<summary aria-label="Toggle hidden content">\s*'
    r'<p (class="collapsed admonition-title")>(.*?)</p>\s*'
    r'<p (class="expanded admonition-title")>(.*?)</p>\s*</summary>'
)
FOLDED = r"<summary><span \1>\2</span><span \3>\4</span></summary>"
#: A column without a name has no head: a table's first one, an index of pandas.
EMPTY_HEAD = re.compile(r"<th(?: [^>]*)?>\s*(?:<p>\s*</p>)?\s*</th>")
#: pandas' own style of a table, which HTML allows in no text; the book's style sheet has one.
SCOPED = re.compile(r"<style scoped>.*?</style>\s*", re.DOTALL)
PATTERNS = ((SCOPED, ""), (PLACED, r"\1"), (FOLD, FOLDED), (EMPTY_HEAD, "<td></td>"))


def mend(app: Sphinx, pagename: str, _: str, context: dict[str, Any], *__: Any) -> None:
    if "body" not in context:
        return
    for wrong, right in MENDED.items():
        context["body"] = context["body"].replace(wrong, right)
    for pattern, right in PATTERNS:
        context["body"] = pattern.sub(right, context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", mend, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
