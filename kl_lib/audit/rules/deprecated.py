"""Arguments of PyTorch's losses that are older than `reduction`."""

from __future__ import annotations

from collections.abc import Iterator

from ..sites import Facts, Maker, Site
from ..terms import Term
from .rule import Edit, Hit, rule

_TORCH = "import torch.nn.functional as F\n\n"


def _old(facts: Facts) -> Iterator[tuple[Site | Maker, dict[str, Term], int]]:
    """Calls with arguments by name, and how many come before the old ones."""
    for maker in facts.makers:
        if maker.api == "torch":
            yield maker, maker.given, 0
    for site in facts.sites_of("torch"):
        if site.maker is None and site.name == "torch.nn.functional.kl_div":
            yield site, site.given, 2


def _is_text(term: Term | None) -> bool:
    return term is not None and term.op == "const" and isinstance(term.value, str)


@rule(
    "KLD151",
    "size-average",
    "arguments that are deprecated: size_average and reduce",
    why="""They come before reduction, whatever that says, and warn in every call.
    size_average=False is reduction="sum", reduce=False is reduction="none".""",
    wrong=_TORCH
    + """def loss(log_q, p):
    return F.kl_div(log_q, p, size_average=False) / len(p)""",
    right=_TORCH
    + """def loss(log_q, p):
    return F.kl_div(log_q, p, reduction="sum") / len(p)""",
    default=False,
    fixable=True,
)
def size_average(facts: Facts) -> Iterator[Hit]:
    for call, given, keep in _old(facts):
        old = [name for name in ("size_average", "reduce") if name in given]
        if not old or _is_text(given.get("size_average")):
            continue
        if all(given[name].op == "const" and given[name].value is None for name in old):
            continue
        edit = None
        if call.reduction is not None:
            new = (("reduction", f'"{call.reduction}"'), ("size_average", None), ("reduce", None))
            edit = Edit(call.node, keywords=new, keep=keep)
        message = f"{' and '.join(old)} {'is' if len(old) == 1 else 'are'} deprecated"
        yield Hit(call.node, message, f'reduction="{call.reduction}"' if edit else "", edit)


@rule(
    "KLD152",
    "reduction-by-position",
    "a reduction by position, which lands in size_average",
    why="""The argument after the target is size_average, deprecated but first. A text there is
    taken for True: the reduction is "mean", which divides by every element, whatever the text
    says.""",
    wrong=_TORCH
    + """def loss(log_q, p):
    return F.kl_div(log_q, p, "batchmean")""",
    right=_TORCH
    + """def loss(log_q, p):
    return F.kl_div(log_q, p, reduction="batchmean")""",
    fixable=True,
)
def reduction_by_position(facts: Facts) -> Iterator[Hit]:
    for call, given, keep in _old(facts):
        said = given.get("size_average")
        if said is not None and _is_text(said):
            new = (("reduction", f'"{said.value}"'), ("size_average", None))
            message = f'"{said.value}" is taken for size_average, and the reduction is "mean"'
            edit = Edit(call.node, keywords=new, keep=keep)
            yield Hit(call.node, message, f'reduction="{said.value}"', edit)
