"""The watches that are on, and the bodies that were swapped for them: one set for all, by count."""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable
from typing import Any

from . import earlier, importing
from .observing import Hook
from .replacing import stand_in
from .running import WATCHES
from .session import Watch
from .swapping import swap
from .targets import TARGETS, Target

_lock = threading.RLock()
_undo: dict[str, Callable[[], None]] = {}


def begin(watch: Watch) -> None:
    """Switch a watch on."""
    with _lock:
        if not WATCHES:
            importing.install({earlier.MODULE, *(x.module for x in TARGETS)}, imported)
        WATCHES.append(watch)
        for target in TARGETS:
            _put(target)
        _put_on_graphs()


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
        for target in TARGETS:
            if target.module == module and WATCHES:
                _put(target)
        if module == earlier.MODULE and WATCHES:
            _put_on_graphs()


def _put(target: Target) -> None:
    """Swap the body of a target whose library is loaded, unless that is done."""
    module = sys.modules.get(target.module)
    if module is None or target.call in _undo or importing.unfinished(module):
        return
    owner, _, name = target.name.rpartition(".")
    holder: Any = getattr(module, owner, None) if owner else module
    found = getattr(holder, name, None)
    hook = Hook(target)
    if owner and found is not None:
        _undo[target.call] = _method(holder, name, found, hook)
    elif isinstance(found, types.FunctionType):
        _undo[target.call] = _function(found, hook)
        earlier.FUNCTIONS[found.__code__.co_filename, found.__code__.co_name] = target.call
    elif found is not None:
        _undo[target.call] = stand_in(found, hook, vars(module))


def _put_on_graphs() -> None:
    """Swap the method by which TensorFlow runs what it has traced."""
    module = sys.modules.get(earlier.MODULE)
    if module is not None and earlier.MODULE not in _undo and not importing.unfinished(module):
        _undo[earlier.MODULE] = swap(module.ConcreteFunction._call_flat, earlier.Runs())


def _function(found: types.FunctionType, hook: Hook) -> Callable[[], None]:
    """TensorFlow's dispatcher wraps functions that autograph unwraps again: the inner one counts."""
    while found.__module__.partition(".")[0] == "tf_keras" and hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    return swap(found, hook)


def _method(owner: type, name: str, inherited: Any, hook: Hook) -> Callable[[], None]:
    """A method of its own for a class that inherits it, which its objects find at their next call."""
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
