"""What `make test` leaves to CI: of many cases of one kind, all but the first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first_of(cases: Iterable[Any], keep: int = 1) -> list[Any]:
    """Cases for `parametrize`; those after the first `keep` are tried with THOROUGH=1 only."""
    return [
        case if number < keep else pytest.param(*as_tuple(case), marks=pytest.mark.thorough)
        for number, case in enumerate(cases)
    ]


def as_tuple(case: Any) -> tuple[Any, ...]:
    return case if type(case) is tuple else (case,)  # a named tuple is one value
