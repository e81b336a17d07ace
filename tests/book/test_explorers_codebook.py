"""The explorer of code books: its words are a prefix code within Kraft's budget, its cost is the
entropy plus KL plus what is not spent, and it counts the bits that its seed draws."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from explorers import PHONE, close, opened, random_numbers

import kl_lib as kl

SOURCES = {
    "winter": [0.4, 0.3, 0.2, 0.1],
    "year": [0.5, 0.25, 0.125, 0.125],
    "even": [0.25, 0.25, 0.25, 0.25],
    "sunny": [0.97, 0.01, 0.01, 0.01],
    "die": [0.1, 0.1, 0.1, 0.1, 0.1, 0.5],
}
WEATHER = ["sun", "cloud", "rain", "snow"]


def draws(state: dict) -> list[int]:
    """The symbols that the seed draws: where each number falls among the sums of p."""
    edges = np.cumsum(SOURCES[state["source"]])[:-1]
    numbers = random_numbers(state["seed"])
    return [int(np.searchsorted(edges, next(numbers), side="right")) for _ in range(state["count"])]


def expected(state: dict) -> dict:
    p, lengths = np.array(SOURCES[state["source"]]), np.array(state["lengths"], float)
    q = 2.0**-lengths
    return {
        "spent": q.sum(),
        "entropy": kl.entropy(p, base=2),
        "kl": kl.kl_divergence(p, q / q.sum(), base=2),
        "unspent": -np.log2(q.sum()),
        "mean_length": p @ lengths,
        "counted": lengths[draws(state)].sum(),
    }


def states() -> list[dict]:
    rng = np.random.default_rng(1)
    found = []
    for i in range(200):
        source = list(SOURCES)[i % 5]
        size = len(SOURCES[source])
        whole = bool(rng.integers(2))
        lengths = rng.integers(1, 9, size) if whole else rng.uniform(0.01, 8, size).round(2)
        if i % 7 == 0:  # the ideal ones
            whole, lengths = False, (-np.log2(SOURCES[source])).round(6)
        found.append(
            {
                "source": source,
                "bits": "whole" if whole else "any",
                "lengths": lengths.tolist(),
                "count": int(rng.integers(0, 1001)),
                "seed": int(rng.integers(0, 1000)),
            }
        )
    return found


def test_its_costs_are_those_of_kl_lib(browser):
    with opened(browser, "codebook") as explorer:
        found = explorer.compute(states())
    off = []
    for state, got in zip(states(), found, strict=True):
        for key, value in expected(state).items():
            # log2 of a sum near 1, and KL of the ideal lengths, are zero but for their rounding.
            absolute = 1e-15 if key in ("kl", "unspent") else 0
            if not close(got[key], value, absolute=absolute):
                off.append((state, key, got[key], value))
        assert got["symbols"] == draws(state)
        parts = got["entropy"] + got["kl"] + got["unspent"]
        assert got["mean_length"] == pytest.approx(parts, rel=1e-12)
        if state["bits"] == "any" and state["lengths"][0] == round(
            -np.log2(SOURCES[state["source"]][0]), 6
        ):
            assert got["mean_length"] == pytest.approx(got["entropy"], abs=1e-6)
            assert got["kl"] == pytest.approx(0, abs=1e-11)
    assert off == []
    assert {got["words"] is None for got in found} == {True, False}


def is_prefix_free(words: list[str]) -> bool:
    return not any(
        a.startswith(b) or b.startswith(a) for a, b in itertools.combinations(words, 2)
    )  # fmt: skip


def test_its_words_are_a_prefix_code_wherever_the_budget_allows_one(browser):
    base = {"source": "winter", "bits": "whole", "count": 0, "seed": 1}
    lengths = list(itertools.product(range(1, 9), repeat=4))[::3]
    with opened(browser, "codebook") as explorer:
        found = explorer.page.evaluate(
            """([base, all]) => all.map(lengths =>
                klExplorer.defined.codebook.compute({ ...base, lengths }).words)""",
            [base, lengths],
        )
    for asked, words in zip(lengths, found, strict=True):
        assert (words is not None) == (sum(2.0**-x for x in asked) <= 1)
        if words:
            assert [len(word) for word in words] == list(asked)
            assert set("".join(words)) <= {"0", "1"}
            assert is_prefix_free(words)


def press(explorer, name: str) -> None:
    explorer.root.get_by_role("button", name=name, exact=True).click()


def state_shown(explorer) -> dict:
    handles = explorer.root.locator('[role="slider"]')
    lengths = [float(handles.nth(i).get_attribute("aria-valuenow")) for i in range(handles.count())]
    return {
        "source": explorer.field("Symbols from").input_value(),
        "bits": explorer.field("Lengths").input_value(),
        "count": int(explorer.field("Symbols drawn").input_value()),
        "seed": int(explorer.field("Seed").input_value()),
        "lengths": lengths,
    }


def agrees(explorer) -> bool:
    state, seen = state_shown(explorer), explorer.readout()
    want = expected(state)
    pairs = {
        "Mean length": want["mean_length"],
        "Entropy H(p)": want["entropy"],
        "plus KL(p‖q)": want["kl"],
        "plus budget unspent": want["unspent"],
        "Budget spent": want["spent"],
    }
    within = want["spent"] <= 1 + 1e-6
    count = state["count"]
    pairs[f"Bits of {count} symbols"] = want["counted"] if within else "no code"
    if within and count:
        pairs["Counted per symbol"] = want["counted"] / count
    else:
        pairs["Counted per symbol"] = "none yet" if within else "no code"
    assert list(seen) == list(pairs)
    return all(
        value == seen[key] if isinstance(value, str) else close(seen[key], value, absolute=1e-15)
        for key, value in pairs.items()
    )


def words_shown(explorer) -> list[str]:
    return explorer.root.locator("svg text.strong").all_text_contents()[1 : 1 + 4]


def test_lengths_are_dragged_and_moved_by_keys_within_the_budget(browser):
    with opened(browser, "codebook") as explorer:
        assert agrees(explorer)
        assert words_shown(explorer) == ["110", "10", "0", "111"]
        explorer.drag("length of the word for sun", 0, 30)  # 15 pixels a bit
        assert state_shown(explorer)["lengths"] == [1, 2, 1, 3]
        assert "no prefix code has words this short" in explorer.root.inner_text()
        assert words_shown(explorer) == ["–"] * 4
        assert explorer.shown()["Counted per symbol"] == "no code"
        assert agrees(explorer)
        for _ in range(2):
            explorer.handle("length of the word for rain").press("ArrowUp")
        assert state_shown(explorer)["lengths"] == [1, 2, 3, 3]
        assert words_shown(explorer) == ["0", "10", "110", "111"]
        assert explorer.shown()["Mean length"] == "1.9000 bits"
        assert explorer.shown()["plus KL(p‖q)"] == "0.0536 bits"
        assert agrees(explorer)
        explorer.handle("length of the word for snow").press("ArrowUp")
        assert "A share of 0.0625 of the budget lies idle" in explorer.root.inner_text()
        assert agrees(explorer)
        explorer.handle("length of the word for snow").press("Home")
        assert state_shown(explorer)["lengths"][3] == 1
        explorer.handle("length of the word for snow").press("PageUp")
        assert state_shown(explorer)["lengths"][3] == 8
        press(explorer, "Reset")
        assert state_shown(explorer)["lengths"] == [3, 2, 1, 3]


def test_the_best_whole_lengths_are_best_and_the_ideal_ones_cost_the_entropy(browser):
    """Against all lengths that Kraft's inequality allows; in winter 1.9, as the chapter says."""
    with opened(browser, "codebook") as explorer:
        for source, p in SOURCES.items():
            explorer.field("Symbols from").select_option(source)
            press(explorer, "Best whole lengths")
            every = np.array(list(itertools.product(range(1, 6), repeat=len(p))))
            allowed = every[(2.0**-every).sum(axis=1) <= 1]
            found = state_shown(explorer)
            assert found["bits"] == "whole"
            assert explorer.readout()["Mean length"] == pytest.approx((allowed @ p).min())
            assert agrees(explorer)
            press(explorer, "Ideal lengths")
            assert state_shown(explorer)["lengths"] == pytest.approx(-np.log2(p), abs=1e-6)
            assert explorer.readout()["Mean length"] == pytest.approx(
                kl.entropy(p, base=2), abs=1e-6
            )
            assert agrees(explorer)
        assert "1.9000" not in explorer.shown()["Mean length"]


