"""What tests of many folders share: the book, built once, a browser, and what waits for CI."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
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


#: Which of the test processes that run side by side this is: gw0, gw1; None where there is one.
PROCESS = os.environ.get("PYTEST_XDIST_WORKER")


@pytest.fixture(scope="session")
def folder_of_the_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the book is built: once for all test processes that run side by side."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if PROCESS else base) / "book"


def built_once(output: Path) -> subprocess.CompletedProcess[str] | None:
    """Build the book, or wait for who does; None if it was there already."""
    done = output / "done"
    with FileLock(f"{output}.lock"):
        if done.exists():
            return None
        result = build_book(REPOSITORY, output)
        if result.returncode == 0:
            done.touch()
        return result


def asks_for_the_site(item: pytest.Item) -> bool:
    """Whether a test takes this fixture, and no parameter of that name."""
    parameters = getattr(getattr(item, "callspec", None), "params", ())
    return "site" in getattr(item, "fixturenames", ()) and "site" not in parameters


@pytest.fixture(scope="session", autouse=True)
def _site_is_begun(request: pytest.FixtureRequest, folder_of_the_book: Path) -> None:
    """Begin to build the book before the first test asks for it: others run meanwhile."""
    if PROCESS in (None, "gw0") and any(map(asks_for_the_site, request.session.items)):
        threading.Thread(target=built_once, args=[folder_of_the_book], daemon=True).start()


@pytest.fixture(scope="session")
def site(folder_of_the_book: Path) -> Path:
    """The built book."""
    result = built_once(folder_of_the_book)
    assert result is None or result.returncode == 0, f"the book does not build:\n{result.stderr}"
    return folder_of_the_book / "_build" / "html"
