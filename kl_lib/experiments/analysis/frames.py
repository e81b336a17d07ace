"""Records as tidy tables: one row a run, or one row for each epoch of each run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..machinery.records import Record
from ..machinery.several import facts_of

if TYPE_CHECKING:
    import pandas as pd


def runs_table(records: Iterable[Record]) -> pd.DataFrame:
    """Return a table with a row for each run: what was chosen, and what came of it.

    Parameters
    ----------
    records : iterable of Record
        Of one experiment, or of several: what an experiment does not have is missing there.

    Returns
    -------
    pandas.DataFrame
        Columns ``id``, ``experiment``, ``arm``, ``tags`` (words with spaces between) and ``made``
        (time in UTC), then each field of the configs and each number of the results. A result that
        is called like a field is called ``result_`` and its name.

    Examples
    --------
    >>> from kl_lib.experiments import book_results, read_records
    >>> table = runs_table(read_records(book_results(), "cifar10"))
    >>> int(table.query("recipe == 2 and arm == 'kl'").seed.nunique())
    10
    """
    return _table(run_rows(records))


def epochs_table(records: Iterable[Record]) -> pd.DataFrame:
    """Return a table with a row for each epoch of each run: what was measured there.

    Parameters
    ----------
    records : iterable of Record
        See `runs_table`.

    Returns
    -------
    pandas.DataFrame
        Columns ``id``, ``experiment``, ``arm``, ``seed``, ``epoch`` (from 1), then each list of the
        histories. Choices are in `runs_table`: merge the two on ``id``.

    Examples
    --------
    >>> from kl_lib.experiments import book_results, read_records
    >>> table = epochs_table(read_records(book_results(), "cifar10"))
    >>> table.columns[:7].tolist()
    ['id', 'experiment', 'arm', 'seed', 'epoch', 'loss', 'accuracy']
    """
    return _table(epoch_rows(records))


def run_rows(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return what `runs_table` says, as plain values."""
    rows = []
    for record in records:
        config = record.config
        head = {"id": config.id, "experiment": config.folder, "arm": config.arm}
        head |= {"tags": " ".join(record.tags), "made": record.made}
        chosen = {name: v for name, v in facts_of(config).items() if name not in head}
        found = {
            f"result_{name}" if name in head | chosen else name: value
            for name, value in record.result.items()
        }
        rows.append(head | chosen | found)
    return rows


def epoch_rows(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return what `epochs_table` says, as plain values."""
    rows = []
    for record in records:
        config = record.config
        head = {"id": config.id, "experiment": config.folder, "arm": config.arm}
        for epoch in range(max(map(len, record.history.values()), default=0)):
            row = head | {"seed": config.seed, "epoch": epoch + 1}
            measured = {
                f"history_{name}" if name in row else name: values[epoch]
                for name, values in record.history.items()
                if epoch < len(values)
            }
            rows.append(row | measured)
    return rows


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'a table needs pandas: pip install "kl-lib[experiments]"', name="pandas"
        ) from None
    return pd.DataFrame(rows)
