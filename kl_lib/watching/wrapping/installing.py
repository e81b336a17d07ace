"""The watches that are on, and the bodies that were swapped for them: one set for all, by count."""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..observing import earlier
from ..observing.calls import Hook
from ..observing.watches import WATCHES
from ..targets import TARGETS, Target
from . import importing
from .replacing import stand_in
from .swapping import Observer, swap

if TYPE_CHECKING:
    from ..session import Watch

#: The module in C that makes SciPy's universal functions and goes on holding them.
MAKER = "scipy.special._ufuncs"

_lock = threading.RLock()
_undo: dict[str, Callable[[], None]] = {}
_MODULES = {x.module for x in TARGETS} | {x[0] for x in earlier.RUNNERS}


def begin(watch: Watch) -> None:
    """Switch a watch on."""
    with _lock:
        if not WATCHES:
            importing.install(_MODULES, imported)
        WATCHES.append(watch)
        for module in _MODULES & sys.modules.keys():
            if not importing.unfinished(sys.modules[module]):
                _put(module)


def end(watch: Watch) -> None:
    """Switch it off. The last one gives all functions their own bodies back."""
    with _lock:
        WATCHES.remove(watch)
        if not WATCHES:
            importing.remove()
            while _undo:
                _undo.popitem()[1]()


def imported(module: str) -> None:
    """A library has come in while watches are on."""
    with _lock:
        if WATCHES:
            _put(module)


def _put(module: str) -> None:
    """Swap what is watched of a module that is loaded, unless that is done."""
    universal: dict[Any, Observer] = {}  # functions without Python code: no body to swap
    for target in TARGETS:
        found = _found(sys.modules[module], target) if target.module == module else None
        if found is None or target.call in _undo:
            continue
        if isinstance(found, types.FunctionType):
            _undo[target.call] = _target(sys.modules[module], target, found)
        else:
            universal[found] = Hook(target)
    if universal and MAKER not in _undo:
        _undo[MAKER] = stand_in(universal, vars(sys.modules[MAKER]))
    for name, owner, method, observer in earlier.RUNNERS:
        key = f"{name}.{owner}.{method}"
        if name == module and key not in _undo and hasattr(sys.modules[module], owner):
            _undo[key] = swap(getattr(getattr(sys.modules[module], owner), method), observer)


def _found(module: types.ModuleType, target: Target) -> Any:
    """What is watched; None where this version of the library hasn't got it."""
    owner, _, name = target.name.rpartition(".")
    return getattr(getattr(module, owner, None) if owner else module, name, None)


def _target(module: types.ModuleType, target: Target, found: Any) -> Callable[[], None]:
    owner, _, name = target.name.rpartition(".")
    hook = Hook(target)
    if owner:
        return _method(getattr(module, owner), name, found, hook)
    inner = _innermost(found)
    earlier.FUNCTIONS[inner.__code__.co_filename, inner.__code__.co_name] = target.call
    return swap(inner, hook)


def _innermost(found: types.FunctionType) -> types.FunctionType:
    """Autograph takes off what TensorFlow's dispatcher has wrapped around: the inner one counts."""
    while found.__module__.partition(".")[0] == "tf_keras" and hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    return found


def _method(owner: type, name: str, inherited: Any, hook: Hook) -> Callable[[], None]:
    """A method of its own for a class that inherits it, which its objects find from now on."""
    method = types.FunctionType(
        inherited.__code__,
        inherited.__globals__,
        inherited.__name__,
        inherited.__defaults__,
        inherited.__closure__,
    )
    swap(method, hook)
    setattr(owner, name, method)
    return lambda: delattr(owner, name)
