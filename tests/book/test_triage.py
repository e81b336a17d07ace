"""The page of triage: every line of it runs, and says what the page says."""

import doctest
import io
import re
from contextlib import redirect_stdout

import pytest
from building import REPOSITORY

PAGE = (REPOSITORY / "book" / "triage.md").read_text("utf-8")
BLOCKS = re.findall(r"^```pycon\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def failures(blocks):
    """What a doctest of these blocks prints, as one session; nothing if all is as written."""
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "triage", "triage.md", 0)
    out = io.StringIO()
    with redirect_stdout(out):
        doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(test)
    return out.getvalue()


def of_torch(block):
    return "torch." in block


@pytest.mark.filterwarnings("ignore")
def test_the_page_prints_what_it_says():
    pytest.importorskip("tensorflow")
    plain = [block for block in BLOCKS if not of_torch(block)]
    assert len(plain) >= 6
    assert failures(plain) == ""


@pytest.mark.filterwarnings("ignore")
def test_the_page_prints_what_it_says_in_pytorch():
    pytest.importorskip("torch")
    of = [block for block in BLOCKS if of_torch(block)]
    assert len(of) == 2
    assert failures(of) == ""


def test_another_number_on_the_page_would_be_seen():
    [block] = [block for block in BLOCKS if "0.3607" in block]
    wrong = block.replace("0.3607 0.3607", "0.3607 0.3608")
    assert "Expected" in failures([BLOCKS[0], wrong])
