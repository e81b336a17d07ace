"""Histograms of two samples, and entries that no longer correspond."""

from __future__ import annotations

from collections.abc import Iterator

from ..libraries.kl_functions import BY_CATEGORY
from ..sites import Facts, Site
from ..terms import Term
from .rule import Hit, rule

_NUMPY = "import numpy as np\nfrom scipy import stats\n\n"
_ARRAY_FIRST = frozenset({"moved", "getitem", "clamp", "detach", "nan_to_num", "div", "extreme"})


def _counted(facts: Facts) -> Iterator[tuple[Site, Term, Term]]:
    """Pairs of histograms of different samples."""
    for site, p, q in facts.compared_by(*BY_CATEGORY):
        ours, theirs = _histograms(p), _histograms(q)
        if ours and theirs and not set(ours) & set(theirs):
            here, there = ours[0], theirs[0]
            if here.args[0] is not there.args[0]:
                yield site, here, there


def _histograms(term: Term) -> list[Term]:
    """The histograms below a term, those that only give the edges of another left out."""
    found, stack = [], [term]
    for _ in range(200):
        if not stack:
            break
        one = stack.pop()
        if one.op == "histogram":
            found.append(one)
        else:
            stack.extend(reversed(one.args))
    return found


def _own_bins(histogram: Term, facts: Facts) -> bool:
    """True if the edges come from the smallest and largest value of this sample."""
    if histogram.value == "range":
        return False
    if len(histogram.args) < 2:
        return True
    bins = histogram.args[1]
    bins = facts.defaults.get(bins, bins)
    return bins.number is not None or (bins.op == "const" and isinstance(bins.value, str))


@rule(
    "KLD181",
    "own-bins",
    "two histograms with bins of their own",
    why="""With a number of bins the edges run from the smallest to the largest value of that
    sample, so the first bin of one is another interval than the first bin of the other. A sample
    and the same sample shifted by any amount have divergence 0.""",
    wrong=_NUMPY
    + """def drift(old, new):
    p = np.histogram(old, bins=20)[0] + 1
    q = np.histogram(new, bins=20)[0] + 1
    return stats.entropy(p, q)""",
    right=_NUMPY
    + """def drift(old, new):
    edges = np.histogram_bin_edges(np.concatenate([old, new]), bins=20)
    p = np.histogram(old, bins=edges)[0] + 1
    q = np.histogram(new, bins=edges)[0] + 1
    return stats.entropy(p, q)""",
)
def own_bins(facts: Facts) -> Iterator[Hit]:
    for site, here, there in _counted(facts):
        if _own_bins(here, facts) and _own_bins(there, facts):
            yield Hit(
                site.node,
                "the two histograms have edges of their own, so their bins do not correspond",
                "the edges of both samples together, given to both",
            )


@rule(
    "KLD182",
    "bins-of-one",
    "the edges of both histograms come from one of the samples",
    why="""Values of the other sample outside the edges are dropped, and what has moved farthest
    counts for nothing. Take the edges from both, or let the first and last bin be open.""",
    wrong=_NUMPY
    + """def drift(old, new):
    p, edges = np.histogram(old, bins=20)
    q, _ = np.histogram(new, bins=edges)
    return stats.entropy(q + 1, p + 1)""",
    right=_NUMPY
    + """def drift(old, new):
    edges = np.histogram_bin_edges(np.concatenate([old, new]), bins=20)
    p, _ = np.histogram(old, bins=edges)
    q, _ = np.histogram(new, bins=edges)
    return stats.entropy(q + 1, p + 1)""",
)
def bins_of_one(facts: Facts) -> Iterator[Hit]:
    for site, here, there in _counted(facts):
        if _from_other(here, there, facts) or _from_other(there, here, facts):
            yield Hit(
                site.node,
                "the edges come from one of the samples, and values of the other outside are lost",
                "the edges of both samples together, or open outer edges",
            )


def _from_other(histogram: Term, other: Term, facts: Facts) -> bool:
    if len(histogram.args) < 2 or histogram.args[1].op != "edges":
        return False
    source = histogram.args[1].args[0]
    if source is other:
        return _own_bins(other, facts)
    return source is other.args[0] and source is not histogram.args[0]


@rule(
    "KLD184",
    "order-lost",
    "one of the two is sorted, or both by how often they occur",
    why="""A divergence compares entry by entry. After a sort, or as value_counts orders them, the
    entries of p and q at one place are different categories.""",
    wrong="""
    from scipy import stats

    def drift(old, new):
        p = old.value_counts(normalize=True)
        q = new.value_counts(normalize=True)
        return stats.entropy(p, q)""",
    right="""
    from scipy import stats

    def drift(old, new):
        p = old.value_counts(normalize=True).sort_index()
        q = new.value_counts(normalize=True).reindex(p.index)
        return stats.entropy(p, q)""",
)
def order_lost(facts: Facts) -> Iterator[Hit]:
    for site, p, q in facts.compared_by(*BY_CATEGORY):
        orders = {_order(p), _order(q)}
        if "value_counts" in orders or orders == {"sort", None}:
            what = "sorted by how often it occurs" if "value_counts" in orders else "sorted"
            message = f"an argument is {what}, so its entries are not those of the other"
            yield Hit(site.node, message, "both in the order of the categories")


def _order(term: Term) -> str | None:
    while True:
        if term.op in ("sort", "value_counts"):
            return term.op
        if term.op == "add":
            return next(filter(None, map(_order, reversed(term.args))), None)
        if term.op == "mul" and term.args[0].number is not None:
            term = term.args[1]
        elif term.op in _ARRAY_FIRST:
            term = term.args[0]
        else:
            return None
