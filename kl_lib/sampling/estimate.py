"""What every estimator returns, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import arrays, labels
from ..errors import PLACES, DistributionError
from ..printing import printable

Array = NDArray[np.float64]

#: How many standard errors a mean may be on the wrong side of its bound before that is reported.
BEYOND_NOISE = 4


@dataclass(frozen=True, repr=False)
class Estimate:
    """An estimate of a divergence, with what is known about its error.

    ``float(estimate)`` is the value. Look at `warnings` before you use it: it is empty when
    nothing in the samples speaks against the estimate, which is not a proof.

    Attributes
    ----------
    value
        The estimate, as the method gives it: not clipped at 0 and not corrected for bias.
    standard_error
        Standard deviation of `value` over repeated sampling, estimated; nan where there is none.
    count
        How many samples of p.
    count_q
        How many samples of q; None where q was given as a function.
    bias
        Estimated expectation of `value` minus the truth; None where it is not known.
    warnings
        Reasons not to trust the numbers above, one sentence each.
    method
        How it was computed.
    unit
        Of `value`, `standard_error` and `bias`.

    Examples
    --------
    >>> from kl_lib.sampling import Estimate
    >>> Estimate(0.49712, 0.0123, 10_000, method="k1")
    Estimate(0.497 ± 0.012 nats; k1; 10000 samples)
    >>> float(Estimate(0.25, 0.01, 10_000))
    0.25
    """

    value: float
    standard_error: float
    count: int
    count_q: int | None = None
    bias: float | None = None
    warnings: tuple[str, ...] = ()
    method: str = ""
    unit: str = "nats"

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        counts = f"{self.count}" if self.count_q is None else f"{self.count} and {self.count_q}"
        parts = [f"{plus_minus(self.value, self.standard_error)} {self.unit}"]
        parts += [self.method] if self.method else []
        parts += [f"bias {self.bias:+.2g}"] if self.bias else []
        told = [f"Estimate({'; '.join([*parts, f'{counts} samples'])})"]
        return printable("\n".join([*told, *(f"  warning: {text}" for text in self.warnings)]))


def plus_minus(value: float, error: float) -> str:
    """Both numbers to the second digit of the error."""
    if 0 < error < math.inf:
        decimals = 1 - math.floor(math.log10(error))
        if 0 <= decimals <= 8:
            return f"{value:.{decimals}f} ± {error:.{decimals}f}"
    return f"{value:.4g} ± {error:.2g}"


def unit_of(base: float | None) -> str:
    if base is None:
        return "nats"
    return {2.0: "bits", 10.0: "bans"}.get(float(base), f"units of log {float(base):g}")


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def read(value: Any, name: str, masked: str) -> Array:
    """`value` as a float64 array; what to do about a mask depends on what it hides."""
    if isinstance(value, np.ma.MaskedArray):
        raise DistributionError(
            f"{name} is a masked array; {masked}", kind="unreadable", argument=name
        )
    return arrays.read(value, name)[0].astype(np.float64)


def aligned(
    values: Mapping[str, Any],
    roles: Callable[[str, int], list[labels.Role]],
    told: str,
    remedy: str,
) -> dict[str, Any]:
    """The arguments with their labels in one order; `remedy` is what to do where they differ."""
    try:
        return labels.aligned(values, roles)[0]
    except DistributionError as error:
        if error.kind != "labels" or error.value is None:
            raise
        raise DistributionError(
            f"{told} differ: {labels.shown(error.value)} is not among both; {remedy}",
            kind="labels",
            argument=error.argument,
            value=error.value,
        ) from None


def wrong_option(name: str, value: Any, remedy: str) -> DistributionError:
    return DistributionError(
        f"{name} is {value!r:.40}; {remedy}", kind="option", argument=name, value=value
    )


def wrong_samples(
    message: str,
    argument: str,
    value: Any = None,
    bad: NDArray[np.bool_] | None = None,
) -> DistributionError:
    """The error for samples, points or counts; `bad` marks the entries at fault."""
    places = () if bad is None else tuple(tuple(map(int, i)) for i in np.argwhere(bad)[:PLACES])
    return DistributionError(
        message,
        kind="samples",
        argument=argument,
        place=places[0] if places else None,
        value=value,
        places=places,
        count=None if bad is None else int(bad.sum()),
    )


def first_place(bad: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])
