"""What the book needs from Sphinx beyond its extensions.

- Exercises, solutions and proofs lose the ids that their extensions repeat on a page.
- A figure opens alone when it is tapped, loads when it comes near the screen, and has its place on
  the page before it is there.
- A full stop or comma stays on the line of the formula before it, also on a phone.
- The style sheet is told what a phone may break: outputs without columns, and tables of words,
  whose cells it puts below each other.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.images import get_image_size
from sphinx.writers.html5 import HTML5Translator

REPEATED_IDS = {"exercise-content", "solution-content", "proof-content", "proof"}
PUNCTUATION = re.compile(r"[.,;:!?)\]”’]+")
BLANKS = re.compile(r"[^\s:] {2,}\S")  # what follows a colon may be one word set off from it
LIST = re.compile(r"\[[^\]]*\]")
WORD = re.compile(r"[^\W\d_]{3,}")
PHONE = 36  # characters in a line of a table there


class DropRepeatedIds(SphinxPostTransform):
    """An id may stand on a page once; sphinx-exercise and sphinx-proof give all theirs the same."""

    default_priority = 900

    def run(self, **kwargs: Any) -> None:
        for part in self.document.findall(nodes.Element):
            # A heading called "Proof" keeps its id.
            if not (isinstance(part, nodes.section) and part.get("names")):
                part["ids"] = [i for i in part["ids"] if i not in REPEATED_IDS]


class KeepPunctuationWithMath(SphinxPostTransform):
    """Browsers may end a line between a formula and what follows it; the style sheet forbids it."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for formula in list(self.document.findall(nodes.math)):
            glue_punctuation(formula)


def glue_punctuation(formula: nodes.math) -> None:
    parent = formula.parent
    # Texts compare as strings, so only identity tells this formula's neighbour from one like it.
    place = next(i for i, child in enumerate(parent.children) if child is formula)
    after = parent.children[place + 1 : place + 2]
    if after and isinstance(after[0], nodes.Text) and (sign := PUNCTUATION.match(after[0])):
        rest = nodes.Text(after[0][sign.end() :])
        glued = nodes.inline("", "", formula, nodes.Text(sign.group()), classes=["glued"])
        parent[place : place + 2] = [glued, rest]


class MarkWhatAPhoneBreaks(SphinxPostTransform):
    default_priority = 900  # the outputs of a cell have been chosen
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for part in self.document.findall(nodes.container):
            if "cell_output" in part["classes"]:
                for text in part.findall(nodes.literal_block):
                    if has_columns(text.astext()):
                        text["classes"].append("columns")
        for table in self.document.findall(nodes.table):
            mark_table(table)


def has_columns(output: str) -> bool:
    """Are there two lines with blanks between columns? Lists of numbers have them inside."""
    return sum(bool(BLANKS.search(LIST.sub("[]", line))) for line in output.splitlines()) > 1


def mark_table(table: nodes.table) -> None:
    """Mark a table of words too wide for a phone, and tell its cells their columns' heads."""
    rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
    texts = [[cell.astext() for cell in row] for row in rows]
    longest = [[max(map(len, text.split()), default=0) for text in row] for row in texts]
    width = sum(max(column) for column in zip(*longest, strict=False))
    cells = [bool(WORD.search(text)) for row in texts[1:] for text in row]
    functions = "autosummary" in table["classes"]  # a list of them is always one
    if not functions and (width <= PHONE or 2 * sum(cells) < len(cells)):
        return
    table["classes"].append("words")
    heads = next(iter(table.findall(nodes.thead)), None)
    for row in rows[1:] if heads else ():
        for cell, head in list(zip(row, texts[0], strict=True))[1:]:
            cell["head"] = head


def visit_entry(self: HTML5Translator, node: nodes.entry) -> None:
    HTML5Translator.visit_entry(self, node)
    if node.get("head"):
        cell = self.body.pop().replace("<td", f'<td data-head="{html.escape(node["head"])}"', 1)
        self.body.append(cell)


def depart_entry(self: HTML5Translator, node: nodes.entry) -> None:
    HTML5Translator.depart_entry(self, node)


def visit_image(self: HTML5Translator, node: nodes.image) -> None:
    source = Path(self.builder.srcdir) / node["uri"]
    HTML5Translator.visit_image(self, node)
    size = get_image_size(source)
    if size is None or isinstance(node.parent, nodes.reference):
        return
    # The attributes give the proportions; the style sheet says how wide.
    attributes = f'<img width="{size[0]}" height="{size[1]}" loading="lazy" '
    image = self.body.pop().replace("<img ", attributes, 1).rstrip("\n")
    self.body.append(f'<a class="alone" href="{node["uri"]}">{image}</a>\n')


def depart_image(self: HTML5Translator, node: nodes.image) -> None:
    HTML5Translator.depart_image(self, node)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    app.add_node(nodes.entry, override=True, html=(visit_entry, depart_entry))
    app.add_post_transform(DropRepeatedIds)
    app.add_post_transform(KeepPunctuationWithMath)
    app.add_post_transform(MarkWhatAPhoneBreaks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
