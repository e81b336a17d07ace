"""What to do about an invalid input, an infinite KL, or counts: each remedy is a call, and made.

A remedy is a line of Python for p and q. It is evaluated here, on the input, and offered only if
the number that comes out is finite: what the report tells people to do has been done.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import kl_lib
from kl_lib import labels
from kl_lib.checks import ROUNDED, SUM_TOLERANCE, YES_NO, one_hot
from kl_lib.sampling import Estimate

from .inputs import Input, own_axis
from .measures import Pair
from .report import Problem, Remedy
from .wording import LN2, count, divergence, index, number, span

Array = NDArray[Any]

#: Fewer numbers than this are not taken for a sample of points.
POINTS = 20


class Trial:
    """Evaluates remedies on one input, and keeps those that give a finite number."""

    def __init__(self, p: Input, q: Input, axis: Any, normalize: bool) -> None:
        self.names = {"np": np, "kl_lib": kl_lib, "p": _python(p), "q": _python(q)}
        # Where labels pair the two, what a remedy gives must be what it gives for aligned numbers:
        # many a function of NumPy drops labels, and would pair by position what stands elsewhere.
        self.aligned: dict[str, Any] | None = None
        if any(labels.of(x.original) is not None for x in (p, q)):
            self.aligned = self.names | {"p": p.given, "q": q.given}
        self.own = own_axis(axis, max(p.values.ndim, q.values.ndim))
        self.axis = "" if self.own == -1 else f", axis={operator.index(axis)}"
        self.normalize = ", normalize=True" if normalize else ""
        self.found: list[Remedy] = []

    def call(self, *pair: str, function: str = "kl_divergence", options: str = "") -> str:
        """The call with the options that this report was asked for."""
        if function == "kl_divergence" and "normalize" not in options:
            options += self.normalize
        if "axis" not in options:
            options += self.axis
        return f"kl_lib.{function}({', '.join(pair)}{options})"

    def value(self, code: str, names: dict[str, Any] | None = None) -> Any:
        """What a line of Python gives; None if it raises, which makes it no remedy."""
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = eval(code, dict(names or self.names))
                return result if isinstance(result, Estimate) else np.asarray(result, np.float64)
        except Exception:  # whatever another library's object raises when it is computed with
            return None

    def offer(
        self,
        kind: str,
        text: str,
        code: str,
        *,
        name: str = "KL(p‖q)",
        everywhere: bool = False,
    ) -> bool:
        """Add the remedy if it works (`everywhere`: in every row); whether it does.

        `name` is that of the quantity it gives.
        """
        result = self.value(code)
        if result is None or not self._pairs_labels(code, result):
            return False
        value: float | None
        if isinstance(result, Estimate):
            value, error, bias = result.value, result.standard_error, result.bias or 0.0
            said = f"{number(value, 3)} ± {number(error, 2)} nats"
            said += f", of which {bias:+.2g} may be bias" if bias else ""
        else:
            value = float(result) if result.ndim == 0 else None
            said = divergence(result, name) if result.size else ""
        finite = np.isfinite(result if value is None else value)
        if not said or not (finite.all() if everywhere else finite.any()):
            return False
        if not finite.all():
            said += f", infinite in {count(int((~finite).sum()), 'row')}"
        self.found.append(Remedy(kind, f"{text}: {said}", code, value))
        return True

    def _pairs_labels(self, code: str, result: Any) -> bool:
        if self.aligned is None:
            return True
        other = self.value(code, self.aligned)
        if other is None:
            return False
        a, b = (x.value if isinstance(x, Estimate) else x for x in (result, other))
        return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-9, atol=0))


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
        trial.aligned = None  # that is what these remedies are about
        _labels(trial, p, q)
    else:
        wrong = {problem.argument: problem for problem in problems}
        for group in (_shapes, _sums, _values):
            group(trial, p, q, kinds, wrong)
        _rows(trial, p, q, problems)
    yield from trial.found


Wrong = dict[str, Problem]


def _labels(trial: Trial, p: Input, q: Input) -> None:
    pair = f"*kl_lib.align(p, q{trial.axis})"
    text = "where a missing category has probability 0, align the two"
    works = trial.offer("align", text, trial.call(pair))
    if not works and not trial.normalize:
        text = "if these are counts and a missing category was not drawn, align the two"
        works = trial.offer("align", text, trial.call(pair, options=", normalize=True"))
    if not works:  # q lacks what p has, so that KL(p‖q) is infinite
        if not any(np.any(x.values % 1) for x in (p, q)):
            _smooth(trial, pair)
        _js(trial, "when the two are aligned, KL(p‖q) is infinite; js_divergence never is", pair)
    if trial.own == -1:
        rows = ", ".join(f"{x}.loc[p.index.intersection(q.index)]" for x in ("p", "q"))
        if p.values.ndim == q.values.ndim == 2:
            trial.offer("align", "keep the rows that both have", trial.call(rows))
    text = "if position is what counts, drop the labels"
    trial.offer("position", text, trial.call(_without_labels(trial, "p"), "q"))


def _without_labels(trial: Trial, name: str) -> str:
    value = trial.names[name]
    if not isinstance(value, dict):
        return f"np.asarray({name})"
    columns = any(np.ndim(column) for column in value.values())
    return f"np.stack([*{name}.values()], axis=-1)" if columns else f"list({name}.values())"


def _shapes(trial: Trial, p: Input, q: Input, kinds: set[str], wrong: Wrong) -> None:
    shapes = p.values.shape, q.values.shape
    deep = max(map(len, shapes))
    if "shape" in kinds or not trial.normalize:  # counts can be divided along any axis
        for other in range(deep):
            if all(len(shape) != deep or shape[other] > 1 for shape in shapes):
                code = trial.call("p", "q", options=f", axis={other}")
                trial.offer("axis", f"pass axis={other}", code)
    if "shape" in kinds:
        _other_shapes(trial)
        _yes(trial, p, q)
    for one, other_ in ((p, q), (q, p)):
        if one.name not in wrong and "shape" not in kinds:
            continue
        if (rows := _one_hot(one, other_, trial.own)) is None:
            continue
        second = other_.name
        text = f"if {one.name} holds class labels, pass {rows}"
        call = (rows, second) if one.name == "p" else (second, rows)
        if not trial.offer("labels", text, trial.call(*call)):
            probabilities = f"kl_lib.softmax({second}{trial.axis})"
            call = (rows, probabilities) if one.name == "p" else (probabilities, rows)
            text += f", and if {second} holds logits, pass {probabilities}"
            trial.offer("labels", text, trial.call(*call))


def _yes(trial: Trial, p: Input, q: Input) -> None:
    """The probability of a yes, given against those of no and yes."""
    pair = [p.values.shape, q.values.shape]
    if sorted(shape[-1:] for shape in pair) != [(1,), (2,)] or trial.own != -1:
        return
    name = "p" if pair[0][-1] == 1 else "q"
    both = f"np.concatenate([np.subtract(1, {name}), {name}], axis=-1)"
    text = f"if {name} is the probability of a yes, the second category, pass {both}"
    trial.offer("bernoulli", text, trial.call(*(both if x == name else x for x in ("p", "q"))))


def _other_shapes(trial: Trial) -> None:
    trial.offer("transpose", "pass np.transpose(q)", trial.call("p", "np.transpose(q)"))
    trial.offer("transpose", "pass np.transpose(p)", trial.call("np.transpose(p)", "q"))
    squeezed = trial.call("np.squeeze(p)", "np.squeeze(q)")
    trial.offer("squeeze", "drop axes of length 1, np.squeeze", squeezed)


def _one_hot(labels_: Input, other: Input, own: int) -> str | None:
    """The code of rows with a 1 at the label, if these can be class labels for those rows."""
    values, name, shape = labels_.values, labels_.name, list(other.values.shape)
    if values.size == 0 or -own > len(shape):
        return None
    categories = shape[own]
    column = [*shape]
    column[own] = 1
    del shape[own]
    if list(values.shape) not in ([shape, column] if own == -1 else [shape]) or not values.ndim:
        return None
    whole = (values == np.floor(values)) & (values >= 0) & (values < categories)
    if not whole.all() or categories < 2:
        return None
    if labels_.given.dtype.kind not in "iu":
        name = f"np.asarray({name}, dtype=int)"
    rows = one_hot(name, categories, column=values.ndim > len(shape))
    return rows if own == -1 else f"np.moveaxis({rows}, -1, {own})"


def _sums(trial: Trial, p: Input, q: Input, kinds: set[str], wrong: Wrong) -> None:
    if "sum" not in kinds:
        return
    bad = [x for x in (p, q) if x.name in wrong and wrong[x.name].kind == "sum"]
    single = all(x.values.shape[trial.own :][:1] == (1,) for x in (p, q))
    # Where another reading of the numbers makes them sum to 1, nobody need guess.
    clear = any(remedy.kind in ("axis", "transpose", "labels") for remedy in trial.found)
    clear = clear or _tables(trial, p, q, bad)
    if not clear:
        _bernoulli(trial, p, q, bad, single)
    if single or trial.normalize:
        return
    whole = not any(np.any(x.values % 1) for x in (p, q))
    if all(x.dtype == "float64" for x in (p, q)):
        pair = [f"np.float32({name})" for name in "pq"]
        text = "if these were computed in float32, pass them as float32, whose sums may be "
        trial.offer("float32", f"{text}further off", trial.call(*pair))
    what = "counts" if whole else "weights, or densities on bins of equal width"
    if all(np.abs(_total(x, trial.own) - 1).max(initial=0) < ROUNDED for x in bad):
        what = "rounded probabilities"
    code = trial.call("p", "q", options=", normalize=True")
    if not trial.offer("normalize", f"if these are {what}, pass normalize=True", code):
        _js(trial, f"if these are {what}, KL(p‖q) is infinite; js_divergence never is", "p", "q")
    if whole and any(x.values.ndim > 1 for x in bad):
        text = "if the whole table is one distribution, flatten it and pass normalize=True"
        flat = trial.call("np.ravel(p)", "np.ravel(q)", options=", normalize=True, axis=-1")
        trial.offer("table", text, flat)
    if whole:
        _counts(trial, p, q)
        divided = trial.value(code)
        if divided is not None and not np.isfinite(divided).all():
            _smooth(trial)
    if not clear:
        _softmax(trial, bad)
        _points(trial, p, q)


def _js(trial: Trial, text: str, *pair: str) -> None:
    """What is finite where KL is not, for what has to be divided by its sums."""
    code = trial.call(*pair, function="js_divergence", options=", normalize=True")
    trial.offer("js", text, code, name="Jensen-Shannon")


def _total(argument: Input, own: int) -> Array:
    """Its sums; of all of it where it has no such axis, of which something else was said."""
    values = argument.values
    return values.sum(axis=own if -own <= values.ndim else None, dtype=np.float64)


def _typical(argument: Input, own: int) -> float:
    """The sum of a row that stands for most of them."""
    return float(np.median(_total(argument, own)))


def _tables(trial: Trial, p: Input, q: Input, bad: Sequence[Input]) -> bool:
    """A distribution over two variables or more: its table sums to 1, no row does."""
    if trial.normalize or any(x.values.ndim < 2 for x in bad):
        return False
    text = "if the whole table is one distribution, pass np.ravel(p), np.ravel(q)"
    if trial.offer("table", text, trial.call("np.ravel(p)", "np.ravel(q)", options=", axis=-1")):
        return True
    if any(x.values.ndim < 3 for x in (p, q)) or trial.axis:
        return False
    pair = [f"np.reshape({x.name}, {(*x.values.shape[:-2], -1)})" for x in (p, q)]
    text = f"if each table is one distribution, pass {pair[0]} and {pair[1]}"
    return trial.offer("table", text, trial.call(*pair))


def _bernoulli(trial: Trial, p: Input, q: Input, bad: Sequence[Input], single: bool) -> None:
    """Chances of a yes, one or several at a time, or labels of 0 and 1 for them."""
    if any(((x.values < 0) | (x.values > 1)).any() for x in (p, q)):
        return
    chances = [x for x in bad if np.any(x.values % 1)]
    several = len(chances) < len(bad) or all(_typical(x, trial.own) > YES_NO for x in chances)
    if single or (chances and several):
        text = "if each number is the probability of a yes, call kl_bernoulli"
        trial.offer("bernoulli", text, "kl_lib.kl_bernoulli(p, q)", everywhere=True)


def _softmax(trial: Trial, bad: Sequence[Input]) -> None:
    """The output of a network's last layer where the softmax was forgotten."""
    layers = {x.name: layer for x in bad if (layer := _layer(x, trial.own))}
    if "output" in layers.values():  # beside it, numbers up to 1 need be no sigmoid's
        layers = {name: layer for name, layer in layers.items() if layer == "output"}
    if not layers:
        return
    logits = {
        name: name if layer == "output" else f"np.log(np.divide({name}, np.subtract(1, {name})))"
        for name, layer in layers.items()
    }
    if len(layers) == 2:
        call = trial.call(*logits.values(), function="kl_from_logits")
        said = call.removeprefix("kl_lib.")
        if "output" in layers.values():
            text = f"if these are outputs of a network without softmax, call {said}"
        else:
            text = f"if these came out of a sigmoid where a softmax belongs, call {said}"
        trial.offer("softmax", text, call)
        return
    [(name, values)] = logits.items()
    if layers[name] == "sigmoid" and any(x.name == name and x.values.max() == 1 for x in bad):
        text = f"if {name} came out of a sigmoid, put a softmax in its place; at 1 it has lost the"
        trial.found.append(Remedy("softmax", f"{text} logits that tell the categories apart"))
        return
    pair = [f"kl_lib.softmax({values}{trial.axis})" if n == name else n for n in ("p", "q")]
    text = f"if {name} is the output of a network without softmax"
    if layers[name] == "sigmoid":
        text = f"if {name} came out of a sigmoid where a softmax belongs"
    options = "" if len(bad) == 1 else ", normalize=True"
    text += f", pass {pair[name == 'q']}" + (" and normalize=True" if options else "")
    trial.offer("softmax", text, trial.call(*pair, options=options))


