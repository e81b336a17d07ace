"""What to do about an invalid input, an infinite KL, or counts: each remedy is a call, and made.

A remedy is a line of Python for p and q. It is evaluated here, on the input, and offered only if
the number that comes out is finite: what the report tells people to do has been done.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import kl_lib
from kl_lib import labels
from kl_lib.checks import ROUNDED, SUM_TOLERANCE, YES_NO, one_hot
from kl_lib.sampling import Estimate

from .inputs import Input
from .measures import Pair
from .report import Problem, Remedy
from .wording import LN2, divergence, index, number, span

Array = NDArray[Any]

#: Fewer numbers than this are not taken for a sample of points.
POINTS = 20


class Trial:
    """Evaluates remedies on one input, and keeps those that give a finite number."""

    def __init__(self, p: Input, q: Input, axis: Any, normalize: bool) -> None:
        self.names = {"np": np, "kl_lib": kl_lib, "p": _python(p), "q": _python(q)}
        self.axis = "" if axis in (-1, None) else f", axis={axis!r}"
        self.normalize = ", normalize=True" if normalize else ""
        self.found: list[Remedy] = []

    def call(self, p: str, q: str, *, function: str = "kl_divergence", options: str = "") -> str:
        """The call with the options that this report was asked for."""
        if function == "kl_divergence" and "normalize" not in options:
            options += self.normalize
        if "axis" not in options:
            options += self.axis
        return f"kl_lib.{function}({p}, {q}{options})"

    def value(self, code: str) -> Any:
        """What a line of Python gives; None if it raises, which makes it no remedy."""
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = eval(code, dict(self.names))
        except Exception:  # whatever another library's object raises when it is computed with
            return None
        return result if isinstance(result, Estimate) else np.asarray(result, dtype=np.float64)

    def offer(self, kind: str, text: str, code: str) -> bool:
        """Add the remedy if it works; whether it does."""
        result = self.value(code)
        if result is None:
            return False
        value: float | None
        if isinstance(result, Estimate):
            value, error, bias = result.value, result.standard_error, result.bias or 0.0
            said = f"{number(value, 3)} ± {number(error, 2)} nats"
            said += f", of which {bias:+.2g} may be bias" if bias else ""
        else:
            value = float(result) if result.ndim == 0 else None
            said = divergence(result) if result.size else ""
        if not said or not np.isfinite(result if value is None else value).any():
            return False
        self.found.append(Remedy(kind, f"{text}: {said}", code, value))
        return True


def _python(argument: Input) -> Any:
    """The argument as a line of Python can compute with it: tensors as arrays."""
    plain = isinstance(argument.original, (np.ndarray, list, tuple))
    known = plain or labels.of(argument.original) is not None
    return argument.original if known else argument.given


def for_invalid(
    p: Input, q: Input, axis: Any, normalize: bool, problems: Sequence[Problem]
) -> Iterator[Remedy]:
    """What would make an invalid input valid."""
    kinds = {problem.kind for problem in problems}
    if kinds & {"base", "axis", "unreadable"}:
        return
    trial = Trial(p, q, axis, normalize)
    if "labels" in kinds:
        _labels(trial)
    else:
        wrong = {problem.argument: problem for problem in problems}
        for group in (_shapes, _sums, _values):
            group(trial, p, q, kinds, wrong)
        _rows(trial, p, q, axis, problems)
    yield from trial.found


Wrong = dict[str, Problem]


def _labels(trial: Trial) -> None:
    text = "where a missing category has probability 0, align the two"
    pair = "kl_lib.align(p, q)"
    if not trial.offer("align", text, f"kl_lib.kl_divergence(*{pair}{trial.normalize})"):
        text = "if these are counts and a missing category was not drawn, align the two"
        trial.offer("align", text, f"kl_lib.kl_divergence(*{pair}, normalize=True)")
    text = "if position is what counts, drop the labels"
    trial.offer("position", text, trial.call(_without_labels(trial, "p"), "q"))


def _without_labels(trial: Trial, name: str) -> str:
    value = trial.names[name]
    return f"list({name}.values())" if isinstance(value, dict) else f"np.asarray({name})"


def _shapes(trial: Trial, p: Input, q: Input, kinds: set[str], wrong: Wrong) -> None:
    shapes = p.values.shape, q.values.shape
    deep = max(map(len, shapes))
    for other in range(deep):
        if all(len(shape) != deep or shape[other] > 1 for shape in shapes):
            code = trial.call("p", "q", options=f", axis={other}")
            trial.offer("axis", f"pass axis={other}", code)
    if "shape" in kinds:
        _other_shapes(trial)
    for one, other_ in ((p, q), (q, p)):
        if one.name not in wrong and "shape" not in kinds:
            continue
        if (rows := _one_hot(one, other_)) is None:
            continue
        second = other_.name
        text = f"if {one.name} holds class labels, pass {rows}"
        call = (rows, second) if one.name == "p" else (second, rows)
        if not trial.offer("labels", text, trial.call(*call)):
            probabilities = f"kl_lib.softmax({second})"
            call = (rows, probabilities) if one.name == "p" else (probabilities, rows)
            text += f", and if {second} holds logits, pass {probabilities}"
            trial.offer("labels", text, trial.call(*call))


def _other_shapes(trial: Trial) -> None:
    trial.offer("transpose", "pass np.transpose(q)", trial.call("p", "np.transpose(q)"))
    trial.offer("transpose", "pass np.transpose(p)", trial.call("np.transpose(p)", "q"))
    squeezed = trial.call("np.squeeze(p)", "np.squeeze(q)")
    trial.offer("squeeze", "drop axes of length 1, np.squeeze", squeezed)


def _one_hot(labels_: Input, other: Input) -> str | None:
    """The code of rows with a 1 at the label, if these can be class labels for those rows."""
    values, name, shape = labels_.values, labels_.name, other.values.shape
    if not shape or values.size == 0 or values.shape not in (shape[:-1], (*shape[:-1], 1)):
        return None
    whole = (values == np.floor(values)) & (values >= 0) & (values < shape[-1])
    if not whole.all() or shape[-1] < 2:
        return None
    if labels_.given.dtype.kind not in "iu":
        name = f"np.asarray({name}, dtype=int)"
    return one_hot(name, shape[-1], column=values.ndim == len(shape))


def _sums(trial: Trial, p: Input, q: Input, kinds: set[str], wrong: Wrong) -> None:
    if "sum" not in kinds:
        return
    both = [p.values, q.values]
    bad = [x for x in (p, q) if x.name in wrong and wrong[x.name].kind == "sum"]
    single = all(x.shape[-1:] == (1,) for x in both)
    between = all(((x >= 0) & (x <= 1)).all() for x in both)
    if between and (single or all(0 < x.values.max(initial=0) < 1 for x in bad)):
        text = "if each number is the probability of a yes, call kl_bernoulli"
        if single or all(x.values.sum(axis=-1).min() > YES_NO for x in bad):
            trial.offer("bernoulli", text, "kl_lib.kl_bernoulli(p, q)")
    if single:
        return
    whole = [not np.any(x % 1) for x in both]
    tables = [x for x in bad if x.values.ndim > 1]
    if len(tables) == len(bad) and not trial.normalize:
        text = "if the whole table is one distribution, pass np.ravel(p), np.ravel(q)"
        trial.offer("table", text, trial.call("np.ravel(p)", "np.ravel(q)", options=", axis=-1"))
    if trial.normalize:
        return
    if all(x.dtype == "float64" for x in (p, q)):
        pair = [f"np.float32({name})" for name in "pq"]
        text = "if these were computed in float32, pass them as float32, whose sums may be "
        trial.offer("float32", f"{text}further off", trial.call(*pair))
    what = "counts" if all(whole) else "weights, or densities on bins of equal width"
    if all(np.abs(x.values.sum(axis=-1) - 1).max(initial=0) < ROUNDED for x in bad):
        what = "rounded probabilities"
    code = trial.call("p", "q", options=", normalize=True")
    works = trial.offer("normalize", f"if these are {what}, pass normalize=True", code)
    if tables and all(whole):
        text = "if the whole table is one distribution, flatten it and pass normalize=True"
        code = trial.call("np.ravel(p)", "np.ravel(q)", options=", normalize=True, axis=-1")
        trial.offer("table", text, code)
    if all(whole):
        _counts(trial, p, q, smooth=not works)
    for argument in bad:
        _softmax(trial, argument, options="" if len(bad) == 1 else ", normalize=True")
    _points(trial, p, q)


def _softmax(trial: Trial, argument: Input, options: str) -> None:
    """The output of a network's last layer where the softmax was forgotten."""
    x, name = argument.values, argument.name
    if not np.any(x % 1) or (x.max() <= 1 and x.sum(axis=-1).min() <= YES_NO):
        return
    if x.max() > 1:
        text, values = f"if {name} is the output of a network without softmax", name
    else:
        text = f"if {name} came out of a sigmoid where a softmax belongs"
        values = f"np.log(np.divide({name}, np.subtract(1, {name})))"
    pair = [f"kl_lib.softmax({values})" if n == name else n for n in ("p", "q")]
    text += f", pass {pair[name == 'q']}" + (" and normalize=True" if options else "")
    trial.offer("softmax", text, trial.call(*pair, options=options))


