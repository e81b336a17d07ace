"""Questions with answers that explain themselves, and need no JavaScript.

    ```{quiz}
    :label: quiz-entropy-fair-coin
    What is asked, with formulas and code where it needs them.

    - [ ] a wrong answer, on one line
      Why someone would think so, and why it is wrong.
    - [x] the right answer
      Why it is right.
    ```

Each answer is a `<details>` that opens on its explanation, which begins with "Right." or "No.": the
keyboard and screen readers know it, and `kl_book.js` opens all of them on paper. Where there is no
HTML, answers and explanations are a list. What is no proper question is a warning of the build: one
without exactly one right answer, for example, or with an answer that is not explained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

TITLE = "Check yourself"
VERDICTS = {True: "Right.", False: "No."}
ANSWER = re.compile(r"- \[([ xX])\](?: +|$)")
INDENT = "  "
FORMULA = re.compile(r"\$[^$]*\$")


class QuizAnswer(nodes.General, nodes.Element):
    """An answer: its words, and then its explanation."""


class QuizChoice(nodes.rubric):
    """The words of an answer. A rubric, so that `kl_glossary` puts no link into what opens it."""


@dataclass
class Answer:
    """An answer as it is written: its words, the lines that explain it, and whether it is right."""

    words: str
    lines: list[str]
    right: bool


def parts(lines: list[str]) -> tuple[list[str], list[Answer]]:
    """What is asked, and the answers."""
    asked: list[str] = []
    answers: list[Answer] = []
    for line in lines:
        if mark := ANSWER.match(line):
            answers.append(Answer(line[mark.end() :].strip(), [], mark[1] != " "))
        else:
            (answers[-1].lines if answers else asked).append(line)
    return asked, answers


def faults(label: str, asked: list[str], answers: list[Answer]) -> Iterator[str]:
    """What is wrong with a question."""
    right = sum(answer.right for answer in answers)
    if not label.startswith("quiz-"):
        yield "its label does not begin with quiz-"
    if not any(line.strip() for line in asked):
        yield "nothing is asked"
    if len(answers) < 2:
        yield f"{len(answers)} answers, expected two or more"
    if right != 1:
        yield f"{right} right answers, expected one"
    for number, answer in enumerate(answers, start=1):
        if not answer.words:
            yield f"answer {number} says nothing"
        elif not re.search(r"\w", FORMULA.sub("", answer.words)):
            yield f"answer {number} is a formula without a word, which gives what opens it no name"
        if not any(line.strip() for line in answer.lines):
            yield f"answer {number} is not explained"
        if any(line.strip() and not line.startswith(INDENT) for line in answer.lines):
            yield f"the explanation of answer {number} is not indented by two blanks"


class Quiz(SphinxDirective):
    """The directive: see the top of this module."""

    has_content = True
    option_spec: ClassVar = {"label": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        label = self.options.get("label", "")
        asked, answers = parts(list(self.content))
        for fault in faults(label, asked, answers):
            logging.getLogger(__name__).warning(
                "quiz %r: %s", label, fault, location=self.get_location()
            )
        box = nodes.admonition("", nodes.title("", TITLE), classes=["quiz"])
        if label:
            box["names"].append(label)
            self.state.document.note_explicit_target(box, box)
        box += self.parsed(asked)
        box += [self.answer(answer) for answer in answers]
        return [box]

    def answer(self, answer: Answer) -> QuizAnswer:
        words = [part for paragraph in self.parsed([answer.words]) for part in paragraph.children]
        explanation = self.parsed([line.removeprefix(INDENT) for line in answer.lines])
        verdict = nodes.strong("", VERDICTS[answer.right])
        if explanation and isinstance(explanation[0], nodes.paragraph):
            explanation[0].insert(0, [verdict, nodes.Text(" ")])
        else:
            explanation.insert(0, nodes.paragraph("", "", verdict))
        choice = QuizChoice("", "", *words)
        return QuizAnswer("", choice, *explanation, right=answer.right)

    def parsed(self, lines: list[str]) -> list[nodes.Node]:
        inside = nodes.Element()
        self.state.nested_parse(StringList(lines, ""), self.content_offset, inside)
        return inside.children


class AnswersAsList(SphinxPostTransform):
    """Where nothing opens, the answers stand below each other with their explanations."""

    default_priority = 900

    def run(self, **kwargs: object) -> None:
        if self.app.builder.format == "html":
            return
        for answer in list(self.document.findall(QuizAnswer)):
            choice, *explanation = answer.children
            words = nodes.paragraph("", "", *choice.children)
            answer.replace_self(nodes.bullet_list("", nodes.list_item("", words, *explanation)))


def visit_answer(self: HTML5Translator, node: QuizAnswer) -> None:
    self.body.append(f'<details class="{"right" if node["right"] else "wrong"}">\n')


def depart_answer(self: HTML5Translator, node: QuizAnswer) -> None:
    self.body.append("</details>\n")


def visit_choice(self: HTML5Translator, node: QuizChoice) -> None:
    self.body.append("<summary>")


def depart_choice(self: HTML5Translator, node: QuizChoice) -> None:
    self.body.append("</summary>\n")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(QuizAnswer, html=(visit_answer, depart_answer))
    app.add_node(QuizChoice, html=(visit_choice, depart_choice))
    app.add_directive("quiz", Quiz)
    app.add_post_transform(AnswersAsList)
    app.add_css_file("kl_quiz.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
