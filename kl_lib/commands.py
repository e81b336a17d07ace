"""The commands of ``kl-lib``: `diagnose` is here, and this is where the others are registered."""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from . import __version__, diagnosis
from .diagnosis import LIBRARIES, PairError, read_pair
from .printing import printable

# All other commands, and where each is. A module is imported when its command is asked for.
ELSEWHERE = {
    "audit": "kl_lib.audit.command:audit_command",
    "run": "kl_lib.experiments.commands.run:run_command",
    "sweep": "kl_lib.experiments.commands.sweep:sweep_command",
    "results": "kl_lib.experiments.commands.results:results_command",
    "show": "kl_lib.experiments.commands.show:show_command",
    "compare": "kl_lib.experiments.commands.compare:compare_command",
    "plot": "kl_lib.experiments.commands.plot:plot_command",
    "remove": "kl_lib.experiments.commands.remove:remove_command",
    "trajectories": "kl_lib.experiments.commands.trajectories:trajectories_command",
    "watch": "kl_lib.watching.command:watch_command",
}
# Commands that have another name now, and what to say to who looks for something else by the old.
RENAMED = {
    "drift": "drift is called `kl-lib trajectories` now: how far trainings from one seed move "
    "apart. How far new data have moved from old ones is `kl_lib.kl_divergence` of their "
    "histograms, both ways added for PSI, or `kl_lib.kl_knn` of the samples",
}


class Commands(TyperGroup):
    """The command of this module, and those that are elsewhere."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *ELSEWHERE]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in RENAMED:
            _stop(RENAMED[cmd_name])
        return super().get_command(ctx, cmd_name) or _elsewhere(cmd_name)


@functools.cache
def _elsewhere(name: str) -> Any:
    if name not in ELSEWHERE:
        return None
    module, _, function = ELSEWHERE[name].partition(":")
    command = getattr(importlib.import_module(module), function)
    single = typer.Typer(add_completion=False)
    single.command(name, context_settings=getattr(command, "context_settings", None))(command)
    return typer.main.get_command(single)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kl-lib {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """The Kullback-Leibler divergence: explain a number, run the experiments of the book."""


@app.command()
def diagnose(
    p: Annotated[
        str,
        typer.Argument(
            help="The reference: .npy, .csv or .json. Alone: a .npz or .json with p and q, or - "
            "for such JSON on standard input.",
            show_default=False,
        ),
    ],
    q: Annotated[
        str | None,
        typer.Argument(help="The approximation: .npy, .csv or .json.", show_default=False),
    ] = None,
    axis: Annotated[int, typer.Option(help="The axis that holds the categories.")] = -1,
    base: Annotated[float | None, typer.Option(help="One more base, beside nats and bits.")] = None,
    normalize: Annotated[
        bool, typer.Option("--normalize", help="These are counts: divide by their sums.")
    ] = False,
    libraries: Annotated[
        str, typer.Option(metavar="NAME,...", help=f"Whom to ask: any of {', '.join(LIBRARIES)}.")
    ] = "numpy,scipy",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain the KL divergence of p and q, and what other libraries make of it.

    Exit status: 0 fine, 1 not a distribution or infinite, 2 nothing that can be read.
    """
    asked = [name.strip() for name in libraries.split(",") if name.strip()]
    if unknown := [name for name in asked if name not in LIBRARIES]:
        _stop(f"--libraries has {unknown[0]!r}, expected any of {', '.join(LIBRARIES)}")
    try:
        pair = read_pair(p, q)
    except PairError as error:
        _stop(error)
    # Keeps most of TensorFlow's notes about the processor out of the way.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    report = diagnosis.diagnose(*pair, axis=axis, base=base, normalize=normalize, libraries=asked)
    if as_json:
        text = report.to_json(indent=2)
        # JSON has a way of its own to write what this output cannot show.
        typer.echo(text if printable(text) == text else json.dumps(report.to_dict(), indent=2))
    elif sys.stdout.isatty() and printable("‖") == "‖":
        Console(highlight=False, width=min(Console().width, 100)).print(report)
    else:
        typer.echo(str(report))
    if report.status != "fine":
        raise typer.Exit(1)


def _stop(why: object) -> NoReturn:
    typer.echo(f"kl-lib: {why}", err=True)
    raise typer.Exit(2)
