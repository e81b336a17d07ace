"""From paths to findings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from .errors import AuditError
from .files.found import found
from .files.mentions import mentions_kl
from .findings import Finding, Result, Unreadable
from .findings.checking import Checked, check_file
from .findings.selection import selected

#: So few files are read without other processes, which take half a second to start.
FEW = 40


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
    for done, checked in enumerate(_results(files, rules, jobs), start=1):
        findings += checked.findings
        unreadable += checked.unreadable
        if on_file is not None:
            on_file(done, len(files))
    return Result(tuple(findings), tuple(unreadable), len(files))


def _results(files: list[str], rules: list[str], jobs: int) -> Iterator[Checked]:
    one = partial(_checked, rules=rules)
    if jobs < 2 or len(files) <= FEW:
        yield from map(one, files)
        return
    # A process that was forked may hold a lock of the thread that draws the progress.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, files, chunksize=max(1, min(32, len(files) // (8 * jobs))))


def _checked(path: str, rules: list[str]) -> Checked:
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as error:
        return Checked(unreadable=(Unreadable(path, error.strerror or str(error)),))
    if not mentions_kl(raw):
        return Checked()
    checked = check_file(path, raw, rules)
    return Checked(checked.findings, unreadable=checked.unreadable)  # trees are large to send


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
    checked = check_file(path, text.encode(), rules)
    if checked.unreadable:
        raise AuditError(f"{path} cannot be read: {checked.unreadable[0].reason}")
    return [*checked.findings]


def need_libcst() -> None:
    """Say which extra is missing where libcst is."""
    try:
        import libcst  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'kl_lib.audit needs libcst: pip install "kl-lib[audit]"', name="libcst"
        ) from error
