"""A stand-in for what has no Python code, NumPy's universal functions, in all places that hold it.

`scipy.special.rel_entr` is one. Module globals, other dicts, lists, classes and closures that hold
it get the stand-in and are given the original back. What is out of reach, a tuple or a running
function's local name, goes on calling the original, unseen.
"""

from __future__ import annotations

import gc
import pickle
import types
from collections.abc import Callable
from functools import partial
from typing import Any

from .swapping import Observer


class StandIn:
    """Calls what it stands for and tells an observer; in all else it is what it stands for."""

    def __init__(self, original: Any, observer: Observer, names: tuple[str, ...]) -> None:
        self.__dict__.update(_original=original, _observer=observer, _names=names)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        observer = self._observer
        if not observer.enter():
            return self._original(*args, **kwargs)
        try:
            result = self._original(*args, **kwargs)
        finally:
            observer.leave()
        observer.told({**dict(zip(self._names, args, strict=False)), **kwargs}, result)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._original)

    def __repr__(self) -> str:
        return repr(self._original)

    def __eq__(self, other: object) -> bool:
        return other is self or other is self._original

    def __hash__(self) -> int:
        return hash(self._original)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickled as what it stands for, which the module in C that made it still holds."""
        return pickle.loads, (pickle.dumps(self._original, protocol),)


def stand_in(observers: dict[Any, Observer], home: dict[str, Any]) -> Callable[[], None]:
    """Put stand-ins for the keys wherever these are held, but in their `home`. Returns the undoing.

    All of them at once, because to find who holds them takes a look at every object of the process.
    """
    pairs = [(each, StandIn(each, observer, ("p", "q"))) for each, observer in observers.items()]
    _replace(pairs, but=(home, *(vars(stand) for _, stand in pairs)))
    # No closure, whose cells would be replaced.
    return partial(_replace, [(stand, original) for original, stand in pairs], but=())


def _replace(pairs: list[tuple[Any, Any]], but: tuple[Any, ...]) -> None:
    new = {id(old): other for old, other in pairs}
    for holder in gc.get_referrers(*(old for old, _ in pairs)):
        # An extension module may hold what is in its dict in a second place.
        if any(x is holder or x is getattr(holder, "__dict__", None) for x in but):
            continue
        if isinstance(holder, dict):
            _replace_in_dict(holder, new)
        elif isinstance(holder, list):
            for i, item in enumerate(holder):
                if id(item) in new:
                    holder[i] = new[id(item)]
        elif isinstance(holder, types.CellType):
            holder.cell_contents = new.get(id(holder.cell_contents), holder.cell_contents)
        elif hasattr(holder, "__dict__") and isinstance(holder.__dict__, dict):
            _replace_in_dict(holder.__dict__, new)  # since 3.11 an object holds its attributes


def _replace_in_dict(holder: dict[Any, Any], new: dict[int, Any]) -> None:
    names = {key: new[id(value)] for key, value in holder.items() if id(value) in new}
    if names and "__dict__" in holder and "__module__" in holder:  # that of a class, cached by type
        for owner in gc.get_referrers(holder):
            if isinstance(owner, type):
                for name, other in names.items():
                    setattr(owner, name, other)
                return
    holder.update(names)
