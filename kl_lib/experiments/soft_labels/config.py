"""What a run is: the labels that a network is fine-tuned on, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from ..machinery.choices import Range
from ..machinery.definition import Measure
from ..machinery.environment import MOST_THREADS
from ..machinery.experiment import Experiment, Progress
from ..machinery.references import look_up

if TYPE_CHECKING:
    from ..machinery.checkpoint import Checkpoint
    from ..machinery.data import Arrays
    from ..machinery.records import Record

#: What fifty answers an image are off by: the mean of (different answers - 1) / 2n over the images
#: is 0.0092 nats of KL, also for a network that knows what all people would say. It is the same
#: for every arm. A difference that matters should be more than that.
MARGIN = 0.01

#: All arms, the baseline first: a sweep does them in this order, seed by seed.
TARGETS = ("hard", "human", "class", "smooth", "null")

#: The noise of the null arm.
DISTURBANCE = 1e-7


@dataclass(frozen=True, kw_only=True)
class SoftLabels(Experiment):
    """One run: a network learns labels, then one half of the test images by labels of some kind.

    Runs of one seed share the first part, the halves, the order of the images, and the dropout.

    Parameters
    ----------
    targets : {"hard", "human", "class", "smooth", "null"}
        Labels of the fine-tuning: one-hot labels; the answers that people gave to the image; their
        answers to all images of its class in that half; one-hot labels, smoothed until they put as
        much on the label as people do; or, as the null arm, one-hot labels once more, with normal
        noise of 1e-7 on the kernels before the first step.
    epochs, learning_rate
        Passes over the training images, and the rate of Adam, which falls to 0 in a straight line.
    tuning_epochs, tuning_rate
        The same for the fine-tuning.
    batch_size : int
        Images a step.
    threads : int
        Threads of TensorFlow. With others sums are taken in another order.

    Notes
    -----
    What is recorded are sums and means over many images, nothing of a single one: the human answers
    (CIFAR-10H) are licensed CC BY-NC-SA 4.0.
    """

    name: ClassVar[str] = "soft_labels"
    version: ClassVar[int] = 1
    arms: ClassVar[tuple[str, ...]] = ("targets",)
    baseline: ClassVar[str] = "hard"
    measure: ClassVar[Measure] = Measure("heldout_kl", margins=(MARGIN,))
    usual: ClassVar[Mapping[str, Sequence[Any]]] = {"targets": TARGETS}

    targets: Literal["hard", "human", "class", "smooth", "null"] = "human"
    epochs: Annotated[int, Range(ge=1)] = 3
    learning_rate: Annotated[float, Range(gt=0)] = 4e-3
    tuning_epochs: Annotated[int, Range(ge=1)] = 3
    tuning_rate: Annotated[float, Range(gt=0)] = 1e-3
    batch_size: Annotated[int, Range(ge=1)] = 125
    threads: Annotated[int, Range(ge=1, le=MOST_THREADS)] = 1

    @property
    def steps(self) -> int:
        """How many epochs it has in all."""
        return self.epochs + self.tuning_epochs

    @staticmethod
    def load(images: Any = None, human: Any = None) -> Arrays:
        """Load images and human answers from two files."""
        from .data import load

        return load(images, human)

    def run(self, data: Any, progress: Progress, checkpoint: Checkpoint) -> dict[str, Any]:
        """Train, fine-tune, and measure before and after."""
        # By its name: a training begins with a config, and this is where configs are.
        train = look_up("kl_lib.experiments.soft_labels.training:run")
        return train(self, data, progress, checkpoint)

    def prepare(self) -> None:
        from ..machinery.backend import start_quietly

        start_quietly("tensorflow", self.threads)

    def environment(self) -> dict[str, Any]:
        from ..machinery.backend import describe

        return describe("tensorflow", self.threads)

    def contradictions(self, record: Record) -> Iterator[str]:
        """Say what in a record can't be."""
        from .measures import MEASURES

        yield from super().contradictions(record)
        for when in ("before", "tempered", "heldout"):
            for name in MEASURES:
                if (key := f"{when}_{name}") not in record.result:
                    yield f"result has no {key}"
                elif record.result[key] < 0:
                    yield f"{key} is {record.result[key]}, expected 0 or more"

    def row(self, record: Record) -> dict[str, str]:
        """Return what the table of runs says of one."""
        result = record.result
        return {
            "KL": f"{result['before_kl']:.3f} → {result['heldout_kl']:.3f}",
            "accuracy": f"{result['before_accuracy']:.4f} → {result['heldout_accuracy']:.4f}",
            "seconds": f"{result['seconds']:.0f}",
        }
