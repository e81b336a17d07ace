"""A warning where the source of an experiment has changed and its version has not."""

from __future__ import annotations

from pathlib import Path

from ..machinery.experiment import Experiment
from ..machinery.records import read_record
from ..machinery.references import source_sha256
from ..machinery.sealed import NewerRecordError, RecordError
from ..machinery.store import record_paths
from .ending import warn


def warn_of_changed_source(store: Path, config: Experiment) -> None:
    """Say if runs in the store are of this version of the experiment, but of other source.

    Nobody but the author knows whether a change alters numbers. So the checksum of the file is kept
    beside the results and not in the id, and whoever raises `version` gets new ids.
    """
    cls = type(config)
    if cls.__module__.startswith("kl_lib."):
        return
    others = 0
    for path in record_paths(store, config.folder):
        try:
            record = read_record(path, cls)
        except (RecordError, NewerRecordError):
            continue  # named where it matters
        same = type(record.config) is cls
        others += same and record.environment.get("source_sha256") != source_sha256(cls)
    if others:
        warn(
            f"{others} finished runs of {cls.name} are of other source with the same version, "
            f"{cls.version}: raise version if the change alters numbers"
        )
