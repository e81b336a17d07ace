"""How a command ends: with one line, where a traceback would tell the user nothing more."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from ..analysis.pairing import ComparisonError
from ..machinery.backend import BackendError
from ..machinery.checkpoint import CheckpointError
from ..machinery.choices import ConfigError
from ..machinery.data import DataError
from ..machinery.definition import ExperimentError, TrainingError
from ..machinery.jobs import WorkerError
from ..machinery.locks import RunBusyError
from ..machinery.sealed import NewerRecordError, RecordError
from ..machinery.status import SweepError

RESUMED = (
    ". Finished runs are stored, the others keep their last whole epoch, and the same command goes "
    "on from there"
)
RESUMED_ON_A_CLUSTER = (
    ". Finished runs are stored. Where workers see the store under the same path, the others keep "
    "their last whole epoch, and the same command goes on from there; elsewhere they begin again"
)


@contextmanager
def errors_in_one_line(interrupted: str = "") -> Iterator[None]:
    """End with one line and a status: 2 for what was asked, 1 for what came of it, 130 for Ctrl-C.

    After Ctrl-C the line is "interrupted" and what is given here.
    """
    try:
        yield
    except (ComparisonError, ConfigError, ExperimentError) as error:
        _stop(error, 2)
    except (
        BackendError,
        CheckpointError,
        DataError,
        ModuleNotFoundError,
        NewerRecordError,
        RecordError,
        RunBusyError,
        SweepError,
        TrainingError,
        WorkerError,
    ) as error:
        _stop(error, 1)
    except BrokenPipeError:  # as of `kl-lib results | head`, which has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None  # as the shell says it
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}" if error.filename else error, 1)
    except KeyboardInterrupt:
        _stop(f"interrupted{interrupted}", 130)


def _stop(why: object, status: int) -> NoReturn:
    warn(why)
    raise typer.Exit(status)


def warn(line: object) -> None:
    """Print a line on standard error."""
    typer.echo(f"kl-lib: {line}", err=True)
