"""The puzzle of drawing q: its p, its targets and its score, and that it can be solved."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from explorers import close, opened, random_numbers

import kl_lib as kl


def row(stream: Iterator[float]) -> list[float]:
    sizes = [-math.log(1 - next(stream)) + 0.15 for _ in range(6)]
    hundredths = [math.floor(100 * size / sum(sizes) + 0.5) for size in sizes]
    hundredths[hundredths.index(max(hundredths))] += 100 - sum(hundredths)
    return [x / 100 for x in hundredths]


def expected(seed: int, goal: str, q: list[float]) -> dict:
    stream = random_numbers(seed)
    p, solution = row(stream), row(stream)
    while min(kl.kl_divergence(p, solution), kl.kl_divergence(solution, p)) < 0.1:
        solution = row(stream)
    both = ("pq", p, q, solution), ("qp", q, p, solution)
    target = {
        "pq": round(kl.kl_divergence(p, solution), 3),
        "qp": round(kl.kl_divergence(solution, p), 3),
    }
    value = {key: kl.kl_divergence(a, b) for key, a, b, _ in both}
    points = {key: 100 * max(0, 1 - abs(value[key] - target[key]) / target[key]) for key in value}
    score = {"forward": points["pq"], "reverse": points["qp"], "both": min(points.values())}
    return {
        **{"p": p, "solution": solution, "target_pq": target["pq"], "target_qp": target["qp"]},
        **{"kl_pq": value["pq"], "kl_qp": value["qp"], "score": score[goal]},
    }


def states() -> list[dict]:
    rng = np.random.default_rng(16)
    goals = ("forward", "reverse", "both")
    rows = [np.round(rng.dirichlet(np.ones(6)), 4) for _ in range(90)]
    for q in rows[::4]:
        q[rng.integers(6)] = 0
    for q in rows:
        q[np.argmax(q)] = 0
        q[np.argmin(q)] = round(1 - q.sum(), 4)
    return [
        {"seed": i + 1, "goal": goals[i % 3], "q": q.round(4).tolist()} for i, q in enumerate(rows)
    ]


def test_puzzles_and_scores_have_the_numbers_of_kl_lib(browser):
    with opened(browser, "draw") as explorer:
        found = explorer.compute(states())
    for state, got in zip(states(), found, strict=True):
        want = expected(state["seed"], state["goal"], state["q"])
        assert got["p"] == want["p"]
        assert got["solution"] == want["solution"]
        assert min(got["p"]) > 0
        for key in ("target_pq", "target_qp", "kl_pq", "kl_qp"):
            assert close(got[key], want[key]), (state, key)
        # The score is a difference of two of them.
        assert close(got["score"], want["score"], 1e-10, 1e-10), state


def test_every_puzzle_has_the_solution_that_it_shows(browser):
    with opened(browser, "draw", "?draw.goal=both") as explorer:
        for seed in (1, 2, 9, 25, 77, 9999):
            explorer.set_number("Puzzle number", seed)
            explorer.root.get_by_role("button", name="Show a solution").click()
            assert float(explorer.readout()["Score"]) >= 95
            assert "Solved." in explorer.root.inner_text()
        explorer.root.get_by_role("button", name="Next puzzle").click()
        assert explorer.field("Puzzle number").input_value() == "1"


def shares(explorer) -> list[float]:
    handles = explorer.root.locator("[role=slider]")
    return [float(handles.nth(i).get_attribute("aria-valuenow")) for i in range(6)]


def test_the_bars_of_q_are_drawn_by_pointer_and_by_key(browser):
    with opened(browser, "draw") as explorer:
        seed = int(explorer.field("Puzzle number").input_value())
        assert float(explorer.readout()["Score"]) < 70  # something is left to do
        explorer.handle("q of b").press("PageUp")
        assert shares(explorer)[1] == pytest.approx(0.2667, abs=1e-9)
        explorer.drag("q of a", 0, -40)
        assert shares(explorer)[0] > 0.25
        third = shares(explorer)[2]
        width = explorer.root.locator("svg").bounding_box()["width"]
        explorer.drag("q of b", (width - 48) / 6, -60)  # on to the next bar
        assert shares(explorer)[2] > third + 0.05
        want = expected(seed, "forward", shares(explorer))
        seen = explorer.readout()
        assert close(seen["Your KL(p‖q)"], want["kl_pq"])
        assert seen["Target for KL(p‖q)"] == want["target_pq"]
        assert int(seen["Score"]) == math.floor(want["score"])
        explorer.handle("q of f").press("Home")
        assert explorer.shown()["Your KL(p‖q)"] == "∞ nats"
        assert explorer.readout()["Score"] == 0
        explorer.field("Goal").select_option("reverse")
        assert close(
            explorer.readout()["Your KL(q‖p)"], expected(seed, "reverse", shares(explorer))["kl_qp"]
        )
