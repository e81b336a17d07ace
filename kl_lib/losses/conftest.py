"""The examples in a framework's docstrings are skipped, by name, where it is missing."""

from collections.abc import Callable, Generator
from importlib.util import find_spec
from pathlib import Path

import pytest

from kl_lib import frameworks

#: Is it here? JAX has no adapter to ask.
AVAILABLE: dict[str, Callable[[], bool]] = {
    "keras": frameworks.keras.available,
    "torch": frameworks.torch.available,
    "jax": lambda: find_spec("jax") is not None,
}


class Missing(pytest.File):
    """A module that cannot be imported here."""

    def collect(self) -> list[pytest.Item]:
        pytest.skip(f"{self.path.stem} is not installed", allow_module_level=True)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    collected = yield
    if collected and not AVAILABLE.get(file_path.stem, lambda: True)():
        return [Missing.from_parent(parent, path=file_path)]
    return collected
