"""The browser that tests drive: the Chromium or Chrome that is installed, by way of Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import chromium
import pytest
from playwright.sync_api import Browser, sync_playwright


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
