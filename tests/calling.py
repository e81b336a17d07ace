"""kl-lib called in this process, and the experiment that trains in a second."""

from __future__ import annotations

from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from kl_lib.commands import app

TOY = f"{Path(__file__).parent / 'experiments' / 'toy.py'}:Toy"


def invoke(*args: object) -> Result:
    return CliRunner().invoke(app, [*map(str, args)])
