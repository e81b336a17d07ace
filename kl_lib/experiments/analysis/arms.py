"""The runs of one arm: what they have measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..machinery.records import Record


@dataclass(frozen=True, kw_only=True)
class Arm:
    """The runs of one arm: `values` of the measure in the order of `seeds`, their mean and spread.

    The spread is the standard deviation (with n − 1) from seed to seed, not paired with anything.
    """

    name: str
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    mean: float
    spread: float


def summary(name: str, runs: Mapping[int, Record]) -> Arm:
    """Return what the runs of an arm have measured, by their seeds."""
    values = tuple(measured(runs).tolist())
    return Arm(
        name=name,
        seeds=tuple(runs),
        values=values,
        mean=float(np.mean(values)),
        spread=float(np.std(values, ddof=1)),
    )


def measured(runs: Mapping[int, Record]) -> NDArray[np.float64]:
    """Return the values of the measure, in the order of the seeds."""
    return np.array([record.config.measured(record) for record in runs.values()])


def correlation(one: NDArray[Any], other: NDArray[Any]) -> float | None:
    """Return the correlation of two arms; None where it would say nothing."""
    if len(one) < 3 or not (np.ptp(one) and np.ptp(other)):  # two points are always on a line
        return None
    return float(np.corrcoef(one, other)[0, 1])
