"""Networks, optimisers and losses of your own, in the place of the built-in ones.

They are called ``module:function``, and the module is one that Python finds. A config keeps the
first digits of the checksum of its file with the name, ``module:function#0123456789ab``, so another
source is another run, and a worker that has other source refuses.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from ..machinery.choices import ConfigError
from ..machinery.definition import ExperimentError
from ..machinery.references import look_up

DIGITS = 12
_OWN = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_]\w*)(#(?P<hash>[0-9a-f]{12}))?")


@dataclass(frozen=True)
class OneOf:
    """One of the built-in values, or ``module:function``."""

    field: str
    built_in: tuple[str, ...]

    @property
    def words(self) -> str:
        return f"one of: {', '.join(self.built_in)}, module:function"

    def accept(self, value: str) -> str:
        if value in self.built_in:
            return value
        if (found := _OWN.fullmatch(value)) is None:
            raise ValueError
        if found["hash"]:
            return value
        return f"{value}#{_source(self.field, value, found['module'])}"


def is_own(value: str) -> bool:
    """Whether a value of such a field is ``module:function``."""
    return ":" in value


def shown(value: str) -> str:
    """Return a value without its checksum.

    Examples
    --------
    >>> shown("my_losses:focal#0123456789ab"), shown("kl")
    ('my_losses:focal', 'kl')
    """
    return value.partition("#")[0]


def imported(field: str, value: str) -> Callable[..., Any]:
    """Import what a field of a config names.

    Raises
    ------
    ConfigError
        If it can't be imported, is nothing to call, or has other source than the config says.
    """
    name, _, expected = value.partition("#")
    if (found := _source(field, name, name.partition(":")[0])) != expected:
        raise ConfigError(
            f"{field} is {name}, but its file has checksum {found} here and {expected} in the "
            "config: use the same file, or make the config anew"
        )
    try:
        function = look_up(name)
    except ExperimentError as error:
        raise ConfigError(f"{field} is {name!r}, but {error}") from error
    if not callable(function):
        raise ConfigError(f"{field} is {name!r}, which is {function!r}, expected a function")
    return function


def _source(field: str, value: str, module: str) -> str:
    try:
        return hashlib.sha256(_file(module).read_bytes()).hexdigest()[:DIGITS]
    except (ImportError, OSError, ValueError):
        raise ConfigError(
            f"{field} is {value!r}, but there is no module {module} here: install it, or call "
            "kl-lib in its folder; every worker needs it too"
        ) from None


def _file(module: str) -> Path:
    """Where a module is defined. Nothing is imported: a package above it may be a framework."""
    first, *rest = module.split(".")
    spec = importlib.util.find_spec(first)
    for part in rest:
        folders = None if spec is None else spec.submodule_search_locations
        if folders is None:
            raise ImportError(module)
        spec = PathFinder.find_spec(part, folders)
    if spec is None or spec.origin is None:
        raise ImportError(module)
    return Path(spec.origin)
