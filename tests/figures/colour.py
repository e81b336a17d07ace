"""What a colour becomes: on a dark page, for a colour-blind eye; and how far apart two colours are.

Colours are arrays of red, green and blue between 0 and 1, along the last axis.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

STYLE_SHEET = Path(__file__).parents[2] / "book" / "_static" / "kl_book.css"

WHITE = np.ones(3)
#: The background of the theme's dark pages; test_on_screen.py looks whether it still is.
DARK_PAGE = np.full(3, 0x12 / 255)

# Luminance weights of hue-rotate(), W3C Filter Effects, section 6.1.
_LUMINANCE = np.array([0.213, 0.715, 0.072])
# Machado, Oliveira and Fernandes (2009), severity 1, for linear red, green and blue.
EYES = {
    "all": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def inversion() -> float:
    """How far the style sheet inverts figures on a dark page."""
    [amount] = re.findall(
        r"filter: invert\(([\d.]+)\) hue-rotate\(180deg\);", STYLE_SHEET.read_text()
    )
    return float(amount)


def on_dark(colour: np.ndarray) -> np.ndarray:
    """The colour that the style sheet's filter makes of a colour on a dark page."""
    amount = inversion()
    inverted = amount + (1 - 2 * amount) * np.asarray(colour)
    # Half a turn of hue: the mirror image of a colour in the grey of its luminance.
    grey = (inverted @ _LUMINANCE)[..., None]
    return np.clip(2 * grey - inverted, 0, 1)


def _linear(colour: np.ndarray) -> np.ndarray:
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def contrast(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Contrast ratio as WCAG 2 defines it, between 1 and 21."""
    light = [_linear(colour) @ np.array([0.2126, 0.7152, 0.0722]) + 0.05 for colour in (one, other)]
    return np.maximum(*light) / np.minimum(*light)


def _lab(linear: np.ndarray) -> np.ndarray:
    xyz = linear @ _XYZ.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def distances(colours: np.ndarray, eye: str) -> np.ndarray:
    """CIE 1976 colour differences of all pairs, as an eye of `EYES` sees them."""
    seen = _lab(np.clip(_linear(colours) @ EYES[eye].T, 0, 1))
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    return apart[np.triu_indices(len(colours), k=1)]
