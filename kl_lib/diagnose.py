"""Why is this KL infinite, nan, negative, or not the number another library gives?

`diagnose` looks at p and q and writes a report: what is wrong with them and where, the divergences
and entropies, the categories that carry the sum, what rounding does to it, what other libraries
answer and why, and what to do about it. It needs numpy alone, unless you ask for other libraries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .answers import AGREEMENT, ask
from .checks import DistributionError
from .discrete import (
    cross_entropy,
    entropy,
    js_divergence,
    kl_divergence,
    kl_from_logits,
    kl_terms,
)
from .report import (
    Argument,
    Measure,
    Mismatch,
    Note,
    Problem,
    Remedy,
    Report,
    Rounding,
    Summary,
    Term,
    count,
    number,
    percent,
)

Array = NDArray[np.float64]

#: How many indices, and how many categories, a report lists.
PLACES, TERMS = 10, 5

#: Rounding of the input that can move KL by more than this part of it is worth a note.
COARSE = 1e-3

_LN2 = float(np.log(2.0))


def diagnose(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = False,
    libraries: Sequence[str] = ("numpy", "scipy"),
) -> Report:
    """Report on p and q: valid or not, KL both ways, where it comes from, what others answer.

    Bad input is never raised about, it is what the report is for.

    Parameters
    ----------
    p, q
        The reference and the approximation, as for `kl_divergence`: shape (..., categories) with
        `axis` = −1. Anything else is accepted too and reported as invalid.
    axis
        The axis that holds the categories.
    base
        A base for one more column beside nats and bits.
    normalize
        Accept non-negative counts and divide them by their sum first. The other libraries are
        still asked about the counts.
    libraries
        Whom to ask on the same input: any of ``"numpy"`` (the plain sum), ``"scipy"``,
        ``"keras"``, ``"tfp"``, ``"mxnet"`` and ``"torch"``. One that is not installed is reported.

    Returns
    -------
    Report
        ``print(report)`` shows it within 80 columns, a notebook shows tables, and
        ``report.to_dict()`` and ``report.to_json()`` are for programs. ``report.status`` is
        ``"fine"``, ``"infinite"`` or ``"invalid"``.

    Raises
    ------
    TypeError
        If `libraries` is no sequence of names. Whatever p, q, axis and base are, is reported.

    Examples
    --------
    >>> from kl_lib.diagnose import diagnose
    >>> report = diagnose([0.5, 0.3, 0.2], [0.5, 0.5, 0.0], libraries=())
    >>> report.status
    'infinite'
    >>> print(report.verdict)
    KL(p‖q) is infinite: q is 0 where p is not (1 entry).
    >>> report.mismatches[0].places
    ((2,),)

    Why SciPy disagrees with the plain sum on counts:

    >>> for answer in diagnose([2, 5, 2, 1], [3, 4, 1, 2], libraries=("scipy",)).answers:
    ...     print(answer.call, "|", answer.reasons[0].message)
    scipy.special.rel_entr(p, q).sum(axis=-1) | takes the sums as they are: p sums to 10, q sums \
