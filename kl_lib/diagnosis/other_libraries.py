"""What other libraries answer on the same p and q: the calls, and how they are asked.

A call lists the habits it might have. Whether it has them, and whether that matters here, is
measured: `explanation` finds those that give its answer. The adapters in `kl_lib.frameworks` make
the calls.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kl_lib import frameworks

from . import habits as h
from .explanation import AGREEMENT, Reason, explain, relative_gap
from .habits import Array, Asked, Habit


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
    """One call: how it is written, how it is made (of p, q and axis), and what it might do."""

    text: str
    ask: Callable[[Array, Array, int], Any]
    habits: tuple[Habit, ...] = ()
    batch_only: bool = False


def _raw(
    library: str,
    text: str,
    *habits: Habit,
    arguments: str = "p, q",
    batch_only: bool = False,
    **options: Any,
) -> Call:
    """A call that the adapter of a library makes; some leave the sum to the caller."""

    def made(p: Array, q: Array, axis: int) -> Any:
        given = {"p": p, "q": q}
        values = (
            np.log(given[x[-1]]) if x.startswith("log") else given[x] for x in arguments.split(", ")
        )
        value = getattr(frameworks, library).raw(*values, **options)
        return value.sum(axis=axis) if "{axis}" in text else value

    return Call(text, made, habits, batch_only)


# PyTorch's kl_div and MXNet's KLDivLoss want log q first and p second. People write all else, too.


def _kl_div(arguments: str, *habits: Habit, **options: Any) -> Call:
    written = ", ".join([arguments, *(f"{name}={value!r}" for name, value in options.items())])
    split = () if "log_target" in options else (h.INF_MINUS_INF,)
    text = f"F.kl_div({written})"
    return _raw("torch", text, *habits, *split, arguments=arguments, **options)


def _kl_div_loss(arguments: str, *habits: Habit) -> Call:
    its_own = (h.OTHER_AXES, h.MEAN, h.EPSILON)
    return _raw("mxnet", f"KLDivLoss()({arguments})", *habits, *its_own, arguments=arguments)


CALLS: dict[str, tuple[Call, ...]] = {
    "numpy": (
        Call("np.sum(p * np.log(p / q), axis={axis})",
             lambda p, q, axis: np.sum(p * np.log(p / q), axis=axis),
             (h.NAN_FOR_ZERO, h.QUOTIENT)),
    ),
    "scipy": (
        _raw("scipy", "scipy.special.rel_entr(p, q).sum(axis={axis})",
             h.INF_FOR_NEGATIVE, call="rel_entr"),
        _raw("scipy", "scipy.special.kl_div(p, q).sum(axis={axis})",
             h.QUOTIENT, h.INF_FOR_NEGATIVE, h.MASSES, call="kl_div"),
        _raw("scipy", "scipy.stats.entropy(p, q)",
             h.DIVIDE, h.AXIS_0, h.INF_FOR_NEGATIVE, call="entropy"),
    ),
    "keras": (
        _raw("keras", "keras.losses.kl_divergence(p, q)",
             h.CLIP, h.LAST_AXIS, call="kl_divergence"),
        _raw("keras", "keras.losses.KLDivergence()(p, q)",
             h.MEAN_OF_ROWS, h.CLIP, h.LAST_AXIS, batch_only=True, call="KLDivergence"),
    ),
    "tfp": (
        _raw("tfp", "tfd.kl_divergence(tfd.Categorical(probs=p), tfd.Categorical(probs=q))",
             h.DIVIDE, h.LAST_AXIS, call="Categorical"),
        _raw("tfp",
             "tfd.kl_divergence(tfd.OneHotCategorical(probs=p), tfd.OneHotCategorical(probs=q))",
             h.NAN_FOR_ZERO, h.FLOAT32, h.DIVIDE, h.LAST_AXIS, call="OneHotCategorical"),
    ),
    "mxnet": (
        _kl_div_loss("log q, p", h.NAN_FOR_BOTH_ZERO, h.P_IN_FLOAT32),
        _kl_div_loss("q, p", h.Q_FOR_LOG_Q, h.P_IN_FLOAT32),
        _kl_div_loss("log p, q", h.SWAP, h.NAN_FOR_BOTH_ZERO, h.Q_IN_FLOAT32),
        _kl_div_loss("p, q", h.P_FOR_LOG_Q, h.Q_IN_FLOAT32),
    ),
    "torch": (
        _kl_div("log q, p", h.NAN_FOR_BOTH_ZERO, h.MEAN_OF_ALL),
        _kl_div("log q, p", h.NAN_FOR_BOTH_ZERO, h.MEAN_OVER_AXIS_0, reduction="batchmean"),
        _kl_div("log q, p", h.NAN_FOR_BOTH_ZERO, h.SUM_OF_ALL, reduction="sum"),
        _kl_div("log q, log p", h.NAN_FOR_ZERO, h.MEAN_OVER_AXIS_0,
                log_target=True, reduction="batchmean"),
        _kl_div("log q, log p", h.LOG_P_FOR_P, h.MEAN_OF_ALL),
        _kl_div("q, p", h.Q_FOR_LOG_Q, h.MEAN_OF_ALL),
        _kl_div("q, p", h.Q_FOR_LOG_Q, h.MEAN_OVER_AXIS_0, reduction="batchmean"),
        _kl_div("q, p", h.Q_FOR_LOG_Q, h.SUM_OF_ALL, reduction="sum"),
        _kl_div("log p, q", h.SWAP, h.NAN_FOR_BOTH_ZERO, h.MEAN_OF_ALL),
        _kl_div("p, q", h.P_FOR_LOG_Q, h.MEAN_OF_ALL),
        _raw("torch", "td.kl_divergence(td.Categorical(probs=p), td.Categorical(probs=q))",
             h.DIVIDE, h.CLAMP, h.LAST_AXIS, call="Categorical"),
    ),
}  # fmt: skip

#: The names `libraries=` knows.
LIBRARIES = tuple(CALLS)


def ask(
    library: str, asked: Asked | None, exact: Any = None, faults: Collection[str] = ()
) -> Iterator[Answer]:
    """Every call of `library` on p and q, compared with `exact` and explained.

    Parameters
    ----------
    library
        One of `LIBRARIES`; any other name is reported, and so is a library that is missing.
    asked
        p and q, valid or not, and the axis for the calls that take one. None if they cannot be
        used: then nothing is asked.
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
    if asked is None:
        message = "not asked: p, q or axis cannot be used"
        yield Answer(library, version, status="refuses", message=message)
        return
    for call in CALLS[library]:
        if not (call.batch_only and max(asked.p.ndim, asked.q.ndim) < 2):
            answer = Answer(library, version, call.text.format(axis=asked.axis))
            # What comes out of bad input is what is asked for: no warning about it.
            with np.errstate(all="ignore"):
                yield _ask(answer, call, asked, exact, faults)


