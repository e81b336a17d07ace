"""Which habits of a call explain its answer.

No reason is looked up by the name of a library. The sum is computed again with every subset of the
habits that a call might have, the smallest first, and the first that reproduces the answer to
within rounding is the explanation. What the answer cannot tell is not claimed: a fault of the input
is said to be at work only where the sum without that fault is another one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from kl_lib.discrete import kl_divergence

from .habits import DIVIDE, FLOAT32, Array, Asked, Habit, axis_of, summed, sums, total
from .wording import count, entries

#: Two numbers agree when they differ by less than this, relative to the exact one.
AGREEMENT = 1e-6


@dataclass(frozen=True)
class Reason:
    """One cause of a difference: a word for programs, a sentence for people.

    The word is the kind of a habit: of what is made of p and q ``"divide"``, ``"clip"``,
    ``"clamp"``, ``"float32"``, ``"float32 label"``, ``"swap"``, ``"log q"``, ``"log p"``; of the
    terms ``"nan for p = 0"``, ``"nan for p = q = 0"``, ``"inf for negative"``, ``"inf - inf"``,
    ``"quotient"``, ``"masses"``, ``"epsilon"``; of the sum ``"axis 0"``, ``"last axis"``,
    ``"other axes"``, ``"mean"``, ``"sum of all"``, ``"mean of all"``, ``"batchmean"``,
    ``"batch mean"``. Beside habits ``"rounding"``; ``"sum"`` where the sums are not divided by;
    ``"undecided"`` where dividing would not change the answer; any other fault of an invalid input
    that the call does not notice; and ``"unexplained"``.
    """

    kind: str
    message: str


class Fit(NamedTuple):
    """Habits that give the answer: the sum with them, how far off it is, and its own rounding."""

    habits: tuple[Habit, ...]
    value: Array
    gap: float
    noise: float

    def much_nearer(self, other: Fit) -> bool:
        """In few bits, rounding hides small effects: only so is one better than the other."""
        return self.gap < other.gap / 4 and other.gap - self.gap > self.noise


def explain(
    got: Array,
    asked: Asked,
    habits: Sequence[Habit],
    exact: Array | None,
    faults: Collection[str] = (),
) -> tuple[Reason, ...]:
    """Why a call that may have `habits` gives `got`.

    Parameters
    ----------
    exact
        KL(p‖q), which `got` differs from. None if the input is invalid.
    faults
        What is wrong with an invalid input, in the words of `kl_lib.diagnosis.Problem`.
    """
    if not asked.broadcasts:
        clash = f"answers although shapes {asked.p.shape} and {asked.q.shape} clash"
        return (Reason("unexplained", clash),)
    candidates = [*_subsets(habits)]
    found = _search(got, asked, candidates)
    if found is None:
        return (Reason("unexplained", "no habit this call is known for gives this number"),)
    axis = axis_of(asked, found.habits)
    reasons = [Reason(habit.kind, habit.says(asked, axis)) for habit in found.habits]
    if exact is not None:
        return (*reasons, *_beside(got, asked, found, exact))
    settled = {fault for habit in found.habits for fault in habit.settles}
    also = [found.habits, *_indistinguishable(got, asked, found, candidates)]
    for fault in faults:
        if fault not in settled:
            reasons += _unnoticed(fault, got, asked, found, also)
    return tuple(reasons)


# The search


def _subsets(habits: Sequence[Habit]) -> Iterator[tuple[Habit, ...]]:
    """All subsets with at most one way to reduce, the smallest first."""
    for size in range(len(habits) + 1):
        for subset in combinations(habits, size):
            if sum(habit.over is not None for habit in subset) <= 1:
                yield subset


def _search(got: Array, asked: Asked, candidates: Sequence[tuple[Habit, ...]]) -> Fit | None:
    """The first of the candidates that gives `got`, or a later one that comes much nearer."""
    best: Fit | None = None
    for habits in candidates:
        fit = _fit(got, asked, habits)
        if fit is not None and (best is None or fit.much_nearer(best)):
            best = fit
        if best is not None and best.gap <= best.noise:
            break
    return best


def _fit(got: Array, asked: Asked, habits: tuple[Habit, ...]) -> Fit | None:
    """The sum with these habits, if it is `got` to within rounding."""
    axes = summed(asked, habits)
    if tuple(n for i, n in enumerate(asked.shape) if i not in axes) != got.shape:
        return None  # before anything is computed
    value, scale = total(asked, habits)
    # Some roundings for each logarithm and product, and √n for a sum of n.
    summands = math.prod(asked.shape) // max(value.size, 1)
    size = (8 + summands**0.5) * scale
    # Few bits of the input may have been used on the way to an answer of more.
    coarse = max(float(_limits(x.dtype).eps) for x in (got, asked.p, asked.q))
    gap = np.where(_same(got, value), 0.0, np.abs(got.astype(np.float64) - value))
    least = float(_limits(got.dtype).smallest_subnormal)
    if not (gap <= coarse * size + summands * least).all():
        return None
    noise = float(_limits(np.float64).eps) * float(np.max(size, initial=0.0))
    return Fit(habits, value, float(np.max(gap, initial=0.0)), noise)


def _limits(dtype: Any) -> np.finfo[Any]:
    return np.finfo(dtype if np.dtype(dtype).kind == "f" else np.float64)


def _same(x: Array, y: Array) -> Array:
    return (x == y) | (np.isnan(x) & np.isnan(y))


def relative_gap(got: Array, exact: Array) -> Array:
    """|got − exact|/exact; inf where only one is finite or exact is 0, 0 where they are equal."""
    gap = np.abs(got.astype(np.float64) - exact) / np.abs(exact)
    return np.where(_same(got, exact), 0.0, np.where(np.isnan(gap), np.inf, gap))


# What a habit does not say


def _beside(got: Array, asked: Asked, found: Fit, exact: Array) -> Iterator[Reason]:
    """Of a valid input: sums that are not divided by, and rounding."""
    value, noise = found.value, found.noise
    undivided = _sums_matter(got, asked, found, part=AGREEMENT)
    if undivided:
        yield Reason("sum", f"does not divide by the sums: {sums(asked, asked.axis)}")
    if got.shape != exact.shape:
        return
    if not found.habits:  # the plain sum cancels: what rounding did to it, only the exact one tells
        value, noise = (_undivided(asked) if undivided else exact), 0.0
    gap = relative_gap(got, value)
    gap = np.where(np.abs(got - value) <= noise, 0.0, gap)
    if (gap > AGREEMENT).any():
        place = np.unravel_index(np.argmax(gap), gap.shape)
        off = float(got[place]) - float(value[place])
        yield Reason("rounding", f"rounding in {got.dtype}: off by {off:+.2g} nats")


def _sums_matter(got: Array, asked: Asked, found: Fit, part: float = 0.0) -> bool:
    """Whether the answer tells that it is not divided by the sums, by more than `part` of it."""
    if any("sum" in habit.settles for habit in found.habits):
        return False
    # What is lost in reading float32 is lost before anything is divided.
    habits = tuple(sorted((DIVIDE, *found.habits), key=lambda habit: habit is not FLOAT32))
    divided = _fit(got, asked, habits)
    if divided is not None and not found.much_nearer(divided):
        return False
    return bool((relative_gap(total(asked, habits)[0], found.value) > part).any())


def _undivided(asked: Asked) -> Array:
    """Σ p·log(p/q) of the numbers as they are, without cancellation."""
    kl = np.asarray(kl_divergence(asked.p, asked.q, axis=asked.axis, generalized=True))
    both = np.broadcast_arrays(asked.p, asked.q)
    p, q = (x.sum(axis=asked.axis, dtype=np.float64) for x in both)
    return kl + (p - q)


def _indistinguishable(
    got: Array, asked: Asked, found: Fit, candidates: Sequence[tuple[Habit, ...]]
) -> Iterator[tuple[Habit, ...]]:
    """More habits that give the same nan or inf, which hides what else the call does."""
    if not np.isfinite(got).all():
        for habits in candidates:
            if {*found.habits} < {*habits} and _fit(got, asked, habits) is not None:
                yield habits


def _unnoticed(
    fault: str, got: Array, asked: Asked, found: Fit, also: Sequence[tuple[Habit, ...]]
) -> Iterator[Reason]:
    """A fault of the input that the answer passes over, or passes on in each of the ways `also`."""
    p, q = asked.p, asked.q
    text = {
        "labels": "got the numbers without their labels, paired by position",
        "empty": "does not refuse a row that sums to 0",
    }.get(fault, f"broadcasts shapes {p.shape} and {q.shape} to {asked.shape}")
    if fault == "sum":
        text = f"takes the sums as they are: {sums(asked, asked.axis)}"
        if not _sums_matter(got, asked, found):
            fault = "undecided"
            text = f"the same with or without dividing by the sums: {sums(asked, asked.axis)}"
    elif fault in ("negative", "logarithms"):
        # Of numbers that are taken for logarithms, in whatever way, nothing is to be said.
        every = [habit for habits in also for habit in habits]
        n = _negative(asked, every) or _negative(asked, found.habits)
        if n == 0:
            return
        negative = count(n, "negative number")
        effects = _effects(Asked(_finite(p), _finite(q), asked.axis), also)
        text = f"does not refuse {negative}"
        if effects == {"nan"}:
            text = f"nan from log of {negative}"
        elif "nan" in effects and not (np.isnan(p).any() or np.isnan(q).any()):
            text += ", whose log may be where nan is from"
    elif fault in ("nan", "infinite"):
        both = np.concatenate([p.ravel(), q.ravel()])
        kinds = {"nan": np.isnan(both).any(), "inf": np.isinf(both).any()}
        what = " or ".join(kind for kind, there in kinds.items() if there)
        effects = _effects(Asked(np.abs(p), np.abs(q), asked.axis), also)
        out = effects.pop() if len(effects) == 1 else ""
        text = f"{what} in {entries(int((~np.isfinite(both)).sum()))}"
        text += f", so {out} out" if out else " does not stop it"
    yield Reason(fault, text)


def _negative(asked: Asked, habits: Sequence[Habit]) -> int:
    """How many negative numbers are taken for probabilities, and not for logarithms."""
    logarithms = {habit.logarithm for habit in habits}
    given = {"p": asked.p, "q": asked.q}
    return sum(int((x < 0).sum()) for name, x in given.items() if name not in logarithms)


def _effects(asked: Asked, ways: Sequence[tuple[Habit, ...]]) -> set[str]:
    """What a fault does, as the only one in p and q, in each of some ways to add up.

    ``"nan"`` or ``"inf"`` where there was none, or nothing.
    """
    harmless = Asked(np.abs(_finite(asked.p)), np.abs(_finite(asked.q)), asked.axis)
    effects = set()
    for habits in ways:
        after, before = (total(one, habits)[0] for one in (asked, harmless))
        nan, inf = ((there(after) & ~there(before)).any() for there in (np.isnan, np.isinf))
        effects.add("nan" if nan else "inf" if inf else "")
    return effects


def _finite(x: Array) -> Array:
    return np.where(np.isfinite(x), x, np.ones_like(x))
