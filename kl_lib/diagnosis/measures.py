"""The numbers of a report on valid input: row by row, in chunks that fit the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kl_lib import checks, labels, stable
from kl_lib.discrete import cross_entropy, entropy, js_divergence, kl_divergence, kl_terms
from kl_lib.errors import PLACES
from kl_lib.rows import CHUNK

from .explanation import AGREEMENT, relative_gap
from .inputs import numpy_dtype
from .report import Argument, Measure, Mismatch, Note, Rounding, Summary, Term
from .wording import (
    LN2,
    count,
    digits_apart,
    digits_from_one,
    divergence,
    entries,
    index,
    number,
    percent,
    span,
)

Array = NDArray[Any]

#: How many categories a report lists.
TERMS = 5

#: Rounding of the input that can move KL by more than this part of it is worth a note.
COARSE = 1e-3

#: What is shown of one row in every unit, and of a batch from smallest to largest, beside KL(p‖q).
MEASURES: dict[str, Callable[..., Any]] = {
    "KL(q‖p)": lambda p, q: kl_divergence(q, p, normalize=True),
    "Jensen-Shannon": lambda p, q: js_divergence(p, q, normalize=True),
    "entropy of p": lambda p, q: entropy(p, normalize=True),
    "entropy of q": lambda p, q: entropy(q, normalize=True),
    "cross-entropy H(p, q)": lambda p, q: cross_entropy(p, q, normalize=True),
    "cross-entropy H(q, p)": lambda p, q: cross_entropy(q, p, normalize=True),
}

#: Zeros of one distribution where the other has none.
ZEROS: dict[str, Callable[[Array, Array], Array]] = {
    "p > 0, q = 0": lambda p, q: (p > 0) & (q == 0),
    "q > 0, p = 0": lambda p, q: (q > 0) & (p == 0),
}


@dataclass(frozen=True)
class Rows:
    """p and q valid, broadcast to one shape (rows, categories), and what is known of each row.

    `exact` is KL(p‖q) of each, in the shape of the batch; `of` holds the rest, by name, in the same
    shape. `names` are the labels of the categories.
    """

    p: Array
    q: Array
    dtypes: tuple[str, ...]
    normalize: bool
    names: Sequence[Any] | None
    exact: Array
    of: dict[str, Array]

    def shares(self, where: NDArray[np.bool_]) -> tuple[Array, Array]:
        """p and q of some rows of the batch, divided by their sums."""
        chosen = where.reshape(-1)
        return normalized(self.p[chosen]), normalized(self.q[chosen])

    def place(self, flat: Any) -> tuple[int, ...]:
        """The index in the batch of a row that was counted through."""
        return tuple(int(i) for i in np.unravel_index(int(flat), self.exact.shape))


def measure(both: checks.Arguments, normalize: bool, exact: Array) -> Rows:
    """p and q, of which KL is known to be `exact`, with everything a report says of a row."""
    p, q = (x.reshape(-1, x.shape[-1]) for x in both.same_shape())
    step = max(1, CHUNK // p.shape[-1])
    flat = exact.reshape(-1)
    cuts = [slice(i, i + step) for i in range(0, len(flat), step)]
    parts = [_of_rows(p[i], q[i], flat[i], both.dtypes, normalize) for i in cuts]
    of = {
        name: np.concatenate([part[name] for part in parts]).reshape(exact.shape)
        for name in parts[0]
    }
    names = both.labels.axes.get(labels.CATEGORY)
    return Rows(p, q, both.dtypes, normalize, names, exact, of)


def _of_rows(
    p: Array, q: Array, exact: Array, dtypes: tuple[str, ...], normalize: bool
) -> dict[str, Array]:
    """What a report says of rows, by name: one number for each row."""
    # Valid as they are, in a dtype that these rows may have lost: nothing is to be checked again.
    of = {name: np.asarray(value(p, q), np.float64) for name, value in MEASURES.items()}
    # Of what was given: dividing by the sum can turn a count into 0.
    missing = {name: zeros(p, q) for name, zeros in ZEROS.items()}
    p, q = normalized(p, normalize), normalized(q, normalize)
    for (name, where), one in zip(missing.items(), (p, q), strict=True):
        some = where.any()  # a sum over short rows is slow
        of[name] = where.sum(axis=-1) if some else np.zeros(len(p), int)
        of[f"mass {name}"] = np.where(where, one, 0.0).sum(axis=-1) if some else np.zeros(len(p))
    of["plain"] = _plain_sum(p, q, np.result_type(*map(numpy_dtype, dtypes)))
    of["coarse"] = _coarse(p, q, exact, dtypes)
    return of


def normalized(x: Array, counts: bool = True) -> Array:
    """Rows divided by their sums."""
    x = x.astype(np.float64)
    if counts:  # dividing by the largest entry first keeps the sum of huge counts finite
        x = x / x.max(axis=-1, keepdims=True)
    return x / x.sum(axis=-1, keepdims=True)


def _plain_sum(p: Array, q: Array, dtype: Any) -> Array:
    """Σ p·log(p/q) in a dtype. A zero of p adds nothing: the nan of 0·log 0 is another matter."""
    a, b = p.astype(dtype), q.astype(dtype)
    terms = np.where(p > 0, a * np.log(a / b), np.zeros((), dtype))
    return np.asarray(terms.sum(axis=-1), dtype=np.float64)


def _coarse(p: Array, q: Array, exact: Array, dtypes: tuple[str, ...]) -> Array:
    """What rounding each entry to its dtype can do to KL, to first order.

    ∂KL/∂log p = p·(log(p/q) − KL) and ∂KL/∂log q = q − p for normalised rows, and an entry is off
    by at most half a unit in its last place.
    """
    logs = np.where((p > 0) & (q > 0), stable.log_ratio(p, q), 0.0)
    by_p = np.abs(p * (logs - exact[..., None])).sum(axis=-1)
    by_q = np.abs(p - q).sum(axis=-1)
    return by_p * 2.0 ** -_bits(dtypes[0]) + by_q * 2.0 ** -_bits(dtypes[1])


def _bits(dtype: str) -> int:
    return {"float16": 11, "bfloat16": 8, "float32": 24}.get(dtype, 53)


def report_fields(rows: Rows, base: Any, arguments: Sequence[Argument]) -> dict[str, Any]:
    """What the report says of the numbers of valid rows, the one with the largest KL first."""
    exact, divisor = rows.exact, checks.check_base(base)
    flat = int(np.argmax(exact))
    row = rows.place(flat)
    values = {"KL(p‖q)": exact} | {name: rows.of[name] for name in MEASURES}
    of_row = {name: float(x[row]) for name, x in values.items()}
    mismatches = tuple(_mismatches(rows))
    rounding = _rounding(rows)
    terms, carried = _terms(rows.p[flat], rows.q[flat], rows.names)
    return {
        "verdict": _verdict(exact, mismatches),
        "row": row,
        "measures": tuple(
            Measure(name, x, x / LN2, None if base is None else x / divisor)
            for name, x in of_row.items()
        ),
        "summaries": tuple(_summaries(values)) if exact.ndim else (),
        "terms": terms,
        "carried": carried,
        "mismatches": mismatches,
        "rounding": rounding,
        "notes": tuple(_notes(rows, rounding, arguments)),
    }


def _verdict(exact: Array, mismatches: Sequence[Mismatch]) -> str:
    infinite = int(np.isposinf(exact).sum())
    if infinite == 0:
        text = divergence(exact)
        return f"{text[:1].upper()}{text[1:]}."
    where = "" if exact.ndim == 0 else f" in {infinite} of {count(exact.size, 'row')}"
    return f"KL(p‖q) is infinite{where}: q is 0 where p is not ({entries(mismatches[0].count)})."


def _summaries(values: dict[str, Array]) -> Iterator[Summary]:
    for name, x in values.items():
        finite = x[np.isfinite(x)]
        mean = float(finite.mean()) if finite.size else np.inf
        low, high, infinite = float(x.min()), float(x.max()), int(np.isposinf(x).sum())
        for unit, divisor in (("nats", 1.0), ("bits", LN2)):
            yield Summary(name, unit, low / divisor, mean / divisor, high / divisor, infinite)


def _terms(
    p: Array, q: Array, names: Sequence[Any] | None
) -> tuple[tuple[Term, ...], float | None]:
    """The categories that carry most of the sum, and the share they carry together."""
    a, b = normalized(p), normalized(q)
    terms = kl_terms(*(x.astype(np.float64) for x in (p, q)), normalize=True)
    # Each category as a row of its own: p·log(p/q) − p + q, which has the same sum.
    parts = np.asarray(kl_divergence(a[:, None], b[:, None], generalized=True))
    # Dividing by the sum can turn a count into 0, but what was given has a logarithm.
    parts = np.where((a > 0) & (b == 0) & (q > 0), terms - a, parts)
    total = float(parts.sum())
    if total == 0:
        return (), None
    by_size = np.argsort(-parts, kind="stable")
    order = by_size[:TERMS]
    shares = parts[order] / total
    finite = bool(np.isfinite(total))
    most = np.cumsum(shares) - shares < 0.99 if finite else np.isinf(parts[order])
    listed = zip(order[most].tolist(), shares[most].tolist(), strict=True)
    found = tuple(
        Term(
            i,
            float(a[i]),
            float(b[i]),
            float(terms[i]),
            share if finite else None,
            _label(names, i),
        )
        for i, share in listed
    )
    # Of what is not listed, which makes it all where nothing is left.
    rest = float(parts[by_size[len(found) :]].sum())
    return found, 1 - rest / total if finite else None


def _label(names: Sequence[Any] | None, i: int) -> str | None:
    """What a category is called, in a few letters; a number that only counts is no name."""
    text = str(i) if names is None else " ".join(str(names[i]).split())
    return None if text == str(i) else f"{text:.24}"


def _mismatches(rows: Rows) -> Iterator[Mismatch]:
    for name, zeros in ZEROS.items():
        counts = rows.of[name]
        some = np.flatnonzero(counts)
        if some.size:
            places = [
                (*rows.place(i), int(k))
                for i in some[:PLACES]
                for k in np.flatnonzero(zeros(rows.p[i], rows.q[i]))[:PLACES]
            ]
            mass = float(rows.of[f"mass {name}"].max())
            yield Mismatch(name, int(counts.sum()), some.size, tuple(places[:PLACES]), mass)


def _rounding(rows: Rows) -> Rounding:
    """The plain sum in the dtype of the input, where it is furthest off."""
    plain, exact = rows.of["plain"], rows.exact
    gap = relative_gap(plain, exact)
    row = rows.place(np.argmax(gap))
    dtype = str(np.result_type(*map(numpy_dtype, rows.dtypes)))
    naive, right, relative = (float(x[row]) for x in (plain, exact, gap))
    return Rounding(dtype, row, naive, right, relative, int((plain < 0).sum()))


def _notes(rows: Rows, rounding: Rounding, arguments: Sequence[Argument]) -> Iterator[Note]:
    exact = rows.exact
    equal = int((exact == 0).sum())
    if equal:
        same = np.array_equal(*rows.shares(exact == 0))
        where = "" if exact.ndim == 0 else f" in {count(equal, 'row')}"
        why = "p and q are equal" if same else "p and q differ by less than their sums can tell"
        yield Note("equal", f"KL(p‖q) is 0{where}: {why}")
    if rounding.relative > AGREEMENT:
        yield Note("cancellation", _cancellation(rounding, exact))
    yield from _precision(rows)
    for argument, dtype in zip(arguments, () if rows.normalize else rows.dtypes, strict=False):
        low, high = argument.sums or (1.0, 1.0)
        if max(abs(low - 1), abs(high - 1)) > (1e-9 if dtype == "float64" else 1e-6):
            who = f"{argument.name} sums" if exact.ndim == 0 else f"the rows of {argument.name} sum"
            digits = digits_from_one(low, high)
            total = span(low, high, between="between {} and {}", digits=digits)
            text = f"{who} to {total}, as {dtype} may: the numbers here are those after dividing by"
            yield Note("sum", f"{text} it")


def _cancellation(rounding: Rounding, exact: Array) -> str:
    digits = digits_apart(rounding.naive, rounding.exact)
    naive, right = number(rounding.naive, digits), number(rounding.exact, digits)
    text = f"the plain sum of p log(p/q) in {rounding.dtype} gives {naive} nats instead of {right}"
    text += f", row {index(rounding.row)}" if rounding.row else ""
    if rounding.exact > 0 and np.isfinite(rounding.relative):
        text += f", off by {percent(rounding.relative)}"
    if exact.ndim and rounding.negative_rows:
        text += f"; it is negative in {count(rounding.negative_rows, 'row')}"
    if not np.isfinite(rounding.naive):
        return f"{text}: p/q leaves the range of {rounding.dtype} there, and log p - log q does not"
    return f"{text}. kl_divergence adds terms that are never negative, so none cancel"


def _precision(rows: Rows) -> Iterator[Note]:
    exact, bound = rows.exact, rows.of["coarse"]
    part = np.where(np.isfinite(exact) & (exact > 0), bound / exact, 0.0)
    row = rows.place(np.argmax(part))
    if part[row] > COARSE:
        name = min(rows.dtypes, key=_bits)
        where = f" in row {index(row)}" if row else ""
        yield Note(
            "precision",
            f"{name} keeps {_bits(name)} bits: rounding of the entries alone can move KL(p‖q)"
            f"{where} by up to {bound[row]:.2g} nats, {percent(float(part[row]))} of it",
        )
