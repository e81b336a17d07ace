"""What a library's call may do other than add up p·log(p/q) over an axis: its habits.

A habit says in one place what it is called, what it does to the computation and how a report words
it. `total` computes the sum with any of them. Which call may have which, `other_libraries` lists;
which of them explain an answer, `explanation` finds out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kl_lib.rows import CHUNK

from .wording import count, digits_from_one, entries, span

Array = NDArray[Any]


@dataclass(frozen=True)
class Asked:
    """What a call is asked about: p and q as floating-point arrays, and the axis of categories."""

    p: Array
    q: Array
    axis: int = -1

    @property
    def shape(self) -> tuple[int, ...]:
        """That of p and q together; ValueError if they do not broadcast."""
        return np.broadcast_shapes(self.p.shape, self.q.shape)

    @property
    def broadcasts(self) -> bool:
        """Whether they do."""
        both = zip(self.p.shape[::-1], self.q.shape[::-1], strict=False)
        return all(a == b or 1 in (a, b) for a, b in both)


@dataclass(frozen=True)
class Slice:
    """A part of p and q in float64, as a call reads them.

    `given` is that part in the dtype it came in, `totals` the sums of p and q where those are
    needed, `instead_of_log_q` what is taken for a logarithm and is none.
    """

    p: Array
    q: Array
    given: tuple[Array, ...]
    totals: tuple[Array, ...] = ()
    instead_of_log_q: Array | None = None

    @cached_property
    def log_p(self) -> Array:
        return np.log(self.p)

    @cached_property
    def log_q(self) -> Array:
        return np.log(self.q) if self.instead_of_log_q is None else self.instead_of_log_q

    @cached_property
    def zero(self) -> Array:
        """Where p is 0 and log q is a number."""
        return (self.p == 0) & ~np.isnan(self.log_q)


@dataclass(frozen=True)
class Habit:
    """One thing a call may do.

    Parameters
    ----------
    kind
        Its word for programs.
    sentence
        Its words for people. In them ``{detail}`` stands for what `detail` says of an input and the
        axis that was summed over, ``{n}`` for the divisor, ``{rows}`` for how many rows there are.
    read
        What it makes of p and q.
    finish
        What it makes of the terms p·log(p/q).
    axis
        The axis that it sums over instead.
    over, divisor
        A reduction, of which a call has one: it sums over ``"all"`` axes or over all ``"but the
        first"``, and divides by a number that depends on the input and the axis.
    settles
        The faults of an invalid input that its sentence covers.
    logarithm
        Which of p and q it takes for a logarithm.
    """

    kind: str
    sentence: str
    detail: Callable[[Asked, int], str] = lambda asked, axis: ""
    read: Callable[[Slice], Slice] = lambda of: of
    finish: Callable[[Slice, Array], Array] = lambda of, terms: terms
    axis: int | None = None
    over: str | None = None
    divisor: Callable[[Asked, int], int] = lambda asked, axis: 1
    settles: tuple[str, ...] = ()
    logarithm: str = ""

    def says(self, asked: Asked, axis: int) -> str:
        """Its words on an input and the axis that was summed over."""
        n = self.divisor(asked, axis)
        text = self.sentence.format(
            detail=self.detail(asked, axis),
            n=n,
            rows=count(_rows(asked, asked.axis), "row"),
            axis=asked.axis,
        )
        return text if n else f"{text} (the mean of nothing: 0/0)"


def _rows(asked: Asked, axis: int) -> int:
    return int(np.prod(np.delete(asked.shape, axis)))


# What becomes of p and q


def _outside(p: Array, q: Array, low: float, high: float, ends: tuple[str, str]) -> str:
    """'2 entries to [1e-7, 1]: 1 of p above 1 and 1 of q below 1e-7'."""
    below = {f"{name} below {ends[0]}": int((x < low).sum()) for name, x in (("p", p), ("q", q))}
    above = {f"{name} above {ends[1]}": int((x > high).sum()) for name, x in (("p", p), ("q", q))}
    counts = {what: n for what, n in (below | above).items() if n}
    parts = " and ".join(f"{n} of {what}" for what, n in counts.items())
    return f"{entries(sum(counts.values()))} to [{ends[0]}, {ends[1]}]: {parts}"


def _clamped(asked: Asked, axis: int) -> str:
    p, q = (x / x.sum(axis=axis, keepdims=True, dtype=np.float64) for x in (asked.p, asked.q))
    # What is 0 is left alone.
    p, q = (np.where(x == 0, 0.5, x) for x in (p, q))
    least = float(np.finfo(np.result_type(asked.p, asked.q)).eps)
    return _outside(p, q, least, 1 - least, (f"{least:.3g}", f"1 - {least:.3g}"))


def _with_clamped_logs(of: Slice, terms: Array) -> Array:
    logs = []
    for x, given in zip((of.p, of.q), of.given, strict=True):
        least = np.finfo(given.dtype).eps
        logs.append(np.log(x.clip(least, 1 - least)))
    return np.where(np.isfinite(terms) & (of.p > 0), of.p * (logs[0] - logs[1]), terms)


def _float32(x: Array) -> Array:
    return x.astype(np.float32).astype(np.float64)


def _lost(asked: Asked, names: str) -> str:
    given = {"p": asked.p, "q": asked.q}
    lost = {name: int(((given[name] != 0) & (_float32(given[name]) == 0)).sum()) for name in names}
    parts = " and ".join(f"{n} of {name}" for name, n in lost.items())
    return f", where {parts} become 0" if any(lost.values()) else ""


def _nan_for_zero_times_inf(of: Slice, terms: Array) -> Array:
    return np.where((of.p == 0) & np.isinf(of.log_q), np.nan, terms)


def _label_in_float32(label: str) -> Habit:
    """MXNet's label, which is p unless the two are swapped; a logarithm loses nothing."""
    return Habit(
        "float32 label",
        f"reads {label} as float32{{detail}}",
        lambda asked, axis: _lost(asked, label),
        read=lambda of: replace(of, p=_float32(of.p)),
    )


