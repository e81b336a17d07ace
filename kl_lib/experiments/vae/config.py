"""What a run is: which objective, on which digits, with how many latents, for how long."""

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

VARIANTS = ("elbo", "annealed", "free_bits", "mean_kl", "two_layers")


@dataclass(frozen=True, kw_only=True)
class Vae(Experiment):
    """One variational autoencoder, trained on binarised digits and measured in nats an image.

    Parameters
    ----------
    variant : {"elbo", "annealed", "free_bits", "mean_kl", "two_layers"}
        What is minimised. ``"elbo"``: NLL + KL. ``"annealed"``: NLL + β KL, where β rises in equal
        steps over the first `warm_up` epochs and is 1 from then on. ``"free_bits"``: a dimension
        whose KL, as the mean over the batch, is below `free_nats` counts as `free_nats`.
        ``"mean_kl"``: the KL is averaged over the dimensions and not summed, a common slip.
        ``"two_layers"``: NLL + KL of the top latents + KL of those below them.
    dataset : {"mnist", "digits"}
        What the images are.
    epochs, batch_size : int
        Passes over the training images, and images a step.
    hidden, latents, top_latents : int
        Units of each hidden layer (ReLU), of the latents that pixels are made from, and of those
        above them in ``"two_layers"``.
    learning_rate : float
        Of Adam.
    warm_up : int
        See ``"annealed"``.
    free_nats : float
        See ``"free_bits"``.
    images, samples : int
        The importance-weighted bound is taken of this many test images, the first ones, with this
        many samples for each.
    threads : int
        Of the framework.

    Raises
    ------
    ConfigError
        If a value is of the wrong type or out of range.

    Examples
    --------
    >>> Vae(variant="elbo", seed=0, data_sha256="0" * 64).arm
    'elbo'
    """

    name: ClassVar[str] = "vae"
    arms: ClassVar[tuple[str, ...]] = ("variant",)
    baseline: ClassVar[str] = "elbo"
    measure: ClassVar[Measure] = Measure("test_elbo", margins=(1.0, 0.5))
    usual: ClassVar[Mapping[str, Sequence[Any]]] = {"variant": VARIANTS}

    variant: Literal["elbo", "annealed", "free_bits", "mean_kl", "two_layers"]
    dataset: Literal["mnist", "digits"] = "mnist"
    epochs: Annotated[int, Range(ge=1)] = 50
    batch_size: Annotated[int, Range(ge=1)] = 100
    hidden: Annotated[int, Range(ge=2)] = 200
    latents: Annotated[int, Range(ge=1)] = 50
    top_latents: Annotated[int, Range(ge=1)] = 10
    learning_rate: Annotated[float, Range(gt=0)] = 2e-3
    warm_up: Annotated[int, Range(ge=1)] = 10
    free_nats: Annotated[float, Range(ge=0)] = 0.25
    images: Annotated[int, Range(ge=1)] = 1000
    samples: Annotated[int, Range(ge=1)] = 200
    threads: Annotated[int, Range(ge=1, le=MOST_THREADS)] = 1

    @staticmethod
    def load(dataset: str = "mnist", file: Any = None) -> Arrays:
        """Load the images: see `load_images`."""
        from .data import load_images

        return load_images(dataset, file)

    def run(self, data: Any, progress: Progress, checkpoint: Checkpoint) -> dict[str, Any]:
        """Train and test: see `train`."""
        # By its name: a training begins with a config, and this is where configs are.
        train = look_up("kl_lib.experiments.vae.training:train")
        return train(self, data, progress, checkpoint)

    def beta(self, epoch: int) -> float:
        """Return what the KL is multiplied by in an epoch, from 1.

        Examples
        --------
        >>> annealed = Vae(variant="annealed", warm_up=4, seed=0, data_sha256="0" * 64)
        >>> [annealed.beta(epoch) for epoch in range(1, 7)]
        [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
        >>> Vae(variant="mean_kl", seed=0, data_sha256="0" * 64).beta(1)
        0.02
        """
        if self.variant == "mean_kl":
            return 1 / self.latents
        if self.variant == "annealed":
            return min(1.0, epoch / (self.warm_up + 1))
        return 1.0

    def prepare(self) -> None:
        from ..machinery.backend import start_quietly

        start_quietly("tensorflow", self.threads)

    def environment(self) -> dict[str, Any]:
        from ..machinery.backend import describe

        return describe("tensorflow", self.threads, also=("scikit-learn",))

    def contradictions(self, record: Record) -> Iterator[str]:
        result = record.result
        if missing := {"test_elbo", "part_elbo", "part_bound", "active"} - set(result):
            yield f"result lacks {', '.join(sorted(missing))}"
        elif result["part_bound"] < result["part_elbo"]:
            yield "its importance-weighted bound is below the ELBO of the same samples"
        for name in ("nll", "kl"):
            if len(record.history.get(name, ())) != self.epochs:
                yield f"history has no {name} for each of its {self.epochs} epochs"
