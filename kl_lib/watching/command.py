"""``kl-lib watch``: run a script and look at its KL calls."""

from __future__ import annotations

import importlib.util
import json
import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer

from kl_lib.printing import printable

from . import watch
from .session import Watch


def watch_command(
    script: Annotated[
        str, typer.Argument(metavar="SCRIPT", help="A Python file; with -m the name of a module.")
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGS]...", help="What the script is given.")
    ] = None,
    on: Annotated[
        str, typer.Option(help="What to do with a mistake at once: record, warn or raise.")
    ] = "record",
    first: Annotated[int, typer.Option(min=1, help="Look at so many first calls of a line.")] = 3,
    every: Annotated[int, typer.Option(min=1, help="And then at one in so many.")] = 100,
    as_module: Annotated[
        bool, typer.Option("-m", help="Run a module, as python -m does: -m package.module ARGS.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report in JSON.")] = False,
) -> None:
    """Run a script, and report what is wrong with its KL calls, on standard error.

    The options stand before the script; what stands after it is the script's. Exit status: that of
    the script; where that is 0, 1 for a mistake in a call; 2 for what can't be run.
    """
    if on not in ("record", "warn", "raise"):
        _stop(f"--on is {on!r}; pass record, warn or raise")
    if not as_module and not Path(script).is_file():
        _stop(f"there is no file {script}; pass the path of a Python script")
    if as_module and not _found(script):
        _stop(f"there is no module {script}; pass the name that python -m takes")
    seen = watch(on, first=first, every=every)  # type: ignore[arg-type]
    status = 0
    try:
        with seen:
            _run(script, arguments or [], as_module)
    except SystemExit as end:
        status = _status(end)
    finally:
        _report(seen, as_json)
    raise typer.Exit(status or int(bool(seen.mistakes)))


watch_command.context_settings = {  # type: ignore[attr-defined]
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
}


def _found(module: str) -> bool:
    """Whether there is such a module, seen from the working folder, as for ``python -m``."""
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # no such package around it, or not a name
        return False


def _run(script: str, arguments: list[str], as_module: bool) -> None:
    """As ``python SCRIPT ARGS`` and ``python -m SCRIPT ARGS`` do."""
    argv, path = sys.argv, sys.path[:]
    sys.argv = [script, *arguments]
    try:
        if as_module:
            runpy.run_module(script, run_name="__main__", alter_sys=True)
        else:
            sys.path.insert(0, str(Path(script).resolve().parent))
            runpy.run_path(script, run_name="__main__")
    finally:
        sys.argv, sys.path[:] = argv, path


def _status(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _report(seen: Watch, as_json: bool) -> None:
    sys.stdout.flush()
    text = json.dumps(seen.to_dict(), indent=2) if as_json else printable(str(seen))
    typer.echo(text, err=True)


def _stop(why: str) -> None:
    typer.echo(f"kl-lib: {why}", err=True)
    raise typer.Exit(2)