def _layer(argument: Input, own: int) -> str:
    """What layer such numbers may come out of: one without softmax, a sigmoid, or none."""
    x = argument.values
    if not np.any(x % 1):
        return ""
    if x.max() > 1:
        return "output"
    return "sigmoid" if _typical(argument, own) > YES_NO else ""


def _counts(trial: Trial, p: Input, q: Input) -> None:
    """An estimate that knows of chance, where both were counted over the same categories."""
    if p.values.ndim == 1 and p.values.shape == q.values.shape and p.values.max(initial=0) > 1:
        text = "if both were counted in samples, kl_from_counts says how much of it is chance"
        trial.offer("counts", text, "kl_lib.kl_from_counts(p, q)")


def _smooth(trial: Trial, *aligned: str) -> None:
    """What becomes of counts with a 0 when something is added to each."""
    text = "a count of 0 is no proof of impossibility: "
    pair = ", ".join(aligned or ("p", "q"))
    told = f"{text}kl_from_counts adds to every count what you choose, say 1/2"
    code = f"kl_lib.kl_from_counts({pair}, smoothing=0.5)"
    if not trial.offer("smooth", told, code) and not aligned:
        code = trial.call("np.add(p, 0.5)", "np.add(q, 0.5)", options=", normalize=True")
        trial.offer("smooth", f"{text}add to every count what you can justify, say 1/2", code)


