"""What is said of runs of the ConvNet: headings, rows of tables, and what in a record can't be."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..machinery.records import Record, is_number
from ..machinery.words import duration
from .own import shown

if TYPE_CHECKING:
    from .config import Config

HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds")
MEASURES = ("test_loss", "test_accuracy", "parameters", "seconds", "peak_memory")


def headline(config: Config) -> dict[str, str]:
    """Return words for each field, to stand over tables; later fields where they are used."""
    c = config
    words = {
        "dataset": f"{c.dataset} {c.data_sha256[:8]}",
        "loss": shown(c.loss),
        "disturbance": f"disturbance {c.disturbance:g}",
        "epochs": f"epochs {c.epochs}",
        "batch_size": f"batch {c.batch_size}",
        "validation_split": f"held out {c.validation_split:g}",
        "threads": f"threads {c.threads}",
        "backend": c.backend,
        "precision": c.precision,
        "recipe": f"recipe {c.recipe}",
    }
    if c.network != "convnet":
        words["network"] = f"network {c.network}"
    if c.optimizer != "adam":
        words["optimizer"] = f"optimizer {c.optimizer}"
    if c.learning_rate is not None:
        words["learning_rate"] = f"learning rate {c.learning_rate:g}"
    return words


def row(record: Record) -> dict[str, str]:
    """Return what the table of runs says of one, under headings."""
    result = record.result
    memory = result.get("peak_memory")
    return {
        "accuracy": f"{result['test_accuracy']:.4f}",
        "loss": f"{result['test_loss']:.4f}",
        "s/epoch": f"{statistics.median(record.history['seconds']):.1f}",
        "minutes": f"{result['seconds'] / 60:.1f}",
        "GB": f"{memory / 1e9:.2f}" if memory else "",
    }


def outcome(record: Record) -> str:
    """Say how a run ended."""
    result = record.result
    return (
        f"accuracy {result['test_accuracy']:.4f}, loss {result['test_loss']:.4f}, "
        f"{duration(result['seconds'])}"
    )


def summary(config: Config, record: Record) -> str:
    """Say how a run ended, after it was shown."""
    result = record.result
    return (
        f"Test loss {result['test_loss']:.4f} nats, accuracy {result['test_accuracy']:.4f}, "
        f"epochs {config.epochs}, {duration(result['seconds'])}"
    )


def contradictions(config: Config, record: Record) -> Iterator[str]:
    """Say what in a record can't be."""
    for name in HISTORY:
        values = record.history.get(name)
        if not isinstance(values, list) or len(values) != config.epochs:
            yield f"history has no {name} for each of its {config.epochs} epochs"
        elif not all(is_number(value) for value in values):
            yield f"{name} in its history holds something that is not a finite number"
    for name in MEASURES if record.schema > 1 else MEASURES[:-1]:
        if not is_number(record.result.get(name)):
            yield f"result has no {name}, or one that is not a finite number"
    accuracies = [*record.history["accuracy"], *record.history["val_accuracy"]]
    for accuracy in [*accuracies, record.result["test_accuracy"]]:
        if not 0 <= accuracy <= 1:
            yield f"it has an accuracy of {accuracy}, expected 0 to 1"
