"""The numbers, commands and references that the prose of chapters and pages states."""

import doctest
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from prose_numbers import faults, numbers, read_list, stated
from thorough import first_of

import kl_lib as kl

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
INTRODUCTION = (ROOT / "book" / "introduction.md").read_text()


@pytest.mark.parametrize("page", ["README.md", "book/reference.md"])
def test_the_examples_run(page):
    text = re.sub(r"^```.*$", "", (ROOT / page).read_text(), flags=re.M)
    example = doctest.DocTestParser().get_doctest(text, {}, page, page, 0)
    said = []
    result = doctest.DocTestRunner().run(example, out=said.append)
    assert result.attempted > 3
    assert said == []


@pytest.mark.parametrize(
    "text", [README, INTRODUCTION.partition("## Questions")[0]], ids=["README", "introduction"]
)
def test_the_areas_in_the_picture_are_the_divergences(text):
    said = {float(number) for number in re.findall(r"\b\d\.\d{3}\b", text)} - {0.693}
    areas = kl.kl_normal(1, 1, 2, 0.5), kl.kl_normal(2, 0.5, 1, 1)
    assert said == {round(float(area), 3) for area in areas}


def test_the_example_in_the_introduction_shows_what_it_gives():
    block = re.search(r"```python\n(.*?)```", INTRODUCTION, re.S)[1]
    calls = re.findall(r"^(kl\.\S.*\))\s+# (.*)$", block, re.M)
    assert len(calls) == 2
    for call, said in calls:
        assert said == outcome(call)


def outcome(call):
    """What the introduction's comment says of a call: its value, or the start of its error."""
    try:
        return f"{eval(call, {'kl': kl}):.10f} nats"
    except kl.DistributionError as error:
        return f'raises: "{str(error)[:24]} ..."'


def test_the_make_targets_in_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    said = set(re.findall(r"make ([a-z]+)", README + INTRODUCTION))
    assert said
    assert said <= targets


# Numbers in chapters are held to cells


CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def named(path):
    return path.stem


@pytest.mark.parametrize("chapter", CHAPTERS, ids=named)
def test_each_number_of_a_chapter_has_a_source(chapter):
    assert faults(nbformat.read(chapter, as_version=4), read_list(chapter.stem)) == []


@pytest.mark.parametrize("chapter", first_of(CHAPTERS, 5), ids=named)
def test_a_changed_digit_in_a_chapter_is_found(chapter):
    notebook, listed = nbformat.read(chapter, as_version=4), read_list(chapter.stem)
    before = len(faults(notebook, listed))
    tried = found = 0
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        right = cell.source
        for place in re.finditer(r"\d\.\d{3,}(?=[\s,;:.$)])", right):
            if not any(place[0] in number.text for number, _ in stated(right)):
                continue
            wrong = place[0][:-1] + str((int(place[0][-1]) + 5) % 10)
            cell.source = right[: place.start()] + wrong + right[place.end() :]
            tried += 1
            found += len(faults(notebook, listed)) > before
        cell.source = right
    assert tried > 1
    assert found >= 0.9 * tried


def chapter_of(*sections):
    """A notebook of sections, each (heading, prose, printed)."""
    cells = []
    for heading, prose, printed in sections:
        cells.append(new_markdown_cell(f"## {heading}\n\n{prose}"))
        output = new_output("stream", name="stdout", text=printed)
        cells.append(new_code_cell("print(x)", outputs=[output]))
    return new_notebook(cells=cells)


TWO = ("Bits", "It is 1.585 bits.", "1.58496"), ("Nats", "It is 1.0986 nats.", "1.09861229")


def test_a_number_as_its_section_prints_it_has_a_source():
    assert faults(chapter_of(*TWO), {}) == []


