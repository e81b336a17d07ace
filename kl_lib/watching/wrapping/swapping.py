"""Another body for a function that is there already, so that all who hold it call the new one.

``from torch.nn.functional import kl_div`` before a block binds the function itself: to change the
module's attribute would miss it. So the function stays the same object, with its name, defaults and
signature, and its code is changed: the new one calls the old, and tells an observer.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable
from inspect import CO_VARARGS, CO_VARKEYWORDS
from typing import Any, Protocol


class Observer(Protocol):
    """Who is told of calls."""

    def enter(self) -> bool:
        """Whether this call is to be told of; then `leave` follows."""

    def leave(self) -> None:
        """The original has returned or raised."""

    def told(self, given: dict[str, Any], result: Any) -> None:
        """The arguments by name, and what the original returned."""


# A body in one line of the original's file: tracebacks and warnings name the library's function.
BODY = """
def {name}({parameters}):
    {cells}
    _watch = "observer"
    if not _watch[1].enter():
        return _watch[0]({passed})
    try:
        _result = _watch[0]({passed})
    finally:
        _watch[1].leave()
    _watch[1].told({given}, _result)
    return _result
"""


def swap(function: types.FunctionType, observer: Observer) -> Callable[[], None]:
    """Give `function` a body that tells `observer` of its calls. Returns what undoes it."""
    code = function.__code__
    original = types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    original.__module__, original.__qualname__ = function.__module__, function.__qualname__
    original.__annotations__ = function.__annotations__
    function.__code__ = _body(code, (original, observer))

    def undo() -> None:
        function.__code__ = code

    return undo


def _body(code: types.CodeType, watch: tuple[Callable[..., Any], Observer]) -> types.CodeType:
    """Code with the signature of `code` that calls the first of `watch` and tells the second."""
    tree = ast.parse(_source(code))
    if code.co_freevars:  # as many cells as the function holds, under any names
        names = ", ".join(f"_cell{i}" for i in range(len(code.co_freevars)))
        outer = ast.parse(f"def outer({names}):\n    pass").body[0]
        assert isinstance(outer, ast.FunctionDef)
        outer.body = tree.body
        tree.body = [outer]
    for node in ast.walk(tree):
        if "lineno" in node._attributes:
            node.lineno = node.end_lineno = code.co_firstlineno  # type: ignore[attr-defined]
            node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
    made = compile(tree, code.co_filename, "exec")
    for _ in range(2 if code.co_freevars else 1):
        [made] = [x for x in made.co_consts if isinstance(x, types.CodeType)]
    constants = tuple(watch if x == "observer" else x for x in made.co_consts)
    return made.replace(
        co_consts=constants,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno,
    )


def _source(code: types.CodeType) -> str:
    count, named = code.co_argcount, code.co_varnames
    first, plain = named[: code.co_posonlyargcount], named[code.co_posonlyargcount : count]
    only = named[count : count + code.co_kwonlyargcount]
    more = list(named[count + code.co_kwonlyargcount :])
    star = more.pop(0) if code.co_flags & CO_VARARGS else None
    stars = more.pop(0) if code.co_flags & CO_VARKEYWORDS else None
    parameters = [*first, *(["/"] if first else []), *plain]
    parameters += [f"*{star}"] if star else ["*"] if only else []
    parameters += [*only, *([f"**{stars}"] if stars else [])]
    passed = [*first, *plain, *([f"*{star}"] if star else [])]
    passed += [f"{x}={x}" for x in only] + ([f"**{stars}"] if stars else [])
    given = [f"{x!r}: {x}" for x in (*first, *plain, *only)]
    given += [f"'*': {star}"] if star else []
    given += [f"**{stars}"] if stars else []
    # Cells are asked for by code that never runs.
    cells = "".join(f"_cell{i}, " for i in range(len(code.co_freevars)))
    return BODY.format(
        name="swapped",
        parameters=", ".join(parameters),
        cells=f"if False: ({cells})" if cells else "pass",
        passed=", ".join(passed),
        given="{" + ", ".join(given) + "}",
    )
