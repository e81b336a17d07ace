"""Where a sweep stands."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .experiment import Experiment
from .records import Record


@dataclass
class Status:
    """Where a sweep stands.

    Attributes
    ----------
    configs : tuple of Experiment
        All runs.
    finished : dict
        Record of each run that is finished, by id.
    running : dict
        How many whole epochs are done of each run that this sweep is doing, by id.
    elsewhere : dict
        The same of the runs that another process is doing.
    failed : dict
        Why a run failed, by id.
    """

    configs: tuple[Experiment, ...]
    finished: dict[str, Record]
    running: dict[str, int] = field(default_factory=dict)
    elsewhere: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._began = time.monotonic(), self.epochs_done

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the pace so far; None before there is one."""
        began, before = self._began
        done = self.epochs_done
        if done <= before:
            return None
        return (time.monotonic() - began) * (self.epochs - done) / (done - before)

    @property
    def epochs(self) -> int:
        """How many epochs the whole sweep has."""
        return sum(config.steps for config in self.configs)

    @property
    def epochs_done(self) -> int:
        """How many of them are done."""
        unfinished = self.running | self.elsewhere
        return sum(
            config.steps
            if config.id in self.finished or config.id in self.failed
            else unfinished.get(config.id, 0)
            for config in self.configs
        )


class SweepError(RuntimeError):
    """Runs that failed. `status` says which are finished all the same."""

    def __init__(self, status: Status) -> None:
        self.status = status
        reasons = "; ".join(f"run {id_}: {why}" for id_, why in status.failed.items())
        super().__init__(
            f"{len(status.failed)} of {len(status.configs)} runs failed, the others are finished "
            f"and stored. {reasons}"
        )