@pytest.mark.parametrize(
    "prose",
    [
        "It is 1.584 bits.",
        "It is 1.5859 bits.",
        "It is −1.585 bits.",
        "It is $1.584$ bits.",
        "It is 1.0986 bits.",
        "It is 1.584 %.",
        "It is 1,585 bits.",
        "It is $1.585 \\cdot 10^{-3}$ bits.",
    ],
    ids=["digit", "digits", "sign", "TeX", "other section", "unit", "comma", "power"],
)
def test_a_number_that_its_section_does_not_give_is_found(prose):
    assert len(faults(chapter_of(("Bits", prose, "1.58496"), TWO[1]), {})) == 1


def test_the_summary_speaks_of_the_whole_chapter():
    summary = ("Summary", "1.585 and 1.0986, not 1.0987.", "")
    (fault,) = faults(chapter_of(*TWO, summary), {})
    assert "1.0987" in fault


def test_a_caption_is_prose():
    chapter = chapter_of(*TWO)
    chapter.cells[1].metadata["mystnb"] = {"figure": {"caption": "The 1.7 bits."}}
    assert len(faults(chapter, {})) == 1


@pytest.mark.parametrize(
    ("source", "right"),
    [
        ("np.log2(3)", True),
        ("np.log2(3.1)", False),
        ("1.58496", False),
        ("kl.entropy([1/3, 1/3, 1/3], base=2)", True),
        ("@Bits", True),
        ("@Nats", False),
        ("@A section that is not there", False),
        ("(published by Shannon, 1948)", True),
        ("(published)", False),
        ("(1 + 2) / 3", False),
        ("(np.log2(3) + 2 - 2)", False),
        ("", False),
    ],
)
def test_a_line_of_the_list_must_give_the_number(source, right):
    chapter = chapter_of(TWO[0], ("Nats", "It is 1.0986 nats, 1.585 bits.", "1.09861229"))
    assert (faults(chapter, {"1.585": source}) == []) is right


def test_a_line_of_the_list_that_nothing_needs_is_found():
    assert faults(chapter_of(*TWO), {"1.585": "np.log2(3)"}) == ["1.585: listed, and not needed"]


@pytest.mark.parametrize(
    ("prose", "texts"),
    [
        ("one in 1,000,000 or 12 or 1948", ["1,000,000"]),
        ("$10^{-7}$ and $2 \\cdot 10^{-38}$", ["1e-7", "2e-38"]),
        ("$\\tfrac12$ of 37 %, from −0.3 to 0.5", ["37%", "−0.3", "0.5"]),
        ("$x_{13}$, float32, CIFAR-100, TFP 0.25, {eq}`eq-25`, [text](at/77)", []),
        ("About 25 minutes to read, about 15 seconds to run.", []),
        ("(0.9, 0.1) and 3.9120 - 0.6831", ["0.9", "0.1", "3.9120", "0.6831"]),
    ],
)
def test_what_is_read_as_a_number(prose, texts):
    assert [number.text for number, _ in stated(prose)] == texts


def test_the_kinds_of_sources_are_told_apart():
    prose = "0.5, 0.25, 1.0986 and 1.585"
    chapter = chapter_of(("Bits", prose, "0.5"), TWO[1])
    listed = {"0.25": "1 / 4", "1.0986": "@Nats", "1.585": "(published by Shannon, 1948)"}
    assert [item.kind for item in numbers(chapter, listed)] == [
        "section",
        "python",
        "@",
        "words",
        "section",
    ]


# Chapters are referred to, not counted by hand


def chapters_by_hand(text):
    """Each "chapter 5" in a text, but for those of a book that is cited in the same sentence."""
    found = []
    for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z{])|\n\n|\n- ", text):
        if "{cite" not in sentence:
            found += re.findall(r"(?i)\bchapters?\s+\d+", sentence)
    return found


PAGES = sorted([*(ROOT / "book").glob("*.md"), *(ROOT / "notebooks").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_page_counts_chapters_by_hand(page):
    assert chapters_by_hand(page.read_text("utf-8")) == []


def test_a_chapter_counted_by_hand_is_found():
    text = "See chapter 5. Read {cite:t}`cover2006`, chapter 2, and Chapters\n3 and 4. Chapter 7."
    assert chapters_by_hand(text) == ["chapter 5", "Chapter 7"]
