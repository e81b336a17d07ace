"""How runs of one seed drift apart: a study of the ConvNet."""

from .measures import Apart, Wrong, apart, sure_and_wrong
from .record import drift_path, read_drift, read_drifts, run_drift, write_drift
from .study import Drift, arm_configs, study_drift
from .tracing import Counts, Trace, looks, trace

__all__ = [
    "Apart",
    "Counts",
    "Drift",
    "Trace",
    "Wrong",
    "apart",
    "arm_configs",
    "drift_path",
    "looks",
    "read_drift",
    "read_drifts",
    "run_drift",
    "study_drift",
    "sure_and_wrong",
    "trace",
    "write_drift",
]
