"""kl-lib called in this process, and the experiment that trains in a second."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from kl_lib.commands import app

if TYPE_CHECKING:
    from click.testing import Result  # newer versions of typer do without click

TOY = f"{Path(__file__).parent / 'experiments' / 'toy.py'}:Toy"


def invoke(*args: object) -> Result:
    return CliRunner().invoke(app, [*map(str, args)])
