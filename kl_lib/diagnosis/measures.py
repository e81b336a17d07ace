"""The numbers of a report on valid input: row by row, in chunks that fit the cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kl_lib import checks
from kl_lib.discrete import cross_entropy, entropy, js_divergence, kl_divergence
from kl_lib.errors import PLACES
from kl_lib.rows import CHUNK
from kl_lib.stable import log_ratio

from .explanation import AGREEMENT
from .inputs import Input, numpy_dtype, own_axis
from .report import Measure, Mismatch, Note, Rounding, Summary, Term
from .wording import (
    LN2,
    count,
    digits_apart,
    digits_from_one,
    divergence,
    index,
    number,
    percent,
    span,
)  # fmt: skip

Array = NDArray[Any]

#: How many categories a report lists.
TERMS = 5

#: Rounding of the input that can move KL by more than this part of it is worth a note.
COARSE = 1e-3


#: What is shown of one row in every unit, and of a batch from smallest to largest.
MEASURES = (
    "KL(p‖q)",
    "KL(q‖p)",
    "Jensen-Shannon",
    "entropy of p",
    "entropy of q",
    "cross-entropy H(p, q)",
    "cross-entropy H(q, p)",
)


@dataclass(frozen=True)
class Pair:
    """p and q valid, categories last, broadcast to one shape (rows, categories).

    `exact` is KL(p‖q) of each row, in the shape of the batch; `of` holds what else is known of each
    row, by name, in the same shape.
    """

    p: Array
    q: Array
    dtypes: tuple[str, str]
    normalize: bool
    exact: Array
    of: dict[str, Array]

    def rows(self, where: NDArray[np.bool_]) -> tuple[Array, Array]:
        """p and q of some rows of the batch, divided by their sums."""
        chosen = where.reshape(-1)
        return normalized(self.p[chosen], True)[0], normalized(self.q[chosen], True)[0]

    def row(self, place: tuple[int, ...]) -> tuple[Array, Array]:
        """p and q of one row as they came, in float64."""
        flat = int(np.ravel_multi_index(place, self.exact.shape)) if place else 0
        return self.p[flat].astype(np.float64), self.q[flat].astype(np.float64)


def measure(p: Input, q: Input, axis: int, normalize: bool, exact: Array) -> Pair:
    """p and q, of which KL is known to be `exact`, with everything a report says of a row."""
    own = own_axis(axis, max(p.given.ndim, q.given.ndim))
    given = np.broadcast_arrays(*(np.moveaxis(x.given, own, -1) for x in (p, q)))
    rows = [x.reshape(-1, x.shape[-1]) for x in given]
    step = max(1, CHUNK // rows[0].shape[-1])
    dtypes = p.dtype, q.dtype
    flat = exact.reshape(-1)
    cuts = [slice(i, i + step) for i in range(0, len(flat), step)]
    parts = [_of_rows(rows[0][i], rows[1][i], flat[i], dtypes, normalize) for i in cuts]
    of = {
        name: np.concatenate([part[name] for part in parts]).reshape(exact.shape)
        for name in (parts[0] if parts else ())
    }
    return Pair(rows[0], rows[1], dtypes, normalize, exact, of)


def _of_rows(
    p: Array, q: Array, exact: Array, dtypes: tuple[str, str], normalize: bool
) -> dict[str, Array]:
    """What a report says of rows, by name: one number for each row."""
    # Valid as they are, in a dtype that these rows may have lost: nothing is to be checked again.
    measures = (
        exact,
        kl_divergence(q, p, normalize=True),
        js_divergence(p, q, normalize=True),
        entropy(p, normalize=True),
        entropy(q, normalize=True),
        cross_entropy(p, q, normalize=True),
        cross_entropy(q, p, normalize=True),
    )
    of = {
        name: np.asarray(value, dtype=np.float64)
        for name, value in zip(MEASURES, measures, strict=True)
    }
    # Of what was given: dividing by the sum can turn a count into 0.
    missing = {"p > 0, q = 0": (p > 0) & (q == 0), "q > 0, p = 0": (q > 0) & (p == 0)}
    (p, of["sum of p"]), (q, of["sum of q"]) = (normalized(x, normalize) for x in (p, q))
    for (name, where), one in zip(missing.items(), (p, q), strict=True):
        some = where.any()  # a sum over short rows is slow
        of[name] = where.sum(axis=-1) if some else np.zeros(len(p), int)
        of[f"mass {name}"] = np.where(where, one, 0.0).sum(axis=-1) if some else np.zeros(len(p))
    of["plain"] = _plain_sum(p, q, np.result_type(*map(numpy_dtype, dtypes)))
    of["coarse"] = _coarse(p, q, exact, dtypes)
    return of


def normalized(x: Array, counts: bool) -> tuple[Array, Array]:
    """Rows divided by their sums, and the sums (for counts: in units of the largest)."""
    x = x.astype(np.float64)
    if counts:  # dividing by the largest entry first keeps the sum of huge counts finite
        x = x / x.max(axis=-1, keepdims=True)
    sums = x.sum(axis=-1)
    return x / sums[..., None], sums


def _plain_sum(p: Array, q: Array, dtype: Any) -> Array:
    """Σ p·log(p/q) in a dtype. A zero of p adds nothing: the nan of 0·log 0 is another matter."""
    a, b = p.astype(dtype), q.astype(dtype)
    terms = np.where(p > 0, a * np.log(a / b), np.zeros((), dtype))
    return np.asarray(terms.sum(axis=-1), dtype=np.float64)


def _coarse(p: Array, q: Array, exact: Array, dtypes: tuple[str, str]) -> Array:
    """What rounding each entry to its dtype can do to KL, to first order.

    ∂KL/∂log p = p·(log(p/q) − KL) and ∂KL/∂log q = q − p for normalised rows, and an entry is off
    by at most half a unit in its last place.
    """
    logs = np.where((p > 0) & (q > 0), np.log(p) - np.log(q), 0.0)
    by_p = np.abs(p * (logs - exact[..., None])).sum(axis=-1)
    by_q = np.abs(p - q).sum(axis=-1)
    return by_p * 2.0 ** -_bits(dtypes[0]) + by_q * 2.0 ** -_bits(dtypes[1])


def _bits(dtype: str) -> int:
    return {"float16": 11, "bfloat16": 8, "float32": 24}.get(dtype, 53)


def report_fields(pair: Pair, row: tuple[int, ...], base: Any) -> dict[str, Any]:
    """What the report says of the numbers of a valid pair, `row` being the one it looks at."""
    exact = pair.exact
    values = {name: pair.of[name] for name in MEASURES}
    divisor = None if base is None else checks.check_base(base)
    mismatches = tuple(_mismatches(pair))
    rounding = _rounding(pair)
    terms, carried = _terms(*pair.row(row))
    return {
        "verdict": _verdict(exact, mismatches),
        "measures": tuple(
            Measure(
                name, float(x[row]), float(x[row]) / LN2,
                None if divisor is None else float(x[row]) / divisor,
            )
            for name, x in values.items()
        ),
        "summaries": tuple(_summaries(values)) if exact.ndim else (),
        "terms": terms,
        "carried": carried,
        "mismatches": mismatches,
        "rounding": rounding,
        "notes": tuple(_notes(pair, rounding)),
    }  # fmt: skip


def worst(exact: Array) -> tuple[int, ...] | None:
    """The row with the largest KL, the first of them; None if there is no row."""
    if exact.size == 0:
        return None
    return tuple(int(i) for i in np.unravel_index(np.argmax(exact), exact.shape))


def _verdict(exact: Array, mismatches: Sequence[Mismatch]) -> str:
    infinite = int(np.isposinf(exact).sum())
    if infinite == 0:
        text = divergence(exact)
        return f"{text[:1].upper()}{text[1:]}."
    entries = count(mismatches[0].count, "entry", "entries")
    where = "" if exact.ndim == 0 else f" in {infinite} of {count(exact.size, 'row')}"
    return f"KL(p‖q) is infinite{where}: q is 0 where p is not ({entries})."


def _summaries(values: dict[str, Array]) -> Iterator[Summary]:
    for name, x in values.items():
        finite = x[np.isfinite(x)]
        mean = float(finite.mean()) if finite.size else np.inf
        low, high, infinite = float(x.min()), float(x.max()), int(np.isposinf(x).sum())
        for unit, divisor in (("nats", 1.0), ("bits", LN2)):
            yield Summary(name, unit, low / divisor, mean / divisor, high / divisor, infinite)


def _terms(p: Array, q: Array) -> tuple[tuple[Term, ...], float | None]:
    """The categories that carry most of the sum, and the share they carry together."""
    given = p, q
    (p, p_sum), (q, q_sum) = normalized(p, True), normalized(q, True)
    # Each category as a row of its own: p·log(p/q) − p + q, which has the same sum.
    parts = np.asarray(kl_divergence(p[:, None], q[:, None], generalized=True))
    beyond: dict[int, float] = {}
    lost = np.flatnonzero((p > 0) & (q == 0) & (given[1] > 0))
    if lost.size:  # dividing by the sum has turned them into 0, but what was given has a logarithm
        shift = np.log(given[1].max()) + np.log(q_sum) - np.log(given[0].max()) - np.log(p_sum)
        far = p[lost] * (log_ratio(given[0][lost], given[1][lost]) + shift)
        beyond = dict(zip(lost.tolist(), far.tolist(), strict=True))
        parts[lost] = far - p[lost]
    total = float(parts.sum())
    if total == 0:
        return (), None
    # Ties in the order of the categories: the largest few are found first, then sorted.
    few = min(TERMS, parts.size)
    least = np.partition(parts, -few)[-few]
    order = np.flatnonzero(parts >= least)
    order = order[np.argsort(-parts[order], kind="stable")][:few]
    if np.isinf(total):
        chosen = [int(i) for i in order if np.isinf(parts[i])]
        return tuple(Term(i, float(p[i]), float(q[i]), np.inf, None) for i in chosen), None
    shares = parts[order] / total
    enough = int(np.searchsorted(np.cumsum(shares), 0.99)) + 1
    order, shares = order[:enough], shares[:enough]
    terms = np.where(p[order] == 0, 0.0, p[order] * log_ratio(p[order], q[order]))
    listed = zip(*(x.tolist() for x in (order, p[order], q[order], terms, shares)), strict=True)
    return (
        tuple(Term(i, a, b, beyond.get(i, term), share) for i, a, b, term, share in listed),
        min(float(shares.sum()), 1.0),
    )


def _mismatches(pair: Pair) -> Iterator[Mismatch]:
    for name, one, other in (
        ("p > 0, q = 0", pair.p, pair.q),
        ("q > 0, p = 0", pair.q, pair.p),
    ):
        counts = pair.of[name]
        rows = np.flatnonzero(counts)
        if rows.size:
            places = [
                (*map(int, np.unravel_index(int(i), counts.shape)), int(k))
                for i in rows[:PLACES]
                for k in np.flatnonzero((one[i] > 0) & (other[i] == 0))[:PLACES]
            ]
            mass = float(pair.of[f"mass {name}"].max())
            yield Mismatch(name, int(counts.sum()), rows.size, tuple(places[:PLACES]), mass)


def _rounding(pair: Pair) -> Rounding:
    """The plain sum in the dtype of the input, where it is furthest off."""
    plain, exact = pair.of["plain"], pair.exact
    gap = np.abs(plain - exact) / exact
    gap = np.where(plain == exact, 0.0, np.where(np.isnan(gap), np.inf, gap))
    row = tuple(int(i) for i in np.unravel_index(np.argmax(gap), gap.shape))
    return Rounding(
        str(np.result_type(*map(numpy_dtype, pair.dtypes))),
        row, float(plain[row]), float(exact[row]), float(gap[row]), int((plain < 0).sum()),
    )  # fmt: skip


def _notes(pair: Pair, rounding: Rounding) -> Iterator[Note]:
    exact = pair.exact
    equal = int((exact == 0).sum())
    if equal:
        same = np.array_equal(*pair.rows(exact == 0))
        where = "" if exact.ndim == 0 else f" in {count(equal, 'row')}"
        why = "p and q are equal" if same else "p and q differ by less than their sums can tell"
        yield Note("equal", f"KL(p‖q) is 0{where}: {why}")
    if rounding.relative > AGREEMENT:
        yield Note("cancellation", _cancellation(rounding, exact))
    if (note := _precision(pair)) is not None:
        yield Note("precision", note)
    if not pair.normalize:
        for name, dtype in zip("pq", pair.dtypes, strict=True):
            sums = pair.of[f"sum of {name}"]
            if float(np.abs(sums - 1).max()) > (1e-9 if dtype == "float64" else 1e-6):
                who = f"{name} sums" if exact.ndim == 0 else f"the rows of {name} sum"
                digits = digits_from_one(sums.min(), sums.max())
                total = span(sums.min(), sums.max(), between="between {} and {}", digits=digits)
                yield Note(
                    "sum",
                    f"{who} to {total}, as {dtype} may: the numbers here are those after dividing "
                    "by it",
                )


def _cancellation(rounding: Rounding, exact: Array) -> str:
    where = f", row {index(rounding.row)}" if rounding.row else ""
    digits = digits_apart(rounding.naive, rounding.exact)
    naive, right = number(rounding.naive, digits), number(rounding.exact, digits)
    text = f"the plain sum of p log(p/q) in {rounding.dtype} gives {naive} nats instead of {right}"
    text += where
    if rounding.exact > 0 and np.isfinite(rounding.relative):
        text += f", off by {percent(rounding.relative)}"
    if exact.ndim and rounding.negative_rows:
        text += f"; it is negative in {count(rounding.negative_rows, 'row')}"
    if not np.isfinite(rounding.naive):
        return f"{text}: p/q leaves the range of {rounding.dtype} there, and log p - log q does not"
    return f"{text}. kl_divergence adds terms that are never negative, so none cancel"


def _precision(pair: Pair) -> str | None:
    exact, bound = pair.exact, pair.of["coarse"]
    part = np.where(np.isfinite(exact) & (exact > 0), bound / exact, 0.0)
    row = tuple(int(i) for i in np.unravel_index(np.argmax(part), part.shape))
    if not part[row] > COARSE:
        return None
    name = min(pair.dtypes, key=_bits)
    where = f" in row {index(row)}" if row else ""
    return (
        f"{name} keeps {_bits(name)} bits: rounding of the entries alone can move KL(p‖q){where} "
        f"by up to {bound[row]:.2g} nats, {percent(float(part[row]))} of it"
    )
