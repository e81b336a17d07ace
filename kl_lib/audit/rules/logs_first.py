"""kl_div and others that take the approximation first, as a logarithm, and the reference second."""

from __future__ import annotations

from collections.abc import Iterator

from ..libraries.kl_functions import LOGS_FIRST
from ..sites import Facts, Site
from .rule import Edit, Hit, rule

_TORCH = "import torch.nn.functional as F\n\n"


@rule(
    "KLD101",
    "probabilities-as-input",
    "probabilities where log-probabilities are expected",
    why="""The first argument of kl_div is the logarithm of the approximation. Probabilities there
    give sum p (log p - q) in place of sum p (log p - log q): for p = (0.9, 0.1), q = (0.5, 0.5)
    that is -0.825 in place of 0.368. It falls as q gets closer to an indicator of p's largest
    entry, so training goes on, towards something else.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    q = F.softmax(student, dim=1)
    return F.kl_div(q, F.softmax(teacher, dim=1), reduction="batchmean")""",
    right=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(log_q, F.softmax(teacher, dim=1), reduction="batchmean")""",
)
def probabilities_as_input(facts: Facts) -> Iterator[Hit]:
    for site, first, second in facts.given_to(*LOGS_FIRST):
        swapped = second.kind.is_log and site.log_target is False
        if first.kind.is_chance and not swapped and not site.takes_scores:
            yield Hit(
                site.node,
                f"{site.called} expects log-probabilities as its first argument and gets "
                f"probabilities",
                "log_softmax in place of softmax, or the logarithm of the first argument",
            )


@rule(
    "KLD102",
    "log-target-missing",
    "target in logs without log_target",
    why="""The second argument of kl_div is p itself unless log_target=True. Log-probabilities there
    are negative weights, and the logarithm of those is taken: PyTorch and optax answer nan, and
    older versions of PyTorch, which left such entries out, a number that is no divergence.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(log_q, F.log_softmax(teacher, dim=1), reduction="batchmean")""",
    right=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    log_p = F.log_softmax(teacher, dim=1)
    return F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)""",
    fixable=True,
)
def log_target_missing(facts: Facts) -> Iterator[Hit]:
    for site, first, second in facts.given_to(*LOGS_FIRST):
        if not second.kind.is_log or site.log_target is not False or first.kind.is_chance:
            continue
        call = site.maker.node if site.maker is not None else site.node
        fix, edit = "the exponential of the second argument", None
        if site.api == "torch":
            fix, edit = "log_target=True", Edit(call, keywords=(("log_target", "True"),))
        elif site.name == "optax.kl_divergence":
            fix = "kl_divergence_with_log_targets"
            edit = Edit(call, function=fix)
        edit = edit if _all_alike(site, facts) else None
        message = f"{site.called} gets its second argument, the target, as a logarithm"
        if site.api == "torch":
            message += ", without log_target=True"
        yield Hit(site.node, message, fix, edit)


def _all_alike(site: Site, facts: Facts) -> bool:
    """True if the call, or the loss object, is given such targets wherever it is used."""
    alike = [other for other in facts.sites if other.node is site.node]
    if site.maker is not None:
        alike += [other for other in facts.sites if other.maker is site.maker]
    spaces = [other.second.kind.is_log for other in alike if other.second is not None]
    return len(set(spaces)) == 1 and not any(other.followed for other in alike)


@rule(
    "KLD103",
    "log-target-of-probabilities",
    "probabilities with log_target=True",
    why="""With log_target=True the second argument is taken for log p: its exponential is the
    weight, which for a probability lies between 1 and 2.72, and every category counts about
    alike.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    p = F.softmax(teacher, dim=1)
    return F.kl_div(log_q, p, reduction="batchmean", log_target=True)""",
    right=_TORCH
    + """def loss(student, teacher):
    log_q = F.log_softmax(student, dim=1)
    p = F.softmax(teacher, dim=1)
    return F.kl_div(log_q, p, reduction="batchmean")""",
    fixable=True,
)
def log_target_of_probabilities(facts: Facts) -> Iterator[Hit]:
    for site, _, second in facts.given_to(*LOGS_FIRST):
        if site.log_target is True and second.kind.is_chance:
            edit = None
            if site.api == "torch" and _all_alike(site, facts):
                call = site.maker.node if site.maker is not None else site.node
                edit = Edit(call, keywords=(("log_target", None),))
            message = f"{site.called} gets probabilities as target where it expects their logarithm"
            yield Hit(site.node, message, "the call without log_target=True", edit)


@rule(
    "KLD104",
    "arguments-swapped",
    "arguments in the wrong order: probabilities first, logs second",
    why="""kl_div takes the approximation first, as a logarithm, and the reference second, as
    probabilities. This call has them the other way round, as a formula KL(p, q) has them, and the
    logarithm of a negative weight is nan.""",
    wrong=_TORCH
    + """def loss(student, teacher):
    p = F.softmax(teacher, dim=1)
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(p, log_q, reduction="batchmean")""",
    right=_TORCH
    + """def loss(student, teacher):
    p = F.softmax(teacher, dim=1)
    log_q = F.log_softmax(student, dim=1)
    return F.kl_div(log_q, p, reduction="batchmean")""",
)
def arguments_swapped(facts: Facts) -> Iterator[Hit]:
    for site, first, second in facts.given_to(*LOGS_FIRST):
        if first.kind.is_chance and second.kind.is_log and site.log_target is False:
            message = f"{site.called} gets probabilities first and logarithms second"
            yield Hit(site.node, message, "the logarithm first, the probabilities second")


@rule(
    "KLD105",
    "same-pair-both-ways",
    "(a, b) and (b, a) with neither in logs",
    why="""kl_div takes a logarithm and a probability. Where the same two tensors are given to it
    in both orders, each is once in the place for logarithms and once in that for probabilities,
    and in one of them it is wrong, whatever it is. For a symmetric KL take log_softmax and softmax
    of both, or log_target=True with logarithms in all places.""",
    wrong=_TORCH
    + """def symmetric(p, q):
    there = F.kl_div(p, q, reduction="batchmean")
    back = F.kl_div(q, p, reduction="batchmean")
    return (there + back) / 2""",
    right=_TORCH
    + """def symmetric(log_p, log_q):
    there = F.kl_div(log_p, log_q, reduction="batchmean", log_target=True)
    back = F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
    return (there + back) / 2""",
)
def same_pair_both_ways(facts: Facts) -> Iterator[Hit]:
    seen: dict[tuple[int, int, int], Site] = {}
    for site, first, second in facts.given_to(*LOGS_FIRST):
        spaces = {first.kind.space, second.kind.space}
        if site.log_target is not False or spaces != {"UNKNOWN"} or first is second:
            continue
        seen[id(site.function), id(first), id(second)] = site
        if (id(site.function), id(second), id(first)) in seen:
            message = f"{site.called} gets the same two tensors in both orders"
            yield Hit(
                site.node,
                f"{message}: one of them is no logarithm, or the other no probability",
                "log_target=True with the logarithm of both in both calls",
            )
