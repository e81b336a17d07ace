"""The report of `kl_lib.diagnose`: what it holds."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from . import rendering
from .other_libraries import Answer

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


@dataclass(frozen=True)
class Problem:
    """What makes the input invalid.

    Parameters
    ----------
    argument
        ``"p"``, ``"q"``, ``"p and q"``, ``"axis"`` or ``"base"``.
    kind
        ``"unreadable"``, ``"logarithms"``, ``"negative"``, ``"nan"``, ``"infinite"``, ``"sum"``,
        ``"empty"``, ``"shape"``, ``"labels"``, ``"axis"`` or ``"base"``.
    message
        What the `kl_lib.DistributionError` says.
    count
        How many entries (for ``"sum"`` and ``"empty"``: rows) have the fault; None where counting
        means nothing.
    places
        Indices of the first ten of them.
    """

    argument: str
    kind: str
    message: str
    count: int | None = None
    places: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Argument:
    """p or q as it came: dtype, shape, range of its entries and of its sums over the axis.

    The range is that of the entries that are not nan. `reordered` says that its labels stood in
    another order than those of p: it was put in that order, for the other libraries too.
    """

    name: str
    dtype: str | None
    shape: tuple[int, ...] | None
    minimum: float | None = None
    maximum: float | None = None
    zeros: int | None = None
    nans: int | None = None
    sums: tuple[float, float] | None = None
    reordered: bool = False


@dataclass(frozen=True)
class Measure:
    """One quantity of one pair of distributions."""

    name: str
    nats: float
    bits: float
    in_base: float | None = None


@dataclass(frozen=True)
class Summary:
    """One quantity over the rows of a batch; the mean is that of the finite rows."""

    name: str
    unit: str
    minimum: float
    mean: float
    maximum: float
    infinite: int


@dataclass(frozen=True)
class Term:
    """One category's part of the sum.

    Parameters
    ----------
    index
        The category.
    p, q
        Its probabilities.
    term
        p·log(p/q) in nats; negative where p < q.
    share
        Of the sum, between 0 and 1, counted with p·log(p/q) − p + q, which has the same sum and
        is never negative. None where the sum is infinite or 0.
    label
        What pandas calls the category, where p or q says.
    """

    index: int
    p: float
    q: float
    term: float
    share: float | None
    label: str | None = None


@dataclass(frozen=True)
class Mismatch:
    """Entries where one distribution is 0 and the other is not.

    Parameters
    ----------
    name
        ``"p > 0, q = 0"``, which makes KL(p‖q) infinite, or ``"q > 0, p = 0"``, which makes KL(q‖p)
        infinite.
    count, rows
        How many entries, in how many rows.
    places
        Indices (row, then category) of the first ten.
    mass
        The largest probability in one row that lies there.
    """

    name: str
    count: int
    rows: int
    places: tuple[tuple[int, ...], ...]
    mass: float


@dataclass(frozen=True)
class Rounding:
    """The plain sum Σ p·log(p/q) in the dtype of p and q, against the exact value.

    Parameters
    ----------
    dtype
        The dtype the sum was computed in.
    row
        The row where it is furthest off, relative to the exact value.
    naive, exact
        The two values there, in nats.
    relative
        |naive − exact|/exact.
    negative_rows
        How many rows have a plain sum below 0.
    """

    dtype: str
    row: tuple[int, ...]
    naive: float
    exact: float
    relative: float
    negative_rows: int


@dataclass(frozen=True)
class Note:
    """Something to know about a valid input: a word for programs, a sentence for people.

    The word is ``"equal"``, ``"cancellation"``, ``"precision"`` or ``"sum"``.
    """

    kind: str
    message: str


@dataclass(frozen=True)
class Remedy:
    """Something to do: a word for programs, a sentence for people, the call, what the call gives.

    Parameters
    ----------
    kind
        For an invalid input ``"align"``, ``"position"``, ``"table"``, ``"axis"``,
        ``"transpose"``, ``"squeeze"``, ``"labels"``, ``"float32"``, ``"normalize"``,
        ``"counts"``, ``"bernoulli"``, ``"nan"``, ``"rounding"``, ``"exp"``, ``"logits"``,
        ``"softmax"``, ``"points"`` or ``"rows"``; for a KL that is infinite, or would be once the
        input is valid, ``"smooth"`` or ``"js"``, and for one that is, ``"swap"``, ``"logits"`` or
        ``"epsilon"``; for valid counts ``"counts"``.
    message
        In a sentence.
    code
        A Python expression of p and q, as they were given, and of `np` and `kl_lib`: it was
        evaluated for this report. None where there is nothing to call.
    value
        What it gives, in nats; None where there is no number, or one for each row.
    """

    kind: str
    message: str
    code: str | None = None
    value: float | None = None


@dataclass(frozen=True, repr=False)
class Report:
    """What `kl_lib.diagnose` found. Print it, show it in a notebook, or take `to_dict`.

    Parameters
    ----------
    status
        ``"fine"``, ``"infinite"`` (KL(p‖q) is infinite in at least one row) or ``"invalid"``.
    verdict
        The same in a sentence.
    axis, base, normalize
        As they were asked for.
    arguments, problems
        p and q as they came, and what is wrong with them (empty if they are valid).
    shape, rows, categories
        Shape of the batch (empty for one pair), number of rows, categories in each.
    row
        The row with the largest KL(p‖q), which `measures` and `terms` are about. Empty for one
        pair, None if there is none.
    measures, terms, carried
        Of that row: its divergences and entropies, the categories that carry most of KL(p‖q), and
        the share of the sum that those listed carry together (None if infinite or 0).
    summaries
        Over the rows of a batch.
    mismatches, rounding, notes
        Zeros of one where the other has none, the plain sum, and warnings.
    answers
        What other libraries give.
    remedies
        What to do, each tried out on this input.
    """

    status: str
    verdict: str
    axis: Any
    base: Any
    normalize: bool
    arguments: tuple[Argument, ...]
    problems: tuple[Problem, ...] = ()
    shape: tuple[int, ...] | None = None
    rows: int | None = None
    categories: int | None = None
    row: tuple[int, ...] | None = None
    measures: tuple[Measure, ...] = ()
    terms: tuple[Term, ...] = ()
    carried: float | None = None
    summaries: tuple[Summary, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    rounding: Rounding | None = None
    notes: tuple[Note, ...] = ()
    answers: tuple[Answer, ...] = ()
    remedies: tuple[Remedy, ...] = ()

    @property
    def valid(self) -> bool:
        """True if p and q are distributions that pair up."""
        return self.status != "invalid"

    def to_dict(self) -> dict[str, Any]:
        """The report as dictionaries, lists, strings and finite numbers: what strict JSON can say.

        Infinite numbers and nan become the strings ``"inf"``, ``"-inf"`` and ``"nan"``, which
        `float` reads back. None stands for what was not computed or does not apply.
        """
        return _plain(asdict(self))

    def to_json(self, *, indent: int | None = None) -> str:
        """`to_dict` as strict JSON: no ``NaN`` and no ``Infinity`` in it."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    def __str__(self) -> str:
        return "\n".join(rendering.as_text(self))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "\n".join(rendering.as_html(self))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from rendering.on_console(self, options.max_width)


def _plain(value: Any) -> Any:
    """`value` with tuples as lists, and numbers that JSON has no word for as strings."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value)
