"""The KL of a VAE: what stands for the variance, and what for its logarithm."""

from __future__ import annotations

from collections.abc import Iterator

from ..sites import Facts, Function
from ..sites.gaussian import formulas
from ..terms import Term
from .rule import Hit, rule

_NOISE = ("randn", "normal", "sample", "rsample", "standard_normal")


@rule(
    "KLD171",
    "log-sigma-for-log-variance",
    "log σ where log σ² belongs",
    why="""The KL to the standard normal is -½ Σ (1 + log σ² - μ² - σ²). If one tensor is log σ² in
    the KL and log σ in the sampling, or σ stands without its logarithm, the prior that is fitted
    is another one: the minimum of e^s - s lies at s = 0, that of s² - s at ½.""",
    wrong="""
    import torch

    def sample(mu, s):
        return mu + torch.randn_like(mu) * torch.exp(s)

    def kl(mu, s):
        return -0.5 * torch.sum(1 + s - mu ** 2 - torch.exp(s))""",
    right="""
    import torch

    def sample(mu, s):
        return mu + torch.randn_like(mu) * torch.exp(0.5 * s)

    def kl(mu, s):
        return -0.5 * torch.sum(1 + s - mu ** 2 - torch.exp(s))""",
)
def log_sigma_for_log_variance(facts: Facts) -> Iterator[Hit]:
    scales = _scales_of_noise(facts)
    for formula in formulas(facts):
        if formula.fault:
            yield Hit(formula.node, formula.fault, "1 + log σ² - μ² - σ²")
            continue
        names = _names(formula.log_variance, formula.function)
        for scale, function in scales:
            same = scale is formula.log_variance and function is formula.function
            if same or names & _names(scale, function):
                message = "this is log σ² here, and log σ where noise is multiplied by its exp"
                yield Hit(formula.node, message, "exp(0.5 * logvar) as the standard deviation")
                break


def _scales_of_noise(facts: Facts) -> list[tuple[Term, Function]]:
    """What s is in ``noise * exp(s)``, wherever that is computed."""
    found = []
    for function in facts.functions:
        for _, step in function.steps:
            if step.op != "mul" or len(step.args) != 2:
                continue
            for one, other in (step.args, step.args[::-1]):
                if one.op == "exp" and _is_noise(other):
                    found.append((one.args[0], function))
    return found


def _is_noise(term: Term) -> bool:
    while term.op in ("moved", "detach", "item"):
        term = term.args[0]
    last = term.name.rpartition(".")[2]
    return term.op == "random" or (term.op in ("call", "method") and last in _NOISE)


def _names(term: Term, function: Function) -> set[str]:
    """What a value is called: as a parameter, or by what it is assigned to."""
    found = {name for name, _, value in function.assigned if value is term}
    return found | {term.name} if term.op in ("symbol", "attr") else found
