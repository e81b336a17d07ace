"""The runs of a sweep of the ConvNet, on data that are loaded already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..machinery.grids import combinations, with_seeds
from .config import Config
from .data import Data


def grid(data: Data, *, arms: Iterable[str], seeds: Iterable[int], **choices: Any) -> list[Config]:
    """Return the configs of a sweep: each arm with each seed, pairs beside each other.

    Parameters
    ----------
    data : Data
        What to train on.
    arms : iterable of str
        Losses, see `Config`, and ``"null"``: cross-entropy again, with 1e-7 times normal noise
        added to its initial kernels (not to the biases, which start at zero).
    seeds : iterable of int
        One run of each arm for each.
    **choices
        Other fields of `Config`.

    Raises
    ------
    ConfigError
        If a value is one that no run can have, or if nothing is left to run.

    Examples
    --------
    >>> from kl_lib.experiments import load_data
    >>> configs = grid(load_data("digits"), arms=["kl", "null"], seeds=range(2), epochs=5)
    >>> [(config.arm, config.seed) for config in configs]
    [('kl', 0), ('null', 0), ('kl', 1), ('null', 1)]
    """
    choices["dataset"], choices["data_sha256"] = data.name, data.sha256
    rows = combinations(Config, {"loss": list(arms)})
    return with_seeds(Config, [row | choices for row in rows], seeds)
