"""What makes a class an experiment, and what its runs are compared by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .choices import ConfigError, names_of_choices


class ExperimentError(ValueError):
    """An experiment that can't be found or is not whole. The message says what it lacks."""


class TrainingError(RuntimeError):
    """A run that can't give a result. The message says why."""


@dataclass(frozen=True)
class Measure:
    """What runs are compared by: a number in their results.

    Parameters
    ----------
    name : str
        Which one, such as ``"test_accuracy"``.
    margins : tuple of float
        Differences that would matter, in its unit, fixed before the runs. The first one decides.
    percent : bool
        Show it times 100, as one shows accuracies.
    """

    name: str
    margins: tuple[float, ...]
    percent: bool = False

    @property
    def label(self) -> str:
        """The name in words."""
        return self.name.replace("_", " ")


def all_fields(cls: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` if every field is there, also those that have a default, and no other.

    Raises
    ------
    ConfigError
        If not; names them.
    """
    known = {field.name for field in fields(cls)}
    if missing := sorted(known - set(values)):
        raise ConfigError(f"config lacks {', '.join(missing)}")
    if unknown := sorted(set(values) - known):
        raise ConfigError(f"config has unknown fields: {', '.join(unknown)}")
    return dict(values)


def check_whole(cls: Any, runs: bool) -> None:
    """Check that a class is an experiment that can run.

    Raises
    ------
    ExperimentError
        If not; says what it lacks.
    """
    what = cls.__name__
    if "__dataclass_fields__" not in vars(cls):
        raise ExperimentError(f"{what} lacks the line @dataclass(frozen=True, kw_only=True)")
    if not isinstance(cls.name, str) or not re.fullmatch(r"[A-Za-z0-9][\w-]*", cls.name):
        raise ExperimentError(
            f"{what}.name is {cls.name!r}, expected letters and digits, such as "
            f'name = "{what.lower()}": the folder of its records'
        )
    if type(cls.version) is not int or cls.version < 1:
        raise ExperimentError(f"{what}.version is {cls.version!r}, expected a whole number from 1")
    if not runs:
        raise ExperimentError(f"{what} has no run: def run(self, data, progress, checkpoint)")
    if not isinstance(getattr(cls, "measure", None), Measure):
        raise ExperimentError(
            f'{what} has no measure, such as measure = Measure("accuracy", margins=(0.01,))'
        )
    for arm in cls.arms:
        if arm not in (known := names_of_choices(cls)):
            raise ExperimentError(f"{what}.arms has {arm!r}, expected any of {', '.join(known)}")
