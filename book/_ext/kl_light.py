"""Pages that weigh less: a dozen icons in place of a thousand.

The theme draws its icons with a script of 1.4 MB; its style sheet can do the same with a font of
150 KB, of which this keeps the glyphs that are used (4 KB). `book/_templates/layout.html` leaves
the script out.
"""

from __future__ import annotations

import re
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

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


def without_unused_icons(css: str) -> str:
    """The style sheet without the names of 1900 icons that no page has, which is a fifth of it."""

    def keep_used(rule: re.Match[str]) -> str:
        names = re.findall(r"\.fa-([a-z0-9-]+):before", rule.group())
        return rule.group() if set(names) & set(ICONS) else ""

    return re.sub(r'(?:\.fa-[a-z0-9-]+:before,?)+\{content:"\\?[^"]+"\}', keep_used, css)


def write_icons(app: Sphinx, exception: Exception | None) -> None:
    """Cut font and style sheet down, and remove what no page loads any more."""
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    css = (static / THEME_CSS).read_text("utf-8")
    (static / THEME_CSS).write_text(without_unused_icons(css), "utf-8")
    font = TTFont(static / FONT)
    subsetter = Subsetter(Options(hinting=False, notdef_outline=True))
    subsetter.populate(unicodes=glyphs(css))
    subsetter.subset(font)
    font.flavor = "woff"  # woff2 would need a package more
    font.save(static / "kl_icons.woff")
    for pattern in NEVER_ASKED_FOR:
        for path in static.glob(pattern):
            path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", write_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
