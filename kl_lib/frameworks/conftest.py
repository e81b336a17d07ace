"""The examples in an adapter's docstrings are skipped, by name, where its library is missing."""

from pathlib import Path

import pytest

from kl_lib import frameworks


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if item.path.parent == Path(__file__).parent]
    for item in here:
        available = getattr(getattr(frameworks, item.path.stem, None), "available", None)
        if available is not None and not available():
            item.add_marker(pytest.mark.skip(reason=f"{item.path.stem} is not installed"))
