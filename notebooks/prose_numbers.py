"""The numbers that a chapter's prose states, each held to something that is checked.

A number of the prose or of a caption has to stand in the code or in the stored output of its own
section, rounded as the prose rounds it: nbval checks those. The opening, the summary and the
exercises speak of the whole chapter. Where a number comes from elsewhere, `numbers.cfg` says from
where: a line of Python that gives it, another section, or, in words, a published text.

    .venv/bin/python notebooks/prose_numbers.py      # every number without a source
    .venv/bin/python notebooks/prose_numbers.py 05   # of one chapter

Whole numbers up to twelve count things in plain sight and are not looked at; nor are years,
versions of programs, places in a cited book, the time a chapter takes, what belongs to a name
(float32, CIFAR-10), numbers written as words, and alt texts, which describe what is seen. A number
with a minus sign in front of it needs a negative source; one without may give the size of one.
"""

from __future__ import annotations

import configparser
import functools
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
from nbformat import NotebookNode
from scipy import stats

import kl_lib as kl

HERE = Path(__file__).parent
LIST = HERE / "numbers.cfg"
PLAIN = 12

#: Sections that speak of the whole chapter.
WHOLE = ("", "Summary", "Exercises", "Further reading")

#: No prose: listings, labels, options and first lines of directives, comments, roles, addresses,
#: HTML, places in a cited book, numbers of a list, versions.
MARKUP = re.compile(
    r"^`{3}[a-z]+\n(?:.*\n)*?^`{3}$|^\(.*\)=$|^:[\w-]+:.*$|^[`:]{3,}.*$|^%.*$"
    r"|\{[\w:-]+\}`[^`]*`|\]\([^)]*\)|<[^>]*>"
    r"|\b(?:[Ss]ections?|[Cc]hapters?|figure) \d+(?:\.\d+)?(?:(?:,| to| and) \d+(?:\.\d+)?)*"
    r"|^\d+\. |About \d+ minutes to read.*|x86-64"
    r"|\b(?:mxnet|MXNet|NumPy|numpy|TFP|Python|Keras|PyTorch|TensorFlow|SciPy|version)"
    r" \d+\.\d+(?:\.\d+)*",
    re.MULTILINE,
)
#: TeX that stands for a number, and what a reader reads: 10^{-7} is 1e-7, \tfrac12 is 1/2.
TEX = [
    (re.compile(r"(?:(\d[\d.]*)\s*\\(?:times|cdot)\s*)?\b10\^\{?([-−]?\d+)\}?"), r" \1e\2 "),
    (re.compile(r"\\[td]?frac(\d)(\d)"), r" \1/\2 "),
    (re.compile(r"\{,\}|\\,"), ""),
    (re.compile(r"[_^]\{[^{}]*\}|[_^][\w]|\\[a-zA-Z]+"), " "),
]
#: A minus is a sign, not a difference, if it touches the number and nothing stands before it.
NUMBER = re.compile(
    r"(?<![\w.\]^_/])(?<![A-Za-z]-)((?:(?<![\w)}\]$])[-−])?"
    r"(?:\d{1,3}(?:[,\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:[eE][-−+]?\d+)?|\.\d+))"
    r"(?![\w^]|\.\d)\s?(%|‰)?"
)
IN_CODE = re.compile(
    r"(?<![\w.])((?:(?<![\w)\]])[-−])?(?:\d[\d_]*\.?\d*(?:[eE][-+]?\d+)?|\.\d+))(?!\w)"
)
#: A reason in words. What begins like it and calculates is no reason, and is not evaluated either.
WORDS = re.compile(r"\([A-Za-z][^*/+=]*\)")
YEAR = re.compile(r"(?:19|20)\d\d")


class Number(NamedTuple):
    """A number as it is written, its value, and half a unit of its last digit."""

    text: str
    value: float
    half: float


class Stated(NamedTuple):
    """A number of the prose: its section, what stands around it, and the kind of its source.

    The kind is "section", "python", "@" or "words", or "" where there is none.
    """

    section: str
    number: Number
    near: str
    kind: str


def read(text: str, unit: str | None = None) -> Number:
    plain = re.sub("[,_\u202f]", "", text).replace("−", "-")
    mantissa, _, power = plain.lower().partition("e")
    scale = 10.0 ** int(power or 0) / {"%": 100, "‰": 1000}.get(unit or "", 1)
    digits = len(mantissa.partition(".")[2])
    return Number(text + (unit or ""), float(mantissa) * scale, 0.5 * 10.0**-digits * scale)


def stated(text: str) -> Iterator[tuple[Number, str]]:
    """The numbers of a text that need a source, and what stands around each."""
    text = MARKUP.sub(" ", text)
    for pattern, replacement in TEX:
        text = pattern.sub(replacement, text)
    text = re.sub(r"(?<![\w.])e([-−]?\d+)", r"1e\1", text)
    for found in NUMBER.finditer(text):
        number = read(found[1], found[2])
        whole = number.text.lstrip("-−").isdigit()
        if not (whole and (abs(number.value) <= PLAIN or YEAR.fullmatch(number.text))):
            near = " ".join(text[max(found.start() - 40, 0) : found.end() + 30].split())
            yield number, near


