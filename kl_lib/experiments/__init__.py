"""Experiments that leave a record: config, data, model, training, store, sweeps, comparison.

A run is one frozen :class:`Config`. Its canonical JSON is hashed, and the hash is the id of the run
and the name of its record. `train` computes, `run` computes and stores, `sweep` does many runs, and
`read_record` believes nothing that it has not checked. `compare` says what the runs show, paired by
seed, and `run_drift` how runs of one seed part.

Nothing here imports a framework before a run needs it.
"""

from .backend import BackendError, use_threads
from .checkpoint import Checkpoint, CheckpointError
from .comparison import Comparison, ComparisonError, Contrast, compare
from .config import Config, ConfigError
from .data import Data, DataError, load_data
from .drift import Drift, read_drift, read_drifts, study_drift, sure_and_wrong, write_drift
from .environment import describe_environment
from .runs import RunBusyError, run, run_drift
from .sealed import NewerRecordError, RecordError
from .statistics import RULE, Assessment, assess
from .store import (
    Record,
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
    "RULE",
    "Assessment",
    "BackendError",
    "Checkpoint",
    "CheckpointError",
    "Comparison",
    "ComparisonError",
    "Config",
    "ConfigError",
    "Contrast",
    "Data",
    "DataError",
    "Drift",
    "Epoch",
    "NewerRecordError",
    "Record",
    "RecordError",
    "Result",
    "RunBusyError",
    "Status",
    "SweepError",
    "TrainingError",
    "assess",
    "book_results",
    "comparable",
    "compare",
    "describe_environment",
    "find_record",
    "grid",
    "load_data",
    "new_record",
    "read_drift",
    "read_drifts",
    "read_record",
    "read_records",
    "run",
    "run_drift",
    "study_drift",
    "sure_and_wrong",
    "sweep",
    "train",
    "use_threads",
    "write_drift",
    "write_record",
]
