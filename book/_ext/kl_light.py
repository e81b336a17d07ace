"""Pages that weigh less: a dozen icons in place of a thousand, and text before scripts.

The theme draws its icons with a script of 1.4 MB; its style sheet can do the same with a font of
150 KB, of which this keeps the glyphs that are used (4 KB). `book/_templates/layout.html` leaves
the script out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pydata_sphinx_theme
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
FONT = "vendor/fontawesome/webfonts/fa-solid-900.ttf"
THEME_CSS = "styles/pydata-sphinx-theme.css"
#: Every icon that a page asks for by its class; tests/book/test_light.py holds it to the pages.
ICONS = (
    *("angle-left", "angle-right", "arrow-up", "bars", "chevron-down", "circle-half-stroke"),
    *("download", "file", "file-pdf", "list", "magnifying-glass", "moon", "sun"),
)
NEVER_ASKED_FOR = ("scripts/fontawesome.js", "scripts/*.map", "styles/*.map")


def glyphs(css: str) -> set[int]:
    """The code points of `ICONS`, and of those that the theme's rules put before a title
    (logos of Git services have a font of their own)."""
    of_class = {
        name: int(code, 16)
        for selectors, code in re.findall(r'([^{}]+)\{content:"\\([0-9a-f]+)"\}', css)
        for name in re.findall(r"\.fa-([a-z0-9-]+):before", selectors)
    }
    named = {of_class[name] for name in ICONS}
    of_rules = re.findall(r'--pst-(?:icon|breadcrumb)-(?!git)[a-z-]+:\s*"(.|\\[0-9a-f]+)"', css)
    return named | {int(c[1:], 16) if c.startswith("\\") else ord(c) for c in of_rules}


def write_icons(app: Sphinx, exception: Exception | None) -> None:
    """Cut the font down, and remove what no page loads any more."""
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    # From the theme itself: the site's own sheet may have been cut already.
    css = (THEME / THEME_CSS).read_text("utf-8")
    font = TTFont(THEME / FONT)
    subsetter = Subsetter(Options(hinting=False, notdef_outline=True))
    subsetter.populate(unicodes=glyphs(css))
    subsetter.subset(font)
    font.flavor = "woff"  # woff2 would need a package more
    font.save(static / "kl_icons.woff")
    for pattern in NEVER_ASKED_FOR:
        for path in static.glob(pattern):
            path.unlink()


def let_text_come_first(app: Sphinx, pagename: str, _: str, context: dict, *__: Any) -> None:
    """Scripts wait until the page is read. Sphinx's options don't: inline scripts use them."""
    for script in context["script_files"]:
        if script.filename and "documentation_options" not in str(script.filename):
            script.attributes["defer"] = "defer"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", let_text_come_first, priority=900)  # after Sphinx's own
    app.connect("build-finished", write_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
