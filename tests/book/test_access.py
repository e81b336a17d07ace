"""The built book for who cannot see it, hear it or point at it: axe, the focus, whole HTML.

`make test` looks at one page of each kind; with THOROUGH=1, as in `.ci/run`, at every page.
"""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from importlib.metadata import distribution
from pathlib import Path

import pytest
from browser import some_pages
from playwright.sync_api import Page

AXE = "axe_playwright_python/axe.min.js"
SCREENS = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 800}}
# A formula has the colours of the text around it; its hundred parts would be asked one by one.
RUN = """async () => {
    const resultTypes = ["violations"];
    const rules = { "color-contrast": { enabled: false } };
    const { violations } = await axe.run(document, { resultTypes, rules });
    const colours = await axe.run(
        { exclude: [["math"]] }, { resultTypes, runOnly: ["color-contrast"] });
    // axe takes a head that is a formula for empty; who reads aloud reads MathML.
    for (const found of violations) {
        found.nodes = found.nodes.filter(({ html }) => !/^<th[^>]*>.*<math>/.test(html));
    }
    return [...violations, ...colours.violations].filter(({ nodes }) => nodes.length > 0);
}"""


def violations(page: Page) -> list[str]:
    """What axe finds: rule, how often, and the first place."""
    page.evaluate(Path(str(distribution("axe-playwright-python").locate_file(AXE))).read_text())
    found = page.evaluate(RUN)
    return [f"{v['id']}: {len(v['nodes'])} times, {v['nodes'][0]['html'][:200]}" for v in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(browser, site, screen, scheme):
    context = browser.new_context(viewport=SCREENS[screen], color_scheme=scheme)
    page = context.new_page()
    found = {}
    for name in some_pages(site):
        page.goto((site / name).as_uri())
        page.evaluate("document.fonts.ready")
        found[name] = violations(page)
    context.close()
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    ("planted", "rule"),
    [
        ("<img src='data:,'>", "image-alt"),
        ("<p style='color: #999; background: #fff'>pale</p>", "color-contrast"),
        ("<table><tr><th></th></tr><tr><td>1</td></tr></table>", "empty-table-header"),
        ("<details><summary></summary>text</details>", "summary-name"),
    ],
)
def test_axe_finds_a_planted_fault(browser, planted, rule):
    page = browser.new_page()
    page.set_content(
        f"<html lang='en'><title>T</title><body><main><h1>T</h1>{planted}</main></body></html>"
    )
    assert [fault.partition(":")[0] for fault in violations(page)] == [rule]
    page.close()


# The focus

# Where the keyboard is: on what, whether that shows, whether an outline or shadow marks it.
FOCUSED = """() => {
    const here = document.activeElement;
    if (here === document.body) return null;
    const marked = part => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(part);
        const { width, height } = part.getBoundingClientRect();
        const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
        return width > 1 && height > 1 && (outlined || boxShadow !== "none");
    };
    const box = here.getBoundingClientRect();
    const shown = here.checkVisibility({ opacityProperty: true, visibilityProperty: true })
        && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    const name = [here.tagName, ...here.classList].join(".");
    return { name, seen: shown && (marked(here) || [...here.children].some(marked)) };
}"""


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", ["notebooks/08_keras_cifar10", "book/reference_diagnose"])
def test_the_focus_is_seen_wherever_it_is(browser, site, name, screen):
    page = browser.new_page(viewport=SCREENS[screen])
    page.goto((site / f"{name}.html").as_uri())
    page.add_style_tag(
        content="* { transition: none !important; scroll-behavior: auto !important }"
    )
    stops = []
    for _ in range(160):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
        if stops[-1] is None:
            break
    page.close()
    reached = [stop for stop in stops if stop]
    assert len({stop["name"] for stop in reached}) > 8
    assert Counter(stop["name"] for stop in reached if not stop["seen"]) == {}


# Whole HTML

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
#: What HTML has given up.
OBSOLETE = {"acronym", "big", "center", "font", "frame", "marquee", "strike", "tt"}
OBSOLETE_ATTRIBUTES = {
    ("table", "border"),
    ("style", "scoped"),
    ("td", "align"),
    ("th", "align"),
    ("tr", "valign"),
}
BLOCKS = {"div", "dl", "figure", "h1", "h2", "h3", "ol", "p", "pre", "section", "table", "ul"}
NESTED_NEVER = {"a", "button"}


class Checker(HTMLParser):
    """Collects what an HTML validator would say of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        names = [name for name, _ in attrs]
        self.faults += [f"<{tag}> has two {n}" for n, times in Counter(names).items() if times > 1]
        self.faults += [
            f"<{tag} {name}> is obsolete" for name in names if (tag, name) in OBSOLETE_ATTRIBUTES
        ]
        if tag in OBSOLETE:
            self.faults.append(f"<{tag}> is obsolete")
        if self.open[-1:] == ["p"] and tag in BLOCKS:
            self.faults.append(f"<{tag}> in <p>")
        if tag in NESTED_NEVER & set(self.open):
            self.faults.append(f"<{tag}> in <{tag}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in VOID:
            self.faults.append(f"</{tag}> where {self.open[-1:]} is open, line {self.getpos()[0]}")
            if tag in self.open:
                while self.open.pop() != tag:
                    pass


def faults_of(html: str) -> list[str]:
    checker = Checker()
    checker.feed(html)
    checker.close()
    return checker.faults + [f"<{tag}> is never closed" for tag in checker.open]


def test_the_html_of_every_page_is_whole(site):
    found = {
        path.relative_to(site).as_posix(): faults_of(path.read_text("utf-8"))
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }
    assert {name: faults[:5] for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<p>whole<br><img src='a' alt=''/></p>", None),
        ("<p>open", "<p> is never closed"),
        ("<div></p></div>", "</p> where"),
        ("<p id='a' id='b'></p>", "<p> has two id"),
        ("<p><div></div></p>", "<div> in <p>"),
        ("<a href='#'><b><a href='#'></a></b></a>", "<a> in <a>"),
        ("<table border='1'></table>", "<table border> is obsolete"),
        ("<tt>x</tt>", "<tt> is obsolete"),
    ],
)
def test_a_planted_fault_of_html_is_found(html, fault):
    found = faults_of(html)
    assert found == [] if fault is None else any(said.startswith(fault) for said in found)
