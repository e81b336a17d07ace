"""Along which axis the distributions lie, and what is summed or divided along which."""

from __future__ import annotations

from collections.abc import Iterator

from ..sites import Facts, Site
from ..sites.usage import Use, uses
from ..terms import TRANSPARENT, Term
from .rule import Hit, rule

_TORCH = "import torch.nn.functional as F\n\n"
_ALONG_0 = ("scipy.stats.entropy", "scipy.spatial.distance.jensenshannon")


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
        if any(_along_the_first(term) for term in site.arguments):
            message = "batchmean divides by axis 0, along which the probabilities sum to 1"
            yield Hit(site.node, message, 'reduction="sum", divided by the number of distributions')


def _along_the_first(term: Term) -> bool:
    return term.kind.axis == 0 or (rank(term) == 1 and term.kind.axis == -1)


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
        if site.reduction != "batchmean" or any(term.kind.axis == 0 for term in site.arguments):
            continue
        divided = any(use.divisors or use.times_size for use in _uses(site))
        if not divided and any((rank(term) or 0) > 2 for term in site.arguments):
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
        if any(term.kind.axis == "implicit" for term in site.arguments):
            yield Hit(site.node, "a softmax without dim chooses its axis itself", "dim=-1")


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
        if any(_in_rows(term) for term in site.arguments) or _averaged(site):
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


def _averaged(site: Site) -> bool:
    """True if the result is averaged, so is no single number, and the rows are normalised."""
    if not any(term.kind.axis == -1 for term in site.arguments):
        return False
    return any(step.op == "mean" and step.args[0] is site.term for _, step in site.function.steps)
