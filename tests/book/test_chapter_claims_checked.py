"""The sources' claims: each has a check, a place in the book and a row of the table."""

import re

import claims
import nbformat
import pytest
from building import REPOSITORY
from claims import table

from kl_lib import frameworks

NAMES = ("keras_article", "keras_code", "relative_entropy", "mxnet_tutorial")
STORED = nbformat.read(REPOSITORY / "notebooks" / "18_claims_checked.ipynb", as_version=4)


@pytest.fixture(scope="module")
def tables():
    """What the chapter shows: verdict and text of each claim by its name."""
    pages = [
        output.data["text/html"]
        for cell in STORED.cells
        for output in cell.get("outputs", ())
        if 'class="dataframe claims"' in output.get("data", {}).get("text/html", "")
    ]
    row = re.compile(r"<td><b>(\w+)</b> (.*?)</td><td>(.*?)</td><td><em>(.*?)</em>(.*?)</td>")
    return {name: rest for page in pages for name, *rest in row.findall(page)}


@pytest.fixture(scope="module")
def sources():
    if not frameworks.mxnet.available():
        pytest.skip("MXNet has no package for this platform")
    return [claims.source(name) for name in NAMES]


def test_every_claim_of_every_source_is_in_a_table(sources, tables):
    names = [f"{s.letter}{place}" for s in sources for place in range(1, len(s.claims) + 1)]
    assert sorted(names) == sorted(tables)
    assert len(names) > 150


def test_every_claim_says_something_once_and_points_at_a_place_of_the_book(sources):
    for source in sources:
        stated = [one.stated for one in source.claims]
        assert len(set(stated)) == len(stated)
        assert all(one.section and one.stated.endswith((".", "?")) for one in source.claims)
        assert all(table.link(one.where) for one in source.claims if one.where)


def test_all_verdicts_occur_and_most_claims_are_measured(tables):
    verdicts = [verdict for _, _, verdict, _ in tables.values()]
    assert set(verdicts) == set(claims.VERDICTS)
    measured = sum(verdict not in (claims.OPINION, claims.LOST) for verdict in verdicts)
    assert measured > 150


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("kl_divergence(p, q) is 0.6371457.", claims.CORRECTED),
        ("kl_divergence(q, p) is 2.8068528.", claims.REPRODUCED),
        ("kl_divergence(q, p) is 1.6144631.", claims.REPRODUCED),
        ("Case 1, (0.8, 0.2), comes to 0.3219.", claims.REPRODUCED),
        ("Case 2, (0.2, 0.8), comes to 2.3219.", claims.REPRODUCED),
        ("The result is nan.", claims.VERSION),
        (
            "The report by Kosheleva and Kreinovich, which it links to, is of 2018.",
            claims.CORRECTED,
        ),
    ],
)
def test_known_verdicts(tables, claim, verdict):
    """What careful readers of the sources found by hand."""
    found = [what for text, _, what, _ in tables.values() if text == claim]
    assert found == [verdict]


SPOKEN_OF = {
    "K9": "argmax", "K14": "expected value", "K15": "number of bits",
    "K17": "how much is lost", "K18": "predictions of a network", "K26": "loses or gains",
    "K28": "gain or loss", "K37": "odds", "K40": "the error, often squared",
    "K43": "far from normal", "K45": "level of distributions", "K47": "some comparison",
    "K48": "very similar", "K50": "equal to cross-entropy", "K57": "three groups",
    "K62": "to be solved", "P1": "The loss is", "P3": "as the string", "P14": "CNTK",
    "P22": "channels first", "P29": "input_shape", "R13": "rounded to zero",
    "R14": "avoids that", "R18": "average likelihood", "R38": "1/0.2", "R41": "1/0.8",
    "R44": "1/0.0", "R48": "grows", "R59": "0.6371457", "M11": "in that order",
    "M9": "is all it takes", "M42": "nan", "M45": "1e-12", "M47": "number of categories",
    "R32": "H(p_θ, p_φ)", "R49": "imported",
}  # fmt: skip


def test_the_text_speaks_of_claims_by_their_right_names(tables):
    prose = "\n".join(cell.source for cell in STORED.cells if cell.cell_type == "markdown")
    assert set(re.findall(r"\b[KPRM]\d+\b", prose)) == set(SPOKEN_OF)
    assert [name for name, words in SPOKEN_OF.items() if words not in tables[name][0]] == []


def test_a_verdict_follows_from_the_comparison():
    assert claims.number("0.3219", 0.32192809).verdict == claims.REPRODUCED
    assert claims.number("0.3218", 0.32192809).verdict == claims.CORRECTED
    assert claims.number("0", 0.0).verdict == claims.REPRODUCED
    assert claims.holds(False, "").verdict == claims.CORRECTED
    assert claims.today(False, "").verdict == claims.VERSION


def test_a_claim_of_a_place_that_the_book_lacks_is_an_error():
    with pytest.raises(KeyError, match="no-such-place"):
        table.link("no-such-place")
