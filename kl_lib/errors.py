"""What kl_lib raises about an input, for people in words and for programs in attributes."""

from __future__ import annotations

from typing import Any

#: How many places an error lists.
PLACES = 10


class DistributionError(ValueError):
    """An input that is not what the function can give a meaningful number for.

    A subclass of `ValueError`, so ``except ValueError`` catches it too. The message names the
    argument, the place in it, the value found and what to do about it.

    Attributes
    ----------
    kind
        What is wrong, in a word: ``"unreadable"``, ``"labels"``, ``"shape"``, ``"axis"``,
        ``"base"``, ``"option"``, ``"empty"``, ``"nan"``, ``"infinite"``, ``"negative"``,
        ``"logarithms"``, ``"sum"``, ``"parameter"`` or ``"samples"``.
    argument
        The name of the argument, such as ``"p"``; ``"p and q"`` where two do not fit.
    place
        Index of the first entry (for ``"sum"`` and ``"empty"``: row) at fault, None where the
        fault is not in one place.
    value
        What was found there.
    places
        The first ten such places.
    count
        How many there are in all.

    Examples
    --------
    >>> import kl_lib as kl
    >>> try:
    ...     kl.entropy([[0.5, 0.5], [0.5, 0.3], [0.9, 0.2]])
    ... except kl.DistributionError as error:
    ...     print(error.kind, error.argument, error.place, error.value, error.count)
    sum p (1,) 0.8 2
    """

    __module__ = "kl_lib"  # the name it is caught by, and the shorter one in a traceback

    def __init__(
        self,
        message: str,
        *,
        kind: str = "option",
        argument: str = "",
        place: tuple[int, ...] | None = None,
        value: Any = None,
        places: tuple[tuple[int, ...], ...] = (),
        count: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.argument = argument
        self.place = place
        self.value = value
        self.places = places
        self.count = count


class GradientWarning(UserWarning):
    """A tensor that a gradient is to pass through was read as plain numbers, which pass none on.

    The result is right, and a constant to whatever is computed from it. The message says how to
    tell kl_lib that this is meant, and which function keeps the gradient.

    Examples
    --------
    An error in place of the warning:

    >>> import warnings
    >>> import kl_lib as kl
    >>> warnings.simplefilter("error", kl.GradientWarning)
    """

    __module__ = "kl_lib"


class NoClosedFormError(TypeError):
    """Two distributions whose KL has no closed form here; the message says how to estimate it.

    Examples
    --------
    >>> import kl_lib as kl
    >>> from scipy import stats
    >>> try:
    ...     kl.kl_between(stats.norm(0, 1), stats.t(3))
    ... except kl.NoClosedFormError as error:
    ...     print(str(error)[:51])
    KL from stats.norm to stats.t has no closed form he
    """

    __module__ = "kl_lib"
