"""Calls that compute a KL divergence, remembered as sites."""

from __future__ import annotations

from typing import Any

import libcst as cst

from ..libraries.applying import axis_of
from ..libraries.arguments import Arguments, Bound, bind, constant
from ..libraries.kl_functions import (
    CALLS,
    KERAS_STRINGS,
    MAKERS,
    torch_log_target,
    torch_reduction,
)
from ..libraries.layers import output_of
from ..libraries.names import canonical
from ..sites import Maker, Site
from ..sites.by_hand import by_hand, psi_by_hand
from ..terms import Term
from .state import State


def note_by_hand(node: cst.CSTNode, term: Term, at: State) -> None:
    """Remember a KL, or a PSI, written out."""
    if not at.program.recording:
        return
    terms = at.terms
    for api, found in (("hand", by_hand(terms, term)), ("psi", psi_by_hand(terms, term))):
        if found is not None:
            p, q = found
            site = Site(api, "", node, at.function, term, p, q, p, q, reduction="none")
            site.conditions = at.conditions
            at.program.facts.sites.append(site)


def kl_call(node: cst.Call, name: str, arguments: Arguments, at: State) -> Term | None:
    """The term of a call of a KL function, None if this is none."""
    if name not in CALLS:
        return None
    api, parameters = CALLS[name]
    bound = bind(parameters, arguments)
    first, second = (bound.values.get(parameter) for parameter in parameters[:2])
    if name == "scipy.stats.entropy" and second is None:
        return None
    term = _site(node, api, name, first, second, bound, None, at)
    if at.program.recording:
        at.program.facts.sites[-1].written = arguments.name
    return term


def loss_made(node: cst.Call, name: str, arguments: Arguments, at: State) -> Term | None:
    """The term of a loss object that is made here, None if this is none."""
    if name not in MAKERS:
        return None
    api, parameters = MAKERS[name]
    bound = bind(parameters, arguments)
    program, terms = at.program, at.terms
    reduction, chosen = torch_reduction(bound) if api == "torch" else ("none", True)
    log_target = torch_log_target(bound) if api == "torch" else False
    term = terms.make("made", name=name, value=id(node))
    maker = program.makers.get(term)
    if maker is None:
        maker = Maker(api, name, node, at.function, term, reduction, chosen, log_target)
        maker.given = bound.values
        program.makers[term] = maker
        program.facts.makers.append(maker)
    return term


def loss_called(node: cst.Call, made: Term, arguments: Arguments, at: State) -> Term:
    """The term of a loss object called with its two arguments."""
    maker: Maker = at.program.makers[made]
    names = ("y_true", "y_pred") if maker.api == "keras" else ("input", "target")
    if maker.api == "gluon":
        names = ("pred", "label")
    bound = bind(names, arguments)
    first, second = (bound.values.get(name) for name in names)
    return _site(node, maker.api, maker.name, first, second, bound, maker, at)


def _site(
    node: cst.Call,
    api: str,
    name: str,
    first: Term | None,
    second: Term | None,
    bound: Bound,
    maker: Maker | None,
    at: State,
) -> Term:
    terms = at.terms
    site = Site(api, name, node, at.function, terms.const(None), first, second, maker=maker)
    site.given, site.followed = bound.values, at.depth > 0
    if api == "torch":
        _set_torch(site, bound)
    elif api == "optax":
        site.reduction, site.log_target = "rows", name.endswith("with_log_targets")
    elif api == "metric":
        log_prob = constant(bound, "log_prob", False)
        site.log_target = None if log_prob is ... else bool(log_prob)
        site.reduction = "batchmean"
    elif name in ("scipy.special.rel_entr", "scipy.special.kl_div"):
        site.reduction = "none"
    else:
        site.reduction = "rows"
    swapped = site.wants_log  # the approximation comes first there
    site.p, site.q = (second, first) if swapped else (first, second)
    if api == "scipy" and "axis" in bound.values:
        site.axis = axis_of(bound.values["axis"], None)
    given = [term for term in (first, second) if term is not None]
    settings = f"{site.reduction}/{site.log_target}"
    site.term = terms.make("kl", *given, name=name, value=settings)
    if at.program.recording:
        at.program.facts.sites.append(site)
    return site.term


def _set_torch(site: Site, bound: Bound) -> None:
    if site.maker is not None:
        site.reduction, site.reduction_given = site.maker.reduction, site.maker.reduction_given
        site.log_target = site.maker.log_target
    else:
        site.reduction, site.reduction_given = torch_reduction(bound)
        site.log_target = torch_log_target(bound)


def method_call(
    node: cst.Call, base: Term, name: str, arguments: Arguments, at: State
) -> Term | None:
    """A KL by a method: ``p.kl_divergence(q)`` and ``model.compile(loss="kl_divergence")``."""
    args = arguments.args
    if name == "kl_divergence" and len(args) == 1:
        bound = Bound({}, arguments.whole)
        return _site(node, "dist", "kl_divergence", base, args[0], bound, None, at)
    if name == "compile":
        compiled(node, base, arguments, at)
    return None


def compiled(node: cst.Call, model: Term, arguments: Arguments, at: State) -> None:
    """Remember a Keras model that is compiled with KL as its loss."""
    args, given = arguments.args, arguments.given
    loss = given.get("loss", args[1] if len(args) > 1 else None)
    said = keras_loss(loss, at)
    if said is None or not at.program.recording:
        return
    out = output_of(model, at.terms)
    term = at.terms.make("compiled", *([out] if out is not None else []))
    site = Site("compile", said, node, at.function, term, None, out, None, out)
    site.reduction = "rows"
    site.given = {"loss": loss} if loss is not None else {}
    at.program.facts.sites.append(site)


def keras_loss(loss: Term | None, at: State) -> str | None:
    """The name under which a Keras loss is KL, None for another loss."""
    if loss is None:
        return None
    if loss.op == "const":
        return loss.value if loss.value in KERAS_STRINGS else None
    name: Any = loss.name if loss.op == "made" else None
    if loss.op == "qual":
        name = canonical(loss.name)
    known = CALLS.get(name) or MAKERS.get(name)
    return name if known is not None and known[0] == "keras" else None
