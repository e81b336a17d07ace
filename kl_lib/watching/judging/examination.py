"""What one look at a call gave."""

from __future__ import annotations

from dataclasses import dataclass

from ..codes import Finding
from .arguments import Array


@dataclass(frozen=True)
class Pair:
    """p and q as the call takes them, as probabilities; some rows, the categories last."""

    p: Array
    q: Array


@dataclass(frozen=True)
class Examination:
    """What one look at a call gave.

    Parameters
    ----------
    findings
        In the order of their codes.
    gave
        The result; of several numbers the mean, of one for each category the mean of the rows.
    kl
        KL(p‖q) of what was probably meant, in nats: the mean of the rows. None if nobody can say.
    rows
        How many rows that is the mean of.
    pair
        What `kl_lib.diagnose` can be asked about.
    """

    findings: tuple[Finding, ...]
    gave: float | None
    kl: float | None = None
    rows: int = 0
    pair: Pair | None = None
