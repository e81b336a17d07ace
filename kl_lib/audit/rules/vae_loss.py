"""The KL of a VAE in its loss: sign, factor, and what is summed and averaged."""

from __future__ import annotations

from collections.abc import Iterator

from ..sites import Facts
from ..sites.gaussian import Formula, formulas
from ..sites.usage import Use, uses
from ..terms import Term, contains, walk
from .rule import Hit, rule

_TORCH = "import torch\nimport torch.nn.functional as F\n\n"
_LOSSES = ("loss", "cross_entropy", "entropy", "mse", "crossentropy", "error")


def _used(facts: Facts) -> Iterator[tuple[Formula, Use]]:
    for formula in formulas(facts):
        if not formula.fault:
            for use in uses(formula.term, formula.function):
                yield formula, use


@rule(
    "KLD172",
    "vae-sign",
    "the VAE's KL with the wrong sign",
    why="""The KL is -½ Σ (1 + log σ² - μ² - σ²). Without the minus the loss rewards being far from
    the prior, and has no lower bound.""",
    wrong=_TORCH
    + """def loss(x, recon, mu, logvar):
    kl = 0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp())
    return F.mse_loss(recon, x, reduction="sum") + kl""",
    right=_TORCH
    + """def loss(x, recon, mu, logvar):
    kl = -0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp())
    return F.mse_loss(recon, x, reduction="sum") + kl""",
)
def vae_sign(facts: Facts) -> Iterator[Hit]:
    for formula, use in _used(facts):
        scale = formula.scale * use.factor
        if scale <= 0 or not use.addends or use.divisors:
            continue
        # With +½ this is minus the KL, which belongs in a bound; a loss beside it says otherwise.
        no_half = abs(scale - 1) < 1e-9 and not use.factors
        if no_half or any(_is_loss(addend) for addend in use.addends):
            message = "1 + log σ² - μ² - σ² enters the loss with a plus, and it is minus the KL"
            yield Hit(formula.node, message, "-0.5 times the sum")


def _is_loss(term: Term) -> bool:
    """True if a term is a loss: positive, and smaller where the fit is better."""
    while term.op in ("sum", "mean", "moved"):
        term = term.args[0]
    if term.op == "mul":
        return (term.args[0].number or 1) > 0 and any(map(_is_loss, term.args))
    if term.op == "div":
        return _is_loss(term.args[0])
    if term.op == "square":
        return True
    name = term.name
    if term.op == "call" and not name and term.args and term.args[0].op == "call":
        name = term.args[0].name  # a loss object that is called
    return term.op == "call" and name.rpartition(".")[2].lower().endswith(_LOSSES)


@rule(
    "KLD173",
    "vae-mean-beside-sum",
    "the mean of the VAE's KL with a summed reconstruction",
    why="""The KL of a sample is a sum over the latent dimensions, as the reconstruction is one over
    pixels. A mean over batch and latent dimensions is smaller by the number of dimensions, beside
    a sum over 784 pixels it hardly counts, and the codes are hardly held to the prior.""",
    wrong=_TORCH
    + """def loss(x, recon, mu, logvar):
    kl = -0.5 * torch.mean(1 + logvar - mu ** 2 - logvar.exp())
    return F.mse_loss(recon, x, reduction="sum") / len(x) + kl""",
    right=_TORCH
    + """def loss(x, recon, mu, logvar):
    kl = -0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp()) / len(x)
    return F.mse_loss(recon, x, reduction="sum") / len(x) + kl""",
)
def vae_mean_beside_sum(facts: Facts) -> Iterator[Hit]:
    for formula, use in _used(facts):
        averaged = use.reductions[:1] == [("mean", None)]
        if averaged and not use.times_size and any(_is_summed(addend) for addend in use.addends):
            message = "the KL is averaged over the latent dimensions, the reconstruction summed"
            yield Hit(formula.node, message, "the sum over the latent dimensions, then the mean")


