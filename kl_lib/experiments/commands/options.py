"""Options that several commands have, and what is made of them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..catalogue import find_experiment
from ..machinery.backend import TENSORBOARD, check_tensorboard
from ..machinery.choices import ConfigError
from ..machinery.data import Loaded
from ..machinery.experiment import Experiment
from ..machinery.grids import MOST_RUNS, combinations, read_choices
from ..machinery.loading import asked_for, identity, load, sums_beside
from ..machinery.naming import Named

Name = Annotated[
    str,
    typer.Argument(
        metavar="EXPERIMENT",
        help="cifar10, digits, soft_labels, vae, FILE.py:NAME, module:NAME, or of a package.",
        show_default=False,
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Any choice of the experiment.", show_default=False
    ),
]
Seed = Annotated[int, typer.Option(help="Of all that is random in the run.")]
ARM_NAMES = "kl, ce, kl_logits, ce_logits, module:function, or null: ce, kernels disturbed by 1e-7."


# Short for --set, where the experiment has such a choice. What is not given is as it says.
SHORTHANDS = (
    "loss", "epochs", "batch_size", "learning_rate", "validation_split", "threads", "backend",
    "precision",
)  # fmt: skip


def _shorthand(help_: str, metavar: str = "NUMBER", default: str | bool = False) -> Any:
    return typer.Option(metavar=metavar, help=help_, show_default=default)


Loss = Annotated[str | None, _shorthand(ARM_NAMES, "NAME")]
Epochs = Annotated[str | None, _shorthand("Passes over the training images.")]
BatchSize = Annotated[str | None, _shorthand("Images a step.")]
LearningRate = Annotated[str | None, _shorthand("Of the optimiser.")]
Held = Annotated[str | None, _shorthand("Part of the training images held out: the last ones.")]
Threads = Annotated[str | None, _shorthand("Of each run; others give other numbers.", default="1")]
Backend = Annotated[str | None, _shorthand("What Keras computes with.", "tensorflow|jax")]
Precision = Annotated[
    str | None, _shorthand("Of all layers but the last.", "float32|mixed_bfloat16")
]
DataFile = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="[NAME=]FILE",
        help="A data file; for cifar10 an .npz with x_train, y_train, x_test, y_test.",
        show_default=False,
    ),
]
DataNote = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="What the data are, in a line kept in the record."),
]
Reference = Annotated[
    str | None,
    typer.Option(
        metavar="ARM",
        help="The arm to compare with.",
        show_default="as the experiment says",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=VALUE,...",
        help="Only runs of which this is true: any field, arm, id or tag. May be repeated.",
        show_default=False,
    ),
]
Tag = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="WORD",
        help="A word to find the runs by; no part of what they are. May be repeated.",
        show_default=False,
    ),
]
KeepModel = Annotated[
    bool,
    typer.Option(
        "--keep-model", help="Keep the trained model and what it predicts, beside the record."
    ),
]
Tensorboard = Annotated[
    str | None,
    typer.Option(metavar="FOLDER", help="Also write what TensorBoard shows.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Run again what is finished.")]
Store = Annotated[Path, typer.Option(metavar="FOLDER", help="Where records are.")]
RESULTS = Path("results")


def chosen(
    experiment: str,
    settings: Sequence[str] | None,
    arguments: Mapping[str, Any],
    *,
    several: bool = False,
) -> tuple[Named, list[dict[str, Any]]]:
    """Return an experiment, and every combination of the choices that were made.

    Choices are those in `settings`, and those among the `arguments` of a command that are short for
    one. What was not chosen is what is usual for one run, or for several.

    Raises
    ------
    ExperimentError
        If there is no such experiment.
    ConfigError
        If it has no such choice, or a value is one that no run can have.
    """
    named = find_experiment(experiment)
    texts = [(name, arguments[name]) for name in SHORTHANDS if arguments.get(name) is not None]
    for setting in settings or []:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set is {setting!r}, expected NAME=VALUE or NAME=VALUE,VALUE")
        texts.append((name.strip().replace("-", "_"), text))
    for name, _ in texts:
        if name in named.fixed:
            raise ConfigError(f"{name} is decided by the name of the experiment, {experiment}")
    lists: dict[str, Any] = read_choices(named.experiment, texts)
    for name, values in named.experiment.usual.items():
        if name not in lists:
            lists[name] = values if several else values[:1]
    fixed = {name: [value] for name, value in named.fixed.items()}
    return named, combinations(named.experiment, fixed | lists)


def write_for_tensorboard(folder: str | None, scheduler: str | None = None) -> None:
    """Let this process and its workers write for TensorBoard.

    Raises
    ------
    ConfigError
        If the workers are those of a scheduler.
    ModuleNotFoundError
        If TensorBoard is not installed.
    """
    if folder is None:
        return
    if scheduler is not None:
        raise ConfigError(
            f"--tensorboard is {folder!r}, but workers of a cluster write where they are: set "
            f"{TENSORBOARD} there"
        )
    check_tensorboard()
    os.environ[TENSORBOARD] = os.path.abspath(folder)


def data_files(experiment: type[Experiment], given: Sequence[str] | None) -> dict[str, Path] | None:
    """Return the data files by the names that the experiment has for them."""
    _, takes = asked_for(experiment)
    files: dict[str, Path] = {}
    for text in given or []:
        name, equals, path = text.partition("=")
        if not equals or (name not in takes and Path(text).exists()):
            name, path = takes[0] if takes else "file", text
        if name in files:
            raise ConfigError(f"--data has two files for {name}: give each a name, NAME=FILE")
        files[name] = Path(path)
    return files or None


def loaded_for_each(
    experiment: type[Experiment],
    rows: Sequence[dict[str, Any]],
    files: Mapping[str, Path] | None,
    note: str | None,
) -> list[Loaded]:
    """Load the data of each combination of choices, once where it is the same, and note its sum."""
    wanted, _ = asked_for(experiment)
    known: dict[tuple[Any, ...], Loaded] = {}
    for row in rows:
        key = tuple(row.get(name) for name in wanted)
        if key not in known:
            known[key] = load(experiment, row, files, note)
        row |= identity(known[key])
    return list(known.values())


def loaded_lines(
    experiment: type[Experiment],
    rows: Sequence[dict[str, Any]],
    files: Mapping[str, Path] | None,
    note: str | None,
) -> list[str]:
    """Load the data for their checksums, and let go of them: workers have their own."""
    return [described(data) for data in loaded_for_each(experiment, rows, files, note)]


def described(data: Loaded) -> str:
    """Return the line that says what a run is given."""
    files = (f", {name} {digest[:16]}" for name, digest in sums_beside(data))
    return f"Data: {data.description}; checksum {data.sha256[:16]}{''.join(files)}"


def seeds_in(text: str) -> list[int]:
    """Return the seeds in "0:10" or "0,3,7".

    Raises
    ------
    ConfigError
        If it is something else.
    """
    seeds: list[int] = []
    for part in (each.strip() for each in text.split(",") if each.strip()):
        first, colon, end = part.partition(":")
        try:
            numbers = range(int(first), int(end)) if colon else [int(part)]
            seeds.extend(itertools.islice(numbers, MOST_RUNS + 1))  # which is refused as too many
        except ValueError:
            raise ConfigError(
                f"seeds is {text!r}, expected a range such as 0:10, numbers such as 0,3,7, or both"
            ) from None
    return seeds
