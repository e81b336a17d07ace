"""Experiments that leave a record: config, data, model, training, store.

A run is one frozen :class:`Config`. Its canonical JSON is hashed, and the hash is the id of the run
and the name of its record. ``train`` computes, ``write`` stores, ``read`` believes nothing that it
has not checked.

Nothing here imports a framework before a run needs it.
"""

from kl_lib.experiments.backend import BackendError
from kl_lib.experiments.config import Config, ConfigError
from kl_lib.experiments.data import Data, DataError, load_data
from kl_lib.experiments.environment import describe_environment
from kl_lib.experiments.store import (
    Record,
    RecordError,
    find_record,
    new_record,
    read_record,
    read_records,
    write_record,
)
from kl_lib.experiments.training import Epoch, Result, TrainingError, train

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
    "describe_environment",
    "find_record",
    "load_data",
    "new_record",
    "read_record",
    "read_records",
    "train",
    "write_record",
]
