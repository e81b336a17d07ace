"""The explorer of two coins: its odds follow Bayes' rule, its binomials are exact, its flips are
those of the seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from explorers import PHONE, close, opened, random_numbers
from mpmath import mp, mpf
from scipy.stats import binom

import kl_lib as kl

FAIR, UNFAIR = [0.5, 0.5], [0.99, 0.01]


def flips_of(state: dict) -> list[int]:
    """The sides that the seed gives: 0 is heads, 1 tails."""
    chance = 0.5 if state["truth"] == "fair" else state["heads"]
    drawn = random_numbers(state["seed"])
    return [0 if next(drawn) < chance else 1 for _ in range(state["flips"])]


def exact(state: dict) -> dict:
    """Everything that the explorer shows, with 30 digits."""
    with mp.workdps(30):
        n, cut = state["flips"], mpf(state["cut"])
        coins = {"p": [mpf("0.5")] * 2, "q": [mpf(state["heads"]), mpf(1 - state["heads"])]}
        ratio = [mp.log(a / b) for a, b in zip(coins["p"], coins["q"], strict=True)]
        prior = mpf(state["prior"])
        sides = flips_of(state)
        odds = [mp.log((1 - prior) / prior)]
        for side in sides:
            odds.append(odds[-1] + ratio[side])
        evidence = [(n - k) * ratio[0] + k * ratio[1] for k in range(n + 1)]
        under = {
            f"under_{name}": [mp.binomial(n, k) * a ** (n - k) * b**k for k in range(n + 1)]
            for name, (a, b) in coins.items()
        }
        decided = [i for i, x in enumerate(odds) if abs(x) >= mp.log(mpf(state["odds"]))]
        return {
            **under,
            "odds": odds,
            "evidence": evidence,
            "now": odds[-1],
            "belief": 1 / (1 + mp.exp(-odds[-1])),
            "fair_called_unfair": mp.fsum(
                c for c, x in zip(under["under_p"], evidence, strict=True) if x < cut
            ),
            "unfair_called_fair": mp.fsum(
                c for c, x in zip(under["under_q"], evidence, strict=True) if x >= cut
            ),
            "kl_pq": kl.kl_divergence(FAIR, [state["heads"], 1 - state["heads"]]),
            "kl_qp": kl.kl_divergence([state["heads"], 1 - state["heads"]], FAIR),
            "decided": decided[0] if decided else None,
            "tails": sum(sides),
            "sides": sides,
        }


def states() -> list[dict]:
    rng = np.random.default_rng(5)
    sizes = [0, 1, 2, 10, 1000, *rng.integers(3, 120, size=60)]
    return [
        {
            "truth": ("fair", "unfair")[i % 2],
            "heads": (0.99, 0.51, float(rng.integers(51, 100)) / 100)[i % 3],
            "prior": ("0.5", "0.01", "0.000001")[i % 3],
            "odds": ("9", "99", "9999", "1000000")[i % 4],
            "flips": int(n),
            "cut": float(rng.choice([0, -3.3, 2.7, 20, -20])) if n else 0,
            "seed": int(rng.integers(0, 1000)),
        }
        for i, n in enumerate(sizes)
    ]


def test_its_numbers_are_exact(browser):
    with opened(browser, "coins") as explorer:
        found = explorer.compute(states())
    off = []
    for state, got in zip(states(), found, strict=True):
        want = exact(state)
        for key in ("decided", "tails", "sides"):
            off += [] if got[key] == want.pop(key) else [(state, key)]
        for key, value in want.items():
            pairs = [(got[key], value)]
            if isinstance(value, list):
                pairs = list(zip(got[key], value, strict=True))
            # Heads and tails may cancel: evidence is right to twelve digits of its parts.
            near = 1e-13 * state["flips"] if key in ("odds", "evidence", "now") else 0
            relative = 1e-11 if key == "belief" else 1e-12
            off += [
                (state, key, a, float(b))
                for a, b in pairs
                if not close(a, float(b), relative=relative, absolute=near)
            ]
    assert off == []
    assert {got["decided"] is None for got in found} == {True, False}


def test_its_mistakes_are_those_of_scipys_binomial(browser):
    """The chapter's best rule: after ten flips wrong in 7.5 of 1000 cases."""
    state = {"truth": "fair", "heads": 0.99, "prior": "0.5", "odds": "99", "cut": 0, "seed": 1}
    with opened(browser, "coins") as explorer:
        found = explorer.compute([state | {"flips": n} for n in (1, 2, 5, 10, 20)])
    chances = [(x["fair_called_unfair"] + x["unfair_called_fair"]) / 2 for x in found]
    tails = [np.arange(n + 1) for n in (1, 2, 5, 10, 20)]
    best = [
        np.minimum(binom.pmf(k, len(k) - 1, 0.5), binom.pmf(k, len(k) - 1, 0.01)).sum() / 2
        for k in tails
    ]
    assert chances == pytest.approx(best, rel=1e-10)
    assert round(1000 * chances[3], 1) == 7.5


def press(explorer, name: str) -> None:
    explorer.root.get_by_role("button", name=name, exact=True).click()


def state_shown(explorer) -> dict:
    labels = {
        "truth": "The coin is",
        "prior": "Prior of unfair",
        "odds": "Decide at odds of",
        "heads": "P(heads) of the unfair coin",
        "flips": "Flips",
        "cut": "Call it fair if L is at least",
        "seed": "Seed",
    }
    shown = {key: explorer.field(label).input_value() for key, label in labels.items()}
    return shown | {key: float(shown[key]) for key in ("heads", "cut")} | {
        key: int(shown[key]) for key in ("flips", "seed")
    }  # fmt: skip


