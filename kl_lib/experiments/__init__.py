"""Experiments that leave a record, can be stopped at any moment, and are compared by a rule.

An experiment is a frozen dataclass of choices that can load its data and run, see `Experiment`. One
instance of it is one run. Its canonical JSON is hashed, and the hash is the id of the run and the
name of its record. `run` does one and stores it, `sweep` does many, and `read_record` believes
nothing that it has not checked. `compare` says what runs show, paired by seed.

``cifar10`` and ``digits`` are built in: one ConvNet, whose runs are a `Config`; `run_drift` shows
how runs of one seed part. So are ``soft_labels``, a network beside human answers (`SoftLabels`),
and ``vae``, variational autoencoders on binarised digits (`Vae`).

Its rooms: `machinery` knows no science (identity and records of runs, checkpoints, sweeps, worker
processes, cluster), `analysis` compares, `convnet` is the built-in experiment, and another one gets
a room beside it and a line in `catalogue`. `commands` holds those of ``kl-lib``. What is imported
points towards the machinery.

Nothing here imports a framework before a run needs it.
"""

from .analysis.arms import Arm
from .analysis.comparison import Comparison, Contrast, compare
from .analysis.frames import epochs_table, runs_table
from .analysis.paired import (
    bootstrap_interval,
    equivalence_power,
    equivalence_test,
    t_interval,
    unpaired_interval,
)
from .analysis.pairing import ComparisonError
from .analysis.plots import plot_runs
from .analysis.rule import RULE, Assessment, Margin, assess
from .analysis.selection import select
from .catalogue import book_results, find_experiment, read_record, read_records
from .convnet.config import Config
from .convnet.data import Data, load_data
from .convnet.drift import (
    Apart,
    Counts,
    Drift,
    Wrong,
    read_drift,
    read_drifts,
    run_drift,
    study_drift,
    sure_and_wrong,
    write_drift,
)
from .convnet.grid import grid
from .convnet.training import Epoch, Result, train
from .machinery.backend import BackendError, tensorboard, use_threads
from .machinery.checkpoint import Checkpoint, CheckpointError, State
from .machinery.choices import ConfigError, Range
from .machinery.data import Arrays, DataError
from .machinery.definition import ExperimentError, Measure, TrainingError
from .machinery.experiment import Experiment
from .machinery.grids import all_configs
from .machinery.jobs import WorkerError
from .machinery.kept import kept_file, load_model
from .machinery.locks import RunBusyError
from .machinery.records import Record, find_record, new_record, write_record
from .machinery.runs import describe_environment, run
from .machinery.sealed import NewerRecordError, RecordError
from .machinery.status import Status, SweepError
from .machinery.store import comparable
from .machinery.sweeps import sweep
from .soft_labels import SoftLabels
from .vae import Vae, binarised, importance_weighted, load_images

__all__ = [
    "RULE",
    "Apart",
    "Arm",
    "Arrays",
    "Assessment",
    "BackendError",
    "Checkpoint",
    "CheckpointError",
    "Comparison",
    "ComparisonError",
    "Config",
    "ConfigError",
    "Contrast",
    "Counts",
    "Data",
    "DataError",
    "Drift",
    "Epoch",
    "Experiment",
    "ExperimentError",
    "Margin",
    "Measure",
    "NewerRecordError",
    "Range",
    "Record",
    "RecordError",
    "Result",
    "RunBusyError",
    "SoftLabels",
    "State",
    "Status",
    "SweepError",
    "TrainingError",
    "Vae",
    "WorkerError",
    "Wrong",
    "all_configs",
    "assess",
    "binarised",
    "book_results",
    "bootstrap_interval",
    "comparable",
    "compare",
    "describe_environment",
    "epochs_table",
    "equivalence_power",
    "equivalence_test",
    "find_experiment",
    "find_record",
    "grid",
    "importance_weighted",
    "kept_file",
    "load_data",
    "load_images",
    "load_model",
    "new_record",
    "plot_runs",
    "read_drift",
    "read_drifts",
    "read_record",
    "read_records",
    "run",
    "run_drift",
    "runs_table",
    "select",
    "study_drift",
    "sure_and_wrong",
    "sweep",
    "t_interval",
    "tensorboard",
    "train",
    "unpaired_interval",
    "use_threads",
    "write_drift",
    "write_record",
]
