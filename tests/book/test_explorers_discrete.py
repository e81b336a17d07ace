"""The explorer of two distributions: its numbers are kl_lib's, however its bars are moved."""

from __future__ import annotations

import numpy as np
import pytest
from explorers import close, opened

import kl_lib as kl

MOUNTAIN, COAST = [0.5, 0.25, 0.125, 0.125], [0.125, 0.5, 0.25, 0.125]


def expected(state: dict) -> dict:
    p, q = state["p"], state["q"]
    base = 2 if state["unit"] == "bits" else None
    pair = (p, q) if state["terms"] == "forward" else (q, p)
    return {
        "entropy": kl.entropy(p, base=base),
        "cross_entropy": kl.cross_entropy(p, q, base=base),
        "kl_pq": kl.kl_divergence(p, q, base=base),
        "kl_qp": kl.kl_divergence(q, p, base=base),
        "js": kl.js_divergence(p, q, base=base),
        "terms": list(kl.kl_terms(*pair, base=base)),
    }


def states() -> list[dict]:
    rng = np.random.default_rng(14)
    pairs = [(MOUNTAIN, COAST), (MOUNTAIN, MOUNTAIN), ([1.0, 0.0], [0.5, 0.5])]
    pairs += [([1.0, 0.0], [0.0, 1.0]), ([0.5, 0.5, 0.0], [0.5, 0.5, 0.0])]
    for _ in range(150):
        p, q = rng.dirichlet(np.full(rng.integers(2, 9), rng.choice([0.3, 1.0, 5.0])), size=2)
        if rng.random() < 0.3:  # almost equal
            q = p * (1 + 10.0 ** rng.uniform(-12, -2) * rng.normal(size=len(p)))
            q /= q.sum()
        if rng.random() < 0.3:
            p[0] = 0
            p /= p.sum()
        if rng.random() < 0.3:
            q[-1] = 0
            q /= q.sum()
        pairs.append((p.tolist(), q.tolist()))
    choices = [(unit, terms) for unit in ("bits", "nats") for terms in ("forward", "reverse")]
    return [
        {"p": p, "q": q, "unit": choices[i % 4][0], "terms": choices[i % 4][1]}
        for i, (p, q) in enumerate(pairs)
    ]


def test_its_numbers_are_those_of_kl_lib(browser):
    with opened(browser, "discrete") as explorer:
        found = explorer.compute(states())
    off = [
        (state, key, got[key], want)
        for state, got in zip(states(), found, strict=True)
        for key, want in expected(state).items()
        for a, b in (zip(got[key], want, strict=True) if key == "terms" else [(got[key], want)])
        if not close(a, b)
    ]
    assert off == []
    assert sum(np.isinf(x["kl_pq"]) for x in found) > 10


def shares(explorer, letter: str) -> list[float]:
    handles = explorer.root.locator(f'[role="slider"][aria-label^="{letter} of "]')
    return [float(handles.nth(i).get_attribute("aria-valuenow")) for i in range(handles.count())]


def agrees(explorer) -> bool:
    state = {"p": shares(explorer, "p"), "q": shares(explorer, "q")}
    state |= {"unit": explorer.field("Unit").input_value()}
    state |= {"terms": explorer.field("Terms of").input_value()}
    want, seen = expected(state), explorer.readout()
    labels = ["Entropy H(p)", "Cross-entropy H(p, q)", "KL(p‖q)", "KL(q‖p)", "Jensen–Shannon"]
    assert list(seen) == labels
    return all(close(x, want[key]) for x, key in zip(seen.values(), want, strict=False))


def test_its_bars_move_by_pointer_and_by_key(browser):
    with opened(browser, "discrete") as explorer:
        assert agrees(explorer)
        explorer.drag("q of sun", 0, -45)  # half of the height of 90
        assert shares(explorer, "q")[0] == pytest.approx(0.625, abs=0.01)
        assert sum(shares(explorer, "q")) == pytest.approx(1, abs=1e-12)
        assert shares(explorer, "q")[2] == pytest.approx(2 * shares(explorer, "q")[3], abs=2e-4)
        assert shares(explorer, "p") == MOUNTAIN
        assert agrees(explorer)
        explorer.handle("p of rain").press("ArrowUp")
        assert shares(explorer, "p")[2] == 0.135
        explorer.handle("p of rain").press("PageDown")
        assert shares(explorer, "p")[2] == 0.035
        explorer.field("Unit").select_option("nats")
        assert agrees(explorer)
        assert explorer.shown()["KL(p‖q)"].endswith(" nats")
        explorer.handle("q of snow").press("Home")
        assert explorer.shown()["KL(p‖q)"] == "∞ nats"
        assert "q gives it none" in explorer.root.inner_text()
        assert agrees(explorer)
        explorer.handle("q of snow").press("End")
        assert shares(explorer, "q") == [0, 0, 0, 1]
        explorer.set_number("Kinds of weather", 6)
        assert len(shares(explorer, "p")) == len(shares(explorer, "q")) == 6
        explorer.set_number("Kinds of weather", 2)
        assert [sum(shares(explorer, letter)) for letter in "pq"] == [1, 1]
        explorer.root.get_by_role("button", name="Reset").click()
        assert shares(explorer, "q") == COAST


def test_an_address_may_have_lists_and_a_count_that_do_not_fit(browser):
    for query, count in (("count=3.4", 3), ("p=0.5_0.5", 2), ("q=0.2_0.3_0.5&discrete.count=5", 5)):
        with opened(browser, "discrete", f"?discrete.{query}") as explorer:
            assert len(shares(explorer, "p")) == len(shares(explorer, "q")) == count
            assert explorer.field("Kinds of weather").input_value() == str(count)
            assert agrees(explorer)


def test_copy_link_copies_where_the_browser_allows_it_and_shows_the_link_elsewhere(browser):
    with opened(browser, "discrete", permissions=["clipboard-read", "clipboard-write"]) as explorer:
        explorer.handle("q of snow").press("Home")
        shown = explorer.link()
        explorer.root.get_by_text("Copied: ").wait_for()
        assert explorer.page.evaluate("navigator.clipboard.readText()") == shown
        assert shown.endswith(".html?discrete.q=0.1429_0.5714_0.2857_0#explorer-discrete")
    with opened(browser, "discrete") as explorer:
        explorer.page.evaluate(
            "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
        )  # as on a page that is not secure
        assert explorer.link().endswith(".html#explorer-discrete")
        explorer.root.get_by_text("Copy this link: ").wait_for()


def test_its_table_has_every_term(browser):
    with opened(browser, "discrete") as explorer:
        explorer.root.locator("summary").click()
        rows = explorer.root.locator("tbody tr")
        assert rows.all_inner_texts()[0].split() == ["sun", "0.5000", "0.1250", "1.0000"]
        assert rows.all_inner_texts()[-1].split() == ["sum", "1.0000", "1.0000", "0.6250"]
        explorer.field("Terms of").select_option("reverse")
        assert rows.all_inner_texts()[0].split() == ["sun", "0.5000", "0.1250", "−0.2500"]
