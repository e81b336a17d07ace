"""What a loss is divided by: every element, the first axis, nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Facts
from ..findings import Hit, rule
from ..sites import Site
from ..terms import TRANSPARENT, Term
from ..usage import ELEMENTWISE, Use, uses

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


@rule(
    "KLD114",
    "different-axes",
    "the two arguments sum to 1 along different axes",
    why="""Each argument is a distribution along the axis of its softmax. Where these differ, rows
    of one are compared with columns of the other.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(log_q, F.softmax(teacher, dim=0), reduction="sum")""",
    right=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(log_q, F.softmax(teacher, dim=1), reduction="sum")""",
)
def different_axes(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites:
        if site.first is None or site.second is None:
            continue
        axes = [site.first.kind.axis, site.second.kind.axis]
        if not all(isinstance(axis, int) for axis in axes) or axes[0] == axes[1]:
            continue
        if (axes[0] < 0) == (axes[1] < 0):
            message = f"one argument sums to 1 along axis {axes[0]}, the other along {axes[1]}"
            yield Hit(site.node, message, "the same axis in both")


@rule(
    "KLD115",
    "batchmean-over-categories",
    "batchmean where axis 0 is the one that sums to 1",
    why="""batchmean divides by the length of the first axis. Where the categories lie there, it
    divides by their number, as "mean" does for a single row.""",
    wrong=_TORCH
    + """def loss(scores, target):
    log_q = F.log_softmax(scores, dim=0)
    return F.kl_div(log_q, target, reduction="batchmean")""",
    right=_TORCH
    + """def loss(scores, target):
    log_q = F.log_softmax(scores, dim=0)
    return F.kl_div(log_q, target, reduction="sum")""",
)
def batchmean_over_categories(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites_of("torch"):
        if site.reduction != "batchmean" or any(use.times_size for use in _uses(site)):
            continue
        given = [term for term in (site.first, site.second) if term is not None]
        if any(term.kind.axis == 0 or (rank(term) == 1 and _normal(term)) for term in given):
            message = "batchmean divides by axis 0, along which the probabilities sum to 1"
            yield Hit(site.node, message, 'reduction="sum", divided by the number of distributions')


def _normal(term: Term) -> bool:
    return term.kind.axis in (0, -1)


def _uses(site: Site) -> list[Use]:
    return uses(site.term, site.function)


@rule(
    "KLD116",
    "batchmean-of-several-rows",
    "batchmean where each entry of the batch holds several distributions",
    why="""batchmean divides by the length of the first axis only. Of an array (N, C, H·W) with a
    softmax along the last axis it is C times the mean KL of a row, so the weight of the loss
    changes with the number of channels, or with the length of a text.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    n, c, h, w = student.shape
    log_q = F.log_softmax(student.view(n, c, h * w), dim=-1)
    p = F.softmax(teacher.view(n, c, h * w), dim=-1)
    return F.kl_div(log_q, p, reduction="batchmean")""",
    right=_TORCH
    + """def loss(student, teacher):
    n, c, h, w = student.shape
    log_q = F.log_softmax(student.view(n * c, h * w), dim=-1)
    p = F.softmax(teacher.view(n * c, h * w), dim=-1)
    return F.kl_div(log_q, p, reduction="batchmean")""",
)
def batchmean_of_several_rows(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites_of("torch"):
        given = [term for term in (site.first, site.second) if term is not None]
        if site.reduction != "batchmean" or any(term.kind.axis == 0 for term in given):
            continue
        divided = any(use.divisors or use.times_size for use in _uses(site))
        if not divided and any((rank(term) or 0) > 2 for term in given):
            yield Hit(
                site.node,
                "batchmean divides by the first axis, and there are several distributions in each "
                "of its entries",
                "the arrays reshaped to (rows, categories)",
            )


def rank(term: Term) -> int | None:
    """The number of axes, where a reshape has said it."""
    for _ in range(30):
        if term.op == "moved":
            return term.value if isinstance(term.value, int) else None
        if term.op in ("mul", "div", "add") and len(term.args) == 2:
            arrays = [arg for arg in term.args if arg.op not in ("const", "symbol", "attr")]
            if len(arrays) != 1:
                return None
            term = arrays[0]
        elif term.op in {"softmax", "log_softmax", "log", "exp", *TRANSPARENT}:
            term = term.args[0]
        else:
            return None
    return None


@rule(
    "KLD117",
    "softmax-without-dim",
    "softmax without dim in one argument of a KL",
    why="""PyTorch chooses an axis by the number of axes: 0 for one or three, 1 for two or four. Of
    sequences (N, L, C) the softmax is then along the batch.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    return F.kl_div(F.log_softmax(student, dim=1), F.softmax(teacher), reduction="batchmean")""",
    right=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(log_q, F.softmax(teacher, dim=1), reduction="batchmean")""",
    default=False,
)
def softmax_without_dim(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites_of("torch"):
        given = [term for term in (site.first, site.second) if term is not None]
        if any(term.kind.axis == "implicit" for term in given):
            yield Hit(site.node, "a softmax without dim chooses its axis itself", "dim=-1")
