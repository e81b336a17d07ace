"""What is done about zeros: entries left out, a constant added."""

from __future__ import annotations

from collections.abc import Iterator

from ..libraries.kl_functions import BY_CATEGORY
from ..sites import Facts, Site
from ..terms import Term, contains
from .rule import Hit, rule

_NUMPY = "import numpy as np\nfrom scipy import stats\n\n"


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
    for site, p, q in facts.compared_by(*BY_CATEGORY):
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
        if any(_has_more(weight, site, facts) for weight in weights):
            message = "p has a constant added and is not divided by its sum afterwards"
            yield Hit(site.node, message, "p / p.sum() and q / q.sum() after the addition")


def _has_more(weight: Term, site: Site, facts: Facts) -> bool:
    """True for p + 1e-8, or p + eps where eps is small by default, or is added to q as well."""
    if weight.op != "add":
        return False
    other = site.q.args if site.q is not None and site.q.op == "add" else ()
    return any(
        facts.defaults.get(arg, arg).is_small or (arg.op == "symbol" and arg in other)
        for arg in weight.args
    )


def _is_log(term: Term) -> bool:
    return term.op == "log"
