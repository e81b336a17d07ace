"""Which pairs have a closed form: `register_kl` enters one, `kl_between` finds it.

A pair is two families by name, two classes, or one of each. What stands here by name, and what
each family's parameters are called, is in `pairs.py` and `cross.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..renamed import RenamedKeys

Form = Callable[[Any, Any], Any]
Key = type | str


class NoFormError(Exception):
    """Raised by a form that does not hold for such parameters of dist_p, which it names."""


class Given(RenamedKeys):
    """The parameters of a distribution by name: what the form of a family gets."""

    OLD: ClassVar[Mapping[str, str]] = {
        "a": "concentration1",
        "b": "concentration0",
        "n": "total_count",
        "mean": "loc",
        "cov": "covariance_matrix",
        "factor": "scale",
        "deviations": "scale_diag",
    }


@dataclass(frozen=True)
class Entry:
    """A closed form in nats; `unless` says for which supports of dist_p it does not hold."""

    form: Form
    unless: str = ""


#: Every closed form that `kl_between` finds, by the two families or classes it is for.
PAIRS: dict[tuple[Key, Key], Entry] = {}


def closed_form(family_p: str, family_q: str = "", unless: str = "") -> Callable[[Form], Form]:
    """Enter one of kl_lib's own: `register_kl` of two names, with what `Entry` says of supports."""

    def enter(form: Form) -> Form:
        PAIRS[family_p, family_q or family_p] = Entry(form, unless)
        return form

    return enter


def register_kl(kind_p: Key, kind_q: Key, *, replace: bool = False) -> Callable[[Form], Form]:
    """Tell `kl_between` a closed form: a decorator for a function of two distributions.

    Parameters
    ----------
    kind_p, kind_q
        What dist_p and dist_q are: a class of your own (or of any library; its subclasses too),
        or the name of a family that kl_lib reads, such as ``"normal"``: one of
        `kl_lib.families.FAMILY_NAMES`.
    replace
        Whether a form that stands for this very pair may be replaced.

    Returns
    -------
    decorator
        Of a function that gives KL(dist_p ‖ dist_q) in nats, a number or an array. Of a class, it
        gets the object itself; of a family by name, a dict of its parameters.

    Raises
    ------
    TypeError
        If a kind is neither a class nor the name of a family.
    ValueError
        If the pair has a form and `replace` is not set.

    References
    ----------
    The pattern of `torch.distributions.kl.register_kl` and `tfp.distributions.RegisterKL`.

    Examples
    --------
    >>> import kl_lib as kl
    >>> from scipy import stats
    >>> class Coin:
    ...     def __init__(self, heads):
    ...         self.heads = heads
    >>> @kl.register_kl(Coin, Coin)
    ... def kl_of_coins(p, q):
    ...     return kl.kl_bernoulli(p.heads, q.heads)
    >>> print(kl.kl_between(Coin(0.5), Coin(0.75), base=2).round(6))
    0.207519
    >>> @kl.register_kl(Coin, "bernoulli")
    ... def kl_of_a_coin_and_a_bernoulli(p, q):
    ...     return kl.kl_bernoulli(p.heads, q["probs"])
    >>> print(kl.kl_between(Coin(0.5), stats.bernoulli(0.75), base=2).round(6))
    0.207519
    """
    _check_kind(kind_p, "kind_p")
    _check_kind(kind_q, "kind_q")

    def enter(form: Form) -> Form:
        if (kind_p, kind_q) in PAIRS and not replace:
            raise ValueError(
                f"the pair ({_called(kind_p)}, {_called(kind_q)}) has a form already; pass "
                "replace=True to put yours in its place"
            )
        PAIRS[kind_p, kind_q] = Entry(form)
        return form

    return enter


def _check_kind(kind: Any, name: str) -> None:
    from .supports import FAMILY_NAMES

    if isinstance(kind, type) or (isinstance(kind, str) and kind in FAMILY_NAMES):
        return
    if isinstance(kind, str):
        raise TypeError(f"{name} is {kind!r}; pass a class or one of {', '.join(FAMILY_NAMES)}")
    raise TypeError(f"{name} is a {type(kind).__name__}; pass a class or the name of a family")


def _called(kind: Key) -> str:
    return repr(kind) if isinstance(kind, str) else kind.__name__


def find(keys_p: list[Key], keys_q: list[Key]) -> tuple[Key, Key] | None:
    """The pair that stands for two distributions, the most specific first.

    The keys of a distribution are its class, the classes above it and last its family. The pair
    of classes fewest steps up wins; of two equally near, the one nearer to p.
    """
    found = [
        (i + j, i, (p, q))
        for i, p in enumerate(keys_p)
        for j, q in enumerate(keys_q)
        if (p, q) in PAIRS
    ]
    return min(found, key=lambda entry: entry[:2])[2] if found else None
