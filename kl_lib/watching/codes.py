"""The codes of what `kl_lib.watch` finds, and a finding.

Below 300 they are those of ``kl-lib audit``, which finds the same mistakes in source code. From 300
on stands what only the values of a run can show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["mistake", "note"]

#: Code → what it means. What is a note may be meant, and is never warned of or raised.
CODES: dict[int, tuple[Level, str]] = {
    101: ("mistake", "probabilities where log-probabilities are expected"),
    102: ("mistake", "log-probabilities as target without log_target"),
    103: ("mistake", "probabilities with log_target=True"),
    104: ("mistake", "arguments in the wrong order: each holds what belongs in the other"),
    106: ("mistake", "softmax of probabilities"),
    107: ("mistake", "logarithms of sigmoids without the other half of the Bernoulli"),
    111: ("mistake", 'reduction "mean", which divides by the number of categories, too'),
    115: ("mistake", "division by the axis that holds the categories"),
    151: ("note", "arguments that are deprecated"),
    201: ("mistake", "SciPy's axis 0 of a batch that has its distributions in rows"),
    301: ("mistake", "an approximation that is no distribution on any axis"),
    302: ("mistake", "a reference that is no distribution on any axis"),
    303: ("mistake", "a sum over an axis that is not that of the categories"),
    304: ("mistake", "shapes that do not belong together and are broadcast"),
    305: ("note", "a reference that requires a gradient"),
    309: ("note", "probabilities that the library clips"),
    311: ("mistake", "a negative result"),
    312: ("mistake", "a result that is nan"),
    313: ("mistake", "a result that is infinite"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a call, or that its author should know.

    Parameters
    ----------
    code
        A number of `kl_lib.watching.CODES`.
    message
        What was found, with its numbers.
    remedy
        What to do about it.
    """

    code: int
    message: str
    remedy: str

    @property
    def level(self) -> Level:
        """``"mistake"``, or ``"note"`` for what may be meant."""
        return CODES[self.code][0]

    def __str__(self) -> str:
        return f"KLD{self.code} {self.message}; {self.remedy}"
