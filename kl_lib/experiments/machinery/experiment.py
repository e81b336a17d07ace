"""What an experiment is: a frozen dataclass of choices that can load its data and run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from .choices import Choice, ConfigError, Pattern, Range, choices_of
from .data import Arrays
from .definition import ExperimentError, Measure, all_fields, check_whole
from .environment import MOST_THREADS, limit_threads, package_version
from .identity import short_id
from .references import look_up, reference_to
from .several import NONE, Sums, checked_sums
from .words import duration

if TYPE_CHECKING:
    from .checkpoint import Checkpoint
    from .records import Record

# numpy and TensorFlow both take 32 bits.
LARGEST_SEED = 2**32 - 1

Progress = Callable[..., None]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """An experiment is a subclass, a frozen dataclass whose fields are its choices.

    Each field says by its type what it may be: ``int``, ``float``, ``str``, ``bool``, ``Literal``,
    with a :class:`Range` in ``Annotated``, or ``| None``. An instance is one run. All of its fields
    together with the name and the version of the experiment are what the run is known by: they are
    hashed, and the hash is its id.

    A subclass has a `name`, a `run`, a `measure`, and where it needs data a `load`:

    ``load(file, ...)``
        A static method that returns :class:`Arrays`, or whatever has a `description`, a `sha256`, a
        `checksum()` and `facts()`. Parameters that are called like a choice are given that choice;
        the others are data files, paths that ``--data NAME=FILE`` gives, or their defaults.
    ``run(data, progress, checkpoint)``
        Returns a dict of numbers (results) and lists (histories, a value for each step). It calls
        ``progress(step, **numbers)`` after each step, from 1, and may ask ``checkpoint.load()``
        where it was and say ``checkpoint.save(State(epochs=..., arrays=...))``. All that is random
        in it follows from `seed`.

    Parameters
    ----------
    seed : int
        One run for each. Runs of one seed are paired in comparisons.
    data_sha256 : str
        Checksum of the data.
    data_files : mapping of str to str
        Where several files were given: the SHA-256 of each, by the name that `load` has for it.
        Part of the id then. It is kept as pairs, sorted by name.

    Attributes
    ----------
    name : str
        Letters, digits, ``_`` and ``-``: part of the id, and the folder of the records.
    version : int
        Version of the code that turns choices into numbers. Raise it when a change there changes
        the numbers: every id changes with it, and what was recorded before stays what it is.
    arms : tuple of str
        The choices that tell the arms of a comparison apart.
    measure : Measure
        What is compared.
    baseline : str
        The arm that others are compared with.
    named_arms : dict
        Names for several choices at once, to be used like values of the first of `arms`.
    usual : dict
        Values that the command line takes for a choice where it says nothing: a sweep all, a run
        the first. Without it that is the default of the field.
    later : dict
        Fields that came after the first records, with the default that means "as before". They are
        left out of the id while they have it, so that the ids of older records stay what they are.
    packages : tuple of str
        Packages whose versions are recorded, beside Python's, NumPy's and kl_lib's.

    Raises
    ------
    ConfigError
        If a value is of the wrong type or out of range.
    """

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    arms: ClassVar[tuple[str, ...]] = ()
    measure: ClassVar[Measure]
    baseline: ClassVar[str] = ""
    named_arms: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    usual: ClassVar[Mapping[str, Sequence[Any]]] = {}
    later: ClassVar[Mapping[str, Any]] = {}
    packages: ClassVar[tuple[str, ...]] = ()

    seed: Annotated[int, Range(ge=0, le=LARGEST_SEED)]
    data_sha256: Annotated[str, Pattern("[0-9a-f]{64}", "64 hexadecimal digits (Data.sha256)")]
    data_files: Sums = field(default=NONE, metadata={"choice": False})

    def __post_init__(self) -> None:
        for name, choice in self.choices().items():
            object.__setattr__(self, name, choice.checked(getattr(self, name)))
        object.__setattr__(self, "data_files", checked_sums(self.data_files))
        if not (isinstance(self.threads_used, int) and 1 <= self.threads_used <= MOST_THREADS):
            raise ConfigError(
                f"threads is {self.threads_used!r}, expected a whole number from 1 to "
                f"{MOST_THREADS}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        # Not as pickle would do it, which sets the fields of a frozen dataclass unseen.
        return _again, (reference_to(type(self)), self.as_dict())

    @classmethod
    def choices(cls) -> dict[str, Choice]:
        """Return what each field may be.

        Raises
        ------
        ExperimentError
            If the class is not whole.
        """
        check_whole(cls, runs=cls.run is not Experiment.run)
        hashable: Any = cls  # mypy takes the hash of its instances for that of the class
        try:
            return choices_of(hashable)
        except (NameError, TypeError) as error:  # a type that is not known, or can't be a choice
            raise ExperimentError(f"{cls.__name__}: {error}") from error

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Experiment:
        """Build a run from what `as_dict` says of it.

        Raises
        ------
        ConfigError
            If a field is missing or unknown, has a value that no run can have, or is of another
            experiment or version.
        """
        values = dict(values)
        for label, mine in (("experiment", cls.name), ("version", cls.version)):
            if (theirs := values.pop(label, None)) != mine:
                raise ConfigError(f"{label} is {theirs!r} there, and {mine!r} here")
        return cls(**all_fields(cls, {"data_files": NONE, **cls.later, **values}))

    def as_dict(self) -> dict[str, Any]:
        """Return what the run is known by: plain strings and numbers."""
        return {"experiment": self.name, "version": self.version, **self.said()}

    def said(self) -> dict[str, Any]:
        """Return the fields, without those that came later and are as before."""
        later = {"data_files": NONE, **self.later}
        found = {k: v for k, v in asdict(self).items() if k not in later or v != later[k]}
        return found | ({"data_files": dict(self.data_files)} if self.data_files else {})

    @property
    def id(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the canonical JSON of `as_dict`."""
        return short_id(self.as_dict())

    @classmethod
    def folder_for(cls, choices: Mapping[str, Any]) -> str:
        """Return the folder in a store where records of runs with these choices lie."""
        return cls.name

    @property
    def folder(self) -> str:
        """Where in a store its record lies."""
        return self.folder_for(vars(self))

    @property
    def arm(self) -> str:
        """Name of the run in comparisons, which is the values of `arms`."""
        return ", ".join(str(getattr(self, name)) for name in self.arms) or self.name

    @property
    def steps(self) -> int:
        """How often a run calls `progress`, as many times as it has epochs, or once."""
        return getattr(self, "epochs", 1)

    @staticmethod
    def load(*args: Any, **kwargs: Any) -> Any:
        """Return the data: here none."""
        return Arrays("no data")

    def run(self, data: Any, progress: Progress, checkpoint: Checkpoint) -> Any:
        """Do the run and return its numbers and lists."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make a process ready that does nothing else: before the data are loaded."""
        limit_threads(self.threads_used)

    @property
    def threads_used(self) -> int:
        """How many threads the run is given: its choice `threads`, or one."""
        return getattr(self, "threads", 1)

    def environment(self) -> dict[str, Any]:
        """Return what else is to be recorded of the machine, ``packages`` among it."""
        return {"packages": {name: package_version(name) for name in self.packages}}

    def about(self) -> dict[str, Any] | None:
        """Return what a reader of the record has to know who does not have the experiment."""
        return {"arms": list(self.arms), "baseline": self.baseline, "measure": asdict(self.measure)}

    def headline(self) -> dict[str, str]:
        """Return what stands over a table of runs: words for each field but the seed."""
        words = {
            "name": f"{self.name} (version {self.version})",
            "data_sha256": f"data {self.data_sha256[:8]}",
        }
        for name, digest in self.data_files:
            words["data_sha256"] += f", {name} {digest[:8]}"
        own = (f.name for f in fields(self) if f.name not in ("seed", "data_files", *words))
        return words | {name: f"{name} {getattr(self, name)}" for name in own}

    def measured(self, record: Record) -> float:
        """Return what is compared, of a record of this run."""
        return float(record.result[self.measure.name])

    def contradictions(self, record: Record) -> Iterator[str]:
        """Say what in a record of this run can't be, as it goes on from "it is damaged:"."""
        if self.measure.name not in record.result:
            yield f"result has no {self.measure.name}"

    def row(self, record: Record) -> dict[str, str]:
        """Return what a table says of a run beside arm and seed, under headings."""
        shown = {self.measure.label: f"{record.result[self.measure.name]:.4g}"}
        return shown | {"seconds": f"{record.result['seconds']:.1f}"}

    def outcome(self, record: Record) -> str:
        """Say in one line how a run ended."""
        value = record.result[self.measure.name]
        return f"{self.measure.label} {value:.4g}, {duration(record.result['seconds'])}"

    def summary(self, record: Record) -> str:
        """Say in one line what a run has come to, after it was shown."""
        return f"Finished: {self.outcome(record)}"


def _again(reference: str, values: Mapping[str, Any]) -> Experiment:
    """Unpickle a run: import its experiment and check every field anew."""
    return look_up(reference).from_dict(values)
