"""The KL of a VAE written out: ``1 + log σ² − μ² − σ²``, in its many spellings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from ..terms import Term, Terms
from .facts import Facts, Function


@dataclass
class Formula:
    """One such sum: `scale` times (1 + log σ² − μ² − σ²), so −½ KL per unit of scale is right."""

    node: Any
    term: Term
    function: Function
    scale: float
    log_variance: Term  # what stands for log σ²
    variance: Term  # what stands for σ²
    fault: str = ""  # what is wrong with log σ² or σ², "" if nothing


def formulas(facts: Facts) -> Iterator[Formula]:
    """All sums of a file that have this form, the faulty ones too."""
    for function in facts.functions:
        for node, term in function.steps:
            if term.op in ("add", "sub"):
                found = _formula(facts.terms, term)
                if found is not None:
                    yield Formula(node, term, function, *found)


def linear(term: Term) -> tuple[float, dict[Term, float]]:
    """A term as a number plus multiples of others.

    Examples
    --------
    >>> terms = Terms()
    >>> x = terms.make("symbol", name="x")
    >>> linear(terms.make("sub", terms.const(1), terms.make("mul", terms.const(2), x)))
    (1.0, {x: -2.0})
    """
    constant, atoms = 0.0, dict[Term, float]()
    stack = [(term, 1.0)]
    for _ in range(200):
        if not stack:
            break
        one, factor = stack.pop()
        if one.number is not None:
            constant += factor * one.number
        elif one.op == "add":
            stack.extend((arg, factor) for arg in one.args)
        elif one.op == "sub":
            stack.extend([(one.args[0], factor), (one.args[1], -factor)])
        elif one.op == "mul" and one.args[0].number is not None:
            stack.append((one.args[1], factor * one.args[0].number))
        else:
            atoms[one] = atoms.get(one, 0.0) + factor
    return constant, {atom: factor for atom, factor in atoms.items() if factor}


def _formula(terms: Terms, term: Term) -> tuple[float, Term, Term, str] | None:
    constant, atoms = linear(term)
    if not constant or len(atoms) != 3:
        return None
    faulty = None
    for log, mean, variance in permutations(atoms):
        if mean.op != "square" or not _near(atoms[mean], -constant):
            continue
        times = atoms[log] / constant
        if not _near(atoms[variance], -constant) or times not in (1.0, 2.0):
            continue
        log_variance = terms.make("mul", terms.const(times), log)
        fault = _fault(terms, log_variance, log, times, variance)
        if fault is None:
            return constant, log_variance, variance, ""
        if fault:
            faulty = (constant, log_variance, variance, fault)
    return faulty


def _near(one: float, other: float) -> bool:
    return abs(one - other) < 1e-9


def _fault(terms: Terms, log_variance: Term, log: Term, times: float, variance: Term) -> str | None:
    """None if the variance is the exponential of what stands for its logarithm.

    Otherwise what is wrong with it, "" if the sum is something else altogether.
    """
    implied = terms.make("exp", log_variance)
    if _same(implied, variance):
        return None
    if variance.op == "square" and _same(variance.args[0], log):
        return "the logarithm of the variance is missing: σ stands in its place"
    twice = terms.make("exp", terms.make("mul", terms.const(2), log_variance))
    if _same(twice, variance):
        return "log σ stands where log σ² belongs"
    half = terms.make("exp", terms.make("mul", terms.const(0.5), log_variance))
    if _same(half, variance):
        return "σ stands where σ² belongs"
    return ""


def _same(one: Term, other: Term) -> bool:
    return one is other or _bare(one) is _bare(other)


def _bare(term: Term) -> Term:
    """Without a small constant and what keeps a value within bounds."""
    while term.op in ("clamp", "detach") or (term.op == "add" and term.args[0].number is not None):
        term = term.args[-1] if term.op == "add" else term.args[0]
    return term
