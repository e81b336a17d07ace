"""How an experiment is named: built in, from an installed package, or from a file or module.

``cifar10`` and what packages offer under the entry point group ``kl_lib.experiments`` are names.
``my_experiment.py:Experiment`` is the class in that file, ``my_experiment.py`` the only one in it,
and ``package.module:Experiment`` the class in that module.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from .definition import ExperimentError
from .experiment import Experiment
from .references import load_place, look_up

#: Packages offer experiments under this group of entry points.
GROUP = "kl_lib.experiments"


@dataclass(frozen=True)
class Named:
    """An experiment as somebody named it: a class, and the choices that the name decides."""

    name: str
    experiment: type[Experiment]
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where in a store its records lie."""
        return self.experiment.folder_for(self.fixed)


def find_experiment(name: str, built_in: Mapping[str, str]) -> Named:
    """Return the experiment of this name.

    Parameters
    ----------
    name : str
        See the module.
    built_in : mapping
        Names, and the ``module:name`` that each stands for.

    Raises
    ------
    ExperimentError
        If there is none, or what is there is no experiment.
    """
    offered = {each.name: each.value for each in entry_points(group=GROUP)} | dict(built_in)
    if name in offered:
        found = look_up(offered[name])
    elif ":" in name:
        found = look_up(name)
    elif name.endswith(".py"):
        found = _only_experiment(load_place(name), name)
    else:
        raise ExperimentError(
            f"experiment is {name!r}, expected one of: {', '.join(offered)}, or FILE.py:NAME or "
            "module:NAME"
        )
    fixed: dict[str, Any] = {}
    if isinstance(found, functools.partial):
        fixed, found = found.keywords, found.func
    if not (isinstance(found, type) and issubclass(found, Experiment)):
        raise ExperimentError(
            f"{name} is {found!r}, expected a class that is derived from Experiment"
        )
    found.choices()  # or why it is none
    return Named(name, found, fixed)


def _only_experiment(module: ModuleType, place: str) -> type[Experiment]:
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, Experiment)
        and each.__module__ == module.__name__
    ]
    if len(found) != 1:
        names = ", ".join(each.__name__ for each in found) or "none"
        raise ExperimentError(f"{place} has these experiments: {names}. Say which: {place}:NAME")
    return found[0]