def _counts(trial: Trial, p: Input, q: Input, *, smooth: bool) -> None:
    """An estimate that knows of chance, where both are whole numbers over the same categories."""
    if p.values.ndim != 1 or p.values.shape != q.values.shape or max(p.values.max(), 0) <= 1:
        return
    text = "if both were counted in samples, kl_from_counts says how much of it is chance"
    if not trial.offer("counts", text, "kl_lib.kl_from_counts(p, q)") or smooth:
        text = (
            "a count of 0 is no proof of impossibility: kl_from_counts adds to every count what "
            "you choose, say 1/2"
        )
        trial.offer("smooth", text, "kl_lib.kl_from_counts(p, q, smoothing=0.5)")


def _points(trial: Trial, p: Input, q: Input) -> None:
    """Two samples, given in place of two distributions."""
    if all(x.values.ndim == 1 and x.values.size >= POINTS for x in (p, q)):
        text = "if these are points drawn from p and q, call kl_knn"
        trial.offer("points", text, "kl_lib.kl_knn(p, q)")


def _values(trial: Trial, p: Input, q: Input, kinds: set[str], wrong: Wrong) -> None:
    if p.values.shape[-1:] == (1,):  # one category: whatever comes out is 0
        return

    def those(*kinds: str) -> list[str]:
        return [name for name in ("p", "q") if name in wrong and wrong[name].kind in kinds]

    def changed(names: list[str], change: Callable[[str], str], text: str, kind: str) -> bool:
        if not names:
            return False
        pair = [change(name) if name in names else name for name in ("p", "q")]
        told = " and ".join(change(name) for name in names)
        return trial.offer(kind, text.format(told), trial.call(*pair))

    changed(
        those("nan"), "np.nan_to_num({})".format,
        "if nan stands for a category that cannot happen, pass {}", "nan",
    )  # fmt: skip
    rounding = [x.name for x in (p, q) if x.name in those("negative") and _rounding(x)]
    changed(rounding, "np.maximum({}, 0)".format, "if what is below 0 is rounding, pass {}",
            "rounding")  # fmt: skip
    done = changed(those("logarithms"), "np.exp({})".format, "if these are logarithms, pass {}",
                   "exp")  # fmt: skip
    logits = those("negative", "logarithms")
    if logits and not (done or rounding):
        pair = [name if name in logits else f"np.log({name})" for name in ("p", "q")]
        call = trial.call(*pair, function="kl_from_logits")
        who = "p and q hold" if len(logits) == 2 else f"{logits[0]} holds"
        trial.offer("logits", f"if {who} logits, call {call.removeprefix('kl_lib.')}", call)
        _points(trial, p, q)


