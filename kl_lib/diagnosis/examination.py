"""`kl_lib.diagnose`: from any p and q to a report on them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kl_lib import checks
from kl_lib.discrete import kl_divergence
from kl_lib.errors import DistributionError

from . import inputs, measures, remedies
from .inputs import Input
from .other_libraries import Answer, ask
from .report import Problem, Report

Array = NDArray[np.float64]


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
    >>> import kl_lib as kl
    >>> report = kl.diagnose([0.5, 0.3, 0.2], [0.5, 0.5, 0.0], libraries=())
    >>> report.status
    'infinite'
    >>> print(report.verdict)
    KL(p‖q) is infinite: q is 0 where p is not (1 entry).
    >>> report.mismatches[0].places
    ((2,),)

    Why SciPy disagrees with the plain sum on counts:

    >>> for answer in kl.diagnose([2, 5, 2, 1], [3, 4, 1, 2], libraries=("scipy",)).answers:
    ...     print(answer.call, "|", answer.reasons[0].message)
    scipy.special.rel_entr(p, q).sum(axis=-1) | takes the sums as they are: p sums to 10, q sums \
to 10
    scipy.special.kl_div(p, q).sum(axis=-1) | takes the sums as they are: p sums to 10, q sums to 10
    scipy.stats.entropy(p, q) | normalises silently: p sums to 10, q sums to 10
    """
    asked = (libraries,) if isinstance(libraries, str) else tuple(libraries)
    # What is wrong with the input the report says; NumPy need not warn of it too.
    with np.errstate(all="ignore"):
        given = inputs.read(p, "p"), inputs.read(q, "q")
        return _report(*given, axis, base, bool(normalize), asked)


def _report(
    p: Input, q: Input, axis: Any, base: Any, normalize: bool, asked: Sequence[str]
) -> Report:
    exact, problems = _exact(p, q, axis, base, normalize)
    if p.fault is None and q.fault is None:
        p, q = inputs.aligned(p, q, axis)
    about: dict[str, Any] = {
        "axis": _as_number(operator.index, axis),
        "base": None if base is None else _as_number(float, base),
        "normalize": normalize,
        "arguments": tuple(inputs.summary(argument, axis) for argument in (p, q)),
        "answers": _answers(asked, p, q, axis, exact, problems),
    }
    if exact is None:
        return Report(
            status="invalid",
            verdict=_invalid(problems),
            problems=problems,
            remedies=tuple(remedies.for_invalid(p, q, axis, normalize, problems)),
            **_size(p, q, axis, problems),
            **about,
        )
    row = measures.worst(exact)
    size: dict[str, Any] = {"shape": exact.shape, "rows": exact.size, "row": row}
    if row is None:
        categories = p.values.shape[inputs.own_axis(axis, max(p.values.ndim, q.values.ndim))]
        verdict = "No rows: there is nothing to compare."
        return Report(status="fine", verdict=verdict, categories=categories, **size, **about)
    pair = measures.measure(p, q, axis, normalize, exact)
    return Report(
        status="infinite" if np.isposinf(exact).any() else "fine",
        categories=pair.p.shape[-1],
        remedies=(*remedies.for_infinite(pair, p, q, axis), *remedies.for_counts(pair, p, q)),
        **size,
        **about,
        **_named(measures.report_fields(pair, row, base), p, q, axis),
    )


def _named(found: dict[str, Any], p: Input, q: Input, axis: int) -> dict[str, Any]:
    """The contents, with the names of the categories where p or q has them."""
    own = inputs.own_axis(axis, max(p.values.ndim, q.values.ndim))
    terms = tuple(
        replace(term, label=inputs.label(p, own, term.index) or inputs.label(q, own, term.index))
        for term in found["terms"]
    )
    return found | {"terms": terms}


def _as_number(convert: Callable[[Any], Any], value: Any) -> Any:
    """An axis or a base as a number, or how it is written where it is none."""
    try:
        return convert(value)
    except (TypeError, ValueError, OverflowError):
        return repr(value)


def _exact(
    p: Input, q: Input, axis: Any, base: Any, normalize: bool
) -> tuple[Array | None, tuple[Problem, ...]]:
    """KL(p‖q) in nats, or everything that keeps it from being computed."""
    if p.fault is None and q.fault is None:
        try:
            checks.check_base(base)
            exact = kl_divergence(p.original, q.original, axis=axis, normalize=normalize)
            return np.asarray(exact, dtype=np.float64), ()
        except DistributionError:
            pass
    return None, tuple(inputs.problems(p, q, axis, base, normalize))


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
    asked: Sequence[str], p: Input, q: Input, axis: Any, exact: Any, problems: Sequence[Problem]
) -> tuple[Answer, ...]:
    kinds = tuple(dict.fromkeys(p.kind for p in problems if p.kind not in ("axis", "base")))
    usable = not any(problem.kind == "axis" for problem in problems)
    usable = usable and p.fault is None and q.fault is None
    arrays = (p.values, q.values) if usable else (None, None)
    return tuple(
        answer
        for name in asked
        for answer in ask(str(name), *arrays, axis=axis, exact=exact, faults=kinds)
    )


def _size(p: Input, q: Input, axis: Any, problems: Sequence[Problem]) -> dict[str, Any]:
    """Rows and categories of an invalid pair, if the two pair up."""
    if {"unreadable", "axis"} & {problem.kind for problem in problems}:
        return {}
    if inputs.fault(checks.check_shapes, p.values.shape, q.values.shape, axis) is not None:
        return {}
    shape = list(np.broadcast_shapes(p.values.shape, q.values.shape))
    categories = shape.pop(axis)
    rows = int(np.prod(shape))
    return {"shape": tuple(shape), "rows": rows, "categories": categories}
