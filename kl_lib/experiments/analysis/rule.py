"""One rule, written down before the runs: equivalent, different or undecided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import ArrayLike

from ..machinery.definition import Measure
from ..machinery.words import listed
from .paired import (
    LEVEL,
    Interval,
    as_margin,
    bootstrap_interval,
    check_level,
    checked,
    equivalence_power,
    equivalence_test,
    stats_of_scipy,
    t_interval,
    varies,
)

# The rule, written down before the runs: RULE says it, and `assess` follows it.

#: How large a mean difference in accuracy has to be to matter. The first one decides.
MARGINS = (0.01, 0.005)
#: Fewer pairs decide nothing. (The source's four runs on CIFAR-10 would: with two differences that
#: happen to lie close together their equivalence test gives p = 0.0498.)
FEWEST_PAIRS = 10
_VERDICTS = """\
equivalent  if both one-sided t tests reject at level 0.05 that the mean
            difference lies outside the margin, which is to say: if its 90 %
            t interval lies inside the margin;
different   if not, and the two-sided t test rejects at level 0.05 that the mean
            difference is 0, which is to say: if its 95 % t interval excludes 0;
undecided   if neither; if there are fewer than 10 pairs; or if all differences
            are the same, so that there is no spread to go by.
"""

#: When runs count as equivalent, different or undecided, in words.
RULE = f"""\
{_VERDICTS}
The differences are those of test accuracy after the last epoch, paired by seed.
The margin is 1 percentage point; 0.5 points is reported beside it."""


def rule_for(measure: Measure) -> str:
    """Return the rule in words, for what is compared.

    Examples
    --------
    >>> print(rule_for(Measure("rmse", margins=(0.1,))).splitlines()[-1])
    The margin is 0.1.
    """
    if measure == Measure("test_accuracy", margins=MARGINS, percent=True):
        return RULE
    first, *others = measure.margins
    beside = f"; {listed(others)} reported beside it" if others else ""
    return f"{_VERDICTS}\nThe differences are those of {measure.label}, paired by seed.\n" + (
        f"The margin is {first:g}{beside}."
    )


def assess(
    differences: ArrayLike,
    *,
    margins: Sequence[float] = MARGINS,
    level: float = LEVEL,
    fewest: int = FEWEST_PAIRS,
) -> Assessment:
    """Apply the rule to paired differences, and report what it rests on.

    The rule (:data:`~kl_lib.experiments.RULE`) takes "equivalent" before "different": a difference
    may well be there and too small to matter, and `p_zero` says so. Where the true difference is at
    the margin or beyond, "equivalent" comes out with probability `level` at most; where it is 0,
    "different" does.

    Parameters
    ----------
    differences : array_like, (pairs,)
        One for each seed.
    margins : sequence of float
        Differences that would matter, above 0. The verdict is by the first.
    level : float
        Of each test.
    fewest : int
        How many pairs it takes to decide anything.

    Raises
    ------
    ValueError
        If there are fewer than two differences, if one is not finite, or if a margin or level is
        out of range.

    References
    ----------
    Schuirmann, "A comparison of the two one-sided tests procedure and the power approach for
    assessing the equivalence of average bioavailability", 1987. The three verdicts: Lakens, Scheel
    and Isager, "Equivalence Testing for Psychological Research: A Tutorial", 2018.

    Examples
    --------
    >>> import numpy as np
    >>> ten = [0.001, -0.002, 0.003, 0.000, -0.001, 0.002, -0.003, 0.001, 0.004, -0.002]
    >>> [f"{margin.margin}: {margin.verdict}" for margin in assess(ten).margins]
    ['0.01: equivalent', '0.005: equivalent']
    >>> assess(np.add(ten, 0.009)).verdict
    'different'
    >>> assess(np.multiply(ten, 10)).verdict, assess(ten[:9]).verdict
    ('undecided', 'undecided')
    """
    d = checked(differences)
    check_level(level)
    if not margins:
        raise ValueError("margins is empty: say how large a difference has to be to matter")
    mean, spread = float(d.mean()), float(d.std(ddof=1))
    if not varies(d):
        undecided = tuple(Margin(margin=as_margin(m), verdict="undecided") for m in margins)
        return Assessment(
            pairs=d.size, fewest=fewest, mean=mean, spread=0.0, level=level, margins=undecided
        )
    p_zero = float(stats_of_scipy().ttest_1samp(d, 0).pvalue)
    found = []
    for margin in margins:
        p = equivalence_test(d, margin)
        if d.size < fewest:
            verdict = "undecided"
        else:
            verdict = "equivalent" if p < level else "different" if p_zero < level else "undecided"
        power = equivalence_power(spread, d.size, margin, level=level)
        found.append(Margin(margin=float(margin), verdict=verdict, p=p, power=power))
    return Assessment(
        pairs=d.size,
        fewest=fewest,
        mean=mean,
        spread=spread,
        level=level,
        margins=tuple(found),
        p_zero=p_zero,
        interval=t_interval(d, 1 - level),
        narrow_interval=t_interval(d, 1 - 2 * level),
        bootstrap=bootstrap_interval(d, 1 - level),
    )


@dataclass(frozen=True, kw_only=True)
class Margin:
    """What an equivalence test says at one margin.

    Attributes
    ----------
    margin : float
        How large a difference would matter, in either direction.
    verdict : str
        ``"equivalent"``, ``"different"`` or ``"undecided"``, by :data:`~kl_lib.experiments.RULE`.
    p : float or None
        p value of the equivalence test; None if the differences do not vary.
    power : float or None
        How likely "equivalent" was beforehand, with as many pairs, if the true difference is 0 and
        the spread is the one seen.
    """

    margin: float
    verdict: str
    p: float | None = None
    power: float | None = None


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What paired differences show. What needs a spread is None where all of them are the same.

    Attributes
    ----------
    pairs : int
        How many differences.
    fewest : int
        How many it takes to decide anything.
    mean : float
        Of the differences.
    spread : float
        Their standard deviation, with n − 1.
    level : float
        Of each test.
    margins : tuple of Margin
        One for each margin, the deciding one first.
    p_zero : float or None
        p value of the two-sided paired t test for a mean difference of 0.
    interval : (float, float) or None
        Student's interval for the mean difference, 95 % at level 0.05.
    narrow_interval : (float, float) or None
        The same at 90 %: equivalence is shown where it lies inside the margin.
    bootstrap : (float, float) or None
        BCa bootstrap interval, 95 % at level 0.05. It assumes no normal distribution and is too
        short for few pairs, see :func:`~kl_lib.experiments.bootstrap_interval`. The rule does not
        use it.
    """

    pairs: int
    fewest: int
    mean: float
    spread: float
    level: float
    margins: tuple[Margin, ...]
    p_zero: float | None = None
    interval: Interval | None = None
    narrow_interval: Interval | None = None
    bootstrap: Interval | None = None

    @property
    def verdict(self) -> str:
        """By the first margin."""
        return self.margins[0].verdict

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain numbers, strings and lists, the verdict included."""
        return {"verdict": self.verdict} | _lists(asdict(self))


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lists(item) for name, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, (list, tuple)) else value
