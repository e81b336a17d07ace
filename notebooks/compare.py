"""Are the outputs of two cells the same? Text to the letter, numbers and pixels by tolerance.

What may differ between two machines that are both right: the last digits of a float, because CPUs
add in a different order; and single levels of single pixels, for the same reason. Nothing else is
let through. The tolerances:

RELATIVE = 1e-6
    Wide enough for float32 results printed with 6 significant digits, and far above what float64
    sums differ by (1e-12). A number that is printed with five digits or fewer is thereby compared
    to the last digit.
ABSOLUTE = 1e-14
    For what is zero up to rounding, such as 2.2e-16. Small results are not touched by it: a KL of
    4e-11 is still compared to three digits.
PIXEL_RMS = 0.5, TILE_RMS = 5 (of 255)
    The root mean square difference over the whole picture and over its worst 16 × 16 tile. The tile
    finds what the mean over a large white picture hides, such as one changed letter. A curve that
    moves by a tenth of a pixel is found, one that moves by a millionth of its range is not.
"""

from __future__ import annotations

import base64
import configparser
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

EXCEPTIONS = Path(__file__).with_name("sanitize.cfg")
RELATIVE = 1e-6
ABSOLUTE = 1e-14
PIXEL_RMS = 0.5
TILE_RMS = 5.0
TILE = 16

# A number with a point or an exponent that stands for itself: not part of a word (dist_2, float32),
# of a version (2.21.0) or of a hexadecimal number. A minus after a word, a number or a bracket
# subtracts. Whole numbers, inf and nan are text: they are compared to the letter.
NUMBER = re.compile(
    r"(?:(?<![\w.)\]])[-+−])?"
    r"(?<![\w.])(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?"
    r"(?!\w|\.\d)"
)
BLANKS = re.compile(r"[ \t]+")
BLANKS_AT_NUMBER = re.compile(r" ?(\0) ?")


def split_numbers(text: str) -> tuple[str, list[float]]:
    """The text with each float replaced by a mark, and the floats.

    Several blanks count as one, and as none beside a float: one digit more moves a table's columns.
    """
    numbers = [float(found.replace("−", "-")) for found in NUMBER.findall(text)]
    skeleton = BLANKS.sub(" ", NUMBER.sub("\0", text))
    return BLANKS_AT_NUMBER.sub(r"\1", skeleton), numbers


def text_difference(stored: str, computed: str) -> str | None:
    """What differs between two texts, in one line, or None."""
    stored_text, stored_numbers = split_numbers(stored)
    computed_text, computed_numbers = split_numbers(computed)
    if stored_text != computed_text:
        return f"text differs: stored {_around(stored, computed)}"
    for old, new in zip(stored_numbers, computed_numbers, strict=True):
        if old != new and not abs(new - old) <= ABSOLUTE + RELATIVE * abs(old):
            return f"number differs: stored {old!r}, computed {new!r}"
    return None


def _around(stored: str, computed: str, width: int = 60) -> str:
    first = next(
        (i for i, (a, b) in enumerate(zip(stored, computed, strict=False)) if a != b),
        min(len(stored), len(computed)),
    )
    start = max(first - width // 2, 0)
    return f"{stored[start : start + width]!r}, computed {computed[start : start + width]!r}"


def image_difference(stored: str, computed: str) -> str | None:
    """What differs between two base64 pictures, in one line, or None."""
    old, new = _pixels(stored), _pixels(computed)
    if old.shape != new.shape:
        return f"figure differs: stored {old.shape[1::-1]} pixels, computed {new.shape[1::-1]}"
    rms, tile = _distance(old, new)
    if rms > PIXEL_RMS or tile > TILE_RMS:
        return (
            f"figure differs: RMS {rms:.2f} of 255 (at most {PIXEL_RMS}), "
            f"worst tile {tile:.2f} (at most {TILE_RMS})"
        )
    return None


def image_distance(one: str, other: str) -> tuple[float, float]:
    """Root mean square difference of two base64 pictures of one size: whole, and worst tile."""
    return _distance(_pixels(one), _pixels(other))


def _distance(old: np.ndarray, new: np.ndarray) -> tuple[float, float]:
    square = ((old - new) ** 2).mean(axis=-1)
    return float(np.sqrt(square.mean())), float(np.sqrt(_tile_means(square).max()))


def _pixels(data: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return np.asarray(image.convert("RGBA"), dtype=np.float64)


def _tile_means(square: np.ndarray) -> np.ndarray:
    height, width = (-(-n // TILE) * TILE for n in square.shape)
    padded = np.zeros((height, width))
    padded[: square.shape[0], : square.shape[1]] = square
    return padded.reshape(height // TILE, TILE, width // TILE, TILE).mean(axis=(1, 3))


def outputs_difference(
    stored: Sequence[Mapping[str, Any]], computed: Sequence[Mapping[str, Any]]
) -> str | None:
    """What differs between two lists of outputs of one cell, in one line, or None."""
    old, new = [described(o) for o in stored], [described(o) for o in computed]
    if [kind for kind, _ in old] != [kind for kind, _ in new]:
        return f"outputs differ: stored {_kinds(old)}, computed {_kinds(new)}"
    for (kind, old_data), (_, new_data) in zip(old, new, strict=True):
        for mime in old_data.keys() | new_data.keys():
            if mime not in new_data:
                return f"{kind}: {mime} is stored, but no longer computed"
            if mime not in old_data:
                return f"{kind}: {mime} is computed, but not stored"
            if difference := _data_difference(mime, old_data[mime], new_data[mime]):
                return f"{kind}: {mime}: {difference}"
    return None


def _data_difference(mime: str, stored: Any, computed: Any) -> str | None:
    if mime in ("image/png", "image/jpeg"):
        return image_difference(stored, computed)
    if isinstance(stored, str) and isinstance(computed, str):
        return text_difference(stored, computed)
    return None if stored == computed else "data differs"


def described(output: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """One output as its kind and its data by MIME type."""
    kind = output["output_type"]
    if kind == "stream":
        return output["name"], {"text/plain": output["text"]}
    if kind == "error":
        return "error", {"text/plain": f"{output['ename']}: {output['evalue']}"}
    return kind, output["data"]


def _kinds(outputs: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    return (
        ", ".join(
            f"{kind} ({data['text/plain'].strip()[:200]!r})"
            if kind in ("stderr", "error")
            else kind
            for kind, data in outputs
        )
        or "nothing"
    )


def exceptions_for(notebook: str) -> dict[int, list[re.Pattern[str]]]:
    """The patterns of sanitize.cfg for one notebook, by the number of the code cell, from 1."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(EXCEPTIONS, encoding="utf-8")
    found: dict[int, list[re.Pattern[str]]] = {}
    for section in config.sections():
        name, cell = (part.strip() for part in section.split(","))
        if not config[section].get("reason"):
            raise ValueError(f"{EXCEPTIONS.name}: [{section}] gives no reason")
        if name == notebook:
            found.setdefault(int(cell), []).append(re.compile(config[section]["regex"]))
    return found
