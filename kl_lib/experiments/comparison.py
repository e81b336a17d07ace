"""Recorded runs compared: paired by seed, checked to differ in nothing else, judged by the rule.

The rule and the tests are in `kl_lib.experiments.statistics`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .config import ARMS, Config
from .statistics import LEVEL, MARGINS, Assessment, Interval, Margin, assess, unpaired_interval
from .store import Record

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


def compare(
    records: Iterable[Record],
    *,
    reference: str = "ce",
    by: Sequence[str] = ARMS,
    margins: Sequence[float] = MARGINS,
    level: float = LEVEL,
) -> Comparison:
    """Compare each arm of an experiment with a reference arm, by test accuracy, paired by seed.

    Runs with the same seed start from the same weights and see the same batches under the same
    dropout masks (others in another precision). What is compared is the test accuracy after the
    last epoch. The verdicts follow the rule in :data:`~kl_lib.experiments.RULE`.

    Parameters
    ----------
    records : iterable of Record
        Finished runs: every arm with the same seeds, each at least twice.
    reference : str
        The arm that the others are compared with. Arms are called as `Config.arm` says: ``"kl"``,
        ``"ce"``, ``"null"``. With another `by` they are called by the values of those fields.
    by : sequence of str
        The fields of the config that make an arm. With ``["precision"]`` and the reference
        ``"float32"`` two precisions of one loss are compared.
    margins : sequence of float
        Mean differences in accuracy (0 to 1) that would matter. The first one decides.
    level : float
        Of each test.

    Raises
    ------
    ComparisonError
        If a seed has a run of one arm and none of another, or two of the same; if the configs
        differ in anything but the arm and the seed; if there are too few runs.

    Examples
    --------
    >>> from kl_lib.experiments import book_results, read_records
    >>> records = read_records(book_results(), "cifar10")
    >>> four = [record for record in records if record.config.recipe == 1]
    >>> print(compare(four)["kl"].assessment.verdict)
    undecided
    """
    arms = _arms(list(records), by)
    if reference not in arms:
        raise ComparisonError(
            f"reference is {reference!r}, and there is no such run: the arms are "
            f"{_listed(map(repr, arms))}"
        )
    others = [name for name in arms if name != reference]
    if not others:
        raise ComparisonError(
            f"all {len(arms[reference])} runs are of {reference}: there is nothing to compare with"
        )
    _check_equal(arms, by)
    base = _by_seed(reference, arms[reference])
    contrasts = []
    for name in others:
        runs = _by_seed(name, arms[name])
        _check_partners(name, runs, reference, base)
        one, other = (np.array([_accuracy(r) for r in arm.values()]) for arm in (runs, base))
        contrasts.append(
            Contrast(
                arm=name,
                seeds=tuple(base),
                differences=tuple((one - other).tolist()),
                correlation=_correlation(one, other),
                unpaired=unpaired_interval(one, other, 1 - level),
                assessment=assess(one - other, margins=margins, level=level),
            )
        )
    first = arms[reference][0]
    free = {"seed", *by}
    return Comparison(
        reference=reference,
        shared={k: v for k, v in first.config.as_dict().items() if k not in free},
        dataset=first.data["description"],
        test_images=first.data["test_images"],
        arms=tuple(_summary(name, _by_seed(name, arms[name])) for name in (reference, *others)),
        contrasts=tuple(contrasts),
        mixed=_mixed([record for runs in arms.values() for record in runs]),
    )


class ComparisonError(ValueError):
    """Records that can't be compared. The message says which, and why."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """The runs of one arm: `accuracies` in the order of `seeds`, their mean and spread.

    The spread is the standard deviation (with n − 1) from seed to seed, not paired with anything.
    """

    name: str
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    mean: float
    spread: float


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One arm against the reference.

    Attributes
    ----------
    arm : str
        The arm whose accuracy is the minuend.
    seeds : tuple of int
        Of the pairs.
    differences : tuple of float
        Accuracy of the arm minus that of the reference, in the order of the seeds.
    correlation : float or None
        Of the paired accuracies: what pairing by seed is worth. None for two pairs, or if one of
        the two does not vary.
    unpaired : (float, float) or None
        Welch's interval for the same difference of means, seeds ignored.
    assessment : Assessment
        Intervals, tests and verdict.
    """

    arm: str
    seeds: tuple[int, ...]
    differences: tuple[float, ...]
    correlation: float | None
    unpaired: Interval | None
    assessment: Assessment


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What `compare` found. Print it, take `rows` for a table of your own, or `as_dict`.

    Attributes
    ----------
    reference : str
        The arm that the others are compared with.
    shared : dict
        What is equal in the configs of all runs.
    dataset : str
        What the runs were trained on.
    test_images : int
        How many images each accuracy was counted on: the same for all runs.
    arms : tuple of Arm
        The reference first.
    contrasts : tuple of Contrast
        One for each other arm.
    mixed : dict
        What differs between the records although it does not belong to a config: versions of
        packages, CPU, commit. Empty if nothing does.
    """

    reference: str
    shared: dict[str, Any]
    dataset: str
    test_images: int
    arms: tuple[Arm, ...]
    contrasts: tuple[Contrast, ...]
    mixed: dict[str, tuple[str, ...]]

    def __getitem__(self, arm: str) -> Contrast:
        """Return the contrast of an arm with the reference."""
        for contrast in self.contrasts:
            if contrast.arm == arm:
                return contrast
        raise KeyError(f"{arm!r}; there are {_listed(repr(c.arm) for c in self.contrasts)}")

    def rows(self) -> dict[str, dict[str, str]]:
        """Return a column of text for each contrast: its name, then label and value of each row.

        Accuracies are in percentage points.
        """
        return {f"{c.arm} − {self.reference}": _rows(c) for c in self.contrasts}

    def conclusions(self) -> list[str]:
        """Return the verdict for each contrast and margin in a sentence, with its reason."""
        return [
            _conclusion(contrast, self.reference, margin)
            for contrast in self.contrasts
            for margin in contrast.assessment.margins
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain strings, numbers, lists and dicts."""
        return {
            "reference": self.reference,
            "shared": dict(self.shared),
            "dataset": self.dataset,
            "test_images": self.test_images,
            "arms": {
                arm.name: {
                    "seeds": list(arm.seeds),
                    "accuracies": list(arm.accuracies),
                    "mean": arm.mean,
                    "spread": arm.spread,
                }
                for arm in self.arms
            },
            "contrasts": {
                c.arm: {
                    "seeds": list(c.seeds),
                    "differences": list(c.differences),
                    "correlation": c.correlation,
                    "unpaired": None if c.unpaired is None else list(c.unpaired),
                }
                | c.assessment.as_dict()
                for c in self.contrasts
            },
            "mixed": {name: list(values) for name, values in self.mixed.items()},
        }

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=100, color_system=None, legacy_windows=False)
        console.print(self)
        return console.file.getvalue().rstrip()  # type: ignore[attr-defined]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.table import Table

        yield f"{self.dataset}, {self.test_images:,} test images"
        table = Table("test accuracy in %", title_justify="left")
        for heading in ("runs", "mean", "spread", "lowest", "highest"):
            table.add_column(heading, justify="right")
        for arm in self.arms:
            shown = (arm.mean, arm.spread, min(arm.accuracies), max(arm.accuracies))
            table.add_row(arm.name, str(len(arm.seeds)), *(f"{100 * x:.2f}" for x in shown))
        yield table
        columns = self.rows()
        table = Table("in percentage points", *(name for name in columns))
        for label in next(iter(columns.values())):
            table.add_row(label, *(column[label] for column in columns.values()))
        yield table
        yield from self.conclusions()
        for name, values in self.mixed.items():
            yield f"Not the same in all runs: {name} ({_listed(values)})"