def _for_log_q(name: str, what: str) -> Habit:
    """What stands first is taken for log q, whether it is q or p, and what stands second for p."""
    second = "p" if name == "q" else "q"

    def zero_times_inf(asked: Asked, axis: int) -> str:
        given = {"p": asked.p, "q": asked.q}
        some = ((given[second] == 0) & np.isinf(given[name])).any()
        return "; 0 * inf is nan" if some else ""

    def read(of: Slice) -> Slice:
        first = getattr(of, name)
        return replace(of, p=getattr(of, second), q=np.exp(first), instead_of_log_q=first)

    return Habit(
        "log q",
        f"expects log q first: it takes {what}{{detail}}",
        zero_times_inf,
        read,
        _nan_for_zero_times_inf,
        logarithm=name,
    )


DIVIDE = Habit(
    "divide",
    "normalises silently: {detail}",
    lambda asked, axis: sums(asked, axis),
    read=lambda of: replace(of, p=of.p / of.totals[0], q=of.q / of.totals[1]),
    settles=("sum",),
)
CLIP = Habit(
    "clip",
    "clips {detail}",
    lambda asked, axis: _outside(asked.p, asked.q, 1e-7, 1, ("1e-7", "1")),
    read=lambda of: replace(of, p=of.p.clip(1e-7, 1), q=of.q.clip(1e-7, 1)),
)
CLAMP = Habit("clamp", "clamps before the logarithm {detail}", _clamped, finish=_with_clamped_logs)
FLOAT32 = Habit(
    "float32",
    "reads float32{detail}",
    lambda asked, axis: _lost(asked, "pq"),
    read=lambda of: replace(of, p=_float32(of.p), q=_float32(of.q)),
)
P_IN_FLOAT32, Q_IN_FLOAT32 = _label_in_float32("p"), _label_in_float32("q")
SWAP = Habit(
    "swap",
    "takes the reference second: this is KL(q‖p)",
    read=lambda of: replace(of, p=of.q, q=of.p),
)
Q_FOR_LOG_Q = _for_log_q("q", "q for log q")
P_FOR_LOG_Q = _for_log_q("p", "p for log q, and q for p")
LOG_P_FOR_P = Habit(
    "log p",
    "expects p second: it takes log p for p, unless you pass log_target=True",
    read=lambda of: replace(of, p=np.log(of.p)),
    finish=_nan_for_zero_times_inf,
)


# What becomes of the terms


def _with_quotient(of: Slice, terms: Array) -> Array:
    usual = (of.p == 0) | ((of.p > 0) & (of.q > 0) & ~_out_of_range(*of.given))
    return np.where(usual, terms, of.p * np.log(_quotient(*of.given)))


