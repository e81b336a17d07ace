"""What other libraries answer on the same p and q, and which of their habits explains the answer.

No reason is looked up by the name of a library. A call has a list of habits it might have
(clipping, dividing by the sums, averaging, ...). Its answer is asked for, the sum is computed again
here with every subset of those habits, the smallest first, and the first subset that reproduces the
answer to within rounding is the explanation. An answer that no subset reproduces is called
unexplained.

`kl_lib.diagnose` shows the result; the adapters in `kl_lib.frameworks` make the calls.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kl_lib import frameworks
from kl_lib.discrete import kl_divergence
from kl_lib.rows import CHUNK

from .wording import count, span

Array = NDArray[Any]

#: Two numbers agree when they differ by less than this, relative to the exact one.
AGREEMENT = 1e-6


@dataclass(frozen=True)
class Reason:
    """One cause of a difference: a word for programs, a sentence for people.

    The word is a habit from `CALLS`, ``"sum"`` or ``"rounding"``, the fault of an invalid input
    that the call does not notice, or ``"unexplained"``.
    """

    kind: str
    message: str


@dataclass(frozen=True)
class Answer:
    """What one call of one library gives for p and q.

    Parameters
    ----------
    library, version, call
        Which library, as it names itself, and the call as you would write it.
    status
        ``"agrees"`` or ``"differs"`` (from `kl_lib.kl_divergence`), ``"answers"`` where there is no
        KL to compare with because the input is invalid, ``"refuses"`` if the call raised,
        ``"missing"`` if the library is not installed, ``"unknown"`` if no library has the name.
    shape
        Shape of the answer.
    values
        Its first values, at most six.
    row
        The row that differs most, where there is one answer for each row of a batch.
    value, expected
        The answer there and KL there, in nats. None where the two have different shapes.
    differing
        How many rows differ.
    reasons
        Why, each found by computing the sum again in that way.
    message
        The first line of the error, where there is one.
    """

    library: str
    version: str | None = None
    call: str | None = None
    status: str = "answers"
    shape: tuple[int, ...] | None = None
    values: tuple[float, ...] = ()
    row: tuple[int, ...] | None = None
    value: float | None = None
    expected: float | None = None
    differing: int | None = None
    reasons: tuple[Reason, ...] = ()
    message: str | None = None


@dataclass(frozen=True)
class Call:
    """One call: how it is written, how it is made, and the habits it might have."""

    text: str
    ask: Callable[[Array, Array, int], Any]
    habits: tuple[str, ...] = ()
    ratio: bool = False  # log(p/q), which is a number for two negative entries too
    batch_only: bool = False


def _log(x: Array) -> Array:
    return np.log(x)


# A call and what it might do. Whether it does it, and whether that matters here, is measured.
CALLS: dict[str, tuple[Call, ...]] = {
    "numpy": (
        Call(
            "np.sum(p * np.log(p / q), axis={axis})",
            lambda p, q, axis: np.sum(p * np.log(p / q), axis=axis),
            ("nan for p = 0", "quotient"),
            ratio=True,
        ),
    ),
    "scipy": (
        Call(
            "scipy.special.rel_entr(p, q).sum(axis={axis})",
            lambda p, q, axis: frameworks.scipy.raw(p, q, call="rel_entr").sum(axis=axis),
            ("inf for negative",),
        ),
        Call(
            "scipy.special.kl_div(p, q).sum(axis={axis})",
            lambda p, q, axis: frameworks.scipy.raw(p, q, call="kl_div").sum(axis=axis),
            ("masses", "inf for negative", "quotient"),
        ),
        Call(
            "scipy.stats.entropy(p, q)",
            lambda p, q, axis: frameworks.scipy.raw(p, q, call="entropy"),
            ("divide", "axis 0", "inf for negative"),
        ),
    ),
    "keras": (
        Call(
            "keras.losses.kl_divergence(p, q)",
            lambda p, q, axis: frameworks.keras.raw(p, q),
            ("clip", "last axis"),
        ),
        Call(
            "keras.losses.KLDivergence()(p, q)",
            lambda p, q, axis: frameworks.keras.raw(p, q, call="KLDivergence"),
            ("batch mean", "clip", "last axis"),
            batch_only=True,
        ),
    ),
    "tfp": (
        Call(
            "tfd.kl_divergence(tfd.Categorical(probs=p), tfd.Categorical(probs=q))",
            lambda p, q, axis: frameworks.tfp.raw(p, q),
            ("divide", "last axis"),
        ),
        Call(
            "tfd.kl_divergence(tfd.OneHotCategorical(probs=p), tfd.OneHotCategorical(probs=q))",
            lambda p, q, axis: frameworks.tfp.raw(p, q, call="OneHotCategorical"),
            ("nan for p = 0", "divide", "last axis", "float32"),
        ),
    ),
    "mxnet": (
        Call(
            "KLDivLoss()(log q, p)",
            lambda p, q, axis: frameworks.mxnet.raw(_log(q), p),
            ("other axes", "nan for p = q = 0", "mean", "epsilon", "float32 label"),
        ),
        Call(
            "KLDivLoss()(log p, q)",
            lambda p, q, axis: frameworks.mxnet.raw(_log(p), q),
            ("swap", "other axes", "nan for p = q = 0", "mean", "epsilon", "float32 label"),
        ),
        Call(
            "KLDivLoss()(p, q)",
            lambda p, q, axis: frameworks.mxnet.raw(p, q),
            ("log q", "other axes", "mean", "epsilon", "float32 label"),
        ),
    ),
    "torch": (
        Call(
            "F.kl_div(log q, p)",
            lambda p, q, axis: frameworks.torch.raw(_log(q), p),
            ("mean of all", "nan for p = q = 0"),
        ),
        Call(
            "F.kl_div(log q, p, reduction='batchmean')",
            lambda p, q, axis: frameworks.torch.raw(_log(q), p, reduction="batchmean"),
            ("batchmean", "nan for p = q = 0"),
        ),
        Call(
            "F.kl_div(log p, q)",
            lambda p, q, axis: frameworks.torch.raw(_log(p), q),
            ("swap", "mean of all", "nan for p = q = 0"),
        ),
        Call(
            "F.kl_div(p, q)",
            lambda p, q, axis: frameworks.torch.raw(p, q),
            ("log q", "mean of all"),
        ),
        Call(
            "td.kl_divergence(td.Categorical(probs=p), td.Categorical(probs=q))",
            lambda p, q, axis: frameworks.torch.raw(p, q, call="Categorical"),
            ("divide", "last axis"),
        ),
    ),
}

#: The names `libraries=` knows.
LIBRARIES = tuple(CALLS)

_REDUCTIONS = {"axis 0", "other axes", "mean", "mean of all", "batch mean", "batchmean"}

#: Habits that mix the rows of a batch, so that a few rows cannot tell of them.
_ACROSS = {"axis 0", "mean of all", "batch mean", "batchmean"}

#: How many entries are enough to narrow down the habits at work.
_SAMPLE = 1 << 16


def ask(
    library: str,
    p: Array | None,
    q: Array | None,
    *,
    axis: int = -1,
    exact: Any = None,
    faults: Collection[str] = (),
) -> Iterator[Answer]:
    """Every call of `library` on p and q, compared with `exact` and explained.

    Parameters
    ----------
    library
        One of `LIBRARIES`; any other name is reported, and so is a library that is missing.
    p, q
        Floating-point arrays, valid or not. None if there are none: then nothing is asked.
    axis
        The axis that holds the categories, for the calls that take one.
    exact
        KL(p‖q) in nats, the shape of the batch. None if the input is invalid.
    faults
        What is wrong with an invalid input: ``"sum"``, ``"negative"``, ``"logarithms"``,
        ``"nan"``, ``"infinite"``, ``"shape"``. An answer that passes over it says so.
    """
    if library not in CALLS:
        known = ", ".join(LIBRARIES)
        yield Answer(library, status="unknown", message=f"no such library here; known are {known}")
        return
    try:
        version = _version(library)
    except ImportError as error:
        yield Answer(library, status="missing", message=_first_line(error))
        return
    if p is None or q is None:
        yield Answer(
            library, version, status="refuses", message="not asked: p, q or axis cannot be used"
        )
        return
    for call in CALLS[library]:
        if not (call.batch_only and max(p.ndim, q.ndim) < 2):
            answer = Answer(library, version, call.text.format(axis=axis))
            # What comes out of bad input is what is asked for: no warning about it.
            with np.errstate(all="ignore"):
                answer = _ask(answer, call, p, q, axis, exact, faults)
            yield answer


def _version(library: str) -> str:
    if library == "numpy":
        return f"numpy {np.__version__}"
    adapter = getattr(frameworks, library)
    adapter.load()
    return adapter.version()


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{lines[0] if lines else type(error).__name__:.300}"


def _ask(
    answer: Answer, call: Call, p: Array, q: Array, axis: int, exact: Any, faults: Collection[str]
) -> Answer:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = np.asarray(call.ask(p, q, axis))
    except Exception as error:  # whatever a library raises is its answer
        message = f"{type(error).__name__}: {_first_line(error)}"
        return replace(answer, status="refuses", message=message)
    answer = replace(
        answer, shape=got.shape, values=tuple(float(x) for x in got.ravel()[:6].astype(float))
    )
    if exact is None:
        return replace(answer, reasons=_explain(got, call, p, q, axis, None, faults))
    exact = np.asarray(exact, dtype=np.float64)
    if got.shape != exact.shape:
        return replace(answer, status="differs", reasons=_explain(got, call, p, q, axis, exact))
    if got.size == 0:
        return replace(answer, status="agrees", differing=0)
    gap = _relative_gap(got.astype(np.float64), exact)
    differs = gap > AGREEMENT
    row = tuple(int(i) for i in np.unravel_index(np.argmax(gap), gap.shape))
    return replace(
        answer,
        status="differs" if differs.any() else "agrees",
        row=row,
        value=float(got[row]),
        expected=float(exact[row]),
        differing=int(differs.sum()),
        reasons=_explain(got, call, p, q, axis, exact) if differs.any() else (),
    )


def _relative_gap(got: Array, exact: Array) -> Array:
    """|got − exact|/exact; inf where only one is finite or exact is 0, 0 where they are equal."""
    gap = np.abs(got - exact) / np.abs(exact)
    same = (got == exact) | (np.isnan(got) & np.isnan(exact))
    return np.where(same, 0.0, np.where(np.isnan(gap), np.inf, gap))


def _explain(
    got: Array,
    call: Call,
    p: Array,
    q: Array,
    axis: int,
    exact: Array | None,
    faults: Collection[str] = (),
) -> tuple[Reason, ...]:
    """The smallest set of habits with which the sum is what the library gave."""
    try:
        shape = np.broadcast_shapes(p.shape, q.shape)
    except ValueError:
        return (Reason("unexplained", f"answers although shapes {p.shape} and {q.shape} clash"),)
    # Of many rows a few narrow the habits down; all of them decide.
    candidates = list(_subsets(call.habits))
    few = _few_rows(got, p, q, axis, exact)
    found = None
    if few is not None:
        in_rows = [habits for habits in candidates if not _ACROSS & {*habits}]
        if (guess := _search(*few, -1, in_rows, call.ratio)) is not None:
            found = _search(got, p, q, axis, [guess.habits], call.ratio)
    if found is None:
        found = _search(got, p, q, axis, candidates, call.ratio)
    if found is None:
        return (Reason("unexplained", "no habit this call is known for gives this number"),)
    axis_used = _own_axis(axis, found.habits)
    return tuple(
        [_describe(habit, p, q, shape, axis, axis_used) for habit in found.habits]
        + _what_else(got, found, p, q, axis, exact, faults)
    )


class _Found(NamedTuple):
    """Habits that give the answer: the sum with them, how far off it is, and its own rounding."""

    habits: tuple[str, ...]
    value: Array
    gap: float
    noise: float


def _search(
    got: Array, p: Array, q: Array, axis: int, candidates: Sequence[tuple[str, ...]], ratio: bool
) -> _Found | None:
    """The first of the candidates that gives `got`, or a later one that comes much nearer."""
    shape = np.broadcast_shapes(p.shape, q.shape)
    # Few bits of the input may have been used on the way to an answer of more.
    coarse = max(_precision(dtype) for dtype in (got.dtype, p.dtype, q.dtype))
    best: _Found | None = None
    for habits in candidates:
        summed = _summed(len(shape), axis, habits)
        if tuple(n for i, n in enumerate(shape) if i not in summed) != got.shape:
            continue  # before anything is computed
        value, scale = _model(p, q, axis, habits, ratio)
        terms = math.prod(shape) // max(value.size, 1)
        gap, noise = _distance(got, value, (8 + terms**0.5) * scale, coarse)
        # In few bits, rounding hides small effects: a larger subset must come much nearer.
        if gap is not None and (best is None or (gap < best.gap / 4 and best.gap - gap > noise)):
            best = _Found(habits, value, gap, noise)
        if best is not None and best.gap <= best.noise:
            break
    return best


def _few_rows(
    got: Array, p: Array, q: Array, axis: int, exact: Array | None
) -> tuple[Array, Array, Array] | None:
    """The answer, p and q in some of many rows: those furthest off and some from everywhere."""
    shape = np.broadcast_shapes(p.shape, q.shape)
    per_row = len(shape) > 1 and axis in (-1, len(shape) - 1) and got.shape == shape[:-1]
    wanted = max(_SAMPLE // max(shape[-1], 1), 2)
    if not per_row or got.size <= wanted:
        return None
    chosen = np.linspace(0, got.size - 1, wanted // 2).astype(int)
    if exact is not None:
        off = _relative_gap(got.astype(np.float64), exact).ravel()
        chosen = np.concatenate([chosen, np.argpartition(off, -wanted // 2)[-wanted // 2 :]])
    place = np.unravel_index(np.unique(chosen), got.shape)
    return got[place], np.broadcast_to(p, shape)[place], np.broadcast_to(q, shape)[place]


def _subsets(habits: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """All subsets with at most one way to reduce, the smallest first."""
    for size in range(len(habits) + 1):
        for subset in combinations(habits, size):
            if len(_REDUCTIONS & {*subset}) <= 1:
                yield subset


def _precision(dtype: Any) -> float:
    return float(np.finfo(dtype if np.dtype(dtype).kind == "f" else np.float64).eps)


def _distance(
    got: Array, value: Array, size: Array, precision: float
) -> tuple[float | None, float]:
    """How far `got` is from `value`, None if further than rounding; and float64's own rounding.

    `size` is that of what was added up, times some roundings for each logarithm and product and √n
    for a sum of n.
    """
    got = got.astype(np.float64)
    gap = np.abs(got - value)
    gap = np.where((got == value) | (np.isnan(got) & np.isnan(value)), 0.0, gap)
    close = bool(np.all(gap <= precision * size))
    if not close:
        return None, 0.0
    noise = float(np.finfo(np.float64).eps) * float(np.max(size, initial=0.0))
    return float(np.max(gap, initial=0.0)), noise


def _model(
    p: Array, q: Array, axis: int, habits: Sequence[str], ratio: bool
) -> tuple[Array, Array]:
    """Σ p·log(p/q) in float64 with some habits, and the size of what is summed.

    Slice by slice along the longest axis, so that what comes between stays in the cache.
    """
    own_axis = _own_axis(axis, habits)
    totals = None
    p, q = np.broadcast_arrays(p, q)
    if "divide" in habits:
        totals = [x.sum(axis=own_axis, keepdims=True, dtype=np.float64) for x in (p, q)]
        totals = [np.broadcast_to(x, p.shape) for x in totals]
    summed = _summed(p.ndim, axis, habits)
    longest = int(np.argmax(p.shape))
    step = max(1, CHUNK * p.shape[longest] // max(p.size, 1))
    parts = []
    for start in range(0, p.shape[longest], step):
        cut = (*[slice(None)] * longest, slice(start, start + step))
        terms = _terms(p[cut], q[cut], [x[cut] for x in totals] if totals else None, habits, ratio)
        parts.append([x.sum(axis=summed) for x in terms])
    if not parts:
        empty = np.empty(p.shape).sum(axis=summed)
        return empty, empty
    if longest in summed:
        value, size = (np.asarray(sum(x)) for x in zip(*parts, strict=True))
    else:
        place = longest - sum(i < longest for i in summed)
        value, size = (np.concatenate(x, axis=place) for x in zip(*parts, strict=True))
    divisor = _divisor(p.shape, axis, habits)
    return value / divisor, size / divisor


def _terms(
    p: Array, q: Array, totals: Sequence[Array] | None, habits: Sequence[str], ratio: bool
) -> tuple[Array, Array]:
    """What is summed, elementwise, and its size."""
    quotient = _quotient(p, q) if "quotient" in habits else None
    dtype = np.result_type(p, q)
    p, q = p.astype(np.float64), q.astype(np.float64)
    if "float32" in habits:
        p, q = (x.astype(np.float32).astype(np.float64) for x in (p, q))
    if totals is not None:
        p, q = p / totals[0], q / totals[1]
    if "swap" in habits:
        p, q = q, p
    if "clip" in habits:
        p, q = (np.clip(x, 1e-7, 1) for x in (p, q))
    log_q = np.log(q)
    if "log q" in habits:  # the first argument is taken for log q, the second for p
        p, q, log_q = q, p, p
    if "float32 label" in habits:
        p = p.astype(np.float32).astype(np.float64)
    log_p = np.log(p + 1e-12) if "epsilon" in habits else np.log(p)
    log_ratio = np.log(p / q) if ratio else log_p - log_q
    # A quotient overflows and underflows where logarithms do not, and sooner in few bits.
    if ratio:
        log_ratio = np.where((p > 0) & (q > 0), log_p - log_q, log_ratio)
    if quotient is not None:
        off = (p > 0) & (q > 0) & _out_of_range(quotient, dtype)
        log_ratio = np.where(off, np.log(quotient), log_ratio)
    terms = p * log_ratio
    zero = (p == 0) & ~np.isnan(log_q)
    if "nan for p = 0" in habits:
        terms = np.where(zero, np.nan, terms)
    elif "nan for p = q = 0" in habits:
        terms = np.where(zero, np.where(np.isneginf(log_q), np.nan, 0.0), terms)
    else:
        terms = np.where(zero & ((q >= 0) | ("log q" in habits)), 0.0, terms)
    if "inf for negative" in habits:
        terms = np.where(((p < 0) | (q < 0)) & ~(np.isnan(p) | np.isnan(q)), np.inf, terms)
    size = np.where(p == 0, 0.0, p * (1 + np.abs(log_p) + np.abs(log_q)))
    if "masses" in habits:
        by_convention = np.isposinf(terms) & ((p < 0) | (q <= 0))
        terms, size = np.where(by_convention, np.inf, terms - p + q), size + q
    return terms, np.where(np.isfinite(size), np.abs(size), 0.0)


def _quotient(p: Array, q: Array) -> Array:
    """p/q as computed in the dtype of p and q, then in float64."""
    return (p / q).astype(np.float64)


def _out_of_range(quotient: Array, dtype: Any) -> Array:
    """Where p/q has become inf, 0 or a subnormal number, which has lost digits."""
    return np.isinf(quotient) | (quotient < np.finfo(dtype).tiny)


def _own_axis(axis: int, habits: Sequence[str]) -> int:
    return 0 if "axis 0" in habits else -1 if "last axis" in habits else axis


def _summed(ndim: int, axis: int, habits: Sequence[str]) -> tuple[int, ...]:
    """The axes that are summed over, counted from 0."""
    if {"other axes", "mean"} & {*habits}:
        return tuple(range(1, ndim))
    if {"mean of all", "batchmean", "batch mean"} & {*habits}:
        return tuple(range(ndim))
    return (_own_axis(axis, habits) % ndim,)


def _divisor(shape: tuple[int, ...], axis: int, habits: Sequence[str]) -> int:
    """What the sum is divided by."""
    if "mean" in habits:
        return math.prod(shape[1:])
    if "mean of all" in habits:
        return math.prod(shape)
    if "batchmean" in habits:
        return shape[0]
    return math.prod(shape) // shape[_own_axis(axis, habits)] if "batch mean" in habits else 1


def _describe(
    habit: str, p: Array, q: Array, shape: tuple[int, ...], axis: int, own_axis: int
) -> Reason:
    """The sentence for a habit that was found at work, with its counts on this input."""
    both_zero = np.broadcast_to(p == 0, shape) & np.broadcast_to(q == 0, shape)
    rows = int(np.prod(shape)) // max(shape[axis], 1)
    match habit:
        case "clip":
            outside = [
                (int(mask.sum()), name, side)
                for side, masks in (
                    ("below 1e-7", (p < 1e-7, q < 1e-7)),
                    ("above 1", (p > 1, q > 1)),
                )
                for name, mask in zip("pq", masks, strict=True)
            ]
            total = sum(n for n, _, _ in outside)
            parts = " and ".join(f"{n} of {name} {side}" for n, name, side in outside if n)
            text = f"clips {count(total, 'entry', 'entries')} to [1e-7, 1]: {parts}"
        case "divide":
            text = f"normalises silently: {_sums(p, q, own_axis)}"
        case "masses":
            text = "adds -p + q to each term (the generalised KL)"
        case "nan for p = 0":
            text = f"nan for 0 * log 0: p is 0 in {_places(np.broadcast_to(p == 0, shape))}"
        case "nan for p = q = 0":
            text = f"nan for 0 * (log 0 - log 0): p and q are both 0 in {_places(both_zero)}"
        case "inf for negative":
            negative = np.broadcast_to(p < 0, shape) | np.broadcast_to(q < 0, shape)
            text = f"inf by convention for a negative number: {_places(negative)}"
        case "quotient":
            dtype = np.result_type(p, q)
            positive = np.broadcast_to(p > 0, shape) & np.broadcast_to(q > 0, shape)
            off = positive & _out_of_range(_quotient(p, q), dtype)
            text = f"p / q overflows or underflows {dtype} in {_places(off)}"
        case "float32" | "float32 label":
            lost = [int(((x != 0) & (x.astype(np.float32) == 0)).sum()) for x in (p, q)]
            text = "reads float32"
            if any(lost):
                text += f", where {lost[0]} of p and {lost[1]} of q become 0"
        case "epsilon":
            text = "adds 1e-12 to p inside the logarithm"
        case "swap":
            text = "takes the reference second: this is KL(q‖p)"
        case "log q":
            text = "expects log q first: it takes p for log q, and q for p"
        case "axis 0":
            text = f"sums over axis 0: shape {shape} leaves {shape[1:]}"
        case "last axis":
            text = f"sums over the last axis, not over axis {axis}"
        case "other axes":
            text = (
                "does not sum: in a vector each category counts as an example of its own"
                if len(shape) == 1
                else f"sums over every axis but the first: shape {shape} leaves {shape[:1]}"
            )
        case "mean":
            text = f"mean instead of sum: divides by {int(np.prod(shape[1:]))}"
        case "mean of all":
            text = f"mean instead of sum: divides the sum of all by {int(np.prod(shape))}"
        case "batchmean":
            text = f"divides the sum of all by {shape[0]}, the length of axis 0"
        case "batch mean":
            text = f"averages over the batch: one number for {count(rows, 'row')}"
        case _:
            text = habit
    return Reason(habit, text)


def _what_else(
    got: Array,
    found: _Found,
    p: Array,
    q: Array,
    axis: int,
    exact: Array | None,
    faults: Collection[str],
) -> list[Reason]:
    """What a habit does not say: faults not noticed, sums not divided by, rounding."""
    habits, value, _, noise = found
    if exact is None:
        # On another axis the sums are others; what they are the habit has said or does not matter.
        noticed = {
            "divide": ("sum",),
            "axis 0": ("sum",),
            "inf for negative": ("negative", "logarithms"),
        }
        settled = {fault for habit in habits for fault in noticed.get(habit, ())}
        return [_unnoticed(fault, got, p, q, axis) for fault in faults if fault not in settled]
    reasons: list[Reason] = []
    if got.shape != exact.shape:
        return reasons
    if not habits:
        # Σ p·log(p/q) of the numbers as they are, without cancellation.
        value = np.asarray(kl_divergence(p, q, axis=axis, generalized=True), dtype=np.float64)
        sums = [x.sum(axis=axis, dtype=np.float64) for x in np.broadcast_arrays(p, q)]
        value = value + (sums[0] - sums[1])
        noise = 0.0
        if (_relative_gap(value, exact) > AGREEMENT).any():
            reasons.append(Reason("sum", f"does not divide by the sums: {_sums(p, q, axis)}"))
    gap = _relative_gap(got.astype(np.float64), value)
    gap = np.where(np.abs(got - value) <= noise, 0.0, gap)
    if (gap > AGREEMENT).any() or not (reasons or habits):
        place = np.unravel_index(np.argmax(gap), gap.shape)
        off = float(got[place]) - float(value[place])
        reasons.append(Reason("rounding", f"rounding in {got.dtype}: off by {off:+.2g} nats"))
    return reasons


def _unnoticed(fault: str, got: Array, p: Array, q: Array, axis: int) -> Reason:
    """A fault of the input that the answer passes over, or passes on."""
    nan = bool(np.isnan(got).any())
    match fault:
        case "sum":
            text = f"takes the sums as they are: {_sums(p, q, axis)}"
        case "negative" | "logarithms":
            negative = count(int((p < 0).sum() + (q < 0).sum()), "negative number")
            text = f"nan from log of {negative}" if nan else f"does not refuse {negative}"
        case "nan" | "infinite":
            bad = int((~np.isfinite(p)).sum() + (~np.isfinite(q)).sum())
            entries = count(bad, "entry", "entries")
            text = f"nan or inf in {entries}{', so nan out' if nan else ' does not stop it'}"
        case "labels":
            text = "got the numbers without their labels, paired by position"
        case "empty":
            text = "does not refuse a row that sums to 0"
        case _:
            shape = np.broadcast_shapes(p.shape, q.shape)
            text = f"broadcasts shapes {p.shape} and {q.shape} to {shape}"
    return Reason(fault, text)


def _sums(p: Array, q: Array, axis: int) -> str:
    parts = [
        f"{name} sums to {span(totals.min(), totals.max(), between='between {} and {}')}"
        if totals.size
        else f"{name} has no rows"
        for name, x in zip("pq", np.broadcast_arrays(p, q), strict=True)
        for totals in (x.sum(axis=axis, dtype=np.float64),)
    ]
    return ", ".join(parts)


def _places(mask: Array) -> str:
    """'1 entry (index 0)', '812 entries (first: index 3, 1)'."""
    n = int(mask.sum())
    if n == 0:
        return "no entry"
    index = ", ".join(str(int(i)) for i in np.argwhere(mask)[0])
    return f"{count(n, 'entry', 'entries')} ({'' if n == 1 else 'first: '}index {index})"
