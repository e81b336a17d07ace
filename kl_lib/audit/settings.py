"""Settings of a project: ``[tool.kl-lib.audit]`` in its ``pyproject.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .errors import AuditError


@dataclass(frozen=True)
class Settings:
    """What a project says of the audit; None where it says nothing."""

    select: list[str] | None = None
    extend_select: list[str] | None = None
    ignore: list[str] | None = None
    exclude: list[str] | None = None


def settings_of(place: Path) -> Settings:
    """The settings of the nearest ``pyproject.toml`` at or above a place that has some.

    Raises
    ------
    AuditError
        The file cannot be read, or has a setting that there is not, or one of another type.
    """
    start = place.resolve()
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            try:
                held = tomllib.loads(path.read_text("utf-8"))
            except (OSError, ValueError) as error:
                raise AuditError(f"{path} cannot be read: {error}") from error
            tool = held.get("tool", {}).get("kl-lib", {})
            if "audit" in tool:
                return _read(tool["audit"], path)
    return Settings()


def _read(held: Any, path: Path) -> Settings:
    known = {field.name.replace("_", "-"): field.name for field in fields(Settings)}
    if not isinstance(held, dict):
        raise AuditError(f"{path}: tool.kl-lib.audit is no table; write [tool.kl-lib.audit]")
    values: dict[str, list[str]] = {}
    for name, value in held.items():
        if name not in known:
            raise AuditError(
                f"{path}: [tool.kl-lib.audit] has {name!r}, expected any of: {', '.join(known)}"
            )
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise AuditError(f"{path}: {name} is {value!r}, expected a list of strings")
        values[known[name]] = value
    return Settings(**values)
