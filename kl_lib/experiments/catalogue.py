"""The experiments that are built in, and the store of the book: what is known by name."""

from __future__ import annotations

import os
from pathlib import Path

from .machinery import naming, records
from .machinery.naming import Named
from .machinery.records import Record
from .machinery.store import in_order, record_paths

#: Name → where it is. Another experiment of kl_lib gets its line here.
BUILT_IN = {
    "cifar10": "kl_lib.experiments.convnet.config:cifar10",
    "digits": "kl_lib.experiments.convnet.config:digits",
    "soft_labels": "kl_lib.experiments.soft_labels.config:SoftLabels",
    "vae": "kl_lib.experiments.vae.config:Vae",
}


def find_experiment(name: str) -> Named:
    """Return an experiment by its name.

    Parameters
    ----------
    name : str
        A built-in one, such as ``"cifar10"``; one that an installed package offers in its
        entry points as ``kl_lib.experiments``; or ``"FILE.py:NAME"`` or ``"module:NAME"``.

    Returns
    -------
    Named
        Its class as `experiment`, and as `fixed` the choices that the name decides.

    Raises
    ------
    ExperimentError
        If there is none, or what is there is no experiment.

    Examples
    --------
    >>> find_experiment("digits").fixed
    {'dataset': 'digits'}
    """
    return naming.find_experiment(name, BUILT_IN)


def read_record(path: str | os.PathLike[str]) -> Record:
    """Read one record of any experiment and check all of it.

    The config of a record is a `Config` for the built-in experiments. For others it is of a class
    that has their fields, and what they are compared by, but can't run.

    Raises
    ------
    RecordError
        If the file is missing, cut short, edited, of no schema, under another name, or does not
        hold together. The message names the file and what is wrong with it.
    NewerRecordError
        If a newer kl_lib has written it.
    """
    from .convnet.config import Config

    return records.read_record(path, Config)


def read_records(store: str | os.PathLike[str], experiment: str) -> list[Record]:
    """Read all records of an experiment, by arm, then seed.

    Parameters
    ----------
    store : path
        Where records are.
    experiment : str
        The name of its folder there: ``"cifar10"``, ``"digits"``, or `name` of its class.

    Raises
    ------
    RecordError
        If one of them is damaged.
    """
    return in_order(read_record(path) for path in record_paths(store, experiment))


def book_results() -> Path:
    """Return the store of the runs that the book shows: ``results`` in the repository.

    Raises
    ------
    FileNotFoundError
        If kl_lib is installed without its repository around it.
    """
    folder = Path(__file__).resolve().parents[2] / "results"
    if not folder.is_dir():
        raise FileNotFoundError(
            "the recorded runs are in the folder results of the book's repository, and kl_lib was "
            "installed without it: clone the repository and `pip install -e .` there"
        )
    return folder
