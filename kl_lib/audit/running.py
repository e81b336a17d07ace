"""From paths to findings."""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from .files import Source, found, mentions_kl, notebook
from .findings import Edit, Finding, Rule
from .noqa import silenced
from .selection import AuditError, selected

if TYPE_CHECKING:
    import libcst as cst

#: So few files are read without other processes, which take half a second to start.
FEW = 40


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class Result:
    """What `audit` found.

    Attributes
    ----------
    findings
        All findings, by path and place.
    unreadable
        Files that could not be read, each with the reason.
    files
        How many files were looked at, those without a KL included.
    """

    findings: tuple[Finding, ...]
    unreadable: tuple[Unreadable, ...]
    files: int

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)


def audit(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    extend_select: Iterable[str] = (),
    exclude: Iterable[str] = (),
    jobs: int = 1,
    on_file: Callable[[int, int], None] | None = None,
) -> Result:
    """Find mistakes around the KL divergence in files, and in the folders that are named.

    Parameters
    ----------
    paths
        Files or folders: ``.py`` and ``.ipynb``. They are read, never imported or run.
    select, extend_select, ignore
        Codes of rules, or beginnings such as ``"KLD17"``: in place of those that are on by
        default, beside them, and less these.
    exclude
        Patterns of paths that are left out.
    jobs
        How many processes read. More than one needs a main module that can be imported.
    on_file
        Called with the number of files read so far, and of all.

    Returns
    -------
    Result
        The findings, and the files that could not be read.

    Raises
    ------
    AuditError
        A path or a rule that there is not.
    ModuleNotFoundError
        libcst is missing.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from kl_lib.audit import audit
    >>> text = "from torch.nn import functional as F\\nloss = F.kl_div(a.softmax(-1), b)\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "train.py").write_text(text)
    ...     for finding in audit(folder):
    ...         print(finding.line, finding.column, finding.code)
    2 8 KLD101
    2 8 KLD111
    """
    need_libcst()
    rules = [rule.code for rule in selected(select, ignore, extend_select)]
    files = found([paths] if isinstance(paths, str | os.PathLike) else paths, exclude)
    findings: list[Finding] = []
    unreadable: list[Unreadable] = []
    for done, (hits, failures) in enumerate(_results(files, rules, jobs), start=1):
        findings += hits
        unreadable += failures
        if on_file is not None:
            on_file(done, len(files))
    return Result(tuple(findings), tuple(unreadable), len(files))


def _results(
    files: list[str], rules: list[str], jobs: int
) -> Iterator[tuple[list[Finding], list[Unreadable]]]:
    one = partial(_file, rules=rules)
    if jobs < 2 or len(files) <= FEW:
        yield from map(one, files)
        return
    # A process that was forked may hold a lock of the thread that draws the progress.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, files, chunksize=max(1, min(32, len(files) // (8 * jobs))))


def _file(path: str, rules: list[str]) -> tuple[list[Finding], list[Unreadable]]:
    from . import rules as _registered  # noqa: F401 - in a process of its own

    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as error:
        return [], [Unreadable(path, error.strerror or str(error))]
    if not mentions_kl(raw):
        return [], []
    found_here, failed, _ = read_file(path, raw, rules)
    return [finding for finding, _ in found_here], failed


def read_file(
    path: str, raw: bytes, rules: list[str]
) -> tuple[list[tuple[Finding, Edit | None]], list[Unreadable], cst.Module | None]:
    """Findings in the bytes of a file, each with its mend; what could not be read; the module."""
    if path.endswith(".ipynb"):
        try:
            source = notebook(path, raw)
        except (ValueError, AttributeError, RecursionError) as error:
            return [], [Unreadable(path, f"no notebook: {error}")], None
        return *_notebook_findings(source, rules), None
    try:
        module, text = parsed(raw)
        return _findings(module, Source(path, text), rules), [], module
    except UnparsableError as error:
        return [], [Unreadable(path, str(error))], None


class UnparsableError(ValueError):
    """A text that is no Python, or too deep to read."""


def parsed(raw: bytes) -> tuple[cst.Module, str]:
    import libcst as cst

    _check_depth(raw)
    try:
        module = cst.parse_module(raw)
        return module, raw.decode(module.encoding)
    except cst.ParserSyntaxError as error:
        where = f"line {error.raw_line}" if error.raw_line else "the text"
        raise UnparsableError(f"{where} is no Python that can be parsed") from error
    except (UnicodeDecodeError, LookupError, SyntaxError) as error:
        raise UnparsableError(f"its encoding cannot be read: {error}") from error
    except RecursionError as error:
        raise UnparsableError("an expression is nested too deep") from error


