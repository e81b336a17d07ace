"""What a loss is divided by: every element, the first axis, nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ..sites import Facts, Site
from ..sites.usage import ELEMENTWISE, uses
from ..terms import Term
from .rule import Hit, rule

_TORCH = "import torch.nn.functional as F\n\n"


@rule(
    "KLD111",
    "default-reduction",
    "reduction left at its default, which divides by every element",
    why="""PyTorch's default, reduction="mean", divides by the number of elements, so by the batch
    and by the categories: with 1,000 categories the loss is a thousandth of the KL, and beside
    another loss it hardly counts. "batchmean" divides by the first axis only.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    return F.kl_div(F.log_softmax(student, dim=1), F.softmax(teacher, dim=1))""",
    right=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(log_q, F.softmax(teacher, dim=1), reduction="batchmean")""",
)
def default_reduction(facts: Facts) -> Iterator[Hit]:
    fix = 'reduction="batchmean"'
    message = "the reduction is left at its default, which divides by every element"
    for maker in facts.makers:
        if maker.api == "torch" and maker.reduction == "mean" and not maker.reduction_given:
            calls = [site for site in facts.sites if site.maker is maker]
            if not calls or not all(_rescaled(site) for site in calls):
                yield Hit(maker.node, message, fix)
    for site in facts.sites_of("torch"):
        left = site.reduction == "mean" and not site.reduction_given
        if site.maker is None and left and not _rescaled(site):
            yield Hit(site.node, message, fix)


def _rescaled(site: Site) -> bool:
    """True if the result is multiplied by the size of an array afterwards."""
    found = uses(site.term, site.function)
    return bool(found) and all(use.times_size for use in found)


@rule(
    "KLD112",
    "mean-reduction",
    'reduction="mean", which divides by every element',
    why="""reduction="mean" divides by the categories too. It may be meant, to match another loss
    that is averaged over everything; the value is not the KL.""",
    wrong=_TORCH
    + """def loss(log_q, p):
    return F.kl_div(log_q, p, reduction="mean")""",
    right=_TORCH
    + """def loss(log_q, p):
    return F.kl_div(log_q, p, reduction="batchmean")""",
    default=False,
)
def mean_reduction(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites_of("torch"):
        by_name = "reduction" in (site.maker or site).given
        if site.reduction == "mean" and by_name and not _rescaled(site):
            message = 'reduction="mean" divides by every element, by the categories too'
            yield Hit(site.node, message, 'reduction="batchmean"')


@rule(
    "KLD113",
    "mean-of-terms",
    'reduction="none" and then a mean over the categories',
    why="""The terms of a KL are summed over the categories. Their mean divides by the number of
    categories as well, as reduction="mean" does.""",
    wrong=_TORCH
    + """def loss(log_q, p):
    return F.kl_div(log_q, p, reduction="none").mean()""",
    right=_TORCH
    + """def loss(log_q, p):
    return F.kl_div(log_q, p, reduction="none").sum(dim=-1).mean()""",
)
def mean_of_terms(facts: Facts) -> Iterator[Hit]:
    terms = {id(site.term): site for site in facts.sites if _is_terms(site)}
    if not terms:
        return
    for function in facts.functions:
        for node, step in function.steps:
            if step.op == "mean" and step.args:
                site = _site_below(step.args[0], terms)
                if site is not None and _over_categories(step, site):
                    if any(use.times_size for use in uses(step, function)):
                        continue
                    yield Hit(
                        node,
                        "the terms of the KL are averaged over the categories, not summed",
                        ".sum(dim=-1) before the mean, over the axis of the categories",
                    )


def _is_terms(site: Site) -> bool:
    if site.reduction != "none" or site.p is None:
        return False
    if site.api == "hand":
        return site.p.kind.is_prob
    return site.api == "torch" or site.name == "scipy.special.rel_entr"


def _site_below(term: Term, terms: dict[int, Site]) -> Site | None:
    stack = [term]
    for _ in range(30):
        if not stack:
            return None
        one = stack.pop()
        if id(one) in terms:
            return terms[id(one)]
        if one.op in ELEMENTWISE:
            stack.extend(one.args)
        elif one.op in ("getitem", "moved"):
            stack.append(one.args[0])
    return None


def _over_categories(mean: Term, site: Site) -> bool:
    if mean.axis is None:
        return True
    axes = {term.kind.axis for term in (site.first, site.second) if term is not None}
    taken = mean.axis if isinstance(mean.axis, tuple) else (mean.axis,)
    return any(axis in axes for axis in taken if isinstance(axis, int))
