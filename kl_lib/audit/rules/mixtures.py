"""Jensen-Shannon: the mean of two KLs to the mean of two distributions."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..sites import Facts, Function
from ..terms import Term, contains
from .rule import Hit, rule

_TORCH = "import torch.nn.functional as F\n\n"


@rule(
    "KLD121",
    "jensen-shannon-swapped",
    "Jensen-Shannon with its arguments swapped: KL(m‖p) in place of KL(p‖m)",
    why="""The Jensen-Shannon divergence is the mean of KL(p‖m) and KL(q‖m), with m the mean of p
    and q; it is at most log 2. With the arguments swapped it has no bound: for p = (0.9, 0.1) and
    q = (0.1, 0.9) it gives 0.511 in place of 0.368. In kl_div m goes first, as a logarithm.""",
    wrong=_TORCH
    + """def loss(a, b):
    p, q = F.softmax(a, dim=1), F.softmax(b, dim=1)
    m = (p + q) / 2
    there = F.kl_div(p.log(), m, reduction="batchmean")
    back = F.kl_div(q.log(), m, reduction="batchmean")
    return (there + back) / 2""",
    right=_TORCH
    + """def loss(a, b):
    p, q = F.softmax(a, dim=1), F.softmax(b, dim=1)
    log_m = ((p + q) / 2).log()
    there = F.kl_div(log_m, p, reduction="batchmean")
    back = F.kl_div(log_m, q, reduction="batchmean")
    return (there + back) / 2""",
)
def jensen_shannon_swapped(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites:
        if site.p is None or site.q is None or site.api == "psi":
            continue
        if site.name == "scipy.spatial.distance.jensenshannon":
            continue
        mean = site.p.core if site.p.core.parts else site.p
        if site.q.core in mean.parts and not (site.q.parts or site.q.core.parts):
            yield Hit(
                site.node,
                "this is the KL from the mean to one of the two, and Jensen-Shannon is the KL "
                "from each of the two to their mean",
                "the mean as the approximation: kl_div(log_m, p), rel_entr(p, m)",
            )


@rule(
    "KLD131",
    "distance-for-divergence",
    "the Jensen-Shannon distance taken for the divergence",
    why="""scipy.spatial.distance.jensenshannon returns the square root of the divergence, a metric.
    For p = (0.9, 0.1) and q = (0.1, 0.9) that is 0.607, and the divergence 0.368.""",
    wrong="""
    from scipy.spatial.distance import jensenshannon

    def js_divergence(p, q):
        return jensenshannon(p, q)""",
    right="""
    from scipy.spatial.distance import jensenshannon

    def js_divergence(p, q):
        return jensenshannon(p, q) ** 2""",
)
def distance_for_divergence(facts: Facts) -> Iterator[Hit]:
    for function in facts.functions:
        for node, term in function.steps:
            if _is_distance(term, facts) and not _squared(term, function):
                said = [name for name in _names(term, function) if _says_divergence(name)]
                if said:
                    message = f"{said[0]} is the distance, the square root of the divergence"
                    yield Hit(node, message, "its square")
            elif term.op == "mul" and _is_distance(term.args[1], facts) and _per_log_2(term):
                message = "log 2 changes the unit of the divergence; of its root, the root does"
                yield Hit(node, message, "base=2")


def _is_distance(term: Term, facts: Facts) -> bool:
    if term.op == "kl":
        return term.name == "scipy.spatial.distance.jensenshannon"
    if term.op != "sqrt":
        return False
    halves = [
        site
        for site in facts.sites
        if site.q is not None
        and site.q.core.parts
        and site.p is not None
        and site.p.core in site.q.core.parts
        and contains(term, site.term)
    ]
    return len(halves) > 1


def _squared(term: Term, function: Function) -> bool:
    return any(step.op == "square" and step.args[0] is term for _, step in function.steps)


def _names(term: Term, function: Function) -> list[str]:
    """What the value is called: by the function that returns it, by the names it is given."""
    found = [name for name, _, value in function.assigned if value is term]
    if any(value is term for _, value in function.returned):
        found.append(function.name)
    return found


def _says_divergence(name: str) -> bool:
    name = name.lower()
    said = "divergence" in name or name.endswith(("_div", "jsdiv"))
    return said and not any(word in name for word in ("dist", "sqrt", "root", "metric"))


def _per_log_2(term: Term) -> bool:
    number = term.args[0].number
    return number is not None and abs(number - 1 / math.log(2)) < 1e-6
