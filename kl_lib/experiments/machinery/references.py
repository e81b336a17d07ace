"""What another process finds by a text: ``module:name``, or ``/path/file.py:name``."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from .definition import ExperimentError

# A file is loaded under a name that no module has, so that it takes the place of none.
_PREFIX = "kl_lib_experiment_file_"


def look_up(reference: str) -> Any:
    """Return what ``module:name`` or ``file.py:name`` stands for.

    Raises
    ------
    ExperimentError
        If it can't be imported or is not there.
    """
    place, _, name = reference.rpartition(":")
    found: Any = load_place(place)
    for part in name.split("."):
        if not hasattr(found, part):
            raise ExperimentError(f"{place} has no {name}")
        found = getattr(found, part)
    return found


def load_place(place: str) -> ModuleType:
    """Return the module of this name, or the file ``file.py`` as one.

    Raises
    ------
    ExperimentError
        If it can't be imported.
    """
    return load_file(Path(place)) if place.endswith(".py") else import_module(place)


def import_module(name: str) -> ModuleType:
    """Import a module, and say in one line why that does not work.

    Raises
    ------
    ExperimentError
        If it can't be found, or fails while it is imported.
    """
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever the module does
        raise ExperimentError(f"{name} can't be imported: {_reason(error)}") from error


def load_file(path: Path) -> ModuleType:
    """Load a Python file as a module, once in each process.

    Its folder is put before the other places that Python looks for modules in, as it is for a
    script. The module is known to Python before it is executed: dataclasses ask for it.

    Raises
    ------
    ExperimentError
        If there is no such file, or it fails.
    """
    path = path.resolve()
    main = sys.modules.get("__main__")
    if main is not None and str(path) == str(Path(getattr(main, "__file__", None) or "").resolve()):
        return main
    name = _PREFIX + path.stem + "_" + hashlib.sha256(str(path).encode()).hexdigest()[:8]
    if name in sys.modules:
        return sys.modules[name]
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ExperimentError(f"{path} can't be read: {error.strerror}") from error
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if (folder := str(path.parent)) not in sys.path:
        sys.path.insert(0, folder)
    try:
        exec(compile(source, str(path), "exec"), vars(module))
    except Exception as error:  # whatever the file does
        del sys.modules[name]
        raise ExperimentError(f"{path.name} can't be loaded: {_reason(error, path)}") from error
    vars(module)["__sha256__"] = hashlib.sha256(source).hexdigest()
    return module


def reference_to(thing: Any) -> str:
    """Return the ``module:name`` or ``/path/file.py:name`` under which another process finds it.

    Raises
    ------
    ExperimentError
        If it was defined where no other process can find it.
    """
    module = sys.modules[thing.__module__]
    name = thing.__qualname__
    place = thing.__module__
    if place.startswith(_PREFIX) or place in ("__main__", "__mp_main__"):
        file = getattr(module, "__file__", None)
        if file is None or not Path(file).is_file():  # a notebook, or standard input
            raise ExperimentError(
                f"{name} was defined where no other process can find it: put it into a file"
            )
        place = str(Path(file).resolve())
    if "<locals>" in name:
        raise ExperimentError(f"{name} was defined in a function: move it to the top of its file")
    return f"{place}:{name}"


def source_sha256(thing: Any) -> str | None:
    """Return the checksum of the file that defines it, as it was loaded; None without a file."""
    module = sys.modules[thing.__module__]
    if found := vars(module).get("__sha256__"):
        return found
    file = getattr(module, "__file__", None)
    return None if file is None else _file_sha256(file)


@functools.cache  # The code is that of the moment it was first asked for, whatever comes after.
def _file_sha256(file: str) -> str | None:
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return None


def failure(error: BaseException, defined_in: Any = None) -> str:
    """Say in one line what went wrong, and in which line of the file that defines a class."""
    module = None if defined_in is None else sys.modules.get(defined_in.__module__)
    return _reason(error, getattr(module, "__file__", None))


def _reason(error: BaseException, file: str | Path | None = None) -> str:
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        line = error.lineno
    said = " ".join(str(error).split())
    where = f"{Path(str(file)).name}, line {line}: " if line is not None and file else ""
    return f"{where}{type(error).__name__}: {said}"
