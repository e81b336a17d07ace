"""The numbers and commands that pages without cells state."""

import doctest
import re
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("text", [README, INTRODUCTION], ids=["README", "introduction"])
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
