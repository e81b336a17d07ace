"""SciPy: which axis its functions normalise and sum over."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Facts
from ..findings import Hit, rule
from ..sites import Site
from ..terms import Term
from .reduction import rank

_ALONG_0 = ("scipy.stats.entropy", "scipy.spatial.distance.jensenshannon")


@rule(
    "KLD201",
    "axis-0-of-rows",
    "SciPy's entropy over axis 0 of a batch in rows",
    why="""entropy and jensenshannon divide and sum along axis 0 unless told otherwise. Of a batch
    with a distribution in each row they compare columns: how one category varies over the
    batch. Nothing fails, for they also divide by the sums.""",
    wrong="""
    import numpy as np
    from scipy import special, stats

    def mean_kl(a, b):
        p, q = special.softmax(a, axis=1), special.softmax(b, axis=1)
        return np.mean(stats.entropy(p, q))""",
    right="""
    import numpy as np
    from scipy import special, stats

    def mean_kl(a, b):
        p, q = special.softmax(a, axis=1), special.softmax(b, axis=1)
        return np.mean(stats.entropy(p, q, axis=1))""",
)
def axis_0_of_rows(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites_of("scipy"):
        if site.name not in _ALONG_0 or site.axis not in (None, 0) or "axis" in site.given:
            continue
        given = [term for term in (site.first, site.second) if term is not None]
        if any(_in_rows(term) for term in given) or _averaged(site, given):
            last = site.name.rpartition(".")[2]
            message = f"{last} sums along axis 0, and the distributions lie in rows"
            yield Hit(site.node, message, "axis=-1")


def _in_rows(term: Term) -> bool:
    """True if a term is a distribution in each row, or what a model predicts for a batch."""
    if term.kind.axis == 1 or (term.kind.axis == -1 and (rank(term) or 0) > 1):
        return True
    while term.op in ("add", "clamp", "detach", "nan_to_num"):
        term = term.args[-1] if term.op == "add" else term.args[0]
    return term.op == "method" and term.name in ("predict", "predict_proba")


def _averaged(site: Site, given: list[Term]) -> bool:
    """True if the result is averaged, so is no single number, and the rows are normalised."""
    if not any(term.kind.axis == -1 for term in given):
        return False
    return any(step.op == "mean" and step.args[0] is site.term for _, step in site.function.steps)
