"""What to do about an invalid input, an infinite KL, or counts: each remedy is a call, and made.

A remedy is a line of Python for p and q. It is evaluated here, on the input, and offered only if
the number that comes out is finite: what the report tells people to do has been done.
"""

from __future__ import annotations

import operator
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import kl_lib
from kl_lib import labels
from kl_lib.checks import ROUNDED, SUM_TOLERANCE, YES_NO, one_hot
from kl_lib.sampling import Estimate

from .inputs import Input, from_end
from .measures import Rows
from .report import Problem, Remedy
from .wording import LN2, count, divergence, index, number

Array = NDArray[Any]

#: Fewer numbers than this are not taken for a sample of points.
POINTS = 20

#: Which options a call may need. A function that is not here takes p and q alone.
OPTIONS = {
    "kl_divergence": ("normalize", "axis"),
    "js_divergence": ("normalize", "axis"),
    "kl_from_logits": ("axis",),
}

#: An argument as NumPy can read it: the first that works. Tensors with a gradient, in half
#: precision, on another device; lists of them; MXNet's arrays.
SPELLINGS = (
    "{}",
    "{}.detach()",
    "{}.detach().float()",
    "{}.detach().cpu().float()",
    "[x.detach() for x in {}]",
    "{}.asnumpy()",
)

#: Nothing in the place of p or q.
AS_GIVEN: Mapping[str, str] = {}

#: What may stand in the place of entries at fault, and when that is right, by kind of remedy.
OTHER_ENTRIES = {
    "nan": ("np.nan_to_num({})", "nan stands for a category that cannot happen"),
    "rounding": ("np.maximum({}, 0)", "what is below 0 is rounding"),
    "exp": ("np.exp({})", "these are logarithms"),
}

#: The commonest guess at what sums to anything else than 1.
WEIGHTS = "weights, or densities on bins of equal width"


class Trial:
    """Evaluates remedies on one input, and keeps those that give a finite number."""

    def __init__(
        self, p: Input, q: Input, axis: Any, normalize: bool, problems: Sequence[Problem] = ()
    ) -> None:
        self.inputs = (p, q)
        self.wrong = {problem.argument: problem.kind for problem in problems}
        self.kinds = {problem.kind for problem in problems}
        self.own = from_end(axis, max(p.values.ndim, q.values.ndim))
        self.axis = "" if self.own == -1 else f", axis={operator.index(axis)}"
        self.normalize = normalize
        self.names = {"np": np, "kl_lib": kl_lib, "p": p.original, "q": q.original}
        labelled = any(labels.of(x.original) is not None for x in (p, q))
        aligned = labelled and "labels" not in self.kinds
        self.aligned = self.names | {"p": p.given, "q": q.given} if aligned else None
        self.found: list[Remedy] = []

    def of_kind(self, *kinds: str) -> list[Input]:
        """Those of p and q that have such a fault."""
        return [x for x in self.inputs if self.wrong.get(x.name) in kinds]

    @property
    def whole(self) -> bool:
        """Whether p and q are whole numbers, as counts are."""
        return not any(np.any(x.values % 1) for x in self.inputs)

    @property
    def single(self) -> bool:
        """Whether there is one category, of which any function of p and q is 0."""
        return all(x.values.shape[self.own :][:1] == (1,) for x in self.inputs)

    def offer(
        self,
        kind: str,
        text: str,
        places: Mapping[str, str] = AS_GIVEN,
        *,
        function: str = "kl_divergence",
        normalize: bool = False,
        axis: int | None = None,
        name: str = "KL(p‖q)",
        everywhere: bool = False,
    ) -> float:
        """Add a remedy if it works (`everywhere`: in every row); in which part of the rows it does.

        `places` has what stands in the place of p or q. In the text ``{changed}`` becomes that, and
        ``{call}`` the call. `name` is that of the quantity it gives.
        """
        arguments = ", ".join(filter(None, ({"p": "p", "q": "q"} | dict(places)).values()))
        if "normalize" in OPTIONS.get(function, ()) and (normalize or self.normalize):
            arguments += ", normalize=True"
        if "axis" in OPTIONS.get(function, ()):
            arguments += self.axis if axis is None else f", axis={axis}"
        code = f"kl_lib.{function}({arguments})"
        changed = " and ".join(places[x] for x in ("p", "q") if x in places)
        text = text.format(changed=changed, call=code.removeprefix("kl_lib."))
        result = self._value(code, self.names)
        if result is None:
            code, text = self._spelled(code), self._spelled(text)
            result = self._value(code, self.names)
        if result is None or not self._pairs_labels(code, result):
            return 0.0
        value = np.asarray(getattr(result, "value", result))
        finite = np.isfinite(value)
        if value.size == 0 or not (finite.all() if everywhere else finite.any()):
            return 0.0
        said = _in_words(result) if isinstance(result, Estimate) else divergence(value, name)
        if not finite.all():
            said += f", infinite in {count(int((~finite).sum()), 'row')}"
        one = float(value) if value.ndim == 0 else None
        self.found.append(Remedy(kind, f"{text}: {said}", code, one))
        return float(finite.mean())

    def _value(self, code: str, names: dict[str, Any]) -> Any:
        """What a line of Python gives; None if it raises, which makes it no remedy."""
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = eval(code, dict(names))
                return result if isinstance(result, Estimate) else np.asarray(result, np.float64)
        except Exception:  # whatever another library's object raises when it is computed with
            return None

    def _spelled(self, text: str) -> str:
        """The text with p and q, where they stand in a call, as NumPy can read them."""
        for x in self.inputs:
            spellings = (spelling.format(x.name) for spelling in SPELLINGS)
            read = (s for s in spellings if np.shape(self._value(s, self.names)) == x.given.shape)
            place = rf"((?<=[(\[])|(?<=, )){x.name}(?=[,)\]])"
            text = re.sub(place, next(read, x.name), text)
        return text

    def _pairs_labels(self, code: str, result: Any) -> bool:
        """Whether a line gives what it gives for aligned numbers, as kl_lib alone does.

        Many a function of NumPy drops labels, and would pair by position what stands elsewhere.
        """
        if self.aligned is None or "np." not in code:
            return True
        a, b = (getattr(x, "value", x) for x in (result, self._value(code, self.aligned)))
        return b is not None and np.shape(a) == np.shape(b) and np.allclose(a, b, 1e-9, 0)


