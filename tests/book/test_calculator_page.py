"""The calculator as a reader uses it: on its page of the built book, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from thorough import first_of

from kl_lib import diagnose

#: Of which one row is infinite.
BATCH = "[[0.5, 0.5], [0.2, 0.8]]", "[[0, 1], [0.2, 0.8]]"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def page(browser, site) -> Iterator[Page]:
    """The page, opened as a file; it asks nothing of anyone and raises nothing."""
    yield from opened(browser, site)


def address(site: Path) -> str:
    return (site / "book" / "calculator.html").as_uri()


def opened(browser: Browser, site: Path, **options) -> Iterator[Page]:
    context = browser.new_context(**{"viewport": DESK, **options})
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:", "blob:"))
            else wrong.append(asked.url))  # fmt: skip
    page.goto(address(site))
    yield page
    context.close()
    assert wrong == []


def box(page: Page, name: str):
    return page.get_by_label({"p": "p, the reference", "q": "q, the approximation"}[name])


def paste(page: Page, p: str, q: str) -> None:
    for name, text in (("p", p), ("q", q)):
        box(page, name).fill(text)
    page.get_by_role("button", name="Diagnose").click()


def verdict(page: Page) -> str:
    return page.locator(".calculator-verdict").inner_text()


def shown(page: Page) -> str:
    return page.locator(".calculator-report").inner_text()


def test_it_begins_with_an_example_and_its_report(page):
    assert verdict(page) == "No KL: q is not a distribution."
    assert "kl_lib.kl_from_logits(np.log(p), q)" in shown(page)
    assert page.get_by_role("heading", name="Other libraries on the same input").is_visible()


def test_pasted_and_pressed_it_shows_what_diagnose_prints(page):
    p, q = [0.2, 0.5, 0.2, 0.1], [0.3, 0.4, 0.1, 0.2]
    paste(page, "0.2 0.5 0.2 0.1", "[0.3, 0.4, 0.1, 0.2]")
    report = diagnose(p, q, libraries=("scipy",))
    assert verdict(page) == report.verdict
    for measure in report.measures:
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=measure.name))
        told = [x.strip() for x in row.first.inner_text().split("\t")]
        assert told == [measure.name, f"{measure.nats:.6g}", f"{measure.bits:.6g}"]
    for answer in report.answers:
        assert answer.call in shown(page)


def test_options_change_the_report(page):
    paste(page, "2 5 2 1", "3 4 1 2")
    assert verdict(page) == "No KL: neither p nor q is a distribution."
    page.get_by_label("Divide counts by their sums").check()
    assert verdict(page) == diagnose([2, 5, 2, 1], [3, 4, 1, 2], normalize=True).verdict
    page.get_by_label("One more base of the logarithm").fill("10")
    page.keyboard.press("Tab")
    assert page.get_by_role("columnheader", name="base 10").is_visible()
    page.get_by_label("One more base of the logarithm").fill("ten")
    page.keyboard.press("Tab")
    assert verdict(page) == "No KL: base cannot be used."
    assert "base is 'ten'; pass a number above 0 other than 1" in shown(page)
    page.get_by_label("One more base of the logarithm").fill("")
    page.get_by_label("In a table").select_option("0")
    paste(page, "[[2, 3], [2, 1]]", "[[1, 2], [1, 2]]")
    assert "2 rows of 2 categories on axis 0; counts divided by their sums" in shown(page)
    page.get_by_role("button", name="Swap p and q").click()
    assert box(page, "p").input_value() == "[[1, 2], [1, 2]]"


def test_what_cannot_be_read_is_said_at_its_box(page):
    paste(page, "0.1 0.2 0.7\n0.3 0.3 abc", "0.5 0.5")
    fault = page.locator("#calculator-p-fault")
    assert fault.inner_text() == "p: row 2, column 3: 'abc' is not a number"
    assert box(page, "p").get_attribute("aria-invalid") == "true"
    assert box(page, "p").get_attribute("aria-describedby") == "calculator-p-fault"
    assert "row 2, column 3: 'abc' is not a number" in verdict(page)
    assert shown(page) == ""
    paste(page, "0.1 0.9", "0.5 0.5")
    assert fault.inner_text() == ""
    assert box(page, "p").get_attribute("aria-invalid") is None
    assert verdict(page).startswith("KL(p‖q) = ")


def test_one_box_may_hold_both(page):
    box(page, "q").fill("")
    box(page, "p").fill('{"p": [[0.5, 0.5], [0.2, 0.8]], "q": [0.9, 0.1]}')
    page.get_by_role("button", name="Diagnose").click()
    assert box(page, "p").input_value() == "[[0.5, 0.5],\n [0.2, 0.8]]"
    assert box(page, "q").input_value() == "[0.9, 0.1]"
    assert verdict(page) == diagnose([[0.5, 0.5], [0.2, 0.8]], [0.9, 0.1]).verdict
    box(page, "p").fill('{"p": [0.5, 0.5], "q": [0.9, 0.1]}')
    page.get_by_role("button", name="Diagnose").click()
    assert "it holds p and q; empty the other box" in verdict(page)


@pytest.mark.parametrize("dtype", first_of(["f8", "f4", "i8", "u1", ">f8", "?"], keep=2))
def test_a_file_of_numpy_is_chosen(page, tmp_path, dtype):
    array = np.array([[1, 0, 1], [1, 1, 0]]).astype(dtype)
    if array.dtype.kind == "f":
        array = (array / 3).astype(dtype)
    np.save(tmp_path / "p.npy", np.asfortranarray(array) if dtype == "f4" else array)
    page.get_by_label("A file with p").set_input_files(tmp_path / "p.npy")
    lists = ",\n ".join(map(repr, array.tolist()))
    expect(box(page, "p")).to_have_value(f"[{lists}]")
    assert f"p: float64, shape (2, 3), from 0 to {float(array.max()):.6g}" in shown(page)


def test_other_files_are_chosen_or_refused(page, tmp_path):
    files = {"q.csv": "cat,dog\n0.4,0.6\n", "q.json": '{"dog": 0.6, "cat": 0.4}'}
    box(page, "p").fill("cat 0.5\ndog 0.5")
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        page.get_by_label("A file with q").set_input_files(tmp_path / name)
        expect(box(page, "q")).to_have_value(text)
        assert verdict(page) == diagnose([0.5, 0.5], [0.4, 0.6]).verdict
    np.savez(tmp_path / "both.npz", p=[1.0])
    (tmp_path / "text.txt").write_bytes(b"\xff\xfe\x00")
    np.save(tmp_path / "object.npy", np.array(["a"]))
    for name, said in {
        "both.npz": "both.npz holds several arrays; save one with np.save",
        "text.txt": "text.txt is neither text nor .npy",
        "object.npy": "object.npy has dtype U1; save it with array.astype(float)",
    }.items():
        page.get_by_label("A file with q").set_input_files(tmp_path / name)
        expect(page.locator("#calculator-q-fault")).to_contain_text(said)


def test_a_file_is_dropped_on_a_box(page):
    page.evaluate("""() => {
        const data = new DataTransfer();
        data.items.add(new File(["0.25 0.75"], "q.txt", { type: "text/plain" }));
        const box = document.getElementById("calculator-q");
        box.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, bubbles: true }));
        box.dispatchEvent(new DragEvent("drop",
            { dataTransfer: data, bubbles: true, cancelable: true }));
    }""")
    expect(box(page, "q")).to_have_value("0.25 0.75")
    assert "q: float64, shape (2,)" in shown(page)


def test_a_link_restores_what_was_pasted(page, site):
    assert "#" not in page.url
    page.get_by_label("Divide counts by their sums").check()
    page.get_by_label("In a table").select_option("0")
    page.get_by_label("One more base of the logarithm").fill("10")
    paste(page, "[[2, 3],\n [1, 4]]", "a&b=c 2 3\nd#é 4 5")
    report = verdict(page), shown(page)
    page.get_by_role("button", name="Copy link").click()
    link = page.get_by_label("Link to this state").input_value()
    assert link.startswith(f"{address(site)}#calculator?")
    page.goto("about:blank")
    page.goto(link)
    assert box(page, "p").input_value() == "[[2, 3],\n [1, 4]]"
    assert box(page, "q").input_value() == "a&b=c 2 3\nd#é 4 5"
    assert page.get_by_label("Divide counts by their sums").is_checked()
    assert page.get_by_label("In a table").input_value() == "0"
    assert page.get_by_label("One more base of the logarithm").input_value() == "10"
    assert (verdict(page), shown(page)) == report
    page.reload()
    assert (verdict(page), shown(page)) == report


@pytest.mark.parametrize(
    "nonsense", first_of(["axis=7&base=-", "%E0%A4%A", "normalize=maybe", "", "p"], keep=2)
)
def test_nonsense_in_the_address_does_no_harm(page, site, nonsense):
    page.goto("about:blank")
    page.goto(f"{address(site)}#calculator?{nonsense}")
    assert verdict(page)


def test_every_example_has_its_report(page):
    own, *names = page.get_by_label("Example").locator("option").all_inner_texts()
    assert own == "your own"
    verdicts = set()
    for name in names:
        page.get_by_label("Example").select_option(name)
        assert page.locator("[aria-invalid]").count() == 0
        verdicts.add(verdict(page))
    paste(page, "0.5 0.5", "0.9 0.1")
    assert page.get_by_label("Example").input_value() == ""
    assert len(names) >= 8
    assert len(verdicts) >= 6


def test_the_keyboard_is_enough(page):
    page.get_by_label("Example").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "calculator-p"
    page.keyboard.press("Control+a")
    page.keyboard.type("0.5 0.5")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "calculator-q"
    page.keyboard.press("Control+a")
    page.keyboard.type("0.9 0.1")
    page.keyboard.press("Control+Enter")
    assert verdict(page) == diagnose([0.5, 0.5], [0.9, 0.1]).verdict
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("""() => { const x = document.activeElement;
            return x.id || x.textContent.slice(0, 20); }""")
        )
    assert {"calculator-axis", "calculator-base", "calculator-normalize"} <= reached
    assert {"Diagnose", "Swap p and q", "Copy link"} <= reached


def test_a_screen_reader_is_told_the_verdict_and_nothing_else(page):
    told = page.locator(".calculator-verdict")
    assert told.get_attribute("role") == "status"
    told.evaluate("""part => { window.said = [];
        new MutationObserver(() => said.push(part.textContent))
            .observe(part, { childList: true }); }""")
    paste(page, "0.5 0.5", "0.9 0.1")
    page.wait_for_function("said.length > 0")
    assert set(page.evaluate("said")) == {diagnose([0.5, 0.5], [0.9, 0.1]).verdict}
    assert page.locator(".calculator-report").get_attribute("aria-live") is None


@pytest.mark.parametrize(
    ("screen", "theme", "pair"),
    first_of(product([PHONE, DESK], ["dark", "light"], [BATCH, None, ("x", "")])),
)
def test_axe_finds_nothing(browser, site, screen, theme, pair):
    for page in opened(browser, site, viewport=screen, color_scheme=theme):
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        if pair:
            paste(page, *pair)
        # Without preload: axe would ask for style sheets, which a page opened as a file may not.
        answer = Axe().run(page, '[data-explorer="calculator"]', {"preload": False})
        faults = answer.response["violations"]
        assert [(x["id"], x["nodes"][0]["html"]) for x in faults] == []
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= screen["width"]


def test_on_a_phone_nothing_is_cut_or_too_small_for_a_finger(browser, site):
    for page in opened(browser, site, viewport={"width": 360, "height": 740}):
        paste(page, *BATCH)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        outside = page.evaluate("""() => {
            const frame = document.querySelector(".calculator").getBoundingClientRect();
            return [...document.querySelectorAll(".calculator :is(p, li, code, select, textarea)")]
                .filter(part => part.getBoundingClientRect().right > frame.right + 1)
                .map(part => part.outerHTML.slice(0, 80)); }""")
        assert outside == []
        small = page.evaluate("""() => [...document.querySelectorAll(
                ".calculator :is(button, select, input, textarea)")]
            .filter(part => part.getBoundingClientRect().height < 24)
            .map(part => part.outerHTML)""")
        assert small == []


def test_without_javascript_it_says_what_to_run_in_python(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(site))
    told = page.locator("[data-explorer=calculator]").inner_text()
    context.close()
    assert re.sub(r"\s+", " ", told).strip() == (
        "The calculator needs JavaScript, which is switched off here. In Python the same report is "
        "printed by print(kl_lib.diagnose(p, q)), on the command line by kl-lib diagnose p.csv "
        "q.csv."
    )
