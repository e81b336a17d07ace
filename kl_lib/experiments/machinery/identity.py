"""The id of a run: a hash of one canonical JSON of all that makes it the run that it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical_json(value: object) -> str:
    """Write `value` as JSON in the one form that hashes are taken of.

    Keys are sorted, there are no spaces, and everything outside ASCII is escaped. nan and inf,
    which JSON does not have, raise ValueError.

    Examples
    --------
    >>> canonical_json({"b": 0.2, "a": [1, None]})
    '{"a":[1,null],"b":0.2}'
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def short_id(values: Mapping[str, Any]) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the canonical JSON.

    Examples
    --------
    >>> short_id({"b": 0.2, "a": [1, None]}) == short_id({"a": [1, None], "b": 0.2})
    True
    """
    return hashlib.sha256(canonical_json(values).encode("ascii")).hexdigest()[:16]