def _points(trial: Trial, p: Input, q: Input) -> None:
    """Two samples, given in place of two distributions."""
    if all(x.values.ndim == 1 and x.values.size >= POINTS for x in (p, q)):
        text = "if these are points drawn from p and q, call kl_knn"
        trial.offer("points", text, "kl_lib.kl_knn(p, q)")


def _values(trial: Trial, p: Input, q: Input, kinds: set[str], wrong: Wrong) -> None:
    if p.values.shape[trial.own :][:1] == (1,):  # one category: whatever comes out is 0
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
        # What is beyond 1 beside logits is logits too.
        logits += [x.name for x in (p, q) if x.name in those("sum") and x.values.max() > 1]
        if those("sum") and len(logits) == 1:
            [name] = logits
            pair = [f"kl_lib.softmax({x}{trial.axis})" if x == name else x for x in ("p", "q")]
            text = f"if {name} holds logits, pass {pair[name == 'q']} and normalize=True"
            trial.offer("logits", text, trial.call(*pair, options=", normalize=True"))
            return
        pair = [name if name in logits else f"np.log({name})" for name in ("p", "q")]
        call = trial.call(*pair, function="kl_from_logits")
        who = "p and q hold" if len(logits) == 2 else f"{logits[0]} holds"
        trial.offer("logits", f"if {who} logits, call {call.removeprefix('kl_lib.')}", call)
        _points(trial, p, q)


