"""Every explorer of book/_static/explorers, in a real browser: named, moved, linked to, printed.

What an explorer computes is tested in a file of its own, tests/book/test_explorers_NAME.py.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from building import REPOSITORY
from explorer_pictures import EXPLORERS, SCRIPTS, names, picture
from explorers import DESK, PHONE, opened
from thorough import first_of

sys.path.append(str(REPOSITORY / "book" / "_ext"))
import kl_explorers

NAMES = names()
each = pytest.mark.parametrize("name", first_of(NAMES))

CONTROLS = "input:not([readonly]), select, button, summary, [role=slider]"
#: What a page tells of all its controls, to see whether two pages are in the same state.
STATE = """root => [...root.querySelectorAll("input:not([readonly]), select, [role=slider]")].map(
    part => part.getAttribute("aria-valuenow")
        ?? (part.type === "checkbox" ? part.checked : part.value))"""


def move_everything(explorer) -> None:
    """By keyboard alone: every range and handle one step, every choice and check another."""
    page = explorer.page
    for i in range(explorer.root.locator("input[type=range]").count()):
        box = explorer.root.locator("input[type=range]").nth(i)
        at_end = box.evaluate("box => box.value === box.max")
        box.press("ArrowLeft" if at_end else "ArrowRight")
    for i in range(explorer.root.locator("select").count()):
        explorer.root.locator("select").nth(i).focus()
        page.keyboard.press("ArrowDown")
    for i in range(explorer.root.locator("input[type=checkbox]").count()):
        explorer.root.locator("input[type=checkbox]").nth(i).press("Space")
    for i in range(explorer.root.locator("[role=slider]").count()):
        explorer.root.locator("[role=slider]").nth(i).press("ArrowUp")


def test_the_framework_is_small():
    assert sum((EXPLORERS / script).stat().st_size for script in SCRIPTS) < 28_000
    assert SCRIPTS == kl_explorers.SCRIPTS


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("theme", "page"),
    [(r"\.explorer", "#ffffff"), (r"html\[data-theme=\"dark\"\] \.explorer", "#121212")],
)
def test_what_is_drawn_stands_out_from_the_page(theme, page):
    css = (EXPLORERS / "kl_explorer.css").read_text("utf-8")
    rule = re.search(rf"^{theme} {{(.*?)}}", css, re.M | re.S)[1]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", rule))
    assert {"p", "q", "m", "positive", "negative", "line"} <= set(colours)
    del colours["faint"]  # lines of a grid, which nobody needs
    for name, colour in colours.items():
        light, dark = sorted((luminance(colour), luminance(page)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, name


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).findall(".//{*}text")]


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_is_what_the_explorer_draws(browser, tmp_path, name):
    stored = (EXPLORERS / f"{name}.svg").read_text("utf-8")
    page = browser.new_page()
    drawn = picture(page, name, tmp_path)
    page.close()
    assert len(texts(stored)) > 8
    assert texts(stored) == texts(drawn), "tools/explorer_pictures.py draws it again"
    assert len(stored) < 40_000


@each
@pytest.mark.parametrize(("screen", "theme"), [(DESK, "light"), (PHONE, "dark")])
def test_axe_finds_nothing(browser, name, screen, theme):
    with opened(browser, name, screen=screen) as explorer:
        page = explorer.page
        # The colours of the dark theme, which a page on its own has not.
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        if theme == "dark":
            page.add_style_tag(
                content="html { --pst-color-text-base: #ced6dd; --pst-color-background: #121212;"
                " background: #121212; color: #ced6dd }"
            )
        page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
        found = Axe().run(page, context=f'[data-explorer="{name}"]').response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []


@each
def test_every_control_has_a_name_and_is_reached_by_tab(browser, name):
    with opened(browser, name) as explorer:
        named = explorer.root.locator(CONTROLS).evaluate_all(
            """parts => parts.map(part => part.getAttribute("aria-label")
                || part.labels?.[0]?.textContent || part.textContent)"""
        )
        assert all(words.strip() for words in named)
        assert len(set(named)) == len(named)
        reached = set()
        for _ in range(len(named) + 2):
            explorer.page.keyboard.press("Tab")
            reached.add(
                explorer.page.evaluate(
                    """() => {
                        const part = document.activeElement;
                        return part.getAttribute("aria-label")
                            || part.labels?.[0]?.textContent || part.textContent;
                    }"""
                )
            )
        assert set(named) <= reached


@each
def test_the_keyboard_moves_every_range_and_handle(browser, name):
    with opened(browser, name) as explorer:
        for places in ("input[type=range]", "[role=slider]"):
            for i in range(explorer.root.locator(places).count()):
                part = explorer.root.locator(places).nth(i)
                before = explorer.root.evaluate(STATE)
                at_end = part.evaluate(
                    """part => part.type === "range" ? part.value === part.max
                        : part.ariaValueNow === part.ariaValueMax"""
                )
                part.press("ArrowDown" if at_end else "ArrowUp")
                assert explorer.root.evaluate(STATE) != before
                # It keeps the focus, or the next key would do nothing.
                assert part.evaluate("part => part === document.activeElement")


@each
def test_a_finger_drags_a_handle_and_does_not_scroll_the_page(browser, name):
    options = {"screen": PHONE, "has_touch": True, "is_mobile": True}
    with opened(browser, name, **options) as explorer:
        page = explorer.page
        handles = explorer.root.locator(".handle")
        if not handles.count():
            pytest.skip("this explorer has nothing to drag")
        page.evaluate("""() => { document.body.style.padding = "50px 0 2000px"; scrollTo(0, 40);
            window.cancelled = 0;
            addEventListener("pointercancel", () => { window.cancelled += 1; }, true); }""")
        box = handles.first.locator(".grip").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        before = handles.first.get_attribute("transform")
        touch = page.context.new_cdp_session(page)
        steps = [("Start", 0), *(("Move", 6 * i) for i in range(1, 11)), ("End", None)]
        for kind, step in steps:
            points = [] if step is None else [{"x": x + step / 3, "y": y - step}]
            event = {"type": f"touch{kind}", "touchPoints": points}
            touch.send("Input.dispatchTouchEvent", event)
            page.wait_for_timeout(20)
        assert handles.first.get_attribute("transform") != before
        assert page.evaluate("[scrollY, cancelled]") == [40, 0]


@each
def test_a_box_that_is_emptied_gets_its_number_back(browser, name):
    with opened(browser, name) as explorer:
        before = explorer.root.evaluate(STATE)
        for box in explorer.root.locator("input[type=number]").all():
            box.fill("")
            box.press("Tab")
            assert explorer.root.evaluate(STATE) == before


@each
def test_a_link_restores_the_state_also_of_a_page_opened_as_a_file(browser, name):
    with opened(browser, name) as explorer:
        starting = explorer.root.evaluate(STATE)
        plain = explorer.link()
        assert "?" not in plain.removeprefix("file://")
        move_everything(explorer)
        moved, numbers, address = explorer.root.evaluate(STATE), explorer.readout(), explorer.link()
        assert moved != starting
        assert f"{name}." in address
        # An explorer beside it keeps what the address says of it.
        explorer.page.goto(address.replace("?", "?other.x=1_2&"))
        assert explorer.root.evaluate(STATE) == moved
        assert explorer.readout() == numbers
        assert "other.x=1_2" in explorer.link()
        explorer.root.get_by_role("button", name="Reset").click()
        assert explorer.root.evaluate(STATE) == starting


@each
def test_nonsense_in_the_address_is_left_out(browser, name):
    with opened(browser, name) as explorer:
        starting = explorer.root.evaluate(STATE), explorer.readout()
        keys = explorer.starting()
        for nonsense in ("", "x", "NaN", "1e999", "1_x", "_"):
            query = "&".join(f"{name}.{key}={nonsense}" for key in keys)
            explorer.page.goto(f"{explorer.address}?{query}")
            found = explorer.root.evaluate(STATE), explorer.readout()
            assert [str(x) for x in found] == [str(x) for x in starting], nonsense


@each
def test_a_screen_reader_is_told_once_when_it_is_quiet(browser, name):
    with opened(browser, name) as explorer:
        told = explorer.root.locator("[aria-live=polite]")
        told.evaluate("""part => { window.said = [];
            new MutationObserver(() => said.push(part.textContent))
                .observe(part, { childList: true, characterData: true, subtree: true }); }""")
        # A clock that stands still: on a busy machine five keys may take longer than the quiet.
        clock = explorer.page.clock
        clock.install(time=0)
        clock.pause_at(1000)
        part = explorer.root.locator("input[type=range], [role=slider]").first
        for key in ("ArrowUp", "ArrowDown", "ArrowUp", "ArrowDown", "ArrowUp"):
            part.press(key)
        clock.run_for(300)
        assert explorer.page.evaluate("said") == []
        clock.run_for(2000)
        (said,) = explorer.page.evaluate("said")
        words, value = next(iter(explorer.shown().items()))
        assert words.replace("‖", " to ") in said
        assert value in said


@each
def test_it_fits_a_phone_with_text_that_can_be_read(browser, name):
    with opened(browser, name, screen=PHONE) as explorer:
        page = explorer.page
        page.evaluate("document.body.style.width = 'auto'")
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        heights, cut = explorer.root.locator("svg").evaluate(
            """svg => { const box = svg.getBoundingClientRect();
                const texts = [...svg.querySelectorAll("text")];
                return [texts.map(part => part.getBoundingClientRect().height),
                    texts.filter(part => part.getBoundingClientRect().right > box.right + 2
                        || part.getBoundingClientRect().left < box.left - 2)
                        .map(part => part.textContent)]; }"""
        )
        assert min(heights) >= 13
        assert cut == []
        small = explorer.root.locator(CONTROLS).evaluate_all(
            """parts => parts.filter(part => Math.min(part.getBoundingClientRect().width,
                part.getBoundingClientRect().height) < 24).map(part => part.outerHTML)"""
        )
        assert small == []


# On the pages of the book


@pytest.fixture(scope="module")
def places(site: Path) -> dict[str, Path]:
    """The page of each explorer."""
    return {
        found: path
        for folder in ("book", "notebooks")
        for path in sorted((site / folder).glob("*.html"))
        for found in re.findall(r'data-explorer="(\w+)"', path.read_text("utf-8"))
    }


def test_every_explorer_has_its_page(places):
    assert set(NAMES) <= set(places)


def test_only_pages_with_explorers_load_their_scripts(site, places):
    loading = {path for path in site.rglob("*.html") if "explorers/kl_" in path.read_text("utf-8")}
    assert {path for path in loading if path.parent.name != "_static"} >= set(places.values())
    without = [path for path in loading if "data-explorer" not in path.read_text("utf-8")]
    assert without == []
    for name in NAMES:
        text = places[name].read_text("utf-8")
        addresses = re.findall(r'<script defer="defer" src="[./]*_static/explorers/(\w+)\.js', text)
        assert addresses[:3] == [script.removesuffix(".js") for script in SCRIPTS]
        assert name in addresses


@each
def test_without_javascript_there_is_a_picture(browser, places, name):
    context = browser.new_context(java_script_enabled=False, viewport=DESK)
    page = context.new_page()
    page.goto(places[name].as_uri())
    image = page.locator(f'[data-explorer="{name}"] img')
    image.scroll_into_view_if_needed()
    assert image.bounding_box()["width"] > 300
    assert len(image.get_attribute("alt").split()) > 15
    assert page.locator(f"#explorer-{name} figcaption").inner_text().startswith("Figure ")
    context.close()


@each
def test_paper_shows_the_drawing_and_the_numbers_and_no_controls(browser, places, name):
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    page.goto(places[name].as_uri())
    page.emulate_media(media="print")
    root = page.locator(f'[data-explorer="{name}"]')
    assert root.locator("svg").is_visible()
    assert root.locator("dl").is_visible()
    for place in ("button", "input", "select"):
        assert not any(part.is_visible() for part in root.locator(place).all())
    context.close()


@each
def test_a_link_leads_to_the_explorer_on_its_page(browser, places, name):
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    page.goto(places[name].as_uri())
    root = page.locator(f'[data-explorer="{name}"]')
    root.get_by_role("button", name="Copy link").click()
    address = root.get_by_label("Link to this state").input_value()
    assert address == f"{places[name].as_uri()}#explorer-{name}"
    page = context.new_page()
    page.goto(address)
    page.wait_for_timeout(300)
    top = page.locator(f"#explorer-{name}").bounding_box()["y"]
    assert -5 < top < DESK["height"] / 2
    context.close()


# The directive


def built(
    tmp_path: Path, body: str, files: tuple[str, ...] = ("toy.js", "toy.svg")
) -> tuple[str, str]:
    """What Sphinx makes of a page with `body`, and its warnings."""
    from sphinx.application import Sphinx

    folder = tmp_path / kl_explorers.FOLDER
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    (tmp_path / "index.md").write_text(f"# Page\n\nText.\n\n{body}\n", "utf-8")
    with open(tmp_path / "warnings", "w+", encoding="utf-8") as warnings:
        app = Sphinx(
            tmp_path,
            None,
            tmp_path / "out",
            tmp_path / "trees",
            "html",
            status=None,
            warning=warnings,
            confoverrides={"extensions": ["myst_parser", "kl_explorers"], "html_theme": "basic"},
        )
        app.build()
        warnings.seek(0)
        return (tmp_path / "out" / "index.html").read_text("utf-8"), warnings.read()


def test_the_directive_makes_a_figure_with_a_picture_for_no_javascript(tmp_path):
    page, warnings = built(tmp_path, "```{explorer} toy\n:alt: A toy.\nA *toy* to\nplay with.\n```")
    assert warnings == ""
    assert re.search(
        r'<figure class="explorer[^>]*id="explorer-toy">\s*<div data-explorer="toy"><noscript>',
        page,
    )
    assert 'alt="A toy."' in page
    assert "A <em>toy</em> to play with." in page
    assert "explorers/toy.js" in page


NO_FILE = "explorer 'toy' has no book/_static/explorers/toy."
NO_WORDS = "explorer 'toy' needs :alt: and a caption"


@pytest.mark.parametrize(
    ("body", "files", "warning"),
    [
        (":alt: A toy.\nA toy.", (), f"{NO_FILE}js"),
        (":alt: A toy.\nA toy.", ("toy.js",), f"{NO_FILE}svg"),
        ("A toy.", ("toy.js", "toy.svg"), NO_WORDS),
        (":alt: A toy.", ("toy.js", "toy.svg"), NO_WORDS),
    ],
)
def test_the_directive_warns_of_what_is_missing(tmp_path, body, files, warning):
    page, warnings = built(tmp_path, f"```{{explorer}} toy\n{body}\n```", files)
    assert warning in warnings
    assert "data-explorer" not in page
    assert "kl_explorer.js" not in page