def _rows(contrast: Contrast) -> dict[str, str]:
    found = contrast.assessment
    confidence, narrow = 100 * (1 - found.level), 100 * (1 - 2 * found.level)
    rows = {
        "pairs": str(found.pairs),
        "mean difference": _points(found.mean),
        "spread of the differences": f"{100 * found.spread:.2f}",
        f"{confidence:g} % interval (t)": _ends(found.interval),
        f"{confidence:g} % interval (bootstrap)": _ends(found.bootstrap),
        f"{confidence:g} % interval, unpaired": _ends(contrast.unpaired),
        f"{narrow:g} % interval (t)": _ends(found.narrow_interval),
        "p value, difference is 0": _p(found.p_zero),
        "correlation of the pairs": _or_dash(contrast.correlation, "{:.2f}").replace("-", "−"),
    }
    for margin in found.margins:
        name = f"margin ±{100 * margin.margin:g}"
        rows[f"{name}: p value, equivalence"] = _p(margin.p)
        rows[f"{name}: power"] = _or_dash(margin.power, "{:.3f}")
        rows[f"{name}: verdict"] = margin.verdict
    return rows


def _conclusion(contrast: Contrast, reference: str, margin: Margin) -> str:
    found = contrast.assessment
    points = f"{100 * margin.margin:g} point{'s' if margin.margin != 0.01 else ''}"
    within = f"{contrast.arm} against {reference}, margin of {points}: {margin.verdict}"
    if found.interval is None:
        return f"{within}, because all differences are the same. Are these the same runs?"
    if found.pairs < found.fewest:
        return f"{within}, because {found.pairs} pairs are fewer than {found.fewest}"
    wide = f"the {100 * (1 - found.level):g} % interval, {_ends(found.interval)},"
    narrow = f"the {100 * (1 - 2 * found.level):g} % interval, {_ends(found.narrow_interval)},"
    zero = "excludes 0" if found.p_zero is not None and found.p_zero < found.level else "includes 0"
    if margin.verdict == "equivalent":
        return f"{within}, because {narrow} lies inside the margin; {wide} {zero}"
    return f"{within}, because {narrow} reaches beyond the margin and {wide} {zero}"