def _quotient(p: Array, q: Array) -> Array:
    """p/q as computed in the dtype of p and q, then in float64."""
    return (p / q).astype(np.float64)


def _out_of_range(p: Array, q: Array) -> Array:
    """Where p/q has become inf, 0 or a subnormal number, which has lost digits."""
    quotient = _quotient(p, q)
    return np.isinf(quotient) | (quotient < np.finfo(np.result_type(p, q)).tiny)


def _about_quotient(asked: Asked, axis: int) -> str:
    p, q = asked.p, asked.q
    overflows = f"p / q overflows or underflows {np.result_type(p, q)} in"
    causes = {
        overflows: (p > 0) & (q > 0) & _out_of_range(p, q),
        "takes the log of p / q, which is positive where both are negative:": (p < 0) & (q < 0),
        "p / q is -inf, and its log nan, where q is -0.0:": (p > 0) & (q == 0) & np.signbit(q),
    }
    return "; ".join(f"{why} {_places(asked, at)}" for why, at in causes.items() if at.any())


def _about_zeros(asked: Asked, axis: int) -> str:
    zero = asked.p == 0
    return f"p is 0 in {_places(asked, zero)}" if zero.any() else "p becomes 0"


def _about_both_zero(asked: Asked, axis: int) -> str:
    both = (asked.p == 0) & (asked.q == 0)
    if not both.any():
        return "0 * inf, which a logarithm is"
    return f"0 * (log 0 - log 0): p and q are both 0 in {_places(asked, both)}"


def _with_masses(of: Slice, terms: Array) -> Array:
    by_convention = np.isposinf(terms) & ((of.p < 0) | (of.q <= 0))
    return np.where(by_convention, np.inf, terms - of.p + of.q)


def _inf_for_negative(of: Slice, terms: Array) -> Array:
    return np.where(((of.p < 0) | (of.q < 0)) & ~np.isnan(of.p) & ~np.isnan(of.q), np.inf, terms)


NAN_FOR_ZERO = Habit(
    "nan for p = 0",
    "nan for 0 * log 0: {detail}",
    _about_zeros,
    finish=lambda of, terms: np.where(of.zero, np.nan, terms),
)
NAN_FOR_BOTH_ZERO = Habit(
    "nan for p = q = 0", "nan for {detail}", _about_both_zero, finish=_nan_for_zero_times_inf
)
INF_MINUS_INF = Habit(
    "inf - inf",
    "subtracts p log q from p log p, and inf - inf is nan",
    finish=lambda of, terms: np.where(np.isinf(of.p), of.p * of.log_p - of.p * of.log_q, terms),
)
INF_FOR_NEGATIVE = Habit(
    "inf for negative",
    "inf by convention for a negative number: {detail}",
    lambda asked, axis: _places(asked, (asked.p < 0) | (asked.q < 0)),
    finish=_inf_for_negative,
    settles=("negative", "logarithms"),
)
QUOTIENT = Habit("quotient", "{detail}", _about_quotient, finish=_with_quotient)
MASSES = Habit("masses", "adds -p + q to each term (the generalised KL)", finish=_with_masses)
EPSILON = Habit(
    "epsilon",
    "adds 1e-12 to the label inside the logarithm",
    finish=lambda of, terms: np.where(
        of.p > 0, terms + of.p * (np.log(of.p + 1e-12) - of.log_p), terms
    ),
)


# Which axes are summed over, and what the sum is divided by


def _of_the_first(asked: Asked, axis: int) -> str:
    if len(asked.shape) == 1:
        return "does not sum: in a vector each category counts as an example of its own"
    return f"sums over every axis but the first: shape {asked.shape} leaves {asked.shape[:1]}"


AXIS_0 = Habit(
    "axis 0",
    "sums over axis 0: {detail}",
    lambda asked, axis: f"shape {asked.shape} leaves {asked.shape[1:]}",
    axis=0,
    settles=("sum",),  # the sums that were asked about are those of another axis
)
LAST_AXIS = Habit(
    "last axis", "sums over the last axis, not over axis {axis}", axis=-1, settles=("sum",)
)
OTHER_AXES = Habit("other axes", "{detail}", _of_the_first, over="but the first")
MEAN = Habit(
    "mean",
    "mean instead of sum: divides by {n}",
    over="but the first",
    divisor=lambda asked, axis: math.prod(asked.shape[1:]),
)
SUM_OF_ALL = Habit("sum of all", "adds up the batch: one number for {rows}", over="all")
MEAN_OF_ALL = Habit(
    "mean of all",
    "mean instead of sum: divides the sum of all by {n}",
    over="all",
    divisor=lambda asked, axis: math.prod(asked.shape),
)
MEAN_OVER_AXIS_0 = Habit(
    "batchmean",
    "divides the sum of all by {n}, the length of axis 0",
    over="all",
    divisor=lambda asked, axis: len(asked.q),  # of what stands first, before it is broadcast
)
MEAN_OF_ROWS = Habit(
    "batch mean", "averages over the batch: one number for {rows}", over="all", divisor=_rows
)


