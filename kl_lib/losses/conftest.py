"""The examples in a framework's docstrings are skipped, by name, where it is missing."""

from collections.abc import Generator
from pathlib import Path

import pytest

from kl_lib import frameworks


class Missing(pytest.File):
    """A module that cannot be imported here."""

    def collect(self) -> list[pytest.Item]:
        pytest.skip(f"{self.path.stem} is not installed", allow_module_level=True)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    collected = yield
    available = getattr(getattr(frameworks, file_path.stem, None), "available", lambda: True)
    if collected and not available():
        return [Missing.from_parent(parent, path=file_path)]
    return collected
