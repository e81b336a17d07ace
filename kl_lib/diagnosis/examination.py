"""`kl_lib.diagnose`: from any p and q to a report on them."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kl_lib import checks
from kl_lib.discrete import kl_divergence
from kl_lib.errors import DistributionError, GradientWarning

from . import inputs, measures, remedies
from .inputs import Input
from .other_libraries import Answer, Asked, ask
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
    # What is wrong with the input the report says; NumPy need not warn of it too. And nobody wants
    # the gradient of a report.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", GradientWarning)
        given = inputs.read(p, "p"), inputs.read(q, "q")
        return _report(*given, axis, base, bool(normalize), asked)


def _report(
    p: Input, q: Input, axis: Any, base: Any, normalize: bool, asked: Sequence[str]
) -> Report:
    both = inputs.paired(p, q, axis)
    exact = None if both is None else _exact(p, q, axis, base, normalize)
    problems: tuple[Problem, ...] = ()
    if exact is None:
        problems = tuple(inputs.problems(p, q, axis, base, normalize))
    about: dict[str, Any] = {}
    if both is not None:
        p, q = inputs.in_order(p, q, both, axis)
        *shape, categories = np.broadcast_shapes(*(array.shape for array in both.arrays))
        about = {"shape": tuple(shape), "rows": math.prod(shape), "categories": categories}
    about |= {
        "axis": _as_number(operator.index, axis),
        "base": None if base is None else _as_number(float, base),
        "normalize": normalize,
        "arguments": tuple(inputs.summary(argument, axis) for argument in (p, q)),
        "answers": tuple(_answers(asked, p, q, axis, exact, [x.kind for x in problems])),
    }
    if both is None or exact is None:
        found = tuple(remedies.for_invalid(p, q, axis, normalize, problems))
        return Report("invalid", _invalid(problems), problems=problems, remedies=found, **about)
    if exact.size == 0:
        return Report("fine", "No rows: there is nothing to compare.", **about)
    rows = measures.measure(both, normalize, exact)
    return Report(
        "infinite" if np.isposinf(exact).any() else "fine",
        remedies=tuple(remedies.for_valid(rows, p, q, axis)),
        **about,
        **measures.report_fields(rows, base, about["arguments"]),
    )


def _as_number(convert: Callable[[Any], Any], value: Any) -> Any:
    """An axis or a base as a number, or how it is written where it is none."""
    try:
        return convert(value)
    except (TypeError, ValueError, OverflowError):
        return repr(value)


def _exact(p: Input, q: Input, axis: int, base: Any, normalize: bool) -> Array | None:
    """KL(p‖q) in nats; None if something keeps it from being computed."""
    try:
        checks.check_base(base)
        exact = kl_divergence(p.original, q.original, axis=axis, normalize=normalize)
        return np.asarray(exact, dtype=np.float64)
    except DistributionError:
        return None


def _invalid(problems: Sequence[Problem]) -> str:
    wrong = {problem.argument for problem in problems}
    if unusable := sorted(wrong & {"axis", "base"}):
        return f"No KL: {' and '.join(unusable)} cannot be used."
    if "p and q" in wrong:
        return "No KL: p and q do not pair up."
    if {"p", "q"} <= wrong:
        return "No KL: neither p nor q is a distribution."
    return f"No KL: {'p' if 'p' in wrong else 'q'} is not a distribution."


def _answers(
    libraries: Sequence[str], p: Input, q: Input, axis: Any, exact: Any, kinds: Sequence[str]
) -> Iterator[Answer]:
    usable = not (p.fault or q.fault or "axis" in kinds)
    asked = Asked(p.values, q.values, axis) if usable else None
    faults = [kind for kind in dict.fromkeys(kinds) if kind not in ("axis", "base")]
    for name in libraries:
        yield from ask(str(name), asked, exact, faults)
