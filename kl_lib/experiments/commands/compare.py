"""``kl-lib compare``: what the runs show."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from ..analysis.comparison import Comparison, compare
from ..analysis.pairing import ComparisonError, arm_name, check_fields
from ..analysis.rule import rule_for
from ..analysis.selection import select
from ..convnet.drift import sure_and_wrong
from ..machinery.backend import BackendError, start_quietly
from ..machinery.store import comparable
from . import options
from .ending import errors_in_one_line, warn
from .results import readable


def compare_command(
    experiment: options.Name,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="CHOICE,...",
            help="What tells the arms apart.",
            show_default="as the experiment says",
        ),
    ] = None,
    reference: options.Reference = None,
    where: options.Where = None,
    store: options.Store = options.RESULTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare finished runs, paired by seed: intervals, equivalence test, verdict.

    Runs that differ in more than arm and seed are compared apart. Those without another arm are
    named and left out. Exit status: 0 if something was compared and nothing was wrong.
    """
    with errors_in_one_line():
        records, wrong = readable(store, experiment)
        records = select(records, where or [])
        fields = None if by is None else [name.strip().replace("-", "_") for name in by.split(",")]
        for record in records:
            check_fields(type(record.config), fields or ())
            if fields == list(record.config.arms[:1]):
                fields = None  # they go together, as loss and disturbance do
        found: list[tuple[str, Comparison]] = []
        for heading, group in comparable(records, fields).items():
            arms = {arm_name(record.config, fields) for record in group}
            if len(arms) == 1 and (reference is None or reference in arms):
                warn(f"{heading}: all runs are of {arms.pop()}, so nothing is compared")
                continue
            try:
                found.append((heading, compare(group, reference=reference, by=fields)))
            except ComparisonError as error:
                wrong += 1
                warn(f"{heading}: {error}")
        if as_json:
            typer.echo(json.dumps([each.as_dict() for _, each in found], indent=1))
        elif found:
            _show(found)
        elif not wrong:
            which = f" with {' and '.join(where)}" if where else ""
            typer.echo(
                f"Nothing to compare in {store} of {experiment}{which}. "
                f"`kl-lib sweep {experiment}` makes runs."
            )
        if wrong or not found:
            raise typer.Exit(1)


def _show(found: list[tuple[str, Comparison]]) -> None:
    console = Console(highlight=False, markup=False)
    rule = rule_for(found[0][1].measure)
    console.print(f"The rule, written down before the runs:\n\n{rule}\n", soft_wrap=True)
    for heading, comparison in found:
        console.print(heading, soft_wrap=True)
        console.print(comparison)
        console.print()
    # Only the ConvNet has both: a choice of backend, and cross-entropy behind its softmax.
    for backend in {c.shared.get("backend") for _, c in found if "recipe" in c.shared}:
        if backend is not None:
            console.print(_behind_softmax(backend), soft_wrap=True)


def _behind_softmax(backend: str) -> str:
    """What cross-entropy computes there is measured, because it depends on backend and version."""
    try:
        start_quietly(backend)
        wrong = sure_and_wrong("ce", backend)
    except (BackendError, ModuleNotFoundError) as error:
        return f"What cross-entropy computes behind a softmax could not be measured: {error}"
    what = "clips the probabilities" if wrong.loss < 100 else "uses the logits behind the softmax"
    return (
        f"Cross-entropy on {backend} {what}, as measured now: for a sample that is wrong by 200 "
        f"nats it gives {wrong.loss:.1f} nats and a gradient of {wrong.gradient:.0f}."
    )
