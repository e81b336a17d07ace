"""The browser that tests drive, by way of Playwright, and the pages that they look at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import chromium
import pytest
from building import old_pages
from playwright.sync_api import Browser, Page, sync_playwright

ONE_OF_EACH_KIND = [
    *("book/bibliography.html", "book/introduction.html", "book/reference_diagnose.html"),
    *("notebooks/08_keras_cifar10.html", "search.html"),
]


def page_names(site: Path) -> list[str]:
    """The pages that a reader stays on; the first address and old ones lead on."""
    found = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    return sorted(n for n in found - {"index.html", *old_pages()} if not n.startswith("_static"))


def some_pages(site: Path, part: int = 0, parts: int = 1) -> list[str]:
    """One page of each kind, or a part of these; with THOROUGH=1, as in `.ci/run`, every page."""
    return page_names(site) if "THOROUGH" in os.environ else ONE_OF_EACH_KIND[part::parts]


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """The browser, closed at the end; where there is none, the test is skipped and says so."""
    program = chromium.program()
    if program is None:
        pytest.skip("browser checks: no Chromium or Chrome is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=chromium.ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened_pages(browser: Browser, site: Path) -> Iterator[Callable[..., Page]]:
    """A function that opens a page of the book as a file, by its name, each in a fresh context."""
    contexts = []

    def visit(
        name: str,
        screen: Any = None,
        prepare: Callable[[Page], None] | None = None,
        **options: Any,
    ) -> Page:
        contexts.append(browser.new_context(**({"viewport": screen} if screen else {}), **options))
        page = contexts[-1].new_page()
        if prepare:
            prepare(page)
        page.goto((site / f"{name}.html").as_uri())
        page.evaluate("document.fonts.ready")
        return page

    yield visit
    for context in contexts:
        context.close()