def _points(value: float) -> str:
    # A minus sign as long as the plus, and no minus before a zero.
    return f"{round(100 * value, 2) + 0.0:+.2f}".replace("-", "−")


def _ends(interval: Interval | None) -> str:
    return "–" if interval is None else " to ".join(_points(end) for end in interval)


def _p(value: float | None) -> str:
    return "–" if value is None else "below 0.0001" if value < 1e-4 else f"{value:.4f}"


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _arms(records: list[Record], by: Sequence[str]) -> dict[str, list[Record]]:
    known = [field.name for field in fields(Config)]
    for name in by:
        if name not in known or name == "seed":
            raise ComparisonError(
                f"by has {name!r}, expected fields of a config other than the seed: "
                f"{_listed(n for n in known if n != 'seed')}"
            )
    arms: dict[str, list[Record]] = {}
    for record in records:
        arms.setdefault(arm_name(record.config, by), []).append(record)
    return arms


def arm_name(config: Config, by: Sequence[str] = ARMS) -> str:
    """Return the name of the arm that a run belongs to.

    Examples
    --------
    >>> config = Config(dataset="digits", data_sha256="0" * 64, loss="kl", seed=0)
    >>> arm_name(config), arm_name(config, ["loss", "precision"])
    ('kl', 'kl, float32')
    """
    if tuple(by) == ARMS:
        return config.arm
    return ", ".join(str(getattr(config, name)) for name in by)


def _check_equal(arms: Mapping[str, list[Record]], by: Sequence[str]) -> None:
    records = [record for runs in arms.values() for record in runs]
    for field in fields(Config):
        if field.name == "seed" or field.name in by:
            continue
        groups: dict[Any, list[Record]] = {}
        for record in records:
            groups.setdefault(getattr(record.config, field.name), []).append(record)
        if len(groups) > 1:
            found = (f"{value!r} in {_runs(runs, by)}" for value, runs in groups.items())
            raise ComparisonError(
                f"{field.name} is not the same in all runs: it is {_listed(found)}. Compare runs "
                f"that differ in seed and {_listed(by)} only"
            )


def _runs(runs: Sequence[Record], by: Sequence[str]) -> str:
    one = runs[0].config
    example = f"{one.id} ({arm_name(one, by)}, seed {one.seed})"
    return example if len(runs) == 1 else f"{len(runs)} runs such as {example}"


def _by_seed(name: str, runs: Sequence[Record]) -> dict[int, Record]:
    found: dict[int, Record] = {}
    for record in runs:
        if record.config.seed in found:
            raise ComparisonError(
                f"there are two runs of {name} with seed {record.config.seed}: leave one out"
            )
        found[record.config.seed] = record
    return dict(sorted(found.items()))


def _check_partners(
    name: str, runs: Mapping[int, Record], reference: str, base: Mapping[int, Record]
) -> None:
    problems = [
        f"seed {_listed(alone)} has a run of {one} and none of {other}"
        for one, other, alone in (
            (name, reference, sorted(runs.keys() - base.keys())),
            (reference, name, sorted(base.keys() - runs.keys())),
        )
        if alone
    ]
    if problems:
        raise ComparisonError(
            f"{'; '.join(problems)}: run what is missing, or leave these seeds out of every arm"
        )
    if len(base) < 2:
        raise ComparisonError(
            f"there is one pair of {name} and {reference}, seed {next(iter(base))}: a comparison "
            "needs at least 2 seeds, and says little with fewer than 10"
        )


def _accuracy(record: Record) -> float:
    # Frameworks count in float32. Back to whole images, so that equal differences are equal.
    images = record.data["test_images"]
    return round(record.result["test_accuracy"] * images) / images


def _summary(name: str, runs: Mapping[int, Record]) -> Arm:
    accuracies = tuple(_accuracy(record) for record in runs.values())
    return Arm(
        name=name,
        seeds=tuple(runs),
        accuracies=accuracies,
        mean=float(np.mean(accuracies)),
        spread=float(np.std(accuracies, ddof=1)),
    )


def _correlation(one: NDArray[Any], other: NDArray[Any]) -> float | None:
    if len(one) < 3 or not (np.ptp(one) and np.ptp(other)):  # two points are always on a line
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _mixed(records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    seen: dict[str, set[str]] = {}
    for record in records:
        environment = record.environment
        names = ("cpu", "instruction_set", "devices", "git_commit", "python")
        known = {name: environment.get(name) for name in names}
        for name, value in {**known, **environment.get("packages", {})}.items():
            seen.setdefault(name, set()).add(_text(value))
    return {name: tuple(sorted(values)) for name, values in seen.items() if len(values) > 1}


def _text(value: Any) -> str:
    return "unknown" if value is None else _listed(value) if isinstance(value, list) else str(value)


def _listed(names: Iterable[Any]) -> str:
    *others, last = [str(name) for name in names] or ["none"]
    return f"{', '.join(others)} and {last}" if others else last