def _rounding(argument: Input) -> bool:
    """Whether what is negative is as small as rounding leaves it."""
    values = argument.values
    return bool(values.min() >= -SUM_TOLERANCE[argument.dtype] * values.max())


def _rows(trial: Trial, p: Input, q: Input, problems: Sequence[Problem]) -> None:
    """The pair without its bad rows, where those are few and the rest is valid."""
    if p.values.shape != q.values.shape or p.values.ndim != 2:
        return
    across = -3 - trial.own  # the axis of the rows, beside that of the categories
    found = set()
    for problem in problems:
        of_rows = problem.kind in ("sum", "empty")
        found |= {place[0 if of_rows else across] for place in problem.places}
    complete = all((problem.count or 0) <= len(problem.places) for problem in problems)
    if not (found and complete and len(found) <= p.values.shape[across] / 2):
        return
    rows = sorted(found)
    named = f"row{'s' if len(rows) > 1 else ''} {' and '.join(map(str, rows))}"
    if len(rows) > 3:
        named = f"{len(rows)} of {p.values.shape[across]} rows"
    kept = [f"np.delete({name}, {rows}, axis={across % 2})" for name in ("p", "q")]
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
        if not any(np.any(x.values % 1) for x in (p, q)):
            _smooth(trial)
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
        _counts(trial, p, q)
        yield from trial.found