def _is_summed(term: Term) -> bool:
    while term.op in ("mul", "div", "mean", "moved"):
        term = term.args[0] if term.op != "mul" else term.args[-1]
    if term.op == "sum":
        return contains(term, lambda below: _is_loss(below) or below.op == "square")
    return any(_sums(below) for below in walk(term))


def _sums(term: Term) -> bool:
    if term.op != "named" or term.args[0].op != "const":
        return False
    said = term.args[0].value
    return (term.name == "reduction" and said == "sum") or (
        term.name == "size_average" and said is False
    )


@rule(
    "KLD174",
    "vae-half-missing",
    "the VAE's KL without its half",
    why="""The KL is ½ Σ (σ² + μ² - 1 - log σ²). Without the half it counts twice, as a VAE with
    β = 2 would have it.""",
    wrong="""
    import torch

    def kl(mu, logvar):
        return -torch.sum(1 + logvar - mu ** 2 - logvar.exp(), dim=1).mean()""",
    right="""
    import torch

    def kl(mu, logvar):
        return -0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp(), dim=1).mean()""",
)
def vae_half_missing(facts: Facts) -> Iterator[Hit]:
    found = [
        (formula, use)
        for formula, use in _used(facts)
        if any(name == "sum" for name, _ in use.reductions)
    ]
    weighted = {
        id(formula.node) for formula, use in found if not _is_twice(formula.scale * use.factor, use)
    }
    for formula, _ in found:
        if id(formula.node) not in weighted:
            message = "the factor ½ is missing, and this is twice the KL"
            yield Hit(formula.node, message, "0.5 times the sum")


def _is_twice(scale: float, use: Use) -> bool:
    return abs(scale + 1) < 1e-9 and not use.factors and not use.divisors


@rule(
    "KLD175",
    "vae-root",
    "the square root of the VAE's KL",
    why="""The bound on the log-likelihood has the KL itself. Its root has an infinite slope at 0,
    and weighs small KLs up and large ones down.""",
    wrong=_TORCH
    + """def loss(x, recon, mu, logvar):
    kl = -0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp())
    return F.mse_loss(recon, x, reduction="sum") + torch.sqrt(kl)""",
    right=_TORCH
    + """def loss(x, recon, mu, logvar):
    kl = -0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp())
    return F.mse_loss(recon, x, reduction="sum") + kl""",
)
def vae_root(facts: Facts) -> Iterator[Hit]:
    for formula, use in _used(facts):
        before = use.through[: use.through.index("sqrt")] if "sqrt" in use.through else ["add"]
        if set(before) <= {"mul", "sum", "mean"} and not use.factors:
            yield Hit(formula.node, "the square root of the KL is taken", "the KL itself")


@rule(
    "KLD176",
    "mean-over-latent-dimensions",
    "the KL of a VAE averaged over its latent dimensions",
    why="""The KL of a sample is the sum over the latent dimensions. Averaged over them it is
    smaller by their number, which acts as a β below 1 that changes with the size of the code;
    beside a reconstruction that is averaged over pixels the factor is latent dimensions over
    pixels.""",
    wrong="""
    import torch

    def kl(mu, logvar):
        return -0.5 * torch.mean(1 + logvar - mu ** 2 - logvar.exp())""",
    right="""
    import torch

    def kl(mu, logvar):
        return -0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp(), dim=1).mean()""",
    default=False,
)
def mean_over_latent_dimensions(facts: Facts) -> Iterator[Hit]:
    message = "the KL is averaged over the latent dimensions"
    fix = "the sum over the latent dimensions, then the mean"
    for formula, use in _used(facts):
        if use.reductions[:1] == [("mean", None)] and not use.times_size:
            yield Hit(formula.node, message, fix)
    for site in facts.sites_of("dist"):
        if not any(term.op == "dist" and term.name == "Normal" for term in site.arguments):
            continue
        for use in uses(site.term, site.function):
            if use.reductions[:1] == [("mean", None)]:
                yield Hit(site.node, message, fix)
