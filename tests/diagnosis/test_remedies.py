"""What a report tells people to do, done: each line of Python gives the number that is promised.

The corpus has inputs of every kind of failure, made at random from what they should have been, so
that the right number is known from mpmath before anything is computed here.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np
import pytest
import truth

import kl_lib
from kl_lib import diagnose
from kl_lib.diagnosis import Remedy, Report
from kl_lib.sampling import Estimate


@dataclass
class Case:
    """An input, the remedy that is the right one, what it gives, and remedies that cannot be."""

    name: str
    p: Any
    q: Any
    kind: str
    expected: Any
    options: dict[str, Any] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    rel: float = 1e-10


def kl(p: Any, q: Any) -> Any:
    """KL of each row, by mpmath, of the rows divided by their sums."""
    p, q = np.asarray(p, dtype=float), np.asarray(q, dtype=float)
    if p.ndim == q.ndim == 1:
        return float(truth.kl(p, q))
    p, q = np.broadcast_arrays(p, q)
    return [kl(a, b) for a, b in zip(p, q, strict=True)]


def of_logits(p: Any, q: Any) -> Any:
    if np.ndim(p) == 1:
        return float(truth.kl_logits(p, q))
    return [float(truth.kl_logits(a, b)) for a, b in zip(p, q, strict=True)]


def softmax(x: Any) -> np.ndarray:
    def row(x: Any) -> list[float]:
        weights = [mpmath.exp(mpmath.mpf(float(t))) for t in x]
        total = mpmath.fsum(weights)
        return [float(w / total) for w in weights]

    return np.apply_along_axis(row, -1, np.asarray(x))


def bernoulli(p: Any, q: Any) -> Any:
    return np.vectorize(lambda a, b: kl([1 - a, a], [1 - b, b]))(p, q)


def rows(rng: np.random.Generator, n: int | None, k: int) -> np.ndarray:
    """Distributions with no entry near 0."""
    return rng.dirichlet(np.full(k, 3.0), n) * 0.9 + 0.1 / k


def frame(library: str) -> Callable[[Any, list[str]], Any]:
    """From columns and their names to a table of a library; skips where it is missing."""
    if library == "dict":
        return lambda x, names: dict(zip(names, np.asarray(x).T.tolist(), strict=True))
    made = pytest.importorskip(library)
    if library == "xarray":
        return lambda x, names: made.DataArray(x, coords={"c": names}, dims=("r", "c"))
    if library == "pandas":
        return lambda x, names: made.DataFrame(np.asarray(x), columns=names)
    return lambda x, names: made.DataFrame(np.asarray(x), schema=names)


LIBRARIES = ("pandas", "polars", "xarray", "dict")

# The classes


def counts(rng: np.random.Generator) -> Iterator[Case]:
    for k in (2, 3, 6, 20):
        p, q = rng.integers(1, 50, (2, k))
        for p_, q_ in ((p, q), (p.tolist(), q.tolist()), (p.astype(float), q)):
            yield Case("counts", p_, q_, "normalize", kl(p, q), absent=("bernoulli", "softmax"))
            yield Case("chance", p_, q_, "counts", kl(p, q))
        yield Case("chance, asked for", p, q, "counts", kl(p, q), {"normalize": True})
        p, q = rng.integers(1, 50, (2, 4, k))
        yield Case("counts in rows", p, q, "normalize", kl(p, q), absent=("counts", "points"))
        yield Case("counts in a table", p, q, "table", kl(p.ravel(), q.ravel()))
        yield Case("counts in columns", p.T, q.T, "normalize", kl(p, q), {"axis": 0})
        p, q = rng.integers(1, 50, (2, k))
        q[0], p[-1] = 0, 0
        expected = kl(p + 0.5, q + 0.5)
        yield Case("a count of 0", p, q, "smooth", expected, absent=("normalize", "counts"))
        yield Case("a count of 0", p, q, "js", float(truth.js(p, q)))
        yield Case("a count of 0, asked for", p, q, "smooth", expected, {"normalize": True})
        pair = np.stack([p, q]), np.stack([q, q])
        expected = [expected, 0]
        yield Case("a count of 0 in rows", *pair, "smooth", expected, {"normalize": True})
        yield Case("a count of 0 in rows", *pair, "smooth", expected)


def weights(rng: np.random.Generator) -> Iterator[Case]:
    for k, scale in itertools.product((3, 5, 12), (0.3, 0.8, 7.3)):
        p, q = scale * rows(rng, None, k), 1.1 * scale * rows(rng, None, k)
        yield Case("weights", p, q, "normalize", kl(p, q), absent=("counts", "smooth", "table"))
        yield Case("weights", list(p), q.tolist(), "normalize", kl(p, q), absent=("counts",))
        p, q = np.float32(p), np.float32(q)
        yield Case("weights in float32", p, q, "normalize", kl(p, q), rel=1e-4)
    x = np.linspace(-4, 4, 60)
    p, q = np.exp(-(x**2) / 2) / 2.5, np.exp(-((x - 0.3) ** 2) / 2.2) / 2.6
    yield Case("densities", p, q, "normalize", kl(p, q), absent=("counts", "axis"))
    q = np.where(x > 3, 0, q)
    yield Case("densities with gaps", p, q, "js", float(truth.js(p, q)), absent=("normalize",))


def rounded(rng: np.random.Generator) -> Iterator[Case]:
    for k in (3, 4, 7, 9):
        p, q = rows(rng, None, k), rows(rng, None, k)
        p = np.round(p, 3)
        p[0] += 0.001 if abs(p.sum() - 1) < 1e-6 else 0
        yield Case("rounded", p, q, "normalize", kl(p, q), absent=("softmax", "bernoulli"))
        p = rows(rng, None, k) * (1 + 3e-5)
        yield Case("float32 as float64", p, q, "float32", kl(p, q), rel=1e-3)


def sigmoids(rng: np.random.Generator) -> Iterator[Case]:
    for k in (4, 10, 40):
        z, w = rng.normal(1, 1, (2, 5, k))
        s, t = (1 / (1 + np.exp(-x)) for x in (z, w))
        target = rows(rng, 5, k)
        expected = [kl(a, b) for a, b in zip(target, softmax(z), strict=True)]
        yield Case("sigmoid for softmax", target, s, "softmax", expected, rel=1e-7)
        yield Case("two sigmoids", s, t, "softmax", of_logits(z, w), rel=1e-7)
        yield Case("two sigmoids", s.T, t.T, "softmax", of_logits(z, w), {"axis": 0}, rel=1e-7)
        yield Case("chances", s, t, "bernoulli", bernoulli(s, t))
        never = t.copy()
        never[0, 0] = 0
        yield Case("no chance", s, never, "normalize", kl(s, never), absent=("bernoulli",))
        labels = (rng.random((5, k)) < 0.6).astype(int)
        yield Case("several labels", labels, t, "bernoulli", bernoulli(labels, t))
    for n in (1, 6):
        s, t = rng.uniform(0.1, 0.9, (2, n, 1))
        absent = ("normalize", "softmax", "logits", "table", "counts", "axis", "rows")
        yield Case("one column", s, t, "bernoulli", bernoulli(s, t), absent=absent)
        both = np.concatenate([1 - t, t], axis=-1)
        expected = bernoulli(s, t)[:, 0]
        yield Case("a yes against no and yes", s, both, "bernoulli", expected, absent=absent[1:])
        yield Case("no and yes against a yes", both, s, "bernoulli", bernoulli(t, s)[:, 0])


def layers(rng: np.random.Generator) -> Iterator[Case]:
    for k in (3, 8, 30):
        out, other = np.maximum(rng.normal(2, 2, (2, 6, k)), 0)
        out[:, 0], other[:, 0] = 3.25, 2.5
        out[:, 1], other[:, 1] = 0, 0
        p = rows(rng, 6, k)
        expected = [kl(a, b) for a, b in zip(p, softmax(out), strict=True)]
        yield Case("no softmax", p, out, "softmax", expected, absent=("normalize", "counts"))
        yield Case("no softmax", p.T, out.T, "softmax", expected, {"axis": 0})
        yield Case("no softmax, and weights", 0.7 * p, out, "softmax", expected)
        wide = rng.uniform(0.6, 0.95, (6, k))
        expected = [kl(a, b) for a, b in zip(wide, softmax(out), strict=True)]
        yield Case("no softmax, and numbers below 1", wide, out, "softmax", expected)
        yield Case("no softmax twice", other, out, "softmax", of_logits(other, out))
        logits = rng.normal(size=(6, k)) * 3
        expected = of_logits(logits, np.log(p))
        yield Case("logits of p", logits, p, "logits", expected, absent=("normalize", "exp"))
        yield Case("logits of p", logits.T, p.T, "logits", expected, {"axis": 0})
        yield Case("logits of q", p, logits, "logits", of_logits(np.log(p), logits))
        yield Case("logits", logits, logits[::-1] + 1, "logits", of_logits(logits, logits[::-1]))
        positive = rng.uniform(0.5, 6, (6, k))
        yield Case("logits above 0", logits, positive, "logits", of_logits(logits, positive))
        expected = [kl(a, b) for a, b in zip(softmax(logits), p, strict=True)]
        yield Case("logits and weights", logits, 0.4 * p, "logits", expected)
        yield Case("log p", np.log(p), np.log(p[::-1]), "exp", kl(p, p[::-1]))
        yield Case("log q", p[0], np.log(p[1]), "exp", kl(p[0], p[1]), absent=("logits",))
        yield Case("log p of no sum", np.log(p) - 2, np.log(p[::-1]) - 1, "logits", kl(p, p[::-1]))
        masked, also = logits.copy(), logits[::-1].copy()
        masked[:, 1] = also[:, 1] = -np.inf
        kept = [np.delete(x, 1, axis=1) for x in (masked, also)]
        yield Case("masked", masked, also, "logits", of_logits(*kept), absent=("exp", "rounding"))


def slips(rng: np.random.Generator) -> Iterator[Case]:
    for k in (3, 5):
        p, q = rows(rng, 8, k), rows(rng, 8, k)
        hole = p.copy()
        hole[2, 1] += hole[2, 0]
        hole[2, 0] = np.nan
        expected = kl(np.nan_to_num(hole), q)
        yield Case("nan for 0", hole, q, "nan", expected, absent=("normalize", "logits"))
        yield Case("nan in a row", hole, q, "rows", kl(np.delete(p, 2, 0), np.delete(q, 2, 0)))
        bad = p.copy()
        bad[5] *= 1.3
        expected = kl(np.delete(p, 5, 0), np.delete(q, 5, 0))
        yield Case("one bad row", bad, q, "rows", expected, absent=("axis", "table", "softmax"))
        yield Case("one bad row", bad.T, q.T, "rows", expected, {"axis": 0})
        bad = np.where(np.arange(8)[:, None] == 5, -p, p)
        yield Case("one negative row", bad, q, "rows", expected)
        yield Case("one negative row", bad.T, q.T, "rows", expected, {"axis": 0})
        low = p[0].copy()
        low[0], low[1] = -1e-17, low[0] + low[1]
        fixed = np.maximum(low, 0)
        yield Case("rounding", low, q[0], "rounding", kl(fixed, q[0]), absent=("logits", "exp"))
        low = np.float32(low)
        low[0] = -3e-8
        yield Case("rounding in float32", low, np.float32(q[0]), "rounding", kl(fixed, q[0]),
                   absent=("logits",), rel=1e-4)  # fmt: skip


def shapes(rng: np.random.Generator) -> Iterator[Case]:
    for n, k in ((4, 3), (3, 6), (7, 5)):
        p, q = rows(rng, n, k), rows(rng, n, k)
        yield Case("columns", p.T, q.T, "axis", kl(p, q), absent=("bernoulli", "softmax", "table"))
        yield Case("q transposed", p, q.T, "transpose", kl(p, q))
        yield Case("p transposed", p.T.tolist(), q.tolist(), "transpose", kl(p, q))
        yield Case("an axis too many", p[..., None], q, "squeeze", kl(p, q))
        p, q = p / n, rows(rng, None, n * k).reshape(n, k)
        expected = kl(p.ravel(), q.ravel())
        absent = ("bernoulli", "softmax", "points", "axis")
        yield Case("a table", p, q, "table", expected, absent=absent)
        yield Case("a table", p, q.ravel(), "table", expected)
        tables = np.stack([p, q]), np.stack([q, q])
        yield Case("tables", *tables, "table", [expected, 0], absent=("bernoulli", "softmax"))
        p, q = np.ones((1, n, k)), np.ones((1, n, k))
        yield Case("an axis of length 1", p, q, "normalize", np.zeros((1, n)), absent=("axis",))


def classes(rng: np.random.Generator) -> Iterator[Case]:
    for n, k in ((5, 3), (4, 4), (12, 31), (3, 4100)):
        labels, q = rng.integers(0, k, n), rows(rng, n, k)
        logits = rng.normal(size=(n, k))
        expected = [-np.log(row[i]) for row, i in zip(q, labels, strict=True)]
        other = [-np.log(row[i]) for row, i in zip(softmax(logits), labels, strict=True)]
        for name, p in (
            ("class numbers", labels),
            ("class numbers, float", labels.astype(float)),
            ("class numbers in a column", labels[:, None]),
            ("class numbers in a column, float", labels[:, None].astype(np.float32)),
            ("class numbers in a list", labels.tolist()),
        ):
            yield Case(name, p, q, "labels", expected, absent=("logits",))
            yield Case(f"{name}, logits", p, logits, "labels", other)
        yield Case("class numbers", labels, np.log(q), "labels", expected)
        yield Case("class numbers", labels, q.T, "labels", expected, {"axis": 0})


def named(rng: np.random.Generator) -> Iterator[Case]:
    for library, k in itertools.product(LIBRARIES, (3, 6)):
        make = frame(library)
        names = [f"c{i}" for i in range(k)]
        order = rng.permutation(k)
        turned = [names[i] for i in order]
        p, q = rng.integers(1, 30, (2, 4, k))
        pair = make(p, names), make(q[:, order], turned)
        yield Case(f"{library}, counts", *pair, "normalize", kl(p, q), absent=("table", "align"))
        a, b = rows(rng, 4, k), rows(rng, 4, k)
        pair = make(a * 0.4, names), make(b[:, order] * 0.6, turned)
        yield Case(f"{library}, weights", *pair, "normalize", kl(a, b))
        logits, other = rng.normal(size=(2, 4, k))
        pair = make(logits, names), make(other[:, order], turned)
        yield Case(f"{library}, logits", *pair, "logits", of_logits(logits, other))
        # A category that only one has.
        pair = make(p, names), make(np.c_[q, q[:, :1]], [*names, "new"])
        wide = np.c_[p, np.zeros(4)], np.c_[q, q[:, :1]]
        yield Case(f"{library}, a new one", *pair, "align", kl(*wide), {"normalize": True})
        yield Case(f"{library}, a new one", *pair, "align", kl(*wide))
        pair = make(np.c_[q, q[:, :1]], [*names, "new"]), make(p, names)
        expected = [float(truth.js(a, b)) for a, b in zip(*wide, strict=True)]
        yield Case(f"{library}, one missing", *pair, "js", expected, absent=("align",))
        pair = make(a, names), make(b, [*names[:-1], "other"])
        absent = ("align",) if library == "dict" else ()
        yield Case(f"{library}, renamed", *pair, "position", kl(a, b), absent=absent)
    pandas = pytest.importorskip("pandas")
    p, q = pandas.Series({"a": 5, "b": 5}), pandas.Series({"a": 2, "b": 2, "c": 4})
    yield Case("value counts", p, q, "align", np.log(2), {"normalize": True})
    yield Case("value counts", p, q, "align", np.log(2))
    expected = kl([2.5, 2.5, 4.5], [5.5, 5.5, 0.5])
    yield Case("value counts", q, p, "smooth", expected, absent=("align", "position"))
    yield Case("value counts", q.to_dict(), p.to_dict(), "smooth", expected)
    a, b = rows(rng, 3, 3), rows(rng, 3, 3)
    p = pandas.DataFrame(a, index=["x", "y", "z"], columns=list("abc"))
    q = pandas.DataFrame(b[::-1], index=["w", "z", "y"], columns=list("abc"))
    yield Case("rows of two tables", p, q, "align", kl(a[1:], b[:2]))


def points(rng: np.random.Generator) -> Iterator[Case]:
    for mean in (0, 6):
        x, y = rng.normal(mean, 1, 300), rng.normal(mean + 0.4, 1, 400)[:300]
        yield Case("points", x, y, "points", None, absent=("counts", "bernoulli", "table"))
        yield Case("points", list(x), list(y), "points", None, absent=("counts", "exp"))


def infinite(rng: np.random.Generator) -> Iterator[Case]:
    for k in (3, 6):
        p, q = rows(rng, None, k), rows(rng, None, k)
        q[1] = 0
        q /= q.sum()
        yield Case("infinite", p, q, "swap", kl(q, p), absent=("normalize", "smooth", "counts"))
        yield Case("infinite", list(p), list(q), "js", float(truth.js(p, q)))
        pair = np.stack([p, p]), np.stack([q, p])
        yield Case("one infinite row", *pair, "swap", [kl(q, p), 0])
        yield Case("one infinite row", *(x.T for x in pair), "swap", [kl(q, p), 0], {"axis": 0})
        pair = 3.3 * p, 2.2 * q
        options = {"normalize": True}
        yield Case("weights", *pair, "js", float(truth.js(p, q)), options, absent=("smooth",))


CLASSES = (counts, weights, rounded, sigmoids, layers, slips, shapes, classes, named, points,
           infinite)  # fmt: skip


@functools.cache
def corpus(make: Any) -> list[tuple[Case, Report]]:
    cases = make(np.random.default_rng(CLASSES.index(make)))
    return [(case, diagnose(case.p, case.q, libraries=(), **case.options)) for case in cases]


def follow(code: str, case: Case) -> Any:
    with np.errstate(all="ignore"):
        return eval(code, {"np": np, "kl_lib": kl_lib, "p": case.p, "q": case.q})


def agree(result: Any, expected: Any, rel: float) -> bool:
    value = np.asarray(getattr(result, "value", result), dtype=float)
    return value.shape == np.shape(expected) and np.allclose(value, expected, rel, 1e-15)


def keeps_its_word(remedy: Remedy, case: Case) -> None:
    assert remedy.code is not None
    result = follow(remedy.code, case)
    told = f"{case.name}: {remedy}"
    if isinstance(result, Estimate):
        assert remedy.value == result.value, told
        assert f"{result.value:.3g} ± {result.standard_error:.2g} nats" in remedy.message, told
        return
    value = np.asarray(result, dtype=float)
    if value.ndim == 0:
        assert np.isfinite(value), told
        assert remedy.value == pytest.approx(float(value), rel=1e-9, abs=1e-300), told
        assert f"{remedy.value:.6g} nats" in remedy.message, told
        return
    assert remedy.value is None, told
    assert np.isfinite(value).any(), told
    for x in (value.min(), value.max()):
        assert re.search(rf"(?<![\d.]){re.escape(f'{x:.6g}')}(?![\d.])", remedy.message), told
    if remedy.kind not in ("swap", "js"):
        assert f"in {value.size} row" in remedy.message, told
    if not np.isfinite(value).all():
        assert f"infinite in {(~np.isfinite(value)).sum()} row" in remedy.message, told


@pytest.mark.parametrize("make", CLASSES, ids=lambda make: make.__name__)
def test_every_line_of_python_gives_the_number_that_is_promised(make):
    for case, report in corpus(make):
        for remedy in report.remedies:
            if remedy.code is not None:
                keeps_its_word(remedy, case)
            else:
                assert remedy.value is None
                assert remedy.kind in ("epsilon", "logits", "softmax")


@pytest.mark.parametrize("make", CLASSES, ids=lambda make: make.__name__)
def test_the_right_remedy_is_among_them_with_the_right_number(make):
    for case, report in corpus(make):
        found = [r for r in report.remedies if r.kind == case.kind and r.code is not None]
        assert found, f"{case.name}: no {case.kind} among {report.remedies}"
        if case.expected is not None:
            results = [follow(remedy.code, case) for remedy in found]
            fit = [agree(result, case.expected, case.rel) for result in results]
            assert any(fit), f"{case.name}: {found}, expected {case.expected}"


@pytest.mark.parametrize("make", CLASSES, ids=lambda make: make.__name__)
def test_what_cannot_be_meant_is_not_among_them(make):
    for case, report in corpus(make):
        kinds = {remedy.kind for remedy in report.remedies}
        assert not kinds & {*case.absent}, f"{case.name}: {kinds & {*case.absent}}"


def test_the_corpus_is_large_and_has_every_kind_of_remedy():
    reports = [report for make in CLASSES for _, report in corpus(make)]
    assert len(reports) > 300
    documented = re.findall(r'``"(\w+)"``', Remedy.__doc__.split("message\n")[0])
    assert {r.kind for report in reports for r in report.remedies} == {*documented}


class Detached:
    """A PyTorch tensor as far as it is read here, for where PyTorch is not installed."""

    dtype = "torch.float64"

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape = self.values.shape

    def detach(self) -> Detached:
        return Detached(self.values)

    cpu = float = detach

    def numpy(self) -> np.ndarray:
        return self.values

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.asarray(self.values, dtype)


class WithGradient(Detached):
    """And with the gradient that keeps NumPy from reading it."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


