"""The Chromium or Chrome that is installed, for Playwright, which would download one of its own."""

from __future__ import annotations

import shutil

PROGRAMS = (
    "chromium-headless-shell",  # the same engine without what is around the page: twice as fast
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def program() -> str | None:
    """The path of the browser, or None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
