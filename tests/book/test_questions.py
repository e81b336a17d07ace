"""The first page answers what people ask, each in two sentences, with a link to the very place."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from building import REPOSITORY

PAGE = REPOSITORY / "book" / "introduction.md"
QUESTION = re.compile(
    r"^\{ref\}`(?P<words>[^<`]+) <(?P<anchor>[\w-]+)>`\n: (?P<answer>(?:.+\n)+)", re.M
)
SENTENCE_END = re.compile(r"[.?!](?=\s|$)")

#: What the sources and their readers ask, and what was asked in public and found no answer here.
ASKED = (
    *("What is KL divergence", "Why the logarithm", "the likelihood ratio", "weighted averages"),
    *(
        "expected log-likelihood ratio KL",
        "What can KL be used for",
        "KL and cross-entropy related",
    ),
    *("Is KL a distance", "KL and log-likelihood related", "asymmetric", "forward and reverse KL"),
    *("NLL added to the KL terms", "KL terms of a VAE grow", "Which argument is the target"),
    *("Why is my KL negative", "nan or inf", "mean or batchmean", "train the same"),
    *(
        "kl_div, rel_entr or entropy",
        "entropy give 0",
        "divergence or distance",
        "Gaussian mixtures",
    ),
    *("No KL registered", "Why T² in distillation", "Negative KL in reinforcement learning"),
    *("exp(d) − d − 1", "Sum or mean the KL of a VAE", "Posterior collapse"),
    *("from_logits mean logits", "TensorFlow Probability with Keras 3", "PSI", "k1, k2 or k3"),
    *("t-SNE's kl_divergence_", "softmax applied twice", "Kernel density", "mutual information in"),
    *("Which divergence", "Which direction should I minimise"),
)


def questions() -> Iterator[re.Match[str]]:
    return QUESTION.finditer(PAGE.read_text("utf-8"))


def sentences(answer: str) -> int:
    """How many sentences an answer has; what is code or a formula has none."""
    return len(SENTENCE_END.findall(re.sub(r"`[^`]*`|\$[^$]*\$", "x", answer)))


def plain(words: str) -> str:
    """Words without the quotation marks, which the page sets in its own way."""
    return " ".join(re.sub(r"[\"'’“”]", "", words).split())


def test_every_question_has_two_sentences():
    found = {question["words"]: sentences(question["answer"]) for question in questions()}
    assert not {words: count for words, count in found.items() if count != 2}


def test_sentences_are_counted():
    assert sentences("Yes. `a.b. c` is $x. y$, and 0.5 of it is no end!\n") == 2
    assert sentences("Yes, it is one") == 0


@pytest.mark.parametrize("words", ASKED)
def test_what_people_ask_is_asked_here(words):
    assert any(words in question["words"] for question in questions())


def test_every_question_leads_to_its_place(site):
    """To an anchor of another page, at or just before a heading, a paragraph or an exercise."""
    page = BeautifulSoup((site / "book/introduction.html").read_text("utf-8"), "html.parser")
    links = {plain(link.get_text()): link["href"] for link in page.select("dt > a")}
    for question in questions():
        words = plain(question["words"])
        target, _, anchor = links[words].partition("#")
        there = (site / "book" / target).resolve().read_text("utf-8")
        assert anchor, words
        assert re.search(rf'id="{re.escape(anchor)}"', there), words


NUMBER = re.compile(r"(?<![\w.^])\d+(?:\.\d+)?(?:e-?\d+)?")
#: The two divergences at the top of the first page: tests/book/test_prose.py holds them.
OF_THE_PICTURE = {"2.807", "0.818"}


def numbers(answer: str) -> set[str]:
    """The numbers of an answer that say something: 0 and 1 are in every second sentence."""
    words = re.sub(r"`[^`]*`|\$[^$]*\$|\w*\d²?\w*(?<=k\d)", " ", answer)
    return set(NUMBER.findall(words)) - {"0", "1", "2", "3"} - OF_THE_PICTURE


def test_the_numbers_of_an_answer_stand_where_it_leads(site):
    """A number is in the text of the page, or in its code and outputs, as it is written here."""
    pages = [path.read_text("utf-8") for path in site.glob("*/*.html")]
    found = {}
    for question in questions():
        if said := numbers(question["answer"]):
            there = [page for page in pages if f'id="{question["anchor"]}"' in page]
            text = " ".join(BeautifulSoup(page, "html.parser").get_text() for page in there)
            found[question["words"]] = {n for n in said if not stands_in(n, text)}
    assert not {words: missing for words, missing in found.items() if missing}


def stands_in(number: str, text: str) -> bool:
    return re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", text) is not None