def each(code: str, names: Iterable[str] = "pq") -> dict[str, str]:
    """The code with {} for an argument, for each of them."""
    return {name: code.format(name) for name in names}


def _in_words(estimate: Estimate) -> str:
    bias = f", of which {estimate.bias:+.2g} may be bias" if estimate.bias else ""
    return f"{number(estimate.value, 3)} ± {number(estimate.standard_error, 2)} nats{bias}"


def for_invalid(
    p: Input, q: Input, axis: Any, normalize: bool, problems: Sequence[Problem]
) -> list[Remedy]:
    """What would make an invalid input valid."""
    if {problem.kind for problem in problems} & {"base", "axis", "unreadable"}:
        return []
    trial = Trial(p, q, axis, normalize, problems)
    if "labels" in trial.kinds:
        _labels(trial)
        return trial.found
    _shapes(trial)
    if "sum" in trial.kinds:
        _sums(trial)
    if not trial.single:
        _values(trial)
    _rows(trial, problems)
    return trial.found


def _labels(trial: Trial) -> None:
    both = {"p": f"*kl_lib.align(p, q{trial.axis})", "q": ""}
    text = "where a missing category has probability 0, align the two"
    works = trial.offer("align", text, both)
    if not works and not trial.normalize:
        text = "if these are counts and a missing category was not drawn, align the two"
        works = trial.offer("align", text, both, normalize=True)
    if not works:  # q lacks what p has, so that KL(p‖q) is infinite
        if trial.whole:
            _smooth(trial, both)
        _js(trial, "when the two are aligned", both)
    if all(x.values.ndim == 2 for x in trial.inputs):
        rows = each("{}.loc[p.index.intersection(q.index)]")
        trial.offer("align", "keep the rows that both have", rows)
    named = isinstance(trial.names["p"], dict)
    unnamed = {"p": "np.stack([*p.values()], axis=-1)" if named else "np.asarray(p)"}
    trial.offer("position", "if position is what counts, drop the labels", unnamed)