to 10
    scipy.special.kl_div(p, q).sum(axis=-1) | takes the sums as they are: p sums to 10, q sums to 10
    scipy.stats.entropy(p, q) | normalises silently: p sums to 10, q sums to 10
    """
    asked = (libraries,) if isinstance(libraries, str) else tuple(libraries)
    # What is wrong with the input the report says; NumPy need not warn of it too.
    with np.errstate(all="ignore"):
        return _report(_read(p, "p"), _read(q, "q"), axis, base, bool(normalize), asked)


def _report(
    p: _Read, q: _Read, axis: Any, base: Any, normalize: bool, asked: Sequence[str]
) -> Report:
    problems = tuple(_problems(p, q, axis, base, normalize))
    about: dict[str, Any] = {
        "axis": int(axis) if hasattr(axis, "__index__") else repr(axis),
        "base": base if base is None or isinstance(base, (int, float)) else repr(base),
        "normalize": normalize,
        "arguments": tuple(_argument(argument, axis) for argument in (p, q)),
        "problems": problems,
    }
    if problems:
        return Report(
            status="invalid",
            verdict=_invalid(problems),
            remedies=tuple(_repairs(p, q, axis, normalize, problems)),
            answers=_answers(asked, p, q, axis, None, problems),
            **_size(p, q, axis, problems),
            **about,
        )
    pair = _pair(p, q, axis, normalize)
    exact = _float(kl_divergence(p.original, q.original, axis=axis, normalize=normalize))
    row = _worst(exact)
    return Report(
        status="infinite" if np.isposinf(exact).any() else "fine",
        shape=exact.shape,
        rows=exact.size,
        categories=pair.p.shape[-1],
        row=row,
        answers=_answers(asked, p, q, axis, exact, ()),
        **about,
        **(
            _contents(pair, exact, row, base)
            if row is not None
            else {"verdict": "No rows: there is nothing to compare."}
        ),
    )


# Reading, and what is wrong


@dataclass(frozen=True)
class _Read:
    """An argument as numbers; `fault` says why if it could not be read, and it has no values."""

    name: str
    original: Any
    values: Array
    dtype: str
    fault: str | None = None

    def own(self) -> NDArray[Any]:
        """The numbers in their own floating dtype; bfloat16, which NumPy lacks, as float32."""
        return self.values.astype(_numpy_dtype(self.dtype))


def _numpy_dtype(name: str) -> str:
    return "float32" if name == "bfloat16" else name


def _read(value: Any, name: str) -> _Read:
    nothing = np.empty(0)
    try:
        values, dtype = checks.as_array(value, name)
    except DistributionError as error:
        return _Read(name, value, nothing, "float64", str(error))
    except Exception as error:  # an object that raises something of its own when it is read
        fault = f"{name}, a {type(value).__name__}, cannot be read as an array: {error}"
        return _Read(name, value, nothing, "float64", fault)
    return _Read(name, value, np.asarray(values, dtype=np.float64), dtype)


def _problems(p: _Read, q: _Read, axis: Any, base: Any, normalize: bool) -> Iterator[Problem]:
    """Everything that is wrong, where `kl_divergence` stops at the first."""
    if (message := _complaint(checks.check_base, base)) is not None:
        yield Problem("base", "base", message)
    for read in (p, q):
        if read.fault is not None:
            yield Problem(read.name, "unreadable", read.fault)
    readable = [read for read in (p, q) if read.fault is None]
    if not readable:
        return
    larger = max(readable, key=lambda read: read.values.ndim)
    ndim = larger.values.ndim
    if (message := _complaint(checks.check_axis, axis, ndim, larger.name)) is not None:
        yield Problem("axis", "axis", message)
        return
    if len(readable) == 2:
        if (message := _complaint(checks.check_labels, p.original, q.original, ("p", "q"))) is None:
            message = _complaint(checks.check_shapes, p.values.shape, q.values.shape, axis)
            kind = "shape"
        else:
            kind = "labels"
        if message is not None:
            yield Problem("p and q", kind, message)
    own_axis = _own_axis(axis, ndim)
    for read in readable:
        if -own_axis > read.values.ndim:
            continue  # it has no such axis, which was said already
        message = _complaint(
            checks.distribution, read.original, read.name, axis=own_axis, normalize=normalize
        )
        if message is not None:
            yield _fault(read, own_axis, message)


def _complaint(check: Any, *args: Any, **kwargs: Any) -> str | None:
    """What `check` complains about, if it does."""
    try:
        check(*args, **kwargs)
    except DistributionError as error:
        return str(error)
    return None


def _own_axis(axis: int, ndim: int) -> int:
    """`axis` counted from the end, which is the same axis in the smaller of two arrays."""
    return axis - ndim if axis >= 0 else axis


def _fault(read: _Read, axis: int, message: str) -> Problem:
    """The fault that `message` is about, counted over the whole array."""
    values = np.moveaxis(read.values, axis, -1)
    if values.shape[-1] == 0:
        return Problem(read.name, "empty", message)
    finite, positive = np.isfinite(values), values > 0
    sums = values.sum(axis=-1)
    if not positive.any() and not np.isnan(values).any() and (values < 0).any():
        kind, bad = "logarithms", values < 0
    elif np.isnan(values).any() or not finite.all():
        kind, bad = ("nan" if np.isnan(values).any() else "infinite"), ~finite
    elif (values < 0).any():
        kind, bad = "negative", values < 0
    elif (sums == 0).any():
        kind, bad = "empty", sums == 0
    else:
        kind, bad = "sum", ~(np.abs(sums - 1) <= checks.SUM_TOLERANCE[read.dtype])
    return Problem(read.name, kind, message, int(bad.sum()), _places(bad))


def _places(mask: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(i) for i in place) for place in np.argwhere(mask)[:PLACES])


def _argument(read: _Read, axis: Any) -> Argument:
    if read.fault is not None:
        return Argument(read.name, None, None)
    values = read.values
    dtype = str(getattr(read.original, "dtype", read.dtype))
    if values.size == 0:
        return Argument(read.name, dtype, values.shape)
    sums = None
    if _complaint(checks.check_axis, axis, values.ndim, read.name) is None:
        totals = values.sum(axis=axis)
        sums = float(totals.min()), float(totals.max())
    return Argument(
        read.name, dtype, values.shape,
        float(values.min()), float(values.max()), int((values == 0).sum()), sums,
    )  # fmt: skip


def _invalid(problems: Sequence[Problem]) -> str:
    wrong = {problem.argument for problem in problems}
    if wrong & {"axis", "base"}:
        return f"No KL: {' and '.join(sorted(wrong & {'axis', 'base'}))} cannot be used."
    if "p and q" in wrong:
        return "No KL: p and q do not pair up."
    if {"p", "q"} <= wrong:
        return "No KL: neither p nor q is a distribution."
    return f"No KL: {'p' if 'p' in wrong else 'q'} is not a distribution."


def _answers(
    asked: Sequence[str], p: _Read, q: _Read, axis: Any, exact: Any, problems: Sequence[Problem]
) -> tuple[Any, ...]:
    kinds = tuple(dict.fromkeys(p.kind for p in problems if p.kind not in ("axis", "base")))
    usable = not any(problem.kind == "axis" for problem in problems)
    usable = usable and p.fault is None and q.fault is None
    arrays = (p.own(), q.own()) if usable else (None, None)
    return tuple(
        answer
        for name in asked
        for answer in ask(str(name), *arrays, axis=axis, exact=exact, faults=kinds)
    )


def _size(p: _Read, q: _Read, axis: Any, problems: Sequence[Problem]) -> dict[str, Any]:
    """Rows and categories of an invalid pair, if the two pair up."""
    if {"unreadable", "axis", "shape"} & {problem.kind for problem in problems}:
        return {}
    shape = list(np.broadcast_shapes(p.values.shape, q.values.shape))
    categories = shape.pop(axis)
    rows = int(np.prod(shape))
    return {"shape": tuple(shape), "rows": rows, "categories": categories}


# What would make an invalid input valid: each is tried, and named only if it works


def _repairs(
    p: _Read, q: _Read, axis: Any, normalize: bool, problems: Sequence[Problem]
) -> Iterator[Remedy]:
    kinds = {problem.kind for problem in problems}
    if kinds & {"base", "axis", "unreadable", "labels"}:
        return
    wrong = {problem.argument: problem.kind for problem in problems}
    own_p, own_q = p.own(), q.own()

    def tried(kind: str, text: str, *pair: Any, how: Any = kl_divergence, **kwargs: Any) -> Any:
        options = {"axis": axis, "normalize": normalize} | kwargs
        if how is kl_from_logits:
            del options["normalize"]
        try:
            value = _float(how(*pair, **options))
        except (ValueError, TypeError):
            return None
        if value.size == 0:
            return None
        return Remedy(kind, f"{text}: {_kl(value)}", float(value) if value.ndim == 0 else None)

    found: list[Remedy | None] = []
    for other in range(max(own_p.ndim, own_q.ndim)):
        found.append(tried("axis", f"pass axis={other}", own_p, own_q, axis=other))
    if "shape" in kinds:
        found += [
            tried("transpose", "pass q.T", own_p, own_q.T),
            tried("transpose", "pass p.T", own_p.T, own_q),
            tried("squeeze", "drop axes of length 1, np.squeeze", *map(np.squeeze, (own_p, own_q))),
            tried("labels", "if p holds class labels, pass np.eye(q.shape[-1])[p]",
                  _one_hot(own_p, own_q), own_q),
            tried("labels", "if q holds class labels, pass np.eye(p.shape[-1])[q]",
                  own_p, _one_hot(own_q, own_p)),
        ]  # fmt: skip
    if "sum" in kinds and not normalize:
        found.append(
            tried("float32", "if these were float32 before, pass them as that: sums may be "
                  "further off", *(x.astype(np.float32) for x in (own_p, own_q)))
        )  # fmt: skip
        found.append(
            tried("normalize", "if these are counts, pass normalize=True", own_p, own_q,
                  normalize=True)
        )  # fmt: skip
    logs = [name for name in ("p", "q") if wrong.get(name) == "logarithms"]
    if logs:
        pair = [np.exp(x) if n in logs else x for n, x in (("p", own_p), ("q", own_q))]
        text = " and ".join(f"np.exp({name})" for name in logs)
        found.append(tried("exp", f"if these are logarithms, pass {text}", *pair))
    logits = [name for name in ("p", "q") if wrong.get(name) in ("negative", "logarithms")]
    if logits and not any(found):
        pair = [x if n in logits else np.log(x) for n, x in (("p", own_p), ("q", own_q))]
        call = ", ".join(name if name in logits else f"np.log({name})" for name in ("p", "q"))
        who = "p and q hold" if len(logits) == 2 else f"{logits[0]} holds"
        text = f"if {who} logits, call kl_from_logits({call})"
        found.append(tried("logits", text, *pair, how=kl_from_logits))
    if p.values.shape == q.values.shape and p.values.ndim > 1:
        bad = _bad_rows(p, axis, normalize) | _bad_rows(q, axis, normalize)
        if 0 < bad.sum() <= bad.size / 2:
            rows = [np.moveaxis(x, axis, -1)[~bad] for x in (own_p, own_q)]
            text = f"without {_rows(bad)}, the rest is valid"
            found.append(tried("rows", text, *rows, axis=-1))
    yield from (remedy for remedy in found if remedy is not None)


def _bad_rows(read: _Read, axis: int, normalize: bool) -> NDArray[np.bool_]:
    """Which rows are no distributions."""
    values = np.moveaxis(read.values, axis, -1)
    sums = values.sum(axis=-1)
    off = sums == 0 if normalize else ~(np.abs(sums - 1) <= checks.SUM_TOLERANCE[read.dtype])
    return off | ~np.isfinite(values).all(axis=-1) | (values < 0).any(axis=-1)


def _rows(mask: NDArray[np.bool_]) -> str:
    """'row 17', 'rows 3 and 8', '12 of 100 rows'."""
    places = [_index(place) for place in _places(mask)]
    if mask.sum() > 3:
        return f"{mask.sum()} of {mask.size} rows"
    return f"row{'s' if len(places) > 1 else ''} {' and '.join(places)}"


def _one_hot(labels: Array, other: Array) -> Any:
    """Rows with a 1 at the label, if `labels` can be class labels for the rows of `other`."""
    if labels.ndim + 1 != other.ndim or labels.shape != other.shape[:-1]:
        return None
    whole = (labels == np.floor(labels)) & (labels >= 0) & (labels < other.shape[-1])
    return np.eye(other.shape[-1])[labels.astype(int)] if whole.all() else None


# The contents of a report on valid input


@dataclass(frozen=True)
class _Pair:
    """p and q valid, divided by their sums, categories last, broadcast to one shape."""

    p: Array
    q: Array
    dtypes: tuple[str, str]
    sums: tuple[Array, Array]
    normalize: bool
    originals: tuple[Any, Any]
    axis: int


def _pair(p: _Read, q: _Read, axis: int, normalize: bool) -> _Pair:
    ndim = max(p.values.ndim, q.values.ndim)
    moved = [np.moveaxis(read.values, _own_axis(axis, ndim), -1) for read in (p, q)]
    # Dividing by the largest entry first keeps the sum of huge counts finite.
    sizes = [x.max(axis=-1, keepdims=True) if normalize else np.ones(1) for x in moved]
    scaled = [x / size for x, size in zip(moved, sizes, strict=True)]
    sums = [x.sum(axis=-1, keepdims=True) for x in scaled]
    both = np.broadcast_arrays(*(x / total for x, total in zip(scaled, sums, strict=True)))
    return _Pair(
        both[0], both[1], (p.dtype, q.dtype), (sums[0], sums[1]),
        normalize, (p.original, q.original), _own_axis(axis, ndim),
    )  # fmt: skip


def _float(value: Any) -> Array:
    return np.asarray(value, dtype=np.float64)


def _worst(exact: Array) -> tuple[int, ...] | None:
    """The row with the largest KL, the first of them; None if there is no row."""
    if exact.size == 0:
        return None
    return tuple(int(i) for i in np.unravel_index(np.argmax(exact), exact.shape))


def _contents(pair: _Pair, exact: Array, row: tuple[int, ...], base: Any) -> dict[str, Any]:
    kwargs: dict[str, Any] = {"axis": pair.axis, "normalize": pair.normalize}
    p, q = pair.originals
    reverse = _float(kl_divergence(q, p, **kwargs))
    js = _float(js_divergence(p, q, **kwargs))
    values = {
        "KL(p‖q)": exact,
        "KL(q‖p)": reverse,
        "Jensen-Shannon": js,
        "entropy of p": np.broadcast_to(_float(entropy(p, **kwargs)), exact.shape),
        "entropy of q": np.broadcast_to(_float(entropy(q, **kwargs)), exact.shape),
        "cross-entropy H(p, q)": _float(cross_entropy(p, q, **kwargs)),
        "cross-entropy H(q, p)": _float(cross_entropy(q, p, **kwargs)),
    }
    divisor = None if base is None else checks.check_base(base)
    mismatches = tuple(_mismatches(pair))
    rounding = _rounding(pair, exact)
    terms, carried = _terms(pair.p[row], pair.q[row])
    return {
        "verdict": _verdict(exact, mismatches),
        "measures": tuple(
            Measure(
                name, float(x[row]), float(x[row]) / _LN2,
                None if divisor is None else float(x[row]) / divisor,
            )
            for name, x in values.items()
        ),
        "summaries": tuple(_summaries(values)) if exact.ndim else (),
        "terms": terms,
        "carried": carried,
        "mismatches": mismatches,
        "rounding": rounding,
        "notes": tuple(_notes(pair, exact, rounding)),
        "remedies": tuple(_remedies(pair, exact, reverse, js, row)),
    }  # fmt: skip


def _verdict(exact: Array, mismatches: Sequence[Mismatch]) -> str:
    infinite = int(np.isposinf(exact).sum())
    if infinite == 0:
        return _kl(exact)[:1].upper() + _kl(exact)[1:] + "."
    entries = count(mismatches[0].count, "entry", "entries")
    where = "" if exact.ndim == 0 else f" in {infinite} of {count(exact.size, 'row', 'rows')}"
    return f"KL(p‖q) is infinite{where}: q is 0 where p is not ({entries})."


def _kl(value: Array) -> str:
    """KL in words: of one pair in nats and bits, of a batch from smallest to largest."""
    if value.ndim == 0:
        return f"KL(p‖q) = {number(float(value))} nats = {number(float(value) / _LN2)} bits"
    if value.size == 0:
        return "no rows"
    low, high = number(float(value.min())), number(float(value.max()))
    rows = f"in {count(value.size, 'row', 'rows')}"
    return (
        f"KL(p‖q) = {low} nats {rows}"
        if low == high
        else (f"KL(p‖q) from {low} to {high} nats {rows}")
    )


def _summaries(values: dict[str, Array]) -> Iterator[Summary]:
    for name, x in values.items():
        finite = x[np.isfinite(x)]
        mean = float(finite.mean()) if finite.size else np.inf
        low, high, infinite = float(x.min()), float(x.max()), int(np.isposinf(x).sum())
        for unit, divisor in (("nats", 1.0), ("bits", _LN2)):
            yield Summary(name, unit, low / divisor, mean / divisor, high / divisor, infinite)


def _terms(p: Array, q: Array) -> tuple[tuple[Term, ...], float | None]:
    """The categories that carry most of the sum, and the share they carry together."""
    terms = _float(kl_terms(p, q, normalize=True))
    # Each category as a row of its own: p·log(p/q) − p + q, which has the same sum.
    parts = _float(kl_divergence(p[:, None], q[:, None], generalized=True))
    total = float(parts.sum())
    if total == 0:
        return (), None
    order = np.argsort(-parts, kind="stable")
    if np.isinf(total):
        chosen = [int(i) for i in order[:TERMS] if np.isinf(parts[i])]
        return tuple(Term(i, float(p[i]), float(q[i]), np.inf, None) for i in chosen), None
    shares = parts / total
    enough = int(np.searchsorted(np.cumsum(shares[order]), 0.99)) + 1
    chosen = [int(i) for i in order[: min(TERMS, enough)]]
    listed = tuple(
        Term(i, float(p[i]), float(q[i]), float(terms[i]), float(shares[i])) for i in chosen
    )
    return listed, min(float(shares[chosen].sum()), 1.0)


def _mismatches(pair: _Pair) -> Iterator[Mismatch]:
    sides = (("p > 0, q = 0", pair.p, pair.q), ("q > 0, p = 0", pair.q, pair.p))
    for name, one, other in sides:
        where = (one > 0) & (other == 0)
        if where.any():
            mass = np.where(where, one, 0.0).sum(axis=-1).max()
            rows = int(where.any(axis=-1).sum())
            yield Mismatch(name, int(where.sum()), rows, _places(where), float(mass))


def _rounding(pair: _Pair, exact: Array) -> Rounding:
    """The plain sum in the dtype of the input, where it is furthest off."""
    dtype = np.result_type(*map(_numpy_dtype, pair.dtypes))
    p, q = pair.p.astype(dtype), pair.q.astype(dtype)
    # A zero of p adds nothing: the nan of 0·log 0 is another matter than rounding.
    terms = np.where(pair.p > 0, p * np.log(p / q), np.zeros((), dtype))
    naive = np.asarray(terms.sum(axis=-1), dtype=np.float64)
    gap = np.abs(naive - exact) / exact
    gap = np.where(naive == exact, 0.0, np.where(np.isnan(gap), np.inf, gap))
    row = tuple(int(i) for i in np.unravel_index(np.argmax(gap), gap.shape))
    return Rounding(
        str(dtype), row, float(naive[row]), float(exact[row]), float(gap[row]),
        int((naive < 0).sum()),
    )  # fmt: skip


def _notes(pair: _Pair, exact: Array, rounding: Rounding) -> Iterator[Note]:
    equal = int((exact == 0).sum())
    if equal:
        same = bool(np.all((pair.p == pair.q)[exact == 0]))
        where = "" if exact.ndim == 0 else f" in {count(equal, 'row', 'rows')}"
        why = "p and q are equal" if same else "p and q differ by less than their sums can tell"
        yield Note("equal", f"KL(p‖q) is 0{where}: {why}")
    if rounding.relative > AGREEMENT:
        yield Note("cancellation", _cancellation(rounding, exact))
    if (note := _coarse(pair, exact)) is not None:
        yield Note("precision", note)
    if not pair.normalize:
        for name, sums, dtype in zip("pq", pair.sums, pair.dtypes, strict=True):
            if float(np.abs(sums - 1).max()) > (1e-9 if dtype == "float64" else 1e-6):
                low, high = f"{sums.min():.9g}", f"{sums.max():.9g}"
                what = (
                    f"{name} sums to {low}"
                    if low == high
                    else (f"the rows of {name} sum to between {low} and {high}")
                )
                text = f"{what}, as {dtype} may: the numbers here are those after dividing by it"
                yield Note("sum", text)


def _cancellation(rounding: Rounding, exact: Array) -> str:
    where = f", row {_index(rounding.row)}" if rounding.row else ""
    text = (
        f"the plain sum of p log(p/q) in {rounding.dtype} gives {number(rounding.naive)} nats "
        f"instead of {number(rounding.exact)}{where}"
    )
    if rounding.exact > 0 and np.isfinite(rounding.relative):
        text += f", off by {percent(rounding.relative)}"
    if exact.ndim and rounding.negative_rows:
        text += f"; it is negative in {count(rounding.negative_rows, 'row', 'rows')}"
    if not np.isfinite(rounding.naive):
        return f"{text}: p/q leaves the range of {rounding.dtype} there, and log p - log q does not"
    return f"{text}. kl_divergence adds terms that are never negative, so none cancel"


def _index(row: tuple[int, ...]) -> str:
    return str(row[0]) if len(row) == 1 else str(row)


def _coarse(pair: _Pair, exact: Array) -> str | None:
    """What rounding each entry to its dtype can do to KL, to first order.

    ∂KL/∂log p = p·(log(p/q) − KL) and ∂KL/∂log q = q − p for normalised rows, and an entry is off
    by at most half a unit in its last place.
    """
    bits = [{"float16": 11, "bfloat16": 8, "float32": 24}.get(name, 53) for name in pair.dtypes]
    positive = (pair.p > 0) & (pair.q > 0)
    log_ratio = np.where(positive, np.log(pair.p) - np.log(pair.q), 0.0)
    by_p = np.abs(pair.p * (log_ratio - exact[..., None])).sum(axis=-1)
    by_q = np.abs(pair.p - pair.q).sum(axis=-1)
    bound = by_p * 2.0 ** -bits[0] + by_q * 2.0 ** -bits[1]
    part = np.where(np.isfinite(exact) & (exact > 0), bound / exact, 0.0)
    row = tuple(int(i) for i in np.unravel_index(np.argmax(part), part.shape))
    if not part[row] > COARSE:
        return None
    name, kept = min(zip(pair.dtypes, bits, strict=True), key=lambda item: item[1])
    where = f" in row {_index(row)}" if row else ""
    return (
        f"{name} keeps {kept} bits: rounding of the entries alone can move KL(p‖q){where} by up to "
        f"{bound[row]:.2g} nats, {percent(float(part[row]))} of it"
    )


def _remedies(
    pair: _Pair, exact: Array, reverse: Array, js: Array, row: tuple[int, ...]
) -> Iterator[Remedy]:
    """What to do about an infinite KL, with what each would give."""
    if not np.isposinf(exact).any():
        return
    where = f" in row {_index(row)}" if row else ""
    p, q = pair.p[row], pair.q[row]

    def one(value: Any) -> float | None:
        return float(value) if exact.ndim == 0 else None

    labels = bool((pair.q.max(axis=-1) == 1)[np.isposinf(exact)].all())
    if np.isfinite(reverse).all():
        text = _kl(reverse).replace("KL(p‖q)", "KL(q‖p)")
        why = (
            "q is one-hot, as labels are, and labels are the reference"
            if labels
            else "if q is the reference"
        )
        yield Remedy("swap", f"{why}: swap the two, {text}", one(reverse))
    if pair.normalize:
        counts = np.broadcast_arrays(
            *(np.moveaxis(_float(x), pair.axis, -1) for x in pair.originals)
        )
        value = float(kl_divergence(counts[0][row], counts[1][row] + 0.5, normalize=True))
        text = f"adding 1/2 to each count of q, say, gives {number(value)} nats{where}"
        yield Remedy(
            "smooth", f"a count of 0 is no proof of impossibility: smooth q, and say how; {text}",
            value,
        )  # fmt: skip
    elif not labels:
        yield Remedy(
            "logits",
            "if q came from a softmax, it has underflowed to 0: keep the logits and call "
            "kl_from_logits",
        )
    low, high = number(float(js.min())), number(float(js.max()))
    span = low if low == high else f"{low} to {high}"
    yield Remedy(
        "js", f"js_divergence is never infinite: {span} nats, of at most {number(_LN2)}", one(js)
    )
    values = [float(kl_divergence(p, q + small, normalize=True)) for small in (1e-12, 1e-7)]
    yield Remedy(
        "epsilon",
        "do not add a small number to q to be rid of it, the result would be the number's: "
        f"1e-12 gives {number(values[0])} nats, 1e-7 gives {number(values[1])}{where}",
    )
