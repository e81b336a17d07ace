"""``kl-lib plot``: curves of runs, and of the differences of pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..analysis.plots import plot_runs
from ..analysis.selection import select
from ..machinery.choices import ConfigError
from . import options
from .ending import errors_in_one_line
from .results import readable


def plot_command(
    experiment: options.Name,
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A number of each epoch, such as val_accuracy, or one of the results.",
            show_default="what the experiment is compared by",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .png, .svg or .pdf.",
            show_default="EXPERIMENT-MEASURE.png",
        ),
    ] = None,
    difference: Annotated[
        bool, typer.Option("--difference", help="Of each arm and the reference, paired by seed.")
    ] = False,
    reference: options.Reference = None,
    where: options.Where = None,
    store: options.Store = options.RESULTS,
) -> None:
    """Draw what runs measured: thin lines for runs, thick ones for the means of arms.

    Runs that differ in more than arm and seed are in panels of their own. With --difference the
    shade is the 95 % interval of the mean, for each epoch.
    """
    with errors_in_one_line():
        records, wrong = readable(store, experiment)
        records = select(records, where or [])
        if not records:
            raise ConfigError(f"there are no such runs of {experiment} in {store}")
        measure = measure or records[0].config.measure.name
        drawn_to_file()
        figure = plot_runs(records, measure, difference=difference, reference=reference)
        path = output or Path(f"{records[0].config.folder}-{measure}.png")
        known = figure.canvas.get_supported_filetypes()
        if path.suffix[1:] not in known:
            raise ConfigError(
                f"--output is {str(path)!r}, expected a name that ends in one of: "
                f"{', '.join(f'.{each}' for each in sorted(known))}"
            )
        figure.savefig(path)
        typer.echo(f"Figure: {path} ({len(records)} runs)")
        if wrong:
            raise typer.Exit(1)


def drawn_to_file() -> None:
    """Let matplotlib draw in the house style, and open no window."""
    try:
        import matplotlib
    except ModuleNotFoundError:
        return  # `plot_runs` says so
    from ...figures import use_style

    matplotlib.use("agg")
    use_style()
