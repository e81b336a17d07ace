"""Inputs of all kinds against slow oracles in plain Python: the same numbers, or DistributionError.

    python tools/fuzz.py                        100,000 inputs over all functions (`make fuzz`)
    python tools/fuzz.py --count 5000 --seed 7
    python tools/fuzz.py --only kl_matrix
    python tools/fuzz.py --only kl_matrix --seed 7 --at 123      one input again

Each input is made together with what it means (tools/fuzz_*.py); the oracle (tools/oracles_*.py)
sees the meaning only. To cover another function, give it inputs and an oracle: `INPUTS`, `ORACLES`.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import oracles
import pandas as pd
from fuzz_categories import inputs
from fuzz_inputs import INPUTS
from oracle_parts import DIGITS, EITHER, Answer, Given, RefusedError, mp, mpf
from oracles_scipy import Spec

import kl_lib as kl
from kl_lib.sampling import Estimate

__all__ = ["Case", "case", "describe", "disagreement", "inputs"]


class Case(NamedTuple):
    """One input of a public function."""

    name: str
    arguments: dict[str, Given]
    options: dict[str, Any]


def case(name: str, seed: int, number: int) -> Case:
    """One input of a function: always the same for the same seed and number."""
    make, _ = INPUTS[name]
    return Case(name, *make(random.Random(f"{name} {seed} {number}")))


# The comparison


def expected_of(given: Case) -> Any:
    """What the oracle says: an `Answer`, `EITHER`, or in a word which refusal."""
    try:
        return oracles.ORACLES[given.name](given.arguments, given.options)
    except RefusedError as refusal:
        return refusal.expected


def disagreement(
    given: Case, function: Callable[..., Any] | None = None, expected: Any = None
) -> str | None:
    """How kl_lib, or `function` in its place, and the oracle differ on one input, or None."""
    function = function or getattr(kl, given.name)
    expected = expected_of(given) if expected is None else expected
    values = {name: one.value for name, one in given.arguments.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            found: Any = function(**values, **given.options)
    except kl.DistributionError as error:
        return _of_refusal(error, "refused", expected)
    except kl.NoClosedFormError as error:
        return _of_refusal(error, "no closed form", expected)
    except Exception as error:
        if type(error) is TypeError and expected == "no distribution":
            return _of_refusal(error, "no distribution", expected)
        return f"{type(error).__name__}: {error}"
    if expected == EITHER:
        return None
    if isinstance(expected, str):
        return f"found {found!r:.200}, expected: {expected}"
    if given.name == "align":
        return _of_aligned(found, expected)
    if _loses_labels(given, found, expected):
        return f"found {type(found).__name__} without labels, expected {expected.labels}"
    return _of_numbers(found, expected)


def _of_refusal(error: Exception, what: str, expected: Any) -> str | None:
    message = str(error)
    if not message or len(message) > 500:
        return f"message of {len(message)} characters"
    if isinstance(expected, str) and what in expected.split(", "):
        return None
    if expected == EITHER:
        return None
    return f"{what} ({message}), expected {_shown(expected)}"


def _loses_labels(given: Case, found: Any, expected: Answer) -> bool:
    """Whether a result that pandas or xarray can label is a bare array."""
    if not 0 < len(expected.shape) < 3 or not any(expected.labels or ()):
        return False
    values: list[Any] = []
    for name, one in given.arguments.items():
        if name not in ("where", "weights") and one.labels:
            values.append(one.value)
        elif isinstance(one.plain, dict):  # a list of them
            values += one.value
    dicts = [value for value in values if isinstance(value, dict)]
    if len(expected.shape) > 1 or len(dicts) < len(values):
        # A dict of columns has no labels for its rows; a table of polars gives a result none.
        values = [value for value in values if not isinstance(value, dict)]
    return _labels_of(found) is None and any(_labels_of(value) is not None for value in values)


def _shown(expected: Any) -> str:
    if isinstance(expected, str):
        return expected
    return f"{[float(x) for x in expected.numbers]!r:.200}"


def _of_numbers(found: Any, expected: Answer) -> str | None:
    if isinstance(found, Estimate):
        bias = math.nan if found.bias is None else found.bias
        found = [found.value, found.standard_error, bias][: len(expected.numbers)]
    labels = _labels_of(found)
    if labels is not None and len(labels) == len(expected.labels or ()):  # else the shape differs
        for axis, (have, want) in enumerate(zip(labels, expected.labels, strict=True)):
            if want is not None and list(have) != list(want):
                return f"axis {axis} is labelled {list(have)}, expected {list(want)}"
    if isinstance(found, dict):
        found = list(found.values())
    array = np.asarray(found)
    if array.shape != expected.shape:
        return f"found shape {array.shape}, expected {expected.shape}"
    single = array.dtype == np.float32
    if single != bool(expected.single):
        return f"found dtype {array.dtype}, expected {'float32' if expected.single else 'float64'}"
    slack = expected.slack
    for i, (a, b) in enumerate(zip(array.reshape(-1).tolist(), expected.numbers, strict=True)):
        allowed = slack[i] if isinstance(slack, list) else slack
        if not _close(a, b, allowed, expected.single):
            return f"found {a!r}, expected {mp.nstr(b, 17)}"
    return None


def _close(a: float, b: Any, slack: float, single: float) -> bool:
    if mp.isnan(b) or math.isnan(a):
        return bool(mp.isnan(b) and math.isnan(a))
    largest, smallest = (3.4e38, 1e-45) if single else (1.7976931348623157e308, 5e-324)
    if abs(b) > 0.9999999 * largest:  # near the largest float, or beyond
        return abs(a) > 0.99 * largest and (a > 0) == (b > 0)
    relative = single or DIGITS
    return bool(abs(mpf(a) - b) <= relative * abs(b) + slack + 4 * smallest)


def _labels_of(found: Any) -> list[Any] | None:
    if isinstance(found, pd.Series):
        return [found.index]
    if isinstance(found, pd.DataFrame):
        return [found.index, found.columns]
    if isinstance(found, dict):
        return [list(found)]
    if type(found).__name__ == "DataArray":
        return [
            found.indexes.get(d, range(n)) for d, n in zip(found.dims, found.shape, strict=True)
        ]
    return None


def _of_aligned(found: Any, expected: Answer) -> str | None:
    assert expected.labels is not None
    [union] = expected.labels
    numbers = []
    for one in found:
        if isinstance(one, dict):
            labels, array = list(one), np.stack([np.asarray(x) for x in one.values()], axis=-1)
        else:
            labels, array = list((_labels_of(one) or [[]])[-1]), np.asarray(one)
        if union not in (tuple(labels), tuple(next(iter(_labels_of(one) or [[]])))):
            return f"labelled {labels}, expected {union}"
        numbers += array.reshape(-1).tolist()
    wanted = [float(x) for x in expected.numbers]
    return None if numbers == wanted else f"found {numbers}, expected {wanted}"


def describe(*given: Any) -> str:
    """A case, or the p, q and options of kl_divergence, so that one can type it in."""
    if len(given) == 1:
        [one] = given
        arguments, options = one.arguments, one.options
    else:
        arguments, options = {"p": given[0], "q": given[1]}, given[2]
    told = [
        f"{name} = {_told(one)} ({one.dtype}" + (f", labels {one.labels})" if one.labels else ")")
        for name, one in arguments.items()
    ]
    return ", ".join([*told, str(options)])


def _told(given: Given) -> str:
    """What was given; of a function or a distribution, what it means."""
    of_plain = callable(given.value) or isinstance(given.plain, Spec)
    return repr(given.plain if of_plain else given.value)


#: How many disagreements of one function are printed.
MOST = 3


def run(name: str, count: int, seed: int) -> tuple[int, int, float]:
    """How many inputs were refused, how many disagreed, and the seconds it took."""
    refused = wrong = 0
    started = time.monotonic()
    for number in range(count):
        given = case(name, seed, number)
        expected = expected_of(given)
        refused += isinstance(expected, str) and expected != EITHER
        if problem := disagreement(given, expected=expected):
            wrong += 1
            if wrong <= MOST:
                again = f"python tools/fuzz.py --only {name} --seed {seed} --at {number}"
                print(f"\n{name}: {problem}\n  {describe(given)}\n  {again}", flush=True)
    return refused, wrong, time.monotonic() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="inputs, of all functions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(INPUTS), action="append", help="this function")
    parser.add_argument("--at", type=int, help="of the function --only, this input alone")
    arguments = parser.parse_args()
    names = arguments.only or list(INPUTS)
    if arguments.at is not None:
        given = case(names[0], arguments.seed, arguments.at)
        problem = disagreement(given)
        print(f"{describe(given)}\n{problem or 'agrees'}")
        return int(problem is not None)
    total, all_wrong, started = sum(INPUTS[name][1] for name in names), 0, time.monotonic()
    for name in names:
        count = max(1, arguments.count * INPUTS[name][1] // total)
        refused, wrong, seconds = run(name, count, arguments.seed)
        all_wrong += wrong
        print(
            f"{name:30} {count:6} inputs: {count - refused:6} numbers, {refused:5} refusals, "
            f"{wrong} wrong, {count / max(seconds, 1e-9):6.0f} a second",
            flush=True,
        )
    print(f"{all_wrong} wrong, {time.monotonic() - started:.0f} s")
    return int(all_wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
