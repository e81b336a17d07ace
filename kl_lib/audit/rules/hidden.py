"""What hides that something is wrong: nan and inf swept away, signs taken off."""

from __future__ import annotations

from collections.abc import Iterator

from ..sites import Facts, Site
from ..terms import Term, contains, walk
from .rule import Hit, rule

_REDUCED = frozenset({"sum", "mean", "nansum", "detach", "clamp"})
_SHOWN = ("isinf", "isfinite", "isnan")


@rule(
    "KLD191",
    "nan-or-inf-swept-away",
    "nan or inf swept away around a KL",
    why="""An infinite KL says that q rules out what p has; nan says that an argument was no
    probability. Replaced by 0 the worst case counts as no difference, and a nan among
    log-probabilities becomes the probability 1.""",
    wrong="""
    import numpy as np
    from scipy import special

    def kl(p, q):
        return np.sum(np.nan_to_num(special.rel_entr(p, q), posinf=0))""",
    right="""
    import numpy as np
    from scipy import special

    def kl(p, q):
        return np.sum(special.rel_entr(p, q))""",
)
def swept_away(facts: Facts) -> Iterator[Hit]:
    by_term = {id(site.term): site for site in facts.sites}
    if not by_term:
        return
    for site in facts.sites:
        if any(_cleaned(term) for term in (site.first, site.second)):
            yield Hit(site.node, "nan in an argument is replaced by a number before the KL")
    for function in facts.functions:
        for node, step in function.steps:
            swept = _swept(step, by_term)
            if swept:
                yield Hit(node, f"{swept} of the KL is replaced or left out")


def _cleaned(term: Term | None) -> bool:
    while term is not None and term.op in ("detach", "clamp", "moved", "log", "exp"):
        term = term.args[0]
    if term is None or term.op != "nan_to_num":
        return False
    below = term.args[0].kind
    return below.is_log or below.is_prob


def _swept(step: Term, by_term: dict[int, Site]) -> str:
    """What is swept away here: "nan", "inf" or nothing."""
    if step.op == "nan_to_num":
        site = _kl_in(step.args[0], by_term)
        given = {arg.name: arg for arg in step.args[1:]}
        if site is None:
            return ""
        if "posinf" in given:
            return "inf"
        # 0 · log 0 written by hand is nan, and 0 is right there.
        return "" if site.api in ("hand", "psi", "scipy") else "nan or inf"
    if step.op == "where" and len(step.args) == 3:
        return _said(step.args[0], step.args[1:], by_term)
    if step.op == "setitem" and len(step.args) > 2:
        return _said(step.args[2], step.args[:1], by_term)
    if step.op == "getitem" and len(step.args) == 2:
        return _said(step.args[1], step.args[:1], by_term)
    if step.op == "call" and step.name in ("numpy.ma.masked_invalid", "numpy.ma.fix_invalid"):
        return "nan or inf" if step.args and _kl_in(step.args[0], by_term) else ""
    return ""


def _said(mask: Term, values: tuple[Term, ...], by_term: dict[int, Site]) -> str:
    for below in walk(mask):
        if below.op in _SHOWN and below.args:
            site = _kl_in(below.args[0], by_term)
            if site is None or not any(_kl_in(value, by_term) is site for value in values):
                continue
            if below.op != "isnan":
                return "inf"
            return "" if site.api in ("hand", "psi") else "nan"
    return ""


def _kl_in(term: Term, by_term: dict[int, Site]) -> Site | None:
    return next((by_term[id(below)] for below in walk(term) if id(below) in by_term), None)


@rule(
    "KLD192",
    "sign-taken-off",
    "the absolute value of a KL, or of its arguments",
    why="""A KL of two distributions is never negative. Where one is, an argument is no
    distribution, the logarithm is missing or the order is wrong; the absolute value of it is no
    divergence either.""",
    wrong="""
    import torch

    def kl(p, q):
        return torch.sum(p * torch.log(p / q)).abs()""",
    right="""
    import torch

    def kl(p, q):
        return torch.sum(p * torch.log(p / q))""",
)
def sign_taken_off(facts: Facts) -> Iterator[Hit]:
    by_term = {id(site.term) for site in facts.sites}
    for site in facts.sites:
        # A spectrum may be the absolute value of something, divided by its sum.
        if any(_bare_abs(term) for term in site.arguments):
            message = "the absolute value of an argument hides that it is no probability"
            yield Hit(site.node, message, "a softmax, or a check that nothing is negative")
    for function in facts.functions:
        for node, step in function.steps:
            if step.op == "abs" and _reduced_kl(step.args[0], by_term):
                message = "the absolute value of a KL hides that it came out negative"
                yield Hit(node, message, "the KL as it is")


def _bare_abs(term: Term) -> bool:
    below = term.core
    return below.op == "abs" and not contains(below, _is_complex)


def _is_complex(term: Term) -> bool:
    return term.op in ("call", "method") and "fft" in f"{term.name}"


def _reduced_kl(term: Term, by_term: set[int]) -> bool:
    for _ in range(20):
        if id(term) in by_term:
            return True
        if term.op in _REDUCED:
            term = term.args[0]
        elif term.op == "mul" and term.args[0].number is not None:
            term = term.args[1]
        else:
            return False
    return False
