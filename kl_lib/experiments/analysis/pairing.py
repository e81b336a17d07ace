"""Which runs are paired: the same seeds in every arm, and nothing else different between them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ..machinery.choices import names_of_choices
from ..machinery.experiment import Experiment
from ..machinery.records import Record
from ..machinery.several import facts_of
from ..machinery.words import listed


class ComparisonError(ValueError):
    """Records that can't be compared. The message says which, and why."""


def arms_of(records: Sequence[Record], by: Sequence[str] | None) -> dict[str, list[Record]]:
    """Return the runs of each arm, under its name.

    Raises
    ------
    ComparisonError
        If there are none, if they are of different experiments, or if `by` names no field.
    """
    if not records:
        raise ComparisonError("there are no runs: nothing can be compared")
    kinds = {_kind(record.config): record for record in records}
    if len(kinds) > 1:
        raise ComparisonError(
            f"the runs are of {listed(sorted(kinds))}: compare those of one experiment"
        )
    check_fields(type(records[0].config), by or ())
    arms: dict[str, list[Record]] = {}
    for record in records:
        arms.setdefault(arm_name(record.config, by), []).append(record)
    return arms


def check_fields(experiment: type[Experiment], by: Sequence[str]) -> None:
    """Check that an experiment has the fields by which runs are to be told apart.

    Raises
    ------
    ComparisonError
        If not.
    """
    known = names_of_choices(experiment)
    for name in by:
        if name not in known or name == "seed":
            raise ComparisonError(
                f"by has {name!r}, expected fields of a config other than the seed: "
                f"{listed(n for n in known if n != 'seed')}"
            )


def arm_name(config: Experiment, by: Sequence[str] | None = None) -> str:
    """Return the name of the arm that a run belongs to: the values of the fields `by`.

    By default that is what its experiment calls it, see `Experiment.arm`.
    """
    if by is None or tuple(by) == config.arms:
        return config.arm
    return ", ".join(str(getattr(config, name)) for name in by)


def _kind(config: Experiment) -> str:
    return f"{config.name} (version {config.version})"


def check_equal(arms: Mapping[str, list[Record]], by: Sequence[str]) -> None:
    """Check that the runs differ in nothing but the seed and the fields `by`.

    Raises
    ------
    ComparisonError
        If not; says in what.
    """
    records = [record for runs in arms.values() for record in runs]
    facts = [facts_of(record.config) for record in records]
    for name in dict.fromkeys(itertools.chain.from_iterable(facts)):
        if name == "seed" or name in by:
            continue
        groups: dict[Any, list[Record]] = {}
        for record, said in zip(records, facts, strict=True):
            groups.setdefault(said.get(name), []).append(record)
        if len(groups) > 1:
            found = (f"{value!r} in {_runs(runs, by)}" for value, runs in groups.items())
            raise ComparisonError(
                f"{name} is not the same in all runs: it is {listed(found)}. Compare runs "
                f"that differ in seed and {listed(by)} only"
            )


def _runs(runs: Sequence[Record], by: Sequence[str]) -> str:
    one = runs[0].config
    example = f"{one.id} ({arm_name(one, by)}, seed {one.seed})"
    return example if len(runs) == 1 else f"{len(runs)} runs such as {example}"


def by_seed(name: str, runs: Sequence[Record]) -> dict[int, Record]:
    """Return the runs of an arm under their seeds, in order.

    Raises
    ------
    ComparisonError
        If two of them have the same.
    """
    found: dict[int, Record] = {}
    for record in runs:
        if record.config.seed in found:
            raise ComparisonError(
                f"there are two runs of {name} with seed {record.config.seed}: leave one out"
            )
        found[record.config.seed] = record
    return dict(sorted(found.items()))


def check_partners(
    name: str, runs: Mapping[int, Record], reference: str, base: Mapping[int, Record]
) -> None:
    """Check that each run of an arm has a partner in the reference, and that there are some.

    Raises
    ------
    ComparisonError
        If not; says which are missing.
    """
    problems = [
        f"seed {listed(alone)} has a run of {one} and none of {other}"
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


def mixed(records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """Return what differs between records although it is in no config: CPU, versions, commit."""
    seen: dict[str, set[str]] = {}
    for record in records:
        environment = record.environment
        names = ("cpu", "instruction_set", "devices", "git_commit", "python")
        known = {name: environment.get(name) for name in names}
        for name, value in {**known, **environment.get("packages", {})}.items():
            seen.setdefault(name, set()).add(_text(value))
    return {name: tuple(sorted(values)) for name, values in seen.items() if len(values) > 1}


def _text(value: Any) -> str:
    return "unknown" if value is None else listed(value) if isinstance(value, list) else str(value)
