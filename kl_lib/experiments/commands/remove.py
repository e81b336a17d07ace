"""``kl-lib remove``: runs that are not wanted any more."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..machinery.choices import ConfigError
from ..machinery.upkeep import files_of, path_of, remove
from . import options
from .ending import errors_in_one_line


def remove_command(
    ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Of the runs, or how they begin.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: options.Store = options.RESULTS,
) -> None:
    """Delete the records of runs, and what is kept beside them.

    The same choices then make the same run again.
    """
    with errors_in_one_line():
        paths = [path_of(store, id_) for id_ in ids]
        if not yes:
            if not sys.stdin.isatty():
                raise ConfigError("nobody can be asked here whether to delete runs: add --yes")
            for path in paths:
                typer.echo("\n".join(map(str, files_of(store, path))))
            typer.confirm("Delete that?", abort=True)
        for path in dict.fromkeys(paths):
            for each in remove(store, path):
                typer.echo(f"Deleted {each}")
