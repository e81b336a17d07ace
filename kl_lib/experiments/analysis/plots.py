"""Runs as pictures: what they measured against the epoch, or how far pairs of them are apart."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..machinery.choices import ConfigError
from ..machinery.records import Record
from ..machinery.store import comparable
from ..machinery.words import listed
from .paired import LEVEL, stats_of_scipy
from .pairing import ComparisonError, arms_of, by_seed, check_partners

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 12
WIDTH = 34  # of the title of a panel, in characters
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 2)), (0, (3, 1, 1, 1)))

# What each arm measured: a row for each seed, a column for each epoch.
Values = Mapping[str, NDArray[np.float64]]


def plot_runs(
    records: Iterable[Record],
    measure: str,
    *,
    difference: bool = False,
    reference: str | None = None,
) -> Figure:
    """Draw what runs have measured: thin lines for runs, a thick one for the mean of each arm.

    Runs that differ in more than arm and seed are in panels of their own.

    Parameters
    ----------
    records : iterable of Record
        Finished runs of one experiment.
    measure : str
        A list of their histories, drawn against the epoch, or a number of their results.
    difference : bool
        Draw that of each arm minus that of the reference, paired by seed, and with the mean the
        95 % interval of Student for each epoch. Runs without another arm are left out.
    reference : str, optional
        The arm that is subtracted, by default the baseline of the experiment.

    Raises
    ------
    ConfigError
        If there is no such measure, or there are more panels than can be looked at.
    ComparisonError
        If there are no runs, or a difference is asked for and runs have no partners.
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    try:
        from ...figures import panels
    except ImportError as missing:
        raise ModuleNotFoundError(
            'a plot needs matplotlib: pip install "kl-lib[figures]"', name="matplotlib"
        ) from missing
    groups = comparable(records)
    if not groups:
        raise ComparisonError("there are no runs: nothing can be drawn")
    if difference:
        groups = {heading: each for heading, each in groups.items() if len(arms_of(each, None)) > 1}
        if not groups:
            raise ComparisonError("no run has another arm beside it: there is nothing to subtract")
    if len(groups) > MOST_PANELS:
        raise ConfigError(
            f"these runs are of {len(groups)} kinds, a panel for each, and {MOST_PANELS} can be "
            "looked at: pick some with --where"
        )
    drawn = []
    for heading, group in groups.items():
        values = _values(group, measure)
        if difference:
            values = _differences(group, values, reference)
        drawn.append((heading, values))
    columns = min(2, len(groups))
    rows = -(-len(groups) // columns)
    figure, axes = panels(columns, rows=rows, height=0.6 + 2.8 * rows, sharey=True)
    short = _told_apart([heading for heading, _ in drawn])
    names = list(dict.fromkeys(name for _, values in drawn for name in values))
    for ax, title, (_, values) in zip(axes, short, drawn, strict=False):
        _draw(ax, values, names, "pair" if difference else "run")
        ax.set_title("\n".join(textwrap.wrap(title, WIDTH)))
        ax.legend()
    for ax in axes[len(drawn) :]:
        ax.set_axis_off()
    words = measure.replace("_", " ")
    axes[0].set_ylabel(f"difference of {words}" if difference else words)
    return figure


def _values(group: Sequence[Record], measure: str) -> Values:
    found: dict[str, NDArray[np.float64]] = {}
    for arm, runs in arms_of(group, None).items():
        lists = [_measured(record, measure) for record in by_seed(arm, runs).values()]
        shortest = min(map(len, lists))
        found[arm] = np.array([values[:shortest] for values in lists], dtype=float)
    return found


def _measured(record: Record, measure: str) -> Sequence[float]:
    if measure in record.history and np.ndim(record.history[measure]) == 1:
        return record.history[measure]
    if measure in record.result:
        return [record.result[measure]]
    known = listed([*record.history, *(n for n in record.result if n not in record.history)])
    raise ConfigError(f"measure is {measure!r}, expected one of: {known}")


def _differences(group: Sequence[Record], values: Values, reference: str | None) -> Values:
    arms = arms_of(group, None)
    base = reference if reference is not None else type(group[0].config).baseline
    if base not in arms:
        raise ComparisonError(
            f"reference is {base!r}, and there is no such run: the arms are {listed(arms)}"
        )
    found: dict[str, NDArray[np.float64]] = {}
    for arm, runs in arms.items():
        if arm != base:
            check_partners(arm, by_seed(arm, runs), base, by_seed(base, arms[base]))
            length = min(values[arm].shape[1], values[base].shape[1])
            found[f"{arm} − {base}"] = values[arm][:, :length] - values[base][:, :length]
    return found


def _draw(ax: Axes, values: Values, names: Sequence[str], what: str) -> None:
    steps, interval = max(rows.shape[1] for rows in values.values()), what == "pair"
    for number, (name, rows) in enumerate(values.items()):
        style = names.index(name)  # the same in all panels
        color, line = f"C{style % 7}", LINES[style % len(LINES)]
        label = f"{name} ({len(rows)} {what}{'s' if len(rows) > 1 else ''})"
        if steps == 1:
            ax.plot(np.full(len(rows), number), rows[:, 0], "o", color=color, alpha=0.4, ms=4)
            ax.plot(number, rows.mean(), "_", color=color, ms=20, mew=2, label=label)
            continue
        epochs = np.arange(1, rows.shape[1] + 1)
        ax.plot(epochs, rows.T, color=color, linestyle=line, lw=0.6, alpha=0.4)
        ax.plot(epochs, rows.mean(axis=0), color=color, linestyle=line, label=label)
        if interval and len(rows) > 1:
            ax.fill_between(epochs, *_interval(rows), color=color, alpha=0.15, lw=0)
    if interval:
        ax.axhline(0, color="black", lw=0.8)
    if steps == 1:
        ax.set_xticks(range(len(values)), list(values))
        ax.margins(x=0.2)
    else:
        ax.set_xlabel("epoch")


def _interval(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Student's interval for the mean of each column; nothing wide where all rows are equal."""
    runs = len(rows)
    half = stats_of_scipy().t.ppf(1 - LEVEL / 2, runs - 1) * rows.std(axis=0, ddof=1) / runs**0.5
    return rows.mean(axis=0) - half, rows.mean(axis=0) + half


def _told_apart(headings: Sequence[str]) -> list[str]:
    """The headings without what they all have in common."""
    if len(headings) == 1:
        return [""]
    parts = [heading.split(", ") for heading in headings]
    shared = set.intersection(*map(set, parts))
    return [", ".join(part for part in each if part not in shared) for each in parts]
