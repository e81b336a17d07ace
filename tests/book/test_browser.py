"""The built book in a real browser, over http and as files: it works and needs nothing outside.

Playwright drives the Chromium or Chrome that is installed. Where there is none, these tests are
skipped and say so. No request leaves the machine: what a page asks of others is noted and refused.
"""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import page_names, some_pages
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    Route,
)

PHONE = {"width": 375, "height": 740}
DESK = {"width": 1280, "height": 900}

# What a loaded page tells about itself. A folded part is opened first: it must fit, too.
INSPECT = """() => {
    document.querySelectorAll("details").forEach(part => { part.open = true; });
    document.querySelectorAll(".toggle-button-hidden").forEach(button => button.click());
    const page = document.documentElement;
    return {
        width: [page.scrollWidth, page.clientWidth],
        cut: [...document.querySelectorAll("caption > *")].filter(part =>
            part.getBoundingClientRect().right > page.clientWidth).map(part => part.textContent),
        unrendered: [...document.querySelectorAll(".math")]
            .filter(part => !part.querySelector("math")).map(part => part.textContent),
    };
}"""


def problems(context: BrowserContext, address: str, inside: str) -> list[str]:
    """What is wrong with a page; `inside` is how every address starts that it may ask for."""
    found: list[str] = []
    page = context.new_page()

    def refuse(route: Route) -> None:
        found.append(f"asks for {route.request.url}")
        route.abort()

    def judge(answer: Response) -> None:
        if answer.status >= 400:
            found.append(f"{answer.status}: {answer.url}")

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(f"console: {message.text}")

    page.route(lambda url: not url.startswith((inside, "data:", "blob:")), refuse)
    page.on("requestfailed", lambda request: found.append(f"failed to load {request.url}"))
    page.on("response", judge)
    page.on("pageerror", lambda error: found.append(f"script error: {error}"))
    page.on("console", listen)
    page.goto(address)
    seen = page.evaluate(INSPECT)
    if seen["width"][0] > seen["width"][1]:
        found.append("is {} pixels wide on a screen of {}".format(*seen["width"]))
    found += [f"caption beyond the screen: {text}" for text in seen["cut"]]
    found += [f"mathematics left as it was typed: {text}" for text in seen["unrendered"]]
    page.close()
    return found


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def server(browser, site: Path) -> Iterator[str]:
    """The address of the book, served on this machine only."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        threading.Thread(target=http_server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http_server.server_port}"
        http_server.shutdown()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=DESK, color_scheme="light")
    yield context.new_page()
    context.close()


def chapters(site: Path) -> list[str]:
    return [name for name in page_names(site) if name.startswith("notebooks/")]


def faults_of(names: list[str], browser: Browser, start: str, screen: dict) -> dict:
    context = browser.new_context(viewport=screen)
    faults = {name: problems(context, f"{start}/{name}", start) for name in names}
    context.close()
    return {name: found for name, found in faults.items() if found}


def test_pages_work_over_http_on_a_desk(browser, site, server):
    assert faults_of(some_pages(site), browser, server, DESK) == {}


def test_pages_work_as_a_file_on_a_phone(browser, site):
    assert faults_of(some_pages(site), browser, site.as_uri(), PHONE) == {}


def test_the_first_address_leads_to_the_first_page(page, server, site):
    for start in (server, site.as_uri()):
        page.goto(f"{start}/index.html")
        page.wait_for_url("**/book/*.html")


def test_mathematics_is_drawn(page, server, site):
    page.goto(f"{server}/{chapters(site)[0]}")
    fonts = "document.fonts.ready.then(all => [...all].map(font => [font.family, font.status]))"
    assert ["KL math", "loaded"] in [
        [name.strip('"'), state] for name, state in page.evaluate(fonts)
    ]
    formulas = page.locator("article math")
    assert formulas.count() > 5
    assert all(formulas.nth(i).bounding_box()["width"] > 4 for i in range(formulas.count()))
    # The source is for who copies or searches, not for who reads.
    assert not page.locator("annotation").first.is_visible()


def test_lines_of_a_formula_are_aligned_at_their_sign(page, server):
    page.goto(f"{server}/notebooks/11_forward_and_reverse.html")
    page.evaluate("document.fonts.ready")
    signs = page.evaluate("""() => {
        const table = [...document.querySelectorAll("article mtable")].find(
            table => table.querySelectorAll("mfrac").length > 1 && table.rows !== 0);
        const cells = [...table.querySelectorAll("mtr")].map(row => [...row.children]);
        return cells.map(([left, right]) => [
            left.querySelector("mfrac, mi").getBoundingClientRect().right,
            right.querySelector("mo").getBoundingClientRect().left]);
    }""")
    assert len(signs) >= 2
    assert max(left for left, _ in signs) <= min(right for _, right in signs)
    assert len({round(right) for _, right in signs}) == 1


def test_the_menu_opens_on_a_phone(page, server, site):
    page.set_viewport_size(PHONE)
    page.goto(f"{server}/{chapters(site)[0]}")
    entry = page.locator(".bd-sidebar-primary nav a", has_text="Notation").first
    assert not entry.is_visible()
    page.locator("button.primary-toggle:visible").click()
    entry.click()
    page.wait_for_url("**/notation.html")


def test_the_theme_turns_dark(page, server, site):
    page.goto(f"{server}/{chapters(site)[0]}")
    assert page.locator("html").get_attribute("data-theme") == "light"
    for _ in range(3):  # the button goes round auto, light and dark
        if page.locator("html").get_attribute("data-theme") == "dark":
            break
        page.locator("button.theme-switch-button:visible").first.click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in colour[4:-1].split(",")[:3]) < 60
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_search_finds(page, server, site, scheme):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    start = server if scheme == "http" else site.as_uri()
    page.goto(f"{start}/{chapters(site)[0]}")
    page.keyboard.press("Control+k")
    page.keyboard.type("divergence")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html*")
    page.locator(".book-search-option:visible").first.wait_for()
    page.locator(".book-search-option:visible").first.click()
    page.wait_for_url(lambda url: "search.html" not in url)
    assert "divergence" in page.locator("article").inner_text().lower()
    assert errors == []


def test_a_folded_solution_opens_by_click_and_by_key(page, server, site):
    folded = [
        name for name in chapters(site) if "solution dropdown" in (site / name).read_text("utf-8")
    ]
    page.goto(f"{server}/{folded[0]}")
    solution = page.locator("div.solution.dropdown").first
    content = solution.locator("section, p:not(.admonition-title)").first
    assert not content.is_visible()
    solution.locator(".admonition-title").click()
    assert content.is_visible()
    solution.locator("button.toggle-button").press("Enter")
    assert not content.is_visible()


# The checks themselves


@pytest.fixture(scope="module")
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=PHONE)
    yield context
    context.close()


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ("", ""),
        ("<img src='https://example.org/a.png' alt=''>", "asks for https://example.org/a.png"),
        ("<script>fetch('http://127.0.0.1:9/')</script>", "asks for http://127.0.0.1:9/"),
        ("<script src='missing.js'></script>", "missing.js"),
        ("<script>throw new Error('oh')</script>", "script error: oh"),
        ("<script>console.error('oh')</script>", "console: oh"),
        ("<div class='math'>x = 1</div>", "mathematics left as it was typed: x = 1"),
        (
            "<div style='overflow: auto'><table style='width: 500px'><caption style='text-align: "
            "right'><span>Wide</span></caption></table></div>",
            "caption beyond the screen: Wide",
        ),
        ("<div style='width: 500px'>wide</div>", "is 500 pixels wide on a screen of 375"),
    ],
)
def test_a_planted_fault_is_found(phone, tmp_path, fault, finding):
    (tmp_path / "page.html").write_text(
        "<!doctype html><html lang='en'><body style='margin: 0'>"
        f"<p class='math'><math><mi>x</mi></math></p>{fault}</body></html>"
    )
    found = problems(phone, (tmp_path / "page.html").as_uri(), tmp_path.as_uri())
    assert (finding in " | ".join(found)) if finding else found == []
