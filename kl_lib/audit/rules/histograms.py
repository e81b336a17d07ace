"""Histograms of two samples, and entries that no longer correspond."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Facts
from ..findings import Hit, rule
from ..sites import Site
from ..terms import Term, contains

_NUMPY = "import numpy as np\nfrom scipy import stats\n\n"
_ARRAY_FIRST = frozenset({"moved", "getitem", "clamp", "detach", "nan_to_num", "div", "extreme"})


def _pairs(facts: Facts) -> Iterator[tuple[Site, Term, Term]]:
    for site in facts.sites_of("hand", "psi", "scipy", "torch", "keras"):
        if site.p is not None and site.q is not None:
            yield site, site.p, site.q


def _counted(facts: Facts) -> Iterator[tuple[Site, Term, Term]]:
    """Pairs of histograms of different samples."""
    for site, p, q in _pairs(facts):
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
    "KLD183",
    "empty-bins-deleted",
    "empty bins deleted: where q is 0 and p is not, KL is infinite",
    why="""Entries with q = 0 are exactly those that make KL(p‖q) infinite. Without them it is
    the KL of something else, and if what is left is divided by its sum the number says nothing of
    what was dropped. Only entries with p = 0 may go.""",
    wrong=_NUMPY
    + """def kl(p, q):
    both = (p > 0) & (q > 0)
    return np.sum(p[both] * np.log(p[both] / q[both]))""",
    right=_NUMPY
    + """def kl(p, q):
    some = p > 0
    return np.sum(p[some] * np.log(p[some] / q[some]))""",
)
def empty_bins_deleted(facts: Facts) -> Iterator[Hit]:
    for site, p, q in _pairs(facts):
        if _dropped(p, q) or _skipped(site) or _replaced(site, facts):
            yield Hit(
                site.node,
                "entries where q is 0 are left out, which are those that make the KL infinite",
                "only entries with p = 0 left out",
            )


def _dropped(p: Term, q: Term) -> bool:
    p, q = p.core, q.core
    alike = p.op == q.op and p.op in ("getitem", "delete") and len(p.args) == len(q.args) == 2
    if not alike or p.args[1] is not q.args[1]:
        return False
    wanted = ("==", "<=") if p.op == "delete" else (">", "!=")
    whole = q.args[0].core
    return contains(p.args[1], lambda term: _compares(term, whole, wanted))


def _compares(term: Term, with_zero: Term, signs: tuple[str, ...]) -> bool:
    if term.op != "compare" or term.name not in signs or term.args[1].number != 0:
        return False
    return term.args[0] is with_zero or term.args[0].core is with_zero


def _skipped(site: Site) -> bool:
    """True if a term is computed only where q > 0, and the function never speaks of infinity."""
    if site.api != "hand" or site.q is None or _mentions_infinity(site):
        return False
    q = site.q.core
    return any(_demands(condition, q, True) for condition in site.conditions)


def _demands(condition: Term, q: Term, true: bool) -> bool:
    """True if a condition that holds (or fails, if not `true`) says that q is not 0."""
    if condition.op == "not":
        return _demands(condition.args[0], q, not true)
    if condition.op == ("and" if true else "or"):
        return any(_demands(arg, q, true) for arg in condition.args)
    return (condition is q and true) or _compares(
        condition, q, (">", "!=") if true else ("==", "<=")
    )


def _mentions_infinity(site: Site) -> bool:
    function = site.function
    said = [term for _, term in (*function.steps, *function.returned)]
    said += [term for _, _, term in function.assigned]
    return any(contains(term, _is_infinity) for term in said)


def _is_infinity(term: Term) -> bool:
    if term.op == "qual":
        return term.name.rpartition(".")[2] in ("inf", "Inf", "PINF", "infty")
    text = term.value if term.op == "const" else None
    return isinstance(text, str) and text.lower().strip("+") in ("inf", "infinity")


def _replaced(site: Site, facts: Facts) -> bool:
    """True for ``where((p > 0) & (q > 0), p * log(p / q), 0)``."""
    if site.q is None or site.api not in ("hand", "scipy"):
        return False
    q = site.q.core
    for _, step in site.function.steps:
        if step.op == "where" and len(step.args) == 3 and step.args[1] is site.term:
            if step.args[2].number != 0:
                continue
            if contains(step.args[0], lambda term: _compares(term, q, (">", "!="))):
                return True
    return False


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
    for site, p, q in _pairs(facts):
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


@rule(
    "KLD185",
    "constant-added",
    "a constant added to p and q, which then do not sum to 1",
    why="""p + 1e-5 sums to more than 1, by as many times that as there are categories. The sum
    is not the KL of the smoothed distributions, and can be negative.""",
    wrong="""
    import numpy as np

    def kl(p, q):
        p, q = p + 1e-5, q + 1e-5
        return np.sum(p * np.log(p / q))""",
    right="""
    import numpy as np

    def kl(p, q):
        p, q = p + 1e-5, q + 1e-5
        p, q = p / p.sum(), q / q.sum()
        return np.sum(p * np.log(p / q))""",
    default=False,
)
def constant_added(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites:
        if site.api == "hand":
            weights = [arg for arg in site.term.args if not contains(arg, _is_log)]
        elif site.name == "scipy.special.rel_entr":
            weights = [site.first] if site.first is not None else []
        else:
            continue
        if any(
            weight.op == "add" and weight.args[0].op in ("const", "symbol") for weight in weights
        ):
            message = "p has a constant added and is not divided by its sum afterwards"
            yield Hit(site.node, message, "p / p.sum() and q / q.sum() after the addition")


def _is_log(term: Term) -> bool:
    return term.op == "log"
