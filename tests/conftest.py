"""What tests of many folders share: the book, built once, a browser, and what waits for CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from building import REPOSITORY, build_book
from filelock import FileLock
from hypothesis import Phase, settings

if "MUTANT_UNDER_TEST" in os.environ:
    # `make mutate`: it forks, which TensorFlow does not survive. The same examples in every run,
    # and none spent on making a failure small.
    sys.modules |= dict.fromkeys(("keras", "tensorflow", "tensorflow_probability"))
    phases = [Phase.explicit, Phase.generate]
    settings.register_profile(
        "mutation", derandomize=True, deadline=None, database=None, max_examples=25, phases=phases
    )
    settings.load_profile("mutation")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "thorough: minutes; only with THOROUGH=1, as in .ci/run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test` stays under ten minutes; CI does what takes longer, too."""
    if "THOROUGH" not in os.environ:
        skipped = pytest.mark.skip(reason="takes long: set THOROUGH=1, as .ci/run does")
        for item in items:
            if item.get_closest_marker("thorough"):
                item.add_marker(skipped)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser for the tests of one file."""
    from browser import opened_browser  # here: where there is no browser, there is no playwright

    with opened_browser() as opened:
        yield opened


@pytest.fixture
def visit(browser: Any, site: Path) -> Iterator[Any]:
    """Open a page of the book: `visit(name, screen, prepare, **options)`."""
    from browser import opened_pages

    with opened_pages(browser, site) as opened:
        yield opened


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The built book. Test processes that run side by side share one build."""
    base = tmp_path_factory.getbasetemp()
    output = (base if worker_id == "master" else base.parent) / "book"
    done = output / "done"
    with FileLock(f"{output}.lock"):
        if not done.exists():
            result = build_book(REPOSITORY, output)
            assert result.returncode == 0, f"the book does not build:\n{result.stderr}"
            done.touch()
    return output / "_build" / "html"
