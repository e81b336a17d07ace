"""``kl-lib watch``: run a script and look at its KL calls."""

from __future__ import annotations

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
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="A Python file.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGS]...", help="What the script is given.")
    ] = None,
    on: Annotated[
        str, typer.Option(help="What to do with a mistake at once: record, warn or raise.")
    ] = "record",
    first: Annotated[int, typer.Option(min=1, help="Look at so many first calls of a line.")] = 3,
    every: Annotated[int, typer.Option(min=1, help="And then at one in so many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Report in JSON.")] = False,
) -> None:
    """Run a script, and report what is wrong with its KL calls, on standard error.

    The options stand before the script; what stands after it is the script's. Exit status: that of
    the script; where that is 0, 1 for a mistake in a call; 2 for what can't be run.
    """
    if on not in ("record", "warn", "raise"):
        _stop(f"--on is {on!r}; pass record, warn or raise")
    if not Path(script).is_file():
        _stop(f"there is no file {script}; pass the path of a Python script")
    seen = watch(on, first=first, every=every)  # type: ignore[arg-type]
    status = 0
    try:
        with seen:
            _run(script, arguments or [])
    except SystemExit as end:
        status = _status(end)
    finally:
        _report(seen, as_json)
    raise typer.Exit(status or int(bool(seen.mistakes)))


watch_command.context_settings = {  # type: ignore[attr-defined]
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
}


def _run(script: str, arguments: list[str]) -> None:
    """As ``python SCRIPT ARGS`` does."""
    argv, path = sys.argv, sys.path[:]
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).resolve().parent))
    try:
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
