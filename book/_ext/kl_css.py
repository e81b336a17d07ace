"""Style sheets without the rules that no page can use: nine tenths of Bootstrap's, for one.

A rule stays if every class and id that a selector of it names stands on a page of the site or is a
word of one of its scripts, which may set it. Rules without either stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import tinycss2
from sphinx.application import Sphinx

NESTED = ("media", "supports", "layer", "container")
ATTRIBUTE = re.compile(r"""\s(?:class|id)=(?:"([^"]*)"|'([^']*)')""")
#: Scripts that hold the text of the book and set no class.
TEXTS = ("book_sections.js", "searchindex.js")
#: What a selector says of other elements, or in strings, does not decide.
ASIDE = re.compile(r"\[[^\]]*\]|:(?:not|is|where|has)\([^()]*(?:\([^()]*\)[^()]*)*\)")
#: What scripts put names together from: `bs-tooltip-${place}`, "kl-" + kind.
START = re.compile(r"""([A-Za-z][\w-]+-)(?:\$\{|["'`]\s*\+)""")
NAME = re.compile(r"[.#](-?[A-Za-z_][\w-]*)")


def names_in(pages: Iterable[str], scripts: Iterable[str]) -> set[str]:
    """Classes and ids of the pages, every word of the scripts, and starts of words, "kl-"."""
    found = set()
    for page in pages:
        for double, single in ATTRIBUTE.findall(page):
            found.update((double or single).split())
    for script in scripts:
        found.update(re.findall(r"[A-Za-z_][\w-]*", script), START.findall(script))
    return found


def used(selector: str, names: set[str]) -> bool:
    return "\\" in selector or all(
        name in names or any(name[:end] in names for end in ends(name))
        for name in NAME.findall(ASIDE.sub("", selector))
    )


def ends(name: str) -> Iterator[int]:
    """Where the parts of a name end that a hyphen ends."""
    yield from (found.end() for found in re.finditer("-", name))


def selectors(prelude: list[Any]) -> Iterator[str]:
    """The parts of a list of selectors, which commas part."""
    part: list[Any] = []
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            yield tinycss2.serialize(part)
            part = []
        else:
            part.append(token)
    yield tinycss2.serialize(part)


def without_unused(css: str, names: set[str]) -> str:
    """A style sheet without the selectors, rules and groups that none of `names` can match."""
    return "".join(kept(tinycss2.parse_stylesheet(css, True, True), names))


def kept(rules: list[Any], names: set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            matching = [part for part in selectors(rule.prelude) if used(part, names)]
            if matching:
                yield f"{','.join(matching)}{{{tinycss2.serialize(rule.content)}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in NESTED and rule.content:
            inside = "".join(kept(tinycss2.parse_rule_list(rule.content, True, True), names))
            if inside:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inside}}}"
        else:
            yield rule.serialize()


def lighten(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    names = names_in(
        (path.read_text("utf-8") for path in site.rglob("*.html")),
        (path.read_text("utf-8") for path in site.rglob("*.js") if path.name not in TEXTS),
    )
    for sheet in (site / "_static").rglob("*.css"):
        sheet.write_text(without_unused(sheet.read_text("utf-8"), names), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", lighten, priority=950)  # after all that writes pages
    return {"parallel_read_safe": True, "parallel_write_safe": True}
