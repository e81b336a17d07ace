"""Recorded runs compared: paired by seed, checked to differ in nothing else, judged by the rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...printing import plain_text
from ..machinery.definition import Measure
from ..machinery.records import Record
from ..machinery.words import listed
from .arms import Arm, correlation, measured, summary
from .paired import LEVEL, Interval, unpaired_interval
from .pairing import ComparisonError, arms_of, by_seed, check_equal, check_partners, mixed
from .rule import Assessment, assess
from .tables import conclusion, rows, tables

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

ACCURACY = Measure("test_accuracy", margins=(0.01, 0.005), percent=True)


def compare(
    records: Iterable[Record],
    *,
    reference: str | None = None,
    by: Sequence[str] | None = None,
    margins: Sequence[float] | None = None,
    level: float = LEVEL,
) -> Comparison:
    """Compare each arm of an experiment with a reference arm, by its measure, paired by seed.

    Runs of the built-in experiments that have the same seed start from the same weights and see the
    same batches under the same dropout masks (others in another precision). What is compared is
    their test accuracy after the last epoch. The verdicts follow the rule in
    :data:`~kl_lib.experiments.RULE`.

    Parameters
    ----------
    records : iterable of Record
        Finished runs: every arm with the same seeds, each at least twice.
    reference : str, optional
        The arm that the others are compared with, by default the baseline of the experiment. Arms
        are called as `arm` of the config says: ``"kl"``, ``"ce"``, ``"null"``. With another `by`
        they are called by the values of those fields.
    by : sequence of str, optional
        The fields of the config that make an arm, by default `arms` of the experiment. With
        ``["precision"]`` and the reference ``"float32"`` two precisions of one loss are compared.
    margins : sequence of float, optional
        Mean differences that would matter, in the unit of the measure; by default those of the
        measure. The first one decides.
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
    arms = arms_of(list(records), by)
    first = next(iter(arms.values()))[0]
    kind = type(first.config)
    free, measure = by or kind.arms, kind.measure
    usual = f", the baseline of {kind.name}," if reference is None else ","
    reference = reference if reference is not None else kind.baseline
    if reference not in arms:
        raise ComparisonError(
            f"reference is {reference!r}{usual} and there is no such run: the arms are "
            f"{listed(map(repr, arms))}. Give one of them as reference"
        )
    others = [name for name in arms if name != reference]
    if not others:
        raise ComparisonError(
            f"all {len(arms[reference])} runs are of {reference}: there is nothing to compare with"
        )
    check_equal(arms, free)
    base = by_seed(reference, arms[reference])
    contrasts = []
    for name in others:
        runs = by_seed(name, arms[name])
        check_partners(name, runs, reference, base)
        one, other = measured(runs), measured(base)
        contrasts.append(
            Contrast(
                arm=name,
                seeds=tuple(base),
                differences=tuple((one - other).tolist()),
                correlation=correlation(one, other),
                unpaired=unpaired_interval(one, other, 1 - level),
                assessment=assess(one - other, margins=margins or measure.margins, level=level),
            )
        )
    first = arms[reference][0]
    return Comparison(
        reference=reference,
        shared={k: v for k, v in first.config.as_dict().items() if k not in {"seed", *free}},
        dataset=first.data["description"],
        test_images=first.data.get("test_images"),
        arms=tuple(summary(name, by_seed(name, arms[name])) for name in (reference, *others)),
        contrasts=tuple(contrasts),
        mixed=mixed([record for runs in arms.values() for record in runs]),
        measure=measure,
    )


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One arm against the reference.

    Attributes
    ----------
    arm : str
        The arm that is the minuend.
    seeds : tuple of int
        Of the pairs.
    differences : tuple of float
        That of the arm minus that of the reference, in the order of the seeds.
    correlation : float or None
        Of the paired values: what pairing by seed is worth. None for two pairs, or if one of
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
    test_images : int or None
        How many images each accuracy was counted on: the same for all runs. None where no images
        are counted.
    arms : tuple of Arm
        The reference first.
    contrasts : tuple of Contrast
        One for each other arm.
    mixed : dict
        What differs between the records although it does not belong to a config: versions of
        packages, CPU, commit. Empty if nothing does.
    measure : Measure
        What was compared.
    """

    reference: str
    shared: dict[str, Any]
    dataset: str
    test_images: int | None
    arms: tuple[Arm, ...]
    contrasts: tuple[Contrast, ...]
    mixed: dict[str, tuple[str, ...]]
    measure: Measure = ACCURACY

    def __getitem__(self, arm: str) -> Contrast:
        """Return the contrast of an arm with the reference."""
        for contrast in self.contrasts:
            if contrast.arm == arm:
                return contrast
        raise KeyError(f"{arm!r}; there are {listed(repr(c.arm) for c in self.contrasts)}")

    def rows(self) -> dict[str, dict[str, str]]:
        """Return a column of text for each contrast: its name, then label and value of each row.

        Accuracies are in percentage points.
        """
        return {f"{c.arm} − {self.reference}": rows(c, self.measure) for c in self.contrasts}

    def conclusions(self) -> list[str]:
        """Return the verdict for each contrast and margin in a sentence, with its reason."""
        return [
            conclusion(contrast, self.reference, margin, self.measure)
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
            "measure": self.measure.name,
            "arms": {
                arm.name: {
                    "seeds": list(arm.seeds),
                    "values": list(arm.values),
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
        return plain_text(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from tables(self)