def test_the_book_of_one_source_codes_another_at_the_price_of_kl(browser):
    with opened(browser, "codebook") as explorer:
        explorer.field("Symbols from").select_option("year")
        press(explorer, "Ideal lengths")
        explorer.field("Symbols from").select_option("winter")
        assert state_shown(explorer)["lengths"] == [1, 2, 3, 3]
        want = kl.kl_divergence(SOURCES["winter"], SOURCES["year"], base=2)
        assert explorer.readout()["plus KL(p‖q)"] == pytest.approx(want, rel=1e-12)
        explorer.field("Lengths").select_option("any")
        explorer.handle("length of the word for sun").press("ArrowUp")
        assert state_shown(explorer)["lengths"][0] == 1.05
        assert agrees(explorer)
        explorer.field("Lengths").select_option("whole")
        assert state_shown(explorer)["lengths"] == [1, 2, 3, 3]
        explorer.field("Symbols from").select_option("die")
        assert len(state_shown(explorer)["lengths"]) == 6
        assert agrees(explorer)


def test_symbols_are_drawn_and_their_bits_counted(browser):
    with opened(browser, "codebook", "?codebook.count=0", PHONE) as explorer:
        assert explorer.shown()["Counted per symbol"] == "none yet"
        assert "Drawn: none yet" in explorer.root.locator("svg").text_content()
        press(explorer, "Draw ten")
        press(explorer, "Draw a hundred")
        state = state_shown(explorer)
        assert state["count"] == 110
        assert agrees(explorer)
        text = explorer.root.locator("svg text", has_text="Drawn:").text_content()
        words = dict(zip(WEATHER, words_shown(explorer), strict=True))
        last = [WEATHER[i] for i in draws(state)]
        shown = text.removeprefix("Drawn: … ").split(", ")
        assert len(shown) > 2
        assert shown == [f"{name} {words[name]}" for name in last[-len(shown) :]]
        before = explorer.readout()
        press(explorer, "New draws")
        assert state_shown(explorer)["seed"] == state["seed"] + 1
        assert explorer.readout() != before
        assert agrees(explorer)
        explorer.set_number("Symbols drawn", 1000)
        press(explorer, "Draw ten")
        assert state_shown(explorer)["count"] == 1000
        seen = explorer.readout()
        spread = np.sqrt(SOURCES["winter"] @ (np.array([3, 2, 1, 3]) - 2.3) ** 2 / 1000)
        assert abs(seen["Counted per symbol"] - seen["Mean length"]) < 4 * spread


def test_its_table_has_every_word(browser):
    with opened(browser, "codebook") as explorer:
        explorer.root.locator("summary").click()
        rows = [row.split() for row in explorer.root.locator("tbody tr").all_inner_texts()]
    assert [row[0] for row in rows] == WEATHER
    assert [row[-1] for row in rows] == ["110", "10", "0", "111"]
    assert [float(row[4]) for row in rows] == [0.125, 0.25, 0.5, 0.125]
    assert [float(row[2]) for row in rows] == pytest.approx(
        -np.log2(SOURCES["winter"]), abs=5e-5
    )  # fmt: skip
