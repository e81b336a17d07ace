"""The reference and the approximation of a call: is each what the call takes it for?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import kl_lib

from ..codes import Finding
from .arguments import Argument, Array, Axes
from .asked import Asked

Meant = Callable[[Array], Array]


@dataclass(frozen=True)
class Side:
    """What one argument holds.

    Parameters
    ----------
    axes
        Those that may hold its categories, the likeliest first.
    meant
        From its entries, the categories last, to probabilities; None if nobody can say.
    findings
        What is wrong.
    source
        Another argument that was meant in its place, where the two stand in the wrong order.
    """

    axes: tuple[Axes, ...] = ()
    meant: Meant | None = None
    findings: tuple[Finding, ...] = ()
    source: Argument | None = None


def _same(values: Array) -> Array:
    return values


def swapped(asked: Asked, p: Argument, q: Argument) -> bool:
    """Whether probabilities stand where logarithms or logits belong and the other way round."""
    if asked.p_holds != "probabilities" or p.probabilities or not q.probabilities:
        return False
    if asked.q_holds == "logits":
        return p.range[0] < 0
    return asked.q_holds == "logarithms" and not q.logarithms and bool(p.logarithms)


def bernoulli(asked: Asked, p: Argument, q: Argument) -> bool:
    """Whether both hold chances of a yes: logarithms of sigmoids against numbers from 0 to 1."""
    unnormalised = not (p.probabilities or p.logarithms or q.probabilities or q.logarithms)
    in_unit = p.range[0] >= 0 and p.range[1] <= 1
    return (asked.p_holds, asked.q_holds) == ("probabilities", "logarithms") and (
        unnormalised and in_unit and q.range[1] <= 0
    )


def _lone(x: Argument, other: Argument) -> bool:
    """One number a row, beside rows of categories: class labels. Their shapes are found."""
    return x.shape[-1:] == (1,) and other.shape[-1:] != (1,) and not x.probabilities


def reference(asked: Asked, p: Argument, q: Argument) -> Side:
    """The side of p."""
    name = asked.p_name
    if swapped(asked, p, q):
        held = "logarithms" if p.logarithms else "logits"
        told = f"{asked.q_name} holds probabilities and {name} {held}"
        remedy = f"pass the {held} as {asked.q_name}, the probabilities as {name}"
        return Side(q.probabilities, _same, (Finding(104, told, remedy),), source=q)
    if bernoulli(asked, p, q) or _lone(p, q):
        return Side()
    if asked.normalizes or asked.masses:
        return _weights(asked, name, p, 302)
    if asked.p_holds == "logarithms":
        if p.logarithms:
            return Side(p.logarithms, np.exp)
        if p.probabilities:
            told = f"{name} holds probabilities, which log_target=True takes for logarithms"
            return Side(p.probabilities, _same, (Finding(103, told, "pass log_target=False"),))
    else:
        if p.probabilities:
            return _on_its_axis(asked, name, p)
        if p.logarithms:
            told = f"{name} holds log-probabilities, where probabilities belong"
            exp = f"pass the probabilities, exp({name})"
            if asked.q_holds != "logarithms":
                return Side(p.logarithms, np.exp, (Finding(302, told, exp),))
            how = "pass log_target=True" if "torch" in asked.call else exp
            return Side(p.logarithms, np.exp, (Finding(102, told, how),))
    return _no_distribution(302, name, p, asked.p_holds == "logarithms")


def approximation(asked: Asked, p: Argument, q: Argument) -> Side:
    """The side of q."""
    name = asked.q_name
    if swapped(asked, p, q):
        if p.logarithms:
            return Side(p.logarithms, np.exp, source=p)
        return Side(q.probabilities, kl_lib.softmax, source=p)
    if bernoulli(asked, p, q):
        told = f"exp({name}) and {asked.p_name} sum to 1 on no axis, as chances of a yes do"
        remedy = "add the same of 1 - p and log(1 - q), or call binary_cross_entropy"
        return Side((), None, (Finding(107, told, remedy),))
    if asked.normalizes or asked.masses:
        return _weights(asked, name, q, 301)
    if asked.q_holds == "logits":
        axes = (asked.axes or (-1,),)
        if q.probabilities:
            told = f"{name} holds probabilities, and the call takes a softmax of them"
            remedy = "pass the logits, or log-probabilities"
            remedy += " with from_logits=True" if "gluon" in asked.call else ""
            return Side(q.probabilities, _same, (Finding(106, told, remedy),))
        return Side(axes, kl_lib.softmax)
    if asked.q_holds == "logarithms":
        if q.logarithms:
            return Side(q.logarithms, np.exp)
        if q.probabilities:
            told = f"{name} holds probabilities, where log-probabilities belong"
            remedy = "pass log_softmax of the logits"
            return Side(q.probabilities, _same, (Finding(101, told, remedy),))
        return _no_distribution(301, name, q, True)
    if q.probabilities:
        return _on_its_axis(asked, name, q)
    if q.logarithms:
        told = f"{name} holds log-probabilities, where probabilities belong"
        found = Finding(301, told, f"pass the probabilities, exp({name})")
        return Side(q.logarithms, np.exp, (found,))
    return _no_distribution(301, name, q, False)


def _on_its_axis(asked: Asked, name: str, x: Argument) -> Side:
    """Probabilities, for a call that sums over an axis of its own choice."""
    if asked.axes is None or asked.axes in x.probabilities or x.shape[-1:] == (1,):
        return Side(x.probabilities, _same)
    told = f"{name} sums to 1 over {axes_in_words(x.probabilities[0], x)}"
    told += f", the call sums over {axes_in_words(asked.axes, x)}"
    return Side(x.probabilities, _same, (Finding(303, told, "move the categories to that axis"),))


def _weights(asked: Asked, name: str, x: Argument, code: int) -> Side:
    """An argument of a call that divides by sums, or takes any masses."""
    if x.range[0] < 0:
        what = "holds log-probabilities" if x.logarithms else f"has {x.range[0]:.4g}, below 0"
        remedy = f"pass exp({name})" if x.logarithms else "pass probabilities, counts or masses"
        return Side(x.logarithms, np.exp if x.logarithms else None, (
            Finding(code, f"{name} {what}", remedy),
        ))  # fmt: skip
    return Side(x.probabilities, _same if asked.normalizes or x.probabilities else None)


def _no_distribution(code: int, name: str, x: Argument, logs: bool) -> Side:
    """Neither probabilities nor their logarithms, over no axis."""
    entries = f"exp({name})" if logs else name
    sums = x.sums((-1,), logs) if x.shape else np.empty(0)
    below = x.range[0] < 0 and not logs
    told = f"{name} has {x.range[0]:.4g}, below 0" if below else f"{entries} sums to 1 on no axis"
    if not below and sums.size and np.isfinite(sums).all():
        told += f" (over the last to {span(sums)})"
    if logs or below:
        remedy = f"pass {'log_softmax' if logs else 'softmax'} of it if these are logits"
        return Side((), kl_lib.softmax, (Finding(code, told, remedy),))
    remedy = "divide it by its sums, or put a softmax before it"
    return Side((), _divided, (Finding(code, told, remedy),))


def _divided(values: Array) -> Array:
    return values / values.sum(axis=-1, keepdims=True)


def span(sums: Array) -> str:
    """From the smallest to the largest number, or the one that all are."""
    low, high = f"{sums.min():.4g}", f"{sums.max():.4g}"
    return low if low == high else f"{low} … {high}"


def axes_in_words(axes: Axes, x: Argument) -> str:
    """Axes counted from the front, as people write them."""
    numbers = [str(i + len(x.shape)) for i in axes]
    return f"axis {numbers[0]}" if len(numbers) == 1 else f"axes {' and '.join(numbers)}"
