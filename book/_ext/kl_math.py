"""Formulas are set when the book is built: KaTeX writes MathML, and the browser draws it.

A page then needs no script for its formulas, and they don't move what is below them. KaTeX comes
in the package sphinxcontrib-katex and runs in the V8 of the package mini-racer; `kl_mathml` mends
its spaces. What it does not know is a warning of the build. The font is cut down to the signs that
the pages show; `tools/math_font.py` made what it is cut from.
"""

from __future__ import annotations

import json
import re
from functools import cache
from html import unescape
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from docutils import nodes
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from kl_mathml import letter, mended
from py_mini_racer import MiniRacer
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)
KATEX = "sphinxcontrib/katex.min.js"
# An error that left V8 as an exception would keep its engine, and the build, from ending.
SET = """(tex, displayMode) => {
    const options = { displayMode, output: "mathml", strict: "error", trust: false };
    try {
        return JSON.stringify({ html: katex.renderToString(tex, options) });
    } catch (error) {
        return JSON.stringify({ error: error.rawMessage || error.message });
    }
}"""
FORMULA = re.compile(r"<math\b.*?</math>", re.DOTALL)
FONT = "kl_math.woff"
#: Always in the font: a script may show these as well, and the root is in no formula's text.
ALWAYS = "".join(map(chr, range(0x20, 0x7F))) + "αβδεηθλμνπρσφχψ∑∫∞−≤≥√"


class FormulaError(ValueError):
    """TeX that KaTeX cannot set."""


@cache
def engine() -> MiniRacer:
    """V8 with KaTeX in it; `close_engine` ends it."""
    racer = MiniRacer()
    racer.eval(Path(str(distribution("sphinxcontrib-katex").locate_file(KATEX))).read_text("utf-8"))
    racer.eval(f"const set = {SET}")
    return racer


def close_engine(*_: Any) -> None:
    if engine.cache_info().currsize:
        engine().close()
        engine.cache_clear()


@cache
def mathml(tex: str, display: bool = False) -> str:
    """A formula as a `math` element, its TeX in an annotation; `FormulaError` where it is none."""
    answer = json.loads(str(engine().call("set", tex, display)))
    if "error" in answer:
        raise FormulaError(answer["error"])
    html = re.sub(r'^<span class="katex">|</span>$', "", answer["html"])
    return mended(html.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', ""))


def lines(text: str) -> str:
    """Display TeX as Sphinx means it: blank lines part equations, and so does `\\\\` by itself."""
    parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    split = [
        rf"\begin{{split}}{part}\end{{split}}"
        if r"\\" in part and not part.startswith(r"\begin")
        else part
        for part in parts
    ]
    if len(split) == 1:
        return split[0]
    return r"\begin{aligned}" + r"\\".join(split) + r"\end{aligned}"


def set_or_warn(node: nodes.math | nodes.math_block, tex: str, display: bool = False) -> str:
    try:
        return mathml(tex, display)
    except FormulaError as error:
        logger.warning("formula %r: %s", tex, error, location=node)
        return f"<code>{nodes.Text(tex)}</code>"


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(set_or_warn(node, node.astext()) + "</span>")
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    # What comes as an environment of amsmath is set as it is.
    tex = node.astext() if node["nowrap"] else lines(node.astext())
    self.body.append(f'<div class="formula">{set_or_warn(node, tex, display=True)}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def shown(html: str) -> set[str]:
    """The characters that the formulas of a page show, italic where one letter stands alone."""
    formulas = re.sub(r"<annotation.*?</annotation>", "", "".join(FORMULA.findall(html)))
    italic = {letter(one, "ITALIC") for one in re.findall("<mi>(.)</mi>", formulas)}
    return set(unescape(re.sub(r"<[^>]+>", "", formulas))) | italic


def cut_font(app: Sphinx, exception: Exception | None) -> None:
    """Leave in the font of the site what its pages show."""
    if exception is not None or app.builder.format != "html":
        return
    used = set(ALWAYS) | {letter(sign, "ITALIC") for sign in ALWAYS}
    for page in Path(app.outdir).rglob("*.html"):
        used |= shown(page.read_text("utf-8"))
    font = TTFont(Path(app.srcdir, "book", "_static", FONT))
    subsetter = Subsetter(Options(hinting=False, layout_features=[], name_IDs=["*"]))
    subsetter.populate(text="".join(sorted(used)))
    subsetter.subset(font)
    font.save(Path(app.outdir, "_static", FONT))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("kl_math", (visit_math, None), (visit_math_block, None))
    app.connect("build-finished", cut_font)
    app.connect("build-finished", close_engine)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