def with_gradient(x: Any) -> Any:
    """A tensor that requires a gradient, of what can be one."""
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return x
    try:
        import torch
    except ImportError:
        return WithGradient(x)
    return torch.tensor(x, requires_grad=True)


@pytest.mark.parametrize("make", [m for m in CLASSES if m is not named], ids=lambda m: m.__name__)
def test_what_is_told_of_tensors_that_require_a_gradient_works_on_them(make):
    followed = 0
    for case, plain in corpus(make)[::2]:
        p, q = with_gradient(case.p), with_gradient(case.q)
        if p is case.p and q is case.q:
            continue
        report = diagnose(p, q, libraries=(), **case.options)
        assert [r.kind for r in report.remedies] == [r.kind for r in plain.remedies], case.name
        for remedy, other in zip(report.remedies, plain.remedies, strict=True):
            if remedy.code is None:
                continue
            expected = follow(other.code, case)
            if not isinstance(expected, Estimate):
                result = follow(remedy.code, Case("", p, q, "", None))
                assert agree(result, expected, 1e-12), f"{case.name}: {remedy}"
                followed += 1
            # The sentence says the same as the code.
            told = re.findall(r"np\.\w+\([\w.]*(?:\(\))?\)", remedy.message)
            assert all(call in remedy.code for call in told), remedy
    assert followed or make in (points,)


