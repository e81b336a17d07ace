"""Shapes, axes and reduction: do two arguments belong together, and what divides the sum?"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from ..codes import Finding
from .arguments import Argument, Axes
from .asked import Asked
from .sides import axes_in_words


def findings(asked: Asked, p: Argument, q: Argument, axes: Axes | None) -> Iterator[Finding]:
    """What is wrong with a call of these two, whose categories are along `axes`."""
    yield from _broadcast(asked, p, q, axes)
    if asked.axes is None and not asked.masses:
        yield from _other_axis(asked, p, q)
    if asked.left_axis:
        yield from _rows_for_columns(asked, p, q)
    if asked.divides_by == "elements" and prod(q.shape) > 1:
        yield from _every_element(q, axes)
    elif asked.divides_by and axes and _divided_axis(asked, q) in axes:
        yield from _categories(asked, q, axes)
    if p.requires_grad:
        told = f"{asked.p_name} requires a gradient, which the loss then sends into the reference"
        yield Finding(305, told, f"pass {asked.p_name}.detach() unless that is meant")
    if asked.deprecated:
        told = f"{' and '.join(asked.deprecated)} of {asked.call} is deprecated"
        yield Finding(151, told, 'pass reduction="batchmean", "sum" or "none"')


def _broadcast(asked: Asked, p: Argument, q: Argument, axes: Axes | None) -> Iterator[Finding]:
    """Shapes that NumPy's rules fit together although nobody meant that."""
    if p.shape == q.shape or asked.checks_shapes:
        return
    try:
        shape = np.broadcast_shapes(p.shape, q.shape)
    except ValueError:
        return  # the call itself has another rule, or has refused
    lone = [x for x in (p, q) if axes and any(_length(x, i) not in (0, shape[i]) for i in axes)]
    short = asked.divides_by == "axis 0" and q.shape[:1] != shape[:1]
    if shape not in (p.shape, q.shape) or lone or short:
        told = f"{asked.p_name} has shape {p.shape}, {asked.q_name} {q.shape}"
        told += f", which broadcast to {shape}"
        yield Finding(304, told, "pass both in one shape, with an axis for the categories")


def _length(x: Argument, axis: int) -> int:
    """Of one of its axes; 0 if it has no such axis, as one distribution against a batch."""
    return x.shape[axis] if -axis <= len(x.shape) and len(x.shape) > 0 else 0


def _other_axis(asked: Asked, p: Argument, q: Argument) -> Iterator[Finding]:
    """Two arguments that both hold distributions, one in rows and one in columns."""
    of_p = p.logarithms if asked.p_holds == "logarithms" else p.probabilities
    of_q = q.logarithms if asked.q_holds == "logarithms" else q.probabilities
    if of_p and of_q and not set(of_p) & set(of_q):
        told = f"{asked.p_name} sums to 1 over {axes_in_words(of_p[0], p)}, {asked.q_name} over "
        told += axes_in_words(of_q[0], q)
        yield Finding(303, told, "put the categories of both on the same axis")


def _rows_for_columns(asked: Asked, p: Argument, q: Argument) -> Iterator[Finding]:
    """SciPy sums over axis 0, where a batch has its rows."""
    first = {len(p.shape), len(q.shape)}
    if max(first) < 2 or not p.probabilities or not q.probabilities:
        return
    rows = all((-1,) in x.probabilities for x in (p, q))
    columns = any((-len(x.shape),) in x.probabilities for x in (p, q) if len(x.shape) > 1)
    if rows and not columns:
        told = f"the rows of {asked.p_name} and {asked.q_name} sum to 1, the call sums over axis 0"
        yield Finding(201, told, "pass axis=-1")


def _every_element(q: Argument, axes: Axes | None) -> Iterator[Finding]:
    told = f"the sum is divided by all {prod(q.shape)} elements"
    if axes:
        told += f", so that it is KL divided by the {prod(q.shape[i] for i in axes)} categories"
    yield Finding(111, told, 'pass reduction="batchmean"')


def _divided_axis(asked: Asked, q: Argument) -> int | None:
    return -len(q.shape) if asked.divides_by == "axis 0" else asked.batch_axis


def _categories(asked: Asked, q: Argument, axes: Axes) -> Iterator[Finding]:
    if asked.divides_by == "axis 0":
        told = f"batchmean divides by axis 0, whose {q.shape[0]} entries are categories"
        remedy = 'pass reduction="sum"' if len(q.shape) == len(axes) else "put the batch on axis 0"
    else:
        told = f"the batch axis, {axes_in_words(axes, q)}, is the one that sums to 1"
        remedy = "put the batch on that axis, or pass batch_axis"
    yield Finding(115, told, remedy)
