"""Questions with explained answers: every chapter has some, and they work where no script runs.

What is right in them is computed in tests/book/test_quiz_facts.py.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup, SoupStrainer
from building import REPOSITORY
from thorough import first_of

sys.path.append(str(REPOSITORY / "book" / "_ext"))
from kl_quiz import TITLE, VERDICTS, Answer, faults, parts

EXTENSIONS = REPOSITORY / "book" / "_ext"
CHAPTERS = sorted((REPOSITORY / "notebooks").glob("[0-9][0-9]_*.md"))
TEMPLATE = REPOSITORY / "tools" / "chapter.md"
QUIZ = re.compile(r"^```\{quiz\}\n:label: (\S+)\n((?:(?!```$).*\n)*)```$", re.MULTILINE)
#: An explanation is one to three sentences.
LONGEST = 55  # words


def quizzes(chapter: Path) -> dict[str, tuple[list[str], list[Answer]]]:
    """The questions of a chapter by their labels: what is asked, and the answers."""
    text = chapter.read_text("utf-8")
    found = QUIZ.findall(text)
    assert len(found) == text.count("{quiz}")
    return {label: parts(content.splitlines()) for label, content in found}


ALL = {label: quiz for chapter in [*CHAPTERS, TEMPLATE] for label, quiz in quizzes(chapter).items()}


# As they are written


@pytest.mark.parametrize("chapter", [*CHAPTERS, TEMPLATE], ids=lambda path: path.stem)
def test_every_chapter_has_two_or_three_and_not_all_in_one_place(chapter):
    assert len(quizzes(chapter)) in (2, 3)
    text = chapter.read_text("utf-8")
    places = [text.count("\n## ", 0, found.start()) for found in QUIZ.finditer(text)]
    assert len(set(places)) > 1
    assert max(places) < text.count("\n## ", 0, text.index("\n## Exercises"))


def test_no_label_stands_in_two_chapters():
    assert len(ALL) == sum(len(quizzes(chapter)) for chapter in [*CHAPTERS, TEMPLATE])


@pytest.mark.parametrize("label", ALL)
def test_a_question_is_one(label):
    asked, answers = ALL[label]
    assert list(faults(label, asked, answers)) == []
    assert len(answers) >= 3, "two answers can be guessed"
    assert any("?" in line for line in asked)
    for answer in answers:
        assert len(" ".join(answer.lines).split()) <= LONGEST


def test_the_right_answer_has_no_place_of_its_own():
    places = Counter([a.right for a in answers].index(True) for _, answers in ALL.values())
    assert all(places[i] > len(ALL) / 10 for i in range(3))
    assert max(places.values()) < 0.7 * len(ALL)


# What is no question

GOOD = "What is *1 + 1*?\n\n- [ ] 1\n  So is *1*.\n- [x] `2`, of course\n  Count.\n"
FAULTY = {
    "0 right answers, expected one": GOOD.replace("[x]", "[ ]"),
    "2 right answers, expected one": GOOD.replace("[ ]", "[x]"),
    "1 answers, expected two or more": GOOD.replace("- [ ] 1\n  So is *1*.\n", ""),
    "answer 2 is not explained": GOOD.replace("  Count.\n", ""),
    "answer 1 says nothing": GOOD.replace("[ ] 1", "[ ]"),
    "answer 1 is a formula without a word, which gives what opens it no name": GOOD.replace(
        "[ ] 1", "[ ] $1$, $2$."
    ),
    "nothing is asked": GOOD.replace("What is *1 + 1*?\n", ""),
    "the explanation of answer 2 is not indented by two blanks": GOOD.replace("  Count", "Count"),
}


def found_in(label: str, text: str) -> list[str]:
    return list(faults(label, *parts(text.splitlines())))


@pytest.mark.parametrize("fault", FAULTY)
def test_a_fault_is_named(fault):
    assert found_in("quiz-sum", GOOD) == []
    assert found_in("quiz-sum", FAULTY[fault]) == [fault]
    assert found_in("sum", GOOD) == ["its label does not begin with quiz-"]


def build(folder: Path, text: str, builder: str = "html") -> subprocess.CompletedProcess[str]:
    """A page with nothing but MyST and this extension; every warning is an error."""
    (folder / "index.md").write_text(f"# Title\n\n{text}")
    command = [sys.executable, "-m", "sphinx", "-C", "-W", "--keep-going", "-q", "-b", builder]
    return subprocess.run(
        [*command, "-D", "extensions=myst_parser,kl_quiz", folder, folder / builder],
        env={"PYTHONPATH": str(EXTENSIONS), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def block(label: str, text: str) -> str:
    return f"```{{quiz}}\n:label: {label}\n{text}```\n"


def test_a_fault_fails_the_build(tmp_path):
    text = [block(f"quiz-{i}", faulty) for i, faulty in enumerate(FAULTY.values())]
    result = build(tmp_path, "\n".join([*text, block("quiz-good", GOOD)]))
    assert result.returncode != 0
    for i, fault in enumerate(FAULTY):
        assert f"quiz 'quiz-{i}': {fault}" in result.stderr
    assert "quiz-good" not in result.stderr


@pytest.mark.parametrize("builder", ["text", "latex", "man"])
def test_without_html_the_answers_are_a_list(tmp_path, builder):
    result = build(tmp_path, block("quiz-sum", GOOD), builder)
    assert result.returncode == 0, result.stderr
    written = "".join(
        p.read_text(errors="replace") for p in (tmp_path / builder).iterdir() if p.is_file()
    )
    for words in (TITLE, *VERDICTS.values(), "of course", "Count"):
        assert words in written


def test_a_good_question_as_html(tmp_path):
    result = build(tmp_path, block("quiz-sum", GOOD) + "\n{ref}`the sum <quiz-sum>`\n")
    assert result.returncode == 0, result.stderr
    page = BeautifulSoup((tmp_path / "html" / "index.html").read_text(), "html.parser")
    assert page.select_one("a[href='#quiz-sum']").get_text() == "the sum"
    box = page.select_one("div#quiz-sum.admonition.quiz")
    assert [" ".join(part.get_text().split()) for part in box.select("details")] == [
        "1 No. So is 1.",
        "2, of course Right. Count.",
    ]


# In the book


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, BeautifulSoup]:
    """The questions of each chapter: to make a tree of all the rest takes seconds."""
    wanted = SoupStrainer(class_=re.compile(r"\bquiz\b"))
    return {
        chapter.stem: BeautifulSoup(
            (site / "notebooks" / f"{chapter.stem}.html").read_text("utf-8"),
            "html.parser",
            parse_only=wanted,
        )
        for chapter in CHAPTERS
    }


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_each_answer_opens_on_its_explanation(pages, chapter):
    for label, (_, answers) in quizzes(chapter).items():
        box = pages[chapter.stem].select_one(f"div.admonition.quiz[id='{label}']")
        details = box.find_all("details", recursive=False)
        assert [part["class"] == ["right"] for part in details] == [a.right for a in answers]
        for part, answer in zip(details, answers, strict=True):
            assert not part.has_attr("open")
            assert part.summary.get_text(strip=True)
            assert part.select("summary a, summary button, script") == []
            said = part.find("p").get_text()
            assert said.startswith(f"{VERDICTS[answer.right]} ")
        assert not set(box.find_all(True, onclick=True))


def test_a_search_finds_no_wrong_answer(site):
    index = (site / "_static" / "book_sections.js").read_text("utf-8")
    sections = json.loads(index.removeprefix("window.bookSections = ").rstrip(";\n"))["sections"]
    texts = " ".join(section[5] for section in sections)
    assert len(texts) > 100_000
    assert TITLE not in texts
    assert not any(section[1].startswith("quiz-") for section in sections)


def test_a_key_opens_an_answer_where_no_script_runs(visit):
    page = visit("notebooks/01_entropy", java_script_enabled=False)
    answer = page.locator("#quiz-entropy-few-rolls details.right")
    explanation = answer.locator("p")
    assert not explanation.is_visible()
    answer.locator("summary").focus()
    page.keyboard.press("Enter")
    assert explanation.is_visible()
    page.keyboard.press("Enter")
    assert not explanation.is_visible()


def test_paper_shows_all_explanations_where_no_script_runs(visit):
    page = visit("notebooks/01_entropy", java_script_enabled=False)
    page.emulate_media(media="print")
    assert page.locator(".quiz details p").count() >= 9
    assert all(p.bounding_box()["height"] > 10 for p in page.locator(".quiz details p").all())


@pytest.mark.parametrize(
    ("width", "scheme"), first_of([(360, "dark"), (1280, "light"), (1280, "dark"), (360, "light")])
)
def test_axe_finds_nothing_in_open_questions(visit, width, scheme):
    size = {"width": width, "height": 800}
    page = visit("notebooks/02_from_entropy_to_kl", viewport=size, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('.quiz details').forEach(part => part.open = true)")
    page.evaluate("window.MathJax?.startup?.promise")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page, context=".quiz").response["violations"]
    assert [(rule["id"], node["html"]) for rule in found for node in rule["nodes"]] == []


def test_the_focus_is_seen(visit):
    page = visit("notebooks/03_cats_and_dogs")
    first = page.locator(".quiz summary").first
    first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    style = first.evaluate("part => getComputedStyle(part).outlineStyle")
    width = first.evaluate("part => getComputedStyle(part).outlineWidth")
    assert style == "solid"
    assert float(width.removesuffix("px")) >= 2