def test_a_list_of_tensors_and_half_precision_are_read_as_the_remedy_says():
    torch = pytest.importorskip("torch")
    p, q = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.5, 0.3])
    for make in (
        lambda x: [torch.tensor(v, requires_grad=True) for v in x],
        lambda x: torch.tensor(x).to(torch.bfloat16).requires_grad_(),
    ):
        logs = make(np.log(p)), make(np.log(q))
        report = diagnose(*logs, libraries=())
        [remedy] = [r for r in report.remedies if r.kind in ("exp", "logits")]
        result = follow(remedy.code, Case("", *logs, "", None))
        assert result == pytest.approx(kl(p, q), rel=0.05)


@pytest.mark.parametrize("library", ["numpy", "torch", "keras"])
def test_class_numbers_for_logits_are_code_that_runs(library):
    logits = np.array([[0.2, 1.5, -1.0], [2.0, -0.5, 0.0]])
    numbers: Any = np.array([2, 0])
    if library == "torch":
        numbers = pytest.importorskip("torch").tensor(numbers)
    if library == "keras":
        numbers = pytest.importorskip("keras").ops.convert_to_tensor(numbers)
    expected = [-np.log(row[i]) for row, i in zip(softmax(logits), (2, 0), strict=True)]
    report = diagnose(numbers, logits, libraries=())
    [remedy] = [r for r in report.remedies if r.kind == "labels"]
    assert remedy.code == "kl_lib.kl_divergence(np.eye(3)[p], kl_lib.softmax(q))"
    case = Case("", numbers, logits, "", None)
    assert agree(follow(remedy.code, case), expected, 1e-12)


