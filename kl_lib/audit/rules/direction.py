"""Matters of intention, off by default: direction, temperature, what a gradient passes through."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..sites import Facts
from ..sites.usage import ELEMENTWISE, uses
from ..terms import Term, contains, walk
from .rule import Hit, rule

_TORCH = "import torch.nn.functional as F\n\n"
_WITHOUT_WEIGHTS = ELEMENTWISE | {"softmax", "log_softmax", "log", "exp", "moved", "getitem"}
_SAID = re.compile(r"KL\s*[(\[]\s*(\w+)\s*(?:\|\||‖|∥|\|)\s*(\w+)\s*[)\]]", re.I)


@rule(
    "KLD211",
    "temperature-without-square",
    "temperature without T² beside a loss without temperature",
    why="""The gradient of a softmax of scores/T is smaller by 1/T, and the KL of two softened
    softmaxes by 1/T². Without the factor T² the weight of the soft loss beside the hard one falls
    as T rises.""",
    wrong=_TORCH
    + """def loss(student, teacher, labels, T):
    log_q = F.log_softmax(student / T, dim=1)
    soft = F.kl_div(log_q, F.softmax(teacher / T, dim=1), reduction="batchmean")
    return soft + F.cross_entropy(student, labels)""",
    right=_TORCH
    + """def loss(student, teacher, labels, T):
    log_q = F.log_softmax(student / T, dim=1)
    soft = F.kl_div(log_q, F.softmax(teacher / T, dim=1), reduction="batchmean")
    return T ** 2 * soft + F.cross_entropy(student, labels)""",
    default=False,
)
def temperature_without_square(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites:
        temperatures = {_temperature(term) for term in site.arguments}
        if len(temperatures) != 1 or None in temperatures or len(site.arguments) < 2:
            continue
        [temperature] = temperatures
        for use in uses(site.term, site.function):
            scaled = any(
                temperature is not None and contains(factor, temperature) for factor in use.factors
            )
            by_number = temperature is not None and temperature.number is not None
            if use.addends and not scaled and not (by_number and abs(use.factor) > 1):
                message = "both softmaxes have a temperature, and the KL is not multiplied by T²"
                yield Hit(site.node, message, "the KL times T ** 2")
                break


def _temperature(term: Term) -> Term | None:
    core = term.core
    if core.op != "softmax":
        return None
    scores = core.args[0]
    if scores.op == "div":
        return scores.args[1]
    return scores.args[0] if scores.op == "mul" and scores.args[0].number is not None else None


@rule(
    "KLD212",
    "target-not-detached",
    "a target computed from the input, or the other side, without detach",
    why="""Where the target is computed from what is trained, the gradient flows into it too: the
    target moves towards the prediction. Where only the input is detached, it flows through the
    target alone, which trains the reverse of what is written.""",
    wrong=_TORCH
    + """def loss(q):
    weight = q ** 2 / q.sum(0)
    p = weight / weight.sum(1, keepdim=True)
    return F.kl_div(q.log(), p, reduction="batchmean")""",
    right=_TORCH
    + """def loss(q):
    weight = q ** 2 / q.sum(0)
    p = (weight / weight.sum(1, keepdim=True)).detach()
    return F.kl_div(q.log(), p, reduction="batchmean")""",
    default=False,
)
def target_not_detached(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites_of("torch"):
        if site.first is None or site.second is None:
            continue
        source = site.first.core
        if contains(site.second, _is_detached):
            continue
        own = source.op not in ("const", "made") and source is not site.second.core
        if own and contains(site.second, source):
            message = "the target is computed from the input, and not detached"
            yield Hit(site.node, message, ".detach() on the target")
        elif _is_constant(site.first) and site.second.kind.space != "UNKNOWN":
            message = "the input is detached, and the target is not"
            yield Hit(site.node, message, ".detach() on the target in place of the input")


def _is_detached(term: Term) -> bool:
    return term.op == "detach"


def _is_constant(term: Term) -> bool:
    """True if no gradient flows through a value: a model of something detached has its own."""
    if _is_detached(term):
        return True
    scalars = ("const", "symbol", "attr") if term.op in ("mul", "div") else ("const",)
    below = [arg for arg in term.args if arg.op not in scalars]
    return term.op in _WITHOUT_WEIGHTS and bool(below) and all(map(_is_constant, below))


@rule(
    "KLD213",
    "direction-against-names",
    "direction against the names or the docstring",
    why="""KL(p‖q) and KL(q‖p) are different numbers. The docstring, or the names, say one, and the
    code computes the other; in kl_div the reference is the second argument.""",
    wrong=_TORCH
    + '''def kl(p, q):
    """KL(P || Q)."""
    return F.kl_div(F.log_softmax(p, dim=-1), F.softmax(q, dim=-1), reduction="batchmean")''',
    right=_TORCH
    + '''def kl(p, q):
    """KL(P || Q)."""
    return F.kl_div(F.log_softmax(q, dim=-1), F.softmax(p, dim=-1), reduction="batchmean")''',
    default=False,
)
def direction_against_names(facts: Facts) -> Iterator[Hit]:
    for site in facts.sites:
        if site.p is None or site.q is None:
            continue
        ours, theirs = _symbols(site.p), _symbols(site.q)
        for reference, approximation in _SAID.findall(site.function.docstring):
            straight = _named(reference, ours) and _named(approximation, theirs)
            crossed = _named(reference, theirs) and _named(approximation, ours)
            if crossed and not straight:
                message = f"the docstring says KL({reference}‖{approximation}), the code the other"
                yield Hit(site.node, message, "the two exchanged")
                break
        else:
            prior = any("prior" in name for name in ours)
            if site.api == "dist" and prior and any("poster" in name for name in theirs):
                message = "this is KL(prior‖posterior); the bound of a VAE has KL(posterior‖prior)"
                yield Hit(site.node, message, "the two exchanged")


def _symbols(term: Term) -> set[str]:
    return {below.name.lower() for below in walk(term) if below.op == "symbol"}


def _named(said: str, names: set[str]) -> bool:
    said = said.lower()
    return any(name == said or name.endswith(f"_{said}") for name in names)
