"""What a run is: every choice that changes its numbers, in one frozen object with an id."""

from __future__ import annotations

import hashlib
import json
import math
import operator
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

DATASETS = ("cifar10", "digits")
LOSSES = ("kl", "ce", "kl_logits", "ce_logits")
BACKENDS = ("tensorflow", "jax")
PRECISIONS = ("float32", "mixed_bfloat16")

# The version of the code that turns a config into numbers: network, initial weights, optimiser,
# order of the images. Raise it when a change there changes the numbers, and every id changes with
# it. Recipe 1 seeded Python, NumPy and Keras, and left the order of the images to
# ``keras.Model.fit``, which can't be stopped and continued. In recipe 2 all that is random has a
# seed of its own, and the order of the images follows from the seed and the number of the epoch.
RECIPE = 2

# Fields that came after the first records, with the default that means "as before". They are left
# out of a config's JSON while they have it, so that the ids of older records stay what they are.
LATER: dict[str, Any] = {"disturbance": 0.0}

# The null arm is this loss again, from initial kernels that are disturbed by this much.
NULL_LOSS, NULL_DISTURBANCE = "ce", 1e-7

# The fields that tell the arms of the experiment apart. A comparison needs all others but the seed
# to be equal.
ARMS = ("loss", "disturbance")

# numpy and TensorFlow both take 32 bits.
LARGEST_SEED = 2**32 - 1


def config_from_dict(values: Mapping[str, Any]) -> Config:
    """Build a :class:`Config` from a mapping, such as the ``config`` of a stored record.

    Every field has to be there, also those that have a default: a record says all that it stands
    for. (Fields that came later may be absent, which means "as before".)

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
    known = {field.name for field in fields(Config)}
    if missing := sorted(known - set(values) - set(LATER)):
        raise ConfigError(f"config lacks {', '.join(missing)}")
    if unknown := sorted(set(values) - known):
        raise ConfigError(f"config has unknown fields: {', '.join(unknown)}")
    return Config(**values)


def canonical_json(value: object) -> str:
    """Write `value` as JSON in the one form that hashes are taken of.

    Keys are sorted, there are no spaces, and everything outside ASCII is escaped. nan and inf,
    which JSON does not have, raise ValueError.

    Examples
    --------
    >>> canonical_json({"b": 0.2, "a": [1, None]})
    '{"a":[1,null],"b":0.2}'
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


@dataclass(frozen=True, kw_only=True)
class Config:
    """One run: all that changes its numbers, except the machine and the versions of the libraries.

    (Those are written into the record. The same config on another processor gives nearby numbers,
    not the same ones.)

    Parameters
    ----------
    dataset : {"cifar10", "digits"}
        The data set, which also decides the input shape of the network.
    data_sha256 : str
        Checksum of the arrays, as `Data.sha256` has it.
    loss : {"kl", "ce", "kl_logits", "ce_logits"}
        On one-hot labels. ``"kl"`` and ``"ce"`` are ``keras.losses.KLDivergence`` and
        ``keras.losses.CategoricalCrossentropy`` on the output of a softmax, ``"kl_logits"`` and
        ``"ce_logits"`` are :class:`kl_lib.losses.keras.KLFromLogits` and the cross-entropy of Keras
        on the same network without its softmax.
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
    recipe : int
        Version of the code that turns a config into numbers.

    Raises
    ------
    ConfigError
        If a value is of the wrong type or out of range.

    Notes
    -----
    A field that is added later has to have a default that means "as before" and has to stay out of
    :meth:`as_dict` while it has that value: so the ids of older records stay what they are.

    Examples
    --------
    >>> config = Config(dataset="digits", data_sha256="0" * 64, loss="kl", seed=0)
    >>> config.id
    'db7bc572892c317d'
    >>> Config(dataset="digits", data_sha256="0" * 64, loss="kl", seed=-1)
    Traceback (most recent call last):
    ...
    kl_lib.experiments.config.ConfigError: seed is -1, expected a whole number from 0 to 4294967295
    """

    dataset: str
    data_sha256: str
    loss: str
    seed: int
    epochs: int = 25
    batch_size: int = 250
    validation_split: float = 0.2
    threads: int = 2
    backend: str = "tensorflow"
    precision: str = "float32"
    disturbance: float = LATER["disturbance"]
    recipe: int = RECIPE

    def __post_init__(self) -> None:
        _check_choice("dataset", self.dataset, DATASETS)
        _check_choice("loss", self.loss, LOSSES)
        _check_choice("backend", self.backend, BACKENDS)
        _check_choice("precision", self.precision, PRECISIONS)
        if not isinstance(self.data_sha256, str) or not re.fullmatch(
            "[0-9a-f]{64}", self.data_sha256
        ):
            raise ConfigError(
                f"data_sha256 is {self.data_sha256!r}, expected 64 hexadecimal digits (Data.sha256)"
            )
        # Numbers are stored as plain int and float, so that numpy.int64(3) and 3 are the same
        # config.
        for name, lowest, highest in (
            ("seed", 0, LARGEST_SEED),
            ("epochs", 1, None),
            ("batch_size", 1, None),
            ("threads", 1, None),
            ("recipe", 1, None),
        ):
            object.__setattr__(self, name, _whole(name, getattr(self, name), lowest, highest))
        object.__setattr__(self, "validation_split", _fraction(self.validation_split))
        object.__setattr__(self, "disturbance", _not_negative(self.disturbance))

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of plain strings and numbers, see the notes of the class."""
        values = asdict(self)
        return {k: v for k, v in values.items() if k not in LATER or v != LATER[k]}

    @property
    def arm(self) -> str:
        """Name of the run in comparisons, which is its loss, or "null" in the null arm."""
        if (self.loss, self.disturbance) == (NULL_LOSS, NULL_DISTURBANCE):
            return "null"
        return self.loss + (f"+{self.disturbance:g}" if self.disturbance else "")

    @property
    def id(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(canonical_json(self.as_dict()).encode("ascii")).hexdigest()[:16]


class ConfigError(ValueError):
    """A config that no run can have. The message names field, value and what was expected."""


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}, expected one of: {', '.join(choices)}")


def _whole(name: str, value: Any, lowest: int, highest: int | None) -> int:
    wanted = f"a whole number from {lowest}" + ("" if highest is None else f" to {highest}")
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise ConfigError(f"{name} is {value!r}, expected {wanted}") from None
    if number < lowest or (highest is not None and number > highest):
        raise ConfigError(f"{name} is {number}, expected {wanted}")
    return number


def _fraction(value: Any) -> float:
    if not 0 < (number := _number(value)) < 1:
        raise ConfigError(f"validation_split is {value!r}, expected a number between 0 and 1")
    return number


def _not_negative(value: Any) -> float:
    if not 0 <= (number := _number(value)) < math.inf:
        raise ConfigError(f"disturbance is {value!r}, expected a number from 0")
    return number


def _number(value: Any) -> float:
    """`value` as float, or nan if it is something else."""
    try:
        return math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        return math.nan