@functools.cache
def known(texts: tuple[str, ...]) -> np.ndarray:
    """The values in code and outputs, also of what code writes as 2**-40 or 1/8."""
    values = [read(found[1].rstrip("_")).value for t in texts for found in IN_CODE.finditer(t)]
    for text in texts:
        for base, power in re.findall(r"\b(\d+)(?:\.0?)?\s*\*\*\s*(-?\d+)", text):
            values.append(float(base) ** int(power))
        for above, below in re.findall(r"\b(\d+)\s?/\s?(\d+)\b", text):
            values.append(int(above) / max(int(below), 1))
    return np.unique(values) if values else np.empty(0)


def stands_in(number: Number, values: np.ndarray) -> bool:
    """Whether one of the values is written like this when it is rounded like this."""
    found = values if number.text[0] in "-−" else np.abs(values)
    scales = (1, 100) if number.text.endswith("%") else (1,)
    return any(
        bool(np.any(np.abs(found - number.value * scale) <= number.half * scale * (1 + 1e-9)))
        for scale in scales
    )


def sections(notebook: NotebookNode) -> dict[str, tuple[list[str], list[str]]]:
    """The prose, and the code with its outputs, of each section of a chapter by its heading."""
    heading = ""
    found: dict[str, tuple[list[str], list[str]]] = {heading: ([], [])}
    for cell in notebook.cells:
        prose, code = found[heading]
        if cell.cell_type == "code":
            code.append(cell.source)
            code.extend(outputs(cell))
            prose.append(cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", ""))
            continue
        for part in re.split(r"(?m)^(?=#{2,3} )", cell.source):
            if part.startswith("#"):
                heading = part.partition("\n")[0].lstrip("# ")
            found.setdefault(heading, ([], []))[0].append(part)
    return found


def outputs(cell: NotebookNode) -> Iterator[str]:
    for output in cell.outputs:
        yield output.get("text", "")
        yield output.get("data", {}).get("text/plain", "")


def numbers(notebook: NotebookNode, listed: Mapping[str, str]) -> list[Stated]:
    """Every number of a chapter's prose that needs a source, with the kind of its source."""
    parts = sections(notebook)
    values = {heading: known(tuple(code)) for heading, (_, code) in parts.items()}
    everything = np.concatenate(list(values.values()))
    found = []
    for heading, (prose, _) in parts.items():
        here = everything if heading in WHOLE else values[heading]
        for number, near in (item for text in prose for item in stated(text)):
            kind = "section"
            if not stands_in(number, here):
                kind = kind_of(listed.get(number.text, ""), number, values)
            found.append(Stated(heading, number, near, kind))
    return found


def kind_of(source: str, number: Number, values: Mapping[str, np.ndarray]) -> str:
    """The kind of a line of the list, if the line accounts for the number."""
    if source.startswith("("):
        return "words" if WORDS.fullmatch(source) and len(source.split()) > 2 else ""
    if source.startswith("@"):
        there = values.get(source.removeprefix("@"), np.empty(0))
        return "@" if stands_in(number, there) else ""
    if not source or re.fullmatch(r"[-−+.\de_]*", source):
        return ""  # a number is no source of itself
    names = {"math": math, "np": np, "stats": stats, "kl": kl}
    value = eval(source, names)  # lines of this repository's own list, no input
    return "python" if stands_in(number, np.atleast_1d(value)) else ""


def faults(notebook: NotebookNode, listed: Mapping[str, str]) -> list[str]:
    """The numbers of a chapter without a source, and the lines of its list that nothing needs."""
    found = numbers(notebook, listed)
    needed = {item.number.text for item in found if item.kind != "section"}
    return [
        f"[{item.section}] {item.number.text}   … {item.near}" for item in found if not item.kind
    ] + [f"{text}: listed, and not needed" for text in listed if text not in needed]


def read_list(chapter: str) -> dict[str, str]:
    """The numbers of a chapter whose source is not their section, and where it is."""
    config = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    config.optionxform = str  # type: ignore[method-assign,assignment]
    config.read_string(LIST.read_text("utf-8"))
    return dict(config[chapter]) if chapter in config else {}


if __name__ == "__main__":
    kinds: Counter[str] = Counter()
    for path in sorted(HERE.glob(f"{(sys.argv[1:] or [''])[0]}*_*.ipynb")):
        notebook, listed = nbformat.read(path, 4), read_list(path.stem)
        kinds.update(item.kind or "none" for item in numbers(notebook, listed))
        for fault in faults(notebook, listed):
            print(path.stem, fault)
    print(*(f"{kind}: {count}" for kind, count in kinds.most_common()), sep=", ")
