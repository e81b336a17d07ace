"""``kl-lib audit``: find KL mistakes in programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from ..printing import printable, progress_bar
from .errors import AuditError
from .findings import Finding, Result
from .findings.report import FORMATS, rules_text, statistics
from .findings.selection import selected
from .running import FEW, audit
from .settings import Settings, settings_of

_Codes = list[str] | None


def audit_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files and folders: .py and .ipynb.", show_default=False),
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(metavar="CODE,...", help="These rules and no others: KLD101, KLD1, ALL."),
    ] = None,
    extend_select: Annotated[
        str | None, typer.Option(metavar="CODE,...", help="These beside those on by default.")
    ] = None,
    ignore: Annotated[str | None, typer.Option(metavar="CODE,...", help="All but these.")] = None,
    exclude: Annotated[
        str | None, typer.Option(metavar="PATTERN,...", help="Files and folders to leave out.")
    ] = None,
    output: Annotated[
        str, typer.Option("--format", help=f"How to print: {', '.join(FORMATS)}.")
    ] = "text",
    fix: Annotated[
        bool, typer.Option("--fix", help="Print the difference, then mend what is certain.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print what --fix would change, and change nothing.")
    ] = False,
    count: Annotated[
        bool, typer.Option("--statistics", help="How often each rule found something.")
    ] = False,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Status 0 even if something was found.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes that read.", show_default="all cores")
    ] = None,
    rules: Annotated[
        bool, typer.Option("--rules", help="List the rules: - is off by default, * is mended.")
    ] = False,
) -> None:
    """Find mistakes around the KL divergence in programs, without running them.

    A rule is silenced in a line by `# noqa: KLD101`, and in a project by the table
    tool.kl-lib.audit of pyproject.toml: select, extend-select, ignore, exclude.

    Exit status: 0 nothing found, 1 findings, 2 an error, such as a file that cannot be read.
    """
    if rules:
        typer.echo(printable(rules_text()))
        return
    if not paths:
        _stop("no files given: kl-lib audit PATH...")
    if output not in FORMATS:
        _stop(f"--format is {output!r}, expected any of: {', '.join(FORMATS)}")
    try:
        held = settings_of(Path.cwd())
        chosen = Settings(
            _listed(select, held.select),
            _listed(extend_select, held.extend_select),
            _listed(ignore, held.ignore),
            _listed(exclude, held.exclude),
        )
        result = _audited(paths, chosen, jobs or os.cpu_count() or 1)
        if (fix or diff) and _mend(result, chosen, write=fix):
            result = _audited(paths, chosen, jobs or os.cpu_count() or 1)
    except (AuditError, ModuleNotFoundError) as error:
        _stop(error)
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}" if error.filename else error)
    _show(result, output, count)
    if result.unreadable:
        raise typer.Exit(2)
    if result.findings and not exit_zero:
        raise typer.Exit(1)


def _listed(said: str | None, held: _Codes) -> _Codes:
    """What the command line says, else what the project does."""
    return held if said is None else [one.strip() for one in said.split(",") if one.strip()]


def _audited(paths: list[Path], chosen: Settings, jobs: int) -> Result:
    with _progress() as on_file:
        result = audit(
            paths,
            select=chosen.select,
            extend_select=chosen.extend_select or (),
            ignore=chosen.ignore or (),
            exclude=chosen.exclude or (),
            jobs=jobs,
            on_file=on_file,
        )
    shown = tuple(replace(one, path=_relative(one.path)) for one in result.findings)
    return Result(shown, result.unreadable, result.files)


def _relative(path: str) -> str:
    """The path from here, where the file lies below."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal while many files are read."""
    columns = TextColumn("reading"), BarColumn(), MofNCompleteColumn()
    with progress_bar(Console(stderr=True), *columns) as bar:
        task = bar.add_task("reading", total=None, visible=False)

        def on_file(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=total > FEW)

        yield on_file


def _mend(result: Result, chosen: Settings, *, write: bool) -> bool:
    """Print what changes, and change it if asked. True if something was written."""
    from .findings.fixes import mend
    from .findings.fixes import write as write_file

    rules = [
        rule.code
        for rule in selected(chosen.select, chosen.ignore or (), chosen.extend_select or ())
    ]
    changed = 0
    for path in dict.fromkeys(finding.path for finding in result.findings):
        found = mend(path, rules)
        if found is None:
            continue
        typer.echo(printable(found.difference), nl=False)
        if write:
            write_file(path, found.content)
        changed += found.edits
    if changed:
        what = "mended" if write else "can be mended with --fix"
        typer.echo(f"kl-lib: {_number(changed, 'place')} {what}", err=True)
    return bool(changed) and write


def _show(result: Result, output: str, count: bool) -> None:
    for failure in result.unreadable:
        typer.echo(f"kl-lib: {failure}", err=True)
    findings: tuple[Finding, ...] = result.findings
    said = statistics(findings) if count else FORMATS[output](findings)
    if said:
        typer.echo(printable(said))
    files = len({finding.path for finding in findings})
    if output == "text":
        found = f"{_number(len(findings), 'finding')} in {_number(files, 'file')}"
        typer.echo(f"kl-lib: {found} of {result.files} read", err=True)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _stop(why: object) -> NoReturn:
    typer.echo(f"kl-lib: {why}", err=True)
    raise typer.Exit(2)
