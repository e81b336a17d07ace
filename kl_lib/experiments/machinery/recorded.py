"""Runs that were recorded, of experiments that need not be there any more."""

from __future__ import annotations

import functools
from dataclasses import make_dataclass
from typing import Any

from .definition import Measure
from .experiment import Experiment
from .sealed import RecordError
from .several import checked_sums


def config_of(
    experiment: type[Experiment] | None, values: dict[str, Any], about: Any
) -> Experiment:
    """Return the config of a record, of the class of its experiment or of one made for it.

    Raises
    ------
    RecordError
        If it does not say what experiment it is of.
    ConfigError
        If it is one that no run can have.
    """
    if about is None:
        if experiment is None:
            raise RecordError("it does not say what experiment it is of")
        return experiment.from_dict(values)
    if experiment is not None and (experiment.name, experiment.version) == (
        values.get("experiment"),
        values.get("version"),
    ):
        return experiment.from_dict(values)
    try:
        names = tuple(name for name in values if name not in ("experiment", "version"))
        measure = Measure(**about["measure"] | {"margins": tuple(about["measure"]["margins"])})
        arms, baseline = tuple(about["arms"]), about["baseline"]
        found = _recorded(values["experiment"], values["version"], names, arms, baseline, measure)
    except (TypeError, KeyError) as error:
        raise RecordError(f"it does not say what experiment it is of ({error})") from error
    return found.from_dict(values)


@functools.cache  # configs are equal only if they are of one class
def _recorded(
    name: str,
    version: int,
    names: tuple[str, ...],
    arms: tuple[str, ...],
    baseline: str,
    measure: Measure,
) -> type[Experiment]:
    """Make the class of an experiment that is known from its records only: it can't be run."""
    known = Experiment.__dataclass_fields__
    return make_dataclass(
        name,
        [(each, Any) for each in names if each not in known],
        bases=(_Recorded,),
        namespace={
            "name": name, "version": version, "arms": arms, "baseline": baseline,
            "measure": measure,
        },
        frozen=True,
        kw_only=True,
    )  # fmt: skip


class _Recorded(Experiment):
    """A run that was recorded: its choices are what they are."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "data_files", checked_sums(self.data_files))
