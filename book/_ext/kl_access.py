"""What other extensions write, mended for who hears a page; the layout mends what the theme writes.

`tests/book/test_access.py` has axe look at every page.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

MENDED = {
    # pandas heads the column of an unnamed index with an empty cell.
    "<th></th>": "<td></td>",
    # Its border is the style sheet's now.
    '<table border="1" ': "<table ",
    # docutils gives a source in the bibliography a role that ARIA gave up; its list wants items.
    'role="doc-biblioentry"': 'role="listitem"',
}


def mend(app: Sphinx, pagename: str, _: str, context: dict[str, Any], *__: Any) -> None:
    for wrong, right in MENDED.items():
        if "body" in context:
            context["body"] = context["body"].replace(wrong, right)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", mend, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