def _shapes(trial: Trial) -> None:
    shapes = [x.values.shape for x in trial.inputs]
    deep = max(map(len, shapes))
    if "shape" in trial.kinds or not trial.normalize:  # counts can be divided along any axis
        for other in range(deep):
            if all(len(shape) != deep or shape[other] > 1 for shape in shapes):
                trial.offer("axis", f"pass axis={other}", axis=other)
    if "shape" in trial.kinds:
        trial.offer("transpose", "pass {changed}", each("np.transpose({})", "q"))
        trial.offer("transpose", "pass {changed}", each("np.transpose({})", "p"))
        trial.offer("squeeze", "drop axes of length 1, pass {changed}", each("np.squeeze({})"))
        for name, ends in (("p", [(1,), (2,)]), ("q", [(2,), (1,)])):
            if [shape[-1:] for shape in shapes] == ends and trial.own == -1:
                text = f"if {name} is the probability of a yes, the second category, pass"
                both = each("np.concatenate([np.subtract(1, {0}), {0}], axis=-1)", name)
                trial.offer("bernoulli", f"{text} {{changed}}", both)
    for numbers, other_ in (trial.inputs, trial.inputs[::-1]):
        if numbers.name in trial.wrong or "shape" in trial.kinds:
            _class_numbers(trial, numbers, other_)


def _class_numbers(trial: Trial, numbers: Input, other: Input) -> None:
    """Rows with a 1 at the class number, if these can be class numbers for those of the other."""
    values, name, shape = numbers.values, numbers.name, list(other.values.shape)
    if values.size == 0 or values.ndim == 0 or -trial.own > len(shape):
        return
    categories = shape.pop(trial.own)
    column = trial.own == -1 and list(values.shape) == [*shape, 1]
    whole = (values == np.floor(values)) & (values >= 0) & (values < categories)
    if not (column or list(values.shape) == shape) or not whole.all() or categories < 2:
        return
    integers = name if numbers.given.dtype.kind in "iu" else f"np.asarray({name}, dtype=int)"
    rows = one_hot(integers, categories, column=column)
    rows = rows if trial.own == -1 else f"np.moveaxis({rows}, -1, {trial.own})"
    text, code = f"if {name} holds class labels, pass {rows}", {name: rows}
    if not trial.offer("labels", text, code):
        code |= each(f"kl_lib.softmax({{}}{trial.axis})", [other.name])
        text += f", and if {other.name} holds logits, pass {code[other.name]}"
        trial.offer("labels", text, code)


def _sums(trial: Trial) -> None:
    bad = trial.of_kind("sum")
    # Where another reading of the numbers makes them sum to 1, nobody need guess.
    clear = any(remedy.kind in ("axis", "transpose", "labels") for remedy in trial.found)
    clear = clear or _tables(trial, bad)
    if not clear:
        _bernoulli(trial, bad)
    if trial.single or trial.normalize:
        return
    if all(x.dtype == "float64" for x in trial.inputs):
        text = "if these were computed in float32, pass them as float32, whose sums may be further"
        trial.offer("float32", f"{text} off", each("np.float32({})"))
    what = "counts" if trial.whole else WEIGHTS
    if all(np.abs(_totals(x, trial.own) - 1).max(initial=0) < ROUNDED for x in bad):
        what = "rounded probabilities"
    works = trial.offer("normalize", f"if these are {what}, pass normalize=True", normalize=True)
    if not works:
        _js(trial, f"if these are {what}")
    if trial.whole:
        if any(x.values.ndim > 1 for x in bad):
            text = "if the whole table is one distribution, flatten it and pass normalize=True"
            trial.offer("table", text, each("np.ravel({})"), normalize=True, axis=-1)
        _counts(trial)
        if works < 1:
            _smooth(trial)
    if not clear:
        _softmax(trial, bad)
        _points(trial)


def _js(trial: Trial, when: str, places: Mapping[str, str] = AS_GIVEN) -> None:
    """What is finite where KL is not, for what has to be divided by its sums."""
    text = f"{when}, KL(p‖q) is infinite; js_divergence never is"
    name = "Jensen-Shannon"
    trial.offer("js", text, places, function="js_divergence", normalize=True, name=name)


