"""Experiments that leave a record: config, data, model, training, store, sweeps.

A run is one frozen :class:`Config`. Its canonical JSON is hashed, and the hash is the id of the run
and the name of its record. `train` computes, `run` computes and stores, `sweep` does many runs, and
`read_record` believes nothing that it has not checked.

Nothing here imports a framework before a run needs it.
"""

from .backend import BackendError, use_threads
from .checkpoint import Checkpoint, CheckpointError
from .config import Config, ConfigError
from .data import Data, DataError, load_data
from .environment import describe_environment
from .runs import RunBusyError, run
from .store import (
    Record,
    RecordError,
    book_results,
    comparable,
    find_record,
    new_record,
    read_record,
    read_records,
    write_record,
)
from .sweeps import Status, SweepError, grid, sweep
from .training import Epoch, Result, TrainingError, train

__all__ = [
    "BackendError",
    "Checkpoint",
    "CheckpointError",
    "Config",
    "ConfigError",
    "Data",
    "DataError",
    "Epoch",
    "Record",
    "RecordError",
    "Result",
    "RunBusyError",
    "Status",
    "SweepError",
    "TrainingError",
    "book_results",
    "comparable",
    "describe_environment",
    "find_record",
    "grid",
    "load_data",
    "new_record",
    "read_record",
    "read_records",
    "run",
    "sweep",
    "train",
    "use_threads",
    "write_record",
]
