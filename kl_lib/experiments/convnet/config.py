"""What a run is: every choice that changes its numbers, in one frozen object with an id."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from ..machinery.choices import Range
from ..machinery.definition import Measure, all_fields
from ..machinery.environment import MOST_THREADS
from ..machinery.experiment import Experiment, Progress
from ..machinery.references import look_up
from .own import OneOf, shown

if TYPE_CHECKING:
    from ..machinery.checkpoint import Checkpoint
    from ..machinery.records import Record
    from .data import Data

DATASETS = ("cifar10", "digits")
LOSSES = ("kl", "ce", "kl_logits", "ce_logits")

# The version of the code that turns a config into numbers: network, initial weights, optimiser,
# order of the images. Raise it when a change there changes the numbers, and every id changes with
# it. Recipe 1 seeded Python, NumPy and Keras, and left the order of the images to
# ``keras.Model.fit``, which can't be stopped and continued. In recipe 2 all that is random has a
# seed of its own, and the order of the images follows from the seed and the number of the epoch.
RECIPE = 2

# Fields that came after the first records, with the default that means "as before". They are left
# out of a config's JSON while they have it, so that the ids of older records stay what they are.
LATER: dict[str, Any] = {
    "disturbance": 0.0, "network": "convnet", "optimizer": "adam", "learning_rate": None,
}  # fmt: skip

# The null arm is this loss again, from initial kernels that are disturbed by this much.
NULL_LOSS, NULL_DISTURBANCE = "ce", 1e-7

# The fields that tell the arms of the experiment apart. A comparison needs all others but the seed
# to be equal.
ARMS = ("loss", "disturbance")


@dataclass(frozen=True, kw_only=True)
class Config(Experiment):
    """One run: all that changes its numbers, except the machine and the versions of the libraries.

    (Those are written into the record. The same config on another processor gives nearby numbers,
    not the same ones.)

    Parameters
    ----------
    dataset : {"cifar10", "digits"}
        The data set, which also decides the input shape of the network.
    data_sha256 : str
        Checksum of the arrays, as `Data.sha256` has it.
    loss : {"kl", "ce", "kl_logits", "ce_logits"} or "module:function"
        On one-hot labels. ``"kl"`` and ``"ce"`` are ``keras.losses.KLDivergence`` and
        ``keras.losses.CategoricalCrossentropy`` on the output of a softmax, ``"kl_logits"`` and
        ``"ce_logits"`` are :class:`kl_lib.losses.keras.KLFromLogits` and the cross-entropy of Keras
        on the same network without its softmax. A function of your own takes labels and outputs and
        returns a loss for each sample; if its name ends in ``_logits``, the network has no softmax.
    seed : int
        Seed of the initial weights, the order of the images and the dropout masks.
    epochs, batch_size : int
        Passes over the training images, and images a step.
    validation_split : float
        Part of the training images that is held out: the last ones, as in ``keras.Model.fit``.
    threads : int
        Threads of the framework. With other threads sums are taken in another order, so the same
        seed ends in other weights.
    backend : {"tensorflow", "jax"}
        The Keras backend. The same seed gives other weights on each.
    precision : {"float32", "mixed_bfloat16"}
        The Keras dtype policy of all layers but the last, which is float32 always.
    disturbance : float
        Standard deviation of normal noise that is added to the initial kernels: all weights but the
        biases, which start at zero. Its seed follows from `seed`. With 1e-7 a run is the null arm
        of an experiment: how far apart do two runs end that differ in nothing that matters?
    network : {"convnet"} or "module:function"
        A function of your own is called like `convnet`, and returns a model that is not compiled.
    optimizer : {"adam"} or "module:function"
        A function of your own returns an optimiser of Keras, as ``"keras.optimizers:SGD"`` does.
    learning_rate : float or None
        Of the optimiser; None is that which it has by itself. A function of your own is given it by
        this name.
    recipe : int
        Version of the code that turns a config into numbers.

    Raises
    ------
    ConfigError
        If a value is of the wrong type or out of range, or a module can't be found.

    Notes
    -----
    What is called ``module:function`` is kept with a checksum of its file, so that other source is
    another run.

    A field that is added later has to have a default that means "as before" and has to stay out of
    :meth:`as_dict` while it has that value: so the ids of older records stay what they are.

    Examples
    --------
    >>> config = Config(dataset="digits", data_sha256="0" * 64, loss="kl", seed=0)
    >>> config.id
    'db7bc572892c317d'
    >>> Config(dataset="digits", data_sha256="0" * 64, loss="kl", seed=0, epochs=0)
    Traceback (most recent call last):
    ...
    kl_lib.experiments.machinery.choices.ConfigError: epochs is 0, expected a whole number from 1
    """

    name: ClassVar[str] = "convnet"
    arms: ClassVar[tuple[str, ...]] = ARMS
    baseline: ClassVar[str] = NULL_LOSS
    measure: ClassVar[Measure] = Measure("test_accuracy", margins=(0.01, 0.005), percent=True)
    named_arms: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "null": {"loss": NULL_LOSS, "disturbance": NULL_DISTURBANCE}
    }

    later: ClassVar[Mapping[str, Any]] = LATER
    usual: ClassVar[Mapping[str, Sequence[Any]]] = {"loss": ("kl", "ce", "null"), "threads": (1,)}

    dataset: Literal["cifar10", "digits"]
    loss: Annotated[str, OneOf("loss", LOSSES)]
    epochs: Annotated[int, Range(ge=1)] = 25
    batch_size: Annotated[int, Range(ge=1, le=2**31 - 1)] = 250
    validation_split: Annotated[float, Range(gt=0, lt=1)] = 0.2
    threads: Annotated[int, Range(ge=1, le=MOST_THREADS)] = 2
    backend: Literal["tensorflow", "jax"] = "tensorflow"
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    disturbance: Annotated[float, Range(ge=0)] = LATER["disturbance"]
    network: Annotated[str, OneOf("network", ("convnet",))] = LATER["network"]
    optimizer: Annotated[str, OneOf("optimizer", ("adam",))] = LATER["optimizer"]
    learning_rate: Annotated[float, Range(gt=0)] | None = LATER["learning_rate"]
    recipe: Annotated[int, Range(ge=1)] = RECIPE

    # Its records are older than other experiments: `dataset` and `recipe` are name and version.

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Config:
        """Build a config from a mapping, such as the ``config`` of a stored record.

        Every field has to be there, also those that have a default: a record says all that it
        stands for. (Fields that came later may be absent, which means "as before".)
        """
        return cls(**all_fields(cls, {"data_files": (), **LATER, **values}))

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of plain strings and numbers, see the notes of the class."""
        return self.said()

    @classmethod
    def folder_for(cls, choices: Mapping[str, Any]) -> str:
        return choices["dataset"]

    @property
    def arm(self) -> str:
        """Name of the run in comparisons, which is its loss, or "null" in the null arm."""
        if (self.loss, self.disturbance) == (NULL_LOSS, NULL_DISTURBANCE):
            return "null"
        return shown(self.loss) + (f"+{self.disturbance:g}" if self.disturbance else "")

    @property
    def logits(self) -> bool:
        """Whether the network ends without its softmax: its loss takes logits."""
        return shown(self.loss).endswith("_logits")

    @staticmethod
    def load(dataset: str, backend: str = "tensorflow", file: Any = None) -> Data:
        """Load the images: see `load_data`."""
        from ..machinery.backend import import_quietly
        from .data import load_data

        if dataset == "cifar10" and file is None:
            import_quietly(backend)  # it has the data
        return load_data(dataset, file=file, backend=backend)

    def run(self, data: Any, progress: Progress, checkpoint: Checkpoint) -> dict[str, Any]:
        """Train and test: see `train`. The model and what it predicts may be kept."""
        # By its name: a training begins with a config, and this is where configs are.
        train = look_up("kl_lib.experiments.convnet.training:train")
        predictions = look_up("kl_lib.experiments.convnet.training:predictions")

        def on_epoch(epoch: Any) -> None:
            numbers = asdict(epoch)
            progress(numbers.pop("number"), **numbers)

        result = train(self, data, on_epoch=on_epoch, checkpoint=checkpoint)
        model = result.model
        keep = {"model": model, "predictions": lambda: predictions(self, data, model)}
        return result.as_dict() | {"keep": keep}

    def prepare(self) -> None:
        from ..machinery.backend import start_quietly

        start_quietly(self.backend, self.threads)

    def environment(self) -> dict[str, Any]:
        from ..machinery.backend import describe

        return describe(self.backend, self.threads, also=("scikit-learn",))

    def about(self) -> None:
        """Say nothing: this experiment is in every kl_lib, and its records are older than that."""

    def headline(self) -> dict[str, str]:
        from .wording import headline

        return headline(self)

    def measured(self, record: Record) -> float:
        # Frameworks count in float32. Back to whole images, so that equal differences are equal.
        images = record.data["test_images"]
        return round(record.result["test_accuracy"] * images) / images

    def contradictions(self, record: Record) -> Iterator[str]:
        from .wording import contradictions

        return contradictions(self, record)

    def row(self, record: Record) -> dict[str, str]:
        from .wording import row

        return row(record)

    def outcome(self, record: Record) -> str:
        from .wording import outcome

        return outcome(record)

    def summary(self, record: Record) -> str:
        from .wording import summary

        return summary(self, record)


#: The two experiments that are built in.
cifar10 = functools.partial(Config, dataset="cifar10")
digits = functools.partial(Config, dataset="digits")


def config_from_dict(values: Mapping[str, Any]) -> Config:
    """Build a :class:`Config` from what `as_dict` says of it.

    Raises
    ------
    ConfigError
        If a field is missing, unknown, or has a value that no run can have.

    Examples
    --------
    >>> config = Config(dataset="digits", data_sha256="0" * 64, loss="kl", seed=0)
    >>> config_from_dict(config.as_dict()) == config
    True
    """
    return Config.from_dict(values)
