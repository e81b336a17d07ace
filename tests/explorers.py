"""Explorers under test: a page with one of them, its numbers, its controls, and what it shows."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from explorer_pictures import write_page
from playwright.sync_api import Browser, Page

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
#: JSON has no infinity.
COMPUTE = """([name, states]) => {
    const spelled = (value) => typeof value === "number" ? String(value)
        : value && typeof value === "object"
            ? Array.isArray(value) ? value.map(spelled)
                : Object.fromEntries(Object.entries(value).map(([k, v]) => [k, spelled(v)]))
            : value;
    return states.map((state) => spelled(klExplorer.defined[name].compute(state)));
}"""


class Explorer:
    """One explorer on a page of its own, opened as a file."""

    def __init__(self, page: Page, name: str, folder: Path, query: str = "") -> None:
        self.page, self.name = page, name
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.address = write_page(folder, name).as_uri()
        page.goto(self.address + query)
        self.root = page.locator(f'[data-explorer="{name}"]')

    def compute(self, states: list[dict]) -> list[dict]:
        """What the explorer's own `compute` makes of states."""
        return [numbers(x) for x in self.page.evaluate(COMPUTE, [self.name, states])]

    def starting(self) -> dict:
        """The state that it begins with, unless the address has another."""
        read = "name => klExplorer.defined[name].controls.map(({ name, value }) => [name, value])"
        return dict(self.page.evaluate(read, self.name))

    def field(self, label: str) -> Any:
        """A control by its label: a range, box, choice or check."""
        return self.root.get_by_label(label, exact=True)

    def handle(self, label: str) -> Any:
        return self.root.locator(f'[role="slider"][aria-label="{label}"]')

    def set_number(self, label: str, value: float) -> None:
        """Type a value into the box of a range or number, as a reader does."""
        box = self.field(f"{label}, as a number")
        box = box if box.count() else self.field(label)
        box.fill(str(value))
        box.press("Tab")

    def drag(self, label: str, dx: float, dy: float) -> None:
        """Drag a handle by so many pixels."""
        self.handle(label).scroll_into_view_if_needed()
        box = self.handle(label).locator(".grip").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx / 2, y + dy / 2)
        self.page.mouse.move(x + dx, y + dy)
        self.page.mouse.up()

    def readout(self) -> dict[str, float]:
        """The numbers that are shown, with all the digits that the page holds, by their words."""
        read = """root => [...root.querySelectorAll("dl > div")].map(line =>
            [line.querySelector("dt").textContent, line.querySelector("data").value])"""
        return {words: number(value) for words, value in self.root.evaluate(read)}

    def shown(self) -> dict[str, str]:
        """The readout as a reader sees it."""
        read = """root => [...root.querySelectorAll("dl > div")].map(line =>
            [line.querySelector("dt").textContent, line.querySelector("dd").textContent.trim()])"""
        return dict(self.root.evaluate(read))

    def link(self) -> str:
        """The address that "Copy link" gives."""
        self.root.get_by_role("button", name="Copy link").click()
        return self.root.get_by_label("Link to this state").input_value()


@contextmanager
def opened(
    browser: Browser, name: str, query: str = "", screen: dict = DESK, **options: Any
) -> Iterator[Explorer]:
    context = browser.new_context(viewport=screen, **options)
    with tempfile.TemporaryDirectory() as folder:
        explorer = Explorer(context.new_page(), name, Path(folder), query)
        yield explorer
    context.close()
    assert explorer.errors == []


def number(text: str) -> Any:
    """A number as JavaScript spells it; other text stays."""
    try:
        return float(text.replace("Infinity", "inf"))
    except ValueError:
        return text


def numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [numbers(part) for part in value]
    return number(value) if isinstance(value, str) else value


def close(found: float, expected: float, relative: float = 1e-12, absolute: float = 0.0) -> bool:
    """Whether two numbers agree to twelve digits; infinities and zeros exactly."""
    if math.isinf(expected) or math.isinf(found):
        return found == expected
    return math.isclose(found, expected, rel_tol=relative, abs_tol=absolute)


def random_numbers(seed: int) -> Iterator[float]:
    """`klNumbers.random(seed)`, number by number (mulberry32)."""
    state, mask = seed & 0xFFFFFFFF, 0xFFFFFFFF
    while True:
        state = (state + 0x6D2B79F5) & mask
        t = ((state ^ (state >> 15)) * (state | 1)) & mask
        t ^= (t + ((t ^ (t >> 7)) * (t | 61) & mask)) & mask
        yield (t ^ (t >> 14)) / 2**32