def agrees(explorer) -> bool:
    want, seen = exact(state_shown(explorer)), explorer.readout()
    pairs = {
        "Log odds of fair": want["now"],
        "Probability of fair": want["belief"],
        "If fair, KL(p‖q)": want["kl_pq"],
        "If unfair, −KL(q‖p)": -want["kl_qp"],
        "Fair, called unfair": want["fair_called_unfair"],
        "Unfair, called fair": want["unfair_called_fair"],
    }
    assert list(seen) == [*list(pairs)[:2], "Evidence per flip", *list(pairs)[2:]]
    return all(close(seen[key], float(value), relative=1e-11) for key, value in pairs.items())


def test_flips_arrive_at_its_buttons(browser):
    with opened(browser, "coins", "?coins.flips=0") as explorer:
        assert explorer.readout()["Log odds of fair"] == 0
        assert explorer.shown()["Evidence per flip"] == "none yet"
        assert "have not reached 99 to 1 yet" in explorer.root.inner_text()
        for name, count in (("Flip", 1), ("Ten flips", 11), ("A hundred", 111)):
            press(explorer, name)
            assert state_shown(explorer)["flips"] == count
            assert agrees(explorer)
        sides = flips_of(state_shown(explorer))
        words = explorer.root.locator("svg text", has_text="Flips:").text_content()
        drawn = words.removeprefix("Flips: … ").split(" ")
        assert len(drawn) > 20
        assert len(drawn) * 14 < explorer.root.locator("svg").bounding_box()["width"]
        assert drawn == ["HT"[side] for side in sides[-len(drawn) :]]
        seen = explorer.readout()["Evidence per flip"]
        tails = sum(sides)
        assert seen * 111 == pytest.approx(
            tails * math.log(50) - (111 - tails) * math.log(1.98), rel=1e-12
        )
        before = explorer.readout()
        press(explorer, "New flips")
        assert state_shown(explorer)["seed"] == 2
        assert explorer.readout() != before
        assert agrees(explorer)
        explorer.field("The coin is").select_option("unfair")
        assert agrees(explorer)
        explorer.set_number("Flips", 995)
        press(explorer, "Ten flips")
        assert state_shown(explorer)["flips"] == 1000
        assert agrees(explorer)


def test_the_same_seed_flips_the_same_coin_from_a_link(browser):
    with opened(browser, "coins", "?coins.seed=77&coins.flips=40") as explorer:
        numbers, address = explorer.readout(), explorer.link()
        assert "coins.seed=77" in address
        press(explorer, "New flips")
        assert explorer.readout() != numbers
        explorer.page.goto("about:blank")  # else only the part after # is another
        explorer.page.goto(address)
        assert explorer.readout() == numbers
        assert agrees(explorer)


def test_the_decision_comes_where_bayes_rule_says(browser):
    with opened(browser, "coins") as explorer:
        for prior, odds in (("0.5", "99"), ("0.01", "9999"), ("0.000001", "99")):
            explorer.field("Prior of unfair").select_option(prior)
            explorer.field("Decide at odds of").select_option(odds)
            assert agrees(explorer)
            want = exact(state_shown(explorer))["decided"]
            said = explorer.root.inner_text()
            start = f"Flip {want} takes" if want else "Without any flip, the prior takes"
            assert f"{start} the odds past {odds} to 1 for fair, which is right." in said
            mark = explorer.root.locator(".decision").get_attribute("cx")
            width = explorer.root.locator("svg").bounding_box()["width"] - 52 - 16
            assert float(mark) == pytest.approx(52 + width * want / 10, abs=0.1)


def test_the_line_between_the_verdicts_is_dragged_and_moved_by_keys(browser):
    with opened(browser, "coins", screen=PHONE) as explorer:
        assert agrees(explorer)
        explorer.field("Call it fair if L is at least").press("ArrowRight")
        assert state_shown(explorer)["cut"] == 0.1
        assert agrees(explorer)
        before = explorer.readout()
        grip = explorer.root.locator(".handle.negative .grip")
        grip.scroll_into_view_if_needed()
        box = grip.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        explorer.page.mouse.move(x, y)
        explorer.page.mouse.down()
        explorer.page.mouse.move(x + 50, y, steps=2)
        explorer.page.mouse.up()
        assert 5 < state_shown(explorer)["cut"] < 15
        after = explorer.readout()
        assert after["Fair, called unfair"] > before["Fair, called unfair"]
        assert after["Unfair, called fair"] < before["Unfair, called fair"]
        assert agrees(explorer)


def test_its_table_is_the_likely_part_of_both_binomials(browser):
    with opened(browser, "coins") as explorer:
        explorer.root.locator("summary").click()
        texts = explorer.root.locator("tbody tr").all_inner_texts()
    rows = [text.replace("−", "-").split() for text in texts]
    assert [row[0] for row in rows] == [str(k) for k in range(11)]
    for k, row in enumerate(rows):
        assert float(row[2]) == pytest.approx(binom.pmf(k, 10, 0.5), abs=6e-5)
        assert float(row[3]) == pytest.approx(binom.pmf(k, 10, 0.01), abs=6e-5)