def _totals(argument: Input, own: int) -> Array:
    """Its sums; of all of it where it has no such axis, of which something else was said."""
    values = argument.values
    return values.sum(axis=own if -own <= values.ndim else None, dtype=np.float64)


def _many_chances(argument: Input, own: int) -> bool:
    """Whether the rows sum to so much as chances of a yes would, most of them."""
    return float(np.median(_totals(argument, own))) > YES_NO


def _tables(trial: Trial, bad: Sequence[Input]) -> bool:
    """A distribution over two variables or more: its table sums to 1, no row does."""
    if trial.normalize or any(x.values.ndim < 2 for x in bad):
        return False
    text = "if the whole table is one distribution, pass {changed}"
    if trial.offer("table", text, each("np.ravel({})"), axis=-1):
        return True
    if any(x.values.ndim < 3 for x in trial.inputs) or trial.axis:
        return False
    flat = {x.name: f"np.reshape({x.name}, {(*x.values.shape[:-2], -1)})" for x in trial.inputs}
    return trial.offer("table", "if each table is one distribution, pass {changed}", flat) > 0


def _bernoulli(trial: Trial, bad: Sequence[Input]) -> None:
    """Chances of a yes, one or several at a time, or labels of 0 and 1 for them."""
    if any(((x.values < 0) | (x.values > 1)).any() for x in trial.inputs):
        return
    chances = [x for x in bad if np.any(x.values % 1)]
    several = len(chances) < len(bad) or all(_many_chances(x, trial.own) for x in chances)
    if trial.single or (chances and several):
        text = "if each number is the probability of a yes, call kl_bernoulli"
        trial.offer("bernoulli", text, function="kl_bernoulli", everywhere=True)


def _softmax(trial: Trial, bad: Sequence[Input]) -> None:
    """The output of a network's last layer where the softmax was forgotten."""
    fractions = [x for x in bad if np.any(x.values % 1)]
    outputs = [x for x in fractions if x.values.max() > 1]
    chances = [x for x in fractions if _many_chances(x, trial.own)]
    names = [x.name for x in outputs or chances]  # beside outputs, chances need be no sigmoid's
    if outputs:
        said = "these are outputs" if len(names) > 1 else f"{names[0]} is the output"
        _as_logits(trial, "softmax", f"{said} of a network without softmax", each("{}", names))
    elif any(x.values.max() == 1 for x in chances):
        text = f"if {' and '.join(names)} came out of a sigmoid, put a softmax in its place; at 1"
        text += " it has lost the logits that tell the categories apart"
        trial.found.append(Remedy("softmax", text))
    elif chances:
        said = "these" if len(names) > 1 else names[0]
        logits = each("np.log(np.divide({0}, np.subtract(1, {0})))", names)
        said += " came out of a sigmoid where a softmax belongs"
        _as_logits(trial, "softmax", said, logits)


def _as_logits(trial: Trial, kind: str, text: str, logits: dict[str, str]) -> None:
    """Some as logits, and the others, which may be weights, by their logarithm."""
    places = each("np.log({})") | logits
    trial.offer(kind, f"if {text}, call {{call}}", places, function="kl_from_logits")


def _counts(trial: Trial) -> None:
    """An estimate that knows of chance, where both were counted over the same categories."""
    p, q = (x.values for x in trial.inputs)
    if p.ndim == 1 and p.shape == q.shape and p.max(initial=0) > 1:
        text = "if both were counted in samples, kl_from_counts says how much of it is chance"
        trial.offer("counts", text, function="kl_from_counts")


def _smooth(trial: Trial, places: Mapping[str, str] = AS_GIVEN) -> None:
    """What becomes of counts with a 0 when something is added to each."""
    text = "a count of 0 is no proof of impossibility: "
    told = f"{text}kl_from_counts adds to every count what you choose, say 1/2"
    options = {"smoothing": "smoothing=0.5"}
    works = trial.offer("smooth", told, {**places, **options}, function="kl_from_counts")
    if not works and not places:
        text += "add to every count what you can justify, say 1/2"
        trial.offer("smooth", text, each("np.add({}, 0.5)"), normalize=True)


def _points(trial: Trial) -> None:
    """Two samples, given in place of two distributions."""
    if all(x.values.ndim == 1 and x.values.size >= POINTS for x in trial.inputs):
        text = "if these are points drawn from p and q, call kl_knn"
        trial.offer("points", text, function="kl_knn")


