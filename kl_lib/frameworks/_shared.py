"""What the adapters share: loading on use, and reading p, q and logits."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kl_lib import checks

Array = NDArray[np.float64]


def installed(*modules: str) -> bool:
    """True if all these modules can be found; none is imported."""
    return all(find_spec(module) is not None for module in modules)


def load(module: str, *, adapter: str, needs: str, install: str) -> ModuleType:
    """Import `module`, or say in one line what `adapter` needs and how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"kl_lib.frameworks.{adapter} needs {needs}: pip install {install}"
        ) from error


def check_call(call: str, calls: tuple[str, ...]) -> None:
    """Refuse a `call` that is not among the adapter's `calls`."""
    if call not in calls:
        raise ValueError(f"call is {call!r}; pass one of {', '.join(map(repr, calls))}")


def rows(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    """p and q checked, divided by their exact sums and broadcast to one shape, as float64.

    Dividing is no silent normalisation: sums further from 1 than rounding are refused, and
    `kl_lib.kl_divergence` divides what is left in the same way.
    """
    both = checks.both(p, q)
    both.validate(advice=checks.PROBABILITIES)
    wide = [x.astype(np.float64) for x in both.same_shape()]
    a, b = (x / x.sum(axis=-1, keepdims=True) for x in wide)
    return np.ascontiguousarray(a), np.ascontiguousarray(b)


def rows_and_logits(p: ArrayLike, logits: ArrayLike) -> tuple[Array, Array]:
    """p and logits checked and broadcast to one shape, as float64."""
    both = checks.both(p, logits, names=("p", "logits"), missing=-np.inf)
    checks.distribution(p, "p", advice=checks.PROBABILITIES)
    checks.logits(logits, "logits", axis=-1)
    shares, sums, _ = checks.distribution(both.arrays[0], "p", generalized=True)
    a, b = np.broadcast_arrays(shares / sums[..., None], both.arrays[1].astype(np.float64))
    return np.ascontiguousarray(a), np.ascontiguousarray(b)


def log(q: Array) -> Array:
    """log q, with −inf for 0 and no warning."""
    with np.errstate(divide="ignore"):
        return np.log(q)


def result(value: Any) -> Any:
    """float64: a NumPy scalar for one pair, an array for a batch."""
    return np.asarray(value, dtype=np.float64)[()]
