"""From the text of a program to the facts that the rules look at."""

from __future__ import annotations

import libcst as cst

from ..sites import Facts, Function
from . import calls, expressions, loops, statements  # noqa: F401 - they register what they read
from .definitions import docstring_of, read_by_itself
from .nodes import block
from .state import Definition, Program, State


def read(module: cst.Module) -> Facts:
    """Read a whole file."""
    facts = Facts()
    program = Program(facts)
    top = Function("<module>", docstring=module.get_docstring() or "")
    facts.functions.append(top)
    at = State(program, top)
    block(module, at)
    _read_attributes(program)
    done = 0
    while done < len(program.later):  # reading a function finds the functions inside it
        definition, around = program.later[done]
        done += 1
        function = _function_of(definition)
        facts.functions.append(function)
        read_by_itself(definition, around, function)
    return facts


def _read_attributes(program: Program) -> None:
    """Read all methods for the attributes that they set, `__init__` before the others."""
    program.recording = False
    found = list(program.later)
    for definition, around in sorted(found, key=lambda one: _name(one[0]) != "__init__"):
        if definition.owner is not None:
            read_by_itself(definition, around, _function_of(definition))
    program.later[:] = found  # those inside the methods are found again
    program.recording = True


def _name(definition: Definition) -> str:
    return (
        definition.node.name.value if isinstance(definition.node, cst.FunctionDef) else "<lambda>"
    )


def _function_of(definition: Definition) -> Function:
    """A function of which nothing has been read yet."""
    return Function(_name(definition), docstring_of(definition.node))