def _values(trial: Trial) -> None:
    negative, logarithms = trial.of_kind("negative"), trial.of_kind("logarithms")
    rounded = [x for x in negative if _rounding(x)]
    works = {}
    faults = {"nan": trial.of_kind("nan"), "rounding": rounded, "exp": logarithms}
    for kind, at_fault in faults.items():
        code, when = OTHER_ENTRIES[kind]
        places = each(code, [x.name for x in at_fault])
        works[kind] = at_fault and trial.offer(kind, f"if {when}, pass {{changed}}", places)
    logits = {x.name for x in negative + logarithms}
    if logits and not (rounded or works["exp"]):
        # What is beyond 1 beside logits is logits too.
        logits |= {x.name for x in trial.of_kind("sum") if x.values.max() > 1}
        said = "p and q hold" if len(logits) > 1 else f"{min(logits)} holds"
        _as_logits(trial, "logits", f"{said} logits", each("{}", logits))
        _points(trial)


def _rounding(argument: Input) -> bool:
    """Whether what is negative is as small as rounding leaves it."""
    values = argument.values
    return bool(values.min() >= -SUM_TOLERANCE[argument.dtype] * values.max())


def _rows(trial: Trial, problems: Sequence[Problem]) -> None:
    """The two without their bad rows, where those are few and the rest is valid."""
    shape, other = (x.values.shape for x in trial.inputs)
    if shape != other or len(shape) != 2:
        return
    across = -3 - trial.own  # the axis of the rows, beside that of the categories
    bad: set[int] = set()
    for problem in problems:
        of_rows = problem.kind in ("sum", "empty")
        bad |= {place[0 if of_rows else across] for place in problem.places}
    complete = all((problem.count or 0) <= len(problem.places) for problem in problems)
    if not (bad and complete and len(bad) <= shape[across] / 2):
        return
    rows = sorted(bad)
    named = f"row{'s' if len(rows) > 1 else ''} {' and '.join(map(str, rows))}"
    if len(rows) > 3:
        named = f"{len(rows)} of {shape[across]} rows"
    kept = each(f"np.delete({{}}, {rows}, axis={across % 2})")
    trial.offer("rows", f"without {named}, the rest is valid", kept)


def for_valid(rows: Rows, p: Input, q: Input, axis: Any) -> list[Remedy]:
    """What to do about an infinite KL; for counts with a finite one, how much of it is chance."""
    trial = Trial(p, q, axis, rows.normalize)
    infinite = np.isposinf(rows.exact)
    if infinite.any():
        _infinite(trial, rows, infinite)
    elif rows.normalize and trial.whole:
        _counts(trial)
    return trial.found


def _infinite(trial: Trial, rows: Rows, infinite: NDArray[np.bool_]) -> None:
    one_hot_q = bool((rows.shares(infinite)[1].max(axis=-1) == 1).all())
    if np.isfinite(rows.of["KL(q‖p)"]).all():
        why = "if q is the reference"
        if one_hot_q:
            why = "q is one-hot, as labels are, and labels are the reference"
        trial.offer("swap", f"{why}, swap the two", {"p": "q", "q": "p"}, name="KL(q‖p)")
    if rows.normalize and trial.whole:
        _smooth(trial)
    elif not rows.normalize and not one_hot_q:
        text = "if q came from a softmax, it has underflowed to 0: keep the logits and call"
        trial.found.append(Remedy("logits", f"{text} kl_from_logits"))
    text = f"js_divergence is never infinite, at most {number(LN2)} nats"
    trial.offer("js", text, function="js_divergence", name="Jensen-Shannon")
    first = np.zeros_like(infinite)
    first[place := rows.place(np.argmax(infinite))] = True
    a, b = (x[0] for x in rows.shares(first))
    by = [number(kl_lib.kl_divergence(a, b + small, normalize=True)) for small in (1e-12, 1e-7)]
    where = f" in row {index(place)}" if place else ""
    text = "do not add a small number to q to be rid of it, the result would be the number's"
    text += f": 1e-12 gives {by[0]} nats, 1e-7 gives {by[1]}{where}"
    trial.found.append(Remedy("epsilon", text))
