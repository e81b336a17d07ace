"""Formulas as the build sets them: book/_ext/kl_math.py, kl_mathml.py and the font of the site."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from building import REPOSITORY
from fontTools.ttLib import TTFont

sys.path.append(str(REPOSITORY / "book" / "_ext"))
from kl_math import FormulaError, close_engine, lines, mathml, shown
from kl_mathml import letter

THIN = '<mspace width="0.1667em"></mspace>'


@pytest.fixture(scope="module")
def row() -> Iterator[Callable[[str], str]]:
    """The MathML of a formula, without what is around and what names its source."""

    def inner(tex: str) -> str:
        found = re.fullmatch(
            r"<math><semantics><mrow>(.*)</mrow><annotation.*</annotation></semantics></math>",
            mathml(tex),
        )
        assert found
        return found[1].replace("\u2061", "@")

    yield inner
    close_engine()


def test_a_formula_carries_its_source(row):
    assert mathml(r"p < q") == (
        "<math><semantics><mrow><mi>p</mi><mo>&lt;</mo><mi>q</mi></mrow>"
        '<annotation encoding="application/x-tex">p &lt; q</annotation></semantics></math>'
    )
    assert mathml("x", display=True).startswith('<math display="block">')


@pytest.mark.parametrize(
    ("tex", "said"),
    [(r"\nosuchmacro", "Undefined control sequence"), (r"\frac{1}", "end of input"), ("}", "got")],
)
def test_what_is_no_formula_is_an_error(row, tex, said):
    with pytest.raises(FormulaError, match=said):
        mathml(tex)


@pytest.mark.parametrize(
    ("tex", "spaced"),
    [
        # TeX's rules: thin space between a function and its neighbours, none before a bracket.
        (r"\log x", "<mi>log</mi><mo>@</mo>" + THIN + "<mi>x</mi>"),
        (r"a\log", "<mi>a</mi>" + THIN + "<mi>log</mi><mo>@</mo>"),
        (r"\log = a", "<mi>log</mi><mo>@</mo><mo>=</mo><mi>a</mi>"),
        (r"\log(", '<mi>log</mi><mo>@</mo><mo stretchy="false">(</mo>'),
        (r"\log_2 x", "<mn>2</mn></msub>" + THIN + "<mi>x</mi>"),
        # A sign with nothing before it stands close.
        ("-x", '<mo lspace="0em" rspace="0em">−</mo><mi>x</mi>'),
        ("a=-x", '<mo>=</mo><mo lspace="0em" rspace="0em">−</mo><mi>x</mi>'),
        ("a-x", "<mi>a</mi><mo>−</mo><mi>x</mi>"),
        (r"\left(a\right)-x", "</mrow><mo>−</mo><mi>x</mi>"),
        (r"{}-x", "<mrow></mrow><mo>−</mo><mi>x</mi>"),
        (r"(\cdot)", '<mo lspace="0em" rspace="0em">⋅</mo><mo stretchy="false">)</mo>'),
        # Bars around something are no relation, and := is one sign.
        (r"\lvert x\rvert", '<mo stretchy="false" lspace="0em" rspace="0em">∣</mo><mi>x</mi>'),
        ("a=:b", '<mo rspace="0em">=</mo><mo lspace="0em">:</mo>'),
        (r"a\!b", "<mi>a</mi><mi>b</mi>"),
        (r"\widehat{\operatorname{KL}}", '<mi mathvariant="normal">KL</mi><mo stretchy="true">^'),
        (r"\bigr)^2", "<msup><mrow><mo fence"),
        ("f'", '<mi>f</mi><mpadded voffset="-0.35em" height="0.9em"><mstyle scriptlevel="0"><mo'),
        (r"\mathbb{E}_p", "<msub><mi>𝔼</mi><mi>p</mi></msub>"),
    ],
)
def test_a_formula_is_spaced_as_in_tex(row, tex, spaced):
    assert spaced in row(tex)


@pytest.mark.parametrize(
    ("sign", "variant", "expected"),
    [
        ("E", "DOUBLE-STRUCK", "\U0001d53c"),
        ("R", "DOUBLE-STRUCK", "\u211d"),
        ("L", "SCRIPT", "\u2112"),
        ("N", "SCRIPT", "\U0001d4a9"),
        ("x", "BOLD", "\U0001d431"),
        ("7", "BOLD", "\U0001d7d5"),
        ("h", "ITALIC", "\u210e"),
        ("α", "ITALIC", "\U0001d6fc"),
        ("ϕ", "ITALIC", "\U0001d719"),
        ("+", "ITALIC", "+"),
    ],
)
def test_letters_have_the_code_points_of_unicode(sign, variant, expected):
    assert letter(sign, variant) == expected


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("x = 1", "x = 1"),
        (r"x \\ y", r"\begin{split}x \\ y\end{split}"),
        (r"\begin{aligned}x \\ y\end{aligned}", r"\begin{aligned}x \\ y\end{aligned}"),
        ("x\n\ny", r"\begin{aligned}x\\y\end{aligned}"),
    ],
)
def test_blank_lines_part_equations(text, tex):
    assert lines(text) == tex


def test_shown_are_the_signs_of_formulas_alone():
    html = "<p>Z</p><math><mi>x</mi><mi>log</mi><mo>&lt;</mo><annotation>T</annotation></math>"
    assert shown(html) == set("xlog<") | {"\U0001d465"}


# The built book


@pytest.fixture(scope="module")
def formulas(site: Path) -> list:
    pages = [path.read_text("utf-8") for path in (site / "notebooks").glob("*.html")]
    found = [part for page in pages for part in re.findall("<math.*?</math>", page, re.DOTALL)]
    return [BeautifulSoup(part, "html.parser").math for part in found]


def test_the_font_of_the_site_has_every_sign_and_no_more_weight_than_that(site, formulas):
    font = TTFont(site / "_static" / "kl_math.woff")
    text = set()
    for formula in formulas:
        parts = formula.find_all(["mi", "mo", "mn", "mtext"])
        text |= {sign for part in parts for sign in part.get_text()}
    missing = {sign for sign in text if ord(sign) not in font.getBestCmap()}
    # Spaces and invisible operators are drawn by no glyph of a font.
    assert {sign for sign in missing if sign.isprintable()} == set()
    assert any(formula.find("msqrt") for formula in formulas)
    assert ord("√") in font.getBestCmap()
    assert "MATH" in font
    assert "SIL Open Font License" in font["name"].getDebugName(13)
    assert (site / "_static" / "kl_math.woff").stat().st_size < 50_000


def test_every_root_sign_takes_the_same_room(site):
    """Chromium keeps that of the widest beside each."""
    font = TTFont(site / "_static" / "kl_math.woff")
    variants = font["MATH"].table.MathVariants
    index = variants.VertGlyphCoverage.glyphs.index(font.getBestCmap()[ord("√")])
    signs = variants.VertGlyphConstruction[index].MathGlyphVariantRecord
    assert len(signs) > 2
    assert len({font["hmtx"][sign.VariantGlyph][0] for sign in signs}) == 1


def test_every_formula_has_its_source(formulas):
    assert len(formulas) > 900
    assert [
        formula for formula in formulas if not formula.select_one("annotation").get_text()
    ] == []


def test_a_numbered_formula_has_number_link_and_place(site):
    page = BeautifulSoup((site / "notebooks/02_from_entropy_to_kl.html").read_text(), "html.parser")
    numbered = page.select("div.math:has(> .eqno)")
    assert len(numbered) > 5
    for place, formula in enumerate(numbered, start=1):
        assert formula["id"].startswith("equation-")
        assert formula.select_one(".eqno").get_text().startswith(f"(2.{place})")
        assert formula.select_one(".eqno a")["href"] == f"#{formula['id']}"
        assert formula.select_one(".formula > math[display=block]")
