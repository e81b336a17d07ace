"""Small calls of KL with what is known about each, and how well an audit tells them apart.

`read` gives the sites of `sites.txt`, whose first lines describe them; `measure.py` runs them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

SITES = Path(__file__).with_name("sites.txt")
#: What `codes` says where no rule can find a mistake by reading.
RUN, NOBODY = "a run", "nobody"


class Site(NamedTuple):
    """One call of KL: its code, how to run it, what it should give, and what ought to be found."""

    name: str
    library: str
    mistake: str
    codes: frozenset[str]
    beyond: str
    call: str
    truth: str
    mends: tuple[tuple[str, str], ...]
    code: str


def read(path: Path = SITES) -> list[Site]:
    """Every site of the file, in its order.

    Examples
    --------
    >>> sites = read()
    >>> sites[0].name, sites[0].mistake
    ('torch-textbook', 'none')
    """
    _, *blocks = re.split(r"^=== (?=\S)", path.read_text("utf-8"), flags=re.MULTILINE)
    return [_site(block) for block in blocks]


def _site(block: str) -> Site:
    name, *lines = block.splitlines()
    known: dict[str, str] = {}
    mends = []
    while found := re.fullmatch(r"(library|mistake|codes|call|truth|mend): (.+)", lines[0]):
        if found[1] == "mend":
            mends.append(tuple(found[2].split(" => ")))
        known[found[1]] = found[2]
        del lines[0]
    codes = known.get("codes", "")
    return Site(
        name=name,
        library=known["library"],
        mistake=known["mistake"],
        codes=frozenset(re.findall(r"KLD\d+", codes)),
        beyond=codes if codes in (RUN, NOBODY) else "",
        call=known["call"],
        truth=known["truth"],
        mends=tuple((old, new) for old, new in mends),
        code="\n".join(lines).strip() + "\n",
    )


def mended(site: Site) -> Site:
    """A site with what its `mend` says in place of its mistake."""
    code = site.code
    for old, new in site.mends:
        if code.count(old) != 1:
            raise ValueError(f"{site.name}: {old!r} stands in it {code.count(old)} times; name one")
        code = code.replace(old, new)
    return site._replace(code=code)


def codes_in(code: str, select: Sequence[str] | None = None) -> frozenset[str]:
    """The codes of what `kl-lib audit` reports about the text of a program."""
    from kl_lib.audit import audit_source

    return frozenset(finding.code for finding in audit_source(code, select=select))


class Score(NamedTuple):
    """What a rule did on labelled sites, in numbers of sites.

    `right` reports name the mistake that the label names, `other` ones something else about a site
    that is wrong too, `false` ones a site that is right; `missed` are mistakes without a report.
    """

    right: int
    other: int
    false: int
    missed: int


def score(
    wanted: Mapping[str, Iterable[str]],
    found: Mapping[str, Iterable[str]],
    clean: Collection[str],
) -> dict[str, Score]:
    """For each rule, how its reports compare with the labels.

    Parameters
    ----------
    wanted, found
        For each site, the codes that its label names, and those that were reported.
    clean
        The sites that are right.

    Examples
    --------
    >>> score({"a": ["KLD101"], "b": []}, {"a": ["KLD101"], "b": ["KLD101"]}, clean=["b"])
    {'KLD101': Score(right=1, other=0, false=1, missed=0)}
    """
    pairs = {(site, code) for site, codes in wanted.items() for code in codes}
    given = {(site, code) for site, codes in found.items() for code in codes}
    rules = {}
    for rule in sorted({code for _, code in pairs | given}):
        want = {site for site, code in pairs if code == rule}
        have = {site for site, code in given if code == rule}
        false = have.intersection(clean) - want
        rules[rule] = Score(
            len(want & have), len(have - want - false), len(false), len(want - have)
        )
    return rules


def interval(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of Clopper and Pearson for a share, (0, 1) if nothing was tried.

    Examples
    --------
    >>> low, high = interval(3, 3)
    >>> round(low, 3), high
    (0.292, 1.0)
    """
    from scipy.stats import binomtest

    if trials == 0:
        return 0.0, 1.0
    found = binomtest(hits, trials).proportion_ci(method="exact")
    return float(found.low), float(found.high)
