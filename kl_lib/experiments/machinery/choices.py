"""What a field of an experiment may be: its type hint says it, and values are checked by it.

A field is a whole number, a number, text, true or false, one of some values, or one of these or
nothing: ``int``, ``float``, ``str``, ``bool``, ``Literal["kl", "ce"]``, ``float | None``. What else
is asked of it stands beside the type: ``Annotated[float, Range(gt=0)]``.
"""

from __future__ import annotations

import functools
import math
import operator
import re
import types
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

TRUE, FALSE, NOTHING = ("true", "yes", "1"), ("false", "no", "0"), ("none", "null")


class ConfigError(ValueError):
    """A config that no run can have. The message names field, value and what was expected."""


class Marker(Protocol):
    """What stands beside the type of a field, in ``Annotated``."""

    @property
    def words(self) -> str:
        """What is expected, to go on after "expected a number" and the like; may be empty."""

    def accept(self, value: Any) -> Any:
        """Return what is to be kept of a value of the right type, or raise ValueError."""


@dataclass(frozen=True)
class Range:
    """Numbers between bounds, called as pydantic calls them.

    Parameters
    ----------
    ge, gt : float, optional
        Greater than or equal, greater than.
    le, lt : float, optional
        Less than or equal, less than.

    Examples
    --------
    >>> Range(gt=0, lt=1).words
    'between 0 and 1'
    >>> Range(ge=1).words, Range(gt=0).words
    ('from 1', 'above 0')
    """

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    @property
    def words(self) -> str:
        if self.gt is not None and self.lt is not None:
            return f"between {self.gt} and {self.lt}"
        bounds = ("from", self.ge), ("above", self.gt), ("to", self.le), ("below", self.lt)
        return " ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)

    def accept(self, value: Any) -> Any:
        checks = (operator.ge, self.ge), (operator.gt, self.gt), (operator.le, self.le)
        for holds, bound in (*checks, (operator.lt, self.lt)):
            if bound is not None and not holds(value, bound):
                raise ValueError
        return value


@dataclass(frozen=True)
class Pattern:
    """Text that matches a regular expression, and the words that say so."""

    regex: str
    words: str

    def accept(self, value: Any) -> Any:
        if not re.fullmatch(self.regex, value):
            raise ValueError
        return value


@dataclass(frozen=True)
class Choice:
    """A field, and what it may be.

    Attributes
    ----------
    name : str
        Of the field.
    type : type
        ``int``, ``float``, ``str`` or ``bool``; that of the values, if there are `values`.
    values : tuple
        All that it may be; empty if that is not a list.
    markers : tuple
        What else is asked of it.
    optional : bool
        Whether it may also be None.
    required : bool
        Whether it has no default.
    """

    name: str
    type: type
    values: tuple[Any, ...] = ()
    markers: tuple[Marker, ...] = ()
    optional: bool = False
    required: bool = True

    @property
    def wanted(self) -> str:
        """What it may be, in words."""
        if self.values:
            words = f"one of: {', '.join(map(str, self.values))}"
        else:
            own = [marker.words for marker in self.markers if marker.words]
            words = " ".join([_TYPES[self.type], *own] if self.type in _NUMBERS else own)
        return (words or _TYPES[self.type]) + (", or none" if self.optional else "")

    def refuse(self, value: object) -> ConfigError:
        return ConfigError(f"{self.name} is {value!r}, expected {self.wanted}")

    def checked(self, value: Any) -> Any:
        """Return `value` as a plain Python value, so that numpy.int64(3) and 3 are the same.

        Raises
        ------
        ConfigError
            If it is of another type or out of range.
        """
        if value is None and self.optional:
            return None
        try:
            if self.values:
                [plain] = [each for each in self.values if _same(each, value)]
            else:
                plain = _PLAIN[self.type](value)
            for marker in self.markers:
                plain = marker.accept(plain)
        except ConfigError:
            raise
        except (TypeError, ValueError, OverflowError):
            raise self.refuse(value) from None
        return plain

    def read(self, text: str) -> Any:
        """Return the value that a text on the command line stands for, checked.

        Examples
        --------
        >>> Choice("lr", float, markers=(Range(gt=0),)).read("1e-3")
        0.001
        >>> Choice("epochs", int).read("many")
        Traceback (most recent call last):
        ...
        kl_lib.experiments.machinery.choices.ConfigError: epochs is 'many', expected a whole number
        """
        if self.optional and text.lower() in NOTHING:
            return None
        for value in self.values:
            if str(value) == text:
                return self.checked(value)
        try:
            value = _READ[self.type](text)
        except ValueError:
            raise self.refuse(text) from None
        return self.checked(value)


@functools.cache
def choices_of(cls: type) -> dict[str, Choice]:
    """Return the fields of a dataclass with what each may be.

    Raises
    ------
    TypeError
        If a field has a type that a choice can't have.
    """
    hints = get_type_hints(cls, include_extras=True)
    return {
        field.name: _choice(
            cls, field.name, hints[field.name], field.default is field.default_factory is MISSING
        )
        for field in fields(cls)
        if field.init and field.name in names_of_choices(cls)
    }


def names_of_choices(cls: type) -> list[str]:
    """Return the fields of a dataclass but those that say themselves that they are no choice."""
    return [field.name for field in fields(cls) if field.metadata.get("choice", True)]


def _choice(cls: type, name: str, hint: Any, required: bool) -> Choice:
    markers: list[Marker] = []
    optional = False
    while True:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            hint, *own = arguments
            markers += [each for each in own if callable(getattr(each, "accept", None))]
        elif origin in (Union, types.UnionType) and type(None) in arguments:
            optional = True
            rest = tuple(each for each in arguments if each is not type(None))
            hint = rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007
        else:
            break
    if origin is Literal:
        values = arguments
        return Choice(name, type(values[0]), values, tuple(markers), optional, required)
    if hint not in _TYPES:
        raise TypeError(
            f"{cls.__name__}.{name} is declared as {hint}, expected int, float, str, bool, "
            "Literal, one of these in Annotated, or one of these | None"
        )
    return Choice(name, hint, (), tuple(markers), optional, required)


def _same(one: Any, other: Any) -> bool:
    # True == 1 and 1 == 1.0, but they are not the same JSON.
    return (isinstance(other, type(one)) and one == other and type(one) is not bool) or one is other


def _whole(value: Any) -> int:
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        raise TypeError
    return operator.index(value)


def _number(value: Any) -> float:
    if isinstance(value, (bool, str)) or not math.isfinite(number := float(value)):
        raise TypeError
    return number


def _instance(kind: type) -> Callable[[Any], Any]:
    def plain(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError
        return kind(value)

    return plain


def _truth(text: str) -> bool:
    if text.lower() in (*TRUE, *FALSE):
        return text.lower() in TRUE
    raise ValueError


_NUMBERS = (int, float)
_TYPES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_PLAIN = {int: _whole, float: _number, str: _instance(str), bool: _instance(bool)}
_READ: dict[type, Callable[[str], Any]] = {int: int, float: float, str: str, bool: _truth}
