"""Two rows divided by their sums, without a division that rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import stable
from .arithmetic import LOG_2, NORMAL, power_of_two, sums, wide
from .kernel import Array, Pieces

#: A smaller product has lost its last digits, or what rounding took from it.
_WITH_REST = 1e-270

#: A logarithm from here on rounds by more than its quotient.
_LARGE_SHIFT = 4.0


class Cross:
    """p·Σq and q·Σp of rows in pieces: p/Σp against q/Σq without a division that rounds.

    A power of two changes no digit, and keeps the sums and products of counts finite. What it
    makes underflow still counts in the logarithms, which are taken of p and q as they are.
    """

    def __init__(self, pieces: Pieces) -> None:
        self.powers = [power_of_two(pieces, i) for i in (0, 1)]
        found = [[stable.exact_sum(x) for x in self._scaled(piece)] for piece in pieces]
        self.sums, self.rests = [], []
        for parts in zip(*found, strict=True):
            high = low = np.zeros(len(parts[0][0]))
            for total, rest in parts:
                high, error = stable.two_sum(high, total)
                low = low + error + rest
            self.sums.append(high[:, None])
            self.rests.append(low[:, None])
        #: Of the products: Σp·Σq, which each of them sums to.
        self.total = (self.sums[0] * self.sums[1])[:, 0]
        self.shift = np.log(self.sums[1] / self.sums[0])
        self.shift = self.shift + (self.powers[1] - self.powers[0]) * LOG_2
        #: What a category with more than half of p's mass is short of in q: what all others have
        #: too much. Of two products near the whole, their difference would have lost its digits.
        short: Any = 0.0
        for piece in pieces:
            p, _, difference = self._products(piece)
            short = short - sums(np.where(self._most(p), 0.0, difference))
        self.short = np.asarray(short)[:, None]

    def _scaled(self, piece: Sequence[Array], lift: Any = 0) -> list[Array]:
        pairs = zip(wide(piece), self.powers, strict=True)
        return [np.ldexp(x, lift - power) for x, power in pairs]

    def of(self, piece: Sequence[Array]) -> tuple[Array, Array, Array]:
        """p·Σq, q·Σp and their difference, exact to twice the digits, of one piece."""
        p, q, difference = self._products(piece)
        return p, q, np.where(self._most(p), self.short, difference)

    def _products(self, piece: Sequence[Array], lift: Any = 0) -> tuple[Array, Array, Array]:
        """What `of` gives, times 2 to the power of `lift`, which leaves small ones their digits."""
        p, q = self._scaled(piece, lift)
        p_high, p_low = stable.two_product(p, self.sums[1])
        q_high, q_low = stable.two_product(q, self.sums[0])
        rest = p * self.rests[1] - q * self.rests[0]
        difference = (p_high - q_high) + ((p_low - q_low) + rest)
        return p_high, q_high, difference

    def _most(self, p: Array) -> NDArray[np.bool_]:
        return p > 0.5 * self.total[:, None]

    def log_ratio(self, piece: Sequence[Array]) -> Array:
        """log of the quotient of the two, also where one of them underflows."""
        log = stable.log_ratio(*wide(piece)) + self.shift
        if not np.abs(self.shift).max() > _LARGE_SHIFT:
            return log
        # Both logarithms are large, and round so; those of the scaled numbers are not.
        p, q = self._scaled(piece)
        whole = (p > NORMAL) & (q > NORMAL)
        return np.where(whole, stable.log_ratio(p, q) + np.log(self.sums[1] / self.sums[0]), log)

    def all_of_log_ratio(self, piece: Sequence[Array], q: Array, difference: Array) -> Array:
        """`log_ratio` with all its digits where it is near 0, too. Takes what `of` gives.

        Where both are 0 it says nothing.
        """
        if not q.min() > _WITH_REST:
            small = ~(q > _WITH_REST)
            lift = self.powers[1] - np.frexp(wide(piece)[1])[1]  # brings each q to about 1
            _, lifted, lifted_difference = self._products(piece, np.where(small, lift, 0))
            q = np.where(small, lifted, q)
            difference = np.where(small, lifted_difference, difference)
        near = np.abs(difference) < 0.5 * q
        return np.where(near, np.log1p(difference / q), self.log_ratio(piece))
