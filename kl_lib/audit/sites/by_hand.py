"""A KL divergence written out: ``p * log(p / q)`` and ``p * (log p − log q)``."""

from __future__ import annotations

from ..terms import Term, Terms


def by_hand(terms: Terms, product: Term) -> tuple[Term, Term] | None:
    """p and q, if a product is the summand of KL(p‖q).

    Examples
    --------
    >>> terms = Terms()
    >>> p, q = terms.make("symbol", name="p"), terms.make("symbol", name="q")
    >>> by_hand(terms, terms.make("mul", p, terms.make("log", terms.make("div", p, q))))
    (p, q)
    """
    if product.op == "xlogy":
        weight, ratio = product.args
        return _matched(terms, weight, terms.make("log", ratio))
    if product.op != "mul" or len(product.args) != 2:
        return None
    one, other = product.args
    return _matched(terms, one, other) or _matched(terms, other, one)


def psi_by_hand(terms: Terms, product: Term) -> tuple[Term, Term] | None:
    """a and b, if a product is the summand of the population stability index, (a−b)·log(a/b)."""
    if product.op != "mul" or len(product.args) != 2:
        return None
    for one, other in (product.args, product.args[::-1]):
        ratio = _ratio(terms, other)
        if one.op == "sub" and ratio is not None:
            difference = tuple(arg.core for arg in one.args)
            if difference == ratio or difference == ratio[::-1]:
                return ratio
    return None


def _matched(terms: Terms, weight: Term, logarithm: Term) -> tuple[Term, Term] | None:
    ratio = _ratio(terms, logarithm)
    if ratio is None:
        return None
    p, q = ratio
    return (p, q) if p is not q and weight.core is p and not weight.kind.is_log else None


def _ratio(terms: Terms, logarithm: Term) -> tuple[Term, Term] | None:
    """a and b of log(a/b) or log a − log b."""
    while logarithm.op in ("clamp", "nan_to_num", "detach"):
        logarithm = logarithm.args[0]
    if logarithm.op == "mul" and logarithm.args[0].number is not None:  # another base
        logarithm = logarithm.args[1]
    if logarithm.op == "log":
        below = logarithm.args[0].core
        return (below.args[0].core, below.args[1].core) if below.op == "div" else None
    if logarithm.op == "sub":
        first, second = (_below(terms, arg) for arg in logarithm.args)
        return (first, second) if first is not None and second is not None else None
    return None


def _below(terms: Terms, logarithm: Term) -> Term | None:
    """What a term is the logarithm of."""
    if logarithm.kind.is_log:
        return logarithm.core
    if logarithm.op == "const":
        return None
    return terms.make("exp", logarithm).core
