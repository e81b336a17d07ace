"""What to do about an invalid input or an infinite KL: each remedy tried out on the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kl_lib.checks import SUM_TOLERANCE
from kl_lib.discrete import kl_divergence, kl_from_logits

from .inputs import Input, bad_rows, places
from .measures import Pair, normalized
from .report import Problem, Remedy
from .wording import LN2, divergence, index, number, span

Array = NDArray[Any]


def for_invalid(
    p: Input, q: Input, axis: Any, normalize: bool, problems: Sequence[Problem]
) -> Iterator[Remedy]:
    """What would make an invalid input valid: each is tried, and named only if it works."""
    kinds = {problem.kind for problem in problems}
    if kinds & {"base", "axis", "unreadable", "labels"}:
        return
    wrong = {problem.argument: problem.kind for problem in problems}
    own_p, own_q = p.values, q.values

    def tried(kind: str, text: str, *pair: Any, how: Any = kl_divergence, **kwargs: Any) -> Any:
        options = {"axis": axis, "normalize": normalize} | kwargs
        if how is kl_from_logits:
            del options["normalize"]
        try:
            value = np.asarray(how(*pair, **options), dtype=np.float64)
        except (ValueError, TypeError):
            return None
        if value.size == 0:
            return None
        return Remedy(
            kind, f"{text}: {divergence(value)}", float(value) if value.ndim == 0 else None
        )

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
            tried("float32", "if these were computed in float32, pass them as float32, whose sums "
                  "may be further off", *(x.astype(np.float32) for x in (own_p, own_q)))
        )  # fmt: skip
        found.append(
            tried("normalize", "if these are counts, pass normalize=True", own_p, own_q,
                  normalize=True)
        )  # fmt: skip
    unknown = [name for name in ("p", "q") if wrong.get(name) == "nan"]
    if unknown:
        pair = [np.nan_to_num(x) if n in unknown else x for n, x in (("p", own_p), ("q", own_q))]
        text = " and ".join(f"np.nan_to_num({name})" for name in unknown)
        text = f"if nan stands for a category that cannot happen, pass {text}"
        found.append(tried("nan", text, *pair))
    below = [x.name for x in (p, q) if wrong.get(x.name) == "negative" and _rounding(x)]
    if below:
        pair = [np.maximum(x, 0) if n in below else x for n, x in (("p", own_p), ("q", own_q))]
        text = " and ".join(f"np.maximum({name}, 0)" for name in below)
        text = f"if what is below 0 is rounding, pass {text}"
        found.append(tried("rounding", text, *pair))
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
        bad = bad_rows(p, axis, normalize) | bad_rows(q, axis, normalize)
        if 0 < bad.sum() <= bad.size / 2:
            rows = [np.moveaxis(x, axis, -1)[~bad] for x in (own_p, own_q)]
            text = f"without {_rows(bad)}, the rest is valid"
            found.append(tried("rows", text, *rows, axis=-1))
    yield from (remedy for remedy in found if remedy is not None)


def _rounding(argument: Input) -> bool:
    """Whether what is negative is as small as rounding leaves it."""
    return bool(argument.values.min() >= -SUM_TOLERANCE[argument.dtype])


def _rows(mask: NDArray[np.bool_]) -> str:
    """'row 17', 'rows 3 and 8', '12 of 100 rows'."""
    if mask.sum() > 3:
        return f"{mask.sum()} of {mask.size} rows"
    named = [index(place) for place in places(mask)]
    return f"row{'s' if len(named) > 1 else ''} {' and '.join(named)}"


def _one_hot(labels: Array, other: Array) -> Any:
    """Rows with a 1 at the label, if `labels` can be class labels for the rows of `other`."""
    if labels.ndim + 1 != other.ndim or labels.shape != other.shape[:-1]:
        return None
    whole = (labels == np.floor(labels)) & (labels >= 0) & (labels < other.shape[-1])
    if not whole.all():
        return None
    rows = np.zeros(other.shape)
    np.put_along_axis(rows, labels.astype(int)[..., None], 1.0, axis=-1)
    return rows


def for_infinite(pair: Pair, row: tuple[int, ...]) -> Iterator[Remedy]:
    """What to do about an infinite KL, with what each would give."""
    infinite = np.isposinf(pair.exact)
    if not infinite.any():
        return
    where = f" in row {index(row)}" if row else ""
    reverse, js = pair.of["KL(q‖p)"], pair.of["Jensen-Shannon"]
    p, q = pair.row(row)

    def one(value: Any) -> float | None:
        return float(value) if value.ndim == 0 else None

    labels = bool((pair.rows(infinite)[1].max(axis=-1) == 1).all())
    if np.isfinite(reverse).all():
        why = (
            "q is one-hot, as labels are, and labels are the reference"
            if labels
            else "if q is the reference"
        )
        yield Remedy("swap", f"{why}: swap the two, {divergence(reverse, 'KL(q‖p)')}", one(reverse))
    if pair.normalize:
        value = float(kl_divergence(p, q + 0.5, normalize=True))
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
    most = (
        f"{span(js.min(), js.max(), between='{} to {}', digits=6)} nats, of at most {number(LN2)}"
    )
    yield Remedy("js", f"js_divergence is never infinite: {most}", one(js))
    p, q = (normalized(x, True)[0] for x in (p, q))
    by = [number(kl_divergence(p, q + small, normalize=True)) for small in (1e-12, 1e-7)]
    yield Remedy(
        "epsilon",
        "do not add a small number to q to be rid of it, the result would be the number's: "
        f"1e-12 gives {by[0]} nats, 1e-7 gives {by[1]}{where}",
    )
