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
    resumed : dict
        How many epochs unfinished runs had in their checkpoints before this sweep, by id.
    waits_for : str or None
        What it waits for and can't hurry, in words.
    """

    configs: tuple[Experiment, ...]
    finished: dict[str, Record]
    running: dict[str, int] = field(default_factory=dict)
    elsewhere: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    resumed: dict[str, int] = field(default_factory=dict)
    waits_for: str | None = None

    def __post_init__(self) -> None:
        self._at_first = sum(c.steps for c in self.configs if self._ended(c))
        self._since: tuple[float, int] | None = None

    def move(self, running: dict[str, int], elsewhere: dict[str, int]) -> None:
        """Note how far runs are."""
        self.running, self.elsewhere = running, elsewhere
        for id_, done in (running | elsewhere).items():  # less, if a checkpoint was of no use
            self.resumed[id_] = min(self.resumed.get(id_, 0), done)
        if self._since is None and self.epochs_done_now > 0:
            self._since = time.monotonic(), self.epochs_done_now

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the pace so far; None before there is one.

        The pace is taken from when this sweep was first seen to have done something, because what
        came before is the start of the workers, and when it has done as much again.
        """
        if self.epochs_done == self.epochs:
            return 0.0
        if self._since is None:
            return None
        began, before = self._since
        done = self.epochs_done_now - before
        if done < before:
            return None
        return (time.monotonic() - began) * (self.epochs - self.epochs_done) / done

    @property
    def epochs_done_now(self) -> int:
        """How many epochs are done that were not when the sweep began."""
        return self.epochs_done - self._at_first - sum(self.resumed.values())

    @property
    def epochs(self) -> int:
        """How many epochs the whole sweep has."""
        return sum(config.steps for config in self.configs)

    @property
    def epochs_done(self) -> int:
        """How many of them are done."""
        unfinished = self.resumed | self.running | self.elsewhere
        return sum(
            config.steps if self._ended(config) else unfinished.get(config.id, 0)
            for config in self.configs
        )

    def _ended(self, config: Experiment) -> bool:
        return config.id in self.finished or config.id in self.failed


class SweepError(RuntimeError):
    """Runs that failed. `status` says which are finished all the same."""

    def __init__(self, status: Status) -> None:
        self.status = status
        runs: dict[str, list[str]] = {}
        for id_, why in status.failed.items():
            runs.setdefault(why, []).append(id_)
        reasons = "; ".join(
            f"run {ids[0]}{f' and {len(ids) - 1} more' if len(ids) > 1 else ''}: {why}"
            for why, ids in runs.items()
        )
        super().__init__(
            f"{len(status.failed)} of {len(status.configs)} runs failed, the others are finished "
            f"and stored. {reasons}"
        )
