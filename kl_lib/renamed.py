"""Arguments that have a new name: the old one works until `UNTIL`, with a warning."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar, ParamSpec, TypeVar

#: The release in which the old names go away.
UNTIL = "kl_lib 0.3"

P = ParamSpec("P")
Result = TypeVar("Result")


def renamed(**names: str) -> Callable[[Callable[P, Result]], Callable[P, Result]]:
    """A decorator for a function whose arguments had other names: old="new".

    Examples
    --------
    >>> @renamed(sigma="scale")
    ... def variance(scale):
    ...     return scale**2
    >>> variance(scale=3)
    9
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     print(variance(sigma=3))
    9
    >>> print(told[0].message)
    variance: the argument sigma is called scale; the old name works until kl_lib 0.3
    """

    def enter(function: Callable[P, Result]) -> Callable[P, Result]:
        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> Result:
            if not names.keys().isdisjoint(kwargs):
                kwargs = _translated(kwargs, names, function.__name__)
            return function(*args, **kwargs)

        return called

    return enter


def _translated(given: dict[str, Any], names: dict[str, str], function: str) -> dict[str, Any]:
    """The arguments by their new names; Python itself refuses one that is given by both."""
    result = {}
    for name, value in given.items():
        new = names.get(name, name)
        if new in given:
            new = name
        if new != name:
            tell(f"{function}: the argument {name} is called {new}", stacklevel=4)
        result[new] = value
    return result


def tell(what: str, stacklevel: int) -> None:
    """Warn of an old name, at the line that has it."""
    message = f"{what}; the old name works until {UNTIL}"
    warnings.warn(message, DeprecationWarning, stacklevel=stacklevel)


class RenamedKeys(dict[str, Any]):
    """A dict whose keys had other names, `OLD`, which find them too, with a warning."""

    OLD: ClassVar[Mapping[str, str]] = {}

    def __missing__(self, key: str) -> Any:
        new = self.OLD.get(key, key)
        if new == key or new not in self:
            raise KeyError(key)
        tell(f"the parameter {key} is called {new}", stacklevel=3)
        return self[new]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or super().__contains__(self.OLD.get(str(key)))

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default
