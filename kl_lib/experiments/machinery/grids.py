"""The runs of a sweep: every combination of the choices, with every seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from .choices import ConfigError
from .experiment import Experiment
from .loading import Files, asked_for, identity, load

# Making more takes longer than a minute before the first one begins.
MOST_RUNS = 100_000


def all_configs(
    experiment: type[Experiment],
    *,
    seeds: Iterable[int],
    file: Files = None,
    note: str | None = None,
    **choices: Any,
) -> list[Any]:
    """Return the runs of a sweep of an experiment, after loading its data for their checksum.

    Parameters
    ----------
    experiment : type
        Its class.
    seeds : iterable of int
        One run of each combination for each.
    file, note
        Where the data come from, see `sweep`.
    **choices
        Other fields: a value, or a list of values to be combined with those of the other fields.

    Raises
    ------
    ConfigError
        If there is no such field, if a value is one that no run can have, or if nothing is left to
        run.
    DataError
        If the data can't be loaded.
    """
    lists = {
        name: value if isinstance(value, (list, tuple, range)) else [value]
        for name, value in choices.items()
    }
    rows = combinations(experiment, lists)
    wanted, _ = asked_for(experiment)
    defaults = {field.name: field.default for field in fields(experiment)}
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple((defaults | row)[name] for name in wanted)
        if key not in known:
            given = dict(zip(wanted, key, strict=True))
            known[key] = identity(load(experiment, given, file, note))
        row |= known[key]
    return with_seeds(experiment, rows, seeds)


def combinations(
    experiment: type[Experiment], lists: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    """Return every combination of the values, names of arms replaced by what they stand for.

    Raises
    ------
    ConfigError
        If there is no such field, or a value is one that no run can have.
    """
    for name, values in lists.items():
        check_free(experiment, name)
        for value in values:
            if not is_arm(experiment, name, value):
                with _arms_named(experiment, name):
                    experiment.choices()[name].checked(value)
        if not values:
            raise ConfigError(f"a sweep needs at least one {name} and one seed")
    _check_few(math.prod(map(len, lists.values())))
    products = itertools.product(*lists.values())
    return [dict(_meant(experiment, dict(zip(lists, row, strict=True)))) for row in products]


def read_choices(
    experiment: type[Experiment], texts: Iterable[tuple[str, str]]
) -> dict[str, list[Any]]:
    """Read choices as they are written on the command line: a name, and values between commas.

    Raises
    ------
    ConfigError
        If there is no such choice, or a value is one that no run can have.
    """
    lists: dict[str, list[Any]] = {}
    for name, text in texts:
        check_free(experiment, name)
        lists.setdefault(name, []).extend(
            value if is_arm(experiment, name, value) else _read(experiment, name, value)
            for value in (each.strip() for each in text.split(","))
            if value
        )
    return lists


def check_free(experiment: type[Experiment], name: str) -> None:
    """Check that an experiment has a choice that is free to be made.

    Raises
    ------
    ConfigError
        If not.
    """
    free = [each for each in experiment.choices() if each not in ("seed", "data_sha256")]
    if name not in free:
        raise ConfigError(
            f"{experiment.name} has no choice {name}, expected one of: {', '.join(free)}"
        )


def with_seeds(
    experiment: type[Experiment], rows: Iterable[Mapping[str, Any]], seeds: Iterable[int]
) -> list[Any]:
    """Return the run of each row with each seed, those of one seed beside each other.

    Raises
    ------
    ConfigError
        If a value is one that no run can have, or if nothing is left to run.
    """
    rows = list(rows)
    for row in rows:
        for choice in experiment.choices().values():
            if choice.required and choice.name != "seed" and choice.name not in row:
                raise ConfigError(f"{choice.name} is not given, expected {choice.wanted}")
    numbers = list(itertools.islice(seeds, MOST_RUNS + 1))
    _check_few(len(numbers) * len(rows))
    configs = [experiment(seed=seed, **row) for seed in numbers for row in rows]
    if not configs:
        first = experiment.arms[0] if experiment.arms else "value of each choice"
        raise ConfigError(f"a sweep needs at least one {first} and one seed")
    return list(dict.fromkeys(configs))


def _check_few(runs: int) -> None:
    if runs > MOST_RUNS:
        raise ConfigError(
            f"a sweep is of at most {MOST_RUNS} runs, and these would be {runs} or more: do it in "
            "parts"
        )


def is_arm(experiment: type[Experiment], name: str, value: Any) -> bool:
    """Whether a value of the first of the arms is a name for several choices."""
    return name in experiment.arms[:1] and value in experiment.named_arms


def _read(experiment: type[Experiment], name: str, text: str) -> Any:
    with _arms_named(experiment, name):
        return experiment.choices()[name].read(text)


@contextmanager
def _arms_named(experiment: type[Experiment], name: str) -> Iterator[None]:
    """Let an error about the first of the arms name those that are no value of it, too."""
    try:
        yield
    except ConfigError as error:
        if name in experiment.arms[:1] and experiment.named_arms:
            raise ConfigError(f"{error}, {', '.join(experiment.named_arms)}") from None
        raise


def _meant(experiment: type[Experiment], row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if is_arm(experiment, name, value):
            yield from experiment.named_arms[value].items()
        else:
            yield name, value
