"""Cut STIX Two Math down to what formulas of this book may use: writes book/_static/kl_math.woff.

    pip download --no-deps ziamath && unzip ziamath-*.whl  # or the font from stixfonts.org
    python tools/math_font.py ziamath/fonts/STIXTwoMath-Regular.ttf

The font has 4600 glyphs; the letters, signs and growing brackets below are a third of it. The
build takes from these the ones that the pages show (book/_ext/kl_math.py). Root signs are changed,
too. The licence, SIL OFL 1.1, is in the font's own name table and goes with it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

TARGET = Path(__file__).resolve().parents[1] / "book" / "_static" / "kl_math.woff"
#: First and last code point of each block of characters.
BLOCKS = [
    (0x20, 0x7E),  # ASCII
    (0xA0, 0xFF),  # Latin-1: ¬ ± · × ÷ ¯
    (0x2B0, 0x338),  # marks that stand over letters
    (0x391, 0x3F6),  # Greek
    (0x2010, 0x2064),  # dashes, spaces, primes, invisible operators
    (0x20D0, 0x20D7),  # arrows over letters
    (0x2100, 0x214F),  # letters that are signs: ℓ ℝ ℒ
    (0x2190, 0x21FF),  # arrows
    (0x2200, 0x22FF),  # operators
    (0x2308, 0x230B),  # ceiling and floor
    (0x23B4, 0x23E1),  # braces over and under
    (0x27C0, 0x27FF),  # ⟂ ⟨ ⟩ and long arrows
    (0x2A00, 0x2A0F),  # large operators
    (0x1D400, 0x1D4CF),  # letters bold, italic, bold italic, script
    (0x1D538, 0x1D56B),  # double-struck
    (0x1D6A4, 0x1D7D7),  # Greek bold and italic, digits bold
]


def cut(source: Path, target: Path = TARGET) -> None:
    """Write the chosen characters of the font `source` to `target`, as WOFF."""
    font = TTFont(source)
    options = Options(hinting=False, layout_features=[], name_IDs=["*"])
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for a, b in BLOCKS for code in range(a, b + 1)])
    subsetter.subset(font)
    narrow_roots(font)
    font.flavor = "woff"  # WOFF2 would need a package more
    font.save(target)


def narrow_roots(font: TTFont) -> None:
    """Make high root signs as narrow as the low one.

    Chromium keeps the room of the widest beside every root, also where it draws a narrow one.
    """
    root = font.getBestCmap()[ord("√")]
    width, _ = font["hmtx"][root]
    variants = font["MATH"].table.MathVariants
    signs = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(root)]
    names = [record.VariantGlyph for record in signs.MathGlyphVariantRecord]
    names += [part.glyph for part in signs.GlyphAssembly.PartRecords]
    for name in set(names) - {root}:
        glyph, (advance, side) = font["glyf"][name], font["hmtx"][name]
        glyph.coordinates.scale((width / advance, 1))
        glyph.coordinates.toInt()
        glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (width, round(side * width / advance))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python tools/math_font.py STIXTwoMath-Regular.ttf")
    cut(Path(sys.argv[1]))
