"""Experiments that leave a record: config, data, model, training, store.

A run is one frozen :class:`Config`. Its canonical JSON is hashed, and the hash is the id of the run
and the name of its record. ``train`` computes, ``write`` stores, ``read`` believes nothing that it
has not checked.

Nothing here imports a framework before a run needs it.
"""

from .backend import BackendError, use_threads
from .config import Config, ConfigError
from .data import Data, DataError, load_data
from .environment import describe_environment
from .store import (
    Record,
    RecordError,
    book_results,
    find_record,
    new_record,
    read_record,
    read_records,
    write_record,
)
from .training import Epoch, Result, TrainingError, train

__all__ = [
    "BackendError",
    "Config",
    "ConfigError",
    "Data",
    "DataError",
    "Epoch",
    "Record",
    "RecordError",
    "Result",
    "TrainingError",
    "book_results",
    "describe_environment",
    "find_record",
    "load_data",
    "new_record",
    "read_record",
    "read_records",
    "train",
    "use_threads",
    "write_record",
]
