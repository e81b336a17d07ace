"""The examples in an adapter's docstrings run where its library is installed, and skip elsewhere."""

from pathlib import Path

import pytest

from kl_lib import frameworks


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        adapter = getattr(frameworks, item.path.stem, None)
        ours = item.path.parent == Path(__file__).parent and hasattr(adapter, "available")
        if ours and not adapter.available():
            item.add_marker(pytest.mark.skip(reason=f"{item.path.stem} is not installed"))
