"""Runs picked out by what they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..machinery.choices import FALSE, NOTHING, TRUE, ConfigError
from ..machinery.records import Record
from ..machinery.several import facts_of

BESIDE = ("arm", "id", "tag")


def select(records: Iterable[Record], conditions: Sequence[str]) -> list[Record]:
    """Return the records that meet all conditions.

    Parameters
    ----------
    records : iterable of Record
        Finished runs.
    conditions : sequence of str
        Each is ``"NAME=VALUE"`` or ``"NAME=VALUE,VALUE"``, which means any of these. The name is a
        field of the config, ``"arm"``, ``"id"`` or ``"tag"``.

    Raises
    ------
    ConfigError
        If a condition is written in another way, or if no run has such a field.
    """
    left = list(records)
    known = {name for record in left for name in facts_of(record.config)} | {*BESIDE}
    for condition in conditions:
        name, equals, text = condition.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not text:
            raise ConfigError(f"--where is {condition!r}, expected NAME=VALUE or NAME=VALUE,VALUE")
        if left and name not in known:
            raise ConfigError(f"--where has {name!r}, expected one of: {', '.join(sorted(known))}")
        texts = [each.strip() for each in text.split(",")]
        left = [r for r in left if any(_is(v, t) for v in _values(r, name) for t in texts)]
    return left


def _values(record: Record, name: str) -> Sequence[Any]:
    if name == "tag":
        return record.tags
    config = record.config
    facts = facts_of(config) | {"arm": config.arm, "id": config.id}
    return [facts[name]] if name in facts else []


def _is(value: Any, text: str) -> bool:
    """Whether a text on the command line stands for a value."""
    if value is None:
        return text.lower() in NOTHING
    if isinstance(value, bool):
        return text.lower() in (TRUE if value else FALSE)
    if isinstance(value, (int, float)):
        try:
            return float(text) == value
        except ValueError:
            return False
    # A part of one's own has the checksum of its file behind it.
    return text in (value, value.partition("#")[0])
