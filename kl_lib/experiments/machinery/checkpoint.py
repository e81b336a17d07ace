"""Where a run stands after its last whole epoch, so that a run that was stopped can go on.

A checkpoint is one file: a line of JSON that says what it belongs to and what was measured so far,
and after it the arrays that it goes on with as an ``.npz``. It is taken up only by the
same config on the same machine with the same versions, because only there is the run that goes on
the run that would have been.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .experiment import Experiment
from .files import write_whole
from .identity import canonical_json

SCHEMA = 1

# What may differ between the two halves of a run: what changes its numbers is in the recipe.
_IRRELEVANT = ("git_commit", "git_dirty", "cores")


@dataclass(frozen=True, kw_only=True)
class State:
    """Where a run stands.

    Attributes
    ----------
    epochs : list of dict
        What was measured in each step that is done, under names.
    arrays : list
        All that the run needs to go on: weights, optimiser, random numbers.
    peak_memory : int
        Bytes, up to here.
    """

    epochs: list[dict[str, Any]]
    arrays: Sequence[np.ndarray]
    peak_memory: int = 0


class CheckpointError(ValueError):
    """A checkpoint that a run can't go on from. The message says why."""


class Checkpoint:
    """The checkpoint of one run.

    Parameters
    ----------
    path : path or None
        The file. None keeps nothing.
    config : Experiment
        The run.
    environment : mapping
        What it runs on, as `describe_environment` says it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        config: Experiment,
        environment: Mapping[str, Any],
    ) -> None:
        self._path = None if path is None else Path(path)
        relevant = {k: v for k, v in environment.items() if k not in _IRRELEVANT}
        self._owner = {"config": config.as_dict(), "environment": relevant}
        self._began, self._before = time.perf_counter(), 0.0

    @property
    def path(self) -> Path:
        """The file."""
        assert self._path is not None
        return self._path

    @property
    def seconds(self) -> float:
        """How long the run has taken up to now, the parts before it was stopped included."""
        return self._before + time.perf_counter() - self._began

    def save(self, state: State) -> None:
        """Replace the file by `state`, whole or not at all.

        Raises
        ------
        OSError
            If the disk is full or the folder can't be written.
        """
        if self._path is None:
            return
        arrays = io.BytesIO()
        np.savez(arrays, *state.arrays)
        header = {
            "schema": SCHEMA,
            **self._owner,
            "epochs": state.epochs,
            "peak_memory": state.peak_memory,
            "seconds": self.seconds,
        }
        payload = arrays.getvalue()
        header["sha256"] = _digest(header, payload)
        write_whole(self.path, canonical_json(header).encode("ascii") + b"\n" + payload)

    def load(self) -> State | None:
        """Return what was saved last, or None if nothing was.

        Raises
        ------
        CheckpointError
            If the file is damaged, or of another config, machine or version.
        """
        if self._path is None:
            return None
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CheckpointError(f"it can't be read: {error.strerror}") from error
        first, _, payload = content.partition(b"\n")
        try:
            header = json.loads(first)
            digest = header.pop("sha256")
            whole = digest == _digest(header, payload)
        except (ValueError, KeyError, AttributeError, TypeError):
            whole = False
        if not whole:
            raise CheckpointError("it is damaged")
        if header["schema"] != SCHEMA:
            raise CheckpointError("another version of kl_lib wrote it")
        for part, mine in self._owner.items():
            if header[part] != mine:
                theirs = header[part]
                names = sorted(k for k in {*mine, *theirs} if mine.get(k) != theirs.get(k))
                raise CheckpointError(f"it was written with another {', '.join(names)}")
        with np.load(io.BytesIO(payload), allow_pickle=False) as file:
            arrays = [file[name] for name in file.files]
        self._began, self._before = time.perf_counter(), header.get("seconds", 0.0)
        return State(epochs=header["epochs"], peak_memory=header["peak_memory"], arrays=arrays)

    def remove(self) -> None:
        """Delete the file, if there is one."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def epochs_done(path: str | os.PathLike[str]) -> int:
    """How many epochs the checkpoint at `path` has; 0 without one. For progress: not checked."""
    try:
        with open(path, "rb") as file:
            return len(json.loads(file.readline())["epochs"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _digest(header: Mapping[str, Any], payload: bytes) -> str:
    digest = hashlib.sha256(canonical_json(header).encode("ascii"))
    digest.update(payload)
    return digest.hexdigest()
