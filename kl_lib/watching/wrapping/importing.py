"""What is imported while a block runs is watched from then on."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any


class _Finder(importlib.abc.MetaPathFinder):
    """Leaves finding to the others, and says when a module that is waited for has been run."""

    def __init__(self, modules: set[str], done: Callable[[str], None]) -> None:
        self.modules, self.done = modules, done

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.modules:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    _tell(spec.loader, fullname, self.done)
                return spec
        return None


def _tell(loader: Any, name: str, done: Callable[[str], None]) -> None:
    run = loader.exec_module

    def exec_module(module: types.ModuleType) -> None:
        del loader.exec_module
        run(module)
        done(name)

    try:
        loader.exec_module = exec_module
    except AttributeError:
        return  # a loader of its own kind: the next block finds the module loaded


_finder: _Finder | None = None


def install(modules: set[str], done: Callable[[str], None]) -> None:
    """Call `done` with the name of each of `modules` once it has been imported."""
    global _finder
    _finder = _Finder(modules, done)
    sys.meta_path.insert(0, _finder)


def remove() -> None:
    """Undo it."""
    global _finder
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    _finder = None


def unfinished(module: types.ModuleType) -> bool:
    """Whether a module is still being run, in this thread or another."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
