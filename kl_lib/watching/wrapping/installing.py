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
from .swapping import swap

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
    for target in TARGETS:
        if target.module == module and target.call not in _undo:
            undo = _target(sys.modules[module], target)
            if undo is not None:
                _undo[target.call] = undo
    for name, owner, method, observer in earlier.RUNNERS:
        key = f"{name}.{owner}.{method}"
        if name == module and key not in _undo and hasattr(sys.modules[module], owner):
            _undo[key] = swap(getattr(getattr(sys.modules[module], owner), method), observer)


def _target(module: types.ModuleType, target: Target) -> Callable[[], None] | None:
    owner, _, name = target.name.rpartition(".")
    holder: Any = getattr(module, owner, None) if owner else module
    found = getattr(holder, name, None)
    hook = Hook(target)
    if found is None:
        return None
    if owner:
        return _method(holder, name, found, hook)
    if isinstance(found, types.FunctionType):
        inner = _innermost(found)
        earlier.FUNCTIONS[inner.__code__.co_filename, inner.__code__.co_name] = target.call
        return swap(inner, hook)
    return stand_in(found, hook, vars(sys.modules[MAKER]))


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