def _version(library: str) -> str:
    if library == "numpy":
        return f"numpy {np.__version__}"
    adapter = getattr(frameworks, library)
    adapter.load()
    return adapter.version()


def _first_line(error: BaseException) -> str:
    """What an error says first, after the traceback that MXNet puts before it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("Traceback (", "File "))]
    name = type(error).__name__
    return f"{said[0].removeprefix(f'{name}: ') if said else name:.300}"


def _ask(answer: Answer, call: Call, asked: Asked, exact: Any, faults: Collection[str]) -> Answer:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = np.asarray(call.ask(asked.p, asked.q, asked.axis))
    except Exception as error:  # whatever a library raises is its answer
        message = f"{type(error).__name__}: {_first_line(error)}"
        return replace(answer, status="refuses", message=message)
    answer = replace(answer, shape=got.shape, values=tuple(map(float, got.ravel()[:6])))
    if exact is None:
        return replace(answer, reasons=explain(got, asked, call.habits, None, faults))
    if got.shape == exact.shape:
        gap = relative_gap(got, exact)
        differing = int((gap > AGREEMENT).sum())
        answer = replace(answer, status="agrees", differing=differing)
        if got.size:
            row = tuple(int(i) for i in np.unravel_index(np.argmax(gap), gap.shape))
            value, expected = float(got[row]), float(exact[row])
            answer = replace(answer, row=row, value=value, expected=expected)
        if not differing:
            return answer
    return replace(answer, status="differs", reasons=explain(got, asked, call.habits, exact))