def _rounding(argument: Input) -> bool:
    """Whether what is negative is as small as rounding leaves it."""
    return bool(argument.values.min() >= -SUM_TOLERANCE[argument.dtype])


def _rows(trial: Trial, p: Input, q: Input, axis: Any, problems: Sequence[Problem]) -> None:
    """The pair without its bad rows, where those are few and the rest is valid."""
    values = p.values
    if values.shape != q.values.shape or values.ndim != 2 or axis not in (-1, 1):
        return
    found = {place[0] for problem in problems for place in problem.places}
    complete = all((problem.count or 0) <= len(problem.places) for problem in problems)
    if not (found and complete and len(found) <= len(values) / 2):
        return
    rows = sorted(found)
    named = f"row{'s' if len(rows) > 1 else ''} {' and '.join(map(str, rows))}"
    if len(rows) > 3:
        named = f"{len(rows)} of {len(values)} rows"
    kept = [f"np.delete({name}, {rows}, axis=0)" for name in ("p", "q")]
    trial.offer("rows", f"without {named}, the rest is valid", trial.call(*kept))


def for_infinite(pair: Pair, p: Input, q: Input, axis: Any) -> Iterator[Remedy]:
    """What to do about an infinite KL, with what each would give."""
    infinite = np.isposinf(pair.exact)
    if not infinite.any():
        return
    trial = Trial(p, q, axis, pair.normalize)
    reverse, js = pair.of["KL(q‖p)"], pair.of["Jensen-Shannon"]

    def one(value: Any) -> float | None:
        return float(value) if value.ndim == 0 else None

    one_hot = bool((pair.rows(infinite)[1].max(axis=-1) == 1).all())
    if np.isfinite(reverse).all():
        why = (
            "q is one-hot, as labels are, and labels are the reference"
            if one_hot
            else "if q is the reference"
        )
        text = f"{why}: swap the two, {divergence(reverse, 'KL(q‖p)')}"
        yield Remedy("swap", text, trial.call("q", "p"), one(reverse))
    if pair.normalize:
        _counts(trial, p, q, smooth=True)
        if not any(remedy.kind == "smooth" for remedy in trial.found):
            text = "a count of 0 is no proof of impossibility: add to every count what you can "
            code = trial.call("np.add(p, 0.5)", "np.add(q, 0.5)")
            trial.offer("smooth", f"{text}justify, say 1/2", code)
        yield from trial.found
    elif not one_hot:
        yield Remedy(
            "logits",
            "if q came from a softmax, it has underflowed to 0: keep the logits and call "
            "kl_from_logits",
        )
    most = (
        f"{span(js.min(), js.max(), between='{} to {}', digits=6)} nats, of at most {number(LN2)}"
    )
    code = f"kl_lib.js_divergence(p, q{trial.normalize}{trial.axis})"
    yield Remedy("js", f"js_divergence is never infinite: {most}", code, one(js))
    yield _epsilon(pair, infinite)


def _epsilon(pair: Pair, infinite: NDArray[np.bool_]) -> Remedy:
    first = int(np.flatnonzero(infinite.reshape(-1))[0])
    place = tuple(int(i) for i in np.unravel_index(first, infinite.shape))
    p, q = (x[0] for x in pair.rows(np.arange(infinite.size) == first))
    by = [number(kl_lib.kl_divergence(p, q + small, normalize=True)) for small in (1e-12, 1e-7)]
    where = f" in row {index(place)}" if place else ""
    return Remedy(
        "epsilon",
        "do not add a small number to q to be rid of it, the result would be the number's: "
        f"1e-12 gives {by[0]} nats, 1e-7 gives {by[1]}{where}",
    )


def for_counts(pair: Pair, p: Input, q: Input) -> Iterator[Remedy]:
    """For valid counts with a finite KL: how much of it is chance."""
    if not pair.normalize or np.isposinf(pair.exact).any():
        return
    if not any(np.any(x.values % 1) for x in (p, q)):
        trial = Trial(p, q, -1, True)
        _counts(trial, p, q, smooth=False)
        yield from trial.found