# The sum with some of them


def axis_of(asked: Asked, habits: Sequence[Habit]) -> int:
    """The axis that a call with these habits sums over."""
    return next((habit.axis for habit in habits if habit.axis is not None), asked.axis)


def summed(asked: Asked, habits: Sequence[Habit]) -> tuple[int, ...]:
    """Every axis that a call with these habits sums over, counted from 0."""
    ndim = len(asked.shape)
    over = next((habit.over for habit in habits if habit.over), None)
    one = (axis_of(asked, habits) % ndim,)
    return one if over is None else tuple(range(0 if over == "all" else 1, ndim))


def total(asked: Asked, habits: Sequence[Habit]) -> tuple[Array, Array]:
    """Σ p·log(p/q) in float64 with some habits, and the size of what is summed.

    Slice by slice along the longest axis, so that what comes between stays in the cache.
    """
    both = np.broadcast_arrays(asked.p, asked.q)
    shape, axis, axes = asked.shape, axis_of(asked, habits), summed(asked, habits)
    whole = [*both]
    if DIVIDE in habits:
        totals = (x.sum(axis=axis, keepdims=True, dtype=np.float64) for x in both)
        whole += [np.broadcast_to(x, shape) for x in totals]
    longest = int(np.argmax(shape))
    slices = min(-(-math.prod(shape) // CHUNK), shape[longest]) or 1
    parts = []
    for given in zip(*(np.array_split(x, slices, axis=longest) for x in whole), strict=True):
        p, q = (x.astype(np.float64) for x in given[:2])
        terms = _terms(Slice(p, q, given[:2], given[2:]), habits)
        parts.append([x.sum(axis=axes) for x in terms])
    if longest in axes:
        value, size = (np.asarray(sum(x)) for x in zip(*parts, strict=True))
    else:
        place = longest - sum(i < longest for i in axes)
        value, size = (np.concatenate(x, axis=place) for x in zip(*parts, strict=True))
    divisor = math.prod(habit.divisor(asked, axis) for habit in habits)
    return value / divisor, size / max(divisor, 1)


def _terms(of: Slice, habits: Sequence[Habit]) -> tuple[Array, Array]:
    """What is summed, elementwise, and the size of what it was computed from."""
    for habit in habits:
        of = habit.read(of)
    terms = np.where(of.zero, 0.0, of.p * (of.log_p - of.log_q))
    for habit in habits:
        terms = habit.finish(of, terms)
    size = np.where(of.p == 0, 0.0, np.abs(of.p) * (1 + np.abs(of.log_p) + np.abs(of.log_q)))
    return terms, np.where(np.isfinite(terms + size), np.maximum(np.abs(terms), size), 0.0)


# How they word it


def sums(asked: Asked, axis: int) -> str:
    """'p sums to 10, q sums to between 1 and 1.05'; one at least is not 1, and reads so."""
    both = np.broadcast_arrays(asked.p, asked.q)
    totals = [x.sum(axis=axis, dtype=np.float64) for x in both]
    digits = digits_from_one(*(end for x in totals if x.size for end in (x.min(), x.max())))
    return ", ".join(
        f"{name} sums to {span(x.min(), x.max(), between='between {} and {}', digits=digits)}"
        if x.size
        else f"{name} has no rows"
        for name, x in zip("pq", totals, strict=True)
    )


def _places(asked: Asked, mask: Array) -> str:
    """'1 entry (index 0)', '812 entries (first: index 3, 1)'."""
    mask = np.broadcast_to(mask, asked.shape)
    n = int(mask.sum())
    index = ", ".join(str(int(i)) for i in np.argwhere(mask)[0])
    return f"{entries(n)} ({'' if n == 1 else 'first: '}index {index})"