def test_class_numbers_for_the_loss_of_keras_are_code_that_runs():
    pytest.importorskip("keras")
    from kl_lib.losses.keras import kl_loss

    logits = np.array([[0.2, 1.5, -1.0], [2.0, -0.5, 0.0]])
    expected = [-np.log(row[i]) for row, i in zip(softmax(logits), (2, 0), strict=True)]
    for axis, given in ((-1, logits), (0, logits.T)):
        with pytest.raises(kl_lib.DistributionError) as raised:
            kl_loss([2, 0], given, axis=axis)
        code = re.search(r"class numbers are to be made one-hot with (np\..*)$", str(raised.value))[
            1
        ]
        p = eval(code, {"np": np, "p": [2, 0]})
        assert agree(kl_loss(p, given, axis=axis), expected, 1e-12)


def test_points_are_estimated_near_the_truth():
    for case, report in corpus(points):
        [remedy] = [r for r in report.remedies if r.kind == "points"]
        result = follow(remedy.code, case)
        assert result.value == pytest.approx(0.08, abs=4 * result.standard_error)


@pytest.mark.parametrize("library", ["pandas", "polars", "xarray", "dict"])
def test_labels_in_another_order_are_never_paired_by_position(library):
    make = frame(library)
    rng = np.random.default_rng(3)
    p, q = rng.integers(1, 9, (2, 4, 3)).astype(float)
    broken = {
        "nan": lambda x: np.where(np.arange(3) == 0, np.nan, x / x[:, 1:].sum(-1, keepdims=True)),
        "rounding": lambda x: np.where(
            np.arange(3) == 0, -1e-17, x / x[:, 1:].sum(-1, keepdims=True)
        ),
        "table": lambda x: x / x.sum(),
        "counts": lambda x: x,
        "row": lambda x: x / x.sum(-1, keepdims=True) * np.array([[1.3], [1], [1], [1]]),
    }
    for name, breaks in broken.items():
        a, b = breaks(p), q / q.sum(-1, keepdims=True)
        if name in ("table", "counts"):
            b = breaks(q)
        turned = make(b[:, [2, 0, 1]], list("cab"))
        plain, labelled = (diagnose(x, y, libraries=()) for x, y in
                           ((a, b), (make(a, list("abc")), turned)))  # fmt: skip
        right = {r.kind: follow(r.code, Case("", a, b, "", None)) for r in plain.remedies}
        for remedy in labelled.remedies:
            given = Case("", make(a, list("abc")), turned, "", None)
            assert agree(follow(remedy.code, given), right[remedy.kind], 1e-12), (name, remedy)
