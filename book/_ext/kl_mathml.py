"""What KaTeX's MathML leaves to renderers that know TeX, written out for browsers that don't.

KaTeX spaces its HTML by TeX's rules and its MathML hardly. Browsers go by MathML's dictionary of
operators, which lets "log p" touch and spreads the minus of "= −x". And MathML Core knows bold or
double-struck letters as characters of their own only.
"""

from __future__ import annotations

import re
import unicodedata
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

#: Variants that KaTeX names, as Unicode calls them.
VARIANTS = {"bold": "BOLD", "double-struck": "DOUBLE-STRUCK", "script": "SCRIPT"}
APPLY = "\u2061"  # stands between a function's name and its argument, and is not seen
NARROWER = "\u2063"  # in KaTeX's text for "\\!"
PRIME = "′"
THIN = "0.1667em"
SCRIPTED = ("mover", "munder", "munderover", "msub", "msup", "msubsup")
PAIRS = (("=", ":"), (":", "="))
BARS = ("∣", "∥")
BINARY = "+−±∓×⋅∗∘"
OPENING = "([{⟨⌈⌊"
CLOSING = ")]}⟩⌉⌋"
#: In TeX, a sign between two others is binary; after these it is a sign of what follows.
BEFORE_A_SIGN = "=<>≤≥≠≈∼∝→↦∈,;:" + BINARY + OPENING + APPLY
AFTER_A_SIGN = "=≤≥,;∣" + CLOSING


def mended(html: str) -> str:
    """A `math` element of KaTeX, spaced as TeX spaces it."""
    math = ElementTree.fromstring(html)
    for part in math.iter():
        name_letters(part)
        lower_prime(part)
        stretch_base(part)
        space(part)
    return ElementTree.tostring(math, encoding="unicode", short_empty_elements=False)


def name_letters(part: Element) -> None:
    if part.get("mathvariant") in VARIANTS:
        variant = VARIANTS[part.attrib.pop("mathvariant")]
        part.text = "".join(letter(sign, variant) for sign in part.text or "")


def lower_prime(part: Element) -> None:
    """The font's prime is raised already. As a superscript it is set large, and lower by that."""
    if part.tag in ("msup", "msubsup") and set("".join(part[-1].itertext())) == {PRIME}:
        prime = part[-1]
        part[-1] = lowered = Element("mpadded", voffset="-0.35em", height="0.9em")
        ElementTree.SubElement(lowered, "mstyle", scriptlevel="0").append(prime)


def stretch_base(part: Element) -> None:
    """A bracket with an exponent grows only in a row of its own."""
    if part.tag in SCRIPTED and part[0].get("minsize"):
        bracket = part[0]
        part[0] = row = Element("mrow")
        row.append(bracket)


def letter(sign: str, variant: str) -> str:
    """A plain letter as one of a mathematical alphabet: E, DOUBLE-STRUCK, is 𝔼."""
    if (sign, variant) == ("h", "ITALIC"):
        return "ℎ"  # the letters that Unicode had first have names of their own: ℎ, ℝ, ℒ
    name = re.sub("LATIN |GREEK |LETTER ", "", unicodedata.name(sign, ""))
    for whole in (f"MATHEMATICAL {variant} {name}", f"{variant} {name}"):
        try:
            return unicodedata.lookup(whole)
        except KeyError:
            continue
    return sign


def space(row: Element) -> None:
    """Space the operators and functions among the children of an element."""
    for part in list(row):
        # Browsers know no negative space; and what stands over a function takes one child below it.
        if NARROWER in (part.text or "") or (part.text == APPLY and row.tag in SCRIPTED):
            row.remove(part)
    parts = list(row)
    for i, part in enumerate(parts):
        before, after = neighbour(parts[:i][::-1]), neighbour(parts[i + 1 :])
        if part.text == APPLY:
            space_function(row, parts[i - 1], neighbour(parts[: i - 1][::-1]), part, after)
        elif part.tag in SCRIPTED and last(part[0]).text == APPLY:  # log with a base
            space_function(row, part, before, part, after)
        elif before is not None and (before.text, part.text) in PAIRS:
            before.set("rspace", "0em")
            part.set("lspace", "0em")
        elif part.text in BARS and part.get("stretchy") == "false":
            part.attrib.update(lspace="0em", rspace="0em")  # a fence, no relation
        elif is_operator(part, BINARY) and (
            before is None
            or after is None
            or is_operator(last(before), BEFORE_A_SIGN)
            or is_operator(first(after), AFTER_A_SIGN)
        ):
            part.attrib.update(lspace="0em", rspace="0em")


def space_function(
    row: Element, name: Element, before: Element | None, end: Element, after: Element | None
) -> None:
    """A name like "log" stands off its neighbours, but for operators and what is in brackets."""
    if before is not None and (before.tag != "mo" or is_operator(before, CLOSING)):
        row.insert(list(row).index(name), Element("mspace", width=THIN))
    if after is not None and first(after).tag != "mo":
        row.insert(list(row).index(end) + 1, Element("mspace", width=THIN))


def neighbour(parts: list[Element]) -> Element | None:
    """The first that is more than space."""
    for part in parts:
        if part.tag != "mspace" and not (part.tag == "mtext" and not (part.text or "").strip()):
            return part
    return None


def first(part: Element) -> Element:
    return first(part[0]) if part.tag == "mrow" and len(part) else part


def last(part: Element) -> Element:
    return last(part[-1]) if part.tag == "mrow" and len(part) else part


def is_operator(part: Element, signs: str) -> bool:
    return part.tag == "mo" and bool(part.text) and part.text in signs