def _check_depth(raw: bytes) -> None:
    """Refuse what is nested so deep that libcst's parser would overflow the stack, and not return.

    Python's own parser stops in time. What it does not know, as the syntax of a newer Python, is
    left to libcst.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes and the like in the file
            ast.parse(raw)
    except (RecursionError, MemoryError) as error:
        raise UnparsableError("an expression is nested too deep") from error
    except SyntaxError as error:
        if "nested" in (error.msg or ""):
            raise UnparsableError("an expression is nested too deep") from error
    except ValueError:
        pass  # null bytes: libcst says so, too


def _notebook_findings(
    source: Source, rules: list[str]
) -> tuple[list[tuple[Finding, Edit | None]], list[Unreadable]]:
    """Cells that cannot be parsed are named, and the others read."""
    lines = source.text.splitlines()
    failed = []
    try:
        module, _ = parsed(source.text.encode())
    except UnparsableError:
        starts = [first for _, first in source.cells] + [len(lines) + 1]
        for (number, first), after in zip(source.cells, starts[1:], strict=True):
            try:
                parsed("\n".join([*lines[first - 1 : after - 1], ""]).encode())
            except UnparsableError as error:
                failed.append(Unreadable(source.path, f"cell {number}: {error}"))
                lines[first - 1 : after - 1] = [""] * (after - first)
        source = Source(source.path, "\n".join(lines) + "\n", source.cells)
        try:
            module, _ = parsed(source.text.encode())
        except UnparsableError as error:
            return [], [Unreadable(source.path, str(error))]
    try:
        return _findings(module, source, rules), failed
    except UnparsableError as error:
        return [], [*failed, Unreadable(source.path, str(error))]


def _findings(
    module: cst.Module, source: Source, rules: list[str]
) -> list[tuple[Finding, Edit | None]]:
    from libcst.metadata import MetadataWrapper, PositionProvider

    from .findings import RULES
    from .flow import read

    try:
        facts = read(module)
        hits = [(RULES[code], hit) for code in rules for hit in RULES[code].check(facts)]
        if not hits:
            return []
        positions = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
    except RecursionError as error:
        raise UnparsableError("an expression is nested too deep") from error
    lines = source.text.splitlines()
    made: dict[tuple[str, Any], tuple[Finding, Edit | None]] = {}
    for rule, hit in hits:
        start, end = positions[hit.node].start, positions[hit.node].end
        if (rule.code, hit.node) in made or silenced(lines, start.line, end.line, rule.code):
            continue
        finding = _placed(rule, hit.message, hit.fix, source, start, end)
        made[rule.code, hit.node] = finding, hit.edit
    return sorted(made.values(), key=lambda one: _order(one[0]))


def _placed(rule: Rule, message: str, fix: str, source: Source, start: Any, end: Any) -> Finding:
    cell, line = source.place(start.line)
    _, end_line = source.place(end.line)
    return Finding(
        source.path,
        line,
        start.column + 1,
        rule.code,
        message,
        rule.why,
        fix,
        cell,
        end_line,
        end.column + 1,
    )


def _order(finding: Finding) -> tuple[int, int, int, str]:
    return (finding.cell or 0, finding.line, finding.column, finding.code)


def audit_source(
    text: str,
    path: str = "<text>",
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    extend_select: Iterable[str] = (),
) -> list[Finding]:
    """Find mistakes around the KL divergence in the text of a program.

    Parameters
    ----------
    text
        Python; it is read, not run.
    path
        What the findings call it.
    select, extend_select, ignore
        As in `audit`.

    Raises
    ------
    AuditError
        The text is no Python, or there is no such rule.
    ModuleNotFoundError
        libcst is missing.

    Examples
    --------
    >>> from kl_lib.audit import audit_source
    >>> text = "from scipy.stats import entropy\\nentropy(p.sort_values(), q)"
    >>> print(audit_source(text)[0])
    <text>:2:1: KLD184 an argument is sorted, so its entries are not those of the other
    """
    need_libcst()
    rules = [rule.code for rule in selected(select, ignore, extend_select)]
    found_here, failed, _ = read_file(path, text.encode(), rules)
    if failed:
        raise AuditError(f"{path} cannot be read: {failed[0].reason}")
    return [finding for finding, _ in found_here]


def need_libcst() -> None:
    """Say which extra is missing where libcst is."""
    try:
        import libcst  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'kl_lib.audit needs libcst: pip install "kl-lib[audit]"', name="libcst"
        ) from error
